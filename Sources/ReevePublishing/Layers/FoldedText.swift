// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A text as the detectors read it: escapes that stand raw in it are decoded, as are `%40` and `&#64;`, typographic spaces
/// and dashes and wide letters are the plain ones, and what has no width is left out, with the place of each byte in the text itself.
///
/// Where a layer is not decoded (source code, a JSON template around a data pill, a Ruby heredoc), `\n` before a value
/// would look like a letter of it, and `\u0040` would hide it.
struct FoldedText {
    private(set) var bytes: [UInt8]
    /// For each byte its place, and one more for the end; `nil` while both are the same.
    private var places: [Int]?

    /// Whether escapes stand in each other more often than the limit.
    private(set) var isTooDeep = false
    private static let maximumRounds = 8

    init(_ text: [UInt8]) {
        bytes = text
        var rounds = 0
        let hasCodePoints = text.holds(Array("U+".utf8))
        while hasCodePoints
            || bytes.contains(where: { $0 == UInt8(ascii: "\\") || $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "&") }),
            fold({ Self.sign(in: $0, at: $1) })
        {
            rounds += 1
            if rounds > Self.maximumRounds {
                isTooDeep = true
                break
            }
        }
        if bytes.contains(where: { $0 == 0xC2 || $0 == 0xE2 || $0 == 0xEF }) {
            _ = fold({ Self.separator(in: $0, at: $1) })
        }
        if bytes.contains(where: { $0 >= 0xCE && OtherScript.leads.contains($0) }) {
            _ = fold({ OtherScript.digit(in: $0, at: $1) ?? OtherScript.lookalike(in: $0, at: $1) })
        }
    }

    /// Whether anything is different from the text.
    var isChanged: Bool { places != nil }

    /// The characters here that stand for a range in the text, all of an escape's where it begins or ends in one, and the one before where nothing
    /// stands for it; `nil` in a text of which nothing is left.
    func range(of place: Range<Int>) -> Range<Int>? {
        guard let places else { return place }
        let after = places.firstIndex(notBefore: { $0 <= place.lowerBound })
        let before = places[max(0, after - 1)]
        var start = places.firstIndex(notBefore: { $0 < before })
        var end = min(bytes.count, max(start + 1, places.firstIndex(notBefore: { $0 < place.upperBound })))
        // Characters are not cut.
        while start > 0, start < bytes.count, bytes[start] & 0xC0 == 0x80 { start -= 1 }
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        return start < end ? start..<end : nil
    }

    /// The place of a range in the text.
    func place(_ range: Range<Int>) -> Range<Int> {
        guard let places else { return range }
        return places[range.lowerBound]..<places[range.upperBound]
    }

    /// Replaces what `decode` recognises; tells whether that was anything.
    private mutating func fold(_ decode: ([UInt8], Int) -> (bytes: [UInt8], length: Int)?) -> Bool {
        var (folded, origins): ([UInt8], [Int]) = ([], [])
        folded.reserveCapacity(bytes.count)
        origins.reserveCapacity(bytes.count + 1)
        var (position, changed) = (0, false)
        while position < bytes.count {
            if let (decoded, length) = decode(bytes, position) {
                for byte in decoded {
                    folded.append(byte)
                    origins.append(position)
                }
                changed = true
                position += length
            } else {
                folded.append(bytes[position])
                origins.append(position)
                position += 1
            }
        }
        guard changed else { return false }
        origins.append(bytes.count)
        places = places.map { places in origins.map { places[$0] } } ?? origins
        bytes = folded
        return true
    }

    /// What an escape, a percent code or an entity at a position stands for.
    private static func sign(in text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        switch text[position] {
        case UInt8(ascii: "\\"): escape(in: text, at: position)
        case UInt8(ascii: "%"): PercentCode.decode(text, at: position) ?? percentEscape(in: text, at: position)
        case UInt8(ascii: "U"): codePoint(in: text, at: position)
        case UInt8(ascii: "&"): Entity.decode(text, at: position)
        default: nil
        }
    }

    /// The escape at a position, as JSON, JavaScript and Ruby write them.
    static func escape(in text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        guard text[position] == UInt8(ascii: "\\"), position + 1 < text.count else { return nil }
        switch text[position + 1] {
        case UInt8(ascii: "n"), UInt8(ascii: "v"), UInt8(ascii: "f"): return ([0x0A], 2)
        case UInt8(ascii: "r"): return ([0x0D], 2)
        case UInt8(ascii: "t"), UInt8(ascii: "b"), UInt8(ascii: "e"), UInt8(ascii: "s"): return ([0x20], 2)
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "/"), UInt8(ascii: "\\"):
            return ([text[position + 1]], 2)
        // The line goes on.
        case 0x0A: return ([], 2)
        case 0x0D: return ([], position + 2 < text.count && text[position + 2] == 0x0A ? 3 : 2)
        case UInt8(ascii: "N"): return named(in: text, at: position)
        case UInt8(ascii: "U"): return number(in: text, from: position + 2, digits: 8...8, radix: 16, prefix: 2)
        case UInt8(ascii: "u"): return unicodeEscape(in: text, at: position)
        case UInt8(ascii: "x"): return number(in: text, from: position + 2, digits: 1...2, radix: 16, prefix: 2)
        case UInt8(ascii: "0")...UInt8(ascii: "3"):
            return number(in: text, from: position + 1, digits: 2...3, radix: 8, prefix: 1)
        case UInt8(ascii: "4")...UInt8(ascii: "7"):
            return number(in: text, from: position + 1, digits: 2...2, radix: 8, prefix: 1)
        // As Markdown and regular expressions write a sign that says nothing more.
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: return ([text[position + 1]], 2)
        default: return nil
        }
    }

    /// `\N{COMMERCIAL AT}`, as Python names characters.
    private static func named(in text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        let rest = text[(position + 2)...].prefix(48)
        guard rest.first == UInt8(ascii: "{"), let close = rest.firstIndex(of: UInt8(ascii: "}")) else { return nil }
        let name = String(decoding: rest[(position + 3)..<close], as: UTF8.self).uppercased()
        return names[name].map { ([$0], close + 1 - position) }
    }

    /// The Unicode names of what can be seen of ASCII, with the names that stand for another.
    private static let names: [String: UInt8] = {
        let own = (UInt8(0x20)...0x7E).compactMap { byte in
            Unicode.Scalar(byte).properties.name.map { ($0, byte) }
        }
        let other: [(String, UInt8)] = [
            ("PERIOD", 0x2E), ("HYPHEN", 0x2D), ("UNDERSCORE", 0x5F), ("SLASH", 0x2F), ("DASH", 0x2D), ("PLUS", 0x2B),
        ]
        return Dictionary(own + other) { first, _ in first }
    }()

    /// `%u0040`, as `escape` of JavaScript writes what is not Latin (ECMA-262, B.2.1.1).
    private static func percentEscape(in text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        guard position + 1 < text.count, text[position + 1] == UInt8(ascii: "u") else { return nil }
        return unicodeEscape(in: text, at: position)
    }

    /// `U+0040`, as Unicode writes code points; of several the blank between two goes, too.
    private static func codePoint(in text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        guard position + 1 < text.count, text[position + 1] == UInt8(ascii: "+"),
            position == 0 || !text[position - 1].isWordByte,
            let long = number(in: text, from: position + 2, digits: 4...6, radix: 16, prefix: 2)
        else { return nil }
        // Where a word follows, four digits are all: `U+005Fabc`.
        let isAttached = position + long.length < text.count && text[position + long.length].isWordByte
        let short = isAttached ? number(in: text, from: position + 2, digits: 4...4, radix: 16, prefix: 2) : nil
        let (bytes, length) = short ?? long
        let isFollowed = text[(position + length)...].starts(with: " U+".utf8)
        return (bytes, isFollowed ? length + 1 : length)
    }

    /// `\u0040`, a surrogate pair of those, or `\u{40 41}`; also behind a percent sign.
    private static func unicodeEscape(in text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        let start = position + 2
        if start < text.count, text[start] == UInt8(ascii: "{") {
            guard let close = text[start...].prefix(64).firstIndex(of: UInt8(ascii: "}")) else { return nil }
            let parts = text[(start + 1)..<close].split(separator: 0x20)
            let scalars = parts.map { part in
                UInt32(String(decoding: part, as: UTF8.self), radix: 16).flatMap(Unicode.Scalar.init)
            }
            guard !scalars.isEmpty, scalars.allSatisfy({ $0 != nil }) else { return nil }
            return (scalars.flatMap { $0.map { Array(Character($0).utf8) } ?? [] }, close + 1 - position)
        }
        guard let (first, _) = digits(in: text, from: start, 4...4, radix: 16) else { return nil }
        if let scalar = Unicode.Scalar(first) { return (Array(Character(scalar).utf8), 6) }
        guard first < 0xDC00, position + 7 < text.count, text[position + 6] == text[position],
            text[position + 7] == UInt8(ascii: "u"),
            let (second, _) = digits(in: text, from: position + 8, 4...4, radix: 16),
            (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF))
        else { return ([0x20], 6) }
        return (Array(Character(scalar).utf8), 12)
    }

    private static func number(
        in text: [UInt8], from start: Int, digits count: ClosedRange<Int>, radix: UInt32, prefix: Int
    ) -> (bytes: [UInt8], length: Int)? {
        guard let (value, length) = digits(in: text, from: start, count, radix: radix),
            let scalar = Unicode.Scalar(value)
        else { return nil }
        return (Array(Character(scalar).utf8), prefix + length)
    }

    private static func digits(
        in text: [UInt8], from start: Int, _ count: ClosedRange<Int>, radix: UInt32
    ) -> (value: UInt32, length: Int)? {
        var (value, length): (UInt32, Int) = (0, 0)
        while length < count.upperBound, start + length < text.count,
            let digit = Character(Unicode.Scalar(text[start + length])).hexDigitValue, digit < radix
        {
            value = value * radix + UInt32(digit)
            length += 1
        }
        return length >= count.lowerBound ? (value, length) : nil
    }

    /// A typographic space or dash: U+00A0, U+2000 to U+200A, U+2010 to U+2015, U+202F, U+2212. What has no width is nothing: U+00AD, U+200B to
    /// U+200F, U+202A to U+202E, U+2060 to U+206F, U+FEFF. What is as wide as two is the plain character: U+FF01 to U+FF5E, U+FE6B.
    private static func separator(in text: [UInt8], at position: Int) -> (bytes: [UInt8], length: Int)? {
        if text[position] == 0xC2 {
            guard position + 1 < text.count else { return nil }
            return text[position + 1] == 0xA0 ? ([0x20], 2) : text[position + 1] == 0xAD ? ([], 2) : nil
        }
        guard text[position] == 0xE2 || text[position] == 0xEF, position + 2 < text.count else { return nil }
        let last = text[position + 2]
        switch (text[position], text[position + 1], last) {
        case (0xE2, 0x80, 0x80...0x8A), (0xE2, 0x80, 0xAF): return ([0x20], 3)
        case (0xE2, 0x80, 0x8B...0x8F), (0xE2, 0x80, 0xAA...0xAE), (0xE2, 0x81, 0xA0...0xAF), (0xEF, 0xBB, 0xBF):
            return ([], 3)
        case (0xE2, 0x80, 0x90...0x95), (0xE2, 0x88, 0x92): return ([0x2D], 3)
        case (0xEF, 0xBC, 0x81...0xBF): return ([last - 0x60], 3)
        case (0xEF, 0xBD, 0x80...0x9E): return ([last - 0x20], 3)
        case (0xEF, 0xB9, 0xAB): return ([UInt8(ascii: "@")], 3)
        default: return nil
        }
    }
}
