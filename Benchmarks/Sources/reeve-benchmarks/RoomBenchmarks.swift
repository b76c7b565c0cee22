// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTesting
import ReeveVault

/// What a host calls, over the store in memory.
struct RoomBenchmarks {
    let harness: Harness

    func run() async throws {
        let trust = try await TestTrust(over: MemoryStore())
        let connector = Connector(id: Identifier(at: trust.time.now), name: "crm", methods: [.oauth2])
        let connection = Connection(id: Identifier(at: trust.time.now), connector: connector.id, scope: trust.scope)
        let resource = Resource.credential(of: connection.id)
        let credential = try Credential.oauth2(accessToken: SecretBytes.random(count: 256))
        try await trust.layer.vault.store(
            credential, for: connection, of: connector, trust.permit(StoreCredential.self, on: resource))
        let permit = try await trust.permit(OpenCredential.self, on: resource)
        try await harness.measure("vault.withCredential, entry committed first", operations: 500) {
            _ = try await trust.layer.vault.withCredential(connection.id, permit) { $0.method }
        }
        try await harness.measure("access decision with permit", operations: 10_000) {
            _ = await trust.layer.access.permit(OpenCredential.self, on: resource, as: trust.context())
        }
    }
}
