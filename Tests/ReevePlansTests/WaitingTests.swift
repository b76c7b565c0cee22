// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Synchronization
import Testing

@Suite struct WaitingTests {
    /// Starts jobs of so many tasks each, one after the other, and returns when all of them wait.
    private func start(
        _ needs: [Int], _ nodes: Nodes, until deadline: Timestamp? = nil,
        _ done: @escaping @Sendable (Int, PlanError?) -> Void
    ) async -> [Task<Void, Never>] {
        var tasks: [Task<Void, Never>] = []
        for (index, need) in needs.enumerated() {
            let before = nodes.meters[0].waiting(of: nodes.company).count
            tasks.append(
                Task {
                    do throws(PlanError) {
                        let admission = try await nodes.meters[0].admitWaiting(
                            nodes.trust.job(), of: nodes.company, tasks: need, until: deadline)
                        admission.commit(used: need)
                        done(index, nil)
                    } catch {
                        done(index, error)
                    }
                })
            while nodes.meters[0].waiting(of: nodes.company).count == before { await Task.yield() }
        }
        return tasks
    }

    /// Jobs wait with a reason at the limit, and each goes on once when the limit is raised, in their order as far as it reaches.
    @Test func aRaiseLetsEachGoOnOnce() async throws {
        let nodes = try await Nodes(1, limit: 10, leasePerMille: 1)
        #expect(try await nodes.fill(0) == 10)
        let ended = Mutex<[Int]>([])
        let jobs = await start([3, 1, 4, 1, 5], nodes) { index, error in
            #expect(error == nil)
            ended.withLock { $0.append(index) }
        }
        let waiting = nodes.meters[0].waiting(of: nodes.company)
        #expect(
            waiting.map(\.tasks) == [3, 1, 4, 1, 5] && waiting.allSatisfy { $0.reason == PlanError(.limitReached) })
        #expect(waiting.first?.reason.retryAt?.day.description == "2026-02-15")
        // Without a raise nobody is tried: no further refusal is recorded.
        try await nodes.meters[0].settle()
        func writes() -> Int { nodes.trust.store.commits.count { !$0.changes.isEmpty } }
        let before = writes()
        for _ in 0..<3 { try await nodes.meters[0].settle() }
        #expect(writes() == before && ended.withLock { $0 }.isEmpty)
        // Room for the first two and a half; the fourth would fit and does not pass the third.
        try await nodes.setLimit(16)
        try await nodes.meters[0].settle()
        for job in jobs[0...1] { await job.value }
        #expect(ended.withLock { Set($0) } == [0, 1])
        try await nodes.meters[0].settle()
        #expect(nodes.meters[0].waiting(of: nodes.company).map(\.tasks) == [4, 1, 5])
        try await nodes.setLimit(24)
        try await nodes.meters[0].settle()
        for job in jobs { await job.value }
        #expect(ended.withLock { Set($0) } == [0, 1, 2, 3, 4] && nodes.meters[0].waiting(of: nodes.company).isEmpty)
        #expect(try await nodes.used() == 24)
        let entries = try nodes.trust.store.auditEntries().filter { $0.action == "plans.admit" }
        #expect(entries.filter { $0.outcome == .refused }.count == 6)
    }

    /// The next period, and tasks that another job gives back, let them go on as well.
    @Test(arguments: [false, true]) func theyGoOnByThemselves(_ isNextPeriod: Bool) async throws {
        let nodes = try await Nodes(1, limit: 5, leasePerMille: 1)
        let running = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 5)
        let jobs = await start([2], nodes) { _, error in #expect(error == nil) }
        if isNextPeriod {
            nodes.trust.time.setWallClock(to: try #require(CivilDay("2026-02-15")).startInUTC)
            running.commit(used: 5)
        } else {
            running.commit(used: 3)
        }
        // What came back is told first, and what is there is seen then.
        for _ in 0..<2 { try await nodes.meters[0].settle() }
        for job in jobs { await job.value }
        #expect(nodes.meters[0].waiting(of: nodes.company).isEmpty)
    }

    /// A deadline, a cancelled task and a company that leaves end the waiting, each with its reason.
    @Test func waitingEnds() async throws {
        let nodes = try await Nodes(1, limit: 0)
        let errors = Mutex<[PlanError?]>([])
        let note: @Sendable (Int, PlanError?) -> Void = { _, error in errors.withLock { $0.append(error) } }
        let deadline = nodes.trust.time.now.advanced(by: .seconds(60))
        let late = await start([1], nodes, until: deadline, note)
        let cancelled = await start([1], nodes, note)
        let left = await start([1], nodes, note)
        cancelled[0].cancel()
        await cancelled[0].value
        #expect(nodes.meters[0].waiting(of: nodes.company).count == 2)
        nodes.trust.time.advance(by: .seconds(60))
        try await nodes.meters[0].settle()
        await late[0].value
        try await nodes.trust.layer.plans.setStatus(Company(id: nodes.company, status: .former), sequence: 2)
        try await nodes.meters[0].settle()
        await left[0].value
        let expected: [PlanError.Code] = [.cancelled, .limitReached, .companyInactive]
        #expect(errors.withLock { $0 }.map { $0?.code } == expected)
        // Nothing that waiting helps.
        let job = nodes.trust.job()
        let error = await refusal { try await nodes.meters[0].admitWaiting(job, of: nodes.company).release() }
        #expect(error == PlanError(.companyInactive))
    }

    /// A cancelled task that comes to wait does not.
    @Test func aCancelledTaskDoesNotWait() async throws {
        let nodes = try await Nodes(1, limit: 0)
        let task = Task { () -> PlanError? in
            withUnsafeCurrentTask { $0?.cancel() }
            do throws(PlanError) {
                try await nodes.meters[0].admitWaiting(nodes.trust.job(), of: nodes.company).release()
                return nil
            } catch {
                return error
            }
        }
        #expect(await task.value == PlanError(.cancelled))
        #expect(nodes.meters[0].waiting(of: nodes.company).isEmpty)
    }
}
