// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// How long data of a category is kept: this many days after its anchor day, and then it must go.
public struct RetentionRule: Hashable, Sendable, Codable {
    /// The category, with everything below it.
    public let category: DataCategory
    /// Days from the record's anchor day on which it is kept; 0 to 36,500.
    public let days: Int
    /// The clause that asks for it.
    public let clause: ClauseReference

    /// A rule.
    public init(category: DataCategory, days: Int, clause: ClauseReference) {
        self.category = category
        self.days = days
        self.clause = clause
    }
}

/// Retention rules, and what they say about one record on one day: a pure function.
public struct RetentionSchedule: Hashable, Sendable, Codable {
    /// The rules.
    public let rules: [RetentionRule]

    /// A schedule of rules.
    public init(rules: [RetentionRule]) {
        self.rules = rules
    }

    /// All defects, each as a line; empty when there is none.
    public func validate() -> [String] {
        rules.filter { !(0...36_500).contains($0.days) }
            .map { "the rule for `\($0.category)` must keep 0 to 36,500 days" }
    }

    /// What must happen to a record on a day. A legal hold beats every rule; of several rules the longest wins; without
    /// a rule nothing is deleted. Complexity: O(rules + holds).
    public func disposition(of record: RetainedRecord, on day: CivilDay) -> Disposition {
        let holds = record.holds.map { RetentionClaim.keep(until: .open, .mandatory, .hold($0)) }
        // Shorter rules say nothing beside the longest.
        let matching = rules.filter { $0.category.contains(record.category) }
        guard let longest = matching.max(by: { $0.days < $1.days }) else { return Disposition(of: holds, on: day) }
        let end = RetentionBound.day(record.anchor.advanced(byDays: longest.days))
        let reason = Disposition.Reason.rule(longest.clause)
        let depth = longest.category.path.elements.count
        return Disposition(
            of: holds + [
                .keep(until: end, .permitted, reason), .drop(from: end, .category(depth: depth), reason),
            ], on: day)
    }
}

/// What must happen to a record, and why.
public struct Disposition: Hashable, Sendable {
    /// The answers.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A hold keeps it: it must not be deleted.
        case mustKeep
        /// Its time is not over: it may be kept.
        case mayKeep
        /// Its time is over: it must be deleted.
        case mustDelete
        /// No rule covers it: it is kept and reported.
        case noRule
    }

    /// What an answer rests on.
    public enum Reason: Hashable, Sendable {
        /// A legal hold of this case.
        case hold(Identifier<LegalCase>)
        /// A rule of this clause.
        case rule(ClauseReference)
        /// How long a tracker of this name lasts.
        case tracker(String)
        /// A request of the subject's.
        case request(Identifier<DecisionRecord>)
    }

    /// The answer.
    public let kind: Kind
    /// What it rests on.
    public let reasons: [Reason]
    /// Up to when it is kept, exclusive; `nil` for what must be deleted, or has no rule.
    public let until: RetentionBound?
    /// Since when it must be deleted; `nil` for what need not be.
    public let since: CivilDay?
    /// What it may be used for, where it is there for that alone and would have gone otherwise; `nil` where nothing limits it (clause P11.4).
    public let limitedTo: [Reason]?
    /// The next day on which time alone changes the answer; it is the same on all days before.
    public internal(set) var nextChange: CivilDay?

    init(
        kind: Kind, reasons: [Reason], until: RetentionBound? = nil, since: CivilDay? = nil, limitedTo: [Reason]? = nil
    ) {
        self.kind = kind
        self.reasons = reasons
        self.until = until
        self.since = since
        self.limitedTo = limitedTo
    }
}

/// What is registered about a piece of personal data: no value, only facts.
public struct RetainedRecord: Hashable, Sendable, Codable {
    /// The record's id.
    public let id: Identifier<DataRecord>
    /// Its category.
    public let category: DataCategory
    /// The day from which its time counts.
    public let anchor: CivilDay
    /// The cases that hold it.
    public internal(set) var holds: [Identifier<LegalCase>]

    /// The facts of a record that nothing holds yet.
    public init(id: Identifier<DataRecord>, category: DataCategory, anchor: CivilDay) {
        self.id = id
        self.category = category
        self.anchor = anchor
        holds = []
    }
}
