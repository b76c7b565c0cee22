// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Retention rules, and what they say about one record on one day: a pure function.
public struct RetentionSchedule: Hashable, Sendable, Codable {
    /// The rules, at most ``maximumRules``.
    public var rules: [RetentionRule]
    /// Categories of children's data: each goes some day, or ``validate()`` says that it does not (clause P12.5).
    public var children: [DataCategory]
    /// What a record may be used for that is there for a legal hold alone, with everything below (clause P11.4).
    public var purposesOfHolds: [Purpose]
    /// The most rules of a schedule.
    public static let maximumRules = 1000
    /// The most rules that are locked in all.
    public static let maximumLocks = 200

    /// A schedule of rules.
    public init(rules: [RetentionRule], children: [DataCategory] = [], purposesOfHolds: [Purpose] = []) {
        self.rules = rules
        self.children = children
        self.purposesOfHolds = purposesOfHolds
    }

    /// All defects, each as a line; empty when there is none.
    public func validate() -> [String] {
        var lines: [String] = []
        if rules.count > Self.maximumRules { lines.append("more than \(Self.maximumRules) rules of retention") }
        for rule in rules where !(0...36_500).contains(rule.days) {
            lines.append(
                "the rule for `\(rule.category.map(\.description) ?? "everything")` must keep 0 to 36,500 days")
        }
        for category in unbounded(in: children) {
            lines.append(
                "data of children in `\(category)` can be kept for ever: give it a rule by which it always goes")
        }
        return lines
    }

    /// The categories whose data stays for ever when it is used every day, no session ends and no customer leaves: no error, but somebody should know; with those below them that have rules of
    /// their own. In order. Complexity: O(categories · rules) dispositions.
    public func unbounded(in categories: some Sequence<DataCategory>) -> [DataCategory] {
        let made = CivilDay(daysSince1970: 0)
        // Later than any rule's days, on whatever day they began to count.
        let late = made.advanced(byDays: 100_000)
        let all = Set(categories.flatMap { one in [one] + rules.compactMap(\.category).filter { one.contains($0) } })
        return all.filter { category in
            var record = RetainedRecord(
                id: Identifier(high: 0, low: 0), category: category, created: made, as: .controller, at: [])
            record.lastUsed = late
            return disposition(of: record, on: late).kind != .mustDelete
        }
        .sorted { $0.description < $1.description }
    }

    /// What must happen to a record on a day, by the rules, its holds and what its subject asked for: for whomever it is held
    /// (clause P11.2). `circumstances` say what happened that the record does not tell.
    ///
    /// A legal hold and what must be kept beat everything; a demand silences what may be kept; the longest keep wins; of what says that it goes the most special
    /// speaks; without a rule nothing is deleted. To be kept is no permission of any use (clause P11.6). Complexity: O(rules + holds + demands).
    public func disposition(
        of record: RetainedRecord, on day: CivilDay, under circumstances: RetentionCircumstances = .init()
    ) -> Disposition {
        var claims: [RetentionClaim] = []
        claims.reserveCapacity(rules.count + record.holds.count + 2)
        for hold in record.holds {
            let until = circumstances.closed[hold.caseID].map { RetentionBound.day($0.advanced(byDays: 1)) } ?? .open
            claims.append(.keep(until: until, .mandatory, .hold(hold.caseID)))
        }
        // In their order, so that the reasons are told alike each time.
        for (request, asked) in record.demands.sorted(by: { $0.key < $1.key }) {
            claims.append(.demand(on: asked, .request(request)))
        }
        if let limit = record.limit { claims.append(.drop(from: .day(limit), .record, .record)) }
        for rule in rules where rule.concerns(record.category) { rule.claim(on: record, circumstances, &claims) }
        for rule in circumstances.locked where rule.concerns(record.category) {
            rule.claim(on: record, circumstances, &claims)
        }
        var answer = Disposition(of: claims, on: day)
        if let reasons = answer.limitedTo { answer.purposes = purposes(of: reasons, record, circumstances) }
        return answer
    }

    /// What a record may be used for that these alone keep.
    private func purposes(
        of reasons: [Disposition.Reason], _ record: RetainedRecord, _ circumstances: RetentionCircumstances
    ) -> Set<Purpose> {
        var all: Set<Purpose> = []
        for reason in reasons {
            switch reason {
            case .hold: all.formUnion(purposesOfHolds)
            case .rule(let clause):
                for rule in rules + circumstances.locked
                where rule.clause == clause && rule.concerns(record.category)
                    && rule.strength(for: record) == .mandatory
                {
                    all.formUnion(rule.purposes)
                }
            case .tracker, .request, .record: break
            }
        }
        return all
    }
}

/// What happened that matters to a record and that the record does not tell.
public struct RetentionCircumstances: Hashable, Sendable {
    /// When the customer whose it is ended the subscription; `nil` for one who has not.
    public var terminated: CivilDay?
    /// When cases were closed.
    public var closed: [Identifier<LegalCase>: CivilDay]
    /// Rules that were locked, whatever the schedule says today.
    public var locked: [RetentionRule]

    /// What happened; by default nothing.
    public init(
        terminated: CivilDay? = nil, closed: [Identifier<LegalCase>: CivilDay] = [:], locked: [RetentionRule] = []
    ) {
        self.terminated = terminated
        self.closed = closed
        self.locked = locked
    }
}

extension RetentionRule {
    /// Adds what it claims on a record that it concerns.
    fileprivate func claim(
        on record: RetainedRecord, _ circumstances: RetentionCircumstances, _ claims: inout [RetentionClaim]
    ) {
        let bound =
            record.day(of: anchor, under: circumstances).map { RetentionBound.day($0.advanced(byDays: days)) } ?? .open
        let reason = Disposition.Reason.rule(clause)
        if let strength = strength(for: record) { claims.append(.keep(until: bound, strength, reason)) }
        if drops { claims.append(.drop(from: bound, specificity, reason)) }
    }

    fileprivate var specificity: RetentionClaim.Specificity {
        category.map { .category(depth: $0.path.elements.count) } ?? .everything
    }

    /// How strongly it keeps a record; a lock that was lifted for the record keeps it as long as there is use for it.
    fileprivate func strength(for record: RetainedRecord) -> RetentionClaim.Strength? {
        guard let keeps else { return nil }
        return lock == .governance && record.isLockLifted ? .permitted : keeps
    }
}

extension RetainedRecord {
    /// The day of an anchor; `nil` for what has not happened. A hold by which time begins anew moves all of them (see ``LegalHold/Kind/eventBased``).
    fileprivate func day(of anchor: RetentionAnchor, under circumstances: RetentionCircumstances) -> CivilDay? {
        let own =
            switch anchor {
            case .created: created
            // What is said to have been before the record was made counts as then.
            case .lastUsed: max(lastUsed ?? created, created)
            case .sessionEnded: sessionEnded.map { max($0, created) }
            case .terminated: circumstances.terminated
            }
        guard var day = own else { return nil }
        if let restarted { day = max(day, restarted) }
        for hold in holds where hold.kind == .eventBased {
            if let closed = circumstances.closed[hold.caseID] { day = max(day, closed) }
        }
        return day
    }
}
