// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Telephone numbers: international (E.164), North American with separators, and others where key or words say so.
enum PhoneDetector {
    static func scan(_ text: [UInt8], _ context: DetectionContext, isCode: Bool, _ found: inout Detected) {
        var position = 0
        while position < text.count {
            let byte = text[position]
            guard byte.isDigit || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "("),
                position == 0 || !isAttached(text[position - 1], to: byte)
            else {
                position += 1
                continue
            }
            guard let candidate = Candidate(text, from: position) else {
                position += 1
                while byte.isDigit, position < text.count, text[position].isDigit { position += 1 }
                continue
            }
            let score = score(candidate, text, context, isCode: isCode)
            if score >= Match.reportFrom {
                let surrogate = Surrogates.phone(from: candidate.digits)
                if let surrogate {
                    found.surrogates.insert(surrogate)
                } else {
                    found.matches.append(
                        Match(
                            kind: .phone, range: candidate.range, score: score, rule: "phone." + candidate.shape(text)))
                }
            }
            position = candidate.range.upperBound
        }
    }

    /// A run of digits in groups, as phone numbers are written.
    private struct Candidate {
        let range: Range<Int>
        let digits: [UInt8]
        let groups: [Int]
        let hasPlus: Bool
        /// Groups apart by spaces, dots, hyphens, slashes or parentheses.
        var isSeparated: Bool { groups.count > 1 }

        init?(_ text: [UInt8], from start: Int) {
            var (end, digits, groups): (Int, [UInt8], [Int]) = (start, [], [])
            hasPlus = text[start] == UInt8(ascii: "+")
            var (cursor, current, open) = (hasPlus ? start + 1 : start, 0, false)
            while cursor < text.count, digits.count <= 17 {
                let byte = text[cursor]
                if byte.isDigit {
                    digits.append(byte - 48)
                    current += 1
                    end = cursor + 1
                } else if byte == UInt8(ascii: "("), !open, current == 0 || digits.count <= 4 {
                    open = true
                    if current > 0 { groups.append(current) }
                    current = 0
                } else if byte == UInt8(ascii: ")"), open, current > 0 {
                    open = false
                    groups.append(current)
                    current = 0
                    end = cursor + 1
                } else if " .-/".utf8.contains(byte), cursor > start, cursor + 1 < text.count,
                    text[cursor + 1].isDigit || text[cursor + 1] == UInt8(ascii: "("),
                    text[cursor - 1].isDigit || text[cursor - 1] == UInt8(ascii: ")")
                {
                    if current > 0 { groups.append(current) }
                    current = 0
                } else {
                    break
                }
                cursor += 1
            }
            if current > 0 { groups.append(current) }
            while end > start, !text[end - 1].isDigit { end -= 1 }
            guard (7...15).contains(digits.count), end == text.count || !isAttachedBehind(text, end) else { return nil }
            range = start..<end
            self.digits = digits
            self.groups = groups
        }

        func shape(_ text: [UInt8]) -> String { hasPlus ? "international" : isSeparated ? "national" : "key" }
    }

    private static func score(
        _ candidate: Candidate, _ text: [UInt8], _ context: DetectionContext, isCode: Bool
    ) -> Double {
        let digits = candidate.digits
        if candidate.hasPlus {
            guard digits[0] != 0, digits.count >= 8 else { return 0 }
            if digits[0] == 1 { return isNorthAmerican(digits.dropFirst()) ? 0.9 : 0.4 }
            return 0.9
        }
        if context.suggestsPhone, Set(digits).count > 2 { return isDate(candidate) ? 0 : 0.8 }
        let national = digits.count == 11 && digits[0] == 1 ? digits.dropFirst() : digits[...]
        if candidate.isSeparated, isNorthAmerican(national), hasNorthAmericanGroups(candidate) { return 0.8 }
        if digits.starts(with: [0, 0]), digits.count >= 11, digits[2] != 0, candidate.isSeparated { return 0.7 }
        if !isCode, candidate.isSeparated || digits.count >= 9, !isDate(candidate),
            isAnnounced(text, before: candidate.range.lowerBound)
        {
            return 0.7
        }
        return 0
    }

    private static func isNorthAmerican(_ digits: ArraySlice<UInt8>) -> Bool {
        let ten = Array(digits)
        return ten.count == 10 && ten[0] >= 2 && ten[3] >= 2 && !(ten[1] == 1 && ten[2] == 1)
    }

    private static func hasNorthAmericanGroups(_ candidate: Candidate) -> Bool {
        let groups = candidate.groups.first == 1 ? Array(candidate.groups.dropFirst()) : candidate.groups
        return groups == [3, 3, 4]
    }

    /// Year, month and day in groups.
    private static func isDate(_ candidate: Candidate) -> Bool {
        [[4, 2, 2], [2, 2, 4], [4, 2, 2, 2], [4, 2, 2, 2, 2]].contains(candidate.groups)
    }

    private static let announcements = ["phone", "tel", "mobile", "call ", "cell", "fax", "whatsapp", "sms"]

    /// Whether a word for telephones stands within the 24 bytes before.
    private static func isAnnounced(_ text: [UInt8], before position: Int) -> Bool {
        let before = String(decoding: text[max(0, position - 24)..<position], as: UTF8.self).lowercased()
        return announcements.contains { before.contains($0) }
    }

    private static func isAttached(_ byte: UInt8, to first: UInt8) -> Bool {
        byte.isWordByte || (first != UInt8(ascii: "(") && "+-./".utf8.contains(byte))
    }

    private static func isAttachedBehind(_ text: [UInt8], _ end: Int) -> Bool {
        if text[end].isWordByte { return true }
        return "-./:".utf8.contains(text[end]) && end + 1 < text.count && text[end + 1].isDigit
    }
}
