// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

extension TaskMeter {
    /// Opens the journal, and gives back what the process that wrote it before had not spent, of one company or of all.
    func inherit(of wanted: Identifier<Company>? = nil) async throws(PlanError) {
        guard let journal = held.journal else { return }
        try await journal.open(as: held.holder)
        let entries = Dictionary(grouping: journal.inherited, by: \.company)
        var failure: PlanError?
        for (company, entries) in entries where company == wanted ?? company {
            do throws(PlanError) {
                let statements = try await plans.statements(of: company, entries)
                statements.forEach(held.tell)
                journal.settle(entries)
                // Of a company without facts there is nothing to tell.
                if statements.isEmpty { journal.end(entries.map(\.lease)) }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// Writes down what may be spent after much came back, and removes what has ended.
    func tidyJournal() async throws(PlanError) {
        guard let journal = held.journal else { return }
        for handle in held.handles where handle.spendable > journal.step {
            // Nobody raises it meanwhile: the last mark that is written is the one that holds.
            try await held.turns.run(handle.company) { () throws(PlanError) in
                guard let lowered = handle.lower(to: journal.step) else { return }
                let (lease, mark) = (lowered.lease, lowered.mark)
                try await journal.write(
                    .init(company: handle.company, lease: lease.id, asked: lease.given, mark: mark))
            }
        }
        try await journal.flush()
    }

    /// Writes down a lease before it is asked for, with what is needed and a step beyond; `false` when that cannot be done: then no more
    /// is taken than is used at once, since a crash would cost the rest.
    func writeAhead(
        _ lease: Identifier<QuotaLeaseRecord>, of company: Identifier<Company>, _ need: Int64, at now: Timestamp
    ) async -> Bool {
        guard let journal = held.journal else { return true }
        do throws(PlanError) {
            try await journal.open(as: held.holder)
            // The others' is told when it settles, and so is what cannot be told now.
            try? await inherit(of: company)
            try await journal.write(.init(company: company, lease: lease, asked: now, mark: need + journal.step))
            return true
        } catch {
            // Whoever looks after the process learns of it from `settle()`.
            return false
        }
    }

    /// Takes tasks of a lease that may be spent once they are written down; `nil` when there are not as many.
    func raise(
        _ handle: TaskHandle, _ tasks: Int, _ environment: Environment?
    ) async -> TaskHandle.Source? {
        guard let journal = held.journal, !handle.excludes(environment),
            let next = handle.nextMark(tasks, step: journal.step)
        else { return nil }
        do throws(PlanError) {
            try await journal.write(
                .init(company: handle.company, lease: next.lease.id, asked: next.lease.given, mark: next.mark))
        } catch {
            return nil
        }
        handle.raise(next.lease, to: next.mark)
        return handle.take(tasks, in: environment)
    }
}

extension Plans {
    /// What is to be told of leases that a journal names: all that it says may be spent is.
    fileprivate func statements(
        of company: Identifier<Company>, _ entries: [LeaseJournal.Entry]
    ) async throws(PlanError) -> [HeldTasks.Statement] {
        try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let history: PlanHistory
            do throws(PlanError) {
                history = try await self.history(of: company, in: &transaction)
            } catch {
                // Of a company that never was nothing comes back; what only this process cannot read stays written down.
                guard error.code == .noPlan else { throw error }
                return []
            }
            var statements: [HeldTasks.Statement] = []
            for entry in entries {
                let first = try history.period(at: entry.asked)
                // By what another clock had told then it may have been in the next one. Also of a lease that is not there it is told: so a
                // commit that is still under way is too late.
                let next = try await pool(of: company, first.end, [:], in: &transaction)
                let start = next?.knows(entry.lease) == true ? first.end : first.start
                statements.append(.init(company: company, lease: entry.lease, period: start, used: entry.mark))
            }
            return statements
        }
    }
}
