// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveStorage

extension TaskMeter {
    fileprivate enum Answer {
        case taken(Taken)
        /// It was not known which jobs are told apart; now it is.
        case otherLane
        /// With why, whether others may give back something, and whether they were asked for it just now.
        case nothingLeft(PlanError, mayReturn: Bool, hasAsked: Bool)
    }

    /// Takes tasks for a job: of what this process holds, or from the limit, after others were asked to give back theirs.
    func take(
        _ tasks: Int, of company: Identifier<Company>, _ context: ActContext, as action: String
    ) async throws(PlanError) -> Taken {
        let patience = Duration.milliseconds(configuration.recallMilliseconds)
        var (deadline, calls) = (time.uptime + patience, 0)
        var pause = Duration.milliseconds(20)
        while true {
            let handle = held.handle(for: company, context.scope)
            let answer = try await held.turns.run(company) { () throws(PlanError) in
                // Another call may have brought enough for this one.
                if let source = handle.take(tasks, in: context.scope.environment) {
                    return Answer.taken(Taken(handle: handle, source: source))
                }
                // What is held is not given up for a job that may not run where it is to.
                if handle.excludes(context.scope.environment) {
                    try await plans.requireEnvironment(context.scope.environment, of: company)
                }
                if let source = await raise(handle, tasks, context.scope.environment) {
                    return Answer.taken(Taken(handle: handle, source: source))
                }
                let answer = try await exchange(handle, tasks, context, as: action)
                // What this process holds for other jobs is there for these as well.
                guard case .nothingLeft = answer, held.close(company, but: handle) else { return answer }
                return try await exchange(handle, tasks, context, as: action)
            }
            switch answer {
            case .taken(let taken): return taken
            case .otherLane: continue
            case .nothingLeft(let refusal, let mayReturn, let hasAsked):
                let now = time.uptime
                // Who took something since has time to answer as well, but not for ever.
                if hasAsked, calls < 8 { (deadline, calls) = (now + patience, calls + 1) }
                guard mayReturn, now < deadline else { throw refusal }
                do {
                    try await time.sleep(until: min(deadline, now + pause))
                    pause = min(pause * 2, .milliseconds(320))
                } catch {
                    throw PlanError(.cancelled)
                }
            }
        }
    }

    /// Gives back what is held of a company's tasks, and takes a new lease of which `tasks` are spent at once, in one commit.
    private func exchange(
        _ handle: TaskHandle, _ tasks: Int, _ context: ActContext, as action: String
    ) async throws(PlanError) -> Answer {
        let (now, need, company) = (time.now, Int64(tasks), handle.company)
        let (closed, closing) = handle.close()
        let own = closed.map { HeldTasks.Statement(company, $0) }
        let id = Identifier<QuotaLeaseRecord>(at: now)
        let lifetime = Duration.seconds(configuration.leaseSeconds)
        let mayHold = await writeAhead(id, of: company, need, at: now)
        let (before, returned) = (held.statements(of: company), held.returned.take(of: company))
        var tried: Timestamp?
        do throws(PlanError) {
            let (lease, terms, limit, refusal) = try await plans.store.transaction(
                retrying: RetryPolicy(attempts: 400)
            ) {
                (transaction: inout Transaction<PlanError>) throws(PlanError)
                    -> (QuotaPool.Lease?, PlanTerms, Plans.Limit, Answer) in
                let terms = try await plans.terms(of: company, at: now, in: &transaction)
                tried = terms.period.start
                var pools = try await plans.pools(
                    of: company, after: before + (own.map { [$0] } ?? []), terms.history, in: &transaction)
                try await plans.refund(returned, of: company, to: &pools, terms.history, in: &transaction)
                guard terms.history.facts.pause == nil else { throw PlanError(.paused) }
                guard terms.environments.contains(context.scope.environment) else {
                    throw PlanError(.environmentNotIncluded)
                }
                let known = try await plans.pool(of: company, terms.period.start, pools, in: &transaction)
                var pool = try await plans.turnedPool(of: company, terms, pools, in: &transaction)
                let limit = try await plans.limit(
                    of: pool, company, terms, pools, isWriting: true, in: &transaction)
                pool.setLimit(limit.tasks, granted: limit.granted, at: terms.at)
                pool.notice(terms.since)
                let isTold = pools[terms.period.start] != nil
                // What came back before this counts first.
                pools[terms.period.start] = pool
                var pace = try await plans.pace(of: company, terms, after: &pools, in: &transaction)
                pool = pools[terms.period.start] ?? pool
                pool.pace(pace != nil)
                pool.expire(at: now)
                var (lease, answer) = (nil as QuotaPool.Lease?, Answer.otherLane)
                if terms.sublimits.lane(of: context.scope) == handle.lane {
                    if let refusal = self.refusal(of: need, pool, handle.lane, pace, terms, limit, at: now) {
                        // Nobody is asked for what cannot be there.
                        let mayReturn = pool.mayReturn(
                            need, besides: held.holder, within: handle.lane.sublimits, atOnce: pace?.conforming(at: now)
                        )
                        let hasAsked = mayReturn && pool.recall(for: held.holder)
                        if hasAsked { try await RecallBoard.add(company, in: &transaction) }
                        answer = .nothingLeft(refusal, mayReturn: mayReturn, hasAsked: hasAsked)
                    } else {
                        lease = newLease(
                            of: &pool, id, need, terms, handle, now.advanced(by: lifetime * 2),
                            atOnce: pace.map { $0.conforming(at: now) ?? max(need, $0.burst) }, mayHold: mayHold)
                        if let lease { pace?.take(lease.amount, at: now) }
                    }
                }
                try await plans.write(pace, of: company, in: &transaction)
                pools[terms.period.start] = isTold || pool != known ? pool : nil
                try await plans.write(
                    pools, of: company, announcing: configuration.thresholds, in: &transaction)
                if let lease {
                    let entry = AuditEntry(
                        at: now, context: context, action: action, resource: company.description,
                        details: [
                            "lease": lease.id.description, "plan": terms.plan, "taken": String(lease.amount),
                            "tasks": String(tasks),
                        ])
                    try transaction.record(entry, in: plans.authority.trail)
                }
                return (lease, terms, limit, answer)
            }
            held.forget(before + (own.map { [$0] } ?? []))
            // What was taken when other jobs were told apart is given back.
            if held.know(terms.sublimits, of: company) { held.close(company, but: handle) }
            if lease.map({ $0.amount == need }) ?? true { held.journal?.end([id]) }
            guard let lease else { return refusal }
            let direct = Taken(
                handle: handle,
                source: TaskHandle.Source(epoch: .max, period: terms.period.start, taken: lease.given))
            guard lease.amount > need else { return .taken(direct) }
            let left = lease.amount - need
            let ahead = held.journal?.step ?? left
            let new = TaskHandle.Held(
                id: lease.id, amount: lease.amount, period: terms.period,
                given: lease.given,
                // The coarse clock is behind.
                from: max(terms.period.start, now.advanced(by: .milliseconds(-100))),
                until: min(now.advanced(by: lifetime), limit.until),
                environments: terms.environments.bits,
                common: terms.sublimits.tellsWorkspaces
                    ? 0 : terms.environments.subtracting(terms.sublimits.environments).bits)
            if let source = handle.open(new, left: left, reserve: max(0, left - ahead), after: closing) {
                return .taken(Taken(handle: handle, source: source))
            }
            // It was asked back, or other terms are in force, while it was on its way: what is needed is used, and no more.
            held.tell(.init(company: company, lease: lease.id, period: terms.period.start, used: need))
            return .taken(direct)
        } catch {
            if error.store != .outcomeUnknown { keep(returned, of: company) }
            if let own {
                // While the store is away, what is held is still there to be spent.
                let isAway = error.store.map { $0 != .outcomeUnknown } ?? false
                let isOpen =
                    isAway
                    && closed.map {
                        handle.open($0.held, left: $0.left, reserve: $0.reserve, after: closing) != nil
                    } ?? false
                if !isOpen { held.tell(own) }
            }
            if error.store == .outcomeUnknown, let tried {
                // The lease may be there, and nothing of it was spent.
                held.tell(HeldTasks.Statement(company: company, lease: id, period: tried, used: 0))
            } else {
                held.journal?.end([id])
            }
            throw error
        }
    }

    /// Why so many tasks are not admitted now; `nil` when they are.
    private func refusal(
        of need: Int64, _ pool: QuotaPool, _ lane: Lane, _ pace: PaceRecord?, _ terms: PlanTerms, _ limit: Plans.Limit,
        at now: Timestamp
    ) -> PlanError? {
        guard need <= pool.free(within: lane.sublimits) else {
            let later = terms.firstInstant(with: need, of: pool, limit, within: lane.sublimits)
            return PlanError(need <= pool.free ? .sublimitReached : .limitReached, retryAt: later)
        }
        guard let pace, let conforming = pace.conforming(at: now), need > conforming else { return nil }
        return PlanError(.tooFast, retryAt: pace.conforms(need, at: now))
    }

    /// Takes a lease from a pool in which there is what is needed; where it comes to no more, that is used at once.
    private func newLease(
        of pool: inout QuotaPool, _ id: Identifier<QuotaLeaseRecord>, _ need: Int64, _ terms: PlanTerms,
        _ handle: TaskHandle, _ ends: Timestamp, atOnce conforming: Int64?, mayHold: Bool
    ) -> QuotaPool.Lease? {
        // A crash of this process costs no more than the cap, whatever kinds of jobs it holds tasks for.
        let kinds = Int64(terms.sublimits.kinds)
        let most = mayHold ? max(1, min(cap(pool.limit) / kinds, cap(pool.limit(within: handle.lane.sublimits)))) : need
        let lease = pool.acquire(
            id, for: held.holder, need: need, most: most, at: terms.at, until: ends, atOnce: conforming,
            within: handle.lane.sublimits)
        if let lease, lease.amount == need { pool.use(lease.id) }
        return lease
    }

    private func cap(_ limit: Int64) -> Int64 {
        let share = Int64(configuration.leasePerMille)
        return limit / 1000 * share + limit % 1000 * share / 1000
    }
}
