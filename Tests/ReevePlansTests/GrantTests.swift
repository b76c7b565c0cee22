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

extension Nodes {
    /// What was used of each part, in their order.
    fileprivate func used() async throws -> [String] {
        try await giveBackAll()
        return try await plans.balance(of: company).parts.map { part in
            switch part.origin {
            case .plan: "plan \(part.used)/\(part.tasks)"
            case .carriedOver: "carried \(part.used)/\(part.tasks)"
            case .overage: "overage \(part.used)/\(part.tasks)"
            case .grant: "grant \(part.used)/\(part.tasks)"
            }
        }
    }

    fileprivate func refusal(_ tasks: Int, on node: Int = 0) async -> PlanError? {
        do {
            try await use(tasks, on: node)
            return nil
        } catch {
            return error as? PlanError
        }
    }

}

@Suite struct GrantTests {
    /// Used by priority, then by what expires first, then by age; tasks beyond the limit that have a price last.
    @Test func whatIsUsedFirst() async throws {
        let nodes = try await Nodes(2, limit: 100)
        let now = nodes.trust.time.now
        func after(_ days: Int) -> Timestamp { now.advanced(by: .seconds(days * 86_400)) }
        try await nodes.grant(10)
        try await nodes.grant(20, expires: after(5))
        try await nodes.grant(30, priority: 0)
        try await nodes.grant(40, priority: 100, expires: after(1))
        try await nodes.grant(50, from: after(3))
        #expect(try await nodes.left() == 200)
        #expect(
            try await nodes.used() == [
                "grant 0/30", "grant 0/20", "plan 0/100", "grant 0/10", "grant 0/50", "grant 0/40",
            ])
        try await nodes.use(151)
        #expect(
            try await nodes.used() == [
                "grant 30/30", "grant 20/20", "plan 100/100", "grant 1/10", "grant 0/50", "grant 0/40",
            ])
        // The next day one has expired.
        nodes.days(1)
        #expect(try await nodes.left() == 9)
        #expect(await nodes.refusal(10, on: 1) == PlanError(.limitReached))
        try await nodes.use(9, on: 1)
        nodes.days(2)
        try await nodes.giveBackAll()
        #expect(try await nodes.left() == 50)
        #expect(await nodes.refusal(51) == PlanError(.limitReached))
        try await nodes.use(30)
        // In the next period there is what is left of the last one.
        nodes.days(28)
        #expect(try await nodes.left() == 120)
        #expect(try await nodes.used() == ["plan 0/100", "grant 0/20"])
    }

    /// A lease ends where something begins or expires, so that nothing is spent before or after its time.
    @Test func leasesEndWhereSomethingChanges() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let soon = nodes.trust.time.now.advanced(by: .seconds(30))
        try await nodes.grant(1000, expires: soon)
        try await nodes.use(1)
        #expect(nodes.admitsHeld(0))
        nodes.trust.time.advance(by: .seconds(30))
        #expect(!nodes.admitsHeld(0))
        #expect(try await nodes.fill(0) == 100)
        #expect(try await nodes.used() == ["grant 2/1000", "plan 100/100"])
    }

    /// Given twice it is there once; what is revoked ends, and what was used of it stays used.
    @Test func aGrantIsGivenOnce() async throws {
        let nodes = try await Nodes(1, limit: 10)
        let id = Identifier<TaskGrant>(high: 7, low: 7)
        let first = try await nodes.grant(100, priority: 1, id: id)
        nodes.days(1)
        #expect(try await nodes.grant(200, id: id) == first)
        try await nodes.use(60)
        #expect(try await nodes.left() == 50)
        try await nodes.plans.revoke(id, of: nodes.company, nodes.permit())
        #expect(try await nodes.left() == 10)
        #expect(try await nodes.used() == ["grant 60/100", "plan 0/10"])
        let permit = try await nodes.permit()
        await #expect(throws: PlanError(.unknownGrant)) {
            try await nodes.plans.revoke(Identifier(high: 1, low: 1), of: nodes.company, permit)
        }
    }

    /// What was used before a grant is revoked was not used of it, if another came first.
    @Test func aRevocationChangesNothingThatWas() async throws {
        let nodes = try await Nodes(1, limit: 10)
        try await nodes.grant(25, priority: 0)
        nodes.trust.time.advance(by: .seconds(1))
        let second = try await nodes.grant(25, priority: 0)
        try await nodes.use(20)
        #expect(try await nodes.left() == 40)
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.plans.revoke(second.id, of: nodes.company, nodes.permit())
        #expect(try await nodes.left() == 15)
        #expect(try await nodes.used() == ["grant 20/25", "grant 0/25", "plan 0/10"])
    }

    @Test func whatCannotBeGranted() async throws {
        let nodes = try await Nodes(1, limit: 10)
        let now = nodes.trust.time.now
        func refusal(
            _ tasks: Int = 1, priority: Int = 50, from: Timestamp? = nil, expires: Timestamp? = nil,
            mostCarriedOver: Int? = nil
        ) async -> PlanError.Code? {
            do {
                try await nodes.grant(
                    tasks, priority: priority, from: from, expires: expires, mostCarriedOver: mostCarriedOver)
                return nil
            } catch {
                return (error as? PlanError)?.code
            }
        }
        for tasks in [0, -1, .min, .max, 1_000_000_000_001] { #expect(await refusal(tasks) == .invalidCount) }
        for priority in [-1, 101, .min, .max] { #expect(await refusal(priority: priority) == .invalidGrant) }
        for most in [-1, 1_000_000_000_001, .max] { #expect(await refusal(mostCarriedOver: most) == .invalidGrant) }
        #expect(await refusal(expires: now) == .invalidGrant)
        let later = now.advanced(by: .seconds(60))
        #expect(await refusal(from: later, expires: later) == .invalidGrant)
        #expect(await refusal(from: now.advanced(by: .seconds(-1))) == .inThePast)
        #expect(await refusal(from: Timestamp(microseconds: .min)) == .inThePast)
        // The latest that can be.
        #expect(await refusal(1_000_000_000_000, expires: Timestamp(microseconds: .max)) == nil)
        for _ in 1..<32 { #expect(await refusal() == nil) }
        #expect(await refusal() == .tooManyGrants)
        #expect(try await nodes.left() == 1_000_000_000_000)
        try await nodes.plans.setStatus(Company(id: nodes.company, status: .former), sequence: 9)
        #expect(await refusal() == .companyInactive)
        // What it was given ended with all it had, and makes room.
        try await nodes.plans.setStatus(Company(id: nodes.company, status: .customer), sequence: 10)
        #expect(try await nodes.left() == 10_000)
        nodes.days(40)
        for _ in 0..<32 { #expect(await refusal() == nil) }
        #expect(try await nodes.left() == 10_032)
    }

    /// What a plan carries over, for as long as it is the plan, and what of a grant is there in the next period.
    @Test func whatIsCarriedOver() async throws {
        let plan = Plan(
            name: "roll", entitlements: Entitlements(tasksPerPeriod: 100, rollover: Rollover(least: 5, most: 150)))
        let catalogue = Catalogue(
            version: 1, plans: [plan, Plan(name: "plain", tasksPerPeriod: 100)],
            statusRules: [.proofOfConcept: "plain", .customer: "roll"])
        #expect(catalogue.validate().isEmpty)
        let trust = try await TestTrust(
            over: TestStore(),
            configuration: .init(catalogue: catalogue, tasks: .init(recallMilliseconds: 0)))
        let (plans, company) = (trust.layer.plans, trust.company)
        func use(_ tasks: Int) async throws {
            try await trust.layer.tasks.admit(trust.job(), of: company, tasks: tasks).commit(used: tasks)
            try await trust.layer.tasks.giveBackAll()
        }
        func left() async throws -> Int { try await plans.allowance(of: company).remaining }
        // Nothing is carried out of a plan that carries nothing.
        try await use(10)
        trust.time.advance(by: .seconds(31 * 86_400))
        #expect(try await left() == 100)
        try await plans.setStatus(Company(id: company, status: .customer), sequence: 2)
        try await use(70)
        trust.time.advance(by: .seconds(31 * 86_400))
        // 30 are carried, and used first.
        #expect(try await left() == 130)
        try await use(40)
        let parts = try await plans.balance(of: company).parts
        #expect(parts.map(\.origin) == [.carriedOver, .plan] && parts.map(\.used) == [30, 10])
        // Periods in which nothing is used: no more than the most.
        trust.time.advance(by: .seconds(31 * 86_400))
        #expect(try await left() == 190)
        trust.time.advance(by: .seconds(61 * 86_400))
        #expect(try await left() == 250)
        try await use(248)
        trust.time.advance(by: .seconds(31 * 86_400))
        // At least five.
        #expect(try await left() == 105)
        // Grants have their own.
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
        try await plans.grant(1000, to: company, priority: 0, mostCarriedOver: 400, permit)
        #expect(try await left() == 1105)
        try await use(1)
        trust.time.advance(by: .seconds(31 * 86_400))
        #expect(try await left() == 100 + 105 + 400)
    }

    /// A period that is counted anew has what is left of grants, and all of its own.
    @Test func whatIsLeftStaysWhenAPeriodIsCountedAnew() async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.grant(50, priority: 0)
        try await nodes.use(70)
        nodes.days(1)
        try await nodes.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 200)), usage: .reset), of: nodes.company, nodes.permit())
        #expect(try await nodes.left() == 200)
        nodes.days(1)
        try await nodes.grant(30, priority: 0)
        try await nodes.use(40)
        #expect(try await nodes.used() == ["grant 30/30", "plan 10/200"])
        nodes.days(1)
        try await nodes.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 100)), usage: .scaled), of: nodes.company, nodes.permit())
        #expect(try await nodes.used() == ["plan 20/100"])
        #expect(try await nodes.left() == 80)
    }

    /// Tasks come back that a holder took and did not use, also when what they were taken from has expired.
    @Test func whatIsHeldCountsAsUsedUntilItIsSaid() async throws {
        let nodes = try await Nodes(2, limit: 100)
        let soon = nodes.trust.time.now.advanced(by: .seconds(10))
        try await nodes.grant(40, expires: soon)
        try await nodes.use(1, on: 1)
        nodes.trust.time.advance(by: .seconds(20))
        // The other holds what it took; none of it can be used for more than there is.
        let admitted = try await nodes.fill(0)
        #expect(admitted == 100)
        try await nodes.meters[1].giveBackAll()
        #expect(try await nodes.fill(0) == 0)
        #expect(try await nodes.used() == ["grant 1/40", "plan 100/100"])
    }

    /// A job that waits goes on with what is given.
    @Test func aWaitingJobGoesOn() async throws {
        let nodes = try await Nodes(1, limit: 5)
        try await nodes.use(5)
        let waiting = Task {
            try await nodes.meters[0].admitWaiting(nodes.trust.job(), of: nodes.company, tasks: 3).commit(used: 3)
        }
        while nodes.meters[0].waiting(of: nodes.company).isEmpty { await Task.yield() }
        try await nodes.meters[0].settle()
        #expect(nodes.meters[0].waiting(of: nodes.company).count == 1)
        try await nodes.grant(3)
        try await nodes.meters[0].settle()
        try await waiting.value
        #expect(try await nodes.left() == 0)
    }

    /// Whichever call to the store fails, and however: a grant that is given until it is known to be there is there once, and what is used
    /// of it is used up, over periods too.
    @Test(arguments: FaultyStore.Fault.allCases) func noFaultGivesMore(_ fault: FaultyStore.Fault) async throws {
        func process(_ nodes: Nodes, _ store: FaultyStore) async throws -> Plans {
            try await nodes.trust.process(store)
        }
        // Making the processes is not what fails.
        let base = TestStore()
        let whole = FaultyStore(base)
        _ = try await process(Nodes(2, limit: 10, over: base, faulty: [0: whole]), whole)
        var call = whole.calls
        while true {
            call += 1
            let base = TestStore()
            let faulty = FaultyStore(base, failing: call, with: fault)
            let nodes = try await Nodes(2, limit: 10, over: base, faulty: [0: faulty])
            let (plans, id) = (try await process(nodes, faulty), Identifier<TaskGrant>(high: 7, low: 7))
            for _ in 0..<3 { _ = try? await plans.grant(20, to: nodes.company, id: id, nodes.permit()) }
            // A process that is dead is no more; another gives it.
            try await nodes.grant(20, id: id)
            var used = 0
            for tasks in [8, 4, 6] {
                guard (try? await nodes.use(tasks)) != nil else { continue }
                used += tasks
            }
            try? await nodes.meters[0].giveBackAll()
            // What the first one held counts as used, unless it gave it back.
            nodes.trust.time.advance(by: .seconds(300))
            _ = try await nodes.fill(1, atMost: 1)
            used += 1
            try? await nodes.meters[0].giveBackAll()
            try await nodes.meters[1].giveBackAll()
            let left = try await nodes.left()
            #expect(left <= 30 - used, "call \(call): \(left) left, \(used) used")
            if fault == .refused { #expect(left == 30 - used, "call \(call): \(left) left, \(used) used") }
            // In the next period it is what was left of the grant.
            nodes.days(31)
            let next = try await nodes.left()
            #expect(next == 10 + min(20, left), "call \(call): \(left) left, \(next) then")
            if faulty.calls < call { break }
        }
        #expect(call > 10)
    }
}
