// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// The dated facts of one company: which plan it was assigned when, which packages were made for it, and what it agreed to.
/// What is in force is a function of them and an instant: ``PlanHistory``.
struct CompanyFacts: Hashable, Codable, RecordCodable {
    /// What the company approved, with a fact; there is none where nothing had to be approved.
    struct Agreement: Hashable, Codable {
        let proposal: Identifier<PriceProposal>
        let charges: Charges
        let entitlements: Entitlements
        let conditions: PriceConditions

        /// Whether it covers what is asked, and for what.
        func covers(_ charges: Charges, _ entitlements: Entitlements) -> Bool {
            !PriceImpact.between(self.charges, charges).needsApproval && entitlements.isNoLess(than: self.entitlements)
        }
    }
    /// A plan of a version of the catalogue.
    struct Assignment: Hashable, Codable {
        let plan: String
        let catalogue: Int
        let agreement: Agreement?
        /// Whether a status brought it: the next status ends it, also before its day.
        let isOfStatus: Bool
    }
    /// A package of the company's own, or none any more.
    struct OwnPackage: Hashable, Codable {
        let package: Package?
        let agreement: Agreement?
    }
    /// Tasks beyond the limit, at the price that they had then: at another one there are none.
    struct Overage: Hashable, Codable {
        let mostTasks: Int
        let perThousand: Money?
        let agreement: Agreement?
    }
    /// A change that counts tasks anew from its instant on.
    struct Turn: Hashable, Codable {
        enum Cause: String, Codable {
            case plan, package
        }
        let at: Timestamp
        let cause: Cause
        let alignment: PlanChange.Alignment
        let usage: PlanChange.Usage
        /// The limit from then on.
        let limit: Int
        /// Whether the company approved the change that it is of.
        let isApproved: Bool
    }

    /// An end of all that a company has.
    struct End: Hashable, Codable {
        let sequence: Int64
        let at: Timestamp
    }

    /// How periods are counted, until a change starts them anew.
    let periods: PeriodRule
    /// The status told last.
    private(set) var status: Company.Status?
    /// The highest sequence that was told, also when it brought no other status.
    private(set) var sequence: Int64?
    /// The sequence of the status with which the company's plan ended last, and when: what was proposed before is no more.
    private(set) var ended: End?
    private(set) var plans = Timeline<Assignment>()
    private(set) var packages = Timeline<OwnPackage>()
    private(set) var overages = Timeline<Overage>()
    /// In the order of their instants.
    private(set) var turns: [Turn] = []
    /// When the company was first on each plan: its time on one that ends is counted from there.
    private(set) var firstOn: [String: Timestamp] = [:]
    /// Whether the plan of the status waits for the company's approval.
    private(set) var isAwaiting = false
    /// The proposal that the status opened, also when it has ended; `nil` when none could be made.
    private(set) var awaited: Identifier<PriceProposal>?

    /// Whether nothing is admitted for now.
    private(set) var pause: Pause?
    /// Since when something may have been granted or carried over, so that there is an account of it.
    private(set) var accountSince: Timestamp?
    /// When something was granted or revoked last.
    private(set) var granted: Timestamp?

    /// Whether what was counted of the company is erased: what running processes still tell of it counts for nobody.
    private(set) var isErased: Bool?

    /// As many facts of a kind are kept while they can still matter.
    static let maximumFacts = 100
    /// As many of them come from changes: there is room for statuses beside them.
    static let maximumChanges = 80
    /// As many bytes may a company's record have.
    static let maximumBytes = 60_000
    /// Clocks that differ by no more than an hour see what was told at once.
    static let skew = Duration.seconds(3600)
    /// As many changes may count one period anew; statuses may do so beyond them.
    static let mostTurns = 16
    /// As many starts of periods are kept, so that the ones before are found.
    private static let maximumStarts = 60

    init(periods: PeriodRule) {
        self.periods = periods
    }

    /// What is left of a company that has left when everything else about it is erased: that it has, and which word was the last.
    var bare: CompanyFacts {
        var facts = CompanyFacts(periods: periods)
        (facts.status, facts.sequence, facts.ended, facts.isErased) = (status, sequence, ended, true)
        return facts
    }

    /// Whether everything in it is in range, as only what was written here is.
    var isValid: Bool {
        packages.assertions.allSatisfy { $0.value?.package?.validate().isEmpty ?? true }
            && overages.assertions.allSatisfy { $0.value.map { PlanRoom.isCount($0.mostTasks) } ?? true }
            && periods.anchor != nil
    }

    /// Whether there is an account of what was granted and carried over.
    var keepsAccount: Bool { accountSince != nil }

    /// The instant by which facts are chosen when clocks say `now`: what was told to take effect at once is in force, also when
    /// another clock is a little behind. A clock that is far ahead stays alone with what it says.
    func instant(_ now: Timestamp) -> Timestamp {
        let told = [
            plans.assertions.last?.recorded, packages.assertions.last?.recorded, overages.assertions.last?.recorded,
            granted,
        ]
        return told.compactMap(\.self).filter { $0 <= now.advanced(by: Self.skew) }.reduce(now, max)
    }

    // MARK: Adding facts

    /// Records a status with its sequence; whether it is another one.
    mutating func tell(_ new: Company.Status, sequence number: Int64) -> Bool {
        sequence = number
        if new != .former { isErased = nil }
        defer { status = new }
        return status != new
    }

    /// Ends plan, package and whatever was to come: for a company that is a former one.
    mutating func end(at now: Timestamp) throws(PlanError) {
        ended = End(sequence: sequence ?? .min, at: now)
        turns.removeAll { $0.at > now }
        try add(nil as Assignment?, from: now, at: now)
        if !packages.assertions.isEmpty { try add(nil as OwnPackage?, to: \.packages, now, nil, now) }
        if !overages.assertions.isEmpty { try add(nil as Overage?, to: \.overages, now, nil, now) }
        settleAwaited()
    }

    mutating func add(
        _ fact: Assignment?, from: Timestamp, until: Timestamp? = nil, at now: Timestamp
    ) throws(PlanError) {
        noteFirst(until: now)
        try add(fact, to: \.plans, from, until, now)
        // The plan that was waited for is decided by one that is in force.
        if from <= now { settleAwaited() }
    }

    /// Drops the plans that a status scheduled: another status was told. Others, in whose place they had come, come back or do not.
    mutating func dropScheduledByStatus(after now: Timestamp, bringingBack: Bool) throws(PlanError) {
        guard plans.assertions.contains(where: { $0.value?.isOfStatus == true && $0.from > now }) else { return }
        func isDropped(_ fact: Timeline<Assignment>.Assertion) -> Bool {
            fact.value?.isOfStatus == true && fact.from > now
        }
        // What came in the place of something that was to come brings that back only when it is told to.
        let staying = plans.assertions.enumerated().filter { index, fact in
            !isDropped(fact)
                && (bringingBack || fact.from <= now
                    || !plans.assertions[(index + 1)...].contains { isDropped($0) && $0.holds(at: fact.from) })
        }.map(\.element)
        var kept = Timeline<Assignment>()
        for fact in staying {
            // What was to end with one that is dropped goes on until the next.
            var until = fact.until
            if let end = fact.until, end > now, !staying.contains(where: { $0.from == end }) {
                until = staying.map(\.from).filter { $0 > end }.min()
            }
            do throws(Timeline<Assignment>.Refusal) {
                try kept.record(fact.value, from: fact.from, until: until, at: fact.recorded)
            } catch {
                throw PlanError(.invalidChange)
            }
        }
        plans = kept
        turns.removeAll { $0.cause == .plan && $0.at > now }
    }

    mutating func add(_ fact: OwnPackage, from: Timestamp, until: Timestamp?, at now: Timestamp) throws(PlanError) {
        try add(fact, to: \.packages, from, until, now)
    }

    mutating func add(_ fact: Overage, from: Timestamp, at now: Timestamp) throws(PlanError) {
        try add(fact, to: \.overages, from, nil, now)
    }

    private mutating func add<Fact>(
        _ fact: Fact?, to path: WritableKeyPath<CompanyFacts, Timeline<Fact>>, _ from: Timestamp, _ until: Timestamp?,
        _ now: Timestamp
    ) throws(PlanError) {
        let recorded = max(now, self[keyPath: path].assertions.last?.recorded ?? now)
        do throws(Timeline<Fact>.Refusal) {
            try self[keyPath: path].record(fact, from: from, until: until, at: recorded)
        } catch {
            throw PlanError(.invalidChange)
        }
        if self[keyPath: path].assertions.count > Self.maximumFacts { forget(before: now) }
        guard self[keyPath: path].assertions.count <= Self.maximumFacts else { throw PlanError(.tooManyChanges) }
    }

    /// Notes what a change does to the period that it falls in; turns that it takes the place of are none any more.
    mutating func turn(
        _ cause: Turn.Cause, _ change: PlanChange, from: Timestamp, until: Timestamp?, limit: Int, isApproved: Bool,
        at now: Timestamp
    ) throws(PlanError) {
        turns.removeAll { turn in
            turn.cause == cause && turn.at > now && turn.at >= from && until.map { turn.at < $0 } ?? true
        }
        guard change.countsAnew else { return }
        // No two at one instant: each is applied once.
        var instant = from
        while turns.contains(where: { $0.at == instant }) {
            guard instant < Timestamp(microseconds: .max) else { throw PlanError(.invalidChange) }
            instant = instant.advanced(by: .microseconds(1))
        }
        turns.append(
            Turn(
                at: instant, cause: cause, alignment: change.alignment, usage: change.usage, limit: limit,
                isApproved: isApproved))
        turns.sort { $0.at < $1.at }
        forgetTurns(before: now)
        guard turns.count(where: { $0.at > now }) <= Self.maximumChanges else { throw PlanError(.tooManyChanges) }
    }

    /// Forgets turns that lie behind, but for those that tell how the last periods were counted.
    private mutating func forgetTurns(before now: Timestamp) {
        func forget(beyond count: Int, _ isOfKind: (Turn) -> Bool) {
            let past = turns.indices.filter { turns[$0].at <= now && isOfKind(turns[$0]) }
            for index in past.dropLast(count).reversed() { turns.remove(at: index) }
        }
        forget(beyond: Self.maximumStarts) { $0.alignment == .startsPeriods }
        forget(beyond: Self.maximumStarts) { $0.alignment == .keepsPeriods }
    }

    /// The first instant at which a turn can be that is later than all that have been.
    func nextTurn(from instant: Timestamp) -> Timestamp {
        guard let last = turns.last(where: { $0.at <= instant }), last.at == instant else { return instant }
        return instant.advanced(by: .microseconds(1))
    }

    /// Forgets what can no longer matter when there is much of it, and makes sure that there is room for statuses.
    mutating func shrink(at now: Timestamp) throws(PlanError) {
        func size() -> Int { (try? recordBytes(schema: 1).count) ?? .max }
        func isFull() -> Bool {
            plans.assertions.count > Self.maximumChanges || packages.assertions.count > Self.maximumChanges
                || overages.assertions.count > Self.maximumChanges || size() > Self.maximumBytes
        }
        guard isFull() else { return }
        forget(before: now)
        guard !isFull() else { throw PlanError(.tooManyChanges) }
    }

    private mutating func forget(before now: Timestamp) {
        noteFirst(until: now)
        if isAwaiting, !isAwaiting(at: now) { settleAwaited() }
        plans.forget(before: now)
        packages.forget(before: now)
        overages.forget(before: now)
    }

    /// Remembers since when the company is on each plan that it has been on until an instant.
    private mutating func noteFirst(until now: Timestamp) {
        for fact in plans.facts where fact.from <= now {
            guard let plan = fact.value?.plan else { continue }
            firstOn[plan] = min(firstOn[plan] ?? fact.from, fact.from)
        }
    }

    /// Notes that the company is paused, or no longer.
    mutating func set(_ pause: Pause?) { self.pause = pause }

    /// Notes that something is granted or carried over.
    mutating func keepAccount(since instant: Timestamp) { accountSince = min(accountSince ?? instant, instant) }

    /// Notes that something is granted or revoked.
    mutating func noteGrant(at instant: Timestamp) {
        keepAccount(since: instant)
        granted = max(granted ?? instant, instant)
    }

    /// Notes that the status's plan waits for an approval, and the proposal for it.
    mutating func awaits(_ proposal: Identifier<PriceProposal>?) { (isAwaiting, awaited) = (true, proposal) }

    /// Notes that nothing is waited for.
    mutating func settleAwaited() { (isAwaiting, awaited) = (false, nil) }

    // MARK: Reading them

    /// Whether the plan of the status waits for the company's approval at an instant: one that was agreed to for a later day does until
    /// then.
    func isAwaiting(at instant: Timestamp) -> Bool { isAwaiting && !isOnAwaitedPlan(by: instant) }

    /// Whether the plan of the proposal that is waited for has begun until an instant.
    private func isOnAwaitedPlan(by instant: Timestamp) -> Bool {
        guard let awaited else { return false }
        return plans.assertions.contains { $0.from <= instant && $0.value?.agreement?.proposal == awaited }
    }

    /// When the company was first on the plan of a fact.
    func firstInstant(on plan: String, from: Timestamp) -> Timestamp { min(firstOn[plan] ?? from, from) }

    /// When the next plan begins that is already scheduled, of those that a change leaves.
    func nextPlan(after instant: Timestamp, leaving: PlanHistory.Leaving) -> Timestamp? {
        plans.facts.filter { fact in
            guard fact.from > instant, fact.value?.isOfStatus != true else { return false }
            return switch leaving {
            case .nothing: false
            case .approved: fact.value?.agreement != nil
            case .everything: true
            }
        }.map(\.from).min()
    }
}

extension PlanChange {
    /// Whether tasks are counted anew from it on.
    var countsAnew: Bool { alignment == .startsPeriods || usage != .kept }
}

extension Timeline {
    /// The assertions that count at the first instant of their span.
    var facts: [Assertion] {
        assertions.indices.filter { index in
            !assertions[(index + 1)...].contains { $0.holds(at: assertions[index].from) }
        }.map { assertions[$0] }
    }
}
