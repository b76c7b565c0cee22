// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveTestSupport
import ReeveTesting
import Testing

@testable import ReeveStorage

private struct Grant: Hashable, Codable, RecordCodable {
    var role: String
}

private typealias Store = ReeveStorage.Store

private let alpha = Partition(Identifier<Workspace>(high: 1, low: 1))
private let beta = Partition(Identifier<Workspace>(high: 1, low: 2))

/// Two tables in two workspaces over one store, and what should be in them.
private final class Fixture {
    let store = TestStore()
    let keys: DerivedControlKeys
    let grants: AuthenticatedTable<Grant>
    let holds: AuthenticatedTable<Grant>
    /// What should be read.
    private var written: [Key: String] = [:]

    init(_ partitions: [Partition] = [alpha, beta]) async throws {
        let keys = try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
        self.keys = keys
        grants = AuthenticatedTable("grants", keys: keys)
        holds = AuthenticatedTable("holds", keys: keys)
        for partition in partitions {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await ControlHead.create(partition, keys: keys, in: &tx)
            }
        }
    }

    func write(_ role: String?, _ table: AuthenticatedTable<Grant>, _ partition: Partition, _ id: String) async throws {
        try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
            if let role {
                try await table.write(Grant(role: role), partition, [id], in: &tx)
            } else {
                try await table.delete(partition, [id], in: &tx)
            }
        }
        written[table.key(partition, [id])] = role
    }

    func fill(_ count: Int) async throws {
        for index in 0..<count {
            for partition in [alpha, beta] {
                try await write("r\(index)", grants, partition, "g\(index)")
                try await write("h\(index)", holds, partition, "g\(index)")
            }
        }
    }

    func records(_ prefix: Key = Key([])) async throws -> [Entry] {
        try await store.records(in: KeyRange(under: prefix), limit: 100_000)
    }

    /// Whether a record that is not what was written is seen.
    ///
    /// A data record: by reading it and by reading its table. A node: by somebody, and nobody gets another answer than
    /// what was written. Above all nobody is told "absent".
    func isSeen(_ key: Key) async -> Bool {
        guard let elements = key.elements, case .text(let name) = elements[0], case .text(let table) = elements[1]
        else {
            return false
        }
        let partition = name == alpha.name ? alpha : beta
        if case .text(let id) = elements[2] {
            let table = table == "grants" ? grants : holds
            let (one, all) = (await read(table, partition, id), await readAll(table, partition))
            return one == nil && all == nil
        }
        var seen = false
        for table in [grants, holds] {
            for id in ["g0", "g5", "g9"] {
                let answer = await read(table, partition, id)
                seen = seen || answer == nil
                if let answer, answer != written[table.key(partition, [id])] { return false }
            }
            let answer = await readAll(table, partition)
            seen = seen || answer == nil
            if let answer, answer != all(table, partition) { return false }
        }
        return seen
    }

    private func all(_ table: AuthenticatedTable<Grant>, _ partition: Partition) -> [String] {
        let range = KeyRange(under: table.key(partition, []))
        return written.filter { range.contains($0.key) }.sorted { $0.key < $1.key }.map(\.value)
    }

    /// What is read: the inner value is `nil` for "absent"; the outer one when it was `.tampered`.
    private func read(_ table: AuthenticatedTable<Grant>, _ partition: Partition, _ id: String) async -> String?? {
        do throws(StoreError) {
            return .some(try await table.read(partition, [id], in: store)?.role)
        } catch {
            if case .tampered = error { return nil }
            return .some("another error: \(error)")
        }
    }

    private func readAll(_ table: AuthenticatedTable<Grant>, _ partition: Partition) async -> [String]? {
        do throws(StoreError) {
            return try await table.readAll(partition, in: store).map(\.role)
        } catch {
            if case .tampered = error { return nil }
            return ["another error: \(error)"]
        }
    }

    func put(_ key: Key, _ bytes: [UInt8]?) async throws {
        var changes = Changes()
        if let bytes { changes.write(key, bytes) } else { changes.delete(key) }
        try await store.commit(changes)
    }
}

@Suite struct ControlTests {
    @Test func aPartitionWithoutAHeadIsNotEmpty() async throws {
        let fixture = try await Fixture([alpha])
        await #expect(throws: StoreError.self) { _ = try await fixture.grants.read(beta, ["a"], in: fixture.store) }
        // A newcomer's first error says what to call.
        #expect("\(StoreError.tampered(ControlNode.key(beta, 0)))".contains("ControlHead.create"))
        #expect(!"\(StoreError.tampered(ControlNode.key(beta, 1)))".contains("ControlHead.create"))
        #expect(try await fixture.grants.read(alpha, ["a"], in: fixture.store) == nil)
        await #expect(throws: StoreError.conflict(ControlNode.key(alpha, 0))) {
            let keys = fixture.keys
            try await fixture.store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await ControlHead.create(alpha, keys: keys, in: &tx)
            }
        }
    }

    @Test func recordsAreReadableAndInsertedOnce() async throws {
        let fixture = try await Fixture([alpha])
        try await fixture.write("admin", fixture.grants, alpha, "a")
        let key = fixture.grants.key(alpha, ["a"])
        let bytes = try #require(try await fixture.store.record(for: key)?.bytes)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.first == #"{"schema":1,"value":{"role":"admin"}}"#)
        #expect(lines.count == 2)
        let grants = fixture.grants
        await #expect(throws: StoreError.conflict(key)) {
            try await fixture.store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await grants.insert(Grant(role: "x"), alpha, ["a"], in: &tx)
            }
        }
    }

    /// Each record, of the tables and of the tree over them, put under other keys, tables and workspaces; deleted;
    /// replaced by an earlier version; planted.
    @Test func movedRemovedAndOldRecordsAreSeen() async throws {
        var generator = Scale.current.generator(for: "moved records")
        let fixture = try await Fixture()
        try await fixture.fill(40)
        let older = try await fixture.records()
        for index in 0..<40 {
            for partition in [alpha, beta] {
                try await fixture.write("new\(index)", fixture.grants, partition, "g\(index)")
                try await fixture.write("new\(index)", fixture.holds, partition, "g\(index)")
            }
        }
        let present = try await fixture.records()
        let nodes = present.filter { $0.key.elements?[1] == .text("control") }
        #expect(nodes.count >= 6, "the trees have two levels")
        for entry in nodes + present.shuffled(using: &generator).prefix(Scale.current.cases(ci: 25, soak: 1000)) {
            let others = nodes + present.shuffled(using: &generator).prefix(Scale.current.cases(ci: 6, soak: 60))
            for other in others where other.key != entry.key {
                try await fixture.put(entry.key, other.record.bytes)
                #expect(await fixture.isSeen(entry.key), "\(other.key) under \(entry.key)")
            }
            try await fixture.put(entry.key, nil)
            #expect(await fixture.isSeen(entry.key), "\(entry.key) removed")
            let old = try #require(older.first { $0.key == entry.key })
            try await fixture.put(entry.key, old.record.bytes)
            #expect(await fixture.isSeen(entry.key), "an earlier \(entry.key)")
            try await fixture.put(entry.key, entry.record.bytes)
            #expect(await !fixture.isSeen(entry.key))
        }
        // Everything of a workspace put back but its head.
        for entry in older where entry.key != ControlNode.key(alpha, 0) {
            try await fixture.put(entry.key, entry.record.bytes)
        }
        #expect(await fixture.isSeen(fixture.grants.key(alpha, ["g1"])))
        for entry in present { try await fixture.put(entry.key, entry.record.bytes) }
        let planted = fixture.grants.key(alpha, ["zz"])
        try await fixture.put(planted, present[0].record.bytes)
        #expect(await fixture.isSeen(planted))
    }

    /// All of it put back, head and all, is what the tables cannot see; who remembers the position does.
    @Test func thePositionTellsOneStateFromAnother() async throws {
        let fixture = try await Fixture([alpha])
        let keys = fixture.keys
        func position() async throws -> ControlHead.Position {
            try await fixture.store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await ControlHead.position(of: alpha, keys: keys, in: &tx)
            }
        }
        let empty = try await position()
        #expect(empty.epoch == 1)
        let snapshot = try await fixture.records()
        try await fixture.write("a", fixture.grants, alpha, "g0")
        let first = try await position()
        for entry in try await fixture.records() { try await fixture.put(entry.key, nil) }
        for entry in snapshot { try await fixture.put(entry.key, entry.record.bytes) }
        #expect(try await position() == empty)
        try await fixture.write("b", fixture.grants, alpha, "g0")
        let second = try await position()
        #expect(second.epoch == first.epoch && second.tag != first.tag)
    }

    /// A table may have the name of the tree's own records.
    @Test func aTableMayHaveAnyName() async throws {
        let fixture = try await Fixture([alpha])
        let table = AuthenticatedTable<Grant>("control", keys: fixture.keys)
        #expect(try await table.readAll(alpha, in: fixture.store).isEmpty)
        try await fixture.write("x", table, alpha, "0")
        #expect(try await table.readAll(alpha, in: fixture.store).map(\.role) == ["x"])
    }

    /// Readers and writers at the same time: nothing looks tampered with, and nothing is lost.
    @Test func concurrentChangesAreNotTampering() async throws {
        let fixture = try await Fixture([alpha])
        let (grants, store) = (fixture.grants, fixture.store)
        let patient = RetryPolicy(attempts: 2000, longestWait: .milliseconds(5))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for index in 0..<40 {
                        try await store.transaction(retrying: patient) {
                            (tx: inout Transaction<StoreError>) throws(StoreError) in
                            try await grants.write(Grant(role: "r"), alpha, ["\(writer)-\(index)"], in: &tx)
                        }
                        _ = try await store.transaction(retrying: patient) {
                            (tx: inout Transaction<StoreError>) throws(StoreError) in
                            try await grants.readAll(alpha, in: &tx)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await grants.readAll(alpha, in: store).count == 160)
    }
}

@Suite struct ControlProperties {
    /// The tables hold what a dictionary holds, through splits and removals.
    @Test func tablesHoldWhatWasWritten() async throws {
        var generator = Scale.current.generator(for: "authenticated tables")
        let fixture = try await Fixture([alpha])
        var model: [String: String] = [:]
        for round in 0..<Scale.current.cases(ci: 3000, soak: 30_000) {
            // Grows, then shrinks to nothing, then grows again.
            let grows = round % 1500 < 900
            let id = String(10_000 + Int.random(in: 0..<700, using: &generator))
            if Int.random(in: 0..<10, using: &generator) < (grows ? 9 : 2) {
                try await fixture.write("\(round)", fixture.grants, alpha, id)
                model[id] = "\(round)"
            } else {
                let gone = model.keys.sorted().randomElement(using: &generator) ?? id
                try await fixture.write(nil, fixture.grants, alpha, gone)
                model[gone] = nil
            }
            #expect(try await fixture.grants.read(alpha, [id], in: fixture.store)?.role == model[id])
            if round % 300 == 299 {
                let all = try await fixture.grants.readAll(alpha, in: fixture.store)
                #expect(all.map(\.role) == model.sorted { $0.key < $1.key }.map(\.value))
            }
        }
        for id in model.keys { try await fixture.write(nil, fixture.grants, alpha, id) }
        #expect(try await fixture.grants.readAll(alpha, in: fixture.store).isEmpty)
        #expect(try await fixture.store.count == 1)
    }

    /// Every byte of every record, of the tables and of the tree over them, is vouched for.
    @Test func everyFlippedByteIsSeen() async throws {
        var generator = Scale.current.generator(for: "flipped bytes of authenticated records")
        let fixture = try await Fixture()
        try await fixture.fill(70)
        let all = try await fixture.records()
        #expect(all.contains { $0.key == ControlNode.key(alpha, 2) }, "the tree has two levels")
        // A part of the records in continuous integration, and of each node every third byte; all of them in a long run.
        let keep = Scale.current.cases(ci: 12, soak: all.count)
        let step = Scale.current.cases(ci: 3, soak: 1)
        let nodes = all.filter { $0.key.elements?[1] == .text("control") }
        var flips = 0
        for (entry, step) in all.shuffled(using: &generator).prefix(keep).map({ ($0, 1) }) + nodes.map({ ($0, step) }) {
            for index in stride(from: 0, to: entry.record.bytes.count, by: step) {
                var bytes = entry.record.bytes
                bytes[index] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
                try await fixture.put(entry.key, bytes)
                let isSeen = await fixture.isSeen(entry.key)
                #expect(isSeen, "byte \(index) of \(entry.key)")
                flips += 1
            }
            try await fixture.put(entry.key, entry.record.bytes)
        }
        print("\(flips) flipped bytes")
    }
}
