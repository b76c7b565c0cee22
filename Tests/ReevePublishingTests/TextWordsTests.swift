// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePublishing

/// What stands beside a value: which words tell, which do not, and how far a value reaches.
@Suite struct TextWordsTests {
    private func found(_ text: String, minimum: Double = 0.3) throws -> [String] {
        try Detector(minimum: minimum).findings(in: text).map {
            "\($0.rule) \(String(decoding: Array(text.utf8)[$0.utf8], as: UTF8.self))"
        }
    }

    /// The hashes of a name are those of its words, and of two and three of them together: no name that tells is passed over.
    @Test func hashesAreThoseOfTheWords() {
        var generator = Scale.current.generator(for: "names")
        for _ in 0..<20_000 {
            let name = (0..<Int.random(in: 0...9, using: &generator)).map { _ in
                ["a", "b", "A", "B", "_", "1", "é", " "].randomElement(using: &generator) ?? "a"
            }.joined()
            let words = TextWords.of(name.utf8)
            let pairs = zip(words, words.dropFirst()).map { $0 + $1 }
            let all = words + pairs + zip(pairs, words.dropFirst(2)).map { $0 + $1 }
            var seen: Set<UInt64> = []
            _ = TextWords.contains(in: name.utf8) {
                seen.insert($0)
                return false
            }
            #expect(seen == Set(all.map { WordSet.hash($0.utf8) }), "\(name)")
        }
    }

    /// What Reeve wrote itself is no word of the text.
    @Test func namesOfParametersDoNotTell() throws {
        #expect(try found("passport C01234567").contains("id.us.passport C01234567"))
        #expect(try found("REPLACE_WITH_PASSPORT_1 C01234567").isEmpty)
        #expect(try found("REPLACE_WITH_SECRET_1: abc123def456ghi789").isEmpty)
    }

    @Test func handlesAndNamesWithANumberAreNoCodes() throws {
        #expect(try found("passport XN0G3X9B1").contains("id.nl.passport XN0G3X9B1"))
        #expect(try found("AlexK1919 passport").isEmpty)
        #expect(try found("passport Variables1").isEmpty)
    }

    /// A sentence beside a value is no name of it, and one that holds a stand-in was none.
    @Test func longLabelsDoNotTell() throws {
        let label = "the ssn of this person"
        #expect(try found(#"[{"name":"\#(label)","value":"536228726"}]"#) == ["id.us.ssn 536228726"])
        let sentence = String(repeating: label + " ", count: 4)
        #expect(try found(#"[{"name":"\#(sentence)","value":"536228726"}]"#).isEmpty)
    }

    /// A value that is no secret may hold one.
    @Test(arguments: [
        "token=getToken(password='Tr0ub4dor3xyz9')", "password=ask,token: \"q7Wm2xK9pL4vB8nT3zR6\"",
        "secret=env(API_KEY|q7Wm2x)&password=Tr0ub4dor3xyz9",
    ])
    func aValueWithinAValue(_ text: String) throws {
        #expect(try found(text).contains { $0.hasPrefix("secret.") }, "\(text)")
    }

    /// However long it is, all of it goes.
    @Test func valuesAreNotCutShort() throws {
        let long = String(repeating: "q7Wm2xK9pL4vB8nT3zR6", count: 500)
        for text in [
            "password=\(long)", "psql --password \(long)", "Authorization: Bearer \(long)", "{\"apiKey\":\"\(long)\"}",
        ] {
            #expect(try found(text).contains { $0.hasSuffix(" " + long) }, "\(text.prefix(30))")
        }
        let token = "eyJ" + long + ".eyJ" + long + "." + long
        #expect(try found("token \(token)").contains("secret.jwt \(token)"))
        #expect(try found("password: Tr0ub'4dor3xyz9 x").contains { $0.hasSuffix("Tr0ub'4dor3xyz9") })
    }

    @Test(arguments: [
        ("born May 5th", "May 5th"), ("born on May 5th, 1980", "May 5th, 1980"),
        (#"C:\\Users\\Dana Smith\\x"#, "Dana Smith"), ("C:/Users/Dana Smith/x", "Dana Smith"),
        ("see 64616e612e736d6974684061636d652e636f6d", "64616e612e736d6974684061636d652e636f6d"),
    ])
    func datesAndFolders(_ text: String, _ value: String) throws {
        let all = try found(text)
        #expect(all.contains { $0.hasSuffix(" " + value) }, "\(all)")
    }

    /// What a word tells in one place goes wherever else it stands.
    @Test(arguments: [
        #"["2024-11-06 born 5/21/1980", "2024-11-06"]"#, #"{"dob":"1980-05-21","a":["on 1980-05-21 and later"]}"#,
        #"["Send to Kestrel GmbH", "KESTREL GMBH is the same", "a/Kestrel GmbH/b"]"#,
        #"["wexford.zendesk.com and wexford.zendesk.com(x)"]"#,
        #"{"password":"correcthorse9x","a":"it is CorrectHorse9x, as ever"}"#,
    ])
    func whatIsToldOnceGoesEverywhere(_ document: String) throws {
        let report = scrub(Array(document.utf8), as: .plainJSON)
        guard case .publishable(let recipe) = report.verdict else {
            Issue.record("\(report.verdict)")
            return
        }
        let left = String(decoding: recipe.bytes, as: UTF8.self).lowercased()
        for value in ["2024", "1980", "kestrel", "wexford", "correcthorse"] {
            #expect(!left.contains(value), "\(left)")
        }
        #expect(report.findings.contains { $0.rule == "taken" } && scrub(recipe.bytes, as: .plainJSON).findings.isEmpty)
    }

    /// A text in base 64 in which something was replaced is another text, which behind such a word may look like a secret.
    @Test(arguments: ["token ", "bearer ", "secret: ", "password=", "api key "])
    func whatIsPackedAgainBlocksNothing(_ word: String) throws {
        for sample in Sample.onePerClass {
            for padding in ["", "a", "ab"] {
                let packed = Data("the value is\(padding) \(sample.value)".utf8).base64EncodedString()
                let report = scrub(Array(#"{"error":"given \#(word)\#(packed)"}"#.utf8), as: .plainJSON)
                switch report.verdict {
                case .publishable(let recipe):
                    #expect(!String(decoding: recipe.bytes, as: UTF8.self).contains(packed.prefix(packed.count - 4)))
                case .needsReview: #expect(!report.findings.isEmpty)
                case .blocked(let reason): Issue.record("\(sample.rule): \(reason)")
                }
            }
        }
    }

    /// Where it cannot be changed the reason is that, and not that something is left.
    @Test func whatIsToldOnceAndStandsInAKey() throws {
        let report = scrub(Array(#"{"a":"Send to Kestrel GmbH","b":{"Kestrel GmbH":1}}"#.utf8), as: .plainJSON)
        guard case .blocked(.notReplaceable) = report.verdict else {
            Issue.record("\(report.verdict)")
            return
        }
    }

    /// In code words are those of the program: there a digit makes a password.
    @Test func wordsInCodeAreNoPasswords() throws {
        func isLeft(_ value: String) throws -> Bool {
            let nodes = #"[{"name":"a","type":"b","parameters":{"body":{"password":"\#(value)"}}}]"#
            let report = scrub(Array(#"{"nodes":\#(nodes),"connections":{}}"#.utf8), as: .n8n)
            return report.findings.isEmpty
        }

        #expect(try !isLeft("monkeybusiness"))
        #expect(try isLeft("={{ $json['monkeybusiness'] }}"))
        #expect(try !isLeft("={{ 'monkey8business7' }}"))
    }
}
