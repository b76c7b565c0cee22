// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

@Suite struct ScrubberTests {
    /// Clause P1.4: each class, in each form, is taken out, and nothing of it is left in any form.
    @Test(arguments: Sample.all, Form.allCases) func plantedValuesAreTakenOut(_ sample: Sample, _ form: Form) throws {
        let input = form.recipe(with: sample.value)
        let report = scrub(input)
        #expect(report.findings.map(\.rule) == [sample.rule], "\(form)")
        #expect(report.findings.map(\.kind) == [sample.kind])
        let after = try output(report)
        for text in try strings(after) { #expect(!text.contains(sample.part), "\(form)") }
        #expect(!String(decoding: after, as: UTF8.self).contains(sample.part))
        #expect(try pills(after) == pills(input))
        // A second scrub changes nothing.
        let again = scrub(after)
        #expect(again.findings.isEmpty)
        #expect(try output(again) == after)
        // The edit is the only difference.
        let finding = try #require(report.findings.first)
        #expect(after.starts(with: input[..<finding.span.lowerBound]))
        #expect(after.reversed().starts(with: input[finding.span.upperBound...].reversed()))
    }

    @Test func sameValueSameStandInAndDistinctOnesDiffer() throws {
        let input =
            #"{"a":"x@acme-corp.io","b":"Y@acme-corp.io and X@ACME-corp.io","c":"+1 415 867 5309","d":"(415) 867-5309"}"#
        let text = String(decoding: try output(scrub(Array(input.utf8), as: .plainJSON)), as: UTF8.self)
        #expect(
            text
                == #"{"a":"user1@example.com","b":"user2@example.com and user1@example.com","c":"+12025550100","d":"(202) 555-0101"}"#
        )
    }

    @Test func standInsThatOccurAreSkipped() throws {
        let input = #"{"a":"user1@example.com","b":"x@acme-corp.io","c":"+1 202-555-0100","d":"+14158675309"}"#
        let text = String(decoding: try output(scrub(Array(input.utf8), as: .plainJSON)), as: UTF8.self)
        #expect(text == #"{"a":"user1@example.com","b":"user2@example.com","c":"+1 202-555-0100","d":"+12025550101"}"#)
    }

    /// What blocks hides whatever else is left: then the page shows nothing of the recipe.
    @Test func whatBlocksIsNotShownWithWhatSurvives() {
        let hex = Array("lee@acme-corp.io".utf8).map { String($0, radix: 16) }.joined()
        let report = scrub(Array(#"{"dana@acme-corp.io":"lee@acme-corp.io","x":"\#(hex)"}"#.utf8), as: .plainJSON)
        guard case .blocked(.notReplaceable) = report.verdict else {
            Issue.record("\(report.summary)")
            return
        }
        #expect(!report.html(title: "t").contains(hex))
    }

    @Test func numbersStayNumbers() throws {
        let input = #"{"card":4539148803436467,"mobile":14158675309,"count":4539148803436468}"#
        let text = String(decoding: try output(scrub(Array(input.utf8), as: .plainJSON)), as: UTF8.self)
        #expect(text == #"{"card":4000000000000010,"mobile":12025550100,"count":4539148803436468}"#)
    }

    @Test func whatCannotBeReplacedBlocks() {
        let cases: [(String, RecipeFormat)] = [
            (#"{"dana@acme-corp.io":1}"#, .plainJSON),
            (#"{"code":{"keyword":"trigger","as":"dana@acme-corp.io"},"config":[]}"#, .workato),
        ]
        for (input, format) in cases {
            let report = scrub(Array(input.utf8), as: format)
            guard case .blocked(.notReplaceable) = report.verdict else {
                Issue.record("\(report.summary)")
                continue
            }
            #expect(report.findings.map(\.action) == [.blocked])
            #expect(!report.findings.contains { $0.path.description.contains("dana") })
            #expect(!report.html(title: "t").contains("dana@"))
        }
    }

    @Test func aCopyInAReferenceBlocks() {
        let input =
            ##"{"code":{"keyword":"trigger","input":{"a":"dana@acme-corp.io","b":"#{_('data.x.dana@acme-corp.io')}"}},"config":[]}"##
        let report = scrub(Array(input.utf8))
        guard case .blocked(.notReplaceable) = report.verdict else {
            Issue.record("a copy in a reference was published")
            return
        }
        #expect(report.findings.map(\.action) == [.replaced, .blocked])
        // It may hold more than was found, so it is not shown.
        let page = report.html(title: "t")
        #expect(!page.contains("acme-corp") && page.contains("The recipe is not shown"))
    }

    /// Copies of a value in other encodings are seen, although no detector sees them.
    @Test(arguments: [
        "64616e612e776869746669656c644061636d652d636f72702e696f"
    ])
    func encodedCopiesBlock(_ copy: String) {
        let input = #"{"a":"dana.whitfield@acme-corp.io","b":"\#(copy)"}"#
        guard case .blocked(.survivor(let path)) = scrub(Array(input.utf8), as: .plainJSON).verdict else {
            Issue.record("a copy was published")
            return
        }
        #expect(!path.description.contains("dana"))
    }

    @Test func doubtfulValuesGoToAPerson() {
        let report = scrub(Array(#"{"card_number":"4539 1488 0343 6468"}"#.utf8), as: .plainJSON)
        guard case .needsReview = report.verdict else {
            Issue.record("\(report.summary)")
            return
        }
        #expect(report.findings.map(\.action) == [.review])
        #expect(!report.html(title: "t").contains("4539 1488"))
    }

    @Test(arguments: [
        "user@example.com", "version 1.0.0.0", "2026-01-01", "2100009826", "order 4539148803436468", "@types/node",
        "foo@2x.png", "9c1b6f0e-53e2-4f0f-8a55-7d0f1f1f6b21", "1778198128493", "10.0.0.1",
        "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
        "2026-01-01T00:00:00+00:00", "monkey=banana", "DE89 is a model", "0000 0000 0000 0000", "#ff00aa",
        "100,000,000.00",
        "ISBN 978-3-16-148410-0", "https://example.com/a@b", "AKIAIOSFODNN7EXAMPL", "price: 1 234 567 890",
    ])
    func harmlessTextsAreLeftAlone(_ text: String) throws {
        let input = Array(#"{"value":"\#(text)"}"#.utf8)
        let report = scrub(input, as: .plainJSON)
        #expect(report.findings.isEmpty)
        #expect(try output(report) == input)
    }

    @Test(arguments: [
        ("phone", "4158675309"), ("mobilePhone", "0171 2345678"), ("contact_tel", "020 7946 0958"),
        ("text", "call 020 7946 0958"),
        ("text", "Tel. 030/9018203"), ("text", "415-867-5309"), ("text", "1 (415) 867-5309"),
        ("text", "0049 30 9018203"),
        ("text", "415.867.5309,"), ("text", "+442079460958."),
    ])
    func phonesAreFoundByShapeKeyAndWords(_ key: String, _ text: String) {
        let report = scrub(Array(#"{"\#(key)":"\#(text)"}"#.utf8), as: .plainJSON)
        #expect(report.findings.map(\.kind) == [.phone])
    }

    @Test(arguments: [
        "josé.garcía@correo.es", "o'neil@acme-corp.io", "a_b-c@sub.acme-corp.museum", "<dana@acme-corp.io>",
        "mailto:dana@acme-corp.io?x",
        "d@münchen.de", "x.y@xn--mnchen-3ya.de", "Dana@ACME-CORP.IO.", "user01@example.com", "jane.doe@example.com",
    ])
    func addressesAreFoundWhole(_ text: String) throws {
        let report = scrub(Array(#"{"a":"\#(text)"}"#.utf8), as: .plainJSON)
        #expect(report.findings.map(\.kind) == [.email])
        let after = try strings(output(report)).joined()
        #expect(
            after.firstMatch(of: /[^<:.? ]*@[^>?]*/)?.output == "user1@example.com"
                || after.contains("user1@example.com"))
        #expect(!after.contains("acme") && !after.contains("doe") && !after.contains("jos"))
    }

    @Test func escapedValuesAreFound() throws {
        let input = #"{"a":"\u0064ana\u0040acme-corp.io\n","b":"\u002b1 415-867-5309"}"#
        let text = String(decoding: try output(scrub(Array(input.utf8), as: .plainJSON)), as: UTF8.self)
        #expect(text == #"{"a":"user1@example.com\n","b":"+12025550100"}"#)
    }

    @Test(arguments: [
        ("", JSONError.Code.truncated), ("{\"a\":", .truncated), ("\u{FEFF}{}", .byteOrderMark),
        ("{\"a\":1,\"a\":2}", .duplicateKey),
        ("{\"a\":\"\\ud800\"}", .loneSurrogate), ("{} x", .trailingData),
        (String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000), .tooDeep),
    ])
    func unreadableInputBlocks(_ text: String, _ code: JSONError.Code) {
        let report = scrub(Array(text.utf8))
        guard case .blocked(.malformed(let error)) = report.verdict else {
            Issue.record("\(report.summary)")
            return
        }
        #expect(error.code == code)
        #expect(report.findings.isEmpty)
    }

    @Test func tooManyLayersAndFindingsBlock() {
        var nested = "dana@acme-corp.io"
        for _ in 0..<10 { nested = "{\"a\":\"" + String(decoding: JSONText.escape(nested.utf8), as: UTF8.self) + "\"}" }
        guard case .blocked(.tooManyLayers) = scrub(Array(nested.utf8)).verdict else {
            Issue.record("ten layers were read")
            return
        }
        let many = (0...10_000).map { "\"a\($0)@acme-corp.io\"" }.joined(separator: ",")
        guard case .blocked(.tooManyFindings) = scrub(Array("[\(many)]".utf8)).verdict else {
            Issue.record("more findings than the limit were handled")
            return
        }
    }

    @Test func reportsMaskTheInput() throws {
        for sample in Sample.all {
            let report = scrub(Form.literal.recipe(with: sample.value))
            let page = report.html(title: "<Recipe>")
            #expect(!page.contains(sample.part.split(separator: "\n").last.map(String.init) ?? sample.part))
            #expect(page.contains("&lt;Recipe&gt;") && page.contains("Before") && page.contains("After"))
            for finding in report.findings { #expect(!"\(finding)".contains(sample.part)) }
        }
        // A page of a recipe that could not be read shows nothing of it.
        #expect(!scrub(Array("{\"a\":\"dana@acme-corp.io\"".utf8)).html(title: "t").contains("dana"))
    }

    @Test func formatsAreRecognizedOnlyWhenCertain() {
        #expect(RecipeFormat.recognize(Form.literal.recipe(with: "x"))?.name == "workato")
        #expect(
            RecipeFormat.recognize(Array(#"{"name":"a","provider":"b","root_folder":false}"#.utf8))?.name
                == "workato-connection")
        for text in [
            "{}", "[]", "1", "", "{\"code\":{}}", "{\"code\":{\"keyword\":1}}", "{\"code\":\"trigger\"}",
            "{\"nodes\":[],\"connections\":{}}",
        ] {
            #expect(RecipeFormat.recognize(Array(text.utf8)) == nil, "\(text)")
        }
    }
}

@Suite struct RealRecipeTests {
    static let paths = Vectors.recipes("workato") ?? []

    /// 23 real recipes, 4 connections and 15 workflows hold nothing of the classes of this version: reviewed by eye, and
    /// by grep for `@`, for digit groups and for the prefixes. So nothing may be found, and nothing may change but what
    /// goes by its role.
    @Test(
        .enabled(if: Vectors.folder != nil, "needs the vectors folder"),
        arguments: paths + (Vectors.recipes("n8n") ?? []))
    func realRecipesAreLeftAsTheyAre(_ path: String) throws {
        let input = Array(try #require(FileManager.default.contents(atPath: path)))
        let format = try #require(RecipeFormat.recognize(input))
        let report = scrub(input, as: format)
        // Two of them name who wrote them, one has a webhook's address, two a host of their author's.
        #expect(
            report.findings.allSatisfy { ["name.list", "secret.webhook", "host.tenant"].contains($0.rule) }
                && report.findings.count <= 3)
        let after = try output(report)
        #expect(isIdentical(input, after, outside: joined(report.findings.map(\.span) + report.dropped.map(\.span))))
        let again = scrub(after, as: format)
        #expect(again.findings.isEmpty && again.dropped.isEmpty)
    }

    /// Each class planted in each form in each real recipe: all are taken out, the rest is byte-identical.
    @Test(
        .enabled(if: Vectors.folder != nil, "needs the vectors folder"),
        arguments: paths.filter { $0.hasSuffix(".recipe.json") })
    func plantedRealRecipesComeOutClean(_ path: String) throws {
        let original = Array(try #require(FileManager.default.contents(atPath: path)))
        let samples = Sample.onePerClass
        let input = try planted(samples.map(\.value), in: original)
        let report = scrub(input)
        #expect(report.findings.count == 4 * samples.count)
        for sample in samples {
            let found = report.findings.filter { $0.kind == sample.kind && $0.action == .replaced }
            #expect(found.count == 4, "\(sample.rule)")
        }
        let after = try output(report)
        try JSONTokens(after).validate()
        #expect(try pills(after) == pills(input))
        let texts = try strings(after)
        for sample in samples { #expect(!texts.contains { $0.contains(sample.part) }, "\(sample.rule)") }
        let spans = (report.findings.map(\.span) + report.dropped.map(\.span)).sorted { $0.lowerBound < $1.lowerBound }
        let isSame = isIdentical(input, after, outside: spans)
        #expect(isSame)
        #expect(scrub(after).findings.isEmpty)
    }

    /// A literal, a comment, a formula literal and a nested document with each value, in the first block.
    private func planted(_ values: [String], in recipe: [UInt8]) throws -> [UInt8] {
        func json(_ text: String) -> String { String(decoding: JSONText.escape(text.utf8), as: UTF8.self) }
        let text = String(decoding: recipe, as: UTF8.self)
        let opening = try #require(text.firstRange(of: /"code"\s*:\s*\{/))
        let plants = values.enumerated().map { number, value in
            """
            "planted\(number)":{"comment":"\(json("see " + value))","input":{"literal":"\(json("to " + value))",
            "formula":"=\(json("_('data.x.y') || '\(value)'"))","nested":"\(json(#"{"note":"\#(json(value))"}"#))"}},
            """
        }
        return Array((text[..<opening.upperBound] + plants.joined() + text[opening.upperBound...]).utf8)
    }
}

@Suite struct ScrubberProperties {
    /// Work grows with the size, not with its square: sizes that a square would make take minutes.
    @Test func largeHostileInputsEnd() {
        let keys = (0..<60_000).map { "\"k\($0)\":1" }.joined(separator: ",")
        #expect(scrub(Array("{\(keys)}".utf8), as: .plainJSON).findings.isEmpty)
        let deep =
            String(repeating: "[", count: 255) + Array(repeating: "\"abcdef\"", count: 20_000).joined(separator: ",")
            + String(repeating: "]", count: 255)
        #expect(scrub(Array(deep.utf8), as: .plainJSON).findings.isEmpty)
        let secrets =
            (0..<2000).map { "sk_live_\(1_234_567_890_000_000 + $0)" } + Array(repeating: "sk_live_ ", count: 20_000)
        #expect(scrub(Array("[\"\(secrets.joined(separator: " "))\"]".utf8), as: .plainJSON).findings.count == 2000)
        let used = (1...20_000).map { "\"user\($0)@example.com\"" } + (0..<50).map { "\"a\($0)@acme.com\"" }
        #expect(scrub(Array("[\(used.joined(separator: ","))]".utf8), as: .plainJSON).findings.count == 50)
        // Literals that are joined, each with a value; and some that run into each other.
        let addresses = (0..<9000).map { "'a\($0)@acme.com '" }.joined(separator: " + ")
        let glued = Array(repeating: "'abcdef'", count: 60_000).joined(separator: "+")
        for (formula, findings) in [(addresses, 9000), (glued, 0)] {
            let recipe = Array(#"{"code":{"keyword":"trigger","input":{"m":"=\#(formula)"}},"config":[]}"#.utf8)
            #expect(scrub(recipe).findings.count == findings)
        }
        // What went from each of many files is looked for in all of them.
        let files = (0..<5000).map { number in
            PackageFile(path: "\(number).json", bytes: Array("[\"a\(number)@acme.com\"]".utf8), format: .plainJSON)
        }
        #expect(Scrubber().scrub(files, for: .publicLibrary).recipes?.count == 5000)
        let proj = String(repeating: "sk-proj-", count: 20_000)
        _ = scrub(Array("[\"\(proj)\"]".utf8), as: .plainJSON)
    }

    /// Hostile recipes never crash, and what comes out is readable, idempotent and keeps its references.
    @Test func mutatedRecipesAreScrubbedOrBlocked() throws {
        var generator = Scale.current.generator(for: "mutated recipes")
        let alphabet = Array("{}[]\"'\\#=_dp(),:@.+-0123456789abcE \n\u{e9}".utf8)
        var published = 0
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 10_000_000) {
            let sample = Sample.all.randomElement(using: &generator) ?? Sample.all[0]
            let form = Form.allCases.randomElement(using: &generator) ?? .literal
            var bytes = form.recipe(with: sample.value)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] = alphabet.randomElement(using: &generator) ?? 0
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(alphabet.randomElement(using: &generator) ?? 0, at: index)
                default:
                    if Bool.random(using: &generator) { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
                }
            }
            let report = scrub(bytes)
            guard case .publishable(let recipe) = report.verdict else { continue }
            published += 1
            try JSONTokens(recipe.bytes).validate()
            #expect(scrub(recipe.bytes).findings.isEmpty)
            for finding in report.findings {
                #expect(finding.span.upperBound <= bytes.count && !finding.span.isEmpty)
            }
        }
        #expect(published > 100)
    }

    /// Texts made of pieces of formulas, references and values: the scrubber keeps every reference.
    @Test func randomFormulasKeepTheirReferences() throws {
        var generator = Scale.current.generator(for: "random formulas")
        let parts = [
            "_dp('{\"path\":[\"a\"]}')", "_('data.a.b')", "'dana@acme-corp.io'", "\"dana@acme-corp.io\"", "#{", "}",
            "=", " + ", "'", "\"",
            "\\", "\\'", "text", "{\"a\":\"dana@acme-corp.io\"}", "+1 415 867 5309", "(", ")", "\n", "#", "{", "é",
        ]
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 10_000_000) {
            let text = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                parts.randomElement(using: &generator) ?? ""
            }.joined()
            let escaped = String(decoding: JSONText.escape(text.utf8), as: UTF8.self)
            let input = Array(#"{"code":{"keyword":"trigger","input":{"a":"\#(escaped)"}},"config":[]}"#.utf8)
            guard case .publishable(let recipe) = scrub(input).verdict else { continue }
            let after = String(decoding: recipe.bytes, as: UTF8.self)
            #expect(!after.contains("acme-corp"), "\(text)")
            for reference in ["_('data.a.b')", "_dp('{\\\"path\\\":[\\\"a\\\"]}')"] {
                let count = String(decoding: input, as: UTF8.self).ranges(of: reference).count
                #expect(after.ranges(of: reference).count == count, "\(text)")
            }
        }
    }
}
