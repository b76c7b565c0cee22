// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel

/// The right edge of a Merkle tree (RFC 6962 §2.1) in tiles: what is needed to append, and the root.
struct MerkleTree: Sendable {
    /// The number of leaves.
    private(set) var size = 0
    /// The last tile of each level, never full: a full one is handed out and its root goes one level up.
    private(set) var edge: [Tile] = []
    /// The whole nodes that the leaves make up, the largest first.
    private var peaks: [(height: Int, hash: TreeHash)] = []

    /// An empty tree.
    init() {}

    /// The tree whose last tiles these are, one a level from the leaves up; `nil` when they do not fit the size.
    init?(size: Int, edge: [Tile], _ hasher: inout TreeHasher) throws(CryptoError) {
        let widths = Self.widths(of: size)
        guard size >= 0, edge.count == widths.count, zip(edge, widths).allSatisfy({ $0.hashes.count == $1 }) else {
            return nil
        }
        self.size = size
        for (level, tile) in edge.enumerated() {
            var tile = Tile(hashes: tile.hashes)
            try tile.finish(&hasher)
            self.edge.append(tile)
            var end = tile.hashes.count
            var small: [(height: Int, hash: TreeHash)] = []
            while end > 0 {
                let count = 1 << end.trailingZeroBitCount
                let hash = try Self.fold(tile.hashes[end - count..<end], &hasher)
                small.append((level * 8 + end.trailingZeroBitCount, hash))
                end -= count
            }
            peaks = small.reversed() + peaks
        }
    }

    /// A tree of which the whole nodes are known alone, the largest first: to check what follows, not to store it; `nil` when
    /// they do not fit the size.
    init?(size: Int, peaks: [TreeHash]) {
        let nodes = ProofPlan.nodes(0..<max(0, size))
        guard nodes.count == peaks.count else { return nil }
        self.size = size
        self.peaks = zip(nodes, peaks).map { ($0.height, $1) }
        edge = Self.widths(of: size).map { _ in Tile() }
    }

    /// The number of hashes in the last tile of each level of a tree, 0 where the last one is full.
    static func widths(of size: Int) -> [Int] {
        var (widths, rest) = ([Int](), size)
        while rest > 0 {
            widths.append(rest % Tile.width)
            rest /= Tile.width
        }
        return widths
    }

    /// Appends a leaf's hash. Tiles that it fills are given to `filled`. Complexity: amortised O(1).
    mutating func append(
        _ leaf: TreeHash, _ hasher: inout TreeHasher, filled: (TileID, Tile) -> Void
    ) throws(CryptoError) {
        var (hash, height) = (leaf, 0)
        size += 1
        add(hash, toLevel: 0)
        while let last = peaks.last, last.height == height {
            peaks.removeLast()
            hash = try hasher.node(last.hash, hash)
            height += 1
            let level = height / 8
            switch height % 8 {
            case let row where row.isMultiple(of: 2) && row > 0: edge[level].add(hash, toRow: row)
            case 0:
                filled(TileID(level: level - 1, index: (size >> height) - 1), edge[level - 1])
                edge[level - 1] = Tile()
                add(hash, toLevel: level)
            default: break
            }
        }
        peaks.append((height, hash))
    }

    private mutating func add(_ hash: TreeHash, toLevel level: Int) {
        if level == edge.count { edge.append(Tile()) }
        edge[level].hashes.append(hash)
    }

    /// The root of all leaves. Complexity: O(log size).
    func root(_ hasher: inout TreeHasher) throws(CryptoError) -> TreeHash {
        guard var root = peaks.last?.hash else { return try TreeHash.emptyRoot }
        for peak in peaks.dropLast().reversed() { root = try hasher.node(peak.hash, root) }
        return root
    }

    /// The hash over a row of nodes, as many as a power of two.
    static func fold(_ row: ArraySlice<TreeHash>, _ hasher: inout TreeHasher) throws(CryptoError) -> TreeHash {
        try fold(row, row.startIndex, row.count, &hasher)
    }

    private static func fold(
        _ row: ArraySlice<TreeHash>, _ start: Int, _ count: Int, _ hasher: inout TreeHasher
    ) throws(CryptoError) -> TreeHash {
        guard count > 1 else { return row[start] }
        let half = count / 2
        let left = try fold(row, start, half, &hasher)
        return try hasher.node(left, fold(row, start + half, half, &hasher))
    }
}

/// A range of leaves whose hash is a node of the tree: as many as a power of two, and beginning at a multiple of it.
struct TreeNode: Hashable, Sendable {
    /// The logarithm of the number of leaves.
    var height: Int
    /// The number of such ranges before it.
    var index: Int

    /// The tile in which the node, or what it is computed from, lies.
    var tile: TileID {
        let level = height / 8
        return TileID(level: level, index: index >> (8 - (height - level * 8)))
    }

    /// How wide its tile must be to compute it.
    var width: Int {
        let rows = height % 8
        return ((index & ((1 << (8 - rows)) - 1)) + 1) << rows
    }

    /// The node's hash from its tile; `nil` when the tile is not wide enough.
    func hash(in tile: Tile, _ hasher: inout TreeHasher) throws(CryptoError) -> TreeHash? {
        let rows = height % 8
        let position = index & ((1 << (8 - rows)) - 1)
        // From the highest row that is kept and not above it.
        for row in stride(from: rows & ~1, through: 0, by: -2) {
            let (hashes, count) = (tile.row(row), 1 << (rows - row))
            guard (position + 1) * count <= hashes.count else { continue }
            return try MerkleTree.fold(hashes[position * count..<(position + 1) * count], &hasher)
        }
        return nil
    }
}

/// Which nodes a proof is made of (RFC 6962 §2.1.1, §2.1.2).
enum ProofPlan {
    /// A hash of a proof: the hash over a range of leaves, by the nodes that it splits into, from the left.
    typealias Part = [TreeNode]

    /// The nodes that a range of leaves splits into.
    static func nodes(_ range: Range<Int>) -> Part {
        var (nodes, start) = ([TreeNode](), range.lowerBound)
        while start < range.upperBound {
            let alignment = start == 0 ? Int.bitWidth - 2 : start.trailingZeroBitCount
            let room = Int.bitWidth - 1 - (range.upperBound - start).leadingZeroBitCount
            let height = min(alignment, room)
            nodes.append(TreeNode(height: height, index: start >> height))
            start += 1 << height
        }
        return nodes
    }

    /// The proof that leaf `index` is in the tree of `size` leaves, from the leaf's sibling up.
    static func inclusion(_ index: Int, in size: Int) -> [Part] {
        var (parts, low, high) = ([Part](), 0, size)
        while high - low > 1 {
            let middle = low + split(high - low)
            if index < middle {
                parts.append(nodes(middle..<high))
                high = middle
            } else {
                parts.append(nodes(low..<middle))
                low = middle
            }
        }
        return parts.reversed()
    }

    /// The proof that the tree of `new` leaves begins with the one of `old` leaves; empty when either is empty or both are
    /// equal.
    static func consistency(_ old: Int, _ new: Int) -> [Part] {
        guard old > 0, old < new else { return [] }
        var (parts, low, high, isWhole) = ([Part](), 0, new, true)
        while old != high {
            let middle = low + split(high - low)
            if old <= middle {
                parts.append(nodes(middle..<high))
                high = middle
            } else {
                parts.append(nodes(low..<middle))
                low = middle
                isWhole = false
            }
        }
        if !isWhole { parts.append(nodes(low..<high)) }
        return parts.reversed()
    }

    /// The largest power of two below a count of at least two.
    static func split(_ count: Int) -> Int { 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount) }
}

/// Checks of proofs.
enum ProofCheck {
    /// The root that an inclusion proof leads to; `nil` when it has a wrong number of hashes or the index is out of range.
    static func root(
        leaf: TreeHash, _ index: Int, in size: Int, _ proof: [TreeHash], _ hasher: inout TreeHasher
    ) throws(CryptoError) -> TreeHash? {
        guard index >= 0, index < size else { return nil }
        var sides: [Bool] = []
        sides.reserveCapacity(proof.count)
        var (low, high) = (0, size)
        while high - low > 1 {
            let middle = low + ProofPlan.split(high - low)
            sides.append(index < middle)
            if index < middle { high = middle } else { low = middle }
        }
        // One sibling for each time that the tree was split.
        guard sides.count == proof.count else { return nil }
        var hash = leaf
        for (isLeft, sibling) in zip(sides.reversed(), proof) {
            hash = isLeft ? try hasher.node(hash, sibling) : try hasher.node(sibling, hash)
        }
        return hash
    }

    /// Whether a proof shows that the tree of `new` leaves begins with the one of `old` leaves (RFC 9162 §2.1.4.2).
    static func isConsistent(
        _ old: Int, _ oldRoot: TreeHash, _ new: Int, _ newRoot: TreeHash, _ proof: [TreeHash],
        _ hasher: inout TreeHasher
    ) throws(CryptoError) -> Bool {
        guard old >= 0, old <= new else { return false }
        if old == new { return proof.isEmpty && oldRoot == newRoot }
        if old == 0 { return proof.isEmpty }
        guard proof.count == ProofPlan.consistency(old, new).count else { return false }
        var path = proof
        // Where the old tree is a whole node of the new one, its root is not repeated in the proof.
        if old.nonzeroBitCount == 1 { path.insert(oldRoot, at: 0) }
        var (node, last) = (old - 1, new - 1)
        while node & 1 == 1 { (node, last) = (node >> 1, last >> 1) }
        guard let first = path.first else { return false }
        var (left, right) = (first, first)
        for hash in path.dropFirst() {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                left = try hasher.node(hash, left)
                right = try hasher.node(hash, right)
                while node & 1 == 0, node != 0 { (node, last) = (node >> 1, last >> 1) }
            } else {
                right = try hasher.node(right, hash)
            }
            (node, last) = (node >> 1, last >> 1)
        }
        return last == 0 && left == oldRoot && right == newRoot
    }
}
