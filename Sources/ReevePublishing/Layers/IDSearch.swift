// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Looks for ids in texts, all at once.
struct IDSearch {
    private static let window = 8
    /// The ids in order.
    private let ids: [[UInt8]]
    /// For each id the longest other one that it begins with, -1 where there is none.
    private let shorter: [Int]
    /// Where the ids with the same first eight bytes stand.
    private var groups: [UInt64: Range<Int>] = [:]
    /// A bit for each of 4,096 hashes of those, for a first look.
    private var marks = [UInt64](repeating: 0, count: 64)

    /// A search for ids of at least eight bytes.
    init(_ wanted: [[UInt8]]) {
        ids = Set(wanted).sorted { $0.lexicographicallyPrecedes($1) }
        var (shorter, open): ([Int], [Int]) = ([], [])
        for (index, id) in ids.enumerated() {
            while let last = open.last, !id.starts(with: ids[last]) { open.removeLast() }
            shorter.append(open.last ?? -1)
            open.append(index)
            let start = id.prefix(Self.window).reduce(0) { $0 << 8 | UInt64($1) }
            groups[start] = (groups[start]?.lowerBound ?? index)..<index + 1
            marks[Self.mark(start) >> 6] |= 1 << UInt64(Self.mark(start) & 63)
        }
        self.shorter = shorter
    }

    private static func mark(_ start: UInt64) -> Int { Int((start &* 0x9E37_79B9_7F4A_7C15) >> 52) }

    /// Where ids stand in a text, one after the other, each as long as it can be.
    ///
    /// Complexity: O(bytes), and for each place where an id could stand O(log ids) and those that begin with each other.
    func ranges(in text: [UInt8]) -> [Range<Int>] {
        var (found, key, free): ([Range<Int>], UInt64, Int) = ([], 0, Self.window - 1)
        for (position, byte) in text.enumerated() {
            key = key << 8 | UInt64(byte)
            let mark = Self.mark(key)
            guard marks[mark >> 6] & 1 << UInt64(mark & 63) != 0, position >= free, let group = groups[key],
                let length = longest(text[(position - Self.window + 1)...], in: group)
            else { continue }
            let start = position - Self.window + 1
            found.append(start..<start + length)
            free = start + length + Self.window - 1
        }
        return found
    }

    /// The length of the longest id that a text begins with.
    private func longest(_ text: ArraySlice<UInt8>, in group: Range<Int>) -> Int? {
        let next = ids[group].firstIndex(notBefore: { !text.lexicographicallyPrecedes($0) })
        // The last id that is not after the text, or one that it begins with.
        var index = next - 1
        while index >= group.lowerBound {
            if text.starts(with: ids[index]) { return ids[index].count }
            index = shorter[index]
        }
        return nil
    }
}
