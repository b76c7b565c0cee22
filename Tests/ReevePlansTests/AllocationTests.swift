// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

@Suite struct AllocationTests {
    /// Uses tasks on each of some days; it is the morning after the last then.
    private func use(_ tasks: [Int], _ stage: PriceStage, of company: Identifier<Company>? = nil) async throws {
        for count in tasks {
            let admission = try await stage.staff.layer.tasks.admit(
                stage.staff.job(), of: company ?? stage.company, tasks: count)
            admission.commit(used: count)
            try await stage.staff.layer.tasks.giveBackAll()
            stage.days(1)
        }
    }

    private func permit(_ stage: PriceStage) async throws -> Permit<ChangePlan> {
        try await stage.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
    }

    /// What the meter counted is what the forecast and the replay rest on, also over the end of a period.
    @Test func aForecastRestsOnWhatWasUsed() async throws {
        let stage = try await PriceStage(.reference)
        try await use([Int](repeating: 20, count: 6), stage)
        var forecast = try await stage.plans.forecast(of: stage.company)
        #expect(forecast.runOut == .insufficientHistory(known: 6, needed: 14) && forecast.used == 120)
        try await use([Int](repeating: 20, count: 34), stage)
        forecast = try await stage.plans.forecast(of: stage.company)
        // Forty days from January 15: nine of them in the second period.
        #expect(abs(forecast.perDay - 20) < 1e-9 && forecast.used == 180 && forecast.limit == 1000)
        #expect(forecast.runOut == .notInPeriod && forecast.period.start.day.description == "2026-02-15")
        #expect(forecast.atEnd == 550...550)
        for chart in [forecast.svg] {
            #expect(chart.hasPrefix("<svg xmlns=") && chart.hasSuffix("</svg>") && chart.contains("limit: 1000"))
        }
        let same = try await stage.plans.replay(of: stage.company, under: .plan("trial"))
        #expect(same.map(\.used) == [620, 180] && same.allSatisfy { $0.refused == 0 && $0.runOut == nil })
        let less = try await stage.plans.replay(of: stage.company, under: .package(Package(tasksPerPeriod: 200)))
        #expect(less.map(\.used) == [200, 180] && less.map(\.refused) == [420, 0])
        #expect(less.first?.runOut?.description == "2026-01-25")
        #expect(UsageReplay.svg(of: less).contains("2026-02"))
        #expect(try await stage.plans.replay(of: stage.company, under: .plan("trial"), periods: 1).map(\.used) == [180])
        for periods in [0, 61, .max] {
            let error = await refusal {
                _ = try await stage.plans.replay(of: stage.company, under: .plan("trial"), periods: periods)
            }
            #expect(error == PlanError(.invalidCount))
        }
    }

    /// Clause S4.5: a review leaves an entry and proposes; it changes nothing; a change says which review it rests on.
    @Test func aReviewProposesAndChangesNothing() async throws {
        let stage = try await PriceStage(.reference)
        let others = (1...2).map { Identifier<Company>(high: 5, low: $0) }
        for company in others {
            try await stage.plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
        }
        for _ in 0..<15 {
            // Tasks a day of each: they will have used 1,525, 610 and 1,220 at noon of the last day.
            try await use([50], stage)
            stage.days(-1)
            try await use([20], stage, of: others[0])
            stage.days(-1)
            try await use([40], stage, of: others[1])
        }
        let companies = Dictionary(uniqueKeysWithValues: ([stage.company] + others).map { ($0, 1) })
        let review = try await stage.plans.reviewAllocation(of: companies, budget: 3500, permit(stage))
        func row(_ company: Identifier<Company>) -> AllocationReview.Row? {
            review.rows.first { $0.company == company }
        }
        #expect(review.conclusion == .unbalanced && review.proposals.count == 2 && review.budget == 3500)
        #expect(row(stage.company)?.need == 1525 && row(stage.company)?.proposed == 1280)
        #expect(row(stage.company)?.reason == .getsShare && row(others[0])?.reason == .keepsPlan)
        #expect(row(others[1])?.proposed == 1220 && row(others[1])?.reason == .getsNeed)
        #expect(row(others[0])?.proposed == 1000 && review.fairnessBefore == 1 && review.fairnessAfter < 1)
        #expect(review.svg.contains("<rect") && review.reviewer == stage.staff.principal)
        #expect(try await stage.plans.allocationReview(review.id) == review)
        #expect(try await stage.plans.plan(of: stage.company).limit == 1000)
        let entry = try #require(try stage.staff.store.auditEntries().last)
        #expect(entry.action == "plans.reviewAllocation" && entry.details["proposals"] == "2")
        // There is enough for what they have, and no more.
        let tight = try await stage.plans.reviewAllocation(of: companies, budget: 3000, permit(stage))
        #expect(tight.conclusion == .balanced && tight.proposals.isEmpty)
        let error = await refusal {
            try await stage.plans.reviewAllocation(of: companies, budget: 2999, permit(stage))
        }
        #expect(error == PlanError(.budgetTooSmall))
        #expect(
            await refusal {
                try await stage.plans.reviewAllocation(of: [stage.company: 0], budget: 2999, permit(stage))
            } == PlanError(.invalidCount))
    }

    /// In beta a change that no review stands behind is a finding; before and after it is none.
    @Test func inBetaAChangeWithoutAReviewIsAFinding() async throws {
        let stage = try await PriceStage(.reference)
        func change(_ review: Identifier<AllocationReview>? = nil) async throws {
            try await stage.plans.change(
                .package(Package(addedTasks: 1)), of: stage.company, review: review, stage.change())
        }
        #expect(try await stage.plans.phase() == .general)
        try await change()
        let day = stage.time.now.advanced(by: .seconds(60))
        try await stage.plans.setPhase(.beta, from: day, permit(stage))
        try await change()
        #expect(try await stage.plans.allocationFindings().isEmpty)
        stage.time.advance(by: .seconds(60))
        #expect(try await stage.plans.phase() == .beta)
        try await change()
        let finding = try #require(try await stage.plans.allocationFindings().first)
        #expect(finding.company == stage.company && finding.actor == stage.staff.principal && finding.at == day)
        let entry = try #require(try stage.staff.store.auditEntries().last)
        #expect(entry.details["finding"] == "change-without-review" && entry.decision == finding.decision)
        let review = try await stage.plans.reviewAllocation(of: [stage.company: 1], budget: 5000, permit(stage))
        try await change(review.id)
        #expect(try stage.staff.store.auditEntries().last?.details["review"] == review.id.description)
        let empty = try await stage.plans.reviewAllocation(of: [:], budget: 0, permit(stage))
        for unknown in [Identifier<AllocationReview>(high: 1, low: 1), empty.id] {
            #expect(await refusal { try await change(unknown) } == PlanError(.unknownReview))
        }
        #expect(try await stage.plans.allocationFindings().count == 1)
        try await stage.plans.setPhase(.general, permit(stage))
        try await change()
        #expect(try await stage.plans.allocationFindings().count == 1)
    }
}
