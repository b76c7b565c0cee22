// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a record's time counts from. What has not happened yet is nobody's day: until then what keeps goes on, and what drops waits.
public enum RetentionAnchor: String, Hashable, Sendable, Codable, CaseIterable {
    /// It was made.
    case created
    /// It was used last.
    case lastUsed
    /// The session that it belongs to ended (clause P2e.3).
    case sessionEnded
    /// The customer whose it is ended the subscription (clause P11.5).
    case terminated
}

/// How long data of a category is kept, and when it goes: so many days after something happened.
///
///     RetentionRule(category: message, days: 30, clause: clause)                                     // kept 30 days, and then it goes
///     RetentionRule.keep(invoice, for: 3650, because: clause, usedFor: [accounting])                 // must be kept ten years
///     RetentionRule.drop(nil, 90, after: .terminated, because: clause)                               // all of a customer's goes
public struct RetentionRule: Hashable, Sendable {
    /// Who could shorten what is locked.
    public enum Lock: String, Hashable, Sendable, Codable, CaseIterable {
        /// Somebody with a permit, for one record at a time.
        case governance
        /// Nobody.
        case compliance
    }

    /// The category, with everything below it; `nil` for everything.
    public let category: DataCategory?
    /// From when the days count.
    public let anchor: RetentionAnchor
    /// Days after the anchor; 0 to 36,500.
    public let days: Int
    /// Whether it is kept up to then: because the service has use for it, or because it must be; `nil` when this rule keeps nothing.
    public let keeps: RetentionClaim.Strength?
    /// Whether it goes then.
    public let drops: Bool
    /// What it may be used for while it is there for this rule alone, with everything below (clause P11.4).
    public let purposes: Set<Purpose>
    /// Whether it is locked: then what it keeps must be kept, and once `Retention.lock` has stored it, no later schedule takes that back.
    public let lock: Lock?
    /// The clause that asks for it.
    public let clause: ClauseReference

    /// Data is kept for some days, and then it goes.
    public init(
        category: DataCategory, days: Int, after anchor: RetentionAnchor = .created, lock: Lock? = nil,
        clause: ClauseReference
    ) {
        self.init(category, anchor, days, lock == nil ? .permitted : .mandatory, true, [], lock, clause)
    }

    /// Data must be kept, for law, accounts, a dispute or an agreement (clauses P11.3a to P11.3d), and may be used for that.
    public static func keep(
        _ category: DataCategory?, for days: Int, after anchor: RetentionAnchor = .created,
        because clause: ClauseReference, usedFor purposes: Set<Purpose>, lock: Lock? = nil
    ) -> RetentionRule {
        RetentionRule(category, anchor, days, .mandatory, false, purposes, lock, clause)
    }

    /// Data is kept as long as there is use for it: until something happens, and some days more (clause P11.1).
    public static func keep(
        _ category: DataCategory?, until anchor: RetentionAnchor, and days: Int = 0, because clause: ClauseReference
    ) -> RetentionRule {
        RetentionRule(category, anchor, days, .permitted, false, [], nil, clause)
    }

    /// Data goes some days after something happened (clause P11.5).
    public static func drop(
        _ category: DataCategory?, _ days: Int, after anchor: RetentionAnchor, because clause: ClauseReference
    ) -> RetentionRule {
        RetentionRule(category, anchor, days, nil, true, [], nil, clause)
    }

    private init(
        _ category: DataCategory?, _ anchor: RetentionAnchor, _ days: Int, _ keeps: RetentionClaim.Strength?,
        _ drops: Bool, _ purposes: Set<Purpose>, _ lock: Lock?, _ clause: ClauseReference
    ) {
        self.category = category
        self.anchor = anchor
        self.days = days
        self.keeps = keeps
        self.drops = drops
        self.purposes = purposes
        self.lock = lock
        self.clause = clause
    }

    /// Whether it is about data of a category.
    func concerns(_ other: DataCategory) -> Bool { category?.contains(other) ?? true }

    /// What of it is stored when it is locked: that something is kept. When it goes a later schedule may say otherwise.
    var asLock: RetentionRule { RetentionRule(category, anchor, days, keeps, false, purposes, lock, clause) }
}

extension RetentionRule: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case category, anchor, days, keeps, drops, purposes, lock, clause
    }

    /// Reads a rule; a member that is not known is an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decodeIfPresent(DataCategory.self, forKey: .category),
            try container.decode(RetentionAnchor.self, forKey: .anchor),
            try container.decode(Int.self, forKey: .days),
            try container.decodeIfPresent(RetentionClaim.Strength.self, forKey: .keeps),
            try container.decode(Bool.self, forKey: .drops),
            try container.decode(Set<Purpose>.self, forKey: .purposes),
            try container.decodeIfPresent(Lock.self, forKey: .lock),
            try container.decode(ClauseReference.self, forKey: .clause))
        guard lock == nil || keeps == .mandatory else {
            throw DecodingError.dataCorruptedError(
                forKey: .lock, in: container, debugDescription: "what is locked must be kept")
        }
    }

    /// Writes the rule, its purposes in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(category, forKey: .category)
        try container.encode(anchor, forKey: .anchor)
        try container.encode(days, forKey: .days)
        try container.encodeIfPresent(keeps, forKey: .keeps)
        try container.encode(drops, forKey: .drops)
        try container.encode(sorted: purposes, forKey: .purposes)
        try container.encodeIfPresent(lock, forKey: .lock)
        try container.encode(clause, forKey: .clause)
    }
}
