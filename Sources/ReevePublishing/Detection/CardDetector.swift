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
            let (digits, end) = run(text, from: position)
            defer { position = max(end, position + 1) }
            guard (13...19).contains(digits.count), end == text.count || !text[end].isWordByte,
                Set(digits).count > 2, isScheme(digits)
            else { continue }
            if isLuhn(digits) {
                if let surrogate = Surrogates.card(from: digits) {
                    found.surrogates.insert(surrogate)
                } else {
                    found.matches.append(
                        Match(kind: .paymentCard, range: position..<end, score: 0.9, rule: "card.luhn"))
                }
            } else if context.suggestsCard {
                found.matches.append(Match(kind: .paymentCard, range: position..<end, score: 0.5, rule: "card.key"))
            }
        }
    }

    /// Digits with one kind of single separators between groups of three or more.
    private static func run(_ text: [UInt8], from start: Int) -> (digits: [UInt8], end: Int) {
        var (digits, end): ([UInt8], Int) = ([], start)
        var separator: UInt8?
        while end < text.count {
            let byte = text[end]
            if byte.isDigit {
                digits.append(byte - 48)
                end += 1
            } else if byte == 32 || byte == 45, separator ?? byte == byte, digits.count >= 3, digits.count < 19,
                end + 2 < text.count, text[end + 1].isDigit, text[end + 2].isDigit
            {
                separator = byte
                end += 1
            } else {
                break
            }
        }
        return (digits, end)
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
        case 15: two == 34 || two == 37
        case 16:
            digits[0] == 4 || (51...55).contains(two) || (2221...2720).contains(four) || two == 35 || two == 36
                || two == 62 || two == 65 || four == 6011 || (6440...6499).contains(four) || (56...69).contains(two)
                || two == 50 || two == 81 || (2200...2204).contains(four)
        case 18, 19: digits[0] == 4 || two == 62 || (56...69).contains(two) || two == 50
        default: two == 62 || (56...69).contains(two) || two == 50
        }
    }

    private static func isAttached(_ byte: UInt8) -> Bool { byte.isWordByte || byte == 46 }
}
