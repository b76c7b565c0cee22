// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveAudit
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import Synchronization
import Testing

@Suite struct ChangedTileTests {
    /// A process that has tiles of a past in memory which the store was put back behind proves what the store has now.
    @Test func tilesOfAnotherPastAreLetGo() async throws {
        let (early, warm, world) = try await putBack()
        var query = AuditQuery()
        query.limit = 1000
        let page = try await early.process().page(query)
        let twin = try await early.process()
        for index in [150, 20, 255, 256, 299] {
            let proof = try await warm.log.proof(of: index, in: world.scope, warm.permit(ReadAudit.self))
            #expect(try await twin.log.proof(of: index, in: world.scope, twin.permit(ReadAudit.self)) == proof)
            let leaf = try #require(page.entries.first { $0.index == index }).leaf
            #expect(world.verifier.isIncluded(leaf, by: proof), "entry \(index)")
        }
    }

    /// A world whose store was put back behind what a process has in memory, and has grown in another way since.
    private func putBack() async throws -> (AuditWorld, AuditProcess, AuditWorld) {
        let world = try AuditWorld()
        let maker = try await world.process()
        for index in 0..<100 { try await maker.act("a\(index)") }
        try await maker.log.runOnce()
        let early = try await world.copy()
        // This process fills the first tile, and proves from it.
        let warm = try await early.process()
        for index in 100..<300 { try await warm.act("b\(index)") }
        try await warm.log.runOnce()
        _ = try await warm.log.proof(of: 150, in: world.scope, warm.permit(ReadAudit.self))
        // Another future of the same hundred entries takes the place of what it has seen, with a checkpoint of its own.
        let other = try await world.process()
        for index in 100..<310 { try await other.act("c\(index)") }
        try await other.log.runOnce()
        for table in ["audit.tile", "audit.leaves", "audit.checkpoint", "audit.state"] {
            for entry in try await early.records(table) { try await early.write(entry.key, nil) }
            for entry in try await world.records(table) { try await early.write(entry.key, entry.record.bytes) }
        }
        return (early, warm, world)
    }

    /// Entries that it reads are compared with the tiles that the store has now.
    @Test func leavesOfAnotherPastAreLetGo() async throws {
        let (early, warm, _) = try await putBack()
        var query = AuditQuery()
        query.limit = 1000
        let (page, fresh) = (try await warm.page(query), try await early.process().page(query))
        #expect(page.entries.prefix(310).map(\.leaf) == fresh.entries.prefix(310).map(\.leaf))
    }

    /// What a process has sequenced it proves without reading a tile again, and it keeps no more tiles than it may.
    @Test func filledTilesAreKept() async throws {
        for kept in [2, 4096] {
            var world = try AuditWorld()
            world.configuration.cachedTiles = kept
            let spy = ReadCounter(world.base, of: "audit.tile")
            let process = try await world.process(spy)
            for index in 0..<1024 { try await process.act("a\(index)") }
            try await process.log.runOnce()
            let before = spy.count
            _ = try await process.log.proof(of: 5, in: world.scope, process.permit(ReadAudit.self))
            // The four tiles are whole; the row above them is the edge, which is read.
            #expect((spy.count - before <= 1) == (kept == 4096))
        }
    }

    /// A row above a tile's hashes that was changed gives no proof, and not a wrong one.
    @Test func aChangedRowAboveGivesNoProof() async throws {
        let world = try AuditWorld()
        let process = try await world.process()
        for index in 0..<300 { try await process.act("a\(index)") }
        try await process.log.runOnce()
        let marker = Array(#""inner":""#.utf8)
        let found = try await world.records("audit.tile").first { entry in
            entry.record.bytes.indices.contains { entry.record.bytes[$0...].starts(with: marker) }
        }
        let target = try #require(found)
        var bytes = target.record.bytes
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: marker) }) + marker.count + 2
        bytes[place] = bytes[place] == UInt8(ascii: "1") ? UInt8(ascii: "2") : UInt8(ascii: "1")
        try await world.write(target.key, bytes)
        let other = try await world.process()
        await #expect(throws: AuditError(.tampered)) {
            _ = try await other.log.proof(of: 20, in: world.scope, other.permit(ReadAudit.self))
        }
        try await world.write(target.key, target.record.bytes)
        let again = try await world.process()
        let proof = try await again.log.proof(of: 20, in: world.scope, again.permit(ReadAudit.self))
        var query = AuditQuery()
        query.limit = 1000
        let page = try await again.page(query)
        let leaf = try #require(page.entries.first { $0.index == 20 }).leaf
        #expect(world.verifier.isIncluded(leaf, by: proof))
    }
}

/// Counts how often records of a table are read.
private final class ReadCounter: Store {
    private let base: TestStore
    private let table: String
    private let reads = Mutex(0)

    init(_ base: TestStore, of table: String) {
        self.base = base
        self.table = table
    }

    var count: Int { reads.withLock { $0 } }

    func record(for key: Key) async throws(StoreError) -> Record? {
        if key.elements?.dropFirst().first == .text(table) { reads.withLock { $0 += 1 } }
        return try await base.record(for: key)
    }
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) { try await base.commit(changes) }
}
