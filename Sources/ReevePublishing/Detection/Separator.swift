// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What people write between the groups of a number: a sign, with a space on each side, or two spaces.
enum Separator {
    /// The end of the separator at a position: up to three bytes, at most one of them no white space; `nil` when there is none, or nothing
    /// behind it.
    static func end(in text: [UInt8], from start: Int, _ signs: StaticString) -> Int? {
        var (end, seen) = (start, 0)
        while end < text.count, end - start < 3, isSign(text[end], signs) {
            if text[end] > 0x20 { seen += 1 }
            guard seen < 2 else { break }
            end += 1
        }
        return end > start && end < text.count ? end : nil
    }

    private static func isSign(_ byte: UInt8, _ signs: StaticString) -> Bool {
        signs.withUTF8Buffer { unsafe $0.contains(byte) }
    }
}
