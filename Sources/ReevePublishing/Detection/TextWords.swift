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

    /// Whether one of some words stands within 48 bytes before a range or 24 behind it.
    static func names(
        _ words: Set<String>, near range: Range<Int>, in text: [UInt8], within distance: Int = 48, behind: Int = 24
    ) -> Bool {
        let start = max(0, range.lowerBound - distance)
        return contains(words, in: text[start..<range.lowerBound], isCutBefore: start > 0)
            || contains(
                words, in: text[range.upperBound..<min(text.count, range.upperBound + behind)], isCutBefore: false)
    }

    private static func contains(_ words: Set<String>, in part: ArraySlice<UInt8>, isCutBefore: Bool) -> Bool {
        var (word, isFirst, wasLower) = ([UInt8](), isCutBefore, false)
        func isOne() -> Bool {
            !word.isEmpty && !isFirst && words.contains(String(decoding: word, as: UTF8.self))
        }
        for byte in part {
            let isLetter = byte.isLetter || byte >= 0x80
            if !isLetter || wasLower && byte.isUpper {
                if isOne() { return true }
                if !word.isEmpty { isFirst = false }
                word.removeAll(keepingCapacity: true)
                if !isLetter { isFirst = false }
            }
            if isLetter { word.append(byte.isUpper ? byte | 0x20 : byte) }
            wasLower = isLetter && !byte.isUpper
        }
        return isOne()
    }
}
