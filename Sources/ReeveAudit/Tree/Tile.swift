// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage

/// Where a tile lies: its level, of 8 rows of the tree each, and its number from the left (c2sp.org/tlog-tiles).
struct TileID: Hashable, Sendable {
    var level: Int
    var index: Int

    /// The path of the tile in an exported log; with its width when it is partial.
    func path(width: Int) -> String { "tile/\(level)/\(Self.number(index))\(width == 256 ? "" : ".p/\(width)")" }

    /// The path of a bundle of entries.
    static func bundlePath(_ index: Int, width: Int) -> String {
        "tile/entries/\(number(index))\(width == 256 ? "" : ".p/\(width)")"
    }

    /// A number in groups of three digits, all but the last marked.
    private static func number(_ index: Int) -> String {
        var groups: [String] = []
        var rest = index
        repeat {
            let group = String(rest % 1000)
            groups.insert(String(repeating: "0", count: 3 - group.utf8.count) + group, at: 0)
            rest /= 1000
        } while rest > 0
        return (groups.dropLast().map { "x" + $0 } + groups.suffix(1)).joined(separator: "/")
    }
}

/// Up to 256 hashes of one row of the tree, and in a full tile the rows two, four and six above, so that a proof computes
/// few.
struct Tile: Hashable, Sendable {
    static let width = 256
    var hashes: [TreeHash] = []
    /// The rows two, four and six above, as far as they are whole; empty where they are not kept.
    private(set) var inner: [[TreeHash]] = []

    /// A tile of these hashes alone.
    init(hashes: [TreeHash] = []) {
        self.hashes = hashes
    }

    /// The row so many above the hashes: of 0, 2, 4 and 6.
    func row(_ row: Int) -> [TreeHash] { row == 0 ? hashes : inner.isEmpty ? [] : inner[row / 2 - 1] }

    /// Appends to a row above: of 2, 4 and 6.
    mutating func add(_ hash: TreeHash, toRow row: Int) {
        if inner.isEmpty { inner = [[], [], []] }
        inner[row / 2 - 1].append(hash)
    }

    /// Computes the rows above, as far as they are whole.
    mutating func finish(_ hasher: inout TreeHasher) throws(CryptoError) {
        inner = []
        for row in [2, 4, 6] {
            let below = self.row(row - 2)
            for start in stride(from: 0, through: below.count - 4, by: 4) {
                add(try MerkleTree.fold(below[start..<start + 4], &hasher), toRow: row)
            }
        }
    }
}

extension Tile: JSONRecord {
    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("hashes", Self.bytes(hashes))
            writer.field("inner", inner.isEmpty ? nil : Self.bytes(inner.flatMap(\.self)))
        }
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            guard let hashes = Self.hashes(try reader.byteString("hashes")), hashes.count <= Tile.width else {
                throw reader.unexpected()
            }
            var tile = Tile(hashes: hashes)
            guard reader.hasField("inner") else { return tile }
            guard let inner = Self.hashes(try reader.byteString()), inner.count == 84, hashes.count == Tile.width
            else {
                throw reader.unexpected()
            }
            tile.inner = [Array(inner[..<64]), Array(inner[64..<80]), Array(inner[80...])]
            return tile
        }
    }

    static func bytes(_ hashes: [TreeHash]) -> [UInt8] { unsafe hashes.withUnsafeBytes { unsafe Array($0) } }

    static func hashes(_ bytes: [UInt8]) -> [TreeHash]? {
        guard bytes.count.isMultiple(of: 32) else { return nil }
        return unsafe bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 32).map { unsafe bytes.loadUnaligned(fromByteOffset: $0 * 32, as: TreeHash.self) }
        }
    }
}
