// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Text with expressions between `{{` and `}}`.
enum TemplateText {
    /// Splits a text: what stands between the braces is an expression, which ends at the first `}}` or with the text. Braces behind an odd
    /// number of backslashes are none. The parts leave the braces out.
    ///
    /// Complexity: O(bytes).
    static func parts(of text: [UInt8]) -> [(range: Range<Int>, isExpression: Bool)] {
        var parts: [(Range<Int>, Bool)] = []
        var start = 0
        while let open = pair(UInt8(ascii: "{"), in: text, from: start) {
            let close = pair(UInt8(ascii: "}"), in: text, from: open + 2)
            if start < open { parts.append((start..<open, false)) }
            parts.append((open + 2..<(close ?? text.count), true))
            start = close.map { $0 + 2 } ?? text.count
        }
        if start < text.count { parts.append((start..<text.count, false)) }
        return parts
    }

    private static func pair(_ byte: UInt8, in text: [UInt8], from start: Int) -> Int? {
        var (position, isEscaped) = (start, false)
        while position + 1 < text.count {
            if text[position] == byte, text[position + 1] == byte, !isEscaped { return position }
            isEscaped = text[position] == UInt8(ascii: "\\") && !isEscaped
            position += 1
        }
        return nil
    }
}
