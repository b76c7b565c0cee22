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
        // Most runs are words: they are told without a copy.
        guard run.count % 4 != 1, Self.isReadable(text[run]) else { return nil }
        let digits = text[run]
        isURL = digits.contains { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        guard !isURL || !digits.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }) else {
            return nil
        }
        let padding = (4 - run.count % 4) % 4
        let end = run.upperBound + padding
        isPadded = padding > 0 && end <= text.count && text[run.upperBound..<end].allSatisfy { $0 == UInt8(ascii: "=") }
        range = run.lowerBound..<(isPadded ? end : run.upperBound)
        let plain = digits.map { byte in
            byte == UInt8(ascii: "+") ? UInt8(ascii: "-") : byte == UInt8(ascii: "/") ? UInt8(ascii: "_") : byte
        }
        guard let decoded = Base64URL.decode(plain[...]), String(validating: decoded, as: UTF8.self) != nil else {
            return nil
        }
        bytes = decoded
    }

    /// Whether digits can stand for text: no byte that UTF-8 has not there, and few control characters, which part values as in
    /// `\0user\0password`. Complexity: O(digits), and O(1) for most words.
    private static func isReadable(_ digits: ArraySlice<UInt8>) -> Bool {
        var (bits, held, open, count, controls) = (UInt32(0), 0, 0, 0, 0)
        for digit in digits {
            bits = (bits << 6 | UInt32(value(of: digit))) & 0xFFFFFF
            held += 6
            guard held >= 8 else { continue }
            held -= 8
            let byte = UInt8(truncatingIfNeeded: bits >> UInt32(held))
            count += 1
            switch byte {
            case 0x80..<0xC0:
                guard open > 0 else { return false }
                open -= 1
                continue
            case 0xC2..<0xE0: open = open == 0 ? 1 : -1
            case 0xE0..<0xF0: open = open == 0 ? 2 : -1
            case 0xF0..<0xF5: open = open == 0 ? 3 : -1
            case 0xC0...: return false
            default:
                guard open == 0 else { return false }
                if byte < 0x20 && byte != 0x09 && byte != 0x0A && byte != 0x0D || byte == 0x7F { controls += 1 }
                // The first bytes tell most.
                if count == 3, controls > 1 { return false }
            }
            guard open >= 0 else { return false }
        }
        return open == 0 && controls * 4 <= count
    }

    private static func value(of digit: UInt8) -> UInt8 {
        switch digit {
        case 65...90: digit - 65
        case 97...122: digit - 71
        case 48...57: digit + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        default: 63
        }
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
