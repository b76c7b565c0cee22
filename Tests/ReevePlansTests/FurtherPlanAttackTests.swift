// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

private func cat(
    _ plans: [Plan], _ rules: [Company.Status: StatusRule] = [.proofOfConcept: "trial"], version: Int = 1
) -> Catalogue {
    Catalogue(version: version, plans: plans, statusRules: rules)
}

private func paid(
    _ name: String, _ price: Int64, tasks: Int = 1000, features: Set<String> = [], trialDays: Int? = nil,
    tax: PriceConditions.Tax = .included
) throws -> Plan {
    Plan(
        name: name, entitlements: Entitlements(tasksPerPeriod: tasks, features: features),
        price: Price(perPeriod: try euros(price)),
        conditions: PriceConditions(tax: tax, payment: "Due in 14 days.", ending: "At the end of each month."),
        trialDays: trialDays)
}

private func announced(in store: any Store) async throws -> [String] {
    var told: [String] = []
    let outbox = Outbox(leases: Leases(store: store))
    for partition in try await outbox.partitions() {
        _ = try await outbox.deliver(to: "reader", in: partition, limit: 1000) { event in
            told.append("v\(event.details["limit.version"] ?? "?") \(event.details["threshold"] ?? "?")")
        }
    }
    return told
}

extension PriceStage {
    fileprivate func go(_ change: PlanChange) async throws {
        let p = try await plans.propose(change, for: company, self.change())
        try await plans.activate(try await approve(p), self.change())
    }
    fileprivate func publish(_ c: Catalogue) async throws {
        let permit = try await staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
        try await plans.publish(c, permit)
    }
    fileprivate func inn(_ seconds: Int) -> Timestamp { time.now.advanced(by: .seconds(seconds)) }
}

private struct Junk: Codable, RecordCodable {}

/// More ways that once led to a higher price, to more than the limit, or to a company that was refused for ever.
@Suite struct FurtherPlanAttackTests {
    @Test func scheduledTurnIsEarly() async throws {
        let s = try await PriceStage(.reference)
        let at = s.inn(20 * 3600)
        try await s.plans.change(PlanChange(.plan("bronze"), timing: .at(at), usage: .reset), of: s.company, s.change())
        let p = try await s.plans.plan(of: s.company)
        #expect(p.plan?.name == "trial", "20 hours before its instant: \(p.plan!.name), limit \(p.limit), at \(p.at)")
        let e = await refusal { try await s.staff.admission(tasks: 5000).commit(used: 5000) }
        #expect(e == PlanError(.limitReached), "5000 admitted of 1000")
    }

    @Test func approvedPriceIsEarly() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let p = try await s.plans.propose(PlanChange(.plan("gold"), usage: .reset), for: s.company, s.change())
        let day = s.inn(50 * 86_400)
        try await s.plans.communicate(p.id, of: s.company, by: .email, effective: day, s.change())
        s.days(31)
        let o = s.owner.layer.plans
        try await o.review(p.id, for: s.workspace, document: p.digest, s.approval())
        let a = try await o.approve(p.id, for: s.workspace, document: p.digest, s.approval())
        try await s.plans.activate(a, s.change())
        #expect(try await s.plans.plan(of: s.company).charges.isFree)
        s.time.setWallClock(to: day.advanced(by: .seconds(-20 * 3600)))
        let plan = try await s.plans.plan(of: s.company)
        #expect(plan.charges.isFree, "20 hours before the day that was communicated: \(plan.charges)")
    }

    @Test func nextPeriodIsEarly() async throws {
        let s = try await PriceStage(.reference)
        let before = try await s.plans.allowance(of: s.company)
        try await s.plans.change(
            PlanChange(.package(nil), timing: .nextPeriod, usage: .scaled), of: s.company, s.change())
        try await s.staff.admission(tasks: 1000).commit(used: 1000)
        s.time.setWallClock(to: before.resetsAt.advanced(by: .seconds(-20 * 3600)))
        let e = await refusal { try await s.staff.admission(tasks: 1000).commit(used: 1000) }
        let a = try await s.plans.allowance(of: s.company)
        #expect(e == PlanError(.limitReached) && a.periodStart == before.periodStart, "2000 of 1000, \(a)")
    }

    @Test func taxOnTop() async throws {
        let s = try await PriceStage(cat([Plan(name: "trial", tasksPerPeriod: 100), try paid("gold", 50_00)]))
        try await s.go(.plan("gold"))
        try await s.publish(
            cat([Plan(name: "trial", tasksPerPeriod: 100), try paid("gold", 50_00, tax: .added)], version: 2))
        let e = await refusal { try await s.plans.change(.plan("gold"), of: s.company, s.change()) }
        let p = try await s.plans.plan(of: s.company)
        #expect(e == PlanError(.approvalRequired), "taken; tax is now \(p.plan!.conditions!.tax)")
    }

    @Test func samePriceOneTaskMoreNoFeatures() async throws {
        let s = try await PriceStage(
            cat([
                Plan(name: "trial", tasksPerPeriod: 100), try paid("gold", 50_00, features: ["history", "sso"]),
                try paid("lead", 50_00, tasks: 1001),
            ]))
        try await s.go(.plan("gold"))
        let e = await refusal { try await s.plans.change(.plan("lead"), of: s.company, s.change()) }
        let p = try await s.plans.plan(of: s.company)
        #expect(e == PlanError(.approvalRequired), "pays \(p.charges.price!.perPeriod) with \(p.entitlements.features)")
    }

    @Test func periodsThatBeginAgain() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        for i in 1...5 {
            try await s.plans.change(
                PlanChange(
                    .package(Package(addedTasks: i)), timing: .at(s.inn((40 + 2 * i) * 86_400)),
                    alignment: .startsPeriods, usage: .reset), of: s.company, s.change())
        }
        let e = await refusal { try await s.go(.plan("gold")) }
        s.days(5)
        var starts: Set<Timestamp> = []
        for _ in 0..<20 {
            let p = try await s.plans.plan(of: s.company, at: s.time.now)
            if !p.charges.isFree { starts.insert(p.period.start) }
            s.days(1)
        }
        #expect(starts.count <= 2, "\(starts.count) paid periods begin in 20 days; go: \(String(describing: e))")
    }

    @Test func statusNotTaken() async throws {
        let c = cat(
            [Plan(name: "trial", tasksPerPeriod: 100), Plan(name: "bronze", tasksPerPeriod: 100)],
            [.proofOfConcept: StatusRule("trial", usage: .reset), .customer: StatusRule("bronze", usage: .reset)])
        let s = try await PriceStage(c)
        var e: PlanError?
        var n = 0
        for i in 2...130 {
            s.days(7)
            e = await refusal { try await s.tell(i % 2 == 0 ? .customer : .proofOfConcept, Int64(i)) }
            n = i
            if e != nil { break }
        }
        #expect(e == nil, "status number \(n): \(String(describing: e))")
        s.days(365)
        let e2 = await refusal { try await s.tell(n % 2 == 0 ? .customer : .proofOfConcept, 1000) }
        #expect(e2 == nil, "a year later: \(String(describing: e2))")
    }

    @Test func statusNotTakenAfterChanges() async throws {
        let c = cat(
            [Plan(name: "trial", tasksPerPeriod: 100), Plan(name: "bronze", tasksPerPeriod: 100)],
            [.proofOfConcept: "trial", .customer: StatusRule("bronze", usage: .scaled)])
        let s = try await PriceStage(c)
        for _ in 0..<120 {
            s.days(3)
            let e = await refusal {
                try await s.plans.change(PlanChange(.package(nil), usage: .reset), of: s.company, s.change())
            }
            if e != nil { break }
        }
        let e = await refusal { try await s.tell(.customer, 2) }
        #expect(e == nil, "\(String(describing: e))")
    }

    @Test func farPlanSettlesTheStatus() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: 20))
        try await s.tell(.customer, 2)
        try await s.plans.change(
            PlanChange(.plan("open"), timing: .at(s.inn(700 * 86_400))), of: s.company, s.change())
        s.days(70)
        try await s.tell(.customer, 3)
        let p = try await s.plans.plan(of: s.company)
        #expect(p.awaiting != nil, "stop \(String(describing: p.stop)), plan \(p.plan!.name), nothing is opened again")
    }

    @Test func whatAnEarlierStatusScheduled() async throws {
        let c = cat(
            ["trial", "bronze", "silver"].map { Plan(name: $0, tasksPerPeriod: 10) },
            [.proofOfConcept: "trial", .customer: StatusRule("bronze", timing: .nextPeriod)])
        let s = try await PriceStage(c)
        try await s.plans.change(PlanChange(.plan("silver"), timing: .at(s.inn(86_400))), of: s.company, s.change())
        try await s.tell(.customer, 2)
        try await s.tell(.proofOfConcept, 3)
        let p = try await s.plans.plan(of: s.company, at: s.inn(60 * 86_400))
        #expect(p.plan?.name != "bronze", "in proof of concept, on the customers' plan")
    }

    @Test func approvedForAnEarlierStatus() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await s.tell(.customer, 2)
        let p = try await s.proposal()
        let day = s.inn(50 * 86_400)
        try await s.plans.communicate(p.id, of: s.company, by: .email, effective: day, s.change())
        s.days(31)
        let o = s.owner.layer.plans
        try await o.review(p.id, for: s.workspace, document: p.digest, s.approval())
        let a = try await o.approve(p.id, for: s.workspace, document: p.digest, s.approval())
        try await s.plans.activate(a, s.change())
        try await s.tell(.proofOfConcept, 3)
        let plan = try await s.plans.plan(of: s.company, at: day)
        #expect(
            plan.charges.isFree, "in proof of concept again, and pays \(plan.charges.price!.perPeriod) from then on")
    }

    @Test func twoTurnsAtOneInstant() async throws {
        let s = try await PriceStage(.reference)
        try await s.staff.admission(tasks: 900).commit(used: 900)
        let at = s.inn(3 * 86_400)
        try await s.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 2000)), timing: .at(at), usage: .scaled), of: s.company,
            s.change())
        let preview = try await s.plans.change(
            PlanChange(.plan("bronze"), timing: .at(at), usage: .reset), of: s.company, s.change())
        #expect(preview.effective == at)
        s.time.setWallClock(to: at.advanced(by: .seconds(1)))
        let a = try await s.plans.allowance(of: s.company)
        #expect(a.used == 0, "used \(a.used) of \(a.limit) after a reset")
    }

    @Test func thresholdsAfterAReset() async throws {
        let nodes = try await Nodes(1, limit: 100, leasePerMille: 10)
        _ = try await nodes.fill(0, atMost: 95)
        try await nodes.meters[0].giveBackAll()
        #expect(try await announced(in: nodes.trust.store).last == "v0 90")
        nodes.trust.time.advance(by: .seconds(5))
        let permit = try await nodes.trust.permit(ChangePlan.self, on: .plan(of: nodes.company), in: .platform)
        try await nodes.trust.layer.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 50)), usage: .reset), of: nodes.company, permit)
        let n = try await nodes.fill(0, atMost: 48)
        try await nodes.meters[0].giveBackAll()
        let told = try await announced(in: nodes.trust.store)
        #expect(told.contains { $0.hasSuffix(" 90") }, "\(n) of 50 used under another limit: \(told)")
    }

    @Test func dayOfManyTasks() async throws {
        let s = try await PriceStage(cat([Plan(name: "trial", tasksPerPeriod: 1_000_000_000_000)]))
        for i in 0..<5 {
            let e = await refusal {
                try await s.staff.admission(tasks: 1_000_000_000_000).commit(used: 1_000_000_000_000)
            }
            #expect(e == nil, "round \(i): \(String(describing: e))")
            if e != nil { break }
            s.time.advance(by: .seconds(1))
            let e2 = await refusal {
                try await s.plans.change(PlanChange(.package(nil), usage: .reset), of: s.company, s.change())
            }
            #expect(e2 == nil, "change \(i): \(String(describing: e2))")
        }
    }

    @Test func replayOfWhatCameBack() async throws {
        let s = try await PriceStage(cat([Plan(name: "trial", tasksPerPeriod: 100)]))
        let a = try await s.staff.admission(tasks: 100)
        s.days(1)
        a.commit(used: 40)
        try await s.staff.layer.tasks.giveBackAll()
        s.days(1)
        try await s.staff.admission(tasks: 60).commit(used: 60)
        let used = try await s.plans.allowance(of: s.company).used
        let r = try #require(try await s.plans.replay(of: s.company, under: .plan("trial")).last)
        #expect(r.used == used && r.refused == 0 && r.runOut == nil, "used \(used); replayed \(r)")
    }

    @Test func periodsBeforeTheLastStart() async throws {
        let s = try await PriceStage(.reference)
        for _ in 0..<2 {
            s.days(10)
            try await s.plans.change(
                PlanChange(.package(nil), alignment: .startsPeriods, usage: .reset), of: s.company, s.change())
            for _ in 0..<9 {
                try await s.staff.admission(tasks: 50).commit(used: 50)
                s.days(1)
            }
        }
        let r = try await s.plans.replay(of: s.company, under: .package(nil))
        #expect(r.reduce(0) { $0 + $1.used } == 900, "\(r.map { ($0.period.start.description, $0.used) })")
        let s2 = try await PriceStage(.reference)
        try await s2.plans.change(
            PlanChange(.package(nil), alignment: .startsPeriods, usage: .reset), of: s2.company, s2.change())
        for _ in 0..<20 {
            try await s2.staff.admission(tasks: 20).commit(used: 20)
            s2.days(1)
        }
        let known = try await s2.plans.forecast(of: s2.company).runOut
        try await s2.plans.change(
            PlanChange(.package(nil), alignment: .startsPeriods, usage: .reset), of: s2.company, s2.change())
        let after = try await s2.plans.forecast(of: s2.company).runOut
        if case .insufficientHistory = after { Issue.record("before \(known), after \(after)") }
    }

    @Test func anActivationInBeta() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let permit = try await s.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
        try await s.plans.setPhase(.beta, permit)
        try await s.go(.plan("gold"))
        let f = try await s.plans.allocationFindings()
        #expect(!f.isEmpty, "50 times the tasks in beta, without review, without finding")
    }

    @Test func anyReviewWillDo() async throws {
        let s = try await PriceStage(.reference)
        let permit = try await s.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
        let r = try await s.plans.reviewAllocation(of: [s.company: 1], budget: 5000, permit)
        s.days(700)
        let permit2 = try await s.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
        try await s.plans.setPhase(.beta, permit2)
        try await s.plans.change(.package(Package(tasksPerPeriod: 1_000_000)), of: s.company, review: r.id, s.change())
        let f = try await s.plans.allocationFindings()
        #expect(!f.isEmpty, "a review two years old that proposed \(r.proposals.count) changes")
    }

    @Test func oneEndedTrialStopsTheReview() async throws {
        let c = cat(
            [
                Plan(name: "trial", entitlements: Entitlements(tasksPerPeriod: 100), trialDays: 5),
                Plan(name: "open", tasksPerPeriod: 10),
            ], [.proofOfConcept: "trial", .customer: "open"])
        let s = try await PriceStage(c)
        let other = Company(id: Identifier(high: 9, low: 9), status: .customer)
        try await s.plans.setStatus(other, sequence: 1)
        s.days(6)
        let permit = try await s.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
        let e = await refusal {
            try await s.plans.reviewAllocation(of: [s.company: 1, other.id: 1], budget: 5000, permit)
        }
        #expect(e == nil, "\(String(describing: e))")
    }

    @Test func whatWasAgreedForOnePlanIsNotAgreedForALesser() async throws {
        let s = try await PriceStage(
            cat([
                Plan(name: "trial", entitlements: Entitlements(tasksPerPeriod: 100, features: ["history"])),
                Plan(name: "plain", tasksPerPeriod: 100),
            ]))
        let package = PlanChange.package(Package(price: Price(perPeriod: try euros(60_00))))
        try await s.plans.propose(package, for: s.company, conditions: conditions, s.change())
        let later = s.inn(40 * 86_400)
        try await s.plans.change(PlanChange(.plan("plain"), timing: .at(later)), of: s.company, s.change())
        let e = await refusal {
            try await s.plans.propose(package, for: s.company, conditions: conditions, s.change())
        }
        #expect(e == PlanError(.laterPrice))
    }

    @Test func planUnderAPricedPackage() async throws {
        let s = try await PriceStage(
            cat(
                [
                    Plan(name: "trial", entitlements: Entitlements(tasksPerPeriod: 100, features: ["a"])),
                    Plan(name: "lead", entitlements: Entitlements(tasksPerPeriod: 101, environments: [])),
                ], [.proofOfConcept: "trial", .customer: "lead"]))
        let p = try await s.plans.propose(
            .package(Package(price: Price(perPeriod: try euros(60_00)))), for: s.company, conditions: conditions,
            s.change())
        try await s.plans.activate(try await s.approve(p), s.change())
        try await s.tell(.customer, 2)
        let plan = try await s.plans.plan(of: s.company)
        #expect(
            plan.plan?.name == "trial", "pays \(plan.charges.price!.perPeriod), envs \(plan.entitlements.environments)")
    }

    @Test func goesOnWithLess() async throws {
        let c = cat(
            [
                Plan(
                    name: "trial", entitlements: Entitlements(tasksPerPeriod: 100, features: ["history"]), trialDays: 40
                ),
                Plan(name: "poor", entitlements: Entitlements(tasksPerPeriod: 100, environments: [.test])),
            ], [.proofOfConcept: "trial", .customer: "poor"])
        let s = try await PriceStage(c)
        let p = try await s.plans.propose(
            .package(Package(price: Price(perPeriod: try euros(60_00)))), for: s.company, conditions: conditions,
            s.change())
        try await s.plans.activate(try await s.approve(p), s.change())
        s.days(15)
        #expect(try await s.plans.plan(of: s.company).stop == .trialEnded)
        let e = await refusal { try await s.plans.change(.plan("poor"), of: s.company, s.change()) }
        let plan = try await s.plans.plan(of: s.company)
        #expect(
            e == PlanError(.approvalRequired),
            "pays \(String(describing: plan.charges.price?.perPeriod)) in \(plan.entitlements.environments) with \(plan.entitlements.features)"
        )
    }

    @Test func reviewedByWhoProposed() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let p = try await s.plans.propose(.plan("gold"), for: s.company, s.change())
        try await s.plans.communicate(p.id, of: s.company, by: .email, s.change())
        s.days(31)
        let e = await refusal {
            try await s.plans.review(p.id, for: s.workspace, document: p.digest, s.approval(of: s.staff))
        }
        #expect(e == PlanError(.ownProposal), "the proposer reviewed")
    }

    @Test func idleForThreeMonths() async throws {
        let s = try await PriceStage(.reference)
        try await s.staff.admission(tasks: 900).commit(used: 900)
        s.days(150)
        let r = try await s.plans.replay(of: s.company, under: .package(nil))
        #expect(r.contains { $0.used == 900 }, "\(r)")
    }

    @Test func refundFromBeforeTheReset() async throws {
        let s = try await PriceStage(.reference)
        let job = try await s.staff.admission(tasks: 900)
        s.days(1)
        try await s.plans.change(PlanChange(.package(nil), usage: .reset), of: s.company, s.change())
        try await s.staff.admission(tasks: 1000).commit(used: 1000)
        job.release()
        try await s.staff.layer.tasks.giveBackAll()
        let e = await refusal { try await s.staff.admission(tasks: 900).commit(used: 900) }
        #expect(e == PlanError(.limitReached), "1900 admitted after the reset, of 1000")
    }

    @Test func replayAfterATrial() async throws {
        let s = try await PriceStage(
            cat([Plan(name: "trial", entitlements: Entitlements(tasksPerPeriod: 100), trialDays: 10)]))
        try await s.staff.admission(tasks: 90).commit(used: 90)
        s.days(11)
        let r = try await s.plans.replay(of: s.company, under: .plan("trial"))
        #expect(r.last?.used == 90, "\(r)")
    }

    @Test func lowestSequence() async throws {
        let s = try await PriceStage(.reference)
        let co = Company(id: Identifier(high: 9, low: 9), status: .customer)
        let isNew = try await s.plans.setStatus(co, sequence: .min)
        let e = await refusal { _ = try await s.plans.plan(of: co.id) }
        #expect(isNew && e == nil, "\(isNew) \(String(describing: e))")
    }

    @Test func statusWithoutTheProposal() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await s.tell(.customer, 2)
        let p = try await s.proposal()
        let table = Table<Junk>("plans.proposal")
        try await s.staff.store.transaction { (t: inout Transaction<PlanError>) throws(PlanError) in
            try await table.write(Junk(), .platform, [s.company.description, p.id.description], in: &t)
        }
        let e = await refusal { try await s.tell(.former, 3) }
        #expect(e == nil, "the company cannot be stopped: \(String(describing: e))")
    }

    @Test func conditionsOfAnother() async throws {
        let with = PriceConditions(tax: .included, payment: "package", ending: "package")
        let c = cat([
            Plan(name: "trial", tasksPerPeriod: 100),
            Plan(
                name: "gold", entitlements: Entitlements(tasksPerPeriod: 1000),
                price: Price(perPeriod: try euros(50_00)),
                conditions: PriceConditions(tax: .added, payment: "plan", ending: "plan")),
        ])
        let s = try await PriceStage(c)
        let p = try await s.plans.propose(
            .package(Package(price: Price(perPeriod: try euros(5_00)))), for: s.company, conditions: with, s.change())
        try await s.plans.activate(try await s.approve(p), s.change())
        try await s.plans.change(.plan("gold"), of: s.company, s.change())
        let q = try await s.plans.propose(.package(nil), for: s.company, s.change())
        #expect(
            q.document.conditions.tax == .added,
            "price \(q.document.after.price!.perPeriod) of the plan, with conditions \(q.document.conditions)")
    }

    @Test func forgottenFactsOfATurn() async throws {
        let c = cat([Plan(name: "trial", tasksPerPeriod: 1000), Plan(name: "b", tasksPerPeriod: 1000)])
        let s = try await PriceStage(c)
        try await s.staff.admission(tasks: 900).commit(used: 900)
        s.time.advance(by: .seconds(5))
        try await s.plans.change(PlanChange(.plan("b"), usage: .scaled), of: s.company, s.change())
        for i in 0..<100 {
            s.time.advance(by: .seconds(5))
            try await s.plans.change(.plan(i % 2 == 0 ? "trial" : "b"), of: s.company, s.change())
        }
        let a = try await s.plans.allowance(of: s.company)
        #expect(a.used == 900, "used \(a.used) of \(a.limit)")
    }

    @Test func dayAhead() async throws {
        let store = TestStore()
        let (ta, tb) = (ManualTime(), ManualTime())
        let cfg = TrustLayer.Configuration(tasks: .init(recallMilliseconds: 0))
        let a = try await TestTrust(over: store, configuration: cfg, time: ta)
        let b = try await TestTrust(over: store, configuration: cfg, time: tb, keys: a.keys)
        for _ in 0..<8 {
            try await a.admission(tasks: 20).commit(used: 20)
            ta.advance(by: .seconds(86_400))
        }
        tb.setWallClock(to: ta.now.advanced(by: .seconds(20 * 86_400)))
        try await b.layer.tasks.admit(b.job(), of: a.company).commit(used: 1)
        for _ in 0..<8 {
            try await a.admission(tasks: 20).commit(used: 20)
            ta.advance(by: .seconds(86_400))
        }
        let f = try await a.layer.plans.forecast(of: a.company)
        #expect(f.perDay > 15, "20 tasks on each day: \(f.perDay) a day")
    }

    @Test func plansBehindTheApprovedOne() async throws {
        // A status that leaves only what was approved leaves what is behind it as well.
        let c = try pricedCatalogue(trialDays: nil)
        let s = try await PriceStage(cat(c.plans, [.proofOfConcept: "trial", .customer: "open"]))
        try await s.plans.change(PlanChange(.plan("open"), timing: .nextPeriod), of: s.company, s.change())
        let p = try await s.plans.plan(of: s.company, at: s.time.now.advanced(by: .seconds(60 * 86_400)))
        #expect(p.plan?.name == "open")
    }

    @Test func eventsOfAFlip() async throws {
        let store = TestStore()
        let (ta, tb) = (ManualTime(), ManualTime())
        let cfg = TrustLayer.Configuration(tasks: .init(recallMilliseconds: 0, leasePerMille: 1))
        let a = try await TestTrust(over: store, configuration: cfg, time: ta)
        let b = try await TestTrust(over: store, configuration: cfg, time: tb, keys: a.keys)
        try await a.admission(tasks: 500).commit(used: 500)
        let at = ta.now.advanced(by: .seconds(100))
        let permit = try await a.permit(ChangePlan.self, on: .plan(of: a.company), in: .platform)
        try await a.layer.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 2000)), timing: .at(at)), of: a.company, permit)
        ta.setWallClock(to: at.advanced(by: .milliseconds(500)))
        tb.setWallClock(to: at.advanced(by: .milliseconds(-500)))
        for _ in 0..<5 {
            try await a.admission().commit(used: 1)
            try await a.layer.tasks.giveBackAll()
            try await b.layer.tasks.admit(b.job(), of: a.company).commit(used: 1)
            try await b.layer.tasks.giveBackAll()
        }
        var told: [String] = []
        let outbox = Outbox(leases: Leases(store: a.store))
        for partition in try await outbox.partitions() {
            _ = try await outbox.deliver(to: "reader", in: partition, limit: 1000) { event in
                told.append("v\(event.details["limit.version"] ?? "?") \(event.details["threshold"] ?? "?")")
            }
        }
        #expect(told.count <= 4, "\(told)")
    }

    @Test func manyScheduledStatuses() async throws {
        let c = cat(
            [Plan(name: "trial", tasksPerPeriod: 100), Plan(name: "bronze", tasksPerPeriod: 1000)],
            [
                .proofOfConcept: StatusRule("trial", timing: .nextPeriod, usage: .scaled),
                .customer: StatusRule("bronze", timing: .nextPeriod, alignment: .startsPeriods, usage: .reset),
            ])
        let s = try await PriceStage(c)
        for i in 2...260 {
            s.time.advance(by: .seconds(3600))
            let e = await refusal { try await s.tell(i % 2 == 0 ? .customer : .proofOfConcept, Int64(i)) }
            #expect(e == nil, "\(i)")
            if e != nil { break }
        }
    }

    @Test func statusRuleWithADate() async throws {
        let t = ManualTime()
        let day = t.now.advanced(by: .seconds(10 * 86_400))
        let c = cat(
            [Plan(name: "trial", tasksPerPeriod: 100), Plan(name: "bronze", tasksPerPeriod: 1000)],
            [.proofOfConcept: "trial", .customer: StatusRule("bronze", timing: .at(day))])
        #expect(c.validate().isEmpty)
        let s = try await PriceStage(c, time: t)
        s.days(11)
        let e = await refusal { try await s.tell(.customer, 2) }
        #expect(e == nil, "\(String(describing: e))")
    }

    @Test func sizeOfAFullPool() async throws {
        let most: Int64 = 1_000_000_000_000
        var pool = QuotaPool(limit: most)
        let now = Timestamp(seconds: 1_768_435_200)
        let holder = Identifier<Worker>(at: now).description
        for _ in 0..<2_000_000 { pool.recall() }
        for i in 0..<70 {
            let id = Identifier<QuotaLeaseRecord>(at: now)
            let day = now.advanced(by: .seconds(i * 86_400))
            _ = pool.acquire(id, for: holder, need: 1_000_000_000, most: 1_000_000_000, at: day, until: day)
            pool.use(id)
        }
        pool.divide(at: (0..<200).map { now.advanced(by: .seconds($0 * 30_000)) })
        for i in 0..<200 { pool.add(1, at: now.advanced(by: .seconds(i * 30_000))) }
        for round in 0..<2 {
            for _ in 0..<256 {
                _ = pool.acquire(
                    Identifier(at: now), for: holder, need: 1_000_000_000, most: 1_000_000_000, until: now)
            }
            if round == 0 { pool.expire(at: now) }
        }
        _ = pool.apply(.kept, to: most, at: now)
        #expect(pool.bounds.count == QuotaPool.maximumBounds)
        #expect(pool.uses.count <= QuotaPool.maximumBounds + QuotaPool.maximumDays)
        let full = pool
        let store = TestStore()
        let e = await refusal {
            try await store.transaction { (t: inout Transaction<PlanError>) throws(PlanError) in
                try await QuotaPool.table.write(full, .platform, ["a"], in: &t)
            }
        }
        #expect(e == nil, "\(String(describing: e))")
    }

    @Test func forecastOfLongJobs() async throws {
        let s = try await PriceStage(.reference)
        for _ in 0..<10 {
            let job = try await s.staff.admission(tasks: 90)
            s.days(1)
            job.commit(used: 10)
            try await s.staff.layer.tasks.giveBackAll()
        }
        let used = try await s.plans.allowance(of: s.company).used
        let f = try await s.plans.forecast(of: s.company)
        #expect(f.perDay < 15, "10 a day, \(used) in 10 days; forecast \(f.perDay) a day")
    }

    @Test func spentAfterTheReset() async throws {
        let nodes = try await Nodes(2, limit: 1000, leasePerMille: 500)
        #expect(try await nodes.fill(1, atMost: 1) == 1)
        nodes.trust.time.advance(by: .seconds(1))
        let permit = try await nodes.trust.permit(ChangePlan.self, on: .plan(of: nodes.company), in: .platform)
        try await nodes.trust.layer.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 1000)), usage: .reset), of: nodes.company, permit)
        nodes.trust.time.advance(by: .milliseconds(200))
        // Of what it holds, before it looks whether somebody asks for it.
        var spent = 0
        while nodes.admitsHeld(1) { spent += 1 }
        try await nodes.meters[1].giveBackAll()
        let more = try await nodes.fill(0)
        #expect(spent + more <= 1000, "after the reset \(spent) and \(more) of 1000")
    }

    @Test func announcedOfTheLimitBefore() async throws {
        let nodes = try await Nodes(1, limit: 100, leasePerMille: 1000)
        #expect(try await nodes.fill(0, atMost: 50) == 50)
        try await nodes.setLimit(10_000)
        try await nodes.meters[0].giveBackAll()
        var told: [String] = []
        let outbox = Outbox(leases: Leases(store: nodes.trust.store))
        for partition in try await outbox.partitions() {
            _ = try await outbox.deliver(to: "reader", in: partition, limit: 1000) { event in
                told.append("\(event.details["threshold"] ?? "?") of \(event.details["limit"] ?? "?")")
            }
        }
        #expect(told.isEmpty, "\(told), 50 of 10000 are used")
    }

    @Test func trialPackageAndSkewedReset() async throws {
        // A refund of a job from before a scaled change down.
        let s = try await PriceStage(.reference)
        try await s.tell(.customer, 2)
        let job = try await s.staff.admission(tasks: 9000)
        s.days(1)
        try await s.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 1000)), usage: .scaled), of: s.company, s.change())
        try await s.staff.admission(tasks: 100).commit(used: 100)
        job.release()
        try await s.staff.layer.tasks.giveBackAll()
        let a = try await s.plans.allowance(of: s.company)
        #expect(a.used >= 100)
    }

    @Test func clockAheadBringsAPriceEarly() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let p = try await s.plans.propose(.plan("gold"), for: s.company, s.change())
        let day = s.time.now.advanced(by: .seconds(50 * 86_400))
        try await s.plans.communicate(p.id, of: s.company, by: .email, effective: day, s.change())
        s.days(31)
        let o = s.owner.layer.plans
        try await o.review(p.id, for: s.workspace, document: p.digest, s.approval())
        let a = try await o.approve(p.id, for: s.workspace, document: p.digest, s.approval())
        try await s.plans.activate(a, s.change())
        // 22 hours before the day another process, 23 hours ahead, changes a package.
        s.time.setWallClock(to: day.advanced(by: .seconds(-22 * 3600)))
        let ahead = ManualTime(now: s.time.now.advanced(by: .seconds(23 * 3600)))
        let b = try await TestTrust(
            over: s.staff.store,
            configuration: .init(catalogue: try pricedCatalogue(trialDays: nil)), time: ahead,
            keys: s.staff.keys)
        let permit = try await b.permit(ChangePlan.self, on: .plan(of: s.company), in: .platform)
        try await b.layer.plans.change(.package(Package(addedTasks: 1)), of: s.company, permit)
        let plan = try await s.plans.plan(of: s.company)
        #expect(plan.charges.isFree, "22 hours before the communicated day, by a right clock: \(plan.charges)")
    }

    @Test func anInstantThatHasNotPassed() async throws {
        let s = try await PriceStage(.reference)
        try await s.plans.change(
            PlanChange(.plan("bronze"), timing: .at(s.time.now.advanced(by: .seconds(20 * 3600))), usage: .reset),
            of: s.company, s.change())
        let e = await refusal {
            try await s.plans.change(
                PlanChange(.package(nil), timing: .at(s.time.now.advanced(by: .seconds(3600)))), of: s.company,
                s.change())
        }
        #expect(e == nil, "in an hour: \(String(describing: e))")
        // It can no longer be called off either: what is told now begins after it.
        try await s.plans.change(.plan("trial"), of: s.company, s.change())
    }
}
