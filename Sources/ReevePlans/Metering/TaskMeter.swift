// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage
import Synchronization

/// Admits jobs against the plan's limit: exact in every process over the same store, whatever runs at the same time.
///
/// Tasks are taken from the limit before a job runs, in one compare-and-set commit. What comes back waits in this
/// process until the next admission or ``settle()``; a crash before that counts it as used, so the limit is never
/// exceeded. All calls may be made concurrently.
public final class TaskMeter: Sendable {
    private struct Returned: Hashable {
        let company: Identifier<Company>
        let period: CivilDay
    }

    private let plans: Plans
    private let returned = Mutex<[Returned: Int]>([:])

    /// A meter for the plans of a store.
    public init(plans: Plans) {
        self.plans = plans
    }

    /// Takes `tasks` from the company's limit for a job, or says why not.
    ///
    /// Throws ``PlanError/Code/limitReached`` with the start of the next period when they do not fit; nothing is taken
    /// then. The decision is recorded in the log of the job's workspace.
    public func admit(
        _ job: Job, of company: Identifier<Company>, tasks: Int
    ) async throws(PlanError) -> Admission {
        let now = plans.authority.time.now
        let id = Identifier<AdmissionRecord>(at: now)
        let context = ActContext(actor: .job(job.id), scope: job.scope, origin: .job)
        do throws(PlanError) {
            guard (1...PlanRoom.maximumCount).contains(Int64(tasks)) else { throw PlanError(.invalidCount) }
            try await settle()
            let period = try await take(tasks, for: id, of: company, context, at: now)
            return Admission(id: id, job: job, tasks: tasks, meter: self, company: company, period: period)
        } catch {
            // What may have been taken is not called refused: it counts as used.
            if error.store == .outcomeUnknown { throw error }
            let entry = AuditEntry(
                at: now, context: context, action: "plans.admit", resource: company.description, outcome: .refused,
                refusal: error.code.rawValue, details: ["tasks": String(tasks)])
            do throws(StoreError) {
                try await plans.store.record(entry, in: plans.authority.trail)
            } catch let failure {
                throw PlanError(failure)
            }
            throw error
        }
    }

    /// Writes what came back to the store. Background work calls it; a host may call it before it ends.
    public func settle() async throws(PlanError) {
        let batch = returned.withLock { returned in
            defer { returned = [:] }
            return returned
        }
        var open = batch
        for (entry, count) in batch {
            do throws(PlanError) {
                try await plans.store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
                    let ids = PeriodUsage.ids(entry.company, entry.period)
                    guard var usage = try await PeriodUsage.table.read(.platform, ids, in: &transaction) else { return }
                    usage.admitted -= min(count, usage.admitted)
                    try await PeriodUsage.table.write(usage, .platform, ids, in: &transaction)
                }
                open[entry] = nil
            } catch {
                // What may have been settled is not settled again: it counts as used, and never twice as returned.
                if error.store == .outcomeUnknown { open[entry] = nil }
                keep(open)
                throw error
            }
        }
    }

    func giveBack(_ count: Int, to company: Identifier<Company>, _ period: CivilDay) {
        guard count > 0 else { return }
        keep([Returned(company: company, period: period): count])
    }

    private func keep(_ entries: [Returned: Int]) {
        returned.withLock { returned in returned.merge(entries) { $0 + $1 } }
    }

    private func take(
        _ tasks: Int, for id: Identifier<AdmissionRecord>, of company: Identifier<Company>, _ context: ActContext,
        at now: Timestamp
    ) async throws(PlanError) -> CivilDay {
        let policy = RetryPolicy(attempts: 400)
        return try await plans.store.transaction(retrying: policy) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let allowance = try await plans.allowance(of: company, at: now, in: &transaction)
            guard allowance.remaining >= tasks else {
                throw PlanError(.limitReached, retryAt: allowance.resetsAt)
            }
            let period = allowance.periodStart.day
            let usage = PeriodUsage(admitted: allowance.used + tasks)
            try await PeriodUsage.table.write(usage, .platform, PeriodUsage.ids(company, period), in: &transaction)
            let entry = AuditEntry(
                at: now, context: context, action: "plans.admit", resource: company.description,
                details: ["admission": id.description, "tasks": String(tasks), "plan": allowance.plan])
            try transaction.record(entry, in: plans.authority.trail)
            return period
        }
    }
}
