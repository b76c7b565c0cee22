// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A strict tokeniser over JSON bytes (RFC 8259): offsets and paths instead of a tree, so that edits can be spliced in.
///
/// It refuses what parsers disagree about: a byte order mark, invalid UTF-8, lone surrogates, duplicate keys, trailing
/// data. It never recurses. Complexity: O(bytes); each byte is read once, and those of keys once more.
///
///     try JSONTokens(bytes).forEach { token, path in … }
public struct JSONTokens: Sendable {
    /// How much input is accepted.
    public struct Limits: Hashable, Sendable, Codable {
        /// Bytes of input; 8 MiB by default.
        public var bytes: Int
        /// Levels of objects and arrays; 256 by default. More than 1,000 count as 1,000.
        public var depth: Int

        /// Limits in bytes and levels.
        public init(bytes: Int = 8 << 20, depth: Int = 256) {
            self.bytes = bytes
            self.depth = depth
        }
    }

    /// One piece of the document.
    public struct Token: Hashable, Sendable {
        /// What a token is.
        public enum Kind: Hashable, Sendable {
            /// `{` and `}`.
            case objectStart, objectEnd
            /// `[` and `]`.
            case arrayStart, arrayEnd
            /// A key with its quotes.
            case key
            /// A string value with its quotes.
            case string
            /// A number.
            case number
            /// `true`, `false` or `null`.
            case literal
        }

        /// What it is.
        public let kind: Kind
        /// Where it stands, in bytes, with the quotes of a key or string.
        public let range: Range<Int>
        /// Whether a key or string holds a backslash.
        public let hasEscapes: Bool

        /// The bytes between the quotes of a key or string.
        public var content: Range<Int> { range.lowerBound + 1..<range.upperBound - 1 }
    }

    private let bytes: [UInt8]
    private let limits: Limits

    /// A tokeniser over a whole document.
    public init(_ bytes: [UInt8], limits: Limits = Limits()) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Calls `body` with each token in order. A key comes with the path of its own value.
    ///
    /// Throws a ``JSONError`` at the first defect; what `body` was told before stands in the document as told.
    public func forEach(_ body: (Token, JSONPath) -> Void) throws(JSONError) {
        var reader = JSONReaderState(bytes: bytes, limits: limits)
        try reader.run(body)
    }

    /// Checks the whole document and keeps nothing.
    public func validate() throws(JSONError) {
        try forEach { _, _ in }
    }

    /// How many bytes are read until the end or the first defect: what the work is measured by.
    func work() -> Int {
        var reader = JSONReaderState(bytes: bytes, limits: limits)
        try? reader.run { _, _ in }
        return reader.work
    }
}

/// The tokeniser at work: the byte at a position that only moves forward, and a stack of what is open.
private struct JSONReaderState {
    private enum Open {
        case object
        case array(index: Int)
    }

    private let bytes: [UInt8]
    private let limits: JSONTokens.Limits
    private var position = 0
    /// The byte at the position, -1 at the end: the only place where a byte is read, but for keys.
    private var current = -1
    private var keyBytes = 0
    private var stack: [Open] = []
    /// The keys of each open object so far, by a hash that is made while they are read; changed in place.
    private var keys: [[UInt64: Range<Int>]] = []
    private var hash: UInt64 = 0
    private var path = JSONPath()

    private static let quote = Int(UInt8(ascii: "\""))
    private static let backslash = Int(UInt8(ascii: "\\"))
    private static let comma = Int(UInt8(ascii: ","))

    /// Other hashes in each process, so that nobody can prepare a document whose keys all have one.
    private static let seed = UInt64.random(in: .min ... .max)

    private static func mix(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
        let product = (hash ^ UInt64(byte)) &* 0x9E37_79B9_7F4A_7C15
        return product ^ (product >> 29)
    }

    init(bytes: [UInt8], limits: JSONTokens.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Bytes read so far: one at each position, and those of keys once more.
    var work: Int { min(position + 1, bytes.count) + keyBytes }

    mutating func run(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        guard bytes.count <= limits.bytes else { throw JSONError(.tooLarge, at: limits.bytes) }
        current = bytes.first.map(Int.init) ?? -1
        if current == 0xEF, bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw JSONError(.byteOrderMark, at: 0) }
        skipSpace()
        try value(body)
        while !stack.isEmpty { try step(body) }
        skipSpace()
        if current >= 0 { throw JSONError(.trailingData, at: position) }
    }

    private mutating func advance() {
        position += 1
        current = position < bytes.count ? Int(bytes[position]) : -1
    }

    /// The error for a byte that cannot stand here, or for the end.
    private var unexpected: JSONError { JSONError(current < 0 ? .truncated : .unexpectedByte, at: position) }

    /// After a value inside an object or array: a comma and the next member, or the end.
    private mutating func step(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        skipSpace()
        guard let top = stack.last else { return }
        switch (top, current) {
        case (.object, Int(UInt8(ascii: "}"))), (.array, Int(UInt8(ascii: "]"))):
            close(body)
        case (.object, Self.comma):
            advance()
            skipSpace()
            path = path.parent
            try member(body)
        case (.array(let index), Self.comma):
            advance()
            skipSpace()
            stack[stack.count - 1] = .array(index: index + 1)
            path = path.parent.appending(.index(index + 1))
            try value(body)
        default:
            throw unexpected
        }
    }

    private mutating func close(_ body: (JSONTokens.Token, JSONPath) -> Void) {
        guard let top = stack.popLast() else { return }
        path = path.parent
        let kind: JSONTokens.Token.Kind
        if case .object = top {
            kind = .objectEnd
            keys.removeLast()
        } else {
            kind = .arrayEnd
        }
        body(.init(kind: kind, range: position..<position + 1, hasEscapes: false), path)
        advance()
    }

    /// A key, a colon and the start of its value.
    private mutating func member(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        let start = position
        guard current == Self.quote else { throw unexpected }
        let token = try string(.key)
        // The only second look at a byte: for the path's text.
        keyBytes += token.content.count
        let key: String
        if token.hasEscapes {
            let text = try JSONText.unescape(bytes[token.content], at: token.content.lowerBound)
            hash = text.reduce(Self.seed) { Self.mix($0, $1) }
            key = String(decoding: text, as: UTF8.self)
        } else {
            key = String(decoding: bytes[token.content], as: UTF8.self)
        }
        // Keys of one hash are compared; ones that differ all the same lie behind each other.
        while let other = keys[keys.count - 1][hash] {
            keyBytes += other.count
            let earlier = try JSONText.unescape(bytes[other], at: other.lowerBound)
            guard !earlier.elementsEqual(key.utf8) else { throw JSONError(.duplicateKey, at: start) }
            hash &+= 1
        }
        keys[keys.count - 1][hash] = token.content
        path = path.appending(.key(key))
        body(token, path)
        skipSpace()
        guard current == Int(UInt8(ascii: ":")) else { throw unexpected }
        advance()
        skipSpace()
        try value(body)
    }

    /// A value; for an object or array its start and, when it has one, the start of its first member.
    private mutating func value(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        while true {
            switch current {
            case Int(UInt8(ascii: "{")):
                try open(.object, .objectStart, body)
                keys.append([:])
                skipSpace()
                if current == Int(UInt8(ascii: "}")) {
                    path = path.appending(.index(0))
                    close(body)
                    return
                }
                return try member(body)
            case Int(UInt8(ascii: "[")):
                try open(.array(index: 0), .arrayStart, body)
                skipSpace()
                path = path.appending(.index(0))
                if current == Int(UInt8(ascii: "]")) {
                    close(body)
                    return
                }
            case Self.quote:
                let token = try string(.string)
                body(token, path)
                return
            case Int(UInt8(ascii: "-")), 48...57: return try number(body)
            case Int(UInt8(ascii: "t")): return try literal("true", body)
            case Int(UInt8(ascii: "f")): return try literal("false", body)
            case Int(UInt8(ascii: "n")): return try literal("null", body)
            default: throw unexpected
            }
        }
    }

    private mutating func open(
        _ element: Open, _ kind: JSONTokens.Token.Kind, _ body: (JSONTokens.Token, JSONPath) -> Void
    ) throws(JSONError) {
        guard stack.count < min(limits.depth, 1000) else { throw JSONError(.tooDeep, at: position) }
        body(.init(kind: kind, range: position..<position + 1, hasEscapes: false), path)
        stack.append(element)
        advance()
    }

    private mutating func literal(
        _ text: StaticString, _ body: (JSONTokens.Token, JSONPath) -> Void
    ) throws(JSONError) {
        let start = position
        for byte in text.description.utf8 {
            guard current == Int(byte) else { throw unexpected }
            advance()
        }
        body(.init(kind: .literal, range: start..<position, hasEscapes: false), path)
    }

    private mutating func number(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        let start = position
        if current == Int(UInt8(ascii: "-")) { advance() }
        let isZero = current == 48
        let digits = skipDigits()
        guard digits > 0, digits == 1 || !isZero else { throw JSONError(.invalidNumber, at: start) }
        if current == Int(UInt8(ascii: ".")) {
            advance()
            guard skipDigits() > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        if current == Int(UInt8(ascii: "e")) || current == Int(UInt8(ascii: "E")) {
            advance()
            if current == Int(UInt8(ascii: "+")) || current == Int(UInt8(ascii: "-")) { advance() }
            guard skipDigits() > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        body(.init(kind: .number, range: start..<position, hasEscapes: false), path)
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while (48...57).contains(current) { advance() }
        return position - start
    }

    /// A string from its opening quote; checks UTF-8 and escapes.
    private mutating func string(_ kind: JSONTokens.Token.Kind) throws(JSONError) -> JSONTokens.Token {
        let start = position
        advance()
        var hasEscapes = false
        hash = Self.seed
        while true {
            switch current {
            case Self.quote:
                advance()
                return .init(kind: kind, range: start..<position, hasEscapes: hasEscapes)
            case Self.backslash:
                hasEscapes = true
                try skipEscape()
            case 0x20..<0x80:
                hash = Self.mix(hash, UInt8(truncatingIfNeeded: current))
                advance()
            case 0..<0x20: throw JSONError(.controlCharacter, at: position)
            case 0x80...: try skipSequence()
            default: throw JSONError(.truncated, at: bytes.count)
            }
        }
    }

    /// An escape; checks its grammar, and a surrogate's partner.
    private mutating func skipEscape() throws(JSONError) {
        let start = position
        advance()
        switch current {
        case Self.quote, Self.backslash, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: return advance()
        case 0x75: break
        case -1: throw JSONError(.truncated, at: bytes.count)
        default: throw JSONError(.invalidEscape, at: start)
        }
        switch try unit(from: start) {
        case 0xDC00...0xDFFF: throw JSONError(.loneSurrogate, at: start)
        case 0xD800...0xDBFF:
            guard current == Self.backslash else {
                throw JSONError(current < 0 ? .truncated : .loneSurrogate, at: start)
            }
            let second = position
            advance()
            guard current == 0x75 else { throw JSONError(current < 0 ? .truncated : .loneSurrogate, at: start) }
            guard (0xDC00...0xDFFF).contains(try unit(from: second)) else { throw JSONError(.loneSurrogate, at: start) }
        default: break
        }
    }

    /// The four digits behind `u`.
    private mutating func unit(from start: Int) throws(JSONError) -> Int {
        var value = 0
        for _ in 0..<4 {
            advance()
            switch current {
            case 48...57: value = value << 4 | (current - 48)
            case 65...70, 97...102: value = value << 4 | ((current | 0x20) - 87)
            case -1: throw JSONError(.truncated, at: bytes.count)
            default: throw JSONError(.invalidEscape, at: start)
            }
        }
        advance()
        return value
    }

    /// A character of two to four bytes: no overlong form, no surrogate, nothing over U+10FFFF.
    private mutating func skipSequence() throws(JSONError) {
        let start = position
        let (count, range): (Int, ClosedRange<Int>) =
            switch current {
            case 0xC2...0xDF: (1, 0x80...0xBF)
            case 0xE0: (2, 0xA0...0xBF)
            case 0xED: (2, 0x80...0x9F)
            case 0xE1...0xEF: (2, 0x80...0xBF)
            case 0xF0: (3, 0x90...0xBF)
            case 0xF1...0xF3: (3, 0x80...0xBF)
            case 0xF4: (3, 0x80...0x8F)
            default: (0, 0x80...0xBF)
            }
        guard count > 0 else { throw JSONError(.invalidUTF8, at: start) }
        hash = Self.mix(hash, UInt8(truncatingIfNeeded: current))
        advance()
        for index in 0..<count {
            guard (index == 0 ? range : 0x80...0xBF).contains(current) else { throw JSONError(.invalidUTF8, at: start) }
            hash = Self.mix(hash, UInt8(truncatingIfNeeded: current))
            advance()
        }
    }

    private mutating func skipSpace() {
        while current == 0x20 || current == 0x0A || current == 0x0D || current == 0x09 { advance() }
    }
}
