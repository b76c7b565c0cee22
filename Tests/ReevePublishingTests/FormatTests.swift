// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

@Suite struct FormatTests {
    private func path(_ text: String) -> JSONPath {
        JSONPath(text.split(separator: ".").map { part in Int(part).map { .index($0) } ?? .key(String(part)) })
    }

    @Test(arguments: [
        (RecipeFormat.workato, "name", PathRole.label), (.workato, "code.keyword", .structural),
        (.workato, "code.block.0.block.3.as", .structural), (.workato, "code.block.0.comment", .comment),
        (.workato, "code.block.0.input.message", .literal), (.workato, "code.block.0.input.keyword", .literal),
        (.workato, "code.block.0.input.code", .code), (.workato, "code.block.0.input.sample", .literal),
        (.workato, "code.block.0.input.block.0.as", .literal),
        (.workato, "code.block.0.input.body_schema.0.hint", .schema),
        (.workato, "code.block.0.input.body_schema.0.type", .structural),
        (.workato, "code.block.0.extended_output_schema.0.properties.2.example", .sample),
        (.workato, "code.block.0.dynamicPickListSelection.channel", .sample),
        (.workato, "config.0.account_id.name", .credential), (.workato, "config.0.account_id", .identity),
        (.workato, "config.0.provider", .structural), (.workato, "user_id", .identity),
        (.workato, "version_comment", .comment), (.workatoConnection, "name", .credential),
        (.workatoManifest, "export_manifest.assets.0.zip_name", .label), (.workatoManifest, "assets.3.name", .sample),
        (.workatoManifest, "result.assets.0.type", .structural), (.workatoManifest, "name", .label),
        (.n8n, "nodes.3.parameters.text", .literal), (.n8n, "nodes.3.parameters.jsCode", .code),
        (.n8n, "nodes.3.name", .label), (.n8n, "nodes.3.notes", .comment), (.n8n, "nodes.3.webhookId", .identity),
        (.n8n, "nodes.3.credentials.slackApi.name", .credential), (.n8n, "nodes.3.credentials.slackApi.id", .identity),
        (.n8n, "nodes.3.credentials.slackApi", .credential),
        (.n8n, "nodes.3.parameters.base.cachedResultName", .sample), (.n8n, "pinData.Any node.0.json.x", .sample),
        (.n8n, "connections.Any node.main.0.0.node", .reference),
        (.n8n, "connections.Any node.main.0.0.type", .structural),
        (.n8n, "meta.instanceId", .identity), (.n8n, "staticData.x", .sample), (.plainJSON, "a.b.c", .literal),
    ])
    func everyPathHasARole(_ format: RecipeFormat, _ text: String, _ role: PathRole) {
        #expect(format.role(of: path(text)) == role)
    }

    @Test func documentsInStringsAreLookedThrough() {
        let path = JSONPath([
            .key("code"), .decoded, .key("input"), .key("schema"), .decoded, .index(0), .key("example"),
        ])
        #expect(RecipeFormat.workato.role(of: path) == .sample)
    }

    /// Nothing is guessed: what fits no format, or two, has none.
    @Test func formatsAreRecognizedOnlyWhenTheyAreCertain() {
        let cases: [(String, RecipeFormat?)] = [
            (#"{"name":"x","code":{"keyword":"trigger"}}"#, .workato),
            (#"{"recipe":{"code":"{\"keyword\":\"trigger\"}"}}"#, .workato),
            (#"{"name":"x","code":{"keyword":"action"}}"#, nil),
            (#"{"name":"x","provider":"crm","root_folder":false}"#, .workatoConnection),
            (#"{"assets":[{"type":"recipe","zip_name":"a.recipe.json"}]}"#, .workatoManifest),
            (
                #"{"export_manifest":{"name":"x","assets":[{"type":"recipe","zip_name":"a.recipe.json"},{"zip_name":"b.connection.json","type":"connection"}]}}"#,
                .workatoManifest
            ),
            (#"{"result":{"assets":[{"type":"recipe","zip_name":"a.recipe.json"}]}}"#, .workatoManifest),
            (#"{"assets":[{"type":"recipe","zip_name":"a.recipe.json"},{"type":"recipe"}]}"#, nil),
            (#"{"assets":[]}"#, nil),
            (#"{"assets":[{"type":"image","zip_name":"logo.png"}]}"#, nil),
            (#"{"assets":[{"type":"recipe","zip_name":"a.connection.json"}]}"#, nil),
            (#"{"assets":[{"type":{"type":"x"},"zip_name":"a.recipe.json"}]}"#, nil),
            (#"{"assets":{"type":"a","zip_name":"b"}}"#, nil),
            (#"{"nodes":[{"type":"a"}],"connections":{}}"#, .n8n),
            (#"{"nodes":[],"connections":{}}"#, nil),
            (#"{"nodes":[{"type":"a"},{"name":"b"}],"connections":{}}"#, nil),
            (#"{"nodes":[{"type":"a"}],"connections":[]}"#, nil),
            (#"{"nodes":{"type":"a"},"connections":{}}"#, nil),
            (#"{"nodes":[{"type":"a"}],"connections":{},"code":{"keyword":"trigger"}}"#, nil),
            (#"{"a":1}"#, nil), ("[]", nil), ("", nil), (#"{"nodes":[{"type":"a"}],"connections":{}"#, nil),
        ]
        for (text, format) in cases { #expect(RecipeFormat.recognize(Array(text.utf8)) == format, "\(text)") }
    }

    /// A host's own format: a key anywhere, and zones where the same key means something else.
    @Test func aHostBringsItsOwnTable() throws {
        let format = try RecipeFormat(
            name: "acme-flow",
            zones: [
                RoleZone("flow", roles: [.credential: ["account"], .sample: ["lastRun"]], entries: ["steps": "step"]),
                RoleZone("step", roles: [.identity: ["account"]], entries: ["*": "free"]),
                RoleZone("free", otherwise: .comment),
            ])
        let input =
            #"{"account":"Dana","lastRun":[1,{"a":"b"}],"steps":[{"account":"u-17","text":"account"}],"x":{"account":7}}"#
        let report = scrub(Array(input.utf8), as: format)
        #expect(
            String(decoding: try output(report), as: UTF8.self)
                == #"{"account":"Connection 1","lastRun":[],"steps":[{"account":"","text":"account"}],"x":{"account":0}}"#
        )
        #expect(report.dropped.map(\.role) == [.credential, .sample, .identity, .credential])
        #expect(format.role(of: path("steps.0.text")) == .comment)
        #expect(format.zones.map(\.name) == ["flow", "step", "free"])
        let coded = try JSONDecoder().decode([RoleZone].self, from: JSONEncoder().encode(format.zones))
        #expect(coded == format.zones)
    }

    @Test func brokenTablesAreRefused() {
        let cases: [([RoleZone], RoleTableError)] = [
            ([], .noZones), ([RoleZone("a"), RoleZone("a")], .zoneTwice("a")),
            ([RoleZone("a", roles: [.label: ["k"], .comment: ["k"]])], .keyTwice("k", zone: "a")),
            ([RoleZone("a", entries: ["k": "b"])], .unknownZone("b")),
        ]
        for (zones, error) in cases {
            #expect(throws: error) { try RecipeFormat(name: "x", zones: zones) }
            #expect(!error.description.isEmpty)
        }
    }

    private static let tables: [RecipeFormat] = [.workato, .workatoConnection, .workatoManifest, .n8n, .plainJSON]

    /// The tables are data that others can read and take along.
    @Test(arguments: tables.indices) func theTablesOfFormatsAreData(_ index: Int) throws {
        let format = Self.tables[index]
        let copy = try RecipeFormat(name: format.name, zones: format.zones)
        #expect(copy.zones == format.zones)
        let data = try JSONEncoder().encode(format.zones)
        #expect(try JSONDecoder().decode([RoleZone].self, from: data) == format.zones)
        #expect(try JSONDecoder().decode(RoleZone.self, from: Data(#"{"name":"a"}"#.utf8)) == RoleZone("a"))
    }

    /// A version of the format that is not known blocks, wherever it stands; a host's own table can say which are known.
    @Test func unknownVersionsBlock() throws {
        func workato(_ version: String) -> [UInt8] {
            Array(
                #"{"code":{"keyword":"trigger","block":[{"keyword":"action","format_version":\#(version)}]},"config":[]}"#
                    .utf8)
        }
        guard case .publishable = scrub(workato("2")).verdict else {
            Issue.record("a known version")
            return
        }
        for version in ["3", "\"2.0\"", "20", "2.0", "\"\""] {
            guard case .blocked(.unknownVersion(let path)) = scrub(workato(version)).verdict else {
                Issue.record("\(version)")
                continue
            }
            #expect(path.description == "code.block[0].format_version")
        }
        let n8n = #"{"nodes":[{"name":"A","type":"t"}],"connections":{},"settings":{"executionOrder":"v7"}}"#
        guard case .blocked(.unknownVersion) = scrub(Array(n8n.utf8), as: .n8n).verdict else {
            Issue.record("v7")
            return
        }
        let own = try RecipeFormat(name: "own", zones: [RoleZone("flow", versions: ["schema": ["1", "2"]])])
        guard case .blocked(.unknownVersion) = scrub(Array(#"{"schema":3}"#.utf8), as: own).verdict,
            case .publishable = scrub(Array(#"{"schema":"2"}"#.utf8), as: own).verdict
        else {
            Issue.record("the host's own")
            return
        }
    }

    /// A comment that tells scanners to look away hides nothing, and blocks.
    @Test(arguments: [
        "key = 1 # gitleaks:allow", "x // pragma: allowlist secret", "<!-- trufflehog:ignore -->", "# ggignore",
        "x # nosemgrep", "#checkov:skip=CKV_1",
    ])
    func suppressionsBlock(_ comment: String) {
        let texts = [comment, "=f('a') \(comment)", Data("read \(comment) in it".utf8).base64EncodedString()]
        for text in texts {
            let escaped = String(decoding: JSONText.escape(JSONText.escape(text.utf8)), as: UTF8.self)
            let document = #"{"code":{"keyword":"trigger","input":{"m":"{\"note\":\"\#(escaped)\"}"}},"config":[]}"#
            guard case .blocked(.suppression) = scrub(Array(document.utf8)).verdict else {
                Issue.record("\(text)")
                continue
            }
        }
        let escaped =
            #"{"code":{"keyword":"trigger","comment":"\#(comment.replacing("g", with: "\\u0067").replacing("c", with: "\\u0063"))"},"config":[]}"#
        guard case .blocked(.suppression(let path)) = scrub(Array(escaped.utf8)).verdict else {
            Issue.record("escaped")
            return
        }
        #expect(comment.contains("g") || comment.contains("c") ? path.description == "code.comment" : true)
        guard
            case .publishable = scrub(
                Array(#"{"code":{"keyword":"trigger","comment":"to be allowed"},"config":[]}"#.utf8)
            ).verdict
        else {
            Issue.record("a word of it")
            return
        }
    }
}

@Suite struct DropTests {
    private static let workflow = """
        {"name":"Lead","nodes":[{"id":"a","name":"Hook","type":"n8n-nodes-base.webhook","webhookId":"0b54f0e3-1c2d",
        "parameters":{"base":{"__rl":true,"value":"app1","cachedResultName":"Dana's base","cachedResultUrl":"https://x/app1"},
        "note":"ask dana@acme-corp.io"},
        "credentials":{"slackApi":{"id":"17","name":"Dana's Slack"},"old":"Team mail","inline":{"user":"dana","pin":4711}}},
        {"name":"Next","type":"b","parameters":{},"credentials":{"slackApi":{"id":"17","name":"Dana's Slack"}}}],
        "connections":{"Hook":{"main":[[{"node":"Next","type":"main","index":0}]]}},
        "pinData":{"Hook":[{"json":{"mail":"dana@acme-corp.io","n":[1,2]}}]},"staticData":null,
        "meta":{"instanceId":"26ba763460b97c249b82942b","templateCredsSetupCompleted":true},"active":false}
        """

    /// Each dropped value keeps its type; everything else keeps its bytes; a second scrub changes nothing.
    @Test func valuesGoByTheirRole() throws {
        let report = scrub(Array(Self.workflow.utf8), as: .n8n)
        let after = String(decoding: try output(report), as: UTF8.self)
        #expect(
            after == """
                {"name":"Lead","nodes":[{"id":"a","name":"Hook","type":"n8n-nodes-base.webhook","webhookId":"",
                "parameters":{"base":{"__rl":true,"value":"app1","cachedResultName":"","cachedResultUrl":""},
                "note":"ask user1@example.com"},
                "credentials":{"slackApi":{"id":"","name":"Connection 1"},"old":"Connection 2","inline":{"user":"Connection 3","pin":0}}},
                {"name":"Next","type":"b","parameters":{},"credentials":{"slackApi":{"id":"","name":"Connection 1"}}}],
                "connections":{"Hook":{"main":[[{"node":"Next","type":"main","index":0}]]}},
                "pinData":{},"staticData":null,
                "meta":{"instanceId":"","templateCredsSetupCompleted":true},"active":false}
                """)
        #expect(
            report.dropped.map { "\($0.path) \($0.role.rawValue)" } == [
                "nodes[0].webhookId identity", "nodes[0].parameters.base.cachedResultName sample",
                "nodes[0].parameters.base.cachedResultUrl sample", "nodes[0].credentials.slackApi.id identity",
                "nodes[0].credentials.slackApi.name credential", "nodes[0].credentials.old credential",
                "nodes[0].credentials.inline.user credential", "nodes[0].credentials.inline.pin credential",
                "nodes[1].credentials.slackApi.id identity", "nodes[1].credentials.slackApi.name credential",
                "pinData sample", "meta.instanceId identity",
            ])
        // What was found in a dropped value is told, and is looked for everywhere else.
        #expect(report.findings.map(\.action) == [.replaced, .dropped])
        let again = scrub(Array(after.utf8), as: .n8n)
        #expect(again.findings.isEmpty && again.dropped.isEmpty)
        #expect(try output(again) == Array(after.utf8))
        for shown in [report.html(title: "t"), "\(report)", "\(report.dropped)"] {
            for value in ["Dana's", "dana@", "4711", "26ba", "0b54"] { #expect(!shown.contains(value)) }
        }
        #expect(report.summary == "publishable: 2 findings, all replaced, 12 values dropped")
    }

    /// The same in a document that is packed into a string, twice.
    @Test func packedDocumentsToo() throws {
        func packed(_ text: String) -> String { String(decoding: JSONText.escape(text.utf8), as: UTF8.self) }
        func recipe(_ example: String, _ choice: String, _ name: String) -> [UInt8] {
            let schema = #"[{"name":"mail","type":"string","example":\#(example)}]"#
            let code =
                #"{"keyword":"trigger","input":{"schema":"\#(packed(schema))"},"dynamicPickListSelection":\#(choice)}"#
            return Array(
                #"{"recipe":{"id":\#(name.isEmpty ? "0" : "815"),"code":"\#(packed(code))","config":[{"provider":"crm","account_id":{"name":"\#(name.isEmpty ? "Connection 1" : name)"}}]}}"#
                    .utf8)
        }
        let input = recipe(#""dana@acme-corp.io, \"Dana\"""#, #"{"channel":"Dana's team"}"#, "Dana")
        let report = scrub(input, as: .workato)
        #expect(try output(report) == recipe(#""""#, "{}", ""))
        #expect(
            report.dropped.map(\.path.description) == [
                "recipe.id", "recipe.code→.input.schema→[0].example", "recipe.code→.dynamicPickListSelection",
                "recipe.config[0].account_id.name",
            ])
        #expect(scrub(try output(report), as: .workato).dropped.isEmpty)
    }

    /// A stand-in that stands there already keeps its number, wherever it stands.
    @Test func namesOfConnectionsThatAreStandInsAreSkipped() throws {
        let input =
            #"{"credentials":[{"name":"Dana"},{"name":"Connection 1"},{"name":"Connection 01"},{"name":"Dana"}]}"#
        let format = try RecipeFormat(name: "x", zones: [RoleZone("x", roles: [.credential: ["name"]])])
        #expect(
            String(decoding: try output(scrub(Array(input.utf8), as: format)), as: UTF8.self)
                == #"{"credentials":[{"name":"Connection 2"},{"name":"Connection 1"},{"name":"Connection 3"},{"name":"Connection 2"}]}"#
        )
    }

    /// A connection has one name in the recipe, as a file, and in that file.
    @Test func aConnectionHasOneNameEverywhere() throws {
        func config(_ name: String, _ file: String) -> String {
            #"{"keyword":"application","provider":"crm","account_id":{"zip_name":"Team/\#(file).connection.json","name":"\#(name)","folder":"Team"}}"#
        }
        func recipe(_ first: String, _ second: String) -> [UInt8] {
            Array(#"{"code":{"keyword":"trigger"},"config":[\#(first),\#(second)]}"#.utf8)
        }
        let input = recipe(config("Dana's CRM", "dana_s_crm"), config("Mail (EU)", "mail__eu_"))
        let after = try output(scrub(input))
        #expect(after == recipe(config("Connection 1", "connection_1"), config("Connection 2", "connection_2")))
        #expect(scrub(after).dropped.isEmpty)
        let file = Array(#"{"name":"Dana's CRM","provider":"crm","root_folder":false}"#.utf8)
        #expect(
            String(decoding: try output(scrub(file, as: .workatoConnection)), as: UTF8.self)
                == #"{"name":"Connection 1","provider":"crm","root_folder":false}"#)
        // What the folder is called is read as any text.
        let named = recipe(config("A", "a").replacing("Team", with: "For dana@acme-corp.io"), config("B", "b"))
        #expect(try output(scrub(named)).count { $0 == UInt8(ascii: "@") } == 2)
    }

    /// A value that is found in a dropped one may not stand where no detector finds it.
    @Test func whatIsDroppedMayNotStandElsewhere() {
        let input =
            #"{"nodes":[{"type":"a","parameters":{"x":"64616e614061636d652d636f72702e696f"}}],"connections":{},"pinData":{"x":"dana@acme-corp.io"}}"#
        guard case .blocked(.survivor) = scrub(Array(input.utf8), as: .n8n).verdict else {
            Issue.record("a copy was published")
            return
        }
    }

    /// The paths that are dropped in real recipes, by pattern and with how often: reviewed by a person.
    @Test(.enabled(if: Vectors.folder != nil, "needs the vectors folder"), arguments: ["n8n", "workato"])
    func thePathsThatAreDroppedInRealRecipes(_ kind: String) throws {
        var counts: [String: Int] = [:]
        for file in try #require(Vectors.recipes(kind)) {
            let bytes = Array(try #require(FileManager.default.contents(atPath: file)))
            let format = try #require(RecipeFormat.recognize(bytes), "\(file)")
            for drop in scrub(bytes, as: format).dropped {
                let parts = drop.path.elements.map { element in
                    switch element {
                    case .key(let key): key
                    case .index: "[]"
                    case .decoded: "→"
                    }
                }
                counts["\(format.name) \(parts.joined(separator: ".")) \(drop.role.rawValue)", default: 0] += 1
            }
        }
        let lines = counts.map { "\($0.key) \($0.value)" }.sorted()
        let file = try #require(
            Bundle.module.url(forResource: "dropped-paths-\(kind)", withExtension: "txt", subdirectory: "Golden"))
        let golden = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
        let isSame = lines == golden
        #expect(isSame, "\(lines.joined(separator: "\n"))")
    }
}
