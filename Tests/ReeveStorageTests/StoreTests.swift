// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage
import ReeveTesting
import Testing

@Suite struct StoreTests {
    /// The bytes of a revision are its digits, and nothing else is one.
    @Test func aRevisionHasSixteenBytes() {
        for revision in [Revision.make(), Revision(high: 1, low: .max), Revision(high: .max, low: 0)] {
            #expect(Revision(bytes: revision.bytes) == revision && revision.bytes.count == 16)
            let digits = revision.bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            #expect(digits == revision.description)
        }
        for count in [0, 15, 17] { #expect(Revision(bytes: Array(repeating: 1, count: count)) == nil) }
    }

    @Test(arguments: StoreContract.all) func memoryStoreKeeps(_ promise: StorePromise) async throws {
        try await promise.check { MemoryStore() }
    }

    /// The contract notices stores that break a promise.
    @Test(arguments: BrokenStore.Defect.allCases) func theContractCatches(_ defect: BrokenStore.Defect) async {
        #expect(await Self.failures { BrokenStore(defect) } > 0)
    }

    @Test(arguments: CarelessStore.Defect.allCases) func theContractCatches(_ defect: CarelessStore.Defect) async {
        #expect(await Self.failures { CarelessStore(defect) } > 0)
    }

    private static func failures(_ make: () -> any ReeveStorage.Store) async -> Int {
        var failures = 0
        for promise in StoreContract.all where (try? await promise.check { make() }) == nil { failures += 1 }
        return failures
    }

    @Test func memoryStoreStaysOrderedThroughManyChanges() async throws {
        var generator = Scale.current.generator(for: "ordered index")
        let store = MemoryStore()
        var model: [Key: [UInt8]] = [:]
        for round in 0..<3000 {
            var changes = Changes()
            for _ in 0..<3 {
                let key = Key(.platform, [.integer(Int64.random(in: 0..<2000, using: &generator))])
                if Bool.random(using: &generator) {
                    changes.write(key, [UInt8(truncatingIfNeeded: round)])
                    model[key] = [UInt8(truncatingIfNeeded: round)]
                } else {
                    changes.delete(key)
                    model[key] = nil
                }
            }
            try await store.commit(changes)
        }
        let entries = try await store.records(in: KeyRange(under: Key(.platform)), limit: 5000)
        #expect(entries.map(\.key) == model.keys.sorted())
        #expect(entries.allSatisfy { model[$0.key] == $0.record.bytes })
        #expect(store.count == model.count)
    }
}

/// A memory store that is careless about what histories do not look at.
final class CarelessStore: ReeveStorage.Store {
    enum Defect: String, CaseIterable {
        case ignoresSizeLimits, dropsEmptyRecords
    }
    private let base = MemoryStore()
    private let defect: Defect

    init(_ defect: Defect) { self.defect = defect }

    func record(for key: Key) async throws(StoreError) -> Record? {
        let record = try await base.record(for: key)
        return defect == .dropsEmptyRecords && record?.bytes.isEmpty == true ? nil : record
    }

    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }

    func commit(_ changes: Changes) async throws(StoreError) {
        guard defect == .ignoresSizeLimits else { return try await base.commit(changes) }
        var altered = Changes(revision: changes.revision)
        for (key, expectation) in changes.expectations { altered.expect(key, expectation) }
        for (key, change) in changes.changes {
            switch change {
            case .write(let bytes): altered.write(key, Array(bytes.prefix(1000)))
            case .delete: altered.delete(key)
            }
        }
        try await base.commit(altered)
    }
}

@Suite struct TransactionTests {
    private static let key = Key(.platform, [.text("counter")])

    private static func increment(_ store: any Store) async throws {
        try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            let value = try await transaction.read(key)?.first ?? 0
            transaction.write(key, [value + 1])
        }
    }

    private static func value(_ store: any Store) async throws -> UInt8 {
        try await store.record(for: key)?.bytes.first ?? 0
    }

    /// Each call fails once, in each way: the transaction took effect exactly when it said so, or said it did not know.
    @Test(arguments: FaultyStore.Fault.allCases) func everyCallMayFailOnce(_ fault: FaultyStore.Fault) async throws {
        for call in 1...6 {
            let base = MemoryStore()
            try await Self.increment(base)
            let store = FaultyStore(base, failing: call, with: fault)
            let thrown: (any Error)?
            do {
                try await Self.increment(store)
                thrown = nil
            } catch {
                thrown = error
            }
            let after = try await Self.value(base)
            switch thrown as? StoreError {
            case nil: #expect(after == 2, "\(fault) at call \(call)")
            case .outcomeUnknown?: #expect(after <= 2, "\(fault) at call \(call)")
            default: #expect(after == 1, "\(fault) at call \(call)")
            }
            if fault == .replyLost || fault == .requestLost, call >= 2 {
                #expect(thrown == nil, "\(fault) at call \(call)")
            }
        }
    }

    /// A reply is lost, and the record is overwritten before it can be looked at: the body does not run again.
    @Test func anOverwrittenCommitIsNotRepeated() async throws {
        let base = MemoryStore()
        try await Self.increment(base)
        let store = OverwritingStore(base)
        await #expect(throws: StoreError.outcomeUnknown) { try await Self.increment(store) }
        // 1, the increment that took effect, and the rival's.
        #expect(try await Self.value(base) == 3)
    }

    private final class OverwritingStore: Store {
        private let base: MemoryStore

        init(_ base: MemoryStore) { self.base = base }

        func record(for key: Key) async throws(StoreError) -> Record? { try await base.record(for: key) }

        func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] { [] }

        func commit(_ changes: Changes) async throws(StoreError) {
            try await base.commit(changes)
            do {
                try await TransactionTests.increment(base)
            } catch {
                throw .unavailable("the rival failed")
            }
            throw .outcomeUnknown
        }
    }

    @Test func aBodyThatThrowsChangesNothing() async throws {
        let store = MemoryStore()
        await #expect(throws: StoreError.unavailable("stop")) {
            try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                transaction.write(Self.key, [1])
                throw .unavailable("stop")
            }
        }
        #expect(store.count == 0)
    }

    @Test func insertingWhatIsThereIsAConflict() async throws {
        let store = MemoryStore()
        try await Self.increment(store)
        let policy = RetryPolicy(attempts: 2, firstWait: .zero, longestWait: .zero)
        for reads in [false, true] {
            await #expect(throws: StoreError.conflict(Self.key)) {
                try await store.transaction(retrying: policy) {
                    (transaction: inout Transaction<StoreError>) throws(StoreError) in
                    if reads { _ = try await transaction.read(Self.key) }
                    transaction.insert(Self.key, [9])
                }
            }
        }
        #expect(try await Self.value(store) == 1)
    }

    @Test func extremeLimitsAreTaken() async throws {
        let store = MemoryStore()
        try await Self.increment(store)
        for limit in [Int.max, .min, -1, 0] {
            let count = try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                transaction.write(Key(.platform, [.text("x")]), [1])
                return try await transaction.read(KeyRange(under: Key(.platform)), limit: limit).count
            }
            #expect(count == (limit > 0 ? 2 : 0))
        }
    }

    @Test func ownWritesAreRead() async throws {
        let store = MemoryStore()
        let other = Key(.platform, [.text("other")])
        var changes = Changes()
        changes.write(other, [9])
        try await store.commit(changes)
        let seen = try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            transaction.write(Self.key, [1])
            transaction.delete(other)
            let range = try await transaction.read(KeyRange(under: Key(.platform)), limit: 10).map(\.bytes)
            return (try await transaction.read(Self.key), try await transaction.read(other), range)
        }
        #expect(seen.0 == [1] && seen.1 == nil && seen.2 == [[1]])
    }

    @Test func conflictsEndAfterTheLastAttempt() async throws {
        let store = MemoryStore()
        var runs = 0
        let policy = RetryPolicy(attempts: 3, firstWait: .zero, longestWait: .zero)
        await #expect(throws: StoreError.conflict(Self.key)) {
            try await store.transaction(retrying: policy) {
                (transaction: inout Transaction<StoreError>) throws(StoreError) in
                runs += 1
                _ = try await transaction.read(Self.key)
                var rival = Changes()
                rival.write(Self.key, [UInt8(runs)])
                try await store.commit(rival)
                transaction.write(Self.key, [0])
            }
        }
        #expect(runs == 3)
    }
}

@Suite struct TableTests {
    private struct Note: Codable, RecordCodable, Equatable {
        var text: String
    }

    @Test func recordsAreReadableJSON() async throws {
        let (store, table) = (MemoryStore(), Table<Note>("notes", schema: 2))
        try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            try table.insert(Note(text: "a/b"), .platform, ["1"], in: &transaction)
        }
        let record = try #require(try await store.record(for: table.key(.platform, ["1"])))
        #expect(String(decoding: record.bytes, as: UTF8.self) == #"{"schema":2,"value":{"text":"a/b"}}"#)
        #expect(try await table.read(.platform, ["1"], in: store) == Note(text: "a/b"))
        let key = table.key(.platform, ["1"])
        await #expect(throws: StoreError.newerSchema(key)) {
            _ = try await Table<Note>("notes", schema: 1).read(.platform, ["1"], in: store)
        }
        var changes = Changes()
        changes.write(key, Array("{\"schema\":2}".utf8))
        try await store.commit(changes)
        await #expect(throws: StoreError.malformed(key)) { _ = try await table.read(.platform, ["1"], in: store) }
    }

    @Test func manyPagesAreRead() async throws {
        let (store, table) = (MemoryStore(), Table<Note>("notes"))
        for index in 0..<450 {
            try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                try table.insert(Note(text: "\(index)"), .platform, [String(1000 + index)], in: &transaction)
            }
        }
        #expect(try await table.readAll(.platform, in: store).map(\.text) == (0..<450).map { "\($0)" })
    }

    @Test func blobsAreWholeOrNotThere() async throws {
        let content = (0..<150_000).map { UInt8(truncatingIfNeeded: $0) }
        let store = MemoryStore()
        let blob = try await Blob.write(content, in: .platform, of: store, at: Timestamp(seconds: 0))
        #expect(try await blob.read(from: .platform, of: store) == content)
        #expect(store.count == 3)
        try await blob.delete(from: .platform, of: store)
        #expect(store.count == 0)
        await #expect(throws: StoreError.self) { _ = try await blob.read(from: .platform, of: store) }
        for call in 1...3 {
            let base = MemoryStore()
            await #expect(throws: StoreError.self) {
                _ = try await Blob.write(
                    content, in: .platform, of: FaultyStore(base, failing: call), at: Timestamp(seconds: 0))
            }
            #expect(base.count == 0, "pieces were left behind by call \(call)")
        }
    }
}

@Suite struct TrailTests {
    private static func entry(_ number: Int) -> AuditEntry {
        AuditEntry(
            at: Timestamp(seconds: Int64(number)), context: ActContext(actor: .host("t"), scope: .platform),
            action: "a",
            resource: "r")
    }

    private static func numbers(_ store: any Store) async throws -> [Int64] {
        let range = KeyRange(under: Trail.pending(.platform))
        return try await store.records(in: range, limit: 10_000).compactMap { entry in
            if case .integer(let number)? = entry.key.elements?.last { number } else { nil }
        }
    }

    /// Whatever fails, numbers have no holes, once later acts have been committed.
    @Test(arguments: [FaultyStore.Fault.refused, .replyLost, .requestLost])
    func numbersHaveNoHoles(_ fault: FaultyStore.Fault) async throws {
        for call in 1...5 {
            let (base, trail) = (MemoryStore(), Trail())
            let store = FaultyStore(base, failing: call, with: fault)
            for number in 0..<4 { try? await store.record(Self.entry(number), in: trail) }
            let numbers = try await Self.numbers(base)
            #expect(numbers == (1...Int64(max(1, numbers.count))).map { $0 }, "\(fault) at call \(call)")
            #expect(numbers.count >= 3)
        }
    }

    /// A crash at every store call, then a restart: an act is there exactly when its entry is, and what was acknowledged
    /// is there.
    @Test(arguments: FaultyStore.Fault.allCases) func anActAndItsEntryAreThereTogether(_ fault: FaultyStore.Fault)
        async throws
    {
        var call = 1
        while true {
            let base = MemoryStore()
            let store = FaultyStore(base, failing: call, with: fault)
            var acknowledged: [Int] = []
            for process in 0..<2 {
                let trail = Trail()
                for number in process * 3..<process * 3 + 3 {
                    let act = Key(.platform, [.text("act"), .integer(Int64(number))])
                    // The second process starts after the crash.
                    let target: any ReeveStorage.Store = process == 0 ? store : base
                    let done: Void? = try? await target.transaction {
                        (tx: inout Transaction<StoreError>) throws(StoreError) in
                        _ = try await tx.read(act)
                        tx.write(act, [1])
                        try tx.record(Self.entry(number), in: trail)
                    }
                    if done != nil { acknowledged.append(number) }
                }
            }
            let acts = try await base.records(in: KeyRange(under: Key(.platform, [.text("act")])), limit: 100)
                .compactMap { entry in
                    if case .integer(let number)? = entry.key.elements?.last { Int(number) } else { nil }
                }
            let entries = try await Table<AuditEntry>("audit.pending").readAll(.platform, in: base)
                .map { Int($0.at.microseconds / 1_000_000) }.sorted()
            #expect(acts == entries, "\(fault) at call \(call)")
            #expect(Set(acknowledged).isSubset(of: acts), "\(fault) at call \(call)")
            if store.calls < call { break }
            call += 1
        }
        #expect(call > 4)
    }

    @Test func concurrentWritersOfOneTrailDoNotCollide() async throws {
        let (store, trail) = (MemoryStore(), Trail())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 { group.addTask { try await store.record(Self.entry(number), in: trail) } }
            try await group.waitForAll()
        }
        #expect(try await Self.numbers(store) == Array(1...200))
    }
}

@Suite struct KeyProperties {
    /// Keys order as their tuples do, are injective, are read back, and a prefix's range holds nothing else.
    @Test func keysAreOrderPreservingTuples() {
        var generator = Scale.current.generator(for: "keys")
        var last: [Key.Element] = []
        for _ in 0..<Scale.current.cases(ci: 100_000, soak: 1_000_000) {
            let tuple = (0..<Int.random(in: 0...3, using: &generator)).map { _ in element(&generator) }
            let key = Key(tuple)
            #expect(key.elements == tuple)
            #expect((key < Key(last)) == precedes(tuple, last))
            #expect((key == Key(last)) == (tuple == last))
            let range = KeyRange(under: Key(last))
            #expect(range.contains(key) == tuple.starts(with: last))
            last = tuple
        }
    }

    @Test func hostileEncodingsAreRefused() {
        var generator = Scale.current.generator(for: "hostile keys")
        for _ in 0..<Scale.current.cases(ci: 50_000, soak: 1_000_000) {
            let bytes = (0..<Int.random(in: 0...20, using: &generator)).map { _ in
                [0, 0x10, 0x20, 0xFF, UInt8.random(in: 0...255, using: &generator)].randomElement(using: &generator)
                    ?? 0
            }
            if let elements = Key(encoded: bytes).elements { #expect(Key(elements).bytes == bytes) }
        }
    }

    private func element(_ generator: inout SeededGenerator) -> Key.Element {
        if Bool.random(using: &generator) {
            return .integer(
                [Int64.min, -1, 0, 1, .max, Int64.random(in: -300...300, using: &generator)].randomElement(
                    using: &generator) ?? 0)
        }
        let scalars: [Unicode.Scalar] = ["\0", "\u{1}", "a", "b", "é", "\u{FFFF}", "\u{10FFFF}"]
        var text = ""
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            if let scalar = scalars.randomElement(using: &generator) { text.unicodeScalars.append(scalar) }
        }
        return .text(text)
    }

    private func precedes(_ left: [Key.Element], _ right: [Key.Element]) -> Bool {
        for (left, right) in zip(left, right) {
            switch (left, right) {
            case (.integer(let left), .integer(let right)): if left != right { return left < right }
            case (.integer, .text): return true
            case (.text, .integer): return false
            case (.text(let left), .text(let right)):
                let (left, right) = (Array(left.utf8), Array(right.utf8))
                if left != right { return left.lexicographicallyPrecedes(right) }
            }
        }
        return left.count < right.count
    }
}
