// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

@Suite struct MeterTests {
    /// One process: nobody is refused before the limit, and few admissions ask the store.
    @Test func fewAdmissionsAskTheStore() async throws {
        let nodes = try await Nodes(1, limit: 10_000)
        #expect(try await nodes.fill(0) == 10_000)
        #expect(nodes.poolWrites < 50, "\(nodes.poolWrites) writes")
        #expect(try await nodes.used() == 10_000)
    }

    /// 32 processes that take turns at random: all of the limit is used, by one hundredth as many commits.
    @Test func manyProcessesUseAllOfIt() async throws {
        let (limit, count) = (100_000, 32)
        let nodes = try await Nodes(count, limit: limit, leasePerMille: TaskMeter.Configuration().leasePerMille)
        var generator = Scale.current.generator(for: "many processes")
        var admitted = 0
        while true {
            // Some have much more to do than others.
            let node = min(Int.random(in: 0..<count, using: &generator), Int.random(in: 0..<count, using: &generator))
            let more = try await nodes.fill(node, atMost: .random(in: 1...300, using: &generator))
            admitted += more
            if more > 0 { continue }
            // Those who hold something are asked, and look.
            for meter in nodes.meters { try await meter.settle() }
            let last = try await nodes.fill(node, atMost: 1)
            admitted += last
            if last == 0 { break }
        }
        #expect(admitted == limit)
        #expect(nodes.poolWrites * 100 <= limit, "\(nodes.poolWrites) writes")
        print("\(limit) tasks on \(count) nodes: \(nodes.poolWrites) commits")
    }

    /// What others hold comes back while an admission waits for it.
    @Test func aRefusedProcessAsksTheOthersFirst() async throws {
        let nodes = try await Nodes(2, limit: 100, recallMilliseconds: 60_000, time: SystemTime())
        try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        let background = Task {
            while !Task.isCancelled {
                try await nodes.meters[0].settle()
                await Task.yield()
            }
        }
        defer { background.cancel() }
        // More than is left without what the first holds.
        try await nodes.meters[1].admit(nodes.trust.job(), of: nodes.company, tasks: 99).commit(used: 99)
        background.cancel()
        #expect(try await nodes.fill(1) == 0)
    }

    /// What a crashed process held counts as used after a time, and comes back when it speaks after all.
    @Test func aLeaseWhoseHolderIsGoneCountsAsUsed() async throws {
        let nodes = try await Nodes(2, limit: 100)
        try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        #expect(try await nodes.fill(1) == 75)
        nodes.trust.time.advance(by: .seconds(121))
        #expect(try await nodes.fill(1) == 0)
        #expect(try await nodes.used() == 100)
        // It had used one of 25.
        try await nodes.meters[0].settle()
        #expect(try await nodes.fill(1) == 24)
        try await nodes.meters[0].settle()
        #expect(try await nodes.fill(1) == 0)
    }

    /// While the store is away what is held is spent; then nothing is admitted, and nothing is lost.
    @Test func theStoreIsAway() async throws {
        let base = TestStore()
        let first = try await Nodes(0, limit: 100, over: base)
        let switched = SwitchedStore(base)
        let plans = try await first.trust.process(switched)
        let meter = TaskMeter(
            plans: plans, configuration: .init(recallMilliseconds: 0, leasePerMille: 250))
        func admit(_ tasks: Int) async throws {
            try await meter.admit(first.trust.job(), of: first.company, tasks: tasks).commit(used: tasks)
        }
        try await admit(1)
        switched.isAway.withLock { $0 = true }
        // More than it holds: refused, with what it holds untouched.
        await #expect(throws: PlanError(.storeFailed)) { try await admit(50) }
        for _ in 0..<24 { try await admit(1) }
        await #expect(throws: PlanError(.storeFailed)) { try await admit(1) }
        await #expect(throws: PlanError(.storeFailed)) { try await meter.settle() }
        switched.isAway.withLock { $0 = false }
        try await admit(75)
        await #expect(throws: PlanError(.limitReached)) { try await admit(1) }
        #expect(try await first.used() == 100)
    }

    /// What a job gives back after its lease was closed comes back to the limit of its period, once.
    @Test func lateReturnsComeBackOnce() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let meter = nodes.meters[0]
        let long = try await meter.admit(nodes.trust.job(), of: nodes.company, tasks: 20)
        #expect(try await nodes.fill(0) == 80)
        long.commit(used: 5)
        #expect(try await nodes.used() == 100)
        for _ in 0..<3 { try await meter.settle() }
        #expect(try await nodes.used() == 85)
        #expect(try await nodes.fill(0) == 15)
    }

    /// A lease ends with its period, and with the terms that it was taken under.
    @Test func aLeaseEndsWithItsPeriodAndItsTerms() async throws {
        let nodes = try await Nodes(2, limit: 100)
        let allowance = try await nodes.trust.layer.plans.allowance(of: nodes.company)
        let end = allowance.resetsAt
        nodes.trust.time.setWallClock(to: end.advanced(by: .microseconds(-1)))
        try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        #expect(nodes.admitsHeld(0))
        // Nor is anything spent by a clock that shows an earlier time than when it was taken.
        nodes.trust.time.setWallClock(to: end.advanced(by: .seconds(-10)))
        #expect(!nodes.admitsHeld(0))
        nodes.trust.time.setWallClock(to: end.advanced(by: .microseconds(-1)))
        #expect(nodes.admitsHeld(0))
        nodes.trust.time.setWallClock(to: end)
        #expect(!nodes.admitsHeld(0))
        #expect(try await nodes.fill(0) == 100)
        // A clock that goes back spends nothing of the lease either.
        nodes.trust.time.setWallClock(to: end.advanced(by: .seconds(-1)))
        #expect(!nodes.admitsHeld(0))
        #expect(try await nodes.fill(0) == 97)
        // Lowered: in another process once that looks.
        nodes.trust.time.setWallClock(to: end.advanced(by: .seconds(40 * 86_400)))
        try await nodes.meters[1].admit(nodes.trust.job(), of: nodes.company).commit(used: 1)
        try await nodes.setLimit(10)
        #expect(nodes.admitsHeld(1))
        try await nodes.meters[1].settle()
        #expect(!nodes.admitsHeld(1))
        #expect(try await nodes.fill(1) == 8)
        try await nodes.trust.layer.plans.setStatus(Company(id: nodes.company, status: .former), sequence: 2)
        await #expect(throws: PlanError(.companyInactive)) {
            try await nodes.meters[1].admit(nodes.trust.job(), of: nodes.company).release()
        }
    }

    /// A process that ends in order leaves nothing behind.
    @Test func whoEndsGivesEverythingBack() async throws {
        let nodes = try await Nodes(2, limit: 100)
        #expect(try await nodes.fill(0, atMost: 3) == 3)
        try await nodes.meters[0].settle()
        #expect(try await nodes.used() == 25)
        try await nodes.meters[0].giveBackAll()
        #expect(try await nodes.used() == 3 && !nodes.admitsHeld(0))
        #expect(try await nodes.fill(1) == 97)
        try await nodes.meters[0].giveBackAll()
        #expect(try await nodes.used() == 100)
    }

    /// Of what is taken an entry says before how much it is; the jobs on it need none.
    @Test func anEntrySaysWhatIsTaken() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let before = nodes.trust.store.commits.count
        #expect(try await nodes.fill(0) == 100)
        let entries = try nodes.trust.store.auditEntries(from: before)
        let taken = entries.filter { $0.refusal == nil }.compactMap { $0.details["taken"].flatMap { Int($0) } }
        #expect(taken.reduce(0, +) == 100 && taken.first == 25)
        #expect(entries.last?.refusal == "limitReached" && entries.count == taken.count + 1)
    }

    /// Threads that spend one handle: each task once, and what is given back can be taken again.
    @Test func threadsShareOneHandle() async throws {
        let nodes = try await Nodes(1, limit: 4_000_000)
        let handle = nodes.meters[0].handle(for: nodes.company)
        #expect(!nodes.admitsHeld(0))
        let first = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company)
        let total = await withTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var own = 0
                    while true {
                        guard let admission = handle.admit(nodes.trust.job(), tasks: 1 + task % 3) else { return own }
                        // Half of them give back what they did not need.
                        let used = task < 4 ? 1 : 1 + task % 3
                        own += used
                        admission.commit(used: used)
                    }
                }
            }
            return await group.reduce(0, +)
        }
        first.release()
        #expect(nodes.admitsHeld(0))
        // What is left is too little for who takes three at once.
        #expect((999_990...1_000_000).contains(total + 1), "\(total)")
        try await nodes.meters[0].settle()
        for tasks in [0, -1, Int.min, .max] { #expect(!nodes.admitsHeld(0, tasks: tasks)) }
    }

    @Test func configurationsAreChecked() {
        #expect(TaskMeter.Configuration().validate().isEmpty)
        let wrong = TaskMeter.Configuration(leaseSeconds: 0, recallMilliseconds: -1, leasePerMille: 1001)
        #expect(wrong.validate().count == 3)
    }
}

/// A store that can be away.
private final class SwitchedStore: Store {
    let isAway = Mutex(false)
    private let base: any Store

    init(_ base: any Store) { self.base = base }

    private func check() throws(StoreError) {
        if isAway.withLock({ $0 }) { throw .unavailable("away") }
    }

    func record(for key: Key) async throws(StoreError) -> Record? {
        try check()
        return try await base.record(for: key)
    }

    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try check()
        return try await base.records(in: range, limit: limit)
    }

    func commit(_ changes: Changes) async throws(StoreError) {
        try check()
        try await base.commit(changes)
    }
}
