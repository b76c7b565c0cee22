// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

private final class Flag: Sendable {
    let isOver = Mutex(false)
}

/// A process with an authority of its own.
private struct Process {
    let plans: Plans
    let meter: TaskMeter
    let authority: AccessAuthority
    let actor: ActContext.Actor

    init(_ trust: TestTrust, _ store: any Store, hasKeys: Bool = true) async throws {
        actor = trust.principal
        authority = try await AccessAuthority.soleOperator(actor, reason: "x", store: store, time: trust.time)
        plans = Plans(authority: authority, control: hasKeys ? trust.keys.control : nil)
        meter = TaskMeter(plans: plans, configuration: .init(recallMilliseconds: 0))
    }

    func permit(_ company: Identifier<Company>) async throws -> Permit<ChangePlan> {
        try await authority.permit(
            ChangePlan.self, on: .plan(of: company), as: ActContext(actor: actor, scope: .platform)
        ).get()
    }
}

/// Who can write to the store, and many processes at once, on the records that decide about plans.
@Suite(.serialized) struct PlanRecordAttackTests {
    /// While the audit announces what was committed to many logs, which changes the platform's head again and again, a company is read,
    /// paused and ended.
    @Test func aCompanyDoesNotWaitForTheAudit() async throws {
        let base = TestStore()
        let trust = try await TestTrust(over: base)
        let slow = YieldingStore(base, turns: 10)
        let authority = try await AccessAuthority.soleOperator(
            trust.principal, reason: "x", store: slow, time: trust.time)
        let log = AuditLog(authority: authority, keys: trust.keys)
        for number in 0..<100 {
            let scope = Scope(Identifier<Workspace>(high: 7, low: UInt64(number)), .production)
            let entry = AuditEntry(
                at: trust.time.now, context: ActContext(actor: trust.principal, scope: scope), action: "x",
                resource: "y")
            try await base.record(entry, in: authority.trail)
        }
        let process = try await Process(trust, slow)
        try await process.plans.grant(5, to: trust.company, process.permit(trust.company))
        let flag = Flag()
        let audit = Task {
            defer { flag.isOver.withLock { $0 = true } }
            try await log.runOnce()
        }
        var rounds = 0
        while !flag.isOver.withLock({ $0 }) {
            _ = try await process.plans.allowance(of: trust.company)
            _ = try await process.plans.balance(of: trust.company)
            try await process.meter.admit(trust.job(), of: trust.company).commit(used: 1)
            try await process.plans.pause(trust.company, process.permit(trust.company))
            try await process.plans.resume(trust.company, process.permit(trust.company))
            rounds += 1
            await Task.yield()
        }
        #expect(rounds > 0)
        try await audit.value
        try await process.plans.setStatus(Company(id: trust.company, status: .former), sequence: 9)
    }

    @Test func processesBeginAtOnce() async throws {
        let trust = try await TestTrust(over: TestStore())
        for round in 0..<5 {
            let base = TestStore()
            let errors = await withTaskGroup(of: PlanError?.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        await refusal {
                            let process = try await Process(
                                trust, YieldingStore(base, turns: 3 * round))
                            try await process.plans.setStatus(
                                Company(id: Identifier(high: 3, low: UInt64(number)), status: .proofOfConcept),
                                sequence: 1)
                        }
                    }
                }
                return await group.reduce(into: [PlanError]()) { if let error = $1 { $0.append(error) } }
            }
            #expect(errors.isEmpty, "\(errors.map { String(describing: $0.store) })")
        }
    }

    @Test(arguments: ["phase", "setPhase", "publish", "proposals", "findings", "review"])
    func aNewStoreIsNotTampered(_ call: String) async throws {
        let operatorOf = ActContext.Actor.person(Identifier(high: 1, low: 1))
        let layer = try await TrustLayer.inMemory(operator: operatorOf, reason: "x")
        let permit = try await layer.access.permit(
            ChangePlan.self, on: .catalogue, as: ActContext(actor: operatorOf, scope: .platform)
        ).get()
        let newer = Catalogue(
            version: 2, plans: Catalogue.reference.plans, statusRules: [.proofOfConcept: "trial", .customer: "bronze"])
        let error = await refusal {
            switch call {
            case "phase": _ = try await layer.plans.phase()
            case "setPhase": try await layer.plans.setPhase(.beta, permit)
            case "publish": try await layer.plans.publish(newer, permit)
            case "proposals": _ = try await layer.plans.proposals(to: Identifier(high: 3, low: 3))
            case "findings": _ = try await layer.plans.allocationFindings()
            default: _ = try await layer.plans.allocationReview(Identifier(high: 3, low: 3))
            }
        }
        #expect(error == nil, "\(String(describing: error?.store))")
    }

    @Test func whatThisProcessWroteIsNotPutBack() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        let approval = try await stage.approve(proposal)
        let before = try await stage.staff.store.platformRecords(Key.decides)
        try await stage.plans.withdraw(proposal.id, of: stage.company, stage.change())
        try await stage.staff.store.putBack(before, Key.decides)
        let error = await stage.activationRefusal(of: approval)
        #expect(error?.code == .storeFailed)
        let plan = try? await stage.plans.plan(of: stage.company)
        #expect(plan?.plan?.name != "bronze")
    }

    @Test func aPauseIsNotPutBack() async throws {
        let trust = try await TestTrust(over: TestStore())
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: trust.company), in: .platform)
        let before = try await trust.store.platformRecords(Key.decides)
        try await trust.layer.plans.pause(trust.company, permit)
        try await trust.store.putBack(before, Key.decides)
        let error = await refusal { _ = try await trust.admission() }
        #expect(error != nil)
    }

    @Test func whatWasSeenIsNotPutBackForOthers() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        let permit = try await stage.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
        try await stage.plans.communicate(proposal.id, of: stage.company, by: .email, stage.change())
        let before = try await stage.staff.store.platformRecords(Key.decides)
        try await stage.plans.setPhase(.beta, permit)
        try await stage.plans.withdraw(proposal.id, of: stage.company, stage.change())
        _ = try await stage.plans.plan(of: stage.company)
        try await stage.staff.store.putBack(before, Key.decides)
        // It has seen later ones.
        let seen = await refusal { _ = try await stage.plans.plan(of: stage.company) }
        #expect(seen?.code == .storeFailed)
        let listed = await refusal {
            let found = try await stage.plans.proposals(to: stage.company)
            Issue.record("believed: \(found.map { $0.state(at: stage.time.now) })")
        }
        #expect(listed?.code == .storeFailed)
        let phase = await refusal { Issue.record("believed: \(try await stage.plans.phase())") }
        #expect(phase?.code == .storeFailed)
        stage.days(30)
        let step = await refusal {
            let communicated = try await stage.plans.withdraw(proposal.id, of: stage.company, stage.change())
            Issue.record("withdrew again: \(communicated.state(at: stage.time.now))")
        }
        #expect(step?.code == .storeFailed)
    }

    @Test func whatWasPutBackIsNotLaundered() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        let approval = try await stage.approve(proposal)
        let before = try await stage.staff.store.platformRecords(Key.decides)
        try await stage.plans.withdraw(proposal.id, of: stage.company, stage.change())
        let seen = try await stage.plans.plan(of: stage.company)
        #expect(seen.plan?.name != "bronze")
        try await stage.staff.store.putBack(before, Key.decides)
        let permit = try await stage.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
        for phase in [ProgrammePhase.beta, .general, .beta] { try? await stage.plans.setPhase(phase, permit) }
        let error = await stage.activationRefusal(of: approval)
        #expect(error?.code == .storeFailed)
        let plan = try? await stage.plans.plan(of: stage.company)
        #expect(plan?.plan?.name != "bronze")
    }

    @Test func anotherProcessDoesNotLaunder() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        let approval = try await stage.approve(proposal)
        let before = try await stage.staff.store.platformRecords(Key.decides)
        let other = try await stage.staff.process(catalogue: pricedCatalogue(trialDays: nil))
        _ = try await other.plan(of: stage.company)
        try await stage.plans.withdraw(proposal.id, of: stage.company, stage.change())
        _ = try await stage.plans.plan(of: stage.company)
        try await stage.staff.store.putBack(before, Key.decides)
        for number in 1...3 {
            try await other.setStatus(
                Company(id: Identifier(high: 4, low: UInt64(number)), status: .proofOfConcept), sequence: 1)
        }
        let error = await stage.activationRefusal(of: approval)
        #expect(error?.code == .storeFailed)
    }

    @Test func companiesAreToldAtOnce() async throws {
        let base = TestStore()
        let trust = try await TestTrust(over: TestStore())
        var processes: [Plans] = []
        for _ in 0..<4 {
            let authority = try await AccessAuthority.soleOperator(
                trust.principal, reason: "x", store: YieldingStore(base, turns: 10), time: trust.time)
            processes.append(Plans(authority: authority, control: trust.keys.control))
        }
        let (all, count) = (processes, 80)
        let errors = await withTaskGroup(of: PlanError?.self) { group in
            for number in 0..<count {
                group.addTask {
                    await refusal {
                        try await all[number % 4].setStatus(
                            Company(id: Identifier(high: 8, low: UInt64(number)), status: .proofOfConcept), sequence: 1)
                    }
                }
            }
            return await group.reduce(into: [PlanError]()) { if let error = $1 { $0.append(error) } }
        }
        #expect(errors.isEmpty)
    }

    @Test(arguments: [0, 10]) func honestProcessesSeeNoTampering(_ turns: Int) async throws {
        let base = TestStore()
        let trust = try await TestTrust(over: base)
        let view: any Store =
            turns == 0 ? base : YieldingStore(base, turns: turns)
        var processes: [Process] = []
        for _ in 0..<4 { processes.append(try await Process(trust, view)) }
        let companies = (0..<6).map { Identifier<Company>(high: 9, low: UInt64($0)) }
        for company in companies {
            try await trust.layer.plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
        }
        let all = processes
        let rounds = turns == 0 ? 16 : 4
        let errors = await withTaskGroup(of: [PlanError].self) { group in
            for (index, process) in all.enumerated() {
                for kind in 0..<3 {
                    group.addTask {
                        var errors: [PlanError] = []
                        for round in 0..<rounds {
                            let company = companies[(round + index + kind) % companies.count]
                            let error = await refusal {
                                let permit = try await process.permit(company)
                                switch kind {
                                case 0:
                                    try await process.plans.setStatus(
                                        Company(id: company, status: round % 2 == 0 ? .customer : .proofOfConcept),
                                        sequence: Int64(2 + round * 4 + index))
                                    _ = try await process.plans.proposals(to: company)
                                case 1:
                                    try await process.plans.change(
                                        .package(Package(tasksPerPeriod: 500 + round)), of: company, permit)
                                    try await process.plans.grant(
                                        1, to: company, expires: trust.time.now.advanced(by: .seconds(1)), permit)
                                    _ = try await process.plans.balance(of: company)
                                default:
                                    try await process.meter.admit(trust.job(), of: company).commit(used: 1)
                                    if round % 4 == 0 { try await process.meter.settle() }
                                    _ = try await process.plans.allowance(of: company)
                                }
                            }
                            if let error { errors.append(error) }
                        }
                        return errors
                    }
                }
            }
            return await group.reduce(into: [PlanError]()) { $0 += $1 }
        }
        let tampered = errors.filter { if case .tampered = $0.store { true } else { false } }
        #expect(tampered.isEmpty)
        #expect(errors.filter { $0.code == .storeFailed }.isEmpty)
    }

    @Test func aWrongCatalogueLosesNoJournal() async throws {
        let nodes = try await Nodes(1, limit: 1000, leasePerMille: 500)
        let journal = TestStore()
        let meter = try await nodes.process(journal: journal)
        for _ in 0..<37 { try await meter.admit(nodes.trust.job(), of: nodes.company).commit(used: 1) }
        let before = try await nodes.used()
        #expect(before == 500)
        // The same version, another text: refused for as long as it is configured.
        var plans = Catalogue.reference.plans
        plans[0] = Plan(
            name: plans[0].name, entitlements: Entitlements(tasksPerPeriod: 7), trialDays: plans[0].trialDays)
        let wrong = Catalogue(
            version: Catalogue.reference.version, plans: plans,
            statusRules: [.proofOfConcept: "trial", .customer: "bronze"])
        let wrongPlans = try await nodes.trust.process(
            catalogue: wrong, journal: try TaskJournal(journal, name: "worker", step: 10))
        let misconfigured = TaskMeter(plans: wrongPlans, configuration: .init(recallMilliseconds: 0))
        let error = await refusal { _ = try await wrongPlans.plan(of: nodes.company) }
        #expect(error == PlanError(.catalogueDiffers))
        _ = await refusal { try await misconfigured.settle() }
        let restarted = try await nodes.process(journal: journal)
        try await restarted.settle()
        let after = try await nodes.used()
        #expect(after == 41)
    }

    @Test func whatCannotBeToldIsNotTriedAtEachExchange() async throws {
        let base = TestStore()
        let trust = try await TestTrust(over: base)
        let counting = FaultyStore(base)
        let journal = TestStore()
        func process() async throws -> TaskMeter {
            TaskMeter(
                plans: try await trust.process(counting, journal: try TaskJournal(journal, name: "worker", step: 10)),
                configuration: .init(recallMilliseconds: 0))
        }
        let first = try await process()
        let companies = (0..<50).map { Identifier<Company>(high: 9, low: UInt64($0)) }
        for company in companies {
            try await trust.layer.plans.setStatus(Company(id: company, status: .customer), sequence: 1)
            try await first.admit(trust.job(), of: company).commit(used: 1)
        }
        var changes = Changes()
        for company in companies {
            changes.delete(Key(.platform, [.text("plans.company"), .text(company.description)]))
        }
        try await base.commit(changes)
        let second = try await process()
        try? await second.settle()
        let before = counting.calls
        try await second.admit(trust.job(), of: trust.company).commit(used: 1)
        let calls = counting.calls - before
        #expect(calls < 30)
    }

    @Test func whatWasUsedOfASublimitIsNotForgotten() async throws {
        let nodes = try await Nodes(1, limit: 1_000_000)
        func own(_ range: Range<UInt64>) -> [Sublimit] {
            range.map { Sublimit(Identifier<Workspace>(high: 5, low: $0), tasksPerPeriod: 5) }
        }
        let first = Identifier<Workspace>(high: 5, low: 0)
        var admitted = 0
        for range in [0..<32, 100..<132, 200..<232, 0..<1] as [Range<UInt64>] {
            try await nodes.set(1_000_000, own(range))
            if range.lowerBound == 0 {
                admitted += await nodes.fill(nil, of: first, atMost: 20).0
            } else {
                for number in range {
                    _ = await nodes.fill(nil, of: Identifier(high: 5, low: number), atMost: 1)
                }
            }
            try await nodes.giveBackAll()
        }
        #expect(admitted == 5)
    }

    @Test func noOverageByAPool() async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.grant(1)
        try await nodes.reset(100)
        try await nodes.use(1)
        try await nodes.giveBackAll()
        let entry = try #require(
            try await nodes.trust.store.records(
                in: KeyRange(under: Key(.platform, [.text("plans.quota")])), limit: 1
            ).first)
        let text = String(decoding: entry.record.bytes, as: UTF8.self)
        let parts = text.components("\"turns\":[")
        guard parts.count == 2 else { Issue.record("no turns"); return }
        let later = try await nodes.plans.balance(of: nodes.company).period.end.advanced(by: .seconds(-86_400))
        let turns = parts[1].replacing("\"overage\":0", with: "\"overage\":1000000")
            .replacing(#/"at":"[^"]*"/#, with: "\"at\":\"\(later)\"")
        var changes = Changes()
        changes.write(entry.key, Array((parts[0] + "\"turns\":[" + turns).utf8))
        try await nodes.trust.store.commit(changes)
        let balance = try await nodes.plans.balance(of: nodes.company)
        #expect(!balance.parts.contains { $0.origin == .overage })
        let error = await refusal { try await nodes.use(50_000) }
        #expect(error == PlanError(.limitReached))
    }
}

extension String {
    fileprivate func components(_ separator: String) -> [String] {
        guard let range = self.firstRange(of: separator) else { return [self] }
        return [String(self[..<range.lowerBound]), String(self[range.upperBound...])]
    }
}
