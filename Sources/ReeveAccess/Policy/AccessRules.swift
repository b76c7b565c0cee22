// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A rule that refuses what grants allow.
///
/// It speaks about a request that it overlaps: a permission that is one of its own or lies under one, a scope that some of
/// its reach lies in. It fires when its condition is `yes` or `unknown`, so a fact that nobody stated never allows.
public struct Forbid: Hashable, Sendable, Codable {
    /// The rule's name, as explanations cite it.
    public var name: Path
    /// The permissions, and all that lie under them.
    public var permissions: [Permission]
    /// Who; `nil` for everybody.
    public var principals: [Principal]?
    /// Where.
    public var reach: Reach
    /// The one environment; `nil` for all.
    public var environment: Environment?
    /// When it fires.
    public var when: Condition
    /// The clauses that it stands for.
    public var clauses: [ClauseReference]

    /// A rule; by default for everybody, in every workspace, always.
    public init(
        _ name: Path, _ permissions: [Permission], principals: [Principal]? = nil, in reach: Reach = .everyWorkspace,
        environment: Environment? = nil, when: Condition = .constant(.yes), clauses: [ClauseReference] = []
    ) {
        self.name = name
        self.permissions = permissions
        self.principals = principals
        self.reach = reach
        self.environment = environment
        self.when = when
        self.clauses = clauses
    }

    /// A rule that a permission needs a fact, for example a second factor in production.
    public static func requires(
        _ name: Path, _ permissions: [Permission], fact: Path, in reach: Reach = .everyWorkspace,
        environment: Environment? = nil, clauses: [ClauseReference] = []
    ) -> Forbid {
        Forbid(
            name, permissions, in: reach, environment: environment, when: .not(.fact(fact)), clauses: clauses)
    }

    /// Where a rule fires, if nothing else keeps it from that.
    struct Place: Sendable {
        let reach: Reach
        let environment: Environment?

        func overlaps(_ scope: Scope) -> Bool {
            (environment == nil || scope.environment == nil || environment == scope.environment)
                && reach.overlaps(scope)
        }
    }

    var place: Place { Place(reach: reach, environment: environment) }
}

/// Static separation of duty: what one principal must not hold together in one workspace at one time.
public struct StaticSeparation: Hashable, Sendable, Codable {
    /// The rule's name.
    public var name: Path
    /// Roles of the set; a role that inherits one counts as that one too.
    public var roles: [RoleName]
    /// Permissions of the set.
    public var permissions: [Permission]
    /// How many of the set one principal may hold.
    public var atMost: Int
    /// The clauses that it stands for.
    public var clauses: [ClauseReference]

    /// A separation; by default at most one of the set.
    public init(
        _ name: Path, roles: [RoleName] = [], permissions: [Permission] = [], atMost: Int = 1,
        clauses: [ClauseReference] = []
    ) {
        self.name = name
        self.roles = roles
        self.permissions = permissions
        self.atMost = atMost
        self.clauses = clauses
    }
}

/// Dynamic separation of duty: of these permissions one person may use one only, for each change.
public struct DynamicSeparation: Hashable, Sendable, Codable {
    /// The rule's name.
    public var name: Path
    /// The permissions, such as writing, approving and deploying.
    public var permissions: [Permission]
    /// The clauses that it stands for.
    public var clauses: [ClauseReference]

    /// A separation.
    public init(_ name: Path, _ permissions: [Permission], clauses: [ClauseReference] = []) {
        self.name = name
        self.permissions = permissions
        self.clauses = clauses
    }
}

/// The order in which a change goes through the environments.
public struct PromotionOrder: Hashable, Sendable, Codable {
    /// The rule's name.
    public var name: Path
    /// The permission that takes a change into an environment.
    public var permission: Permission
    /// The environments; each after the first only when the change is in the one before.
    public var order: [Environment]
    /// The clauses that it stands for.
    public var clauses: [ClauseReference]

    /// An order; by default development, test, production.
    public init(
        _ name: Path, _ permission: Permission, order: [Environment] = Environment.allCases,
        clauses: [ClauseReference] = []
    ) {
        self.name = name
        self.permission = permission
        self.order = order
        self.clauses = clauses
    }
}

/// What limits all grants of a policy.
public struct AccessRules: Hashable, Sendable, Codable {
    /// What is refused whatever is granted.
    public var forbids: [Forbid]
    /// What one principal must not hold together.
    public var separations: [StaticSeparation]
    /// What one person must not do to one change.
    public var dutiesOfChanges: [DynamicSeparation]
    /// The order of environments for a change; `nil` for none.
    public var promotion: PromotionOrder?
    /// Whether nobody may give himself a role.
    public var noSelfGrant: Bool
    /// Whether nobody may give more than he has himself.
    public var grantWithinOwn: Bool
    /// How many persons approve what needs several: 2 to 16; 1 is possible and reported by ``CompiledPolicy/escalations(at:)``.
    public var approvals: Int

    /// Rules; by default two approvals, no self-grant, and no grant beyond one's own.
    public init(
        forbids: [Forbid] = [], separations: [StaticSeparation] = [], dutiesOfChanges: [DynamicSeparation] = [],
        promotion: PromotionOrder? = nil, noSelfGrant: Bool = true, grantWithinOwn: Bool = true, approvals: Int = 2
    ) {
        self.forbids = forbids
        self.separations = separations
        self.dutiesOfChanges = dutiesOfChanges
        self.promotion = promotion
        self.noSelfGrant = noSelfGrant
        self.grantWithinOwn = grantWithinOwn
        self.approvals = approvals
    }
}
