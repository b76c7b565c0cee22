// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Crockford base 32 of 128 bits in 26 lower-case characters, most significant first.
enum Base32 {
    static func append(high: UInt64, low: UInt64, to text: inout [UInt8]) {
        var (end, low, high) = (text.count + 26, low, high)
        text.append(contentsOf: repeatElement(0, count: 26))
        unsafe text.withUnsafeMutableBufferPointer { text in
            // From the last of 26 characters of five bits; the first has the top three of 128.
            for _ in 0..<26 {
                end -= 1
                unsafe text[end] = unsafe alphabet.utf8Start[Int(low & 31)]
                low = low >> 5 | high << 59
                high >>= 5
            }
        }
    }

    /// `nil` unless there are the prefix, a low line, and exactly 26 characters of the alphabet whose value fits 128 bits.
    static func decode(_ text: ArraySlice<UInt8>, after prefix: String) -> (high: UInt64, low: UInt64)? {
        let prefix = prefix.utf8
        var position = text.startIndex + prefix.count
        guard text.count == prefix.count + 27, text[position] == UInt8(ascii: "_") else { return nil }
        var index = text.startIndex
        for byte in prefix {
            guard text[index] == byte else { return nil }
            index += 1
        }
        var (high, low): (UInt64, UInt64) = (0, 0)
        position += 1
        for index in position..<text.endIndex {
            guard let digit = value(text[index]), index > position || digit < 8 else { return nil }
            high = high << 5 | low >> 59
            low = low << 5 | digit
        }
        return (high, low)
    }

    /// Digits, then the letters without `i`, `l`, `o` and `u`.
    private static let alphabet: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"

    private static func value(_ character: UInt8) -> UInt64? {
        switch character {
        case 48...57: UInt64(character - 48)
        case 97...104: UInt64(character - 87)
        case 106...107: UInt64(character - 88)
        case 109...110: UInt64(character - 89)
        case 112...116: UInt64(character - 90)
        case 118...122: UInt64(character - 91)
        default: nil
        }
    }
}
