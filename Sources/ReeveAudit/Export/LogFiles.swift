// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
public import ReeveModel

/// The files of an exported log (c2sp.org/tlog-tiles), as other tools read them: `checkpoint`, `tile/entries/…`, `tile/0/…`.
public enum LogFiles: Sendable {
    /// The checkpoint's path.
    public static let checkpoint = "checkpoint"

    /// The path of the bundle that holds the entries from `index` · 256 on, and how many those are in a log of a size.
    public static func bundle(_ index: Int, size: Int) -> (path: String, count: Int) {
        guard (0...1 << 48).contains(index) else { return ("", 0) }
        let count = min(256, max(0, max(0, size) - index * 256))
        return (TileID.bundlePath(index, width: count), count)
    }

    /// The path of a tile of a log of a size, and how many hashes it has: 0 when there is none.
    public static func tile(level: Int, _ index: Int, size: Int) -> (path: String, count: Int) {
        guard (0..<7).contains(level), (0...1 << 48).contains(index) else { return ("", 0) }
        let count = min(256, max(0, (max(0, size) >> (8 * level)) - index * 256))
        return (TileID(level: level, index: index).path(width: count), count)
    }

    /// The leaves of a bundle; `nil` when it is malformed.
    public static func leaves(ofBundle bytes: [UInt8]) -> [[UInt8]]? {
        var (leaves, position) = ([[UInt8]](), 0)
        while position < bytes.count {
            guard position + 2 <= bytes.count else { return nil }
            let end = position + 2 + Int(bytes[position]) << 8 + Int(bytes[position + 1])
            guard end <= bytes.count, leaves.count < 256 else { return nil }
            leaves.append(Array(bytes[position + 2..<end]))
            position = end
        }
        return leaves
    }

    /// The hashes of a tile; `nil` when it is malformed.
    public static func hashes(ofTile bytes: [UInt8]) -> [Digest]? {
        guard bytes.count <= 256 * 32 else { return nil }
        return Tile.hashes(bytes)?.compactMap(\.digest)
    }

    static func bundle(_ leaves: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for leaf in leaves {
            bytes.append(UInt8(truncatingIfNeeded: leaf.count >> 8))
            bytes.append(UInt8(truncatingIfNeeded: leaf.count))
            bytes += leaf
        }
        return bytes
    }
}
