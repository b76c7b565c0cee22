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
            "GmbH & Co. KGaA", "GmbH & Co. KG", "GmbH & Co KG", "AG & Co. KG", "gGmbH", "GmbH", "GMBH", "GbR",
            "UG (haftungsbeschränkt)", "LLC", "L.L.C.", "LLP", "Ltd", "LTD", "Ltd. & Co. KG", "Pty Ltd", "Pty. Ltd",
            "Pvt Ltd", "Pvt. Ltd", "Private Limited", "Pte Ltd", "Pte. Ltd", "Sdn Bhd", "Sdn. Bhd", "Co., Ltd", "Inc.",
            "INC.", "S.A. de C.V.", "S. de R.L. de C.V.", "S.A.S.", "S.A.R.L.", "SARL", "S.r.l.", "S.R.L.", "Srl",
            "S.p.A.", "B.V.", "N.V.", "Oyj", "ApS", "Sp. z o.o.", "Kft.", "Zrt.", "Ltda", "K.K.", "S.L.U.", "S.L.",
        ]
        let doubtful = [
            "AG", "KG", "OHG", "UG", "PLC", "Limited", "S.A.", "BV", "Oy", "Kft", "Inc", "INC", "Corp", "CORP",
            "Corporation", "Incorporated", "A/S", "SpA",
        ]
        let all =
            sure.map { Form(text: Array($0.utf8), isSure: true) }
            + doubtful.map { Form(text: Array($0.utf8), isSure: false) }
        // The longest first.
        return all.sorted { $0.text.count > $1.text.count }
    }()
    /// The first letters of each form.
    private static let beginnings = WordSet(
        Set(forms.map { String(decoding: $0.text.prefix(while: \.isLetter), as: UTF8.self).lowercased() }))

    /// Words that begin with a capital in front of a form and are no name: articles, verbs, and what labels are made of.
    private static let around: Set<String> = [
        "the", "a", "an", "our", "your", "their", "this", "that", "at", "by", "for", "from", "to", "with", "in", "on",
        "is", "or", "if", "when", "dear", "contact", "company", "client", "customer", "vendor", "supplier", "send",
        "ask",
        "call", "invoice", "invoices", "about", "via", "per", "copyright", "sold", "bill", "ship", "account", "type",
        "select", "choose", "create", "set", "add", "open", "issue", "name", "field", "parent", "visit", "count",
        "entity", "legal", "form", "new", "each", "every", "any", "no", "all", "either", "both", "use", "show", "enter",
        "finance", "we", "it", "rate", "time", "message", "offer", "net", "number", "status", "value", "list",
        "der", "die", "das", "dem", "den", "des", "bei", "für", "firma", "eine", "einer", "eines", "ein", "einen",
        "unsere", "unser", "unserer", "ihre", "ihr", "ihrer", "jede", "jeder", "neue", "neuer", "rechtsform", "kunde",
        "kunden", "art", "typ", "als", "mit", "oder", "netto", "une", "un", "votre", "notre", "la", "le", "les",
        "envoyer", "chaque", "pour", "par", "chez", "société", "llc", "inc", "corp", "ltd", "gmbh", "sarl", "ag", "kg",
    ]
    /// Names of those whose products recipes are about.
    private static let vendors: Set<String> = [
        "microsoft", "google", "salesforce", "salesforce.com", "amazon", "amazon.com", "amazon web services", "zendesk",
        "workato", "slack technologies", "oracle", "sap", "adobe", "atlassian", "hubspot", "stripe", "openai", "apple",
        "meta platforms", "ibm", "n8n", "github", "gitlab", "zoom video communications", "docusign", "shopify",
        "intuit",
        "netsuite", "twilio", "okta", "snowflake", "databricks", "servicenow", "siemens",
    ]
    private static let connectors: Set<String> = ["&", "and", "und", "et", "y", "e", "of", "de", "du", "di"]
    private static let abbreviations: Set<String> = ["St.", "Dr.", "Gebr.", "Co.", "Bros."]
    private static let mostWords = 12
    private static let longestWord = 60

    static func scan(_ text: [UInt8], _ found: inout Detected) {
        let known = found.matches.filter { $0.kind == .organization }.map(\.range).sorted {
            $0.upperBound < $1.upperBound
        }
        var end = 0
        for position in text.indices where position >= end && text[position] == 0x20 {
            guard mayBegin(behind: position, before: text.count, { text[$0] }),
                let form = forms.first(where: { isForm($0, of: text, at: position + 1) }),
                let start = start(of: text, before: position, from: end, words: form.isSure ? 1 : 2)
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
        guard end < text.count else { return true }
        return !(text[end].isWordByte || text[end] == UInt8(ascii: "-"))
            && (text[end] < 0x80 || isPunctuation(text[end]))
    }

    /// Whether a typographic quote, dash or space begins with a byte.
    private static func isPunctuation(_ lead: UInt8) -> Bool { lead == 0xC2 || lead == 0xE2 }

    /// Where the word begins that ends at a place; `nil` when it is too long, or goes on before it with a sign.
    private static func word(_ text: [UInt8], endingAt end: Int, from first: Int) -> Int? {
        var begin = end
        while begin > first, end - begin < longestWord {
            let byte = text[begin - 1]
            guard byte.isAlphanumeric || byte >= 0x80 || "&'-.".utf8.contains(byte) else { break }
            if byte >= 0x80 {
                var lead = begin - 1
                while lead > first, text[lead] & 0xC0 == 0x80 { lead -= 1 }
                if isPunctuation(text[lead]) { break }
                begin = lead
            } else {
                begin -= 1
            }
        }
        guard begin < end, end - begin < longestWord else { return nil }
        return begin == 0 || !(text[begin - 1].isWordByte || "@#$/\\".utf8.contains(text[begin - 1])) ? begin : nil
    }

    /// Where the name begins whose last word ends before a blank; `nil` when there is none of so many words.
    private static func start(of text: [UInt8], before blank: Int, from first: Int, words least: Int) -> Int? {
        var (start, end, words, names) = (nil as Int?, blank, 0, 0)
        // `Northwind, Inc.`
        if end > first, text[end - 1] == UInt8(ascii: ",") { end -= 1 }
        let nameEnd = end
        while words < mostWords, end > first, let begin = word(text, endingAt: end, from: first) {
            let word = String(decoding: text[begin..<end], as: UTF8.self)
            // A dot ends a sentence, but behind an initial.
            guard !word.hasSuffix(".") || word.utf8.count == 2 || abbreviations.contains(word) else { break }
            let isCapital = text[begin].isUpper || text[begin] >= 0x80 && word.first?.isUppercase ?? false
            if isCapital, !around.contains(word.lowercased()), !connectors.contains(word.lowercased()) {
                (start, names) = (begin, names + 1)
            } else if !connectors.contains(word.lowercased()) {
                break
            }
            words += 1
            guard begin > first, text[begin - 1] == 0x20 else { break }
            end = begin - 1
            if end > first, "!?:;,".utf8.contains(text[end - 1]) { break }
        }
        guard let start, names >= least else { return nil }
        return vendors.contains(String(decoding: text[start..<nameEnd], as: UTF8.self).lowercased()) ? nil : start
    }
}
