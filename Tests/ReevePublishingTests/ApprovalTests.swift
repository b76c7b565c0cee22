// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePublishing
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

/// What persons decide about findings that no rule is sure of.
@Suite struct ApprovalTests {
    /// A card's number with a wrong digit under a key for cards: a person decides.
    private static let doubtful = Array(#"{"card_number":"4539 1488 0343 6468","mail":"jo@acme.com"}"#.utf8)

    private func key(_ byte: UInt8 = 7) throws -> HMACKey {
        try HMACKey(SecretBytes(copying: Array(repeating: byte, count: 32)))
    }

    private func fingerprint(_ trust: TestTrust, _ key: HMACKey, _ input: [UInt8] = doubtful) throws -> Fingerprint {
        let report = trust.layer.publisher.scrubber.scrub(
            input, as: .plainJSON, for: .publicLibrary, review: Review(key: key))
        guard case .needsReview = report.verdict else { throw BrokenPromise(report.summary) }
        return try #require(report.findings.first { $0.action == .review }?.fingerprint)
    }

    private func approve(
        _ fingerprint: Fingerprint, _ trust: TestTrust, for destination: Destination = .publicLibrary, days: Int = 30
    ) async throws -> FindingApproval {
        let permit = try await trust.permit(ApproveFinding.self, on: .finding(fingerprint))
        return try await trust.layer.publisher.approve(
            fingerprint, for: destination, until: trust.time.now.advanced(by: .seconds(days * 86_400)), permit)
    }

    private func scrub(_ trust: TestTrust, _ key: HMACKey, for destination: Destination = .publicLibrary) async throws
        -> ScrubReport
    {
        let approvals = try await trust.layer.publisher.approvals(for: destination, in: trust.scope)
        return trust.layer.publisher.scrubber.scrub(
            Self.doubtful, as: .plainJSON, for: destination, review: Review(key: key, approvals: approvals))
    }

    private func publish(_ report: ScrubReport, _ trust: TestTrust) async throws {
        guard case .publishable(let recipe) = report.verdict else { throw BrokenPromise(report.summary) }
        let permit = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        _ = try await trust.layer.publisher.publish(recipe, to: recipe.destination, permit)
    }

    /// Facts that tell who somebody is are decided about together: one of them in another combination is not.
    @Test func aCombinationIsApprovedAsOne() async throws {
        let (trust, key) = (try await TestTrust(over: TestStore()), try key())
        func document(_ city: String) -> [UInt8] { Array(#"{"age":34,"gender":"f","city":"\#(city)"}"#.utf8) }
        let approvals = [try await approve(fingerprint(trust, key, document("Ulm")), trust)]
        func scrub(_ document: [UInt8]) -> ScrubReport {
            trust.layer.publisher.scrubber.scrub(
                document, as: .plainJSON, for: .publicLibrary, review: Review(key: key, approvals: approvals))
        }
        let report = scrub(document("Ulm"))
        #expect(report.findings.map(\.action) == [.approved, .approved, .approved])
        #expect(try output(report) == document("Ulm"))
        #expect(scrub(document("Bern")).findings.map(\.action) == [.review, .review, .review])
    }

    @Test func whatWasApprovedIsPublished() async throws {
        let (trust, key) = (try await TestTrust(over: TestStore()), try key())
        let fingerprint = try fingerprint(trust, key)
        let approval = try await approve(fingerprint, trust)
        #expect(approval.fingerprint == fingerprint && approval.destination == .publicLibrary)
        let report = try await scrub(trust, key)
        #expect(report.findings.map(\.action) == [.approved, .replaced])
        guard case .publishable(let recipe) = report.verdict else {
            Issue.record("\(report.summary)")
            return
        }
        #expect(recipe.approvals == [fingerprint])
        let text = String(decoding: recipe.bytes, as: UTF8.self)
        #expect(text == #"{"card_number":"4539 1488 0343 6468","mail":"user1@example.com"}"#)
        try await publish(report, trust)
        let entry = try #require(try trust.store.auditEntries().last)
        #expect(entry.action == "publishing.publish" && entry.details["approvals"] == "1")
        // The report says what was decided, and no value.
        let json = String(decoding: report.json(), as: UTF8.self)
        #expect(json.contains(#""action":"approved""#) && json.contains(#""fingerprint":"\#(fingerprint)""#))
        #expect(!json.contains("4539") && !report.html(title: "t").contains("4539"))
        let sarif = String(decoding: ScrubReport.sarif([(file: "a.json", report: report)]), as: UTF8.self)
        #expect(sarif.contains(#""fingerprints":{"reeve/v1":"\#(fingerprint)"}"#) && !sarif.contains("4539"))
    }

    /// It counts for its value, its class, its destination and its time, and under the workspace's key.
    @Test func anApprovalIsForOneThing() async throws {
        let (trust, key) = (try await TestTrust(over: TestStore()), try key())
        let fingerprint = try fingerprint(trust, key)
        #expect(try self.fingerprint(trust, self.key(8)) != fingerprint)
        let other = Array(#"{"card_number":"4539 1488 0343 6469"}"#.utf8)
        #expect(try self.fingerprint(trust, key, other) != fingerprint)
        let spelled = Array(#"{"a":{"cardNumber":"see 4539148803436468"}}"#.utf8)
        #expect(try self.fingerprint(trust, key, spelled) == fingerprint)
        _ = try await approve(fingerprint, trust)
        let partner = try #require(Destination("partner"))
        guard case .needsReview = try await scrub(trust, key, for: partner).verdict,
            case .needsReview = try await scrub(trust, self.key(8)).verdict
        else {
            Issue.record("approved for more")
            return
        }
        // Nor when a host brings what was approved elsewhere.
        let elsewhere = Review(
            key: key, approvals: try await trust.layer.publisher.approvals(for: .publicLibrary, in: trust.scope))
        guard
            case .needsReview = trust.layer.publisher.scrubber.scrub(
                Self.doubtful, as: .plainJSON, for: partner, review: elsewhere
            ).verdict
        else {
            Issue.record("approved elsewhere")
            return
        }
        // Without a review nothing is approved, and nothing has a fingerprint.
        let plain = trust.layer.publisher.scrubber.scrub(Self.doubtful, as: .plainJSON, for: .publicLibrary)
        #expect(plain.findings.allSatisfy { $0.fingerprint == nil && $0.action != .approved })
        let before = try await trust.layer.publisher.approvals(for: .publicLibrary, in: trust.scope)
        trust.time.advance(by: .seconds(30 * 86_400))
        // A host that keeps what it was told: the scrubber looks at the time, too.
        let late = trust.layer.publisher.scrubber.scrub(
            Self.doubtful, as: .plainJSON, for: .publicLibrary, review: Review(key: key, approvals: before))
        #expect(before.count == 1 && late.findings.allSatisfy { $0.action != .approved })
        #expect(try await trust.layer.publisher.approvals(for: .publicLibrary, in: trust.scope).isEmpty)
        guard case .needsReview = try await scrub(trust, key).verdict else {
            Issue.record("approved for longer")
            return
        }
    }

    /// A proof that was made with an approval is taken only while that counts, and only where it was given.
    @Test func theApprovalIsLookedAtAgain() async throws {
        let (trust, key) = (try await TestTrust(over: TestStore()), try key())
        let fingerprint = try fingerprint(trust, key)
        let approval = try await approve(fingerprint, trust)
        let report = try await scrub(trust, key)
        let permit = try await trust.permit(ApproveFinding.self, on: .finding(fingerprint))
        try await trust.layer.publisher.revoke(approval, permit)
        await expect(.notApproved) { try await publish(report, trust) }
        let again = try await trust.permit(ApproveFinding.self, on: .finding(fingerprint))
        await expect(.notApproved) { try await trust.layer.publisher.revoke(approval, again) }
        // One that ends within the hour that a proof lasts.
        _ = try await approve(fingerprint, trust, days: 1)
        trust.time.advance(by: .seconds(86_400 - 60))
        let late = try await scrub(trust, key)
        trust.time.advance(by: .seconds(60))
        await expect(.notApproved) { try await publish(late, trust) }
    }

    /// What a rule is sure of, and what stands where nothing may change, is not for a person to let through.
    @Test func onlyDoubtsAreApproved() async throws {
        let (trust, key) = (try await TestTrust(over: TestStore()), try key())
        for input in [#"{"mail":"jo@acme.com"}"#, #"{"jo@acme.com":1}"#] {
            let report = trust.layer.publisher.scrubber.scrub(
                Array(input.utf8), as: .plainJSON, for: .publicLibrary, review: Review(key: key))
            #expect(report.findings.count == 1 && report.findings.allSatisfy { $0.fingerprint == nil })
        }
    }

    @Test func anApprovalEnds() async throws {
        let (trust, key) = (try await TestTrust(over: TestStore()), try key())
        let fingerprint = try fingerprint(trust, key)
        for days in [0, -1, 367] {
            await expect(.invalidExpiry) { _ = try await approve(fingerprint, trust, days: days) }
        }
        let other = try #require(Fingerprint(String(repeating: "a", count: 64)))
        let permit = try await trust.permit(ApproveFinding.self, on: .finding(other))
        await expect(.refused) {
            _ = try await trust.layer.publisher.approve(
                fingerprint, for: .publicLibrary, until: trust.time.now.advanced(by: .seconds(60)), permit)
        }
        #expect(Fingerprint("A") == nil && Fingerprint(String(repeating: "A", count: 64)) == nil)
    }

    /// A key that fails approves nothing.
    @Test func aFailingKeyApprovesNothing() async throws {
        struct Broken: MessageAuthenticator {
            func authenticate(_ message: [UInt8]) throws -> [UInt8] { throw BrokenPromise("no key") }
            func isValid(_ tag: [UInt8], for message: [UInt8]) throws -> Bool { throw BrokenPromise("no key") }
        }
        let trust = try await TestTrust(over: TestStore())
        _ = try await approve(try fingerprint(trust, key()), trust)
        let approvals = try await trust.layer.publisher.approvals(for: .publicLibrary, in: trust.scope)
        let report = trust.layer.publisher.scrubber.scrub(
            Self.doubtful, as: .plainJSON, for: .publicLibrary, review: Review(key: Broken(), approvals: approvals))
        guard case .needsReview = report.verdict else {
            Issue.record("approved by a broken key")
            return
        }
        #expect(report.findings.allSatisfy { $0.fingerprint == nil })
    }

    /// Whatever store call fails, an approval and its end are there as a whole with their entry, or not at all.
    @Test(arguments: FaultyStore.Fault.allCases) func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        let fingerprint = try #require(Fingerprint(String(repeating: "ab", count: 32)))
        let scope = Scope(Identifier(high: 1, low: 1), .production)
        let context = ActContext(actor: .host("a"), scope: scope)
        for call in 1...6 {
            let base = TestStore()
            let spy = SpyStore(base)
            let faulty = FaultyStore(spy, failing: call + 1, with: fault)
            let authority = try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: faulty)
            let permit = try await authority.permit(ApproveFinding.self, on: .finding(fingerprint), as: context).get()
            // On a busy machine a minute can pass before the approvals are read.
            let expires = authority.time.now.advanced(by: .seconds(86_400))
            let approval = try? await Publisher(authority: authority).approve(
                fingerprint, for: .publicLibrary, until: expires, permit)
            let healthy = Publisher(
                authority: try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: spy))
            let kept = try await healthy.approvals(for: .publicLibrary, in: scope)
            let outcomes = try spy.auditEntries().filter { $0.action == "publishing.approve" }.map(\.outcome)
            #expect(outcomes.count <= 1)
            #expect(kept.count == (outcomes == [.success] ? 1 : 0), "call \(call)")
            if approval != nil { #expect(kept == [approval]) }
        }
    }
}
