// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTesting
import ReeveVault
import Testing

extension Door {
    /// The doors of the vault.
    static let vault: [Door] = [
        Door(
            name: "Vault.store(_:for:of:_:reason:metadata:expires:findableBy:overlap:)",
            action: "vault.credential.store"
        ) { stage in
            try await stage.store(try await stage.trust.permit(StoreCredential.self, on: stage.resource))
        } refuse: { stage in
            try await stage.store(try await stage.other.permit(StoreCredential.self, on: stage.resource))
        },
        Door(name: "Vault.withCredential(_:generation:_:_:)", action: "vault.credential.open") { stage in
            try await stage.open(try await stage.trust.permit(OpenCredential.self, on: stage.resource))
        } refuse: { stage in
            try await stage.open(try await stage.other.permit(OpenCredential.self, on: stage.resource))
        },
        Door(name: "Vault.withCredentials(_:_:_:)", action: "vault.credential.open") { stage in
            let permit = try await stage.trust.permit(OpenCredential.self, on: stage.environment)
            try await stage.trust.layer.vault.withCredentials([stage.connection.id], permit) {
                (_, secret) throws(Never) in
                _ = secret.method
            }
        } refuse: { stage in
            let permit = try await stage.trust.permit(OpenCredential.self, on: stage.resource)
            try await stage.trust.layer.vault.withCredentials([stage.connection.id], permit) {
                (_, secret) throws(Never) in
                _ = secret.method
            }
        },
        Door(name: "Vault.importCredentials(_:from:dryRun:reason:_:)", action: "vault.credential.import") { stage in
            try await stage.importOne(try await stage.trust.permit(StoreCredential.self, on: stage.environment))
        } refuse: { stage in
            try await stage.importOne(try await stage.trust.permit(StoreCredential.self, on: stage.resource))
        },
        Door(name: "Vault.markLost(_:reason:_:)", action: "vault.connection.lost") { stage in
            let permit = try await stage.trust.permit(OpenCredential.self, on: stage.resource)
            try await stage.trust.layer.vault.markLost(stage.connection.id, reason: "401", permit)
        } refuse: { stage in
            let permit = try await stage.trust.permit(OpenCredential.self, on: stage.resource)
            try await stage.trust.layer.vault.markLost(stage.connection.id, reason: "", permit)
        },
        Door(name: "Vault.importShells(_:_:)", action: "vault.connection.import") { stage in
            try await stage.importShell(try await stage.trust.permit(StoreCredential.self, on: stage.environment))
        } refuse: { stage in
            try await stage.importShell(try await stage.trust.permit(StoreCredential.self, on: stage.resource))
        },
        Door(name: "Vault.connections(with:in:_:)", action: "vault.connection.find") { stage in
            let permit = try await stage.trust.permit(ReadConnections.self, on: stage.environment)
            _ = try await stage.trust.layer.vault.connections(
                with: SecretBytes(copying: [1]), in: .field("access_token"), permit)
        } refuse: { stage in
            let permit = try await stage.trust.permit(ReadConnections.self, on: stage.environment)
            _ = try await stage.trust.layer.vault.connections(with: SecretBytes(copying: [1]), in: .field(""), permit)
        },
        Door(name: "Vault.blindIndex(of:named:_:)", action: "vault.index") { stage in
            let permit = try await stage.trust.permit(ReadConnections.self, on: stage.environment)
            _ = try await stage.trust.layer.vault.blindIndex(of: SecretBytes(copying: [1]), named: "column", permit)
        } refuse: { stage in
            let permit = try await stage.trust.permit(ReadConnections.self, on: stage.environment)
            _ = try await stage.trust.layer.vault.blindIndex(of: SecretBytes(copying: [1]), named: "", permit)
        },
        keys("Vault.health(_:)", "vault.health", of: .environment) { vault, _, permit in
            _ = try await vault.health(permit)
        },
        keys("Vault.shredHorizon(_:)", "vault.key.horizon", of: .environment) { vault, _, permit in
            _ = try await vault.shredHorizon(permit)
        },
        Door(name: "Vault.destroy(_:_:)", action: "vault.credential.destroy") { stage in
            let permit = try await stage.trust.permit(DestroyCredential.self, on: stage.resource)
            try await stage.trust.layer.vault.destroy(stage.connection.id, permit)
        } refuse: { stage in
            let permit = try await stage.other.permit(DestroyCredential.self, on: stage.resource)
            try await stage.trust.layer.vault.destroy(stage.connection.id, permit)
        },
        keys("Vault.suspend(_:_:)", "vault.key.suspend") { try await $0.suspend($1, $2) },
        keys("Vault.markCompromised(_:_:)", "vault.key.compromise") { try await $0.markCompromised($1, $2) },
        keys("Vault.scheduleDestruction(of:after:_:)", "vault.key.schedule") {
            try await $0.scheduleDestruction(of: $1, $2)
        },
        keys("Vault.shred(_:_:)", "vault.key.shred") { try await $0.shred($1, $2) },
        Door(name: "Vault.eraseWorkspace(_:)", action: "vault.key.eraseWorkspace") { stage in
            let workspace = try #require(stage.trust.scope.workspace)
            let erasure = stage.trust.layer.access.erasure(
                of: Vault.record(of: workspace), at: Vault.locationName, attempt: 1, Identifier(high: 1, low: 1),
                stage.trust.context(Scope(workspace)), isOwn: true)
            try await stage.trust.layer.vault.eraseWorkspace(erasure)
        } refuse: { stage in
            let workspace = try #require(stage.trust.scope.workspace)
            let erasure = stage.other.layer.access.erasure(
                of: Vault.record(of: workspace), at: Vault.locationName, attempt: 1, Identifier(high: 1, low: 1),
                stage.trust.context(Scope(workspace)), isOwn: true)
            try await stage.trust.layer.vault.eraseWorkspace(erasure)
        },
        Door(name: "Vault.shredWorkspace(_:)", action: "vault.key.shredWorkspace") { stage in
            let scope = Scope(try #require(stage.trust.scope.workspace))
            let resource = KeyTarget.environment.resource(in: scope)
            try await stage.trust.layer.vault.shredWorkspace(
                stage.trust.permit(ManageKeys.self, on: resource, in: scope))
        } refuse: { stage in
            let resource = KeyTarget.environment.resource(in: stage.trust.scope)
            try await stage.trust.layer.vault.shredWorkspace(stage.trust.permit(ManageKeys.self, on: resource))
        },
        keys("Vault.rotate(_:_:)", "vault.key.rotate") { _ = try await $0.rotate($1, $2) },
        keys("Vault.rewrap(_:limit:)", "vault.key.rewrap", of: .environment) { vault, _, permit in
            _ = try await vault.rewrap(permit)
        },
        keys("Vault.reseal(_:limit:)", "vault.credential.reseal", of: .environment) { vault, _, permit in
            _ = try await vault.reseal(permit)
        },
        keys("Vault.drawing(limit:_:)", "vault.key.draw", of: .environment) { vault, _, permit in
            _ = try await vault.drawing(permit)
        },
        keys("Vault.verify(_:expecting:)", "vault.verify", of: .environment) { vault, _, permit in
            _ = try await vault.verify(permit)
        },
        Door(name: "Vault.acceptLedgerLoss(_:approved:)", action: "vault.ledger.acceptLoss") { stage in
            let trust = stage.trust
            let target = KeyTarget.connection(stage.connection.id)
            try await trust.layer.vault.shred(target, trust.permit(ManageKeys.self, on: stage.resource))
            // The same store and keys over a ledger that has nothing.
            let vault = Vault(
                mainKeys: MainKeys(try LocalMainKey.ephemeral()), control: trust.keys.control,
                ledger: AnchorLedger(MemoryLedger(), authenticator: try HMACKey(SecretBytes.random(count: 32))),
                authority: trust.layer.access)
            let resource = KeyTarget.environment.resource(in: trust.scope)
            try await vault.acceptLedgerLoss(trust.permit(ManageKeys.self, on: resource))
        } refuse: { stage in
            let resource = KeyTarget.environment.resource(in: stage.trust.scope)
            let permit = try await stage.trust.permit(ManageKeys.self, on: resource)
            try await stage.trust.layer.vault.acceptLedgerLoss(permit)
        },
        Door(name: "Vault.connections(after:limit:_:)", action: "vault.connection.list") { stage in
            let resource = KeyTarget.environment.resource(in: stage.trust.scope)
            _ = try await stage.trust.layer.vault.connections(
                try await stage.trust.permit(ReadConnections.self, on: resource))
        } refuse: { stage in
            _ = try await stage.trust.layer.vault.connections(
                try await stage.trust.permit(ReadConnections.self, on: stage.resource))
        },
        Door(name: "Vault.seal(_:named:for:_:)", action: "vault.seal") { stage in
            _ = try await stage.seal(stage.trust)
        } refuse: { stage in
            _ = try await stage.seal(stage.other)
        },
        Door(name: "Vault.withSealed(_:named:of:_:_:)", action: "vault.open") { stage in
            let sealed = try await stage.seal(stage.trust)
            let permit = try await stage.trust.permit(OpenCredential.self, on: stage.resource)
            _ = try await stage.trust.layer.vault.withSealed(sealed, named: "n", of: stage.connection.id, permit) {
                $0.byteCount
            }
        } refuse: { stage in
            let sealed = try await stage.seal(stage.trust)
            let permit = try await stage.trust.permit(OpenCredential.self, on: stage.resource)
            _ = try await stage.trust.layer.vault.withSealed(sealed, named: "m", of: stage.connection.id, permit) {
                $0.byteCount
            }
        },
        Door(name: "Vault.sealJobData(_:of:_:)", action: "vault.job.seal") { stage in
            _ = try await stage.sealJobData(stage.trust)
        } refuse: { stage in
            _ = try await stage.sealJobData(stage.other)
        },
        Door(name: "Vault.withJobData(_:of:_:_:)", action: "vault.job.open") { stage in
            let data = try await stage.sealJobData(stage.trust)
            let permit = try await stage.trust.permit(RunJob.self, on: Resource(Stage.job))
            _ = try await stage.trust.layer.vault.withJobData(data, of: Stage.job, permit) { $0.byteCount }
        } refuse: { stage in
            let data = SealedJobData(hour: 1, bytes: [])
            let permit = try await stage.trust.permit(RunJob.self, on: Resource(Stage.job))
            _ = try await stage.trust.layer.vault.withJobData(data, of: Stage.job, permit) { $0.byteCount }
        },
        keys("Vault.pinJobData(from:through:for:_:)", "vault.job.pin", of: .environment) { vault, _, permit in
            let instant = Timestamp(seconds: 0)
            _ = try await vault.pinJobData(from: instant, through: instant, for: "case", permit)
        },
        keys("Vault.unpinJobData(from:through:for:_:)", "vault.job.unpin", of: .environment) { vault, _, permit in
            let instant = Timestamp(seconds: 0)
            _ = try await vault.unpinJobData(from: instant, through: instant, for: "case", permit)
        },
        keys("Vault.uses(of:_:)", "vault.key.uses") { vault, target, permit in
            _ = try await vault.uses(of: target, permit)
        },
        keys("Vault.retireEarlierKeys(of:_:)", "vault.key.retire") { vault, target, permit in
            _ = try await vault.retireEarlierKeys(of: target, permit)
        },
        keys("Vault.repack(_:)", "vault.key.repack", of: .environment) { vault, _, permit in
            _ = try await vault.repack(permit)
        },
        Door(name: "Vault.resume(_:_:approved:)", action: "vault.key.resume") { stage in
            let target = KeyTarget.connection(stage.connection.id)
            let permit = try await stage.trust.permit(ManageKeys.self, on: stage.resource)
            try await stage.trust.layer.vault.suspend(target, permit)
            try await stage.trust.layer.vault.resume(target, permit)
        } refuse: { stage in
            let permit = try await stage.trust.permit(ManageKeys.self, on: stage.resource)
            try await stage.trust.layer.vault.resume(.connection(stage.connection.id), permit)
        },
    ]

    /// A door for keys: refused to another authority's permit.
    private static func keys(
        _ name: String, _ action: String, of environment: KeyTarget? = nil,
        _ act: @escaping @Sendable (Vault, KeyTarget, Permit<ManageKeys>) async throws -> Void
    ) -> Door {
        Door(name: name, action: action) { stage in
            let target = environment ?? .connection(stage.connection.id)
            let permit = try await stage.trust.permit(ManageKeys.self, on: target.resource(in: stage.trust.scope))
            try await act(stage.trust.layer.vault, target, permit)
        } refuse: { stage in
            let target = environment ?? .connection(stage.connection.id)
            let permit = try await stage.other.permit(ManageKeys.self, on: target.resource(in: stage.trust.scope))
            try await act(stage.trust.layer.vault, target, permit)
        }
    }
}

extension Stage {
    fileprivate static let job = Identifier<Job>(high: 5, low: 5)

    fileprivate var environment: Resource { KeyTarget.environment.resource(in: trust.scope) }

    fileprivate func importOne(_ permit: Permit<StoreCredential>) async throws {
        let connection = Connection(id: Identifier(high: 3, low: 98), connector: connector.id, scope: trust.scope)
        let original = ForeignCredential(connection, of: connector, .oauth2, fields: [("access_token", .bytes([1]))])
        _ = try await trust.layer.vault.importCredentials([original], from: .plain, reason: "import", permit)
    }

    fileprivate func importShell(_ permit: Permit<StoreCredential>) async throws {
        let shell = ConnectionShell(connection: Identifier(high: 3, low: 99), connector: Identifier(high: 2, low: 2))
        try await trust.layer.vault.importShells([shell], permit)
    }

    fileprivate func seal(_ trust: TestTrust) async throws -> SealedCredential {
        let permit = try await trust.permit(StoreCredential.self, on: resource)
        return try await self.trust.layer.vault.seal(
            SecretBytes(copying: [1, 2, 3]), named: "n", for: connection, permit)
    }

    fileprivate func sealJobData(_ trust: TestTrust) async throws -> SealedJobData {
        let permit = try await trust.permit(RunJob.self, on: Resource(Self.job))
        return try await self.trust.layer.vault.sealJobData(SecretBytes(copying: [1, 2, 3]), of: Self.job, permit)
    }
}
