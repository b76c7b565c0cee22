// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

/// Several processes over one store, and one company with a limit.
struct Nodes {
    let trust: TestTrust
    let meters: [TaskMeter]
    var company: Identifier<Company> { trust.company }

    init(
        _ count: Int, limit: Int, recallMilliseconds: Int = 0, leasePerMille: Int = 250, time: (any TimeSource)? = nil,
        over base: any Store = MemoryStore(), faulty: [Int: any Store] = [:]
    ) async throws {
        let configuration = TaskMeter.Configuration(
            recallMilliseconds: recallMilliseconds, leasePerMille: leasePerMille)
        trust = try await TestTrust(over: base, configuration: .init(tasks: configuration))
        var meters: [TaskMeter] = []
        for number in 0..<count {
            let authority = try await AccessAuthority.soleOperator(
                trust.principal, reason: "a node", store: faulty[number] ?? trust.store, time: time ?? trust.time)
            meters.append(TaskMeter(plans: Plans(authority: authority), configuration: configuration))
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

    /// Commits that wrote the company's pool.
    var poolWrites: Int {
        trust.store.commits.count { commit in
            commit.changes.keys.contains { $0.elements?.dropFirst().first == .text("plans.quota") }
        }
    }
}

/// A record whose bytes a test writes itself.
struct RawRecord: Codable, RecordCodable {}
