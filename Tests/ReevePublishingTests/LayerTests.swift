// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Values inside other writings: base 64, percent codes, entities, and those in each other.
@Suite struct LayerTests {
    private func scrubbed(_ text: String) throws -> String {
        let escaped = String(decoding: JSONText.escape(text.utf8), as: UTF8.self)
        let report = scrub(Array(#"{"v":"\#(escaped)"}"#.utf8), as: .plainJSON)
        let after = try output(report)
        let again = scrub(after, as: .plainJSON)
        #expect(again.findings.isEmpty)
        #expect(try output(again) == after)
        return try strings(after).last ?? ""
    }
    private static func base64(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
    /// In lines of 64 digits.
    private static func lines(_ text: String, _ end: String) -> String {
        stride(from: 0, to: text.count, by: 64).map { String(text.dropFirst($0).prefix(64)) }.joined(separator: end)
    }
    private static func wide(_ text: String, _ encoding: String.Encoding = .utf16LittleEndian) -> String {
        text.data(using: encoding)?.base64EncodedString() ?? ""
    }
    private static func url(_ text: String) -> String {
        base64(text).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Texts with a value in them, and the same with its stand-in: written the same way.
    @Test(arguments: [
        ("u=jo%40acme.com&x=1", "u=user1%40example.com&x=1"), ("u=jo%2Bcrm%40acme.com", "u=user1%40example.com"),
        ("mailto:jo@acme.com?subject=a%20b", "mailto:user1@example.com?subject=a%20b"),
        ("%E2%82%AC 5 to jo%40acme.com", "%E2%82%AC 5 to user1%40example.com"),
        ("<a href='x'>jo&#64;acme.com</a>", "<a href='x'>user1@example.com</a>"),
        ("jo&#x40;acme&period;com &amp; co", "user1@example.com &amp; co"), ("jo&commat;acme.com", "user1@example.com"),
        ("jo%2540acme.com", "user1%40example.com"),
        ("x%0A%2B14155552671", "x%0A%2B12025550100"), ("jo&#64acme.com", "user1@example.com"),
        ("jo&#00000064;acme.com", "user1@example.com"), (base64("jo@x.com"), base64("user1@example.com")),
        (base64("\0jo@acme.com\0hunter22"), base64("\0user1@example.com\0hunter22")),
        ("100% jo@acme.com 5 %", "100% user1@example.com 5 %"),
        ("Basic " + base64("jo@acme.com:secret"), "Basic REPLACE_WITH_SECRET_1"),
        (url("To: jo@acme.com?"), url("To: user1@example.com?")),
        ("a/b/" + base64("mail jo@acme.com") + "/c", "a/b/" + base64("mail user1@example.com") + "/c"),
        (base64(base64("mail jo@acme.com now")), base64(base64("mail user1@example.com now"))),
        (base64(#"{"to":"jo@acme.com","n":1}"#), base64(#"{"to":"user1@example.com","n":1}"#)),
        (base64("one jo@acme.com and two kim@acme.com"), base64("one user1@example.com and two user2@example.com")),
        (base64("x jo%40acme.com"), base64("x user1%40example.com")),
        ("jo@acme.com " + base64("again jo@acme.com"), "user1@example.com " + base64("again user1@example.com")),
        (
            "k: "
                + lines(
                    base64("a long line that goes on to the name jo@acme.com and another kim@acme.com, and on"), "\n"),
            "k: "
                + lines(
                    base64(
                        "a long line that goes on to the name user1@example.com and another user2@example.com, and on"),
                    "\n")
        ),
        (
            lines(base64("a long line that goes on to the name jo@acme.com and yet further"), "\r\n") + "\r\n end.",
            lines(base64("a long line that goes on to the name user1@example.com and yet further"), "\r\n")
                + "\r\n end."
        ),
        (wide("mail jo@acme.com ☎"), wide("mail user1@example.com ☎")),
        (wide("mail jo@acme.com", .utf16BigEndian), wide("mail user1@example.com", .utf16BigEndian)),
        // With bits left over, and with a digit too many.
        ("bWFpbCBqb0BhY21lLmNvbR", base64("mail user1@example.com").replacing("=", with: "")),
        ("bWFpbCBhIGpvQGFjbWUuY29tX", base64("mail a user1@example.com").replacing("=", with: "") + "X"),
    ])
    func valuesAreWrittenAsTheyStood(_ before: String, _ after: String) throws {
        let found = try scrubbed(before)
        #expect(found == after)
    }

    /// What only looks like another writing is left alone.
    @Test(arguments: [
        "internationalization", "c5525f47-4d91-4b98-87bb-566b90da64a1", "aGVsbG8gd29ybGQ=",
        "R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==",
        "a%b%zz%4", "&nothing; & &#xFFFFFFFF; &#1114112;", "%FF%FE", "====", "AAAAAAAAAAAAAAAA",
    ])
    func othersAreLeftAlone(_ text: String) throws {
        let found = try scrubbed(text)
        #expect(found == text)
    }

    /// A person must decide about one value, and another one stands in the same packing: the page shows neither.
    @Test func aPackingWithADoubtShowsNothing() {
        let packed = Self.base64(#"{"card_number":"4539 1488 0343 6468","to":"jo@acme.com"}"#)
        let report = scrub(Array(#"{"v":"\#(packed)"}"#.utf8), as: .plainJSON)
        guard case .needsReview = report.verdict else {
            Issue.record("\(report.summary)")
            return
        }
        let page = report.html(title: "t")
        let rest = Self.base64(#"{"card_number":"4539 1488 0343 6468","#).prefix(40)
        #expect(!page.contains(packed) && !page.contains(rest))
    }

    /// Escapes in each other, more than the limit: not read, and so not published.
    @Test func tooManyEscapesBlock() {
        let text = "jo%" + String(repeating: "25", count: 12) + "40acme.com"
        guard case .blocked(.tooManyLayers) = scrub(Array(#"{"v":"\#(text)"}"#.utf8), as: .plainJSON).verdict else {
            Issue.record("published")
            return
        }
    }

    /// More packings in each other than the limit.
    @Test func tooManyLayersBlock() {
        var text = "mail jo@acme.com now"
        for _ in 0..<9 { text = Self.base64(text) }
        guard case .blocked(.tooManyLayers) = scrub(Array(#"{"v":"\#(text)"}"#.utf8), as: .plainJSON).verdict else {
            Issue.record("read too deep")
            return
        }
    }
}
