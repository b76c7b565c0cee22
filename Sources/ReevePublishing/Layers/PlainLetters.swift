// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// The letters and digits of a text in lower case, without accents, and with the Latin letter where one of another script looks the same; with the
/// place of each.
struct PlainLetters {
    private(set) var bytes: [UInt8] = []
    /// For each byte where its character stands, and where that ends.
    private var places: [Range<Int>] = []
    /// Stands where more than six signs stand between two letters: no name goes on over it.
    static let gap: UInt8 = 0x20
    private static let mostSigns = 6

    init(_ text: [UInt8]) {
        bytes.reserveCapacity(text.count)
        var (position, signs) = (0, 0)
        while position < text.count {
            let length = Self.length(of: text[position])
            let end = min(position + length, text.count)
            let letters = Self.letters(text[position..<end])
            if letters.isEmpty {
                signs += Self.isMark(text[position..<end]) ? 0 : 1
            } else {
                if signs > Self.mostSigns {
                    bytes.append(Self.gap)
                    places.append(position..<position)
                }
                signs = 0
                for letter in letters {
                    bytes.append(letter)
                    places.append(position..<end)
                }
            }
            position = end
        }
    }

    /// The place of a range that is not empty.
    func place(_ range: Range<Int>) -> Range<Int> {
        places[range.lowerBound].lowerBound..<places[range.upperBound - 1].upperBound
    }

    /// Whether a range is no part of a longer word: beside it stands no letter, or one of another kind (a digit beside a letter, a word of camel
    /// case), or it is written in letters that are not parted into words (from U+0800: Thai, Chinese, Japanese, Korean).
    func isWord(_ range: Range<Int>, in text: [UInt8]) -> Bool {
        let place = place(range)
        let (first, last) = (range.lowerBound, range.upperBound - 1)
        let isBegin =
            first == 0 || places[first - 1].upperBound != place.lowerBound || bytes[first - 1] == Self.gap
            || isParted(first - 1, first, text) || Self.isCamel(text, at: place.lowerBound)
        let isEnd =
            last + 1 == bytes.count || places[last + 1].lowerBound != place.upperBound || isParted(last + 1, last, text)
            || Self.isCamel(text, at: place.upperBound)
        return isBegin && isEnd
    }

    /// Whether a letter of a name and the one beside it are of two words.
    private func isParted(_ neighbour: Int, _ own: Int, _ text: [UInt8]) -> Bool {
        bytes[neighbour].isDigit != bytes[own].isDigit || text[places[own].lowerBound] >= 0xE0
    }

    /// Whether a word of camel case begins at a position.
    private static func isCamel(_ text: [UInt8], at position: Int) -> Bool {
        position > 0 && position < text.count && text[position].isUpper && !text[position - 1].isUpper
    }

    private static func length(of byte: UInt8) -> Int { byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4 }

    private static func isMark(_ character: ArraySlice<UInt8>) -> Bool {
        String(decoding: character, as: UTF8.self).unicodeScalars.allSatisfy {
            $0.properties.generalCategory == .nonspacingMark
        }
    }

    /// The plain letters of a character; none for what is neither letter nor digit.
    private static func letters(_ character: ArraySlice<UInt8>) -> [UInt8] {
        if character.count == 1, let byte = character.first {
            return byte.isAlphanumeric ? [byte.isUpper ? byte | 0x20 : byte] : []
        }
        guard let scalar = String(decoding: character, as: UTF8.self).unicodeScalars.first else { return [] }
        if let known = table[scalar.value] { return known }
        guard scalar.properties.isAlphabetic || scalar.properties.numericType != nil else { return [] }
        return Array(scalar.properties.lowercaseMapping.utf8)
    }

    /// Letters of Latin, Greek and Cyrillic with accents as those without, in lower case; and those of Greek and Cyrillic that look like Latin ones.
    private static let table: [UInt32: [UInt8]] = {
        let blocks = [0xC0...0x24F, 0x370...0x45F, 0x1E00...0x1FFF] as [ClosedRange<UInt32>]
        let scalars =
            blocks.flatMap { $0.compactMap(Unicode.Scalar.init) } + (0x41...0x7A).compactMap(Unicode.Scalar.init)
        let named = Dictionary(
            scalars.compactMap { scalar in scalar.properties.name.map { ($0, scalar) } },
            uniquingKeysWith: { first, _ in first })
        let pairs = zip("асеорхуіјѕһԁкмтвнαοικντρυχς".unicodeScalars, "aceopxyijshdkmtbhaoikvtpuxσ".unicodeScalars)
        let alike = Dictionary(
            pairs.map { ($0, Array(String(Character($1)).utf8)) }, uniquingKeysWith: { first, _ in first })
        var table: [UInt32: [UInt8]] = [:]
        for scalar in scalars where scalar.value >= 0x80 {
            guard let name = scalar.properties.name, scalar.properties.isAlphabetic else { continue }
            // `GREEK SMALL LETTER ALPHA WITH TONOS`; these three have names of their own.
            let own = ["SHORT I": "I", "LETTER IO": "LETTER IE", "LETTER YI": "LETTER BYELORUSSIAN-UKRAINIAN I"]
            var plain = String(name.prefix(upTo: name.firstRange(of: " WITH ")?.lowerBound ?? name.endIndex))
            if plain.hasPrefix("CYRILLIC") {
                for (long, short) in own where plain.hasSuffix(long) { plain = plain.dropLast(long.count) + short }
            }
            let base = named[plain] ?? scalar
            let lower = base.properties.lowercaseMapping
            table[scalar.value] = lower.unicodeScalars.first.flatMap { alike[$0] } ?? Array(lower.utf8)
        }
        for (letters, plain) in [("ßẞ", "ss"), ("æÆ", "ae"), ("œŒ", "oe")] {
            for scalar in letters.unicodeScalars { table[scalar.value] = Array(plain.utf8) }
        }
        return table
    }()
}
