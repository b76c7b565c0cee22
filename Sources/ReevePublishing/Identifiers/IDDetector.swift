// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Numbers and codes of people, organisations and things: found by how they are written, told by their check digits and the words beside them.
enum IDDetector {
    static func scan(_ text: [UInt8], _ context: DetectionContext, _ found: inout Detected) {
        var groups: [Range<Int>] = []
        var position = 0
        var candidate = Candidate()
        var digit = 0
        // Groups of letters and digits, and from each of them all that begin there.
        while position < text.count || !groups.isEmpty {
            while groups.count < IDRule.mostGroups, position < text.count,
                groups.isEmpty || isSeparated(groups[groups.count - 1].upperBound, position, text)
            {
                guard text[position].isAlphanumeric else {
                    if !groups.isEmpty, position - groups[groups.count - 1].upperBound >= 2 { break }
                    position += 1
                    continue
                }
                let start = position
                while position < text.count, text[position].isAlphanumeric { position += 1 }
                groups.append(start..<position)
            }
            guard !groups.isEmpty else { continue }
            // Without a digit there is none.
            digit = max(digit, groups[0].lowerBound)
            while digit < text.count, !text[digit].isDigit { digit += 1 }
            guard digit < text.count else { return }
            if digit < groups[0].lowerBound + IDRule.longest + IDRule.mostGroups {
                scan(from: groups, text, context, &candidate, &found)
            }
            groups.removeFirst()
        }
    }

    /// Whether at most one sign stands between a group's end and a position.
    private static func isSeparated(_ end: Int, _ position: Int, _ text: [UInt8]) -> Bool {
        position == end || position == end + 1 && signs.contains(text[end])
    }

    private static let signs = ByteSet(" -./:+".utf8)

    /// The letters and digits of some groups, in upper case.
    private struct Candidate {
        var compact: [UInt8] = []
        var counts: [Int] = []
        var digits = 0
        /// Letters in lower case.
        var lower = 0
        /// Letters in upper case.
        var upper = 0
        /// The words beside them, once they were asked for.
        var near: [UInt64]?
    }

    private static func scan(
        from groups: [Range<Int>], _ text: [UInt8], _ context: DetectionContext, _ candidate: inout Candidate,
        _ found: inout Detected
    ) {
        let start = groups[0].lowerBound
        guard start == 0 || !isAttached(text, start) else { return }
        candidate.compact.removeAll(keepingCapacity: true)
        candidate.counts.removeAll(keepingCapacity: true)
        (candidate.digits, candidate.lower, candidate.upper) = (0, 0, 0)
        for group in groups {
            guard candidate.compact.count + group.count <= IDRule.longest else { return }
            for byte in text[group] {
                candidate.compact.append(byte.isLetter ? byte & 0xDF : byte)
                if byte.isDigit { candidate.digits += 1 }
                if byte.isUpper { candidate.upper += 1 } else if byte.isLetter { candidate.lower += 1 }
            }
            candidate.counts.append(group.count)
            guard candidate.digits >= 1,
                !isAttachedBehind(text, group.upperBound, isParted: candidate.counts.count > 1),
                candidate.digits > 3 || !isBesideLine(text, start..<group.upperBound)
            else { continue }
            let range = start..<group.upperBound
            candidate.near = nil
            for entry in IDRule.byLength[candidate.compact.count]
            where entry.shape.groups == candidate.counts && entry.shape.fits(candidate.compact) {
                let (rule, shape) = (entry.rule, entry.shape)
                guard isParted(text[range], by: rule.signs), shape.groups.count == 1 || !goesOn(text, range) else {
                    continue
                }
                let isValid = rule.isValid(candidate.compact)
                let score = score(rule, isValid, &candidate, range, text, context)
                if score > 0 {
                    found.matches.append(
                        Match(kind: rule.kind, range: range, score: score, rule: rule.name))
                }
            }
        }
    }

    private static func score(
        _ rule: IDRule, _ isValid: Bool, _ candidate: inout Candidate, _ range: Range<Int>, _ text: [UInt8],
        _ context: DetectionContext
    ) -> Double {
        var plain = isValid ? (candidate.counts.count > 1 ? rule.grouped : rule.bare) : 0
        // People write codes in capitals: what is not is a word with a number behind it, and of plates and postcodes none.
        if candidate.lower > 0 {
            plain = min(plain, 0.2)
            // `AlexK1919` is somebody's name in a network, even beside the word `passport`.
            let isName =
                candidate.lower > 1 && candidate.upper > 0 && candidate.counts.count == 1
                && text[range].drop(while: \.isLetter).allSatisfy(\.isDigit)
            if isName || rule.kind == .vehicle || rule.kind == .postalAddress { return plain }
        }
        // `Variables1` is no number that somebody mistyped.
        let isNumber = Set(candidate.compact).count > 2 && candidate.digits > 2 && candidate.lower == 0
        let sure = isValid ? rule.named : isNumber ? rule.mistyped : 0
        guard sure > plain, !rule.words.isEmpty else { return plain }
        if context.names(rule.words) { return sure }
        if candidate.near == nil { candidate.near = TextWords.near(range, in: text) }
        return candidate.near?.contains(where: rule.words.contains) ?? false ? sure : plain
    }

    /// Whether what parts the groups is one of these signs, the same everywhere.
    private static func isParted(_ text: ArraySlice<UInt8>, by signs: [UInt8]) -> Bool {
        var first: UInt8?
        for byte in text where !byte.isAlphanumeric {
            guard signs.contains(byte), first.map({ $0 == byte }) ?? true || signs.count > 4 else { return false }
            first = byte
        }
        return true
    }

    /// Whether another group of digits stands before or behind some groups, parted as they are.
    private static func goesOn(_ text: [UInt8], _ range: Range<Int>) -> Bool {
        guard let sign = text[range].first(where: { !$0.isAlphanumeric }) else { return false }
        let (start, end) = (range.lowerBound, range.upperBound)
        return start > 1 && text[start].isDigit && text[start - 1] == sign && text[start - 2].isDigit
            || end + 1 < text.count && text[end - 1].isDigit && text[end] == sign && text[end + 1].isDigit
    }

    /// Whether what stands before belongs to it: a letter, a digit, or another group of the same number.
    private static func isAttached(_ text: [UInt8], _ start: Int) -> Bool {
        let before = text[start - 1]
        if before.isAlphanumeric { return true }
        guard start > 1, "-./+".utf8.contains(before) else { return before == UInt8(ascii: "\\") }
        return text[start - 2].isDigit
    }

    /// Whether `_` stands beside it: with few digits it is a part of a name then.
    private static func isBesideLine(_ text: [UInt8], _ range: Range<Int>) -> Bool {
        range.lowerBound > 0 && text[range.lowerBound - 1] == UInt8(ascii: "_")
            || range.upperBound < text.count && text[range.upperBound] == UInt8(ascii: "_")
    }

    private static func isAttachedBehind(_ text: [UInt8], _ end: Int, isParted: Bool) -> Bool {
        guard end + 1 < text.count, "-./@".utf8.contains(text[end]) else { return false }
        return text[end] == UInt8(ascii: "@") || text[end + 1].isDigit
            || !isParted && text[end] == 45 && text[end + 1].isAlphanumeric
    }
}
