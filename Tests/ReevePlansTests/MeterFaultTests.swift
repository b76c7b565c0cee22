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

private struct World {
    let base = TestStore()
    let trust: TestTrust
    var company: Identifier<Company> { trust.company }

    init(limit: Int) async throws {
        trust = try await TestTrust(over: base)
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: trust.company), in: .platform)
        try await trust.layer.plans.change(.package(Package(tasksPerPeriod: limit)), of: trust.company, permit)
    }

    /// A process of its own.
    func meter(
        _ store: (any Store)? = nil, recallMilliseconds: Int = 0, leasePerMille: Int = 250
    ) async throws -> TaskMeter {
        try await process(store, recallMilliseconds, leasePerMille).meter
    }

    func process(
        _ store: (any Store)? = nil, _ recallMilliseconds: Int = 0, _ leasePerMille: Int = 250
    ) async throws -> (meter: TaskMeter, plans: Plans) {
        let plans = try await trust.process(store ?? base)
        return (
            TaskMeter(
                plans: plans,
                configuration: .init(recallMilliseconds: recallMilliseconds, leasePerMille: leasePerMille)), plans
        )
    }

    func use(_ tasks: Int, _ meter: TaskMeter, of company: Identifier<Company>? = nil) async throws(PlanError) {
        try await meter.admit(trust.job(), of: company ?? self.company, tasks: tasks).commit(used: tasks)
    }

    /// Uses single tasks until one is refused; returns how many.
    func fill(_ meter: TaskMeter) async -> Int {
        var used = 0
        while (try? await use(1, meter)) != nil { used += 1 }
        return used
    }

    func admitsHeld(_ meter: TaskMeter) -> Bool {
        guard let admission = meter.handle(for: company).admit(trust.job()) else { return false }
        admission.commit(used: 1)
        return true
    }

    func used() async throws -> Int { try await trust.layer.plans.allowance(of: company).used }

    func otherCompany() async throws -> Identifier<Company> {
        let other = Identifier<Company>(at: trust.time.now)
        try await trust.layer.plans.setStatus(Company(id: other, status: .proofOfConcept), sequence: 1)
        return other
    }
}

@Suite struct MeterFaultTests {
    /// A lease that is asked back while its commit is still unanswered is not spent.
    @Test func aRecallReachesALeaseThatIsOnItsWay() async throws {
        let world = try await World(limit: 100)
        let store = StubbornStore(world.base)
        let (first, second) = (try await world.meter(store), try await world.meter())
        try await world.use(1, first, of: world.otherCompany())
        store.set(.holdAfter)
        let pending = Task { try await world.use(1, first) }
        await store.held()
        await #expect(throws: PlanError(.limitReached)) { try await world.use(90, second) }
        try await first.settle()
        store.release()
        try await pending.value
        #expect(!world.admitsHeld(first))
        try await first.settle()
        try await world.use(90, second)
    }

    /// Neither is one of a company that has become a former one meanwhile.
    @Test func aChangeOfTermsReachesALeaseThatIsOnItsWay() async throws {
        let world = try await World(limit: 100)
        let store = StubbornStore(world.base)
        let (meter, plans) = try await world.process(store)
        store.set(.holdAfter)
        let pending = Task { try await world.use(1, meter) }
        await store.held()
        try await plans.setStatus(Company(id: world.company, status: .former), sequence: 9)
        store.release()
        try await pending.value
        #expect(!world.admitsHeld(meter))
        await #expect(throws: PlanError(.companyInactive)) { try await world.use(1, meter) }
    }

    /// A holder that has crashed keeps nobody from asking the others.
    @Test func aCrashedHolderDoesNotHideTheOthers() async throws {
        let world = try await World(limit: 100)
        let (dead, asking, alive) = (
            try await world.meter(), try await world.meter(), try await world.meter(leasePerMille: 1000)
        )
        try await world.use(1, dead)
        await #expect(throws: PlanError(.limitReached)) { try await world.use(80, asking) }
        try await world.use(1, alive)
        await #expect(throws: PlanError(.limitReached)) { try await world.use(70, asking) }
        try await alive.settle()
        try await world.use(70, asking)
    }

    /// What a job gives back while its lease is being changed comes back, also when that fails.
    @Test func whatComesBackMeanwhileIsNotLost() async throws {
        let world = try await World(limit: 100)
        let store = StubbornStore(world.base)
        let meter = try await world.meter(store)
        let long = try await meter.admit(world.trust.job(), of: world.company, tasks: 20)
        store.set(.holdBefore, failure: .unavailable("away"))
        let pending = Task { try? await world.use(60, meter) }
        await store.held()
        long.release()
        store.release()
        await pending.value
        try await meter.settle()
        world.trust.time.advance(by: .seconds(61))
        for _ in 0..<2 { try await meter.settle() }
        #expect(try await world.used() == 0)
    }

    /// What comes back before anybody has said that it was used leaves a pool that can be read, and a limit that is whole.
    @Test func moreMayComeBackThanWasStated() async throws {
        let world = try await World(limit: 100)
        let store = StubbornStore(world.base)
        let (first, silent, third) = (try await world.meter(store), try await world.meter(), try await world.meter())
        try await silent.admit(world.trust.job(), of: world.company).release()
        world.trust.time.advance(by: .seconds(100))
        let long = try await first.admit(world.trust.job(), of: world.company, tasks: 10)
        store.set(.holdBefore, failure: .unavailable("away"))
        let pending = Task { try? await world.use(60, first) }
        await store.held()
        long.release()
        store.release()
        await pending.value
        world.trust.time.advance(by: .seconds(21))
        try await world.use(1, third)
        for meter in [first, silent] {
            try await meter.settle()
            _ = try await world.used()
        }
        try await world.use(30, third)
        world.trust.time.advance(by: .seconds(61))
        for meter in [first, silent, third] { try await meter.settle() }
        #expect(try await world.used() == 31)
        #expect(await world.fill(first) == 69)
    }

    /// Nobody is asked to give back what would not be enough.
    @Test func anImpossibleRequestRecallsNobody() async throws {
        let world = try await World(limit: 100)
        let (first, second) = (try await world.meter(), try await world.meter(recallMilliseconds: 60_000))
        try await world.use(1, first)
        await #expect(throws: PlanError(.limitReached)) { try await world.use(101, second) }
        try await first.settle()
        #expect(world.admitsHeld(first))
    }

    /// What was used at once by a commit that nobody answered is taken back, though others have used some at once since.
    @Test func anUnansweredDirectUseIsTakenBack() async throws {
        let world = try await World(limit: 1000)
        let store = StubbornStore(world.base)
        let (first, second) = (try await world.meter(store), try await world.meter(leasePerMille: 1))
        store.set(.applyUnanswered)
        await #expect(throws: PlanError(.storeFailed)) { try await world.use(900, first) }
        for _ in 0..<20 { try await world.use(1, second) }
        store.set(.pass)
        try await first.settle()
        #expect(try await world.used() == 20)
    }

    /// What this process was given back is there for who asks next.
    @Test func whatCameBackIsGivenToWhoAsks() async throws {
        let world = try await World(limit: 100)
        let meter = try await world.meter()
        let long = try await meter.admit(world.trust.job(), of: world.company, tasks: 90)
        try await world.use(10, meter)
        long.release()
        #expect(await world.fill(meter) == 90)
    }

    /// Of a commit whose outcome nobody knows nothing is spent, and nothing of it is lost: when it took effect, and when not.
    @Test(arguments: [1, 50, 76]) func anUnclearCommitIsNeitherSpentNorLost(_ tasks: Int) async throws {
        for mode in [StubbornStore.Mode.applyUnanswered, .dropUnanswered] {
            let world = try await World(limit: 100)
            let store = StubbornStore(world.base)
            let meter = try await world.meter(store)
            try await world.use(1, meter)
            store.set(mode)
            // More than is left of what it holds.
            do {
                try await world.use(max(tasks, 25), meter)
                Issue.record("it was admitted")
            } catch {
                #expect(error.store == .outcomeUnknown)
            }
            // Nothing is left of the lease before: it may have been given back.
            #expect(!world.admitsHeld(meter))
            store.set(.pass)
            try await meter.settle()
            #expect(try await world.used() == 1, "\(mode)")
            #expect(await world.fill(meter) == 99, "\(mode)")
        }
    }

    /// A commit that arrives after all finds that it is too late, also the first of a period; one that arrives before anybody has
    /// looked is taken back.
    @Test(arguments: [1, 250, 900, 1000], [true, false])
    func aLateCommitTakesNothing(_ tasks: Int, _ arrivesFirst: Bool) async throws {
        let world = try await World(limit: 1000)
        let store = StubbornStore(world.base)
        let meter = try await world.meter(store)
        store.set(.delay)
        await #expect(throws: PlanError(.storeFailed)) { try await world.use(tasks, meter) }
        store.set(.pass)
        if arrivesFirst { await store.arrive() }
        try await meter.settle()
        await store.arrive()
        try await meter.settle()
        #expect(try await world.used() == 0)
        #expect(await world.fill(meter) == 1000)
    }

    /// A company that has become a former one is not admitted on what is held, also when nobody knows whether it has.
    @Test func anUnclearChangeOfTermsStopsWhatIsHeld() async throws {
        let world = try await World(limit: 100)
        let store = StubbornStore(world.base)
        let (meter, plans) = try await world.process(store)
        try await world.use(1, meter)
        store.set(.applyUnanswered)
        await #expect(throws: PlanError(.storeFailed)) {
            try await plans.setStatus(Company(id: world.company, status: .former), sequence: 9)
        }
        #expect(!world.admitsHeld(meter))
        store.set(.pass)
        await #expect(throws: PlanError(.companyInactive)) { try await world.use(1, meter) }
        // A status that is told again closes nothing.
        try await plans.setStatus(Company(id: world.company, status: .customer), sequence: 10)
        try await world.use(1, meter)
        try await plans.setStatus(Company(id: world.company, status: .former), sequence: 10)
        #expect(world.admitsHeld(meter))
    }

    /// What cannot be read of one company keeps none of the others from being settled.
    @Test func oneUnreadablePoolStopsNoOther() async throws {
        let world = try await World(limit: 100)
        let store = StubbornStore(world.base)
        let (first, second) = (try await world.meter(store), try await world.meter())
        let other = try await world.otherCompany()
        try await world.use(1, first, of: other)
        try await world.use(1, first)
        store.hide(.text(other.description))
        await #expect(throws: PlanError(.limitReached)) { try await world.use(900, second, of: other) }
        await #expect(throws: PlanError(.limitReached)) { try await world.use(90, second) }
        await #expect(throws: PlanError(.storeFailed)) { try await first.settle() }
        try await world.use(90, second)
    }

    /// More processes than a pool has room for: all are served, those without a place task by task.
    @Test func moreProcessesThanThereIsRoomFor() async throws {
        let world = try await World(limit: 1_000_000)
        var meters: [TaskMeter] = []
        for _ in 0..<QuotaPool.maximumLeases + 4 {
            let meter = try await world.meter(leasePerMille: 1)
            meters.append(meter)
            for _ in 0..<2 { try await world.use(1, meter) }
        }
        for meter in meters {
            world.trust.time.advance(by: .seconds(61))
            try await meter.settle()
        }
        #expect(try await world.used() == 2 * meters.count)
    }

    /// A call that is cancelled while it waits for others says so.
    @Test func aCancelledCallSaysSo() async throws {
        let world = try await World(limit: 100)
        let (first, second) = (try await world.meter(), try await world.meter(recallMilliseconds: 60_000))
        try await world.use(1, first)
        let waiting = Task { try await world.use(99, second) }
        waiting.cancel()
        await #expect(throws: PlanError(.cancelled)) { try await waiting.value }
        let last = try world.trust.store.auditEntries().last
        #expect(last?.refusal != "limitReached")
    }
}

@Suite struct MeterFaultProperties {
    /// Several real meters with jobs that take their time, whose stores lose, delay and hide at random: never more is used than the
    /// limit, and without faults all of it.
    @Test(arguments: [true, false]) func metersNeverLetMoreThrough(_ hasFaults: Bool) async throws {
        var generator = Scale.current.generator(for: "meters over stubborn stores, \(hasFaults)")
        for run in 0..<Scale.current.cases(ci: 200, soak: 20_000) {
            let limit = Int.random(in: 1...200, using: &generator)
            let world = try await World(limit: limit)
            var nodes: [(store: StubbornStore, meter: TaskMeter)] = []
            for _ in 0..<3 {
                let store = StubbornStore(world.base)
                nodes.append((store, try await world.meter(store, leasePerMille: 500)))
            }
            var used = 0
            let running = Running()
            for _ in 0..<80 {
                guard let node = nodes.randomElement(using: &generator) else { continue }
                switch Int.random(in: hasFaults ? 0..<12 : 3..<12, using: &generator) {
                case 0:
                    let modes: [StubbornStore.Mode] = [.applyUnanswered, .dropUnanswered, .delay]
                    node.store.set(modes.randomElement(using: &generator) ?? .pass)
                case 1: node.store.set(.pass)
                case 2: await node.store.arrive()
                case 3: try? await node.meter.settle()
                case 4: world.trust.time.advance(by: .seconds(.random(in: 1...130, using: &generator)))
                case 5, 6: used += running.endOne()
                default:
                    let tasks = Int.random(in: 1...30, using: &generator)
                    let spent = Int.random(in: 0...tasks, using: &generator)
                    do {
                        running.begin(
                            try await node.meter.admit(world.trust.job(), of: world.company, tasks: tasks), spent)
                    } catch {
                        #expect(hasFaults || error == PlanError(.limitReached), "\(error)")
                    }
                }
            }
            while !running.isEmpty { used += running.endOne() }
            for _ in 0..<2 {
                for node in nodes {
                    node.store.set(.pass)
                    await node.store.arrive()
                    world.trust.time.advance(by: .seconds(61))
                    try await node.meter.settle()
                }
            }
            for node in nodes { used += await world.fill(node.meter) }
            let what = "\(used) of \(limit), run \(run), seed \(Scale.current.seed)"
            if hasFaults { #expect(used <= limit, "\(what)") } else { #expect(used == limit, "\(what)") }
        }
    }

    /// Jobs that run: admissions, and what each will have used.
    private final class Running {
        private var head: Node?
        private struct Job: ~Copyable {
            let admission: Admission
            let spent: Int
        }
        private final class Node {
            var job: Job?
            let next: Node?
            init(_ job: consuming Job, _ next: Node?) {
                self.job = consume job
                self.next = next
            }
        }

        var isEmpty: Bool { head == nil }

        func begin(_ admission: consuming Admission, _ spent: Int) {
            head = Node(Job(admission: admission, spent: spent), head)
        }

        /// Ends the job that began last; returns what it used.
        func endOne() -> Int {
            guard let node = head else { return 0 }
            head = node.next
            guard let job = node.job.take() else { return 0 }
            let spent = job.spent
            job.admission.commit(used: spent)
            return spent
        }
    }

    /// What was told once, though nobody answered, gives nothing back when it is told again; what may never have come is told.
    @Test func anUnclearTellingGivesNothingBackTwice() async throws {
        for mode in [StubbornStore.Mode.applyUnanswered, .dropUnanswered] {
            let world = try await World(limit: 1000)
            let store = StubbornStore(world.base)
            let (first, second) = (try await world.meter(store), try await world.meter())
            let (job, steps) = (world.trust.job(), (0..<10).map { JobStep(.action, path: "\($0)") })
            try await second.report(Array(steps.prefix(5)), of: job, by: .everyAction, to: world.company)
            try await first.admit(job, of: world.company, tasks: 10).commit(steps, by: .everyAction)
            store.set(mode)
            await #expect(throws: PlanError(.storeFailed)) { try await first.giveBackAll() }
            store.set(.pass)
            try await first.giveBackAll()
            // Where it did not come, nobody knows: it counts.
            #expect(try await world.used() == (mode == .applyUnanswered ? 10 : 15))
            #expect(try await world.trust.layer.plans.charges(of: job.id, of: world.company).map(\.tasks) == [10])
        }
    }
}
