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

/// One action in passes of a loop.
private func loop(_ passes: ClosedRange<Int>, attempt: Int = 0) -> [JobStep] {
    passes.map { JobStep(.action, path: "1", iteration: $0, attempt: attempt) }
}

extension Nodes {
    fileprivate func charged(_ job: Job) async throws -> [Int] {
        try await trust.layer.plans.charges(of: job.id, of: company).map(\.tasks)
    }

    /// A job does its steps and tells them on a node.
    fileprivate func run(_ job: Job, _ steps: [JobStep], run: Int = 0, admitting tasks: Int, on node: Int) async throws
    {
        let admission = try await meters[node].admit(job, of: company, tasks: tasks)
        admission.commit(steps, run: run, by: rules)
    }

    fileprivate func settleAll() async throws {
        // Once for what is told, and once for what comes back by it.
        for _ in 0..<2 { for meter in meters { try await meter.giveBackAll() } }
    }
}

@Suite struct ChargeTests {
    /// Told on two nodes, later, after a restart and in the days after the period: it counts once.
    @Test func aChargeCountsOnceOnAllNodes() async throws {
        let nodes = try await Nodes(3, limit: 1000)
        let job = nodes.trust.job()
        try await nodes.run(job, actions(1...5), admitting: 10, on: 0)
        try await nodes.run(job, actions(3...8), admitting: 6, on: 1)
        try await nodes.settleAll()
        #expect(try await nodes.used() == 8)
        #expect(try await nodes.charged(job) == [8])
        // Again on the same node, and with nothing new.
        try await nodes.run(job, actions(1...8), admitting: 8, on: 0)
        try await nodes.settleAll()
        #expect(try await nodes.used() == 8)
        // A process that starts anew.
        let restarted = TaskMeter(plans: try await nodes.trust.process())
        #expect(try await restarted.report(actions(1...9), of: job, by: rules, to: nodes.company) == 1)
        #expect(try await nodes.used() == 9)
        // The period is over, but not for long.
        let before = nodes.trust.time.now
        nodes.trust.time.setWallClock(to: try #require(CivilDay("2026-02-17")).startInUTC)
        #expect(try await restarted.report(actions(1...9), of: job, by: rules, at: before, to: nodes.company) == 0)
        // The next period has nothing of it.
        #expect(try await nodes.used() == 0)
        // What it did later counts then.
        #expect(try await restarted.report(actions(9...11), of: job, by: rules, to: nodes.company) == 2)
        #expect(try await nodes.used() == 2)
    }

    /// Run again it costs again, also when it is told by another process: the worked job under the four published sets of rules.
    @Test(arguments: [
        (TaskCountingRules.triggersAndActions, 7), (.actionsAndCalls, 7), (.businessActions, 6), (.everyAction, 7),
    ])
    func aRunAgainCostsAgain(_ rules: TaskCountingRules, _ tasks: Int) async throws {
        let nodes = try await Nodes(2, limit: 1000)
        let job = nodes.trust.job()
        for (node, run) in [(0, 0), (1, 1), (0, 1), (1, 0), (1, 2)] {
            let admission = try await nodes.meters[node].admit(job, of: nodes.company, tasks: 4)
            admission.commit(CountingTests.job, run: run, by: rules)
        }
        try await nodes.settleAll()
        #expect(try await nodes.used() == 3 * tasks)
        #expect(try await nodes.charged(job) == [tasks, tasks, tasks])
    }

    /// What a job did beyond what was admitted counts, and what it did not do comes back.
    @Test func whatWasDoneCounts() async throws {
        let nodes = try await Nodes(1, limit: 20)
        try await nodes.run(nodes.trust.job(), actions(1...7), admitting: 5, on: 0)
        try await nodes.run(nodes.trust.job(), actions(1...1) + [JobStep(.trigger, path: "0")], admitting: 5, on: 0)
        try await nodes.settleAll()
        #expect(try await nodes.used() == 8)
        // Also beyond the limit: it happened.
        let job = nodes.trust.job()
        #expect(try await nodes.meters[0].report(loop(1...50), of: job, by: rules, to: nodes.company) == 50)
        let allowance = try await nodes.trust.layer.plans.allowance(of: nodes.company)
        #expect(allowance.used == 58 && allowance.remaining == 0)
        #expect(try await nodes.fill(0) == 0)
        // A thousand passes are one entry: the record stays small.
        #expect(try await nodes.meters[0].report(loop(1...100_000), of: job, by: rules, to: nodes.company) == 99_950)
        #expect(try await nodes.charged(job) == [100_000])
        let keys = nodes.trust.store.commits.last?.changes.values.map { change in
            if case .write(let bytes) = change { bytes.count } else { 0 }
        }
        #expect(try #require(keys?.max()) < 2000)
    }

    /// Attempts and passes are told apart, also at the ends of what a number holds.
    @Test func passesAndAttemptsAreToldApart() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let (meter, company, job) = (nodes.meters[0], nodes.company, nodes.trust.job())
        func report(_ steps: [JobStep]) async throws -> Int {
            try await meter.report(steps, of: job, by: rules, to: company)
        }
        #expect(try await report(loop(5...6) + loop(1...2)) == 4)
        #expect(try await report(loop(2...5)) == 2)
        #expect(try await report(loop(0...9)) == 4)
        #expect(try await report(loop(0...9, attempt: 1)) == 10)
        let ends = [Int.min, .min + 1, .max, .max - 1]
        #expect(try await report(ends.map { JobStep(.action, path: "2", iteration: $0, attempt: $0) }) == 4)
        #expect(try await report(ends.map { JobStep(.action, path: "2", iteration: $0) }) == 4)
        #expect(try await report(ends.map { JobStep(.action, path: "2", iteration: $0) }) == 0)
        #expect(try await nodes.charged(job) == [28])
    }

    @Test func whatCannotBeTold() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let (meter, company, job) = (nodes.meters[0], nodes.company, nodes.trust.job())
        func refusal(_ steps: [JobStep], _ instant: Timestamp? = nil, to other: Identifier<Company>? = nil) async
            -> PlanError?
        {
            await #expect(throws: PlanError.self) {
                try await meter.report(steps, of: job, by: rules, at: instant, to: other ?? company)
            }
        }
        let now = nodes.trust.time.now
        #expect(await refusal(actions(1...1), now.advanced(by: .seconds(3601)))?.code == .inTheFuture)
        #expect(await refusal(actions(1...1), now.advanced(by: .seconds(-40 * 86_400)))?.code == .periodClosed)
        #expect(await refusal(actions(1...1001))?.code == .tooManyCharges)
        #expect(await refusal([JobStep(.action, path: String(repeating: "x", count: 201))])?.code == .tooManyCharges)
        #expect(await refusal([JobStep(.action, path: "a\n")])?.code == .tooManyCharges)
        #expect(await refusal(actions(1...1), to: Identifier(high: 1, low: 1))?.code == .noPlan)
        #expect(try await nodes.used() == 0)
        #expect(try await nodes.charged(job) == [])
        // Too much together.
        #expect(try await meter.report(actions(1...900), of: job, by: rules, to: company) == 900)
        #expect(await refusal(actions(901...1001))?.code == .tooManyCharges)
        #expect(try await nodes.charged(job) == [900])
        // Of an admission all of it counts then.
        try await nodes.setLimit(5000)
        try await nodes.run(job, actions(901...1800), admitting: 1000, on: 0)
        try await nodes.run(nodes.trust.job(), actions(1...1001), admitting: 7, on: 0)
        try await nodes.settleAll()
        #expect(try await nodes.used() == 900 + 900 + 1001)
        // As long as can be.
        let longest = (0..<1000).map { number in
            JobStep(
                .action, path: "\(number)", iteration: number.isMultiple(of: 2) ? .max : .min, attempt: .min + number)
        }
        #expect(await refusal(longest)?.code == .tooManyCharges)
        let quotes = (0..<150).map { JobStep(.action, path: String(repeating: "\"", count: 195) + "\($0)") }
        #expect(try await meter.report(quotes, of: nodes.trust.job(), by: rules, to: company) == 150)
    }

    @Test func correctionsGoBothWays() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let (plans, company, job) = (nodes.trust.layer.plans, nodes.company, nodes.trust.job())
        try await nodes.run(job, actions(1...50), admitting: 50, on: 0)
        try await nodes.settleAll()
        try await nodes.trust.layer.tasks.correct(job.id, of: company, to: 10, nodes.permit())
        #expect(try await nodes.used() == 10)
        // Told again it changes nothing; what is new counts.
        #expect(try await nodes.meters[0].report(actions(1...52), of: job, by: rules, to: company) == 2)
        try await nodes.trust.layer.tasks.correct(job.id, of: company, to: 70, nodes.permit())
        #expect(try await nodes.used() == 70)
        let charged = try #require(try await plans.charges(of: job.id, of: company).first)
        #expect(charged.tasks == 70 && charged.correction == 18 && charged.job == job.id && charged.run == 0)
        #expect(charged.period == (try await plans.allowance(of: company).periodStart))
        for (tasks, run, code) in [(-1, 0, PlanError.Code.invalidCount), (.max, 0, .invalidCount), (5, 1, .unknownJob)]
        {
            let permit = try await nodes.permit()
            await #expect(throws: PlanError(code)) {
                try await nodes.trust.layer.tasks.correct(job.id, run: run, of: company, to: tasks, permit)
            }
        }
        nodes.trust.time.setWallClock(to: try #require(CivilDay("2026-02-19")).startInUTC)
        await #expect(throws: PlanError(.periodClosed)) {
            try await nodes.trust.layer.tasks.correct(job.id, of: company, to: 0, nodes.permit())
        }
    }

    /// What counted before a change that counts anew does not come back by what is told of it later.
    @Test func aChangeThatCountsAnewForgetsWhatWasBefore() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let (plans, company, job) = (nodes.trust.layer.plans, nodes.company, nodes.trust.job())
        let before = nodes.trust.time.now
        _ = try await nodes.meters[0].report(actions(1...50), of: job, by: rules, to: company)
        nodes.trust.time.advance(by: .seconds(86_400))
        try await plans.change(
            PlanChange(.package(Package(tasksPerPeriod: 500)), usage: .reset), of: company, nodes.permit())
        #expect(try await nodes.used() == 0)
        nodes.trust.time.advance(by: .seconds(1))
        #expect(try await nodes.meters[0].report(actions(51...60), of: job, by: rules, at: before, to: company) == 10)
        try await nodes.trust.layer.tasks.correct(job.id, of: company, to: 5, nodes.permit())
        #expect(try await nodes.used() == 0)
        #expect(try await nodes.meters[0].report(actions(1...3), of: job, run: 1, by: rules, to: company) == 3)
        #expect(try await nodes.used() == 3)
    }

    /// Charges are kept as long as something may be told of them, and no longer.
    @Test func chargesOfClosedPeriodsAreRemoved() async throws {
        let nodes = try await Nodes(1, limit: 100_000)
        let (plans, company) = (nodes.trust.layer.plans, nodes.company)
        let jobs = (0..<130).map { _ in nodes.trust.job() }
        for job in jobs { try await nodes.meters[0].report(actions(1...1), of: job, by: rules, to: company) }
        nodes.trust.time.setWallClock(to: try #require(CivilDay("2026-02-16")).startInUTC)
        let last = nodes.trust.job()
        try await nodes.meters[0].report(actions(1...2), of: last, by: rules, to: company)
        #expect(try await plans.removeClosedCharges(of: company) == 0)
        nodes.trust.time.setWallClock(to: try #require(CivilDay("2026-02-19")).startInUTC)
        #expect(try await plans.removeClosedCharges(of: company) == 130)
        #expect(try await nodes.charged(jobs[7]) == [])
        #expect(try await nodes.charged(last) == [2])
    }

    /// One record that cannot be read, or jobs that are too much for one commit, keep nothing from being told.
    @Test func nothingKeepsTheOthersFromBeingTold() async throws {
        let nodes = try await Nodes(1, limit: 1_000_000)
        let broken = nodes.trust.job()
        let key = Table<RawRecord>("plans.charges").key(
            .platform, [nodes.company.description, broken.id.description, "0"])
        var changes = Changes()
        changes.write(key, Array("{}".utf8))
        try await nodes.trust.store.commit(changes)
        await #expect(throws: PlanError(.storeFailed)) {
            try await nodes.meters[0].report(actions(1...2), of: broken, by: rules, to: nodes.company)
        }
        try await nodes.run(broken, actions(1...2), admitting: 2, on: 0)
        let path = String(repeating: "x", count: 150)
        for _ in 0..<70 {
            let steps = (0..<120).map { JobStep(.action, path: path + "\($0)") }
            try await nodes.run(nodes.trust.job(), steps, admitting: 100, on: 0)
        }
        try await nodes.settleAll()
        #expect(try await nodes.used() == 2 + 70 * 120)
    }

    /// Whichever call to the store fails, and however, nothing counts less than it did; and where it is known what became of the call,
    /// nothing counts more.
    @Test(arguments: FaultyStore.Fault.allCases) func noFaultCountsLess(_ fault: FaultyStore.Fault) async throws {
        let whole = FaultyStore(TestStore())
        _ = try await Nodes(2, limit: 1000, over: TestStore(), faulty: [0: whole])
        var call = whole.calls
        while true {
            call += 1
            let base = TestStore()
            let faulty = FaultyStore(base, failing: call, with: fault)
            let nodes = try await Nodes(2, limit: 1000, over: base, faulty: [0: faulty])
            let jobs = (0..<3).map { _ in nodes.trust.job() }
            // The other has told the half of it.
            for job in jobs { try await nodes.run(job, actions(1...5), admitting: 5, on: 1) }
            try await nodes.meters[1].giveBackAll()
            var expected = 15
            for (job, admitted) in zip(jobs, [10, 3, 20]) {
                guard let admission = try? await nodes.meters[0].admit(job, of: nodes.company, tasks: admitted) else {
                    continue
                }
                admission.commit(actions(1...10), by: rules)
                expected += 5
            }
            for _ in 0..<4 { try? await nodes.meters[0].giveBackAll() }
            let isDead = fault == .crash || fault == .crashAfter
            nodes.trust.time.advance(by: .seconds(300))
            _ = try await nodes.fill(1, atMost: 1)
            try await nodes.meters[1].giveBackAll()
            let used = try await nodes.used() - 1
            #expect(isDead ? used >= 15 : used >= expected, "call \(call): \(used) of \(expected)")
            if fault == .refused { #expect(used == expected, "call \(call): \(used) of \(expected)") }
            // What is told again by another changes nothing once it was told.
            if !isDead {
                for job in jobs {
                    try await nodes.meters[1].report(actions(1...10), of: job, by: rules, to: nodes.company)
                }
                #expect(try await jobs.asyncSum { try await nodes.charged($0).reduce(0, +) } == 30)
            }
            if faulty.calls < call { break }
        }
        #expect(call > 10)
    }
}

extension [Job] {
    fileprivate func asyncSum(_ body: (Job) async throws -> Int) async throws -> Int {
        var sum = 0
        for job in self { sum += try await body(job) }
        return sum
    }
}

@Suite struct ChargeProperties {
    /// Streams of what jobs did, told in any order, twice, after one another or much later, by any process, admitted or not: the same balance as a
    /// set of charges has.
    @Test func anyStreamGivesTheSameBalance() async throws {
        var generator = Scale.current.generator(for: "charge streams")
        for _ in 0..<Scale.current.cases(ci: 60, soak: 3000) {
            let nodes = try await Nodes(3, limit: 1_000_000)
            let jobs = (0..<4).map { _ in nodes.trust.job() }
            // What each run of a job did, and when.
            var steps: [Int: [JobStep]] = [:]
            for number in 0..<8 {
                steps[number] = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
                    JobStep(
                        JobStep.Kind.allCases.randomElement(using: &generator) ?? .action,
                        path: "\(Int.random(in: 0...4, using: &generator))",
                        iteration: .random(in: 0...6, using: &generator),
                        attempt: .random(in: 0...1, using: &generator),
                        succeeded: Int.random(in: 0...9, using: &generator) > 0)
                }
            }
            func cost(_ steps: [JobStep]) -> Int { rules.tasks(of: steps) }
            var told: [(number: Int, steps: [JobStep])] = []
            for (number, all) in steps {
                // In pieces, some twice, and once altogether.
                for _ in 0..<Int.random(in: 0...4, using: &generator) {
                    told.append((number, all.filter { _ in Bool.random(using: &generator) }))
                }
                told.append((number, all))
            }
            told.sort { $0.number < $1.number }
            for (number, part) in told.shuffled(using: &generator) {
                let (node, job, run) = (Int.random(in: 0..<3, using: &generator), jobs[number / 2], number % 2)
                if Bool.random(using: &generator) {
                    let tasks = Int.random(in: 1...40, using: &generator)
                    try await nodes.run(job, part, run: run, admitting: tasks, on: node)
                } else {
                    _ = try await nodes.meters[node].report(part, of: job, run: run, by: rules, to: nodes.company)
                }
                if Int.random(in: 0...3, using: &generator) == 0 { try await nodes.meters[node].settle() }
            }
            try await nodes.settleAll()
            // A step that costs something is one charge, whatever else was told of its place.
            let expected = steps.values.reduce(0) { $0 + cost($1) }
            #expect(try await nodes.used() == expected)
            // A restart finds all of them.
            let fresh = TaskMeter(plans: nodes.trust.layer.plans)
            for (number, part) in told {
                let again = try await fresh.report(
                    part, of: jobs[number / 2], run: number % 2, by: rules, to: nodes.company)
                #expect(again == 0)
            }
        }
    }

    /// No bytes in the place of a record lead anywhere but to an error.
    @Test func hostileRecordsAreErrors() async throws {
        var generator = Scale.current.generator(for: "hostile charges")
        let nodes = try await Nodes(1, limit: 1000)
        let job = nodes.trust.job()
        let steps = loop(0...3) + loop(7...9) + actions(2...3)
        try await nodes.meters[0].report(steps, of: job, by: rules, to: nodes.company)
        let key = Table<RawRecord>("plans.charges").key(
            .platform, [nodes.company.description, job.id.description, "0"])
        let bytes = try #require(try await nodes.trust.store.record(for: key)).bytes
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains(#""charges":[{"attempt":0,"passes":[0,3,7,9],"path":"1"}"#))
        func put(_ bytes: [UInt8]) async throws {
            var changes = Changes()
            changes.write(key, bytes)
            try await nodes.trust.store.commit(changes)
        }
        for (old, new) in [
            ("[0,3,7,9]", "[0,3,7]"), ("[0,3,7,9]", "[3,0,7,9]"), ("[0,3,7,9]", "[0,6,7,9]"),
            ("[0,3,7,9]", "[0,8,7,9]"),
            ("[0,3,7,9]", "[-9223372036854775808,9223372036854775807]"), ("\"tasks\":9", "\"tasks\":-9"),
            ("\"tasks\":9", "\"tasks\":1000000000001"), ("\"correction\":0", "\"correction\":1000000000001"),
        ] {
            let changed = text.replacing(old, with: new)
            #expect(changed != text)
            try await put(Array(changed.utf8))
            await #expect(throws: PlanError(.storeFailed)) {
                try await nodes.meters[0].report(steps, of: job, by: rules, to: nodes.company)
            }
        }
        for _ in 0..<Scale.current.cases(ci: 2000, soak: 200_000) {
            var hostile = bytes
            if Bool.random(using: &generator) {
                hostile.removeLast(Int.random(in: 1...bytes.count, using: &generator))
            } else {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                hostile[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            try await put(hostile)
            _ = try? await nodes.meters[0].report(steps, of: job, by: rules, to: nodes.company)
            _ = try? await nodes.trust.layer.plans.charges(of: job.id, of: nodes.company)
        }
    }
}
