// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A policy that was checked and made fast: immutable, with a digest, safe to use from any number of tasks.
///
/// A decision looks at the grants of one principal in one workspace and at the rules for one permission there, so its time
/// does not grow with the policy. Memory: about 200 bytes a grant.
public final class CompiledPolicy: Sendable {
    /// What was compiled.
    public let policy: AccessPolicy
    /// The policy's digest.
    public let digest: Digest

    /// A principal in a workspace, on the platform, or in every workspace.
    struct Seat: Hashable, Sendable {
        enum Place: Hashable, Sendable {
            case platform, everyWorkspace
            case workspace(Identifier<Workspace>)

            init(_ scope: Scope) { self = scope.workspace.map(Place.workspace) ?? .platform }
            init(_ reach: Reach) {
                if case .scope(let scope) = reach { self.init(scope) } else { self = .everyWorkspace }
            }
        }
        var principal: Principal
        var place: Place
    }

    /// One grant's permissions, where and when it gives them.
    struct Cell: Sendable {
        let bits: PermissionSet
        let environment: Environment?
        let project: Identifier<Project>?
        let from: Timestamp
        let until: Timestamp
        let grant: Int

        func covers(_ scope: Scope, at instant: Timestamp) -> Bool {
            from <= instant && instant < until && (environment == nil || environment == scope.environment)
                && (project == nil || project == scope.project)
        }
    }

    /// The forbids that speak about a permission in a place.
    struct RuleKey: Hashable, Sendable {
        var permission: Int
        var place: Seat.Place
    }

    let permissionIndex: [String: Int]
    let roleBits: [RoleName: PermissionSet]
    let seats: [Seat: Range<Int>]
    let cells: [Cell]
    let forbids: [RuleKey: [Int]]
    /// Permissions that some forbid speaks about.
    let forbidden: PermissionSet
    /// Permissions that rules about changes speak about.
    let aboutChanges: PermissionSet
    /// The defined permissions by their texts.
    let permissions: [String: Permission]
    // For explanations.
    /// The roles by their names.
    let roles: [RoleName: Role]
    /// For each permission the role with the fewest among those that hold it.
    let smallestRoles: [RoleName?]
    /// Where a principal has grants.
    let places: [Principal: [Seat.Place]]
    private let hasEverywhere: Bool

    init(
        policy: AccessPolicy, digest: Digest, permissionIndex: [String: Int], roleBits: [RoleName: PermissionSet],
        seats: [Seat: Range<Int>], cells: [Cell], forbids: [RuleKey: [Int]], forbidden: PermissionSet,
        aboutChanges: PermissionSet
    ) {
        self.policy = policy
        self.digest = digest
        self.permissionIndex = permissionIndex
        self.roleBits = roleBits
        self.seats = seats
        self.cells = cells
        self.forbids = forbids
        self.forbidden = forbidden
        self.aboutChanges = aboutChanges
        permissions = Dictionary(policy.permissions.map { ($0.permission.description, $0.permission) }) { one, _ in one
        }
        roles = Dictionary(policy.roles.map { ($0.name, $0) }) { one, _ in one }
        let bySize = roleBits.map { (name: $0.key, bits: $0.value, count: $0.value.indices.count) }
            .sorted { ($0.count, $0.name) < ($1.count, $1.name) }
        smallestRoles = policy.permissions.indices.map { index in bySize.first { $0.bits.contains(index) }?.name }
        places = seats.keys.reduce(into: [:]) { $0[$1.principal, default: []].append($1.place) }
        hasEverywhere = seats.keys.contains { $0.place == .everyWorkspace }
    }

    /// Decides a request. It is allowed when a grant allows it and no rule forbids it or may forbid it.
    ///
    /// Total: no request throws, and nothing unknown allows. Complexity: O(grants of the principal in the workspace + rules
    /// about the permission there).
    public func decide(_ request: AccessRequest) -> AccessDecision {
        AccessDecision(request: request, policy: self, reason: reason(against: request))
    }

    /// Whether rules about changes speak about a permission, so that a request should name its change.
    public func concernsChanges(_ permission: Permission) -> Bool {
        permissionIndex[permission.description].map(aboutChanges.contains) ?? false
    }

    /// `nil` when allowed.
    private func reason(against request: AccessRequest) -> Denial.Reason? {
        guard let permission = permissionIndex[request.permission.description] else { return .unknownPermission }
        guard grant(of: permission, request) != nil else { return .noGrant }
        if forbidden.contains(permission), isForbidden(permission, request) { return .forbidden }
        if aboutChanges.contains(permission) {
            if separation(against: request) != nil { return .separationOfDuty }
            if promotion(against: request) != nil { return .promotionOrder }
        }
        return nil
    }

    /// The number of a grant that allows the permission.
    func grant(of permission: Int, _ request: AccessRequest) -> Int? {
        let place = Seat.Place(request.scope)
        if let found = grant(of: permission, Seat(principal: request.principal, place: place), request) { return found }
        guard hasEverywhere, request.scope.workspace != nil else { return nil }
        return grant(of: permission, Seat(principal: request.principal, place: .everyWorkspace), request)
    }

    private func grant(of permission: Int, _ seat: Seat, _ request: AccessRequest) -> Int? {
        guard let range = seats[seat] else { return nil }
        for index in range
        where cells[index].bits.contains(permission) && cells[index].covers(request.scope, at: request.at) {
            return cells[index].grant
        }
        return nil
    }

    private func isForbidden(_ permission: Int, _ request: AccessRequest) -> Bool {
        forbids(about: permission, request).contains {
            policy.rules.forbids[$0].when.truth(under: request.facts) != .no
        }
    }

    /// The numbers of the forbids that overlap a request, whatever their conditions say.
    func forbids(about permission: Int, _ request: AccessRequest) -> [Int] {
        var found: [Int] = []
        func look(_ place: Seat.Place) {
            for index in forbids[RuleKey(permission: permission, place: place)] ?? [] {
                let rule = policy.rules.forbids[index]
                guard rule.overlaps(request.scope), rule.principals?.contains(request.principal) ?? true else {
                    continue
                }
                found.append(index)
            }
        }
        look(Seat.Place(request.scope))
        if request.scope.workspace != nil { look(.everyWorkspace) }
        return found
    }

    /// The separation that a request breaks: the same person did another of the duties, or nobody knows who did what.
    func separation(against request: AccessRequest) -> DynamicSeparation? {
        policy.rules.dutiesOfChanges.first { rule in
            guard rule.permissions.contains(request.permission) else { return false }
            guard let change = request.change else { return true }
            return rule.permissions.contains { other in
                other != request.permission && change.duties[other.description]?.contains(request.principal) == true
            }
        }
    }

    /// The promotion order that a request breaks: the change is not in the environment before, or that is not known.
    func promotion(against request: AccessRequest) -> PromotionOrder? {
        guard let rule = policy.rules.promotion, rule.permission == request.permission else { return nil }
        guard let environment = request.scope.environment, let index = rule.order.firstIndex(of: environment) else {
            return rule
        }
        guard index > 0 else { return nil }
        return request.change?.reached.contains(rule.order[index - 1]) == true ? nil : rule
    }
}
