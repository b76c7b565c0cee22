// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// What stands for a value is none of another class, whatever stands beside it.
@Suite struct StandInTests {
    /// Words that tell of a class, in the text before or behind a value.
    private static let texts = [
        "%", "password: %", "please pass this on. %", "pass % on", "the token is %", "api_key=%", "Bearer %",
        "passport %", "ssn % of him", "DOB %", "born %", "plate %", "driver license %", "VAT %", "IBAN %", "card no. %",
        "call % now", "from %.", "Dear %,", "Mr. %", "Company: %", "postcode %", "account number %", "MAC %", "ip %",
        "https://acme.example/%", "#%#", "(%)", "a-%", "% 12", "12 %", "secret=%&a=1", "curl -u %",
    ]
    private static let keys = [
        "a", "password", "token", "client_secret", "apiKey", "passport", "ssn", "dob", "plate", "phone", "card", "iban",
        "email", "name", "customer_name", "company", "address", "zip", "account", "id", "ip", "authorization", "tax_id",
    ]

    /// Every sample in every text and under every key, there also in code: what is replaced stays replaced, and looks like nothing else.
    @Test(arguments: Sample.onePerClass) func nothingIsFoundInIt(_ sample: Sample) throws {
        for writing in [Planter.Writing.plain, .base64, .percent, .unicode] {
            let value = writing.write(sample.value)
            for text in Self.texts { try check(sample, "a", text.replacing("%", with: value), .plainJSON) }
            for key in Self.keys {
                try check(sample, key, value, .plainJSON)
                try check(sample, key, "=null + '\(value)'", .workato)
                try check(sample, key, "={{ $json.a + '\(value)' }}", .n8n)
            }
        }
    }

    private func check(_ sample: Sample, _ key: String, _ text: String, _ format: RecipeFormat) throws {
        let member = "{\"\(key)\":\"\(String(decoding: JSONText.escape(text.utf8), as: UTF8.self))\"}"
        let document =
            switch format {
            case .workato: #"{"name":"R","code":{"keyword":"trigger","number":0,"input":\#(member)},"config":[]}"#
            case .n8n:
                #"{"nodes":[{"name":"A","type":"b","parameters":{"body":\#(member)}}],"connections":{}}"#
            default: member
            }
        let report = scrub(Array(document.utf8), as: format)
        switch report.verdict {
        case .publishable(let recipe):
            let again = scrub(recipe.bytes, as: format)
            #expect(again.findings.isEmpty, "\(sample.rule) in \(key): \(again.findings.map(\.rule))")
        case .needsReview: break
        case .blocked: Issue.record("\(sample.rule) in \(key): \(report.summary) \(report.findings.map(\.rule))")
        }
    }
}
