// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePublishing

/// The first look at a string passes over nothing in which something would be found.
@Suite struct ScreenProperties {
    private static let values = [
        "jo@acme.com", "+1 415 867 5309", "(415) 867-5309", "415.867.5309", "GB82 WEST 1234 5698 7654 32",
        "GB82WEST12345698765432",
        "MT84MALT011000012345MTLCAST001S", "4111 1111 1111 1111", "sk_live_51Hxyz9AbCdEfGhIjKlMnOp",
        "AKIAQ3EGRZ7VXK2MDWPL",
        "xoxb-123456789012-abcdefABCDEF", "ghp_abcdefghijABCDEFGHIJabcdefghij123456",
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "user1@example.com", "(202) 555-0100",
        "REPLACE_WITH_SECRET_1", "REPLACE_WITH_EMAIL_1", "REPLACE_WITH_BANK_ACCOUNT_1",
        "hooks.slack.com/services/T0AAAAAAA/B0BBBBBBB/abcdefghijklmnop", "9f86d081-884c-4d63-a1b2-0123456789ab",
        "be685390-0754-7034-aaaa-bbbbbbbbbbbb", "a0000000-0000-4000-8123-456789012340",
        "sk\u{2011}proj\u{2011}abcdefghijklmnopqrstuvwxyz",
        "\u{2010}\u{2010}\u{2010}\u{2010}\u{2010}BEGIN PRIVATE KEY-----", "glpat\u{2013}abcdefghijklmnopqrst",
        "+49\u{A0}30\u{2011}90182031", "ｊｏ＠ａｃｍｅ．ｃｏｍ", "jo@ac\u{200B}me.com", "sk_live_\u{200B}51Hxyz9AbCdEfGhIjKlMnOp",
        "tokenghp_abcdefghijABCDEFGHIJabcdefghij123456", "4539 - 1488 - 0343 - 6467", "4539\t1488\t0343\t6467",
        "+49 30 / 90 18 20 31",
        "４５３９１４８８０３４３６４６７", "078-05-1123", "ABCPD1234Z", "MORGA657054SM9IJ", "54.200.12.9",
        "2400:c401::5054:ff:fe1b:b031",
        "AA:BB:CC:DD:EE:FF", "AA-BB-CC-DD-EE-FF", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "/Users/dana/x",
        "C:\\Users\\dana", "born 5/21/1980",
        "password: correcthorse", "api_key=q7Zk2mXw9Rt4Vb8N", "Authorization: Bearer q7Zk2mXw9Rt4Vb8N",
        "https://dana:s3cr3tw0rd@db.acme.io/x",
        "curl -u dana:s3cr3tw0rd x", "2Vq7Q~q5VgKljZ7cb3.0sp0Apz.vOjRIPyeTr",
        "sha256~kV46hPnEYhCWFnB85r5NrprAxggzgb6GOeLbgcKNsH0",
        "plate K1 ABC", "PLZ 10115", "٥٣٦-٢٢-٨٧٢٦", "АKIАQ3EGRZ7VXK2MDWPL", "34313131313131313131313131313131",
        "hf_kZqXwRtVmNpYcHdGsJfEuTbAoLiWqXz",
        "dapi0123456789abcdef0123456789abcde", "HRB 12345", "asana_token = 1570085263325384", "Jennifer Martinez",
        "%u0067%u0068p_abcdefghijABCDEFGHIJabcdefghij123456", "U+006a U+006f U+0040 U+0061.com", "aabb.ccdd.eef1",
        "ro19bankholdersnamesinca", "ro19 bank hold ersn ames inca",
        "xoxd-7Kq2%2BVb9%2FLm4Rt6Wz8Yp3Cn5Kq2%3D",
        "contrasen\u{303}a: hunter22x", "ne\u{301} 5/6/1990", "HRB 123", "plate AB 1", "mot de passe : hunterfoo",
        "Robert J. Thompson", "Dr. Thompson", "Jennifer\u{A0}Martinez", "Wexford Marine GmbH", "Moreau\u{A0}S.A.S.",
        "Kestrel, Inc.", "password\t= hunter2x9Kq", "VPN\u{A0}pwd: Sommer19x", "pwd\\tx: hunter2x9Kq", "KESTREL LTD",
        "„Kestrel GmbH“", "wexford.zendesk.com", "wexford--uat.sandbox.my.salesforce.com",
    ]
    private static let parts = [
        "a", "é", " ", "\n", "\t", "\r", "\"", "'", "\\", "\\n", "\\\\n", "/", "%", "%40", "&", "&#64;", "=", "+", "-",
        "_", ".", "(", ")", "{", "}",
        "{{", "}}", "#{", "$json.a", "_('data.a.b')", "_dp('{\"path\":[\"Email\"]}')", "=_('a.b')", "12", "415",
        "8675309", "2026-11-29",
        "2026-11-29T10:20:30Z", "2026-11-29 10:20:30", "GB82", "id", "key-", "sk_live_", "the quick brown fox",
        "Authorization", "ABCDEFGHIJKLMNOPQRST",
        "9f86d081-884c-4d63-a1b2-c3d4e5f60718", "https://example.com/a/b", "\u{A0}", "\u{2011}", "\u{2010}", "\u{2013}",
        "\u{2019}", "$_('a.b')", "$", "\\u0040", "%u0040", "U+0040 ", "U+0040", "U+", "%u", "[", "]", "\u{0}",
        "\u{200B}", "\u{AD}", "\u{FEFF}", "＠", "４", "ａ", ",", ", ", " / ", " - ", "  ", "phone ", "n", "@", "`", "#",
        "<b>", "</b>", "<", ">", "<!-- x -->", "<br/>", "\\@", "\\_", "\\.", "\\\n", "%q(", ")", ":", "::", "1", "7",
        "a1", "0917", "home/", "token ", "key=", "д", "А", "٥", "Mr. ", "Jennifer", " Smith", "Mary", "'s",
        " GmbH", "Ltd", "Wexford ", ".zendesk.com", ".my.salesforce", "b.", " S.A.", "com",
    ]

    private static func text(_ generator: inout some RandomNumberGenerator) -> String {
        // A document in a string, behind white space at times.
        if Int.random(in: 0..<16, using: &generator) == 0 {
            let space = ["", "\n", " \r\n\t"].randomElement(using: &generator) ?? ""
            let key =
                ["sample", "cachedResultName", "format_version", "to", "instanceId"].randomElement(using: &generator)
                ?? "to"
            return "\(space){\"\(key)\":\"\(values.randomElement(using: &generator) ?? "")\"}"
        }
        var text = ""
        for _ in 0..<Int.random(in: 0...6, using: &generator) {
            guard Int.random(in: 0..<6, using: &generator) == 0, let value = values.randomElement(using: &generator)
            else {
                text += parts.randomElement(using: &generator) ?? ""
                continue
            }
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: text += Data(value.utf8).base64EncodedString()
            case 1: text += value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            case 2:
                let half = value.index(value.startIndex, offsetBy: value.count / 2)
                text += "'\(value[..<half])' + '\(value[half...])'"
            case 3:
                let lines = Array(Data("mail to \(value)".utf8).base64EncodedString())
                text += stride(from: 0, to: lines.count, by: 17).map { String(lines[$0...].prefix(17)) }.joined(
                    separator: "\n")
            default: text += value
            }
        }
        return text
    }

    private static func json(_ text: String) -> String { String(decoding: JSONText.escape(text.utf8), as: UTF8.self) }

    @Test func whatIsPassedOverHoldsNothing() throws {
        var generator = Scale.current.generator(for: "first look")
        let formats: [RecipeFormat] = [.workato, .n8n, .plainJSON]
        let keys = [
            "text", "code", "jsCode", "phone", "iban", "card", "name", "id", "webhookId", "uuid", "comment", "schema",
            "password", "birthDate", "ssn", "zip", "accessToken", "customerName", "assignee",
        ]
        var (skipped, found) = (0, 0)
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            let format = formats.randomElement(using: &generator) ?? .plainJSON
            var members = ["\"zone\":\"\(Self.json(Self.text(&generator)))\""]
            for key in Set((0..<3).compactMap { _ in keys.randomElement(using: &generator) }).sorted() {
                let text = Self.json(Self.text(&generator))
                members.append(
                    Int.random(in: 0..<8, using: &generator) == 0
                        ? "\"\(key)\":{\"\(text)\":\(Int64.random(in: 0...99_999_999_999, using: &generator))}"
                        : "\"\(key)\":\"\(text)\"")
            }
            var inner = "{\(members.joined(separator: ","))}"
            if Int.random(in: 0..<4, using: &generator) == 0 {
                inner = "{\"packed\":\"\(Self.json(inner))\",\"b\":\(inner)}"
            }
            let document = Array(
                (format == .n8n
                    ? "{\"nodes\":[{\"name\":\"A\",\"type\":\"t\",\"webhookId\":\"9f86d081-884c-4d63-a1b2\",\"parameters\":\(inner)}],\"connections\":{}}"
                    : "{\"code\":{\"keyword\":\"trigger\",\"input\":\(inner)},\"config\":[]}").utf8)
            let (quick, thorough) = (
                read(document, format, isThorough: false), read(document, format, isThorough: true)
            )
            // Both outcomes in full would hide where they part.
            if quick != thorough {
                let findings = [quick, thorough].map {
                    $0.outcome?.findings.map { "\($0.rule) \($0.path)" } ?? ["\($0)"]
                }
                Issue.record("\(format) \(findings) \(String(decoding: document, as: UTF8.self))")
            }
            if case .success(let outcome) = quick {
                skipped += outcome.pieces < (thorough.outcome?.pieces ?? 0) ? 1 : 0
                found += outcome.findings.isEmpty ? 0 : 1
            }
        }
        #expect(skipped > 1000)
        #expect(found > 1000)
    }

    /// What one reading came to.
    private struct Outcome: Equatable {
        let findings: [ScrubFinding]
        let dropped: [DroppedValue]
        let output: [UInt8]
        let references: TextList
        let pills: TextList
        let names: [[UInt8]]
        let originals: [[UInt8]]
        let pieces: Int

        static func == (left: Self, right: Self) -> Bool {
            left.findings == right.findings && left.dropped == right.dropped && left.output == right.output
                && left.references == right.references && left.pills == right.pills && left.names == right.names
                && left.originals == right.originals
        }
    }

    private enum Result: Equatable {
        case success(Outcome)
        case failure(BlockReason)

        var outcome: Outcome? { if case .success(let outcome) = self { outcome } else { nil } }
    }

    private func read(_ document: [UInt8], _ format: RecipeFormat, isThorough: Bool) -> Result {
        do throws(BlockReason) {
            let reading = try Reading(document, format, .init(), isThorough: isThorough)
            var pool = Surrogates(occupied: reading.found.surrogates)
            let pass = FirstPass(reading, &pool)
            return .success(
                Outcome(
                    findings: pass.findings, dropped: pass.dropped, output: pass.output,
                    references: pass.reader.references,
                    pills: pass.reader.pills, names: pass.reader.names, originals: pass.originals,
                    pieces: pass.reader.pieces.count))
        } catch {
            return .failure(error)
        }
    }
}
