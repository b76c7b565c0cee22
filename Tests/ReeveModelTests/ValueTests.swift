// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import Testing

@Suite struct ValueTests {
    @Test func pathsContainAndOverlap() throws {
        let contact = try #require(Path("contact"))
        let email = try #require(Path("contact.email"))
        #expect(contact.contains(email) && !email.contains(contact))
        #expect(email.overlaps(contact) && contact.overlaps(email))
        let contactless = try #require(Path("contactless"))
        #expect(!contactless.overlaps(contact))
        let (category, narrower) = (try #require(DataCategory("a.b")), try #require(DataCategory("a.b.c")))
        #expect(category.contains(narrower) && narrower.overlaps(category))
        let (purpose, other) = (try #require(Purpose("a")), try #require(Purpose("b")))
        #expect(!purpose.overlaps(other))
    }

    @Test(arguments: [
        "", ".", "a.", ".a", "a..b", "a b", "é", String(repeating: "a.", count: 16) + "a",
        String(repeating: "a", count: 65),
    ])
    func malformedPathsAreRefused(_ text: String) {
        #expect(Path(text) == nil)
    }

    @Test(arguments: ["", "P", "X1", "p1.4", "P1 4", "P12345678901"])
    func malformedClausesAreRefused(_ text: String) {
        #expect(ClauseReference(text) == nil)
        #expect(ClauseReference("P2i.3a")?.description == "P2i.3a")
    }

    @Test(arguments: ["", "US", "eu west", "ü", String(repeating: "a", count: 33)])
    func malformedRegionsAreRefused(_ code: String) {
        #expect(Region(code) == nil)
    }

    @Test func actorsRoundTrip() {
        let user = Identifier<User>(high: 1, low: 2)
        let actors: [ActContext.Actor] = [
            .person(user), .job(Identifier(high: 3, low: 4)), .rule("a:b"), .host(""), .host("x"),
        ]
        for actor in actors { #expect(ActContext.Actor(actor.description) == actor) }
        #expect(ActContext.Actor("person:\(Identifier<Job>(high: 1, low: 2))") == nil)
        #expect(ActContext.Actor("robot:x") == nil)
        #expect(ActContext.Actor("person") == nil)
    }

    @Test func markupEscapesEverything() {
        let hostile = "<script>alert('1')</script>&\"\u{0}\u{85}"
        let markup = Markup.element("p", ["title": hostile], [.text(hostile)])
        let escaped = "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;\u{FFFD}\u{FFFD}"
        #expect(markup.rendered == "<p title=\"\(escaped)\">\(escaped)</p>")
        #expect(Markup.page(title: "<", style: "", []).contains("<title>&lt;</title>"))
    }

    @Test func progressHasAFraction() {
        #expect(ReeveModel.Progress(completed: 1).fraction == nil)
        #expect(ReeveModel.Progress(completed: 1, total: 4).fraction == 0.25)
        #expect(ReeveModel.Progress(completed: 9, total: 4).fraction == 1)
        #expect(ReeveModel.Progress(total: 0).fraction == 1)
    }

    @Test func theDefaultMethodIsOAuth2WheneverOffered() {
        let id = Identifier<Connector>(high: 1, low: 2)
        #expect(Connector(id: id, name: "a", methods: [.apiKey, .oauth2]).defaultMethod == .oauth2)
        #expect(Connector(id: id, name: "a", methods: [.basic, .apiKey]).defaultMethod == .basic)
        #expect(Connector(id: id, name: "a", methods: []).defaultMethod == nil)
    }

    @Test func digestsHaveOneText() {
        let digest = Digest(bytes: Array(0..<32))
        #expect(digest?.description == "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
        #expect(Digest(digest?.description ?? "") == digest)
        #expect(Digest(digest?.description.uppercased() ?? "") == nil)
        #expect(Digest(bytes: [1]) == nil)
    }
}

@Suite struct GoldenTests {
    private struct Vocabulary: Codable, Equatable {
        var company: Company
        var workspace: Workspace
        var project: Project
        var user: User
        var membership: Membership
        var connector: Connector
        var connections: [Connection]
        var recipe: Recipe
        var job: Job
        var scopes: [Scope]
        var context: ActContext
        var category: DataCategory
        var purpose: Purpose
        var clause: ClauseReference
        var digest: Digest
        var day: CivilDay
        var instant: Timestamp
        var progress: ReeveModel.Progress
    }

    private static func vocabulary() throws -> Vocabulary {
        func id<Entity>(_ number: UInt64) -> Identifier<Entity> {
            Identifier(high: 0x0199_0000_0000_0000 + number, low: number)
        }
        let scope = Scope(id(2), .production, project: id(3))
        let instant = Timestamp(microseconds: 1_772_876_400_123_456)
        return Vocabulary(
            company: Company(id: id(1), status: .proofOfConcept),
            workspace: Workspace(id: id(2), company: id(1), region: try #require(Region("eu-1"))),
            project: Project(id: id(3), workspace: id(2)), user: User(id: id(4)),
            membership: Membership(user: id(4), workspace: id(2)),
            connector: Connector(id: id(5), name: "salesforce", methods: Connector.Method.allCases),
            connections: [
                Connection(id: id(6), connector: id(5), scope: scope),
                Connection(id: id(7), connector: id(5), scope: scope, state: .connected, owner: "acct-1"),
                Connection(id: id(8), connector: id(5), scope: scope, state: .lost(reason: "revoked", at: instant)),
                Connection(id: id(9), connector: id(5), scope: scope, state: .disconnected),
            ],
            recipe: Recipe(id: id(10), version: 3),
            job: Job(id: id(11), recipe: Recipe(id: id(10), version: 3), scope: scope),
            scopes: [.platform, Scope(id(2)), Scope(id(2), .test), scope],
            context: ActContext(
                actor: .person(id(4)), scope: scope, origin: .userInterface, correlation: id(12), reason: "ticket 7"),
            category: try #require(DataCategory("contact.email")), purpose: try #require(Purpose("service.operate")),
            clause: try #require(ClauseReference("P1.4")), digest: try #require(Digest(bytes: Array(0..<32))),
            day: instant.day, instant: instant, progress: ReeveModel.Progress(completed: 3, total: 10, failed: 1))
    }

    /// The documented JSON of the vocabulary: changing it breaks what is stored. `REEVE_WRITE_GOLDEN` rewrites it.
    @Test func theVocabularysJSONIsStable() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let value = try Self.vocabulary()
        let written = String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
        let url = try #require(Bundle.module.url(forResource: "Golden/vocabulary", withExtension: "json"))
        if let path = ProcessInfo.processInfo.environment["REEVE_WRITE_GOLDEN"] {
            try Data(written.utf8).write(to: URL(fileURLWithPath: path))
        }
        let golden = try Data(contentsOf: url)
        #expect(written == String(decoding: golden, as: UTF8.self))
        #expect(try JSONDecoder().decode(Vocabulary.self, from: golden) == value)
    }
}
