// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// One made-up value of each class and each provider; no account or person has them.
struct Sample: Sendable, CustomTestStringConvertible {
    let kind: DataClass
    let rule: String
    let value: String
    /// What of it goes: the words that tell what it is stay.
    let part: String

    init(kind: DataClass, rule: String, value: String, part: String? = nil) {
        (self.kind, self.rule, self.value, self.part) = (kind, rule, value, part ?? value)
    }

    var testDescription: String { rule }

    /// Secrets are put together here, so that no scanner takes this file for a leak.
    private static func secret(_ rule: String, _ prefix: String, _ body: String) -> Sample {
        Sample(kind: .secret, rule: "secret." + rule, value: prefix + body)
    }

    static let all: [Sample] = [
        Sample(kind: .email, rule: "email.address", value: "dana.whitfield+crm@northwind-traders.co.uk"),
        Sample(kind: .phone, rule: "phone.international", value: "+49 30 90 18 20 31"),
        Sample(kind: .phone, rule: "phone.national", value: "(415) 867-5309"),
        Sample(kind: .paymentCard, rule: "card.luhn", value: "4539 1488 0343 6467"),
        Sample(kind: .paymentCard, rule: "card.luhn", value: "378282246310005"),
        Sample(kind: .iban, rule: "iban.mod97", value: "DE89 3704 0044 0532 0130 00"),
        Sample(kind: .iban, rule: "iban.mod97", value: "FR1420041010050500013M02606"),
        secret("aws", "AKIA", "Q3EGRZ7VXK2MDWPL"),
        secret("github", "ghp_", "9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX"),
        secret("gitlab", "glpat-", "x7Kq2mZr9TbWc4Vn1LpY"),
        secret("slack", "xoxb-", "7281930465-918273645012-kQ2mZr9TbWc4Vn1LpYx7"),
        secret("stripe", "sk_live_", "4eC39HqLyjWDarjtT1zdp7dc"),
        secret("google", "AIza", "SyB4k9QzXw7RtVmN2LpYc6HdG1sJ0fE8uTo"),
        secret("openai", "sk-proj-", "k9QzXw7RtVmN2LpYc6HdG1sJ0fE8uToB4"),
        secret("anthropic", "sk-ant-", "api03-k9QzXw7RtVmN2LpYc6HdG1sJ0fE8uToB4"),
        secret("sendgrid", "SG.", "k9QzXw7RtVmN2LpYc6HdG1.sJ0fE8uToB4kQ2mZr9TbWc4Vn1LpYx7k9QzXw7RtVm"),
        secret("npm", "npm_", "9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX"),
        secret("twilio", "SK", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
        secret("shopify", "shpat_", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
        secret("privateKey", "-----BEGIN RSA PRIVATE KEY-----\n", "MIIEow9sK2mQ4xT7\n-----END RSA PRIVATE KEY-----"),
        Sample(kind: .domain, rule: "host.tenant", value: "wexford-marine.zendesk.com"),
        Sample(kind: .organization, rule: "name.company", value: "Wexford Marine GmbH"),
        Sample(kind: .person, rule: "name.list", value: "Jennifer Martinez"),
        Sample(kind: .nationalID, rule: "id.us.ssn", value: "536-22-8726"),
        Sample(kind: .nationalID, rule: "id.br.cpf", value: "529.982.247-25"),
        Sample(kind: .nationalID, rule: "id.fi.identityCode", value: "010594Y9032"),
        Sample(kind: .passport, rule: "id.us.passport", value: "passport C01234565", part: "C01234565"),
        Sample(kind: .driverLicense, rule: "id.uk.drivingLicence", value: "MORGA657054SM9IJ"),
        Sample(kind: .vehicle, rule: "id.uk.plate", value: "plate LN14 HGT", part: "LN14 HGT"),
        Sample(kind: .organizationID, rule: "id.br.cnpj", value: "11.222.333/0001-81"),
        Sample(kind: .bankAccount, rule: "id.us.routing", value: "routing 121000358", part: "121000358"),
        Sample(kind: .postalAddress, rule: "id.uk.postcode", value: "postcode EC2A 1NT", part: "EC2A 1NT"),
        Sample(kind: .device, rule: "id.imei", value: "35-209900-176148-1"),
        Sample(kind: .ipAddress, rule: "network.ipv4", value: "54.200.12.9"),
        Sample(kind: .ipAddress, rule: "network.ipv6", value: "2400:c401::5054:ff:fe1b:b031"),
        Sample(kind: .macAddress, rule: "network.mac", value: "0d:B3:4a:6A:d9:cF"),
        Sample(kind: .cryptoAddress, rule: "crypto.bitcoin", value: "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
        Sample(kind: .dateOfBirth, rule: "date.birth", value: "born 5/21/1980", part: "5/21/1980"),
        Sample(kind: .userFolder, rule: "path.user", value: "/Users/dwhitfield/x", part: "dwhitfield"),
        Sample(kind: .secret, rule: "secret.password", value: "password: hunter2xyz", part: "hunter2xyz"),
    ]

    /// The first of each class.
    static let onePerClass: [Sample] = DataClass.allCases.compactMap { kind in all.first { $0.kind == kind } }
}

/// A place in a recipe where a value is planted.
enum Form: String, CaseIterable, Sendable {
    case literal, comment, formulaLiteral, nestedJSON, interpolatedText, nestedInFormula, deeplyNested, description

    /// A recipe with `value` in this place.
    func recipe(with value: String) -> [UInt8] {
        let pill = #"_dp('{"pill_type":"output","provider":"crm","line":"start","path":["Email"]}')"#
        func json(_ text: String) -> String { String(decoding: JSONText.escape(text.utf8), as: UTF8.self) }
        func ruby(_ text: String) -> String { text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") }
        var (input, comment, description) = ("", "", "")
        switch self {
        case .literal: input = "Ask \(value) first"
        case .comment: comment = "Ask \(value) first"
        case .description: description = "Ask \(value) first"
        case .formulaLiteral: input = "=\(pill) || 'ask \(ruby(value)), then wait'"
        case .interpolatedText: input = "Hello #{\(pill)}, ask \(value) or #{\(pill).upcase}"
        case .nestedJSON: input = #"{"a":[{"note":"ask \#(json(value))"}],"n":1}"#
        case .nestedInFormula: input = "=\(pill) + '" + ruby(#"{"note":"ask \#(json(value))"}"#) + "'"
        case .deeplyNested: input = #"{"outer":"\#(json(#"{"inner":"\#(json(#"{"note":"\#(json(value))"}"#))"}"#))"}"#
        }
        return Array(
            """
            {"name":"Planted","description":"\(json(description))","version":1,"code":{"keyword":"trigger","number":0,
            "as":"start","comment":"\(json(comment))","input":{"lead":"#{\(json(pill))}","text":"\(json(input))"},"block":[]},
            "config":[]}
            """.utf8)
    }
}

/// Scrubs for everyone, also what its author keeps private: real recipes say so when nobody has said anything.
func scrub(_ bytes: [UInt8], as format: RecipeFormat = .workato) -> ScrubReport {
    openScrubber.scrub(bytes, as: format, for: .publicLibrary)
}

private let openScrubber: Scrubber = {
    let policy = try? PublishingPolicy(audience: .everyone, admitsPrivate: true)
    return Scrubber(policies: policy.map { [.publicLibrary: $0] } ?? [:])
}()

func output(_ report: ScrubReport) throws -> [UInt8] {
    guard case .publishable(let recipe) = report.verdict else { throw BrokenPromise(report.summary) }
    return recipe.bytes
}

/// All strings of a JSON document, decoded, with those of documents inside strings.
func strings(_ bytes: [UInt8]) throws -> [String] {
    var found: [String] = []
    try JSONTokens(bytes).forEach { token, _ in
        guard token.kind == .string || token.kind == .key, let text = try? JSONText.unescape(bytes[token.content])
        else { return }
        found.append(String(decoding: text, as: UTF8.self))
        if text.first == UInt8(ascii: "{") || text.first == UInt8(ascii: "["), let inner = try? strings(text) {
            found += inner
        }
    }
    return found
}

/// The data pills of a document, found by another way than the scrubber's: by regular expression.
func pills(_ bytes: [UInt8]) throws -> [String] {
    // Made once, and run where there can be one.
    let pill = /_(?:dp)?\('(?:[^'\\]|\\.)*'\)/
    return try strings(bytes).filter { $0.utf8.contains(UInt8(ascii: "_")) && $0.contains("('") }
        .flatMap { text in
            // `io_('x')` calls a method of another name.
            text.matches(of: pill).filter { match in
                let before = text[..<match.startIndex].utf8.last
                return before.map { !"abcdefghijklmnopqrstuvwxyz0123456789_".utf8.contains($0 | 0x20) && $0 != 0x5F }
                    ?? true
            }.map { String($0.output) }
        }
}

/// Sees that a call is refused for one reason.
func expect(_ code: PublishingError.Code, _ body: () async throws -> Void) async {
    do {
        try await body()
        Issue.record("\(code) was not thrown")
    } catch {
        #expect(error as? PublishingError == PublishingError(code))
    }
}

/// Whether nothing differs but what stands in the spans, in their order.
func isIdentical(_ before: [UInt8], _ after: [UInt8], outside spans: [Range<Int>]) -> Bool {
    var (rest, position) = (after[...], 0)
    for (index, span) in spans.enumerated() {
        let kept = before[position..<span.lowerBound]
        guard rest.starts(with: kept) else { return false }
        rest = rest.dropFirst(kept.count)
        // The next kept bytes tell where the replacement ends.
        let following = index + 1 < spans.count ? spans[index + 1].lowerBound : before.count
        let next = before[span.upperBound..<min(following, span.upperBound + 24)]
        guard let end = rest.indices.first(where: { rest[$0...].starts(with: next) }) else { return false }
        rest = rest[end...]
        position = span.upperBound
    }
    return rest.elementsEqual(before[position...])
}

/// Spans in order, those that overlap as one.
func joined(_ spans: [Range<Int>]) -> [Range<Int>] {
    spans.sorted { $0.lowerBound < $1.lowerBound }.reduce(into: []) { joined, span in
        guard let last = joined.last, last.upperBound >= span.lowerBound else { return joined.append(span) }
        joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, span.upperBound)
    }
}
