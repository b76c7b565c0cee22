// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Documents on which two of Python, Node, Ruby and Foundation disagree, in `Golden/disagreements.json`: none is published.
/// `Scripts/check-disagreements` reads them with the first three.
@Suite struct DisagreementTests {
    private struct Case: Decodable {
        let text: String?
        let hex: String?
        /// What Python reads, where Foundation reads something else.
        let python: String?

        var bytes: [UInt8]? { text.map { Array($0.utf8) } ?? hex.flatMap { Hex.decode($0) } }
    }

    private func cases() throws -> [Case] {
        let url = try #require(Bundle.module.url(forResource: "Golden/disagreements", withExtension: "json"))
        return try JSONDecoder().decode([Case].self, from: Data(contentsOf: url))
    }

    @Test func noneIsPublished() throws {
        let cases = try cases()
        #expect(cases.count > 30)
        for one in cases {
            let document = try #require(one.bytes)
            switch scrub(document, as: .plainJSON).verdict {
            case .blocked(.malformed), .blocked(.ambiguous): break
            case let verdict: Issue.record("\(one.text ?? one.hex ?? ""): \(verdict)")
            }
            // Neither is one that holds it in a text.
            guard let text = one.text, text.hasPrefix("{"), (try? JSONTokens(document).validate()) != nil else {
                continue
            }
            let escaped = String(decoding: JSONText.escape(document), as: UTF8.self)
            guard
                case .blocked(.ambiguous(let path)) = scrub(Array("{\"a\":\"\(escaped)\"}".utf8), as: .plainJSON)
                    .verdict
            else {
                Issue.record("packed: \(text)")
                continue
            }
            #expect(path.description.hasPrefix("a→"))
        }
    }

    /// What goes with its role is no matter, and large numbers that all read alike may stay.
    @Test func whatAllReadAlikeStays() {
        for text in [
            "[9007199254740992,-9007199254740992,0.1,1e308,-0,1.0,1E-400,9007199254740993.0]",
            "{\"\u{E9}\":1,\"e\":2,\"\u{C9}\":3}",
            "{\"e\u{301}\":{\"\u{E9}\":1},\"a\":{\"e\u{301}\":1}}",
        ] {
            guard case .publishable = scrub(Array(text.utf8), as: .plainJSON).verdict else {
                Issue.record("\(text)")
                continue
            }
        }
        let pinned =
            "{\"nodes\":[{\"name\":\"A\",\"type\":\"t\",\"parameters\":{}}],\"connections\":{},"
            + "\"pinData\":{\"A\":[9007199254740993,{\"\u{E9}\":1,\"e\u{301}\":2}]}}"
        guard case .publishable = scrub(Array(pinned.utf8), as: .n8n).verdict else {
            Issue.record("a sample was looked at")
            return
        }
    }

    /// Where the corpus says that Foundation reads a document otherwise than Python, it does.
    @Test func foundationReadsOtherwise() throws {
        var count = 0
        for one in try cases() {
            guard let python = one.python, let document = one.bytes else { continue }
            let value = try? JSONSerialization.jsonObject(with: Data(document), options: .fragmentsAllowed)
            let read = value.map(canonical) ?? "refused"
            #expect(read != python, "\(one.text ?? one.hex ?? "")")
            count += 1
        }
        #expect(count > 3)
    }

    /// A value as `Scripts/check-disagreements` writes it.
    private func canonical(_ value: Any) -> String {
        func text(_ text: String) -> String { "s" + text.utf16.map { String(format: "%04x", $0) }.joined() }
        switch value {
        case let value as String: return text(value)
        case let value as [Any]: return "[" + value.map(canonical).joined(separator: ",") + "]"
        case let value as [String: Any]:
            return "{" + value.map { text($0) + ":" + canonical($1) }.sorted().joined(separator: ",") + "}"
        case let value as NSNumber:
            let number = value.doubleValue
            guard number.isFinite, number == number.rounded() else {
                return String(format: "%016lx", number.bitPattern)
            }
            let digits = "\(value)"
            return digits.allSatisfy { $0.isNumber || $0 == "-" } ? digits : String(format: "%.0f", number)
        default: return "null"
        }
    }
}
