// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import Foundation
public import ReeveStorage

/// The store to scale with: tables of a PostgreSQL database, for as many processes and machines as it serves.
///
///     try await PostgresStore.migrate("host=db.example user=reeve_owner dbname=app", granting: "app")    // once, as the owner
///     let store = try await PostgresStore("host=db.example user=app dbname=app")
///
/// A commit is one round trip, and when it returned the server has it on disk. Calls that find no free connection wait in line; one that waited too long is `StoreError.unavailable(_:)`, and so is one
/// while the server is away: nothing was changed, and nothing has to be restarted. When a connection breaks before a commit's reply came, the commit is `StoreError.outcomeUnknown`, which
/// `Store.transaction` resolves by the records' revisions. A server on another machine is met by TLS alone, with its certificate and name verified. Call ``close()`` before the program ends.
public final class PostgresStore: Store {
    /// What can be set; the defaults are visible here.
    public struct Configuration: Hashable, Sendable {
        /// How many connections there are at most: 1 to 256.
        public var connections: Int
        /// How many calls may wait for a connection: 1 to 1,000,000; those that come then are `StoreError.unavailable(_:)` at once.
        public var queue: Int
        /// How long a call waits for a connection, and a connection may take to be opened, in seconds: 1 to 600. Of several servers each has its share. Looking up a name comes on top.
        public var waitSeconds: Int
        /// How long the server may work on a call, in seconds: 1 to 3,600. A read, and each of the steps in which a commit waits, has a third of it.
        public var statementSeconds: Int
        /// The schema that has the tables: `[a-z_][a-z0-9_]*`, at most 63 bytes, not beginning with `pg_`.
        public var schema: String

        /// A configuration; by default 8 connections, 10,000 calls that wait for at most 5 seconds, 30 seconds a call, and the schema `reeve`. A number out of range counts as the nearest.
        public init(
            connections: Int = 8, queue: Int = 10_000, waitSeconds: Int = 5, statementSeconds: Int = 30,
            schema: String = "reeve"
        ) {
            self.connections = min(max(connections, 1), 256)
            self.queue = min(max(queue, 1), 1_000_000)
            self.waitSeconds = min(max(waitSeconds, 1), 600)
            self.statementSeconds = min(max(statementSeconds, 1), 3600)
            self.schema = schema
        }

        /// What it counts as when a number was set out of range.
        fileprivate var inRange: Self {
            Self(
                connections: connections, queue: queue, waitSeconds: waitSeconds, statementSeconds: statementSeconds,
                schema: schema)
        }
    }

    private let pool: ConnectionPool
    private let schema: PostgresSchema
    /// How often a commit is tried that the server refuses because of others.
    private static let attempts = 10

    /// Opens a store: looks whether its tables are Reeve's and the server keeps what it acknowledges. Throws ``PostgresStoreError``.
    ///
    /// - Parameters:
    ///   - connection: A connection string as libpq reads it, keyword=value pairs or a URI; what it leaves out is taken from the environment (`PGHOST`, `PGPASSFILE` and so on).
    ///   - configuration: How many connections, how long calls wait, and the schema.
    public init(_ connection: String, configuration: Configuration = .init()) async throws(PostgresStoreError) {
        let configuration = configuration.inRange
        let parameters = try ConnectionParameters(connection)
        let schema = try PostgresSchema(configuration.schema)
        self.schema = schema
        let open: ConnectionPool.Opening = { deadline throws(PostgresStoreError) in
            let connection = try Connection.open(parameters, by: deadline)
            try schema.begin(on: connection, configuration)
            return PooledConnection(connection)
        }
        let deadline = ContinuousClock.now + .seconds(configuration.waitSeconds)
        let first = try await onThread { () throws(PostgresStoreError) in try open(deadline) }
        pool = try ConnectionPool(configuration, first: first, open)
    }

    deinit { pool.abandon() }

    /// Makes or renews the tables as the role that is to own them, and lets another one use them. It may be called by several at once, and again; what is there stays. A schema or tables that are
    /// another role's, or have anything that Reeve did not make, are ``PostgresStoreError/Code/notReeves``. It takes at most 60 seconds.
    ///
    /// - Parameters:
    ///   - connection: A connection string of the owner's.
    ///   - schema: The schema, which is made when it is not there.
    ///   - role: The role of the programs that open the store; it gets no more than they need. `nil` for none.
    public static func migrate(
        _ connection: String, schema: String = "reeve", granting role: String? = nil
    ) async throws(PostgresStoreError) {
        let parameters = try ConnectionParameters(connection)
        let tables = try PostgresSchema(schema)
        try await onThread { () throws(PostgresStoreError) in
            let connection = try Connection.open(parameters, by: .now + .seconds(60))
            try tables.migrate(connection, granting: role)
        }
    }

    /// Makes or renews views of the records as JSON, for operators: `access`, `audit`, `plans`, `privacy`, `publishing`, `vault`, `storage` for what is no room's own, and `everything`. They only
    /// read, and show every record: what is no JSON as `{"base64":…}`. Whoever sees them sees personal data that is stored in the clear; secrets are ciphertext. PostgreSQL only. It takes at most
    /// 60 seconds.
    ///
    /// - Parameters:
    ///   - connection: A connection string of the owner's.
    ///   - schema: The schema that ``migrate(_:schema:granting:)`` was run for.
    ///   - role: The role of the operators; it sees the views and nothing else. `nil` for none.
    public static func makeViews(
        _ connection: String, schema: String = "reeve", granting role: String? = nil
    ) async throws(PostgresStoreError) {
        let parameters = try ConnectionParameters(connection)
        let views = PostgresViews(schema: try PostgresSchema(schema))
        try await onThread { () throws(PostgresStoreError) in
            try views.create(Connection.open(parameters, by: .now + .seconds(60)), granting: role)
        }
    }

    // MARK: Reading

    /// The record of a key.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        let rows = try await rows(Request(steps: [.point(key)])).first
        return try rows?.first.map { row throws(StoreError) in try Record(row: row[...], of: key) }
    }

    /// At most `limit` entries of a range, in key order.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        guard limit > 0 else { return [] }
        let rows = try await rows(Request(steps: [.range(range, limit)])).first
        return try rows?.map { row throws(StoreError) in try Entry(row: row) } ?? []
    }

    private func rows(_ request: Request) async throws(StoreError) -> [[[[UInt8]]]] {
        switch await pool.answer(request) {
        case .rows(let rows): return rows
        case .refused(let state): throw .unavailable(PostgresStoreError(state: state).description)
        case .lost: throw .unavailable(PostgresStoreError(.notReachable).description)
        case .unavailable(let reason): throw .unavailable(reason)
        }
    }

    // MARK: Writing

    /// Applies all changes, or none; when it returns the server has them on disk.
    public func commit(_ changes: Changes) async throws(StoreError) {
        try changes.validate()
        guard !changes.changes.isEmpty || !changes.expectations.isEmpty else { return }
        let commit = CommitRequest(changes)
        for attempt in 1... {
            switch await pool.answer(commit.request) {
            case .rows(let rows):
                if commit.request.steps.first?.statement.isWhole == true, rows.first?.isEmpty != false {
                    throw .conflict(commit.anyKey)
                }
                return
            case .refused("22012"):
                // An expectation did not hold. Where it does by now, it is tried again.
                for rows in try await rows(commit.broken) {
                    if let key = rows.first?.first { throw .conflict(Key(encoded: key)) }
                }
            case .refused(let state) where Self.isOthers(state): break
            case .refused(let state): throw .unavailable(PostgresStoreError(state: state).description)
            case .lost: throw .outcomeUnknown
            case .unavailable(let reason): throw .unavailable(reason)
            }
            // Others come first all the time: to its caller that is a conflict like any other.
            guard attempt < Self.attempts else { throw .conflict(commit.anyKey) }
            try? await Task.sleep(for: .milliseconds(Int.random(in: 0...(1 << min(attempt, 6)))))
        }
    }

    /// Whether the server refused because of what others did at the same time: a serialisation failure, a deadlock, a lock that was not to be had, a record that came about.
    private static func isOthers(_ state: String) -> Bool { ["40001", "40P01", "55P03", "23505"].contains(state) }

    /// This store inside a transaction of the host's own, on a connection of the host's own to the same database, whose role `migrate` was run for.
    ///
    ///     let joined = store.joined { statement in try await mine.query(statement) }    // between your BEGIN and COMMIT
    ///
    /// - Parameter run: Runs one statement there with its parameters in binary format, and returns the rows in binary format; throws when it failed.
    public func joined(_ run: @escaping JoinedStore.Run) -> JoinedStore { JoinedStore(schema.quoted, run) }

    /// Ends the connections after what is on its way. Calls that come later are `StoreError.unavailable(_:)`.
    public func close() async { await pool.close() }
}

/// Runs what blocks on a thread that is none of the tasks'.
private func onThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws(PostgresStoreError) -> Value
) async throws(PostgresStoreError) -> Value {
    let result = await withCheckedContinuation { waiter in
        DispatchQueue.global().async {
            do throws(PostgresStoreError) {
                waiter.resume(returning: Result<Value, PostgresStoreError>.success(try body()))
            } catch {
                waiter.resume(returning: .failure(error))
            }
        }
    }
    return try result.get()
}
#else
/// The store to scale with, over PostgreSQL. Enable the PostgreSQL trait to use it.
@available(*, unavailable, message: "enable the PostgreSQL trait: .package(…, traits: [\"PostgreSQL\"])")
public enum PostgresStore: Sendable {}
#endif
