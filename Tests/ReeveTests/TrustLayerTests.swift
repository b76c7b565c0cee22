// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Testing

@Suite struct TrustLayerTests {
    @Test func aBadConfigurationIsRefusedWithAllDefects() async throws {
        let store = TestStore()
        let authority = try await AccessAuthority.soleOperator(.host("a"), reason: "b", store: store)
        let rule = RetentionRule(
            category: try #require(DataCategory("a")), days: -1, clause: try #require(ClauseReference("P1")))
        let bad = TrustLayer.Configuration(
            vault: .init(keyLifetimeSeconds: 0), catalogue: Catalogue(version: 0, plans: [], statusRules: [:]),
            retention: RetentionSchedule(rules: [rule]))
        do {
            _ = try TrustLayer(
                mainKeys: try MainKeys(LocalMainKey.ephemeral()), authority: authority, audit: .ephemeral(),
                configuration: bad)
            Issue.record("the configuration was taken")
        } catch let error as ConfigurationError {
            #expect(error.defects.count == 3)
            for defect in error.defects { #expect(error.description.contains(defect)) }
        }
    }

    @Test func theConfigurationIsCodable() throws {
        let configuration = TrustLayer.Configuration(vault: .init(keyLifetimeSeconds: 7))
        let data = try JSONEncoder().encode(configuration)
        #expect(try JSONDecoder().decode(TrustLayer.Configuration.self, from: data) == configuration)
    }

    @Test func inMemoryIsOneLine() async throws {
        let trust = try await TrustLayer.inMemory(operator: .host("app"), reason: "trial")
        let company = Company(id: Identifier(high: 1, low: 1), status: .proofOfConcept)
        try await trust.plans.setStatus(company, sequence: 1)
        #expect(try await trust.plans.allowance(of: company.id).remaining == 1000)
        await #expect(throws: AccessError(.reasonMissing)) {
            _ = try await TrustLayer.inMemory(operator: .host("app"), reason: "")
        }
    }

    /// A secret, filled into everything that reaches it, is in no description, dump, mirror or coding.
    @Test func secretsDoNotShow() async throws {
        let canary = "CANARY-5c1d7e"
        let trust = try await TestTrust(over: TestStore())
        let connector = Connector(id: Identifier(high: 1, low: 1), name: "crm", methods: [.oauth2])
        let connection = Connection(id: Identifier(high: 1, low: 2), connector: connector.id, scope: trust.scope)
        let resource = Resource.credential(of: connection.id)
        let credential = try Credential.oauth2(accessToken: SecretBytes(copying: Array(canary.utf8)))
        let receipt = try await trust.layer.vault.store(
            credential, for: connection, of: connector, trust.permit(StoreCredential.self, on: resource))
        let permit = try await trust.permit(OpenCredential.self, on: resource)
        var shown = ["\(receipt)", "\(permit)", "\(trust.layer)", "\(trust.layer.vault)"]
        for value in [receipt, permit, trust.layer, trust.layer.vault, try LocalMainKey.ephemeral()] as [Any] {
            var text = ""
            dump(value, to: &text)
            shown.append(text)
            shown.append(String(reflecting: value))
        }
        try await trust.layer.vault.withCredential(connection.id, permit) { secret in
            shown.append("\(secret.fieldNames) \(secret.method)")
        }
        for changes in trust.store.commits { shown.append("\(changes)") }
        let hex = Hex.encode(canary.utf8)
        let base64 = Data(canary.utf8).base64EncodedString()
        for text in shown {
            #expect(!text.contains(canary) && !text.contains(hex) && !text.contains(base64.prefix(12)))
        }
        // The search finds what does leak.
        #expect("\(["token": canary])".contains(canary))
    }

    /// A place of the host's by the name of a room's would never be asked: it is refused, by name.
    @Test func placesHaveNamesOfTheirOwn() async throws {
        for name in TrustLayer.roomLocations {
            await #expect(throws: ConfigurationError.self) {
                _ = try await TrustLayer.inMemory(
                    operator: .host("t"), reason: "t", locations: [MemoryLocation(name), MemoryLocation("mine")])
            }
        }
        let layer = try await TrustLayer.inMemory(
            operator: .host("t"), reason: "t", locations: [MemoryLocation("mine")])
        #expect(Set(layer.retention.locationNames) == TrustLayer.roomLocations.union(["mine"]))
    }
}
