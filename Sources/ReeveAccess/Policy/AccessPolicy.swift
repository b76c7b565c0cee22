// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// Who may do what where, as a value: permissions, roles, grants and rules.
///
/// ``compile()`` checks it and makes it fast. What it says counts only once an ``AccessAuthority`` holds it; elsewhere it
/// explains and simulates.
public struct AccessPolicy: Hashable, Sendable, Codable {
    /// The permissions that roles can hold; at most 256.
    public var permissions: [PermissionDefinition]
    /// The roles.
    public var roles: [Role]
    /// The grants.
    public var grants: [Grant]
    /// What limits the grants.
    public var rules: AccessRules

    /// A policy.
    public init(
        permissions: [PermissionDefinition] = AccessPolicy.standardPermissions,
        roles: [Role] = AccessPolicy.standardRoles, grants: [Grant] = [], rules: AccessRules = .standard
    ) {
        self.permissions = permissions
        self.roles = roles
        self.grants = grants
        self.rules = rules
    }

    /// A copy of a role under a new name, with all that it inherits in itself, and without sensitive permissions: those
    /// are given by name. `nil` when there is no such role.
    ///
    /// Complexity: O(roles + permissions).
    public func clone(of name: RoleName, as newName: RoleName) -> Role? {
        let byName = Dictionary(roles.map { ($0.name, $0) }) { first, _ in first }
        guard let role = byName[name] else { return nil }
        let sensitive = Set(permissions.filter(\.isSensitive).map(\.permission))
        var (seen, open, held) = (Set([name]), [role], Set<Permission>())
        while let next = open.popLast() {
            held.formUnion(next.permissions)
            for parent in next.inherits where seen.insert(parent).inserted {
                if let parent = byName[parent] { open.append(parent) }
            }
        }
        return Role(newName, role.kind, held.subtracting(sensitive))
    }

    /// The policy after a change.
    public func applying(_ change: PolicyChange) -> AccessPolicy {
        var policy = self
        switch change {
        case .grant(let grant):
            policy.grants.removeAll { $0.id == grant.id }
            policy.grants.append(grant)
        case .revoke(let id): policy.grants.removeAll { $0.id == id }
        case .define(let role):
            policy.roles.removeAll { $0.name == role.name }
            policy.roles.append(role)
        case .removeRole(let name): policy.roles.removeAll { $0.name == name }
        case .setRules(let rules, let permissions):
            policy.rules = rules
            policy.permissions = permissions
        }
        return policy
    }

    /// The digest of the policy: equal for policies that say the same, in whatever order.
    public func digest() throws(AccessError) -> Digest {
        var encoding = CanonicalBytes(label: "reeve/access/policy/1")
        do {
            let sections: [[(String, any RecordCodable)]] = [
                permissions.map { ($0.permission.description, $0) }, roles.map { ($0.name.description, $0) },
                grants.map { ($0.id.description, $0) }, [("rules", rules)],
            ]
            for section in sections {
                let records = try section.map { ($0.0, try $0.1.recordBytes(schema: 1)) }
                let sorted = records.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
                encoding.addList(sorted) { $0.add($1.1) }
            }
            return try Digest(of: encoding)
        } catch {
            throw AccessError(.cryptoFailed)
        }
    }
}

/// One change of a policy.
public enum PolicyChange: Hashable, Sendable, Codable {
    /// A role is given.
    case grant(Grant)
    /// A grant is taken back.
    case revoke(Identifier<Grant>)
    /// A role is made, or is given other permissions.
    case define(Role)
    /// A role is removed; no grant may have it any more.
    case removeRole(RoleName)
    /// The rules and the known permissions are replaced.
    case setRules(AccessRules, permissions: [PermissionDefinition])
}
