// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension PlanTerms {
    private static let mostInstants = 100

    /// The first later instant at which so many tasks can be there, if nobody uses any meanwhile: where a grant, another plan or package, a
    /// count anew or a period begins. `nil` when none of those that are decided brings it.
    func firstInstant(
        with need: Int64, of pool: QuotaPool, _ limit: Plans.Limit, within jobs: [SublimitJobs]
    ) -> Timestamp? {
        instants(limit).first { instant in
            guard let plan = try? history.effective(at: instant), plan.stop == nil else { return false }
            guard instant < period.end else {
                let fits = plan.entitlements.sublimits.allSatisfy { sublimit in
                    !jobs.contains(sublimit.jobs) || need <= Int64(sublimit.tasksPerPeriod)
                }
                return fits && need <= tasks(ofPeriodAt: instant, under: plan, pool, limit)
            }
            var later = pool
            for turn in history.turns(in: period, until: instant) where turn.at > at {
                guard (try? later.turn(turn, of: history, in: period)) != nil else { return false }
            }
            let granted = limit.ledger.map { $0.limit(at: instant) - self.limit } ?? 0
            later.setLimit(Int64(plan.limit) + granted)
            later.setSublimits(
                Sublimits(plan.entitlements.sublimits).limits,
                since: max(history.latestChange(until: instant), period.start))
            return need <= later.free(within: jobs)
        }
    }

    /// What there is in a later period: the plan's tasks, what can be carried over, and what is left of grants.
    private func tasks(
        ofPeriodAt instant: Timestamp, under plan: EffectivePlan, _ pool: QuotaPool, _ limit: Plans.Limit
    ) -> Int64 {
        let grants = limit.grants.filter { $0.from <= instant && $0.end.map { instant < $0 } ?? true }
        let carried = plan.entitlements.rollover?.applied(to: pool.free) ?? 0
        return grants.reduce(Int64(plan.limit) + carried) { $0 + limit.left(of: $1) }
    }

    /// The later instants at which other tasks can be there than before, in their order.
    private func instants(_ limit: Plans.Limit) -> [Timestamp] {
        var instants = Set(limit.grants.map(\.from).filter { $0 > at })
        instants.insert(period.end)
        var last = at
        while instants.count < Self.mostInstants, let next = try? history.effective(at: last).changesAt {
            instants.insert(next)
            last = next
        }
        return instants.sorted()
    }
}

extension Plans.Limit {
    /// What is left of a grant.
    fileprivate func left(of grant: TaskGrant) -> Int64 {
        let source = ledger?.sources.first { $0.kind == .grant(grant.id) }
        return min(source?.left ?? Int64(grant.tasks), grant.mostCarriedOver.map { Int64($0) } ?? .max)
    }
}
