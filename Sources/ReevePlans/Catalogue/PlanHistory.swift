// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A company's facts and the catalogues they name: what is in force at an instant follows from these alone.
///
/// A plan keeps the version that it was assigned in, so a new catalogue changes nobody's plan or price by itself.
struct PlanHistory: Sendable {
    private(set) var facts: CompanyFacts
    let catalogues: Catalogues
    /// The latest instant at which something of the period under way was counted, by whatever clock: what counts anew begins after it.
    /// `nil` where no change is made.
    var counted: Timestamp?

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
        // What nobody can keep is no plan: nothing is admitted under it, and nothing written that cannot be read.
        if let all = entitlements?.sublimits, !all.isEmpty, !Sublimits.defects(all).isEmpty {
            throw PlanError(.invalidCatalogue)
        }
        let changes = [
            facts.plans.nextChange(after: instant), facts.packages.nextChange(after: instant),
            facts.overages.nextChange(after: instant), facts.turns.first { $0.at > instant }?.at,
            ends.flatMap { $0 > instant ? $0 : nil },
        ]
        let isOver = ends.map { $0 <= instant } ?? false
        let asked =
            stop == nil || plan != nil && isOver && stop != .former
            ? charges(plan, own, entitlements, at: instant) : .none
        return EffectivePlan(
            at: instant, plan: plan, catalogue: assignment?.catalogue ?? 0, package: own,
            entitlements: entitlements ?? Entitlements(tasksPerPeriod: 0, environments: []),
            charges: stop == nil ? asked : .none, asked: asked, stop: stop, trialEnds: ends,
            awaiting: facts.isAwaiting(at: instant) ? facts.awaited : nil, pause: facts.pause,
            months: facts.periods.months,
            period: try period(at: instant), changesAt: changes.compactMap(\.self).min())
    }

    /// When what is in force at an instant began to be, as far as plan and package go.
    func latestChange(until instant: Timestamp) -> Timestamp {
        let own = facts.packages.assertions.last { $0.holds(at: instant) }?.from
        let plan = facts.plans.assertions.last { $0.holds(at: instant) }?.from
        let over = facts.overages.assertions.last { $0.holds(at: instant) }?.from
        // What was there until then, and does not come back by itself.
        let ended = facts.packages.assertions.compactMap(\.until).filter { $0 <= instant }.max()
        return [own, plan, over, ended].compactMap(\.self).reduce(Timestamp(microseconds: .min), max)
    }

    private func trialEnd(_ fact: CompanyFacts.Assignment, _ plan: Plan?, at instant: Timestamp) -> Timestamp? {
        guard let days = plan?.trialDays else { return nil }
        let from = facts.plans.assertions.last { $0.holds(at: instant) }?.from ?? instant
        return facts.firstInstant(on: fact.plan, from: from).advanced(by: .seconds(days * 86_400))
    }

    private func stop(_ plan: Plan?, _ ends: Timestamp?, at instant: Timestamp) -> EffectivePlan.Stop? {
        // A former company has no plan from then on, whatever is scheduled.
        if facts.status == .former, facts.ended.map({ $0.at <= instant }) ?? true { return .former }
        guard plan == nil || ends.map({ $0 <= instant }) ?? false else { return nil }
        // What is to come says more than what is over.
        return facts.isAwaiting(at: instant) ? .awaitingApproval : plan == nil ? .noPlan : .trialEnded
    }

    private func charges(
        _ plan: Plan?, _ own: Package?, _ entitlements: Entitlements?, at instant: Timestamp
    ) -> Charges {
        let price = own?.price ?? plan?.price
        let tasks = entitlements?.tasksPerPeriod ?? 0
        return Charges(
            price: price, tasksPerPeriod: tasks,
            mostTasksOver: min(overage(under: price, at: instant)?.mostTasks ?? 0, Int(PlanRoom.maximumCount) - tasks))
    }

    /// What was agreed to go beyond the limit was agreed at a price: under another there is none.
    private func overage(under price: Price?, at instant: Timestamp) -> CompanyFacts.Overage? {
        facts.overages.value(at: instant).flatMap { $0.perThousand == price?.perThousandOver ? $0 : nil }
    }

    /// Whether the company approved what decides the price from an instant on, for then and for no less. What it approved for an
    /// earlier instant brings no price back that fell since.
    private func isApproved(_ plan: EffectivePlan) -> Bool {
        func from<Fact>(_ facts: Timeline<Fact>) -> Timestamp? { facts.assertions.last { $0.holds(at: plan.at) }?.from }
        let own = facts.packages.value(at: plan.at)
        let isOwn = own?.package?.price != nil
        let decides = isOwn ? own?.agreement : facts.plans.value(at: plan.at)?.agreement
        let over = overage(under: plan.asked.price, at: plan.at)
        let agreements = [
            (isOwn ? from(facts.packages) : from(facts.plans)) == plan.at ? decides : nil,
            from(facts.overages) == plan.at ? over.flatMap { $0.mostTasks > 0 ? $0.agreement : nil } : nil,
        ]
        return agreements.compactMap(\.self).contains { $0.covers(plan.asked, plan.entitlements) }
    }

    /// The conditions of what is asked at an instant: those that were agreed to with a package that has a price, or the plan's.
    func conditions(of plan: EffectivePlan) -> PriceConditions? {
        guard plan.package?.price == nil else { return facts.packages.value(at: plan.at)?.agreement?.conditions }
        return plan.plan?.conditions
    }

    // MARK: Periods

    /// The period in which tasks at an instant are counted. It ends early where a change starts periods anew.
    func period(at instant: Timestamp) throws(PlanError) -> Period {
        let starts = facts.turns.filter { $0.alignment == .startsPeriods }
        let (last, next) = (starts.last { $0.at <= instant }, starts.first { $0.at > instant })
        let first = try facts.periods.schedule
        let schedule = try last.map { (turn) throws(PlanError) in try facts.periods.restarted(at: turn.at) } ?? first
        let natural = schedule.period(at: instant)
        return Period(
            number: natural.number, start: max(natural.start, last?.at ?? natural.start),
            end: min(natural.end, next?.at ?? natural.end))
    }

    /// The changes that count what is used in a period anew, up to an instant.
    func turns(in period: Period, until instant: Timestamp) -> [CompanyFacts.Turn] {
        facts.turns.filter { turn in
            turn.alignment == .keepsPeriods && turn.at > period.start && turn.at <= min(instant, period.end)
        }
    }

    // MARK: Changes

    /// When a change that is made at `now` takes effect; one that was agreed to for a day does not take effect before it.
    func effectiveInstant(
        of change: PlanChange, at now: Timestamp, notBefore agreed: Timestamp? = nil
    ) throws(PlanError) -> Timestamp {
        let earliest = max(now, agreed ?? now)
        switch change.timing {
        case .immediately:
            return change.countsAnew ? facts.nextTurn(from: max(earliest, afterCounted ?? earliest)) : earliest
        case .nextPeriod: return try period(at: earliest).end
        case .at(let instant):
            guard instant >= now || agreed != nil else { throw PlanError(.inThePast) }
            let from = max(instant, earliest)
            guard change.countsAnew, let afterCounted, from < afterCounted else { return from }
            return facts.nextTurn(from: afterCounted)
        }
    }

    private var afterCounted: Timestamp? { counted?.advanced(by: .microseconds(1)) }

    /// This history with a change in it, from an instant on. Of the plans that are scheduled after it it
    /// leaves what it is told to.
    func adding(
        _ change: PlanChange, from: Timestamp, of catalogue: Catalogue, agreement: CompanyFacts.Agreement? = nil,
        leaving: Leaving = .nothing, isOfStatus: Bool = false, at now: Timestamp
    ) throws(PlanError) -> PlanHistory {
        var new = self
        // What takes effect at once is recorded as of then.
        let atOnce = max(now.advanced(by: .microseconds(1)), afterCounted ?? now)
        let now = change.timing == .immediately && from <= atOnce ? max(now, from) : now
        // A period that begins now begins with nothing used.
        guard change.alignment == .keepsPeriods || change.usage == .reset else { throw PlanError(.invalidChange) }
        if let until = change.until {
            // What costs something, and a plan, is never followed by what costs more without a word.
            guard case .package(.some(let package)) = change.kind, package.price == nil, until > from,
                !change.countsAnew
            else { throw PlanError(.invalidChange) }
        }
        switch change.kind {
        case .plan(let name):
            guard catalogue.plan(name) != nil else { throw PlanError(.unknownPlan) }
            let later = facts.nextPlan(after: from, leaving: leaving)
            let fact = CompanyFacts.Assignment(
                plan: name, catalogue: catalogue.version, agreement: agreement, isOfStatus: isOfStatus)
            try new.facts.add(fact, from: from, until: later, at: now)
            try new.turn(.plan, change, from: from, until: later, agreement, isOfStatus: isOfStatus, at: now)
        case .package(let package):
            guard package?.validate().isEmpty ?? true else { throw PlanError(.invalidChange) }
            let fact = CompanyFacts.OwnPackage(package: package, agreement: agreement)
            try new.facts.add(fact, from: from, until: change.until, at: now)
            try new.turn(.package, change, from: from, until: change.until, agreement, isOfStatus: isOfStatus, at: now)
        case .overage(let mostTasks):
            guard !change.countsAnew else { throw PlanError(.invalidChange) }
            guard PlanRoom.isCount(mostTasks) else { throw PlanError(.invalidCount) }
            let present = try effective(at: from)
            let price = (present.package?.price ?? present.plan?.price)?.perThousandOver
            let fact = CompanyFacts.Overage(mostTasks: mostTasks, perThousand: price, agreement: agreement)
            try new.facts.add(fact, from: from, at: now)
        }
        if !isOfStatus { try new.facts.shrink(at: now) }
        if try new.effective(at: from).entitlements.rollover != nil { new.keepAccount(since: now) }
        return new
    }

    private mutating func turn(
        _ cause: CompanyFacts.Turn.Cause, _ change: PlanChange, from: Timestamp, until: Timestamp?,
        _ agreement: CompanyFacts.Agreement?, isOfStatus: Bool, at now: Timestamp
    ) throws(PlanError) {
        let limit = change.countsAnew ? try effective(at: from).limit : 0
        try facts.turn(
            cause, change, from: from, until: until, limit: limit, isApproved: agreement != nil, at: now)
        // What was used before each of them is told apart in the period's record, in which statuses find room as well.
        let most = isOfStatus || !change.countsAnew ? QuotaPool.maximumTurns : CompanyFacts.mostTurns
        let starts = Set(
            try facts.turns.filter { $0.at >= now }.map { (turn) throws(PlanError) in try period(at: turn.at).start })
        for start in starts.union([try period(at: now).start, try period(at: from).start]) {
            let turns = turns(in: try period(at: start), until: .init(microseconds: .max))
            guard turns.count <= most else { throw PlanError(.tooManyChanges) }
        }
    }

    /// What a change does: at the instant from which it takes effect, and to the price at every one after it.
    func preview(
        _ change: PlanChange, at now: Timestamp, notBefore earliest: Timestamp? = nil, of catalogue: Catalogue,
        leaving: Leaving = .nothing, isOfStatus: Bool = false
    ) throws(PlanError) -> (preview: PlanChangePreview, history: PlanHistory) {
        let from = try effectiveInstant(of: change, at: now, notBefore: earliest)
        let new = try adding(
            change, from: from, of: catalogue, leaving: leaving, isOfStatus: isOfStatus, at: now)
        return (try preview(change, new, from: from), new)
    }

    /// How another history differs from this one by a change, from an instant on.
    ///
    /// It costs more where it does so at some instant, and also where a price rises later that nobody approved: what fell in between
    /// does not come back by itself. What comes to no more than what was agreed now costs no more.
    func preview(
        _ change: PlanChange, _ new: PlanHistory, from: Timestamp, agreed: CompanyFacts.Agreement? = nil
    ) throws(PlanError) -> PlanChangePreview {
        var impacts: Set<PriceImpact> = []
        // The instants at which something changes in one or the other: in between all stays.
        var (instant, last) = (from, nil as EffectivePlan?)
        while true {
            let (old, now) = (try effective(at: instant), try new.effective(at: instant))
            let isAgreed = agreed?.covers(now.asked, now.entitlements) ?? false
            if !isAgreed {
                impacts.insert(.between(old.asked, now.asked))
                if asksOrGivesOtherwise(change, old, now, new) { impacts.insert(.increase) }
            }
            let isApproved = isAgreed && instant == from || new.isApproved(now)
            // The end of a package that had more tasks is known from its beginning; what is asked for them is not.
            if let last, !isApproved {
                let rise = PriceImpact.between(last.asked.with(tasks: now.asked.tasksPerPeriod), now.asked)
                if rise.needsApproval { impacts.insert(rise) }
            }
            // What goes on after a plan whose time was over, when nothing was asked, goes on at a price that was approved.
            if (last ?? old).isOver, now.stop == nil, !now.charges.isFree, !isApproved { impacts.insert(.increase) }
            // A period that is paid for does not begin again by itself, and what was agreed beyond its limit is not there twice.
            let turnsUnasked = new.facts.turns.contains { $0.at == instant && !$0.isApproved }
            if turnsUnasked, !now.asked.isFree || !(last ?? old).asked.isFree { impacts.insert(.increase) }
            last = now
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

    /// Whether a company that pays would get less for as much, or would be asked something that no amount of a period shows.
    private func asksOrGivesOtherwise(
        _ change: PlanChange, _ old: EffectivePlan, _ now: EffectivePlan, _ new: PlanHistory
    ) -> Bool {
        guard !now.asked.isFree, !old.asked.isFree else { return false }
        // What is asked once is asked again with another plan.
        let fee = now.package?.price == nil ? now.plan?.price?.setUp?.minorUnits ?? 0 : 0
        if fee > 0, now.plan?.name != old.plan?.name { return true }
        if let before = conditions(of: old), let after = new.conditions(of: now), before != after { return true }
        // A plan that costs less is another plan, and has what it has.
        let (before, after) = (old.asked.price?.perPeriod.minorUnits ?? 0, now.asked.price?.perPeriod.minorUnits ?? 0)
        if case .plan = change.kind, after < before { return false }
        return !now.entitlements.isNoLess(than: old.entitlements)
    }

    // MARK: Statuses

    /// Drops the plans that a status scheduled: another status was told.
    ///
    /// Plans in whose place they had come are scheduled again where the company is asked no more for them than without.
    mutating func dropScheduledByStatus(for change: PlanChange, after now: Timestamp) throws(PlanError) {
        var (without, with) = (self, self)
        try without.facts.dropScheduledByStatus(after: now, bringingBack: false)
        try with.facts.dropScheduledByStatus(after: now, bringingBack: true)
        self = try without.preview(change, with, from: now).needsApproval ? without : with
    }

    /// Records a status; whether it is another one.
    mutating func tell(_ status: Company.Status, sequence: Int64) -> Bool { facts.tell(status, sequence: sequence) }

    /// Ends the plan and whatever was to come after it.
    mutating func end(at now: Timestamp) throws(PlanError) { try facts.end(at: now) }

    /// Notes that something is granted or revoked.
    mutating func noteGrant(at instant: Timestamp) { facts.noteGrant(at: instant) }

    /// Notes that the company is paused, or no longer.
    mutating func set(_ pause: Pause?) { facts.set(pause) }

    /// Notes that something is granted or carried over.
    mutating func keepAccount(since instant: Timestamp) { facts.keepAccount(since: instant) }

    /// Notes that the status's plan waits for an approval, and the proposal for it.
    mutating func awaits(_ proposal: Identifier<PriceProposal>?) { facts.awaits(proposal) }

    /// Notes that the status has its plan, also when that begins later.
    mutating func awaitsNothing() { facts.settleAwaited() }
}

extension Entitlements {
    /// Whether all but the tasks is at least what others are.
    func isNoLess(than other: Entitlements) -> Bool {
        let classes = connectorClasses.map { own in other.connectorClasses?.isSubset(of: own) ?? false } ?? true
        let retention = (retentionDays ?? .max) >= (other.retentionDays ?? 0)
        let isNoSlower = pace.map { own in other.pace.map { own.isNoLess(than: $0) } ?? false } ?? true
        let carried =
            (rollover?.most ?? 0) >= (other.rollover?.most ?? 0)
            && (rollover?.least ?? 0) >= (other.rollover?.least ?? 0)
        let isNoTighter = sublimits.allSatisfy { own in
            other.sublimits.contains { $0.jobs == own.jobs && $0.tasksPerPeriod <= own.tasksPerPeriod }
        }
        return features.isSuperset(of: other.features) && environments.isSuperset(of: other.environments) && classes
            && retention && carried && isNoSlower && isNoTighter
    }
}
