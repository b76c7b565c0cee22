// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

@Suite struct ReportTests {
    private static let workflow = Array(
        #"{"nodes":[{"name":"A","type":"t","parameters":{"to":"dana@acme-corp.io","card_number":"4539 1488 0343 6468"}}],"connections":{},"pinData":{"A":["dana@acme-corp.io"]}}"#
            .utf8)

    /// The same bytes each time, in the order of the fields' names, and no value.
    @Test func theJSONReportIsWhatTheSchemaSays() {
        let report = scrub(Self.workflow, as: .n8n)
        let text = String(decoding: report.json(), as: UTF8.self)
        #expect(
            text == """
                {"dropped":[{"path":"pinData","role":"sample","span":[139,164]}],"findings":[\
                {"action":"replaced","class":"e-mail","path":"nodes[0].parameters.to","role":"literal","rule":"email.address",\
                "score":95,"span":[53,70]},{"action":"review","class":"payment card","path":"nodes[0].parameters.card_number",\
                "role":"literal","rule":"card.key","score":50,"span":[87,106]},{"action":"dropped","class":"e-mail",\
                "path":"pinData.A[0]","role":"sample","rule":"email.address","score":95,"span":[145,162]}],"rules":6,\
                "verdict":"needs review"}
                """)
        #expect(scrub(Self.workflow, as: .n8n).json() == report.json())
        let blocked = String(decoding: scrub(Array("{".utf8), as: .plainJSON).json(), as: UTF8.self)
        #expect(
            blocked
                == #"{"dropped":[],"findings":[],"reason":"the JSON input ends too early at byte 1","rules":6,"verdict":"blocked"}"#
        )
    }

    /// What SARIF 2.1.0 asks for, and no value: neither of the document nor of a file's name.
    /// The schema that is published knows each class.
    @Test func theSchemaKnowsTheClasses() throws {
        let schema = try #require(
            FileManager.default.contents(atPath: "Documentation/Schemas/scrub-report.schema.json"))
        let text = String(decoding: schema, as: UTF8.self)
        for kind in DataClass.allCases { #expect(text.contains("\"\(kind.rawValue)\""), "\(kind)") }
    }

    @Test func theSARIFReportHasAResultForEachFinding() throws {
        let reports = [
            (file: "a b/flow.json", report: scrub(Self.workflow, as: .n8n)),
            (file: "jo@acme-corp.io/x.json", report: scrub(Array("{".utf8), as: .plainJSON)),
        ]
        let bytes = ScrubReport.sarif(reports)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!text.contains("dana") && !text.contains("jo@") && !text.contains("4539"))
        let log = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(log["version"] as? String == "2.1.0")
        let run = try #require((log["runs"] as? [[String: Any]])?.first)
        let results = try #require(run["results"] as? [[String: Any]])
        #expect(results.map { $0["level"] as? String } == ["note", "warning", "note", "note", "error"])
        #expect(
            results.map { $0["ruleId"] as? String } == [
                "email.address", "card.key", "email.address", "role.sample", "verdict.blocked",
            ])
        let places = results.compactMap {
            (($0["locations"] as? [[String: Any]])?.first?["physicalLocation"] as? [String: Any])
        }
        let files = places.compactMap { ($0["artifactLocation"] as? [String: Any])?["uri"] as? String }
        #expect(files == Array(repeating: "a%20b/flow.json", count: 4) + ["(personal)/x.json"])
        #expect((places[0]["region"] as? [String: Int]) == ["byteOffset": 53, "byteLength": 17])
        let rules = ((run["tool"] as? [String: Any])?["driver"] as? [String: Any])?["rules"] as? [[String: String]]
        #expect(rules?.compactMap { $0["id"] } == ["card.key", "email.address", "role.sample", "verdict.blocked"])
    }

    /// The verdict first, a line for each finding with what became of it, a box for each action, both sides; nothing that runs or loads.
    @Test func thePageSaysWhatBecameOfEachFinding() {
        let report = scrub(Self.workflow, as: .n8n)
        let page = report.html(title: "flow <1>")
        for part in [
            "<title>flow &lt;1&gt;</title>",
            #"<p class="verdict review">needs review: 3 findings, 1 value dropped</p>"#, "default-src 'none'",
            #"id="show-replaced"> replaced (1)"#, #"id="show-review"> review (1)"#, #"id="show-dropped"> dropped (2)"#,
            ##"<tr class="replaced"><td><a href="#at-0">nodes[0].parameters.to</a></td><td>e-mail</td><td>literal</td><td>replaced</td><td>▒▒▒</td><td>user1@example.com</td></tr>"##,
            "<td>a person decides</td>", "<td>(empty)</td>", #"<del id="at-0">▒▒▒ e-mail ▒▒▒</del>"#,
            "<ins>user1@example.com</ins>",
            "<ins>▒▒▒ payment card ▒▒▒</ins>",
        ] {
            #expect(page.contains(part.replacing("'none'", with: "&#39;none&#39;")), "\(part)")
        }
        #expect(
            !page.contains("dana@") && !page.contains("4539") && !page.contains("<script") && !page.contains("http://"))
        #expect(!page.contains("show-blocked\""))
        // A title is text from outside, too.
        #expect(!report.html(title: "mail dana@acme-corp.io").contains("dana@"))
        let clean = scrub(Array("{}".utf8), as: .plainJSON).html(title: "clean")
        #expect(clean.contains("publishable: nothing found") && !clean.contains("<table"))
    }
}
