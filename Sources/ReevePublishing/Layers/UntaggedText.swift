// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A text without the tags and comments of HTML in it, as somebody sees it, with the place of each byte in the text itself.
struct UntaggedText {
    private(set) var bytes: [UInt8] = []
    private var places: [Int] = []
    private static let longestTag = 512

    /// The text without its tags; `nil` when it has none. Complexity: O(bytes).
    init?(_ text: [UInt8]) {
        guard text.contains(UInt8(ascii: "<")) else { return nil }
        // Comments that are opened and never closed are looked for a few times only; the next `>` is looked for once.
        var (position, open, close) = (0, 0, -1)
        while position < text.count {
            if text[position] == UInt8(ascii: "<"), Self.mayBegin(text, position) {
                if close <= position { close = text[position...].firstIndex(of: UInt8(ascii: ">")) ?? text.count }
                let isComment = text[position...].starts(with: "<!--".utf8)
                if let end = isComment
                    ? open < 16 ? Self.commentEnd(text, position) : nil : Self.tagEnd(text, position, close)
                {
                    position = end
                    continue
                }
                if isComment { open += 1 }
            }
            bytes.append(text[position])
            places.append(position)
            position += 1
        }
        guard bytes.count < text.count else { return nil }
        places.append(text.count)
    }

    /// The place of a range that is not empty in the text.
    func place(_ range: Range<Int>) -> Range<Int> { places[range.lowerBound]..<places[range.upperBound - 1] + 1 }

    /// Whether a tag or a comment could begin at a `<`.
    private static func mayBegin(_ text: [UInt8], _ position: Int) -> Bool {
        position + 2 < text.count && (text[position + 1].isLetter || "/!".utf8.contains(text[position + 1]))
    }

    private static func commentEnd(_ text: [UInt8], _ position: Int) -> Int? {
        let rest = text[position...].prefix(longestTag)
        return rest.indices.dropFirst(4).first { rest[$0...].starts(with: "-->".utf8) }.map { $0 + 3 }
    }

    /// The end of the tag at a position, where the next `>` stands at `close`.
    private static func tagEnd(_ text: [UInt8], _ position: Int, _ close: Int) -> Int? {
        guard close < text.count, close - position < longestTag else { return nil }
        // `<dana@acme.com>` is none.
        let name = text[(position + 1)..<close].drop { $0 == UInt8(ascii: "/") }.prefix {
            $0.isAlphanumeric || $0 == UInt8(ascii: "-")
        }
        guard !name.isEmpty,
            name.endIndex == close || text[name.endIndex] <= 0x20 || text[name.endIndex] == UInt8(ascii: "/")
        else { return nil }
        return close + 1
    }
}
