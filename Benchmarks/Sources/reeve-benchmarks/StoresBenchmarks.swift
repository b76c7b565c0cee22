// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import GRDB
import RawLibpq
import ReeveModel
import ReevePostgres
import ReeveSQLite
import ReeveStorage

/// The three stores at two sizes, the durable ones beside GRDB and libpq used directly for the same durability. The server is the one that `REEVE_POSTGRES` names, as `Scripts/bench` starts it.
struct StoresBenchmarks {
    let harness: Harness

    /// Records of 300 bytes, as many as there are keys.
    private static let value = [UInt8](repeating: 7, count: 300)
    private static func key(_ index: Int) -> Key { Key(.platform, [.text("bench"), .integer(Int64(index))]) }

    func run() async throws {
        guard let server = ProcessInfo.processInfo.environment["REEVE_POSTGRES"] else {
            print("stores: REEVE_POSTGRES is not set; Scripts/bench stores sets it")
            return
        }
        for size in harness.scale == 1 ? [1000] : [1000, 1_000_000] { try await run(size, server) }
    }

    private func run(_ size: Int, _ server: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "reeve-bench-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let schema = "bench\(UInt32.random(in: 0 ... .max))"
        try await PostgresStore.migrate(server, schema: schema)
        let memory = MemoryStore()
        let sqlite = try SQLiteStore(path: folder.path + "/store")
        let postgres = try await PostgresStore(server, configuration: .init(schema: schema))
        for store in [memory, sqlite, postgres] as [any Store] { try await Self.fill(store, size) }
        // The peers work on copies of the same table.
        try await sqlite.backUp(to: folder.path + "/direct")
        let direct = try DirectGRDB(folder.path + "/direct")
        let raw = try DirectLibpq(server, schema)

        var index = 0
        func next() -> Int {
            index = (index + 7919) % size
            return index
        }
        try await harness.compare(
            "read of one record, \(size) records", operations: 2000,
            [
                .init("GRDB") { try direct.read(Self.key(next())) },
                .init("SQLiteStore") { _ = try await sqlite.record(for: Self.key(next())) },
            ])
        try await harness.compare(
            "read of one record, \(size) records", operations: 1000,
            [
                .init("libpq") { raw.read(Self.key(next())) },
                .init("PostgresStore") { _ = try await postgres.record(for: Self.key(next())) },
            ])
        try await harness.measure("MemoryStore: read of one record, \(size) records", operations: 20_000) {
            _ = try await memory.record(for: Self.key(next()))
        }
        let whole = KeyRange(under: Key(.platform, [.text("bench")]))
        func range() -> KeyRange { whole.after(Self.key(next())) }
        try await harness.compare(
            "range of 100, \(size) records", operations: 200,
            [
                .init("GRDB") { try direct.scan(range()) },
                .init("SQLiteStore") { _ = try await sqlite.records(in: range(), limit: 100) },
            ])
        try await harness.compare(
            "range of 100, \(size) records", operations: 200,
            [
                .init("libpq") { raw.scan(range()) },
                .init("PostgresStore") { _ = try await postgres.records(in: range(), limit: 100) },
            ])
        for count in [1, 10, 100] {
            func changes() -> Changes {
                var changes = Changes()
                for _ in 0..<count { changes.write(Self.key(next()), Self.value) }
                return changes
            }
            try await harness.compare(
                "commit of \(count), \(size) records", operations: 50,
                [
                    .init("GRDB") { try await direct.commit(changes()) },
                    .init("SQLiteStore") { try await sqlite.commit(changes()) },
                ])
            try await harness.compare(
                "commit of \(count), \(size) records", operations: 50,
                [
                    .init("libpq") { try raw.commit(changes()) },
                    .init("PostgresStore") { try await postgres.commit(changes()) },
                ])
            try await harness.measure("MemoryStore: commit of \(count), \(size) records", operations: 2000 / count) {
                try await memory.commit(changes())
            }
        }
        for (name, store) in [("SQLiteStore", sqlite), ("PostgresStore", postgres)] as [(String, any Store)] {
            try await harness.measure("\(name): 64 commits of one at once, \(size) records", operations: 10) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<64 {
                        let key = Self.key(next())
                        group.addTask {
                            var changes = Changes()
                            changes.write(key, Self.value)
                            try await store.commit(changes)
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
        try sqlite.close()
        await postgres.close()
        raw.drop(schema)
    }

    private static func fill(_ store: any Store, _ size: Int) async throws {
        for start in stride(from: 0, to: size, by: 100) {
            var changes = Changes()
            for index in start..<start + 100 { changes.write(key(index), value) }
            try await store.commit(changes)
        }
    }
}

/// GRDB as its documentation uses it, on the same table, with the same durability.
private struct DirectGRDB {
    let pool: DatabasePool

    init(_ path: String) throws {
        pool = try DatabasePool(path: path)
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous=FULL") }
    }

    func read(_ key: Key) throws {
        _ = try pool.read { db in
            let statement = try db.cachedStatement(sql: "SELECT revision, value FROM records WHERE key = ?")
            return try Row.fetchOne(statement, arguments: [Data(key.bytes)])
        }
    }

    func scan(_ range: KeyRange) throws {
        _ = try pool.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT key, revision, value FROM records WHERE key >= ? AND key < ? ORDER BY key LIMIT 100")
            return try Row.fetchAll(statement, arguments: [Data(range.lowerBound), Data(range.upperBound)])
        }
    }

    func commit(_ changes: Changes) async throws {
        // Another one each time: a page with the same bytes as before is not written at all.
        let revision = Data(changes.revision.description.utf8.prefix(16))
        try await pool.write { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO records (key, revision, value) VALUES (?, ?, ?)
                    ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value
                    """)
            for case (let key, .write(let value)) in changes.changes {
                try statement.execute(arguments: [Data(key.bytes), revision, Data(value)])
            }
        }
    }
}

/// libpq with prepared statements, one connection, and nothing checked.
private final class DirectLibpq {
    private let handle: OpaquePointer?

    struct Refused: Error {}

    init(_ server: String, _ schema: String) throws {
        handle = PQconnectdb(server)
        let statements = [
            "read": "SELECT revision, value FROM \(schema).records WHERE key = $1",
            "scan":
                "SELECT key, revision, value FROM \(schema).records WHERE key >= $1 AND key < $2 ORDER BY key LIMIT 100",
            "commit": """
            INSERT INTO \(schema).records (key, revision, value)
            SELECT k, $3::bytea, v FROM unnest($1::bytea[], $2::bytea[]) AS t(k, v)
            ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value
            """,
        ]
        for (name, text) in statements {
            let result = PQprepare(handle, name, text, 0, nil)
            defer { PQclear(result) }
            guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw Refused() }
        }
    }

    deinit { PQfinish(handle) }

    func read(_ key: Key) { PQclear(run("read", [key.bytes])) }
    func scan(_ range: KeyRange) { PQclear(run("scan", [range.lowerBound, range.upperBound])) }

    func commit(_ changes: Changes) throws {
        let written = changes.changes.compactMap { key, change in
            if case .write(let value) = change { (key.bytes, value) } else { nil }
        }
        let result = run(
            "commit",
            [Self.array(written.map(\.0)), Self.array(written.map(\.1)), [UInt8](repeating: 7, count: 16)])
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_COMMAND_OK else { throw Refused() }
    }

    func drop(_ schema: String) {
        PQclear(PQexec(handle, "SET client_min_messages = error; DROP SCHEMA \(schema) CASCADE"))
    }

    private func run(_ name: String, _ parameters: [[UInt8]]) -> OpaquePointer? {
        let lengths = parameters.map { Int32($0.count) }
        let formats = parameters.map { _ in Int32(1) }
        let copies = parameters.map { bytes in
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: max(bytes.count, 1))
            bytes.withUnsafeBytes {
                UnsafeMutableRawPointer(copy).copyMemory(
                    from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: bytes.count)
            }
            return copy
        }
        defer { for copy in copies { copy.deallocate() } }
        return PQexecPrepared(
            handle, name, Int32(parameters.count), copies.map { UnsafePointer($0) }, lengths, formats, 1)
    }

    private static func array(_ elements: [[UInt8]]) -> [UInt8] {
        func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        return word(1) + word(0) + word(17) + word(elements.count) + word(1) + elements.flatMap { word($0.count) + $0 }
    }
}
