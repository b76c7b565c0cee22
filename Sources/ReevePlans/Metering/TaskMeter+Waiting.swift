// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage

extension TaskMeter {
    /// Admits a job, or waits until it can be: until the limit is raised, tasks come back, the next period begins, the company
    /// approves its plan, or is resumed.
    ///
    /// Waiting jobs of a company are tried again in the order in which they came, by ``settle()``, as soon as what they need is there;
    /// ``waiting(of:)`` says which they are and why. With a `deadline` the error of the last try is thrown when it has passed. A former
    /// company, and a plan without the job's environment, are nothing to wait for. Other processes, and jobs that do not wait, may take
    /// what came free first.
    public func admitWaiting(
        _ job: Job, of company: Identifier<Company>, tasks: Int = 1, until deadline: Timestamp? = nil
    ) async throws(PlanError) -> Admission {
        let waiting = plans.waiting
        let (place, since) = (waiting.place(), plans.authority.time.now)
        defer { waiting.leave(place) }
        while true {
            let reason: PlanError
            do throws(PlanError) {
                return try await admit(job, of: company, tasks: tasks)
            } catch {
                guard error.canEnd, deadline.map({ plans.authority.time.now < $0 }) ?? true else { throw error }
                reason = error
            }
            let waiter = WaitingJob(job: job, tasks: tasks, since: since, until: deadline, reason: reason)
            switch await waiting.wait(waiter, of: company, at: place) {
            case .mayTry: continue
            case .isOver: throw reason
            case .isCancelled: throw PlanError(.cancelled)
            }
        }
    }

    /// The jobs of this process that wait for a company's tasks, in the order in which they are tried again.
    public func waiting(of company: Identifier<Company>) -> [WaitingJob] { plans.waiting.jobs(of: company) }

    /// Lets waiting jobs try again for which there is enough now.
    func wakeWaiting() async throws(PlanError) {
        plans.waiting.expire(at: plans.authority.time.now)
        var failure: PlanError?
        for company in plans.waiting.companies {
            do throws(PlanError) {
                plans.waiting.wake(company, in: try await room(of: company))
            } catch {
                if error.store != nil {
                    failure = failure ?? error
                } else if !error.canEnd {
                    // They learn why.
                    plans.waiting.wake(company, in: nil)
                }
            }
        }
        if let failure { throw failure }
    }

    /// What may be admitted now: what nobody holds, and what this process has left.
    private func room(of company: Identifier<Company>) async throws(PlanError) -> WaitingJobs.Room {
        let now = plans.authority.time.now
        let own = plans.held.handles(of: company).compactMap(\.present)
        return try await plans.store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let terms = try await plans.terms(of: company, at: now, in: &transaction)
            guard terms.history.facts.pause == nil else { throw PlanError(.paused) }
            var pool = try await plans.turnedPool(of: company, terms, [:], in: &transaction)
            pool.setLimit(try await plans.limit(of: pool, company, terms, [:], in: &transaction).tasks)
            for own in own { _ = pool.settle(own.held.id, used: own.used) }
            var pools: [Timestamp: QuotaPool] = [:]
            let pace = try await plans.pace(of: company, terms, after: &pools, in: &transaction)
            let conforming = pace.flatMap { $0.conforming(at: now) }
            let paced = conforming.map { $0 + own.reduce(0) { $0 + $1.left } } ?? .max
            return WaitingJobs.Room(left: min(pool.free, paced), pool: pool, sublimits: terms.sublimits, at: terms.at)
        }
    }
}

extension PlanError {
    /// Whether it can end by itself or by what others do.
    fileprivate var canEnd: Bool {
        switch code {
        case .limitReached, .sublimitReached, .trialEnded, .awaitingApproval, .paused, .tooFast: true
        default: false
        }
    }
}
