// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
public import ReeveStorage
import Synchronization

/// One statement that a ``JoinedStore`` has run on the host's connection.
public struct PostgresStatement: Sendable {
    /// A parameter in the server's binary format.
    public struct Parameter: Sendable {
        /// The type's number (OID): 17 for `bytea`, 1001 for `bytea[]`, 20 for `bigint`.
        public let type: UInt32
        /// The value in binary format; it may be personal data.
        public let bytes: [UInt8]
    }

    /// Its text, with `$1` and so on for the parameters.
    public let text: String
    /// What is bound to them.
    public let parameters: [Parameter]
}

extension PostgresStatement: CustomStringConvertible, CustomReflectable {
    /// The text alone.
    public var description: String { text }
    /// The text alone.
    public var customMirror: Mirror { Mirror(self, children: ["text": text]) }
}

extension PostgresStatement.Parameter: CustomStringConvertible, CustomReflectable {
    /// The type and the length.
    public var description: String { "type \(type), \(bytes.count) bytes" }
    /// The type alone.
    public var customMirror: Mirror { Mirror(self, children: ["type": type]) }
}

/// A store inside a transaction of the host's own: what is committed to it takes effect with the host's rows, or not at all. ``PostgresStore/joined(_:)`` makes one.
///
/// Open the rooms that should act in the transaction over it, one joined store for one transaction, and let them go with it. What they report as done is done once the host has committed. Reads see what
/// the transaction wrote. One statement runs at a time. After a conflict the transaction may go on; when a call throws `StoreError.unavailable(_:)`, roll it back, and call ``check()`` before you commit.
///
/// The transaction has to be of the level read committed, in a session that waits for the disk (`synchronous_commit`). What goes to an anchor ledger outside of the database is not taken back by a rollback: do
/// not destroy keys in it, nor sequence or sign logs (`runOnce()`).
public struct JoinedStore: Store {
    /// Runs one statement on the connection that has the transaction, and returns the rows' columns in binary format.
    public typealias Run = @Sendable (PostgresStatement) async throws -> [[[UInt8]]]

    private let schema: String
    private let run: Run
    private let turns = Turns<Bool>()
    private let state = Shared()

    private enum State {
        case new
        case looked
        /// Something may be in the transaction in half.
        case lost
    }
    private final class Shared: Sendable {
        let value = Mutex(State.new)
    }

    init(_ schema: String, _ run: @escaping Run) {
        (self.schema, self.run) = (schema, run)
    }

    /// The record of a key, as the transaction sees it.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        let rows = try await turns.run(true) { () throws(StoreError) in
            try await look()
            return try await answer(.point(key))
        }
        return try rows.first.map { row throws(StoreError) in try Record(row: row[...], of: key) }
    }

    /// At most `limit` entries of a range in key order, as the transaction sees them.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        guard limit > 0 else { return [] }
        let rows = try await turns.run(true) { () throws(StoreError) in
            try await look()
            return try await answer(.range(range, limit))
        }
        return try rows.map { row throws(StoreError) in try Entry(row: row) }
    }

    /// Applies all changes in the transaction, or none; others see them once the host has committed.
    public func commit(_ changes: Changes) async throws(StoreError) {
        try changes.validate()
        let steps = CommitRequest(changes).request.steps
        guard !changes.changes.isEmpty || !changes.expectations.isEmpty else { return }
        // No other has this name, neither the host nor another joined store by mistake.
        let savepoint = "reeve_\(String(UInt64.random(in: 0 ... .max), radix: 16))"
        try await turns.run(true) { () throws(StoreError) in
            try await look()
            try await ask("SAVEPOINT \(savepoint)")
            do throws(StoreError) {
                for step in steps { try await take(step) }
                try await ask("RELEASE SAVEPOINT \(savepoint)")
            } catch {
                do throws(StoreError) {
                    for end in ["ROLLBACK TO SAVEPOINT", "RELEASE SAVEPOINT"] { try await ask("\(end) \(savepoint)") }
                } catch let failure {
                    state.value.withLock { $0 = .lost }
                    throw failure
                }
                throw error
            }
        }
    }

    /// Throws `StoreError.unavailable(_:)` when a commit could not be undone as a whole: the transaction has to be rolled back. Call it before you commit.
    public func check() throws(StoreError) {
        guard case .lost = state.value.withLock({ $0 }) else { return }
        throw Self.failed
    }

    private static let failed = StoreError.unavailable(
        "a statement failed in the host's transaction; roll it back, and begin again")

    /// Looks once whether the transaction is one in which a commit holds what it says.
    private func look() async throws(StoreError) {
        guard case .new = state.value.withLock({ $0 }) else { return }
        let settings = try await ask(
            """
            SELECT pg_catalog.convert_to(pg_catalog.current_setting('transaction_isolation'), 'UTF8'),
                pg_catalog.convert_to(pg_catalog.current_setting('synchronous_commit'), 'UTF8')
            """
        ).first?.map { String(decoding: $0, as: UTF8.self) }
        let levels = ["read uncommitted", "read committed", "repeatable read", "serializable"]
        guard let settings, settings.count == 2, levels.contains(settings[0]) else {
            throw .unavailable(
                "the host's rows are not as the server sends them; return their columns in binary format")
        }
        guard settings[0] == "read committed" else {
            throw .unavailable(
                "the host's transaction is \(settings[0]), and would not see what others did meanwhile; begin it as read committed"
            )
        }
        guard settings[1] != "off" else {
            throw .unavailable("the host's session does not wait for the disk; set synchronous_commit to on")
        }
        state.value.withLock { if case .new = $0 { $0 = .looked } }
    }

    /// A step of a commit; an expectation that does not hold is asked for, since an error would end the host's transaction.
    private func take(_ step: Request.Step) async throws(StoreError) {
        switch step.statement {
        case .begin, .commit: break
        case .check, .checkAdded:
            let asked = Request.Step(step.statement == .check ? .broken : .brokenAdded, step.parameters)
            if let key = try await answer(asked).first?.first { throw .conflict(Key(encoded: key)) }
        default:
            let rows = try await answer(step)
            if step.statement.isWhole, rows.isEmpty { throw .conflict(Key(encoded: step.parameters[0])) }
        }
    }

    private func answer(_ step: Request.Step) async throws(StoreError) -> [[[UInt8]]] {
        let parameters = zip(step.statement.types, step.parameters).map {
            PostgresStatement.Parameter(type: $0, bytes: $1)
        }
        return try await ask(step.statement.text(schema), parameters)
    }

    @discardableResult
    private func ask(
        _ text: String, _ parameters: [PostgresStatement.Parameter] = []
    ) async throws(StoreError) -> [[[UInt8]]] {
        try check()
        do {
            return try await run(PostgresStatement(text: text, parameters: parameters))
        } catch {
            throw Self.failed
        }
    }
}
#endif
