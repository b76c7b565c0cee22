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
        let holds = record.holds.map { Disposition.Reason.hold($0) }
        let matching = rules.filter { $0.category.contains(record.category) }
        let longest = matching.max { $0.days < $1.days }
        let last = longest.map { record.anchor.advanced(byDays: $0.days) }
        let reasons = holds + (longest.map { [.rule($0.clause)] } ?? [])
        if !holds.isEmpty { return Disposition(kind: .mustKeep, reasons: reasons, nextChange: nil) }
        guard let last else { return Disposition(kind: .noRule, reasons: [], nextChange: nil) }
        guard day >= last else { return Disposition(kind: .mayKeep, reasons: reasons, nextChange: last) }
        return Disposition(kind: .mustDelete, reasons: reasons, nextChange: nil)
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
    }

    /// The answer.
    public let kind: Kind
    /// What it rests on.
    public let reasons: [Reason]
    /// The next day on which time alone changes the answer.
    public let nextChange: CivilDay?
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
