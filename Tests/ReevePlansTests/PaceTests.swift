// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

@Suite struct PaceTests {
    private func nodes(_ pace: Pace, limit: Int = 10_000) async throws -> Nodes {
        let nodes = try await Nodes(2, limit: limit)
        try await set(pace, limit: limit, nodes)
        return nodes
    }

    private func set(_ pace: Pace?, limit: Int, _ nodes: Nodes) async throws {
        let permit = try await nodes.trust.permit(ChangePlan.self, on: .plan(of: nodes.company), in: .platform)
        try await nodes.trust.layer.plans.change(
            .package(Package(tasksPerPeriod: limit, pace: pace)), of: nodes.company, permit)
    }

    private func admit(_ tasks: Int, _ nodes: Nodes, on node: Int = 0) async -> PlanError? {
        await refusal {
            try await nodes.meters[node].admit(nodes.trust.job(), of: nodes.company, tasks: tasks).commit(used: tasks)
        }
    }

    @Test func tasksAreUsedNoFasterThanThePlanAllows() async throws {
        // One in ten seconds, five at once.
        let nodes = try await nodes(Pace(tasks: 6, seconds: 60, burst: 5))
        #expect(await admit(3, nodes) == nil)
        #expect(await admit(2, nodes, on: 1) == nil)
        let refused = await admit(2, nodes)
        #expect(refused == PlanError(.tooFast))
        let retry = try #require(refused?.retryAt)
        #expect(retry == nodes.trust.time.now.advanced(by: .seconds(20)))
        nodes.trust.time.advance(by: .seconds(19))
        #expect(await admit(2, nodes, on: 1) == PlanError(.tooFast))
        #expect(await admit(1, nodes, on: 1) == nil)
        nodes.trust.time.setWallClock(to: retry)
        #expect(await admit(1, nodes) == nil)
        // After a pause no more at once than the burst.
        nodes.trust.time.advance(by: .seconds(3600))
        #expect(await admit(5, nodes) == nil)
        #expect(await admit(1, nodes) == PlanError(.tooFast))
        // The limit is told from the pace.
        nodes.trust.time.advance(by: .seconds(3600))
        #expect(await admit(20_000, nodes) == PlanError(.limitReached))
    }

    /// A job that needs more than the burst runs when nothing was used for long enough, and what comes after it waits for longer.
    @Test func aLargeJobRunsWhenNothingIsAhead() async throws {
        let nodes = try await nodes(Pace(tasks: 1, seconds: 1, burst: 5))
        #expect(await admit(1, nodes) == nil)
        let refused = await admit(100, nodes)
        #expect(refused == PlanError(.tooFast))
        nodes.trust.time.setWallClock(to: try #require(refused?.retryAt))
        #expect(await admit(100, nodes) == nil)
        nodes.trust.time.advance(by: .seconds(95))
        #expect(await admit(1, nodes) == PlanError(.tooFast))
        nodes.trust.time.advance(by: .seconds(1))
        #expect(await admit(1, nodes) == nil)
    }

    /// What was taken and given back does not count.
    @Test func whatComesBackIsNotUsed() async throws {
        let nodes = try await nodes(Pace(tasks: 1, seconds: 3600, burst: 100))
        for _ in 0..<20 {
            // It takes half of what there is, and uses one.
            #expect(await admit(1, nodes) == nil)
            try await nodes.meters[0].giveBackAll()
        }
        #expect(await admit(80, nodes, on: 1) == nil)
        #expect(await admit(1, nodes, on: 1) == PlanError(.tooFast))
    }

    @Test func aWaitingJobGoesOnInTime() async throws {
        let nodes = try await nodes(Pace(tasks: 1, seconds: 10, burst: 2))
        #expect(await admit(2, nodes) == nil)
        let waiting = Task {
            try await nodes.meters[0].admitWaiting(nodes.trust.job(), of: nodes.company).commit(used: 1)
        }
        while nodes.meters[0].waiting(of: nodes.company).isEmpty { await Task.yield() }
        nodes.trust.time.advance(by: .seconds(9))
        try await nodes.meters[0].settle()
        #expect(nodes.meters[0].waiting(of: nodes.company).count == 1)
        nodes.trust.time.advance(by: .seconds(2))
        try await nodes.meters[0].settle()
        try await waiting.value
        // Without a pace nothing is too fast.
        try await set(nil, limit: 100, nodes)
        #expect(await admit(90, nodes) == nil)
    }

    @Test func whatIsNoPace() async throws {
        for pace in [
            Pace(tasks: 0, seconds: 1, burst: 1), Pace(tasks: 1, seconds: 0, burst: 1),
            Pace(tasks: 1, seconds: 1, burst: 0),
            Pace(tasks: .max, seconds: 1, burst: 1), Pace(tasks: 1, seconds: .max, burst: 1),
            Pace(tasks: 1, seconds: 86_401, burst: 1), Pace(tasks: -1, seconds: -1, burst: .min),
        ] {
            #expect(Package(pace: pace).validate().count == 1)
            let plan = Plan(name: "p", entitlements: Entitlements(tasksPerPeriod: 1, pace: pace))
            #expect(plan.validate().count == 1)
        }
        // The slowest and the fastest.
        for pace in [
            Pace(tasks: 1, seconds: 86_400, burst: 1),
            Pace(tasks: 1_000_000_000_000, seconds: 1, burst: 1_000_000_000_000),
        ] {
            #expect(Package(pace: pace).validate().isEmpty)
            let nodes = try await nodes(pace, limit: 1_000_000_000_000)
            #expect(await admit(1, nodes) == nil)
            #expect(await admit(990_000_000_000, nodes) == (pace.tasks == 1 ? PlanError(.tooFast) : nil))
        }
    }

    /// Whoever pays does not get it slower for as much.
    @Test func aSlowerPaceIsLess() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let gold = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        try await stage.plans.activate(stage.approve(gold), stage.change())
        let slow = Pace(tasks: 10, seconds: 1, burst: 10)
        let error = await refusal {
            try await stage.plans.change(.package(Package(pace: slow)), of: stage.company, stage.change())
        }
        #expect(error == PlanError(.approvalRequired))
        let proposal = try await stage.plans.propose(
            .package(Package(pace: slow)), for: stage.company, conditions: conditions, stage.change())
        #expect(proposal.document.text.contains("at most 10 tasks in 1 seconds, 10 at once"))
    }
}

@Suite struct PaceProperties {
    /// In no time is more taken than the burst and what the pace gives in it, but for jobs that need more than the burst; and nothing that
    /// would have been in time is refused.
    @Test func noWindowHasMore() {
        var generator = Scale.current.generator(for: "pace")
        for _ in 0..<Scale.current.cases(ci: 2000, soak: 200_000) {
            func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
            let pace = Pace(tasks: number(1...20), seconds: number(1...30), burst: number(1...30))
            var pool = QuotaPool(limit: 1_000_000)
            var record = PaceRecord(pace, at: Timestamp(microseconds: 0))
            var taken: [(at: Int, tasks: Int)] = []
            var now = 0
            for index in 0..<40 {
                now += number(0...1) == 0 ? 0 : number(1...20_000_000)
                let need = number(1...pace.burst)
                let instant = Timestamp(microseconds: Int64(now))
                let lease = pool.acquire(
                    Identifier(high: 1, low: UInt64(index)), for: "h\(number(0...2))", need: Int64(need), most: 10,
                    until: instant.advanced(by: .seconds(60)),
                    atOnce: record.conforming(at: instant) ?? Int64(max(need, pace.burst)))
                guard let lease else { continue }
                record.take(lease.amount, at: instant)
                let bytes = record.recordBytes(schema: 1)
                #expect((try? PaceRecord(recordBytes: bytes, schema: 1)) == record)
                taken.append((now, Int(lease.amount)))
                #expect(lease.amount <= max(10, need))
            }
            // In units of a task by the pace's seconds, so that nothing is rounded.
            let unit = pace.seconds * 1_000_000
            for (first, start) in taken.enumerated() {
                var sum = 0
                for end in taken[first...] {
                    sum += end.tasks
                    #expect(sum * unit <= pace.burst * unit + (end.at - start.at) * pace.tasks)
                }
            }
            // When it is refused, the bucket of the plain algorithm has too little as well, but for rounding.
            let need = Int64(number(1...pace.burst))
            let instant = Timestamp(microseconds: Int64(now))
            var (level, last) = (0, 0)
            for use in taken {
                level = max(0, level - (use.at - last) * pace.tasks) + use.tasks * unit
                last = use.at
            }
            level = max(0, level - (now - last) * pace.tasks)
            let isThere = pace.burst * unit - level >= Int(need) * unit + taken.count * pace.tasks
            if isThere { #expect(record.conforming(at: instant) ?? need >= need) }
        }
    }
}
