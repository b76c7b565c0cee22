// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting

/// The doors of a policy with roles.
extension Door {
    static let access: [Door] = [
        Door(
            name: "AccessAuthority.create(_:by:reason:store:keys:configuration:time:)", action: "access.create"
        ) { stage in
            // In a store of its own, beside the stage's; the entry goes where the policy goes.
            let keys = try DerivedControlKeys(SecretBytes.random(count: 32))
            let other = TestStore()
            let policy = AccessPolicy()
            _ = try await AccessAuthority.create(policy, by: .host("x"), reason: "y", store: other, keys: keys)
            for entry in try await Table<AuditEntry>("audit.pending").readAll(.platform, in: other) {
                try await stage.trust.store.record(entry, in: Trail())
            }
        } refuse: { _ in
            // Without a policy there is no authority yet, and so nobody to record for.
        },
        Door(name: "AccessAuthority.grant(_:_:)", action: "access.grant") { stage in
            try await stage.roles.grant(stage.grant(), stage.manage(0))
        } refuse: { stage in
            try await stage.roles.grant(stage.grant(to: 0), stage.manage(0))
        },
        Door(name: "AccessAuthority.revoke(_:_:)", action: "access.revoke") { stage in
            let grant = try await stage.roles.grant(stage.grant(), stage.manage(0))
            try await stage.roles.revoke(grant.id, stage.manage(1))
        } refuse: { stage in
            try await stage.roles.revoke(Identifier(high: 1, low: 1), stage.manage(1))
        },
        Door(name: "AccessAuthority.propose(_:in:reason:for:_:)", action: "access.propose") { stage in
            _ = try await stage.propose()
        } refuse: { stage in
            _ = try await stage.propose(seconds: 1)
        },
        Door(name: "AccessAuthority.approve(_:_:)", action: "access.approve") { stage in
            try await stage.approve(stage.propose(), 1)
        } refuse: { stage in
            try await stage.approve(stage.propose(), 0)
        },
        Door(name: "AccessAuthority.activate(_:as:)", action: "access.activate") { stage in
            let quorum = try await stage.propose()
            try await stage.approve(quorum, 1)
            try await stage.approve(quorum, 2)
            try await stage.roles.activate(quorum.id, as: stage.context(0))
        } refuse: { stage in
            let quorum = try await stage.propose()
            try await stage.roles.activate(quorum.id, as: stage.context(0))
        },
        Door(name: "AccessAuthority.complete(_:)", action: "recipe.deploy") { stage in
            try await stage.roles.complete(stage.deploy())
        } refuse: { stage in
            let permit = try await stage.deploy()
            stage.trust.time.advance(by: .seconds(30))
            try await stage.roles.complete(permit)
        },
    ]
}

extension Stage {
    func context(_ owner: Int, _ scope: Scope? = nil) -> ActContext {
        ActContext(actor: owners[owner], scope: scope ?? trust.scope)
    }

    func manage(_ owner: Int) async throws -> Permit<ManageAccess> {
        try await roles.permit(ManageAccess.self, on: .access(in: trust.scope), as: context(owner)).get()
    }

    func grant(to owner: Int? = nil) -> Grant {
        Grant(
            id: Identifier(high: 8, low: 8), "auditor", to: owner.map { Principal(owners[$0]) } ?? .host("h"),
            in: .scope(trust.scope), reason: "x")
    }

    /// Emergency access for the first owner.
    func propose(seconds: Int = 3600) async throws -> Quorum {
        let grant = Grant(
            id: Identifier(high: 8, low: 9), "operator", to: Principal(owners[0]), in: .scope(trust.scope),
            until: trust.time.now.advanced(by: .seconds(600)), reason: "x")
        return try await roles.propose(
            .breakGlass(grant), in: trust.scope, reason: "x", for: seconds,
            roles.permit(ProposeMatter.self, on: .access(in: trust.scope), as: context(0)).get())
    }

    func approve(_ quorum: Quorum, _ owner: Int) async throws {
        try await roles.approve(
            quorum.id, roles.permit(ApproveMatter.self, on: .quorum(quorum.id), as: context(owner)).get())
    }

    /// A deployment to where every change begins.
    func deploy() async throws -> Permit<DeployRecipe> {
        try await roles.permit(
            DeployRecipe.self, on: .change(Identifier(high: 6, low: 6)), as: context(0, development)
        ).get()
    }
}
