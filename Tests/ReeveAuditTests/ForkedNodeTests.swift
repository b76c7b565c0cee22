// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import Synchronization
import Testing

@testable import ReeveAudit

@Suite struct ForkedNodeTests {
    /// A node that is shown an old state, and the other node's hashes where the ledger's root is computed, signs nothing.
    @Test func aNodeThatIsShownAnotherPastSignsNothing() async throws {
        let world = try AuditWorld()
        let first = try await world.process()
        for index in 0..<100 { try await first.act("common \(index)") }
        try await first.log.runOnce()
        // The other node sees a copy of this state from now on, and the same ledger.
        let copy = try await world.copy()
        let other = try AuditWorld(base: copy.base, ledger: world.ledger, time: world.time)
        let store = SplicedStore(other.base, log: Partition(world.workspace))
        let second = try await other.process(store)
        try await second.log.runOnce()
        for index in 0..<92 { try await first.act("first \(index)") }
        try await first.log.runOnce()
        let key = Tile.key(Partition(world.workspace), TileID(level: 0, index: 0))
        let tile = try Tile.table.decode(try #require(try await world.base.record(for: key)).bytes, key)
        #expect(tile.hashes.count == 192)
        store.splice(tile.hashes)
        for index in 0..<200 { try await second.act("second \(index)") }
        try? await second.log.runOnce()
        #expect(store.served > 0)
        let signed = try await other.records("audit.checkpoint").compactMap { entry -> Int64? in
            try StoredCheckpoint.table.decode(entry.record.bytes, entry.key).size
        }
        #expect(signed.max() == 100, "\(signed)")
        let chain = AnchorLedger(world.ledger, authenticator: world.chain, time: world.time)
        #expect(try await chain.lines().compactMap(\.event.number).max() == 192)
    }
}

/// A store that shows the first hashes of a log's first tile as they are elsewhere.
private final class SplicedStore: Store {
    private let base: TestStore
    private let key: Key
    private let state = Mutex<(hashes: [TreeHash], served: Int)>(([], 0))

    init(_ base: TestStore, log: Partition) {
        self.base = base
        key = Tile.key(log, TileID(level: 0, index: 0))
    }

    var served: Int { state.withLock { $0.served } }
    func splice(_ hashes: [TreeHash]) { state.withLock { $0.hashes = hashes } }

    func record(for key: Key) async throws(StoreError) -> Record? {
        guard let record = try await base.record(for: key), key == self.key else {
            return try await base.record(for: key)
        }
        let own = try Tile.table.decode(record.bytes, key)
        let spliced = state.withLock { state -> [TreeHash]? in
            guard !state.hashes.isEmpty, own.hashes.count >= state.hashes.count else { return nil }
            state.served += 1
            return state.hashes + own.hashes.dropFirst(state.hashes.count)
        }
        guard let spliced else { return record }
        var tile = Tile(hashes: spliced)
        if spliced.count == Tile.width, var hasher = try? TreeHasher() { try? tile.finish(&hasher) }
        return Record(bytes: tile.recordBytes(schema: 1), revision: record.revision)
    }
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) { try await base.commit(changes) }
}
