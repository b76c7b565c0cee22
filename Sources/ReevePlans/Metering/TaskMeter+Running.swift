// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage

extension TaskMeter {
    /// Admits a job, runs it, and counts what it says that it used; the rest is given back.
    ///
    /// The body returns how many tasks it used, at most what was admitted: what it needs beyond that it takes with ``extend(_:by:)`` first.
    /// Returns what counts. When it throws, all that was taken counts as used, since
    /// nobody knows how much it was: a job that fails and knows says so by returning. Throws as ``admit(_:of:tasks:)``, and what the body
    /// throws.
    @discardableResult
    public func run(
        _ job: Job, of company: Identifier<Company>, tasks: Int = 1,
        _ body: (inout Admission) async throws -> Int
    ) async throws -> Int {
        var admission = try await admit(job, of: company, tasks: tasks)
        let used = min(max(try await body(&admission), 0), admission.tasks)
        admission.commit(used: used)
        return used
    }

    /// Takes more tasks for a job that is running, or says why not: then it has what it had, and finishes on that.
    ///
    /// As ``admit(_:of:tasks:)``, with whose entry it is recorded as `plans.extend`.
    public func extend(_ admission: inout Admission, by tasks: Int) async throws(PlanError) {
        let company = admission.handle.company
        let (sum, isTooMany) = admission.tasks.addingReportingOverflow(tasks)
        let isCount = !isTooMany && PlanRoom.isCount(sum)
        let taken = try await take(
            tasks, for: admission.job, admission.scope, of: company, as: "plans.extend", isCount: isCount)
        admission.extend(by: tasks, from: taken)
    }

    /// Ends an admission that was handed on, with what the job used; the rest is given back. A number outside `0...tasks` counts
    /// as the nearer end.
    ///
    /// It ends once: whoever tells it again, here or elsewhere, changes nothing. Returns whether it ended now. Throws
    /// ``PlanError/Code/periodClosed`` when the period in which it was admitted is over for longer than late usage is taken: then all of it
    /// counted. Complexity: one commit.
    @discardableResult
    public func commit(_ admission: DetachedAdmission, used: Int) async throws(PlanError) -> Bool {
        try await end(admission, used: used, told: nil)
    }

    /// Ends an admission that was handed on, with what the job did, as ``Admission/commit(_:run:by:)`` does.
    ///
    /// As ``commit(_:used:)``; each charge counts once.
    @discardableResult
    public func commit(
        _ admission: DetachedAdmission, _ steps: [JobStep], run: Int = 0, by rules: TaskCountingRules
    ) async throws(PlanError) -> Bool {
        guard admission.isValid, let first = admission.parts.first else { throw PlanError(.invalidCount) }
        let told = ToldCharges(
            steps, of: admission.job, run: run, by: rules, origin: first.origin,
            admitted: admission.parts.map { ($0.origin, $0.tasks) })
        return try await end(admission, used: told.tasks, told: told)
    }

    private func end(
        _ admission: DetachedAdmission, used: Int, told: ToldCharges?
    ) async throws(PlanError) -> Bool {
        let company = admission.company
        guard admission.isValid, let first = admission.parts.first else { throw PlanError(.invalidCount) }
        let rest = admission.tasks - min(max(used, 0), admission.tasks)
        return try await plans.store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let history = try await plans.history(of: company, in: &transaction)
            let ids = [company.description, admission.id.description]
            guard try await EndedAdmission.table.read(.platform, ids, in: &transaction) == nil else { return false }
            let now = history.facts.instant(plans.authority.time.now)
            let isOpen = plans.isOpen(try history.period(at: first.taken), at: now)
            guard isOpen, history.facts.isErased != true else { throw PlanError(.periodClosed) }
            var (left, pools) = (rest, [Timestamp: QuotaPool]())
            for part in admission.parts.reversed() {
                let back = min(left, part.tasks)
                left -= back
                var pool = try await plans.turnedPool(of: company, part.period, pools, history, in: &transaction)
                pool.refund(Int64(back), at: part.taken, within: part.origin.sublimits)
                pools[part.period] = pool
            }
            if let told { _ = try await plans.count([told], of: company, to: &pools, history, in: &transaction) }
            try await plans.setLimits(in: &pools, of: company, history, in: &transaction)
            try await plans.write(pools, of: company, announcing: configuration.thresholds, in: &transaction)
            try await EndedAdmission.table.write(
                EndedAdmission(taken: first.taken), .platform, ids, in: &transaction)
            return true
        }
    }
}
