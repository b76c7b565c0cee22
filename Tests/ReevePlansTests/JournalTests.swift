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

extension Nodes {
    fileprivate func spend(_ tasks: Int, _ meter: TaskMeter) async throws(PlanError) {
        try await meter.admit(trust.job(), of: company, tasks: tasks).commit(used: tasks)
    }
}

extension Store {
    /// Leases that a journal in this store names.
    fileprivate func journaled() async throws -> Int {
        let entries = try await records(in: KeyRange(under: Key(.platform, [.text("plans.journal")])), limit: 1000)
        return entries.count
    }
}

@Suite struct JournalTests {
    /// After a crash a process gives back what it had not spent, but for what it had written ahead; without a journal the lease is gone.
    @Test func aRestartGivesBackWhatWasNotSpent() async throws {
        let nodes = try await Nodes(1, limit: 1000, leasePerMille: 500)
        let journal = TestStore()
        func crash(_ meter: TaskMeter) async throws { for _ in 0..<37 { try await nodes.spend(1, meter) } }
        try await crash(nodes.process(journal: journal))
        #expect(try await nodes.used() == 500)
        let restarted = try await nodes.process(journal: journal)
        try await restarted.settle()
        // Tens are written ahead, the first one with the task that brought the lease.
        #expect(try await nodes.used() == 41)
        try await restarted.settle()
        #expect(try await journal.journaled() == 0)
        try await crash(nodes.meters[0])
        try await nodes.meters[0].settle()
        #expect(try await nodes.used() > 300)
    }

    /// A process that nobody starts again costs its lease; one that is started late gets back what was counted as used, once.
    @Test func aLateRestartGivesBackOnce() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = TestStore()
        try await nodes.spend(3, nodes.process(journal: journal))
        nodes.trust.time.advance(by: .seconds(130))
        // Somebody else counts it as used.
        try await nodes.use(1)
        try await nodes.giveBackAll()
        #expect(try await nodes.used() == 501)
        for _ in 0..<3 {
            let restarted = try await nodes.process(journal: journal)
            try await restarted.settle()
            #expect(try await nodes.used() == 14)
        }
    }

    /// What a job needs beyond a step is written down with it, and what is given back is spent again without a word.
    @Test func aLargeJobIsWrittenDownAtOnce() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = SpyStore(TestStore())
        let meter = try await nodes.process(journal: journal)
        try await nodes.spend(1, meter)
        let writes = journal.commits.count
        try await nodes.spend(200, meter)
        #expect(journal.commits.count == writes + 1)
        for _ in 0..<30 { try await meter.admit(nodes.trust.job(), of: nodes.company, tasks: 5).release() }
        #expect(journal.commits.count <= writes + 2)
        let restarted = try await nodes.process(journal: journal)
        try await restarted.settle()
        #expect(try await (201...211).contains(nodes.used()))
        #expect(nodes.poolWrites > 0)
    }

    /// Two processes of one name: the one that came later has it, the other goes on without holding anything, and says so; no more is used
    /// than there is.
    @Test func aNameBelongsToTheLastOne() async throws {
        let nodes = try await Nodes(1, limit: 200)
        let journal = TestStore()
        let first = try await nodes.process(journal: journal)
        try await nodes.spend(1, first)
        let second = try await nodes.process(journal: journal)
        try await second.settle()
        var used = 1
        for _ in 0..<300 {
            for meter in [first, second] where await refusal({ try await nodes.spend(1, meter) }) == nil { used += 1 }
        }
        #expect(used <= 200 && used >= 180)
        await #expect(throws: PlanError(.journalTakenOver)) { try await first.giveBackAll() }
        try await second.giveBackAll()
        let counted = try await nodes.used()
        #expect(counted >= used && counted <= 200)
    }

    /// While the journal's store is away jobs are admitted one by one: nothing is held that a crash would cost.
    @Test func withoutItsStoreNothingIsHeld() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let journal = FaultyStore(TestStore(), failing: 1, with: .crash)
        let meter = try await nodes.process(journal: journal)
        for _ in 0..<5 { try await nodes.spend(1, meter) }
        #expect(try await nodes.used() == 5)
        let isHeld = meter.handle(for: nodes.company).admit(nodes.trust.job()) != nil
        #expect(!isHeld)
        await #expect(throws: PlanError(.storeFailed)) { try await meter.settle() }
        for _ in 0..<95 { try await nodes.spend(1, meter) }
        await #expect(throws: PlanError(.limitReached)) { try await nodes.spend(1, meter) }
    }

    /// A lease that was asked for while the company's tasks could not be read is in no journal.
    @Test func whatWasNotGivenIsNotWrittenDown() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let journal = TestStore()
        let store = StubbornStore(nodes.trust.store)
        let meter = try await nodes.process(journal: journal, store: store)
        store.hide(.text(nodes.company.description))
        await #expect(throws: PlanError(.storeFailed)) { try await nodes.spend(1, meter) }
        try await meter.settle()
        #expect(try await journal.journaled() == 0)
    }

    /// A journal that is there twice, of companies that are gone, or that cannot be read: the others' are given back.
    @Test func whatCannotBeToldKeepsNothingElse() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = TestStore()
        try await nodes.spend(3, nodes.process(journal: journal))
        let stranger = Key(.platform, ["plans.journal", "worker", "com_unknown", "qls_unknown"].map { .text($0) })
        let bytes = Array(#"{"schema":1,"value":{"asked":"2026-01-01T00:00:00.000000Z","company":"x"}}"#.utf8)
        try await journal.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            transaction.write(stranger, bytes)
        }
        let restarted = try await nodes.process(journal: journal)
        await #expect(throws: PlanError.self) { try await restarted.settle() }
        // It is said, and nothing is held until it is looked after.
        try await nodes.spend(1, restarted)
        try await journal.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            transaction.delete(stranger)
        }
        try await restarted.settle()
        #expect(try await nodes.used() == 14)
    }

    /// Each call of either store fails once, in each way; a crash after it and a restart: never too many, and no more lost than is
    /// written ahead.
    @Test func eachCallFailsOnce() async throws {
        var cases = 0
        for fault in FaultyStore.Fault.allCases {
            for call in 1... {
                let nodes = try await Nodes(1, limit: 100)
                let name = "\(fault) \(call)"
                // Store and journal are of one process: they die together.
                let store = FaultyStore(nodes.trust.store, failing: call, with: fault)
                // A process that does not come up has nothing to lose.
                guard
                    let meter = try? await nodes.process(
                        name, journal: store, step: 5, store: store, leasePerMille: 300)
                else { continue }
                var used = 0
                for number in 0..<25 {
                    if number == 12 { try? await meter.settle() }
                    if await refusal({ try await nodes.spend(1, meter) }) == nil { used += 1 }
                }
                let calls = store.calls
                let restarted = try await nodes.process(
                    name, journal: nodes.trust.store, step: 5, leasePerMille: 300)
                for _ in 0..<2 { try await restarted.settle() }
                let counted = try await nodes.used()
                // What was taken for a job whose answer was lost is lost with it, and what was written ahead.
                #expect(counted >= used && counted <= used + 5 + 2, "\(name): \(counted), \(used)")
                let rest = try await nodes.fill(restarted)
                #expect(counted + rest == 100, "\(name)")
                cases += 1
                if calls < call { break }
            }
        }
        #expect(cases > 60)
    }
}

@Suite struct JournalProperties {
    /// Processes that crash and start again at any time, with their stores: never more is used than the limit, and each crash costs no
    /// more than what was written ahead.
    @Test func crashesCostAStep() async throws {
        var generator = Scale.current.generator(for: "journals")
        for _ in 0..<Scale.current.cases(ci: 60, soak: 3000) {
            let limit = Int.random(in: 50...500, using: &generator)
            let step = Int.random(in: 1...20, using: &generator)
            let nodes = try await Nodes(1, limit: limit)
            let journal = TestStore()
            var meters: [TaskMeter] = []
            for number in 0..<3 {
                meters.append(try await nodes.process("\(number)", journal: journal, step: step))
            }
            var (used, lost) = (0, 0)
            for _ in 0..<120 {
                let node = Int.random(in: 0..<3, using: &generator)
                switch Int.random(in: 0..<20, using: &generator) {
                case 0:
                    lost += step + 1
                    meters[node] = try await nodes.process("\(node)", journal: journal, step: step)
                case 1: try await meters[node].settle()
                case 2: try await meters[node].giveBackAll()
                case 3: nodes.trust.time.advance(by: .seconds(Int.random(in: 1...150, using: &generator)))
                default:
                    let tasks = Int.random(in: 1...12, using: &generator)
                    do throws(PlanError) {
                        try await nodes.spend(tasks, meters[node])
                        used += tasks
                    } catch {
                        #expect(error == PlanError(.limitReached))
                    }
                }
                #expect(used <= limit, "seed \(Scale.current.seed)")
            }
            for meter in meters { try await meter.giveBackAll() }
            let counted = try await nodes.used()
            #expect(counted >= used && counted <= used + lost, "seed \(Scale.current.seed)")
            #expect(try await journal.journaled() == 0)
        }
    }

    /// Two processes of a name, the first one with a mark: what it spends after it was told is within it.
    @Test func severalOfANameNeverAdmitTooMuch() async throws {
        var generator = Scale.current.generator(for: "journals of one name")
        for _ in 0..<Scale.current.cases(ci: 100, soak: 3000) {
            let limit = Int.random(in: 20...200, using: &generator)
            let nodes = try await Nodes(1, limit: limit)
            let journal = TestStore()
            let step = Int.random(in: 1...20, using: &generator)
            var meters: [TaskMeter] = []
            for _ in 0..<2 { meters.append(try await nodes.process(journal: journal, step: step)) }
            var (used, open) = (0, [(Int, DetachedAdmission)]())
            for _ in 0..<80 {
                let node = Int.random(in: 0..<meters.count, using: &generator)
                switch Int.random(in: 0..<14, using: &generator) {
                case 0: try? await meters[node].settle()
                case 1: try? await meters[node].giveBackAll()
                case 2: nodes.trust.time.advance(by: .seconds(Int.random(in: 1...100, using: &generator)))
                case 3: if meters.count < 5 { meters.append(try await nodes.process(journal: journal, step: step)) }
                case 4:
                    if let detached = try? await meters[node].admit(nodes.job(nil), of: nodes.company, tasks: 4)
                        .detach()
                    {
                        used += 4
                        open.append((node, detached))
                    }
                case 5:
                    guard let (_, detached) = open.popLast() else { continue }
                    try await meters[node].commit(detached, used: 1)
                    used -= 3
                default:
                    let tasks = Int.random(in: 1...9, using: &generator)
                    let back = Int.random(in: 0...tasks, using: &generator)
                    if let admission = try? await meters[node].admit(nodes.job(nil), of: nodes.company, tasks: tasks) {
                        if Bool.random(using: &generator) { try? await meters[node].giveBackAll() }
                        admission.commit(used: tasks - back)
                        used += tasks - back
                    }
                }
                #expect(used <= limit, "seed \(Scale.current.seed)")
            }
            for meter in meters { try? await meter.giveBackAll() }
            let counted = try await nodes.used()
            #expect(counted >= used, "seed \(Scale.current.seed) \(counted) \(used)")
        }
    }
}
