// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

@testable import ReevePublishing

@Suite struct PublisherTests {
    @Test func exactlyTheProvenBytesArePublished() async throws {
        let trust = try await TestTrust(over: TestStore())
        let large =
            Array("[".utf8) + Array(repeating: Array("\"some text\",".utf8), count: 6000).joined() + Array("1]".utf8)
        let recipe = try trust.scrubbedRecipe(large)
        let permit = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        let publication = try await trust.layer.publisher.publish(recipe, to: .publicLibrary, permit)
        #expect(try await trust.layer.publisher.bytes(of: publication, in: trust.scope) == recipe.bytes)
        #expect(publication.digest == recipe.digest && publication.destination == .publicLibrary)
        let read = try await trust.layer.publisher.bytes(of: publication, in: trust.scope)
        #expect(try permit.resource == .recipe(Digest(hashing: read)))
    }

    @Test func aProofIsGoodOnlyForItsDoor() async throws {
        let (trust, other) = (try await TestTrust(over: TestStore()), try await TestTrust(over: TestStore()))
        let recipe = try trust.scrubbedRecipe()
        let permit = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        let partner = try #require(Destination("partner"))
        await expect(.wrongDestination) { _ = try await trust.layer.publisher.publish(recipe, to: partner, permit) }
        let foreign = try other.scrubbedRecipe()
        await expect(.foreignProof) { _ = try await trust.layer.publisher.publish(foreign, to: .publicLibrary, permit) }
        let different = try trust.scrubbedRecipe(Array("[1]".utf8))
        await expect(.refused) { _ = try await trust.layer.publisher.publish(different, to: .publicLibrary, permit) }
        var older = recipe
        older.rulesVersion -= 1
        await expect(.olderRules) { _ = try await trust.layer.publisher.publish(older, to: .publicLibrary, permit) }
        trust.time.advance(by: Scrubber.lifetime)
        let late = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        await expect(.expired) { _ = try await trust.layer.publisher.publish(recipe, to: .publicLibrary, late) }
    }

    /// Whatever fails, a publication is whole or not there, and no piece of one stays behind after a plain failure.
    @Test(arguments: FaultyStore.Fault.allCases) func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        let content = Array("\"".utf8) + Array(repeating: UInt8(ascii: "x"), count: 70_000) + Array("\"".utf8)
        for call in 1...10 {
            let base = TestStore()
            let scope = Scope(Identifier(high: 1, low: 1), .production)
            // The first call records the operator; the next ones are the publication's.
            let faulty = FaultyStore(base, failing: call + 1, with: fault)
            let context = ActContext(actor: .host("a"), scope: scope)
            let authority = try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: faulty)
            let before = try await base.count
            let publisher = Publisher(authority: authority)
            let report = publisher.scrubber.scrub(content, as: .plainJSON, for: .publicLibrary)
            guard case .publishable(let recipe) = report.verdict else { throw BrokenPromise(report.summary) }
            let permit = try await authority.permit(PublishRecipe.self, on: .recipe(recipe.digest), as: context).get()
            if let publication = try? await publisher.publish(recipe, to: .publicLibrary, permit) {
                let healthy = Publisher(
                    authority: try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: base))
                #expect(try await healthy.bytes(of: publication, in: scope) == content)
            } else if fault == .refused {
                // Entries, and the mark that the workspace has a log.
                let entries = try await base.records(in: KeyRange(under: Trail.pending(Partition(scope))), limit: 10)
                    .count
                let now = try await base.count
                #expect(now - before == (entries == 0 ? 0 : entries + 1), "call \(call)")
            }
        }
    }

    private func publish(
        _ recipe: ScrubbedRecipe, replacing earlier: Publication? = nil, _ trust: TestTrust
    ) async throws -> Publication {
        let permit = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        return try await trust.layer.publisher.publish(recipe, to: .publicLibrary, replacing: earlier?.id, permit)
    }

    /// A next version takes the place of one, once, at the same destination.
    @Test func versionsFollowEachOther() async throws {
        let trust = try await TestTrust(over: TestStore())
        let publisher = trust.layer.publisher
        let first = try await publish(try trust.scrubbedRecipe(Array("[1]".utf8)), trust)
        let second = try await publish(try trust.scrubbedRecipe(Array("[2]".utf8)), replacing: first, trust)
        #expect(first.version == 1 && first.replaces == nil)
        #expect(second.version == 2 && second.replaces == first.id)
        #expect(try await publisher.publication(first.id, in: trust.scope).replacedBy == second.id)
        // The earlier one can still be read, until it is withdrawn.
        #expect(try await publisher.bytes(of: first, in: trust.scope) == Array("[1]".utf8))
        let third = try trust.scrubbedRecipe(Array("[3]".utf8))
        await expect(.replaced) { _ = try await publish(third, replacing: first, trust) }
        let other = try await TestTrust(over: TestStore())
        let foreign = try await publish(try other.scrubbedRecipe(), other)
        await expect(.unknownPublication) { _ = try await publish(third, replacing: foreign, trust) }
        let report = publisher.scrubber.scrub(
            Array("[4]".utf8), as: .plainJSON, for: try #require(Destination("partner")))
        guard case .publishable(let elsewhere) = report.verdict else { throw BrokenPromise(report.summary) }
        let permit = try await trust.permit(PublishRecipe.self, on: .recipe(elsewhere.digest))
        await expect(.wrongDestination) {
            _ = try await publisher.publish(elsewhere, to: elsewhere.destination, replacing: second.id, permit)
        }
    }

    /// Clauses P4.1 and P4.2: what is withdrawn is gone here, and the answer says that copies may remain.
    @Test func aWithdrawalSaysWhatMayRemain() async throws {
        let trust = try await TestTrust(over: TestStore())
        let publisher = trust.layer.publisher
        let publication = try await publish(try trust.scrubbedRecipe(), trust)
        let wrong = try await trust.permit(
            PublishRecipe.self, on: .recipe(try trust.scrubbedRecipe(Array("[7]".utf8)).digest))
        await expect(.refused) { try await publisher.withdraw(publication, wrong) }
        let permit = try await trust.permit(PublishRecipe.self, on: .recipe(publication.digest))
        let withdrawal = try await publisher.withdraw(publication, permit)
        #expect(withdrawal.publication == publication.id && !withdrawal.residual.isEmpty)
        #expect(
            "\(withdrawal)".contains("copies that nobody can take back may remain: archives, caches, others' copies"))
        await expect(.withdrawn) { _ = try await publisher.bytes(of: publication, in: trust.scope) }
        #expect(try await publisher.publication(publication.id, in: trust.scope).withdrawn == withdrawal.at)
        // Nothing of the bytes is left in the store, and to do it again says the same.
        let pieces = KeyRange(under: Key(Partition(trust.scope), [.text("blob")]))
        #expect(try await trust.store.records(in: pieces, limit: 10).isEmpty)
        trust.time.advance(by: .seconds(60))
        let again = try await publisher.withdraw(
            publication, trust.permit(PublishRecipe.self, on: .recipe(publication.digest)))
        #expect(again == withdrawal)
    }

    /// Whatever fails, a withdrawal is made whole by doing it again, and never told without being one.
    @Test(arguments: FaultyStore.Fault.allCases) func everyStoreCallOfAWithdrawalMayFail(
        _ fault: FaultyStore.Fault
    ) async throws {
        let content = Array("\"".utf8) + Array(repeating: UInt8(ascii: "x"), count: 70_000) + Array("\"".utf8)
        let scope = Scope(Identifier(high: 1, low: 1), .production)
        let context = ActContext(actor: .host("a"), scope: scope)
        for call in 1...8 {
            let base = TestStore()
            let healthy = try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: base)
            let publisher = Publisher(authority: healthy)
            let report = publisher.scrubber.scrub(content, as: .plainJSON, for: .publicLibrary)
            guard case .publishable(let recipe) = report.verdict else { throw BrokenPromise(report.summary) }
            let permit = try await healthy.permit(PublishRecipe.self, on: .recipe(recipe.digest), as: context).get()
            let publication = try await publisher.publish(recipe, to: .publicLibrary, permit)
            let spy = SpyStore(base)
            let faulty = FaultyStore(spy, failing: call + 1, with: fault)
            let authority = try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: faulty)
            let may = try await authority.permit(PublishRecipe.self, on: .recipe(recipe.digest), as: context).get()
            let first = try? await Publisher(authority: authority).withdraw(publication, may)
            if first != nil { #expect(try await publisher.publication(publication.id, in: scope).withdrawn != nil) }
            // What was done is not recorded as refused as well.
            let outcomes = try spy.auditEntries().filter { $0.action == "publishing.withdraw" }.map(\.outcome)
            #expect(outcomes.count <= 1, "call \(call): \(outcomes)")
            let mayAgain = try await healthy.permit(PublishRecipe.self, on: .recipe(recipe.digest), as: context).get()
            let again = try await publisher.withdraw(publication, mayAgain)
            #expect(first == nil || first == again)
            let rest = try await base.records(in: KeyRange(under: Key(Partition(scope), [.text("blob")])), limit: 10)
            #expect(rest.isEmpty, "call \(call)")
        }
    }

    @Test(arguments: ["", "a b", "ä", "Public-Library", String(repeating: "a", count: 65)])
    func destinationsHaveOneSpelling(
        _ name: String
    ) {
        #expect(Destination(name) == nil)
    }

    @Test func messagesSayWhatToDo() {
        for code in PublishingError.Code.allCases { #expect("\(PublishingError(code))".count > 20) }
    }
}
