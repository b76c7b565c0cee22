// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Ways in which a value was overlooked, or something else was damaged: each was found once.
@Suite struct OverlookedTests {
    /// A name that a scrub could have left saves no address around it, and a secret in one does not either.
    @Test(arguments: [
        "kim.lee-ghp_9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX@acme-corp.io",
        "dana.whitfield+REPLACE_WITH_EMAIL_1@northwind-traders.co.uk",
        "dana.whitfield_REPLACE_WITH_PHONE_1@acme-corp.io",
        "REPLACE_WITH_SECRET_1.kim@acme-corp.io", "ghp_9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX-kim@acme-corp.io",
    ])
    func addressesGoAsAWhole(_ address: String) throws {
        let text = String(decoding: try output(scrub(Array("[\"\(address)\"]".utf8), as: .plainJSON)), as: UTF8.self)
        for part in ["kim", "lee", "dana", "acme", "northwind"] { #expect(!text.contains(part), "\(text)") }
    }

    private static func workato(_ members: String) -> [UInt8] {
        Array(#"{"code":{"keyword":"trigger","input":{\#(members)}},"config":[]}"#.utf8)
    }
    private static func n8n(_ members: String) -> [UInt8] {
        Array(
            #"{"nodes":[{"name":"A","type":"t","webhookId":"9f86d081-884c-4d63-a1b2","parameters":{\#(members)}}],"connections":{}}"#
                .utf8)
    }
    private func published(_ document: [UInt8], _ format: RecipeFormat = .workato) -> String? {
        guard case .publishable(let recipe) = scrub(document, as: format).verdict else { return nil }
        return String(decoding: recipe.bytes, as: UTF8.self)
    }

    /// A document in a string begins behind white space, however that is written.
    @Test(arguments: ["\\n", "\\r\\n ", " \\t\\n"]) func aDocumentBehindWhiteSpaceIsRead(_ space: String) {
        let schema = workatoSchema(space)
        #expect(published(schema).map { !$0.contains("Jane") } ?? true)
        let label = Self.n8n(#""x":"\#(space){\"cachedResultName\":\"Jane Doe\"}""#)
        #expect(published(label, .n8n).map { !$0.contains("Jane") } ?? true)
        let whole =
            #"{"code":"\#(space){\"keyword\":\"trigger\",\"dynamicPickListSelection\":{\"a\":\"Jane Doe\"}}","config":[]}"#
        #expect(published(Array(whole.utf8)).map { !$0.contains("Jane") } ?? true)
        let version = #"{"code":"\#(space){\"keyword\":\"trigger\",\"format_version\":3}","config":[]}"#
        #expect(published(Array(version.utf8)) == nil)
        #expect(published(Array(#"{"m":"\#(space){\"a\":1e999}"}"#.utf8), .plainJSON) == nil)
    }
    private func workatoSchema(_ space: String) -> [UInt8] {
        Array(
            #"{"code":{"keyword":"trigger","extended_output_schema":"\#(space)[{\"name\":\"a\",\"sample\":\"Jane Doe\"}]"},"config":[]}"#
                .utf8)
    }

    /// Word processors and chat programs write other dashes.
    @Test(arguments: ["\u{2010}", "\u{2011}", "\u{2013}", "\u{2212}"]) func dashesAreDashes(_ dash: String) {
        let key = ["sk", "proj", "abcdefghijklmnopqrstuvwxyz"].joined(separator: dash)
        #expect(published(Self.workato(#""m":"key \#(key) end""#)).map { !$0.contains("abcdefghijkl") } ?? true)
        #expect(published(Array(#"{"\#(key)":1}"#.utf8), .plainJSON) == nil)
        #expect(published(Self.n8n(#""jsCode":"k = '\#(key)'""#), .n8n).map { !$0.contains("abcdefghijkl") } ?? true)
        let five = String(repeating: dash, count: 5)
        let pem = #"{"m":"\#(five)BEGIN PRIVATE KEY\#(five) MIIB \#(five)END PRIVATE KEY\#(five)"}"#
        #expect(published(Array(pem.utf8), .plainJSON).map { !$0.contains("MIIB") } ?? true)
    }

    /// Lines of base 64 are one text, or each its own; what is no line of it stays as it is.
    @Test(arguments: [
        "aWQ6IEFLSUFRM0VHUlo3VlhLMk1EV1BM\\nTo be used", "aWQ6IEFLSUFRM0VHUlo3VlhLMk1EV1BM\\nU0VDT05EIExJTkU=",
        "bWFpbCBhIGpvQGFjbWUuY29t\\nI am here", "bWFpbCBhIGpvQGFjbWUuY29t\\nTo be here",
        "am9AYWNtZS5jb20gaXMgaGVyZSBhbmQg\\nThe quick", "YSBwaG9uZTogKzE0MTU4Njc1MzA5\\nOn Monday",
        "bWFpbCBhIGpvQGFjbWUuY29t\\nbWFpbCBiIGtpQGFjbWUuY29t", "bWFpbCBhIGpvQGFjbWUuY29t\\nThanks",
    ])
    func linesOfBase64AreTakenAsTheyAre(_ text: String) throws {
        let lines = text.components(separatedBy: "\\n")
        guard let after = published(Array(#"{"m":"\#(text)"}"#.utf8), .plainJSON) else { return }
        let read = after.dropFirst(6).dropLast(2).components(separatedBy: "\\n")
        for line in read {
            let said = Data(base64Encoded: line + String(repeating: "=", count: (4 - line.count % 4) % 4))
            let plain = said.map { String(decoding: $0, as: UTF8.self) } ?? ""
            #expect(!plain.contains("acme") && !plain.contains("AKIA") && !plain.contains("4158"), "\(after)")
        }
        #expect(read.count == lines.count, "\(after)")
        if lines[1].contains(" ") || lines[1] == "Thanks" { #expect(read.last == lines[1], "\(after)") }
    }

    /// Where it is not certain that short lines are one text, nothing is published.
    @Test func shortLinesAreNotGuessedAt() {
        let text = Data("one line jo@acme.com and another".utf8).base64EncodedString()
        let lines = stride(from: 0, to: text.count, by: 18).map { String(text.dropFirst($0).prefix(18)) }.joined(
            separator: "\\n")
        guard case .blocked(.notReplaceable) = scrub(Array(#"{"m":"\#(lines)"}"#.utf8), as: .plainJSON).verdict else {
            Issue.record("\(lines)")
            return
        }
    }

    /// What only begins like UTF-16 is read as the text that it is.
    @Test func aGuessOfUTF16IsGivenUp() {
        let text = Data("a\0b\0c\0d\0e\0f\0 mail jo@acme.com and more text here it is".utf8).base64EncodedString()
        let after = published(Array(#"{"m":"\#(text)"}"#.utf8), .plainJSON)
        #expect(after != String(#"{"m":"\#(text)"}"#))
    }

    /// A UUID can be the number of an account or of a card.
    @Test(arguments: [
        "be685390-0754-7034-aaaa-bbbbbbbbbbbb", "a0000000-0000-4000-8123-456789012340",
        "a0000000-0000-0000-4111-111111111111",
    ])
    func idsCanBeNumbers(_ id: String) {
        #expect(published(Array(#"{"m":"\#(id)"}"#.utf8), .plainJSON).map { !$0.contains(id) } ?? true)
    }

    /// What a script shows as a whole is not forgotten because a part of it shows something else.
    @Test(arguments: ["jo@acme.com", "user1@example.com"]) func aPartDoesNotHideTheWhole(_ other: String) {
        let code =
            #"k = [\"-----BEGIN \", \"PRIVATE KEY-----\", \"\#(other)\", \"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\", \"-----END \", \"PRIVATE KEY-----\"]"#
        let report = scrub(Self.n8n(#""jsCode":"\#(code)""#), as: .n8n)
        if case .publishable = report.verdict { Issue.record("\(other)") }
        #expect(!report.html(title: "t").contains("MIIEvQ"))
        let joined =
            #"k = [\"-----BEGIN PRIVATE KEY-----\", \"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\", \"-----END PRIVATE KEY-----\"].join(x)"#
        #expect(!scrub(Self.n8n(#""jsCode":"\#(joined)""#), as: .n8n).html(title: "t").contains("MIIEvQ"))
        for address in ["'jo.smith'@acme.com", #"\"jo.smith\"@acme.com"#] {
            #expect(published(Self.n8n(#""t":"={{ \#(address) }}""#), .n8n) == nil, "\(address)")
        }
        #expect(
            published(Self.n8n(#""t":"={{ user+'jo@acme.com' }}""#), .n8n)?.contains("user+'user1@example.com'") == true
        )
    }

    /// Ids and comments for scanners are looked for where literals are joined, too.
    @Test func joinedTextsAreLookedThrough() {
        let id =
            #"{"user_id":"jane-doe-at-acme","code":{"keyword":"trigger","input":{"m":"='jane-doe' + '-at-acme'"}},"config":[]}"#
        #expect(published(Array(id.utf8)) == nil)
        #expect(published(Self.n8n(#""t":"={{ '9f86d081-' + '884c-4d63-a1b2' }}""#), .n8n) == nil)
        #expect(published(Self.n8n(#""t":"={{ 'gitleaks' + ':allow' }}""#), .n8n) == nil)
    }

    /// An id is found however it is spelled, and beside what is dropped in something packed.
    @Test func idsAreFoundInEverySpelling() throws {
        let escaped = try #require(published(Self.n8n(#""x":"see 9\u006686d081-884c-4d63-a1b2 x""#), .n8n))
        #expect(escaped.contains(#""x":"see  x""#))
        let inner = Data(#"{"cachedResultName":"\#(String(repeating: "ab ", count: 260))"}"#.utf8).base64EncodedString()
        let packed = try #require(published(Self.n8n(#""a":"see 9f86d081-884c-4d63-a1b2 x","y":"\#(inner)""#), .n8n))
        #expect(packed.contains(#""a":"see  x""#))
    }

    /// What lies across something else is masked, and what stands between joined literals is not copied.
    @Test func thePageMasksWhatOverlaps() {
        let page = scrub(Self.workato(#""card":"='424242424242' + '4242' + '123456789012'""#)).html(title: "t")
        #expect(!page.contains("123456789012"))
        let code = #"m = 'jo@' /* -----BEGIN PRIVATE KEY----- MIIEvQIBADANBgkq */ + 'acme.com'"#
        #expect(!scrub(Self.n8n(#""jsCode":"\#(code)""#), as: .n8n).html(title: "t").contains("MIIEvQ"))
        let comment = published(Self.n8n(#""jsCode":"m = 'jo@' /* kim@acme.com */ + 'acme.com'""#), .n8n)
        #expect(comment?.contains("m = 'user1@example.com' /* user2@example.com */ + ''") == true)
    }

    /// A key in which something was found shows in no path, whatever it is written in; neither does an id that goes.
    @Test func keysAreMaskedByWhatWasFoundInThem() {
        for (document, format, parts) in [
            (Self.n8n(#""text":"={\"{{ 'jo@' + 'acme.com' }}\":\"x\"}""#), RecipeFormat.n8n, ["'jo@'"]),
            (
                Array(#"{"bQBhAGkAbAAgAGoAbwBAAGEAYwBtAGUALgBjAG8AbQA=":{"a":"kim@acme.com"}}"#.utf8), .plainJSON,
                ["bQBhAGk"]
            ),
            (
                Array(#"{"b25lIGxpbmUgam9A\nYWNtZS5jb20gYW5k\nIGFub3RoZXIga2lt\nQGFjbWUuY29t":1}"#.utf8), .plainJSON,
                ["YWNtZS5jb20"]
            ),
        ] {
            let report = scrub(document, as: format)
            let texts = [
                String(decoding: report.json(), as: UTF8.self), report.html(title: "t"),
                String(decoding: ScrubReport.sarif([(file: "a", report: report)]), as: UTF8.self),
            ]
            #expect(!report.findings.isEmpty)
            for text in texts { for part in parts { #expect(!text.contains(part)) } }
        }
        let id =
            #"{"nodes":[{"name":"A","type":"t","webhookId":"Jane Doe of Acme","parameters":{"Jane Doe of Acme":{"cachedResultName":"x"}}}],"connections":{}}"#
        let report = scrub(Array(id.utf8), as: .n8n)
        #expect(!String(decoding: report.json(), as: UTF8.self).contains("Jane"))
    }

    /// `$_dp` is a name of its own.
    @Test func onlyAPillIsAPill() {
        let after = published(Self.workato(#""m":"=$_dp('{\"body_schema\":{\"sample\":\"Jane Doe\"}}')""#))
        #expect(after.map { !$0.contains("Jane") } ?? true)
    }

    @Test(arguments: [
        "pragma:allowlist secret", "pragma: allowlist-secret", "# nosem", "# NOSEMGREP", "bridgecrew:skip=CKV_1",
        "cortex:skip=x",
    ])
    func suppressionsAreKnownInEverySpelling(_ comment: String) {
        guard case .blocked(.suppression) = scrub(Self.workato(#""m":"\#(comment)""#)).verdict else {
            Issue.record("\(comment)")
            return
        }
    }

    /// What goes anyway hides nothing.
    @Test func aSuppressionThatIsDroppedIsNoMatter() {
        #expect(published(Self.n8n(#""cachedResultName":"ggignore""#), .n8n) != nil)
    }

    @Test(arguments: ["true", "null", "{}", "[2]"]) func aVersionIsAStringOrANumber(_ version: String) {
        let document = #"{"code":{"keyword":"trigger","format_version":\#(version)},"config":[]}"#
        guard case .blocked(.unknownVersion) = scrub(Array(document.utf8)).verdict else {
            Issue.record("\(version)")
            return
        }
    }
}
