// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// Says which plan a company is on, by its status, what it was assigned and the packages made for it.
///
/// All of these are dated facts; the plan in force is a function of them and the instant. A change that
/// would cost a company more is never made here: it is proposed, and the company approves it first
/// (``propose(_:for:conditions:_:)``). All calls may be made concurrently.
///
/// A `ChangePlan` permit is one on `.plan(of: company)`, or on `.catalogue` where no company is named, in the scope `.platform`; an
/// `ApprovePrice` permit is one on `.plan(of: company)` in the scope of the workspace through which the company agrees, and of a person
/// who did not propose or communicate the price.
public struct Plans: Sendable {
    /// What a company may use, and has used, in the current period.
    public struct Allowance: Hashable, Sendable {
        /// The plan's name.
        public let plan: String
        /// Tasks in this period, with what was granted and carried over: ``Plans/balance(of:)`` says what comes from where.
        public let limit: Int
        /// Tasks that are used in this period, those that other processes hold and may still give back, and those that jobs of this one gave
        /// back since its last ``TaskMeter/settle()``.
        public let used: Int
        /// What is used of each sublimit that there is.
        public let sublimits: [SublimitUse]
        /// When the period began, in UTC.
        public let periodStart: Timestamp
        /// When the next period begins, in UTC, and the count starts again.
        public let resetsAt: Timestamp
        /// Tasks left; never below 0.
        public var remaining: Int { max(0, limit - used) }
    }

    /// What is used of a sublimit in the current period, and held by other processes.
    public struct SublimitUse: Hashable, Sendable {
        /// The sublimit.
        public let sublimit: Sublimit
        /// Tasks that are used in this period since it has been there, and those that other processes hold and may still give back.
        public let used: Int
        /// Tasks left of it; never below 0. Of all tasks no more may be left.
        public var remaining: Int { max(0, sublimit.tasksPerPeriod - used) }
    }

    /// The type of the event that says that a part of a company's limit is used: `threshold` is the part in hundredths of `limit`,
    /// `used` what counts as used, `period` when the period began. It is in the platform's outbox once for each part, period and
    /// version of the limit; of several that are reached at once it is the highest.
    public static let thresholdReached = "plans.threshold-reached"

    /// What the names of the rules begin with that act when a status is told.
    static let statusRule = "plans.status."

    let store: any Store
    let authority: AccessAuthority
    /// How long after a period's end usage of it is taken.
    let lateUsageDays: Int
    /// What this process holds of the companies' tasks.
    let held: HeldTasks
    /// The jobs of this process that wait for tasks.
    let waiting = WaitingJobs()
    let shelf: CatalogueShelf
    let tables: PlanTables
    let knownPools = KnownRecords(ControlTable(QuotaPool.table))
    let knownAccounts: KnownRecords<TaskAccount>
    private let knownFacts: KnownRecords<CompanyFacts>

    /// Plans over the authority's store, by a catalogue that ``Catalogue/validate()`` finds no defect in. It is in force until
    /// one with a higher version is: ``publish(_:from:_:)``. What was used in a period is taken for `lateUsageDays` days after its end,
    /// 0 to 28 of 24 hours; a number out of range counts as the nearest. With a `journal` a crash costs next to nothing.
    ///
    /// Pass `control` the keys that `AuditKeys.control` and the vault have, as `TrustLayer` does, or `DerivedControlKeys`: the records that decide
    /// what a company may use and is asked for are authenticated then, and one that was changed, moved, removed or put back is refused. A
    /// process that starts anew cannot notice that all of them were put back together. An authority with roles brings its own keys.
    /// Records that were written without keys, or under others, are refused.
    public init(
        catalogue: Catalogue = .reference, authority: AccessAuthority, control keys: (any ControlKeys)? = nil,
        lateUsageDays: Int = 3, journal: TaskJournal? = nil
    ) {
        self.lateUsageDays = min(max(lateUsageDays, 0), 28)
        store = authority.store
        self.authority = authority
        held = HeldTasks(time: authority.time, journal: journal)
        tables = PlanTables(
            authority.control ?? keys.map { ControlRecords(store: authority.store, keys: $0, makesHeads: true) })
        shelf = CatalogueShelf(catalogue, tables)
        knownFacts = KnownRecords(tables.facts) { $0.isValid }
        knownAccounts = KnownRecords(tables.accounts) { $0.isValid }
    }

    // MARK: Statuses

    /// Records a company's status; the plan follows by the catalogue's rule (clause S4.2).
    ///
    /// `sequence` orders the statuses: one that is not higher than the last is a replay, and changes nothing. The actor
    /// of the audit entry is the rule, not a person. `periods` says how the company's periods are counted, with its first status.
    /// Where the plan has a price that the company has not approved, the rule opens a proposal and the plan stays as it is.
    /// Returns whether the status was new.
    @discardableResult
    public func setStatus(
        _ company: Company, sequence: Int64, periods: PeriodRule = .monthly
    ) async throws(PlanError) -> Bool {
        try await closingWhatIsHeld(of: company.id) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            try await setStatus(company, sequence: sequence, periods: periods, in: &transaction)
        }
    }

    /// Records a company's status in a transaction of the host's, so that a company is never there without its plan.
    ///
    /// As ``setStatus(_:sequence:periods:)``; processes that hold tasks of a company learn of a change with their next
    /// ``TaskMeter/settle()``, this one as well: it cannot know when your transaction has committed. Where records are authenticated, a
    /// company's first status makes the transaction run again.
    @discardableResult
    public func setStatus(
        _ company: Company, sequence: Int64, periods: PeriodRule = .monthly,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> Bool {
        let now = authority.time.now
        let first = CompanyFacts(periods: try periods.anchored(at: now))
        let facts = try await facts(of: company.id, in: &transaction) ?? first
        guard facts.sequence.map({ sequence > $0 }) ?? true else { return false }
        let catalogues = try await shelf.read(naming: facts, at: now, in: &transaction)
        var before = PlanHistory(facts, catalogues)
        before.counted = try await counted(of: company.id, before, in: &transaction)
        var history = before
        let isOther = history.tell(company.status, sequence: sequence)
        let actor = ActContext.Actor.rule(Self.statusRule + company.status.rawValue)
        let isOpen = try await isOpen(
            facts.isAwaiting ? facts.awaited : nil, of: company.id, withdrawing: isOther, at: now, in: &transaction)
        // Told again, it opens again what nobody agreed to in time.
        var obstacle: PlanError?
        if isOther || facts.isAwaiting && !isOpen {
            obstacle = try await follow(company, &history, actor, at: now, in: &transaction)
        }
        var details = try details(before, history, from: now, sequence: sequence)
        details["obstacle"] = obstacle?.code.rawValue
        let entry = AuditEntry(
            at: now, context: ActContext(actor: actor, scope: .platform, origin: .background),
            action: "plans.setStatus", resource: company.id.description,
            details: details)
        let isEnding = isOther && company.status == .former
        try await write(history, from: before, of: company.id, isEnding: isEnding, in: &transaction)
        try transaction.record(entry, in: authority.trail)
        return true
    }

    /// Does what a status's rule says: assigns its plan, or opens a proposal where that would cost more. A status is always taken:
    /// where no proposal can be made, the plan stays as it is and waits, and what stood in the way is returned.
    private func follow(
        _ company: Company, _ history: inout PlanHistory, _ actor: ActContext.Actor, at now: Timestamp,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PlanError? {
        let catalogue = history.catalogues.inForce(at: now)
        let instant = history.facts.instant(now)
        guard company.status != .former, let rule = catalogue.statusRules[company.status] else {
            try history.end(at: instant)
            return nil
        }
        try history.dropScheduledByStatus(for: rule.change, after: instant)
        do throws(PlanError) {
            // What is scheduled for later stays, unless its price would rise then that nobody approved.
            for leaving in [PlanHistory.Leaving.everything, .approved] {
                let (preview, new) = try history.preview(
                    rule.change, at: instant, notBefore: instant, of: catalogue, leaving: leaving, isOfStatus: true)
                guard !preview.needsApproval else { continue }
                history = new
                history.awaitsNothing()
                return nil
            }
            let proposal = try proposal(rule.change, of: company.id, history, by: actor, catalogue, at: now)
            try await tables.proposals.write(
                Stored(proposal), .platform, Self.ids(proposal), in: &transaction)
            history.awaits(proposal.id)
            return nil
        } catch {
            guard error.store == nil else { throw error }
            history.awaits(nil)
            return error
        }
    }

    // MARK: Changes

    /// Changes what a company may use: its package, its plan, or how far it may go beyond the limit (clause S4.1).
    ///
    /// Throws ``PlanError/Code/approvalRequired`` when the company would be asked to pay more, now or later, or get less for as
    /// much: ``propose(_:for:conditions:_:)`` is the way then. The reason in the permit's context is recorded with what was
    /// before and after, and the allocation review that it rests on: in beta a change without one is a finding (clause S4.5).
    @discardableResult
    public func change(
        _ change: PlanChange, of company: Identifier<Company>, review: Identifier<AllocationReview>? = nil,
        _ permit: Permit<ChangePlan>
    ) async throws(PlanError) -> PlanChangePreview {
        try await acting("plans.change", permit, on: .plan(of: company), in: .platform, of: company) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let now = authority.time.now
            let history = try await changeableHistory(of: company, in: &transaction)
            guard history.facts.status != .former else { throw PlanError(.companyInactive) }
            let (preview, new) = try history.preview(
                change, at: history.facts.instant(now), of: history.catalogues.inForce(at: now))
            guard !preview.needsApproval else { throw PlanError(.approvalRequired) }
            try await write(new, from: history, of: company, in: &transaction)
            let reviewed = try await reviewed(
                review, company, permit, limit: preview.after.limit, at: now, in: &transaction)
            let details = try details(history, new, from: preview.effective, sequence: nil)
            return (preview, details.merging(reviewed) { old, _ in old })
        }
    }

    /// What a change would do, without making it: the plan and the price before and after, and whether it needs approval. Throws as the
    /// change would for a former company.
    public func preview(
        _ change: PlanChange, of company: Identifier<Company>
    ) async throws(PlanError) -> PlanChangePreview {
        let now = authority.time.now
        return try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let history = try await changeableHistory(of: company, in: &transaction)
            guard history.facts.status != .former else { throw PlanError(.companyInactive) }
            return try history.preview(
                change, at: history.facts.instant(now), of: history.catalogues.inForce(at: now)
            ).preview
        }
    }

    /// Publishes a new version of the catalogue, in force from an instant on.
    ///
    /// Companies keep the version that their plan was assigned in: no price of theirs changes by it. Statuses that are told later,
    /// and changes that are made later, bring the new one. Throws ``PlanError/Code/invalidCatalogue`` for one with defects,
    /// ``PlanError/Code/catalogueDiffers`` for a version that is there already, and ``PlanError/Code/inThePast``.
    public func publish(
        _ catalogue: Catalogue, from instant: Timestamp? = nil, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) {
        try await acting("plans.publish", permit, on: .catalogue, in: .platform, of: nil) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let now = authority.time.now
            guard catalogue.validate().isEmpty else { throw PlanError(.invalidCatalogue) }
            let catalogues = try await shelf.read(naming: nil, at: now, in: &transaction)
            let newest = catalogues.dates.entries.last?.version ?? 0
            guard catalogue.version > max(newest, catalogues.configured.version) else {
                throw PlanError(.catalogueDiffers)
            }
            let from = instant ?? now
            guard from >= now else { throw PlanError(.inThePast) }
            try await shelf.record([(catalogues.configured, now), (catalogue, from)], catalogues, in: &transaction)
            return ((), ["version": String(catalogue.version), "from": from.description])
        }
    }

    // MARK: What is in force

    /// What is in force for a company, now or at another instant: limits, features, environments, and why nothing is admitted if
    /// so. A value, good until ``EffectivePlan/changesAt`` unless a change is made.
    public func plan(
        of company: Identifier<Company>, at instant: Timestamp? = nil
    ) async throws(PlanError) -> EffectivePlan {
        let now = authority.time.now
        return try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let history = try await history(of: company, in: &transaction)
            return try history.effective(at: instant ?? history.facts.instant(now))
        }
    }

    /// What a company may use and has used in the current period.
    public func allowance(of company: Identifier<Company>) async throws(PlanError) -> Allowance {
        let now = authority.time.now
        let own = held.handles(of: company).compactMap(\.present)
        return try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let terms = try await terms(of: company, at: now, in: &transaction)
            var pool = try await turnedPool(of: company, terms, [:], in: &transaction)
            let limit = try await limit(of: pool, company, terms, [:], in: &transaction).tasks
            // Of what this process holds itself, it knows what is left.
            let left = Dictionary(own.map { ($0.held.id, $0.left) }) { $1 }
            for lease in pool.leases { _ = pool.settle(lease.id, used: lease.amount - (left[lease.id] ?? 0)) }
            let sublimits = terms.sublimits.all.map { sublimit in
                let use = pool.sublimits.first { $0.jobs == sublimit.jobs }
                return SublimitUse(sublimit: sublimit, used: Int(max(0, use?.used ?? 0)))
            }
            return Allowance(
                plan: terms.plan, limit: Int(limit), used: Int(max(0, pool.settled)), sublimits: sublimits,
                periodStart: terms.period.start, resetsAt: terms.period.end)
        }
    }

    // MARK: Facts

    /// A company's facts; `nil` when it never had any.
    func facts(
        of company: Identifier<Company>, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> CompanyFacts? {
        try await knownFacts.read([company.description], in: &transaction)
    }

    /// A company's facts and the catalogues; throws when it never had a status.
    func history(
        of company: Identifier<Company>, naming version: Int? = nil, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PlanHistory {
        guard let facts = try await facts(of: company, in: &transaction), facts.status != nil else {
            throw PlanError(.noPlan)
        }
        let now = authority.time.now
        return PlanHistory(facts, try await shelf.read(naming: facts, version, at: now, in: &transaction))
    }

    /// A company's history for a change to be made.
    func changeableHistory(
        of company: Identifier<Company>, naming version: Int? = nil, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PlanHistory {
        var history = try await history(of: company, naming: version, in: &transaction)
        history.counted = try await counted(of: company, history, in: &transaction)
        return history
    }

    /// Writes a company's facts, dates the catalogue they name, and asks for what is held under other terms.
    func write(
        _ history: PlanHistory, from before: PlanHistory, of company: Identifier<Company>, isEnding: Bool = false,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        let now = authority.time.now
        // What a status proposed is asked of nobody once another plan has come.
        if before.facts.isAwaiting, !history.facts.isAwaiting {
            _ = try await isOpen(before.facts.awaited, of: company, withdrawing: true, at: now, in: &transaction)
        }
        try await settleAccount(of: company, before, isEnding: isEnding, in: &transaction)
        try await tables.facts.write(history.facts, .platform, [company.description], in: &transaction)
        // The host's own version is dated once something names it.
        let configured = history.catalogues.configured
        if history.catalogues.inForce(at: now).version == configured.version {
            try await shelf.record([(configured, now)], history.catalogues, in: &transaction)
        }
        try await recall(company, before, at: now, in: &transaction)
    }

    /// What an entry says of a change: the plan and the limit before and after.
    func details(
        _ before: PlanHistory, _ after: PlanHistory, from: Timestamp, sequence: Int64?
    ) throws(PlanError) -> [String: String] {
        let instant = max(from, after.facts.instant(from))
        let (old, new) = (try before.effective(at: instant), try after.effective(at: instant))
        var details = [
            "plan.before": old.plan?.name ?? "none", "plan.after": new.plan?.name ?? "none",
            "limit.before": String(old.limit), "limit.after": String(new.limit), "from": from.description,
        ]
        for (name, plan) in [("before", old), ("after", new)] where !plan.entitlements.sublimits.isEmpty {
            let sublimits = plan.entitlements.sublimits.map { "\($0.jobs): \($0.tasksPerPeriod)" }
            details["sublimits.\(name)"] = sublimits.sorted().joined(separator: ", ")
        }
        details["sequence"] = sequence.map { String($0) }
        details["proposal"] = new.awaiting?.description
        let isAgreedTo = after.facts.plans.assertions.contains { $0.value?.agreement?.proposal == before.facts.awaited }
        if before.facts.isAwaiting, !isAgreedTo, !after.facts.isAwaiting || after.facts.awaited != before.facts.awaited
        {
            details["proposal.ended"] = before.facts.awaited?.description
        }
        let ended = before.facts.plans.facts.filter { fact in
            fact.from > instant && fact.value != nil && after.facts.plans.value(at: fact.from) != fact.value
        }
        if !ended.isEmpty {
            let plans = ended.map { "\($0.value?.plan ?? "none") from \($0.from)" }
            details["scheduled.ended"] = plans.joined(separator: ", ")
        }
        return details
    }
}
