// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Some words in lower case, which are told by the hashes of the forms in which they are written.
struct WordSet: Hashable, Sendable, ExpressibleByArrayLiteral {
    let words: Set<String>
    private let hashes: Set<UInt64>
    /// A bit for the low bits of each hash, in at least eight times as many: most other words are told by them.
    private var marks: [UInt64]

    init(_ words: Set<String>) {
        self.words = words
        hashes = Set(words.flatMap(Self.hashes))
        marks = [0]
        while marks.count * 8 < hashes.count { marks += marks }
        for hash in hashes { marks[slot(of: hash)] |= 1 << (hash & 63) }
    }

    init(arrayLiteral words: String...) { self.init(Set(words)) }

    var isEmpty: Bool { words.isEmpty }
    func contains(_ hash: UInt64) -> Bool { marks[slot(of: hash)] >> (hash & 63) & 1 == 1 && hashes.contains(hash) }
    private func slot(of hash: UInt64) -> Int { Int(hash >> 6) & (marks.count - 1) }

    static func == (left: Self, right: Self) -> Bool { left.words == right.words }
    func hash(into hasher: inout Hasher) { hasher.combine(words) }

    /// The hash of no letters, and of a word with another letter (FNV-1a, 64 bits).
    static let seed: UInt64 = 0xCBF2_9CE4_8422_2325
    static func hash(_ hash: UInt64, with letter: UInt8) -> UInt64 { (hash ^ UInt64(letter)) &* 0x100_0000_01B3 }
    static func hash(_ word: some Sequence<UInt8>) -> UInt64 { word.reduce(seed, hash(_:with:)) }

    /// The hashes of a word as it is, with a capital and in capitals, since only ASCII is told in either case by its bytes; each also with marks
    /// apart from their letters (UAX #15).
    private static func hashes(of word: String) -> [UInt64] {
        let forms = [word, word.prefix(1).uppercased() + word.dropFirst(), word.uppercased()]
        return (forms + forms.map(\.decomposed)).map { form in hash(form.utf8.map { $0.isUpper ? $0 | 0x20 : $0 }) }
    }
}

extension String {
    /// With Latin letters and their marks apart, and the syllables of Hangul in letters (UAX #15).
    var decomposed: String {
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0xAC00...0xD7A3:
                let index = scalar.value - 0xAC00
                let letters = [0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11A7 + index % 28]
                text.append(contentsOf: letters.prefix(index % 28 == 0 ? 2 : 3).compactMap(Unicode.Scalar.init))
            case 0xC0...0x17F: text.append(contentsOf: (Self.marked[String(scalar)] ?? String(scalar)).unicodeScalars)
            default: text.append(scalar)
            }
        }
        return String(text)
    }

    /// Letters with a mark as two scalars. Strings are equal where they are so canonically.
    private static let marked: [String: String] = {
        let marks: [Unicode.Scalar] = [
            "\u{300}", "\u{301}", "\u{302}", "\u{303}", "\u{304}", "\u{306}", "\u{307}", "\u{308}", "\u{30A}",
            "\u{30B}", "\u{30C}", "\u{327}",
            "\u{328}",
        ]
        var table: [String: String] = [:]
        for letter in "aceghijklnorstuwyzACEGHIJKLNORSTUWYZdD" {
            for mark in marks { table[String(letter) + String(mark)] = String(letter) + String(mark) }
        }
        return table
    }()
}
