// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// How a key of a provider is written: letters as they are, and in braces a class with how many of it there are.
///
/// `ghp_{w36,255}` is `ghp_` and 36 to 255 letters and digits. Classes: `d` digits, `x` hexadecimal digits in lower case, `X` in either, `u` upper-case
/// letters and digits, `B` base 32, `w` letters and digits, `t` those, `_` and `-`, `s` also `=`, `e` also `.`, `a` those of `t`, `@` and `/`, `b` base 64, `p` also `_` and `-`, `l` letters, `g` all but
/// blanks, quotes, commas, semicolons and most brackets. Nothing is tried twice: where a class could take what stands behind it, it has one length.
struct KeyShape: Sendable {
    private enum Part: Sendable {
        case text([UInt8])
        case some(ByteSet, ClosedRange<Int>)
    }

    private let parts: [Part]
    /// The letters that it begins with.
    let prefix: [UInt8]
    /// Bytes of the shortest.
    let shortest: Int
    /// The bytes that may stand in one.
    let bytes: ByteSet

    init(_ notation: String) {
        var (parts, text): ([Part], [UInt8]) = ([], [])
        var rest = notation.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "{") else {
                text.append(byte)
                continue
            }
            if !text.isEmpty { parts.append(.text(text)) }
            text = []
            guard let end = rest.firstIndex(of: UInt8(ascii: "}")), let name = rest.first, let set = Self.classes[name]
            else {
                preconditionFailure("the shape \(notation)")
            }
            let counts = rest[..<end].dropFirst().split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
                .map { Int(String(decoding: $0, as: UTF8.self)) ?? 4_000 }
            parts.append(.some(set, counts[0]...counts[counts.count - 1]))
            rest = rest[end...].dropFirst()
        }
        if !text.isEmpty { parts.append(.text(text)) }
        self.parts = parts
        prefix = if case .text(let text)? = parts.first { text } else { [] }
        bytes = parts.reduce(into: ByteSet()) { bytes, part in
            switch part {
            case .text(let text): bytes.formUnion(ByteSet(text))
            case .some(let set, _): bytes.formUnion(set)
            }
        }
        shortest = parts.reduce(0) { sum, part in
            switch part {
            case .text(let text): sum + text.count
            case .some(_, let counts): sum + counts.lowerBound
            }
        }
    }

    private static let classes: [UInt8: ByteSet] = {
        let (digits, lower, upper) = (Array(UInt8(48)...57), Array(UInt8(97)...122), Array(UInt8(65)...90))
        let word = digits + lower + upper
        let table: [(Unicode.Scalar, [UInt8])] = [
            ("d", digits), ("x", digits + lower.prefix(6)), ("X", digits + lower.prefix(6) + upper.prefix(6)),
            ("u", digits + upper),
            ("B", upper + digits[2...7]), ("w", word), ("t", word + "_-".utf8), ("s", word + "_-=".utf8),
            ("e", word + "_-=.".utf8),
            ("a", word + "_-@/".utf8), ("b", word + "+/".utf8), ("p", word + "+/_-=".utf8), ("l", lower + upper),
            ("g", (UInt8(33)...126).filter { !"\"'`<>,;\\{}()".utf8.contains($0) }),
        ]
        return Dictionary(uniqueKeysWithValues: table.map { (UInt8(ascii: $0), ByteSet($1)) })
    }()

    /// The end of a key that begins at a place; the longest.
    func end(in text: [UInt8], from start: Int) -> Int? {
        var position = start
        for part in parts {
            switch part {
            case .text(let letters):
                guard text[position...].starts(with: letters) else { return nil }
                position += letters.count
            case .some(let set, let counts):
                let first = position
                while position < text.count, position - first < counts.upperBound, set.contains(text[position]) {
                    position += 1
                }
                guard position - first >= counts.lowerBound else { return nil }
            }
        }
        return position
    }

    /// Whether all of a text is one.
    func isAll(of text: ArraySlice<UInt8>) -> Bool { end(in: Array(text), from: 0) == text.count }
}
