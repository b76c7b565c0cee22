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

    /// Whether a range is no part of a longer word: beside it stands no letter or digit, or a word of camel case ends there.
    func isWord(_ range: Range<Int>, in text: [UInt8]) -> Bool {
        let place = place(range)
        let isBegin =
            range.lowerBound == 0 || places[range.lowerBound - 1].upperBound != place.lowerBound
            || bytes[range.lowerBound - 1] == Self.gap || Self.isCamel(text, at: place.lowerBound)
        let isEnd =
            range.upperBound == bytes.count || places[range.upperBound].lowerBound != place.upperBound
            || Self.isCamel(text, at: place.upperBound)
        return isBegin && isEnd
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

    /// Latin letters with accents, and letters of Cyrillic and Greek that look like Latin ones.
    private static let table: [UInt32: [UInt8]] = {
        var table: [UInt32: [UInt8]] = [:]
        for value in (0xC0...0x24F).map(UInt32.init) + (0x1E00...0x1EFF).map(UInt32.init) {
            guard let scalar = Unicode.Scalar(value), let name = scalar.properties.name else { continue }
            // `LATIN SMALL LETTER E WITH ACUTE`
            let words = name.split(separator: " ")
            guard words.count >= 5, words[0] == "LATIN", words[2] == "LETTER", words[4] == "WITH",
                words[3].utf8.count <= 2
            else { continue }
            table[value] = Array(words[3].lowercased().utf8)
        }
        table[0xDF] = Array("ss".utf8)
        table[0xE6] = Array("ae".utf8)
        table[0xC6] = Array("ae".utf8)
        table[0x153] = Array("oe".utf8)
        let alike: [(String, String)] = [
            ("асеорхуіјѕһԁкмтвн", "aceopxyijshdkmtbh"), ("АСЕОРХУІЈЅКМТВН", "aceopxyijskmtbh"),
            ("αοικνρτυχ", "aoiknptux"),
            ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
        ]
        for (other, latin) in alike {
            for (scalar, byte) in zip(other.unicodeScalars, latin.utf8) { table[scalar.value] = [byte] }
        }
        return table
    }()
}
