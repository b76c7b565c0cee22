// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

@Suite struct LimitAttackTests {
    /// A process whose clock is far ahead takes the burst: the others wait for no longer than it takes to run off by their own.
    @Test(arguments: [3000, 5 * 3600, 3 * 86_400]) func paceClockFarAhead(_ by: Int) async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        let ahead = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(by)))
        let (a, _) = try await nodes.node(ahead)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 1, burst: 10))
        try await a.admit(nodes.trust.job(), of: nodes.company, tasks: 10).commit(used: 10)
        nodes.trust.time.advance(by: .seconds(600))
        // The first look puts it right.
        _ = try await nodes.fill(nodes.meters[0], atMost: 1)
        nodes.trust.time.advance(by: .seconds(1))
        let admitted = try await nodes.fill(nodes.meters[0], atMost: 1)
        #expect(admitted == 1, "ahead by \(by)")
    }

    /// What a job gives back of what was used at once counts no more for the pace.
    @Test func paceOfWhatAJobGivesBack() async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 3600, burst: 100))
        try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 100).release()
        try await nodes.giveBackAll()
        let left = try await nodes.left()
        #expect(left == 10_000)
        let error = await refusal { try await nodes.use(50) }
        #expect(
            error == nil,
            "\(String(describing: error)) \(String(describing: error?.retryAt)) now \(nodes.trust.time.now)")
    }

    /// The same of what a job gives back after its lease.
    @Test func paceOfWhatComesBackAfterTheLease() async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 3600, burst: 100))
        let first = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company)
        let second = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 90)
        try await nodes.giveBackAll()
        first.release(); second.release()
        try await nodes.giveBackAll()
        let left = try await nodes.left()
        #expect(left == 10_000)
        let error = await refusal { try await nodes.use(50) }
        #expect(error == nil, "\(String(describing: error))")
    }

    /// A period in which nothing was used keeps what has not run off.
    @Test func paceOverAQuietPeriod() async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 86_400, burst: 1000))
        try await nodes.use(1000)
        try await nodes.giveBackAll()
        // Refused in the next one.
        try nodes.to("2026-02-16")
        let refused = await refusal { try await nodes.use(100) }
        #expect(refused == PlanError(.tooFast))
        try nodes.to("2026-03-16")
        // Some 60 have run off.
        let error = await refusal { try await nodes.use(1000) }
        #expect(error == PlanError(.tooFast))
    }

    /// What was taken at a faster pace and comes back after a slower one takes away nothing that others have used since.
    @Test func slowerPaceThenReturn() async throws {
        let nodes = try await Nodes(2, limit: 10_000, leasePerMille: 10)
        try await nodes.set(10_000, pace: Pace(tasks: 10, seconds: 1, burst: 101))
        // A lease of 51, of which 1 is used.
        try await nodes.use(1)
        nodes.trust.time.advance(by: .seconds(4))
        var used = 0
        while await refusal({ try await nodes.use(5, on: 1) }) == nil { used += 5 }
        try await nodes.meters[1].giveBackAll()
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 100, burst: 101))
        try await nodes.meters[0].giveBackAll()
        let before = used
        while await refusal({ try await nodes.use(5, on: 1) }) == nil { used += 5 }
        #expect(used <= 101, "\(before) then \(used) in no time")
    }

    /// A sublimit that ends: once a process that is ahead has seen it end, it is over for those behind as well; until then it is kept.
    @Test func sublimitEnds() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let end = nodes.trust.time.now.advanced(by: .seconds(600))
        let sublimit = Sublimit(.test, tasksPerPeriod: 10)
        try await nodes.plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 1000, sublimits: [sublimit])), until: end),
            of: nodes.company, nodes.permit())
        // The plan has 1000 as well.
        let ahead = ManualTime(now: end.advanced(by: .seconds(60)))
        let (a, _) = try await nodes.node(ahead)
        let job = Job(
            id: Identifier(at: ahead.now), recipe: nodes.trust.job().recipe,
            scope: Scope(try #require(nodes.trust.scope.workspace), .test))
        func fill() async throws -> Int {
            var admitted = 0
            while admitted < 100,
                await refusal({ try await nodes.meters[0].admit(job, of: nodes.company).commit(used: 1) }) == nil
            {
                admitted += 1
            }
            try await nodes.giveBackAll()
            return admitted
        }
        let first = try await fill()
        try await a.admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        try await a.giveBackAll()
        let second = try await fill()
        #expect(first == 10 && second == 100)
    }

    /// Under the limit that a period had in the end a replay is what happened: late usage beyond it, a reset, a package for a while.
    @Test(arguments: ["late", "reset", "package", "raised"]) func replayUnderThePresentPlan(_ kind: String) async throws
    {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.use(100)
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(3600))
        var happened = 100
        switch kind {
        case "late":
            happened += try await nodes.meters[0].report(
                actions(1...50), of: nodes.trust.job(), by: rules, to: nodes.company)
        case "reset":
            try await nodes.reset(100)
            try await nodes.use(100)
            happened += 100
        case "package":
            try await nodes.plans.change(
                PlanChange(
                    .package(Package(tasksPerPeriod: 300)), until: nodes.trust.time.now.advanced(by: .seconds(3600))),
                of: nodes.company, nodes.permit())
            try await nodes.use(200)
            happened += 200
        default:
            try await nodes.setLimit(300)
            try await nodes.use(200)
            happened += 200
            try await nodes.giveBackAll()
            try nodes.to("2026-02-20")
            try await nodes.setLimit(100)
        }
        try await nodes.giveBackAll()
        try nodes.to("2026-02-21")
        let replay = try await nodes.plans.replay(of: nodes.company, under: .package(Package(tasksPerPeriod: 100)))
        // What was raised to the end of the period was another limit.
        #expect(replay.map(\.used) == [kind == "raised" ? 100 : happened], "\(kind)")
    }

    /// The same by values.
    @Test func returnAfterASlowerPace() {
        let (fast, slow) = (Pace(tasks: 10, seconds: 1, burst: 100), Pace(tasks: 1, seconds: 100, burst: 100))
        func at(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: seconds * 1_000_000) }
        var record = PaceRecord(fast, at: at(0))
        record.take(50, at: at(0))
        record.take(90, at: at(4))
        record.adopt(slow, at: at(4))
        record.giveBack(50, taken: at(0), at: at(4))
        let more = record.conforming(at: at(4))
        #expect(more.map { $0 <= 10 } ?? false, "\(String(describing: more))")
    }

    /// Sixteen resets keep no status from its plan.
    @Test func aStatusAfterSixteenResets() async throws {
        let catalogue = Catalogue(
            version: 1, plans: [Plan(name: "trial", tasksPerPeriod: 10), Plan(name: "bronze", tasksPerPeriod: 20)],
            statusRules: [.proofOfConcept: "trial", .customer: StatusRule("bronze", usage: .reset)])
        let stage = try await PriceStage(catalogue)
        for _ in 0..<16 {
            stage.time.advance(by: .seconds(60))
            try await stage.plans.change(
                PlanChange(.package(Package(addedTasks: 1)), usage: .reset), of: stage.company, stage.change())
        }
        try await stage.tell(.customer, 2)
        let plan = try await stage.plans.plan(of: stage.company)
        #expect(
            plan.plan?.name == "bronze" && plan.stop == nil && plan.awaiting == nil,
            "\(String(describing: plan.plan?.name))")
        // Nor on the next day, nor in the next period: nobody tells it again.
        stage.days(40)
        let later = try await stage.plans.plan(of: stage.company)
        #expect(later.plan?.name == "bronze")
        let waits = await refusal { try await stage.staff.admission().release() }
        #expect(waits == nil)
    }

    /// A change may take the place of scheduled ones that count anew.
    @Test func aScheduledResetIsReplaced() async throws {
        let nodes = try await Nodes(1, limit: 100)
        for number in 1...16 {
            try await nodes.plans.change(
                PlanChange(
                    .package(Package(tasksPerPeriod: 100)),
                    timing: .at(nodes.trust.time.now.advanced(by: .seconds(number * 3600))), usage: .reset),
                of: nodes.company, nodes.permit())
        }
        // All of those are behind it: in their place there is one.
        let error = await refusal { try await nodes.reset(100) }
        #expect(error == nil, "\(String(describing: error))")
    }

    /// Periods that are merged have no more changes than are told apart.
    @Test(arguments: [8, 12]) func mergedPeriods(_ count: Int) async throws {
        let nodes = try await Nodes(1, limit: 100)
        let now = nodes.trust.time.now
        func at(_ hours: Int) -> PlanChange.Timing { .at(now.advanced(by: .seconds(hours * 3600))) }
        try await nodes.plans.change(
            PlanChange(.plan("trial"), timing: at(100), alignment: .startsPeriods, usage: .reset), of: nodes.company,
            nodes.permit())
        for number in 1...count {
            try await nodes.plans.change(
                PlanChange(.package(Package(tasksPerPeriod: 100)), timing: at(number), usage: .reset),
                of: nodes.company, nodes.permit())
        }
        for number in 101...(100 + count) {
            try await nodes.plans.change(
                PlanChange(.package(Package(tasksPerPeriod: 100)), timing: at(number), usage: .reset),
                of: nodes.company, nodes.permit())
        }
        // The period does not begin there any more.
        try await nodes.plans.change(.plan("trial"), of: nodes.company, nodes.permit())
        try await nodes.grant(50, priority: 100)
        for hour in 1...(100 + count) {
            nodes.trust.time.setWallClock(to: now.advanced(by: .seconds(hour * 3600 + 60)))
            if hour <= count || hour > 100 { try await nodes.use(100) }
        }
        try await nodes.giveBackAll()
        let left = try await nodes.left()
        #expect(left == 50, "\(left)")
    }

    /// A pool for which there is no room in a record takes no further leases, and fits.
    @Test(arguments: [(true, true), (false, true), (true, false)])
    func sizeOfAFullPool(_ hasSublimits: Bool, _ hasClosed: Bool) throws {
        let now = Timestamp(seconds: 1_800_000_000)
        let workspace = Identifier<Workspace>(at: now)
        let all = [
            SublimitJobs(environment: .development), SublimitJobs(environment: nil, workspace: workspace),
            SublimitJobs(environment: .development, workspace: workspace),
        ]
        let within = hasSublimits ? all : []
        var pool = QuotaPool(limit: 1_000_000_000_000)
        pool.setSublimits(Dictionary(uniqueKeysWithValues: within.map { ($0, 1_000_000_000_000) }), since: now)
        func take() -> Identifier<QuotaLeaseRecord> {
            let id = Identifier<QuotaLeaseRecord>(at: now)
            let lease = pool.acquire(
                id, for: Identifier<Worker>(at: now).description, most: 1_000_000, at: now, until: now, within: within)
            if lease?.amount == 1 { pool.use(id) }
            return id
        }
        if hasClosed {
            for _ in 0..<QuotaPool.maximumDirect { pool.use(take()) }
            for _ in 0..<QuotaPool.maximumOverdue { pool.expire(take()) }
        }
        var leases = 0
        for day in 0..<170 { pool.add(1, at: now.advanced(by: .seconds(day * 86_400))) }
        while leases < 400, pool.recordBytes(schema: 1).count <= Changes.maximumRecordBytes {
            _ = take()
            leases += 1
        }
        #expect(pool.recordBytes(schema: 1).count <= Changes.maximumRecordBytes, "after \(leases) leases")
    }

    /// The same through meters: many processes, some tasks left, and none is refused.
    @Test func manyProcessesWithAPace() async throws {
        let nodes = try await Nodes(1, limit: 1_000_000_000, leasePerMille: 1)
        let workspace = try #require(nodes.trust.scope.workspace)
        let sublimits = [
            Sublimit(.production, tasksPerPeriod: 1_000_000_000), Sublimit(workspace, tasksPerPeriod: 1_000_000_000),
            Sublimit(.production, of: workspace, tasksPerPeriod: 1_000_000_000),
        ]
        try await nodes.plans.change(
            .package(
                Package(
                    tasksPerPeriod: 1_000_000_000, pace: Pace(tasks: 1_000_000, seconds: 1, burst: 1_000_000_000),
                    sublimits: sublimits)),
            of: nodes.company, nodes.permit())
        let job = Job(
            id: nodes.trust.job().id, recipe: nodes.trust.job().recipe, scope: Scope(workspace, .production))
        var (meters, error) = ([TaskMeter](), nil as PlanError?)
        for _ in 0..<270 where error == nil {
            let (meter, _) = try await nodes.node(nodes.trust.time)
            meters.append(meter)
            error = await refusal { try await meter.admit(job, of: nodes.company).commit(used: 1) }
        }
        #expect(error == nil, "process \(meters.count): \(String(describing: error))")
    }

    /// What others hold comes back before a job within the burst is refused for good.
    @Test func heldCountsForThePace() async throws {
        let nodes = try await Nodes(2, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 3600, burst: 100))
        try await nodes.use(1)
        #expect(await refusal { try await nodes.use(60, on: 1) } == PlanError(.tooFast))
        // It was asked for what it holds.
        try await nodes.meters[0].settle()
        let error = await refusal { try await nodes.use(60, on: 1) }
        #expect(
            error == nil,
            "\(String(describing: error)) \(String(describing: error?.retryAt)) now \(nodes.trust.time.now)")
    }

    /// What a process states late counts no more for the pace.
    @Test func paceOfALateStatement() async throws {
        let nodes = try await Nodes(2, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 3600, burst: 100))
        // Half of the burst is held, one is used; its time is over, somebody looks, then it says so.
        try await nodes.use(1)
        nodes.trust.time.advance(by: .seconds(121))
        _ = await refusal { try await nodes.use(1, on: 1) }
        try await nodes.giveBackAll()
        let used = try await nodes.used()
        let error = await refusal { try await nodes.use(97, on: 1) }
        #expect(error == nil, "used \(used): \(String(describing: error))")
    }

    /// The burst is there once for two processes in different periods.
    @Test func paceAtTheEndOfAPeriod() async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 3600, burst: 100))
        let end = try await nodes.plans.allowance(of: nodes.company).resetsAt
        nodes.trust.time.setWallClock(to: end.advanced(by: .seconds(-1)))
        let (a, _) = try await nodes.node(ManualTime(now: end.advanced(by: .seconds(1))))
        var used = 0
        while used < 500,
            await refusal({ try await a.admit(nodes.trust.job(), of: nodes.company, tasks: 10).commit(used: 10) })
                == nil
        { used += 10 }
        while used < 500, await refusal({ try await nodes.use(10) }) == nil { used += 10 }
        #expect(used <= 100, "\(used)")
        // And again after the end: what was taken in the old one after the new one began is not seen.
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(2))
        while used < 500, await refusal({ try await nodes.use(10) }) == nil { used += 10 }
        #expect(used <= 200, "\(used)")
    }

    /// What a process holds for other jobs comes back before one is refused for the pace.
    @Test func lanesOfOneProcessAndThePace() async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        let workspace = try #require(nodes.trust.scope.workspace)
        try await nodes.plans.change(
            .package(
                Package(
                    tasksPerPeriod: 10_000, pace: Pace(tasks: 1, seconds: 3600, burst: 100),
                    sublimits: [Sublimit(.test, tasksPerPeriod: 5000)])), of: nodes.company, nodes.permit())
        func job(_ environment: Environment) -> Job {
            Job(id: nodes.trust.job().id, recipe: nodes.trust.job().recipe, scope: Scope(workspace, environment))
        }
        try await nodes.meters[0].admit(job(.production), of: nodes.company).commit(used: 1)
        // This process itself holds 49 for the other lane.
        let error = await refusal {
            try await nodes.meters[0].admit(job(.test), of: nodes.company, tasks: 80).commit(used: 80)
        }
        #expect(error == nil, "\(String(describing: error))")
    }
}

@Suite struct ClockTests {
    /// What a process whose clock is ahead took before the period is counted anew does not count after it, nor come back after it.
    @Test func aCountAnewEndsWhatAClockAheadHasTaken() async throws {
        let nodes = try await Nodes(1, limit: 30)
        let ahead = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(3000)))
        let (meter, _) = try await nodes.node(ahead)
        // A grant that begins in between is told apart.
        try await nodes.grant(5, from: nodes.trust.time.now.advanced(by: .seconds(1000)))
        let job = try await meter.admit(nodes.trust.job(), of: nodes.company, tasks: 10)
        try await meter.giveBackAll()
        #expect(try await nodes.used() == 10)
        try await nodes.reset(30)
        // Whatever is there, nothing of it is used.
        func isUnused() async throws -> Bool {
            let balance = try await nodes.plans.balance(of: nodes.company)
            return try await nodes.used() == 0 && balance.parts.allSatisfy { $0.used == 0 }
        }
        #expect(try await isUnused())
        let limit = try await nodes.left()
        job.commit(used: 0)
        try await meter.settle()
        #expect(try await isUnused())
        #expect(try await nodes.left() == limit)
        #expect(try await nodes.fill(meter) == 35)
    }

    /// Nor where the change is for an instant that the clock ahead has passed.
    @Test func aCountAnewAtAnInstantThatAClockAheadHasPassed() async throws {
        let nodes = try await Nodes(1, limit: 30)
        let ahead = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(3000)))
        let (meter, _) = try await nodes.node(ahead)
        try await nodes.grant(5, from: nodes.trust.time.now.advanced(by: .seconds(1000)))
        let job = try await meter.admit(nodes.trust.job(), of: nodes.company, tasks: 10)
        try await meter.giveBackAll()
        let soon = nodes.trust.time.now.advanced(by: .seconds(1))
        try await nodes.set(30, nil, .reset, .at(soon))
        for time in [nodes.trust.time, ahead] { time.advance(by: .seconds(3001)) }
        // Neither the pool nor the ledger counts them after it.
        let before = try await nodes.plans.balance(of: nodes.company)
        #expect(before.parts.allSatisfy { $0.used == 0 } && before.left == 35)
        #expect(try await nodes.used() == 0)
        #expect(try await nodes.left() == 35)
        job.commit(used: 0)
        try await meter.settle()
        #expect(try await nodes.left() == 35)
        let balance = try await nodes.plans.balance(of: nodes.company)
        #expect(balance.left == 35 && balance.beyond == 0)
    }
}

@Suite struct ClockProperties {
    /// Two processes whose clocks differ, grants, revocations, resets and what is held: never more than was ever there.
    @Test func neverMoreThanWasThere() async throws {
        var generator = Scale.current.generator(for: "grants between clocks")
        func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
        for round in 0..<Scale.current.cases(ci: 200, soak: 5000) {
            let limit = number(5...60)
            let nodes = try await Nodes(1, limit: limit)
            let other = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(number(-3000...3000))))
            let (b, _) = try await nodes.node(other)
            let meters = [nodes.meters[0], b]
            var (there, spent, resets) = (limit, 0, 0)
            var grants: [Identifier<TaskGrant>] = []
            for _ in 0..<number(10...40) {
                let seconds = number(0...1500)
                for time in [nodes.trust.time, other] { time.advance(by: .seconds(seconds)) }
                switch number(0...11) {
                case 0:
                    let count = number(1...30)
                    let expires =
                        number(0...1) == 0 ? nil : nodes.trust.time.now.advanced(by: .seconds(number(4000...20_000)))
                    let from = number(0...2) == 0 ? nodes.trust.time.now.advanced(by: .seconds(3100)) : nil
                    if let grant = try? await nodes.grant(
                        count, priority: number(49...51), from: from, expires: expires)
                    {
                        grants.append(grant.id)
                        there += count
                    }
                case 1:
                    guard let id = grants.randomElement(using: &generator) else { continue }
                    try? await nodes.plans.revoke(id, of: nodes.company, nodes.permit())
                case 2 where number(0...2) == 0:
                    try await nodes.reset(limit)
                    there += limit
                    resets += 1
                case 3, 4:
                    try await meters[number(0...1)].settle()
                case 5:
                    try await meters[number(0...1)].giveBackAll()
                default:
                    let (who, tasks) = (number(0...1), number(1...12))
                    let used = number(0...tasks)
                    if await refusal({
                        try await meters[who].admit(nodes.trust.job(), of: nodes.company, tasks: tasks).commit(
                            used: used)
                    }) == nil {
                        spent += used
                    }
                }
            }
            for meter in meters { try await meter.giveBackAll() }
            #expect(spent <= there, "seed \(Scale.current.seed), round \(round): \(spent) of \(there)")
            let balance = try await nodes.plans.balance(of: nodes.company)
            let left = try await nodes.left()
            #expect(
                max(0, balance.left - balance.beyond) == left,
                "seed \(Scale.current.seed), round \(round): \(balance) \(left)")
            if resets == 0 {
                let used = try await nodes.used()
                #expect(used == spent, "seed \(Scale.current.seed), round \(round): \(used) \(spent)")
            }
        }
    }
}
