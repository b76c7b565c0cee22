// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Text in base 64 (RFC 4648 §4 and §5), found in other text: only what decodes to readable text counts.
///
/// It is read as lenient decoders do: without padding, with bits left over, in lines (RFC 2045 §6.8), and in UTF-16, as
/// PowerShell takes commands.
struct Base64Text {
    /// Where it stands, with its padding.
    let range: Range<Int>
    /// What it says, in UTF-8.
    let bytes: [UInt8]
    /// Whether it is written with `-` and `_`.
    private let isURL: Bool
    private let isPadded: Bool
    /// Whether it needs no padding.
    private let isWhole: Bool
    /// The digits in a line, and what ends one; `nil` when it is in one line.
    private let lines: (width: Int, end: ArraySlice<UInt8>)?
    private let unit: Unit

    /// What the bytes in it are.
    private enum Unit {
        case utf8, utf16Little, utf16Big
    }

    /// Digits of the shortest that could hold something.
    static let shortest = 8
    /// Digits of the shortest line that others follow, and of the shortest that encoders write.
    static let shortestLine = 16
    private static let usualLine = 60

    /// Whether it is not certain that its lines are one text: then nothing is changed in it.
    var isGuess: Bool { lines.map { $0.width < Self.usualLine } ?? false }

    /// All that stand in a text, in order. Complexity: O(bytes).
    static func find(in text: [UInt8]) -> [Base64Text] {
        var (found, position): ([Base64Text], Int) = ([], 0)
        // Lines that are none together are tried again from the second on, but not for ever.
        var vain = 0
        while position < text.count {
            guard isDigit(text[position]) else {
                position += 1
                continue
            }
            let start = position
            while position < text.count, isDigit(text[position]) { position += 1 }
            guard position - start >= shortest else { continue }
            let run = start..<position
            if vain < 8 * text.count, let block = Block(text, run) {
                if let whole = Base64Text(text, block.range, block.digits, block.lines) {
                    // Lines can be texts of their own as well.
                    found.append(whole)
                    for line in block.lineRanges { found += find(in: text, line) }
                    position = block.range.upperBound
                    continue
                }
                vain += block.digits.count
            }
            found += find(in: text, run)
        }
        return found
    }

    /// A run of digits: all of it, or what stands between separators that are digits as well.
    private static func find(in text: [UInt8], _ run: Range<Int>) -> [Base64Text] {
        if let whole = Base64Text(text, run, text[run], nil) { return [whole] }
        return text[run].split(whereSeparator: isSeparator).compactMap { part in
            part.count >= shortest && part.count < run.count ? Base64Text(text, part.indices, part, nil) : nil
        }
    }

    /// Whether all of a text is one in base 64, but for its padding.
    static func isAll(_ text: [UInt8]) -> Bool {
        let found = find(in: text)
        return found.count == 1 && found[0].range.lowerBound == 0
            && text[found[0].range.upperBound...].allSatisfy { $0 == UInt8(ascii: "=") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte.isAlphanumeric || isSeparator(byte) }
    private static func isSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "+")
    }

    /// Lines of digits: all are as long as the first, but the last, which may be shorter, and nothing else stands in them. Together they
    /// are as many as encoders write.
    private struct Block {
        var range: Range<Int>
        var digits: ArraySlice<UInt8>
        private(set) var lineRanges: [Range<Int>]
        let lines: (width: Int, end: ArraySlice<UInt8>)

        init?(_ text: [UInt8], _ first: Range<Int>) {
            let end = text[first.upperBound...].prefix { $0 == 0x0D || $0 == 0x0A }
            guard first.count >= shortestLine, end.last == 0x0A, end.count <= 2 else { return nil }
            (range, digits, lines, lineRanges) = (first, text[first], (first.count, end), [first])
            while text[range.upperBound...].starts(with: end) {
                let line = text[(range.upperBound + end.count)...].prefix(first.count + 1).prefix(while: isDigit)
                guard !line.isEmpty, line.count <= first.count else { break }
                digits += line
                range = range.lowerBound..<line.endIndex
                lineRanges.append(line.indices)
                if line.count < first.count { break }
            }
            guard lineRanges.count > 1 else { return nil }
            let padding = (4 - digits.count % 4) % 4
            let rest = text[range.upperBound...]
            guard padding < 3, rest.prefix(padding).allSatisfy({ $0 == UInt8(ascii: "=") }), rest.count >= padding,
                rest.dropFirst(padding).first.map({ $0 <= 0x20 || "\"'`<".utf8.contains($0) }) ?? true,
                rest.dropFirst(padding).first != 0x20
            else { return nil }
        }
    }

    private init?(
        _ text: [UInt8], _ run: Range<Int>, _ all: ArraySlice<UInt8>, _ lines: (width: Int, end: ArraySlice<UInt8>)?
    ) {
        // A digit more than there are bytes for says nothing.
        let digits = all.count % 4 == 1 ? all.dropLast() : all
        // Most runs are words: they are told without a copy.
        let wide = Self.wide(digits)
        guard wide != nil || Self.isReadable(digits) else { return nil }
        isURL = digits.contains { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        self.lines = lines
        let runEnd = run.upperBound - (all.count - digits.count)
        let padding = (4 - digits.count % 4) % 4
        isWhole = padding == 0
        let end = runEnd + padding
        isPadded = padding > 0 && end <= text.count && text[runEnd..<end].allSatisfy { $0 == UInt8(ascii: "=") }
        range = run.lowerBound..<(isPadded ? end : runEnd)
        let decoded = Self.decode(digits)
        if let wide, let text = Self.text(of: decoded, in: wide) {
            (unit, bytes) = (wide, text)
        } else {
            guard Self.isReadable(digits), String(validating: decoded, as: UTF8.self) != nil else { return nil }
            (unit, bytes) = (.utf8, decoded)
        }
    }

    /// The text of bytes in UTF-16; `nil` when they are not, or when most of it would not be Latin: then it is a guess.
    private static func text(of bytes: [UInt8], in unit: Unit) -> [UInt8]? {
        guard bytes.count % 2 == 0 else { return nil }
        let units = stride(from: 0, to: bytes.count, by: 2).map { at -> UInt16 in
            let (first, second) = (UInt16(bytes[at]), UInt16(bytes[at + 1]))
            return unit == .utf16Little ? second << 8 | first : first << 8 | second
        }
        guard units.reduce(0, { $0 + ($1 < 0x100 ? 1 : 0) }) * 4 >= units.count * 3 else { return nil }
        return String(validating: units, as: UTF16.self).map { Array($0.utf8) }
    }

    /// The bytes of digits; bits left over are dropped.
    private static func decode(_ digits: ArraySlice<UInt8>) -> [UInt8] {
        var (bytes, bits, held): ([UInt8], UInt32, UInt32) = ([], 0, 0)
        bytes.reserveCapacity(digits.count * 3 / 4)
        for digit in digits {
            bits = (bits << 6 | UInt32(value(of: digit))) & 0xFFFFFF
            held += 6
            guard held >= 8 else { continue }
            held -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> held))
        }
        return bytes
    }

    /// Whether a run of digits, or a part of it between separators, could say something.
    static func mayBe(_ run: some BidirectionalCollection<UInt8>) -> Bool {
        if mayBeWide(run) || isReadable(run.count % 4 == 1 ? run.dropLast()[...] : run[...]) { return true }
        var (start, position) = (run.startIndex, run.startIndex)
        while true {
            if position == run.endIndex || isSeparator(run[position]) {
                let part = run[start..<position]
                if part.count >= shortest, part.count < run.count {
                    if mayBeWide(part) || isReadable(part.count % 4 == 1 ? part.dropLast() : part) { return true }
                }
                guard position < run.endIndex else { return false }
                start = run.index(after: position)
            }
            position = run.index(after: position)
        }
    }

    /// Whether the first digits have the zeros of UTF-16: an `A` in the third or fourth place.
    private static func mayBeWide(_ digits: some Collection<UInt8>) -> Bool {
        digits.count >= 16 && digits.prefix(16).reduce(0) { $0 + ($1 == UInt8(ascii: "A") ? 1 : 0) } >= 2
    }

    /// Whether digits stand for text in UTF-16: by every other of the first bytes, which is 0. Complexity: O(1).
    private static func wide(_ digits: ArraySlice<UInt8>) -> Unit? {
        guard mayBeWide(digits) else { return nil }
        let first = decode(digits.prefix(16))
        let zeros = first.indices.filter { first[$0] == 0 }
        guard zeros.count >= first.count / 2 - 1, let parity = zeros.first.map({ $0 % 2 }),
            zeros.allSatisfy({ $0 % 2 == parity })
        else { return nil }
        return parity == 1 ? .utf16Little : .utf16Big
    }

    /// Whether digits can stand for text: no byte that UTF-8 has not there, and few control characters, which part values as in
    /// `\0user\0password`. Complexity: O(digits), and O(1) for most words.
    private static func isReadable(_ digits: some Collection<UInt8>) -> Bool {
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
        var digits = Array(Base64URL.encode(inUnits(text)).utf8)
        if !isURL {
            for index in digits.indices {
                if digits[index] == UInt8(ascii: "-") { digits[index] = UInt8(ascii: "+") }
                if digits[index] == UInt8(ascii: "_") { digits[index] = UInt8(ascii: "/") }
            }
        }
        // Where there was no padding because none was needed, it may be needed now.
        let isWritten = isPadded || !isURL && isWhole
        digits += Array(repeating: UInt8(ascii: "="), count: isWritten ? (4 - digits.count % 4) % 4 : 0)
        guard let lines else { return digits }
        let starts = stride(from: 0, to: digits.count, by: lines.width)
        return Array(starts.map { digits[$0..<min($0 + lines.width, digits.count)] }.joined(separator: lines.end))
    }

    private func inUnits(_ text: [UInt8]) -> [UInt8] {
        switch unit {
        case .utf8: text
        case .utf16Little: String(decoding: text, as: UTF8.self).utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        case .utf16Big: String(decoding: text, as: UTF8.self).utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        }
    }
}
