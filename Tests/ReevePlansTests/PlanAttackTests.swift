// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

private func utc(_ day: String, hours: Int = 0) throws -> Timestamp {
    try #require(CivilDay(day)).startInUTC.advanced(by: .seconds(hours * 3600))
}

private func cat(_ plans: [Plan], _ rules: [Company.Status: StatusRule], version: Int = 1) -> Catalogue {
    Catalogue(version: version, plans: plans, statusRules: rules)
}

private func paid(
    _ name: String, _ price: Int64, setUp: Int64? = nil, over: Int64? = nil, tasks: Int = 1000,
    features: Set<String> = [], trialDays: Int? = nil
) throws -> Plan {
    Plan(
        name: name, entitlements: Entitlements(tasksPerPeriod: tasks, features: features),
        price: Price(perPeriod: try euros(price), setUp: try setUp.map(euros), perThousandOver: try over.map(euros)),
        conditions: conditions, trialDays: trialDays)
}

extension PriceStage {
    fileprivate func goTo(_ change: PlanChange) async throws {
        let p = try await plans.propose(change, for: company, conditions: conditions, self.change())
        try await plans.activate(try await approve(p), self.change())
    }
}

/// Ways that once led to a higher price, to more than the limit, or to a company that was refused for ever.
@Suite struct PlanAttackTests {
    @Test func setUpFeeAgain() async throws {
        let c = cat(
            [
                Plan(name: "trial", tasksPerPeriod: 100), try paid("gold", 50_00, setUp: 100_00),
                try paid("silver", 49_00, setUp: 99_00),
            ], [.proofOfConcept: "trial"])
        let s = try await PriceStage(c)
        try await s.goTo(.plan("gold"))
        s.days(1)
        let e = await refusal { _ = try await s.plans.change(.plan("silver"), of: s.company, s.change()) }
        #expect(e == PlanError(.approvalRequired), "a second set-up fee without approval")
    }

    @Test func startsPeriodsOnPaid() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await s.goTo(.plan("bronze"))
        var starts: Set<Timestamp> = []
        for _ in 0..<5 {
            s.days(1)
            let e = await refusal {
                try await s.plans.change(
                    PlanChange(.plan("bronze"), alignment: .startsPeriods, usage: .reset), of: s.company, s.change())
            }
            #expect(e == PlanError(.approvalRequired))
            let p = try await s.plans.plan(of: s.company)
            starts.insert(p.period.start)
        }
    }

    @Test func resetRearmsPaidOverage() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await s.goTo(.plan("gold"))
        try await s.goTo(.overage(mostTasks: 20))
        for i in 0..<1 {
            try await s.staff.admission(tasks: 5020).commit(used: 5020)
            s.time.advance(by: .seconds(1))
            let e = await refusal {
                try await s.plans.change(PlanChange(.package(nil), usage: .reset), of: s.company, s.change())
            }
            if i == 0 { #expect(e == PlanError(.approvalRequired)) }
        }
    }

    @Test func lessForAsMuch() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await s.goTo(.plan("gold"))
        let less = Package(removedFeatures: ["history"], environments: [], connectorClasses: [], retentionDays: 1)
        let e = await refusal { _ = try await s.plans.change(.package(less), of: s.company, s.change()) }
        #expect(e == PlanError(.approvalRequired))
    }

    @Test func activatedWithoutWhatWasApproved() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let p = try await s.plans.propose(.plan("gold"), for: s.company, s.change())
        let a = try await s.approve(p)
        try await s.plans.change(
            .package(Package(removedFeatures: ["history"], environments: [])), of: s.company, s.change())
        do {
            let e = try await s.plans.activate(a, s.change())
            Issue.record(
                "activated \(e.charges.price!.perPeriod) with features \(e.entitlements.features) env \(e.entitlements.environments)"
            )
        } catch let e as PlanError { #expect(e == PlanError(.termsChanged)) }
    }

    @Test func formerIsOpen() async throws {
        let s = try await PriceStage(.reference)
        try await s.tell(.former, 2)
        let e = await refusal { try await s.plans.change(.plan("bronze"), of: s.company, s.change()) }
        let adm = await refusal { try await s.staff.admission(tasks: 500).release() }
        #expect(
            adm == PlanError(.companyInactive), "change: \(String(describing: e)) admission: \(String(describing: adm))"
        )
    }

    @Test func staleOverageAgreement() async throws {
        let base = try pricedCatalogue(trialDays: nil)
        let c = cat(base.plans, [.proofOfConcept: "trial", .customer: "open"])
        let s = try await PriceStage(c)
        try await s.goTo(.plan("gold"))
        try await s.goTo(.overage(mostTasks: 20))
        let day = s.time.now.advanced(by: .seconds(60 * 86_400))
        try await s.plans.change(PlanChange(.plan("bronze"), timing: .at(day)), of: s.company, s.change())
        try await s.tell(.customer, 2)
        let now = try await s.plans.plan(of: s.company)
        let later = try await s.plans.plan(of: s.company, at: day)
        #expect(now.charges.isFree && later.charges.isFree, "rises from nothing to \(later.charges) by itself")
    }

    @Test func forgottenTurn() async throws {
        let s = try await PriceStage(.reference)
        s.days(10)
        try await s.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 2000)), alignment: .startsPeriods, usage: .reset),
            of: s.company, s.change())
        s.time.advance(by: .seconds(1))
        try await s.staff.admission(tasks: 2000).commit(used: 2000)
        let before = try await s.plans.allowance(of: s.company)
        for i in 0..<101 {
            s.time.advance(by: .seconds(1))
            try await s.plans.change(
                .package(Package(tasksPerPeriod: 2000, addedFeatures: ["f\(i)"])), of: s.company, s.change())
        }
        let after = try await s.plans.allowance(of: s.company)
        #expect(after.used == 2000 && after.resetsAt == before.resetsAt)
        let e = await refusal { try await s.staff.admission(tasks: 1000).commit(used: 1000) }
        #expect(e == PlanError(.limitReached))
    }

    @Test func skewedClocksAndAScheduledChange() async throws {
        let store = TestStore()
        let now = ManualTime().now
        let (ta, tb) = (ManualTime(), ManualTime())
        let cfg = TrustLayer.Configuration(tasks: .init(recallMilliseconds: 0))
        let a = try await TestTrust(over: store, configuration: cfg, time: ta)
        let b = try await TestTrust(over: store, configuration: cfg, time: tb, keys: a.keys)
        let at = now.advanced(by: .seconds(100))
        let permit = try await a.permit(ChangePlan.self, on: .plan(of: a.company), in: .platform)
        try await a.layer.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 1000)), timing: .at(at), usage: .scaled), of: a.company, permit)
        ta.setWallClock(to: at.advanced(by: .milliseconds(500)))
        tb.setWallClock(to: at.advanced(by: .milliseconds(-500)))
        var total = 0
        try await a.admission(tasks: 1000).commit(used: 1000)
        total += 1000
        let e = await refusal {
            try await b.layer.tasks.admit(b.job(), of: a.company, tasks: 1000).commit(used: 1000)
            total += 1000
        }
        #expect(e == PlanError(.limitReached), "admitted \(total) with a limit of 1000 before and after, usage carried")
    }

    @Test func whatWasTakenBeforeATurnDoesNotComeBack() async throws {
        let s = try await PriceStage(.reference)
        let first = try await s.staff.admission(tasks: 900)
        s.time.advance(by: .seconds(1))
        try await s.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 1000)), usage: .scaled), of: s.company, s.change())
        try await s.staff.admission(tasks: 1).commit(used: 1)
        first.release()
        try await s.staff.layer.tasks.giveBackAll()
        let a = try await s.plans.allowance(of: s.company)
        // What was taken before a change that scales it comes back as far as it counts.
        #expect(a.used == 1, "counts \(a.used) as used")
    }

    @Test func othersUnspentLeases() async throws {
        let store = TestStore()
        let t = ManualTime()
        let cfg = TrustLayer.Configuration(tasks: .init(recallMilliseconds: 0, leasePerMille: 500))
        let a = try await TestTrust(over: store, configuration: cfg, time: t)
        let b = try await TestTrust(over: store, configuration: cfg, time: t, keys: a.keys)
        try await b.layer.tasks.admit(b.job(), of: a.company, tasks: 1).commit(used: 1)
        t.advance(by: .seconds(1))
        let permit = try await a.permit(ChangePlan.self, on: .plan(of: a.company), in: .platform)
        try await a.layer.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 1000)), usage: .scaled), of: a.company, permit)
        try await a.admission(tasks: 1).commit(used: 1)
        try await b.layer.tasks.giveBackAll()
        try await a.layer.tasks.giveBackAll()
        let al = try await a.layer.plans.allowance(of: a.company)
        #expect(al.used == 2, "counts \(al.used) as used for the rest of the period")
    }

    @Test func statusCannotBeTold() async throws {
        // A free plan, an approved package with a price, former and back.
        let c = cat(
            [Plan(name: "trial", tasksPerPeriod: 100), Plan(name: "open", tasksPerPeriod: 1000)],
            [.proofOfConcept: "trial", .customer: "open"])
        let s = try await PriceStage(c)
        try await s.goTo(.package(Package(price: Price(perPeriod: try euros(5_00)))))
        try await s.tell(.former, 2)
        s.days(1)
        let e = await refusal { try await s.tell(.customer, 3) }
        #expect(e == nil, "status cannot be recorded: \(String(describing: e))")
    }

    @Test func statusCannotBeToldAfterTrial() async throws {
        let c = cat(
            [
                Plan(name: "trial", entitlements: Entitlements(tasksPerPeriod: 100), trialDays: 60),
                Plan(name: "open", tasksPerPeriod: 1000),
            ], [.proofOfConcept: "trial", .customer: "open"])
        let s = try await PriceStage(c)
        try await s.goTo(.package(Package(price: Price(perPeriod: try euros(5_00)))))
        s.days(40)
        let e = await refusal { try await s.tell(.customer, 3) }
        #expect(e == nil, "status cannot be recorded: \(String(describing: e))")
    }

    /// Where the price of a status's plan cannot be put together, the entry says why, and a proposal by hand is the way.
    @Test func statusWithoutConditionsSaysWhy() async throws {
        let c = cat(
            [
                Plan(name: "trial", entitlements: Entitlements(tasksPerPeriod: 100), trialDays: 60),
                Plan(name: "open", tasksPerPeriod: 1000),
            ], [.proofOfConcept: "trial", .customer: "open"])
        let s = try await PriceStage(c)
        try await s.goTo(.package(Package(price: Price(perPeriod: try euros(5_00)))))
        try await s.plans.change(
            .package(Package(price: Price(perPeriod: try euros(4_00)))), of: s.company, s.change())
        s.days(40)
        try await s.tell(.customer, 3)
        #expect(try s.staff.store.auditEntries().last?.details["obstacle"] == "incompletePricing")
        #expect(try await s.plans.plan(of: s.company).stop == .awaitingApproval)
        try await s.goTo(.plan("open"))
        let plan = try await s.plans.plan(of: s.company)
        let four = try euros(4_00)
        #expect(plan.stop == nil && plan.plan?.name == "open" && plan.charges.price?.perPeriod == four)
    }

    @Test func staleStatusPlan() async throws {
        let c = cat(
            [Plan(name: "trial", tasksPerPeriod: 100), Plan(name: "bronze", tasksPerPeriod: 10_000)],
            [.proofOfConcept: "trial", .customer: StatusRule("bronze", timing: .nextPeriod)])
        let s = try await PriceStage(c)
        try await s.tell(.customer, 2)
        s.days(1)
        try await s.tell(.proofOfConcept, 3)
        s.days(40)
        let p = try await s.plans.plan(of: s.company)
        #expect(p.plan?.name == "trial", "status proofOfConcept, plan \(p.plan!.name)")
    }

    @Test func reasonsAndRules() async throws {
        let c = cat([Plan(name: "trial", tasksPerPeriod: 100)], [.proofOfConcept: "trial"])
        let s = try await PriceStage(c)
        try await s.tell(.customer, 2)
        let stop = try await s.plans.plan(of: s.company).stop
        #expect(stop != .former, "a customer without a rule: \(stop!)")
        #expect(!cat(c.plans, [.former: "trial"]).validate().isEmpty, "a catalogue may open former companies")
        let s2 = try await PriceStage(try pricedCatalogue())
        try await s2.tell(.former, 2)
        try await s2.tell(.customer, 3)
        let p = try await s2.proposal()
        try await s2.owner.layer.plans.decline(p.id, for: s2.workspace, s2.approval())
        let stop2 = try await s2.plans.plan(of: s2.company).stop
        #expect(stop2 != .former, "a customer who declined: \(stop2!)")
    }

    @Test func awaitingStays() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await s.tell(.customer, 2)
        s.days(61)
        try await s.goTo(.plan("bronze"))
        let p = try await s.plans.plan(of: s.company)
        #expect(p.plan?.name == "bronze" && p.awaiting == nil, "awaits \(String(describing: p.awaiting))")
        try await s.tell(.customer, 3)
        let p2 = try await s.plans.plan(of: s.company)
        #expect(p2.awaiting == nil)
    }

    @Test func turnLostAtTheSameInstant() async throws {
        // B's clock is behind A's by a minute.
        let store = TestStore()
        let (ta, tb) = (ManualTime(), ManualTime())
        let cfg = TrustLayer.Configuration(tasks: .init(recallMilliseconds: 0))
        let a = try await TestTrust(over: store, configuration: cfg, time: ta)
        let b = try await TestTrust(over: store, configuration: cfg, time: tb, keys: a.keys)
        ta.advance(by: .seconds(120))
        tb.advance(by: .seconds(60))
        let pa = try await a.permit(ChangePlan.self, on: .plan(of: a.company), in: .platform)
        let pb = try await b.permit(ChangePlan.self, on: .plan(of: a.company), in: .platform)
        try await a.layer.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 1000)), usage: .reset), of: a.company, pa)
        try await a.admission(tasks: 1000).commit(used: 1000)
        try await b.layer.plans.change(.package(Package(tasksPerPeriod: 1000, addedFeatures: ["x"])), of: a.company, pb)
        let e = await refusal { try await a.admission(tasks: 1000).commit(used: 1000) }
        #expect(e == PlanError(.limitReached), "2000 of 1000 after one reset of nothing")
    }

    @Test func scaledTrap() async throws {
        await #expect(processExitsWith: .success) {
            let c = Catalogue(
                version: 1, plans: [Plan(name: "trial", tasksPerPeriod: 1_000_000_000_000)],
                statusRules: [.proofOfConcept: "trial"])
            let s = try await PriceStage(c)
            try await s.staff.admission(tasks: 10_000_000).commit(used: 10_000_000)
            s.time.advance(by: .seconds(1))
            try await s.plans.change(.package(Package(tasksPerPeriod: 1)), of: s.company, s.change())
            s.time.advance(by: .seconds(1))
            try await s.plans.change(PlanChange(.package(nil), usage: .scaled), of: s.company, s.change())
            _ = try await s.plans.allowance(of: s.company)
        }
    }

    @Test func hostileProposalTraps() async throws {
        let s = try await PriceStage()
        try await s.tell(.customer, 2)
        let p = try await s.proposal()
        var text = String(decoding: try JSONEncoder().encode(p), as: UTF8.self)
        text = text.replacingOccurrences(of: "\"noticeDays\":30", with: "\"noticeDays\":9223372036854775807")
        try text.write(toFile: "/tmp/hostile.json", atomically: true, encoding: .utf8)
        await #expect(processExitsWith: .success) {
            let data = try Data(contentsOf: URL(fileURLWithPath: "/tmp/hostile.json"))
            let p = try? JSONDecoder().decode(PriceProposal.self, from: data)
            _ = p?.state(at: Timestamp(seconds: 0))
        }
    }

    @Test func manyVersions() async throws {
        let s = try await PriceStage(.reference)
        for v in 2...105 {
            let permit = try await s.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
            try await s.plans.publish(
                Catalogue(version: v, plans: Catalogue.reference.plans, statusRules: Catalogue.reference.statusRules),
                permit)
        }
        let fresh = Plans(catalogue: .reference, authority: s.staff.layer.access, control: s.staff.keys.control)
        let e1 = await refusal { _ = try await fresh.plan(of: s.company) }
        let e2 = await refusal { _ = try await fresh.plan(of: s.company) }
        #expect(
            e1 == nil,
            "first call of a fresh process: \(String(describing: e1?.store)); second: \(String(describing: e2))")
    }

    @Test func aloneForTheCompany() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await s.tell(.customer, 2)
        let p = try await s.proposal()
        try await s.plans.communicate(p.id, of: s.company, by: .website, s.change())
        s.days(30)
        let platform = try await s.staff.permit(ApprovePrice.self, on: .plan(of: s.company), in: .platform)
        let review = await refusal {
            try await s.plans.review(p.id, for: s.workspace, document: p.digest, platform)
        }
        #expect(review == PlanError(.otherWorkspace))
        // With a permit for the company's workspace, and somebody's review: whoever communicated it does not approve it.
        try await s.owner.layer.plans.review(p.id, for: s.workspace, document: p.digest, s.approval())
        let own = await refusal {
            let permit = try await s.approval(of: s.staff)
            _ = try await s.plans.approve(p.id, for: s.workspace, document: p.digest, permit)
        }
        #expect(own == PlanError(.ownProposal))
        #expect(try await s.plans.plan(of: s.company).charges.isFree)
    }

    @Test func digestBindsTheChange() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let a = try await s.plans.propose(.plan("gold"), for: s.company, s.change())
        let b = try await s.plans.propose(
            PlanChange(.plan("gold"), timing: .nextPeriod, alignment: .startsPeriods, usage: .reset), for: s.company,
            s.change())
        #expect(a.digest != b.digest)
    }

    @Test func oneClockAhead() async throws {
        let store = TestStore()
        let (ta, tb) = (ManualTime(), ManualTime())
        let cfg = TrustLayer.Configuration(tasks: .init(recallMilliseconds: 0))
        let a = try await TestTrust(over: store, configuration: cfg, time: ta)
        let b = try await TestTrust(over: store, configuration: cfg, time: tb, keys: a.keys)
        let pb = try await b.permit(ChangePlan.self, on: .plan(of: a.company), in: .platform)
        tb.setWallClock(to: try utc("2099-01-01"))
        _ = await refusal { try await b.layer.plans.change(.package(nil), of: a.company, pb) }
        let pb2 = try await b.permit(ChangePlan.self, on: .plan(of: a.company), in: .platform)
        _ = await refusal { try await b.layer.plans.change(.package(nil), of: a.company, pb2) }
        try await a.admission(tasks: 1000).commit(used: 1000)
        ta.advance(by: .seconds(400 * 86_400))
        let e3 = await refusal { try await a.admission(tasks: 1).commit(used: 1) }
        #expect(e3 == nil, "a year later: \(String(describing: e3))")
    }

    @Test func futurePlansBlockStatus() async throws {
        let s = try await PriceStage(.reference)
        for i in 1...99 {
            let e = await refusal {
                try await s.plans.change(
                    PlanChange(.plan("trial"), timing: .at(s.time.now.advanced(by: .seconds(i * 86_400)))),
                    of: s.company, s.change())
            }
            if e != nil { break }
        }
        let e = await refusal { try await s.tell(.customer, 2) }
        #expect(e == nil, "\(String(describing: e))")
    }

    @Test func invalidCatalogueBricksTheStore() async throws {
        let s = try await PriceStage(.reference)
        let bad = Catalogue(
            version: 2, plans: [Plan(name: "trial", tasksPerPeriod: -5)], statusRules: [.proofOfConcept: "trial"])
        let plans = Plans(catalogue: bad, authority: s.staff.layer.access, control: s.staff.keys.control)
        let e = await refusal {
            try await plans.setStatus(Company(id: Identifier(high: 7, low: 7), status: .proofOfConcept), sequence: 1)
        }
        let e2 = await refusal { try await s.staff.admission().release() }
        #expect(
            e2 == nil,
            "setStatus with a bad catalogue: \(String(describing: e)); another company, a right process: \(String(describing: e2))"
        )
    }

    @Test func formerWithScheduledActivation() async throws {
        // race-free: change by another process whose clock is behind the former's telling
        let store = TestStore()
        let (ta, tb) = (ManualTime(), ManualTime())
        let cfg = TrustLayer.Configuration(tasks: .init(recallMilliseconds: 0))
        let a = try await TestTrust(over: store, configuration: cfg, time: ta)
        let b = try await TestTrust(over: store, configuration: cfg, time: tb, keys: a.keys)
        tb.advance(by: .seconds(60))
        let pb = try await b.permit(ChangePlan.self, on: .plan(of: a.company), in: .platform)
        try await b.layer.plans.change(
            PlanChange(.plan("bronze"), timing: .at(tb.now.advanced(by: .seconds(10)))), of: a.company, pb)
        // a's clock is a minute behind
        try await a.layer.plans.setStatus(Company(id: a.company, status: .former), sequence: 9)
        tb.advance(by: .seconds(20))
        let p = try await b.layer.plans.plan(of: a.company)
        #expect(p.stop == .former)
    }

    @Test func includedTasksOfPayAsYouGo() async throws {
        let c = cat(
            [Plan(name: "trial", tasksPerPeriod: 100), try paid("payg", 0, over: 100_00, tasks: 1000)],
            [.proofOfConcept: "trial"])
        let s = try await PriceStage(c)
        try await s.plans.change(.plan("payg"), of: s.company, s.change())
        try await s.goTo(.overage(mostTasks: 1000))
        let e = await refusal {
            _ = try await s.plans.change(.package(Package(tasksPerPeriod: 0)), of: s.company, s.change())
        }
        #expect(e == PlanError(.approvalRequired))
        try await s.staff.admission(tasks: 900).commit(used: 900)
    }

    @Test func dearerBeyondASmallerPlan() async throws {
        let c = cat(
            [
                Plan(name: "trial", tasksPerPeriod: 100), try paid("big", 100_00, over: 50_00, tasks: 10_000),
                try paid("small", 99, over: 50_00, tasks: 99),
            ], [.proofOfConcept: "trial"])
        let s = try await PriceStage(c)
        try await s.goTo(.plan("big"))
        try await s.goTo(.overage(mostTasks: 9000))
        let p = try await s.plans.preview(.plan("small"), of: s.company)
        #expect(p.needsApproval)
    }

    @Test func secondTrial() async throws {
        let c = cat(
            [
                Plan(name: "trial", entitlements: Entitlements(tasksPerPeriod: 100), trialDays: 10),
                Plan(name: "open", tasksPerPeriod: 5),
            ], [.proofOfConcept: "trial", .customer: "open"])
        let s = try await PriceStage(c)
        let x = Company(id: Identifier(high: 8, low: 8), status: .customer)
        try await s.plans.setStatus(x, sequence: 1)
        func permit() async throws -> Permit<ChangePlan> {
            try await s.staff.permit(ChangePlan.self, on: .plan(of: x.id), in: .platform)
        }
        let day12 = s.time.now.advanced(by: .seconds(12 * 86_400))
        try await s.plans.change(PlanChange(.plan("open"), timing: .at(day12)), of: x.id, permit())
        s.time.advance(by: .seconds(60))
        try await s.plans.setStatus(Company(id: x.id, status: .proofOfConcept), sequence: 2)
        s.days(11)
        #expect(try await s.plans.plan(of: x.id).stop == .trialEnded)
        s.days(2)
        for i in 0..<8 {
            s.time.advance(by: .seconds(60))
            func names(_ p: String) -> Set<String> {
                Set(
                    (0..<64).map { p + String(repeating: "x", count: 58) + "\($0)" + "\(i)" }.map {
                        String($0.prefix(64))
                    })
            }
            try await s.plans.change(
                .package(Package(addedFeatures: names("a"), removedFeatures: names("b"), connectorClasses: names("c"))),
                of: x.id, permit())
        }
        try await s.plans.setStatus(Company(id: x.id, status: .customer), sequence: 3)
        s.time.advance(by: .seconds(60))
        try await s.plans.setStatus(Company(id: x.id, status: .proofOfConcept), sequence: 4)
        let p = try await s.plans.plan(of: x.id)
        #expect(p.stop == .trialEnded)
    }

    @Test func sameStatusReopensNothing() async throws {
        let s = try await PriceStage(try pricedCatalogue())
        try await s.tell(.former, 2)
        try await s.tell(.customer, 3)
        s.days(61)
        try await s.tell(.customer, 4)
        let ps = try await s.plans.proposals(to: s.company)
        #expect(ps.contains { $0.state(at: s.time.now) == .proposed })
    }

    @Test func resetAtTheFirstInstantOfAPeriod() async throws {
        let t = ManualTime(now: try #require(CivilDay("2026-03-01")).startInUTC)
        let s = try await PriceStage(.reference, time: t)
        s.time.setWallClock(to: try #require(CivilDay("2026-03-15")).startInUTC)
        try await s.staff.admission(tasks: 700).commit(used: 700)
        s.time.setWallClock(to: try #require(CivilDay("2026-04-01")).startInUTC)
        try await s.staff.admission(tasks: 100).commit(used: 100)
        try await s.plans.change(PlanChange(.package(nil), usage: .scaled), of: s.company, s.change())
        let al = try await s.plans.allowance(of: s.company)
        #expect(al.used == 100, "used \(al.used)")
    }

    @Test func changeOfOverageAndPlanMinusTrialPaid() async throws {
        // Trial of a paid plan: the end of the time, then again by a package change.
        let c = cat(
            [Plan(name: "trial", tasksPerPeriod: 100), try paid("paidTrial", 5_00, trialDays: 40)],
            [.proofOfConcept: "trial"])
        let s = try await PriceStage(c)
        try await s.goTo(.plan("paidTrial"))
        s.days(41)
        // another version with a longer trial
        let permit = try await s.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
        try await s.plans.publish(
            cat(
                [Plan(name: "trial", tasksPerPeriod: 100), try paid("paidTrial", 5_00, trialDays: 400)],
                [.proofOfConcept: "trial"], version: 2), permit)
        let e = await refusal { try await s.plans.change(.plan("paidTrial"), of: s.company, s.change()) }
        #expect(e == PlanError(.approvalRequired))
    }

    @Test func anotherCompanysOwnerApprovesByTheStandardPolicy() async throws {
        let store = TestStore()
        let time = ManualTime()
        let keys = try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
        func person(_ n: UInt64) -> ActContext.Actor { .person(Identifier(high: 1, low: n)) }
        let (staff, mallory) = (person(1), person(2))
        let foreign = Scope(Identifier<Workspace>(high: 2, low: 99))
        let policy = AccessPolicy(grants: [
            Grant("owner", to: Principal(staff), in: .scope(.platform), reason: "x"),
            Grant("owner", to: Principal(mallory), in: .scope(foreign), reason: "x"),
        ])
        let authority = try await AccessAuthority.create(
            policy, by: .host("setup"), reason: "first start", store: store, keys: keys, time: time)
        let plans = Plans(catalogue: try pricedCatalogue(trialDays: nil), authority: authority)
        let company = Company(id: Identifier(high: 5, low: 5), status: .proofOfConcept)
        try await plans.setStatus(company, sequence: 1)
        func change() async throws -> Permit<ChangePlan> {
            try await authority.permit(
                ChangePlan.self, on: .plan(of: company.id), as: ActContext(actor: staff, scope: .platform)
            ).get()
        }
        func approve() async throws -> Permit<ApprovePrice> {
            try await authority.permit(
                ApprovePrice.self, on: .plan(of: company.id),
                as: ActContext(actor: mallory, scope: Scope(Identifier<Workspace>(high: 2, low: 99), .development))
            ).get()
        }
        let own = Workspace(id: Identifier(high: 2, low: 5), company: company.id, region: try #require(Region("eu")))
        let p = try await plans.propose(.plan("gold"), for: company.id, change())
        try await plans.communicate(p.id, of: company.id, by: .website, change())
        time.advance(by: .seconds(30 * 86_400))
        #expect(
            await refusal { try await plans.review(p.id, for: own, document: p.digest, approve()) }
                == PlanError(.otherWorkspace))
        #expect(
            await refusal { _ = try await plans.approve(p.id, for: own, document: p.digest, approve()) }
                == PlanError(.otherWorkspace))
    }

    @Test func clockBehindTheApprover() async throws {
        let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let p = try await s.plans.propose(.plan("gold"), for: s.company, s.change())
        try await s.plans.communicate(p.id, of: s.company, by: .email, s.change())
        s.days(31)
        let o = s.owner.layer.plans
        try await o.review(p.id, for: s.workspace, document: p.digest, s.approval())
        _ = try await o.approve(p.id, for: s.workspace, document: p.digest, s.approval())
        s.time.advance(by: .milliseconds(-5))
        let a = await refusal {
            let a = try await o.approve(p.id, for: s.workspace, document: p.digest, s.approval())
            try await s.plans.activate(a, s.change())
        }
        #expect(a == nil, "\(String(describing: a)) retryAt \(String(describing: a?.retryAt))")
    }

    @Test func retryAtATurnThatBringsNothing() async throws {
        let s = try await PriceStage(.reference)
        let at = s.time.now.advanced(by: .seconds(3600))
        try await s.plans.change(
            PlanChange(.package(Package(addedTasks: 1)), timing: .at(at), usage: .scaled), of: s.company, s.change())
        try await s.staff.admission(tasks: 1000).commit(used: 1000)
        let e = await refusal { try await s.staff.admission().release() }
        s.time.setWallClock(to: try #require(e?.retryAt))
        let e2 = await refusal { try await s.staff.admission().release() }
        #expect(e2 == nil, "retryAt was \(e!.retryAt!), at that instant: \(e2!)")
    }

    @Test func scaledOverNothing() async throws {
        let c = cat(
            [Plan(name: "trial", tasksPerPeriod: 100), Plan(name: "bronze", tasksPerPeriod: 1000)],
            [.proofOfConcept: "trial", .customer: StatusRule("bronze", usage: .scaled)])
        let s = try await PriceStage(c)
        try await s.tell(.customer, 2)
        try await s.staff.admission(tasks: 1000).commit(used: 1000)
        s.time.advance(by: .seconds(1))
        try await s.tell(.former, 3)
        s.time.advance(by: .seconds(1))
        try await s.tell(.customer, 4)
        let a = try await s.plans.allowance(of: s.company)
        #expect(a.used == 1000, "former and back: used \(a.used) of \(a.limit)")
        let s2 = try await PriceStage(.reference)
        try await s2.staff.admission(tasks: 1000).commit(used: 1000)
        s2.time.advance(by: .seconds(1))
        try await s2.plans.change(.package(Package(tasksPerPeriod: 0)), of: s2.company, s2.change())
        s2.time.advance(by: .seconds(1))
        try await s2.plans.change(PlanChange(.package(nil), usage: .scaled), of: s2.company, s2.change())
        let a2 = try await s2.plans.allowance(of: s2.company)
        #expect(a2.used == 1000, "by way of a limit of 0: used \(a2.used) of \(a2.limit)")
    }

    /// setStatus, change and activate at once from two processes: what is charged is what one after the other would give, in some order.
    @Test func concurrentProcesses() async throws {
        func charges(_ status: Company.Status, inOrder order: [Int]?) async throws -> Charges {
            let s = try await PriceStage(try pricedCatalogue(trialDays: nil))
            let p = try await s.plans.propose(.plan("gold"), for: s.company, s.change())
            var approval: Approval? = try await s.approve(p)
            let c = try await s.change(),
                c2 = try await s.owner.permit(ChangePlan.self, on: .plan(of: s.company), in: .platform)
            func tell() async { _ = try? await s.plans.setStatus(Company(id: s.company, status: status), sequence: 5) }
            func change() async { _ = try? await s.owner.layer.plans.change(.plan("open"), of: s.company, c2) }
            if let order {
                for step in order {
                    switch step {
                    case 0: await tell()
                    case 1: await change()
                    default: if let approval = approval.take() { _ = try? await s.plans.activate(approval, c) }
                    }
                }
            } else {
                async let x: Void = tell()
                async let y: Void = change()
                if let approval = approval.take() { _ = try? await s.plans.activate(approval, c) }
                _ = await (x, y)
            }
            return try await s.plans.plan(of: s.company).charges
        }
        for status in [Company.Status.former, .customer] {
            var possible: [Charges] = []
            for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                possible.append(try await charges(status, inOrder: order))
            }
            for _ in 0..<30 {
                let found = try await charges(status, inOrder: nil)
                #expect(possible.contains(found))
            }
        }
    }
}
