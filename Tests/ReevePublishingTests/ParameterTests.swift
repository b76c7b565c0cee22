// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Values that whoever installs a recipe fills in.
@Suite struct ParameterTests {
    private func scrubbed(_ bytes: [UInt8], as format: RecipeFormat = .plainJSON) throws -> [UInt8] {
        let policy = try PublishingPolicy(audience: .everyone, replacement: .parameter)
        return try output(Scrubber(policies: [.publicLibrary: policy]).scrub(bytes, as: format, for: .publicLibrary))
    }

    private func parameter(_ name: String) throws -> RecipeParameter { try #require(RecipeParameter(name)) }

    @Test func valuesBecomeParameters() throws {
        let input = Array(
            #"{"a":"x@acme-corp.io, y@acme-corp.io","b":"X@acme-corp.io","phone":"(415) 867-5309","mobile":14158675309,"c":"4539 1488 0343 6467 DE89 3704 0044 0532 0130 00"}"#
                .utf8)
        let recipe = try scrubbed(input)
        #expect(
            String(decoding: recipe, as: UTF8.self)
                == #"{"a":"REPLACE_WITH_EMAIL_1, REPLACE_WITH_EMAIL_2","b":"REPLACE_WITH_EMAIL_1","phone":"REPLACE_WITH_PHONE_1","mobile":12025550100,"c":"REPLACE_WITH_PAYMENT_CARD_1 REPLACE_WITH_BANK_ACCOUNT_1"}"#
        )
        #expect(try scrubbed(recipe) == recipe)
        #expect(
            try RecipeFormat.plainJSON.parameters(of: recipe).map(\.description) == [
                "REPLACE_WITH_EMAIL_1", "REPLACE_WITH_EMAIL_2", "REPLACE_WITH_PHONE_1", "REPLACE_WITH_PAYMENT_CARD_1",
                "REPLACE_WITH_BANK_ACCOUNT_1",
            ])
        let filled = try RecipeFormat.plainJSON.fill(
            [
                parameter("REPLACE_WITH_EMAIL_1"): "kim@new-company.example",
                parameter("REPLACE_WITH_PHONE_1"): "+44 20 7946 0000",
            ], in: recipe)
        #expect(
            String(decoding: filled, as: UTF8.self)
                == #"{"a":"kim@new-company.example, REPLACE_WITH_EMAIL_2","b":"kim@new-company.example","phone":"+44 20 7946 0000","mobile":12025550100,"c":"REPLACE_WITH_PAYMENT_CARD_1 REPLACE_WITH_BANK_ACCOUNT_1"}"#
        )
    }

    /// The 101st number has no stand-in: it is a parameter, and as a number it goes to a person.
    @Test func aUsedUpPoolGivesParameters() throws {
        let numbers = (0..<103).map { "\"+1415867\(5000 + $0)\"" }.joined(separator: ",")
        let recipe = try output(scrub(Array("[\(numbers)]".utf8), as: .plainJSON))
        let texts = try strings(recipe)
        #expect(Set(texts).count == 103)
        #expect(texts.suffix(3) == ["REPLACE_WITH_PHONE_1", "REPLACE_WITH_PHONE_2", "REPLACE_WITH_PHONE_3"])
        #expect(texts.dropLast(3).allSatisfy { $0.hasPrefix("+120255501") })
        guard case .needsReview = scrub(Array("[\(numbers),{\"mobile\":14158679999}]".utf8), as: .plainJSON).verdict
        else {
            Issue.record("a number became text")
            return
        }
    }

    @Test func namesThatOccurAreSkipped() throws {
        let recipe = try scrubbed(
            Array(#"["REPLACE_WITH_EMAIL_1","a REPLACE_WITH_EMAIL_3","x@acme-corp.io","y@acme-corp.io"]"#.utf8))
        #expect(try strings(recipe).suffix(2) == ["REPLACE_WITH_EMAIL_2", "REPLACE_WITH_EMAIL_4"])
    }

    /// A value is put back into each place in which one can stand, and a scrub takes it out again.
    @Test(arguments: Form.allCases) func eachPlaceIsFilled(_ form: Form) throws {
        for sample in Sample.onePerClass where !sample.value.contains("\n") {
            let recipe = try scrubbed(form.recipe(with: sample.value), as: .workato)
            let parameters = try RecipeFormat.workato.parameters(of: recipe)
            #expect(parameters.map(\.kind) == [sample.kind], "\(sample.rule)")
            let filled = try RecipeFormat.workato.fill([try #require(parameters.first): sample.part], in: recipe)
            #expect(filled == form.recipe(with: sample.value), "\(sample.rule)")
            #expect(try scrubbed(filled, as: .workato) == recipe)
        }
    }

    /// What is packed is unpacked, filled in and packed again; a step's name changes with everything that speaks of it.
    @Test func packingsAndNamesAreFilled() throws {
        let packed = Data("to: dana@acme-corp.io, cc: lee@acme-corp.io".utf8).base64EncodedString()
        let workflow = Array(
            #"{"nodes":[{"name":"Mail dana@acme-corp.io","type":"t","parameters":{"a":"\#(packed)","b":"={{ $('Mail dana@acme-corp.io').item.json.x }}"}}],"connections":{"Mail dana@acme-corp.io":{"main":[[]]}}}"#
                .utf8)
        let recipe = try scrubbed(workflow, as: .n8n)
        let parameters = try RecipeFormat.n8n.parameters(of: recipe)
        #expect(parameters.map(\.description) == ["REPLACE_WITH_EMAIL_1", "REPLACE_WITH_EMAIL_2"])
        let filled = try RecipeFormat.n8n.fill(
            [parameters[0]: "dana@acme-corp.io", parameters[1]: "lee@acme-corp.io"], in: recipe)
        #expect(filled == workflow)
    }

    /// What could be code, or end a literal, is not filled in; no error shows the value.
    @Test(arguments: [
        "", "=1+1", "#{_('data.x')}", "{{ $json.secret }}", "a}}b", "${x}", "`id`", "a\\nb", "a\nb", "a\u{7F}b",
        "{exit()}",
        "x\u{2028}process.exit(1)", "a\u{85}b", "a#", "a$", "@x", "<script>", "\u{202E}x", "\u{200B}x",
        "REPLACE_WITH_EMAIL_2",
        String(repeating: "x", count: 1025),
    ])
    func codeIsNotFilledIn(_ value: String) throws {
        let recipe = try scrubbed(Array(#"["x@acme-corp.io"]"#.utf8))
        let email = try parameter("REPLACE_WITH_EMAIL_1")
        #expect(throws: RecipeParameterError.notText(email)) {
            try RecipeFormat.plainJSON.fill([email: value], in: recipe)
        }
        #expect(value.count < 3 || !RecipeParameterError.notText(email).description.contains(value))
    }

    /// In code a value has no sign of the code; outside of it people write as they do.
    @Test(arguments: [
        "it's", "say \"hi\"", "*/process.exit(1)/*", "a(b", "a;id", "#$0", "a&b", "a%41", "O'Brien", "Acme (UK) Ltd",
        "+1 (415) 867-5309", "#general", "Hello!", "https://x.com/?a=b&c=d", "\u{2116} 5",
    ])
    func codeTakesLettersOnly(_ value: String) throws {
        let email = try parameter("REPLACE_WITH_EMAIL_1")
        let plain = try RecipeFormat.plainJSON.fill([email: value], in: Array(#"["REPLACE_WITH_EMAIL_1"]"#.utf8))
        #expect(try strings(plain) == [value])
        let recipe = Array(
            #"{"code":{"keyword":"trigger","input":{"m":"to REPLACE_WITH_EMAIL_1, #{_('data.a.b')}"}},"config":[]}"#
                .utf8)
        #expect(
            try strings(RecipeFormat.workato.fill([email: value], in: recipe)).contains("to \(value), #{_('data.a.b')}")
        )
        for code in ["return 'REPLACE_WITH_EMAIL_1';", "// REPLACE_WITH_EMAIL_1", "/* REPLACE_WITH_EMAIL_1 */"] {
            let workflow = Array(
                #"{"nodes":[{"name":"A","type":"t","parameters":{"jsCode":"\#(code)"}}],"connections":{}}"#.utf8)
            #expect(throws: RecipeParameterError.notText(email)) {
                try RecipeFormat.n8n.fill([email: value], in: workflow)
            }
        }
        let template = Array(
            #"{"nodes":[{"name":"A","type":"t","parameters":{"a":"={ \"b\": REPLACE_WITH_EMAIL_1, \"c\": {{ $json.x }} }"}}],"connections":{}}"#
                .utf8)
        #expect(throws: RecipeParameterError.notText(email)) { try RecipeFormat.n8n.fill([email: value], in: template) }
    }

    /// A value makes no end of a comment together with what stands before it, and no element more of a list.
    @Test func valuesEndNothing() throws {
        let email = try parameter("REPLACE_WITH_EMAIL_1")
        let workflow = Array(
            #"{"nodes":[{"name":"A","type":"t","parameters":{"jsCode":"/* *REPLACE_WITH_EMAIL_1 x() */"}}],"connections":{}}"#
                .utf8)
        #expect(throws: RecipeParameterError.notText(email)) { try RecipeFormat.n8n.fill([email: "/ x"], in: workflow) }
        let list = Array(
            #"{"code":{"keyword":"trigger","input":{"m":"=%w(a REPLACE_WITH_EMAIL_1 b)"}},"config":[]}"#.utf8)
        #expect(throws: RecipeParameterError.notText(email)) { try RecipeFormat.workato.fill([email: "a b"], in: list) }
        #expect(try strings(RecipeFormat.workato.fill([email: "ab"], in: list)).contains("=%w(a ab b)"))
    }

    /// What stands in code, in a key, or keeps a recipe together is no text; neither is what is put together of literals.
    @Test(arguments: [
        (#"const u = REPLACE_WITH_EMAIL_1;"#, "jsCode"), (#"={{ REPLACE_WITH_EMAIL_1 }}"#, "text"),
        (#"=Hi {{ $json.REPLACE_WITH_EMAIL_1 }}"#, "text"), (#"return /REPLACE_WITH_EMAIL_1/;"#, "jsCode"),
        (#"return 'REPLACE_WITH_' + 'EMAIL_1'"#, "jsCode"), (#"{"REPLACE_WITH_EMAIL_1":1,"ab":2}"#, "body"),
    ])
    func codeIsNoPlaceForAValue(_ text: String, _ key: String) throws {
        let escaped = String(decoding: JSONText.escape(text.utf8), as: UTF8.self)
        let workflow = Array(
            #"{"nodes":[{"name":"A","type":"t","parameters":{"\#(key)":"\#(escaped)","to":"REPLACE_WITH_EMAIL_1"}}],"connections":{}}"#
                .utf8)
        let email = try parameter("REPLACE_WITH_EMAIL_1")
        #expect(try RecipeFormat.n8n.parameters(of: workflow) == [email])
        #expect(throws: RecipeParameterError.notFillable(email)) {
            try RecipeFormat.n8n.fill([email: "ab"], in: workflow)
        }
    }

    @Test(arguments: [
        #""provider":"REPLACE_WITH_EMAIL_1""#, #""as":"REPLACE_WITH_EMAIL_1""#, #""input":{"REPLACE_WITH_EMAIL_1":1}"#,
        #""input":{"m":"=REPLACE_WITH_EMAIL_1 + 'x'"}"#, ##""input":{"m":"#{REPLACE_WITH_EMAIL_1}"}"##,
        #""input":{"m":"=_('data.x.REPLACE_WITH_EMAIL_1')"}"#,
        #""input":{"m":"=%(REPLACE_WITH_EMAIL_1).to_i + REPLACE_WITH_EMAIL_1"}"#,
    ])
    func whatKeepsARecipeTogetherStays(_ member: String) throws {
        let recipe = Array(#"{"code":{"keyword":"trigger",\#(member)},"config":[]}"#.utf8)
        let email = try parameter("REPLACE_WITH_EMAIL_1")
        #expect(throws: RecipeParameterError.notFillable(email)) {
            try RecipeFormat.workato.fill([email: "kim@acme-corp.io"], in: recipe)
        }
    }

    /// A literal of Ruby ends where its author said: a sign that would end it is written as it has to be there.
    @Test(arguments: [
        ("%/to REPLACE_WITH_EMAIL_1/", "a/b.exit+x", #"%/to a\\/b.exit+x/"#),
        ("%:REPLACE_WITH_EMAIL_1:", "a:b+c", #"%:a\\:b+c:"#), ("%.REPLACE_WITH_EMAIL_1.", "a.b", #"%.a\\.b."#),
        ("'REPLACE_WITH_EMAIL_1'", "a/b", "'a/b'"),
    ])
    func literalsEndWhereTheyDid(_ before: String, _ value: String, _ after: String) throws {
        func recipe(_ literal: String) -> [UInt8] {
            Array(#"{"code":{"keyword":"trigger","input":{"m":"=\#(literal) + 'x'"}},"config":[]}"#.utf8)
        }
        let email = try parameter("REPLACE_WITH_EMAIL_1")
        let filled = try RecipeFormat.workato.fill([email: value], in: recipe(before))
        #expect(String(decoding: filled, as: UTF8.self) == String(decoding: recipe(after), as: UTF8.self))
    }

    /// Two names of steps stay two, and no byte more than the limit is made.
    @Test func theRecipeStaysTheSame() throws {
        let workflow = Array(
            #"{"nodes":[{"name":"REPLACE_WITH_EMAIL_1","type":"t"},{"name":"Other step","type":"t"}],"connections":{}}"#
                .utf8)
        let email = try parameter("REPLACE_WITH_EMAIL_1")
        #expect(throws: RecipeParameterError.unreadable) {
            try RecipeFormat.n8n.fill([email: "Other step"], in: workflow)
        }
        #expect(throws: RecipeParameterError.unreadable) {
            try RecipeFormat.n8n.fill(
                [email: String(repeating: "x", count: 1000)], in: workflow, limits: .init(bytes: 200))
        }
        #expect(try RecipeFormat.n8n.fill([email: "Another"], in: workflow).count == workflow.count - 13)
    }

    /// A digit right behind a value never becomes one of its parameter's number.
    @Test(arguments: [
        "AKIAQ3EGRZ7VXK2MDWPL8", "AKIAQ3EGRZ7VXK2MDWPL0", "AKIAQ3EGRZ7VXK2MDWPL8888888",
        "AKIAQ3EGRZ7VXK2MDWPL88 and AKIAQ3EGRZ7VXK2MDWPL",
    ])
    func numbersOfParametersAreTheirOwn(_ text: String) throws {
        let recipe = try scrubbed(Array("[\"\(text)\"]".utf8))
        let names = try RecipeFormat.plainJSON.parameters(of: recipe)
        #expect(names.map(\.number) == Array(1...names.count))
        #expect(names.count == text.ranges(of: "AKIA").count)
    }

    /// With its country or without, the same digits are two numbers, and have two parameters.
    @Test func differentNumbersHaveDifferentParameters() throws {
        let recipe = try scrubbed(Array(#"["+49 32 301820","(493) 230-1820"]"#.utf8))
        #expect(Set(try strings(recipe)).count == 2)
    }

    @Test func whatIsNotThereIsAnError() throws {
        let (email, phone) = (try parameter("REPLACE_WITH_EMAIL_1"), try parameter("REPLACE_WITH_PHONE_7"))
        let recipe = Array(#"["REPLACE_WITH_EMAIL_1"]"#.utf8)
        #expect(throws: RecipeParameterError.notInRecipe(phone)) {
            try RecipeFormat.plainJSON.fill([email: "a", phone: "b"], in: recipe)
        }
        #expect(try RecipeFormat.plainJSON.fill([:], in: recipe) == recipe)
        for broken in ["", "{", "[1", "\"\u{FEFF}", "{\"a\":1,\"a\":2}"] {
            #expect(throws: RecipeParameterError.unreadable) {
                try RecipeFormat.plainJSON.fill([:], in: Array(broken.utf8))
            }
            #expect(throws: RecipeParameterError.unreadable) {
                try RecipeFormat.plainJSON.parameters(of: Array(broken.utf8))
            }
        }
    }

    @Test func namesAreExact() throws {
        for name in [
            "REPLACE_WITH_EMAIL_0", "REPLACE_WITH_EMAIL_01", "REPLACE_WITH_EMAIL_", "REPLACE_WITH_MAIL_1",
            "REPLACE_WITH_EMAIL_1 ",
            "REPLACE_WITH_EMAIL_1000000", "xREPLACE_WITH_EMAIL_1", "", "REPLACE_WITH_", "REPLACE_WITH_EMAIL_٣",
        ] {
            #expect(RecipeParameter(name) == nil, "\(name)")
        }
        for kind in Sample.onePerClass.map(\.kind) {
            let sample = try #require(Sample.all.first { $0.kind == kind && !$0.value.contains("\n") })
            let recipe = try scrubbed(Array("[\"\(sample.value)\"]".utf8))
            // What stands around it stays.
            let text = try #require(try strings(recipe).first)
            let start = try #require(text.range(of: "REPLACE_WITH_")).lowerBound
            let name = String(text[start...].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
            #expect(try parameter(name).kind == kind && parameter(name).description == name)
            #expect(
                try JSONDecoder().decode([RecipeParameter].self, from: JSONEncoder().encode([parameter(name)])) == [
                    parameter(name)
                ])
        }
    }
}

@Suite struct ParameterProperties {
    /// Recipes of random texts and values: filling in what was taken out gives the recipe back, byte for byte.
    @Test func fillingInGivesTheRecipeBack() throws {
        var generator = Scale.current.generator(for: "parameters")
        let policy = try PublishingPolicy(audience: .everyone, replacement: .parameter)
        let scrubber = Scrubber(policies: [.publicLibrary: policy])
        let values = [
            ("dana@acme-corp.io", DataClass.email), ("lee@acme-corp.io", .email), ("+14158675309", .phone),
            ("4539148803436467", .paymentCard),
        ]
        var filled = 0
        for _ in 0..<Scale.current.cases(ci: 5_000, soak: 1_000_000) {
            let form = Form.allCases.randomElement(using: &generator) ?? .literal
            var (words, originals): ([String], [RecipeParameter: String]) = ([], [:])
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let (value, kind) = values.randomElement(using: &generator) ?? values[0]
                guard Bool.random(using: &generator) else {
                    words.append(
                        ["text", "<b>", "&amp;", "é", "'", "\\", "12", "REPLACE_WITH"].randomElement(using: &generator)
                            ?? "")
                    continue
                }
                words.append(value)
                guard !originals.values.contains(value) else { continue }
                let number = originals.keys.reduce(1) { $0 + ($1.kind == kind ? 1 : 0) }
                let word = [DataClass.email: "EMAIL", .phone: "PHONE"][kind] ?? "PAYMENT_CARD"
                originals[try #require(RecipeParameter("REPLACE_WITH_\(word)_\(number)"))] = value
            }
            let input = form.recipe(with: words.joined(separator: "  "))
            guard case .publishable(let recipe) = scrubber.scrub(input, as: .workato, for: .publicLibrary).verdict
            else { continue }
            #expect(
                Set(try RecipeFormat.workato.parameters(of: recipe.bytes)) == Set(originals.keys), "\(form) \(words)")
            #expect(try RecipeFormat.workato.fill(originals, in: recipe.bytes) == input, "\(form) \(words)")
            filled += originals.isEmpty ? 0 : 1
        }
        #expect(filled > 500)
    }
}
