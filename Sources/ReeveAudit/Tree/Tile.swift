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

/// Up to 256 hashes of one row of the tree, and in a full tile the 16 hashes four rows above, so that a proof computes few.
struct Tile: Hashable, Sendable {
    static let width = 256
    var hashes: [TreeHash] = []
    var middle: [TreeHash] = []

    /// Computes the hashes four rows up, as far as they are whole.
    mutating func finish(_ hasher: inout TreeHasher) throws(CryptoError) {
        middle = []
        for start in stride(from: 0, through: hashes.count - 16, by: 16) {
            middle.append(try MerkleTree.fold(hashes[start..<start + 16], &hasher))
        }
    }
}

extension Tile: JSONRecord {
    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("hashes", Self.bytes(hashes))
            writer.field("middle", middle.isEmpty ? nil : Self.bytes(middle))
        }
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            guard let hashes = Self.hashes(try reader.byteString("hashes")), hashes.count <= Tile.width else {
                throw reader.unexpected()
            }
            guard reader.hasField("middle") else { return Tile(hashes: hashes) }
            guard let middle = Self.hashes(try reader.byteString()), middle.count == 16, hashes.count == Tile.width
            else {
                throw reader.unexpected()
            }
            return Tile(hashes: hashes, middle: middle)
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
