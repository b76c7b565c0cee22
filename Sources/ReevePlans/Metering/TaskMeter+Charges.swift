// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage

extension TaskMeter {
    /// Counts what a job did without having been admitted, or after its admission had ended: usage that comes late, or from
    /// another system. Each charge counts once, also when an admission told it, or another process.
    ///
    /// `instant` is when it was, now by default; `run` how often the job had been run again before, from 0. It happened, so it counts
    /// also beyond the limit. Returns the tasks that count for it and did not before. Throws
    /// ``PlanError/Code/periodClosed`` for a period that is over for longer than late usage is taken, ``PlanError/Code/inTheFuture``,
    /// and ``PlanError/Code/tooManyCharges`` when the steps of a run are in more than 1,000 places, or the path of one has more than 200
    /// bytes or a control character. Complexity: O(steps), and one commit.
    @discardableResult
    public func report(
        _ steps: [JobStep], of job: Job, run: Int = 0, by rules: TaskCountingRules, at instant: Timestamp? = nil,
        to company: Identifier<Company>
    ) async throws(PlanError) -> Int {
        let now = plans.authority.time.now
        let context = ActContext(actor: .job(job.id), scope: job.scope, origin: .job)
        do throws(PlanError) {
            return try await plans.store.transaction {
                (transaction: inout Transaction<PlanError>) throws(PlanError) -> Int in
                let history = try await plans.history(of: company, in: &transaction)
                let origin = try plans.openOrigin(at: instant ?? now, history)
                let told = ToldCharges(steps, of: job.id, run: run, by: rules, origin: origin)
                guard told.isStorable else { throw PlanError(.tooManyCharges) }
                // One that cannot be read is an error.
                _ = try await ChargeRecord.table.read(
                    .platform, ChargeRecord.ids(company, job.id, run), in: &transaction)
                var pools: [Timestamp: QuotaPool] = [:]
                let new = try await plans.count([told], of: company, to: &pools, history, in: &transaction)
                guard let tasks = new[0] else { throw PlanError(.tooManyCharges) }
                try await plans.setLimits(in: &pools, of: company, history, in: &transaction)
                try await plans.write(pools, of: company, announcing: configuration.thresholds, in: &transaction)
                let entry = AuditEntry(
                    at: now, context: context, action: "plans.report", resource: company.description,
                    details: [
                        "period": origin.period.description, "tasks": String(told.tasks), "counted": String(tasks),
                    ])
                try transaction.record(entry, in: plans.authority.trail)
                return tasks
            }
        } catch {
            // What may have been counted is not called refused: told again, it counts once.
            if error.store == .outcomeUnknown { throw error }
            try await plans.recordRefusal("plans.report", error, context, company)
            throw error
        }
    }
}
