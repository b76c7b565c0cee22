// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
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
    let store = MemoryStore()
    let keys: DerivedControlKeys
    let grants: AuthenticatedTable<Grant>
    let holds: AuthenticatedTable<Grant>

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

    /// The tables and ids that a record is read through: itself, or for a node all of its partition.
    func readers(of key: Key) -> [(AuthenticatedTable<Grant>, Partition, String)] {
        guard let elements = key.elements, case .text(let name) = elements[0], case .text(let table) = elements[1]
        else { return [] }
        let partition = name == alpha.name ? alpha : beta
        if case .text(let id) = elements[2] { return [(table == "grants" ? grants : holds, partition, id)] }
        return [(grants, partition, "g0"), (grants, partition, "g5"), (holds, partition, "g9")]
    }

    /// Whether reading through a record ends with `.tampered`, and a read of the whole table too; what is thrown holds
    /// no other answer, above all not "absent".
    func isSeen(_ key: Key) async -> Bool {
        var seen = false
        for (table, partition, id) in readers(of: key) {
            do throws(StoreError) {
                _ = try await table.read(partition, [id], in: store)
                _ = try await table.readAll(partition, in: store)
            } catch {
                guard case .tampered = error else { return false }
                seen = true
            }
        }
        return seen
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

    /// Each record put under every other key, table and workspace; deleted; replaced by an earlier version; planted.
    @Test func movedRemovedAndOldRecordsAreSeen() async throws {
        let fixture = try await Fixture()
        try await fixture.fill(12)
        let older = try await fixture.records()
        for index in 0..<12 {
            for partition in [alpha, beta] {
                try await fixture.write("new\(index)", fixture.grants, partition, "g\(index)")
                try await fixture.write("new\(index)", fixture.holds, partition, "g\(index)")
            }
        }
        let present = try await fixture.records()
        for entry in present {
            for other in present where other.key != entry.key {
                try await fixture.put(entry.key, other.record.bytes)
                #expect(await fixture.isSeen(entry.key), "\(other.key) under \(entry.key)")
            }
            try await fixture.put(entry.key, nil)
            #expect(await fixture.isSeen(entry.key), "\(entry.key) removed")
            // The head alone put back does not fit what is below it.
            let old = try #require(older.first { $0.key == entry.key })
            try await fixture.put(entry.key, old.record.bytes)
            #expect(await fixture.isSeen(entry.key), "an earlier \(entry.key)")
            try await fixture.put(entry.key, entry.record.bytes)
            #expect(await !fixture.isSeen(entry.key))
        }
        let planted = fixture.grants.key(alpha, ["zz"])
        try await fixture.put(planted, present[0].record.bytes)
        #expect(await fixture.isSeen(planted))
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
        #expect(fixture.store.count == 1)
    }

    /// Every byte of every record, of the tables and of the tree over them, is vouched for.
    @Test func everyFlippedByteIsSeen() async throws {
        var generator = Scale.current.generator(for: "flipped bytes of authenticated records")
        let fixture = try await Fixture()
        try await fixture.fill(70)
        let all = try await fixture.records()
        #expect(all.contains { $0.key == ControlNode.key(alpha, 2) }, "the tree has two levels")
        // A part of the records in continuous integration; the tree's nodes always.
        let keep = Scale.current.cases(ci: 12, soak: all.count)
        let nodes = all.filter { $0.key.elements?[1] == .text("control") }.prefix(Scale.current.cases(ci: 2, soak: 100))
        var flips = 0
        for entry in Array(all.shuffled(using: &generator).prefix(keep)) + nodes {
            let readers = fixture.readers(of: entry.key).map { $0.2 }
            for index in entry.record.bytes.indices {
                var bytes = entry.record.bytes
                bytes[index] ^= UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
                try await fixture.put(entry.key, bytes)
                let isSeen = await fixture.isSeen(entry.key)
                #expect(isSeen, "byte \(index) of \(entry.key), read through \(readers)")
                flips += 1
            }
            try await fixture.put(entry.key, entry.record.bytes)
        }
        print("\(flips) flipped bytes")
    }
}
