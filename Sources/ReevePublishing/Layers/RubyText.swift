// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// What of Ruby stands in formulas beside code: interpolations, escapes of literals, and data pills.
enum RubyText {
    /// Splits a text with interpolations: what stands between `#{` and `}` is a formula, the rest is text.
    static func interpolations(of text: [UInt8]) -> [(range: Range<Int>, isFormula: Bool)] {
        var parts: [(Range<Int>, Bool)] = []
        var (position, start) = (0, 0)
        while position + 1 < text.count {
            guard text[position] == UInt8(ascii: "#"), text[position + 1] == UInt8(ascii: "{") else {
                position += 1
                continue
            }
            let end = braceEnd(text, from: position + 2, before: text.count)
            if start < position { parts.append((start..<position, false)) }
            parts.append((position + 2..<end, true))
            start = min(end + 1, text.count)
            position = start
        }
        if start < text.count { parts.append((start..<text.count, false)) }
        return parts
    }

    /// Decodes the content of a literal, with offsets into `text`.
    static func unescape(_ text: [UInt8], _ range: Range<Int>, quote: UInt8) -> JSONText.Unescaped {
        var result = JSONText.Unescaped(bytes: [], sources: [])
        var position = range.lowerBound
        while position < range.upperBound {
            let start = position
            guard text[position] == UInt8(ascii: "\\"), position + 1 < range.upperBound else {
                result.bytes.append(text[position])
                result.sources.append(start)
                position += 1
                continue
            }
            let decoded =
                quote == UInt8(ascii: "'")
                ? singleEscape(text, at: &position) : doubleEscape(text, at: &position, before: range.upperBound)
            for byte in decoded {
                result.bytes.append(byte)
                result.sources.append(start)
            }
        }
        result.sources.append(range.upperBound)
        return result
    }

    /// Writes text for the inside of a literal.
    static func escape(_ text: [UInt8], quote: UInt8) -> [UInt8] {
        text.flatMap { byte -> [UInt8] in
            byte == quote || byte == UInt8(ascii: "\\") || (quote == UInt8(ascii: "\"") && byte == UInt8(ascii: "#"))
                ? [UInt8(ascii: "\\"), byte] : [byte]
        }
    }

    private static func singleEscape(_ text: [UInt8], at position: inout Int) -> [UInt8] {
        let next = text[position + 1]
        if next == UInt8(ascii: "'") || next == UInt8(ascii: "\\") {
            position += 2
            return [next]
        }
        position += 1
        return [UInt8(ascii: "\\")]
    }

    private static func doubleEscape(_ text: [UInt8], at position: inout Int, before end: Int) -> [UInt8] {
        guard let (decoded, length) = FoldedText.escape(in: text, at: position), position + length <= end else {
            // Any other character stands for itself.
            position += 2
            return [text[position - 1]]
        }
        position += length
        return decoded
    }

    /// All that looks like a data pill in a text, whatever it stands in. Complexity: O(bytes).
    static func pills(in text: [UInt8]) -> [ArraySlice<UInt8>] {
        var (found, position, open) = ([ArraySlice<UInt8>](), 0, 0)
        // What is opened and never closed is looked for a few times only.
        while position < text.count, open < 64 {
            if let end = referenceEnd(text, at: position, before: text.count) {
                found.append(text[position..<end])
                position = end
            } else {
                if referenceQuote(text, at: position, before: text.count) != nil { open += 1 }
                position += 1
            }
        }
        return found
    }

    /// The end of the data pill that starts at `position`; `nil` when none does.
    static func referenceEnd(_ text: [UInt8], at position: Int, before end: Int) -> Int? {
        guard let start = referenceQuote(text, at: position, before: end) else { return nil }
        let close = literalEnd(text, from: start + 1, before: end, quote: text[start])
        guard close + 1 < end, text[close + 1] == UInt8(ascii: ")") else { return nil }
        return close + 2
    }

    /// The opening quote of the data pill that seems to start at `position`: `_(` or `_dp(` and a quote.
    private static func referenceQuote(_ text: [UInt8], at position: Int, before end: Int) -> Int? {
        guard text[position] == UInt8(ascii: "_") else { return nil }
        if position > 0, isWord(text[position - 1]) { return nil }
        var cursor = position + 1
        if cursor + 1 < end, text[cursor] == UInt8(ascii: "d"), text[cursor + 1] == UInt8(ascii: "p") { cursor += 2 }
        guard cursor + 1 < end, text[cursor] == UInt8(ascii: "(") else { return nil }
        return text[cursor + 1] == UInt8(ascii: "'") || text[cursor + 1] == UInt8(ascii: "\"") ? cursor + 1 : nil
    }

    /// The position of the closing quote, or the end of the text when there is none.
    static func literalEnd(_ text: [UInt8], from start: Int, before end: Int, quote: UInt8) -> Int {
        var position = start
        while position < end {
            switch text[position] {
            case UInt8(ascii: "\\"): position += 2
            case quote: return position
            case UInt8(ascii: "#")
            where quote == UInt8(ascii: "\"") && position + 1 < end && text[position + 1] == UInt8(ascii: "{"):
                position = braceEnd(text, from: position + 2, before: end) + 1
            default: position += 1
            }
        }
        return end
    }

    /// The position of the brace that closes an interpolation; literals inside it may hold braces and quotes.
    private static func braceEnd(_ text: [UInt8], from start: Int, before end: Int) -> Int {
        var (position, depth) = (start, 0)
        while position < end {
            switch text[position] {
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"):
                if depth == 0 { return position }
                depth -= 1
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                position = plainLiteralEnd(text, from: position + 1, before: end, quote: text[position])
            default: break
            }
            position += 1
        }
        return end
    }

    /// Like `literalEnd` without a look into interpolations, so that nesting cannot make it recurse.
    private static func plainLiteralEnd(_ text: [UInt8], from start: Int, before end: Int, quote: UInt8) -> Int {
        var position = start
        while position < end, text[position] != quote {
            position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position, end)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 95
    }
}
