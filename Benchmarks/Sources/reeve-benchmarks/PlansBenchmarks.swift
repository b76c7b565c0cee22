// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage

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
        let plans = Plans(authority: authority)
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
                .init("preview of a change") { _ = try await plans.preview(.plan("trial"), of: company) },
                .init("effective plan and use") { _ = try await plans.allowance(of: company) },
                .init("settle with nothing to say") { try await meter.settle() },
            ])
        try await planning()
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
