// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension AccessPolicy {
    /// The permissions of Reeve's own acts and of an integration platform's usual ones.
    public static let standardPermissions: [PermissionDefinition] = [
        define("access.manage", .shared),
        define("access.read", .environment, isReadOnly: true),
        define("audit.erase", .environment, isSensitive: true),
        define("audit.prune", .environment, isSensitive: true),
        define("audit.read", .environment, isReadOnly: true),
        define("audit.reveal", .environment, isSensitive: true),
        define("connection.edit", .content),
        define("connection.read", .content, isReadOnly: true),
        define("credential.destroy", .content),
        define("credential.export", .content, isSensitive: true),
        define("credential.open", .content),
        define("credential.store", .content),
        define("data.transfer", .environment, isSensitive: true),
        define("environment.manage", .environment),
        define("finding.approve", .content),
        define("hold.change", .environment),
        define("job.read", .content, isReadOnly: true),
        define("job.run", .content),
        define("key.manage", .environment, isSensitive: true),
        define("plan.change", .environment),
        define("plan.read", .environment, isReadOnly: true),
        define("price.approve", .environment),
        define("quorum.approve", .environment),
        define("quorum.propose", .shared),
        define("recipe.approve", .content),
        define("recipe.deploy", .content),
        define("recipe.edit", .content),
        define("recipe.publish", .content, isSensitive: true),
        define("recipe.read", .content, isReadOnly: true),
        define("request.answer", .environment, isSensitive: true),
    ]

    /// The usual roles (clause S1.3), and one for each sensitive permission.
    public static let standardRoles: [Role] = [
        role("auditor", .environment, ["access.read", "audit.read", "plan.read"]),
        role("admin", .environment, ["access.manage", "environment.manage", "quorum.propose"], inherits: ["auditor"]),
        role(
            "owner", .environment, ["hold.change", "plan.change", "price.approve", "quorum.approve"],
            inherits: ["admin"]),
        role("analyst", .project, ["connection.read", "job.read", "recipe.read"]),
        role("operator", .project, ["credential.open", "job.run", "quorum.propose"], inherits: ["analyst"]),
        role("developer", .project, ["connection.edit", "credential.store", "recipe.edit"], inherits: ["operator"]),
        role("reviewer", .project, ["finding.approve", "recipe.approve"], inherits: ["analyst"]),
        role("deployer", .project, ["recipe.deploy"], inherits: ["analyst"]),
        role(
            "projectAdmin", .project, ["access.manage", "credential.destroy"],
            inherits: ["developer", "reviewer", "deployer"]),
        role("keyManager", .environment, ["key.manage"]),
        role("secretExporter", .project, ["credential.export"]),
        role("privacyOfficer", .environment, ["request.answer"]),
        role("dataTransferrer", .environment, ["data.transfer"]),
        role("publisher", .project, ["recipe.publish"], inherits: ["analyst"]),
        role("auditKeeper", .environment, ["audit.erase", "audit.prune", "audit.reveal"], inherits: ["auditor"]),
    ]

    private static func define(
        _ name: StaticString, _ level: PermissionDefinition.Level, isReadOnly: Bool = false, isSensitive: Bool = false
    ) -> PermissionDefinition {
        PermissionDefinition(Permission(literal: name), level, isReadOnly: isReadOnly, isSensitive: isSensitive)
    }

    private static func role(
        _ name: RoleName, _ kind: Role.Kind, _ permissions: [StaticString], inherits: Set<RoleName> = []
    ) -> Role {
        Role(name, kind, Set(permissions.map { Permission(literal: $0) }), inherits: inherits)
    }
}

extension AccessRules {
    /// Keys apart from deployment (clause S3.3); author, approver and deployer of a change apart, and development before test
    /// before production (clause S1.3); no self-grant, no grant beyond one's own, two approvals.
    public static let standard = AccessRules(
        separations: [
            StaticSeparation(
                Path(literal: "separation.keys-and-deployment"),
                permissions: [Permission(literal: "key.manage"), Permission(literal: "recipe.deploy")],
                clauses: [ClauseReference(literal: "S3.3")])
        ],
        dutiesOfChanges: [
            DynamicSeparation(
                Path(literal: "separation.author-approver-deployer"),
                [
                    Permission(literal: "recipe.edit"), Permission(literal: "recipe.approve"),
                    Permission(literal: "recipe.deploy"),
                ], clauses: [ClauseReference(literal: "S1.3")])
        ],
        promotion: PromotionOrder(
            Path(literal: "promotion.development-test-production"), Permission(literal: "recipe.deploy"),
            clauses: [ClauseReference(literal: "S1.3")]))
}
