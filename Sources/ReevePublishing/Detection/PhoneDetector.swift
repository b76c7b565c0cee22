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
            let run = Run(text, from: position)
            position = scan(run, text, context, isCode, &found) ?? max(run.groups.first?.end ?? 0, position + 1)
        }
    }

    /// Tries the run's groups, the longest number first; gives the end of what it found.
    private static func scan(
        _ run: Run, _ text: [UInt8], _ context: DetectionContext, _ isCode: Bool, _ found: inout Detected
    ) -> Int? {
        for last in run.groups.indices.reversed() {
            guard let candidate = Candidate(run, through: last, text) else { continue }
            let score = score(candidate, text, context, isCode: isCode)
            guard score > 0 else { continue }
            if let surrogate = Surrogates.phone(from: candidate.digits) {
                found.surrogates.append((surrogate, candidate.range))
            } else {
                found.matches.append(
                    Match(kind: .phone, range: candidate.range, score: score, rule: "phone." + candidate.shape))
            }
            return candidate.range.upperBound
        }
        return nil
    }

    /// Groups of digits, as phone numbers are written: with spaces, dots, hyphens, slashes and parentheses.
    private struct Run {
        let start: Int
        let hasPlus: Bool
        /// Whether a space stands behind the plus.
        private(set) var isPlusApart = false
        private(set) var groups: [(digits: Range<Int>, end: Int)] = []

        init(_ text: [UInt8], from start: Int) {
            self.start = start
            let plus = text[start] == UInt8(ascii: "(") && start + 1 < text.count ? start + 1 : start
            hasPlus = text[plus] == UInt8(ascii: "+")
            var (position, open) = (start, false)
            while position < text.count, groups.count < 10 {
                let byte = text[position]
                if byte.isDigit {
                    let first = position
                    while position < text.count, text[position].isDigit { position += 1 }
                    groups.append((first..<position, position))
                } else if byte == UInt8(ascii: "("), !open {
                    open = true
                    position += 1
                } else if byte == UInt8(ascii: "+"), groups.isEmpty, position == plus {
                    position += 1
                    if position + 1 < text.count, text[position] == 0x20, text[position + 1].isDigit {
                        isPlusApart = true
                        position += 1
                    }
                } else if byte == UInt8(ascii: ")"), open, !groups.isEmpty {
                    open = false
                    position += 1
                    groups[groups.count - 1].end = position
                } else if !groups.isEmpty, text[position - 1].isDigit || text[position - 1] == UInt8(ascii: ")"),
                    let next = Separator.end(in: text, from: position, " .-/\t"),
                    text[next].isDigit || text[next] == UInt8(ascii: "(")
                {
                    position = next
                } else {
                    break
                }
            }
        }
    }

    /// The first groups of a run, as one number.
    private struct Candidate {
        let range: Range<Int>
        let digits: [UInt8]
        let groups: [Int]
        let hasPlus: Bool
        /// Whether a space stands behind the plus.
        let isPlusApart: Bool
        /// Groups apart by spaces, dots, hyphens, slashes or parentheses.
        var isSeparated: Bool { groups.count > 1 }
        var shape: String { hasPlus ? "international" : isSeparated ? "national" : "key" }

        init?(_ run: Run, through last: Int, _ text: [UInt8]) {
            let parts = run.groups[...last]
            let count = parts.reduce(0) { $0 + $1.digits.count }
            let end = run.groups[last].digits.upperBound
            guard (7...15).contains(count), end == text.count || !PhoneDetector.isAttachedBehind(text, end) else {
                return nil
            }
            range = run.start..<end
            digits = parts.flatMap { text[$0.digits].map { $0 - 48 } }
            groups = parts.map(\.digits.count)
            hasPlus = run.hasPlus
            isPlusApart = run.isPlusApart
        }
    }

    private static func score(
        _ candidate: Candidate, _ text: [UInt8], _ context: DetectionContext, isCode: Bool
    ) -> Double {
        let digits = candidate.digits
        if candidate.hasPlus {
            // `"on " + 2026-11-29` is none.
            guard digits[0] != 0, digits.count >= 8, !(candidate.isPlusApart && isDate(candidate)) else { return 0 }
            if digits[0] == 1 { return isNorthAmerican(digits.dropFirst()) ? 0.9 : 0 }
            return 0.9
        }
        if isDate(candidate) { return 0 }
        if context.suggestsPhone, Set(digits).count > 2 {
            return digits.count >= 10 || candidate.isSeparated ? 0.8 : 0.5
        }
        let national = digits.count == 11 && digits[0] == 1 ? digits.dropFirst() : digits[...]
        if candidate.isSeparated, isNorthAmerican(national), hasNorthAmericanGroups(candidate) { return 0.8 }
        if digits.starts(with: [0, 0]), digits.count >= 11, digits[2] != 0, candidate.isSeparated { return 0.7 }
        if !isCode, candidate.isSeparated || digits.count >= 9, isAnnounced(text, before: candidate.range.lowerBound) {
            return 0.7
        }
        guard !isCode, Set(digits).count > 3 else { return 0 }
        // With the trunk prefix of most countries, and the country of another without its sign.
        if digits[0] == 0, digits[1] != 0, (10...11).contains(digits.count) {
            return candidate.isSeparated ? 0.5 : 0.35
        }
        if digits.count == 12, isNorthAmerican(digits.suffix(10)), candidate.groups.suffix(3) == [3, 3, 4] {
            return 0.4
        }
        if candidate.groups == [3, 3, 2, 2] { return 0.4 }
        return digits.count == 10 && (2...5).contains(digits[0]) && candidate.groups.count == 1 ? 0.1 : 0
    }

    private static func isNorthAmerican(_ digits: ArraySlice<UInt8>) -> Bool {
        let first = digits.startIndex
        return digits.count == 10 && digits[first] >= 2 && digits[first + 3] >= 2
            && !(digits[first + 1] == 1 && digits[first + 2] == 1)
    }

    private static func hasNorthAmericanGroups(_ candidate: Candidate) -> Bool {
        let groups = candidate.groups.first == 1 ? Array(candidate.groups.dropFirst()) : candidate.groups
        return groups == [3, 3, 4]
    }

    /// Year, month and day in groups.
    private static func isDate(_ candidate: Candidate) -> Bool { dates.contains(candidate.groups) }
    private static let dates = [[4, 2, 2], [2, 2, 4], [4, 2, 2, 2], [4, 2, 2, 2, 2]]

    private static let announcements: WordSet = [
        "phone", "phones", "telephone", "tel", "mobile", "mob", "cell", "cellphone", "fax", "whatsapp", "telefon",
        "handy", "rufnummer", "téléphone", "teléfono",
        "phonenumber", "msisdn",
    ]

    private static let calls: WordSet = ["call", "dial", "ring"]

    /// Whether a word for telephones stands within the 24 bytes before, or `call` right before.
    private static func isAnnounced(_ text: [UInt8], before position: Int) -> Bool {
        TextWords.names(announcements, near: position..<position, in: text, within: 24, behind: 0)
            || TextWords.names(calls, near: position..<position, in: text, within: 10, behind: 0)
    }

    private static func isAttached(_ byte: UInt8, to first: UInt8) -> Bool {
        // `_` may stand between a name and a number.
        if byte.isAlphanumeric || byte == UInt8(ascii: "+") { return true }
        if byte == UInt8(ascii: "_"), first != UInt8(ascii: "+") { return true }
        return first.isDigit && "-./".utf8.contains(byte)
    }

    /// Whether what follows belongs to the digits: a name, or another number; an extension (`x204`) does not.
    private static func isAttachedBehind(_ text: [UInt8], _ end: Int) -> Bool {
        let next = end + 1 < text.count ? text[end + 1] : 0
        if text[end] | 0x20 == UInt8(ascii: "x"), next.isDigit { return false }
        let word = text[end...].prefix(3).map { $0 | 0x20 }
        if word.elementsEqual("ext".utf8), end + 3 < text.count, !text[end + 3].isLetter { return false }
        return text[end].isAlphanumeric || ("-./".utf8.contains(text[end]) && next.isDigit)
    }
}
