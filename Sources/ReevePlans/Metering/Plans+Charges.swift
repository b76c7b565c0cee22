// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage

extension Plans {
    /// Where usage at an instant counts; throws when its period is closed.
    func openOrigin(
        at instant: Timestamp, in scope: Scope, _ history: PlanHistory
    ) throws(PlanError) -> ReturnedTasks.Origin {
        let now = history.facts.instant(authority.time.now)
        guard instant <= now.advanced(by: CompanyFacts.skew) else { throw PlanError(.inTheFuture) }
        let taken = min(instant, now)
        let period = try history.period(at: taken)
        guard isOpen(period, at: now) else { throw PlanError(.periodClosed) }
        let sublimits = Sublimits(try history.effective(at: taken).entitlements.sublimits)
        return .init(period: period.start, taken: taken, sublimits: sublimits.lane(of: scope).sublimits)
    }

    /// Whether usage of a period is still taken.
    func isOpen(_ period: Period, at now: Timestamp) -> Bool {
        now < period.end.advanced(by: .seconds(lateUsageDays * 86_400))
    }

    /// Counts charges that were told, each once; returns how many tasks each telling brought that were not there before, and `nil`
    /// where they cannot be told apart, for want of room or of a record that can be read: then all of them count.
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
                    var lost = ChargeRecord(job: told.job, run: told.run)
                    try await count(
                        told, told.tasks, of: company, &lost, to: &pools, history, in: &transaction)
                    counted.append(nil)
                    continue
                }
            }
            var record = stored ?? ChargeRecord(job: told.job, run: told.run)
            let new = told.isStorable ? record.add(told) : nil
            counted.append(new)
            try await count(told, new ?? told.tasks, of: company, &record, to: &pools, history, in: &transaction)
            if new != nil, !told.charges.isEmpty { records[ids] = record }
        }
        guard try await !isErased(company, in: &transaction) else { return counted }
        for (ids, record) in records { try await ChargeRecord.table.write(record, .platform, ids, in: &transaction) }
        return counted
    }

    /// Counts as many tasks of what was told as are new: what others told before is given back, and what was done beyond what was
    /// admitted counts as well, now if what was admitted does not count any more.
    private func count(
        _ told: ToldCharges, _ new: Int, of company: Identifier<Company>, _ record: inout ChargeRecord,
        to pools: inout [Timestamp: QuotaPool], _ history: PlanHistory?,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        // What is new counts where it was taken from, the first first; the rest of what was taken is given back.
        var left = Int64(new)
        for part in told.parts {
            var pool = try await turnedPool(of: company, part.origin.period, pools, history, in: &transaction)
            let counted = min(left, part.tasks)
            left -= counted
            record.note(counted, in: part.origin, after: pool.turn(before: part.origin.taken))
            guard counted < part.tasks, !told.isUncertain else { continue }
            pool.refund(part.tasks - counted, at: part.origin.taken, within: part.origin.sublimits)
            pools[part.origin.period] = pool
        }
        guard left > 0 else { return }
        var origin = told.origin
        var pool = try await turnedPool(of: company, origin.period, pools, history, in: &transaction)
        if told.isAdmitted, let history {
            let now = history.facts.instant(authority.time.now)
            let isOver = !isOpen(try history.period(at: origin.taken), at: now)
            if isOver || pool.turn.map({ $0 > origin.taken }) ?? false {
                origin = .init(period: try history.period(at: now).start, taken: now, sublimits: origin.sublimits)
                pool = try await turnedPool(of: company, origin.period, pools, history, in: &transaction)
            }
        }
        let counted = pool.add(left, at: origin.taken, within: origin.sublimits)
        pools[origin.period] = pool
        record.note(counted, in: origin, after: pool.turn(before: origin.taken))
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

    /// Removes what is kept so that nothing counts twice, of periods that are closed: what jobs were charged, and which admissions that
    /// were handed on have ended. Returns how many records those were.
    ///
    /// For background work, once a period. Complexity: O(records of the company), in pages.
    @discardableResult
    public func removeClosedCharges(of company: Identifier<Company>) async throws(PlanError) -> Int {
        let charges = try await removeClosed(ChargeRecord.table, of: company) {
            $0.parts.last?.taken ?? Timestamp(microseconds: 0)
        }
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
                // Others whose clocks are behind still take usage of it.
                let now = history.facts.instant(authority.time.now)
                    .advanced(by: .seconds(-CompanyFacts.skew.components.seconds))
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
