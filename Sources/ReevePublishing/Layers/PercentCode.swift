// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Percent codes of URLs (RFC 3986 §2.1).
enum PercentCode {
    /// The character whose code stands at a position, and the length of the code; `nil` when none does.
    static func decode(_ text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        guard let first = byte(text, at: position) else { return nil }
        // A control character parts what stands beside it.
        guard first >= 0x80 else { return ([first >= 0x20 && first != 0x7F ? first : 0x20], 3) }
        let count = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        let bytes = (0..<count).compactMap { byte(text, at: position + 3 * $0) }
        guard bytes.count == count, String(validating: bytes, as: UTF8.self) != nil else { return nil }
        return (bytes, 3 * count)
    }

    private static func byte(_ text: [UInt8], at position: Int) -> UInt8? {
        guard position + 2 < text.count, text[position] == UInt8(ascii: "%"),
            let high = digit(text[position + 1]), let low = digit(text[position + 2])
        else { return nil }
        return high << 4 | low
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }

    /// Whether a text has a code in it.
    static func isIn(_ text: ArraySlice<UInt8>) -> Bool {
        let bytes = Array(text)
        return bytes.indices.contains { decode(bytes, at: $0) != nil }
    }

    /// A text with a code for everything but letters, digits and `-._~`.
    static func encode(_ text: [UInt8]) -> [UInt8] {
        text.flatMap { byte -> [UInt8] in
            byte.isAlphanumeric || "-._~".utf8.contains(byte)
                ? [byte] : Array("%\(Hex.encode([byte]).uppercased())".utf8)
        }
    }
}
