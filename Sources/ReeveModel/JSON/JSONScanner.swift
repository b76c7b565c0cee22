// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// The tokeniser at work: it gives one token after the other, and keeps only what is open.
///
///     var scanner = JSONScanner(bytes, limits: limits)
///     while let token = try scanner.next() { … }
package struct JSONScanner {
    /// An object or array that is open.
    private struct Open {
        let isObject: Bool
        /// Where the keys of this object begin among those of all open ones.
        let firstKey: Int
        /// Its keys by their hashes, once there are many.
        var table: [UInt64: Range<Int>]?
    }

    /// What comes next.
    private enum Next {
        case start, firstMember, firstElement, memberValue, following
    }

    private let bytes: [UInt8]
    private let limits: JSONTokens.Limits
    private var position = 0
    private var expected = Next.start
    private var stack: [Open] = []
    /// The keys of all open objects with few of them, and their hashes.
    private var keys: [Range<Int>] = []
    private var hashes: [UInt64] = []
    /// The hash of the last key's text, see ``hash(of:)``.
    package private(set) var keyHash: UInt64 = 0
    private var keyBytes = 0

    /// With more keys than these an object has a table of them.
    private static let few = 16

    package init(_ bytes: [UInt8], limits: JSONTokens.Limits = .init()) {
        self.bytes = bytes
        self.limits = limits
    }

    /// Bytes read so far: one at each position, and those of keys once more.
    package var work: Int { min(position + 1, bytes.count) + keyBytes }

    /// The next token; `nil` after the last one.
    package mutating func next() throws(JSONError) -> JSONTokens.Token? {
        switch expected {
        case .start:
            guard bytes.count <= limits.bytes else { throw JSONError(.tooLarge, at: limits.bytes) }
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw JSONError(.byteOrderMark, at: 0) }
            return try value()
        case .firstMember:
            skipSpace()
            return isAt(UInt8(ascii: "}")) ? close(.objectEnd) : try key()
        case .firstElement:
            skipSpace()
            return isAt(UInt8(ascii: "]")) ? close(.arrayEnd) : try value()
        case .memberValue:
            skipSpace()
            guard isAt(UInt8(ascii: ":")) else { throw unexpected }
            position += 1
            return try value()
        case .following: return try following()
        }
    }

    /// After a value: a comma and the next member, the end of what it is in, or the end of the document.
    private mutating func following() throws(JSONError) -> JSONTokens.Token? {
        skipSpace()
        guard let isObject = stack.last?.isObject else {
            guard position == bytes.count else { throw JSONError(.trailingData, at: position) }
            return nil
        }
        if isAt(UInt8(ascii: ",")) {
            position += 1
            guard isObject else { return try value() }
            skipSpace()
            return try key()
        }
        if isObject, isAt(UInt8(ascii: "}")) { return close(.objectEnd) }
        if !isObject, isAt(UInt8(ascii: "]")) { return close(.arrayEnd) }
        throw unexpected
    }

    private func isAt(_ byte: UInt8) -> Bool { position < bytes.count && bytes[position] == byte }

    /// The error for a byte that cannot stand here, or for the end.
    private var unexpected: JSONError {
        JSONError(position < bytes.count ? .unexpectedByte : .truncated, at: position)
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    // MARK: Objects and arrays

    private mutating func open(isObject: Bool) throws(JSONError) -> JSONTokens.Token {
        guard stack.count < min(limits.depth, 1000) else { throw JSONError(.tooDeep, at: position) }
        stack.append(Open(isObject: isObject, firstKey: keys.count))
        expected = isObject ? .firstMember : .firstElement
        position += 1
        return .init(
            kind: isObject ? .objectStart : .arrayStart, range: position - 1..<position, hasEscapes: false)
    }

    private mutating func close(_ kind: JSONTokens.Token.Kind) -> JSONTokens.Token {
        if let open = stack.popLast() {
            keys.removeLast(keys.count - open.firstKey)
            hashes.removeLast(hashes.count - open.firstKey)
        }
        expected = .following
        position += 1
        return .init(kind: kind, range: position - 1..<position, hasEscapes: false)
    }

    private mutating func key() throws(JSONError) -> JSONTokens.Token {
        guard isAt(UInt8(ascii: "\"")) else { throw unexpected }
        let token = try string(.key)
        // The only second look at a byte.
        keyBytes += token.content.count
        keyHash = token.hasEscapes ? Self.hash(of: try text(token.content)) : Self.hash(of: bytes, token.content)
        try note(token)
        expected = .memberValue
        return token
    }

    private func text(_ content: Range<Int>) throws(JSONError) -> [UInt8] {
        try JSONText.unescape(bytes[content], at: content.lowerBound)
    }

    /// Adds a key to those of its object; throws when it is there already.
    private mutating func note(_ token: JSONTokens.Token) throws(JSONError) {
        let open = stack.count - 1
        let first = stack[open].firstKey
        if stack[open].table == nil {
            for index in first..<keys.count where hashes[index] == keyHash { try compare(token, with: keys[index]) }
            keys.append(token.content)
            hashes.append(keyHash)
            guard keys.count - first > Self.few else { return }
            var table: [UInt64: Range<Int>] = [:]
            for index in first..<keys.count { Self.add(keys[index], under: hashes[index], to: &table) }
            stack[open].table = table
            return
        }
        // Keys of one hash are compared; ones that differ all the same lie behind each other.
        var hash = keyHash
        while let other = stack[open].table?[hash] {
            try compare(token, with: other)
            hash &+= 1
        }
        stack[open].table?[hash] = token.content
    }

    private static func add(_ key: Range<Int>, under hash: UInt64, to table: inout [UInt64: Range<Int>]) {
        var free = hash
        while table[free] != nil { free &+= 1 }
        table[free] = key
    }

    private mutating func compare(_ token: JSONTokens.Token, with other: Range<Int>) throws(JSONError) {
        keyBytes += other.count
        guard try text(other) != text(token.content) else { throw JSONError(.duplicateKey, at: token.range.lowerBound) }
    }

    // MARK: Values

    private mutating func value() throws(JSONError) -> JSONTokens.Token {
        skipSpace()
        guard position < bytes.count else { throw unexpected }
        let token: JSONTokens.Token
        switch bytes[position] {
        case UInt8(ascii: "{"): return try open(isObject: true)
        case UInt8(ascii: "["): return try open(isObject: false)
        case UInt8(ascii: "\""): token = try string(.string)
        case UInt8(ascii: "-"), 48...57: token = try number()
        case UInt8(ascii: "t"): token = try literal("true")
        case UInt8(ascii: "f"): token = try literal("false")
        case UInt8(ascii: "n"): token = try literal("null")
        default: throw unexpected
        }
        expected = .following
        return token
    }

    private mutating func literal(_ text: StaticString) throws(JSONError) -> JSONTokens.Token {
        let start = position
        for byte in text.description.utf8 {
            guard isAt(byte) else { throw unexpected }
            position += 1
        }
        return .init(kind: .literal, range: start..<position, hasEscapes: false)
    }

    private mutating func number() throws(JSONError) -> JSONTokens.Token {
        let start = position
        if isAt(UInt8(ascii: "-")) { position += 1 }
        let isZero = isAt(48)
        let digits = skipDigits()
        guard digits > 0, digits == 1 || !isZero else { throw JSONError(.invalidNumber, at: start) }
        if isAt(UInt8(ascii: ".")) {
            position += 1
            guard skipDigits() > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        if isAt(UInt8(ascii: "e")) || isAt(UInt8(ascii: "E")) {
            position += 1
            if isAt(UInt8(ascii: "+")) || isAt(UInt8(ascii: "-")) { position += 1 }
            guard skipDigits() > 0 else { throw JSONError(.invalidNumber, at: start) }
        }
        return .init(kind: .number, range: start..<position, hasEscapes: false)
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while position < bytes.count, (48...57).contains(bytes[position]) { position += 1 }
        return position - start
    }

    // MARK: Strings

    /// A string from its opening quote; checks UTF-8 and escapes.
    private mutating func string(_ kind: JSONTokens.Token.Kind) throws(JSONError) -> JSONTokens.Token {
        let start = position
        position += 1
        var hasEscapes = false
        while true {
            position = Self.plainEnd(bytes, from: position)
            guard position < bytes.count else { throw JSONError(.truncated, at: bytes.count) }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return .init(kind: kind, range: start..<position, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try skipEscape()
            case 0..<0x20: throw JSONError(.controlCharacter, at: position)
            default: try skipSequence()
            }
        }
    }

    /// Where the bytes end that stand for themselves: all of ASCII but quotes, backslashes and control characters. Eight at a time.
    private static func plainEnd(_ bytes: [UInt8], from start: Int) -> Int {
        unsafe bytes.withUnsafeBytes { bytes in
            let (ones, highs) = (UInt64(0x0101_0101_0101_0101), UInt64(0x8080_8080_8080_8080))
            var position = start
            while position + 8 <= bytes.count {
                let word = unsafe bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian
                let (quotes, slashes) = (word ^ (ones &* 0x22), word ^ (ones &* 0x5C))
                // A bit for each byte that is 0 after the exclusive or, or under 0x20, or over 0x7F; the lowest one is exact.
                let found =
                    ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes) | (word &- ones &* 0x20) | word
                let ends = found & highs
                if ends != 0 { return position + ends.trailingZeroBitCount / 8 }
                position += 8
            }
            while position < bytes.count {
                let byte = unsafe bytes[position]
                if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { break }
                position += 1
            }
            return position
        }
    }

    /// An escape; checks its grammar, and a surrogate's partner.
    private mutating func skipEscape() throws(JSONError) {
        let start = position
        position += 1
        guard position < bytes.count else { throw JSONError(.truncated, at: bytes.count) }
        switch bytes[position] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
            position += 1
            return
        case 0x75: break
        default: throw JSONError(.invalidEscape, at: start)
        }
        switch try unit(from: start) {
        case 0xDC00...0xDFFF: throw JSONError(.loneSurrogate, at: start)
        case 0xD800...0xDBFF:
            let second = position
            for byte in [UInt8(ascii: "\\"), UInt8(ascii: "u")] {
                guard position < bytes.count, bytes[position] == byte else {
                    throw JSONError(position < bytes.count ? .loneSurrogate : .truncated, at: start)
                }
                position += 1
            }
            position -= 1
            guard (0xDC00...0xDFFF).contains(try unit(from: second)) else { throw JSONError(.loneSurrogate, at: start) }
        default: break
        }
    }

    /// The four digits behind the `u` at the position.
    private mutating func unit(from start: Int) throws(JSONError) -> Int {
        var value = 0
        for _ in 0..<4 {
            position += 1
            guard position < bytes.count else { throw JSONError(.truncated, at: bytes.count) }
            switch bytes[position] {
            case let digit where (48...57).contains(digit): value = value << 4 | Int(digit - 48)
            case let digit where (65...70).contains(digit & 0xDF): value = value << 4 | Int((digit | 0x20) - 87)
            default: throw JSONError(.invalidEscape, at: start)
            }
        }
        position += 1
        return value
    }

    /// A character of two to four bytes: no overlong form, no surrogate, nothing over U+10FFFF.
    private mutating func skipSequence() throws(JSONError) {
        let start = position
        let (count, range): (Int, ClosedRange<UInt8>) =
            switch bytes[position] {
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
        position += 1
        for index in 0..<count {
            guard position < bytes.count, (index == 0 ? range : 0x80...0xBF).contains(bytes[position]) else {
                throw JSONError(.invalidUTF8, at: start)
            }
            position += 1
        }
    }

    // MARK: Hashes

    /// Other hashes in each process, so that nobody can prepare a document whose keys all have one.
    private static let seed = UInt64.random(in: .min ... .max)

    /// A hash of a key's text, for this process alone: equal for equal texts. Complexity: O(bytes), eight at a time.
    package static func hash(of text: [UInt8]) -> UInt64 { hash(of: text, 0..<text.count) }

    private static func hash(of text: [UInt8], _ range: Range<Int>) -> UInt64 {
        unsafe text.withUnsafeBytes { text in
            var (hash, position) = (seed ^ UInt64(range.count), range.lowerBound)
            while position + 8 <= range.upperBound {
                let word = unsafe text.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                hash = mix(hash ^ word)
                position += 8
            }
            var rest: UInt64 = 0
            while position < range.upperBound {
                rest = unsafe rest << 8 | UInt64(text[position])
                position += 1
            }
            return mix(hash ^ rest)
        }
    }

    /// The halves of a product of 128 bits, one over the other: no input bit is lost in the low half alone.
    private static func mix(_ hash: UInt64) -> UInt64 {
        let product = hash.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low ^ hash
    }
}
