// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

extension Plans {
    /// Where usage at an instant counts; throws when its period is closed.
    func openOrigin(
        at instant: Timestamp, _ history: PlanHistory
    ) throws(PlanError) -> ReturnedTasks.Origin {
        let now = history.facts.instant(authority.time.now)
        guard instant <= now.advanced(by: CompanyFacts.skew) else { throw PlanError(.inTheFuture) }
        let period = try history.period(at: instant)
        guard isOpen(period, at: now) else { throw PlanError(.periodClosed) }
        return .init(
            period: period.start, turn: history.turns(in: period, until: instant).last?.at, taken: instant)
    }

    /// Whether usage of a period is still taken.
    func isOpen(_ period: Period, at now: Timestamp) -> Bool {
        now < period.end.advanced(by: .seconds(lateUsageDays * 86_400))
    }

    /// Counts charges that were told, each once; returns how many tasks each telling brought that were not there before, and `nil`
    /// where they cannot be told apart, for want of room or of a record that can be read: then what was admitted counts.
    func count(
        _ told: [ToldCharges], of company: Identifier<Company>, to pools: inout [Timestamp: QuotaPool],
        _ history: PlanHistory?, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> [Int?] {
        var records: [[String]: ChargeRecord] = [:]
        var counted: [Int?] = []
        for told in told {
            let ids = ChargeRecord.ids(company, told.job, told.run)
            var stored = records[ids]
            if stored == nil {
                do throws(PlanError) {
                    stored = try await ChargeRecord.table.read(.platform, ids, in: &transaction)
                } catch {
                    // One that cannot be read keeps none of the others from being counted.
                    guard case .malformed = error.store else { throw error }
                    counted.append(nil)
                    continue
                }
            }
            var record = stored ?? ChargeRecord(job: told.job, run: told.run, origin: told.origin)
            let new = record.add(told)
            counted.append(new)
            guard let new else { continue }
            records[ids] = record
            // What others told before is given back, and what was done beyond what was admitted counts as well.
            let more = Int64(new) - Int64(told.taken)
            guard more > 0 || more < 0 && !told.isUncertain else { continue }
            var pool = try await turnedPool(of: company, told.origin.period, pools, history, in: &transaction)
            if more > 0 {
                pool.add(more, takenAfter: told.origin.turn, at: told.origin.taken)
            } else {
                pool.refund(-more, takenAfter: told.origin.turn, at: told.origin.taken)
            }
            pools[told.origin.period] = pool
        }
        for (ids, record) in records { try await ChargeRecord.table.write(record, .platform, ids, in: &transaction) }
        return counted
    }

    // MARK: Corrections

    /// What a job was charged, each run by itself, the first first. Complexity: O(runs).
    public func charges(
        of job: Identifier<Job>, of company: Identifier<Company>
    ) async throws(PlanError) -> [JobCharges] {
        do throws(StoreError) {
            let prefix = ChargeRecord.table.key(.platform, [company.description, job.description])
            return try await ChargeRecord.table.values(under: prefix, in: store).map(JobCharges.init).sorted {
                $0.run < $1.run
            }
        } catch {
            throw PlanError(error)
        }
    }

    /// Says how many tasks count for a run of a job, 0 to 10^12, whatever it did: where something went wrong that the company is
    /// not to bear.
    ///
    /// The reason is the one in the permit's context. Throws ``PlanError/Code/unknownJob`` when it was charged nothing, and
    /// ``PlanError/Code/periodClosed`` when its period is over for longer than late usage is taken.
    public func correct(
        _ job: Identifier<Job>, run: Int = 0, of company: Identifier<Company>, to tasks: Int,
        _ permit: Permit<ChangePlan>
    ) async throws(PlanError) {
        try await acting("plans.correct", permit, on: .plan(of: company), in: .platform, of: company) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            guard PlanRoom.isCount(tasks) else { throw PlanError(.invalidCount) }
            let history = try await history(of: company, in: &transaction)
            let ids = ChargeRecord.ids(company, job, run)
            guard var record = try await ChargeRecord.table.read(.platform, ids, in: &transaction) else {
                throw PlanError(.unknownJob)
            }
            let (origin, before) = (record.origin, record.tasks)
            guard isOpen(try history.period(at: origin.taken), at: history.facts.instant(authority.time.now)) else {
                throw PlanError(.periodClosed)
            }
            let more = Int64(record.correct(to: tasks))
            var pool = try await turnedPool(of: company, origin.period, [:], history, in: &transaction)
            if more > 0 { pool.add(more, takenAfter: origin.turn, at: origin.taken) }
            if more < 0 { pool.refund(-more, takenAfter: origin.turn, at: origin.taken) }
            try await ChargeRecord.table.write(record, .platform, ids, in: &transaction)
            try await write([origin.period: pool], of: company, in: &transaction)
            return ((), ["job": job.description, "tasks.before": String(before), "tasks.after": String(tasks)])
        }
    }

    /// Removes what is kept so that nothing counts twice, of periods that are closed: what jobs were charged, and which admissions that
    /// were handed on have ended. Returns how many records those were.
    ///
    /// For background work, once a period. Complexity: O(records of the company), in pages.
    @discardableResult
    public func removeClosedCharges(of company: Identifier<Company>) async throws(PlanError) -> Int {
        let charges = try await removeClosed(ChargeRecord.table, of: company) { $0.origin.taken }
        return try await charges + removeClosed(EndedAdmission.table, of: company) { $0.taken }
    }

    private func removeClosed<Value>(
        _ table: Table<Value>, of company: Identifier<Company>, _ taken: (Value) -> Timestamp
    ) async throws(PlanError) -> Int {
        var range = KeyRange(under: table.key(.platform, [company.description]))
        var removed = 0
        while true {
            var page: [(key: Key, taken: Timestamp)] = []
            let entries: [Entry]
            do throws(StoreError) {
                entries = try await store.records(in: range, limit: 60)
            } catch {
                throw PlanError(error)
            }
            // One that cannot be read stays.
            for entry in entries {
                guard let value = try? table.value(of: entry.record.bytes, at: entry.key) else { continue }
                page.append((entry.key, taken(value)))
            }
            guard let last = entries.last else { return removed }
            let known = page
            removed += try await store.transaction {
                (transaction: inout Transaction<PlanError>) throws(PlanError) -> Int in
                let history = try await history(of: company, in: &transaction)
                let now = history.facts.instant(authority.time.now)
                var count = 0
                for (key, taken) in known where !isOpen(try history.period(at: taken), at: now) {
                    transaction.delete(key)
                    count += 1
                }
                return count
            }
            range = range.after(last.key)
        }
    }
}
