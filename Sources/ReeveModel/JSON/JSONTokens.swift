// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A strict tokeniser over JSON bytes (RFC 8259): offsets and paths instead of a tree, so that edits can be spliced in.
///
/// It refuses what parsers disagree about: a byte order mark, invalid UTF-8, lone surrogates, duplicate keys, trailing
/// data. It never recurses. Complexity: O(bytes), each byte visited at most twice.
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
}

/// The tokeniser at work: a position, and a stack of what is open.
private struct JSONReaderState {
    private enum Open {
        case object
        case array(index: Int)
    }

    let bytes: [UInt8]
    let limits: JSONTokens.Limits
    private var position = 0
    private var stack: [Open] = []
    /// The keys of each open object so far, changed in place.
    private var keys: [Set<[UInt8]>] = []
    private var path = JSONPath()

    init(bytes: [UInt8], limits: JSONTokens.Limits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func run(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        guard bytes.count <= limits.bytes else { throw JSONError(.tooLarge, at: limits.bytes) }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw JSONError(.byteOrderMark, at: 0) }
        skipSpace()
        try value(body)
        while !stack.isEmpty { try step(body) }
        skipSpace()
        if position < bytes.count { throw JSONError(.trailingData, at: position) }
    }

    /// After a value inside an object or array: a comma and the next member, or the end.
    private mutating func step(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        skipSpace()
        guard let top = stack.last else { return }
        switch (top, try peek()) {
        case (.object, UInt8(ascii: "}")), (.array, UInt8(ascii: "]")):
            close(body)
        case (.object, UInt8(ascii: ",")):
            position += 1
            skipSpace()
            path = path.parent
            try member(body)
        case (.array(let index), UInt8(ascii: ",")):
            position += 1
            skipSpace()
            stack[stack.count - 1] = .array(index: index + 1)
            path = path.parent.appending(.index(index + 1))
            try value(body)
        default:
            throw JSONError(.unexpectedByte, at: position)
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
        position += 1
    }

    /// A key, a colon and the start of its value.
    private mutating func member(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        let start = position
        guard try peek() == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
        let token = try string(.key)
        let key = try JSONText.unescape(bytes[token.content], at: token.content.lowerBound)
        guard keys[keys.count - 1].insert(key).inserted else { throw JSONError(.duplicateKey, at: start) }
        path = path.appending(.key(String(decoding: key, as: UTF8.self)))
        body(token, path)
        skipSpace()
        guard try peek() == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
        position += 1
        skipSpace()
        try value(body)
    }

    /// A value; for an object or array its start and, when it has one, the start of its first member.
    private mutating func value(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        while true {
            switch try peek() {
            case UInt8(ascii: "{"):
                try open(.object, .objectStart, body)
                keys.append([])
                skipSpace()
                if try peek() == UInt8(ascii: "}") {
                    path = path.appending(.index(0))
                    close(body)
                    return
                }
                return try member(body)
            case UInt8(ascii: "["):
                try open(.array(index: 0), .arrayStart, body)
                skipSpace()
                path = path.appending(.index(0))
                if try peek() == UInt8(ascii: "]") {
                    close(body)
                    return
                }
            case UInt8(ascii: "\""):
                let token = try string(.string)
                body(token, path)
                return
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                return try number(body)
            case UInt8(ascii: "t"): return try literal("true", body)
            case UInt8(ascii: "f"): return try literal("false", body)
            case UInt8(ascii: "n"): return try literal("null", body)
            default: throw JSONError(.unexpectedByte, at: position)
            }
        }
    }

    private mutating func open(
        _ element: Open, _ kind: JSONTokens.Token.Kind, _ body: (JSONTokens.Token, JSONPath) -> Void
    ) throws(JSONError) {
        guard stack.count < min(limits.depth, 1000) else { throw JSONError(.tooDeep, at: position) }
        body(.init(kind: kind, range: position..<position + 1, hasEscapes: false), path)
        stack.append(element)
        position += 1
    }

    private mutating func literal(
        _ text: StaticString, _ body: (JSONTokens.Token, JSONPath) -> Void
    ) throws(JSONError) {
        let start = position
        for byte in text.description.utf8 {
            guard position < bytes.count else { throw JSONError(.truncated, at: position) }
            guard bytes[position] == byte else { throw JSONError(.unexpectedByte, at: position) }
            position += 1
        }
        body(.init(kind: .literal, range: start..<position, hasEscapes: false), path)
    }

    private mutating func number(_ body: (JSONTokens.Token, JSONPath) -> Void) throws(JSONError) {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let first = position
        let digits = skipDigits()
        guard digits > 0 else { throw JSONError(.invalidNumber, at: start) }
        if digits > 1, bytes[first] == UInt8(ascii: "0") { throw JSONError(.invalidNumber, at: start) }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            guard skipDigits() > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            guard skipDigits() > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        body(.init(kind: .number, range: start..<position, hasEscapes: false), path)
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while position < bytes.count, (48...57).contains(bytes[position]) { position += 1 }
        return position - start
    }

    /// A string from its opening quote; checks UTF-8 and escapes.
    private mutating func string(_ kind: JSONTokens.Token.Kind) throws(JSONError) -> JSONTokens.Token {
        let start = position
        position += 1
        var hasEscapes = false
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return .init(kind: kind, range: start..<position, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                position = try JSONText.skipEscape(bytes[...], at: position)
            case 0..<0x20: throw JSONError(.controlCharacter, at: position)
            case 0x20..<0x80: position += 1
            default:
                let length = UTF8Check.sequenceLength(bytes[...], at: position)
                guard length > 0 else { throw JSONError(.invalidUTF8, at: position) }
                position += length
            }
        }
        throw JSONError(.truncated, at: bytes.count)
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private func peek() throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw JSONError(.truncated, at: position) }
        return bytes[position]
    }
}
