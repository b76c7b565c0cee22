// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// The words of names and texts, in lower case: `taxId`, `tax_id`, `TAX-ID` and `tax id` are the same two.
enum TextWords {
    /// The words of a name; capitals in a row are one word, the last of them the beginning of the next (`APIKey`).
    static func of(_ name: some Sequence<UInt8>) -> [String] {
        var (words, word): ([String], [UInt8]) = ([], [])
        var (wasLower, wasUpper) = (false, false)
        func end() {
            if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
            word.removeAll(keepingCapacity: true)
        }
        for byte in name {
            let isLetter = byte.isLetter || byte >= 0x80
            if !isLetter || byte.isUpper && wasLower {
                end()
            } else if !byte.isUpper, wasUpper, word.count > 1 {
                let last = word.removeLast()
                end()
                word.append(last)
            }
            if isLetter { word.append(byte.isUpper ? byte | 0x20 : byte) }
            (wasLower, wasUpper) = (isLetter && !byte.isUpper, byte.isUpper)
        }
        end()
        return words
    }

    /// Whether the hash of one of the words of a name, or of two or three of them together, is wanted. Complexity: O(bytes), without an allocation.
    static func contains(in name: some Sequence<UInt8>, where isWanted: (UInt64) -> Bool) -> Bool {
        // The word, it behind the one before, and behind the two before; and the same without the last letter.
        var (one, two, three) = (WordSet.seed, WordSet.seed, WordSet.seed)
        var before = (one, two, three)
        var (count, last, wasLower, wasUpper) = (0, UInt8(0), false, false)
        func isWantedNow(_ hashes: (UInt64, UInt64, UInt64)) -> Bool {
            isWanted(hashes.0) || isWanted(hashes.1) || isWanted(hashes.2)
        }
        for byte in name {
            let isLetter = byte.isLetter || byte >= 0x80
            let letter = byte.isUpper ? byte | 0x20 : byte
            if count > 0, !isLetter || byte.isUpper && wasLower {
                if isWantedNow((one, two, three)) { return true }
                (one, two, three, count) = (WordSet.seed, one, two, 0)
            } else if isLetter, !byte.isUpper, wasUpper, count > 1 {
                // The last capital begins the next word.
                if isWantedNow(before) { return true }
                (one, two, three, count) = (WordSet.hash(WordSet.seed, with: last), one, two, 1)
            }
            if isLetter {
                before = (one, two, three)
                one = WordSet.hash(one, with: letter)
                two = WordSet.hash(two, with: letter)
                three = WordSet.hash(three, with: letter)
                count += 1
                last = letter
            }
            (wasLower, wasUpper) = (isLetter && !byte.isUpper, byte.isUpper)
        }
        return count > 0 && isWantedNow((one, two, three))
    }

    /// Whether letters in lower case stand in a name, in either case.
    static func holds(_ letters: StaticString, in name: some RandomAccessCollection<UInt8>) -> Bool {
        letters.withUTF8Buffer { letters in
            var rest = name[...]
            while rest.count >= letters.count {
                if unsafe zip(rest, letters).allSatisfy({ $0 | 0x20 == $1 }) { return true }
                rest.removeFirst()
            }
            return false
        }
    }

    /// Whether one of some words stands within 48 bytes before a range or 24 behind it.
    static func names(
        _ words: WordSet, near range: Range<Int>, in text: [UInt8], within distance: Int = 48, behind: Int = 24
    ) -> Bool {
        var found = false
        forEach(near: range, in: text, within: distance, behind: behind) { found = found || words.contains($0) }
        return found
    }

    /// The hashes of the words there; a word that is cut is none.
    static func near(_ range: Range<Int>, in text: [UInt8]) -> [UInt64] {
        var hashes: [UInt64] = []
        forEach(near: range, in: text, within: 48, behind: 24) { hashes.append($0) }
        return hashes
    }

    private static func forEach(
        near range: Range<Int>, in text: [UInt8], within distance: Int, behind: Int, _ body: (UInt64) -> Void
    ) {
        forEach(in: text, max(0, range.lowerBound - distance)..<range.lowerBound, body)
        forEach(in: text, range.upperBound..<min(text.count, range.upperBound + behind), body)
    }

    private static func forEach(in text: [UInt8], _ part: Range<Int>, _ body: (UInt64) -> Void) {
        func isLetter(_ byte: UInt8) -> Bool { byte.isLetter || byte >= 0x80 }
        var (hash, count, wasLower) = (WordSet.seed, 0, false)
        // Whether a word goes on from one byte to the next.
        func goesOn(_ position: Int) -> Bool {
            guard position > 0, position < text.count, isLetter(text[position - 1]), isLetter(text[position]) else {
                return false
            }
            return text[position - 1].isUpper || !text[position].isUpper
        }
        // Of a word that begins before the part, what is in it is none.
        var isCut = goesOn(part.lowerBound)
        for byte in text[part] {
            let isLetter = isLetter(byte)
            if !isLetter || wasLower && byte.isUpper {
                if count > 0, !isCut { body(hash) }
                (hash, count, isCut) = (WordSet.seed, 0, false)
            }
            if isLetter {
                hash = WordSet.hash(hash, with: byte.isUpper ? byte | 0x20 : byte)
                count += 1
            }
            wasLower = isLetter && !byte.isUpper
        }
        if count > 0, !isCut, !goesOn(part.upperBound) { body(hash) }
    }
}
