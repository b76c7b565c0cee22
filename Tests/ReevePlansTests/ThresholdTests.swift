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

/// What was announced, in its order: which version of the limit and which part of it, in which period.
private func announced(in store: any Store) async throws -> [String] {
    var told: [String] = []
    let outbox = Outbox(leases: Leases(store: store))
    for partition in try await outbox.partitions() {
        _ = try await outbox.deliver(to: "reader", in: partition, limit: 1000) { event in
            #expect(event.type == Plans.thresholdReached && event.details["meter"] == "tasks")
            let (version, part) = (event.details["limit.version"] ?? "?", event.details["threshold"] ?? "?")
            told.append("\(event.details["period"]?.prefix(10) ?? "?") v\(version) \(part) \(event.subject.prefix(3))")
        }
    }
    return told
}

@Suite struct ThresholdTests {
    @Test func eachTenthIsToldOnce() async throws {
        let nodes = try await Nodes(1, limit: 200, leasePerMille: 10)
        #expect(try await nodes.fill(0) == 200)
        #expect(try await nodes.fill(0) == 0)
        let expected = stride(from: 10, through: 100, by: 10).map { "2026-01-15 v0 \($0) co_" }
        #expect(try await announced(in: nodes.trust.store) == expected)
        // The next period has its own.
        nodes.trust.time.setWallClock(to: try #require(CivilDay("2026-02-20")).startInUTC)
        #expect(try await nodes.fill(0, atMost: 25) == 25)
        try await nodes.meters[0].giveBackAll()
        #expect(try await announced(in: nodes.trust.store) == ["2026-02-15 v0 10 co_"])
    }

    /// Of several that are reached at once it is the highest; a job that uses them all at once reaches them all.
    @Test func theHighestIsToldOfSeveral() async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 47).commit(used: 47)
        try await nodes.meters[0].giveBackAll()
        #expect(try await announced(in: nodes.trust.store) == ["2026-01-15 v0 40 co_"])
    }

    /// A raise arms the parts that are not used of the new limit; a cut tells at once how much of it is used.
    @Test func aRaiseArmsThemAgain() async throws {
        let nodes = try await Nodes(1, limit: 100, leasePerMille: 10)
        #expect(try await nodes.fill(0, atMost: 90) == 90)
        try await nodes.meters[0].giveBackAll()
        #expect(try await announced(in: nodes.trust.store).count == 9)
        try await nodes.setLimit(200)
        #expect(try await nodes.fill(0, atMost: 9) == 9)
        try await nodes.meters[0].giveBackAll()
        #expect(try await announced(in: nodes.trust.store) == [])
        #expect(try await nodes.fill(0, atMost: 1) == 1)
        try await nodes.meters[0].giveBackAll()
        #expect(try await announced(in: nodes.trust.store) == ["2026-01-15 v1 50 co_"])
        try await nodes.setLimit(110)
        #expect(try await nodes.fill(0, atMost: 1) == 1)
        try await nodes.meters[0].giveBackAll()
        #expect(try await announced(in: nodes.trust.store) == ["2026-01-15 v2 90 co_"])
    }

    /// Whatever eight writers do at the same time.
    @Test func eightWritersTellEachOnce() async throws {
        for _ in 0..<5 {
            let nodes = try await Nodes(8, limit: 1000, leasePerMille: 10, over: YieldingStore(TestStore()))
            try await withThrowingTaskGroup(of: Int.self) { group in
                for node in 0..<8 {
                    group.addTask {
                        let admitted = try await nodes.fill(node)
                        try await nodes.meters[node].settle()
                        return admitted
                    }
                }
                var sum = 0
                for try await admitted in group { sum += admitted }
                #expect(sum <= 1000)
            }
            // What one held while another was refused is left.
            for node in 0..<8 { try await nodes.meters[node].giveBackAll() }
            _ = try await nodes.fill(0)
            let told = try await announced(in: nodes.trust.store)
            #expect(told == stride(from: 10, through: 100, by: 10).map { "2026-01-15 v0 \($0) co_" })
        }
    }

    /// Whichever call to the store fails, and however: none is told twice, and the last one is told.
    @Test(arguments: FaultyStore.Fault.allCases) func noFaultTellsOneTwice(_ fault: FaultyStore.Fault) async throws {
        // Making the process is not what fails.
        let whole = FaultyStore(TestStore())
        _ = try await Nodes(2, limit: 20, leasePerMille: 50, over: TestStore(), faulty: [0: whole])
        var call = whole.calls
        while true {
            call += 1
            let base = TestStore()
            let faulty = FaultyStore(base, failing: call, with: fault)
            let nodes = try await Nodes(2, limit: 20, leasePerMille: 50, over: base, faulty: [0: faulty])
            for _ in 0..<12 {
                // What fails is done by the other.
                guard let admission = try? await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company) else {
                    break
                }
                admission.commit(used: 1)
            }
            try? await nodes.meters[0].settle()
            try? await nodes.meters[0].giveBackAll()
            // Whatever the first one held counts as used by then, unless it came back.
            nodes.trust.time.advance(by: .seconds(300))
            _ = try await nodes.fill(1)
            let told = try await announced(in: nodes.trust.store)
            let used = try await nodes.used()
            #expect(
                Set(told).count == told.count && told.last?.hasSuffix(" 100 co_") == true,
                "call \(call): \(told.last ?? "nothing"), \(used)")
            if faulty.calls < call { break }
        }
        #expect(call > 10)
    }
}

@Suite struct ThresholdProperties {
    /// Eight processes at the same time, and a raise in the middle: each part of each version of the limit is told at most once, and the
    /// last version is told to its end.
    @Test func anyInterleavingTellsEachOnce() async throws {
        var generator = Scale.current.generator(for: "thresholds")
        for _ in 0..<Scale.current.cases(ci: 20, soak: 1000) {
            let limit = Int.random(in: 20...300, using: &generator)
            let raised = limit + Int.random(in: 1...300, using: &generator)
            let nodes = try await Nodes(
                8, limit: limit, leasePerMille: .random(in: 1...200, using: &generator),
                over: YieldingStore(TestStore()))
            let before = Int.random(in: 0...(limit / 8), using: &generator)
            let pauses = (0..<8).map { _ in Int.random(in: 0...20, using: &generator) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for node in 0..<8 {
                    group.addTask {
                        for _ in 0..<pauses[node] { await Task.yield() }
                        _ = try await nodes.fill(node, atMost: before)
                        try await nodes.meters[node].settle()
                        _ = try await nodes.fill(node)
                    }
                }
                group.addTask {
                    for _ in 0..<pauses[0] * 10 { await Task.yield() }
                    try await nodes.setLimit(raised)
                }
                for try await _ in group {}
            }
            for node in 0..<8 { try await nodes.meters[node].giveBackAll() }
            _ = try await nodes.fill(0)
            let told = try await announced(in: nodes.trust.store)
            #expect(Set(told).count == told.count, "seed \(Scale.current.seed): \(told)")
            #expect(told.last?.hasSuffix(" 100 co_") == true, "seed \(Scale.current.seed): \(told)")
            #expect(try await nodes.used() == raised)
        }
    }
}
