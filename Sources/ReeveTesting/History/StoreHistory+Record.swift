// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage
import Synchronization

extension StoreHistory {
    /// Lets `writers` tasks work on an empty store at the same time, until they have made `operations` calls in all.
    ///
    /// They read keys and ranges, and commit changes of up to three keys, with expectations that are true or not any
    /// more. A key is made and deleted by one writer alone and changed by all, so that the order of its versions is known.
    public static func record(
        on store: any Store, writers: Int = 8, operations: Int, seed: UInt64
    ) async -> StoreHistory {
        let clock = HistoryClock()
        return await withTaskGroup(of: [Operation].self) { group in
            for index in 0..<writers {
                group.addTask {
                    var writer = HistoryWriter(
                        index: index, writers: writers, store: store, seed: seed &+ UInt64(index))
                    // A store that fails every call ends it too.
                    var steps = 0
                    while writer.operations.count < operations / writers, steps < operations, !Task.isCancelled {
                        await writer.step(clock)
                        steps += 1
                    }
                    return writer.operations
                }
            }
            return StoreHistory(await group.reduce(into: []) { $0 += $1 })
        }
    }
}

/// Numbers each beginning and end.
private final class HistoryClock: Sendable {
    private let ticks = Atomic<Int>(0)
    func tick() -> Int { ticks.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
}

/// One task's work on the store.
private struct HistoryWriter {
    let index: Int
    let writers: Int
    let store: any Store
    var generator: SeededGenerator
    var operations: [StoreHistory.Operation] = []
    private var counter: UInt32 = 0
    /// A version of each key that was seen before.
    private var earlier: [Int: Revision] = [:]

    private static let whole = KeyRange(under: Key(.platform, [.text("history")]))

    init(index: Int, writers: Int, store: any Store, seed: UInt64) {
        self.index = index
        self.writers = writers
        self.store = store
        generator = SeededGenerator(seed: seed)
    }

    private func key(_ number: Int) -> Key { Key(.platform, [.text("history"), .integer(Int64(number))]) }

    mutating func step(_ clock: HistoryClock) async {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<2: _ = await read(Int.random(in: 0..<writers * 3, using: &generator), clock)
        case 2: await range(clock)
        default: await commit(clock)
        }
    }

    /// The record, or `nil` when the read failed; the outer optional.
    private mutating func read(_ number: Int, _ clock: HistoryClock) async -> Record?? {
        let start = clock.tick()
        let key = key(number)
        let answer: Record??
        do {
            answer = .some(try await store.record(for: key))
        } catch {
            answer = nil
        }
        let end = clock.tick()
        guard let record = answer else { return nil }
        var operation = StoreHistory.Operation(call: .read, writer: index, start: start, end: end)
        operation.observed[key] = .some(record?.revision)
        operation.bytes[key] = .some(record?.bytes)
        operations.append(operation)
        return .some(record)
    }

    private mutating func range(_ clock: HistoryClock) async {
        let limit = Bool.random(using: &generator) ? 1000 : Int.random(in: 1...writers * 3, using: &generator)
        let start = clock.tick()
        let answer = try? await store.records(in: Self.whole, limit: limit)
        let end = clock.tick()
        guard let answer else { return }
        var operation = StoreHistory.Operation(call: .range, writer: index, start: start, end: end)
        // Keys behind the last one of a full page were not looked at.
        let last = answer.count >= limit ? answer.last?.key : nil
        for number in 0..<writers * 3 where last.map({ key(number) <= $0 }) ?? true {
            operation.observed[key(number)] = .some(nil)
            operation.bytes[key(number)] = .some(nil)
        }
        for entry in answer {
            operation.observed[entry.key] = .some(entry.record.revision)
            operation.bytes[entry.key] = .some(entry.record.bytes)
        }
        if answer.count > limit { operation.defect = "a range has more entries than its limit" }
        if zip(answer, answer.dropFirst()).contains(where: { $0.key >= $1.key }) {
            operation.defect = "a range is not in key order"
        }
        if answer.contains(where: { !Self.whole.contains($0.key) }) { operation.defect = "a range has a foreign key" }
        operations.append(operation)
    }

    private mutating func commit(_ clock: HistoryClock) async {
        var changes = Changes()
        let numbers = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
            Int.random(in: 0..<writers * 3, using: &generator)
        }
        var operation = StoreHistory.Operation(call: .commit, writer: index, start: 0, end: 0)
        operation.revision = changes.revision
        for number in Set(numbers).sorted() {
            guard let record = await read(number, clock) else { return }
            let key = key(number)
            let isMine = number % writers == index
            var expected = record?.revision
            // Now and then what is expected is not true any more: the version before, or that there is none yet.
            switch Int.random(in: 0..<16, using: &generator) {
            case 0: if let older = earlier[number] ?? nil { expected = older }
            case 1: if isMine { expected = nil }
            default: break
            }
            if let record { earlier[number] = record.revision == expected ? earlier[number] : record.revision }
            changes.expect(key, expected.map { .revision($0) } ?? .absent)
            operation.observed[key] = .some(expected)
            guard record != nil || isMine else { continue }
            if record != nil, isMine, Int.random(in: 0..<4, using: &generator) == 0 {
                changes.delete(key)
                operation.bytes[key] = .some(nil)
            } else {
                counter += 1
                let bytes = [UInt8(index)] + counterBytes()
                changes.write(key, bytes)
                operation.bytes[key] = .some(bytes)
            }
        }
        guard !changes.changes.isEmpty else { return }
        if Int.random(in: 0..<8, using: &generator) == 0 {
            // An expectation that is not true any more, unless the record was deleted in between.
            let number = Int.random(in: 0..<writers * 3, using: &generator)
            if operation.observed[key(number)] == nil, case .some(.some) = await read(number, clock) {
                changes.expect(key(number), .absent)
                operation.observed[key(number)] = .some(nil)
            }
        }
        operation.start = clock.tick()
        do throws(StoreError) {
            try await store.commit(changes)
        } catch {
            operation.outcome = error == .outcomeUnknown ? .unknown : .refused
        }
        operation.end = clock.tick()
        operations.append(operation)
    }

    private func counterBytes() -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: counter >> (8 * UInt32($0))) }
    }
}
