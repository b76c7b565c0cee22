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
    fileprivate func correct(_ job: Identifier<Job>, to tasks: Int) async throws {
        try await trust.layer.tasks.correct(job, of: company, to: tasks, permit())
    }
    fileprivate func report(_ places: ClosedRange<Int>, of job: Job, at: Timestamp? = nil, on node: Int = 0)
        async throws -> Int
    {
        try await meters[node].report(actions(places), of: job, by: rules, at: at, to: company)
    }
}

/// What the mend of the first histories broke.
@Suite struct FurtherLedgerAttackTests {
    /// charged before a reset and after it: one part, at the later instant; a correction gives all back after it.
    @Test func correctAfterReset() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let job = nodes.trust.job()
        _ = try await nodes.report(1...500, of: job)
        nodes.days(1)
        try await nodes.reset(100)
        nodes.days(1)
        _ = try await nodes.report(501...501, of: job)
        try await nodes.correct(job.id, to: 1)
        let admitted = try await nodes.fill(nodes.meters[0])
        #expect(admitted <= 100, "\(admitted)")
    }
    /// an admission over a reset with an excess, corrected.
    @Test func correctExcessAfterReset() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let job = nodes.trust.job()
        let admission = try await nodes.meters[0].admit(job, of: nodes.company, tasks: 400)
        try await nodes.giveBackAll()
        nodes.days(1)
        try await nodes.reset(100)
        nodes.days(1)
        admission.commit(actions(1...410), by: rules)
        try await nodes.giveBackAll()
        try await nodes.correct(job.id, to: 0)
        let admitted = try await nodes.fill(nodes.meters[0])
        #expect(admitted <= 100, "\(admitted)")
    }
    /// an extended admission over the end of a period, corrected: all is given back to the first period.
    @Test func extendOverPeriodCorrect() async throws {
        let nodes = try await Nodes(1, limit: 10)
        try await nodes.grant(100)
        try await nodes.use(109)
        let job = nodes.trust.job()
        var admission = try await nodes.meters[0].admit(job, of: nodes.company, tasks: 1)
        try await nodes.giveBackAll()
        try nodes.to("2026-02-16")
        try await nodes.meters[0].extend(&admission, by: 10)
        admission.commit(actions(1...11), by: rules)
        try await nodes.giveBackAll()
        #expect(try await nodes.left() == 0)
        try await nodes.correct(job.id, to: 0)
        try nodes.to("2026-03-20")
        let left = try await nodes.left()
        #expect(left <= 11, "\(left)")
    }
    /// the same, by charges that another one told.
    @Test func extendOverPeriodDuplicate() async throws {
        let nodes = try await Nodes(1, limit: 30)
        try await nodes.grant(100)
        try await nodes.use(129)
        let job = nodes.trust.job()
        var admission = try await nodes.meters[0].admit(job, of: nodes.company, tasks: 1)
        try await nodes.giveBackAll()
        try nodes.to("2026-02-16")
        try await nodes.meters[0].extend(&admission, by: 10)
        _ = try await nodes.report(1...11, of: job)
        admission.commit(actions(1...11), by: rules)
        try await nodes.giveBackAll()
        try nodes.to("2026-03-20")
        let left = try await nodes.left()
        #expect(left <= 31, "\(left)")
    }
    /// an excess over a reset, told with something given back, when nobody has applied the reset.
    @Test(arguments: [false, true]) func excessWithRefund(_ gives: Bool) async throws {
        let nodes = try await Nodes(1, limit: 100)
        let admission = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 1)
        let other = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 1)
        try await nodes.giveBackAll()
        nodes.days(1)
        try await nodes.reset(1000)
        nodes.days(1)
        if gives { other.release() } else { other.commit(used: 1) }
        admission.commit(actions(1...500), by: rules)
        try await nodes.giveBackAll()
        let used = try await nodes.used()
        #expect(used >= 499, "gives \(gives) \(used)")
    }
    /// the same tells of parts of the limit that are not used.
    @Test func announcedBeforeTurn() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let admission = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 5)
        try await nodes.use(95)
        try await nodes.giveBackAll()
        nodes.days(1)
        try await nodes.reset(100)
        nodes.days(1)
        admission.release()
        try await nodes.giveBackAll()
        let outbox = Outbox(leases: Leases(store: nodes.trust.store))
        var told: [String?] = []
        for partition in try await outbox.partitions() {
            _ = try await outbox.deliver(to: "reader", in: partition, limit: 10) {
                told.append($0.details["threshold"])
            }
        }
        #expect(told == ["10"], "\(told)")
    }
    /// a handed on admission ends twice.
    @Test func endsTwice() async throws {
        let nodes = try await Nodes(1, limit: 10)
        let ahead = ManualTime(now: nodes.trust.time.now)
        let (_, plans) = try await nodes.node(ahead)
        try await nodes.grant(100)
        try await nodes.use(100)
        let detached = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 10).detach()
        try await nodes.giveBackAll()
        let job = nodes.trust.job()
        try nodes.to("2026-02-16")
        let first = try await nodes.meters[0].commit(detached, used: 10)
        #expect(first)
        let end = try await nodes.plans.allowance(of: nodes.company).periodStart
        _ = try await nodes.report(1...2, of: job, at: end.advanced(by: .seconds(-60)))
        let closes = end.advanced(by: .seconds(3 * 86_400))
        nodes.trust.time.setWallClock(to: closes.advanced(by: .seconds(-600)))
        ahead.setWallClock(to: closes.advanced(by: .seconds(600)))
        _ = try await plans.removeClosedCharges(of: nodes.company)
        let before = try await nodes.left()
        let again = try await nodes.meters[0].commit(detached, used: 0)
        #expect(!again)
        let after = try await nodes.left()
        #expect(after == before, "\(before) \(after)")
        let counted = try await nodes.report(1...2, of: job, at: end.advanced(by: .seconds(-60)))
        #expect(counted == 0)
    }
    /// an account that a clock ahead has settled, and late usage by one behind.
    @Test(arguments: [false, true]) func settledAhead(_ settles: Bool) async throws {
        let nodes = try await Nodes(1, limit: 10)
        let ahead = ManualTime(now: nodes.trust.time.now)
        let (a, _) = try await nodes.node(ahead)
        try await nodes.grant(100)
        try await nodes.use(10)
        try await nodes.giveBackAll()
        try nodes.to("2026-02-16")
        let end = try await nodes.plans.allowance(of: nodes.company).periodStart
        let closes = end.advanced(by: .seconds(3 * 86_400))
        nodes.trust.time.setWallClock(to: closes.advanced(by: .seconds(-600)))
        ahead.setWallClock(to: closes.advanced(by: .seconds(600)))
        if settles {
            try await a.admit(nodes.trust.job(), of: nodes.company).release()
            try await a.giveBackAll()
        }
        let counted = try await nodes.report(1...100, of: nodes.trust.job(), at: end.advanced(by: .seconds(-60)))
        #expect(counted == 100)
        let left = try await nodes.left()
        #expect(left == 10, "settles \(settles)")
    }
    /// scaled with a grant that was not used.
    @Test func scaledWithGrant() async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.grant(900, priority: 100)
        try await nodes.use(100)
        try await nodes.giveBackAll()
        nodes.days(1)
        try await nodes.reset(100, .scaled)
        nodes.days(1)
        let left = try await nodes.left()
        #expect(left <= 900, "\(left)")
    }
    /// a lease that comes back late gives back what was used up long ago.
    @Test func paceLateReturn() async throws {
        let nodes = try await Nodes(2, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 1, burst: 100))
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.use(1)
        nodes.trust.time.advance(by: .seconds(55))
        try await nodes.use(100, on: 1)
        try await nodes.meters[0].giveBackAll()
        let more = try await nodes.fill(nodes.meters[1])
        #expect(more <= 1, "\(more)")
    }
    /// a slower pace, and what was taken at the faster one comes back.
    @Test func slowerPaceReturn() async throws {
        let nodes = try await Nodes(2, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1000, seconds: 1, burst: 1000))
        try await nodes.use(1)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 60, burst: 5))
        nodes.trust.time.advance(by: .seconds(5))
        try await nodes.use(5, on: 1)
        try await nodes.meters[0].giveBackAll()
        let more = try await nodes.fill(nodes.meters[1])
        #expect(more <= 1, "\(more)")
    }
    /// the slowest pace and the largest job.
    @Test func paceExtreme() async throws {
        let nodes = try await Nodes(1, limit: 1_000_000_000_000)
        try await nodes.set(1_000_000_000_000, pace: Pace(tasks: 1, seconds: 86_400, burst: 1))
        try await nodes.use(990_000_000_000)
        let error = await refusal {
            try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company).release()
        }
        #expect(error == PlanError(.tooFast), "\(String(describing: error))")
        try await nodes.giveBackAll()
        _ = try await nodes.left()
    }
    /// extreme instants.
    @Test(arguments: [Int64.max, Int64.max - 1, 253_402_300_800_000_000 as Int64, 4_000_000_000_000_000 as Int64])
    func extremeGrant(_ at: Int64) async throws {
        let nodes = try await Nodes(1, limit: 100)
        _ = try? await nodes.grant(10, from: Timestamp(microseconds: at))
        _ = try? await nodes.grant(10, expires: Timestamp(microseconds: at))
        try await nodes.use(1)
        _ = try await nodes.plans.balance(of: nodes.company)
    }
    @Test(arguments: [Int64.min, -1 as Int64, 0 as Int64, 1 as Int64]) func extremeReport(_ at: Int64) async throws {
        let nodes = try await Nodes(1, limit: 100)
        let error = await refusal {
            _ = try await nodes.report(1...1, of: nodes.trust.job(), at: Timestamp(microseconds: at))
        }
        #expect(error != nil)
    }
    /// an admission released over a scaled change that is larger, in any order: never more than the limit.
    @Test func randomTurns() async throws {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<60 {
            let nodes = try await Nodes(2, limit: 60)
            func n(_ r: ClosedRange<Int>) -> Int { Int.random(in: r, using: &generator) }
            var log: [String] = []
            var kept: [DetachedAdmission] = []
            var old: [DetachedAdmission] = []
            var spent = 0
            for step in 0..<30 {
                nodes.trust.time.advance(by: .seconds(n(1...4000)))
                switch n(0...6) {
                case 0: try await nodes.meters[n(0...1)].giveBackAll(); log.append("give")
                case 1 where step < 20:
                    try await nodes.giveBackAll()
                    let limit = n(20...100)
                    try await nodes.reset(limit); log.append("reset \(limit)")
                    // None of before counts any more.
                    spent = 0
                    old += kept; kept = []
                case 2:
                    if !kept.isEmpty {
                        let d = kept.removeFirst(); let u = n(0...d.tasks);
                        _ = try await nodes.meters[n(0...1)].commit(d, used: u); spent -= d.tasks - u
                    }
                case 3:
                    if !old.isEmpty {
                        let d = old.removeFirst(); _ = try await nodes.meters[n(0...1)].commit(d, used: n(0...d.tasks))
                    }
                default:
                    let t = n(1...9)
                    if let a = try? await nodes.meters[n(0...1)].admit(nodes.trust.job(), of: nodes.company, tasks: t) {
                        kept.append(a.detach()); spent += t
                    }
                }
            }
            try await nodes.giveBackAll(); try await nodes.giveBackAll()
            let limit = try await nodes.plans.allowance(of: nodes.company).limit
            for node in 0..<2 { spent += try await nodes.fill(nodes.meters[node]) }
            #expect(spent <= limit, "round \(round) \(spent) \(limit) \(log)")
        }
    }

    /// two clocks, a grant that ends: each part of the limit is told once.
    @Test func noFlapping() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let ahead = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(3000)))
        let (a, _) = try await nodes.node(ahead)
        try await nodes.grant(100, priority: 100, expires: nodes.trust.time.now.advanced(by: .seconds(3600)))
        for _ in 0..<40 {
            for time in [ahead, nodes.trust.time] { time.advance(by: .seconds(60)) }
            try await a.admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
            try await a.giveBackAll()
            try await nodes.use(1)
            try await nodes.giveBackAll()
        }
        let outbox = Outbox(leases: Leases(store: nodes.trust.store))
        var told: [String?] = []
        for partition in try await outbox.partitions() {
            _ = try await outbox.deliver(to: "reader", in: partition, limit: 100) {
                told.append($0.details["threshold"])
            }
        }
        #expect(told.count <= 8 + 4, "\(told)")
    }
    /// what a plan had at the end of a period is noted by a clock that is ahead; then it is lowered in that period.
    @Test(arguments: [false, true]) func endNotedAhead(_ looks: Bool) async throws {
        let plan = Plan(name: "roll", entitlements: Entitlements(tasksPerPeriod: 1000, rollover: Rollover(most: 1000)))
        let catalogue = Catalogue(version: 1, plans: [plan], statusRules: [.proofOfConcept: "roll", .customer: "roll"])
        let trust = try await TestTrust(
            over: TestStore(),
            configuration: .init(catalogue: catalogue, tasks: .init(recallMilliseconds: 0)))
        let (plans, company) = (trust.layer.plans, trust.company)
        let end = try await plans.allowance(of: company).resetsAt
        trust.time.setWallClock(to: end.advanced(by: .seconds(-600)))
        let ahead = ManualTime(now: end.advanced(by: .seconds(600)))
        let a = TaskMeter(plans: try await trust.process(time: ahead, catalogue: catalogue))
        if looks {
            try await a.admit(trust.job(), of: company).release()
            try await a.giveBackAll()
        }
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
        try await plans.change(.package(Package(tasksPerPeriod: 10)), of: company, permit)
        trust.time.setWallClock(to: end.advanced(by: .seconds(1200)))
        let left = try await plans.allowance(of: company).remaining
        #expect(left == 20, "looks \(looks) \(left)")
    }
    /// paused, ended, and back.
    @Test func pausedForever() async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.plans.pause(nodes.company, running: .stop, nodes.permit())
        try await nodes.plans.resume(nodes.company, nodes.permit())
        let admission = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company)
        let asked = admission.isAskedToStop
        #expect(!asked)
        admission.release()
    }
    /// an admission extended over a reset, and its charges told before by another.
    @Test func extendOverResetDuplicate() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let job = nodes.trust.job()
        var admission = try await nodes.meters[0].admit(job, of: nodes.company, tasks: 1)
        try await nodes.giveBackAll()
        nodes.days(1)
        try await nodes.reset(100)
        nodes.days(1)
        try await nodes.meters[0].extend(&admission, by: 10)
        _ = try await nodes.report(1...11, of: job)
        admission.commit(actions(1...11), by: rules)
        try await nodes.giveBackAll()
        // 11 were done, 10 of them after the reset at least.
        let used = try await nodes.used()
        #expect(used <= 11, "\(used)")
    }

    /// what a lease held over a scaled change comes back to before it, where it never counted; late usage is free then.
    @Test(arguments: [false, true]) func refundBeforeScaled(_ holds: Bool) async throws {
        let nodes = try await Nodes(2, limit: 100)
        let early = nodes.trust.time.now
        nodes.trust.time.advance(by: .seconds(1))
        _ = try await nodes.report(1...5, of: nodes.trust.job(), on: 1)
        let admission = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 20)
        nodes.trust.time.advance(by: .seconds(1))
        if !holds {
            admission.release(); try await nodes.giveBackAll(); try await nodes.reset(1000, .scaled)
        } else {
            try await nodes.reset(1000, .scaled)
            nodes.trust.time.advance(by: .seconds(1))
            _ = try await nodes.report(1...1, of: nodes.trust.job(), on: 1)
            try await nodes.meters[0].giveBackAll()
            admission.release()
            try await nodes.meters[0].giveBackAll()
        }
        nodes.trust.time.advance(by: .seconds(1))
        let before = try await nodes.used()
        _ = try await nodes.report(1...15, of: nodes.trust.job(), at: early, on: 1)
        let after = try await nodes.used()
        #expect(after - before == 150, "holds \(holds) \(before) \(after)")
    }
    /// a lease that is stated after its time and after a reset.
    @Test func lateAfterReset() async throws {
        let nodes = try await Nodes(2, limit: 100)
        try await nodes.use(1, on: 1)
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.reset(100)
        nodes.trust.time.advance(by: .seconds(300))
        try await nodes.use(1)
        try await nodes.giveBackAll()
        let used = try await nodes.used()
        #expect(used <= 2, "\(used)")
    }

    /// a faster pace after a large job.
    @Test func fasterPace() async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 3600, burst: 5))
        try await nodes.use(400)
        nodes.trust.time.advance(by: .seconds(3600))
        try await nodes.set(10_000, pace: Pace(tasks: 1000, seconds: 1, burst: 1000))
        nodes.trust.time.advance(by: .seconds(3600))
        let admitted = try await nodes.fill(nodes.meters[0], atMost: 10)
        #expect(admitted == 10)
    }

    /// pace over the end of a period.
    @Test func paceOverPeriods() async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 3600, burst: 5))
        try nodes.to("2026-02-16")
        let end = try await nodes.plans.allowance(of: nodes.company).resetsAt
        nodes.trust.time.setWallClock(to: end.advanced(by: .seconds(-1)))
        try await nodes.use(500)
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(1))
        let admitted = try await nodes.fill(nodes.meters[0], atMost: 10)
        #expect(admitted == 0, "\(admitted)")
    }

    /// a clock ahead keeps the others from anything.
    @Test func paceClockAhead() async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        let ahead = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(3000)))
        let (a, _) = try await nodes.node(ahead)
        try await nodes.set(10_000, pace: Pace(tasks: 1, seconds: 1, burst: 10))
        var admitted = 0
        for _ in 0..<20 {
            try await a.admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
            try await a.giveBackAll()
            for time in [ahead, nodes.trust.time] { time.advance(by: .seconds(60)) }
            admitted += try await nodes.fill(nodes.meters[0], atMost: 1)
            try await nodes.giveBackAll()
        }
        #expect(admitted > 0)
    }

    /// Sixteen changes that count a period anew take nothing from grants; a further one is refused, and the next period has room.
    @Test func aPeriodIsCountedAnewSixteenTimes() async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.plans.grant(50, to: nodes.company, nodes.permit())
        for _ in 0..<16 {
            try await nodes.use(100)
            nodes.trust.time.advance(by: .seconds(60))
            try await nodes.reset(100)
        }
        let refused = await refusal { try await nodes.reset(100) }
        #expect(refused == PlanError(.tooManyChanges))
        try await nodes.giveBackAll()
        #expect(try await nodes.left() == 150)
        nodes.trust.time.setWallClock(to: try await nodes.plans.allowance(of: nodes.company).resetsAt)
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.reset(100)
        #expect(try await nodes.left() == 150)
    }
}
