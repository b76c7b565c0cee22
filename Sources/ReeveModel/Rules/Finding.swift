// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What one rule had to say: the trace of a decision is the findings that it was folded from.
public struct Finding: Hashable, Sendable, Codable {
    /// The rule's name.
    public var rule: Path
    /// How the rule's condition came out.
    public var truth: Truth
    /// The clauses that the rule stands for.
    public var clauses: [ClauseReference]
    /// The facts that the rule looked at and nobody stated, in order.
    public var missing: [Path]

    /// A finding of a rule.
    public init(rule: Path, truth: Truth, clauses: [ClauseReference] = [], missing: [Path] = []) {
        self.rule = rule
        self.truth = truth
        self.clauses = clauses
        self.missing = missing
    }

    /// What a rule with a condition finds under these facts.
    public init(rule: Path, condition: Condition, clauses: [ClauseReference] = [], under facts: [Path: Truth]) {
        self.init(
            rule: rule, truth: condition.truth(under: facts), clauses: clauses,
            missing: condition.facts.filter { (facts[$0] ?? .unknown) == .unknown }.sorted())
    }
}
