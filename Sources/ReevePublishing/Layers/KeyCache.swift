// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What is known about the keys of one document, of which most are the same few.
struct KeyCache {
    struct Facts {
        /// Whether the key says that its value could be somebody's.
        let isTelling: Bool
        /// Whether nothing can be in the key, and no program takes it for another.
        let isClean: Bool
    }

    private struct Entry {
        let hash: UInt64
        /// The place of its key among those of all.
        let key: Range<Int>
        let facts: Facts
    }

    private var keys: [UInt8] = []
    private var entries = [Entry?](repeating: nil, count: 256)

    /// What is known about a key, by its hash and where it stands.
    mutating func facts(of text: [UInt8], _ range: Range<Int>, _ hash: UInt64) -> Facts {
        // The golden ratio, in 64 bits: keys that differ in little come far apart. Keys that come to one slot stand behind each other.
        let first = Int((hash &* 0x9E37_79B9_7F4A_7C15) >> 56)
        var free = first
        for step in 0..<8 {
            let slot = (first + step) & 255
            guard let entry = entries[slot] else {
                free = slot
                break
            }
            if entry.hash == hash, isKey(entry.key, text, range) { return entry.facts }
        }
        var pills: [TextScreen.Pill] = []
        let facts = Facts(
            isTelling: TellingWords.isTelling(text[range]),
            isClean: text[range].allSatisfy { $0 < 0x80 } && TextScreen.isClean(text, range, .text, &pills))
        entries[free] = Entry(hash: hash, key: keys.count..<keys.count + range.count, facts: facts)
        keys += text[range]
        return facts
    }

    private func isKey(_ key: Range<Int>, _ text: [UInt8], _ range: Range<Int>) -> Bool {
        guard key.count == range.count else { return false }
        for index in 0..<range.count where keys[key.lowerBound + index] != text[range.lowerBound + index] {
            return false
        }
        return true
    }
}
