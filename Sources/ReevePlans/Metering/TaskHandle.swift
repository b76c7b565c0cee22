// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
public import ReeveModel
import Synchronization

/// The tasks of one company that this process holds: admits jobs without asking the store, as long as they last.
///
/// What is held was taken from the company's limit before, so no other process can spend it. Any number of tasks may use one
/// handle at the same time.
public final class TaskHandle: Sendable {
    /// A lease of this process, open or closed.
    struct Held: Hashable {
        let id: Identifier<QuotaLeaseRecord>
        let amount: Int64
        let period: Period
        /// When it was given: what is used of it counts to then.
        let given: Timestamp
        /// When it is spent, by the wall clock: from the first to before the second.
        let from: Timestamp
        let until: Timestamp
        /// Where jobs may run on it.
        let environments: UInt8
        /// Of which environments jobs may be admitted that nobody has looked at; none when workspaces are told apart.
        let common: UInt8
        /// The number that admissions of this lease carry.
        var epoch: UInt64 = 0
    }

    /// Where tasks were taken from.
    struct Source: Hashable {
        /// The lease's; the largest number for tasks that were never held.
        let epoch: UInt64
        /// When the period began whose limit they were taken from.
        let period: Timestamp
        /// When they were taken.
        let taken: Timestamp
    }

    /// A lease that ended here, with what is left of it.
    struct Closed: Hashable {
        let held: Held
        let left: Int64
        /// What of it may not be spent before it is written down.
        var reserve: Int64 = 0

        var used: Int64 { held.amount - left }
    }

    /// The company whose tasks these are.
    public let company: Identifier<Company>
    /// The jobs that it is for.
    let lane: Lane
    let returned: ReturnedTasks
    private let charges: UnsettledCharges
    private let time: any TimeSource
    /// Whether that is the system's clock, which is asked without a detour.
    private let isSystemTime: Bool
    private let generation: Int

    // The low 24 bits of the epoch, then 40 bits for what is left: both change at once. 40 bits hold the largest limit.
    private let word = Atomic<UInt64>(0)
    private let epoch = Atomic<UInt64>(0)
    private let from = Atomic<Int64>(.max)
    private let until = Atomic<Int64>(.min)
    private let environments = Atomic<UInt8>(0)
    private let common = Atomic<UInt8>(0)
    private let stopping = Atomic<Bool>(false)
    private let period = Atomic<Int64>(0)
    private let given = Atomic<Int64>(0)
    private struct State {
        var held: Held?
        /// What of it may not be spent yet.
        var reserve: Int64 = 0
        /// How often it was closed: a lease that was asked for before and comes after is not spent.
        var closings: UInt64 = 0
    }
    private let state = Mutex(State())

    private static let leftBits: UInt64 = 40
    private static let leftMask: UInt64 = (1 << 40) - 1

    init(
        _ company: Identifier<Company>, _ lane: Lane, returned: ReturnedTasks, charges: UnsettledCharges,
        time: any TimeSource
    ) {
        self.company = company
        self.lane = lane
        self.returned = returned
        self.charges = charges
        self.time = time
        isSystemTime = time is SystemTime
        generation = ForkGuard.generation
    }

    /// Admits a job on what this process holds; `nil` when that is not enough, is over, was asked back, or a ``Sublimit`` is for such jobs:
    /// then ``TaskMeter/admit(_:of:tasks:)`` admits it or asks the store. Some nanoseconds, without a lock or an allocation.
    public func admit(_ job: Job, tasks: Int = 1) -> Admission? {
        guard let source = take(tasks, in: job.scope.environment, common) else { return nil }
        return Admission(job: job, tasks: tasks, handle: self, source: source)
    }

    /// Takes tasks of the lease, for a job of its lane.
    func take(_ tasks: Int, in environment: Environment?) -> Source? { take(tasks, in: environment, environments) }

    @inline(__always)
    private func take(_ tasks: Int, in environment: Environment?, _ admitted: borrowing Atomic<UInt8>) -> Source? {
        guard let count = UInt64(exactly: tasks), count > 0 else { return nil }
        while true {
            let present = word.load(ordering: .acquiring)
            guard present & Self.leftMask >= count else { return nil }
            let now = (isSystemTime ? SystemTime().coarseNow : time.coarseNow).microseconds
            let epoch = epoch.load(ordering: .acquiring)
            let (period, taken) = (period.load(ordering: .relaxed), given.load(ordering: .relaxed))
            guard now < until.load(ordering: .relaxed), now >= from.load(ordering: .relaxed),
                EnvironmentSet(bits: admitted.load(ordering: .relaxed)).contains(environment),
                generation == ForkGuard.generation
            else { return nil }
            // All of them were of this lease, unless it is another one by now.
            let (done, _) = word.compareExchange(
                expected: present, desired: present - count, ordering: .acquiringAndReleasing)
            if done {
                return Source(
                    epoch: epoch, period: Timestamp(microseconds: period), taken: Timestamp(microseconds: taken))
            }
        }
    }

    /// Takes back tasks of a lease; those of one that is closed wait to be returned to the limit of its period.
    func giveBack(_ tasks: Int, to source: Source) {
        guard let count = UInt64(exactly: tasks), count > 0 else { return }
        // What a child of this process gives back is the parent's to return.
        guard isOfThisProcess else { return }
        while true {
            let present = word.load(ordering: .acquiring)
            guard present >> Self.leftBits == source.epoch & 0xFF_FFFF,
                epoch.load(ordering: .acquiring) == source.epoch
            else { return returned.add(Int64(tasks), to: .init(company: company, origin: origin(of: source))) }
            let (done, _) = word.compareExchange(
                expected: present, desired: present + count, ordering: .acquiringAndReleasing)
            if done { return }
        }
    }

    /// Asks jobs that are running to stop, or no longer.
    func askToStop(_ isAsked: Bool) { stopping.store(isAsked, ordering: .releasing) }

    /// Whether jobs of the company that are running are to stop.
    var isAskedToStop: Bool { stopping.load(ordering: .acquiring) }

    /// Whether it was made in this process, and not in its parent.
    var isOfThisProcess: Bool { generation == ForkGuard.generation }

    /// A name for an admission that is handed on.
    func newTicket() -> Identifier<DetachedAdmission> { Identifier(at: time.now) }

    /// Keeps what a job was charged until it is settled.
    func tell(_ told: ToldCharges) {
        // A job that runs in a child of the process is the parent's.
        guard isOfThisProcess else { return }
        charges.add(told, of: company)
    }

    /// Whether the lease that is held now is in force and not for jobs in an environment.
    func excludes(_ environment: Environment?) -> Bool {
        guard let held = present?.held, time.now < held.until else { return false }
        return !EnvironmentSet(bits: held.environments).contains(environment)
    }

    /// What is held now, and how much of it is left.
    var present: Closed? {
        state.withLock { state in
            state.held.map { held in
                let left = Int64(word.load(ordering: .acquiring) & Self.leftMask)
                return Closed(held: held, left: left + state.reserve, reserve: state.reserve)
            }
        }
    }

    /// Stops spending: nothing is taken from the lease any more once this returns, and none that was asked for before is
    /// opened. Returns what was held, and the number of this closing.
    @discardableResult func close() -> (closed: Closed?, closing: UInt64) {
        state.withLock { state in
            state.closings &+= 1
            guard let open = state.held else { return (nil, state.closings) }
            let present = word.exchange(
                (open.epoch &+ 1) << Self.leftBits, ordering: .acquiringAndReleasing)
            epoch.store(open.epoch &+ 1, ordering: .releasing)
            state.held = nil
            let left = Int64(present & Self.leftMask) + state.reserve
            return (Closed(held: open, left: left, reserve: state.reserve), state.closings)
        }
    }

    /// Spends from a lease from now on, of which `left` are left, and `reserve` of these not before they are written down; `nil` when
    /// somebody else has closed it since a closing.
    func open(_ lease: Held, left: Int64, reserve: Int64 = 0, after closing: UInt64) -> Source? {
        state.withLock { state in
            guard state.closings == closing, state.held == nil else { return nil }
            let next = epoch.load(ordering: .acquiring) &+ 1
            word.store(next << Self.leftBits, ordering: .releasing)
            epoch.store(next, ordering: .releasing)
            from.store(lease.from.microseconds, ordering: .releasing)
            given.store(lease.given.microseconds, ordering: .releasing)
            until.store(lease.until.microseconds, ordering: .releasing)
            environments.store(lease.environments, ordering: .releasing)
            common.store(lease.common, ordering: .releasing)
            period.store(lease.period.start.microseconds, ordering: .releasing)
            word.store(next << Self.leftBits | UInt64(left - reserve), ordering: .releasing)
            (state.held, state.reserve) = (lease, reserve)
            state.held?.epoch = next
            return Source(epoch: next, period: lease.period.start, taken: lease.given)
        }
    }

    /// How much of the lease may be spent once `tasks` more are needed than may be yet; `nil` when it has not as many, or is over.
    func nextMark(_ tasks: Int, step: Int64) -> (lease: Held, mark: Int64)? {
        guard let present, let need = Int64(exactly: tasks), present.reserve > 0, present.left >= need else {
            return nil
        }
        guard time.now < present.held.until else { return nil }
        let more = min(present.reserve, max(step, need - (present.left - present.reserve)))
        return (present.held, present.held.amount - present.reserve + more)
    }

    /// How much of the lease may be spent without another word.
    var spendable: Int64 { Int64(word.load(ordering: .acquiring) & Self.leftMask) }

    /// Spends no more than a step of what came back before it is written down again: returns how much of the lease may be spent then,
    /// which is to be written down; `nil` when there is no more.
    func lower(to step: Int64) -> (lease: Held, mark: Int64)? {
        state.withLock { state in
            guard let held = state.held else { return nil }
            while true {
                let present = word.load(ordering: .acquiring)
                let more = Int64(present & Self.leftMask) - step
                guard more > 0 else { return nil }
                let (done, _) = word.compareExchange(
                    expected: present, desired: present - UInt64(more), ordering: .acquiringAndReleasing)
                guard done else { continue }
                state.reserve += more
                return (held, held.amount - state.reserve)
            }
        }
    }

    /// Spends the lease to a mark that is written down.
    func raise(_ lease: Held, to mark: Int64) {
        state.withLock { state in
            guard let held = state.held, held.epoch == lease.epoch else { return }
            let more = min(state.reserve, mark - (held.amount - state.reserve))
            guard more > 0 else { return }
            state.reserve -= more
            // Nobody else closes it meanwhile.
            word.wrappingAdd(UInt64(more), ordering: .acquiringAndReleasing)
        }
    }

    /// What tasks were taken from.
    func origin(of source: Source) -> ReturnedTasks.Origin {
        .init(period: source.period, taken: source.taken, sublimits: lane.sublimits)
    }
}
