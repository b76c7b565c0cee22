// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage

/// Records of some 300 bytes: written and read by hand and by `Codable`, in tables, and in stores of two sizes.
struct StorageBenchmarks {
    let harness: Harness

    /// The same fields by `Codable`.
    private struct Plain: Codable, RecordCodable {
        var entry: AuditEntry
    }

    private let entry = AuditEntry(
        at: Timestamp(seconds: 1_800_000_000),
        context: ActContext(
            actor: .host("nightly-sync"), scope: Scope(Identifier(high: 3, low: 4), .test)),
        action: "plans.admit", resource: "co_01jd9x0c4tq3v8m5n7k2b6r1fz")

    func run() async throws {
        try await records()
        try await tables()
        try await control()
        for size in [1000, 1_000_000] { try await memoryStore(size) }
    }

    private func records() async throws {
        let entry = entry
        let plain = Plain(entry: entry)
        let bytes = entry.recordBytes(schema: 1)
        let plainBytes = try plain.recordBytes(schema: 1)
        try await harness.compare(
            "a record of \(bytes.count) B to bytes", operations: 5000,
            [
                .init("JSONWriter") { _ = entry.recordBytes(schema: 1) },
                .init("Codable") { _ = try plain.recordBytes(schema: 1) },
            ])
        try await harness.compare(
            "a record of \(bytes.count) B from bytes", operations: 5000,
            [
                .init("JSONReader") { _ = try AuditEntry(recordBytes: bytes, schema: 1) },
                .init("Codable") { _ = try Plain(recordBytes: plainBytes, schema: 1) },
            ])
    }

    private func tables() async throws {
        let (store, table, entry) = (MemoryStore(), Table<AuditEntry>("bench"), entry)
        try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
            try await table.write(entry, .platform, ["a"], in: &tx)
        }
        try await harness.measure("table read, 300 B", operations: 10_000) {
            _ = try await table.read(.platform, ["a"], in: store)
        }
        try await harness.measure("table write in a transaction, 300 B", operations: 5000) {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await table.write(entry, .platform, ["a"], in: &tx)
            }
        }
    }

    private func control() async throws {
        let (store, entry) = (MemoryStore(), entry)
        let keys = try DerivedControlKeys(SecretBytes.random(count: 32))
        let table = AuthenticatedTable<AuditEntry>("bench", keys: keys)
        try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
            try await ControlHead.create(.platform, keys: keys, in: &tx)
        }
        for index in 0..<1000 {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await table.write(entry, .platform, ["\(index)"], in: &tx)
            }
        }
        var index = 0
        try await harness.measure("authenticated table read, 1,000 records", operations: 1000) {
            index = (index + 379) % 1000
            _ = try await table.read(.platform, ["\(index)"], in: store)
        }
        try await harness.measure("authenticated table write, 1,000 records", operations: 500) {
            index = (index + 379) % 1000
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await table.write(entry, .platform, ["\(index)"], in: &tx)
            }
        }
    }

    private func memoryStore(_ size: Int) async throws {
        let store = MemoryStore()
        for start in stride(from: 0, to: size, by: 50) {
            var changes = Changes()
            for index in start..<start + 50 { changes.write(key(index), [UInt8](repeating: 7, count: 300)) }
            try await store.commit(changes)
        }
        var index = 0
        try await harness.measure("MemoryStore read, \(size) records", operations: 20_000) {
            index = (index + 7919) % size
            _ = try await store.record(for: key(index))
        }
        try await harness.measure("MemoryStore commit of one record, \(size) records", operations: 5000) {
            index = (index + 7919) % size
            var changes = Changes()
            changes.write(key(index), [UInt8](repeating: 8, count: 300))
            try await store.commit(changes)
        }
        try await harness.measure("MemoryStore insert and delete, \(size) records", operations: 2000) {
            index = (index + 7919) % size
            let key = key(index).appending([.integer(1)])
            var insert = Changes()
            insert.write(key, [1])
            try await store.commit(insert)
            var delete = Changes()
            delete.delete(key)
            try await store.commit(delete)
        }
        let range = KeyRange(under: Key(.platform, [.text("bench")]))
        try await harness.measure("MemoryStore range of 100, \(size) records", operations: 500) {
            index = (index + 7919) % size
            _ = try await store.records(in: range.after(key(index)), limit: 100)
        }
    }

    private func key(_ index: Int) -> Key { Key(.platform, [.text("bench"), .integer(Int64(index))]) }
}
