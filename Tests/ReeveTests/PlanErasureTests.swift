// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

/// What is counted of a company goes when it has left, and not while it is a customer.
@Suite struct PlanErasureTests {
    private let trust: TestTrust
    init() async throws { trust = try await TestTrust(over: TestStore()) }

    /// Erases what the plans have of the company, as retention does.
    private func erase(as place: String = Plans.location, scope: Scope = .platform) async throws -> ErasureOutcome {
        try await trust.layer.plans.erase(
            trust.layer.access.erasure(
                of: trust.company.record(at: Plans.location), at: place, attempt: 1,
                Identifier(at: trust.time.now), trust.context(scope), isOwn: true))
    }

    private func counts() async throws -> Int {
        let all = try await trust.store.records(in: KeyRange(under: Key(.platform)), limit: 10_000)
        return all.count { entry in
            ["plans.quota", "plans.charges", "plans.ended", "plans.pace"].contains {
                entry.key.description.contains("/\($0)/")
            }
        }
    }

    @Test func aCustomerKeepsItsCounts() async throws {
        try await trust.admission(tasks: 3).release()
        try await trust.layer.tasks.settle()
        let (before, used) = (try await counts(), try await trust.layer.plans.allowance(of: trust.company).used)
        #expect(before > 0)
        await #expect(throws: PlanError(.companyActive)) { _ = try await erase() }
        #expect(try await counts() == before)
        #expect(try await trust.layer.plans.allowance(of: trust.company).used == used)
        // By no other place's erasure, and by none of another scope.
        try await trust.layer.plans.setStatus(Company(id: trust.company, status: .former), sequence: 2)
        await #expect(throws: PlanError.self) { _ = try await erase(as: "vault") }
        await #expect(throws: PlanError.self) { _ = try await erase(scope: trust.scope) }
        #expect(try await counts() == before)
        #expect(try await erase() == .erased)
        #expect(try await counts() == 0)
        #expect(try await erase() == .nothingThere)
    }

    /// What a job that was still running then used counts for nobody, and brings nothing back.
    @Test func whatIsToldLaterCountsForNobody() async throws {
        let admission = try await trust.admission(tasks: 3)
        try await trust.layer.plans.setStatus(Company(id: trust.company, status: .former), sequence: 2)
        #expect(try await erase() == .erased)
        admission.release()
        try await trust.layer.tasks.settle()
        #expect(try await counts() == 0)
        // A customer again, it is counted from then on.
        try await trust.layer.plans.setStatus(Company(id: trust.company, status: .proofOfConcept), sequence: 3)
        try await trust.admission(tasks: 2).release()
        try await trust.layer.tasks.settle()
        #expect(try await counts() > 0)
    }
}
