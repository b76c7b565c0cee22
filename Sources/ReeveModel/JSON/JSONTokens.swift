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
        var scanner = JSONScanner(bytes, limits: limits)
        var path = JSONPath()
        // For each object or array that is open the index of the next element, -1 in objects.
        var open: [Int] = []
        while let token = try scanner.next() {
            switch token.kind {
            case .objectEnd, .arrayEnd: open.removeLast()
            case .key:
                let text = try JSONText.unescape(bytes[token.content], at: token.content.lowerBound)
                path = path.appending(.key(String(decoding: text, as: UTF8.self)))
            default:
                if let index = open.last, index >= 0 {
                    path = path.appending(.index(index))
                    open[open.count - 1] += 1
                }
            }
            body(token, path)
            switch token.kind {
            case .objectStart: open.append(-1)
            case .arrayStart: open.append(0)
            case .key: break
            default: if !open.isEmpty { path = path.parent }
            }
        }
    }

    /// Checks the whole document and keeps nothing.
    public func validate() throws(JSONError) {
        var scanner = JSONScanner(bytes, limits: limits)
        while try scanner.next() != nil {}
    }

    /// How many bytes are read until the end or the first defect: what the work is measured by.
    func work() -> Int {
        var scanner = JSONScanner(bytes, limits: limits)
        while (try? scanner.next()) != nil {}
        return scanner.work
    }
}
