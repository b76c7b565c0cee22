// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePublishing
import ReeveTesting
import Testing

/// Facts that tell together who somebody is (P1.2).
@Suite struct QuasiIdentifierTests {
    private func rules(_ document: String, _ format: RecipeFormat = .plainJSON) -> [String] {
        let report = scrub(Array(document.utf8), as: format)
        if report.findings.contains(where: { $0.kind == .quasiIdentifier }) {
            guard case .needsReview = report.verdict else { return ["\(report.summary)"] }
        }
        return report.findings.filter { $0.kind == .quasiIdentifier }.map(\.rule)
    }

    @Test(arguments: [
        (#"{"age":34,"gender":"f","city":"Berlin"}"#, "set.age-sex-place", 3),
        (#"{"person":{"Age":"34","sex":"F","zipCode":"90210","note":"x"}}"#, "set.age-sex-place", 3),
        (#"{"job_title":"Nurse","employer":"Acme","town":"Ulm"}"#, "set.job-employer-place", 3),
        (
            #"[{"name":"age","value":"34"},{"name":"gender","value":"f"},{"name":"postcode","value":"10115"}]"#,
            "set.age-sex-place", 3
        ), (#"{"a":"{\"age\":34,\"gender\":\"f\",\"city\":\"Ulm\"}"}"#, "set.age-sex-place", 3),
    ])
    func aSetIsForAPersonToDecide(_ document: String, _ rule: String, _ count: Int) {
        #expect(rules(document) == Array(repeating: rule, count: count))
    }

    @Test(arguments: [
        // Not all of them, not of one record, or nothing that stands there.
        #"{"age":34,"gender":"f"}"#, #"{"a":{"age":34,"gender":"f"},"b":{"city":"Ulm"}}"#,
        #"[{"age":34,"gender":"f"},{"city":"Ulm"}]"#, #"{"age":34,"gender":"f","city_id":"12","city":""}"#,
        #"{"age":34,"gender":null,"city":"Ulm"}"#, #"{"age":{"type":"integer"},"gender":{"type":"string"},"city":{}}"#,
    ])
    func lessIsNone(_ document: String) {
        #expect(rules(document).isEmpty)
    }

    /// What an expression gives is no fact, and neither is what goes by its role.
    @Test func whatIsComputedIsNone() {
        let nodes = #"[{"name":"A","type":"b","parameters":{"age":"={{ $json.a }}","gender":"f","city":"Ulm"}}]"#
        #expect(rules(#"{"nodes":\#(nodes),"connections":{}}"#, .n8n).isEmpty)
        let pinned = #"{"A":[{"json":{"age":34,"gender":"f","city":"Ulm"}}]}"#
        #expect(rules(#"{"nodes":[],"connections":{},"pinData":\#(pinned)}"#, .n8n).isEmpty)
    }

    /// Types, names of columns, and what other programs put in are no facts.
    @Test(arguments: [
        #"{"age":"number","gender":"string","city":"string"}"#,
        #"{"jobtitle":"Job Title","employer":"Employer","city":"City"}"#,
        #"{"age":"@{body('a')}","gender":"${b}","city":"<city>"}"#, #"{"age":34,"gender":"f","city":"{\"k\":\"\"}"}"#,
    ])
    func whatStandsForAFactIsNone(_ document: String) throws {
        #expect(rules(document).isEmpty)
        #expect(try Detector().findings(in: document).allSatisfy { $0.kind != .quasiIdentifier })
    }

    /// One that is replaced tells nothing any more: in the output neither.
    @Test(arguments: [
        #"{"age":34,"gender":"dana@acme.com","city":"Ulm"}"#, #"{"age":34,"gender":"f","postcode":"EC2A 1NT"}"#,
        #"{"age":34,"gender":"f","plz":"10115"}"#,
        #"{"job_title":"Nurse","employer":"Jennifer Martinez","town":"Ulm"}"#,
    ])
    func whatGoesTellsNothing(_ document: String) throws {
        let report = scrub(Array(document.utf8), as: .plainJSON)
        #expect(report.findings.allSatisfy { $0.kind != .quasiIdentifier } && report.findings.count == 1)
        let again = scrub(try output(report), as: .plainJSON)
        #expect(again.findings.isEmpty)
    }

    /// No report shows a value of one, in a path neither, and an allowed one is none.
    @Test func reportsDoNotShowThem() throws {
        let report = scrub(
            Array(#"{"Heidelberg":{"age":34,"gender":"f","city":"Heidelberg"}}"#.utf8), as: .plainJSON)
        #expect(report.findings.count == 3)
        for text in [report.html(title: "t"), String(decoding: report.json(), as: UTF8.self), "\(report)"] {
            #expect(!text.contains("Heidelberg"))
        }
        let short = scrub(Array(#"{"Ulm":{"age":34,"gender":"f","city":"Ulm"}}"#.utf8), as: .plainJSON)
        #expect(short.findings.count == 3)
        for text in [short.html(title: "t"), String(decoding: short.json(), as: UTF8.self), "\(short)"] {
            #expect(!text.contains("Ulm"))
        }
        let rules = try CustomRules(allowing: ["Ulm"])
        let document = #"{"age":34,"gender":"f","city":"Ulm"}"#
        #expect(
            Scrubber(rules: rules).scrub(Array(document.utf8), as: .plainJSON, for: .publicLibrary).findings.count == 2)
        #expect(try Detector(minimum: 0.9).findings(in: document).isEmpty)
    }

    /// A policy may keep them; `Detector` tells them in a document.
    @Test func policiesMayKeepThem() throws {
        let document = #"{"age":34,"gender":"f","city":"Ulm"}"#
        let policy = try PublishingPolicy(audience: .partner, keeping: [.quasiIdentifier])
        let partners = try #require(Destination("partners"))
        let report = Scrubber(policies: [partners: policy])
            .scrub(Array(document.utf8), as: .plainJSON, for: partners)
        #expect(try String(decoding: output(report), as: UTF8.self) == document)
        #expect(report.findings.map(\.action) == [.kept, .kept, .kept])
        #expect(try Detector().findings(in: document).map(\.kind) == Array(repeating: .quasiIdentifier, count: 3))
    }
}
