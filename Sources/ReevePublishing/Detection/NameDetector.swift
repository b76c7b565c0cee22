// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Names of people: by lists of frequent names and by titles in a text, and by what a key says about its value. Precision goes before recall; a
/// host that knows names gives ``KnownIdentities``.
enum NameDetector {
    /// Words of keys under which a person's name stands, besides `name` with one of ``qualifiers``.
    static let personWords: Set<String> = [
        "surname", "firstname", "lastname", "fullname", "middlename", "attendee", "assignee", "employee", "guest",
        "signatory", "salutation",
        "recipient", "patient", "spouse", "applicant", "nachname", "vorname", "prénom", "apellido", "cognome",
    ]
    private static let qualifiers: Set<String> = [
        "first", "last", "full", "given", "family", "middle", "maiden", "customer", "contact", "employee", "owner",
        "manager", "member", "guest", "patient",
        "client", "person", "sender", "recipient", "assignee", "student", "teacher", "holder", "cardholder", "signer",
        "caller", "buyer", "seller", "applicant",
    ]
    static let titles: Set<UInt32> = Set(
        [
            "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "herr", "frau", "mme", "monsieur", "madame", "señor",
            "señora", "signor", "signora", "mevrouw", "meneer",
        ].map {
            Gazetteer.hash($0.utf8)
        })

    /// Whether a key says that its value is a person's name.
    static func namesPerson(_ words: Set<String>) -> Bool {
        !words.isDisjoint(with: personWords) || words.contains("name") && !words.isDisjoint(with: qualifiers)
    }

    /// A word that begins with a capital: where it stands, and what it is in the lists.
    private struct Word {
        let range: Range<Int>
        let isFirst: Bool
        let isLast: Bool
        let isTitle: Bool
        /// Whether it is one letter, with or without a dot.
        let isInitial: Bool
    }

    static func scan(_ text: [UInt8], _ context: DetectionContext, _ found: inout Detected) {
        if namesPerson(context.keyWords), text.count <= 80, scan(all: text, &found) { return }
        // Words with a capital, one after the other.
        var row: [Word] = []
        var position = 0
        while position < text.count {
            guard text[position].isUpper, position == 0 || !isInWord(text, position),
                let word = word(text, from: position)
            else {
                position += 1
                continue
            }
            if let last = row.last, !isNext(text, last, word) {
                scan(row, of: text, &found)
                row = []
            }
            row.append(word)
            position = word.range.upperBound
        }
        scan(row, of: text, &found)
    }

    /// A value that is all of a text under a key for a name: one to four words of letters; tells whether it is one.
    private static func scan(all text: [UInt8], _ found: inout Detected) -> Bool {
        let words = text.split { $0 == 0x20 || $0 == UInt8(ascii: ",") }
        guard (1...4).contains(words.count),
            words.allSatisfy({ word in
                word.allSatisfy { $0.isLetter || $0 >= 0x80 || "'.-".utf8.contains($0) }
                    && (word[word.startIndex].isUpper || word[word.startIndex] >= 0x80)
            })
        else { return false }
        let hashes = words.map { Gazetteer.hash($0) }
        guard hashes.contains(where: { Gazetteer.first.contains($0) || Gazetteer.last.contains($0) }) else {
            return false
        }
        let range = words[0].startIndex..<words[words.count - 1].endIndex
        found.matches.append(Match(kind: .person, range: range, score: words.count > 1 ? 0.7 : 0.4, rule: "name.key"))
        return true
    }

    /// Whether two words follow each other with one blank, or a dot and one, between them.
    private static func isNext(_ text: [UInt8], _ last: Word, _ word: Word) -> Bool {
        let gap = text[last.range.upperBound..<word.range.lowerBound]
        return gap.count == 1 && gap.first == 0x20 || gap.elementsEqual(". ".utf8) && (last.isTitle || last.isInitial)
    }

    private static func isInWord(_ text: [UInt8], _ position: Int) -> Bool {
        let before = text[position - 1]
        return before.isWordByte || before >= 0x80 || "'-./@#$\\".utf8.contains(before)
    }

    private static func word(_ text: [UInt8], from start: Int) -> Word? {
        var end = start
        while end < text.count, text[end].isLetter || text[end] >= 0x80 || "'-".utf8.contains(text[end]) { end += 1 }
        while end > start, "'-".utf8.contains(text[end - 1]) { end -= 1 }
        // `Jane's`.
        if end - start > 3, text[end - 1] == UInt8(ascii: "s"), text[end - 2] == UInt8(ascii: "'") { end -= 2 }
        guard
            end == text.count
                || !(text[end].isWordByte || text[end] == UInt8(ascii: "(") || text[end] == UInt8(ascii: "@"))
        else { return nil }
        let range = start..<end
        let hash = Gazetteer.hash(text[range])
        return Word(
            range: range, isFirst: Gazetteer.first.contains(hash), isLast: Gazetteer.last.contains(hash),
            isTitle: titles.contains(hash),
            isInitial: range.count == 1)
    }

    /// Words in a row: a first name, an initial, a last name; or a title and names.
    private static func scan(_ row: [Word], of text: [UInt8], _ found: inout Detected) {
        var index = 0
        while index + 1 < row.count {
            var end = index
            if row[index].isTitle {
                while end + 1 < row.count, end - index < 3,
                    row[end + 1].isFirst || row[end + 1].isLast || row[end + 1].isInitial && end + 2 < row.count
                { end += 1 }
                if end > index, !row[end].isInitial {
                    add(text, row[index + 1].range.lowerBound..<row[end].range.upperBound, "name.title", &found)
                    index = end
                }
            } else if row[index].isFirst {
                end = row[index + 1].isInitial && index + 2 < row.count ? index + 2 : index + 1
                // `Mary Jane Watson`.
                if row[end].isFirst, end + 1 < row.count, row[end + 1].isLast { end += 1 }
                if row[end].isLast {
                    add(text, row[index].range.lowerBound..<row[end].range.upperBound, "name.list", &found)
                    index = end
                }
            }
            index += 1
        }
    }

    /// Names that stand for any.
    private static let anybody: Set<String> = [
        "john doe", "jane doe", "john smith", "jane smith", "john public", "max mustermann",
    ]

    private static func add(_ text: [UInt8], _ range: Range<Int>, _ rule: String, _ found: inout Detected) {
        guard !anybody.contains(String(decoding: text[range], as: UTF8.self).lowercased()) else { return }
        found.matches.append(Match(kind: .person, range: range, score: 0.65, rule: rule))
    }
}
