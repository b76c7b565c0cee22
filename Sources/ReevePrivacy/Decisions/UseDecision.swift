// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Whether something may be done with personal data, and why.
public struct UseDecision: Sendable {
    /// Why not.
    public enum Reason: String, Hashable, Sendable, Codable, CaseIterable {
        /// A rule forbids a part of it, or may forbid it as far as anybody knows.
        case forbidden
        /// Something of it no rule is known to permit.
        case notPermitted
        /// A category is not in the policy's taxonomy.
        case unknownCategory
        /// The purpose is not in the policy's taxonomy.
        case unknownPurpose
        /// Nothing says what the data is, or where it comes from.
        case unlabelled
        /// The data is somebody else's: the policy does not apply to it.
        case outOfScope
        /// The subject declined the version in force, and nothing more is collected of them (clause P14.5).
        case declined
    }

    /// What was asked.
    public let request: UseRequest
    /// Why it is not allowed; `nil` when it is.
    public let reason: Reason?
    /// The policy that decided.
    public let policy: PrivacyPolicy
    private let outcome: PrivacyPolicy.Outcome

    init(request: UseRequest, policy: PrivacyPolicy, outcome: PrivacyPolicy.Outcome) {
        self.request = request
        self.policy = policy
        self.outcome = outcome
        reason = outcome.reason
    }

    /// Of a use of who declined the policy.
    init(declined request: UseRequest, _ policy: PrivacyPolicy) {
        var outcome = PrivacyPolicy.Outcome()
        outcome.reason = .declined
        self.init(request: request, policy: policy, outcome: outcome)
    }

    /// Whether it may be done.
    public var isAllowed: Bool { reason == nil }

    /// Whether the policy speaks of such data at all (clause P3.3).
    public var applies: Bool { reason != .outOfScope }

    /// What must be done with it, in order: the duties of all rules that permit a part of it. Empty when it is not allowed.
    public var duties: [Duty] {
        guard isAllowed else { return [] }
        var all: [Duty] = []
        outcome.firingPermits.forEach { number in
            let duties = policy.duties[number]
            all = all.isEmpty ? duties : duties.isEmpty ? all : Set(all).union(duties).sorted()
        }
        return all
    }

    /// What must be done where it was done before: what may not be published is taken down, as when consent was withdrawn (clause P5.1), and who declined the policy stops using the service
    /// (clause P14.5). Empty when it is allowed, or when the policy does not apply.
    public var remedies: [Duty] {
        guard !isAllowed, applies else { return [] }
        return (reason == .declined ? [.discontinue] : []) + (request.operation == .publish ? [.unpublish] : [])
    }

    /// The label of the data once it was published to everyone; `nil` for what is no such use, or is not allowed (clause P4.1).
    public var publishedLabel: DataLabel? {
        isAllowed && request.operation == .publish && request.recipient.kind == .everyone
            ? request.data.published : nil
    }

    /// The permits that the answer follows from: those that hold when it is allowed, those that do not when none does. By rule, in order.
    ///
    /// Together with ``forbids`` they are enough: a fact that none of them looks at can be anything, and the answer stays.
    public var permits: [Finding] {
        switch reason {
        case nil: findings(outcome.firingPermits)
        case .notPermitted: findings(outcome.permits)
        default: []
        }
    }

    /// The forbids that the answer follows from: those that do not hold when it is allowed, those that do or may when it is forbidden.
    public var forbids: [Finding] {
        switch reason {
        case nil: findings(outcome.forbids)
        case .forbidden: findings(outcome.firingForbids)
        default: []
        }
    }

    /// The clauses behind the answer, in order: of what forbids where that is why, else of what permits.
    public var clauses: [ClauseReference] {
        let rules = reason == .forbidden ? outcome.firingForbids : isAllowed ? outcome.firingPermits : RuleSet()
        let all = rules.numbers.reduce(into: Set<ClauseReference>()) { $0.formUnion(policy.version.rules[$1].clauses) }
        return all.sorted { $0.description < $1.description }
    }

    /// The facts that nobody stated and that the answer looked at, in order.
    public var missing: [Path] { Set((permits + forbids).flatMap(\.missing)).sorted() }

    /// The fewest facts, up to three, that would allow it if they were so; `nil` when it is allowed, when no three would, or when there are too many to
    /// try. That a fact would allow it does not make it true.
    ///
    /// What is known of subject and destination stays, and so does what the subject ended; consent that was not given could be. At most 5,000 tries, each a decision for
    /// every place that it goes to.
    public var whatWouldAllow: [Path: Truth]? {
        guard reason == .forbidden || reason == .notPermitted else { return nil }
        // What is known differs from place to place; what would be so is so at all of them.
        let places = policy.byPlace(request).map { (request: $0, facts: policy.facts(of: $0)) }
        let concerned = (outcome.permits | outcome.forbids).numbers.map { policy.version.rules[$0].when.facts }
        let facts = concerned.reduce(into: Set<Path>()) { $0.formUnion($1) }.sorted()
        let changes = facts.flatMap { fact -> [(Path, Truth)] in
            let now = policy.truth(of: fact, in: outcome.facts)
            if DerivedFact.consents.contains(fact) { return now == .yes ? [] : [(fact, .yes)] }
            let isUnknown = places.allSatisfy { policy.truth(of: fact, in: $0.facts) == .unknown }
            guard isUnknown || !DerivedFact.reserved.contains(fact.elements[0]) else { return [] }
            return [Truth.yes, .no].filter { $0 != now }.map { (fact, $0) }
        }
        var left = 5000
        func search(_ chosen: [Path: Truth], from start: Int, more: Int) -> [Path: Truth]? {
            if more == 0 {
                left -= 1
                let isAllowed = places.allSatisfy { place in
                    policy.outcome(of: place.request, with: policy.facts(place.facts, but: chosen)).reason == nil
                }
                return isAllowed ? chosen : nil
            }
            for index in changes.indices.dropFirst(start) where left > 0 && chosen[changes[index].0] == nil {
                var next = chosen
                next[changes[index].0] = changes[index].1
                if let found = search(next, from: index + 1, more: more - 1) { return found }
            }
            return nil
        }
        for count in 1...3 where left > 0 {
            if let found = search([:], from: 0, more: count) { return found }
        }
        return nil
    }

    private func findings(_ rules: RuleSet) -> [Finding] {
        rules.numbers.map { policy.finding(of: $0, in: outcome.facts) }
    }
}

extension UseDecision: CustomStringConvertible, CustomReflectable {
    /// The answer.
    public var customMirror: Mirror { Mirror(self, children: ["answer": description]) }

    /// The answer, and the clauses behind it; nothing about the subject.
    public var description: String {
        let why = clauses.map(\.description).joined(separator: ", ")
        guard let reason else { return "allowed by \(why)" }
        switch reason {
        case .forbidden:
            let unknown = missing.map { "`\($0)`" }.joined(separator: ", ")
            return "forbidden by \(why)" + (unknown.isEmpty ? "" : "; not known: \(unknown)")
        case .notPermitted: return "no rule is known to permit it"
        case .unknownCategory: return "a category is not in the policy's taxonomy; add it there, and a rule for it"
        case .unknownPurpose: return "the purpose is not in the policy's taxonomy; add it there, and a rule for it"
        case .unlabelled: return "the data has no category or no origin; label it"
        case .declined: return "the subject declined the policy; nothing more is collected until they accept it"
        case .outOfScope: return "the data is somebody else's, and the policy does not apply to it"
        }
    }
}
