// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveModel
import ReevePublishing
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

/// What may be published where.
@Suite struct PublishingPolicyTests {
    private static let team = Destination("team") ?? .publicLibrary

    private func scrub(_ text: String, under policy: PublishingPolicy, as format: RecipeFormat = .plainJSON)
        -> ScrubReport
    {
        Scrubber(policies: [Self.team: policy]).scrub(Array(text.utf8), as: format, for: Self.team)
    }

    private func text(_ report: ScrubReport) throws -> String { String(decoding: try output(report), as: UTF8.self) }

    /// Without a policy of its own a destination is for everyone, and the public library always is.
    @Test func whatIsNotSaidIsForEveryone() throws {
        let scrubber = Scrubber(policies: [Self.team: .organization, .publicLibrary: .organization])
        #expect(scrubber.policy(for: Self.team) == .organization)
        #expect(scrubber.policy(for: .publicLibrary) == .everyone)
        #expect(scrubber.policy(for: try #require(Destination("other"))) == .everyone)
        let open = try PublishingPolicy(audience: .everyone, admitsPrivate: true)
        #expect(Scrubber(policies: [.publicLibrary: open]).policy(for: .publicLibrary) == open)
        let wrong = Publisher.Configuration(policies: [.publicLibrary: .partner, Self.team: .partner])
        #expect(wrong.validate() == ["policies: public-library is for everyone, so its policy must be"])
        #expect(Publisher.Configuration(policies: [.publicLibrary: open]).validate().isEmpty)
        #expect(TrustLayer.Configuration(publishing: wrong).validate() == wrong.validate())
    }

    @Test func classesThatAreKeptStay() throws {
        let input =
            #"{"a":"ask dana@acme-corp.io","b":"card 4539 1488 0343 6467","c":"+1 415 867 5309","phone":14158675309,"dana@acme-corp.io":1}"#
        let report = scrub(input, under: .organization)
        #expect(try text(report) == input.replacing("4539 1488 0343 6467", with: "4000000000000010"))
        #expect(
            report.findings.map(\.action.rawValue) == ["kept", "replaced", "kept", "kept", "kept"])
        #expect(report.summary == "publishable: 5 findings, 4 stay")
        // Whoever reads a report need not be one of those who may read the recipe.
        let shown =
            report.html(title: "t")
            + String(decoding: report.json() + ScrubReport.sarif([("f", report)]), as: UTF8.self)
        for value in ["dana", "acme-corp", "8675309", "867 5309", "4539"] {
            #expect(!shown.contains(value), "\(value)")
        }
        #expect(scrub(input, under: .partner).isBlocked)
    }

    /// A page shows nothing that stays either, wherever it stands: beside what goes, in a step's name, put together of literals.
    @Test func whatIsKeptIsNotShown() throws {
        let workflow =
            #"{"nodes":[{"name":"Ask dana@acme-corp.io 4539 1488 0343 6467","type":"t","parameters":{"a":"dana.whitfield+ghp_9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX@acme-corp.io","b":"4539148803436467-dana@acme-corp.io","jsCode":"return 'dana@acme' + '-corp.io';"}}],"connections":{}}"#
        let report = scrub(workflow, under: .organization, as: .n8n)
        #expect(report.findings.contains { $0.action == .kept && $0.path.description.contains("jsCode") })
        let page = report.html(title: "t")
        for value in ["dana", "acme", "4539", "9sK2mQ"] { #expect(!page.contains(value), "\(value)") }
    }

    /// What is surely of a class that stays is not taken for one that goes.
    @Test(arguments: ["+4915112345702", "call +49 1511 2345702 now"]) func aTelephoneIsNoCard(_ text: String) throws {
        let report = scrub("[\"\(text)\"]", under: .organization)
        #expect(try self.text(report) == "[\"\(text)\"]")
        #expect(report.findings.map(\.kind) == [.phone])
        let bank = try PublishingPolicy(audience: .partner, keeping: [.iban])
        let account = #"["DE89 3704 0044 0532 0130 00"]"#
        #expect(try self.text(scrub(account, under: bank)) == account)
    }

    /// What is kept takes nothing along: a card within an address, a secret before its `@`, a number over the ends of two literals.
    @Test(arguments: [
        (#"{"a":"4539148803436467@acme-corp.io"}"#, "4539148803436467"),
        (#"{"a":"ghp_9sK2mQ4xT7vB1nL6wR8yC3zD5fG0hJ2kM4pX@acme-corp.io"}"#, "9sK2mQ"),
        (#"{"a":"Basic ZGFuYUBhY21lLWNvcnAuaW8gNDUzOSAxNDg4IDAzNDMgNjQ2Nw=="}"#, "NDUzOSAxNDg4"),
    ])
    func whatIsKeptTakesNothingAlong(_ input: String, _ residue: String) throws {
        let report = scrub(input, under: .organization)
        #expect(try !text(report).contains(residue))
        #expect(report.findings.contains { $0.action == .replaced })
    }

    @Test func joinedLiteralsAreReadWithWhatIsKept() {
        for formula in [
            "'+1 415 867 5309' + '4539 1488' + ' 0343 6467'", "'4539 1488 03' + '43 6467'", "'4539148' + '803436467'",
        ] {
            let recipe = #"{"code":{"keyword":"trigger","input":{"m":"=\#(formula)"}},"config":[]}"#
            let report = scrub(recipe, under: .organization, as: .workato)
            #expect(report.findings.contains { $0.kind == .paymentCard && $0.action != .kept }, "\(formula)")
        }
    }

    /// An address that stays may also stand in what goes: that is no survivor.
    @Test func whatIsKeptMayAlsoGo() throws {
        let workflow =
            #"{"nodes":[{"name":"A","type":"t","parameters":{"to":"dana@acme-corp.io"}}],"connections":{},"pinData":{"A":[{"json":{"to":"dana@acme-corp.io"}}]}}"#
        let report = scrub(workflow, under: .organization, as: .n8n)
        #expect(try text(report).contains(#""to":"dana@acme-corp.io""#))
        #expect(try text(report).contains(#""pinData":{}"#))
        #expect(report.dropped.map(\.role) == [.sample])
    }

    /// In a package the file's names are read by the same policy.
    @Test func packagesHaveOnePolicy() throws {
        let files = [
            PackageFile(
                path: "dana@acme-corp.io.json", bytes: Array(#"["dana@acme-corp.io"]"#.utf8), format: .plainJSON)
        ]
        let kept = Scrubber(policies: [Self.team: .organization]).scrub(files, for: Self.team)
        #expect(kept.recipes?.first?.path == "dana@acme-corp.io.json")
        let gone = Scrubber().scrub(files, for: Self.team)
        #expect(gone.recipes?.first?.path == "user1@example.com.json")
    }

    // MARK: Private recipes

    /// Clause P4.1: what its author keeps private is not published for everyone, however that is written.
    @Test(arguments: ["true", "\"true\"", "\"false\"", "1", "{}", "[]", "0"]) func privateRecipesStayPrivate(
        _ value: String
    ) {
        for key in ["private", "pr\\u0069vate"] {
            let recipe = #"{"name":"R","\#(key)":\#(value),"code":{"keyword":"trigger"},"config":[]}"#
            guard case .blocked(.privateRecipe(let path)) = scrub(recipe, under: .everyone, as: .workato).verdict else {
                Issue.record("\(key) \(value)")
                continue
            }
            #expect(path.description == "private")
            for policy in [PublishingPolicy.partner, .organization] {
                #expect(!scrub(recipe, under: policy, as: .workato).isBlocked)
            }
        }
    }

    @Test func onlyTheRecipesOwnSettingCounts() throws {
        for recipe in [
            #"{"private":false,"code":{"keyword":"trigger","input":{"private":true}},"config":[]}"#,
            #"{"private":null,"code":{"keyword":"trigger","input":{"x":"{\"private\":true}"}},"config":[]}"#,
            #"{"code":{"keyword":"trigger"},"config":[]}"#,
        ] {
            #expect(!scrub(recipe, under: .everyone, as: .workato).isBlocked)
        }
        // What was found is told all the same, and shown.
        let found = scrub(
            #"{"private":true,"code":{"keyword":"trigger","input":{"a":"dana@acme-corp.io"}},"config":[]}"#,
            under: .everyone,
            as: .workato)
        #expect(found.isBlocked && found.findings.map(\.action) == [.replaced])
        #expect(found.html(title: "t").contains("user1@example.com") && !found.html(title: "t").contains("dana"))
        let open = try PublishingPolicy(audience: .everyone, admitsPrivate: true)
        #expect(
            !scrub(#"{"private":true,"code":{"keyword":"trigger"},"config":[]}"#, under: open, as: .workato).isBlocked)
        let own = try RecipeFormat(name: "own", zones: [RoleZone("flow", privacy: ["internal"])])
        #expect(scrub(#"{"internal":true}"#, under: .everyone, as: own).isBlocked)
        #expect(!scrub(#"{"internal":false}"#, under: .everyone, as: own).isBlocked)
    }

    /// Clauses P4.1 and P4.2: who publishes for everyone is told what that means.
    @Test func everyoneIsWarnedAbout() throws {
        #expect(PublishingPolicy.Audience.allCases.map { $0.warning != nil } == [true, false, false])
        guard case .publishable(let recipe) = scrub("[]", under: .everyone).verdict else {
            throw BrokenPromise("blocked")
        }
        #expect(recipe.audience.warning?.contains("copies may remain") == true)
        for (policy, isWarned) in [(PublishingPolicy.everyone, true), (.partner, false), (.organization, false)] {
            #expect(scrub("[]", under: policy).html(title: "t").contains("copies may remain") == isWarned)
        }
        // What is not published needs no warning.
        #expect(!scrub(#"{"dana@acme-corp.io":1}"#, under: .everyone).html(title: "t").contains("copies may remain"))
    }

    // MARK: Policies

    @Test func policiesThatLeakAreRefused() {
        #expect(throws: PublishingPolicyError.secretsNeverStay) {
            try PublishingPolicy(audience: .organization, keeping: [.secret])
        }
        #expect(throws: PublishingPolicyError.everyoneReadsNothingPersonal) {
            try PublishingPolicy(audience: .everyone, keeping: [.email])
        }
        for text in [
            #"{"audience":"everyone","keeping":["e-mail"]}"#, #"{"audience":"partner","keeping":["secret"]}"#, "{}",
            #"{"audience":"partner","admitPrivate":false}"#, #"{"audience":"partner","Keeping":[]}"#,
            #"{"audience":"all"}"#, #"{"audience":"partner","replacement":"none"}"#,
        ] {
            #expect(throws: (any Error).self) { try JSONDecoder().decode(PublishingPolicy.self, from: Data(text.utf8)) }
        }
    }

    @Test func policiesAreData() throws {
        let own = try PublishingPolicy(
            audience: .partner, keeping: [.iban], replacement: .parameter, admitsPrivate: false)
        let configuration = Publisher.Configuration(policies: [Self.team: own, .publicLibrary: .everyone])
        let data = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(Publisher.Configuration.self, from: data) == configuration)
        #expect(String(decoding: data, as: UTF8.self).contains(#""team":{"#))
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode(
                Publisher.Configuration.self,
                from: Data(String(decoding: data, as: UTF8.self).replacing("\"team\"", with: "\"te am\"").utf8))
        }
        let short = try JSONDecoder().decode(PublishingPolicy.self, from: Data(#"{"audience":"partner"}"#.utf8))
        #expect(short == .partner)
    }

    /// A proof says under which policy it was made; each difference shows.
    @Test func theDigestTellsPoliciesApart() throws {
        let policies = [
            PublishingPolicy.everyone, .partner, .organization,
            try PublishingPolicy(audience: .everyone, admitsPrivate: true),
            try PublishingPolicy(audience: .everyone, replacement: .parameter),
            try PublishingPolicy(audience: .organization, keeping: [.email]),
            try PublishingPolicy(audience: .organization, keeping: [.email, .iban]),
        ]
        let digests = try policies.map { policy in
            guard case .publishable(let recipe) = scrub("[]", under: policy).verdict else {
                throw BrokenPromise("blocked")
            }
            return recipe.policy
        }
        #expect(Set(digests).count == policies.count)
        guard case .publishable(let again) = scrub("[1]", under: .partner).verdict else {
            throw BrokenPromise("blocked")
        }
        #expect(again.policy == digests[1])
    }

    @Test func anEntrySaysWhoReads() async throws {
        let trust = try await TestTrust(over: TestStore())
        let recipe = try trust.scrubbedRecipe()
        let permit = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        _ = try await trust.layer.publisher.publish(recipe, to: .publicLibrary, permit)
        let entry = try #require(try trust.store.auditEntries().last { $0.action == "publishing.publish" })
        #expect(entry.details["audience"] == "everyone" && entry.details["policy"] == recipe.policy.description)
    }
}

extension ScrubReport {
    /// Whether it must not be published.
    fileprivate var isBlocked: Bool { if case .blocked = verdict { true } else { false } }
}
