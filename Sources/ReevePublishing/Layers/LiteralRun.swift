// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Literals of an expression that are joined without anything else between them.
struct LiteralRun {
    var literals: [TextPiece] = []
    /// The parentheses that are open, and whether they are those of a call: what is passed is not joined with what stands behind it.
    private var calls: [Bool] = []
    /// Literals that one value is made of, at most, where it runs into others.
    private static let mostParts = 16

    /// Goes over code before, between or behind literals; tells whether it joins those beside it.
    mutating func joins(over code: ArraySlice<UInt8>) -> Bool {
        var isJoined = Self.joins(code)
        for position in code.indices {
            if code[position] == UInt8(ascii: "(") {
                calls.append(Self.isCall(code[..<position]))
            } else if code[position] == UInt8(ascii: ")"), calls.popLast() ?? true {
                isJoined = false
            }
        }
        return isJoined
    }

    /// Whether a parenthesis behind some code is that of a call: a name stands right before it, and it opens no literal, as `%q(` does.
    private static func isCall(_ code: ArraySlice<UInt8>) -> Bool {
        guard let last = code.last, last.isWordByte || last >= 0x80 else { return false }
        return !("qQwW".utf8.contains(last) && code.dropLast().last == UInt8(ascii: "%"))
    }

    /// Whether code between two literals joins them: quotes with their prefixes, spaces, line ends, `+`, `<<`, parentheses, the signs of
    /// comments, what parts a template literal, and what opens a literal of Ruby, as `%q(` does.
    private static func joins(_ code: ArraySlice<UInt8>) -> Bool {
        var position = code.startIndex
        while position < code.endIndex {
            let isPercent = code[position] == UInt8(ascii: "%")
            guard isPercent || joins(code[position]) else { return false }
            position += 1
            guard isPercent else { continue }
            if position < code.endIndex, "qQwW".utf8.contains(code[position]) { position += 1 }
            if position < code.endIndex, !code[position].isWordByte { position += 1 }
        }
        return true
    }

    static func joins(_ byte: UInt8) -> Bool { joints[Int(byte)] }
    private static let joints = (0..<256).map { "\"'`+<\\ \t\r\n(){}$#/*frbuFRBU".utf8.contains(UInt8($0)) }

    /// The literals so far as one text, and the texts of them in which something can be; begins anew. `nil` when there are not several.
    ///
    /// A value is told by what stands around it. Where the literal before it or behind it would run into it, those that it can be made
    /// of are read by themselves as well: `'id' + 'AKIA' + '…'`.
    mutating func end(where mayHold: (TextPiece, Range<Int>) -> Bool) -> (whole: TextPiece, texts: [TextPiece])? {
        defer { if !literals.isEmpty { literals = [] } }
        guard literals.count > 1 else { return nil }
        let (count, whole) = (literals.count, TextPiece.joined(literals[...]))
        let starts = literals.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.bytes.count) }
        var texts = mayHold(whole, 0..<whole.bytes.count) ? [whole] : []
        for start in 0..<count - 1 where start == 0 || isGlued(start) {
            for end in (start + 2)...min(start + Self.mostParts, count)
            where end - start < count && (end == count || isGlued(end)) && mayHold(whole, starts[start]..<starts[end]) {
                texts.append(TextPiece.joined(literals[start..<end]))
            }
        }
        return (whole, texts)
    }

    /// Whether a literal and the one before it run into each other, as `id` and `AKIA` do: both could be of one value.
    private func isGlued(_ index: Int) -> Bool {
        guard let last = literals[index - 1].bytes.last, let first = literals[index].bytes.first else { return false }
        return Self.isOfValue(last) && Self.isOfValue(first)
    }

    private static func isOfValue(_ byte: UInt8) -> Bool {
        byte.isWordByte || byte >= 0x80 || "+-./%=~@".utf8.contains(byte)
    }
}
