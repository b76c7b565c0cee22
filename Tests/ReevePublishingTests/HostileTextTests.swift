// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePublishing

/// Texts that are made of what detectors look for, cut and put together as nobody writes them.
@Suite struct HostileTextProperties {
    private static let parts = [
        "-----BEGIN ", "-----END ", "PRIVATE KEY", "-----", "-", "PuTTY-User-Key-File-", "abc", "MIIB", "\n", "\r\n",
        " ",
        "password", "=", ":", "\"", "'", "\\", "\\u0041", "\\x4", "%4", "%40", "&#64;", "&#", "@", ".", "https://",
        "://", "u:p@", "Bearer ", "Basic ", "--password ", "curl -u ", "eyJ", "ghp_", "AKIA", "xoxb-", "Q~", "_mmk",
        "-us", ":AA", ".atlasv1.", "webhook.office.com/webhookb2/", "REPLACE_WITH_SECRET_1", "REPLACE_WITH_", "user1",
        "@example.com", "Person 1", "Company 2024", "12", "4539 1488", "0343", "DE89", "+49 ", "(415) ", "::1",
        "54.200.12.9", "aa:bb:cc", "dd-ee-ff", "aabb.ccdd", "born ", "May 5th", "1980-05-", "passport ", "XN0G3X9B1",
        "ssn ", "536228726", "/Users/", "C:\\Users\\", "Dana Smith", "Dr. ", "Jennifer ", "Martinez", "<a ", "/>",
        "<!--",
        "{", "}", "[", "]", "{{", "}}", "#{", "_('", "')", "' + '", "`", "${", "//", "/*", "é", "\u{301}", "\u{200B}",
        "\u{2011}", "ａ", "٥", "🙂", "여", "ZGFuYUBhY21l", "64616e61", "\u{0}", "\u{1F}", "age", "gender", ",",
        " GmbH", " Ltd.", "Acme", ", Inc", " A/S", " & ", ".zendesk.com", ".my.salesforce", "a.slack.", ".com",
    ]

    /// Nothing ends the process, every place is one of the text, and what is found is found in a recipe, too.
    @Test func everythingIsAnswered() throws {
        var generator = Scale.current.generator(for: "hostile texts")
        let rules = try CustomRules(
            rules: [
                CustomRule("a", .person, "(a|\u{200B}|u00\\d+)+"), CustomRule("b", .url, "\\b.{3}\\B", words: ["born"]),
            ],
            allowing: ["@", "Dana Smith"], denying: ["a b c": .date, "@example": .person, "é\u{301}x": .iban])
        let known = try KnownIdentities(people: ["Dana Smith"], organizations: ["Acme"], domains: ["acme.com"])
        let detectors = [Detector(minimum: 0), Detector(knowing: known, rules: rules, minimum: 0)]
        let scrubbers = [Scrubber(), Scrubber(rules: rules)]
        var found = 0
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 2_000_000) {
            let text = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                let part = Self.parts.randomElement(using: &generator) ?? ""
                return Int.random(in: 0..<6, using: &generator) == 0 ? String(part.dropLast()) : part
            }.joined()
            let (bytes, scalars) = (text.utf8.count, text.unicodeScalars.count)
            for detector in detectors {
                guard let findings = try? detector.findings(in: text) else { continue }
                found += findings.count
                for finding in findings {
                    let (utf8, place) = (finding.utf8, finding.scalars)
                    #expect(
                        !utf8.isEmpty && utf8.upperBound <= bytes && !place.isEmpty && place.upperBound <= scalars,
                        "\(finding.rule) \(utf8) \(place) in \(text.debugDescription)")
                }
            }
            let escaped = String(decoding: JSONText.escape(text.utf8), as: UTF8.self)
            for (scrubber, document) in zip(scrubbers, ["[\"\(escaped)\"]", "{\"\(escaped)\":\"\(escaped)\"}"]) {
                let report = scrubber.scrub(Array(document.utf8), as: .plainJSON, for: .publicLibrary, knowing: known)
                for finding in report.findings { #expect(finding.span.upperBound <= document.utf8.count) }
                if case .publishable(let recipe) = report.verdict {
                    #expect(throws: Never.self, "\(text.debugDescription)") { try JSONTokens(recipe.bytes).validate() }
                }
                _ = (report.json(), report.html(title: "t"))
            }
        }
        #expect(found > 10_000)
    }
}
