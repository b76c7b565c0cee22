// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What a string is written in: a document, pills and expressions in a text.
extension TextScreen {
    /// Whether it is text, but for pills and expressions that hold no literal.
    func isPlain(_ seen: UInt32, _ syntax: Range<Int>, _ pills: inout [Pill]) -> Bool {
        guard let first = firstVisible else { return true }
        // It could be a document.
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return false }
        switch writing {
        case .text: return true
        case .workato:
            let isFormula = byte(range.lowerBound) == UInt8(ascii: "=")
            guard isFormula || seen & Class.syntax != 0 else { return true }
            // A pill of a text begins at most three bytes before its parenthesis; behind its last brace nothing is code any more.
            let part = isFormula ? range : max(range.lowerBound, syntax.lowerBound - 3)..<syntax.upperBound
            return isPlainWorkato(isFormula, part, &pills)
        case .template: return isPlainTemplate
        }
    }

    /// The first byte that is no white space, however that is written.
    private var firstVisible: UInt8? {
        var position = range.lowerBound
        while position < range.upperBound {
            let isEscape = isIn(position, Class.escape) && position + 1 < range.upperBound
            if isEscape,
                isAt(position + 1, UInt8(ascii: "n")) || isAt(position + 1, UInt8(ascii: "r"))
                    || isAt(position + 1, UInt8(ascii: "t"))
            {
                position += 2
            } else if byte(position) <= 0x20 {
                position += 1
            } else {
                return byte(position)
            }
        }
        return nil
    }

    /// Whether all that is code in it are pills, names and operators.
    private func isPlainWorkato(_ isFormula: Bool, _ part: Range<Int>, _ pills: inout [Pill]) -> Bool {
        // Between the braces of `#{}` has to stand what parts the texts beside it.
        var (position, isCode, hasName) = (part.lowerBound, isFormula, false)
        while position < part.upperBound {
            let byte = byte(position)
            if byte == UInt8(ascii: "_"), let quote = pillQuote(position) {
                // A pill with anything else about it is read.
                guard let end = pillEnd(position, quote), isCode || !holdsSharp(position..<end) else { return false }
                pills.append(Pill(range: position..<end, isInFormula: isCode))
                (position, hasName) = (end, true)
                continue
            }
            if isCode {
                if byte == UInt8(ascii: "}"), !isFormula {
                    guard hasName else { return false }
                    isCode = false
                } else if isIn(position, Class.literal) {
                    return false
                } else if !isIn(position, Class.joint) {
                    hasName = true
                }
            } else if byte == UInt8(ascii: "#"), isAt(position + 1, UInt8(ascii: "{")) {
                (isCode, hasName) = (true, false)
                position += 1
            }
            position += 1
        }
        return !isCode || isFormula
    }

    private func isAt(_ position: Int, _ wanted: UInt8) -> Bool {
        position < range.upperBound && byte(position) == wanted
    }
    private func holdsSharp(_ part: Range<Int>) -> Bool { part.contains { byte($0) == UInt8(ascii: "#") } }

    /// The place after the parenthesis that follows `_` or `_dp` at a position; `nil` when none does.
    private func pillQuote(_ position: Int) -> Int? {
        if isAt(position + 1, UInt8(ascii: "(")) { return position + 2 }
        let isLong =
            isAt(position + 1, UInt8(ascii: "d")) && isAt(position + 2, UInt8(ascii: "p"))
            && isAt(position + 3, UInt8(ascii: "("))
        return isLong ? position + 4 : nil
    }

    /// The end of the pill at a position, by itself, in single quotes and without an escape but `\"`; `nil` when it is none, or another.
    private func pillEnd(_ position: Int, _ quote: Int) -> Int? {
        if position > range.lowerBound, isIn(position - 1, Class.word) || isAt(position - 1, UInt8(ascii: "$")) {
            return nil
        }
        guard isAt(quote, UInt8(ascii: "'")) else { return nil }
        var cursor = quote + 1
        while cursor + 1 < range.upperBound {
            switch byte(cursor) {
            case UInt8(ascii: "'"): return isAt(cursor + 1, UInt8(ascii: ")")) ? cursor + 2 : nil
            case UInt8(ascii: "\\"):
                guard isAt(cursor + 1, UInt8(ascii: "\"")) else { return nil }
                cursor += 2
            default: cursor += 1
            }
        }
        return nil
    }

    /// Whether its expressions hold no literal, no comment and no regular expression.
    private var isPlainTemplate: Bool {
        var position = range.lowerBound
        // Behind `=` it could be a document.
        if isAt(position, UInt8(ascii: "=")) {
            position += 1
            while position < range.upperBound, byte(position) <= 0x20 { position += 1 }
            if isAt(position, UInt8(ascii: "[")) { return false }
            if isAt(position, UInt8(ascii: "{")), !isAt(position + 1, UInt8(ascii: "{")) { return false }
        }
        var (isCode, hasName) = (false, false)
        while position < range.upperBound {
            let byte = byte(position)
            let isPair = isAt(position + 1, byte)
            if !isCode, byte == UInt8(ascii: "{"), isPair {
                (isCode, hasName) = (true, false)
                position += 2
            } else if isCode, byte == UInt8(ascii: "}"), isPair {
                guard hasName else { return false }
                isCode = false
                position += 2
            } else {
                if isCode {
                    if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "`")
                        || byte == UInt8(ascii: "/")
                    {
                        return false
                    }
                    if !isIn(position, Class.joint) { hasName = true }
                }
                position += 1
            }
        }
        return !isCode
    }
}
