// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage

/// The promises of `Store`, each as a value that any test library can run.
///
///     @Test(arguments: StoreContract.all) func keeps(_ promise: StorePromise) async throws {
///         try await promise.check { MyStore() }
///     }
public enum StoreContract: Sendable {
    /// Every promise.
    public static let all: [StorePromise] = [
        StorePromise("an empty store has no records") { store in
            try await expect(store.record(for: key("a")) == nil, "a record in an empty store")
            try await expect(store.records(in: whole, limit: 10).isEmpty, "entries in an empty store")
        },
        StorePromise("a committed record is read back with its revision") { store in
            let changes = try await write(store, ["a": [1, 2, 3]])
            let record = try await store.record(for: key("a"))
            try expect(record == Record(bytes: [1, 2, 3], revision: changes.revision), "another record")
        },
        StorePromise("an empty record is a record") { store in
            try await write(store, ["a": []])
            try await expect(store.record(for: key("a"))?.bytes == [], "no empty record")
        },
        StorePromise("a write replaces the record and its revision") { store in
            try await write(store, ["a": [1]])
            let second = try await write(store, ["a": [2]])
            let record = try await store.record(for: key("a"))
            try expect(record == Record(bytes: [2], revision: second.revision), "the first write is still there")
        },
        StorePromise("a deleted record is gone, and deleting what is not there is allowed") { store in
            try await write(store, ["a": [1]])
            var changes = Changes()
            changes.delete(key("a"))
            changes.delete(key("b"))
            try await store.commit(changes)
            try await expect(store.record(for: key("a")) == nil, "the record is still there")
            try await expect(store.records(in: whole, limit: 10).isEmpty, "the range still has the record")
        },
        StorePromise("a range is in key order, bounded and limited") { store in
            let names = ["d", "a", "c", "", "b", "a\u{0}", "aa", "é"]
            try await write(store, Dictionary(uniqueKeysWithValues: names.map { ($0, [1]) }))
            let sorted = names.map { key($0) }.sorted()
            try await expect(store.records(in: whole, limit: 100).map(\.key) == sorted, "another order")
            try await expect(
                store.records(in: whole, limit: 3).map(\.key) == Array(sorted.prefix(3)), "another limit")
            let rest = try await store.records(in: whole.after(sorted[2]), limit: 100).map(\.key)
            try expect(rest == Array(sorted.dropFirst(3)), "another page")
            try await expect(store.records(in: whole, limit: 0).isEmpty, "entries at a limit of 0")
        },
        StorePromise("a range holds whole elements only") { store in
            var changes = Changes()
            for elements in [["x"], ["x", "1"], ["x", "2"], ["xy"], ["xy", "1"], ["y"]] {
                changes.write(Key(.platform, elements.map { .text($0) }), [1])
            }
            try await store.commit(changes)
            let range = KeyRange(under: Key(.platform, [.text("x")]))
            let found = try await store.records(in: range, limit: 10).map(\.key)
            let expected = [["x"], ["x", "1"], ["x", "2"]].map { Key(.platform, $0.map { .text($0) }) }
            try expect(found == expected, "keys outside the prefix")
        },
        StorePromise("an expectation that does not hold is a conflict on its key") { store in
            let first = try await write(store, ["a": [1]])
            for expectation in [Changes.Expectation.absent, .revision(.make())] {
                var changes = Changes()
                changes.expect(key("a"), expectation)
                changes.write(key("b"), [2])
                try await expectConflict(store, changes, key("a"))
            }
            var changes = Changes()
            changes.expect(key("b"), .revision(first.revision))
            changes.write(key("c"), [2])
            try await expectConflict(store, changes, key("b"))
            try await expect(store.record(for: key("c")) == nil, "a refused commit was applied")
        },
        StorePromise("an expectation that holds lets the commit through") { store in
            let first = try await write(store, ["a": [1]])
            var changes = Changes()
            changes.expect(key("a"), .revision(first.revision))
            changes.expect(key("b"), .absent)
            changes.write(key("a"), [2])
            try await store.commit(changes)
            try await expect(store.record(for: key("a"))?.bytes == [2], "the write is missing")
        },
        StorePromise("a commit is applied as a whole or not at all") { store in
            try await write(store, ["a": [1], "b": [1], "c": [1]])
            var changes = Changes()
            changes.write(key("a"), [2])
            changes.delete(key("b"))
            changes.expect(key("c"), .absent)
            try await expectConflict(store, changes, key("c"))
            let records = try await store.records(in: whole, limit: 10)
            try expect(records.map(\.record.bytes) == [[1], [1], [1]], "a part of a refused commit")
        },
        StorePromise("limits are refused, and what is at a limit is taken") { store in
            var many = Changes()
            for index in 0..<Changes.maximumKeys { many.write(key("k\(index)"), [1]) }
            try await store.commit(many)
            many.write(key("one more"), [1])
            try await expectLimit(store, many)
            var large = Changes()
            large.write(key("large"), Array(repeating: 7, count: Changes.maximumRecordBytes))
            try await store.commit(large)
            let read = try await store.record(for: key("large"))?.bytes.count
            try expect(read == Changes.maximumRecordBytes, "another record at the limit")
            large.write(key("larger"), Array(repeating: 7, count: Changes.maximumRecordBytes + 1))
            try await expectLimit(store, large)
            try await expect(store.record(for: key("larger")) == nil, "a refused record")
            var long = Changes()
            long.write(key(String(repeating: "x", count: Changes.maximumKeyBytes)), [1])
            try await expectLimit(store, long)
        },
        StorePromise("concurrent transactions lose no update") { store in
            let (tasks, rounds) = (8, 25)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<tasks {
                    group.addTask { for _ in 0..<rounds { try await increment(store) } }
                }
                try await group.waitForAll()
            }
            let total = try await store.record(for: key("counter"))?.bytes.reduce(0) { $0 * 256 + Int($1) }
            try expect(total == tasks * rounds, "an update was lost or applied twice")
        },
        StorePromise("concurrent inserts of one key succeed once") { store in
            let wins = await withTaskGroup(of: Bool.self) { group in
                for index in 0..<16 {
                    group.addTask {
                        var changes = Changes()
                        changes.expect(key("once"), .absent)
                        changes.write(key("once"), [UInt8(index)])
                        return (try? await store.commit(changes)) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            try expect(wins == 1, "\(wins) inserts succeeded")
        },
        StorePromise("a rule over a set is broken without a guard, and holds with one") { store in
            // Each of two transactions finds an empty set, and adds to it: "at most one of them".
            for isGuarded in [false, true] {
                let set = Key(.platform, [.text(isGuarded ? "guarded" : "open")])
                try await addOne(store, set, "a", isGuarded) {
                    // The second one begins and ends while the first has read and not yet committed.
                    try await addOne(store, set, "b", isGuarded) {}
                }
                let count = try await store.records(in: KeyRange(under: set.appending([.text("x")])), limit: 10).count
                try expect(
                    count == (isGuarded ? 1 : 2),
                    isGuarded ? "a guarded set has \(count) records" : "an unguarded set has \(count) records")
            }
        },
        StorePromise("what concurrent writers are told fits one order") { store in
            let history = await StoreHistory.record(on: store, writers: 6, operations: 3000, seed: 1)
            try expect(history.operations.count >= 2900, "calls failed")
            if let violation = history.violation() { throw BrokenPromise(violation.description) }
        },
    ]

    /// Adds a record to a set that has none, in one transaction that `meanwhile` runs in the middle of, once.
    private static func addOne(
        _ store: any Store, _ set: Key, _ name: String, _ isGuarded: Bool,
        _ meanwhile: () async throws -> Void
    ) async throws {
        var isFirst = true
        try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            if isGuarded { try await transaction.guard(set.appending([.text("guard")])) }
            let members = try await transaction.read(KeyRange(under: set.appending([.text("x")])), limit: 10)
            if isFirst {
                isFirst = false
                do { try await meanwhile() } catch { throw .unavailable("the other transaction failed: \(error)") }
            }
            if members.isEmpty { transaction.write(set.appending([.text("x"), .text(name)]), [1]) }
        }
    }

    private static let whole = KeyRange(under: Key(.platform, []))

    private static func key(_ name: String) -> Key { Key(.platform, [.text(name)]) }

    @discardableResult
    private static func write(_ store: any Store, _ records: [String: [UInt8]]) async throws -> Changes {
        var changes = Changes()
        for (name, bytes) in records { changes.write(key(name), bytes) }
        try await store.commit(changes)
        return changes
    }

    private static func increment(_ store: any Store) async throws {
        let patient = RetryPolicy(attempts: 1000, firstWait: .microseconds(100), longestWait: .milliseconds(1))
        try await store.transaction(retrying: patient) {
            (transaction: inout Transaction<StoreError>) throws(StoreError) in
            let bytes = try await transaction.read(key("counter")) ?? [0, 0]
            let value = Int(bytes[0]) * 256 + Int(bytes[1]) + 1
            transaction.write(key("counter"), [UInt8(value / 256), UInt8(value % 256)])
        }
    }

    private static func expect(_ holds: Bool, _ otherwise: String) throws {
        guard holds else { throw BrokenPromise(otherwise) }
    }

    private static func expectConflict(_ store: any Store, _ changes: Changes, _ key: Key) async throws {
        do throws(StoreError) {
            try await store.commit(changes)
        } catch {
            guard error == .conflict(key) else { throw BrokenPromise("another error than a conflict: \(error)") }
            return
        }
        throw BrokenPromise("a commit was taken whose expectation does not hold")
    }

    private static func expectLimit(_ store: any Store, _ changes: Changes) async throws {
        do throws(StoreError) {
            try await store.commit(changes)
        } catch {
            guard case .limitExceeded = error else { throw BrokenPromise("another error than a limit: \(error)") }
            return
        }
        throw BrokenPromise("a commit over a limit was taken")
    }
}

/// One promise of a store.
public struct StorePromise: Sendable, CustomStringConvertible {
    /// What is promised.
    public let description: String
    private let body: @Sendable (any Store) async throws -> Void

    init(_ description: String, _ body: @escaping @Sendable (any Store) async throws -> Void) {
        self.description = description
        self.body = body
    }

    /// Checks the promise on a new, empty store; throws ``BrokenPromise`` when it does not hold.
    public func check(_ makeStore: () async throws -> any Store) async throws {
        let store = try await makeStore()
        do {
            try await body(store)
        } catch let broken as BrokenPromise {
            throw BrokenPromise("\(description): \(broken.description)")
        }
    }
}

/// What a store did instead of what it promised.
public struct BrokenPromise: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened.
    public let description: String

    /// A report of what happened.
    public init(_ description: String) {
        self.description = description
    }
}
