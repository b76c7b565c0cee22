// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveTesting
import ReeveVault

extension Door {
    /// The doors of the vault.
    static let vault: [Door] = [
        Door(name: "Vault.store(_:for:of:_:reason:metadata:expires:)", action: "vault.credential.store") { stage in
            try await stage.store(try await stage.trust.permit(StoreCredential.self, on: stage.resource))
        } refuse: { stage in
            try await stage.store(try await stage.other.permit(StoreCredential.self, on: stage.resource))
        },
        Door(name: "Vault.withCredential(_:_:_:)", action: "vault.credential.open") { stage in
            try await stage.open(try await stage.trust.permit(OpenCredential.self, on: stage.resource))
        } refuse: { stage in
            try await stage.open(try await stage.other.permit(OpenCredential.self, on: stage.resource))
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
        keys("Vault.rotate(_:_:)", "vault.key.rotate") { _ = try await $0.rotate($1, $2) },
        keys("Vault.rewrap(_:limit:)", "vault.key.rewrap", of: .environment) { vault, _, permit in
            _ = try await vault.rewrap(permit)
        },
        keys("Vault.reseal(_:limit:)", "vault.credential.reseal", of: .environment) { vault, _, permit in
            _ = try await vault.reseal(permit)
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
