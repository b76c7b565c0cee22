// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite
import Foundation
import GRDB
import ReeveModel
public import ReeveStorage
import Synchronization

/// The embedded durable store: one SQLite file, for as long as one machine is enough.
///
///     let store = try SQLiteStore(path: "/var/lib/my-app/reeve.sqlite")
///
/// A commit that returned is on disk, whatever happens to the process or the machine (`synchronous=FULL`, write-ahead log). Commits that arrive at once share one write to the disk; readers wait for
/// no writer. Several processes may use one file. The file, its log and its backups are readable and writable by their owner alone, under whatever umask; links are not followed, and a file with
/// triggers, views or tables that Reeve did not make is refused. Call ``close()`` before the program ends.
public final class SQLiteStore: Store {
    /// What can be set; the defaults are visible here.
    public struct Configuration: Hashable, Sendable {
        /// How long a commit waits for another process that writes, before it is `StoreError.unavailable(_:)`: 0 to 60 seconds.
        public var busySeconds: Int
        /// How many reads may be made at once: 1 to 64.
        public var readers: Int
        /// How large the file may become, in bytes, 64 KiB or more; then commits are `StoreError.unavailable(_:)` until something is removed. `nil` for as large as the disk lets it.
        public var maximumBytes: Int?

        /// A configuration; by default 5 seconds, 8 readers and no limit. A number out of range counts as the nearest.
        public init(busySeconds: Int = 5, readers: Int = 8, maximumBytes: Int? = nil) {
            self.maximumBytes = maximumBytes.map { max($0, 64 << 10) }
            self.busySeconds = min(max(busySeconds, 0), 60)
            self.readers = min(max(readers, 1), 64)
        }

        /// What it counts as when a number was set out of range.
        fileprivate var inRange: Self { Self(busySeconds: busySeconds, readers: readers, maximumBytes: maximumBytes) }
    }

    /// Where the file is: a path from the root.
    public let path: String
    private let pool: DatabasePool

    /// A commit that waits for its turn.
    private struct Pending {
        let changes: Changes
        let reply: CheckedContinuation<Result<Void, StoreError>, Never>
    }
    private struct Line {
        var waiting: [Pending] = []
        var isWriting = false
        /// The file's schema as it was when it was found to be Reeve's own.
        var schema: Int?
    }
    private let line = Mutex(Line())
    /// At most this many commits share one write.
    private static let mostTogether = 128

    /// Opens a store, and makes its file when there is none; the folder has to be there. Throws ``SQLiteStoreError`` for a file that is none of Reeve's, of a newer format, damaged, in use or not
    /// to be written.
    public init(path: String, configuration: Configuration = .init()) throws(SQLiteStoreError) {
        let path = try StoreFile.absolute(path)
        let configuration = configuration.inRange
        self.path = path
        try StoreFile.prepare(path)
        var settings = GRDB.Configuration()
        settings.busyMode = .timeout(TimeInterval(configuration.busySeconds))
        settings.maximumReaderCount = configuration.readers
        settings.label = "reeve.sqlite"
        // One that cannot be undone at once is by the next commit; the library would end the process.
        settings.allowsUnsafeTransactions = true
        settings.prepareDatabase { db in
            // Of what is removed nothing stays in the file; and nothing in it that was planted runs.
            try db.execute(sql: "PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON")
        }
        do {
            pool = try DatabasePool(path: path, configuration: settings)
            let schema = try pool.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous=FULL")
                guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2,
                    try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal"
                else { throw SQLiteStoreError(.notDurable) }
                if let most = configuration.maximumBytes {
                    let page = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
                    try db.execute(sql: "PRAGMA max_page_count=\(most / page)")
                }
                try StoreSchema.makeIfNew(db)
                return try StoreSchema.check(db)
            }
            line.withLock { $0.schema = schema }
        } catch {
            throw SQLiteStoreError(error)
        }
        // Its log and its index have the file's mode.
        try StoreFile.checkModes(path)
    }

    // MARK: Reading

    /// The record of a key.
    public func record(for key: Key) async throws(StoreError) -> ReeveStorage.Record? { try read(at: key) }

    /// At most `limit` entries of a range, in key order.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try read(in: range, limit)
    }

    private func read(at key: Key) throws(StoreError) -> ReeveStorage.Record? {
        try reading { db in
            let statement = try db.cachedStatement(sql: "SELECT revision, value FROM records WHERE key = ?")
            statement.setUncheckedArguments([Data(key.bytes)])
            return try Row.fetchOne(statement).map { try Self.found(in: $0, key) }
        }
    }

    private func read(in range: KeyRange, _ limit: Int) throws(StoreError) -> [Entry] {
        guard limit > 0 else { return [] }
        return try reading { db in
            let statement = try db.cachedStatement(
                sql: "SELECT revision, value, key FROM records WHERE key >= ? AND key < ? ORDER BY key LIMIT ?")
            statement.setUncheckedArguments([Data(range.lowerBound), Data(range.upperBound), limit])
            var entries: [Entry] = []
            let rows = try Row.fetchCursor(statement)
            while let row = try rows.next() {
                let key = Key(encoded: Self.bytes(in: row, 2) ?? [])
                entries.append(Entry(key: key, record: try Self.found(in: row, key)))
            }
            return entries
        }
    }

    /// One statement is the state of one instant by itself.
    private func reading<Value>(_ body: (Database) throws -> Value) throws(StoreError) -> Value {
        do {
            return try pool.unsafeRead(body)
        } catch let error as StoreError {
            throw error
        } catch {
            throw .unavailable(SQLiteStoreError(error).description)
        }
    }

    private static func found(in row: Row, _ key: Key) throws(StoreError) -> ReeveStorage.Record {
        guard let revision = bytes(in: row, 0).flatMap(Revision.init(bytes:)), let value = bytes(in: row, 1) else {
            throw .malformed(key)
        }
        return ReeveStorage.Record(bytes: value, revision: revision)
    }

    /// A column's bytes, copied once; `nil` where it has none.
    private static func bytes(in row: Row, _ column: Int) -> [UInt8]? {
        try? row.withUnsafeData(atIndex: column) { data in data.map { [UInt8]($0) } }
    }

    // MARK: Writing

    /// Applies all changes, or none; when it returns they are on disk.
    public func commit(_ changes: Changes) async throws(StoreError) {
        try changes.validate()
        let result = await withCheckedContinuation { (reply: CheckedContinuation<Result<Void, StoreError>, Never>) in
            let begins = line.withLock { line in
                line.waiting.append(Pending(changes: changes, reply: reply))
                defer { line.isWriting = true }
                return !line.isWriting
            }
            if begins { pool.asyncWriteWithoutTransaction { db in self.work(db) } }
        }
        try result.get()
    }

    /// Writes what waits, as long as something does: what arrives meanwhile shares the next write.
    private func work(_ db: Database) {
        while true {
            let together = line.withLock { line in
                let first = Array(line.waiting.prefix(Self.mostTogether))
                line.waiting.removeFirst(first.count)
                if first.isEmpty { line.isWriting = false }
                return first
            }
            guard !together.isEmpty else { return }
            let results = write(together.map(\.changes), db)
            for (pending, result) in zip(together, results) { pending.reply.resume(returning: result) }
        }
    }

    /// Applies commits one after the other in one transaction: each as of those before it.
    private func write(_ all: [Changes], _ db: Database) -> [Result<Void, StoreError>] {
        func none(_ error: any Error) -> [Result<Void, StoreError>] {
            let reason = SQLiteStoreError(error).description
            return all.map { _ in .failure(.unavailable(reason)) }
        }
        var results: [Result<Void, StoreError>] = []
        do {
            if db.isInsideTransaction { try db.rollback() }
            try db.beginTransaction(.immediate)
            try checkSchema(db)
            for changes in all { results.append(try apply(changes, db)) }
        } catch {
            // What failed in between is undone as a whole.
            if db.isInsideTransaction { try? db.rollback() }
            return db.isInsideTransaction ? all.map { _ in .failure(.outcomeUnknown) } : none(error)
        }
        do {
            try db.commit()
            return results
        } catch {
            // As long as the transaction stands it has not taken effect; else nobody knows.
            guard db.isInsideTransaction else { return all.map { _ in .failure(.outcomeUnknown) } }
            do {
                try db.rollback()
                return none(error)
            } catch {
                return all.map { _ in .failure(.outcomeUnknown) }
            }
        }
    }

    /// Nobody has put anything beside Reeve's table since it was looked at.
    private func checkSchema(_ db: Database) throws {
        let version = try Int.fetchOne(db.cachedStatement(sql: "PRAGMA schema_version"))
        guard version != line.withLock({ $0.schema }) else { return }
        let checked = try StoreSchema.check(db)
        line.withLock { $0.schema = checked }
    }

    private func apply(_ changes: Changes, _ db: Database) throws -> Result<Void, StoreError> {
        let find = try db.cachedStatement(sql: "SELECT revision FROM records WHERE key = ?")
        for (key, expectation) in changes.expectations {
            find.setUncheckedArguments([Data(key.bytes)])
            let found = try Data.fetchOne(find)
            let holds =
                switch expectation {
                case .absent: found == nil
                case .revision(let revision): found == Data(revision.bytes)
                }
            guard holds else { return .failure(.conflict(key)) }
        }
        let revision = Data(changes.revision.bytes)
        let put = try db.cachedStatement(
            sql: """
                INSERT INTO records (key, revision, value) VALUES (?, ?, ?)
                ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value
                """)
        let remove = try db.cachedStatement(sql: "DELETE FROM records WHERE key = ?")
        for (key, change) in changes.changes {
            switch change {
            case .write(let bytes):
                put.setUncheckedArguments([Data(key.bytes), revision, Data(bytes)])
                try put.execute()
            case .delete:
                remove.setUncheckedArguments([Data(key.bytes)])
                try remove.execute()
            }
        }
        return .success(())
    }

    // MARK: Care

    /// Reads the whole file and throws ``SQLiteStoreError/Code/damaged`` when something in it is not as it was written. Complexity: O(bytes).
    public func checkIntegrity() async throws(SQLiteStoreError) {
        do {
            let found = try await pool.read { db in try String.fetchAll(db, sql: "PRAGMA integrity_check(1)") }
            guard found == ["ok"] else { throw SQLiteStoreError(.damaged) }
            try await pool.read { db in _ = try StoreSchema.check(db) }
        } catch {
            throw SQLiteStoreError(error)
        }
    }

    /// Writes all that is in the log into the file and empties the log, so that nothing that was removed or replaced is in either: call it after something was erased or destroyed.
    /// ``SQLiteStoreError/Code/inUse`` while a reader still looks at what was before.
    public func purge() async throws(SQLiteStoreError) {
        do {
            let isBusy = try await pool.writeWithoutTransaction { db in
                try Int.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)") ?? 1
            }
            guard isBusy == 0 else { throw SQLiteStoreError(.inUse) }
        } catch {
            throw SQLiteStoreError(error)
        }
    }

    /// Copies all that is there at one instant into a new file, while others read and write. What was removed is not in it. ``SQLiteStoreError/Code/alreadyThere`` for a file that is there.
    public func backUp(to path: String) async throws(SQLiteStoreError) {
        let path = try StoreFile.absolute(path)
        try StoreFile.create(path)
        do {
            try await pool.writeWithoutTransaction { db in try db.execute(sql: "VACUUM INTO ?", arguments: [path]) }
            try StoreFile.sync(path)
        } catch {
            StoreFile.remove(path)
            throw SQLiteStoreError(error)
        }
    }

    /// Closes the file. Calls that come later are `StoreError.unavailable(_:)`.
    public func close() throws(SQLiteStoreError) {
        do {
            try pool.close()
        } catch {
            throw SQLiteStoreError(error)
        }
    }
}
#else
/// The embedded durable store, over SQLite. Enable the SQLite trait to use it.
@available(*, unavailable, message: "enable the SQLite trait: .package(…, traits: [\"SQLite\"])")
public enum SQLiteStore: Sendable {}
#endif
