// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// May this actor use this permission here and now?
///
/// Who the actor is and what the facts are is the host's word; decisions are only as true as it.
public struct AccessRequest: Hashable, Sendable {
    /// Who wants to act.
    public var principal: Principal
    /// What for.
    public var permission: Permission
    /// Where.
    public var scope: Scope
    /// When.
    public var at: Timestamp
    /// What the host states of the situation, such as that a second factor was used.
    public var facts: [Path: Truth]
    /// What was done to the change that it is about; `nil` when it is about none, or nobody knows.
    public var change: ChangeHistory?

    /// A request.
    public init(
        _ actor: ActContext.Actor, _ permission: Permission, in scope: Scope, at instant: Timestamp,
        facts: [Path: Truth] = [:], change: ChangeHistory? = nil
    ) {
        self.init(Principal(actor), permission, in: scope, at: instant, facts: facts, change: change)
    }

    /// A request of a principal.
    public init(
        _ principal: Principal, _ permission: Permission, in scope: Scope, at instant: Timestamp,
        facts: [Path: Truth] = [:], change: ChangeHistory? = nil
    ) {
        self.principal = principal
        self.permission = permission
        self.scope = scope
        at = instant
        self.facts = facts
        self.change = change
    }
}

/// What was done to a change of recipes: who used which permission on it, and which environments it has reached.
public struct ChangeHistory: Hashable, Sendable, Codable {
    /// Who used, or asked to use, each separated permission.
    public var duties: [String: Set<Principal>]
    /// The environments that it was deployed to.
    public var reached: Set<Environment>

    /// Nothing done yet, unless said otherwise.
    public init(duties: [Permission: Set<Principal>] = [:], reached: Set<Environment> = []) {
        self.duties = Dictionary(duties.map { ($0.key.description, $0.value) }) { $0.union($1) }
        self.reached = reached
    }

    private enum CodingKeys: String, CodingKey { case duties, reached }

    /// Writes sets in order, so that equal histories have equal bytes.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(duties.mapValues { $0.sorted() }, forKey: .duties)
        try container.encode(reached.sorted(), forKey: .reached)
    }
}
