// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

/// What one commit could not hold.
@Suite struct PlanningScaleTests {
    @Test func aReviewTakesAsManyCompaniesAsItSays() async throws {
        let stage = try await PriceStage(.reference)
        var companies: [Identifier<Company>: Int] = [:]
        for number in 1...AllocationReview.maximumCompanies {
            let company = Identifier<Company>(high: 3, low: UInt64(number))
            try await stage.plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
            companies[company] = number
        }
        func review(_ companies: [Identifier<Company>: Int]) async throws -> AllocationReview {
            let permit = try await stage.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
            return try await stage.plans.reviewAllocation(of: companies, budget: 1_000_000, permit)
        }
        let made = try await review(companies)
        #expect(made.rows.count == 500)
        #expect(try await stage.plans.allocationReview(made.id) == made)
        companies[Identifier(high: 4, low: 1)] = 1
        let tooMany = companies
        #expect(await refusal { _ = try await review(tooMany) } == PlanError(.invalidCount))
    }

    /// Years of periods, and years without any.
    @Test func aReplayGoesBackOverPauses() async throws {
        let stage = try await PriceStage(.reference)
        func use(_ months: Int) async throws {
            for month in 1...months {
                try await stage.staff.admission(tasks: month).commit(used: month)
                try await stage.staff.layer.tasks.giveBackAll()
                stage.days(31)
            }
        }
        try await use(40)
        stage.days(31 * 100)
        try await use(20)
        let all = try await stage.plans.replay(of: stage.company, under: .plan("trial"), periods: 60)
        #expect(all.map(\.used).suffix(25) == [36, 37, 38, 39, 40] + Array(1...20))
        #expect(all.allSatisfy { $0.refused == 0 } && all.map(\.used).reduce(0, +) == 820 + 210)
        #expect(
            try await stage.plans.replay(of: stage.company, under: .plan("trial"), periods: 3).map(\.used) == [
                18, 19, 20,
            ])
        #expect(try await stage.plans.forecast(of: stage.company).period.contains(stage.time.now))
    }
}
