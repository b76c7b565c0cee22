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

    /// The forbids that speak about a permission in a place.
    struct RuleKey: Hashable, Sendable {
        var permission: Int
        var place: Seat.Place
    }

    let permissionIndex: [String: Int]
    let roleBits: [RoleName: PermissionSet]
    let grants: GrantTable
    /// What roles hold, each set once.
    let sets: [PermissionSet]
    /// Those that reach one workspace or the platform.
    let forbids: [RuleKey: [Int]]
    /// Those that reach every workspace, by permission.
    let forbidsEverywhere: [[Int]]
    /// Permissions that some forbid speaks about in one place.
    let forbiddenSomewhere: PermissionSet
    /// Permissions that some forbid speaks about.
    let forbidden: PermissionSet
    /// Permissions that rules about changes speak about.
    let aboutChanges: PermissionSet
    /// The numbers of the defined permissions.
    private let numbers: [Permission: Int]
    /// Where each forbid fires: all that most decisions need of it.
    private let forbidPlaces: [Forbid.Place]
    /// The defined permissions by their texts.
    let permissions: [String: Permission]
    // For explanations.
    /// The roles by their names.
    let roles: [RoleName: Role]
    /// A role, and how many permissions it holds.
    typealias SizedRole = (name: RoleName, count: Int)
    /// For each permission the roles with the fewest among those that hold it, of each kind.
    let smallestRoles: [(environment: SizedRole?, project: SizedRole?)]
    /// Where a principal has grants.
    let places: [Principal: [Seat.Place]]
    private let hasEverywhere: Bool

    init(
        policy: AccessPolicy, digest: Digest, permissionIndex: [String: Int], roleBits: [RoleName: PermissionSet],
        seats: [Seat: [Int]], forbids: [RuleKey: [Int]], forbidden: PermissionSet, aboutChanges: PermissionSet
    ) {
        self.policy = policy
        self.digest = digest
        self.permissionIndex = permissionIndex
        self.roleBits = roleBits
        // The first set is the empty one.
        let sets = [PermissionSet()] + Set(roleBits.values.filter { !$0.isEmpty })
        let setNumbers = Dictionary(uniqueKeysWithValues: zip(sets, sets.indices.map(Int32.init)))
        grants = GrantTable(seats, of: policy.grants) { role in roleBits[role].flatMap { setNumbers[$0] } ?? 0 }
        self.sets = sets
        self.forbids = forbids.filter { $0.key.place != .everyWorkspace }
        forbidsEverywhere = policy.permissions.indices.map {
            forbids[RuleKey(permission: $0, place: .everyWorkspace)] ?? []
        }
        forbiddenSomewhere = self.forbids.keys.reduce(into: PermissionSet()) { $0.insert($1.permission) }
        self.forbidden = forbidden
        self.aboutChanges = aboutChanges
        numbers = Dictionary(policy.permissions.enumerated().map { ($1.permission, $0) }) { one, _ in one }
        forbidPlaces = policy.rules.forbids.map(\.place)
        permissions = Dictionary(policy.permissions.map { ($0.permission.description, $0.permission) }) { one, _ in one
        }
        roles = Dictionary(policy.roles.map { ($0.name, $0) }) { one, _ in one }
        let bySize = roleBits.map { (name: $0.key, bits: $0.value, count: $0.value.indices.count) }
            .sorted { ($0.count, $0.name) < ($1.count, $1.name) }
        let kinds = Dictionary(policy.roles.map { ($0.name, $0.kind) }) { one, _ in one }
        smallestRoles = policy.permissions.indices.map { index in
            func smallest(_ kind: Role.Kind) -> SizedRole? {
                bySize.first { $0.bits.contains(index) && kinds[$0.name] == kind }.map { ($0.name, $0.count) }
            }
            return (smallest(.environment), smallest(.project))
        }
        // In the order of the policy, which is the same in every process.
        places = policy.grants.reduce(into: [:]) { places, grant in
            let place = Seat.Place(grant.reach)
            if places[grant.principal]?.contains(place) != true { places[grant.principal, default: []].append(place) }
        }
        hasEverywhere = seats.keys.contains { $0.place == .everyWorkspace }
    }

    /// Decides a request. It is allowed when a grant allows it and no rule forbids it or may forbid it.
    ///
    /// Total: no request throws, and nothing unknown allows. Complexity: O(grants of the principal in the workspace + rules
    /// about the permission there).
    public func decide(_ request: consuming AccessRequest) -> AccessDecision {
        let reason = reason(against: request)
        return AccessDecision(request: request, policy: self, reason: reason)
    }

    /// Whether rules about changes speak about a permission, so that a request should name its change.
    public func concernsChanges(_ permission: Permission) -> Bool {
        number(of: permission).map(aboutChanges.contains) ?? false
    }

    /// `nil` when allowed.
    private func reason(against request: AccessRequest) -> Denial.Reason? {
        guard let permission = number(of: request.permission) else { return .unknownPermission }
        guard grant(of: permission, request) != nil else { return .noGrant }
        if forbidden.contains(permission), isForbidden(permission, request) { return .forbidden }
        if aboutChanges.contains(permission) {
            if separation(against: request) != nil { return .separationOfDuty }
            if promotion(against: request) != nil { return .promotionOrder }
        }
        return nil
    }

    /// The number of a permission; `nil` when the policy does not define it.
    func number(of permission: Permission) -> Int? { numbers[permission] }

    /// How long a grant that allows a request now goes on to, the longest, at most so long.
    func left(of request: AccessRequest, atMost limit: Duration) -> Duration {
        guard let permission = number(of: request.permission) else { return .zero }
        var end = request.at
        func look(_ place: Seat.Place) {
            for cell in grants.cells(of: Seat(principal: request.principal, place: place))
            where grants.covers(cell, request.scope, at: request.at) && sets[Int(cell.set)].contains(permission) {
                end = max(end, policy.grants[Int(cell.grant)].until ?? Timestamp(microseconds: .max))
            }
        }
        look(Seat.Place(request.scope))
        if request.scope.workspace != nil { look(.everyWorkspace) }
        return end >= request.at.advanced(by: limit)
            ? limit : .microseconds(end.microseconds - request.at.microseconds)
    }

    /// The number of a grant that allows the permission.
    func grant(of permission: Int, _ request: AccessRequest) -> Int? {
        let place = Seat.Place(request.scope)
        if let found = grant(of: permission, Seat(principal: request.principal, place: place), request) { return found }
        guard hasEverywhere, request.scope.workspace != nil else { return nil }
        return grant(of: permission, Seat(principal: request.principal, place: .everyWorkspace), request)
    }

    private func grant(of permission: Int, _ seat: Seat, _ request: AccessRequest) -> Int? {
        grants.first(of: seat) { cell in
            grants.covers(cell, request.scope, at: request.at) && sets[Int(cell.set)].contains(permission)
        }.map { Int($0.grant) }
    }

    private func isForbidden(_ permission: Int, _ request: AccessRequest) -> Bool {
        firstForbid(about: permission, request) { $0.when.truth(under: request.facts) != .no } != nil
    }

    /// The numbers of the forbids that overlap a request, whatever their conditions say.
    func forbids(about permission: Int, _ request: AccessRequest) -> [Int] {
        var found: [Int] = []
        var index: Int? = firstForbid(about: permission, request, from: 0) { _ in true }
        while let next = index {
            found.append(next)
            index = firstForbid(about: permission, request, from: next + 1) { _ in true }
        }
        return found
    }

    /// The first forbid from a number on that overlaps a request and is wanted.
    private func firstForbid(
        about permission: Int, _ request: AccessRequest, from start: Int = 0, where isWanted: (Forbid) -> Bool
    ) -> Int? {
        func first(_ indices: [Int]) -> Int? {
            indices.first { index in
                guard index >= start, forbidPlaces[index].overlaps(request.scope) else { return false }
                return policy.rules.forbids[index].principals?.contains(request.principal) ?? true
                    && isWanted(policy.rules.forbids[index])
            }
        }
        var found: Int?
        if forbiddenSomewhere.contains(permission) {
            found = first(forbids[RuleKey(permission: permission, place: Seat.Place(request.scope))] ?? [])
        }
        guard request.scope.workspace != nil, let other = first(forbidsEverywhere[permission]) else { return found }
        return found.map { min($0, other) } ?? other
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
