// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import Foundation
import ReeveModel
import ReevePostgres
import ReeveStorage
import ReeveTesting
import Testing

/// Records that are only ever added, in a table of their own.
@Suite(.enabled(if: Server.isThere, Server.why)) struct AppendOnlyTests {
    private func added(_ number: Int, in table: String = "audit.leaves") -> Key {
        Key(.platform, [.text(table), .integer(Int64(number))])
    }

    private func commit(_ store: some Store, _ fill: (inout Changes) -> Void) async throws -> Revision {
        var changes = Changes()
        fill(&changes)
        try await store.commit(changes)
        return changes.revision
    }

    /// Whatever a range covers, it is read as if there were one table.
    @Test func aRangeIsOverBothTables() async throws {
        let schema = try await Schema()
        let (store, memory) = (try await schema.store(), MemoryStore())
        var random = Scale.current.generator(for: "postgres.ranges")
        let partitions = ["platform", "ws\u{0}1", "z"].map { Key([.text($0)]) }
        let tables = ["a", "audit.checkpoint", "audit.leaves", "audit.leaves\u{0}", "audit.leavesx", "ledger", "zz"]
        var keys: [Key] = []
        for partition in partitions {
            for table in tables {
                for number in 0..<4 { keys.append(partition.appending([.text(table), .integer(Int64(number))])) }
            }
            keys.append(partition.appending([.integer(0x0020_6C65_6467_6572), .text("x")]))
        }
        for key in keys where Bool.random(using: &random) {
            var changes = Changes()
            changes.write(key, key.bytes)
            try await store.commit(changes)
            try await memory.commit(changes)
        }
        var ranges = partitions.map { KeyRange(under: $0) }
        for partition in partitions { ranges += tables.map { KeyRange(under: partition.appending([.text($0)])) } }
        ranges += ranges.flatMap { range in
            (0..<3).map { _ in range.after(keys[Int.random(in: 0..<keys.count, using: &random)]) }
        }
        for isPlanted in [false, true] {
            if isPlanted {
                // What somebody put into the table that is not for it is not there.
                for (from, to) in [("records", "append_only"), ("append_only", "records")] {
                    try sql(
                        "INSERT INTO \(schema.name).\(to) SELECT * FROM \(schema.name).\(from) ON CONFLICT DO NOTHING",
                        on: schema.connection)
                }
            }
            for range in ranges {
                for limit in [1, 3, 1000] {
                    let (found, expected) = (
                        try await store.records(in: range, limit: limit),
                        try await memory.records(in: range, limit: limit)
                    )
                    #expect(found.map(\.key) == expected.map(\.key))
                    #expect(found.map(\.record) == expected.map(\.record))
                }
            }
        }
        for key in keys { #expect(try await store.record(for: key) == memory.record(for: key)) }
        let apart = try sql("SELECT count(*) FROM \(schema.name).append_only", on: schema.connection)
        #expect(apart != [["0"]])
        await store.close()
    }

    /// A program's role adds, and no more; what it may not do changes nothing, and says so.
    @Test(arguments: ["audit.leaves", "ledger"]) func whatIsAddedStays(_ table: String) async throws {
        let schema = try await Schema()
        let role = "r\(UInt32.random(in: 0 ... .max))"
        try sql("CREATE ROLE \(role) LOGIN", on: schema.connection)
        try await PostgresStore.migrate(schema.connection, schema: schema.name, granting: role)
        let own = schema.connection.replacing("user=owner", with: "user=\(role)")
        let store = try await PostgresStore(own, configuration: schema.configuration())
        let (first, second) = (added(1, in: table), added(2, in: table))
        let revision = try await commit(store) {
            $0.expect(first, .absent)
            $0.write(first, [1])
            $0.write(key("a"), [1])
        }
        // Written again, with whatever is expected of it: refused as a whole.
        for expectation in [nil, .absent, Changes.Expectation.revision(revision)] {
            await #expect(throws: StoreError.conflict(first)) {
                _ = try await commit(store) {
                    if let expectation { $0.expect(first, expectation) }
                    $0.write(first, [2])
                    $0.write(second, [2])
                    $0.write(key("a"), [2])
                }
            }
        }
        do throws(StoreError) {
            var changes = Changes()
            changes.delete(first)
            changes.delete(key("a"))
            try await store.commit(changes)
            Issue.record("it was deleted")
        } catch {
            #expect(error.description.contains("42501") && error.description.contains("owns"), "\(error)")
        }
        for statement in ["UPDATE % SET value = ''", "DELETE FROM %", "TRUNCATE %"] {
            let text = statement.replacing("%", with: "\(schema.name).append_only")
            #expect(throws: (any Error).self) { try sql(text, on: own) }
        }
        // What relies on it being there, and being the last, as a ledger does.
        _ = try await commit(store) {
            $0.expect(first, .revision(revision))
            $0.expect(second, .absent)
            $0.write(second, [2])
        }
        #expect(try await store.record(for: first)?.bytes == [1])
        #expect(try await store.record(for: second)?.bytes == [2])
        #expect(try await store.record(for: key("a"))?.bytes == [1])
        // The owner may: what is pruned goes by that role.
        let owner = try await schema.store()
        _ = try await commit(owner) { $0.delete(first) }
        #expect(try await store.record(for: first) == nil)
        #expect(try sql("SELECT count(*) FROM \(schema.name).records", on: schema.connection) == [["1"]])
        for store in [store, owner] { await store.close() }
        try sql("DROP SCHEMA \(schema.name) CASCADE; DROP ROLE \(role)", on: schema.connection)
    }

    /// A row that is there is there, whatever it says.
    @Test func anEmptyRowIsNoAbsence() async throws {
        let schema = try await Schema()
        let store = try await schema.store()
        let line = added(1)
        let bytes = line.bytes.map { String(Int($0) + 256, radix: 16).dropFirst() }.joined()
        try sql("INSERT INTO \(schema.name).append_only VALUES ('\\x\(bytes)', '', '')", on: schema.connection)
        await #expect(throws: StoreError.conflict(line)) { _ = try await commit(store) { $0.write(line, [1]) } }
        await store.close()
    }

    /// Of many that append the same line one does, and each ledger line is there once.
    @Test func aLineIsAddedOnce() async throws {
        let schema = try await Schema()
        let store = try await schema.store { $0.connections = 8 }
        let ledger = StoreLedger(store)
        let taken = await withTaskGroup(of: [Int].self) { group in
            for writer in 0..<8 {
                group.addTask {
                    var own: [Int] = []
                    for index in 0..<30 {
                        guard (try? await ledger.append([UInt8(writer)], at: index)) != nil else { continue }
                        own.append(index)
                    }
                    return own
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        let lines = try await ledger.lines(from: 0, limit: 100)
        #expect(taken.sorted() == Array(0..<lines.count))
        #expect(lines.count > 0)
        await store.close()
    }
}
#endif
