// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Values behind several layers at once: none may be readable in what is published.
@Suite struct CombinedLayerTests {
    private static func workato(_ key: String, _ text: String) -> [UInt8] {
        let escaped = String(decoding: JSONText.escape(text.utf8), as: UTF8.self)
        return Array(#"{"code":{"keyword":"trigger","input":{"\#(key)":"\#(escaped)"}},"config":[]}"#.utf8)
    }

    private static func n8n(_ key: String, _ text: String) -> [UInt8] {
        let escaped = String(decoding: JSONText.escape(text.utf8), as: UTF8.self)
        return Array(
            #"{"nodes":[{"name":"A","type":"t","parameters":{"\#(key)":"\#(escaped)"}}],"connections":{}}"#.utf8)
    }

    private static let pill = "#{_('data.crm.start.Email')}"

    /// Code of recipes, where a pill stands in it or not.
    private static let recipeCode = [
        "x = '\(pill)'\nk = 'sk_live_' + '4eC39HqLyjWDarjtT1zdp7dc'", "x = '\(pill)'\nm = 'jo.smith@' + 'acme.com'",
        "m = 'jo.smith@' + 'acme.com'\nreturn \(pill)", "# it's \(pill)\nm = 'jo.smith@' 'acme.com'",
        "const x = `\(pill)`; const m = 'jo.smith@' + 'acme.com'", "m = 'jo.smith@acme.com' + '\(pill)'",
    ]

    /// Formulas of recipes.
    private static let formulas = [
        "='jo.smith@' + %q(acme.com)", "=%Q(jo.smith@) + 'acme.com'", "=('jo.smith@') + 'acme.com'",
        "=('am8uc21pdGhA' + 'YWNtZS5jb20=').decode_base64", "=%w(jo.smith@) << 'acme.com'",
        "=\"jo.smith@\\\nacme.com\"", "Ask jo.smith@<b>acme.com</b>",
        "Card <span>4539</span> <span>1488</span> 0343 6467",
        "+1 415 <b>867 5309</b>", "jo.smith@<!-- x -->acme.com", "jo.smith@<wbr>acme.com",
        "<p>jo.smith@<br/>acme.com</p>",
        "sk\\_live\\_4eC39HqLyjWDarjtT1zdp7dc", "jo.smith\\@acme.com", "jo.smith@acme\\.com", "^jo\\.smith@acme\\.com$",
        String(repeating: "<https://a.co|x> ", count: 20) + "jo.smith@<b>acme.com</b>",
        "jo.smith@<x-y>acme.com</x-y>",
        "jo\\_smith@acme.com", "415\\-867\\-5309",
        "https://x.io/cb?state=aHR0cHM6Ly9hLmlvL3g%2FdG89am8uc21pdGhAYWNtZS5jb20%3D",
    ]

    /// Code of workflows.
    private static let workflowCode = [
        "return atob('am8uc21pdGhA' + 'YWNtZS5jb20=');", "m = ('jo.smith@') + 'acme.com';",
        "m = 'jo.smith' + ('@') + 'acme.com';",
        "m = 'jo.smith@\\\nacme.com';", "m = 'jo.smith@acme\\56com';", "p = '+1415\\\n8675309';",
        "h = 'Basic ' + 'c2tfbGl2ZV80ZUMzOUhx' + 'THlqV0Rhcmp0VDF6ZHA3ZGM6';",
        "r = new RegExp('jo.smith@acme\\\\.com');",
    ]

    private static let inputs: [(bytes: [UInt8], format: RecipeFormat)] = {
        var inputs: [(bytes: [UInt8], format: RecipeFormat)] = []
        for code in recipeCode { inputs += [(workato("code", code), .workato), (workato("script", code), .workato)] }
        for formula in formulas { inputs.append((workato("m", formula), .workato)) }
        for code in workflowCode { inputs.append((n8n("jsCode", code), .n8n)) }
        inputs.append((n8n("code", "m = 'jo.smith@' + 'acme.com'"), .n8n))
        inputs.append((n8n("text", "=Basic am8uc21pdGhA{{ 'YWNtZS5jb20=' }}"), .n8n))
        return inputs
    }()

    @Test(arguments: inputs.indices) func nothingIsReadable(_ index: Int) throws {
        let (input, format) = Self.inputs[index]
        let report = scrub(input, as: format)
        #expect(!report.findings.isEmpty)
        guard case .publishable(let recipe) = report.verdict else { return }
        let text = try strings(recipe.bytes).joined(separator: "\n")
        for part in ["smith", "acme", "4eC39", "0343", "867", "am8uc21p", "c2tfbGl2"] {
            #expect(!text.contains(part), "\(text)")
        }
        #expect(scrub(recipe.bytes, as: format).findings.isEmpty)
    }

    /// What a text as a whole shows is replaced where it is certain, and pills stay.
    @Test(arguments: [
        (
            "x = '#{_('data.a')}'\nm = 'jo.smith@acme.com'\nn = \"jo.smith@\" + \"acme.com\"",
            "x = '#{_('data.a')}'\nm = 'user1@example.com'\nn = \"user1@example.com\" + \"\""
        ),
        ("#{_('data.a')} # jo.smith@acme.com", "#{_('data.a')} # user1@example.com"),
    ])
    func codeWithPillsIsScrubbed(_ before: String, _ after: String) throws {
        #expect(try strings(output(scrub(Self.workato("code", before)))).contains(after))
    }

    /// A workflow within a workflow is one, with all that goes by its role.
    @Test func aWorkflowInAWorkflowIsOne() throws {
        let inner =
            #"{"nodes":[{"name":"B","type":"t","parameters":{},"webhookId":"abcdef-123456-xyz","credentials":{"crm":{"id":"77","name":"Sales CRM of Jo"}}}],"connections":{},"pinData":{"B":[{"json":{"a":"secret plan"}}]}}"#
        let text = try strings(output(scrub(Self.n8n("workflowJson", inner), as: .n8n))).joined(separator: "\n")
        for part in ["abcdef-123456", "Sales CRM", "secret plan", "77"] { #expect(!text.contains(part), "\(part)") }
    }

    /// Tags that hold nothing are no reason to ask anybody.
    @Test(arguments: [
        "<p>Hello <b>you</b>, 12 <i>items</i></p>", "a < b && c > d", "if (x<y && 12345>z)", "Jo <x> <y/> 2026-11-29",
        "a + 2026-11-29 10:20:30",
    ])
    func plainTagsArePassedOver(_ text: String) throws {
        #expect(scrub(Self.workato("m", text)).findings.isEmpty)
    }

    /// An integer that is written with an exponent is written out by some programs, and not by others.
    @Test(arguments: ["4.539148803436467e15", "1.4158675309e10", "4539148803436467E0"]) func longNumbersHaveNoExponent(
        _ number: String
    ) {
        guard case .blocked(.ambiguous) = scrub(Array("{\"card\":\(number)}".utf8), as: .plainJSON).verdict else {
            Issue.record("\(number)")
            return
        }
        #expect(scrub(Array(#"[1e3,1.5e-7,0.25E+2]"#.utf8), as: .plainJSON).findings.isEmpty)
    }
}
