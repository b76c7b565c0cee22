// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Names of companies that end with a legal form: `Northwind Traders Ltd.`.
///
/// The words before the form belong to the name as long as they begin with a capital, with `&` and the like between them. Precision goes before
/// recall: a form that is a word of its own as well is a doubt. Complexity: O(bytes).
enum LegalForms {
    private struct Form {
        let text: [UInt8]
        /// Whether it is hardly anything else.
        let isSure: Bool
    }

    private static let forms: [Form] = {
        let sure = [
            "GmbH & Co. KGaA", "GmbH & Co. KG", "GmbH & Co KG", "AG & Co. KG", "gGmbH", "GmbH",
            "UG (haftungsbeschränkt)",
            "LLC", "L.L.C.", "LLP", "Inc", "Ltd", "Ltd. & Co. KG", "Pty Ltd", "Pty. Ltd", "Pvt Ltd", "Pvt. Ltd",
            "Private Limited", "Pte Ltd", "Pte. Ltd", "Co., Ltd", "S.A. de C.V.", "S. de R.L. de C.V.", "S.A.S.",
            "S.A.R.L.", "SARL", "S.r.l.", "S.R.L.", "Srl", "S.p.A.", "SpA", "B.V.", "N.V.", "Oyj", "ApS", "A/S",
            "Sp. z o.o.", "Kft.", "Zrt.", "Ltda", "K.K.", "S.L.U.", "S.L.", "Corp", "Corporation", "Incorporated",
        ]
        let doubtful = ["AG", "KG", "OHG", "UG", "PLC", "Limited", "S.A.", "BV", "Oy", "Kft"]
        let all =
            sure.map { Form(text: Array($0.utf8), isSure: true) }
            + doubtful.map { Form(text: Array($0.utf8), isSure: false) }
        // The longest first.
        return all.sorted { $0.text.count > $1.text.count }
    }()
    /// The first letters of each form.
    private static let beginnings = WordSet(
        Set(forms.map { String(decoding: $0.text.prefix(while: \.isLetter), as: UTF8.self).lowercased() }))

    /// Words that begin with a capital in front of a name, and are none of it.
    private static let around: Set<String> = [
        "the", "a", "an", "our", "your", "their", "this", "that", "at", "by", "for", "from", "to", "and", "with", "of",
        "in", "on", "is", "or", "if", "when", "dear", "contact", "company", "client", "customer", "vendor", "supplier",
        "send", "ask", "call", "invoice", "about", "via", "per", "der", "die", "das", "bei", "für",
        "firma", "copyright", "sold", "bill", "ship",
    ]
    private static let connectors: Set<String> = [
        "&", "and", "und", "et", "y", "e", "of", "de", "du", "di", "van", "von", "der",
    ]
    private static let abbreviations: Set<String> = ["St.", "Dr.", "Gebr.", "Co.", "Bros."]
    private static let mostWords = 6

    static func scan(_ text: [UInt8], _ found: inout Detected) {
        let known = found.matches.filter { $0.kind == .organization }.map(\.range).sorted {
            $0.upperBound < $1.upperBound
        }
        var end = 0
        for position in text.indices where position >= end && text[position] == 0x20 {
            guard mayBegin(behind: position, before: text.count, { text[$0] }),
                let form = forms.first(where: { isForm($0, of: text, at: position + 1) }),
                let start = start(of: text, before: position, from: end)
            else { continue }
            end = position + 1 + form.text.count
            if end < text.count, text[end] == UInt8(ascii: "."), isAbbreviation(form) { end += 1 }
            // What the host knows is told by its name alone, with a form right behind it or without.
            let range = start..<end
            let next = known.firstIndex(notBefore: { $0.upperBound < position - 1 })
            guard next == known.count || known[next].lowerBound >= position else { continue }
            found.matches.append(
                Match(kind: .organization, range: range, score: form.isSure ? 0.7 : 0.4, rule: "name.company"))
        }
    }

    /// Whether the letters behind a blank are those that a form begins with.
    static func mayBegin(behind blank: Int, before end: Int, _ byte: (Int) -> UInt8) -> Bool {
        var (hash, position) = (WordSet.seed, blank + 1)
        while position < end, byte(position).isLetter {
            hash = WordSet.hash(hash, with: byte(position) | 0x20)
            position += 1
        }
        // Of one letter another follows, as in `B.V.` and `A/S`.
        let isOne = position == blank + 2
        guard !isOne || position < end && "./".utf8.contains(byte(position)) else { return false }
        return position > blank + 1 && beginnings.contains(hash)
    }

    private static func isAbbreviation(_ form: Form) -> Bool {
        ["Inc", "Ltd", "Corp"].contains { form.text.suffix($0.utf8.count).elementsEqual($0.utf8) }
    }

    private static func isForm(_ form: Form, of text: [UInt8], at position: Int) -> Bool {
        guard text[position...].starts(with: form.text) else { return false }
        let end = position + form.text.count
        return end == text.count || !(text[end].isWordByte || text[end] >= 0x80 || text[end] == UInt8(ascii: "-"))
    }

    /// Where the name begins whose last word ends before a blank; `nil` when there is none.
    private static func start(of text: [UInt8], before blank: Int, from first: Int) -> Int? {
        func isPart(_ byte: UInt8) -> Bool { byte.isAlphanumeric || byte >= 0x80 || "&'-.".utf8.contains(byte) }
        var (start, end, words) = (nil as Int?, blank, 0)
        // `Northwind, Inc.`
        if end > first, text[end - 1] == UInt8(ascii: ",") { end -= 1 }
        while words < mostWords, end > first {
            var begin = end
            while begin > first, end - begin < 40, isPart(text[begin - 1]) { begin -= 1 }
            guard begin < end, begin == 0 || !(text[begin - 1].isWordByte || "@#$/\\".utf8.contains(text[begin - 1]))
            else { break }
            let word = String(decoding: text[begin..<end], as: UTF8.self)
            // A dot ends a sentence, but behind an initial.
            guard !word.hasSuffix(".") || word.utf8.count == 2 || abbreviations.contains(word) else { break }
            let isName = text[begin].isUpper || text[begin] >= 0x80 && word.first?.isUppercase ?? false
            if isName, !around.contains(word.lowercased()) {
                start = begin
            } else if !connectors.contains(word) {
                break
            }
            words += 1
            guard begin > first, text[begin - 1] == 0x20 else { break }
            end = begin - 1
            if end > first, "!?:;,".utf8.contains(text[end - 1]) { break }
        }
        return start
    }
}
