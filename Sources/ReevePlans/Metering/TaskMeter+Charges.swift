// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
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
                let origin = try plans.openOrigin(at: instant ?? now, in: job.scope, history)
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

    /// Says how many tasks count for a run of a job, 0 to 10^12, whatever it did: where something went wrong that the company is
    /// not to bear.
    ///
    /// No more is given back than counted in periods for which usage is still taken. The reason is the one in the permit's context.
    /// Throws ``PlanError/Code/unknownJob`` when it was charged nothing, and ``PlanError/Code/periodClosed`` when its periods are over
    /// for longer than late usage is taken. Complexity: one commit.
    public func correct(
        _ job: Identifier<Job>, run: Int = 0, of company: Identifier<Company>, to tasks: Int,
        _ permit: Permit<ChangePlan>
    ) async throws(PlanError) {
        try await plans.acting("plans.correct", permit, on: .plan(of: company), in: .platform, of: company) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            guard PlanRoom.isCount(tasks) else { throw PlanError(.invalidCount) }
            let history = try await plans.history(of: company, in: &transaction)
            let ids = ChargeRecord.ids(company, job, run)
            guard var record = try await ChargeRecord.table.read(.platform, ids, in: &transaction) else {
                throw PlanError(.unknownJob)
            }
            let (before, now) = (record.tasks, history.facts.instant(plans.authority.time.now))
            var more = Int64(record.correct(to: tasks))
            var pools: [Timestamp: QuotaPool] = [:]
            var isClosed = true
            // What counted last is given back first, and what counts more counts there.
            for part in record.parts.reversed() where plans.isOpen(try history.period(at: part.taken), at: now) {
                isClosed = false
                let tasks = more < 0 ? max(more, -max(0, part.counted)) : more
                guard tasks != 0 else { continue }
                var pool = try await plans.turnedPool(of: company, part.period, pools, history, in: &transaction)
                if tasks < 0 { pool.refund(-tasks, at: part.taken, within: part.sublimits) }
                let counted = tasks < 0 ? tasks : pool.add(tasks, at: part.taken, within: part.sublimits)
                record.note(counted, in: part.origin, after: part.turn)
                more = tasks < 0 ? more - tasks : 0
                pools[part.period] = pool
            }
            guard !isClosed else { throw PlanError(.periodClosed) }
            try await ChargeRecord.table.write(record, .platform, ids, in: &transaction)
            try await plans.setLimits(in: &pools, of: company, history, in: &transaction)
            try await plans.write(pools, of: company, announcing: configuration.thresholds, in: &transaction)
            return ((), ["job": job.description, "tasks.before": String(before), "tasks.after": String(tasks)])
        }
    }
}
