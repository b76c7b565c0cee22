// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// The dated facts of one company: which plan it was assigned when, which packages were made for it, and what it agreed to.
/// Facts are only added. What is in force is a function of them and an instant: ``PlanHistory``.
struct CompanyFacts: Hashable, Codable, RecordCodable {
    /// What a change does to the period that it falls in.
    struct Turn: Hashable, Codable {
        let alignment: PlanChange.Alignment
        let usage: PlanChange.Usage

        /// Whether tasks are counted anew, in one way or another.
        var countsAnew: Bool { alignment == .startsPeriods || usage != .kept }
    }
    /// What the company approved, with a fact; there is none where nothing had to be approved.
    struct Agreement: Hashable, Codable {
        let proposal: Identifier<PriceProposal>
        let charges: Charges
    }
    /// A plan of a version of the catalogue.
    struct Assignment: Hashable, Codable {
        let plan: String
        let catalogue: Int
        let turn: Turn
        let agreement: Agreement?
    }
    /// A package of the company's own, or none any more.
    struct OwnPackage: Hashable, Codable {
        let package: Package?
        let turn: Turn
        let agreement: Agreement?
    }
    /// Tasks beyond the limit, at the price that they had then: at another one there are none.
    struct Overage: Hashable, Codable {
        let mostTasks: Int
        let perThousand: Money?
        let agreement: Agreement?
    }

    /// How periods are counted, until a change starts them anew.
    let periods: PeriodRule
    /// The status told last.
    private(set) var status: Company.Status?
    /// The highest sequence that was told, also when it brought no other status.
    private(set) var sequence: Int64?
    private(set) var plans = Timeline<Assignment>()
    private(set) var packages = Timeline<OwnPackage>()
    private(set) var overages = Timeline<Overage>()
    /// When the company was first on each plan: its time on one that ends is counted from there.
    private(set) var firstOn: [String: Timestamp] = [:]
    /// The proposal that a status opened and that nobody has answered.
    var awaiting: Identifier<PriceProposal>?

    static let table = Table<CompanyFacts>("plans.company")
    /// As many facts of a kind are kept while they can still matter.
    static let maximumFacts = 100
    /// As many bytes may a company's record have.
    static let maximumBytes = 60_000

    init(periods: PeriodRule) {
        self.periods = periods
    }

    /// Whether everything in it is in range, as only what was written here is.
    var isValid: Bool {
        packages.assertions.allSatisfy { $0.value?.package?.validate().isEmpty ?? true }
            && overages.assertions.allSatisfy { $0.value.map { PlanRoom.isCount($0.mostTasks) } ?? true }
            && periods.anchor != nil
    }

    /// The instant by which facts are chosen when clocks say `now`: what was told to take effect at once is in force, also when
    /// another clock is behind.
    func instant(_ now: Timestamp) -> Timestamp {
        let last = [
            plans.assertions.last?.recorded, packages.assertions.last?.recorded, overages.assertions.last?.recorded,
        ]
        return last.compactMap(\.self).reduce(now, max)
    }

    /// Records a status with its sequence; whether it is another one.
    mutating func tell(_ new: Company.Status, sequence number: Int64) -> Bool {
        sequence = number
        defer { status = new }
        return status != new
    }

    /// Adds a fact; no plan ends whatever was to come as well.
    mutating func add(
        _ fact: Assignment?, from: Timestamp, until: Timestamp? = nil, at now: Timestamp
    ) throws(PlanError) {
        noteFirst(until: now)
        try add(fact, to: &plans, from, until, now)
    }

    mutating func add(
        _ fact: OwnPackage, from: Timestamp, until: Timestamp?, at now: Timestamp
    ) throws(PlanError) {
        try add(fact, to: &packages, from, until, now)
    }

    mutating func add(_ fact: Overage, from: Timestamp, at now: Timestamp) throws(PlanError) {
        try add(fact, to: &overages, from, nil, now)
    }

    private func add<Fact>(
        _ fact: Fact?, to timeline: inout Timeline<Fact>, _ from: Timestamp, _ until: Timestamp?, _ now: Timestamp
    ) throws(PlanError) {
        let recorded = max(now, timeline.assertions.last?.recorded ?? now)
        do throws(Timeline<Fact>.Refusal) {
            try timeline.record(fact, from: from, until: until, at: recorded)
        } catch {
            throw PlanError(.invalidChange)
        }
        if timeline.assertions.count > Self.maximumFacts { timeline.forget(before: now) }
        guard timeline.assertions.count <= Self.maximumFacts else { throw PlanError(.tooManyChanges) }
    }

    /// Forgets what can no longer matter when there is much of it.
    mutating func shrink(at now: Timestamp) throws(PlanError) {
        func size() -> Int { (try? recordBytes(schema: 1).count) ?? .max }
        guard size() > Self.maximumBytes else { return }
        plans.forget(before: now)
        packages.forget(before: now)
        overages.forget(before: now)
        guard size() <= Self.maximumBytes else { throw PlanError(.tooManyChanges) }
    }

    /// Remembers since when the company is on each plan that it has been on until an instant.
    private mutating func noteFirst(until now: Timestamp) {
        for fact in plans.facts where fact.from <= now {
            guard let plan = fact.value?.plan else { continue }
            firstOn[plan] = min(firstOn[plan] ?? fact.from, fact.from)
        }
    }

    /// When the next plan begins that is already scheduled, of those that a change leaves.
    func nextPlan(after instant: Timestamp, leaving: PlanHistory.Leaving) -> Timestamp? {
        plans.facts.filter { fact in
            guard fact.from > instant else { return false }
            return switch leaving {
            case .nothing: false
            case .approved: fact.value?.agreement != nil
            case .everything: true
            }
        }.map(\.from).min()
    }

    /// Whether the company approved something that is in force at an instant and costs no less.
    func isApproved(_ charges: Charges, at instant: Timestamp) -> Bool {
        let agreements = [
            plans.value(at: instant)?.agreement, packages.value(at: instant)?.agreement,
            overages.value(at: instant)?.agreement,
        ]
        return agreements.compactMap(\.self).contains { !PriceImpact.between($0.charges, charges).needsApproval }
    }

    /// When the company was first on the plan of a fact.
    func firstInstant(on plan: String, from: Timestamp) -> Timestamp { min(firstOn[plan] ?? from, from) }

    /// The changes that count tasks anew, in the order of their instants.
    var turns: [(at: Timestamp, turn: Turn)] {
        let all =
            plans.facts.compactMap { fact in fact.value.map { (fact.from, $0.turn) } }
            + packages.facts.compactMap { fact in fact.value.map { (fact.from, $0.turn) } }
        return all.filter(\.1.countsAnew).sorted { $0.0 < $1.0 }.map { (at: $0.0, turn: $0.1) }
    }
}

extension Timeline {
    /// The assertions that count at the first instant of their span.
    fileprivate var facts: [Assertion] {
        assertions.indices.filter { index in
            !assertions[(index + 1)...].contains { $0.holds(at: assertions[index].from) }
        }.map { assertions[$0] }
    }
}
