// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A part of all that can be asked: `nil` is everything of a dimension, the empty set nothing.
public struct UseScope: Hashable, Sendable, Codable {
    /// Categories, each with all below it.
    public var categories: Set<DataCategory>?
    /// Purposes, each with all below it.
    public var purposes: Set<Purpose>?
    /// What is done.
    public var operations: Set<UseOperation>?
    /// Who gets to see it.
    public var recipients: Set<Recipient.Kind>?
    /// Where it comes from; everything does not include what is ``DataOrigin/external``.
    public var origins: Set<DataOrigin>?
    /// What the subject is to the service.
    public var relationships: Set<Relationship>?
    /// For whom it is held.
    public var roles: Set<DataRole.Kind>?
    /// A permit is for data that is no nearer to anybody than this, a forbid for data that is no farther.
    public var identifiability: Identifiability?

    /// A scope.
    public init(
        _ operations: Set<UseOperation>? = nil, of categories: Set<DataCategory>? = nil,
        for purposes: Set<Purpose>? = nil,
        to recipients: Set<Recipient.Kind>? = nil, from origins: Set<DataOrigin>? = nil,
        about relationships: Set<Relationship>? = nil, as roles: Set<DataRole.Kind>? = nil,
        identifiability: Identifiability? = nil
    ) {
        self.operations = operations
        self.categories = categories
        self.purposes = purposes
        self.recipients = recipients
        self.origins = origins
        self.relationships = relationships
        self.roles = roles
        self.identifiability = identifiability
    }
}

extension UseScope {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case categories, purposes, operations, recipients, origins, relationships, roles, identifiability
    }

    /// Reads a scope; a member that is not known is an error, since it may narrow it.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        categories = try container.decodeIfPresent(Set<DataCategory>.self, forKey: .categories)
        purposes = try container.decodeIfPresent(Set<Purpose>.self, forKey: .purposes)
        operations = try container.decodeIfPresent(Set<UseOperation>.self, forKey: .operations)
        recipients = try container.decodeIfPresent(Set<Recipient.Kind>.self, forKey: .recipients)
        origins = try container.decodeIfPresent(Set<DataOrigin>.self, forKey: .origins)
        relationships = try container.decodeIfPresent(Set<Relationship>.self, forKey: .relationships)
        roles = try container.decodeIfPresent(Set<DataRole.Kind>.self, forKey: .roles)
        identifiability = try container.decodeIfPresent(Identifiability.self, forKey: .identifiability)
    }

    /// Writes the scope, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sorted: categories, forKey: .categories)
        try container.encode(sorted: purposes, forKey: .purposes)
        try container.encode(sorted: operations, forKey: .operations)
        try container.encode(sorted: recipients, forKey: .recipients)
        try container.encode(sorted: origins, forKey: .origins)
        try container.encode(sorted: relationships, forKey: .relationships)
        try container.encode(sorted: roles, forKey: .roles)
        try container.encodeIfPresent(identifiability, forKey: .identifiability)
    }
}

/// One rule of a policy: what it is about, when it speaks, what it asks for, and which clauses it stands for.
public struct UseRule: Hashable, Sendable, Codable {
    /// What a rule does.
    public enum Effect: String, Hashable, Sendable, Codable, CaseIterable {
        /// It allows what lies in its scope, when its condition is known to hold.
        case permit
        /// It forbids whatever its scope has a part of, unless its condition is known not to hold.
        case forbid
    }

    /// The rule's name, its own in a policy.
    public var name: Path
    /// What it does.
    public var effect: Effect
    /// What it is about.
    public var scope: UseScope
    /// When it speaks.
    public var when: Condition
    /// What must be done where it permits.
    public var duties: Set<Duty>
    /// The clauses that it stands for.
    public var clauses: [ClauseReference]

    /// A rule.
    public init(
        _ effect: Effect, _ name: Path, _ scope: UseScope, when: Condition = .constant(.yes), duties: Set<Duty> = [],
        clauses: [ClauseReference]
    ) {
        self.effect = effect
        self.name = name
        self.scope = scope
        self.when = when
        self.duties = duties
        self.clauses = clauses
    }
}

extension UseRule {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, effect, scope, when, duties, clauses
    }

    /// Reads a rule; a member that is not known is an error, since it may narrow it.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(Effect.self, forKey: .effect), try container.decode(Path.self, forKey: .name),
            try container.decode(UseScope.self, forKey: .scope),
            when: try container.decode(Condition.self, forKey: .when),
            duties: try container.decode(Set<Duty>.self, forKey: .duties),
            clauses: try container.decode([ClauseReference].self, forKey: .clauses))
    }

    /// Writes the rule, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(effect, forKey: .effect)
        try container.encode(scope, forKey: .scope)
        try container.encode(when, forKey: .when)
        try container.encode(sorted: duties, forKey: .duties)
        try container.encode(clauses, forKey: .clauses)
    }
}
