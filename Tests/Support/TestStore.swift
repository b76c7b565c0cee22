// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePostgres
import ReeveSQLite
public import ReeveStorage
import Synchronization

/// The store that a room's test runs over: in memory, unless `REEVE_TEST_STORE` names a durable one as `sqlite:PATH` or `postgres:CONNECTION`. Many tests share one of these, each with partitions of its own.
public final class TestStore: Store {
    private let base: any Store
    /// What the names of this one's partitions begin with in what it shares; none in memory.
    private let mark: [UInt8]

    /// Whether `REEVE_TEST_STORE` names one.
    public static var isDurable: Bool { SharedStore.named != nil }

    /// An empty store.
    public init() {
        guard let shared = SharedStore.named else {
            (base, mark) = (MemoryStore(), [])
            return
        }
        (base, mark) = (shared, Array(String(UInt64.random(in: 1 << 60 ... .max), radix: 36).utf8))
    }

    /// The number of records.
    public var count: Int {
        get async throws {
            if let memory = base as? MemoryStore { return memory.count }
            let start = Key(encoded: [Self.text] + mark)
            let (whole, page) = (KeyRange(under: start), 10_000)
            var found = try await base.records(in: whole, limit: page)
            var count = found.count
            while found.count == page, let last = found.last {
                found = try await base.records(in: whole.after(last.key), limit: page)
                count += found.count
            }
            return count
        }
    }

    /// The record of a key.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        try await translated { () throws(StoreError) in try await base.record(for: outer(key)) }
    }

    /// Entries of a range, in key order.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        guard !mark.isEmpty else { return try await base.records(in: range, limit: limit) }
        let prefix = outer(Key(encoded: Array(range.upperBound.dropLast())))
        let outer = KeyRange(from: outer(Key(encoded: range.lowerBound)), under: prefix)
        return try await translated { () throws(StoreError) in
            try await base.records(in: outer, limit: limit).map { Entry(key: inner($0.key), record: $0.record) }
        }
    }

    /// Applies all changes, or none.
    public func commit(_ changes: Changes) async throws(StoreError) {
        guard !mark.isEmpty else { return try await base.commit(changes) }
        try changes.validate()
        var outside = Changes(revision: changes.revision)
        for (key, expectation) in changes.expectations { outside.expect(outer(key), expectation) }
        for (key, change) in changes.changes {
            switch change {
            case .write(let bytes): outside.write(outer(key), bytes)
            case .delete: outside.delete(outer(key))
            }
        }
        let all = outside
        try await translated { () throws(StoreError) in try await base.commit(all) }
    }

    // MARK: Keys of its own in what is shared

    private static let text: UInt8 = 0x20

    /// Every key begins with the text that names its partition; the empty one is before them all.
    private func outer(_ key: Key) -> Key {
        mark.isEmpty ? key : Key(encoded: [Self.text] + mark + Array(key.bytes.dropFirst()))
    }

    private func inner(_ key: Key) -> Key {
        mark.isEmpty ? key : Key(encoded: Array(key.bytes.prefix(1)) + Array(key.bytes.dropFirst(1 + mark.count)))
    }

    private func translated<Value>(
        _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        do throws(StoreError) {
            return try await body()
        } catch {
            switch error {
            case .conflict(let key): throw .conflict(inner(key))
            case .malformed(let key): throw .malformed(inner(key))
            default: throw error
            }
        }
    }
}

/// The durable store that the tests of this process share; opened by the first call.
private final class SharedStore: Store {
    static let named: SharedStore? = ProcessInfo.processInfo.environment["REEVE_TEST_STORE"].map(SharedStore.init)

    private let opening: Task<any Store, any Error>

    private init(_ name: String) {
        opening = Task {
            let (kind, place) = (name.prefix { $0 != ":" }, String(name.drop { $0 != ":" }.dropFirst()))
            #if SQLite && PostgreSQL
            switch kind {
            case "sqlite": return try SQLiteStore(path: place)
            case "postgres":
                try await PostgresStore.migrate(place, schema: "tests")
                return try await PostgresStore(place, configuration: .init(waitSeconds: 60, schema: "tests"))
            default: break
            }
            #endif
            preconditionFailure("REEVE_TEST_STORE is sqlite:PATH or postgres:CONNECTION, with all traits")
        }
    }

    private func store() async -> any Store {
        do {
            return try await opening.value
        } catch {
            preconditionFailure("REEVE_TEST_STORE: \(error)")
        }
    }

    func record(for key: Key) async throws(StoreError) -> Record? { try await store().record(for: key) }

    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await store().records(in: range, limit: limit)
    }

    func commit(_ changes: Changes) async throws(StoreError) { try await store().commit(changes) }
}
