// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What is wrong with a policy.
public enum PolicyDefect: Hashable, Sendable {
    /// More than 256 permissions, or one defined twice.
    case permissions(String)
    /// A role's name is misspelt or used twice.
    case roleName(RoleName)
    /// A role inherits itself, by way of these roles.
    case cycle([RoleName])
    /// Something names a role that is not there.
    case unknownRole(RoleName, usedBy: String)
    /// Something names a permission that is not defined.
    case unknownPermission(Permission, usedBy: String)
    /// A role holds a permission of the other kind's level.
    case wrongLevel(RoleName, Permission)
    /// A grant's id is used twice.
    case grantTwice(Identifier<Grant>)
    /// A grant ends before it begins, or says no reason.
    case grantMalformed(Identifier<Grant>)
    /// A grant is where its role cannot be: an environment role in a project, a project role on the platform itself.
    case wrongReach(Identifier<Grant>)
    /// A grant across workspaces has a role that may change or open something.
    case writesAcrossWorkspaces(Identifier<Grant>)
    /// A principal holds more of a separated set than it may, in a workspace or on the platform.
    case separated(Principal, rule: Path)
    /// A rule cannot do what it should: it names nothing, or bounds that cannot be kept.
    case rule(Path)
    /// The number of approvals is not 1 to 16.
    case approvals
}

extension PolicyDefect: CustomStringConvertible {
    /// What is wrong, on what.
    public var description: String {
        switch self {
        case .permissions(let what): "permissions: \(what)"
        case .roleName(let name): "role `\(name)`: the name is misspelt or used twice"
        case .cycle(let roles): "roles inherit in a circle: \(roles.map(\.description).joined(separator: ", "))"
        case .unknownRole(let role, let user): "\(user) names role `\(role)`, which is not there"
        case .unknownPermission(let permission, let user):
            "\(user) names permission `\(permission)`, which is not defined"
        case .wrongLevel(let role, let permission): "role `\(role)` is of the wrong kind for permission `\(permission)`"
        case .grantTwice(let id): "grant `\(id)` is there twice"
        case .grantMalformed(let id): "grant `\(id)` ends before it begins, or gives no reason"
        case .wrongReach(let id): "grant `\(id)` is where its role cannot be"
        case .writesAcrossWorkspaces(let id): "grant `\(id)` reaches every workspace with a role that is not read-only"
        case .separated(let principal, let rule):
            "`\(principal)` holds more than rule `\(rule)` lets one principal hold"
        case .rule(let name): "rule `\(name)` names nothing, or has bounds that cannot be kept"
        case .approvals: "the number of approvals must be 1 to 16"
        }
    }
}

/// All defects of a policy.
public struct PolicyDefects: Error, Hashable, Sendable, CustomStringConvertible {
    /// The defects.
    public let defects: [PolicyDefect]
    /// The defects, separated by semicolons.
    public var description: String { "the policy has defects: " + defects.map(\.description).joined(separator: "; ") }
}
