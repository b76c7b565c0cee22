// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension AccessPolicy {
    /// Checks the policy and makes it fast; throws all its defects.
    ///
    /// Complexity: O(roles · permissions + grants · log grants).
    public func compile() throws(PolicyDefects) -> CompiledPolicy {
        var compiler = PolicyCompiler(policy: self)
        return try compiler.compile()
    }
}

/// Collects the defects of a policy and what a compiled one is made of.
private struct PolicyCompiler {
    let policy: AccessPolicy
    var defects: [PolicyDefect] = []
    var indices: [String: Int] = [:]
    var definitions: [PermissionDefinition] = []
    var roles: [RoleName: Role] = [:]
    var closures: [RoleName: PermissionSet] = [:]
    /// Each role and all that it inherits.
    var ancestors: [RoleName: Set<RoleName>] = [:]

    mutating func compile() throws(PolicyDefects) -> CompiledPolicy {
        readPermissions()
        readRoles()
        let seats = readGrants()
        readSeparations()
        let (forbids, forbidden, aboutChanges) = readRules()
        guard defects.isEmpty else { throw PolicyDefects(defects: defects) }
        let digest: Digest
        do throws(AccessError) {
            digest = try policy.digest()
        } catch {
            throw PolicyDefects(defects: [.permissions("the crypto engine failed; check that OpenSSL 3 is installed")])
        }
        return CompiledPolicy(
            policy: policy, digest: digest, permissionIndex: indices, roleBits: closures, seats: seats,
            forbids: forbids, forbidden: forbidden, aboutChanges: aboutChanges)
    }

    private mutating func readPermissions() {
        if policy.permissions.count > PermissionSet.capacity {
            defects.append(.permissions("more than \(PermissionSet.capacity)"))
        }
        for definition in policy.permissions.prefix(PermissionSet.capacity) {
            guard indices.updateValue(definitions.count, forKey: definition.permission.description) == nil else {
                defects.append(.permissions("`\(definition.permission)` is defined twice"))
                indices[definition.permission.description] = definitions.firstIndex {
                    $0.permission == definition.permission
                }
                continue
            }
            definitions.append(definition)
        }
    }

    private mutating func set(_ permissions: some Sequence<Permission>, of user: String) -> PermissionSet {
        var set = PermissionSet()
        for permission in permissions {
            if let index = indices[permission.description] {
                set.insert(index)
            } else {
                defects.append(.unknownPermission(permission, usedBy: user))
            }
        }
        return set
    }

    private mutating func readRoles() {
        for role in policy.roles where !role.name.isValid || roles.updateValue(role, forKey: role.name) != nil {
            defects.append(.roleName(role.name))
        }
        // From the roles that inherit nothing to those that inherit them: what is left over inherits in a circle.
        var waiting: [RoleName: Int] = [:]
        var heirs: [RoleName: [RoleName]] = [:]
        for role in roles.values {
            waiting[role.name] = 0
            for parent in role.inherits {
                guard roles[parent] != nil else {
                    defects.append(.unknownRole(parent, usedBy: "role `\(role.name)`"))
                    continue
                }
                waiting[role.name, default: 0] += 1
                heirs[parent, default: []].append(role.name)
            }
        }
        var ready = waiting.filter { $0.value == 0 }.map(\.key)
        while let name = ready.popLast(), let role = roles[name] {
            var (bits, all) = (set(role.permissions, of: "role `\(name)`"), Set([name]))
            for parent in role.inherits {
                if let inherited = closures[parent] { bits.formUnion(inherited) }
                all.formUnion(ancestors[parent] ?? [])
            }
            closures[name] = bits
            ancestors[name] = all
            for index in bits.indices {
                let isWrong = definitions[index].level == (role.kind == .environment ? .content : .environment)
                if isWrong { defects.append(.wrongLevel(name, definitions[index].permission)) }
            }
            for heir in heirs[name] ?? [] {
                waiting[heir, default: 0] -= 1
                if waiting[heir] == 0 { ready.append(heir) }
            }
        }
        let circle = roles.keys.filter { closures[$0] == nil }.sorted()
        if !circle.isEmpty { defects.append(.cycle(circle)) }
    }

    private mutating func readGrants() -> [CompiledPolicy.Seat: [Int]] {
        var readOnly = PermissionSet()
        for (index, definition) in definitions.enumerated() where definition.isReadOnly { readOnly.insert(index) }
        var bySeat: [CompiledPolicy.Seat: [Int]] = [:]
        var ids = Set<Identifier<Grant>>()
        for (index, grant) in policy.grants.enumerated() {
            if !ids.insert(grant.id).inserted { defects.append(.grantTwice(grant.id)) }
            if let from = grant.from, let until = grant.until, until <= from {
                defects.append(.grantMalformed(grant.id))
            } else if !grant.reason.isReason {
                defects.append(.grantMalformed(grant.id))
            }
            guard let role = roles[grant.role] else {
                defects.append(.unknownRole(grant.role, usedBy: "grant `\(grant.id)`"))
                continue
            }
            if case .scope(let scope) = grant.reach {
                let isInProject = scope.project != nil
                if role.kind == .environment ? isInProject : scope == .platform {
                    defects.append(.wrongReach(grant.id))
                }
            } else if closures[grant.role].map({ !$0.isSubset(of: readOnly) }) ?? false {
                defects.append(.writesAcrossWorkspaces(grant.id))
            }
            let seat = CompiledPolicy.Seat(principal: grant.principal, place: .init(grant.reach))
            bySeat[seat, default: []].append(index)
        }
        return bySeat
    }

    /// One principal holds at most so many of a set, in a workspace or on the platform, at any one instant.
    private mutating func readSeparations() {
        guard !policy.rules.separations.isEmpty else { return }
        for rule in policy.rules.separations {
            for role in rule.roles where roles[role] == nil {
                defects.append(.unknownRole(role, usedBy: "rule `\(rule.name)`"))
            }
            _ = set(rule.permissions, of: "rule `\(rule.name)`")
            if rule.atMost < 1 || rule.roles.count + rule.permissions.count <= rule.atMost {
                defects.append(.rule(rule.name))
            }
        }
        var held: [CompiledPolicy.Seat: [Grant]] = [:]
        for grant in policy.grants where closures[grant.role] != nil {
            held[.init(principal: grant.principal, place: .init(grant.reach)), default: []].append(grant)
        }
        for (seat, grants) in held {
            let everywhere = held[.init(principal: seat.principal, place: .everyWorkspace)] ?? []
            let all = seat.place == .platform || seat.place == .everyWorkspace ? grants : grants + everywhere
            for rule in policy.rules.separations where count(of: rule, in: all) > rule.atMost {
                // What a principal holds is most right after one of its grants begins.
                let starts = all.map { $0.from ?? Timestamp(microseconds: .min) }
                let isBroken = starts.contains { start in
                    count(of: rule, in: all.filter { $0.holds(at: start) }) > rule.atMost
                }
                if isBroken { defects.append(.separated(seat.principal, rule: rule.name)) }
            }
        }
    }

    private func count(of rule: StaticSeparation, in grants: [Grant]) -> Int {
        let names = grants.reduce(into: Set<RoleName>()) { $0.formUnion(ancestors[$1.role] ?? []) }
        var bits = PermissionSet()
        for grant in grants { if let closure = closures[grant.role] { bits.formUnion(closure) } }
        let permissions = rule.permissions.filter { indices[$0.description].map(bits.contains) ?? false }
        return Set(rule.roles).intersection(names).count + Set(permissions).count
    }

    private mutating func readRules() -> ([CompiledPolicy.RuleKey: [Int]], PermissionSet, PermissionSet) {
        var forbids: [CompiledPolicy.RuleKey: [Int]] = [:]
        var (forbidden, aboutChanges) = (PermissionSet(), PermissionSet())
        for (index, rule) in policy.rules.forbids.enumerated() {
            let matched = definitions.indices.filter { number in
                rule.permissions.contains { $0.path.contains(definitions[number].permission.path) }
            }
            let isTooLarge = rule.when.depth > Condition.maximumDepth
            if matched.isEmpty || isTooLarge || rule.principals?.isEmpty == true { defects.append(.rule(rule.name)) }
            for number in matched {
                forbids[.init(permission: number, place: .init(rule.reach)), default: []].append(index)
                forbidden.insert(number)
            }
        }
        for rule in policy.rules.dutiesOfChanges {
            aboutChanges.formUnion(set(rule.permissions, of: "rule `\(rule.name)`"))
            if Set(rule.permissions).count < 2 { defects.append(.rule(rule.name)) }
        }
        if let promotion = policy.rules.promotion {
            aboutChanges.formUnion(set([promotion.permission], of: "rule `\(promotion.name)`"))
            if promotion.order.count < 2 || Set(promotion.order).count != promotion.order.count {
                defects.append(.rule(promotion.name))
            }
        }
        if !(1...16).contains(policy.rules.approvals) { defects.append(.approvals) }
        return (forbids, forbidden, aboutChanges)
    }
}
