// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage
import Synchronization

/// Keeps tiles for proofs: at most so many, the oldest go first. A tile only grows. One
/// that is kept is as the store had it; its rows above are computed from its hashes.
final class TileCache: Sendable {
    private struct Place: Hashable {
        let log: Partition
        let tile: TileID
    }
    private struct State {
        var tiles: [Place: Tile] = [:]
        var order: [Place] = []
        var next = 0
    }
    private let state = Mutex(State())
    private let capacity: Int

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    func tile(_ log: Partition, _ id: TileID) -> Tile? { state.withLock { $0.tiles[Place(log: log, tile: id)] } }

    /// Forgets the tiles of a log: the store has others now.
    func forget(_ log: Partition) {
        state.withLock { state in
            for place in state.tiles.keys where place.log == log { state.tiles[place] = nil }
        }
    }

    func keep(_ tile: Tile, _ log: Partition, _ id: TileID) {
        state.withLock { state in
            let place = Place(log: log, tile: id)
            guard state.tiles.updateValue(tile, forKey: place) == nil else { return }
            if state.order.count < capacity {
                state.order.append(place)
            } else {
                state.tiles[state.order[state.next]] = nil
                state.order[state.next] = place
                state.next = (state.next + 1) % capacity
            }
        }
    }
}

/// Compares leaves with the hashes that the tree has of them.
struct LeafCheck: Sendable {
    let reader: LogReader
    private var tile: (index: Int, value: Tile)?

    init(reader: LogReader) {
        self.reader = reader
    }

    mutating func check(_ leaf: [UInt8], at index: Int) async throws(AuditError) {
        let (number, place) = (index / Tile.width, index % Tile.width)
        if tile?.index != number || tile?.value.hashes.count ?? 0 <= place {
            tile = (number, try await reader.tile(TileID(level: 0, index: number), width: place + 1))
        }
        let hash = try crypto { () throws(CryptoError) in
            var hasher = try TreeHasher()
            return try hasher.leaf(leaf)
        }
        if tile?.value.hashes[place] == hash { return }
        // The tile in memory may be of a past that the store was put back behind.
        reader.cache?.forget(reader.log)
        tile = (number, try await reader.tile(TileID(level: 0, index: number), width: place + 1))
        guard tile?.value.hashes[place] == hash else { throw AuditError(.tampered, "entry \(index)") }
    }
}

/// Reads one log's records.
struct LogReader: Sendable {
    let store: any Store
    let log: Partition
    let control: any ControlKeys
    var cache: TileCache?

    /// How far the log was sequenced, as its tag vouches for it.
    func state() async throws(AuditError) -> LogState { try await sealedState().state }

    /// The state and its stored bytes; an empty one and `nil` for a log without any.
    func sealedState() async throws(AuditError) -> (state: LogState, bytes: [UInt8]?) {
        let key = LogState.key(log)
        let record = try await storing { () throws(StoreError) in try await store.record(for: key) }
        guard let record else { return (LogState(), nil) }
        let state = try await storing { () throws(StoreError) in try LogState.table.decode(record.bytes, key) }
        let authenticator = try await storing { () throws(StoreError) in try await control.controlKey(for: log) }
        let isValid: Bool
        do {
            isValid = try authenticator.isValid(state.tag, for: state.message(log))
        } catch {
            throw AuditError(.cryptoFailed)
        }
        guard isValid, state.minimum <= state.size else { throw AuditError(.tampered, "the log's state") }
        return (state, record.bytes)
    }

    /// A tile that is at least so wide.
    func tile(_ id: TileID, width: Int = 0) async throws(AuditError) -> Tile {
        if let tile = cache?.tile(log, id), tile.hashes.count >= width { return tile }
        let key = Tile.key(log, id)
        let found = try await storing { () throws(StoreError) in
            try await store.record(for: key).map { record throws(StoreError) in
                try Tile.table.decode(record.bytes, key)
            }
        }
        guard let found else {
            let minimum = Int(try await state().minimum)
            let isPruned = id.level == 0 && (id.index + 1) * Tile.width <= minimum
            throw AuditError(isPruned ? .pruned : .tampered, "tile \(id.level)/\(id.index)")
        }
        guard found.hashes.count >= width else { throw AuditError(.tampered, "tile \(id.level)/\(id.index)") }
        guard let cache else { return found }
        let whole = try crypto { () throws(CryptoError) in
            var copy = Tile(hashes: found.hashes)
            var hasher = try TreeHasher()
            try copy.finish(&hasher)
            // What proofs are made of is computed here, or is what is computed here.
            return found.inner.isEmpty || copy == found ? copy : nil
        }
        guard let whole else { throw AuditError(.tampered, "tile \(id.level)/\(id.index)") }
        cache.keep(whole, log, id)
        return whole
    }

    /// The right edge of the tree of a size, from the stored tiles.
    func tree(size: Int) async throws(AuditError) -> MerkleTree {
        var edge: [Tile] = []
        for (level, width) in MerkleTree.widths(of: size).enumerated() {
            guard width > 0 else {
                edge.append(Tile())
                continue
            }
            let tile = try await tile(TileID(level: level, index: size >> (8 * (level + 1))), width: width)
            edge.append(Tile(hashes: Array(tile.hashes.prefix(width))))
        }
        let row = edge
        let tree = try crypto { () throws(CryptoError) in
            var hasher = try TreeHasher()
            return try MerkleTree(size: size, edge: row, &hasher)
        }
        guard let tree else { throw AuditError(.tampered, "size \(size)") }
        return tree
    }

    /// The hashes of a proof.
    func hashes(_ plan: [ProofPlan.Part]) async throws(AuditError) -> [TreeHash] {
        var tiles: [TileID: Tile] = [:]
        for node in plan.joined() {
            let id = node.tile
            if let known = tiles[id], known.hashes.count >= node.width { continue }
            tiles[id] = try await tile(id, width: node.width)
        }
        var hasher = try crypto { () throws(CryptoError) in try TreeHasher() }
        var hashes: [TreeHash] = []
        for part in plan {
            var hash: TreeHash?
            for node in part.reversed() {
                let (tile, right) = (tiles[node.tile] ?? Tile(), hash)
                hash = try crypto { () throws(CryptoError) in
                    guard let own = try node.hash(in: tile, &hasher) else { return nil }
                    guard let right else { return own }
                    return try hasher.node(own, right)
                }
                guard hash != nil else { throw AuditError(.tampered, "tile \(node.tile.level)/\(node.tile.index)") }
            }
            guard let hash else { throw AuditError(.tampered) }
            hashes.append(hash)
        }
        return hashes
    }

    /// The root that the tree had at a size.
    func root(at size: Int) async throws(AuditError) -> TreeHash {
        guard size > 0 else { return try crypto { () throws(CryptoError) in try TreeHash.emptyRoot } }
        return try await hashes([ProofPlan.nodes(0..<size)])[0]
    }

    /// Why an entry is not there: pruned meanwhile, or taken away.
    func missing(_ index: Int) async throws(AuditError) -> AuditError {
        AuditError(index < Int(try await state().minimum) ? .pruned : .tampered, "entry \(index)")
    }

    /// The chunk that holds an index; `nil` when it is past the end or was removed.
    func chunk(holding index: Int64) async throws(AuditError) -> LeafChunk? {
        let range = KeyRange(from: LeafChunk.key(log, index), under: LeafChunk.prefix(log))
        let found = try await storing { () throws(StoreError) in
            try await store.records(in: range, limit: 1).first.map { entry throws(StoreError) in
                try LeafChunk.table.decode(entry.record.bytes, entry.key)
            }
        }
        guard let found, found.range.contains(index) else { return nil }
        return found
    }

    /// Gives the leaves of a range of indices to `body`, in order, each as the tree's own hash of it has it.
    func checkedLeaves(_ range: Range<Int>, _ body: (Int, [UInt8]) async throws -> Void) async throws {
        var check = LeafCheck(reader: self)
        try await leaves(range) { index, leaf in
            try await check.check(leaf, at: index)
            try await body(index, leaf)
        }
    }

    /// Gives the leaves of a range of indices to `body`, in order.
    func leaves(_ range: Range<Int>, _ body: (Int, [UInt8]) async throws -> Void) async throws {
        guard range.lowerBound >= 0 else { return }
        var next = range.lowerBound
        while next < range.upperBound {
            guard let chunk = try await chunk(holding: Int64(next)) else { throw try await missing(next) }
            for index in next..<min(Int(chunk.range.upperBound), range.upperBound) {
                try await body(index, chunk.leaves[index - Int(chunk.first)])
            }
            next = Int(chunk.range.upperBound)
        }
    }

    /// The newest signed checkpoint; `nil` when there is none.
    func checkpoint() async throws(AuditError) -> SignedNote? {
        let found = try await storing { () throws(StoreError) in
            try await store.records(in: KeyRange(under: StoredCheckpoint.prefix(log)), limit: 1).first.map {
                entry throws(StoreError) in try StoredCheckpoint.table.decode(entry.record.bytes, entry.key)
            }
        }
        guard let found else { return nil }
        guard let note = SignedNote(bytes: found.note) else { throw AuditError(.tampered, "checkpoint \(found.size)") }
        return note
    }

    /// Whether every full tile is what the one above says; the first that is not. Complexity: O(entries).
    func firstWrongTile(size: Int) async throws(AuditError) -> TileID? {
        for level in 0..<max(0, MerkleTree.widths(of: size).count - 1) {
            let count = size >> (8 * (level + 1))
            for index in 0..<count {
                let id = TileID(level: level, index: index)
                let stored = Tile.key(log, id)
                let tile = try await storing { () throws(StoreError) in
                    try await store.record(for: stored).map { record throws(StoreError) in
                        try Tile.table.decode(record.bytes, stored)
                    }
                }
                guard let tile else {
                    // Pruned tiles are gone; a missing one that was not pruned shows when a proof needs it.
                    if level == 0, (index + 1) * Tile.width <= Int(try await state().minimum) { continue }
                    return id
                }
                let above = try await self.tile(
                    TileID(level: level + 1, index: index / Tile.width), width: index % Tile.width + 1)
                let isRight = try crypto { () throws(CryptoError) in
                    guard tile.hashes.count == Tile.width else { return false }
                    var hasher = try TreeHasher()
                    var copy = Tile(hashes: tile.hashes)
                    try copy.finish(&hasher)
                    let root = try MerkleTree.fold(copy.row(6)[...], &hasher)
                    return (tile.inner.isEmpty || copy == tile) && above.hashes.count > index % Tile.width
                        && above.hashes[index % Tile.width] == root
                }
                if !isRight { return id }
            }
        }
        return nil
    }
}
