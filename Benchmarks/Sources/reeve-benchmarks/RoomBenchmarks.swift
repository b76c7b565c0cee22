// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePublishing
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
        try await publishing()
    }

    private func publishing() async throws {
        let block =
            #"{"number":1,"keyword":"action","provider":"crm","as":"a1b2c3","input":{"text":"Hello #{_dp('{\"path\":[\"Email\"]}')}, "#
            + #"we will be in touch shortly about your order","limit":"100"},"uuid":"9c1b6f0e-53e2-4f0f-8a55-7d0f1f1f6b21"}"#
        let count = 100_000 / block.utf8.count
        let recipe = Array(
            (#"{"name":"Bench","code":{"keyword":"trigger","block":["#
                + Array(repeating: block, count: count).joined(separator: ",")
                + #"]},"config":[]}"#).utf8)
        try JSONTokens(recipe).validate()
        try await harness.measure("JSONTokens.validate, \(recipe.count / 1000) kB recipe", operations: 10) {
            try JSONTokens(recipe).validate()
        }
        let scrubber = Scrubber()
        try await harness.measure("whole scrub, \(recipe.count / 1000) kB clean recipe", operations: 3) {
            _ = scrubber.scrub(recipe, as: .workato, for: .publicLibrary)
        }
    }
}
