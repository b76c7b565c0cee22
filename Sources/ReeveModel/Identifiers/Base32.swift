// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Crockford base 32 of 128 bits in 26 lower-case characters, most significant first.
enum Base32 {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
        return table
    }()

    static func encode(high: UInt64, low: UInt64) -> String {
        var text = [UInt8](repeating: 0, count: 26)
        var value = UInt128(high) << 64 | UInt128(low)
        for position in stride(from: 25, through: 0, by: -1) {
            text[position] = alphabet[Int(truncatingIfNeeded: value & 31)]
            value >>= 5
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// `nil` unless there are exactly 26 characters of the alphabet whose value fits 128 bits.
    static func decode(_ text: some Collection<UInt8>) -> (high: UInt64, low: UInt64)? {
        guard text.count == 26, let first = text.first, values[Int(first)] < 8 else { return nil }
        var value: UInt128 = 0
        for character in text {
            let digit = values[Int(character)]
            guard digit != 0xFF else { return nil }
            value = value << 5 | UInt128(digit)
        }
        return (UInt64(truncatingIfNeeded: value >> 64), UInt64(truncatingIfNeeded: value))
    }
}
