// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Text in base 64 (RFC 4648 §4 and §5), found in other text: only what decodes to readable text counts.
struct Base64Text {
    /// Where it stands, with its padding.
    let range: Range<Int>
    /// What it says.
    let bytes: [UInt8]
    /// Whether it is written with `-` and `_`.
    private let isURL: Bool
    private let isPadded: Bool

    /// Digits of the shortest that could hold something.
    private static let shortest = 8

    /// All that stand in a text, in order. Complexity: O(bytes).
    static func find(in text: [UInt8]) -> [Base64Text] {
        var (found, position): ([Base64Text], Int) = ([], 0)
        while position < text.count {
            guard isDigit(text[position]) else {
                position += 1
                continue
            }
            let start = position
            while position < text.count, isDigit(text[position]) { position += 1 }
            if position - start >= shortest { found += find(in: text, start..<position) }
        }
        return found
    }

    /// A run of digits: all of it, or what stands between separators that are digits as well.
    private static func find(in text: [UInt8], _ run: Range<Int>) -> [Base64Text] {
        if let whole = Base64Text(text, run) { return [whole] }
        return text[run].split { "/-_+".utf8.contains($0) }.compactMap { part in
            part.count >= shortest && part.count < run.count ? Base64Text(text, part.indices) : nil
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte.isAlphanumeric || "+/-_".utf8.contains(byte) }

    private init?(_ text: [UInt8], _ run: Range<Int>) {
        let digits = text[run]
        isURL = digits.contains { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        guard !isURL || !digits.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }) else {
            return nil
        }
        let padding = (4 - run.count % 4) % 4
        let hasPadding = text[run.upperBound...].prefix(padding).elementsEqual(
            Array(repeating: UInt8(ascii: "="), count: padding))
        guard padding < 3 else { return nil }
        isPadded = padding > 0 && hasPadding
        range = run.lowerBound..<run.upperBound + (isPadded ? padding : 0)
        let plain = digits.map { byte in
            byte == UInt8(ascii: "+") ? UInt8(ascii: "-") : byte == UInt8(ascii: "/") ? UInt8(ascii: "_") : byte
        }
        guard let decoded = Base64URL.decode(plain[...]), Self.isReadable(decoded) else {
            return nil
        }
        bytes = decoded
    }

    private static func isReadable(_ bytes: [UInt8]) -> Bool {
        // Zero bytes and the like part values, as in `\0user\0password`.
        let controls = bytes.count { $0 < 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D || $0 == 0x7F }
        return controls * 4 <= bytes.count && String(validating: bytes, as: UTF8.self) != nil
    }

    /// Other text, written as this one is.
    func encode(_ text: [UInt8]) -> [UInt8] {
        var digits = Array(Base64URL.encode(text).utf8)
        if !isURL {
            for index in digits.indices {
                if digits[index] == UInt8(ascii: "-") { digits[index] = UInt8(ascii: "+") }
                if digits[index] == UInt8(ascii: "_") { digits[index] = UInt8(ascii: "/") }
            }
        }
        // Where there was no padding because none was needed, it may be needed now.
        let isWritten = isPadded || !isURL && (range.count % 4 == 0)
        return digits + Array(repeating: UInt8(ascii: "="), count: isWritten ? (4 - digits.count % 4) % 4 : 0)
    }
}
