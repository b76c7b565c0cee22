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

extension Nodes {
    fileprivate func job(_ environment: Environment?, of workspace: Identifier<Workspace>? = nil) -> Job {
        Job(
            id: Identifier(at: trust.time.now), recipe: Recipe(id: Identifier(at: trust.time.now), version: 1),
            scope: Scope(workspace ?? trust.scope.workspace ?? Identifier(high: 1, low: 1), environment))
    }

    fileprivate func set(
        _ limit: Int, _ sublimits: [Sublimit]?, _ usage: PlanChange.Usage = .kept,
        _ timing: PlanChange.Timing = .immediately, until: Timestamp? = nil, pace: Pace? = nil
    ) async throws {
        try await plans.change(
            PlanChange(
                .package(Package(tasksPerPeriod: limit, pace: pace, sublimits: sublimits)), timing: timing,
                usage: usage, until: until),
            of: company, permit())
    }

    fileprivate func fill(
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

    fileprivate func process(
        _ name: String = "worker", journal: any Store, step: Int = 10, store: (any Store)? = nil,
        leasePerMille: Int = 500
    ) async throws -> TaskMeter {
        let authority = try await AccessAuthority.soleOperator(
            trust.principal, reason: "a process", store: store ?? trust.store, time: trust.time)
        return TaskMeter(
            plans: Plans(authority: authority, journal: TaskJournal(journal, name: name, step: step)),
            configuration: .init(recallMilliseconds: 0, leasePerMille: leasePerMille))
    }
}

@Suite struct SublimitAttackTests {
    private let other = Identifier<Workspace>(high: 9, low: 9)

    /// The way without the store admits no job of a workspace that has a sublimit, also of no environment.
    @Test func handleAndWorkspace() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(1000, [Sublimit(other, tasksPerPeriod: 1)])
        try await nodes.meters[0].admit(nodes.job(.test), of: nodes.company).commit(used: 1)
        try await nodes.meters[0].admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        let handle = nodes.meters[0].handle(for: nodes.company)
        var admitted = 0
        for _ in 0..<20 {
            guard let admission = handle.admit(nodes.job(nil, of: other)) else { continue }
            admission.commit(used: 1)
            admitted += 1
        }
        #expect(admitted <= 1)
    }

    /// A change that scales goes by the sublimit that was in force before it.
    @Test func scaledStale() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(1000, [Sublimit(.production, tasksPerPeriod: 200)])
        #expect(await nodes.fill(.production, atMost: 50).0 == 50)
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(1000, [Sublimit(.production, tasksPerPeriod: 100)])
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(1000, [Sublimit(.production, tasksPerPeriod: 100)], .scaled)
        #expect(try await nodes.plans.allowance(of: nodes.company).sublimits[0].used == 50)
        #expect(await nodes.fill(.production).0 == 50)
    }

    /// After a package for a time the plan's sublimit goes on where it was.
    @Test func packageForATime() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 10)])
        let detached = try await nodes.meters[0].admit(nodes.job(.production), of: nodes.company, tasks: 8).detach()
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(10))
        let end = nodes.trust.time.now.advanced(by: .seconds(3600))
        try await nodes.set(100, [], until: end)
        #expect(await nodes.fill(.production, atMost: 1).0 == 1)
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(4000))
        #expect(await nodes.fill(nil, atMost: 1).0 == 1)
        try await nodes.meters[0].commit(detached, used: 0)
        let (count, error) = await nodes.fill(.production)
        #expect(count <= 10, "\(count) \(String(describing: error))")
    }

    /// Two clocks and a scheduled change that adds a sublimit: it is kept.
    @Test func twoClocks() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 50)])
        let at = nodes.trust.time.now.advanced(by: .seconds(600))
        try await nodes.set(
            100, [Sublimit(.production, tasksPerPeriod: 50), Sublimit(other, tasksPerPeriod: 10)], .kept, .at(at))
        let ahead = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(1800)))
        let (first, _) = try await nodes.node(ahead)
        var admitted = 0
        for _ in 0..<4 {
            admitted += await nodes.fill(.test, of: other, on: first).0
            try await first.giveBackAll()
            #expect(await nodes.fill(.production, atMost: 1).0 == 1)
            try await nodes.giveBackAll()
        }
        #expect(admitted <= 10)
    }

    /// Also when the limit changes with it, and the one behind settles.
    @Test func twoClocksSettle() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 50)])
        let at = nodes.trust.time.now.advanced(by: .seconds(600))
        try await nodes.set(
            90, [Sublimit(.production, tasksPerPeriod: 50), Sublimit(other, tasksPerPeriod: 10)], .kept, .at(at))
        let ahead = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(1800)))
        let (first, _) = try await nodes.node(ahead)
        var admitted = 0
        for _ in 0..<4 {
            admitted += await nodes.fill(.test, of: other, on: first).0
            try await first.giveBackAll()
            #expect(await nodes.fill(.production, atMost: 1).0 == 1)
            try await nodes.giveBackAll()
        }
        #expect(admitted <= 10)
    }

    /// What is held for other jobs comes back before one is refused for the pace.
    @Test func paceOfOtherLanes() async throws {
        let nodes = try await Nodes(1, limit: 0, leasePerMille: 1000)
        try await nodes.set(
            1000, [Sublimit(.production, tasksPerPeriod: 500)],
            pace: Pace(tasks: 1, seconds: 60, burst: 20))
        #expect(await nodes.fill(.test, atMost: 1).1 == nil)
        // one usually: first takes all with nothing ahead
        let (count, error) = await nodes.fill(.production, atMost: 19)
        #expect(count == 19 && error == nil, "\(count) \(String(describing: error))")
    }

    /// Who waits for a sublimit lets others pass, also when the limit has too little for it as well.
    @Test func blockedByASublimit() async throws {
        let nodes = try await Nodes(1, limit: 0, leasePerMille: 1)
        try await nodes.set(20, [Sublimit(.production, tasksPerPeriod: 5)])
        func wait(_ environment: Environment, _ tasks: Int) async -> Task<Void, any Error> {
            let before = nodes.meters[0].waiting(of: nodes.company).count
            let task = Task {
                try await nodes.meters[0].admitWaiting(nodes.job(environment), of: nodes.company, tasks: tasks).commit(
                    used: tasks)
            }
            while nodes.meters[0].waiting(of: nodes.company).count == before { await Task.yield() }
            return task
        }
        let blocked = await wait(.production, 6)
        #expect(nodes.meters[0].waiting(of: nodes.company).map(\.reason.code) == [.sublimitReached])
        #expect(await nodes.fill(.test).0 == 20)
        let free = await wait(.test, 2)
        try await nodes.set(23, [Sublimit(.production, tasksPerPeriod: 5)])
        for _ in 0..<5 { try await nodes.meters[0].settle() }
        for _ in 0..<100 { await Task.yield() }
        #expect(nodes.meters[0].waiting(of: nodes.company).count == 1)
        blocked.cancel()
        free.cancel()
    }

    /// A crash costs no more than the cap, whatever kinds of jobs there are.
    @Test func crashWithLanes() async throws {
        let nodes = try await Nodes(1, limit: 0, leasePerMille: 10)
        let workspaces = (1...20).map { Identifier<Workspace>(high: 7, low: $0) }
        try await nodes.set(10_000, workspaces.map { Sublimit($0, tasksPerPeriod: 10_000) })
        for workspace in workspaces {
            for environment in Environment.allCases {
                _ = await nodes.fill(environment, of: workspace, atMost: 1)
            }
        }
        nodes.trust.time.advance(by: .seconds(130))
        let (next, plans) = try await nodes.node(nodes.trust.time)
        _ = await nodes.fill(nil, on: next, atMost: 1)
        let used = try await plans.allowance(of: nodes.company).used
        #expect(used <= 100 + 60 + 1, "\(used)")
    }

    /// A crash with a journal costs a step for each kind of jobs.
    @Test func journalLanes() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(
            10_000, [Sublimit(.production, tasksPerPeriod: 9000), Sublimit(.test, tasksPerPeriod: 9000)])
        let journal = MemoryStore()
        let meter = try await nodes.process(journal: journal)
        for environment in [nil, Environment.production, .test] {
            try await meter.admit(nodes.job(environment), of: nodes.company).commit(used: 1)
        }
        let restarted = try await nodes.process(journal: journal)
        try await restarted.settle()
        let used = try await nodes.used()
        #expect(used <= 3 * (1 + 10), "\(used)")
    }

    @Test func journalGivenBack() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = MemoryStore()
        let meter = try await nodes.process(journal: journal)
        try await meter.admit(nodes.job(nil), of: nodes.company, tasks: 300).release()
        try await meter.settle()
        let restarted = try await nodes.process(journal: journal)
        try await restarted.settle()
        let used = try await nodes.used()
        #expect(used <= 10 + 1, "\(used)")
    }

    /// The first job after a restart has what the process before held.
    @Test func firstAfterRestart() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let journal = MemoryStore()
        let meter = try await nodes.process(journal: journal, leasePerMille: 1000)
        try await meter.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        let restarted = try await nodes.process(journal: journal)
        let error = await refusal {
            try await restarted.admit(nodes.job(nil), of: nodes.company, tasks: 60).commit(used: 60)
        }
        #expect(error == nil, "\(String(describing: error))")
    }

    /// A company that cannot be told keeps no other one from holding something.
    @Test func oneBadCompany() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = MemoryStore()
        let meter = try await nodes.process(journal: journal)
        try await meter.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        // Another company, whose facts cannot be read.
        let bad = Identifier<Company>(high: 5, low: 5)
        let lease = try #require(
            try await journal.records(in: KeyRange(under: Key(.platform, [.text("plans.journal")])), limit: 10).first)
        let text = String(decoding: lease.record.bytes, as: UTF8.self).replacing(
            nodes.company.description, with: bad.description
        ).replacing(/"lease":"[^"]*"/, with: "\"lease\":\"\(Identifier<QuotaLeaseRecord>(high: 3, low: 3))\"")
        let elements = try #require(lease.key.elements)
        let key = Key(
            .platform,
            elements.dropFirst(1).map { $0 == .text(nodes.company.description) ? .text(bad.description) : $0 })
        try await journal.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            transaction.write(key, Array(text.utf8))
        }
        try await nodes.trust.store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            transaction.write(Key(.platform, ["plans.company", bad.description].map { .text($0) }), Array("{".utf8))
        }
        let restarted = try await nodes.process(journal: journal)
        for _ in 0..<3 {
            let error = await refusal { try await restarted.settle() }
            print("oneBadCompany", error as Any)
        }
        try await restarted.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        let isHeld = restarted.handle(for: nodes.company).admit(nodes.job(nil)) != nil
        #expect(isHeld)
    }

    /// Nobody is refused for what this process holds for others, whoever comes between.
    @Test func thirdLane() async throws {
        var denied: [String] = []
        for _ in 0..<40 {
            let base = MemoryStore()
            let nodes = try await Nodes(1, limit: 0, leasePerMille: 1000, over: base, faulty: [0: YieldingStore(base)])
            try await nodes.set(80, [Sublimit(.production, tasksPerPeriod: 79), Sublimit(.test, tasksPerPeriod: 79)])
            _ = await nodes.fill(.test, atMost: 40)
            _ = await nodes.fill(.production, atMost: 1)
            // 20 are held for production, 19 of them left; 20 are free.
            async let first = refusal {
                try await nodes.meters[0].admit(nodes.job(.test), of: nodes.company, tasks: 30).commit(used: 30)
            }
            async let second = refusal {
                try await nodes.meters[0].admit(nodes.job(.development), of: nodes.company).commit(used: 1)
            }
            let errors = await [first, second]
            if errors.contains(where: { $0 != nil }) { denied.append("\(errors)") }
        }
        #expect(denied == [])
    }

    /// Many kinds of jobs and crashes: the record has room, and nobody is refused.
    @Test func recordSizeEndToEnd() async throws {
        let nodes = try await Nodes(1, limit: 0, leasePerMille: 1)
        let workspaces = (1...7).map { Identifier<Workspace>(high: .max, low: $0) }
        var sublimits = Environment.allCases.map { Sublimit($0, tasksPerPeriod: 1_000_000_000) }
        for workspace in workspaces {
            sublimits.append(Sublimit(workspace, tasksPerPeriod: 1_000_000_000))
            for environment in Environment.allCases {
                sublimits.append(Sublimit(environment, of: workspace, tasksPerPeriod: 1_000_000_000))
            }
        }
        try await nodes.set(1_000_000_000, sublimits)
        var errors: [PlanError] = []
        for round in 0..<3 {
            for _ in 0..<13 {
                let authority = try await AccessAuthority.soleOperator(
                    nodes.trust.principal, reason: "a node", store: nodes.trust.store, time: nodes.trust.time)
                let meter = TaskMeter(
                    plans: Plans(authority: authority),
                    configuration: .init(recallMilliseconds: 0, leasePerMille: 1))
                for workspace in workspaces {
                    for environment in Environment.allCases {
                        let (_, error) = await nodes.fill(environment, of: workspace, on: meter, atMost: 1)
                        if let error { errors.append(error) }
                    }
                }
            }
            print("round", round, errors.count, errors.first as Any)
            // All of these crash.
            nodes.trust.time.advance(by: .seconds(130))
        }
        #expect(errors.isEmpty)
    }

    /// A commit that is under way when the process starts again is too late.
    @Test func commitUnderWay() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = MemoryStore()
        let holding = HoldingStore(nodes.trust.store)
        let first = try await nodes.process(journal: journal, store: holding)
        holding.hold()
        _ = await refusal { try await first.admit(nodes.job(nil), of: nodes.company).commit(used: 1) }
        let second = try await nodes.process(journal: journal)
        try await second.settle()
        await holding.arrive()
        nodes.trust.time.advance(by: .seconds(130))
        try await nodes.use(1)
        try await nodes.giveBackAll()
        let used = try await nodes.used()
        #expect(used <= 1 + 1 + 10 + 1, "\(used)")
    }

    /// Entries of a journal that nobody wrote do no harm.
    @Test func hostileEntries() async throws {
        for (asked, mark) in [
            ("0001-01-01T00:00:00.000000Z", "-5"), ("9999-12-31T23:59:59.999999Z", "9223372036854775807"),
            ("-9999-01-01T00:00:00.000000Z", "-9223372036854775808"),
        ] {
            let nodes = try await Nodes(1, limit: 1000)
            let journal = MemoryStore()
            let meter = try await nodes.process(journal: journal)
            try await meter.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
            let entry = try #require(
                try await journal.records(in: KeyRange(under: Key(.platform, [.text("plans.journal")])), limit: 10)
                    .first)
            var text = String(decoding: entry.record.bytes, as: UTF8.self)
            print(text)
            let old = try #require(text.firstRange(of: /"asked":"[^"]*"/))
            text.replaceSubrange(old, with: "\"asked\":\"\(asked)\"")
            let number = try #require(text.firstRange(of: /"mark":[0-9-]*/))
            text.replaceSubrange(number, with: "\"mark\":\(mark)")
            let bytes = Array(text.utf8)
            try await journal.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                transaction.write(entry.key, bytes)
            }
            let restarted = try await nodes.process(journal: journal)
            let error = await refusal { try await restarted.settle() }
            let used = try await nodes.used()
            print("hostile", asked, mark, error as Any, used)
        }
    }

    /// A name that no key has room for is refused.
    @Test func longName() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        for name in ["", String(repeating: "n", count: 20_000), "a\u{0}b"] {
            let meter = try await nodes.process(name, journal: MemoryStore())
            let error = await refusal { try await meter.settle() }
            print("name", name.count, error as Any)
        }
    }

    /// Two processes of a name, the first one with a mark: what it spends after it was told is within it.
    @Test func twoOfANameFuzz() async throws {
        for seed in 0..<150 {
            var generator = SplitMix(UInt64(seed) &+ 77)
            let limit = Int.random(in: 20...200, using: &generator)
            let nodes = try await Nodes(1, limit: limit)
            let journal = MemoryStore()
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
                #expect(used <= limit, "seed \(seed)")
            }
            for meter in meters { try? await meter.giveBackAll() }
            let counted = try await nodes.used()
            #expect(counted >= used, "seed \(seed) \(counted) \(used)")
        }
    }

    /// Other sublimits come and go; one stays, and is exact.
    @Test func fuzz() async throws {
        for seed in 0..<150 {
            var generator = SplitMix(UInt64(seed))
            let limit = Int.random(in: 30...150, using: &generator)
            let constant = Sublimit(.production, tasksPerPeriod: .random(in: 5...80, using: &generator))
            let nodes = try await Nodes(3, limit: 0, leasePerMille: .random(in: 1...500, using: &generator))
            try await nodes.set(limit, [constant])
            var used = (production: 0, all: 0)
            var open: [(Bool, DetachedAdmission)] = []
            for _ in 0..<80 {
                let node = Int.random(in: 0..<3, using: &generator)
                let environment = Environment.allCases.randomElement(using: &generator)!
                let workspace = [other, Identifier<Workspace>(high: 1, low: 1)].randomElement(using: &generator)!
                let tasks = Int.random(in: 1...6, using: &generator)
                switch Int.random(in: 0..<14, using: &generator) {
                case 0: try await nodes.meters[node].settle()
                case 1: try await nodes.meters[node].giveBackAll()
                case 2: nodes.trust.time.advance(by: .seconds(Int.random(in: 1...70, using: &generator)))
                case 3:
                    var all = [constant]
                    if Bool.random(using: &generator) { all.append(Sublimit(other, tasksPerPeriod: 40)) }
                    if Bool.random(using: &generator) { all.insert(Sublimit(.test, tasksPerPeriod: 40), at: 0) }
                    if Bool.random(using: &generator) {
                        all.append(Sublimit(.production, of: other, tasksPerPeriod: 40))
                    }
                    try await nodes.set(limit, all)
                    nodes.trust.time.advance(by: .seconds(1))
                case 4, 5:
                    do throws(PlanError) {
                        let detached = try await nodes.meters[node].admit(
                            nodes.job(environment, of: workspace), of: nodes.company, tasks: tasks
                        ).detach()
                        open.append((environment == .production, detached))
                        used.all += tasks
                        if environment == .production { used.production += tasks }
                    } catch { #expect(error.code == .limitReached || error.code == .sublimitReached) }
                case 6:
                    guard let (isProduction, detached) = open.popLast() else { continue }
                    let spent = Int.random(in: 0...detached.tasks, using: &generator)
                    try await nodes.meters[node].commit(detached, used: spent)
                    used.all -= detached.tasks - spent
                    if isProduction { used.production -= detached.tasks - spent }
                case 7:
                    do throws(PlanError) {
                        var admission = try await nodes.meters[node].admit(
                            nodes.job(environment, of: workspace), of: nodes.company, tasks: tasks)
                        var spent = tasks
                        do throws(PlanError) {
                            try await nodes.meters[node].extend(&admission, by: 3)
                            spent += 2
                        } catch {}
                        admission.commit(actions(1...spent), by: rules)
                        used.all += spent
                        if environment == .production { used.production += spent }
                    } catch { #expect(error.code == .limitReached || error.code == .sublimitReached) }
                default:
                    let back = Int.random(in: 0...tasks, using: &generator)
                    do throws(PlanError) {
                        try await nodes.meters[node].admit(
                            nodes.job(environment, of: workspace), of: nodes.company, tasks: tasks
                        ).commit(used: tasks - back)
                        used.all += tasks - back
                        if environment == .production { used.production += tasks - back }
                    } catch { #expect(error.code == .limitReached || error.code == .sublimitReached) }
                }
                #expect(used.production <= constant.tasksPerPeriod && used.all <= limit, "seed \(seed)")
            }
            try await nodes.giveBackAll()
            let allowance = try await nodes.plans.allowance(of: nodes.company)
            let own = allowance.sublimits.first { $0.sublimit == constant }
            #expect(
                allowance.used == used.all && own?.used == used.production,
                "seed \(seed) \(allowance.used) \(used) \(String(describing: own?.used))")
        }
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Holds back one commit of a pool.
/// A store of a process that ends while a commit of it is under way: that arrives later, and nothing else does.
private final class HoldingStore: Store {
    private let base: any Store
    private let state = Mutex((isArmed: false, isDead: false, late: nil as Changes?))

    init(_ base: any Store) { self.base = base }

    /// The next commit of a period's record is under way when the process ends.
    func hold() { state.withLock { $0.isArmed = true } }

    func arrive() async {
        if let changes = state.withLock({ $0.late }) { try? await base.commit(changes) }
    }

    private func check() throws(StoreError) {
        if state.withLock({ $0.isDead }) { throw .unavailable("the process has ended") }
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
        let isPool = changes.changes.keys.contains { $0.elements?.dropFirst().first == .text("plans.quota") }
        let isLate = state.withLock { state in
            guard state.isArmed, isPool else { return false }
            (state.isDead, state.late) = (true, changes)
            return true
        }
        if isLate { throw .unavailable("the process has ended") }
        try await base.commit(changes)
    }
}
