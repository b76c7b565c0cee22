// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

extension Plans {
    // MARK: Forecast and what-if

    /// How much of its limit a company will use in the current period, and when it runs out, from what was used on the days before.
    ///
    /// Complexity: O(periods that the company has had).
    public func forecast(of company: Identifier<Company>) async throws(PlanError) -> UsageForecast {
        let now = authority.time.now
        let (terms, pool, limit) = try await store.transaction {
            (transaction: inout Transaction<PlanError>) throws(PlanError) -> (PlanTerms, QuotaPool, Int64) in
            let terms = try await self.terms(of: company, at: now, in: &transaction)
            let pool = try await turnedPool(of: company, terms, [:], in: &transaction)
            let limit = try await self.limit(of: pool, company, terms, [:], in: &transaction).tasks
            return (terms, pool, limit)
        }
        let oldest = now.advanced(by: .seconds(-UsageForecast.daysUsed * 86_400))
        let past = try await past(of: company, terms.history).filter { $0.period.end > oldest }
        return UsageForecast(
            history: past.flatMap(\.days), used: Int(max(0, pool.settled)), limit: Int(limit),
            period: terms.period, at: now)
    }

    /// What a company's last periods would have been under a plan or package: the tasks that would have been admitted of those that
    /// were used, the day on which the limit would have run out, and what would have been asked for them. Where the limit
    /// is the one that a period had in the end it is what happened.
    ///
    /// `periods` is 1 to 60, of those in which anything was used; the oldest is first. Complexity: O(periods that the company has had).
    public func replay(
        of company: Identifier<Company>, under change: PlanChange, periods: Int = 12
    ) async throws(PlanError) -> [UsageReplay] {
        guard (1...60).contains(periods) else { throw PlanError(.invalidCount) }
        let now = authority.time.now
        let (charges, history) = try await store.transaction {
            (transaction: inout Transaction<PlanError>) throws(PlanError) -> (Charges, PlanHistory) in
            let history = try await self.history(of: company, in: &transaction)
            var immediate = change
            immediate.timing = .immediately
            let (preview, _) = try history.preview(
                immediate, at: history.facts.instant(now), of: history.catalogues.inForce(at: now))
            return (preview.after.asked, history)
        }
        return UsageReplay.replay(try await past(of: company, history).suffix(periods), under: charges)
    }

    /// What was used in all periods in which anything was, the oldest first.
    private func past(
        of company: Identifier<Company>, _ history: PlanHistory
    ) async throws(PlanError) -> [UsageReplay.Past] {
        let (table, now) = (QuotaPool.table, history.facts.instant(authority.time.now))
        var range = KeyRange(under: table.key(.platform, [company.description]))
        var past: [UsageReplay.Past] = []
        while true {
            var page: [(start: Timestamp, pool: QuotaPool)] = []
            let entries: [Entry]
            do throws(StoreError) {
                entries = try await store.records(in: range, limit: 200)
                for entry in entries {
                    guard case .text(let name)? = entry.key.elements?.last, let start = Timestamp(name) else {
                        throw .malformed(entry.key)
                    }
                    page.append((start, try table.value(of: entry.record.bytes, at: entry.key)))
                }
            } catch {
                throw PlanError(error)
            }
            for (start, pool) in page {
                let period = try history.period(at: start)
                let last = min(now, period.end.advanced(by: .microseconds(-1)))
                past.append(
                    UsageReplay.Past(
                        period: period, days: Self.days(of: pool), granted: Int(pool.granted),
                        limit: try history.effective(at: max(last, start)).limit))
            }
            guard entries.count == 200, let last = entries.last else { return past }
            range = range.after(last.key)
        }
    }

    /// What was used on the days of a pool; what was given back later counts less on the days before.
    private static func days(of pool: QuotaPool) -> [DayUsage] {
        var days: [DayUsage] = []
        var back: Int64 = 0
        for use in pool.uses.reversed() {
            let used = use.used + back
            back = min(0, used)
            let tasks = Int(max(0, used))
            if days.last?.day == use.from.day, let last = days.popLast() {
                days.append(DayUsage(day: last.day, tasks: last.tasks + tasks))
            } else {
                days.append(DayUsage(day: use.from.day, tasks: tasks))
            }
        }
        return days.reversed()
    }

    // MARK: Allocation reviews

    /// Reviews what companies have against what they will need, and proposes how tasks that are left are shared fairly: nobody gets
    /// less than its plan has (clause S4.5). It changes nothing; ``change(_:of:review:_:)`` takes the review's id.
    ///
    /// `budget` is the tasks that there are for all of them; a company's weight is 1 unless it is given, 1 to 1,000,000. Throws
    /// ``PlanError/Code/budgetTooSmall`` when their plans alone are more. Companies where nothing is admitted are left
    /// out. Complexity: some reads for each company, at most 500.
    @discardableResult
    public func reviewAllocation(
        of companies: [Identifier<Company>: Int], budget: Int, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) -> AllocationReview {
        try await acting("plans.reviewAllocation", permit, on: .catalogue, in: .platform, of: nil) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let now = authority.time.now
            guard companies.count <= AllocationReview.maximumCompanies else { throw PlanError(.invalidCount) }
            var needs: [AllocationReview.Need] = []
            for company in companies.keys.sorted() {
                let (forecast, plan): (UsageForecast, EffectivePlan)
                do throws(PlanError) {
                    // Each by itself: one commit could not expect what all of them have.
                    (forecast, plan) = (try await self.forecast(of: company), try await self.plan(of: company))
                } catch {
                    guard error.store == nil, error.code != .unknownPlan, error.code != .unknownZone else {
                        throw error
                    }
                    // Nothing is admitted there: it needs nothing, and has nothing.
                    continue
                }
                // The middle of what is expected; what is used already is needed in any case.
                let expected = forecast.atEnd.map { $0.lowerBound + ($0.upperBound - $0.lowerBound + 1) / 2 }
                let need = min(max(expected ?? 0, forecast.used), Int(PlanRoom.maximumCount))
                needs.append(
                    .init(
                        company: company, weight: companies[company] ?? 1, entitlement: plan.limit, need: need))
            }
            let review = try AllocationReview(
                of: needs, budget: budget, reviewer: permit.context.actor, at: now)
            try await tables.reviews.insert(
                Stored(review), .platform, [review.id.description], in: &transaction)
            let details = [
                "review": review.id.description, "companies": String(review.rows.count),
                "conclusion": review.conclusion.rawValue, "proposals": String(review.proposals.count),
            ]
            return (review, details)
        }
    }

    /// A review by its id; `nil` when there is none.
    public func allocationReview(
        _ id: Identifier<AllocationReview>
    ) async throws(PlanError) -> AllocationReview? {
        do throws(StoreError) {
            return try await tables.reviews.read(.platform, [id.description], in: store)?.value
        } catch {
            throw PlanError(error)
        }
    }

    /// The changes of allocations in beta that no review stands behind, in the order in which they were made.
    public func allocationFindings() async throws(PlanError) -> [AllocationFinding] {
        do throws(StoreError) {
            return try await tables.findings.readAll(.platform, in: store).map(\.value)
        } catch {
            throw PlanError(error)
        }
    }

    /// Says in which phase the programme is from an instant on, by default from now.
    public func setPhase(
        _ phase: ProgrammePhase, from instant: Timestamp? = nil, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) {
        try await acting("plans.setPhase", permit, on: .catalogue, in: .platform, of: nil) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let now = authority.time.now
            let from = instant ?? now
            guard from >= now else { throw PlanError(.inThePast) }
            var programme = try await tables.programme.read(.platform, [], in: &transaction) ?? Programme()
            let before = programme.phases.value(at: from)
            do throws(Timeline<ProgrammePhase>.Refusal) {
                let recorded = max(now, programme.phases.assertions.last?.recorded ?? now)
                try programme.phases.record(phase, from: from, at: recorded)
            } catch {
                throw PlanError(.invalidChange)
            }
            if programme.phases.assertions.count > CompanyFacts.maximumFacts { programme.phases.forget(before: now) }
            guard programme.phases.assertions.count <= CompanyFacts.maximumFacts else {
                throw PlanError(.tooManyChanges)
            }
            try await tables.programme.write(programme, .platform, [], in: &transaction)
            return ((), ["before": (before ?? .general).rawValue, "after": phase.rawValue, "from": from.description])
        }
    }

    /// The phase of the programme now or at another instant; general where nothing was said.
    public func phase(at instant: Timestamp? = nil) async throws(PlanError) -> ProgrammePhase {
        let now = authority.time.now
        return try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            try await phase(at: instant ?? now, in: &transaction)
        }
    }

    private func phase(
        at instant: Timestamp, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> ProgrammePhase {
        try await tables.programme.read(.platform, [], in: &transaction)?.phases.value(at: instant) ?? .general
    }

    /// What an entry says of the review behind a change; in beta one without is a finding, and so is one that gives more than the
    /// review proposed, or whose review is older than a quarter of a year.
    func reviewed(
        _ review: Identifier<AllocationReview>?, _ company: Identifier<Company>, _ permit: Permit<ChangePlan>,
        limit: Int, at now: Timestamp, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> [String: String] {
        var (details, finding): ([String: String], String?) = ([:], "change-without-review")
        if let review {
            let known = try await tables.reviews.read(.platform, [review.description], in: &transaction)
            guard let known = known?.value, let row = known.rows.first(where: { $0.company == company }) else {
                throw PlanError(.unknownReview)
            }
            details["review"] = review.description
            let isOld = known.at.advanced(by: .seconds(92 * 86_400)) < now
            finding = isOld || limit > row.proposed ? "change-beyond-review" : nil
        }
        guard let finding, try await phase(at: now, in: &transaction) == .beta else { return details }
        details["finding"] = finding
        let record = AllocationFinding(
            company: company, at: now, actor: permit.context.actor, decision: permit.decision)
        let id = Identifier<AuditRecord>(at: now)
        try await tables.findings.insert(Stored(record), .platform, [id.description], in: &transaction)
        return details
    }
}
