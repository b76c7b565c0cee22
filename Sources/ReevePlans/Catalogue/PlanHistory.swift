// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A company's facts and the catalogues they name: what is in force at an instant follows from these alone.
///
/// A plan keeps the version that it was assigned in, so a new catalogue changes nobody's plan or price by itself.
struct PlanHistory: Sendable {
    private(set) var facts: CompanyFacts
    let catalogues: Catalogues

    init(_ facts: CompanyFacts, _ catalogues: Catalogues) {
        self.facts = facts
        self.catalogues = catalogues
    }

    /// Which plans a change leaves that are scheduled after it.
    enum Leaving {
        case nothing, approved, everything
    }

    // MARK: What is in force

    /// What is in force at an instant. Complexity: O(facts).
    func effective(at instant: Timestamp) throws(PlanError) -> EffectivePlan {
        let assignment = facts.plans.value(at: instant)
        let own = facts.packages.value(at: instant)?.package
        let plan = try assignment.map { (fact) throws(PlanError) in try catalogues.plan(fact.plan, of: fact.catalogue) }
        let ends = assignment.flatMap { fact in trialEnd(fact, plan, at: instant) }
        let stop = stop(plan, ends, at: instant)
        let entitlements = plan.map { own?.applied(to: $0.entitlements) ?? $0.entitlements }
        let changes = [
            facts.plans.nextChange(after: instant), facts.packages.nextChange(after: instant),
            facts.overages.nextChange(after: instant), ends.flatMap { $0 > instant ? $0 : nil },
        ]
        return EffectivePlan(
            at: instant, plan: plan, catalogue: assignment?.catalogue ?? 0, package: own,
            entitlements: entitlements ?? Entitlements(tasksPerPeriod: 0, environments: []),
            charges: stop == nil ? charges(plan, own, entitlements, at: instant) : .none, stop: stop, trialEnds: ends,
            awaiting: facts.awaiting, months: facts.periods.months, period: try period(at: instant),
            changesAt: changes.compactMap(\.self).min())
    }

    private func trialEnd(_ fact: CompanyFacts.Assignment, _ plan: Plan?, at instant: Timestamp) -> Timestamp? {
        guard let days = plan?.trialDays else { return nil }
        let from = facts.plans.assertions.last { $0.holds(at: instant) }?.from ?? instant
        return facts.firstInstant(on: fact.plan, from: from).advanced(by: .seconds(days * 86_400))
    }

    private func stop(_ plan: Plan?, _ ends: Timestamp?, at instant: Timestamp) -> EffectivePlan.Stop? {
        if plan != nil { return ends.map { $0 <= instant } ?? false ? .trialEnded : nil }
        if facts.awaiting != nil { return .awaitingApproval }
        return facts.status == .former || facts.plans.assertions.contains { $0.from <= instant } ? .former : .noPlan
    }

    private func charges(
        _ plan: Plan?, _ own: Package?, _ entitlements: Entitlements?, at instant: Timestamp
    ) -> Charges {
        let price = own?.price ?? plan?.price
        // What was agreed to go beyond the limit was agreed at a price: at another there is none.
        let over = facts.overages.value(at: instant).flatMap { over in
            over.perThousand == price?.perThousandOver ? over.mostTasks : nil
        }
        let tasks = entitlements?.tasksPerPeriod ?? 0
        return Charges(
            price: price, tasksPerPeriod: tasks, mostTasksOver: min(over ?? 0, Int(PlanRoom.maximumCount) - tasks))
    }

    // MARK: Periods

    /// The period in which tasks at an instant are counted: a natural one, or the part of one that a change began.
    func period(at instant: Timestamp) throws(PlanError) -> Period {
        var (schedule, counted) = (try facts.periods.schedule, Timestamp(microseconds: .min))
        let turns = facts.turns
        for turn in turns where turn.at <= instant {
            counted = turn.at
            if turn.turn.alignment == .startsPeriods { schedule = try facts.periods.restarted(at: turn.at) }
        }
        let natural = schedule.period(at: instant)
        let next = turns.first { $0.at > instant }?.at ?? Timestamp(microseconds: .max)
        return Period(number: natural.number, start: max(natural.start, counted), end: min(natural.end, next))
    }

    /// What becomes of the tasks that were used before a period that a change began; `nil` when the period is a natural one.
    func usageKept(into period: Period) -> PlanChange.Usage? {
        facts.turns.last { $0.at == period.start }?.turn.usage
    }

    // MARK: Changes

    /// When a change that is made at `now` takes effect; one that was agreed to for a day does not take effect before it.
    func effectiveInstant(
        of change: PlanChange, at now: Timestamp, notBefore agreed: Timestamp? = nil
    ) throws(PlanError) -> Timestamp {
        let earliest = max(now, agreed ?? now)
        switch change.timing {
        case .immediately: return earliest
        case .nextPeriod: return try period(at: earliest).end
        case .at(let instant):
            guard instant >= now || agreed != nil else { throw PlanError(.inThePast) }
            return max(instant, earliest)
        }
    }

    /// This history with a change in it, from an instant on. Of the plans that are scheduled after it it
    /// leaves what it is told to.
    func adding(
        _ change: PlanChange, from: Timestamp, of catalogue: Catalogue, agreement: CompanyFacts.Agreement? = nil,
        leaving: Leaving = .nothing, at now: Timestamp
    ) throws(PlanError) -> PlanHistory {
        var new = self
        let turn = CompanyFacts.Turn(alignment: change.alignment, usage: change.usage)
        if let until = change.until {
            // What costs something, and a plan, is never followed by what costs more without a word.
            guard case .package(.some(let package)) = change.kind, package.price == nil, until > from else {
                throw PlanError(.invalidChange)
            }
        }
        switch change.kind {
        case .plan(let name):
            guard catalogue.plan(name) != nil else { throw PlanError(.unknownPlan) }
            let later = facts.nextPlan(after: from, leaving: leaving)
            let fact = CompanyFacts.Assignment(
                plan: name, catalogue: catalogue.version, turn: turn, agreement: agreement)
            try new.facts.add(fact, from: from, until: later, at: now)
        case .package(let package):
            guard package?.validate().isEmpty ?? true else { throw PlanError(.invalidChange) }
            let fact = CompanyFacts.OwnPackage(package: package, turn: turn, agreement: agreement)
            try new.facts.add(fact, from: from, until: change.until, at: now)
        case .overage(let mostTasks):
            guard !turn.countsAnew else { throw PlanError(.invalidChange) }
            guard PlanRoom.isCount(mostTasks) else { throw PlanError(.invalidCount) }
            let present = try effective(at: from)
            let price = (present.package?.price ?? present.plan?.price)?.perThousandOver
            let fact = CompanyFacts.Overage(mostTasks: mostTasks, perThousand: price, agreement: agreement)
            try new.facts.add(fact, from: from, at: now)
        }
        try new.facts.shrink(at: now)
        return new
    }

    /// What a change does: at the instant from which it takes effect, and to the price at every one after it.
    func preview(
        _ change: PlanChange, at now: Timestamp, of catalogue: Catalogue, leaving: Leaving = .nothing
    ) throws(PlanError) -> PlanChangePreview {
        let from = try effectiveInstant(of: change, at: now)
        return try preview(adding(change, from: from, of: catalogue, leaving: leaving, at: now), from: from)
    }

    /// How another history differs from this one, from an instant on.
    ///
    /// It costs more where it does so at some instant, and also where a price rises later that nobody approved: what fell in between
    /// does not come back by itself. What comes to no more than what was agreed now costs no more.
    func preview(
        _ new: PlanHistory, from: Timestamp, agreed: Charges? = nil
    ) throws(PlanError) -> PlanChangePreview {
        // The instants at which something changes in one or the other: in between all stays.
        var impacts: Set<PriceImpact> = []
        var (instant, last) = (from, nil as Charges?)
        while true {
            let (old, now) = (try effective(at: instant), try new.effective(at: instant))
            let isAgreed = agreed.map { !PriceImpact.between($0, now.charges).needsApproval } ?? false
            impacts.insert(isAgreed ? .none : .between(old.charges, now.charges))
            // The end of a package that had more tasks is known from its beginning; what is asked for them is not.
            let rise =
                last.map { PriceImpact.between($0.with(tasks: now.charges.tasksPerPeriod), now.charges) } ?? .none
            if rise.needsApproval, !new.facts.isApproved(now.charges, at: instant) { impacts.insert(rise) }
            last = now.charges
            guard let next = [old.changesAt, now.changesAt].compactMap(\.self).min() else { break }
            instant = next
        }
        let impact =
            switch true {
            case impacts.contains(.incomparable), impacts.isSuperset(of: [.increase, .decrease]):
                PriceImpact.incomparable
            case impacts.contains(.increase): PriceImpact.increase
            case impacts.contains(.decrease): PriceImpact.decrease
            default: PriceImpact.none
            }
        return PlanChangePreview(
            effective: from, before: try effective(at: from), after: try new.effective(at: from), impact: impact)
    }

    // MARK: Statuses

    /// Records a status; whether it is another one.
    mutating func tell(_ status: Company.Status, sequence: Int64) -> Bool { facts.tell(status, sequence: sequence) }

    /// Ends the plan and whatever was to come after it.
    mutating func end(at now: Timestamp) throws(PlanError) { try facts.add(nil, from: now, at: now) }

    /// Notes the proposal that a status opened; `nil` for none any more.
    mutating func await(_ proposal: Identifier<PriceProposal>?) { facts.awaiting = proposal }
}
