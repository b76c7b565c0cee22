// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Text with expressions between `{{` and `}}`.
enum TemplateText {
    /// Splits a text: what stands between the braces is an expression, which ends at the first `}}`.
    ///
    /// Complexity: O(bytes).
    static func parts(of text: [UInt8]) -> [(range: Range<Int>, isExpression: Bool)] {
        var parts: [(Range<Int>, Bool)] = []
        var (position, start) = (0, 0)
        while let open = pair(UInt8(ascii: "{"), in: text, from: position) {
            guard let close = pair(UInt8(ascii: "}"), in: text, from: open + 2) else { break }
            if start < open + 2 { parts.append((start..<open + 2, false)) }
            parts.append((open + 2..<close, true))
            (position, start) = (close + 2, close)
        }
        if start < text.count { parts.append((start..<text.count, false)) }
        return parts
    }

    private static func pair(_ byte: UInt8, in text: [UInt8], from start: Int) -> Int? {
        var position = start
        while position + 1 < text.count {
            if text[position] == byte, text[position + 1] == byte { return position }
            position += 1
        }
        return nil
    }
}
