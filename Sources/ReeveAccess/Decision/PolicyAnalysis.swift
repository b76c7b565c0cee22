// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

extension CompiledPolicy {
    /// All principals of the policy that are allowed a permission in a scope at an instant, in order.
    ///
    /// It is exactly those to whom ``decide(_:)`` says yes. Complexity: O(principals).
    public func whoCan(
        _ permission: Permission, in scope: Scope, at instant: Timestamp, facts: [Path: Truth] = [:],
        change: ChangeHistory? = nil
    ) -> [Principal] {
        let places: Set<Seat.Place> = [Seat.Place(scope), .everyWorkspace]
        let near = Set(grants.seats.lazy.filter { places.contains($0.place) }.map(\.principal))
        return near.filter {
            decide(AccessRequest($0, permission, in: scope, at: instant, facts: facts, change: change)).isAllowed
        }.sorted()
    }

    /// The permissions that a principal is allowed in a scope, in order.
    public func permissions(
        of principal: Principal, in scope: Scope, at instant: Timestamp, facts: [Path: Truth] = [:],
        change: ChangeHistory? = nil
    ) -> [Permission] {
        policy.permissions.map(\.permission).filter {
            decide(AccessRequest(principal, $0, in: scope, at: instant, facts: facts, change: change)).isAllowed
        }.sorted()
    }
}

/// One cell in which two policies differ.
public struct AccessChange: Hashable, Sendable {
    /// Who.
    public let principal: Principal
    /// What.
    public let permission: Permission
    /// Where. ``isAnyOtherWorkspace`` and ``isAnyOtherProject`` say whether its ids stand for all that are not named.
    public let scope: Scope
    /// Whether the workspace stands for every workspace in which this principal has no grant of its own and no rule speaks.
    public let isAnyOtherWorkspace: Bool
    /// Whether the project stands for every project of the scope's workspace that neither policy names there.
    public let isAnyOtherProject: Bool
    /// Whether the new policy allows it; the old one said the opposite.
    public let isAllowed: Bool
}

/// What a new policy changes, exactly: every principal, permission and place in which the two decide differently.
public enum PolicyDiff: Sendable {
    /// Stands for every workspace that is not named.
    static let otherWorkspace = Identifier<Workspace>(high: .max, low: .max)
    /// Stands for every project that is not named.
    static let otherProject = Identifier<Project>(high: .max, low: .max)

    /// The cells in which `new` decides otherwise than `old` at an instant under the same facts; requests name no change
    /// of recipes unless one is given.
    ///
    /// Complexity: O(principals · their workspaces · projects · permissions).
    public static func between(
        _ old: CompiledPolicy, _ new: CompiledPolicy, at instant: Timestamp, facts: [Path: Truth] = [:],
        change: ChangeHistory? = nil
    ) -> [AccessChange] {
        let both = [old, new]
        let permissions = Set(both.flatMap { $0.policy.permissions.map(\.permission) }).sorted()
        let projects = both.reduce(into: [Identifier<Workspace>: Set<Identifier<Project>>]()) { named, policy in
            let reaches = policy.policy.grants.map(\.reach) + policy.policy.rules.forbids.map(\.reach)
            for case .scope(let scope) in reaches {
                if let workspace = scope.workspace, let project = scope.project {
                    named[workspace, default: []].insert(project)
                }
            }
        }
        let seats = both.reduce(into: [Principal: Set<CompiledPolicy.Seat.Place>]()) { places, policy in
            for seat in policy.grants.seats { places[seat.principal, default: []].insert(seat.place) }
        }
        let ruled = Set(both.flatMap { $0.forbids.keys.map(\.place) })
        var found: [AccessChange] = []
        for principal in seats.keys.sorted() {
            let own = seats[principal] ?? []
            // Where a forbid is, it makes a difference only to who reaches every workspace.
            let places = own.contains(.everyWorkspace) ? own.union(ruled) : own
            for scope in places.flatMap({ scopes(in: $0, projects) }) {
                for permission in permissions {
                    let request = AccessRequest(
                        principal, permission, in: scope, at: instant, facts: facts, change: change)
                    let (before, after) = (old.decide(request).isAllowed, new.decide(request).isAllowed)
                    guard before != after else { continue }
                    found.append(
                        AccessChange(
                            principal: principal, permission: permission, scope: scope,
                            isAnyOtherWorkspace: scope.workspace == otherWorkspace,
                            isAnyOtherProject: scope.project == otherProject, isAllowed: after))
                }
            }
        }
        return found
    }

    /// The telling scopes of a place: the workspace, each environment, each named project in both, and any other.
    private static func scopes(
        in place: CompiledPolicy.Seat.Place, _ projects: [Identifier<Workspace>: Set<Identifier<Project>>]
    ) -> [Scope] {
        let workspace: Identifier<Workspace>
        switch place {
        case .platform: return [.platform]
        case .everyWorkspace: workspace = otherWorkspace
        case .workspace(let id): workspace = id
        }
        let environments: [Environment?] = [nil] + Environment.allCases
        let named = (projects[workspace] ?? []).sorted() + [otherProject]
        return environments.flatMap { environment in
            ([nil] + named).map { Scope(workspace, environment, project: $0) }
        }
    }
}

/// A way by which somebody can get a permission that nobody on the way has.
public struct Escalation: Hashable, Sendable {
    /// Stands for somebody whom the policy does not know.
    public static let anybody = Principal.host("*")
    /// Who acts, in order; the last one has gained.
    public let path: [Principal]
    /// Where.
    public let reach: Reach
    /// What is gained; in order.
    public let gains: [Permission]
}

extension CompiledPolicy {
    /// The ways by which giving roles leads beyond what those who give them have, at an instant.
    ///
    /// Giving a role needs `access.manage` where it is given; roles and rules change only by approval of several persons, so
    /// what is left are self-grants, grants beyond one's own, and a policy in which one person approves what he proposed.
    /// Complexity: O(grants that manage access · permissions).
    public func escalations(at instant: Timestamp) -> [Escalation] {
        let rules = policy.rules
        var found: [Escalation] = []
        var seen = Set<String>()
        func add(_ path: [Principal], _ reach: Reach, _ gains: PermissionSet) {
            let key = (path.map(\.description) + [reach.description]).joined(separator: "|")
            guard !gains.isEmpty, seen.insert(key).inserted else { return }
            let names = gains.indices.map { policy.permissions[$0].permission }.sorted()
            found.append(Escalation(path: path, reach: reach, gains: names))
        }
        let holders = policy.grants.filter { $0.holds(at: instant) }
        func holds(_ permission: String, _ grant: Grant) -> Bool {
            permissionIndex[permission].flatMap { index in roleBits[grant.role]?.contains(index) } ?? false
        }
        /// Somebody else is given what neither has: one whom the policy knows, or else anybody.
        func addOther(_ giver: Principal, _ reach: Reach) {
            let gains = grantable(in: reach).subtracting(held(by: giver, in: reach, at: instant))
            func left(for other: Principal) -> PermissionSet {
                gains.subtracting(held(by: other, in: reach, at: instant))
            }
            let known = Set(policy.grants.map(\.principal)).sorted().first { $0 != giver && !left(for: $0).isEmpty }
            let other = known ?? Escalation.anybody
            add([giver, other], reach, left(for: other))
        }
        if !rules.grantWithinOwn {
            for grant in holders where holds("access.manage", grant) {
                // What reaches every workspace is given on the platform.
                for reach in grant.reach == .scope(.platform) ? [grant.reach, .everyWorkspace] : [grant.reach] {
                    if rules.noSelfGrant {
                        addOther(grant.principal, reach)
                    } else {
                        let own = held(by: grant.principal, in: reach, at: instant)
                        add([grant.principal], reach, grantable(in: reach).subtracting(own))
                    }
                }
            }
        }
        if rules.approvals < 2 {
            for grant in holders where holds("quorum.approve", grant) {
                guard case .person = grant.principal else { continue }
                let place = Seat.Place(grant.reach)
                let mayPropose = holders.contains {
                    $0.principal == grant.principal && Seat.Place($0.reach) == place && holds("quorum.propose", $0)
                }
                guard mayPropose else { continue }
                if grant.reach == .scope(.platform) {
                    // He changes roles and rules there alone, his own among them.
                    let own = held(by: grant.principal, in: grant.reach, at: instant)
                    add([grant.principal], grant.reach, grantable(in: grant.reach).subtracting(own))
                    addOther(grant.principal, .everyWorkspace)
                } else {
                    // He gives others what he likes; for himself he cannot approve.
                    addOther(grant.principal, grant.reach)
                }
            }
        }
        return found
    }

    /// What roles that may be granted in a reach allow together.
    private func grantable(in reach: Reach) -> PermissionSet {
        var readOnly = PermissionSet()
        for (index, definition) in policy.permissions.enumerated() where definition.isReadOnly {
            readOnly.insert(index)
        }
        return policy.roles.reduce(into: PermissionSet()) { bits, role in
            let isPossible =
                switch reach {
                case .everyWorkspace: roleBits[role.name]?.isSubset(of: readOnly) ?? false
                case .scope(let scope): role.kind == .environment ? scope.project == nil : scope != .platform
                }
            if isPossible, let closure = roleBits[role.name] { bits.formUnion(closure) }
        }
    }

    /// What a principal holds in all of a reach at an instant.
    func held(by principal: Principal, in reach: Reach, at instant: Timestamp) -> PermissionSet {
        held(by: principal, in: reach) { $0.holds(at: instant) }
    }

    /// What a principal holds in all of a reach by grants that a condition picks.
    func held(by principal: Principal, in reach: Reach, _ counts: (Grant) -> Bool) -> PermissionSet {
        let places: Set<Seat.Place> = [Seat.Place(reach), .everyWorkspace]
        var bits = PermissionSet()
        for place in places {
            for cell in grants.cells(of: Seat(principal: principal, place: place)) {
                let grant = policy.grants[Int(cell.grant)]
                if grant.reach.contains(reach), counts(grant) { bits.formUnion(sets[Int(cell.set)]) }
            }
        }
        return bits
    }
}
