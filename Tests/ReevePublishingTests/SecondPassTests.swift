// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import Testing

@testable import ReevePublishing

/// The second pass trusts nothing that the first one made: here the first one makes mistakes.
@Suite struct SecondPassTests {
    private func check(
        _ input: String, _ format: RecipeFormat = .workato, _ spoil: (String) -> String
    ) throws(BlockReason) -> Int {
        let reading = try Reading(Array(input.utf8), format, .init())
        var pool = Surrogates(occupied: reading.found.surrogates)
        var pass = FirstPass(reading, &pool)
        pass.output = Array(spoil(String(decoding: pass.output, as: UTF8.self)).utf8)
        return try SecondPass.check(pass, format, .init())
    }

    private static let recipe =
        #"{"name":"R","code":{"keyword":"trigger","number":0,"input":{"to":"jo@acme.com","m":"Hi #{_('data.crm.start.Name')}"}},"config":[]}"#

    @Test func whatIsRightPasses() throws {
        #expect(try check(Self.recipe) { $0 } > 0)
    }

    /// A value that the first pass would have made, and that is none of those that it took out.
    @Test(arguments: ["kim@acme.com", "+49 30 90 18 20 31", "4539 1488 0343 6467", "am9AYWNtZS5jb20="])
    func aNewValueIsASurvivor(
        _ value: String
    ) {
        #expect(throws: BlockReason.survivor(JSONPath([.key("code"), .key("input"), .key("to")]))) {
            try check(Self.recipe) { $0.replacing("user1@example.com", with: value) }
        }
    }

    /// What was taken out may stand nowhere, in no writing.
    @Test(arguments: ["jo@acme.com", "am9AYWNtZS5jb20", "6a6f4061636d652e636f6d", "jo%40acme.com"])
    func whatWentIsASurvivor(_ value: String) {
        #expect(throws: (any Error).self) { try check(Self.recipe) { $0.replacing("\"R\"", with: "\"R \(value)\"") } }
    }

    /// A member more or less, another kind of value, another key, another pill, a pill more or less: the recipe is broken.
    @Test(arguments: [
        (#""number":0"#, #""number":"0""#), (#""number":0,"#, ""), (#""number":0"#, #""numbers":0"#), ("[]", "{}"),
        ("[]", "[1]"),
        ("data.crm.start.Name", "data.crm.start.Email"), ("#{_('data.crm.start.Name')}", ""),
        (#""R""#, #""R #{_('data.a.b')}""#), ("}}", "}"),
    ])
    func anotherShapeIsBroken(_ before: String, _ after: String) {
        #expect(throws: BlockReason.brokenRecipe) { try check(Self.recipe) { $0.replacing(before, with: after) } }
    }

    private static let workflow =
        #"{"nodes":[{"name":"Mail jo@acme.com","type":"t","parameters":{"a":"={{ $('Other').item.json.x }}"}},{"name":"Other","type":"t","parameters":{}}],"connections":{"Mail jo@acme.com":{"main":[[{"node":"Other","type":"main","index":0}]]}}}"#

    /// An edge or an expression that speaks of another step than before, or of none.
    @Test(arguments: [
        (#"{"node":"Other""#, #"{"node":"Mail user1@example.com""#), (#"{"node":"Other""#, #"{"node":"Others""#),
        ("$('Other')", "$('Mail user1@example.com')"),
        (#""connections":{"Mail user1@example.com""#, #""connections":{"Other""#),
        (#""name":"Other""#, #""name":"Another""#),
    ])
    func anotherEdgeIsBroken(_ before: String, _ after: String) throws {
        #expect(try check(Self.workflow, .n8n) { $0 } > 0)
        #expect(throws: BlockReason.brokenRecipe) {
            try check(Self.workflow, .n8n) { $0.replacing(before, with: after) }
        }
    }
}
