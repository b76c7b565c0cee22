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

/// Histories by which a company got more, or less, than it had.
@Suite struct LedgerAttackTests {
    /// grant usable twice: late report after a turn of the next period.
    @Test(arguments: [false, true]) func lateReportAfterTurn(_ reportFirst: Bool) async throws {
        let nodes = try await Nodes(1, limit: 100)
        let past = nodes.trust.time.now.advanced(by: .seconds(3600))
        try await nodes.grant(50)
        try nodes.to("2026-02-16")
        let late = {
            try await nodes.meters[0].report(
                actions(1...150), of: nodes.trust.job(), by: rules, at: past, to: nodes.company)
        }
        if reportFirst { _ = try await late() }
        try await nodes.reset(100)
        try await nodes.use(1); try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(1))
        if !reportFirst { _ = try await late() }
        let left = try await nodes.left()
        #expect(left == 99, "reportFirst \(reportFirst)")
        try nodes.to("2026-03-20")
        #expect(try await nodes.left() == 100)
    }

    /// a turn after which nothing was used is not applied in the fold of the past period.
    @Test(arguments: [false, true]) func turnNobodySaw(_ uses: Bool) async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.grant(50)
        try await nodes.use(150); try await nodes.giveBackAll()
        #expect(try await nodes.left() == 0)
        nodes.days(1)
        try await nodes.reset(200)
        #expect(try await nodes.left() == 200)
        if uses { try await nodes.use(1); try await nodes.giveBackAll() }
        try nodes.to("2026-02-25")
        let left = try await nodes.left()
        #expect(left == 200, "uses \(uses)")
    }

    /// clock skew of 8 seconds at the end of a grant.
    @Test func skewAtExpiry() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let t0 = nodes.trust.time.now
        try await nodes.grant(40, priority: 0, expires: t0.advanced(by: .seconds(10)))
        let aTime = ManualTime(now: t0)
        let (a, _) = try await nodes.node(aTime)
        // B is nodes.meters[0]
        try await nodes.use(1)
        aTime.advance(by: .seconds(20))
        let byA = try await nodes.fill(a)
        nodes.trust.time.advance(by: .seconds(12))
        try await nodes.meters[0].giveBackAll()
        let byB = try await nodes.fill(nodes.meters[0])
        #expect(byA + byB + 1 <= 101, "\(byA) \(byB)")
    }

    /// a refund before its lease is told.
    @Test func refundOfHeldLease() async throws {
        let nodes = try await Nodes(2, limit: 100)
        let t0 = nodes.trust.time.now
        try await nodes.grant(40, priority: 0, expires: t0.advanced(by: .seconds(86_400 + 10)))
        let job = nodes.trust.job()
        _ = try await nodes.meters[0].report(actions(1...5), of: job, by: rules, to: nodes.company)
        nodes.days(1)
        try await nodes.use(1, on: 1)
        var spent = 1
        if let admission = nodes.meters[1].handle(for: nodes.company).admit(job, tasks: 5) {
            admission.commit(actions(1...5), by: rules)
        } else {
            Issue.record("not held")
        }
        while nodes.admitsHeld(1) { spent += 1 }
        let recalled = try await nodes.plans.balance(of: nodes.company)
        try await nodes.meters[1].settle()
        nodes.trust.time.advance(by: .seconds(20))
        let more = try await nodes.fill(0)
        #expect(more <= 100, "\(more), \(spent) \(recalled.parts.map { "\($0.used)/\($0.tasks)" })")
    }

    /// the same without an expiry: a late report between two nodes whose clocks differ by 50 ms.
    @Test func skewAndLateReport() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let past = nodes.trust.time.now.advanced(by: .seconds(3600))
        try await nodes.grant(50)
        try nodes.to("2026-02-16")
        let aTime = ManualTime(now: nodes.trust.time.now.advanced(by: .milliseconds(50)))
        let (a, _) = try await nodes.node(aTime)
        try await a.admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        try await a.giveBackAll()
        _ = try await a.report(actions(1...150), of: nodes.trust.job(), by: rules, at: past, to: nodes.company)
        let byB = try await nodes.fill(nodes.meters[0])
        #expect(byB <= 99, "\(byB)")
    }

    /// a correction gives back what never counted in its count.
    @Test func correctAcrossTurn() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let before = nodes.trust.time.now
        let job = nodes.trust.job()
        nodes.days(1)
        try await nodes.reset(100)
        nodes.days(1)
        _ = try await nodes.meters[0].report(actions(1...1), of: job, by: rules, to: nodes.company)
        _ = try await nodes.meters[0].report(actions(2...500), of: job, by: rules, at: before, to: nodes.company)
        try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 1, nodes.permit())
        let admitted = try await nodes.fill(0)
        #expect(admitted <= 100, "\(admitted)")
    }
    /// the same over periods.
    @Test func correctAcrossPeriods() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let before = nodes.trust.time.now
        let job = nodes.trust.job()
        try nodes.to("2026-02-16")
        _ = try await nodes.meters[0].report(actions(1...1), of: job, by: rules, to: nodes.company)
        _ = try await nodes.meters[0].report(actions(2...500), of: job, by: rules, at: before, to: nodes.company)
        try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 1, nodes.permit())
        let admitted = try await nodes.fill(0)
        #expect(admitted <= 100, "\(admitted)")
    }
    /// charges of an open period are removed with those of the closed one.
    @Test func removedWhileOpen() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let job = nodes.trust.job()
        _ = try await nodes.meters[0].report(actions(1...1), of: job, by: rules, to: nodes.company)
        try nodes.to("2026-02-16")
        _ = try await nodes.meters[0].report(actions(2...3), of: job, by: rules, to: nodes.company)
        try nodes.to("2026-02-19")
        _ = try await nodes.plans.removeClosedCharges(of: nodes.company)
        let again = try await nodes.meters[0].report(actions(2...3), of: job, by: rules, to: nodes.company)
        #expect(again == 0)
        #expect(try await nodes.used() == 2)
    }
    /// a grant told again with its id.
    @Test func grantIdAgain() async throws {
        let nodes = try await Nodes(1, limit: 10)
        let id = Identifier<TaskGrant>(high: 7, low: 7)
        try await nodes.grant(100, id: id)
        try await nodes.use(110); try await nodes.giveBackAll()
        try nodes.to("2026-02-20")
        try await nodes.use(1); try await nodes.giveBackAll()
        #expect(try await nodes.left() == 9)
        try await nodes.grant(100, id: id)
        #expect(try await nodes.left() == 9)
    }
    @Test func grantIdAgainLater() async throws {
        let nodes = try await Nodes(1, limit: 10)
        let id = Identifier<TaskGrant>(high: 7, low: 7)
        try await nodes.grant(100, id: id)
        try await nodes.use(110); try await nodes.giveBackAll()
        for day in ["2026-02-20", "2026-03-20", "2026-04-20"] {
            try nodes.to(day)
            try await nodes.use(1); try await nodes.giveBackAll()
        }
        try await nodes.grant(100, id: id)
        let left = try await nodes.left()
        #expect(left == 9)
    }
    @Test func expiredGrantIdAgain() async throws {
        let nodes = try await Nodes(1, limit: 10)
        let id = Identifier<TaskGrant>(high: 7, low: 7)
        try await nodes.grant(100, expires: nodes.trust.time.now.advanced(by: .seconds(60)), id: id)
        try await nodes.use(110); try await nodes.giveBackAll()
        try nodes.to("2026-02-20")
        try await nodes.use(1); try await nodes.giveBackAll()
        try await nodes.grant(100, id: id)
        let left = try await nodes.left()
        #expect(left == 9)
    }
    /// corrections to the largest and back.
    @Test(arguments: [4, 8]) func corrections(_ count: Int) async throws {
        let nodes = try await Nodes(1, limit: 100)
        let jobs = (0..<count).map { _ in nodes.trust.job() }
        for job in jobs {
            _ = try await nodes.meters[0].report(actions(1...1), of: job, by: rules, to: nodes.company)
            try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 1_000_000_000_000, nodes.permit())
        }
        for job in jobs { try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 0, nodes.permit()) }
        let admitted = try await nodes.trust.layer.plans.allowance(of: nodes.company).remaining
        #expect(admitted <= 100)
        try await nodes.use(100)
        await #expect(throws: PlanError(.limitReached)) { try await nodes.use(1) }
    }
    /// facts that are forgotten change what was carried.
    @Test(arguments: [2, 85]) func forgottenFacts(_ changes: Int) async throws {
        let plan = Plan(name: "roll", entitlements: Entitlements(tasksPerPeriod: 1000, rollover: Rollover(most: 1000)))
        let catalogue = Catalogue(version: 1, plans: [plan], statusRules: [.proofOfConcept: "roll", .customer: "roll"])
        let trust = try await TestTrust(
            over: TestStore(),
            configuration: .init(catalogue: catalogue, tasks: .init(recallMilliseconds: 0)))
        let (plans, company) = (trust.layer.plans, trust.company)
        func set(_ limit: Int) async throws {
            let permit = try await trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
            try await plans.change(.package(Package(tasksPerPeriod: limit)), of: company, permit)
        }
        try await set(10)
        try await trust.layer.tasks.admit(trust.job(), of: company, tasks: 10).commit(used: 10)
        try await trust.layer.tasks.giveBackAll()
        trust.time.setWallClock(to: try #require(CivilDay("2026-02-16")).startInUTC)
        #expect(try await plans.allowance(of: company).remaining == 10)
        for number in 0..<changes {
            trust.time.advance(by: .seconds(1))
            try await set(10 + (number + 1) % 2)
        }
        try await set(10)
        let left = try await plans.allowance(of: company).remaining
        #expect(left == 10)
    }
    /// what an admission tells after its period closed: the balance depends on who looked.
    @Test(arguments: [false, true]) func toldAfterClose(_ looks: Bool) async throws {
        let nodes = try await Nodes(2, limit: 100)
        try await nodes.grant(50)
        let job = nodes.trust.job()
        let admission = try await nodes.meters[0].admit(job, of: nodes.company, tasks: 1)
        try await nodes.giveBackAll()
        try nodes.to("2026-02-19")
        if looks {
            try await nodes.use(1, on: 1)
        } else {
            _ = try await nodes.meters[1].report(actions(1...1), of: nodes.trust.job(), by: rules, to: nodes.company)
        }
        try await nodes.giveBackAll()
        admission.commit(actions(1...150), by: rules)
        try await nodes.giveBackAll()
        let left = try await nodes.left()
        #expect(left == 0, "looks \(looks)")
    }
    /// a late report before a scaled change.
    @Test(arguments: [false, true]) func lateReportBeforeScaled(_ first: Bool) async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let before = nodes.trust.time.now
        let report = {
            try await nodes.meters[0].report(
                actions(1...800), of: nodes.trust.job(), by: rules, at: before, to: nodes.company)
        }
        nodes.days(1)
        if first { _ = try await report() }
        try await nodes.reset(500, .scaled)
        nodes.trust.time.advance(by: .seconds(1))
        if !first { _ = try await report() }
        let used = try await nodes.used()
        #expect(used == 400, "first \(first)")
    }
    /// former and back and a grant at one instant; a grant by a clock ahead.
    @Test func grantAfterReturn() async throws {
        let nodes = try await Nodes(1, limit: 10)
        try await nodes.plans.setStatus(Company(id: nodes.company, status: .former), sequence: 9)
        try await nodes.plans.setStatus(Company(id: nodes.company, status: .customer), sequence: 10)
        let before = try await nodes.left()
        try await nodes.grant(7)
        let left = try await nodes.left()
        #expect(left == before + 7)
    }
    @Test func grantOfClockAheadSurvivesFormer() async throws {
        let nodes = try await Nodes(1, limit: 10)
        let behind = ManualTime(now: nodes.trust.time.now)
        nodes.trust.time.advance(by: .seconds(60))
        let (_, plans) = try await nodes.node(behind)
        try await nodes.grant(500)
        try await plans.setStatus(Company(id: nodes.company, status: .former), sequence: 9)
        nodes.days(1)
        try await nodes.plans.setStatus(Company(id: nodes.company, status: .customer), sequence: 10)
        let limit = try await nodes.plans.plan(of: nodes.company).entitlements.tasksPerPeriod
        let left = try await nodes.left()
        #expect(left == limit)
    }
    /// 13
    @Test func oneBadRecordStopsRemoval() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let jobs = (0..<4).map { _ in nodes.trust.job() }
        for job in jobs { _ = try await nodes.meters[0].report(actions(1...1), of: job, by: rules, to: nodes.company) }
        let first = jobs.map(\.id.description).min()!
        let key = Table<RawRecord>("plans.charges").key(.platform, [nodes.company.description, first, "0"])
        var changes = Changes()
        changes.write(key, Array("{}".utf8))
        try await nodes.trust.store.commit(changes)
        try nodes.to("2026-02-20")
        let removed = try? await nodes.plans.removeClosedCharges(of: nodes.company)
        var kept = 0
        for job in jobs where job.id.description != first {
            kept += try await nodes.plans.charges(of: job.id, of: nodes.company).count
        }
        #expect(kept == 0, "removed \(String(describing: removed))")
    }
    /// a change that one clock has applied and another one withdraws.
    @Test func withdrawnTurn() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let t0 = nodes.trust.time.now
        let aTime = ManualTime(now: t0)
        let (a, _) = try await nodes.node(aTime)
        let at = t0.advanced(by: .seconds(10))
        try await nodes.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 90)), timing: .at(at), usage: .reset), of: nodes.company,
            nodes.permit())
        aTime.advance(by: .seconds(15))
        try await a.admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        try await a.giveBackAll()
        nodes.trust.time.advance(by: .seconds(5))
        try await nodes.setLimit(80)
        nodes.days(1)
        _ = try await nodes.meters[0].report(actions(1...50), of: nodes.trust.job(), by: rules, to: nodes.company)
        let used = try await nodes.used()
        #expect(used >= 50)
    }
    /// an id of another job in a record removes that one.
    @Test func hostileRemoval() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let (old, new) = (nodes.trust.job(), nodes.trust.job())
        _ = try await nodes.meters[0].report(actions(1...1), of: old, by: rules, to: nodes.company)
        try nodes.to("2026-02-19")
        _ = try await nodes.meters[0].report(actions(1...1), of: new, by: rules, to: nodes.company)
        let key = Table<RawRecord>("plans.charges").key(
            .platform, [nodes.company.description, old.id.description, "0"])
        let bytes = try #require(try await nodes.trust.store.record(for: key)).bytes
        var changes = Changes()
        changes.write(
            key,
            Array(String(decoding: bytes, as: UTF8.self).replacing(old.id.description, with: new.id.description).utf8))
        try await nodes.trust.store.commit(changes)
        _ = try? await nodes.plans.removeClosedCharges(of: nodes.company)
        #expect(try await nodes.plans.charges(of: new.id, of: nodes.company).count == 1)
    }
    /// told when a grant begins
    @Test func retryAt() async throws {
        let nodes = try await Nodes(1, limit: 10)
        let soon = nodes.trust.time.now.advanced(by: .seconds(86_400))
        try await nodes.grant(10, from: soon)
        try await nodes.use(10)
        do { try await nodes.use(1) } catch let error as PlanError {
            let retry = error.retryAt
            #expect(retry == soon, "\(String(describing: retry))")
        }
    }
    /// former in the middle of a period and back, with a plan that carries over.
    @Test func formerAndBackCarries() async throws {
        let plan = Plan(name: "roll", entitlements: Entitlements(tasksPerPeriod: 100, rollover: Rollover(most: 1000)))
        let catalogue = Catalogue(version: 1, plans: [plan], statusRules: [.proofOfConcept: "roll", .customer: "roll"])
        let trust = try await TestTrust(
            over: TestStore(),
            configuration: .init(catalogue: catalogue, tasks: .init(recallMilliseconds: 0)))
        let (plans, company) = (trust.layer.plans, trust.company)
        func to(_ day: String) { trust.time.setWallClock(to: CivilDay(day)!.startInUTC) }
        to("2026-02-16")
        #expect(try await plans.allowance(of: company).remaining == 200)
        try await plans.setStatus(Company(id: company, status: .former), sequence: 9)
        trust.time.advance(by: .seconds(60))
        try await plans.setStatus(Company(id: company, status: .customer), sequence: 10)
        let left = try await plans.allowance(of: company).remaining
        #expect(left == 100)
        // Former over the end of the period.
        trust.time.advance(by: .seconds(60))
        try await plans.setStatus(Company(id: company, status: .former), sequence: 11)
        to("2026-03-20")
        try await plans.setStatus(Company(id: company, status: .customer), sequence: 12)
        let later = try await plans.allowance(of: company).remaining
        #expect(later == 100)
    }
    /// scaled turn nobody saw and rollover
    @Test(arguments: [false, true]) func resetNobodySawRollover(_ look: Bool) async throws {
        let plan = Plan(name: "roll", entitlements: Entitlements(tasksPerPeriod: 100, rollover: Rollover(most: 1000)))
        let catalogue = Catalogue(version: 1, plans: [plan], statusRules: [.proofOfConcept: "roll", .customer: "roll"])
        let trust = try await TestTrust(
            over: TestStore(),
            configuration: .init(catalogue: catalogue, tasks: .init(recallMilliseconds: 0)))
        let (plans, company) = (trust.layer.plans, trust.company)
        func use(_ tasks: Int, _ used: Int) async throws {
            try await trust.layer.tasks.admit(trust.job(), of: company, tasks: tasks).commit(used: used)
            try await trust.layer.tasks.giveBackAll()
        }
        try await use(40, 40)
        trust.time.advance(by: .seconds(86_400))
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
        try await plans.change(PlanChange(.package(Package(tasksPerPeriod: 50)), usage: .scaled), of: company, permit)
        if look { try await use(1, 0) }
        trust.time.setWallClock(to: try #require(CivilDay("2026-02-16")).startInUTC)
        let left = try await plans.allowance(of: company).remaining
        #expect(left == 50 + 30)
    }
    /// a late report before a reset of the same period, with a grant.
    @Test(arguments: [false, true]) func lateReportBeforeReset(_ first: Bool) async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.grant(50)
        let before = nodes.trust.time.now
        let report = {
            try await nodes.meters[0].report(
                actions(1...150), of: nodes.trust.job(), by: rules, at: before, to: nodes.company)
        }
        nodes.days(1)
        if first { _ = try await report() }
        try await nodes.reset(100)
        try await nodes.use(1); try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(1))
        if !first { _ = try await report() }
        let left = try await nodes.left()
        #expect(left == 99, "first \(first)")
    }
    /// a job that runs over a reset.
    @Test func jobOverReset() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let admission = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 1)
        nodes.days(1)
        try await nodes.reset(1000)
        nodes.days(1)
        admission.commit(actions(1...500), by: rules)
        try await nodes.giveBackAll()
        let used = try await nodes.used()
        #expect(used >= 499)
    }
    /// what-if with a grant after a lowering: under what is in force in the end it is what happened.
    @Test(arguments: [false, true]) func whatIf(_ hasGrant: Bool) async throws {
        let nodes = try await Nodes(1, limit: 1000)
        if hasGrant { try await nodes.grant(1) }
        try await nodes.use(500); try await nodes.giveBackAll()
        nodes.days(1)
        try await nodes.setLimit(100)
        try nodes.to("2026-02-20")
        for (limit, used) in [(100, 500), (99, hasGrant ? 100 : 99)] {
            let change = PlanChange.package(Package(tasksPerPeriod: limit))
            let replay = try await nodes.plans.replay(of: nodes.company, under: change)
            #expect(replay.map(\.used) == [used], "\(replay)")
        }
    }
    /// a revoked grant by a clock that is behind.
    @Test func revokedAndBehind() async throws {
        let nodes = try await Nodes(1, limit: 10)
        let behind = ManualTime(now: nodes.trust.time.now)
        let (b, _) = try await nodes.node(behind)
        let grant = try await nodes.grant(500)
        nodes.trust.time.advance(by: .seconds(60))
        behind.advance(by: .seconds(1))
        try await nodes.plans.revoke(grant.id, of: nodes.company, nodes.permit())
        let admitted = try await nodes.fill(b)
        #expect(admitted <= 10, "\(admitted)")
    }
    /// grants over a turn and an old lease.
    @Test func sumOverTurns() async throws {
        let nodes = try await Nodes(2, limit: 100)
        try await nodes.grant(60, priority: 0)
        try await nodes.use(1, on: 1)
        var spent = 1
        for _ in 0..<10 { if nodes.admitsHeld(1) { spent += 1 } }
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.reset(100)
        var after = try await nodes.fill(0)
        try await nodes.meters[1].giveBackAll()
        after += try await nodes.fill(0)
        // Whole new limit, and the grant once.
        #expect(after <= 160, "\(after), \(spent)")
        try nodes.to("2026-02-20")
        #expect(try await nodes.left() <= 100 + 60 - max(0, spent + after - 200))
    }
    /// a review of the plans alone.
    @Test func reviewCountsGrants() async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.grant(1000)
        let permit = try await nodes.trust.permit(ChangePlan.self, on: .catalogue, in: .platform)
        do {
            let review = try await nodes.plans.reviewAllocation(of: [nodes.company: 1], budget: 200, permit)
            #expect(review.rows.map(\.entitlement) == [100])
        } catch { Issue.record("\(error)") }
    }
    /// dup charges and a return of a lease, one clock, no expiry: sums stay.
    @Test func randomDuplicates() async throws {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<150 {
            let nodes = try await Nodes(3, limit: 60)
            func n(_ r: ClosedRange<Int>) -> Int { Int.random(in: r, using: &generator) }
            let jobs = (0..<4).map { _ in nodes.trust.job() }
            var places: [Int: Set<Int>] = [:]
            var plain = 0
            try await nodes.grant(
                n(1...40), priority: n(49...51), expires: nodes.trust.time.now.advanced(by: .seconds(n(1...100_000))))
            let granted = try await nodes.plans.balance(of: nodes.company).parts.filter { $0.origin != .plan }.map(
                \.tasks
            ).reduce(0, +)
            for _ in 0..<n(5...40) {
                nodes.trust.time.advance(by: .seconds(n(1...4000)))
                let node = n(0...2)
                switch n(0...5) {
                case 0: try await nodes.meters[node].settle()
                case 1: try await nodes.meters[node].giveBackAll()
                case 2:
                    let t = n(1...6)
                    if (try? await nodes.use(t, on: node)) != nil { plain += t }
                default:
                    let (job, low) = (n(0...3), n(1...10)); let high = low + n(0...4)
                    do {
                        let admission = try await nodes.meters[node].admit(
                            jobs[job], of: nodes.company, tasks: high - low + 1)
                        admission.commit(actions(low...high), by: rules)
                        places[job, default: []].formUnion(low...high)
                    } catch {}
                }
            }
            for _ in 0..<2 { try await nodes.giveBackAll() }
            for _ in 0..<2 { try await nodes.giveBackAll() }
            let real = plain + places.values.reduce(0) { $0 + $1.count }
            let used = try await nodes.used()
            #expect(used == real, "round \(round)")
            #expect(real <= 60 + granted, "round \(round)")
            let balance = try await nodes.plans.balance(of: nodes.company)
            #expect(balance.beyond == 0, "round \(round): \(balance.parts.map { "\($0.used)/\($0.tasks)" })")
        }
    }
    /// a grant given by a clock that is behind the one that set the limit last.
    @Test(arguments: [false, true]) func grantBehind(_ isRaise: Bool) async throws {
        let nodes = try await Nodes(1, limit: 100)
        let aTime = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(600)))
        let (a, _) = try await nodes.node(aTime)
        nodes.trust.time.advance(by: .seconds(1))
        try await a.admit(nodes.trust.job(), of: nodes.company).release()
        try await a.giveBackAll()
        try await nodes.setLimit(90)
        try await a.admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        try await a.giveBackAll()
        nodes.trust.time.advance(by: .seconds(1))
        if isRaise { try await nodes.setLimit(140) } else { try await nodes.grant(50) }
        let admitted = try await nodes.fill(0)
        #expect(admitted == 139, "isRaise \(isRaise)")
    }
    /// a lease over the end of a grant, three nodes, one clock.
    @Test func randomExpiry() async throws {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<200 {
            let nodes = try await Nodes(3, limit: 60)
            func n(_ r: ClosedRange<Int>) -> Int { Int.random(in: r, using: &generator) }
            let total = n(10...40)
            let now = nodes.trust.time.now
            try await nodes.grant(total, priority: n(49...51), expires: now.advanced(by: .seconds(86_400 + n(5...40))))
            let job = nodes.trust.job()
            _ = try await nodes.meters[0].report(actions(1...20), of: job, by: rules, to: nodes.company)
            nodes.days(1)
            var plain = 0
            for _ in 0..<n(10...60) {
                nodes.trust.time.advance(by: .seconds(n(0...4)))
                let node = n(0...2)
                switch n(0...6) {
                case 0: try await nodes.meters[node].settle()
                case 1: if n(0...3) == 0 { try await nodes.meters[node].giveBackAll() }
                case 2, 3:
                    let t = n(1...3)
                    if (try? await nodes.use(t, on: node)) != nil { plain += t }
                default:
                    let low = n(1...16); let high = low + n(0...4)
                    if let a = try? await nodes.meters[node].admit(job, of: nodes.company, tasks: high - low + 1) {
                        a.commit(actions(low...high), by: rules)
                    }
                }
            }
            nodes.days(1)
            for node in 0..<3 { plain += try await nodes.fill(node) }
            for _ in 0..<3 { try await nodes.giveBackAll() }
            for node in 0..<3 { plain += try await nodes.fill(node) }
            for _ in 0..<3 { try await nodes.giveBackAll() }
            let balance = try await nodes.plans.balance(of: nodes.company)
            #expect(
                balance.beyond == 0,
                "round \(round): \(balance.parts.map { "\($0.used)/\($0.tasks)" }) beyond \(balance.beyond)")
        }
    }

    /// the limit is lowered while a clock that is ahead has set it last.
    @Test(arguments: [2, 600, 5 * 86_400]) func loweredBehind(_ ahead: Int) async throws {
        let nodes = try await Nodes(1, limit: 100)
        let aTime = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(ahead)))
        let (a, _) = try await nodes.node(aTime)
        try await a.admit(nodes.trust.job(), of: nodes.company).release()
        try await a.giveBackAll()
        try await nodes.setLimit(90)
        try await a.admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        try await a.giveBackAll()
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.setLimit(20)
        let admitted = try await nodes.fill(0)
        #expect(admitted <= 19, "ahead \(ahead)")
    }

    /// a correction of a day that was merged, of an expired grant.
    @Test(arguments: [10, 100]) func mergedDays(_ days: Int) async throws {
        let nodes = try await Nodes(1, limit: 100)
        let company = Identifier<Company>(high: 5, low: 5)
        let plans = nodes.plans
        try await plans.setStatus(Company(id: company, status: .customer), sequence: 1, periods: PeriodRule(months: 12))
        func permit() async throws -> Permit<ChangePlan> {
            try await nodes.trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
        }
        try await plans.change(.package(Package(tasksPerPeriod: 1000)), of: company, permit())
        try await plans.grant(
            50, to: company, priority: 0, expires: nodes.trust.time.now.advanced(by: .seconds(9 * 86_400)), permit())
        _ = try await nodes.meters[0].report(actions(1...1), of: nodes.trust.job(), by: rules, to: company)
        nodes.days(1)
        let job = nodes.trust.job()
        _ = try await nodes.meters[0].report(actions(1...49), of: job, by: rules, to: company)
        for _ in 0..<days {
            nodes.days(1)
            _ = try await nodes.meters[0].report(actions(1...1), of: nodes.trust.job(), by: rules, to: company)
        }
        try await plans.grant(1, to: company, permit())
        let before = try await plans.allowance(of: company).remaining
        try await nodes.trust.layer.tasks.correct(job.id, of: company, to: 0, permit())
        let after = try await plans.allowance(of: company).remaining
        // What was in the plan in the first days moves to the grant.
        #expect(after <= before + 8, "\(before) \(after)")
        let balance = try await plans.balance(of: company)
        #expect(balance.left == after)
    }

    /// a job in more than 1,000 places
    @Test func manyPlaces() async throws {
        let nodes = try await Nodes(1, limit: 100_000)
        let admission = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 1)
        admission.commit(actions(1...20_000), by: rules)
        try await nodes.giveBackAll()
        let used = try await nodes.used()
        #expect(used >= 20_000)
    }

    /// a period that is started anew, a plan that carries over, late reports and admissions from before.
    @Test(arguments: [false, true]) func startsPeriods(_ settlesFirst: Bool) async throws {
        let plan = Plan(name: "roll", entitlements: Entitlements(tasksPerPeriod: 100, rollover: Rollover(most: 1000)))
        let catalogue = Catalogue(version: 1, plans: [plan], statusRules: [.proofOfConcept: "roll", .customer: "roll"])
        let trust = try await TestTrust(
            over: TestStore(),
            configuration: .init(catalogue: catalogue, tasks: .init(recallMilliseconds: 0)))
        let (plans, company, tasks) = (trust.layer.plans, trust.company, trust.layer.tasks)
        let job = trust.job()
        let admission = try await tasks.admit(job, of: company, tasks: 40)
        let early = trust.time.now
        if settlesFirst { try await tasks.giveBackAll() }
        trust.time.advance(by: .seconds(86_400))
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
        try await plans.change(PlanChange(.plan("roll"), alignment: .startsPeriods, usage: .reset), of: company, permit)
        trust.time.advance(by: .seconds(10))
        try await tasks.admit(trust.job(), of: company, tasks: 3).commit(used: 3)
        admission.commit(actions(1...20), by: rules)
        try await tasks.giveBackAll()
        _ = try await tasks.report(actions(11...40), of: job, by: rules, at: early, to: company)
        let left = try await plans.allowance(of: company).remaining
        #expect(left == 100 + 60 - 3)
        try await tasks.correct(
            job.id, of: company, to: 10, trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform))
        let then = try await plans.allowance(of: company).remaining
        #expect(then == 100 + 90 - 3)
    }

    /// A correction says which parts of the limit are used then.
    @Test func aCorrectionIsAnnounced() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let job = nodes.trust.job()
        _ = try await nodes.meters[0].report(actions(1...1), of: job, by: rules, to: nodes.company)
        try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 95, nodes.permit())
        let outbox = Outbox(leases: Leases(store: nodes.trust.store))
        var told: [String?] = []
        for partition in try await outbox.partitions() {
            _ = try await outbox.deliver(to: "reader", in: partition, limit: 10) {
                told.append($0.details["threshold"])
            }
        }
        #expect(told == ["90"])
    }

    /// However often something is corrected that does not count any more, the record can be read.
    @Test func correctionsDoNotGrowWithoutBound() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let job = nodes.trust.job()
        _ = try await nodes.meters[0].report(actions(1...5), of: job, by: rules, to: nodes.company)
        nodes.days(1)
        try await nodes.reset(100)
        for _ in 0..<6 {
            for tasks in [1_000_000_000_000, 0] {
                try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: tasks, nodes.permit())
            }
        }
        #expect(try await nodes.used() == 0)
        #expect(try await nodes.fill(0) == 100)
    }

    /// Where another process has seen a change take effect, it has, also for one whose clock is behind.
    @Test func aChangeThatWasSeenIsInForce() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let day = nodes.trust.time.now.advanced(by: .seconds(300))
        try await nodes.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 10)), timing: .at(day)), of: nodes.company, nodes.permit())
        let (ahead, _) = try await nodes.node(ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(600))))
        try await ahead.admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        try await ahead.giveBackAll()
        #expect(try await nodes.fill(0) == 9)
    }
}
