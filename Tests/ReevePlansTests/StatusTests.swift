// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

@Suite struct StatusTests {
    private static let all: [Company.Status?] = [nil] + Company.Status.allCases

    /// Clause S4.2: from every status to every other, where the customers' plan costs nothing and where it has a price, told once,
    /// told again, and told after a later one. The actor is the rule.
    @Test(arguments: all, Company.Status.allCases) func everyChangeOfStatus(
        _ first: Company.Status?, _ second: Company.Status
    ) async throws {
        for isPriced in [false, true] {
            let stage = try await PriceStage(isPriced ? pricedCatalogue() : .reference)
            let company = Identifier<Company>(high: 9, low: 9)
            func tell(_ status: Company.Status, _ sequence: Int64) async throws -> Bool {
                try await stage.plans.setStatus(Company(id: company, status: status), sequence: sequence)
            }
            if let first {
                #expect(try await tell(first, 10))
            } else {
                #expect(await refusal { _ = try await stage.plans.plan(of: company) } == PlanError(.noPlan))
            }
            #expect(try await tell(second, 20))
            let start = try stage.staff.store.auditEntries().count
            // Replayed and reordered, also by another process: nothing changes, and nothing is recorded.
            let plan = try await stage.plans.plan(of: company)
            for (status, sequence): (Company.Status, Int64) in [(second, 20), (first ?? .former, 10), (.former, 19)] {
                #expect(try await !tell(status, sequence))
                #expect(
                    try await !stage.owner.layer.plans.setStatus(
                        Company(id: company, status: status), sequence: sequence))
            }
            #expect(try await stage.plans.plan(of: company) == plan)
            let entries = try stage.staff.store.auditEntries()
            #expect(entries.count == start && entries.last?.action == "plans.setStatus")
            #expect(entries.last?.context.actor == .rule("plans.status.\(second.rawValue)"))
            expect(plan, first, second, isPriced)
            #expect(try await stage.plans.proposals(to: company).count == proposals(first, second, isPriced))
            #expect(plan.charges.isFree)
        }
    }

    /// What is in force after a second status.
    private func expect(
        _ plan: EffectivePlan, _ first: Company.Status?, _ second: Company.Status, _ isPriced: Bool
    ) {
        switch second {
        case .former: #expect(plan.stop == .former && plan.plan == nil)
        case .proofOfConcept: #expect(plan.stop == nil && plan.plan?.name == "trial")
        case .customer where !isPriced: #expect(plan.stop == nil && plan.plan?.name == "bronze")
        case .customer where first == .proofOfConcept:
            // The present plan stays.
            #expect(plan.stop == nil && plan.plan?.name == "trial" && plan.awaiting != nil)
        case .customer: #expect(plan.stop == .awaitingApproval && plan.plan == nil && plan.awaiting != nil)
        }
    }

    private func proposals(_ first: Company.Status?, _ second: Company.Status, _ isPriced: Bool) -> Int {
        isPriced && (first == .customer || second == .customer) ? 1 : 0
    }
}
