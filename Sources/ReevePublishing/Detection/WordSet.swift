// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Some words in lower case, which are told by their hashes.
struct WordSet: Hashable, Sendable, ExpressibleByArrayLiteral {
    let words: Set<String>
    private let hashes: Set<UInt64>
    /// A bit for the low bits of each hash.
    private let marks: UInt64

    init(_ words: Set<String>) {
        self.words = words
        hashes = Set(words.map { Self.hash($0.utf8) })
        marks = hashes.reduce(0) { $0 | 1 << ($1 & 63) }
    }

    init(arrayLiteral words: String...) { self.init(Set(words)) }

    var isEmpty: Bool { words.isEmpty }
    func contains(_ hash: UInt64) -> Bool { marks >> (hash & 63) & 1 == 1 && hashes.contains(hash) }

    static func == (left: Self, right: Self) -> Bool { left.words == right.words }
    func hash(into hasher: inout Hasher) { hasher.combine(words) }

    /// The hash of no letters, and of a word with another letter (FNV-1a, 64 bits).
    static let seed: UInt64 = 0xCBF2_9CE4_8422_2325
    static func hash(_ hash: UInt64, with letter: UInt8) -> UInt64 { (hash ^ UInt64(letter)) &* 0x100_0000_01B3 }
    static func hash(_ word: some Sequence<UInt8>) -> UInt64 { word.reduce(seed, hash(_:with:)) }
}

/// Marks for words: whether a word could be one of many, by its hash.
struct WordMarks: Sendable {
    /// A bit for the low bits of each hash.
    private var marks = [UInt64](repeating: 0, count: 256)

    init(_ words: some Sequence<String>) {
        for word in words {
            let hash = WordSet.hash(word.utf8)
            marks[Int(hash >> 6 & 255)] |= 1 << (hash & 63)
        }
    }

    /// Whether it could be the hash of one of the words.
    func mayContain(_ hash: UInt64) -> Bool { marks[Int(hash >> 6 & 255)] >> (hash & 63) & 1 == 1 }
}
