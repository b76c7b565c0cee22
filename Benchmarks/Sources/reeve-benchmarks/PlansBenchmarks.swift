// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveStorage
import Synchronization

/// Admissions on what a process holds, beside an actor with a dictionary.
struct PlansBenchmarks {
    let harness: Harness

    /// What a program writes that counts tasks in itself: exact in one process, gone with it.
    private actor Counter {
        private var used: [Identifier<Company>: Int] = [:]
        private let limit = 1_000_000_000_000

        func admit(_ company: Identifier<Company>, _ tasks: Int) -> Bool {
            let count = used[company, default: 0] + tasks
            guard count <= limit else { return false }
            used[company] = count
            return true
        }
    }

    func run() async throws {
        let store = MemoryStore()
        let authority = try await AccessAuthority.soleOperator(.host("bench"), reason: "bench", store: store)
        let keys = try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
        // As in a `TrustLayer`: what decides is authenticated.
        let plans = Plans(authority: authority, control: keys)
        let plain = Plans(
            authority: try await AccessAuthority.soleOperator(.host("bench"), reason: "bench", store: MemoryStore()))
        try await plain.setStatus(Company(id: Identifier(high: 1, low: 1), status: .customer), sequence: 1)
        let meter = TaskMeter(plans: plans, configuration: .init(leaseSeconds: 3600, leasePerMille: 1000))
        let company = Identifier<Company>(high: 1, low: 1)
        try await plans.setStatus(Company(id: company, status: .customer), sequence: 1)
        let permit = try await authority.permit(
            ChangePlan.self, on: .plan(of: company), as: ActContext(actor: .host("bench"), scope: .platform)
        ).get()
        try await plans.change(.package(Package(tasksPerPeriod: 1_000_000_000_000)), of: company, permit)
        let job = Job(
            id: Identifier(high: 2, low: 1), recipe: Recipe(id: Identifier(high: 3, low: 1), version: 1),
            scope: Scope(Identifier(high: 4, low: 1), .production))
        let handle = meter.handle(for: company)
        try await meter.admit(job, of: company).commit(used: 1)
        let counter = Counter()
        var refused = 0
        func spend() { if handle.admit(job)?.commit(used: 1) == nil { refused += 1 } }
        func giveBack() { if handle.admit(job, tasks: 2)?.commit(used: 1) == nil { refused += 1 } }
        try await harness.compare(
            "admit and commit from a held lease", operations: 200_000,
            [
                .init("TaskHandle.admit, commit", sync: spend),
                .init("the same, one of two tasks given back", sync: giveBack),
                .init("TaskMeter.admit, commit") { try await meter.admit(job, of: company).commit(used: 1) },
                .init("an actor with a dictionary") { if await !counter.admit(company, 1) { refused += 1 } },
            ])
        precondition(refused == 0)
        for threads in [1, 2] { await together(threads, handle, job) }
        try await harness.compare(
            "what the store does", operations: 2000,
            [
                .init("effective plan") { _ = try await plans.plan(of: company) },
                .init("the same without keys, nothing authenticated") { _ = try await plain.plan(of: company) },
                .init("preview of a change") { _ = try await plans.preview(.plan("trial"), of: company) },
                .init("effective plan and use") { _ = try await plans.allowance(of: company) },
                .init("settle with nothing to say") { try await meter.settle() },
                .init("a lease taken, and settled when it is given back") {
                    try await meter.admit(job, of: company).commit(used: 1)
                    try await meter.giveBackAll()
                },
            ])
        try await planning()
        try await charges()
        try await records()
    }

    /// What jobs did, told, settled and folded: each charge counts once.
    private func charges() async throws {
        let jobs = 1000 * harness.scale
        let (store, time) = (CountingStore(MemoryStore()), ContinuousClock())
        let nodes = try await Nodes(1, over: store, limit: 1_000_000_000)
        // Ten places, each passed ten times.
        let steps = (0..<100).map { JobStep(.action, path: "\($0 / 10)", iteration: $0 % 10) }
        let start = time.now
        for number in 0..<jobs {
            try await nodes.run(nodes.job(number), steps, on: 0)
            if number % 50 == 49 { try await nodes.meters[0].settle() }
        }
        try await nodes.meters[0].giveBackAll()
        let nanoseconds = start.duration(to: time.now) / .nanoseconds(1) / Double(jobs * steps.count)
        guard try await nodes.plans.allowance(of: nodes.company).used == jobs * steps.count else { throw Miscount() }
        print(String(format: "  %d charges told and folded: %.1f ns each", jobs * steps.count, nanoseconds))
        for _ in 0..<32 {
            let permit = try await nodes.permit()
            try await nodes.plans.grant(1000, to: nodes.company, permit)
        }
        try await harness.compare(
            "with 32 grants", operations: 500,
            [
                .init("balance") { _ = try await nodes.plans.balance(of: nodes.company) },
                .init("a report of one charge") {
                    try await nodes.meters[0].report(
                        [JobStep(.action, path: "1")], of: nodes.job(Int.random(in: 0..<1 << 40)), by: .everyAction,
                        to: nodes.company)
                },
            ])
    }

    /// How many records 32 processes write for each task.
    private func records() async throws {
        let jobs = 1000 * harness.scale
        for (name, steps) in [("jobs of 10 tasks, with charges", 10), ("jobs of 10 tasks, without", 0)] {
            let store = CountingStore(MemoryStore())
            let nodes = try await Nodes(32, over: store, limit: 20 * jobs)
            store.reset()
            let did = (0..<steps).map { JobStep(.action, path: "\($0)") }
            for number in 0..<jobs {
                let node = number % 32
                try await nodes.run(nodes.job(number), did, on: node)
                if number % 64 == 63 { for meter in nodes.meters { try await meter.settle() } }
            }
            for meter in nodes.meters { try await meter.giveBackAll() }
            let tasks = Double(10 * jobs)
            print(
                String(
                    format: "  32 processes, %d %@: %.4f records and %.4f commits a task, audit entries among them",
                    jobs, name, Double(store.records) / tasks, Double(store.commits) / tasks))
        }
    }

    private struct Miscount: Error {}

    /// Processes over one store.
    private struct Nodes {
        let authority: AccessAuthority
        let plans: Plans
        var meters: [TaskMeter] = []
        let company = Identifier<Company>(high: 1, low: 7)

        init(_ count: Int, over store: any Store, limit: Int) async throws {
            authority = try await AccessAuthority.soleOperator(.host("bench"), reason: "bench", store: store)
            plans = Plans(authority: authority)
            try await plans.setStatus(Company(id: company, status: .customer), sequence: 1)
            try await plans.change(.package(Package(tasksPerPeriod: limit)), of: company, permit())
            for _ in 0..<count { meters.append(TaskMeter(plans: Plans(authority: authority))) }
        }

        func permit() async throws -> Permit<ChangePlan> {
            let context = ActContext(actor: .host("bench"), scope: .platform)
            return try await authority.permit(ChangePlan.self, on: .plan(of: company), as: context).get()
        }

        func job(_ number: Int) -> Job {
            Job(
                id: Identifier(high: 2, low: UInt64(number)),
                recipe: Recipe(id: Identifier(high: 3, low: 1), version: 1),
                scope: Scope(Identifier(high: 4, low: 1), .production))
        }

        /// A job that does some steps, or uses ten tasks without saying which.
        func run(_ job: Job, _ steps: [JobStep], on node: Int) async throws {
            let admission = try await meters[node].admit(job, of: company, tasks: max(10, steps.count))
            if steps.isEmpty { admission.commit(used: 10) } else { admission.commit(steps, by: .everyAction) }
        }
    }

    /// What planning costs, over values.
    private func planning() async throws {
        var seed: UInt64 = 1
        func next(_ below: UInt64) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((seed >> 33) % below)
        }
        let claims = (0..<10_000).map { _ in
            FairShare.Claim(floor: next(100), demand: next(10_000), weight: 1 + next(9))
        }
        let day = CivilDay(daysSince1970: 20_000)
        let period = Period(number: 0, start: day.startInUTC, end: day.advanced(byDays: 31).startInUTC)
        let days = (1...56).map { DayUsage(day: day.advanced(byDays: -$0), tasks: next(1000)) }
        try await harness.compare(
            "planning", operations: 20,
            [
                .init("fair shares of 10,000 claims") { _ = try FairShare.split(20_000_000, among: claims) },
                .init("a forecast from 56 days") {
                    _ = UsageForecast(history: days, used: 0, limit: 15_000, period: period, at: day.startInUTC)
                },
            ])
    }

    /// Wall time an admission when several threads spend one handle.
    private func together(_ threads: Int, _ handle: TaskHandle, _ job: Job) async {
        let count = 2_000_000 * harness.scale / 10
        let start = ContinuousClock.now
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<threads {
                group.addTask {
                    for _ in 0..<count { handle.admit(job)?.commit(used: 1) }
                }
            }
        }
        let nanoseconds = start.duration(to: .now) / .nanoseconds(1) / Double(count * threads)
        print(String(format: "  %d threads, one handle: %.1f ns of wall time an admission", threads, nanoseconds))
    }
}

/// A store that counts what is written to it.
private final class CountingStore: Store {
    private let base: any Store
    private let counts = Mutex((commits: 0, records: 0))

    init(_ base: any Store) { self.base = base }

    var commits: Int { counts.withLock(\.commits) }
    var records: Int { counts.withLock(\.records) }
    func reset() { counts.withLock { $0 = (0, 0) } }

    func record(for key: Key) async throws(StoreError) -> Record? { try await base.record(for: key) }

    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }

    func commit(_ changes: Changes) async throws(StoreError) {
        try await base.commit(changes)
        counts.withLock { counts in
            counts.commits += 1
            counts.records += changes.changes.count
        }
    }
}
