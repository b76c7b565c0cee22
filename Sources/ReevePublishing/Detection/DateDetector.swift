// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Dates as people write them: of birth where a word says so, and dates that are nobody's.
enum DateDetector {
    static let birthWords: WordSet = [
        "birth", "born", "dob", "birthday", "birthdate", "bday", "geburtsdatum", "geboren", "geburtstag", "naissance",
        "né", "née",
        "nacimiento", "nascita", "nascimento", "geboortedatum", "födelsedatum", "fødselsdato",
    ]

    /// Whether a word for somebody's birth is in a text or its key.
    static func mayBeBirth(_ text: [UInt8], _ context: DetectionContext) -> Bool {
        context.names(birthWords)
            || TextWords.names(birthWords, near: text.count..<text.count, in: text, within: text.count)
    }

    static func scan(_ text: [UInt8], _ context: DetectionContext, _ found: inout Detected) {
        var position = 0
        while position < text.count {
            guard text[position].isAlphanumeric else {
                position += 1
                continue
            }
            if position == 0 || !isAttached(text[position - 1]), mayBegin(text, at: position),
                let end = end(text, from: position)
            {
                let range = position..<end
                let isBirth = context.names(birthWords) || TextWords.names(birthWords, near: range, in: text)
                found.matches.append(
                    Match(
                        kind: isBirth ? .dateOfBirth : .date, range: range, score: isBirth ? 0.85 : 0.5,
                        rule: isBirth ? "date.birth" : "date"))
                position = end
            } else {
                while position < text.count, text[position].isAlphanumeric { position += 1 }
            }
        }
    }

    /// Whether digits or the name of a month begin at a position.
    private static func mayBegin(_ text: [UInt8], at position: Int) -> Bool {
        text[position].isDigit || month(of: text[position...].prefix(10).prefix(while: \.isLetter)) != nil
    }

    private static func isAttached(_ byte: UInt8) -> Bool { byte.isWordByte || "-./".utf8.contains(byte) }

    /// Parts of digits, or a month's name, with one sign or a space, or a comma and a space, between them.
    private static func end(_ text: [UInt8], from start: Int) -> Int? {
        var (parts, signs, position): ([ArraySlice<UInt8>], [UInt8], Int) = ([], [], start)
        var ends: [Int] = []
        while parts.count < 3, position < text.count {
            let isDigit = text[position].isDigit
            var end = position
            while end < text.count, isDigit ? text[end].isDigit : text[end].isLetter { end += 1 }
            guard end > position, end - position <= (isDigit ? 4 : 9) else { break }
            // `5th`, `1st`.
            var next = end
            if isDigit, end + 2 <= text.count,
                ["st", "nd", "rd", "th"].contains(where: { text[end...].starts(with: $0.utf8) })
            {
                next = end + 2
            }
            parts.append(text[position..<end])
            ends.append(next)
            position = next
            guard parts.count < 3, position + 1 < text.count else { break }
            let sign = text[position]
            guard "-./ ,T".utf8.contains(sign), sign != UInt8(ascii: "T") else { break }
            let isComma = sign == UInt8(ascii: ",") || sign == UInt8(ascii: ".") && text[position + 1] == 0x20
            if isComma, text[position + 1] == 0x20 { position += 1 }
            guard position + 1 < text.count, text[position + 1].isAlphanumeric else { break }
            signs.append(isComma ? 0x20 : sign)
            position += 1
        }
        if isDate(parts, signs), let end = ends.last, isFree(text, end) { return timeEnd(text, end) }
        guard parts.count == 3, isDate(Array(parts[..<2]), Array(signs[..<1])), isFree(text, ends[1]) else {
            return nil
        }
        return ends[1]
    }

    /// The end of a time behind a date (RFC 3339), or of the date.
    private static func timeEnd(_ text: [UInt8], _ end: Int) -> Int {
        guard end + 3 < text.count, text[end] == UInt8(ascii: "T") || text[end] == 0x20, text[end + 1].isDigit else {
            return end
        }
        let time = text[(end + 1)...].prefix(24).prefix { $0.isDigit || ":.+-Z".utf8.contains($0) }
        guard time.contains(UInt8(ascii: ":")), time.prefix(while: \.isDigit).count <= 2 else { return end }
        var last = time.endIndex
        while last > end, !text[last - 1].isDigit, text[last - 1] != UInt8(ascii: "Z") { last -= 1 }
        return last
    }

    private static func isFree(_ text: [UInt8], _ end: Int) -> Bool {
        guard end < text.count else { return true }
        if text[end] == UInt8(ascii: "T"), end + 2 < text.count, text[end + 1].isDigit { return true }
        let next = end + 1 < text.count ? text[end + 1] : 0
        return !text[end].isWordByte && !("-./".utf8.contains(text[end]) && next.isAlphanumeric)
    }

    /// Whether some parts are a date.
    private static func isDate(_ parts: [ArraySlice<UInt8>], _ signs: [UInt8]) -> Bool {
        guard parts.count > 1, signs.count >= parts.count - 1 else { return false }
        let values = parts.map { $0.allSatisfy(\.isDigit) ? Checksum.value($0) : nil }
        let lengths = parts.map(\.count)
        let named = parts.map { month(of: $0) }
        let isSame = Set(signs[..<(parts.count - 1)]).count == 1
        func isYear(_ index: Int) -> Bool {
            lengths[index] == 4 && (1000...2999).contains(values[index] ?? 0)
                || lengths[index] == 2 && values[index] != nil
        }
        func isDay(_ index: Int) -> Bool { lengths[index] <= 2 && (1...31).contains(values[index] ?? 0) }
        func isMonth(_ index: Int) -> Bool { lengths[index] <= 2 && (1...12).contains(values[index] ?? 0) }
        if parts.count == 2 {
            // `May-21`, and month and year; of digits alone `21/05` could be anything.
            let isNamed = named[0] != nil && (isDay(1) || isYear(1)) || named[1] != nil && isDay(0)
            let isShort = signs[0] == UInt8(ascii: "/") && isMonth(0) && (isDay(1) || lengths[1] == 4 && isYear(1))
            return isNamed || isShort
        }
        if named[0] != nil, isDay(1), isYear(2) { return true }
        if named[1] != nil, isDay(0) && isYear(2) || isYear(0) && isDay(2) { return true }
        guard isSame, signs[0] != 0x20, named.allSatisfy({ $0 == nil }) else { return false }
        return lengths[0] == 4 && isYear(0) && (isMonth(1) && isDay(2) || isDay(1) && isMonth(2))
            || isYear(2) && (isMonth(0) && isDay(1) || isDay(0) && isMonth(1))
    }

    /// A month by its English, German, French or Spanish name, or three letters of it.
    private static func month(of word: ArraySlice<UInt8>) -> Int? {
        guard word.count >= 3, word.allSatisfy(\.isLetter) else { return nil }
        return months[Gazetteer.hash(word)]
    }

    private static let months: [UInt32: Int] = {
        let names = [
            "january jan januar janvier enero", "february feb februar febrero", "march mar mrz mars marzo",
            "april apr avril abril", "may mai mayo",
            "june jun juni juin junio", "july jul juli juillet julio", "august aug agosto",
            "september sep sept septembre septiembre",
            "october oct oktober okt octobre octubre", "november nov novembre noviembre",
            "december dec dezember dez decembre diciembre",
        ]
        var table: [UInt32: Int] = [:]
        for (index, line) in names.enumerated() {
            for name in line.split(separator: " ") { table[Gazetteer.hash(name.utf8)] = index + 1 }
        }
        return table
    }()
}
