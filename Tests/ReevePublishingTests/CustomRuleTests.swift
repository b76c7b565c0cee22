// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePublishing

/// A host's own rules, in code and in JSON.
@Suite struct CustomRuleTests {
    private func output(_ text: String, _ rules: CustomRules) throws -> String {
        let report = Scrubber(rules: rules).scrub(Array(text.utf8), as: .plainJSON, for: .publicLibrary)
        return String(decoding: try ReevePublishingTests.output(report), as: UTF8.self)
    }

    @Test func aRuleTakesOutWhatItFinds() throws {
        let rules = try CustomRules(rules: [CustomRule("badge", .nationalID, "\\bB-\\d{6}\\b")])
        #expect(
            try output(#"{"a":"by B-123456, B-123456 and B-654321","b":"B-12"}"#, rules)
                == #"{"a":"by REPLACE_WITH_NATIONAL_ID_1, REPLACE_WITH_NATIONAL_ID_1 and REPLACE_WITH_NATIONAL_ID_2","b":"B-12"}"#
        )
        let report = Scrubber(rules: rules).scrub(Array(#"{"a":"B-123456"}"#.utf8), as: .plainJSON, for: .publicLibrary)
        #expect(report.findings.map(\.rule) == ["custom.badge"])
        // In a layer, and where no rule of Reeve's would look.
        let packed = Data("badge: B-123456".utf8).base64EncodedString()
        #expect(try !output(#"{"a":"\#(packed)","b":"x %42-123456"}"#, rules).contains("123456"))
    }

    @Test func wordsAndConfidenceDecide() throws {
        let named = try CustomRules(rules: [CustomRule("seat", .organizationID, "[A-Z]{2}\\d", words: ["Seat"])])
        #expect(
            try output(#"{"a":"seat AB1","seat":"CD2","b":"EF3"}"#, named)
                == #"{"a":"seat REPLACE_WITH_COMPANY_ID_1","seat":"REPLACE_WITH_COMPANY_ID_2","b":"EF3"}"#)
        let unsure = try CustomRules(rules: [CustomRule("seat", .organizationID, "[A-Z]{2}\\d", confidence: 0.4)])
        guard
            case .needsReview = Scrubber(rules: unsure).scrub(
                Array(#"["AB1"]"#.utf8), as: .plainJSON, for: .publicLibrary
            ).verdict
        else {
            Issue.record("a doubt was decided")
            return
        }
    }

    @Test func whatIsAllowedStaysAndWhatIsDeniedGoes() throws {
        let rules = try CustomRules(
            allowing: ["support@acme.com"], denying: ["Project Falcon": .organization, "Söl": .person])
        #expect(
            try output(
                #"{"a":"support@acme.com, dana@acme.com","b":"the project falcon","c":"SÖL, söl, Sölden"}"#, rules)
                == #"{"a":"support@acme.com, user1@example.com","b":"the Company 1","c":"Person 1, Person 1, Sölden"}"#)
        // As the detectors read it: wide letters, spaces of other widths.
        let wide = try CustomRules(allowing: ["ｓupport@acme.com"], denying: ["Project\u{A0}Falcon": .organization])
        #expect(
            try output(#"{"a":"support@acme.com","b":"project falcon"}"#, wide)
                == #"{"a":"support@acme.com","b":"Company 1"}"#)
    }

    /// What a host denies is met however it is written, and where a sign ends it.
    @Test(arguments: [
        ("@acme.com", "joe@acme.com"), ("CUST-", "CUST-abc"), (" Acme ", "Acme"), ("ärzte öst", "Ärzte Öst"),
        ("contrase\u{F1}a", "contrasen\u{303}a"), ("Söl", "SO\u{308}L"), ("straße 5", "STRASSE 5"),
    ])
    func whatIsDeniedIsMet(_ denied: String, _ text: String) throws {
        let rules = try CustomRules(denying: [denied: .organizationID])
        #expect(try !output(#"{"a":"see \#(text)"}"#, rules).contains(text), "\(denied)")
    }

    /// A class that Reeve itself leaves is taken out where a host says so.
    @Test func urlsAndDatesMayBeDenied() throws {
        let rules = try CustomRules(
            rules: [CustomRule("day", .date, "\\d{4}-\\d\\d-\\d\\d")], denying: ["wiki.acme.internal": .url])
        #expect(
            try output(#"{"a":"see wiki.acme.internal on 2026-11-29"}"#, rules)
                == #"{"a":"see REPLACE_WITH_URL_ADDRESS_1 on REPLACE_WITH_CALENDAR_DATE_1"}"#)
    }

    /// Denied texts that overlap are both found.
    @Test func deniedTextsMayOverlap() throws {
        let rules = try CustomRules(denying: ["acme corp": .organization, "corp ltd": .organization])
        #expect(try output(#"{"a":"acme corp ltd"}"#, rules) == #"{"a":"Company 1"}"#)
    }

    /// Patterns mean the text as it stands, and as the detectors read it; words of a rule are met in any case.
    @Test(arguments: [
        ("ACME\\\\\\w+", [String](), "ACME\\smith", "smith"), ("№А\\d{3}", [String](), "№А123", "123"),
        ("\\d{3}–\\d{4}", [String](), "555–0199", "0199"),
        ("B-\\d{3}", [String](), "B\u{2011}123", "123"), ("\\d{3}", ["паспорт"], "Паспорт 123", "123"),
        ("\\d{3}", ["ΑΜΚΑ"], "αμκα 123", "123"),
    ])
    func patternsMeanWhatTheySay(_ pattern: String, _ words: [String], _ text: String, _ part: String) throws {
        let rules = try CustomRules(rules: [CustomRule("a", .organizationID, pattern, words: Set(words))])
        let escaped = String(decoding: JSONText.escape(text.utf8), as: UTF8.self)
        #expect(try !output("{\"a\":\"\(escaped)\"}", rules).contains(part), "\(pattern)")
    }

    @Test func rulesAreRefused() {
        #expect(throws: CustomRuleError.badName) { try CustomRule("a b", .person, "a") }
        #expect(throws: CustomRuleError.badName) { try CustomRule("", .person, "a") }
        #expect(throws: CustomRuleError.badConfidence) { try CustomRule("a", .person, "a", confidence: 0.2) }
        #expect(throws: CustomRuleError.badConfidence) { try CustomRule("a", .person, "a", confidence: .nan) }
        for word in ["tax id", "line1", "", "a-b"] {
            #expect(throws: CustomRuleError.badWord) { try CustomRule("a", .person, "a", words: [word]) }
        }
        #expect(throws: CustomRuleError.badDenial) { try CustomRules(denying: ["ab": .person]) }
        let short = #"{"deny":[{"value":"ab","class":"person"}]}"#
        #expect(throws: (any Error).self) { try JSONDecoder().decode(CustomRules.self, from: Data(short.utf8)) }
        #expect { try CustomRule("a", .person, "a(") } throws: {
            "\($0)" == "line 1, column 2: a bracket or parenthesis has no other half"
        }
    }

    /// What programs would read differently blocks a recipe; in a text it is looked at.
    @Test func numbersOfAnySizeAreLookedAt() throws {
        let text = #"{"id":1234567890123456789,"m":"dana@acme.com","\u212A":1}"#
        #expect(try Detector().findings(in: text).map(\.rule).contains("email.address"))
    }

    /// What is no share of certainty is none: everything is told, or what is certain.
    @Test func theMinimumIsAShare() throws {
        let text = "536228726, dana@acme.com"
        let all = try Detector(minimum: 0).findings(in: text)
        for minimum: Double in [-1, .nan, -.infinity] {
            #expect(try Detector(minimum: minimum).findings(in: text) == all)
        }
        #expect(try Detector(minimum: 7).findings(in: text) == Detector(minimum: 1).findings(in: text))
    }

    @Test func aFileIsRead() throws {
        let text = """
            {
              "rules": [{"name": "badge", "class": "national id", "pattern": "\\\\bB-\\\\d{6}\\\\b", "words": ["badge"], "confidence": 0.7}],
              "allow": ["support@acme.com"],
              "deny": [{"value": "Project Falcon", "class": "organization"}]
            }
            """
        let rules = try CustomRules(json: text.utf8)
        #expect(
            rules.rules == [try CustomRule("badge", .nationalID, "\\bB-\\d{6}\\b", confidence: 0.7, words: ["badge"])])
        #expect(rules.allowed == ["support@acme.com"] && rules.denied == ["Project Falcon": .organization])
        #expect(try CustomRules(json: "{}".utf8) == .none)
        #expect(try JSONDecoder().decode(CustomRules.self, from: JSONEncoder().encode(rules)) == rules)
    }

    @Test(arguments: [
        ("{", 1, 2, "no JSON"), ("[]", 1, 1, "an object"), ("{\n \"rulez\": []}", 2, 2, "not known"),
        ("{\"rules\": {}}", 1, 11, "an array"),
        ("{\"rules\": [\n  {\"name\": \"a\", \"class\": \"person\", \"pattern\": \"ab[z-a]\"}]}", 2, 51, "a class"),
        ("{\"rules\": [\n  {\"name\": \"a\", \"class\": \"person\", \"pattern\": \"\\\\d(\"}]}", 2, 51, "other half"),
        (
            "{\"rules\": [{\"name\": \"a\", \"class\": \"persons\", \"pattern\": \"a\"}]}", 1, 35,
            "the class is not known"
        ), ("{\"rules\": [\n{\"name\": \"a\"}]}", 2, 1, "a rule has"),
        (
            "{\"rules\": [{\"name\": \"a\", \"class\": \"person\", \"pattern\": \"a\", \"confidence\": 7}]}", 1, 12,
            "0.3 to 1"
        ), ("{\"deny\": [{\"value\": \"ab\", \"class\": \"person\"}]}", 1, 11, "three bytes"),
        ("{\"allow\": [1]}", 1, 12, "a string"), ("{\r\n \"rulez\": []}", 2, 2, "not known"),
        ("{\"deny\": [{\"value\": \"a  \", \"class\": \"person\"}]}", 1, 11, "three bytes"),
        ("{\"rules\": [{\"name\": \"a\", \"class\": \"person\", \"pattern\": \"a\", \"re\": 1}]}", 1, 61, "not known"),
    ])
    func aFileThatIsWrongSaysWhere(_ text: String, _ line: Int, _ column: Int, _ reason: String) throws {
        let error = #expect(throws: CustomRulesError.self) { try CustomRules(json: text.utf8) }
        #expect(
            error?.line == line && error?.column == column && error?.reason.contains(reason) ?? false,
            "\(String(describing: error))")
    }

    /// A proof says under which rules it was made.
    @Test func theProofKnowsTheRules() throws {
        let input = Array(#"["x"]"#.utf8)
        func policy(_ rules: CustomRules) throws -> Digest {
            guard
                case .publishable(let recipe) = Scrubber(rules: rules).scrub(input, as: .plainJSON, for: .publicLibrary)
                    .verdict
            else { throw CancellationError() }
            return recipe.policy
        }
        let rule = try CustomRule("a", .person, "zz")
        let all = [
            try policy(.none), try policy(try CustomRules(rules: [rule])), try policy(try CustomRules(allowing: ["x"])),
            try policy(try CustomRules(denying: ["yyy": .person])),
        ]
        #expect(Set(all).count == 4)
        #expect(try policy(try CustomRules(rules: [rule])) == all[1])
    }
}
