// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Expressions, source code and names of n8n workflows.
@Suite struct WorkflowTests {
    private func json(_ text: String) -> String { String(decoding: JSONText.escape(text.utf8), as: UTF8.self) }

    /// A workflow with one parameter of a step.
    private func workflow(_ key: String, _ text: String) -> [UInt8] {
        Array(#"{"nodes":[{"name":"A","type":"t","parameters":{"\#(key)":"\#(json(text))"}}],"connections":{}}"#.utf8)
    }

    /// The parameter after a scrub; `nil` when it is not publishable.
    private func scrubbed(_ key: String, _ text: String) throws -> String? {
        let report = scrub(workflow(key, text), as: .n8n)
        guard case .publishable(let recipe) = report.verdict else { return nil }
        let again = scrub(recipe.bytes, as: .n8n)
        #expect(again.findings.isEmpty && again.dropped.isEmpty)
        var found: String?
        try JSONTokens(recipe.bytes).forEach { token, path in
            guard token.kind == .string, path.lastKey == key else { return }
            found = (try? JSONText.unescape(recipe.bytes[token.content])).map { String(decoding: $0, as: UTF8.self) }
        }
        return found
    }

    /// Literals and comments change, everything else stays.
    @Test(arguments: [
        ("text", "=Hi {{ $json.name }}, ask jo@acme.com", "=Hi {{ $json.name }}, ask user1@example.com"),
        ("text", "={{ $json.mail || 'jo@acme.com' }}", "={{ $json.mail || 'user1@example.com' }}"),
        ("text", "={{ $('A').item.json.x + \"jo@acme.com\" }}", "={{ $('A').item.json.x + \"user1@example.com\" }}"),
        ("text", "={{ 'jo\\u0040acme.com' }}", "={{ 'user1@example.com' }}"),
        ("text", "={{ 'jo\\x40acme.com'.length }}", "={{ 'user1@example.com'.length }}"),
        ("text", "={{ 'jo' + '@acme' + '.com' }}", "={{ 'user1@example.com' + '' + '' }}"),
        ("text", "={{ 'to jo@' + \"acme.com now\" }}", "={{ 'to user1@example.com' + \" now\" }}"),
        (
            "text", "={{ `to ${x} jo@acme.com ${ `y ${'jo@acme.com'}` }` }}",
            "={{ `to ${x} user1@example.com ${ `y ${'user1@example.com'}` }` }}"
        ),
        ("text", "={\"to\": \"jo@acme.com\", \"n\": 1}", "={\"to\": \"user1@example.com\", \"n\": 1}"),
        (
            "text", "={\"to\": \"{{ $json.to }}\", \"cc\": \"jo@acme.com\"}",
            "={\"to\": \"{{ $json.to }}\", \"cc\": \"user1@example.com\"}"
        ),
        (
            "jsonBody",
            "={\"to\": \"{{ 'jo' + '@acme.com' + $json.x['a b'] }}\", \"n\": [\"{{ \\\"jo@acme.com\\\" }}\"]}",
            "={\"to\": \"{{ 'user1@example.com' + '' + $json.x['a b'] }}\", \"n\": [\"{{ \\\"user1@example.com\\\" }}\"]}"
        ),
        ("text", "no template {{ jo@acme.com }}", "no template {{ user1@example.com }}"),
        ("text", "={{ unclosed 'jo@acme.com'", "={{ unclosed 'user1@example.com'"),
        ("text", "={{ 'unclosed jo@acme.com }}", "={{ 'unclosed user1@example.com }}"),
        ("jsCode", "// by jo@acme.com\nreturn 1;", "// by user1@example.com\nreturn 1;"),
        ("jsCode", "/* jo@acme.com */ x /* open jo@acme.com", "/* user1@example.com */ x /* open user1@example.com"),
        ("jsCode", "const a = b / c; // 'jo@acme.com'\nd = 'x'", "const a = b / c; // 'user1@example.com'\nd = 'x'"),
        (
            "jsCode", "if (/jo@acme\\.com'/.test(x)) y('jo@acme.com')",
            "if (/user1@example\\.com'/.test(x)) y('user1@example.com')"
        ),
        ("jsCode", "return /[/'\"]/.test(a) + 'jo@acme.com'", "return /[/'\"]/.test(a) + 'user1@example.com'"),
        ("jsCode", "const s = 'it\\'s jo@acme.com', t = \"a\";", "const s = 'it\\'s user1@example.com', t = \"a\";"),
        (
            "jsCode", "const o = {'jo@acme.com': 1, \"k\": `jo@acme.com`}",
            "const o = {'user1@example.com': 1, \"k\": `user1@example.com`}"
        ),
        ("functionCode", "x = 'jo@' +\n  'acme.com';", "x = 'user1@example.com' +\n  '';"),
        ("pythonCode", "# jo@acme.com\nx = 'jo@acme.com'", "# user1@example.com\nx = 'user1@example.com'"),
        ("pythonCode", "s = '''it's\njo@acme.com''' # '", "s = '''it's\nuser1@example.com''' # '"),
        ("pythonCode", "s = ('jo@'\n     'acme.com')", "s = ('user1@example.com'\n     '')"),
        ("jsCode", "if (x) /'/.test(a); y = 'jo@' + 'acme.com'", "if (x) /'/.test(a); y = 'user1@example.com' + ''"),
        (
            "jsCode", "x = n++ / 2; m = 'jo@' + 'acme.com'; // done",
            "x = n++ / 2; m = 'user1@example.com' + ''; // done"
        ),
        ("jsCode", "return ['jo@acme.com'];", "return ['user1@example.com'];"),
        ("jsCode", "x = 'open\ny = 'jo@acme.com'", "x = 'open\ny = 'user1@example.com'"),
        ("jsCode", "m = `${'jo@'}${'acme.com'}`", "m = `${'user1@example.com'}${''}`"),
        ("pythonCode", "m = 'jo@' f'acme.com'", "m = 'user1@example.com' f''"),
        ("pythonCode", "m = 'jo\\U00000040acme.com'", "m = 'user1@example.com'"),
        ("pythonCode", "r = a // b; s = f\"{a} jo@acme.com\"", "r = a // b; s = f\"{a} user1@example.com\""),
        ("pythonCode", "m = f\"jo@{'acme.com'}\" # x", "m = f\"user1@example.com{''}\" # x"),
        ("pythonCode", "m = f'{x}' f'''jo@{\"acme.com\"}\n{{'''", "m = f'{x}' f'''user1@example.com{\"\"}\n{{'''"),
        ("pythonCode", "m = f'{x['a b']} jo@acme.com'\ny = 1", "m = f'{x['a b']} user1@example.com'\ny = 1"),
        ("pythonCode", "m = 'jo\\N{COMMERCIAL AT}acme\\N{full stop}com'", "m = 'user1@example.com'"),
        ("jsCode", "m = 'jo@' /* the\n name */ + 'acme.com'", "m = 'user1@example.com' /* the\n name */ + ''"),
        ("jsCode", "m = 'jo@' + // the name\n 'acme.com'", "m = 'user1@example.com' + // the name\n ''"),
        ("jsCode", "f() // m = 'jo@' + 'acme.com'", "f() // m = 'user1@example.com' + ''"),
        (
            "jsCode", "'A' + 'K' + 'I' + 'A' + 'Q3EG' + 'RZ7V' + 'XK2M' + 'DWPL' + 'x'",
            "'REPLACE_WITH_SECRET_1' + '' + '' + '' + '' + '' + '' + '' + 'x'"
        ),
        ("text", "=mail jo@{{ 'acme.com' }} {{ $json.a }}", "=mail user1@example.com{{ '' }} {{ $json.a }}"),
        ("text", "={{ 'jo@' }}acme.com", "={{ 'user1@example.com' }}"),
        ("text", "={{ 'a \\}} b jo@acme.com' }}", "={{ 'a \\}} b user1@example.com' }}"),
        (
            "text", "=\\{{ it's jo@acme.com }} {{ 'kim@acme.com' }}",
            "=\\{{ it's user1@example.com }} {{ 'user2@example.com' }}"
        ),
        ("text", "={{ 'jo@' + 'acme.com'", "={{ 'user1@example.com' + ''"),
    ])
    func literalsChangeAndCodeStays(_ key: String, _ before: String, _ after: String) throws {
        let found = try scrubbed(key, before)
        #expect(found == after)
    }

    /// What names a field of the data is no text: it cannot be changed here.
    @Test(arguments: [
        "={{ $json['jo@acme.com'] }}", "={{ $json.body[\"jo@acme.com\"].x }}", "={{ f(x)['jo@acme.com'] }}",
        "={{ $('jo@acme.com').item }}", "={\"to\":\"{{ $json['jo@acme.com'] }}\"}",
        "={{ $node[\"jo@acme.com\"].json }}", "={{ $items('jo@acme.com', 0) }}",
        "={{ $json['jo@' + 'acme.com'] }}", "={{ $json[`jo@${'acme.com'}`] }}", "={{ $json?.['jo@acme.com'] }}",
        "={{ x.in['jo@acme.com'] }}", "={{ $json[x ? 'jo@acme.com' : 'a'] }}",
        "={\"{{ 'jo@' + 'acme.com' }}\":\"x\"}",
    ])
    func referencesBlock(_ text: String) {
        guard case .blocked(.notReplaceable) = scrub(workflow("text", text), as: .n8n).verdict else {
            Issue.record("\(text)")
            return
        }
    }

    /// A value that is none for the language, and would be read by whoever opens the recipe: a person decides.
    @Test(arguments: [
        "=%%\\%w( jo%40acme-corp.io {{"
    ])
    func whatIsNoLiteralIsForAPerson(_ text: String) {
        let input = Array(#"{"code":{"keyword":"trigger","input":{"m":"\#(json(text))"}},"config":[]}"#.utf8)
        let report = scrub(input)
        guard case .needsReview = report.verdict else {
            Issue.record("\(text)")
            return
        }
        #expect(!report.html(title: "a").contains("acme"))
    }

    /// A list or an argument is no reference.
    @Test(arguments: [
        ("={{ name+'@acme.com' }}", "={{ name+'@acme.com' }}"),
        ("={{ ['jo@acme.com'] }}", "={{ ['user1@example.com'] }}"),
        ("={{ x = ['jo@acme.com'] }}", "={{ x = ['user1@example.com'] }}"),
        ("={{ my$('jo@acme.com') }}", "={{ my$('user1@example.com') }}"),
        ("={{ f('jo@acme.com') }}", "={{ f('user1@example.com') }}"),
    ])
    func listsAndArgumentsAreNoReferences(_ before: String, _ after: String) throws {
        let found = try scrubbed("text", before)
        #expect(found == after)
    }

    private func linked(_ first: String, _ second: String, _ code: String) -> [UInt8] {
        Array(
            """
            {"nodes":[{"name":"\(first)","type":"a","parameters":{"url":"={{ $('\(second)').item.json.x }}"}},
            {"name":"\(second)","type":"b","parameters":{"jsCode":"return $(\\"\(first)\\").all() + $node['\(first)'].y + $item(0).$node['\(second)'].z // \(code)"}}],
            "connections":{"\(first)":{"main":[[{"node":"\(second)","type":"main","index":0}]]},
            "\(second)":{"main":[[{"node":"\(first)","type":"main","index":0}]]}}}
            """.utf8)
    }

    /// A name changes together with every edge and every expression that speaks of it.
    @Test func namesOfStepsChangeEverywhere() throws {
        let input = linked("Mail jo@acme.com", "Mail kim@acme.com", "see jo@acme.com")
        let report = scrub(input, as: .n8n)
        let after = try output(report)
        #expect(after == linked("Mail user1@example.com", "Mail user2@example.com", "see user1@example.com"))
        #expect(report.findings.allSatisfy { $0.action == .replaced } && report.findings.count == 11)
        #expect(!report.html(title: "t").contains("acme"))
        #expect(scrub(after, as: .n8n).findings.isEmpty)
    }

    /// What is packed in a name or a key cannot be changed there.
    @Test func packedNamesBlock() {
        for name in [Data("mail jo@acme.com".utf8).base64EncodedString(), Data("jo@x.com".utf8).base64EncodedString()] {
            let documents = [
                #"{"nodes":[{"name":"A \#(name)","type":"a"}],"connections":{}}"#,
                #"{"nodes":[{"name":"A","type":"a","parameters":{"\#(name)":1}}],"connections":{}}"#,
            ]
            for document in documents {
                guard case .blocked(.notReplaceable) = scrub(Array(document.utf8), as: .n8n).verdict else {
                    Issue.record("\(document)")
                    continue
                }
            }
        }
    }

    /// A webhook's id is often its path as well.
    @Test func idsGoWhereverTheyStand() throws {
        func workflow(_ id: String) -> [UInt8] {
            Array(
                #"{"nodes":[{"name":"H","type":"t","parameters":{"path":"\#(id)","note":"x"},"webhookId":"\#(id)"}],"connections":{}}"#
                    .utf8)
        }
        let report = scrub(workflow("962f1468-c80f-4c0c-8555-a0acf648ede4"), as: .n8n)
        #expect(try output(report) == workflow(""))
        #expect(report.dropped.map(\.path.description) == ["nodes[0].parameters.path", "nodes[0].webhookId"])
        let id = "962f1468-c80f-4c0c-8555-a0acf648ede4"
        func linked(_ id: String, _ link: String) -> [UInt8] {
            Array(
                String(decoding: workflow(id), as: UTF8.self).replacing(#""x""#, with: #""at https://a.b/\#(link)?x""#)
                    .utf8)
        }
        #expect(try output(scrub(linked(id, id), as: .n8n)) == linked("", ""))
        // As a member it cannot be taken out.
        let member = Array(
            String(decoding: workflow(id), as: UTF8.self).replacing("\"x\"", with: "\"={{ $json['\(id)'] }}\"").utf8)
        guard case .blocked(.survivor) = scrub(member, as: .n8n).verdict else {
            Issue.record("an id was published")
            return
        }
    }

    /// An id and a secret that share a part: taking out the one may not leave a part of the other.
    @Test func whatOverlapsIsNotLeftInParts() {
        let id = "k7-sk_live_4eC39HqLyj"
        let document =
            #"{"nodes":[{"name":"H","type":"t","parameters":{"a":"\#(id)WDarjtT1zdp7dc"},"webhookId":"\#(id)"}],"connections":{}}"#
        guard case .blocked(.survivor) = scrub(Array(document.utf8), as: .n8n).verdict else {
            Issue.record("a part was published")
            return
        }
    }

    /// A data pill is there before and after, wherever it stands, also when the lexer does not see it.
    @Test(arguments: [
        ##"{"code":{"keyword":"trigger","block":[{"keyword":"action","dynamicPickListSelection":{"a":"#{_('data.x.id')}"}}]}}"##,
        #"{"code":{"keyword":"trigger","input":{"m":"=x.y?' + _('data.x.jo@acme.com')"}}}"#,
    ])
    func aPillThatWouldGoBlocks(_ document: String) {
        let report = scrub(Array(document.utf8))
        guard case .blocked = report.verdict else {
            Issue.record("\(report.summary)")
            return
        }
    }

    /// `<<-x` without its end is no heredoc: what comes after it is read as code.
    @Test func aHeredocHasAnEnd() {
        let formula = "=a <<-b\n + _('data.x.jo@acme.com')"
        let input = Array(#"{"code":{"keyword":"trigger","input":{"m":"\#(json(formula))"}},"config":[]}"#.utf8)
        guard case .blocked(.notReplaceable) = scrub(input).verdict else {
            Issue.record("a pill was taken for text")
            return
        }
    }

    /// A template is read as a document only when all of it is one.
    @Test func aTemplateThatIsNoDocument() throws {
        let found = try scrubbed("text", "=[{\"a\": \"x{\\\"k\\\": \\\"{{ 'jo@' + 'acme.com' }}\\\"}\"}]")
        #expect(found == "=[{\"a\": \"x{\\\"k\\\": \\\"{{ 'user1@example.com' + '' }}\\\"}\"}]")
    }

    /// What a person must decide about in a name is not shown.
    @Test func aNameWithADoubtIsNotShown() {
        let name = #"jo@acme.com -----BEGIN PRIVATE KEY----- MIIEvQIBADANBg"#
        let report = scrub(Array(#"{"nodes":[{"name":"\#(name)","type":"t"}],"connections":{}}"#.utf8), as: .n8n)
        #expect(!report.html(title: "t").contains("MIIE"))
    }

    /// Source code of a step, in a language that nothing says.
    @Test(arguments: [
        ("m = 'jo@' + 'acme.com' # don't", "m = 'user1@example.com' + '' # don't"),
        ("const m = 'jo@' + 'acme.com' // don't", "const m = 'user1@example.com' + '' // don't"),
    ])
    func codeOfRecipesIsRead(_ before: String, _ after: String) throws {
        let input = Array(#"{"code":{"keyword":"trigger","input":{"code":"\#(json(before))"}},"config":[]}"#.utf8)
        let texts = try strings(output(scrub(input)))
        #expect(texts.contains(after), "\(texts)")
    }

    /// Names that would become the same stay two.
    @Test func namesStayDifferent() throws {
        let input = linked("Mail jo@acme.com", "Mail JO@acme.com", "x")
        #expect(try output(scrub(input, as: .n8n)) == linked("Mail user1@example.com", "Mail user1@example.com 2", "x"))
        let taken = linked("Mail jo@acme.com", "Mail user1@example.com", "x")
        #expect(try output(scrub(taken, as: .n8n)) == linked("Mail user2@example.com", "Mail user1@example.com", "x"))
    }

    /// Ruby formulas: comments, literals of every kind, and pills behind them. Only the address changes.
    @Test(arguments: [
        "=a # don't ask jo@acme.com\n + _dp('{\"path\":[\"jo@x\"]}')", "=%w(it's jo@acme.com) + _('data.a.b')",
        "=a # don't\n + 'jo@acme.com'",
        "=_('data.a.b') % 2 + 'jo@acme.com'.size", "=a.gsub(/'/, 'jo@acme.com') + b / 2", "=a.match(/jo@acme\\.com/)",
        "=<<~END\n  it's jo@acme.com #{_('data.a.b')}\nEND\n + 'x'", "={'jo@acme.com' => 1}.keys",
    ])
    func formulasAreRead(_ before: String) throws {
        let input = Array(#"{"code":{"keyword":"trigger","input":{"m":"\#(json(before))"}},"config":[]}"#.utf8)
        let texts = try strings(output(scrub(input)))
        #expect(texts.contains(before.replacing("jo@acme", with: "user1@example")), "\(texts)")
    }

    /// What names a field of a pill's value cannot be changed here.
    @Test func membersInFormulasBlock() {
        let formula = "=_('data.a.b')['jo@acme.com']"
        let input = Array(#"{"code":{"keyword":"trigger","input":{"m":"\#(formula)"}},"config":[]}"#.utf8)
        guard case .blocked(.notReplaceable) = scrub(input).verdict else {
            Issue.record("a member was changed")
            return
        }
    }

    /// Ruby formulas: literals that are joined.
    @Test(arguments: [
        ("='jo' + '@' + 'acme.com'", "='user1@example.com' + '' + ''"),
        ("=\"jo@\" << 'acme.com'", "=\"user1@example.com\" << ''"), ("='jo@' 'acme.com'", "='user1@example.com' ''"),
        ("='mail jo@acme.com' + '.au x'", "='mail user1@example.com' + ' x'"),
        ("='jo@' + _('data.a.b') + 'acme.com'", "='jo@' + _('data.a.b') + 'acme.com'"),
        ("='id' + 'AKIAQ3EGRZ' + '7VXK2MDWPL' + 'x'", "='id' + 'REPLACE_WITH_SECRET_1' + '' + 'x'"),
        ("='DONE' + '+49 30 90' + ' 18 20 31'", "='DONE' + '+12025550100' + ''"),
        ("='415-555' + '-2671'", "='(202) 555-0100' + ''"),
        ("=a # don't\n + 'jo@' + 'acme.com'", "=a # don't\n + 'user1@example.com' + ''"),
        ("='jo@acme.com' + 'kim@acme.com'", "='user1@example.com' + 'user2@example.com'"),
        ("mail jo@#{'acme.com'} x", "mail user1@example.com#{''} x"),
        ("=\"jo@#{'acme.com'}\"", "=\"user1@example.com#{''}\""),
    ])
    func literalsOfFormulasAreReadTogether(_ before: String, _ after: String) throws {
        let input = Array(#"{"code":{"keyword":"trigger","input":{"m":"\#(json(before))"}},"config":[]}"#.utf8)
        let texts = try strings(output(scrub(input)))
        #expect(texts.contains(after), "\(texts)")
    }
}

@Suite struct WorkflowProperties {
    /// Texts of broken pieces of every language: no crash, no hang, and what is published holds nothing, keeps what it refers to, and is not
    /// changed by a second scrub.
    @Test func brokenScriptsAreScrubbedOrBlocked() throws {
        var generator = Scale.current.generator(for: "broken scripts")
        let address = "jo@acme-corp.io"
        let references = ["$('A')", "$json['x']", "_('data.a.b')"]
        let parts =
            references + [
                "'\(address)'", "\"\(address)\"", "`\(address)`", address + "_",
                " \(address) ", " \(Data("to \(address)".utf8).base64EncodedString()) ", " jo%40acme-corp.io ", "{{",
                "}}", "${",
                "#{", "}", "{", "(", ")", "[", "]", "'", "\"", "`", "/", "//", "/*", "*/", "#", "\\", "\n", " + ",
                "<<~A\n", "\nA\n", "%w(", "%", "'''", "=", "++", "return ", "f", "r", "é", "\u{0}", "return",
            ]
        var published = 0
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 2_000_000) {
            let text = (0..<Int.random(in: 1...10, using: &generator)).map { _ in
                parts.randomElement(using: &generator) ?? ""
            }.joined()
            let start = Bool.random(using: &generator) ? "=" : ""
            let key = ["text", "jsCode", "pythonCode", "code"].randomElement(using: &generator) ?? "text"
            let value = String(decoding: JSONText.escape((start + text).utf8), as: UTF8.self)
            let isWorkflow = Bool.random(using: &generator)
            let document =
                isWorkflow
                ? #"{"nodes":[{"name":"A","type":"t","parameters":{"\#(key)":"\#(value)"}}],"connections":{}}"#
                : #"{"code":{"keyword":"trigger","input":{"\#(key)":"\#(value)"}},"config":[]}"#
            let format = isWorkflow ? RecipeFormat.n8n : .workato
            guard case .publishable(let recipe) = scrub(Array(document.utf8), as: format).verdict else { continue }
            published += 1
            let after = try strings(recipe.bytes)
            #expect(!after.contains { $0.contains("acme-corp") }, "\(key) \(start)\(text)")
            let again = scrub(recipe.bytes, as: format)
            #expect(again.findings.isEmpty && again.dropped.isEmpty, "\(key) \(start)\(text)")
            if !isWorkflow { #expect(try pills(recipe.bytes) == pills(Array(document.utf8)), "\(key) \(start)\(text)") }
        }
        #expect(published > 1000)
    }
}
