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

/// What a ledger says, found task by task.
private struct BruteForce {
    struct Part: Hashable {
        var name: String
        var priority: Int
        var from: Int
        var until: Int
        var expires: Int?
        var granted: Int
        var isLast = false
        var tasks: Int
        var used = 0
    }
    var parts: [Part]
    var beyond = 0

    mutating func take(_ tasks: Int, at instant: Int) {
        var open = beyond + tasks
        beyond = 0
        while open > 0 {
            // The one that is used next: looked for anew for each task.
            let next = parts.indices.filter { index in
                let part = parts[index]
                return part.used < part.tasks && part.from <= instant && instant < part.until
            }.min { left, right in
                let (a, b) = (parts[left], parts[right])
                if a.isLast != b.isLast { return b.isLast }
                if a.priority != b.priority { return a.priority < b.priority }
                let (first, second) = (a.expires ?? a.until, b.expires ?? b.until)
                if first != second { return first < second }
                if a.granted != b.granted { return a.granted < b.granted }
                return left < right
            }
            guard let next else {
                beyond = open
                return
            }
            parts[next].used += 1
            open -= 1
        }
    }

    /// Counts the plan's tasks anew.
    mutating func reset() {
        beyond = 0
        for index in parts.indices {
            if index > 0 { parts[index].tasks -= parts[index].used }
            parts[index].used = 0
        }
    }

    /// Tells what was used, in the order in which it was, until an instant.
    mutating func tell(_ uses: [(at: Int, tasks: Int)], until end: Int) {
        var events = uses + parts.map { (at: $0.from, tasks: 0) } + [(at: end, tasks: 0)]
        events.sort { $0.at < $1.at }
        for event in events where event.at <= end { take(event.tasks, at: event.at) }
    }
}

private func instant(_ seconds: Int) -> Timestamp { Timestamp(microseconds: Int64(seconds) * 1_000_000) }

@Suite struct LedgerProperties {
    /// Ledgers of grants and uses: the same as task by task, in any order in which it is told within what is there, and from a
    /// snapshot anywhere.
    @Test func aLedgerIsWhatTaskByTaskGives() throws {
        var generator = Scale.current.generator(for: "ledgers")
        for _ in 0..<Scale.current.cases(ci: 10_000, soak: 1_000_000) {
            func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
            var parts: [BruteForce.Part] = []
            var sources: [TaskLedger.Source] = []
            for index in 0..<number(1...6) {
                let kind: TaskLedger.Source.Kind =
                    switch index {
                    case 0: .plan
                    case 1 where number(0...1) == 0: .overage
                    default: .grant(Identifier(high: 1, low: UInt64(index)))
                    }
                let from = number(0...1) == 0 ? 0 : number(0...20)
                let until = number(0...2) == 0 ? nil : number(from...25)
                let part = BruteForce.Part(
                    name: "\(index)", priority: number(49...51), from: from, until: until ?? .max,
                    granted: number(0...2),
                    isLast: kind == .overage, tasks: number(0...12))
                parts.append(part)
                sources.append(
                    TaskLedger.Source(
                        kind, priority: part.priority, from: instant(from), until: until.map(instant),
                        granted: instant(part.granted), tasks: Int64(part.tasks)))
            }
            let uses = (0..<number(0...8)).map { _ in (at: number(0...24), tasks: number(0...9)) }
                .sorted { $0.at < $1.at }
            var brute = BruteForce(parts: parts)
            brute.tell(uses, until: 25)
            var ledger = TaskLedger(sources)
            let snapshotAt = number(0...8)
            var snapshot: TaskLedger?
            for (index, use) in uses.enumerated() {
                if index == snapshotAt {
                    // With a look at it that changes nothing.
                    ledger.use(0, at: instant(use.at))
                    snapshot = ledger
                }
                ledger.use(Int64(use.tasks), at: instant(use.at))
            }
            ledger.use(0, at: instant(25))
            func used(_ ledger: TaskLedger) -> [String: Int64] {
                var used: [String: Int64] = [:]
                for source in ledger.sources {
                    let name =
                        switch source.kind {
                        case .plan, .carried: "0"
                        case .overage: "1"
                        case .grant(let id): String(Int(UInt64(id.low)))
                        }
                    used[name] = source.used
                }
                return used
            }
            let expected = Dictionary(uniqueKeysWithValues: brute.parts.map { ($0.name, Int64($0.used)) })
            #expect(used(ledger) == expected && ledger.beyond == Int64(brute.beyond))
            if var snapshot {
                for use in uses.dropFirst(snapshotAt) { snapshot.use(Int64(use.tasks), at: instant(use.at)) }
                snapshot.use(0, at: instant(25))
                #expect(snapshot == ledger)
            }
            // What may be used is what is there and not used, and what was used.
            let left = ledger.sources.filter { $0.isThere(at: instant(25)) }.reduce(Int64(0)) { $0 + $1.left }
            let all = Int64(uses.reduce(0) { $0 + $1.tasks })
            #expect(ledger.limit(at: instant(25)) == left + all - ledger.beyond)
        }
    }
}

/// A company's grants, periods and uses, from which everything is found anew each time.
private struct LedgerModel {
    struct Grant {
        let id: Identifier<TaskGrant>
        let tasks: Int
        let priority: Int
        let from: Int
        let expires: Int
        var until: Int
        let granted: Int
        let rollover: Rollover?
    }
    let planTasks: Int
    let rollover: Rollover?
    var grants: [Grant] = []
    var uses: [(at: Int, tasks: Int)] = []
    /// When the plan's tasks were counted anew.
    var resets: [Int] = []
    /// Beginnings of periods, the last one being the end of the last.
    var periods: [Int] = []

    /// What is left, by the name of each part, at an instant in the last period.
    func parts(at now: Int) -> BruteForce {
        var left: [String: Int] = [:]
        var carried = 0
        var brute = BruteForce(parts: [])
        for (start, end) in zip(periods, periods.dropFirst()) {
            brute = BruteForce(parts: [
                .init(name: "plan", priority: 50, from: start, until: end, granted: start, tasks: planTasks),
                .init(name: "carried", priority: 50, from: start, until: end, granted: .min, tasks: carried),
            ])
            for grant in grants where grant.from < end && grant.until > start {
                let name = grant.id.description
                brute.parts.append(
                    .init(
                        name: name, priority: grant.priority, from: grant.from, until: grant.until,
                        expires: grant.expires, granted: grant.granted, tasks: left[name] ?? grant.tasks))
            }
            let last = min(now, end - 1)
            let resets = resets.filter { $0 > start && $0 <= last }
            for (from, to) in zip([start] + resets, resets + [end]) {
                if from > start { brute.reset() }
                let uses = uses.filter { $0.at >= from && $0.at < to }
                brute.tell(uses, until: min(last, to - 1))
            }
            guard end <= now else { break }
            let own = brute.parts[0...1].reduce(0) { $0 + $1.tasks - $1.used }
            carried = rollover.map { min($0.most, max($0.least, own)) } ?? 0
            for part in brute.parts.dropFirst(2) {
                let rest = part.tasks - part.used
                let bounds = grants.first { $0.id.description == part.name }?.rollover
                left[part.name] = bounds.map { min($0.most, max($0.least, rest)) } ?? rest
            }
        }
        return brute
    }

    func left(at now: Int) -> Int {
        let brute = parts(at: now)
        let there = brute.parts.filter { $0.from <= now && now < $0.until }
        return max(0, there.reduce(0) { $0 + $1.tasks - $1.used } - brute.beyond)
    }
}

@Suite struct GrantProperties {
    /// Grants, revocations, jobs on several processes, late reports and periods that pass, in any order: what is admitted, and what the
    /// balance says, is what task by task gives.
    @Test func anyHistoryIsWhatTaskByTaskGives() async throws {
        var generator = Scale.current.generator(for: "grant histories")
        var (admitted, refused, late) = (0, 0, 0)
        for _ in 0..<Scale.current.cases(ci: 500, soak: 20_000) {
            func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
            let planTasks = number(0...30)
            let rollover =
                [nil, Rollover(most: 20), Rollover(least: 3, most: 40)].randomElement(using: &generator) ?? nil
            let catalogue = Catalogue(
                version: 1,
                plans: [Plan(name: "p", entitlements: Entitlements(tasksPerPeriod: planTasks, rollover: rollover))],
                statusRules: [.proofOfConcept: "p", .customer: "p"])
            let trust = try await TestTrust(
                over: TestStore(),
                configuration: .init(catalogue: catalogue, tasks: .init(recallMilliseconds: 0)))
            let (company, time, plans) = (trust.company, trust.time, trust.layer.plans)
            var meters: [(meter: TaskMeter, plans: Plans)] = []
            for _ in 0..<2 {
                let plans = try await trust.process(time: time, catalogue: catalogue)
                meters.append(
                    (TaskMeter(plans: plans, configuration: .init(recallMilliseconds: 0, leasePerMille: 400)), plans))
            }
            func giveBackAll() async throws { for (meter, _) in meters { try await meter.giveBackAll() } }
            func permit() async throws -> Permit<ChangePlan> {
                try await trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
            }
            func seconds(_ instant: Timestamp) -> Int { Int(instant.microseconds / 1_000_000) }
            var model = LedgerModel(planTasks: planTasks, rollover: rollover)
            model.periods = [seconds(try await plans.plan(of: company).period.start)]
            func note(_ period: Period) {
                let (start, end) = (seconds(period.start), seconds(period.end))
                if model.periods.last == start { model.periods.append(end) }
            }
            for _ in 0..<number(5...25) {
                // No two things happen at one instant, and what is held is given back before its period is closed.
                time.advance(by: .seconds(1))
                if number(0...3) > 0 { try await giveBackAll() }
                // Every period is looked at, whether anything happens in it or not.
                while true {
                    let last = instant(model.periods.last ?? 0)
                    guard last <= time.now else { break }
                    note(try await plans.plan(of: company, at: last).period)
                }
                let now = seconds(time.now)
                switch number(0...9) {
                case 0...2:
                    try await giveBackAll()
                    time.advance(by: .seconds(number(0...2) == 0 ? number(1...70) * 86_400 : number(1...200) * 3600))
                case 3:
                    let tasks = number(1...25)
                    let from = number(0...2) == 0 ? now + number(0...40) * 86_400 : now
                    let until = number(0...2) == 0 ? nil : from + number(1...40) * 43_200
                    let kept = [nil, 0, 7, 30]
                    let priority = number(49...51)
                    let grant = try await plans.grant(
                        tasks, to: company, priority: priority, from: instant(from), expires: until.map(instant),
                        mostCarriedOver: kept.randomElement(using: &generator) ?? nil, permit())
                    model.grants.append(
                        .init(
                            id: grant.id, tasks: tasks, priority: priority, from: from,
                            expires: until ?? .max, until: until ?? .max, granted: now,
                            rollover: grant.mostCarriedOver.map { Rollover(most: $0) }))
                case 4 where number(0...2) == 0:
                    try await giveBackAll()
                    try await plans.change(
                        PlanChange(.package(Package(tasksPerPeriod: planTasks)), usage: .reset), of: company, permit())
                    model.resets.append(seconds(try await plans.plan(of: company).at))
                case 4:
                    guard let index = model.grants.indices.randomElement(using: &generator) else { continue }
                    do {
                        try await plans.revoke(model.grants[index].id, of: company, permit())
                        model.grants[index].until = min(model.grants[index].until, now)
                    } catch let error as PlanError {
                        // It is over, or used up, for good.
                        #expect(error == PlanError(.unknownGrant))
                    }
                case 5:
                    let past = number(max(model.periods.first ?? now, now - 34 * 86_400)...now)
                    let steps = (0..<number(1...8)).map { JobStep(.action, path: "\($0)") }
                    do {
                        let job = trust.job()
                        let counted = try await meters[number(0...1)].meter.report(
                            steps, of: job, by: .everyAction, at: instant(past), to: company)
                        #expect(counted == steps.count)
                        model.uses.append((at: past, tasks: steps.count))
                        late += 1
                        // Told again, by another, it counts no more.
                        let again = try await meters[number(0...1)].meter.report(
                            steps, of: job, by: .everyAction, at: instant(past), to: company)
                        #expect(again == 0)
                    } catch {
                        let end = model.periods.first { $0 > past } ?? now
                        #expect(error == PlanError(.periodClosed) && now >= end + 3 * 86_400)
                    }
                default:
                    let (tasks, used, node) = (number(1...12), number(0...12), number(0...1))
                    try await giveBackAll()
                    let left = model.left(at: now)
                    do {
                        try await meters[node].meter.admit(trust.job(), of: company, tasks: tasks).commit(used: used)
                        #expect(tasks <= left, "\(tasks) of \(left)")
                        model.uses.append((at: now, tasks: min(tasks, used)))
                        admitted += 1
                    } catch {
                        #expect(error == PlanError(.limitReached) && tasks > left, "\(tasks) of \(left): \(error)")
                        refused += 1
                    }
                }
                guard number(0...1) == 0 else { continue }
                while true {
                    let last = instant(model.periods.last ?? 0)
                    guard last <= time.now else { break }
                    note(try await plans.plan(of: company, at: last).period)
                }
                try await giveBackAll()
                let present = seconds(time.now)
                let brute = model.parts(at: present)
                let balance = try await plans.balance(of: company)
                var used: [String: Int] = [:]
                for part in balance.parts {
                    let name =
                        switch part.origin {
                        case .plan, .overage: "plan"
                        case .carriedOver: "carried"
                        case .grant(let id): id.description
                        }
                    used[name] = part.used
                }
                for part in brute.parts where part.tasks > 0 {
                    #expect(used[part.name] ?? 0 == part.used, "\(part)")
                }
                #expect(balance.beyond == brute.beyond)
                #expect(try await plans.allowance(of: company).remaining == model.left(at: present))
            }
        }
        print("\(admitted) admitted, \(refused) refused, \(late) late reports")
        #expect(admitted > 0 && refused > 0 && late > 0)
    }
}
