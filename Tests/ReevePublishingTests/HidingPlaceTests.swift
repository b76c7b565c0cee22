// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Spellings and places in which a value could be overlooked: it must be gone, or the recipe must not be publishable.
@Suite struct HidingPlaceTests {
    /// Texts of a step's input, and what must not be left of them.
    static let texts: [(text: String, residue: String)] = [
        // Numbers that everyone knows, with two different digits only.
        ("pay 4111 1111 1111 1111", "1111 1111"), ("4242424242424242", "4242424242424242"),
        ("5555555555554444", "55554444"),
        // Neighbours outside ASCII, and typographic spaces and dashes.
        ("Ring “+14155552671” now", "4155552671"), ("card “4012888888881881”", "8888"),
        ("“DE89370400440532013000”", "3704"),
        ("电话：+14155552671。", "4155552671"), ("DE89\u{A0}3704\u{A0}0044\u{A0}0532\u{A0}0130\u{A0}00", "3704"),
        ("+44\u{A0}20 7183 8750", "7183"), ("415\u{2011}555\u{2011}2671", "2671"), ("4012888888881881é", "8888"),
        // Escapes that stand raw in code, templates and heredocs.
        ("print(\"key:\\nsk_live_51Hxyz9AbCdEfGhIjKlMnOp\")", "51Hxyz"), ("mail:\\tAKIAIOSFODNN7EXAMPLE", "AKIA"),
        ("{\"x\": #{_('a')}, \"note\":\"key\\nsk_live_51Hxyz9AbCdEfGhIjKlMnOp\"}", "51Hxyz"),
        ("=%Q(k\\nsk_live_51Hxyz9AbCdEfGhIjKlMnOp)", "51Hxyz"), ("\\n+14155552671", "4155552671"),
        ("a\\\\n4012888888881881", "8888"), ("=%Q{jo\\u0040acme.com}", "acme"),
        ("=<<~E\n jo\\u0040acme.com\nE", "acme"),
        ("=\"\\u{6a 6f 40 61 63 6d 65 2e 63 6f 6d}\"", "6d 65"), ("=\"jo\\100acme.com\"", "acme"),
        // Documents that are no documents for a strict parser.
        ("{\"x\":1,\"x\":\"jo\\u0040acme.com\"}", "acme"), ("{\"x\":\"\\ud83d\",\"y\":\"jo\\u0040acme.com\"}", "acme"),
        ("{\"a\":1}\n{\"b\":\"jo\\u0040acme.com\"}", "acme"),
        ("payload={\"b\":\"k\\nsk_live_51Hxyz9AbCdEfGhIjKlMnOp\"}", "51Hx"),
        ("\"jo\\u0040acme.com\"", "acme"), ("{\"x\": #{_('a')}, \"note\":\"jo\\u0040acme.com\"}", "acme"),
        // References.
        ("=_('data.x.jo@acme.com')", "jo@acme"), ("#{_('data.x.sk_live_51Hxyz9AbCdEfGhIjKlMnOp')}", "51Hxyz"),
        ("=_dp('{\"path\":[\"jo@acme.com\"]}')", "jo@acme"), ("=_dp('{\"path\":[\"jo\\\\u0040acme.com\"]}')", "acme"),
        // Another number behind.
        ("4012888888881881 12/25", "8888"), ("4012 8888 8888 1881 12/25 123", "8888"), ("4012888888881881 123", "8888"),
        ("415-555-2671 415-555-2672", "267"), ("(415) 555-2671 (415) 555-2672", "2671"),
        ("+1 415 555 2671 94107", "415 555"),
        ("415-555-2671 94107", "2671"), ("+1 415 555 2671 2024-01-01", "2671"), ("415-555-2671:30", "2671"),
        // Common spellings.
        ("(+44) 20 7183 8750", "7183"), ("415-555-2671x204", "2671"), ("+14155552671x204", "2671"),
        ("/Phones/+14155552671.json", "2671"), ("jo.smith@acme.com.csv", "acme"), ("/export/jo@acme.com.json", "jo@"),
        ("jo@acme.com.2) then", "acme"), ("\"jo smith\"@acme.com", "acme"), ("jo.@acme.com", "acme"),
        ("jo@sub_dom.acme.com", "acme"), ("jo@acme.com_old", "acme"), ("jo@acme.com_(x)", "acme"),
        ("IBAN_GB82WEST12345698765432", "WEST"), ("card_4012888888881881", "8888"), ("=4012_8888_8888_1881", "8888"),
        ("mail jo@acme.com谢谢", "acme"), ("联系jo@acme.com", "acme"), ("用户@例子.公司", "用户"),
        // Wider separators.
        ("+49 30 / 90 18 20 31", "90 18"), ("+49 - 30 - 90182031", "90182031"), ("+49  30  90182031", "90182031"),
        ("+49\t30 90182031", "90182031"), ("+ 49 30 90182031", "90182031"), ("+49 30 90182031ext204", "90182031"),
        ("+49 30 90182031 ext. 204", "90182031"), ("(415) - 867 - 5309", "5309"), ("call 415  867  5309", "5309"),
        ("4539  1488  0343  6467", "0343"), ("4539\t1488\t0343\t6467", "0343"), ("4539\n1488\n0343\n6467", "0343"),
        ("4539/1488/0343/6467", "0343"), ("4539 - 1488 - 0343 - 6467", "0343"), ("4539, 1488, 0343, 6467", "0343"),
        ("3782/822463/10005", "822463"), ("DE89  3704  0044  0532  0130  00", "0044"),
        ("DE89.3704.0044.0532.0130.00", "0044"),
        ("DE89/3704/0044/0532/0130/00", "0044"), ("IBANDE89370400440532013000", "0440"),
        ("DE89 3704 0044 0532 0130 00EUR", "0044"),
        // Nothing between a key and what stands before it.
        ("keyAKIAQ3EGRZ7VXK2MDWPL", "EGRZ"), ("Bearersk_live_51Hxyz9AbCdEfGhIjKlMnOp", "51Hx"),
        ("tokenghp_9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX", "9sK2"), ("1glpat-x7Kq2mZr9TbWc4Vn1LpY", "x7Kq"),
        // What has no width, and what is as wide as two.
        ("jo\u{200B}@acme.com", "acme"), ("jo@ac\u{200B}me.com", "me.com"), ("jo@acme\u{2060}.com", "acme"),
        ("\u{FEFF}jo@acme.com", "acme"),
        ("j\u{AD}o@acme.com", "acme"), ("jo＠acme.com", "acme"), ("ｊｏ＠ａｃｍｅ．ｃｏｍ", "ａｃｍｅ"), ("＋４９ ３０ ９０１８２０３１", "９０１８"),
        ("４５３９１４８８０３４３６４６７", "０３４３"), ("sk_live_\u{200B}51Hxyz9AbCdEfGhIjKlMnOp", "51Hx"),
        ("4539\u{200B}1488\u{200C}0343\u{200D}6467", "0343"),
        ("ＡＫＩＡＱ３ＥＧＲＺ７ＶＸＫ２ＭＤＷＰＬ", "ＥＧＲＺ"), ("jo﹫acme.com", "acme"),
        ("jo\u{301}@acme.com", "acme"), ("jo\u{202A}@acme.com", "acme"),
        ("4539\u{202C}1488\u{2066}0343\u{2069}6467", "0343"),
        // More providers.
        ("xoxc-7281930465-918273645012-kQ2mZr9TbWc4Vn1L", "kQ2m"),
        ("https://hooks.slack.com/services/T0AB12/B0CD34/kQ2mZr9TbWc4Vn1LpYx7", "kQ2m"),
        ("GOCSPX-kQ2mZr9TbWc4Vn1LpYx7k9Qz", "kQ2m"), ("ya29.kQ2mZr9TbWc4Vn1LpYx7k9QzXw7", "kQ2m"),
        ("sk-admin-kQ2mZr9TbWc4Vn1LpYx7k9Qz", "kQ2m"),
        ("pat-eu1-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "4b5a"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF\n-----END PGP PRIVATE KEY BLOCK-----", "lQOYBF"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "dozj"),
        ("sk_live_aaaaaaaabbbbbbbbcccc", "aaaabbbb"),
        (
            "=\"-----BEGIN RSA PRIVATE KEY-----\\nMIIE#{_('data.x.k')}owIBAAKC-----END RSA PRIVATE KEY-----\"",
            "owIBAAKC"
        ),
    ]

    @Test(arguments: texts.indices) func nothingIsOverlooked(_ index: Int) throws {
        let (text, residue) = Self.texts[index]
        for wrap in ["input", "comment"] {
            let escaped = String(decoding: JSONText.escape(text.utf8), as: UTF8.self)
            let input = Array(#"{"code":{"keyword":"trigger","\#(wrap)":{"m":"\#(escaped)"}},"config":[]}"#.utf8)
            let report = scrub(input)
            guard case .publishable(let recipe) = report.verdict else { continue }
            for string in try strings(recipe.bytes) {
                #expect(!string.contains(residue), "`\(text)` became `\(string)`")
            }
            #expect(scrub(recipe.bytes).findings.isEmpty, "`\(text)`")
        }
    }

    /// What stands around a value stays.
    @Test(arguments: [
        ("mail\u{A0}jo@acme.com\u{A0}now — then stop", "mail\u{A0}user1@example.com\u{A0}now — then stop"),
        ("“jo@acme.com”", "“user1@example.com”"), ("jo@acme.com谢谢", "user1@example.com谢谢"),
        (
            "{\"x\": #{_('a')}, \"note\":\"Hi\\njohn@acme.com\"}",
            "{\"x\": #{_('a')}, \"note\":\"Hi\\nuser1@example.com\"}"
        ),
        ("const a = \"\\u003cjo@acme.com\\u003e\"", "const a = \"\\u003cuser1@example.com\\u003e\""),
        (
            "https://ghp_9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX@github.com/a/b",
            "https://REPLACE_WITH_SECRET_1@github.com/a/b"
        ),
        (
            "REPLACE_WITH_SECRET_1 and sk_live_51Hxyz9AbCdEfGhIjKlMnOp",
            "REPLACE_WITH_SECRET_1 and REPLACE_WITH_SECRET_2"
        ),
        ("git@github.com:org/repo.git", "git@github.com:org/repo.git"),
    ])
    func theSurroundingsStay(_ before: String, _ after: String) throws {
        let escaped = String(decoding: JSONText.escape(before.utf8), as: UTF8.self)
        let input = Array(#"{"code":{"keyword":"trigger","input":{"m":"\#(escaped)"}},"config":[]}"#.utf8)
        #expect(try strings(output(scrub(input))).contains(after))
    }

    /// A decimal fraction is no card number, whatever its digits are; nor is a version or an address.
    @Test func fractionsAreNoCards() {
        var generator = Scale.current.generator(for: "fractions")
        for _ in 0..<500 {
            let value = Double.random(in: 0...6000, using: &generator)
            let text = Bool.random(using: &generator) ? "\(value)" : "\"\(value) px\""
            #expect(scrub(Array("{\"height\":\(text)}".utf8), as: .plainJSON).findings.isEmpty, "\(text)")
        }
        let card = scrub(Array(#"{"a":"4012.8888.8888.1881"}"#.utf8), as: .plainJSON)
        #expect(card.findings.map(\.kind) == [.paymentCard])
    }

    @Test(arguments: ["phone_verified_at", "sms_count", "phone_number_id", "cell_id"])
    func keysAboutPhonesHoldNone(_ key: String) throws {
        #expect(scrub(Array(#"{"\#(key)":1704067200}"#.utf8), as: .plainJSON).findings.isEmpty)
    }

    /// What a value is may stand beside it, as steps of workflows and forms have it.
    @Test(arguments: [
        (#"{"name":"phone","value":"4158675309"}"#, true), (#"{"key":"Mobile","value":4158675309}"#, true),
        (#"{"name":"card_number","value":"4539 1488 0343 6468"}"#, true),
        (#"{"name":"order","value":"4158675309"}"#, false),
        (#"{"name":"phone","other":"4158675309"}"#, false), (#"[{"name":"phone"},{"value":"4158675309"}]"#, false),
        (#"{"name":{"value":"4158675309"},"phone":1}"#, false), (#"{"name":"phone","values":["4158675309"]}"#, false),
    ])
    func aNameBesideAValueTells(_ document: String, _ isFound: Bool) {
        #expect(scrub(Array(document.utf8), as: .plainJSON).findings.isEmpty == !isFound)
    }

    @Test(arguments: ["phonenumber", "homephone", "PhoneNumber", "mobile-phone"])
    func keysForPhonesDo(_ key: String) throws {
        #expect(scrub(Array(#"{"\#(key)":"4155552671"}"#.utf8), as: .plainJSON).findings.map(\.kind) == [.phone])
    }

    /// A value that was found by its key elsewhere is not left standing as a key, and does not show in a path.
    @Test func aKnownValueAsAKeyBlocksAndIsMasked() {
        let input = #"{"phone":"+1 415 555 2671","map":{"4155552671":"a jo@acme.com"}}"#
        let report = scrub(Array(input.utf8), as: .plainJSON)
        guard case .blocked(.survivor(let path)) = report.verdict else {
            Issue.record("\(report.summary)")
            return
        }
        #expect(!"\(path) \(report.findings) \(report.html(title: "t"))".contains("4155552671"))
    }

    @Test func thePackedFormOfTheAPIKeepsItsReferences() throws {
        let code = #"{"keyword":"trigger","input":{"m":"=\"jo@acme.com\" + _('data.sheets.ab12')"}}"#
        let input = Array(
            #"{"recipe":{"name":"x","code":"\#(String(decoding: JSONText.escape(code.utf8), as: UTF8.self))"}}"#.utf8)
        let format = try #require(RecipeFormat.recognize(input))
        let after = try output(scrub(input, as: format))
        #expect(try pills(after) == pills(input))
        #expect(!String(decoding: after, as: UTF8.self).contains("acme"))
    }
}
