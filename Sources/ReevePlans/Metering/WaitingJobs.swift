// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import Synchronization

/// A job that waits for tasks, and why.
public struct WaitingJob: Hashable, Sendable {
    /// The job.
    public let job: Job
    /// The tasks that it needs.
    public let tasks: Int
    /// Since when it waits.
    public let since: Timestamp
    /// Until when; `nil` for as long as it takes.
    public let until: Timestamp?
    /// Why it was not admitted when it was tried last.
    public let reason: PlanError
}

/// The jobs of this process that wait, by company, in the order in which they came.
final class WaitingJobs: Sendable {
    enum Outcome {
        case mayTry, isOver, isCancelled
    }
    private struct Waiter {
        let number: Int
        let job: WaitingJob
        let continuation: CheckedContinuation<Outcome, Never>
    }
    private struct State {
        var waiters: [Identifier<Company>: [Waiter]] = [:]
        var next = 0
        var cancelled: Set<Int> = []
    }
    private let state = Mutex(State())

    var companies: [Identifier<Company>] { state.withLock { Array($0.waiters.keys) } }

    func jobs(of company: Identifier<Company>) -> [WaitingJob] {
        state.withLock { $0.waiters[company]?.map(\.job) ?? [] }
    }

    /// A place in the order: a job that is tried again keeps it.
    func place() -> Int {
        state.withLock { state in
            state.next += 1
            return state.next
        }
    }

    /// Returns when the job may be tried again, when its time is over, or when its task is cancelled.
    func wait(_ job: WaitingJob, of company: Identifier<Company>, at number: Int) async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    guard state.cancelled.remove(number) == nil else { return true }
                    var waiters = state.waiters[company] ?? []
                    let index = waiters.firstIndex { $0.number > number } ?? waiters.count
                    waiters.insert(Waiter(number: number, job: job, continuation: continuation), at: index)
                    state.waiters[company] = waiters
                    return false
                }
                if isCancelled { continuation.resume(returning: .isCancelled) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                for (company, waiters) in state.waiters {
                    guard let index = waiters.firstIndex(where: { $0.number == number }) else { continue }
                    return Self.remove(index, of: company, &state)
                }
                // It is not there yet, or any more.
                state.cancelled.insert(number)
                return nil
            }
            waiter?.continuation.resume(returning: .isCancelled)
        }
    }

    /// Forgets that a job was cancelled which did not wait any more.
    func leave(_ number: Int) { state.withLock { _ = $0.cancelled.remove(number) } }

    private static func remove(_ index: Int, of company: Identifier<Company>, _ state: inout State) -> Waiter? {
        let waiter = state.waiters[company]?.remove(at: index)
        if state.waiters[company]?.isEmpty == true { state.waiters[company] = nil }
        return waiter
    }

    /// What is there for jobs that wait.
    struct Room {
        /// Tasks for all of them.
        var left: Int64
        var pool: QuotaPool
        let sublimits: Sublimits
        let at: Timestamp

        /// Whether a job fits in its sublimits: one that does not is none of the others' concern.
        func fits(_ job: WaitingJob) -> Bool {
            let lane = sublimits.lane(of: job.job.scope)
            return pool.sublimits.allSatisfy { sublimit in
                !lane.sublimits.contains(sublimit.jobs) || Int64(job.tasks) <= pool.free(of: sublimit)
            }
        }

        /// Takes what a job needs; `false` when it is not there.
        mutating func take(_ job: WaitingJob) -> Bool {
            guard Int64(job.tasks) <= left else { return false }
            pool.add(Int64(job.tasks), at: at, within: sublimits.lane(of: job.job.scope).sublimits)
            left -= Int64(job.tasks)
            return true
        }
    }

    /// Lets jobs try again, in their order, as long as what they need is there; all when there is no room to be looked for.
    func wake(_ company: Identifier<Company>, in room: Room?) {
        let woken = state.withLock { state in
            var (woken, room) = ([Waiter](), room)
            for waiter in state.waiters[company] ?? [] {
                guard room?.fits(waiter.job) ?? true else { continue }
                guard room?.take(waiter.job) ?? true else {
                    // One that needs more than there is in the whole period keeps nobody else waiting.
                    if let room, Int64(waiter.job.tasks) > room.pool.limit { continue }
                    break
                }
                guard let index = state.waiters[company]?.firstIndex(where: { $0.number == waiter.number }) else {
                    continue
                }
                if let waiter = Self.remove(index, of: company, &state) { woken.append(waiter) }
            }
            return woken
        }
        for waiter in woken { waiter.continuation.resume(returning: .mayTry) }
    }

    /// Ends the waiting of jobs whose time is over.
    func expire(at now: Timestamp) {
        let over = state.withLock { state in
            var over: [Waiter] = []
            for (company, waiters) in state.waiters {
                for waiter in waiters where waiter.job.until.map({ $0 <= now }) ?? false {
                    guard let index = state.waiters[company]?.firstIndex(where: { $0.number == waiter.number }) else {
                        continue
                    }
                    if let waiter = Self.remove(index, of: company, &state) { over.append(waiter) }
                }
            }
            return over
        }
        for waiter in over { waiter.continuation.resume(returning: .isOver) }
    }
}
