// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Payment card numbers (ISO/IEC 7812): 13 to 19 digits of a known scheme with a valid check digit.
enum CardDetector {
    static func scan(_ text: [UInt8], _ context: DetectionContext, _ found: inout Detected) {
        var position = 0
        while position < text.count {
            guard text[position].isDigit, position == 0 || !isAttached(text[position - 1]) else {
                position += 1
                continue
            }
            let run = Run(text, from: position)
            position = scan(run, text, context, &found) ?? run.groups[0].upperBound
        }
    }

    /// Tries the run's groups from the first, the longest number first; gives the end of what it found.
    private static func scan(
        _ run: Run, _ text: [UInt8], _ context: DetectionContext, _ found: inout Detected
    ) -> Int? {
        for last in run.groups.indices.reversed() {
            let end = run.groups[last].upperBound
            let count = run.groups[...last].reduce(0) { $0 + $1.count }
            guard (13...19).contains(count), end == text.count || !text[end].isAlphanumeric,
                isGrouped(run.groups[...last], text)
            else { continue }
            let digits = run.groups[...last].flatMap { text[$0].map { $0 - 48 } }
            guard Set(digits).count > 1, isScheme(digits) else { continue }
            let range = run.groups[0].lowerBound..<end
            if isLuhn(digits) {
                if let surrogate = Surrogates.card(from: digits) {
                    found.surrogates.append((surrogate, range))
                } else {
                    // Of air travel's cards there are as many as of other numbers.
                    let isSure = digits[0] != 1 || context.suggestsCard || run.groups[...last].count > 2
                    found.matches.append(
                        Match(kind: .paymentCard, range: range, score: isSure ? 0.9 : 0.25, rule: "card.luhn"))
                }
                return end
            }
            if context.suggestsCard, Set(digits).count > 2 {
                found.matches.append(Match(kind: .paymentCard, range: range, score: 0.5, rule: "card.key"))
                return end
            }
        }
        return nil
    }

    /// Whether groups stand as on a card: a dot separates short groups only, at least three, or it is a decimal point; a comma, a slash and
    /// more than one sign separate groups as cards have them.
    private static func isGrouped(_ groups: ArraySlice<Range<Int>>, _ text: [UInt8]) -> Bool {
        let gaps = zip(groups, groups.dropFirst()).map { text[$0.upperBound..<$1.lowerBound] }
        if gaps.contains(where: { $0.count > 1 || !" -._".utf8.contains($0[$0.startIndex]) }) {
            let counts = groups.map(\.count)
            guard counts == [4, 4, 4, 4] || counts == [4, 6, 5] || counts == [4, 4, 4, 4, 3] else { return false }
        }
        let hasDot = groups.dropLast().contains { text[$0.upperBound] == UInt8(ascii: ".") }
        return !hasDot || (groups.count >= 3 && groups.allSatisfy { $0.count <= 7 })
    }

    /// Groups of digits with single separators between them, up to 19 digits and a few groups more.
    private struct Run {
        private(set) var groups: [Range<Int>] = []

        init(_ text: [UInt8], from start: Int) {
            var position = start
            while groups.count < 8, position < text.count, text[position].isDigit {
                let first = position
                while position < text.count, text[position].isDigit { position += 1 }
                groups.append(first..<position)
                guard let next = Separator.end(in: text, from: position, " -._\t\n\r/,"), text[next].isDigit else {
                    break
                }
                position = next
            }
        }
    }

    static func isLuhn(_ digits: [UInt8]) -> Bool {
        var sum = 0
        for (index, digit) in digits.reversed().enumerated() {
            let value = Int(digit) * (index % 2 == 1 ? 2 : 1)
            sum += value > 9 ? value - 9 : value
        }
        return sum % 10 == 0
    }

    /// Whether the first digits and the length are those of a card scheme.
    private static func isScheme(_ digits: [UInt8]) -> Bool {
        let two = Int(digits[0]) * 10 + Int(digits[1])
        let four = two * 100 + Int(digits[2]) * 10 + Int(digits[3])
        return switch digits.count {
        case 13: digits[0] == 4
        case 14: two == 36 || two == 38 || (300...305).contains(four / 10)
        case 15: two == 34 || two == 37 || digits[0] == 1
        case 16:
            digits[0] == 4 || (51...55).contains(two) || (2221...2720).contains(four) || two == 35 || two == 36
                || two == 62 || two == 65 || four == 6011 || (6440...6499).contains(four) || (56...69).contains(two)
                || two == 50 || two == 81 || (2200...2204).contains(four)
        case 18, 19: digits[0] == 4 || two == 62 || (56...69).contains(two) || two == 50
        default: two == 62 || (56...69).contains(two) || two == 50
        }
    }

    /// A digit after a letter, a digit or a dot belongs to something else; `_` may stand between a name and a number.
    private static func isAttached(_ byte: UInt8) -> Bool { byte.isAlphanumeric || byte == UInt8(ascii: ".") }
}
