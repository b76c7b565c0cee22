// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

private func plan(_ name: String, _ price: Int64?, trialDays: Int? = nil) throws -> Plan {
    Plan(
        name: name, entitlements: Entitlements(tasksPerPeriod: 1000),
        price: try price.map { Price(perPeriod: try euros($0)) }, conditions: conditions, trialDays: trialDays)
}

/// What is scheduled, awaited and waited for, where one takes the place of the other.
@Suite struct ScheduledAttackTests {
    /// A cheaper plan that staff scheduled, and a status for another one in its place, which ends.
    @Test func whatStaffScheduledIsNotLostByAStatus() async throws {
        let catalogue = Catalogue(
            version: 1,
            plans: [
                try plan("free", nil), try plan("lite", 50_00), try plan("gold", 100_00), try plan("platinum", 200_00),
            ],
            statusRules: [
                .proofOfConcept: StatusRule("free", timing: .nextPeriod), .customer: StatusRule("platinum"),
            ])
        let stage = try await PriceStage(catalogue)
        let gold = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        try await stage.plans.activate(try await stage.approve(gold), stage.change())
        let start = stage.time.now
        func day(_ day: Int) -> Timestamp { start.advanced(by: .seconds(day * 86_400)) }
        func price(_ number: Int) async throws -> Int64 {
            try await stage.plans.plan(of: stage.company, at: day(number)).charges.price?.perPeriod.minorUnits ?? 0
        }
        // A status that costs something opens a proposal only: gold goes on.
        try await stage.tell(.customer, 2)
        #expect(try await price(100) == 100_00)
        try await stage.plans.change(
            PlanChange(.plan("lite"), timing: .at(day(70))), of: stage.company, stage.change())
        #expect(try await price(100) == 50_00)
        try await stage.tell(.proofOfConcept, 3)
        #expect(try await price(100) == 0)
        try await stage.tell(.customer, 4)
        let prices = [try await price(60), try await price(100)]
        #expect(prices == [100_00, 50_00])
    }

    /// What a status had opened is in force, and is not waited for any more; its time over, it is over.
    @Test func whatIsInForceIsNotWaitedFor() async throws {
        let catalogue = Catalogue(
            version: 1, plans: [try plan("free", nil), try plan("trial", 10_00, trialDays: 30)],
            statusRules: [.proofOfConcept: "free", .customer: "trial"])
        let stage = try await PriceStage(catalogue)
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        let day = stage.time.now.advanced(by: .seconds(75 * 86_400))
        try await stage.plans.activate(try await stage.approve(proposal, effective: day), stage.change())
        let before = try await stage.plans.plan(of: stage.company)
        #expect(before.awaiting == proposal.id)
        stage.days(46)
        let now = try await stage.plans.plan(of: stage.company)
        #expect(now.plan?.name == "trial" && now.awaiting == nil)
        stage.days(40)
        let then = try await stage.plans.plan(of: stage.company)
        #expect(then.stop == .trialEnded)
    }

    /// What ends what was to come says so in the log: a proposal, and a plan that a status had scheduled.
    @Test func whatEndsIsInTheLog() async throws {
        let catalogue = Catalogue(
            version: 1, plans: [try plan("free", nil), try plan("open", nil), try plan("gold", 100_00)],
            statusRules: [.proofOfConcept: StatusRule("free", timing: .nextPeriod), .customer: "gold"])
        let stage = try await PriceStage(catalogue)
        func latest(_ action: String) throws -> [String: String] {
            try stage.staff.store.auditEntries().last { $0.action == action }?.details ?? [:]
        }
        try await stage.tell(.customer, 2)
        let first = try await stage.proposal()
        try await stage.plans.change(.plan("open"), of: stage.company, stage.change())
        #expect(try await stage.proposal().withdrawn != nil)
        #expect(try latest("plans.change")["proposal.ended"] == first.id.description)
        try await stage.tell(.proofOfConcept, 3)
        let end = try await stage.plans.plan(of: stage.company).period.end
        #expect(try latest("plans.setStatus")["scheduled.ended"] == nil)
        try await stage.tell(.customer, 4)
        let told = try latest("plans.setStatus")
        #expect(told["scheduled.ended"] == "free from \(end)")
        let second = told["proposal"]
        #expect(second != nil && told["proposal.ended"] == nil)
        try await stage.tell(.proofOfConcept, 5)
        #expect(try latest("plans.setStatus")["proposal.ended"] == second)
    }

    /// Two changes that count anew at the last instant that there is: an error, not an endless search for a later one.
    @Test func noInstantIsAfterTheLast() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let last = Timestamp(microseconds: .max)
        func change(_ kind: PlanChange.Kind) async throws {
            try await stage.plans.change(
                PlanChange(kind, timing: .at(last), usage: .reset), of: stage.company, stage.change())
        }
        try await change(.package(Package(tasksPerPeriod: 5)))
        let error = await refusal { try await change(.plan("open")) }
        #expect(error == PlanError(.invalidChange))
    }
}

/// When a job that is refused can be tried again.
@Suite struct RetryTests {
    private func refusal(_ nodes: Nodes, _ tasks: Int) async -> PlanError? {
        await ReevePlansTests.refusal {
            try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: tasks).release()
        }
    }
    private func permit(_ nodes: Nodes) async throws -> Permit<ChangePlan> {
        try await nodes.trust.permit(ChangePlan.self, on: .plan(of: nodes.company), in: .platform)
    }

    @Test func whereAGrantBegins() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let begin = nodes.trust.time.now.advanced(by: .seconds(86_400))
        try await nodes.trust.layer.plans.grant(1000, to: nodes.company, from: begin, permit(nodes))
        let error = await refusal(nodes, 500)
        #expect(error == PlanError(.limitReached) && error?.retryAt == begin)
        #expect(await refusal(nodes, 1101)?.retryAt == nil)
        nodes.trust.time.advance(by: .seconds(86_401))
        #expect(await refusal(nodes, 500) == nil)
    }

    @Test func whereAnotherPackageBegins() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let plans = nodes.trust.layer.plans
        let end = try await plans.plan(of: nodes.company).period.end
        try await plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 1000)), timing: .nextPeriod), of: nodes.company, permit(nodes))
        #expect(await refusal(nodes, 500)?.retryAt == end)
        #expect(await refusal(nodes, 1001)?.retryAt == nil)
        // One within the period, with what is used counted against it.
        let day = nodes.trust.time.now.advanced(by: .seconds(3 * 86_400))
        try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 60).commit(used: 60)
        try await plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 200)), timing: .at(day)), of: nodes.company, permit(nodes))
        #expect(await refusal(nodes, 140)?.retryAt == day)
        #expect(await refusal(nodes, 141)?.retryAt == end)
    }

    @Test func notWhereAGrantIsOver() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let plans = nodes.trust.layer.plans
        let end = try await plans.plan(of: nodes.company).period.end
        try await plans.grant(1000, to: nodes.company, expires: end, permit(nodes))
        try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 900).commit(used: 900)
        let error = await refusal(nodes, 500)
        #expect(error == PlanError(.limitReached) && error?.retryAt == nil)
        #expect(await refusal(nodes, 201)?.retryAt == nil)
        #expect(await refusal(nodes, 200) == nil)
    }

    /// A job that never fits keeps nobody else waiting.
    @Test func aJobThatNeverFitsKeepsNobodyElse() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let (meter, company) = (nodes.meters[0], nodes.company)
        try await meter.admit(nodes.trust.job(), of: company, tasks: 100).commit(used: 100)
        let large = Task { try await meter.admitWaiting(nodes.trust.job(), of: company, tasks: 101).release() }
        while meter.waiting(of: company).count < 1 { await Task.yield() }
        let small = Task { try await meter.admitWaiting(nodes.trust.job(), of: company, tasks: 1).release() }
        while meter.waiting(of: company).count < 2 { await Task.yield() }
        #expect(meter.waiting(of: company).first?.reason.retryAt == nil)
        nodes.trust.time.advance(by: .seconds(32 * 86_400))
        try await meter.settle()
        try await small.value
        #expect(meter.waiting(of: company).map(\.tasks) == [101])
        large.cancel()
        _ = await large.result
    }
}
