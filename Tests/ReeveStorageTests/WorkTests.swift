// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

@testable import ReeveStorage

private typealias Store = ReeveStorage.Store

private let workspace = Identifier<Workspace>(high: 1, low: 1)
private let partition = Partition(workspace)

/// What a worker that was told of an error does next: it is started anew.
private func copy(_ store: TestStore) async throws -> TestStore {
    let copy = TestStore()
    for entry in try await store.records(in: KeyRange(under: Key([])), limit: .max) {
        var changes = Changes(revision: entry.record.revision)
        changes.write(entry.key, entry.record.bytes)
        try await copy.commit(changes)
    }
    return copy
}

@Suite struct LeaseTests {
    private let key = Key(partition, [.text("work")])

    @Test func aLeaseIsHeldByOneAndTakenOverWhenItWasAbandoned() async throws {
        let (store, time) = (TestStore(), ManualTime())
        let (first, second) = (Leases(store: store, time: time), Leases(store: store, time: time))
        let lease = try #require(try await first.acquire(key))
        #expect(first.isHeld(lease))
        #expect(try await first.acquire(key) == nil)
        #expect(try await second.acquire(key) == nil)
        time.advance(by: .seconds(29))
        let renewed = try #require(try await first.renew(lease))
        #expect(try await second.acquire(key) == nil)
        time.advance(by: .seconds(30))
        #expect(!first.isHeld(renewed))
        #expect(try await second.acquire(key) == nil, "not yet: the clocks may run apart by a tenth")
        time.advance(by: .seconds(4))
        let taken = try #require(try await second.acquire(key))
        #expect(taken.epoch == lease.epoch + 1)
        #expect(try await first.renew(renewed) == nil)
        try await first.release(renewed)
        #expect(try await first.acquire(key) == nil)
        try await second.release(taken)
        #expect(try await first.acquire(key)?.epoch == 3)
    }

    /// What a stale owner writes is refused, whether it knows that it is stale or not.
    @Test func aStaleOwnersWriteIsRefused() async throws {
        let (store, time) = (TestStore(), ManualTime())
        let (first, second) = (Leases(store: store, time: time), Leases(store: store, time: time))
        let stale = try #require(try await first.acquire(key))
        #expect(try await second.acquire(key) == nil)
        time.advance(by: .seconds(60))
        let present = try #require(try await second.acquire(key))
        let record = Key(partition, [.text("result")])
        func write(_ lease: Lease) async throws {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await tx.require(lease)
                tx.write(record, [1])
            }
        }
        await #expect(throws: StoreError.leaseLost(key)) { try await write(stale) }
        #expect(try await store.record(for: record) == nil)
        try await write(present)
        // Taken over between the look and the commit.
        await #expect(throws: StoreError.leaseLost(key)) {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await tx.require(present)
                tx.write(record, [2])
                try await second.release(present)
                _ = try await first.acquire(key)
            }
        }
        #expect(try await store.record(for: record)?.bytes == [1])
    }
}

@Suite struct SweepTests {
    private static let sweep = Sweep("count", over: KeyRange(under: Key(partition, [.text("item")])), in: partition)

    private static func fill(_ store: any Store, _ count: Int) async throws {
        for index in 0..<count {
            var changes = Changes()
            changes.write(Key(partition, [.text("item"), .integer(Int64(index))]), [0])
            try await store.commit(changes)
        }
    }

    /// Adds one to each record: doing one twice shows.
    @Sendable private static func work(
        _ key: Key, _ bytes: [UInt8], _ tx: inout Transaction<StoreError>
    ) async throws(StoreError) -> Sweep.Outcome {
        tx.write(key, [bytes[0] + 1])
        return .changed
    }

    private static func values(_ store: any Store) async throws -> [UInt8] {
        try await store.records(in: sweep.range, limit: 1000).map { $0.record.bytes[0] }
    }

    @Test(arguments: [1, 3, 7, 20]) func eachRecordIsVisitedOnceARound(_ batch: Int) async throws {
        let store = TestStore()
        try await Self.fill(store, 14)
        let sweep = Sweep("count", over: Self.sweep.range, in: partition, batch: batch)
        let leases = Leases(store: store, time: ManualTime())
        let part = try #require(try await sweep.run(with: leases, limit: 5, Self.work))
        #expect(part.progress.completed == 5 && (!part.isFinished || batch > 14))
        let rest = try #require(try await sweep.run(with: leases, Self.work))
        #expect(rest.isFinished && rest.progress.completed == 14 && rest.changed == 14 && rest.rounds == 1)
        #expect(try await Self.values(store) == [UInt8](repeating: 1, count: 14))
        let second = try #require(try await sweep.run(with: leases, Self.work))
        #expect(second.rounds == 2 && second.progress.completed == 14)
        #expect(try await sweep.report(from: store) == second)
    }

    /// Progress that cannot be read stops nobody: the round begins anew. One of a newer release is left alone.
    @Test func damagedProgressIsBegunAnew() async throws {
        let store = TestStore()
        try await Self.fill(store, 14)
        let leases = Leases(store: store, time: ManualTime())
        _ = try await Self.sweep.run(with: leases, limit: 5, Self.work)
        let key = Key(partition, [.text("sweep"), .text("count")])
        for bytes in [[], [0xFF], Array("{}".utf8), Array(#"{"schema":1,"value":{"cursor":7}}"#.utf8)] as [[UInt8]] {
            var changes = Changes()
            changes.write(key, bytes)
            try await store.commit(changes)
            let report = try #require(try await Self.sweep.run(with: leases, Self.work))
            #expect(report.isFinished && report.progress.completed == 14)
        }
        var changes = Changes()
        changes.write(key, Array(#"{"schema":9,"value":{}}"#.utf8))
        try await store.commit(changes)
        await #expect(throws: StoreError.newerSchema(key)) { _ = try await Self.sweep.run(with: leases, Self.work) }
    }

    @Test func aDryRunCountsAndChangesNothing() async throws {
        let store = TestStore()
        try await Self.fill(store, 250)
        let count = try await store.count
        let report = try await Self.sweep.dryRun(over: store) {
            (key: Key, bytes: [UInt8], tx: inout Transaction<StoreError>) throws(StoreError) in
            tx.write(key, [9])
            return key.elements?.last == .integer(7) ? .failed : .changed
        }
        #expect(report.progress == Progress(completed: 250, failed: 1) && report.changed == 249)
        #expect(try await Self.values(store) == [UInt8](repeating: 0, count: 250))
        #expect(try await store.count == count)
    }

    /// A crash after every store call, then a restart: each record is worked on exactly once.
    @Test(arguments: FaultyStore.Fault.allCases) func aCrashAnywhereLosesAndRepeatsNothing(_ fault: FaultyStore.Fault)
        async throws
    {
        var call = 1
        while true {
            let (base, time) = (TestStore(), ManualTime())
            try await Self.fill(base, 6)
            let faulty = FaultyStore(base, failing: call, with: fault)
            let sweep = Sweep("count", over: Self.sweep.range, in: partition, batch: 2)
            let report = try? await sweep.run(with: Leases(store: faulty, time: time), Self.work)
            let isDone = report?.isFinished == true && faulty.calls < call
            // The restarted process: a new worker over what was there at that instant.
            let store = try await copy(base)
            let leases = Leases(store: store, time: time)
            var finished = try await sweep.report(from: store).isFinished
            for _ in 0..<3 where !finished {
                finished = try await sweep.run(with: leases, Self.work)?.isFinished == true
                time.advance(by: .seconds(40))
            }
            #expect(finished)
            #expect(try await Self.values(store) == [1, 1, 1, 1, 1, 1], "\(fault) at call \(call)")
            if isDone { break }
            call += 1
        }
        #expect(call > 10)
    }

    @Test func twoWorkersShareASweepWithoutDoingARecordTwice() async throws {
        let store = TestStore()
        try await Self.fill(store, 40)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let leases = Leases(store: store)
                    while try await Self.sweep.report(from: store).rounds == 0 {
                        _ = try await Self.sweep.run(with: leases, limit: 3, Self.work)
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
        // A worker may have begun a round more before it saw the end of the one before: each record that this round has
        // passed was worked on once more than the rounds before, the others exactly as often.
        let report = try await Self.sweep.report(from: store)
        let (rounds, passed) = (UInt8(report.rounds), report.isFinished ? 0 : report.progress.completed)
        let expected = (0..<40).map { $0 < passed ? rounds + 1 : rounds }
        #expect(try await Self.values(store) == expected)
    }

    /// A record that changes under the work is worked on as it is then.
    @Test func aConcurrentChangeIsNotLost() async throws {
        let store = TestStore()
        try await Self.fill(store, 1)
        let key = Key(partition, [.text("item"), .integer(0)])
        let runs = Mutex(0)
        _ = try await Self.sweep.run(with: Leases(store: store)) {
            (key: Key, bytes: [UInt8], tx: inout Transaction<StoreError>) throws(StoreError) in
            if runs.withLock({ runs in
                runs += 1; return runs
            }) == 1 {
                var rival = Changes()
                rival.write(key, [10])
                try await store.commit(rival)
            }
            tx.write(key, [bytes[0] + 1])
            return .changed
        }
        #expect(try await store.record(for: key)?.bytes == [11])
    }
}

@Suite struct OutboxTests {
    private static func event(_ number: Int, _ scope: Scope = Scope(workspace)) -> DomainEvent {
        DomainEvent("test.happened", at: Timestamp(seconds: 1), scope: scope, subject: "\(number)")
    }

    private static func publish(_ event: DomainEvent, _ store: any Store) async throws {
        try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
            try await tx.publish(event)
        }
    }

    @Test func eventsComeInOrderToEachConsumer() async throws {
        let (store, time) = (TestStore(), ManualTime())
        let outbox = Outbox(leases: Leases(store: store, time: time))
        for number in 0..<5 { try await Self.publish(Self.event(number), store) }
        try await Self.publish(Self.event(100, .platform), store)
        for consumer in ["a", "b"] {
            var seen: [String] = []
            #expect(try await outbox.deliver(to: consumer, in: partition, limit: 2) { seen.append($0.subject) } == 2)
            #expect(try await outbox.deliverAll(to: consumer) { seen.append($0.subject) } == 4)
            #expect(seen.filter { $0 != "100" } == ["0", "1", "2", "3", "4"] && seen.contains("100"))
            #expect(try await outbox.deliverAll(to: consumer) { seen.append($0.subject) } == 0)
        }
        #expect(try await outbox.prune(partition, past: ["a", "new"]) == 0)
        #expect(try await outbox.prune(partition, past: []) == 0)
        #expect(try await outbox.prune(partition, past: ["a", "b"]) == 5)
        try await Self.publish(Self.event(5), store)
        var seen: [String] = []
        _ = try await outbox.deliverAll(to: "a") { seen.append($0.subject) }
        #expect(seen == ["5"])
    }

    @Test func anEventWhoseTransactionFailsIsNotThere() async throws {
        let store = TestStore()
        await #expect(throws: StoreError.unavailable("x")) {
            try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                try await tx.publish(Self.event(1))
                throw .unavailable("x")
            }
        }
        #expect(try await store.count == 0)
    }

    /// A handler that fails holds up its own partition; nothing is skipped.
    @Test func aFailingHandlerIsTriedAgain() async throws {
        struct Refused: Error {}
        let store = TestStore()
        let outbox = Outbox(leases: Leases(store: store, time: ManualTime()))
        for number in 0..<3 { try await Self.publish(Self.event(number), store) }
        try await Self.publish(Self.event(9, .platform), store)
        var seen: [String] = []
        await #expect(throws: Refused.self) {
            _ = try await outbox.deliverAll(to: "a") { event in
                if event.subject == "1" { throw Refused() }
                seen.append(event.subject)
            }
        }
        #expect(Set(seen) == ["0", "9"])
        _ = try await outbox.deliverAll(to: "a") { seen.append($0.subject) }
        #expect(seen.filter { $0 != "9" } == ["0", "1", "2"])
    }

    /// A crash after every store call, of the writer and of the deliverer: no published event is lost, each comes at
    /// least once under one id, and in order.
    @Test(arguments: FaultyStore.Fault.allCases) func aCrashAnywhereLosesNothing(_ fault: FaultyStore.Fault)
        async throws
    {
        var call = 1
        while true {
            let (base, time) = (TestStore(), ManualTime())
            let faulty = FaultyStore(base, failing: call, with: fault)
            var published: [Identifier<DomainEvent>] = []
            var seen: [Identifier<DomainEvent>] = []
            for number in 0..<3 {
                let event = Self.event(number)
                if (try? await Self.publish(event, faulty)) != nil { published.append(event.id) }
            }
            _ = try? await Outbox(leases: Leases(store: faulty, time: time)).deliverAll(to: "a") { seen.append($0.id) }
            let isDone = faulty.calls < call
            let store = try await copy(base)
            let outbox = Outbox(leases: Leases(store: store, time: time))
            for _ in 0..<3 {
                _ = try await outbox.deliverAll(to: "a") { seen.append($0.id) }
                time.advance(by: .seconds(40))
            }
            var once: [Identifier<DomainEvent>] = []
            for id in seen where !once.contains(id) { once.append(id) }
            #expect(once.filter { published.contains($0) } == published, "\(fault) at call \(call)")
            #expect(seen.count <= once.count + 1, "more than the one interrupted delivery was repeated")
            if isDone { break }
            call += 1
        }
        #expect(call > 15)
    }

    @Test func concurrentPublishersMakeOneOrder() async throws {
        let store = TestStore()
        let patient = RetryPolicy(attempts: 2000, longestWait: .milliseconds(2))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for number in 0..<25 {
                        try await store.transaction(retrying: patient) {
                            (tx: inout Transaction<StoreError>) throws(StoreError) in
                            try await tx.publish(Self.event(writer * 100 + number))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        var seen: [Int] = []
        _ = try await Outbox(leases: Leases(store: store)).deliverAll(to: "a") { seen.append(Int($0.subject) ?? -1) }
        #expect(seen.count == 100)
        for writer in 0..<4 {
            let own = seen.filter { $0 / 100 == writer }
            #expect(own == own.sorted())
        }
    }
}

@Suite struct BackgroundWorkTests {
    private final class Recorder: SignalHandler {
        let signals = Mutex<[Signal]>([])
        func handle(_ signal: Signal) { signals.withLock { $0.append(signal) } }
    }

    @Test func aFailingRoundIsReportedAndTriedAgain() async throws {
        struct Refused: Error {}
        let (recorder, time) = (Recorder(), ManualTime())
        let rounds = Mutex(0)
        let work = PeriodicWork("test.work", every: .seconds(60), time: time, signals: recorder) {
            if rounds.withLock({ rounds in
                rounds += 1; return rounds
            }) == 1 {
                throw Refused()
            }
        }
        #expect(work.name == "test.work")
        let task = Task { try await work.run() }
        for expected in 1...3 {
            while rounds.withLock({ $0 }) < expected {
                time.advance(by: .seconds(60))
                await Task.yield()
            }
        }
        task.cancel()
        try await task.value
        let outcomes = recorder.signals.withLock { $0.map(\.outcome) }
        #expect(outcomes.prefix(3) == [.failed, .success, .success])
        await #expect(throws: Refused.self) {
            try await PeriodicWork("x", every: .zero, time: time) { throw Refused() }.runOnce()
        }
    }
}

/// A store whose reads take a while on one worker's clock, during which something else happens.
private final class SlowStore: Store {
    let base: TestStore
    let during = Mutex<(@Sendable () async -> Void)?>(nil)
    init(_ base: TestStore) { self.base = base }
    func record(for key: Key) async throws(StoreError) -> Record? {
        let body = during.withLock { during in
            defer { during = nil }
            return during
        }
        if let body {
            // The clock runs before the store looks, as on a slow way there.
            await body()
        }
        return try await base.record(for: key)
    }
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) { try await base.commit(changes) }
}

@Suite struct HostileWorkTests {
    private let key = Key(partition, [.text("work")])

    /// A look that takes ten seconds counts from its end: the holder may have renewed on the way.
    @Test func aSlowLookDoesNotShortenALease() async throws {
        let (base, time) = (TestStore(), ManualTime())
        let slow = SlowStore(base)
        let (holder, watcher) = (Leases(store: base, time: time), Leases(store: slow, time: time))
        let first = try #require(try await holder.acquire(key))
        let renewed = Mutex<Lease?>(nil)
        slow.during.withLock {
            $0 = {
                time.advance(by: .seconds(10))
                let lease = try? await holder.renew(first)
                renewed.withLock { $0 = lease ?? nil }
            }
        }
        #expect(try await watcher.acquire(key) == nil)
        time.advance(by: .seconds(24))
        let lease = try #require(renewed.withLock { $0 })
        #expect(holder.isHeld(lease))
        #expect(try await watcher.acquire(key) == nil)
        time.advance(by: .seconds(10))
        #expect(try await watcher.acquire(key) != nil)
    }

    @Test func longAndShortLeasesAreBounded() {
        for (asked, given) in [(Duration.zero, 1), (.seconds(172_800), 86_400), (.seconds(Int64.max), 86_400)] {
            #expect(Leases(store: TestStore(), duration: asked).duration == .seconds(given))
        }
    }

    /// Numbers that no code writes are malformed records, not overflows.
    @Test func storedNumbersAreChecked() async throws {
        let store = TestStore()
        let leases = Leases(store: store, time: ManualTime())
        func put(_ key: Key, _ value: String) async throws {
            var changes = Changes()
            changes.write(key, Array(#"{"schema":1,"value":\#(value)}"#.utf8))
            try await store.commit(changes)
        }
        for number in ["9223372036854775807", "-1"] {
            let head = Key(partition, [.text("outbox.head")])
            try await put(head, #"{"number":\#(number)}"#)
            await #expect(throws: StoreError.malformed(head)) {
                try await store.transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
                    try await tx.publish(
                        DomainEvent("t", at: Timestamp(seconds: 1), scope: Scope(workspace), subject: "s"))
                }
            }
            for field in ["beat", "epoch", "milliseconds"] {
                let value = ["beat", "epoch", "milliseconds"].map { #""\#($0)":\#($0 == field ? number : "1")"# }
                try await put(key, "{" + value.joined(separator: ",") + "}")
                await #expect(throws: StoreError.malformed(key)) { _ = try await leases.acquire(key) }
            }
            let state = Key(partition, [.text("sweep"), .text("s")])
            try await put(state, #"{"changed":\#(number),"completed":0,"failed":0,"finished":false,"rounds":0}"#)
            await #expect(throws: StoreError.malformed(state)) {
                _ = try await Sweep("s", over: KeyRange(under: key), in: partition).report(from: store)
            }
        }
    }

    /// A workspace's own store is enough to publish in, the first time too.
    @Test func eventsArePublishedThroughAScopedStore() async throws {
        let store = TestStore()
        try await store.scoped(to: workspace).transaction { (tx: inout Transaction<StoreError>) throws(StoreError) in
            try await tx.publish(DomainEvent("t", at: Timestamp(seconds: 1), scope: Scope(workspace), subject: "s"))
        }
        var seen = 0
        _ = try await Outbox(leases: Leases(store: store)).deliverAll(to: "a") { _ in seen += 1 }
        #expect(seen == 1)
        // The mark of another workspace is not this one's to write.
        var changes = Changes()
        changes.write(Outbox.directoryKey(.platform), [1])
        let scoped = store.scoped(to: workspace)
        await #expect(throws: StoreError.self) { try await scoped.commit(changes) }
    }

    @Test func aLargeBatchLeavesRoomForTheSweep() async throws {
        let store = TestStore()
        for index in 0..<150 {
            var changes = Changes()
            changes.write(Key(partition, [.text("item"), .integer(Int64(index))]), [0])
            try await store.commit(changes)
        }
        let sweep = Sweep("s", over: KeyRange(under: Key(partition, [.text("item")])), in: partition, batch: 1000)
        let report = try await sweep.run(with: Leases(store: store)) {
            (key: Key, _: [UInt8], tx: inout Transaction<StoreError>) throws(StoreError) in
            tx.write(key, [1])
            return .changed
        }
        #expect(report?.changed == 150)
        #expect(
            try await sweep.run(with: Leases(store: store), limit: 0) {
                (_: Key, _: [UInt8], _: inout Transaction<StoreError>) throws(StoreError) in .unchanged
            }?.changed == 150)
    }
}

@Suite struct LeaseProperties {
    /// Workers with clocks of their own, crashes, lost replies and sleeps: never two holders at once.
    @Test func twoWorkersNeverHoldOneLease() async throws {
        var generator = Scale.current.generator(for: "leases")
        let key = Key(partition, [.text("work")])
        for _ in 0..<Scale.current.cases(ci: 300, soak: 10_000) {
            let store = TestStore()
            let clocks = (0..<3).map { _ in
                ManualTime(now: Timestamp(seconds: Int64.random(in: 0...2_000_000_000, using: &generator)))
            }
            // Any two clocks run within a tenth of the same speed.
            let speeds = (0..<3).map { _ in Double.random(in: 0.96...1.04, using: &generator) }
            var workers = clocks.map { Leases(store: store, time: $0) }
            var held: [Lease?] = [nil, nil, nil]
            var handovers = 0
            for _ in 0..<60 {
                let worker = Int.random(in: 0..<3, using: &generator)
                switch Int.random(in: 0..<10, using: &generator) {
                case 0..<4:
                    if held[worker] == nil {
                        held[worker] = try await workers[worker].acquire(key)
                        if held[worker] != nil { handovers += 1 }
                    }
                case 4..<6:
                    if let lease = held[worker] { held[worker] = try await workers[worker].renew(lease) }
                case 6:
                    if let lease = held[worker] { try await workers[worker].release(lease) }
                    held[worker] = nil
                case 7:
                    // A crash: the lease stays behind, and what the worker had seen is forgotten.
                    held[worker] = nil
                    workers[worker] = Leases(store: store, time: clocks[worker])
                case 8:
                    clocks[worker].setWallClock(
                        to: Timestamp(seconds: Int64.random(in: 0...2_000_000_000, using: &generator)))
                default: break
                }
                let span = Double.random(in: 0...20, using: &generator)
                for (clock, speed) in zip(clocks, speeds) { clock.advance(by: .seconds(span * speed)) }
                let holders = (0..<3).filter { index in held[index].map { workers[index].isHeld($0) } ?? false }
                #expect(holders.count <= 1)
            }
            #expect(handovers > 0)
        }
    }
}
