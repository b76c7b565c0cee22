// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePublishing

/// Recipes of 100 kB through the tokeniser and the scrubber; the peer is Foundation's reader, which only builds a tree.
struct PublishingBenchmarks {
    let harness: Harness

    func run() async throws {
        let (clean, personal, workflow) = (
            Self.recipe(with: nil), Self.recipe(with: "dana@acme-corp.io"), Self.workflow
        )
        try await harness.compare(
            "Reading a recipe of \(clean.count / 1000) kB", operations: 100,
            [
                .init("JSONTokens.validate", sync: { try JSONTokens(clean).validate() }),
                .init("JSONSerialization", sync: { _ = try JSONSerialization.jsonObject(with: Data(clean)) }),
            ])
        let scrubber = Scrubber()
        func scrub(_ name: String, _ recipe: [UInt8], _ format: RecipeFormat) -> Harness.Candidate {
            .init(name, sync: { _ = scrubber.scrub(recipe, as: format, for: .publicLibrary) })
        }
        try await harness.compare(
            "Scrubbing, with the second pass and the digests", operations: 30,
            [
                scrub("Workato, \(clean.count / 1000) kB, nothing personal", clean, .workato),
                scrub("Workato, \(personal.count / 1000) kB, 20 addresses", personal, .workato),
                scrub("n8n, \(workflow.count / 1000) kB, nothing personal", workflow, .n8n),
            ])
        harness.percentiles("One scrub of \(clean.count / 1000) kB, nothing personal", operations: 1000) {
            _ = scrubber.scrub(clean, as: .workato, for: .publicLibrary)
        }
        harness.percentiles("One scrub of \(personal.count / 1000) kB, 20 addresses", operations: 1000) {
            _ = scrubber.scrub(personal, as: .workato, for: .publicLibrary)
        }
        let resident = residentBytes()
        let large = Self.recipe(with: "dana@acme-corp.io", blocks: 24_000)
        _ = scrubber.scrub(large, as: .workato, for: .publicLibrary)
        print(
            "Memory after a scrub of \(large.count / 1_000_000) MB: \((residentBytes() - resident) / 1_000_000) MB more"
        )
    }

    /// Steps with a pill, a formula, a date, ids and texts; every 20th has a value in it.
    private static func recipe(with value: String?, blocks count: Int = 400) -> [UInt8] {
        let blocks = (0..<count).map { index -> String in
            let name = index % 20 == 0 ? value.map { "dear \($0)" } ?? "dear customer" : "dear customer"
            return
                #"{"number":\#(index),"keyword":"action","provider":"crm","as":"a1b2c3","input":{"text":"Hello #{_dp('{\"path\":[\"Email\"]}')}, "#
                + #"\#(name), we will be in touch shortly about your order","limit":"100"},"uuid":"9c1b6f0e-53e2-4f0f-8a55-7d0f1f1f6b21"}"#
        }
        return Array(
            (#"{"name":"Bench","code":{"keyword":"trigger","block":["# + blocks.joined(separator: ",")
                + #"]},"config":[]}"#)
                .utf8)
    }

    /// Steps with an expression, a URL and code.
    private static let workflow: [UInt8] = {
        let nodes = (0..<250).map { index in
            #"{"id":"9c1b6f0e-53e2-4f0f-8a55-7d0f1f1f6b21","name":"Step \#(index)","type":"n8n-nodes-base.httpRequest","typeVersion":4.2,"#
                + #""position":[\#(index * 220),300],"parameters":{"url":"https://api.example.com/v2/orders","options":{},"#
                + #""text":"=Order {{ $json.number }} is ready","jsCode":"return items.map(i => ({ json: { total: i.json.total } }));"}}"#
        }
        return Array(
            #"{"name":"Bench","nodes":[\#(nodes.joined(separator: ","))],"connections":{},"active":false}"#.utf8)
    }()
}
