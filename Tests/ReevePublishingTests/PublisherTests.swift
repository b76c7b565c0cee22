// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePublishing
import ReeveStorage
import ReeveTesting
import Testing

@Suite struct PublisherTests {
    @Test func exactlyTheProvenBytesArePublished() async throws {
        let trust = try await TestTrust()
        let large =
            Array("[".utf8) + Array(repeating: Array("\"some text\",".utf8), count: 6000).joined() + Array("1]".utf8)
        let recipe = try trust.scrubbedRecipe(large)
        let permit = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        let publication = try await trust.layer.publisher.publish(recipe, to: .publicLibrary, permit)
        #expect(try await trust.layer.publisher.bytes(of: publication, in: trust.scope) == recipe.bytes)
        #expect(publication.digest == recipe.digest && publication.destination == .publicLibrary)
    }

    @Test func aProofIsGoodOnlyForItsDoor() async throws {
        let (trust, other) = (try await TestTrust(), try await TestTrust())
        let recipe = try trust.scrubbedRecipe()
        let permit = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        let partner = try #require(Destination("partner"))
        await expect(.wrongDestination) { _ = try await trust.layer.publisher.publish(recipe, to: partner, permit) }
        let foreign = try other.scrubbedRecipe()
        await expect(.foreignProof) { _ = try await trust.layer.publisher.publish(foreign, to: .publicLibrary, permit) }
        let different = try trust.scrubbedRecipe(Array("[1]".utf8))
        await expect(.refused) { _ = try await trust.layer.publisher.publish(different, to: .publicLibrary, permit) }
        trust.time.advance(by: Scrubber.lifetime)
        let late = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        await expect(.expired) { _ = try await trust.layer.publisher.publish(recipe, to: .publicLibrary, late) }
    }

    /// Whatever fails, a publication is whole or not there, and no piece of one stays behind after a plain failure.
    @Test(arguments: FaultyStore.Fault.allCases) func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        let content = Array("\"".utf8) + Array(repeating: UInt8(ascii: "x"), count: 70_000) + Array("\"".utf8)
        for call in 1...10 {
            let base = MemoryStore()
            let scope = Scope(Identifier(high: 1, low: 1), .production)
            // The first call records the operator; the next ones are the publication's.
            let faulty = FaultyStore(base, failing: call + 1, with: fault)
            let context = ActContext(actor: .host("a"), scope: scope)
            let authority = try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: faulty)
            let before = base.count
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
                #expect(base.count - before == (entries == 0 ? 0 : entries + 1), "call \(call)")
            }
        }
    }

    @Test(arguments: ["", "a b", "ä", String(repeating: "a", count: 65)]) func destinationsHaveOneSpelling(
        _ name: String
    ) {
        #expect(Destination(name) == nil)
    }

    @Test func messagesSayWhatToDo() {
        for code in PublishingError.Code.allCases { #expect("\(PublishingError(code))".count > 20) }
    }

    private func expect(_ code: PublishingError.Code, _ body: () async throws -> Void) async {
        do {
            try await body()
            Issue.record("\(code) was not thrown")
        } catch {
            #expect(error as? PublishingError == PublishingError(code))
        }
    }
}
