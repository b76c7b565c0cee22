// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

/// Random calls of everything that changes plans, by anybody and in any order, beside a record of its own of what was
/// communicated, reviewed and approved: the price rises only where that record allows it.
private struct PriceWalk {
    private let time = ManualTime()
    private let company = Identifier<Company>(high: 1, low: 1)
    private let workspace: Workspace
    private var seats: [Seat] = []
    private var generator: SeededGenerator
    private var sequence: Int64 = 0
    private var version = 1
    private var told: [Identifier<PriceProposal>: Evidence] = [:]
    /// The proposals in the order in which they were made; their ids would make each run another one.
    private var made: [Identifier<PriceProposal>] = []
    /// What the preview of the last change said, until something else changes.
    private var expected: EffectivePlan?
    private(set) var previews = 0
    /// The last calls that were taken, for who looks for the cause.
    private var calls: [String] = []
    private var activations: [Activation] = []
    private var charges = Charges(tasksPerPeriod: 0)
    private(set) var rises = 0
    private(set) var refusals = 0
    private(set) var changes = 0

    /// Who calls, with permits that stay good: the clock that they are counted by stands still.
    private struct Seat {
        let actor: ActContext.Actor
        let plans: Plans
        let change: Permit<ChangePlan>
        let catalogue: Permit<ChangePlan>
        let approve: Permit<ApprovePrice>
    }
    /// What the company was told and said, as this test heard it.
    private struct Evidence {
        let proposal: PriceProposal
        let proposer: ActContext.Actor
        var communicated: Timestamp?
        var communicator: ActContext.Actor?
        var reviewed = false
        var approved: (actor: ActContext.Actor, at: Timestamp)?
    }
    private struct Activation {
        let evidence: Evidence
        /// From when it is in force.
        let from: Timestamp
        var isUsed = false
    }
    struct Violation: Error {
        let text: String
    }

    init(_ generator: SeededGenerator) async throws {
        self.generator = generator
        workspace = Workspace(
            id: Identifier(high: 2, low: 3), company: company, region: try #require(Region("eu")))
        let store = TestStore()
        let actors: [ActContext.Actor] = [
            .person(Identifier(high: 1, low: 1)), .person(Identifier(high: 2, low: 2)), .host("program"),
        ]
        for actor in actors {
            let authority = try await AccessAuthority.soleOperator(actor, reason: "walk", store: store, time: time)
            let platform = ActContext(actor: actor, scope: .platform)
            let plan = Resource.plan(of: company)
            seats.append(
                Seat(
                    actor: actor, plans: Plans(catalogue: try Self.catalogue(1), authority: authority),
                    change: try await authority.permit(ChangePlan.self, on: plan, as: platform).get(),
                    catalogue: try await authority.permit(ChangePlan.self, on: .catalogue, as: platform).get(),
                    approve: try await authority.permit(
                        ApprovePrice.self, on: plan,
                        as: ActContext(actor: actor, scope: Scope(workspace.id, .production))
                    ).get()))
        }
    }

    private static func price(_ period: Int64, _ setUp: Int64 = 0, over: Int64? = nil) throws -> Price {
        Price(perPeriod: try euros(period), setUp: try euros(setUp), perThousandOver: try over.map(euros))
    }

    private static func catalogue(_ version: Int, factor: Int64 = 1) throws -> Catalogue {
        func plan(_ name: String, _ price: Price?, trialDays: Int? = nil) -> Plan {
            Plan(
                name: name, entitlements: Entitlements(tasksPerPeriod: 100 * version), price: price,
                conditions: conditions, trialDays: trialDays)
        }
        return Catalogue(
            version: version,
            plans: [
                plan("trial", nil, trialDays: 40), plan("free", nil), plan("bronze", try price(10 * factor)),
                plan("silver", try price(20 * factor, over: 5)), plan("gold", try price(20 * factor, 7, over: 9)),
                plan("paidTrial", try price(5), trialDays: 50),
            ],
            // Some catalogues let a status's plan begin with the next period: then others can take its place before.
            statusRules: [
                .proofOfConcept: StatusRule("trial", timing: version % 2 == 0 ? .nextPeriod : .immediately),
                .customer: StatusRule(
                    factor == 2 ? "free" : "bronze", timing: version % 3 == 0 ? .nextPeriod : .immediately),
            ],
            noticeDays: 20, answerDays: 20)
    }

    mutating func run(steps: Int) async throws {
        do {
            for step in 0..<steps {
                let before = calls.count
                do {
                    try await act(first: step == 0)
                    changes += 1
                } catch is PlanError {
                    calls.removeLast(calls.count - before)
                    refusals += 1
                }
                try await look()
            }
        } catch let violation as Violation {
            throw Violation(text: violation.text + "\n  " + calls.suffix(60).joined(separator: "\n  "))
        }
    }

    /// Notes a call that may change something.
    private mutating func note(_ call: String) {
        calls.append("\(time.now) \(call)")
        expected = nil
    }

    private mutating func tell(_ proposal: PriceProposal, by proposer: ActContext.Actor) {
        told[proposal.id] = Evidence(proposal: proposal, proposer: proposer)
        made.append(proposal.id)
    }

    private mutating func act(first: Bool) async throws {
        let seat = seats[Int.random(in: 0..<3, using: &generator)]
        // Mostly one with which something can still be done.
        let stored = Dictionary(uniqueKeysWithValues: try await seat.plans.proposals(to: company).map { ($0.id, $0) })
        let proposals = made.compactMap { stored[$0] }
        let running = proposals.filter {
            ![.activated, .declined, .withdrawn, .expired].contains($0.state(at: time.now))
        }
        let isMostly = !running.isEmpty && Int.random(in: 0..<10, using: &generator) > 0
        let any = (isMostly ? running : proposals).randomElement(using: &generator)?.id
        let wrong = Int.random(in: 0..<20, using: &generator) == 0
        switch first ? 0 : Int.random(in: 0..<20, using: &generator) {
        case 1:
            // The whole way, which chance alone seldom goes.
            guard let any, let evidence = told[any] else { return }
            let digest = evidence.proposal.digest
            if evidence.communicated == nil {
                try await seat.plans.communicate(any, of: company, by: .email, seat.change)
                told[any]?.communicated = time.now
                told[any]?.communicator = seat.actor
            }
            try await pass(to: time.now.advanced(by: .seconds(20 * 86_400)))
            try await seats[1].plans.review(any, for: workspace, document: digest, seats[1].approve)
            told[any]?.reviewed = true
            let others = [evidence.proposer, told[any]?.communicator]
            guard let person = seats.first(where: { !others.contains($0.actor) && $0.actor != seats[2].actor }) else {
                return
            }
            let approval = try await person.plans.approve(any, for: workspace, document: digest, person.approve)
            let before = told[any]?.approved
            told[any]?.approved = before ?? (person.actor, time.now)
            try await activate(approval)
        case 0:
            let status = Company.Status.allCases.randomElement(using: &generator) ?? .customer
            sequence += Int64.random(in: -1...3, using: &generator)
            note("status \(status) \(sequence)")
            try await seat.plans.setStatus(Company(id: company, status: status), sequence: sequence)
            for proposal in try await seat.plans.proposals(to: company) where told[proposal.id] == nil {
                note("proposal by status \(proposal.change)")
                tell(proposal, by: proposal.proposer)
            }
        case 2...4:
            let change = try randomChange()
            note("\(change)")
            let preview = try await seat.plans.preview(change, of: company)
            guard !preview.needsApproval else {
                try await seat.plans.change(change, of: company, seat.change)
                throw Violation(text: "what needs approval was changed without")
            }
            try await seat.plans.change(change, of: company, seat.change)
            let now = try await seat.plans.plan(of: company, at: preview.effective)
            guard preview.after == now else { throw Violation(text: "the preview was another: \(change.kind)") }
            expected = preview.after
        case 5:
            let proposal = try await seat.plans.propose(randomChange(), for: company, seat.change)
            note("proposal \(proposal.change)")
            tell(proposal, by: seat.actor)
        case 6...8:
            guard let any else { return }
            let effective: Timestamp? =
                Bool.random(using: &generator)
                ? nil : time.now.advanced(by: .seconds(86_400 * Int.random(in: -5...60, using: &generator)))
            let said = try await seat.plans.communicate(
                any, of: company, by: .inApp, effective: effective, seat.change)
            told[any]?.communicated = time.now
            told[any]?.communicator = seat.actor
            guard let day = said.notice?.effective, day >= time.now.advanced(by: .seconds(20 * 86_400)) else {
                throw Violation(text: "a notice came after its effect")
            }
        case 9...10:
            guard let any, let proposal = told[any]?.proposal else { return }
            let digest = wrong ? try Digest(hashing: [1]) : proposal.digest
            try await seat.plans.review(any, for: workspace, document: digest, seat.approve)
            guard !wrong else { throw Violation(text: "another document was reviewed") }
            told[any]?.reviewed = true
        case 11...15:
            guard let any, let proposal = told[any]?.proposal else { return }
            let digest = wrong ? try Digest(hashing: [1]) : proposal.digest
            let approval = try await seat.plans.approve(any, for: workspace, document: digest, seat.approve)
            guard !wrong else { throw Violation(text: "another document was approved") }
            let before = told[any]?.approved
            told[any]?.approved = before ?? (seat.actor, time.now)
            guard Int.random(in: 0..<4, using: &generator) > 0 else { return }
            try await activate(approval)
        case 16 where Int.random(in: 0..<4, using: &generator) == 0:
            guard let any else { return }
            note("declined")
            try await seat.plans.decline(any, for: workspace, seat.approve)
        case 17 where Int.random(in: 0..<4, using: &generator) == 0:
            guard let any else { return }
            note("withdrawn")
            try await seat.plans.withdraw(any, of: company, seat.change)
        case 18 where Int.random(in: 0..<10, using: &generator) == 0:
            let factor = Int64.random(in: 1...3, using: &generator)
            try await seat.plans.publish(Self.catalogue(version + 1, factor: factor), seat.catalogue)
            version += 1
            note("catalogue \(version), prices by \(factor)")
        default:
            try await pass(to: time.now.advanced(by: .seconds(3600 * Int.random(in: 1...300, using: &generator))))
        }
    }

    private mutating func activate(_ approval: consuming Approval) async throws {
        let id = approval.proposal
        let seat = seats[Int.random(in: 0..<3, using: &generator)]
        let active = try await seat.plans.activate(approval, seat.change)
        guard let evidence = told[id] else { return }
        guard !activations.contains(where: { $0.evidence.proposal.id == id }) else {
            throw Violation(text: "activated twice")
        }
        note("activated \(evidence.proposal.change) from \(active.at), asked \(active.charges)")
        activations.append(Activation(evidence: evidence, from: active.at))
    }

    /// Lets time pass; where something changes by itself on the way, it looks there.
    private mutating func pass(to target: Timestamp) async throws {
        while let next = [try? await seats[0].plans.plan(of: company).changesAt, expected?.at].compactMap({ $0 }).min(),
            next <= target
        {
            time.setWallClock(to: max(next, time.now))
            try await look()
            guard let plan = expected, plan.at <= time.now else { continue }
            // What the preview said is what happens when its time comes.
            guard try await seats[0].plans.plan(of: company, at: plan.at) == plan else {
                throw Violation(text: "the preview was not what happened: \(plan)")
            }
            (expected, previews) = (nil, previews + 1)
        }
        time.setWallClock(to: target)
    }

    private mutating func randomChange() throws -> PlanChange {
        let packages: [Package?] = [
            nil, Package(addedTasks: 10), Package(tasksPerPeriod: 7), Package(tasksPerPeriod: 0),
            Package(price: try Self.price(3)),
            Package(price: try Self.price(0)), Package(price: try Self.price(30, 1, over: 2)),
        ]
        let kinds: [PlanChange.Kind] =
            ["trial", "free", "bronze", "silver", "gold", "paidTrial", "none"].map { .plan($0) }
            + packages.map { .package($0) } + [
                .overage(mostTasks: 0), .overage(mostTasks: 50), .overage(mostTasks: 99),
            ]
        let later = time.now.advanced(by: .seconds(86_400 * Int.random(in: -2...80, using: &generator)))
        let timings: [PlanChange.Timing] = [.immediately, .immediately, .nextPeriod, .at(later)]
        var change = PlanChange(
            try #require(kinds.randomElement(using: &generator)),
            timing: try #require(timings.randomElement(using: &generator)))
        if case .overage = change.kind { return change }
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: (change.alignment, change.usage) = (.startsPeriods, .reset)
        case 1: change.usage = .reset
        case 2: change.usage = .scaled
        case 3...5:
            // For a time; refused where it has a price, or is over before it begins.
            change.until = time.now.advanced(by: .seconds(86_400 * Int.random(in: 1...100, using: &generator)))
        default: break
        }
        return change
    }

    /// Looks at what is in force: where something costs more than at the last look, one activation that was not used yet explains
    /// it, and everything that had to come before did.
    private mutating func look() async throws {
        guard let plan = try? await seats[0].plans.plan(of: company) else { return }
        // A plan whose time is over stops, also while another waits; what was agreed to goes on with the next plan.
        guard plan.stop == nil || plan.plan == nil else { return }
        defer { charges = plan.charges }
        guard Self.amounts(plan.charges).enumerated().contains(where: { $1 > Self.amounts(charges)[$0] }) else {
            return
        }
        rises += 1
        // Of those that are in force and not used, the one that allows least beyond it.
        let fitting = activations.indices.filter { index in
            let activation = activations[index]
            return !activation.isUsed && activation.from <= plan.at
                && zip(Self.amounts(activation.evidence.proposal.document.after), Self.amounts(plan.charges))
                    .allSatisfy { $0 >= $1 }
        }
        let index = fitting.min { left, right in
            Self.amounts(activations[left].evidence.proposal.document.after).reduce(0, +)
                < Self.amounts(activations[right].evidence.proposal.document.after).reduce(0, +)
        }
        guard let index else {
            let said = activations.map { "\($0.evidence.proposal.change.kind) \($0.from) \($0.isUsed)" }
            throw Violation(
                text: "the price rose from \(charges) to \(plan) without an activation: \(said.joined(separator: "; "))"
            )
        }
        activations[index].isUsed = true
        let evidence = activations[index].evidence
        guard let communicated = evidence.communicated, evidence.reviewed, let approved = evidence.approved,
            approved.at >= communicated.advanced(by: .seconds(20 * 86_400)), approved.actor != evidence.proposer,
            approved.actor != evidence.communicator,
            case .person = approved.actor
        else { throw Violation(text: "the price rose without notice, review or approval") }
    }

    /// What is asked in a period in which none, a tenth, … all of the most tasks are used that a plan here has.
    private static func amounts(_ charges: Charges) -> [Int64] {
        guard !charges.isFree, let price = charges.price else { return [Int64](repeating: 0, count: 11) }
        let limit = charges.tasksPerPeriod + charges.mostTasksOver
        return (0...10).map { tenth in
            let over = Int64(max(0, min(tenth * 60, limit) - charges.tasksPerPeriod))
            return price.perPeriod.minorUnits * 1000 + over * (price.perThousandOver?.minorUnits ?? 0)
        }
    }
}

@Suite struct PriceWalkProperties {
    /// Clause S4.4: no sequence of calls reaches a higher price without communication, elapsed notice and approval; and the
    /// preview of every change is what then happens.
    @Test func noSequenceOfCallsReachesAHigherPriceByItself() async throws {
        let steps = 500
        let count = Scale.current.cases(ci: 20_000, soak: 1_000_000) / steps
        var generator = Scale.current.generator(for: "prices rise with approval alone")
        var (rises, refusals, changes, previews) = (0, 0, 0, 0)
        for _ in 0..<count {
            let seed = generator.next()
            var walk = try await PriceWalk(SeededGenerator(seed: seed))
            do {
                try await walk.run(steps: steps)
            } catch let violation as PriceWalk.Violation {
                throw PriceWalk.Violation(text: "walk \(seed): " + violation.text)
            }
            rises += walk.rises
            refusals += walk.refusals
            changes += walk.changes
            previews += walk.previews
        }
        print(
            "price walk: \(count * steps) steps, \(changes) taken, \(refusals) refused, \(rises) rises, \(previews) previews came true"
        )
        // Otherwise nothing was tested.
        #expect(rises > count / 8 && changes > refusals / 20 && previews > count)
    }
}
