// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Looks for ids in texts, all at once.
struct IDSearch {
    private static let window = 8
    /// The ids by their first eight bytes.
    private var ids: [UInt64: Set<[UInt8]>] = [:]
    /// A bit for each of 4,096 hashes of those, for a first look.
    private var marks = [UInt64](repeating: 0, count: 64)

    /// A search for ids of at least eight bytes.
    init(_ ids: [[UInt8]]) {
        for id in ids {
            let start = id.prefix(Self.window).reduce(0) { $0 << 8 | UInt64($1) }
            self.ids[start, default: []].insert(id)
            marks[Self.mark(start) >> 6] |= 1 << UInt64(Self.mark(start) & 63)
        }
    }

    private static func mark(_ start: UInt64) -> Int { Int((start &* 0x9E37_79B9_7F4A_7C15) >> 52) }

    /// Where ids stand in a text, one after the other. Complexity: O(bytes), and for each place where an id could stand those that begin alike.
    func ranges(in text: [UInt8]) -> [Range<Int>] {
        var (found, key, free): ([Range<Int>], UInt64, Int) = ([], 0, Self.window - 1)
        for (position, byte) in text.enumerated() {
            key = key << 8 | UInt64(byte)
            let mark = Self.mark(key)
            guard marks[mark >> 6] & 1 << UInt64(mark & 63) != 0, position >= free, let candidates = ids[key] else {
                continue
            }
            let rest = text[(position - Self.window + 1)...]
            guard let id = candidates.first(where: { rest.starts(with: $0) }) else { continue }
            found.append(rest.startIndex..<rest.startIndex + id.count)
            free = rest.startIndex + id.count + Self.window - 1
        }
        return found
    }
}
