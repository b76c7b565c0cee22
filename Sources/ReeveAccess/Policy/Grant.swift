// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// That a principal has a role somewhere, for a while or without end.
public struct Grant: Hashable, Sendable, Codable, Identifiable {
    /// The grant's id.
    public var id: Identifier<Grant>
    /// Who has the role.
    public var principal: Principal
    /// The role.
    public var role: RoleName
    /// Where.
    public var reach: Reach
    /// The first instant; `nil` for no beginning.
    public var from: Timestamp?
    /// The first instant after it; `nil` for no end.
    public var until: Timestamp?
    /// Why; kept in the policy, so it must hold no personal data.
    public var reason: String
    /// Who gave it; an ``AccessAuthority`` sets it to who really did.
    public var by: ActContext.Actor

    /// A grant; without an id it gets a new one. Who gave it is set by the authority that takes it.
    public init(
        id: Identifier<Grant>? = nil, _ role: RoleName, to principal: Principal, in reach: Reach,
        from: Timestamp? = nil, until: Timestamp? = nil, reason: String, by: ActContext.Actor = .host("policy")
    ) {
        self.id = id ?? Identifier(at: SystemTime().now)
        self.principal = principal
        self.role = role
        self.reach = reach
        self.from = from
        self.until = until
        self.reason = reason
        self.by = by
    }

    /// Whether the grant counts at an instant: from its first until before its last.
    public func holds(at instant: Timestamp) -> Bool {
        (from.map { $0 <= instant } ?? true) && (until.map { instant < $0 } ?? true)
    }
}

extension Grant: IdentifiedEntity {
    /// `grt`
    public static var identifierPrefix: String { "grt" }
}
