// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage
import ReeveTesting
import Testing

@Suite struct HistoryProperties {
    /// 8 writers and 100,000 calls: whatever the memory store told fits one order.
    @Test func theMemoryStoreIsAccepted() async throws {
        let rounds = Scale.current.cases(ci: 1, soak: 10)
        for round in 0..<rounds {
            let seed = Scale.current.seed &+ UInt64(round)
            print("property `histories`: REEVE_SEED=\(Scale.current.seed) round \(round)")
            let history = await StoreHistory.record(on: MemoryStore(), writers: 8, operations: 100_000, seed: seed)
            #expect(history.operations.count >= 100_000)
            let outcomes = Dictionary(grouping: history.operations.filter { $0.call == .commit }, by: \.outcome)
            #expect((outcomes[.refused]?.count ?? 0) > 100 && (outcomes[.done]?.count ?? 0) > 10_000)
            let violation = history.violation()
            #expect(violation == nil, "\(violation?.description ?? "")")
        }
    }

    /// Each broken store is found out by its history alone, in at most 20 operations, which are wrong by themselves too.
    @Test(arguments: BrokenStore.Defect.allCases) func brokenStoresAreRejected(_ defect: BrokenStore.Defect)
        async throws
    {
        for round in 0..<Scale.current.cases(ci: 3, soak: 50) {
            let history = await StoreHistory.record(
                on: BrokenStore(defect), writers: 8, operations: 4000, seed: Scale.current.seed &+ UInt64(round))
            let violation = history.violation()
            #expect(violation != nil, "\(defect)")
            guard let violation else { continue }
            #expect((1...20).contains(violation.operations.count), "\(defect): \(violation)")
            let shrunk = StoreHistory(violation.operations).violation()
            #expect(shrunk != nil, "\(defect): \(violation)")
            if round == 0 { print("\(defect): \(violation)") }
        }
    }

    /// Histories written by hand: what is wrong is found, and what may be right is not called wrong.
    @Test func smallHistoriesAreJudgedRightly() {
        typealias Operation = StoreHistory.Operation
        let key = Key(.platform, [.text("k")])
        let (one, two) = (Revision(high: 0, low: 1), Revision(high: 0, low: 2))
        func insert(_ start: Int, _ end: Int, _ revision: Revision, _ outcome: Operation.Outcome = .done) -> Operation {
            var operation = Operation(call: .commit, writer: 0, start: start, end: end)
            (operation.revision, operation.outcome) = (revision, outcome)
            operation.observed[key] = .some(nil)
            operation.bytes[key] = .some([1])
            return operation
        }
        func read(_ start: Int, _ end: Int, _ revision: Revision?) -> Operation {
            var operation = Operation(call: .read, writer: 1, start: start, end: end)
            operation.observed[key] = .some(revision)
            operation.bytes[key] = .some(revision == nil ? nil : [1])
            return operation
        }
        // An insert whose reply was lost took effect between the reads.
        #expect(StoreHistory([insert(1, 2, one, .unknown), read(3, 4, nil), read(5, 6, one)]).violation() == nil)
        #expect(StoreHistory([insert(1, 2, one), read(3, 4, nil)]).violation() != nil)
        #expect(StoreHistory([insert(1, 4, one), read(2, 3, nil)]).violation() == nil)
        // The same record was made twice.
        #expect(StoreHistory([insert(1, 2, one), insert(3, 4, two)]).violation() != nil)
        #expect(StoreHistory([insert(1, 2, one, .refused), read(3, 4, one)]).violation() != nil)
        #expect(StoreHistory([read(3, 4, one)]).violation() != nil)
        #expect(StoreHistory([]).violation() == nil)
    }

    /// A store that is gone ends the recording.
    @Test func aDeadStoreEndsTheRecording() async {
        let store = FaultyStore(MemoryStore(), failing: 30, with: .crash)
        let history = await StoreHistory.record(on: store, writers: 2, operations: 1000, seed: 1)
        #expect(history.operations.count < 100)
        #expect(history.violation() == nil)
    }

    /// With lost and late replies the memory store is still accepted: nothing is concluded from what is not known.
    @Test(arguments: [FaultyStore.Fault.replyLost, .requestLost, .delayed])
    func lostRepliesAreNoViolation(_ fault: FaultyStore.Fault) async throws {
        for call in stride(from: 5, to: 2000, by: Scale.current.cases(ci: 37, soak: 3)) {
            let store = FaultyStore(MemoryStore(), failing: call, with: fault)
            let history = await StoreHistory.record(on: store, writers: 4, operations: call + 200, seed: UInt64(call))
            let violation = history.violation()
            #expect(violation == nil, "\(fault) at \(call): \(violation?.description ?? "")")
        }
    }
}
