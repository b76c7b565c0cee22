// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Source text of a step, cut into literals, comments and code: enough of each language to know where a literal starts and
/// ends. Complexity: O(bytes), without recursion.
struct ScriptText {
    /// The language of a text.
    enum Language {
        case javaScript, python, ruby
    }

    /// What a stretch of the text is.
    enum Segment: Equatable {
        /// The content of a literal, between its quotes.
        case literal(Range<Int>, TextPiece.Encoding)
        /// The content of a literal that names another step, as in `$('Step')`.
        case name(Range<Int>, TextPiece.Encoding)
        /// A data pill, `_dp('…')` or `_('…')`.
        case reference(Range<Int>)
        /// The content of a literal that names a member, as in `$json['field']`.
        case member(Range<Int>, TextPiece.Encoding)
        /// The content of a comment.
        case comment(Range<Int>)
        /// Anything else, with the quotes of literals.
        case code(Range<Int>)
    }

    private let text: [UInt8]
    private let language: Language
    private var segments: [Segment] = []
    private var position: Int
    private var codeStart: Int
    /// What stands open around the code here: with nothing open, it is code at the outermost level.
    private var substitutions: [Substitution] = []
    /// Whether a slash here would start a regular expression: after an operator, not after a value.
    private var mayStartRegex = true
    /// Until where no regular expression ends: it was looked for.
    private var noRegexBefore = 0
    /// Heredocs without an end so far.
    private var openHeredocs = 0
    /// For each open parenthesis whether it is of a statement, after which a value may come.
    private var statements: [Bool] = []
    private var lastWord: ArraySlice<UInt8> = []
    /// For each open bracket whether it names a member of the value before it.
    private var members: [Bool] = []

    /// Code inside a literal: of `${` in JavaScript, of `{` in Python.
    private struct Substitution {
        let literal: OpenLiteral
        /// Braces that are open in it.
        var depth = 0
    }

    /// A literal that may hold code.
    private struct OpenLiteral {
        let quote: UInt8
        /// How many quotes end it.
        let quotes: Int
    }

    /// The language that a text looks like, where nothing says it: JavaScript by its words and signs, else Python, which cuts literals and
    /// comments as Ruby does.
    static func language(of text: [UInt8]) -> Language {
        let script = String(decoding: text.prefix(100_000), as: UTF8.self)
        return ["function", "=>", "const ", "let ", "var ", "//", "/*"].contains { script.contains($0) }
            ? .javaScript : .python
    }

    /// The segments of a text in order; they cover it.
    static func segments(of text: [UInt8], _ language: Language) -> [Segment] {
        var lexer = ScriptText(text, language)
        return lexer.run()
    }

    private init(_ text: [UInt8], _ language: Language) {
        self.text = text
        self.language = language
        (position, codeStart) = (0, 0)
    }

    private mutating func run() -> [Segment] {
        while position < text.count { step() }
        flush(to: text.count)
        return segments
    }

    private mutating func flush(to end: Int) {
        if codeStart < end { segments.append(.code(codeStart..<end)) }
        codeStart = end
    }

    private mutating func step() {
        let byte = text[position]
        if language == .ruby, byte == UInt8(ascii: "_"),
            let end = RubyText.referenceEnd(text, at: position, before: text.count)
        {
            flush(to: position)
            segments.append(.reference(position..<end))
            (position, codeStart, mayStartRegex) = (end, end, false)
            return
        }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): quoted(byte)
        case UInt8(ascii: "`") where language == .javaScript:
            position += 1
            template(OpenLiteral(quote: byte, quotes: 1))
        case UInt8(ascii: "#") where language != .javaScript:
            comment(from: position + 1, to: lineEnd(from: position + 1), 0)
        case UInt8(ascii: "/") where language != .python: slash()
        case UInt8(ascii: "%") where language == .ruby && mayStartRegex: percentLiteral()
        case UInt8(ascii: "<") where language == .ruby: heredoc()
        case UInt8(ascii: "{"):
            if !substitutions.isEmpty { substitutions[substitutions.count - 1].depth += 1 }
            skip(mayStartRegex: true)
        case UInt8(ascii: "}"):
            if let open = substitutions.last {
                if open.depth == 0 {
                    substitutions.removeLast()
                    position += 1
                    return template(open.literal)
                }
                substitutions[substitutions.count - 1].depth -= 1
            }
            skip(mayStartRegex: true)
        case 0x20, 0x09, 0x0A, 0x0D: position += 1
        default:
            if byte.isWordByte || byte >= 0x80 || byte == UInt8(ascii: "$") {
                word()
            } else {
                sign(byte)
            }
        }
    }

    private mutating func sign(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "("):
            statements.append(["if", "while", "for", "with"].contains { lastWord.elementsEqual($0.utf8) })
            skip(mayStartRegex: true)
        case UInt8(ascii: ")"): skip(mayStartRegex: statements.popLast() ?? false)
        case UInt8(ascii: "["):
            let isAfterDot = lastVisible(before: position).map { text[$0] == UInt8(ascii: ".") } ?? false
            members.append(!mayStartRegex || isAfterDot)
            skip(mayStartRegex: true)
        case UInt8(ascii: "]"):
            members.removeLast(members.isEmpty ? 0 : 1)
            skip(mayStartRegex: false)
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            // `n++ / 2`: what is a value stays one.
            let isDouble = position + 1 < text.count && text[position + 1] == byte
            if isDouble { position += 1 }
            skip(mayStartRegex: isDouble ? mayStartRegex : true)
        default: skip(mayStartRegex: true)
        }
        if byte > 0x20, byte != UInt8(ascii: "(") { lastWord = [] }
    }

    private mutating func skip(mayStartRegex: Bool) {
        position += 1
        self.mayStartRegex = mayStartRegex
    }

    private mutating func word() {
        let start = position
        while position < text.count,
            text[position].isWordByte || text[position] >= 0x80 || text[position] == UInt8(ascii: "$")
        {
            position += 1
        }
        let word = text[start..<position]
        // `item.in` is a member.
        mayStartRegex = Self.isKeyword(word) && (start == 0 || text[start - 1] != UInt8(ascii: "."))
        lastWord = word
    }

    private static func isKeyword(_ word: ArraySlice<UInt8>) -> Bool {
        (2...10).contains(word.count) && keywords[word.count].contains { word.elementsEqual($0) }
    }

    /// Words after which a value comes, by their length.
    private static let keywords: [[[UInt8]]] = (0...10).map { length in
        operators.map { Array($0.utf8) }.filter { $0.count == length }
    }
    private static let operators = [
        "await", "yield", "instanceof",
        "return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "if", "unless", "and",
        "or", "not",
        "when", "then", "elsif", "while", "until",
    ]

    // MARK: Comments and regular expressions

    private mutating func slash() {
        let next = language == .javaScript && position + 1 < text.count ? text[position + 1] : 0
        if next == UInt8(ascii: "/") {
            comment(from: position + 2, to: lineEnd(from: position + 2), 0)
        } else if next == UInt8(ascii: "*") {
            let end = find(UInt8(ascii: "*"), UInt8(ascii: "/"), from: position + 2)
            comment(from: position + 2, to: end ?? text.count, end == nil ? 0 : 2)
        } else if mayStartRegex, position >= noRegexBefore, let end = regexEnd(from: position + 1) {
            literal(position + 1..<end, .regex, closing: 1)
        } else {
            skip(mayStartRegex: true)
        }
    }

    private mutating func comment(from start: Int, to end: Int, _ closing: Int) {
        flush(to: start)
        segments.append(.comment(start..<end))
        codeStart = end
        position = end + closing
    }

    private func lineEnd(from start: Int) -> Int { text[start...].firstIndex(of: 0x0A) ?? text.count }

    private func find(_ first: UInt8, _ second: UInt8, from start: Int) -> Int? {
        var position = start
        while position + 1 < text.count {
            if text[position] == first, text[position + 1] == second { return position }
            position += 1
        }
        return nil
    }

    /// The slash that ends a regular expression in the same line; `nil` when there is none: then it is a division.
    private mutating func regexEnd(from start: Int) -> Int? {
        var (position, isInClass) = (start, false)
        while position < text.count {
            switch text[position] {
            case 0x0A:
                noRegexBefore = position
                return nil
            case UInt8(ascii: "\\"): position += 1
            case UInt8(ascii: "["): isInClass = true
            case UInt8(ascii: "]"): isInClass = false
            case UInt8(ascii: "/") where !isInClass: return position
            default: break
            }
            position += 1
        }
        noRegexBefore = text.count
        return nil
    }

    // MARK: Literals

    private mutating func quoted(_ quote: UInt8) {
        if language == .ruby {
            let end = RubyText.literalEnd(text, from: position + 1, before: text.count, quote: quote)
            let encoding = quote == UInt8(ascii: "'") ? TextPiece.Encoding.rubySingle : .rubyDouble
            return literal(position + 1..<end, encoding, closing: 1)
        }
        if language == .python, isFormatted(at: position) {
            let quotes = isTriple(quote, at: position) ? 3 : 1
            position += quotes
            return template(OpenLiteral(quote: quote, quotes: quotes))
        }
        if language == .python, isTriple(quote, at: position) {
            var end = position + 3
            while end < text.count, !isTriple(quote, at: end) { end += text[end] == UInt8(ascii: "\\") ? 2 : 1 }
            return literal(position + 3..<min(end, text.count), .script(quote: quote), closing: 3)
        }
        // A literal ends with its line, closed or not: what comes after it is code again.
        var end = position + 1
        while end < text.count, text[end] != quote, text[end] != 0x0A { end += text[end] == UInt8(ascii: "\\") ? 2 : 1 }
        let isClosed = end < text.count && text[end] == quote
        literal(position + 1..<min(end, text.count), .script(quote: quote), closing: isClosed ? 1 : 0)
    }

    /// Whether the prefix before a quote is that of a literal with code in it: `f`, `rf`, `fr` and, in its stead, `t`.
    private func isFormatted(at position: Int) -> Bool {
        let word = text[..<position].suffix(3).reversed().prefix { $0.isWordByte }
        return (1...2).contains(word.count)
            && word.contains { $0 | 0x20 == UInt8(ascii: "f") || $0 | 0x20 == UInt8(ascii: "t") }
            && word.allSatisfy { "fFrRtT".utf8.contains($0) }
    }

    private func isTriple(_ quote: UInt8, at position: Int) -> Bool {
        position + 2 < text.count && text[position...position + 2].allSatisfy { $0 == quote }
    }

    /// `%w(a b)`, `%q(a)`, `%(a)` and the like, to the delimiter that closes it; a `%` that starts none is an operator.
    private mutating func percentLiteral() {
        var start = position + 1
        if start < text.count, "qQwWiIrsx".utf8.contains(text[start]) { start += 1 }
        guard start < text.count, !text[start].isWordByte, text[start] > 0x20, text[start] < 0x80 else {
            return skip(mayStartRegex: true)
        }
        let open = text[start]
        let pairs: [UInt8: UInt8] = [0x28: 0x29, 0x5B: 0x5D, 0x7B: 0x7D, 0x3C: 0x3E]
        let close = pairs[open] ?? open
        var (end, depth) = (start + 1, 0)
        while end < text.count, depth > 0 || text[end] != close {
            if text[end] == open, open != close { depth += 1 }
            if text[end] == close { depth -= 1 }
            end += text[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        literal(start + 1..<min(end, text.count), .script(quote: close), closing: 1)
    }

    /// `<<~TEXT` and `<<-TEXT`: the lines after it, to the one that is `TEXT`.
    private mutating func heredoc() {
        var start = position + 3
        guard openHeredocs < 16, start < text.count, text[position + 1] == UInt8(ascii: "<"),
            "~-".utf8.contains(text[position + 2])
        else {
            return skip(mayStartRegex: true)
        }
        if "'\"".utf8.contains(text[start]) { start += 1 }
        let name = text[start...].prefix { $0.isWordByte }
        let body = lineEnd(from: min(name.endIndex, text.count))
        guard !name.isEmpty, body < text.count else { return skip(mayStartRegex: true) }
        var line = body + 1
        while line < text.count {
            let end = lineEnd(from: line)
            if text[line..<end].drop(while: { $0 == 0x20 || $0 == 0x09 }).elementsEqual(name) {
                return literal(body + 1..<line, .script(quote: 0), closing: 0)
            }
            line = end + 1
        }
        // Without its end it is none, and is not looked for again and again.
        openHeredocs += 1
        skip(mayStartRegex: true)
    }

    /// A part of a literal with code in it, up to its end or to the next `${` or, in Python, `{`.
    private mutating func template(_ open: OpenLiteral) {
        let (start, isPython) = (position, language == .python)
        var end = start
        while end < text.count, text[end] != open.quote || open.quotes == 3 && !isTriple(open.quote, at: end) {
            // One between single quotes ends with its line, closed or not.
            if isPython, open.quotes == 1, text[end] == 0x0A { break }
            let next = end + 1 < text.count ? text[end + 1] : 0
            if isPython, text[end] == UInt8(ascii: "{") || text[end] == UInt8(ascii: "}"), next == text[end] {
                end += 2
            } else if text[end] == UInt8(ascii: isPython ? "{" : "$"), isPython || next == UInt8(ascii: "{") {
                substitutions.append(Substitution(literal: open))
                literal(start..<end, .script(quote: open.quote), closing: isPython ? 1 : 2)
                return mayStartRegex = true
            } else {
                end += text[end] == UInt8(ascii: "\\") ? 2 : 1
            }
        }
        let isClosed = end < text.count && text[end] == open.quote
        literal(start..<min(end, text.count), .script(quote: open.quote), closing: isClosed ? open.quotes : 0)
    }

    private mutating func literal(_ range: Range<Int>, _ encoding: TextPiece.Encoding, closing: Int) {
        flush(to: range.lowerBound)
        segments.append(kind(of: range, encoding))
        codeStart = range.upperBound
        position = min(range.upperBound + closing, text.count)
        mayStartRegex = false
    }

    /// Whether a literal names a step or a member, by what stands around it.
    private func kind(of range: Range<Int>, _ encoding: TextPiece.Encoding) -> Segment {
        // `$json['a']` and `$json['a' + 'b']`; `return ['a']` and `in ['a']` are lists.
        let plain: Segment = members.last == true ? .member(range, encoding) : .literal(range, encoding)
        guard encoding != .regex, range.lowerBound >= 2, range.upperBound + 1 < text.count,
            let open = lastVisible(before: range.lowerBound - 1), let close = firstVisible(from: range.upperBound + 1)
        else { return plain }
        switch (text[open], text[close]) {
        case (UInt8(ascii: "("), UInt8(ascii: ")")), (UInt8(ascii: "("), UInt8(ascii: ",")):
            let callers = language == .ruby ? [] : ["$", "$items", "_", "_items"]
            return callers.contains { isWord($0, before: open) } ? .name(range, encoding) : plain
        case (UInt8(ascii: "["), UInt8(ascii: "]"))
        where language != .ruby && (isWord("$node", before: open) || isWord("_node", before: open)):
            return .name(range, encoding)
        default: return plain
        }
    }

    private func lastVisible(before end: Int) -> Int? { text[..<end].lastIndex { $0 > 0x20 } }
    private func firstVisible(from start: Int) -> Int? { text[start...].firstIndex { $0 > 0x20 } }

    /// Whether exactly this word stands before a position.
    private func isWord(_ word: String, before end: Int) -> Bool {
        let start = end - word.utf8.count
        guard start >= 0, text[start..<end].elementsEqual(word.utf8) else { return false }
        guard start > 0 else { return true }
        let before = text[start - 1]
        let isPart = before.isWordByte || before == UInt8(ascii: "$") || before >= 0x80
        // `$item('0').$node['Step']` is one as well; `x._('Step')` is not.
        return !isPart && (before != UInt8(ascii: ".") || word.hasPrefix("$"))
    }
}
