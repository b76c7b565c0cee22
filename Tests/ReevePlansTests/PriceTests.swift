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

func euros(_ cents: Int64) throws -> Money { Money(minorUnits: cents, try #require(Currency("EUR"))) }

let conditions = PriceConditions(tax: .added, payment: "Due in 14 days.", ending: "At the end of each month.")

/// Two plans that cost nothing and two that do; customers get one of these.
func pricedCatalogue(version: Int = 1, trialDays: Int? = 20) throws -> Catalogue {
    let gold = Price(
        perPeriod: try euros(50_00), setUp: try euros(100_00), perThousandOver: try euros(2_50))
    return Catalogue(
        version: version,
        plans: [
            Plan(name: "trial", entitlements: Entitlements(tasksPerPeriod: 100), trialDays: trialDays),
            Plan(
                name: "bronze", entitlements: Entitlements(tasksPerPeriod: 1000),
                price: Price(perPeriod: try euros(10_00)), conditions: conditions),
            Plan(
                name: "gold", entitlements: Entitlements(tasksPerPeriod: 5000, features: ["history"]), price: gold,
                conditions: conditions),
            Plan(name: "open", tasksPerPeriod: 50),
        ], statusRules: [.proofOfConcept: "trial", .customer: "bronze"])
}

/// Two persons over one store: one of the platform, one of the company.
struct PriceStage {
    let staff: TestTrust
    let owner: TestTrust
    let time: ManualTime

    init(_ catalogue: Catalogue? = nil, time: ManualTime = ManualTime()) async throws {
        let store = TestStore()
        let configuration = TrustLayer.Configuration(
            catalogue: try catalogue ?? pricedCatalogue(), tasks: .init(recallMilliseconds: 0))
        self.time = time
        staff = try await TestTrust(
            over: store, configuration: configuration,
            principal: .person(Identifier(high: 1, low: 1)), time: time)
        owner = try await TestTrust(
            over: store, configuration: configuration,
            principal: .person(Identifier(high: 2, low: 2)), time: time,
            keys: staff.keys)
        workspace = Workspace(
            id: Identifier(high: 2, low: 3), company: staff.company, region: try #require(Region("eu")))
    }

    var plans: Plans { staff.layer.plans }
    var company: Identifier<Company> { staff.company }

    /// The workspace through which the company agrees.
    let workspace: Workspace

    func change() async throws -> Permit<ChangePlan> {
        try await staff.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
    }

    func approval(of trust: TestTrust? = nil) async throws -> Permit<ApprovePrice> {
        try await (trust ?? owner).permit(
            ApprovePrice.self, on: .plan(of: company), in: Scope(workspace.id, .production))
    }

    func tell(_ status: Company.Status, _ sequence: Int64) async throws {
        try await plans.setStatus(Company(id: company, status: status), sequence: sequence)
    }

    func proposal() async throws -> PriceProposal { try #require(try await plans.proposals(to: company).last) }

    func days(_ days: Int) { time.advance(by: .seconds(days * 86_400)) }

    /// Takes a proposal to where the company has approved it, thirty days later.
    func approve(_ proposal: PriceProposal, effective: Timestamp? = nil) async throws -> Approval {
        try await plans.communicate(proposal.id, of: company, by: .email, effective: effective, change())
        days(30)
        let plans = owner.layer.plans
        try await plans.review(proposal.id, for: workspace, document: proposal.digest, approval())
        return try await plans.approve(proposal.id, for: workspace, document: proposal.digest, approval())
    }
}

extension PriceStage {
    /// Why an approval is not taken.
    func activationRefusal(of approval: consuming Approval) async -> PlanError? {
        do {
            let permit = try await change()
            try await plans.activate(approval, permit)
            return nil
        } catch {
            return error as? PlanError
        }
    }
}

/// The error that a call throws.
func refusal(_ body: () async throws -> Void) async -> PlanError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? PlanError
    }
}

@Suite struct MoneyTests {
    @Test func amountsHaveTheDigitsOfTheirCurrency() throws {
        func text(_ units: Int64, _ code: String) throws -> String {
            Money(minorUnits: units, try #require(Currency(code))).description
        }
        #expect(try text(1230, "EUR") == "EUR 12.30" && text(5, "EUR") == "EUR 0.05" && text(0, "EUR") == "EUR 0.00")
        #expect(try text(-5, "USD") == "USD -0.05" && text(1230, "JPY") == "JPY 1230" && text(7, "KWD") == "KWD 0.007")
        #expect(try text(.min, "CLF") == "CLF -922337203685477.5808")
        for code in ["", "EU", "eur", "EURO", "E R", "ÄÖÜ"] { #expect(Currency(code) == nil) }
    }

    /// What a change does to each part of the charges, alone and together.
    @Test func anImpactIsThatOfTheWorstPart() throws {
        func charges(_ period: Int64, _ setUp: Int64 = 0, _ over: Int64 = 0, most: Int = 0, tasks: Int = 100) throws
            -> Charges
        {
            let price = Price(
                perPeriod: try euros(period), setUp: try euros(setUp), perThousandOver: try euros(over))
            return Charges(price: price, tasksPerPeriod: tasks, mostTasksOver: most)
        }
        let (free, dollars) = (
            Charges(tasksPerPeriod: 100),
            Charges(
                price: Price(perPeriod: Money(minorUnits: 1, try #require(Currency("USD")))), tasksPerPeriod: 100)
        )
        let (base, fee) = (try charges(10, 0, 2, most: 50), try charges(10, 5))
        let trillion = 1_000_000_000_000
        let cases: [(Charges, Charges, PriceImpact)] = [
            (free, free, .none), (free, Charges(tasksPerPeriod: 1), .none), (free, base, .increase),
            (base, free, .decrease), (base, base, .none), (base, dollars, .incomparable), (free, dollars, .increase),
            (base, try charges(11, 0, 2, most: 50), .increase), (base, try charges(9, 0, 2, most: 50), .decrease),
            (base, try charges(10, 0, 3, most: 50), .increase), (base, try charges(10, 0, 1, most: 50), .decrease),
            (base, try charges(10, 0, 2, most: 51), .increase), (base, try charges(10, 0, 2, most: 49), .decrease),
            (base, try charges(10, 0, 2, most: 50, tasks: 99), .increase),
            (base, try charges(10, 0, 2, most: 50, tasks: 101), .decrease),
            (base, try charges(10, 0, 2, most: 49, tasks: 101), .decrease),
            // What is asked once is asked again with another price.
            (fee, fee, .none), (fee, try charges(9, 5), .incomparable), (fee, try charges(9), .decrease),
            (free, try charges(0, 1), .increase),
            // Fewer for less: as much, less or more a task.
            (fee, try charges(9, 0, tasks: 90), .decrease), (fee, try charges(8, 0, tasks: 90), .decrease),
            (fee, try charges(9, 0, tasks: 89), .incomparable), (fee, try charges(9, 0, tasks: 0), .incomparable),
            (
                try charges(Int64(trillion), tasks: trillion),
                try charges(Int64(trillion) - 1, tasks: trillion - 2), .incomparable
            ),
            // Fewer that cost nothing more, where those beyond them do.
            (try charges(0, 0, 5, most: 10), try charges(0, 0, 5, most: 10, tasks: 0), .increase),
            (
                try charges(100, 0, 5, most: 9000, tasks: 10_000), try charges(1, 0, 5, most: 9901, tasks: 99),
                .incomparable
            ),
            // Where nobody may go beyond the limit, the price of it is none.
            (try charges(10), try charges(10, 0, 5), .none), (free, try charges(0, 0, 5), .none),
            (free, try charges(0, 0, 5, most: 1), .increase), (free, try charges(0, 0, 0, most: 1), .none),
            (
                Charges(tasksPerPeriod: .max, mostTasksOver: .max), try charges(1, 0, 1, most: .max, tasks: .max),
                .increase
            ),
        ]
        for (index, (before, after, impact)) in cases.enumerated() {
            #expect(PriceImpact.between(before, after) == impact, "case \(index)")
        }
        #expect(PriceImpact.allCases.filter(\.needsApproval) == [.increase, .incomparable])
    }

    @Test func pricesOutOfRangeAreDefects() throws {
        #expect(try Price(perPeriod: euros(0)).validate().isEmpty)
        #expect(try Price(perPeriod: euros(-1)).validate().count == 1)
        let mixed = Price(perPeriod: try euros(1), setUp: Money(minorUnits: 1, try #require(Currency("USD"))))
        #expect(mixed.validate().count == 1)
        let plan = Plan(name: "x", entitlements: Entitlements(tasksPerPeriod: 1), price: mixed)
        #expect(plan.validate().count == 2 && plan.validate().allSatisfy { $0.hasPrefix("plan `x`: ") })
        let silent = PriceConditions(tax: .none, payment: "", ending: String(repeating: "x", count: 2001))
        #expect(silent.validate().count == 2)
        let names = Set((0..<65).map { "f\($0)" })
        let wide = Plan(
            name: "none", entitlements: Entitlements(tasksPerPeriod: 1, features: names, retentionDays: 0),
            trialDays: 0)
        #expect(wide.validate().count == 4)
        // Nothing that would look like another line of a price document.
        let lines = Plan(name: "a\n- EUR 0.00", entitlements: Entitlements(tasksPerPeriod: 1, features: ["b\u{85}c"]))
        #expect(lines.validate().count == 2)
        #expect(PriceConditions(tax: .none, payment: "Now.\nFree.", ending: "x").validate().count == 1)
    }
}

@Suite struct PriceTests {
    /// Clauses S4.2 to S4.4: a status whose plan costs something opens a proposal, and the plan stays as it is until that was
    /// communicated, its notice ran, and an authorised person who is not its author approved it; the plan follows then.
    @Test func aPricedPlanWaitsForItsApproval() async throws {
        let stage = try await PriceStage()
        let (plans, company) = (stage.plans, stage.company)
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        var plan = try await plans.plan(of: company)
        #expect(plan.plan?.name == "trial" && plan.charges.isFree && plan.awaiting == proposal.id && plan.stop == nil)
        #expect(proposal.proposer == .rule("plans.status.customer") && proposal.state(at: stage.time.now) == .proposed)
        #expect(try proposal.document.after == Charges(price: Price(perPeriod: euros(10_00)), tasksPerPeriod: 1000))
        #expect(proposal.document.text.contains("EUR 10.00 a month, with 1000 tasks in it"))
        let refused = await refusal { try await plans.change(.plan("bronze"), of: company, stage.change()) }
        #expect(refused == PlanError(.approvalRequired))

        let id = proposal.id
        func approving(_ trust: TestTrust, _ digest: Digest? = nil) async -> PlanError? {
            await refusal {
                let permit = try await stage.approval(of: trust)
                _ = try await trust.layer.plans.approve(
                    id, for: stage.workspace, document: digest ?? proposal.digest, permit)
            }
        }
        // Not before it was communicated, not in its notice period, not another document, not unseen.
        #expect(await approving(stage.owner) == PlanError(.notCommunicated))
        try await plans.communicate(id, of: company, by: .email, stage.change())
        let again = await refusal { try await plans.communicate(id, of: company, by: .inApp, stage.change()) }
        #expect(again == PlanError(.alreadyCommunicated))
        let early = await approving(stage.owner)
        #expect(early == PlanError(.noticeNotOver))
        #expect(early?.retryAt == stage.time.now.advanced(by: .seconds(30 * 86_400)))
        let other = try Digest(hashing: [1])
        #expect(await approving(stage.owner, other) == PlanError(.otherDocument))
        let unseen = await refusal {
            try await plans.review(id, for: stage.workspace, document: other, stage.approval(of: stage.staff))
        }
        #expect(unseen == PlanError(.otherDocument))
        // The trial ends meanwhile: nothing is admitted any more, and the reason says so.
        stage.days(30)
        plan = try await plans.plan(of: company)
        #expect(plan.stop == .awaitingApproval && plan.awaiting == id && plan.limit == 100)
        #expect(await refusal { try await stage.staff.admission().release() } == PlanError(.awaitingApproval))
        #expect(await approving(stage.owner) == PlanError(.notReviewed))
        let permit = try await stage.approval()
        try await stage.owner.layer.plans.review(id, for: stage.workspace, document: proposal.digest, permit)
        let approval = try await stage.owner.layer.plans.approve(
            id, for: stage.workspace, document: proposal.digest, permit)
        #expect(try await stage.proposal().state(at: stage.time.now) == .approved)
        // Approved, and still not in force.
        #expect(try await plans.plan(of: company).plan?.name == "trial")
        let active = try await plans.activate(approval, stage.change())
        plan = try await plans.plan(of: company)
        #expect(active.charges == proposal.document.after && plan.charges == proposal.document.after)
        #expect(plan.plan?.name == "bronze" && plan.awaiting == nil && plan.stop == nil)
        try await stage.staff.admission(tasks: 900).release()
        // Once.
        #expect(await approving(stage.owner) == PlanError(.proposalUsed))
        #expect(try await stage.proposal().state(at: stage.time.now) == .activated)
    }

    /// Two proofs of one approval activate it once.
    @Test func anApprovalIsUsedOnce() async throws {
        let stage = try await PriceStage()
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        let first = try await stage.approve(proposal)
        let second = try await stage.owner.layer.plans.approve(
            proposal.id, for: stage.workspace, document: proposal.digest, stage.approval())
        try await stage.plans.activate(first, stage.change())
        do {
            try await stage.plans.activate(second, stage.change())
            Issue.record("it was activated twice")
        } catch let error as PlanError {
            #expect(error == PlanError(.proposalUsed))
        }
    }

    /// Silence, a no, a withdrawal and another status end a proposal, each with its reason.
    @Test func whatEndsAProposalIsTold() async throws {
        for (end, reason): (PriceProposal.State, PlanError.Code) in [
            (.expired, .proposalExpired), (.declined, .proposalDeclined), (.withdrawn, .proposalWithdrawn),
        ] {
            for approvesFirst in [false, true] {
                let stage = try await PriceStage()
                let (plans, company) = (stage.owner.layer.plans, stage.company)
                try await stage.tell(.customer, 2)
                let proposal = try await stage.proposal()
                var approval: Approval?
                if approvesFirst { approval = try await stage.approve(proposal) }
                switch end {
                case .expired: stage.days(61)
                case .declined: try await plans.decline(proposal.id, for: stage.workspace, stage.approval())
                default: try await stage.plans.withdraw(proposal.id, of: company, stage.change())
                }
                #expect(try await stage.proposal().state(at: stage.time.now) == end)
                let acts: [@Sendable () async throws -> Void] = [
                    { try await stage.plans.communicate(proposal.id, of: company, by: .post, stage.change()) },
                    {
                        try await plans.review(
                            proposal.id, for: stage.workspace, document: proposal.digest, stage.approval())
                    },
                    {
                        _ = try await plans.approve(
                            proposal.id, for: stage.workspace, document: proposal.digest, stage.approval())
                    }, { try await plans.decline(proposal.id, for: stage.workspace, stage.approval()) },
                    { try await stage.plans.withdraw(proposal.id, of: company, stage.change()) },
                ]
                for act in acts { #expect(await refusal(act) == PlanError(reason)) }
                if let taken = approval.take() {
                    do {
                        try await stage.plans.activate(taken, stage.change())
                        Issue.record("it was activated")
                    } catch let error as PlanError {
                        #expect(error == PlanError(reason))
                    }
                }
                let plan = try await plans.plan(of: company)
                #expect(plan.plan?.name == "trial" && plan.charges.isFree)
                if end != .expired { #expect(plan.awaiting == nil) }
            }
        }
    }

    @Test func anotherStatusWithdrawsWhatTheLastOneOpened() async throws {
        let stage = try await PriceStage()
        try await stage.tell(.customer, 2)
        let first = try await stage.proposal()
        try await stage.tell(.former, 3)
        #expect(try await stage.plans.proposals(to: stage.company).map(\.withdrawn) == [stage.time.now])
        #expect(try await stage.plans.plan(of: stage.company).stop == .former)
        // Without any plan of its own it waits, and says so.
        stage.time.advance(by: .seconds(1))
        try await stage.tell(.customer, 4)
        #expect(try await stage.plans.proposals(to: stage.company).count == 2)
        #expect(try await stage.proposal().id != first.id)
        #expect(try await stage.plans.plan(of: stage.company).stop == .awaitingApproval)
        #expect(await refusal { try await stage.staff.admission().release() } == PlanError(.awaitingApproval))
        // Back to the trial, whose time counts from the first day.
        stage.days(15)
        stage.time.advance(by: .seconds(-1))
        try await stage.tell(.proofOfConcept, 5)
        let plan = try await stage.plans.plan(of: stage.company)
        #expect(plan.stop == nil && plan.trialEnds == stage.time.now.advanced(by: .seconds(5 * 86_400)))
    }

    /// A price that fell does not come back by itself, also where the company agreed to it before: what has an end would bring it back.
    @Test func anAgreedPriceDoesNotComeBackByItself() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let priced = PlanChange(.package(Package(price: Price(perPeriod: try euros(5_00)))))
        let proposal = try await stage.plans.propose(
            priced, for: stage.company, conditions: conditions, stage.change())
        try await stage.plans.activate(try await stage.approve(proposal), stage.change())
        #expect(try await !stage.plans.plan(of: stage.company).charges.isFree)
        // A package without a price, on a plan that has none.
        let end = stage.time.now.advanced(by: .seconds(10 * 86_400))
        let gift = PlanChange(.package(Package(addedTasks: 10)), until: end)
        #expect(try await stage.plans.preview(gift, of: stage.company).needsApproval)
        #expect(
            await refusal { try await stage.plans.change(gift, of: stage.company, stage.change()) }
                == PlanError(.approvalRequired))
        // For good it may fall.
        try await stage.plans.change(.package(Package(addedTasks: 10)), of: stage.company, stage.change())
        #expect(try await stage.plans.plan(of: stage.company).charges.isFree)
    }

    /// What is proposed would fall and rise again by what is scheduled already: nobody is asked to agree to that.
    @Test func aProposedPriceDoesNotFallAndComeBack() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        func schedule(_ package: Package?, _ days: Int) async throws {
            let day = stage.time.now.advanced(by: .seconds(days * 86_400))
            try await stage.plans.change(
                PlanChange(.package(package), timing: .at(day)), of: stage.company, stage.change())
        }
        // Under a plan without a price both cost nothing.
        try await schedule(Package(price: Price(perPeriod: try euros(0))), 60)
        try await schedule(Package(addedTasks: 10), 90)
        #expect(
            await refusal { _ = try await stage.plans.propose(.plan("bronze"), for: stage.company, stage.change()) }
                == PlanError(.laterPrice))
        // What was proposed before is not activated under other terms either.
        let second = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let approval = try await second.approve(
            second.plans.propose(.plan("bronze"), for: second.company, second.change()))
        for (package, days) in [(Package(price: Price(perPeriod: try euros(0))), 60), (Package(addedTasks: 10), 90)] {
            let day = second.time.now.advanced(by: .seconds(days * 86_400))
            try await second.plans.change(
                PlanChange(.package(package), timing: .at(day)), of: second.company, second.change())
        }
        #expect(await second.activationRefusal(of: approval) == PlanError(.termsChanged))
    }

    /// What a status proposed is not asked a second time once the company has agreed to another proposal.
    @Test func whatAStatusProposedEndsWithAnotherPlan() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let first = try await stage.proposal()
        let own = try await stage.plans.propose(.plan("bronze"), for: stage.company, stage.change())
        try await stage.plans.communicate(first.id, of: stage.company, by: .email, stage.change())
        try await stage.plans.activate(try await stage.approve(own), stage.change())
        let states = try await stage.plans.proposals(to: stage.company).map { [$0.id: $0.state(at: stage.time.now)] }
        #expect(Set(states) == [[first.id: .withdrawn], [own.id: .activated]])
        #expect(
            await refusal {
                _ = try await stage.owner.layer.plans.review(
                    first.id, for: stage.workspace, document: first.digest, stage.approval())
            } == PlanError(.proposalWithdrawn))
    }

    /// A plan for a later day that the company agreed to stays when the same status is told again, and is what happens.
    @Test func whatWasAgreedToForLaterStaysWhenTheStatusIsToldAgain() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        let day = stage.time.now.advanced(by: .seconds(75 * 86_400))
        try await stage.plans.activate(try await stage.approve(proposal, effective: day), stage.change())
        for sequence in [3, 4] as [Int64] {
            try await stage.tell(.customer, sequence)
            #expect(try await stage.plans.plan(of: stage.company, at: day).plan?.name == "bronze")
            #expect(try await stage.plans.proposals(to: stage.company).count == 1)
        }
        stage.days(46)
        #expect(try await stage.plans.plan(of: stage.company).plan?.name == "bronze")
        try await stage.tell(.customer, 5)
        #expect(try await stage.plans.plan(of: stage.company).charges.price?.perPeriod.minorUnits == 10_00)
    }

    /// Staff's own change of plan takes the place of what a status waits for: its proposal is withdrawn.
    @Test func anotherPlanWithdrawsWhatTheStatusProposed() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        try await stage.plans.change(.plan("open"), of: stage.company, stage.change())
        #expect(try await stage.plans.plan(of: stage.company).awaiting == nil)
        let now = try await stage.proposal()
        #expect(now.id == proposal.id && now.state(at: stage.time.now) == .withdrawn)
    }

    /// What a status had scheduled and another one drops leaves what was there: nothing dearer comes back.
    @Test func whatIsDroppedBringsNothingDearerBack() async throws {
        func plan(_ name: String, _ price: Int64?) throws -> Plan {
            Plan(
                name: name, entitlements: Entitlements(tasksPerPeriod: 1000),
                price: try price.map { Price(perPeriod: try euros($0)) }, conditions: conditions)
        }
        let catalogue = Catalogue(
            version: 1,
            plans: [
                try plan("free", nil), try plan("lite", 30_00), try plan("bronze", 50_00), try plan("gold", 100_00),
                try plan("platinum", 120_00),
            ],
            statusRules: [
                .proofOfConcept: StatusRule("lite", timing: .nextPeriod), .customer: StatusRule("platinum"),
            ])
        let stage = try await PriceStage(catalogue)
        let gold = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        try await stage.plans.activate(try await stage.approve(gold), stage.change())
        let start = stage.time.now
        func day(_ day: Int) -> Timestamp { start.advanced(by: .seconds(day * 86_400)) }
        try await stage.plans.change(
            PlanChange(.plan("bronze"), timing: .at(day(1))), of: stage.company, stage.change())
        stage.time.setWallClock(to: day(2))
        try await stage.tell(.former, 2)
        try await stage.tell(.proofOfConcept, 3)
        try await stage.tell(.customer, 4)
        for later in 2...120 {
            let plan = try await stage.plans.plan(of: stage.company, at: day(later))
            #expect((plan.charges.price?.perPeriod.minorUnits ?? 0) <= 50_00, "day \(later): \(plan.charges)")
        }
    }

    @Test func onlyAPersonWhoDidNotProposeItApproves() async throws {
        let stage = try await PriceStage()
        let company = stage.company
        let proposal = try await stage.plans.propose(.plan("gold"), for: company, stage.change())
        try await stage.plans.communicate(proposal.id, of: company, by: .email, stage.change())
        stage.days(30)
        let review = await refusal {
            try await stage.plans.review(
                proposal.id, for: stage.workspace, document: proposal.digest, stage.approval(of: stage.staff))
        }
        #expect(review == PlanError(.ownProposal))
        let own = await refusal {
            _ = try await stage.plans.approve(
                proposal.id, for: stage.workspace, document: proposal.digest, stage.approval(of: stage.staff))
        }
        #expect(own == PlanError(.ownProposal))
        let program = try await TestTrust(
            over: stage.staff.store, configuration: .init(catalogue: pricedCatalogue()),
            time: stage.time,
            keys: stage.staff.keys)
        for isApproval in [false, true] {
            let refused = await refusal {
                let permit = try await stage.approval(of: program)
                let plans = program.layer.plans
                if isApproval {
                    _ = try await plans.approve(proposal.id, for: stage.workspace, document: proposal.digest, permit)
                } else {
                    try await plans.review(proposal.id, for: stage.workspace, document: proposal.digest, permit)
                }
            }
            #expect(refused == PlanError(.personRequired))
        }
    }

    /// Clause S4.3: what is to take effect before it can have been known is refused, also when it has passed.
    @Test func aNoticeAfterItsEffectIsRefused() async throws {
        let stage = try await PriceStage()
        let proposal = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        let now = stage.time.now
        for days in [-1, 0, 29] {
            let error = await refusal {
                try await stage.plans.communicate(
                    proposal.id, of: stage.company, by: .email,
                    effective: now.advanced(by: .seconds(days * 86_400)), stage.change())
            }
            #expect(error == PlanError(.noticeTooShort))
            #expect(error?.retryAt == now.advanced(by: .seconds(30 * 86_400)))
        }
        // On its day: not with the approval, which may come before.
        let day = now.advanced(by: .seconds(45 * 86_400))
        try await stage.plans.activate(try await stage.approve(proposal, effective: day), stage.change())
        #expect(try await stage.plans.plan(of: stage.company).plan?.name == "trial")
        #expect(try await stage.plans.plan(of: stage.company).changesAt == day)
        stage.days(15)
        #expect(try await stage.plans.plan(of: stage.company).charges == proposal.document.after)
    }

    @Test func aDocumentWithoutFullPricingIsRefused() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let package = Package(price: Price(perPeriod: try euros(5_00)))
        let none = await refusal {
            try await stage.plans.propose(.package(package), for: stage.company, stage.change())
        }
        #expect(none == PlanError(.incompletePricing))
        let empty = PriceConditions(tax: .none, payment: "x", ending: "")
        let half = await refusal {
            try await stage.plans.propose(.package(package), for: stage.company, conditions: empty, stage.change())
        }
        #expect(half == PlanError(.incompletePricing))
        #expect(try await stage.plans.proposals(to: stage.company).isEmpty)
        let whole = try await stage.plans.propose(
            .package(package), for: stage.company, conditions: conditions, stage.change())
        try await stage.plans.activate(stage.approve(whole), stage.change())
        #expect(try await stage.plans.plan(of: stage.company).charges == whole.document.after)
    }

    /// A price for a plan that is over by the day it can take effect is no price.
    @Test func nothingIsProposedForAPlanThatIsOver() async throws {
        let stage = try await PriceStage()
        let package = Package(price: Price(perPeriod: try euros(5_00)))
        let error = await refusal {
            try await stage.plans.propose(
                .package(package), for: stage.company, conditions: conditions, stage.change())
        }
        #expect(error == PlanError(.trialEnded))
    }

    /// Also when it is the price alone that would be another, and a lower one.
    @Test func anotherPriceIsNotActivated() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let gold = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        try await stage.plans.communicate(gold.id, of: stage.company, by: .email, stage.change())
        let package = try await stage.plans.propose(
            .package(Package(price: Price(perPeriod: try euros(1_00)))), for: stage.company, conditions: conditions,
            stage.change())
        try await stage.plans.activate(stage.approve(package), stage.change())
        let owner = stage.owner.layer.plans
        try await owner.review(gold.id, for: stage.workspace, document: gold.digest, stage.approval())
        let approval = try await owner.approve(gold.id, for: stage.workspace, document: gold.digest, stage.approval())
        do {
            try await stage.plans.activate(approval, stage.change())
            Issue.record("another price was activated than was approved")
        } catch let error as PlanError {
            #expect(error == PlanError(.termsChanged))
        }
    }

    /// What was proposed to a company before it left is not what it agrees to when it comes again.
    @Test func whatWasApprovedBeforeItLeftIsNoMore() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let proposal = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        let approval = try await stage.approve(proposal)
        try await stage.tell(.former, 20)
        try await stage.tell(.proofOfConcept, 21)
        do {
            try await stage.plans.activate(approval, stage.change())
            Issue.record("what was approved before was activated")
        } catch let error as PlanError {
            #expect(error == PlanError(.proposalWithdrawn))
        }
    }

    /// What was approved is what the document says, or nothing.
    @Test func whatChangedSinceIsNotActivated() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let proposal = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        let approval = try await stage.approve(proposal)
        try await stage.plans.change(.package(Package(tasksPerPeriod: 10)), of: stage.company, stage.change())
        do {
            try await stage.plans.activate(approval, stage.change())
            Issue.record("another price was activated than was approved")
        } catch let error as PlanError {
            #expect(error == PlanError(.termsChanged))
        }
        #expect(try await stage.proposal().state(at: stage.time.now) == .approved)
        // As it was again.
        try await stage.plans.change(.package(nil), of: stage.company, stage.change())
        let second = try await stage.owner.layer.plans.approve(
            proposal.id, for: stage.workspace, document: proposal.digest, stage.approval())
        try await stage.plans.activate(second, stage.change())
        #expect(try await stage.plans.plan(of: stage.company).entitlements.features == ["history"])
    }

    /// Going beyond the limit is off, free where it has no price, and needs approval with a cap where it has one.
    @Test func goingBeyondTheLimitNeedsItsOwnApproval() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.plans.change(.overage(mostTasks: 20), of: stage.company, stage.change())
        try await stage.staff.admission(tasks: 120).commit(used: 120)
        #expect(await refusal { try await stage.staff.admission().release() } == PlanError(.limitReached))
        // Under a plan where it has a price, what was agreed for nothing is off.
        let gold = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        #expect(gold.document.after.mostTasksOver == 0)
        try await stage.plans.activate(stage.approve(gold), stage.change())
        #expect(try await stage.plans.plan(of: stage.company).limit == 5000)
        let over = PlanChange.overage(mostTasks: 1000)
        let refused = await refusal { try await stage.plans.change(over, of: stage.company, stage.change()) }
        #expect(refused == PlanError(.approvalRequired))
        let proposal = try await stage.plans.propose(over, for: stage.company, stage.change())
        #expect(proposal.document.text.contains("EUR 2.50 for each thousand tasks more, at most 1000 tasks"))
        try await stage.plans.activate(stage.approve(proposal), stage.change())
        #expect(try await stage.plans.plan(of: stage.company).limit == 6000)
        // Less is no increase, and neither is none.
        try await stage.plans.change(.overage(mostTasks: 500), of: stage.company, stage.change())
        try await stage.plans.change(.overage(mostTasks: 0), of: stage.company, stage.change())
        #expect(try await stage.plans.plan(of: stage.company).limit == 5000)
    }

    /// A price that fell does not come back by itself: what was scheduled without approval is gone with the status that made
    /// the plan free, and what was approved stays.
    @Test func aPriceThatFellDoesNotComeBackByItself() async throws {
        for isApproved in [false, true] {
            let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
            let gold = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
            try await stage.plans.activate(stage.approve(gold), stage.change())
            let day = stage.time.now.advanced(by: .seconds(60 * 86_400))
            let bronze = PlanChange(.plan("bronze"), timing: .at(day))
            if isApproved {
                let proposal = try await stage.plans.propose(bronze, for: stage.company, stage.change())
                try await stage.plans.activate(stage.approve(proposal), stage.change())
            } else {
                try await stage.plans.change(bronze, of: stage.company, stage.change())
            }
            try await stage.tell(.former, 2)
            try await stage.tell(.proofOfConcept, 3)
            #expect(try await stage.plans.plan(of: stage.company, at: day).charges.isFree)
            // Without having been a former company in between.
            let second = try await PriceStage(try pricedCatalogue(trialDays: nil))
            try await second.plans.activate(
                second.approve(second.plans.propose(.plan("gold"), for: second.company, second.change())),
                second.change())
            let later = second.time.now.advanced(by: .seconds(60 * 86_400))
            let change = PlanChange(.plan("bronze"), timing: .at(later))
            if isApproved {
                let proposal = try await second.plans.propose(change, for: second.company, second.change())
                try await second.plans.activate(second.approve(proposal), second.change())
            } else {
                try await second.plans.change(change, of: second.company, second.change())
            }
            try await second.tell(.customer, 2)
            try await second.tell(.proofOfConcept, 3)
            #expect(try await second.plans.plan(of: second.company).charges.isFree)
            let then = try await second.plans.plan(of: second.company, at: later)
            #expect(then.plan?.name == (isApproved ? "bronze" : "trial"))
        }
    }

    /// More tasks for a while, on a plan that costs something: its end is no rise.
    @Test func aPackageForAWhileEnds() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let gold = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        try await stage.plans.activate(stage.approve(gold), stage.change())
        try await stage.plans.change(.plan("bronze"), of: stage.company, stage.change())
        let day = stage.time.now.advanced(by: .seconds(86_400))
        let more = PlanChange(.package(Package(addedTasks: 500)), until: day)
        #expect(try await stage.plans.change(more, of: stage.company, stage.change()).after.limit == 1500)
        #expect(try await stage.plans.plan(of: stage.company, at: day).limit == 1000)
        let fewer = await refusal {
            try await stage.plans.change(.package(Package(tasksPerPeriod: 999)), of: stage.company, stage.change())
        }
        #expect(fewer == PlanError(.approvalRequired))
    }

    /// Proposals that are under way outlive a release: what their digests are of does not change.
    @Test func theDigestOfADocumentIsStable() throws {
        let text =
            #"{"after":{"mostTasksOver":5,"price":{"perPeriod":{"currency":"EUR","minorUnits":5000},"#
            + #""perThousandOver":{"currency":"EUR","minorUnits":250},"setUp":{"currency":"EUR","minorUnits":100}},"#
            + #""tasksPerPeriod":100},"before":{"mostTasksOver":0,"tasksPerPeriod":7},"catalogue":3,"#
            + #""change":{"alignment":"keepsPeriods","kind":{"package":{"addedFeatures":["b","a"],"addedTasks":2}},"#
            + #""timing":"nextPeriod","usage":"kept"},"company":"co_00000000000000000000000001","#
            + #""conditions":{"ending":"At any time.","payment":"In advance.","tax":"included"},"#
            + #""entitlements":{"connectorClasses":["x"],"environments":["production","test"],"features":["b","a"],"#
            + #""retentionDays":30,"tasksPerPeriod":100},"months":12,"plan":"gold","#
            + #""proposal":"prop_00000000000000000000000002"}"#
        let document = try JSONDecoder().decode(PriceDocument.self, from: Data(text.utf8))
        let digest = try document.digest().description
        #expect(digest == "9e70190438134717d6bdaf7a834ec1e4a4e159a1277f57a1bd16983b82bc3ede")
    }

    /// One changed field is another document.
    @Test func aDigestIsOfTheWholeDocument() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let permit = try await stage.change()
        let base = Price(perPeriod: try euros(5_00), setUp: try euros(1_00))
        let variants: [(Price, PriceConditions, PlanChange)] = [
            (base, conditions, .package(Package(price: base))),
            (base, conditions, .package(Package(addedTasks: 1, price: base))),
            (
                base, PriceConditions(tax: .included, payment: conditions.payment, ending: conditions.ending),
                .package(Package(price: base))
            ),
            (
                base, PriceConditions(tax: .added, payment: "Due in 15 days.", ending: conditions.ending),
                .package(Package(price: base))
            ),
            (base, conditions, .package(Package(price: Price(perPeriod: try euros(5_01), setUp: try euros(1_00))))),
            (base, conditions, .package(Package(price: Price(perPeriod: try euros(5_00), setUp: try euros(1_01))))),
            (base, conditions, .package(Package(price: Price(perPeriod: try euros(5_00))))),
        ]
        var digests: Set<Digest> = []
        for (_, conditions, change) in variants {
            let proposal = try await stage.plans.propose(
                change, for: stage.company, conditions: conditions, permit)
            #expect(try proposal.document.digest() == proposal.digest)
            digests.insert(proposal.digest)
        }
        #expect(digests.count == variants.count)
    }
}
