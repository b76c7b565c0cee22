// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A pattern as a tree.
indirect enum PatternTree {
    /// A character of a set.
    case bytes(ByteSet)
    /// A character that is not in ASCII, in UTF-8.
    case character([UInt8])
    case all([PatternTree])
    case any([PatternTree])
    /// From `least` to `most` times; as often as there are where `most` is `nil`.
    case repeated(PatternTree, least: Int, most: Int?)
    case edge(PatternEdge)
}

/// A place between two bytes.
enum PatternEdge {
    case start, end, word, noWord

    /// Whether it is at a position of a text.
    func isAt(_ position: Int, of text: [UInt8]) -> Bool {
        switch self {
        case .start: return position == 0
        case .end: return position == text.count
        case .word, .noWord:
            let before = position > 0 && Self.isWord(text, PatternCharacter.start(before: position, in: text))
            let after = position < text.count && Self.isWord(text, position)
            return (before != after) == (self == .word)
        }
    }

    /// Whether a letter, a digit or `_` begins at a position, in any script.
    private static func isWord(_ text: [UInt8], _ position: Int) -> Bool {
        guard text[position] >= 0x80 else { return text[position].isWordByte }
        let character = text[position...].prefix(PatternCharacter.count(from: text[position]))
        guard let scalar = String(validating: character, as: UTF8.self)?.unicodeScalars.first else { return false }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }
}

/// Characters of a text in UTF-8; a byte that belongs to none is one itself.
enum PatternCharacter {
    /// How many bytes a character has, by its first.
    static func count(from byte: UInt8) -> Int {
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }

    /// Where the character begins that ends at a position.
    static func start(before end: Int, in text: [UInt8]) -> Int {
        var start = end - 1
        while start > 0, end - start < 4, text[start] & 0xC0 == 0x80 { start -= 1 }
        return end - start == count(from: text[start]) ? start : end - 1
    }
}

/// A set of bytes.
struct ByteSet: Equatable {
    private var words: SIMD4<UInt64> = .zero

    init() {}
    init(_ bytes: some Sequence<UInt8>) { for byte in bytes { insert(byte) } }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }
    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }
    mutating func formUnion(_ other: ByteSet) { words |= other.words }
    var inverted: ByteSet {
        var copy = self
        copy.words = ~words
        return copy
    }
    var isEmpty: Bool { words == .zero }
    /// With the other case of each ASCII letter.
    var withBothCases: ByteSet {
        var copy = self
        for byte in UInt8(97)...122 where contains(byte) || contains(byte & 0xDF) {
            copy.insert(byte)
            copy.insert(byte & 0xDF)
        }
        return copy
    }

    static let digits = ByteSet(48...57)
    static let word = ByteSet((0...255).filter(\.isWordByte))
    static let space = ByteSet([0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20])
}

/// Reads the language of ``Pattern``.
struct PatternParser {
    private let text: [UInt8]
    private var position = 0
    private(set) var ignoresCase = false
    private static let deepest = 100

    init(_ text: String) { self.text = Array(text.utf8) }

    mutating func parse() throws(PatternError) -> PatternTree {
        if text.starts(with: "(?i)".utf8) {
            ignoresCase = true
            position = 4
        }
        let tree = try alternatives(depth: 0)
        guard position == text.count else { throw error(.unbalanced) }
        return tree
    }

    private func error(_ reason: PatternError.Reason, at place: Int? = nil) -> PatternError {
        PatternError(reason, text, at: place ?? position)
    }

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: byte) else { return false }
        position += 1
        return true
    }

    private mutating func alternatives(depth: Int) throws(PatternError) -> PatternTree {
        guard depth <= Self.deepest else { throw error(.tooLarge) }
        var branches: [PatternTree] = []
        repeat {
            var parts: [PatternTree] = []
            while let byte = next, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
                parts.append(try quantified(depth: depth))
            }
            branches.append(.all(parts))
        } while take("|")
        return branches.count == 1 ? branches[0] : .any(branches)
    }

    private mutating func quantified(depth: Int) throws(PatternError) -> PatternTree {
        let atom = try atom(depth: depth)
        let start = position
        guard let (least, most) = try quantifier() else { return atom }
        if case .edge = atom { throw error(.nothingToRepeat, at: start) }
        // `a+?` and `a++` are about the order in which others search.
        if let byte = next, "?*+{".utf8.contains(byte) { throw error(.nothingToRepeat) }
        return .repeated(atom, least: least, most: most)
    }

    private mutating func quantifier() throws(PatternError) -> (Int, Int?)? {
        let start = position
        switch next {
        case UInt8(ascii: "?"): position += 1; return (0, 1)
        case UInt8(ascii: "*"): position += 1; return (0, nil)
        case UInt8(ascii: "+"): position += 1; return (1, nil)
        case UInt8(ascii: "{"):
            position += 1
            guard let least = number() else { throw error(.badRepetition, at: start) }
            var most: Int? = least
            if take(",") { most = next == UInt8(ascii: "}") ? nil : number() ?? -1 }
            guard take("}"), least <= 1000, most.map({ $0 >= least && $0 <= 1000 && $0 > 0 }) ?? true else {
                throw error(.badRepetition, at: start)
            }
            return (least, most)
        default: return nil
        }
    }

    private mutating func number() -> Int? {
        var (value, digits) = (0, 0)
        while let byte = next, byte.isDigit, digits < 6 {
            value = value * 10 + Int(byte - 48)
            digits += 1
            position += 1
        }
        return digits > 0 ? value : nil
    }

    private mutating func atom(depth: Int) throws(PatternError) -> PatternTree {
        let start = position
        let byte = text[position]
        position += 1
        switch byte {
        case UInt8(ascii: "("):
            if take("?"), !take(":") { throw error(.notLinear, at: start) }
            let inner = try alternatives(depth: depth + 1)
            guard take(")") else { throw error(.unbalanced, at: start) }
            return inner
        case UInt8(ascii: "["): return .bytes(try set(from: start))
        case UInt8(ascii: "."): return .bytes(ByteSet([0x0A]).inverted)
        case UInt8(ascii: "^"): return .edge(.start)
        case UInt8(ascii: "$"): return .edge(.end)
        case UInt8(ascii: "\\"): return try escape(from: start)
        case UInt8(ascii: "?"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "{"):
            throw error(.nothingToRepeat, at: start)
        case UInt8(ascii: "]"), UInt8(ascii: "}"): throw error(.unbalanced, at: start)
        case 0x80...:
            var bytes = [byte]
            while let next, next & 0xC0 == 0x80 {
                bytes.append(next)
                position += 1
            }
            return .character(bytes)
        default: return .bytes(single(byte))
        }
    }

    private func single(_ byte: UInt8) -> ByteSet {
        let set = ByteSet([byte])
        return ignoresCase ? set.withBothCases : set
    }

    private mutating func escape(from start: Int) throws(PatternError) -> PatternTree {
        guard let byte = next else { throw error(.badEscape, at: start) }
        position += 1
        switch byte {
        case UInt8(ascii: "b"): return .edge(.word)
        case UInt8(ascii: "B"): return .edge(.noWord)
        case UInt8(ascii: "1")...UInt8(ascii: "9"), UInt8(ascii: "k"): throw error(.notLinear, at: start)
        default:
            guard let set = Self.named(byte) ?? literal(byte) else { throw error(.badEscape, at: start) }
            return .bytes(set)
        }
    }

    private static func named(_ byte: UInt8) -> ByteSet? {
        switch byte {
        case UInt8(ascii: "d"): .digits
        case UInt8(ascii: "D"): ByteSet.digits.inverted
        case UInt8(ascii: "w"): .word
        case UInt8(ascii: "W"): ByteSet.word.inverted
        case UInt8(ascii: "s"): .space
        case UInt8(ascii: "S"): ByteSet.space.inverted
        default: nil
        }
    }

    /// What a sign, or a letter for a control character, stands for behind a backslash.
    private func literal(_ byte: UInt8) -> ByteSet? {
        switch byte {
        case UInt8(ascii: "n"): ByteSet([0x0A])
        case UInt8(ascii: "r"): ByteSet([0x0D])
        case UInt8(ascii: "t"): ByteSet([0x09])
        default: byte < 0x80 && byte > 0x20 && !byte.isAlphanumeric ? ByteSet([byte]) : nil
        }
    }

    /// A class; its opening bracket is read.
    private mutating func set(from start: Int) throws(PatternError) -> ByteSet {
        var set = ByteSet()
        let isInverted = take("^")
        var isFirst = true
        while true {
            guard let byte = next else { throw error(.unbalanced, at: start) }
            if byte == UInt8(ascii: "]"), !isFirst { break }
            isFirst = false
            let place = position
            guard let low = try element(&set) else { continue }
            guard next == UInt8(ascii: "-"), position + 1 < text.count, text[position + 1] != UInt8(ascii: "]") else {
                set.insert(low)
                continue
            }
            position += 1
            guard let high = try element(&set), high >= low else { throw error(.badClass, at: place) }
            for byte in low...high { set.insert(byte) }
        }
        position += 1
        if ignoresCase { set = set.withBothCases }
        if isInverted { set = set.inverted }
        guard !set.isEmpty else { throw error(.badClass, at: start) }
        return set
    }

    /// One byte of a class, or a named set, which is added.
    private mutating func element(_ set: inout ByteSet) throws(PatternError) -> UInt8? {
        let start = position
        guard let byte = next else { throw error(.unbalanced) }
        position += 1
        guard byte < 0x80 else { throw error(.badClass, at: start) }
        guard byte == UInt8(ascii: "\\") else { return byte }
        guard let escaped = next else { throw error(.badEscape, at: start) }
        position += 1
        if let named = Self.named(escaped) {
            set.formUnion(named)
            return nil
        }
        guard let literal = literal(escaped) else { throw error(.badEscape, at: start) }
        return (0..<128).first { literal.contains($0) }
    }
}
