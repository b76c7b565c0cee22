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
import Testing

/// Several processes over one store, and one company with a limit.
struct Nodes {
    let trust: TestTrust
    let meters: [TaskMeter]
    var company: Identifier<Company> { trust.company }

    init(
        _ count: Int, limit: Int, recallMilliseconds: Int = 0, leasePerMille: Int = 250, time: (any TimeSource)? = nil,
        over base: any Store = TestStore(), faulty: [Int: any Store] = [:]
    ) async throws {
        let configuration = TaskMeter.Configuration(
            recallMilliseconds: recallMilliseconds, leasePerMille: leasePerMille)
        trust = try await TestTrust(over: base, configuration: .init(tasks: configuration))
        var meters: [TaskMeter] = []
        for number in 0..<count {
            let plans = try await trust.process(faulty[number] ?? trust.store, time: time ?? trust.time)
            meters.append(TaskMeter(plans: plans, configuration: configuration))
        }
        self.meters = meters
        try await setLimit(limit)
    }

    func setLimit(_ limit: Int) async throws {
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
        try await trust.layer.plans.change(.package(Package(tasksPerPeriod: limit)), of: company, permit)
    }

    /// Admits jobs of one task on a node until it is refused; returns how many.
    func fill(_ node: Int, atMost count: Int = .max) async throws -> Int {
        var admitted = 0
        while admitted < count {
            do {
                try await meters[node].admit(trust.job(), of: company).commit(used: 1)
                admitted += 1
            } catch {
                #expect(error == PlanError(.limitReached))
                return admitted
            }
        }
        return admitted
    }

    /// Whether a node admits a task on what it holds.
    func admitsHeld(_ node: Int, tasks: Int = 1) -> Bool {
        guard let admission = meters[node].handle(for: company).admit(trust.job(), tasks: tasks) else { return false }
        admission.commit(used: tasks)
        return true
    }

    func used() async throws -> Int { try await trust.layer.plans.allowance(of: company).used }

    /// Admits jobs of one task on a process of its own, until anything refuses one; returns how many.
    func fill(_ meter: TaskMeter, atMost count: Int = 5000) async throws -> Int {
        var admitted = 0
        while admitted < count,
            await refusal({ try await meter.admit(trust.job(), of: company).commit(used: 1) }) == nil
        {
            admitted += 1
        }
        return admitted
    }

    /// Commits that wrote the company's pool.
    var poolWrites: Int {
        trust.store.commits.count { commit in
            commit.changes.keys.contains { $0.elements?.dropFirst().first == .text("plans.quota") }
        }
    }
}

extension TestTrust {
    /// The plans of a further process, over this store or a view of it.
    func process(
        _ store: (any Store)? = nil, time: (any TimeSource)? = nil, catalogue: Catalogue = .reference,
        journal: TaskJournal? = nil
    ) async throws -> Plans {
        let authority = try await AccessAuthority.soleOperator(
            principal, reason: "a process", store: store ?? self.store, time: time ?? self.time)
        return Plans(catalogue: catalogue, authority: authority, control: keys.control, journal: journal)
    }
}

extension Nodes {
    var plans: Plans { trust.layer.plans }

    func permit() async throws -> Permit<ChangePlan> {
        try await trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
    }

    /// A job of some tasks, which it uses.
    func use(_ tasks: Int, on node: Int = 0) async throws {
        try await meters[node].admit(trust.job(), of: company, tasks: tasks).commit(used: tasks)
    }

    func giveBackAll() async throws { for meter in meters { try await meter.giveBackAll() } }

    func left() async throws -> Int { try await plans.allowance(of: company).remaining }

    @discardableResult
    func grant(
        _ tasks: Int, priority: Int = 50, from: Timestamp? = nil, expires: Timestamp? = nil,
        mostCarriedOver: Int? = nil, id: Identifier<TaskGrant>? = nil
    ) async throws -> TaskGrant {
        try await plans.grant(
            tasks, to: company, priority: priority, from: from, expires: expires, mostCarriedOver: mostCarriedOver,
            id: id, permit())
    }

    /// A company's package.
    func set(
        _ limit: Int, _ sublimits: [Sublimit]? = nil, _ usage: PlanChange.Usage = .kept,
        _ timing: PlanChange.Timing = .immediately, until: Timestamp? = nil, pace: Pace? = nil
    ) async throws {
        let package = Package(tasksPerPeriod: limit, pace: pace, sublimits: sublimits)
        try await plans.change(
            PlanChange(.package(package), timing: timing, usage: usage, until: until), of: company, permit())
    }

    func job(_ environment: Environment?, of workspace: Identifier<Workspace>? = nil) -> Job {
        Job(
            id: Identifier(at: trust.time.now), recipe: Recipe(id: Identifier(at: trust.time.now), version: 1),
            scope: Scope(workspace ?? trust.scope.workspace ?? Identifier(high: 1, low: 1), environment))
    }

    /// Admits jobs of one task until one is refused; returns how many, and why no more.
    func fill(
        _ environment: Environment?, of workspace: Identifier<Workspace>? = nil, on meter: TaskMeter? = nil,
        atMost count: Int = 2000
    ) async -> (Int, PlanError?) {
        for admitted in 0..<count {
            do throws(PlanError) {
                try await (meter ?? meters[0]).admit(job(environment, of: workspace), of: company).commit(used: 1)
            } catch {
                return (admitted, error)
            }
        }
        return (count, nil)
    }

    /// A process with a journal; a second one of the same name is the first one after its restart.
    func process(
        _ name: String = "worker", journal: any Store, step: Int = 10, store: (any Store)? = nil,
        leasePerMille: Int = 500
    ) async throws -> TaskMeter {
        let plans = try await trust.process(
            store ?? trust.store, journal: try TaskJournal(journal, name: name, step: step))
        return TaskMeter(
            plans: plans,
            configuration: .init(recallMilliseconds: 0, leasePerMille: leasePerMille))
    }

    /// Counts the period anew under a limit.
    func reset(_ limit: Int, _ usage: PlanChange.Usage = .reset) async throws {
        try await plans.change(
            PlanChange(.package(Package(tasksPerPeriod: limit)), usage: usage), of: company, permit())
    }

    /// A further process, with a clock of its own.
    func node(_ time: any TimeSource) async throws -> (TaskMeter, Plans) {
        let plans = try await trust.process(time: time)
        return (TaskMeter(plans: plans, configuration: .init(recallMilliseconds: 0, leasePerMille: 250)), plans)
    }

    func days(_ count: Int) { trust.time.advance(by: .seconds(count * 86_400)) }

    func to(_ day: String) throws { trust.time.setWallClock(to: try #require(CivilDay(day)).startInUTC) }
}

let rules = TaskCountingRules.everyAction

/// Actions, each at a place of its own.
func actions(_ places: ClosedRange<Int>) -> [JobStep] { places.map { JobStep(.action, path: "\($0)") } }

/// A record whose bytes a test writes itself.
struct RawRecord: Codable, RecordCodable {}
