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
        /// Tasks admitted in this period and not given back.
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

    /// Plans over the authority's store, by a catalogue that ``Catalogue/validate()`` finds no defect in.
    public init(catalogue: Catalogue = .reference, authority: AccessAuthority) {
        store = authority.store
        self.catalogue = catalogue
        self.authority = authority
    }

    /// Records a company's status; the plan follows by the catalogue's rule (clause S4.2).
    ///
    /// `sequence` orders the statuses: one that is not higher than the last is a replay, and changes nothing. The actor
    /// of the audit entry is the rule, not a person. Returns whether the status was new.
    @discardableResult
    public func setStatus(_ company: Company, sequence: Int64) async throws(PlanError) -> Bool {
        let now = authority.time.now
        return try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
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
                facts.statuses.append(.init(status: company.status, sequence: sequence, from: now))
            }
            try await CompanyPlan.table.write(facts, .platform, ids, in: &transaction)
            let context = ActContext(
                actor: .rule("plans.status.\(company.status.rawValue)"), scope: .platform, origin: .background)
            let entry = AuditEntry(
                at: now, context: context, action: "plans.setStatus", resource: company.id.description,
                details: ["plan.before": before, "plan.after": after, "sequence": String(sequence)])
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
            try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
                let ids = [company.description]
                guard var facts = try await CompanyPlan.table.read(.platform, ids, in: &transaction) else {
                    throw PlanError(.noPlan)
                }
                let before = facts.packages.last?.tasksPerPeriod
                facts.packages.append(.init(tasksPerPeriod: tasksPerPeriod, from: now))
                try await CompanyPlan.table.write(facts, .platform, ids, in: &transaction)
                let details = [
                    "limit.before": before.map { String($0) } ?? "plan", "limit.after": String(tasksPerPeriod),
                ]
                let entry = authority.entry(action, permit, details: details)
                try transaction.record(entry, in: authority.trail)
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
        return try await store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            try await allowance(of: company, at: now, in: &transaction)
        }
    }

    func allowance(
        of company: Identifier<Company>, at instant: Timestamp, in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> Allowance {
        guard let facts = try await CompanyPlan.table.read(.platform, [company.description], in: &transaction),
            let status = facts.status
        else { throw PlanError(.noPlan) }
        guard let name = catalogue.statusRules[status] else { throw PlanError(.companyInactive) }
        guard let plan = catalogue.plan(name) else { throw PlanError(.unknownPlan) }
        let period = try facts.period(at: instant)
        let usage = try await PeriodUsage.table.read(
            .platform, PeriodUsage.ids(company, period.start.day), in: &transaction)
        return Allowance(
            plan: plan.name, limit: facts.packages.last?.tasksPerPeriod ?? plan.tasksPerPeriod,
            used: usage?.admitted ?? 0, periodStart: period.start, resetsAt: period.end)
    }
}
