// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// Says which plan a company is on, by its status and the packages made for it.
///
/// Statuses and packages are dated facts that are only added; the effective plan is a function of them and the instant.
/// All calls may be made concurrently.
public struct Plans: Sendable {
    /// What a company may use, and has used, in the current period.
    public struct Allowance: Hashable, Sendable {
        /// The plan's name.
        public let plan: String
        /// Tasks in this period.
        public let limit: Int
        /// Tasks that are used in this period, and those that other processes hold and may still give back.
        public let used: Int
        /// When the period began, in UTC.
        public let periodStart: Timestamp
        /// When the next period begins, in UTC, and the count starts again.
        public let resetsAt: Timestamp
        /// Tasks left; never below 0.
        public var remaining: Int { max(0, limit - used) }
    }

    let catalogue: Catalogue
    let store: any Store
    let authority: AccessAuthority
    /// What this process holds of the companies' tasks.
    let held: HeldTasks

    /// Plans over the authority's store, by a catalogue that ``Catalogue/validate()`` finds no defect in.
    public init(catalogue: Catalogue = .reference, authority: AccessAuthority) {
        store = authority.store
        self.catalogue = catalogue
        self.authority = authority
        held = HeldTasks(time: authority.time)
    }

    /// Records a company's status; the plan follows by the catalogue's rule (clause S4.2).
    ///
    /// `sequence` orders the statuses: one that is not higher than the last is a replay, and changes nothing. The actor
    /// of the audit entry is the rule, not a person. Returns whether the status was new.
    @discardableResult
    public func setStatus(_ company: Company, sequence: Int64) async throws(PlanError) -> Bool {
        let now = authority.time.now
        return try await closingWhatIsHeld(of: company.id) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let ids = [company.id.description]
            var facts =
                try await CompanyPlan.table.read(.platform, ids, in: &transaction)
                ?? CompanyPlan(anchor: now.day)
            guard sequence > facts.sequence ?? .min else { return false }
            let before = facts.status.flatMap { catalogue.statusRules[$0] } ?? "none"
            let after = catalogue.statusRules[company.status] ?? "none"
            guard after == "none" || catalogue.plan(after) != nil else { throw PlanError(.unknownPlan) }
            facts.sequence = sequence
            if facts.status != company.status {
                facts.append(.init(status: company.status, sequence: sequence, from: now))
            }
            try await CompanyPlan.table.write(facts, .platform, ids, in: &transaction)
            let context = ActContext(
                actor: .rule("plans.status.\(company.status.rawValue)"), scope: .platform, origin: .background)
            let entry = AuditEntry(
                at: now, context: context, action: "plans.setStatus", resource: company.id.description,
                details: ["plan.before": before, "plan.after": after, "sequence": String(sequence)])
            if before != after { try await recall(company.id, facts, at: now, in: &transaction) }
            try transaction.record(entry, in: authority.trail)
            return true
        }
    }

    /// Gives a company a package of its own: a limit in place of its plan's (clause S4.1), from now on.
    public func setPackage(
        tasksPerPeriod: Int, for company: Identifier<Company>, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) {
        let action = "plans.setPackage"
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: .plan(of: company), in: .platform)
        } catch {
            throw PlanError(error)
        }
        let now = authority.time.now
        do throws(PlanError) {
            guard (0...PlanRoom.maximumCount).contains(Int64(tasksPerPeriod)) else { throw PlanError(.invalidCount) }
            try await closingWhatIsHeld(of: company) {
                (transaction: inout Transaction<PlanError>) throws(PlanError) in
                let ids = [company.description]
                guard var facts = try await CompanyPlan.table.read(.platform, ids, in: &transaction) else {
                    throw PlanError(.noPlan)
                }
                let before = facts.packages.last?.tasksPerPeriod
                facts.append(.init(tasksPerPeriod: tasksPerPeriod, from: now))
                try await CompanyPlan.table.write(facts, .platform, ids, in: &transaction)
                let details = [
                    "limit.before": before.map { String($0) } ?? "plan", "limit.after": String(tasksPerPeriod),
                ]
                try await recall(company, facts, at: now, in: &transaction)
                let entry = authority.entry(action, permit, details: details)
                try transaction.record(entry, in: authority.trail)
                return true
            }
        } catch {
            // What may have been done is not called refused.
            if error.store == .outcomeUnknown { throw error }
            do throws(StoreError) {
                try await authority.recordRefusal(of: action, permit, code: error.code.rawValue)
            } catch let failure {
                throw PlanError(failure)
            }
            throw error
        }
    }

    /// What a company may use and has used in the current period.
    public func allowance(of company: Identifier<Company>) async throws(PlanError) -> Allowance {
        let now = authority.time.now
        let own = held.knownHandle(for: company)?.present
        return try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let terms = try await terms(of: company, at: now, in: &transaction)
            let pool = try await pool(of: company, terms.period.start, [:], in: &transaction)
            // Of what this process holds itself, it knows what is left.
            let isOpen = own.map { own in pool?.leases.contains { $0.id == own.held.id } == true } ?? false
            let used = (pool?.settled ?? 0) + (pool?.held ?? 0) - (isOpen ? own?.left ?? 0 : 0)
            return Allowance(
                plan: terms.plan, limit: Int(terms.limit), used: Int(max(0, used)), periodStart: terms.period.start,
                resetsAt: terms.period.end)
        }
    }
}

/// What holds for a company at an instant.
struct PlanTerms {
    let plan: String
    let limit: Int64
    let period: Period
}

extension Plans {
    /// What holds for a company at an instant; throws when nothing may be admitted.
    func terms(
        of company: Identifier<Company>, at instant: Timestamp, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PlanTerms {
        guard let facts = try await CompanyPlan.table.read(.platform, [company.description], in: &transaction),
            let status = facts.status
        else { throw PlanError(.noPlan) }
        guard let name = catalogue.statusRules[status] else { throw PlanError(.companyInactive) }
        guard let plan = catalogue.plan(name) else { throw PlanError(.unknownPlan) }
        return PlanTerms(
            plan: plan.name, limit: Int64(facts.packages.last?.tasksPerPeriod ?? plan.tasksPerPeriod),
            period: try facts.period(at: instant))
    }

    static func ids(_ company: Identifier<Company>, _ period: Timestamp) -> [String] {
        [company.description, period.description]
    }

    /// The pool of a period, as it is among those given, or as it is stored.
    func pool(
        of company: Identifier<Company>, _ period: Timestamp, _ known: [Timestamp: QuotaPool],
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> QuotaPool? {
        if let pool = known[period] { return pool }
        return try await QuotaPool.table.read(.platform, Self.ids(company, period), in: &transaction)
    }

    /// The pools that statements are about, after them.
    func pools(
        of company: Identifier<Company>, after statements: [HeldTasks.Statement],
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> [Timestamp: QuotaPool] {
        var pools: [Timestamp: QuotaPool] = [:]
        for statement in statements {
            // Written also where there is none: a commit that makes the first one and is still under way is too late then.
            var pool =
                try await pool(of: company, statement.period, pools, in: &transaction) ?? QuotaPool(limit: 0)
            _ = pool.settle(statement.lease, used: statement.used)
            pools[statement.period] = pool
        }
        return pools
    }

    /// Gives tasks back to the limits of their periods.
    func refund(
        _ returned: [Timestamp: Int64], of company: Identifier<Company>, to pools: inout [Timestamp: QuotaPool],
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        for (period, count) in returned {
            var pool = try await pool(of: company, period, pools, in: &transaction)
            pool?.refund(count)
            pools[period] = pool
        }
    }

    /// Writes pools, also those that did not change: a commit that is still under way does not take effect then.
    func write(
        _ pools: [Timestamp: QuotaPool], of company: Identifier<Company>,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        for (period, pool) in pools {
            try await QuotaPool.table.write(pool, .platform, Self.ids(company, period), in: &transaction)
        }
    }

    /// Runs what changes a company's terms: what this process holds was taken under others, also when it is not known whether the
    /// change took effect. The body returns `false` when it changes nothing.
    @discardableResult private func closingWhatIsHeld(
        of company: Identifier<Company>, _ body: (inout Transaction<PlanError>) async throws(PlanError) -> Bool
    ) async throws(PlanError) -> Bool {
        do throws(PlanError) {
            let isChanged = try await store.transaction(body)
            if isChanged { held.close(company) }
            return isChanged
        } catch {
            if error.store == .outcomeUnknown { held.close(company) }
            throw error
        }
    }

    /// Asks all processes to give back what they hold: other terms are in force.
    func recall(
        _ company: Identifier<Company>, _ facts: CompanyPlan, at instant: Timestamp,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        let period = try facts.period(at: instant).start
        guard var pool = try await pool(of: company, period, [:], in: &transaction), !pool.leases.isEmpty else {
            return
        }
        pool.recall()
        try await write([period: pool], of: company, in: &transaction)
        try await RecallBoard.add(company, in: &transaction)
    }
}
