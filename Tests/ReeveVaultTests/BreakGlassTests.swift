// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Testing

/// Emergency access to a credential: by two other persons, after an alarm, for a while, once.
@Suite struct BreakGlassTests {
    private let workspace = Identifier<Workspace>(high: 1, low: 1)
    private let ada = ActContext.Actor.person(Identifier(high: 8, low: 1))
    private let bo = ActContext.Actor.person(Identifier(high: 8, low: 2))
    private let cy = ActContext.Actor.person(Identifier(high: 8, low: 3))
    private let dev = ActContext.Actor.person(Identifier(high: 8, low: 4))

    @Test func twoOthersLetSomebodyOpen() async throws {
        let (time, store) = (ManualTime(), SpyStore(TestStore()))
        let keys = try DerivedControlKeys(SecretBytes.random(count: 32))
        let production = Scope(workspace, .production)
        func give(_ role: RoleName, _ actor: ActContext.Actor, _ scope: Scope) -> Grant {
            Grant(role, to: Principal(actor), in: .scope(scope), reason: "first")
        }
        var grants = [ada, bo, cy].map { give("owner", $0, Scope(workspace)) }
        grants += [ada, bo, cy].map { give("owner", $0, .platform) } + [give("developer", dev, production)]
        let authority = try await AccessAuthority.create(
            AccessPolicy(grants: grants), by: .host("setup"), reason: "first start", store: store, keys: keys,
            time: time)
        let ledger = AnchorLedger(
            MemoryLedger(), authenticator: try HMACKey(SecretBytes.random(count: 32)), time: time)
        let vault = Vault(
            mainKeys: try MainKeys(LocalMainKey.ephemeral()), control: keys, ledger: ledger, authority: authority)
        let connector = Connector(id: Identifier(high: 2, low: 2), name: "crm", methods: [.oauth2])
        let connection = Connection(id: Identifier(high: 3, low: 1), connector: connector.id, scope: production)
        func permit<Action>(
            _: Action.Type, _ resource: Resource, _ actor: ActContext.Actor, _ scope: Scope
        ) async throws -> Permit<Action> {
            try await authority.permit(Action.self, on: resource, as: ActContext(actor: actor, scope: scope)).get()
        }
        let resource = Resource.credential(of: connection.id)
        try await vault.store(
            Credential.oauth2(accessToken: SecretBytes(copying: [1, 2, 3])), for: connection, of: connector,
            permit(StoreCredential.self, resource, dev, production))

        await #expect(throws: (any Error).self) { _ = try await permit(OpenCredential.self, resource, ada, production) }
        let emergency = Grant(
            "operator", to: Principal(ada), in: .scope(production), until: time.now.advanced(by: .seconds(3600)),
            reason: "outage")
        let quorum = try await authority.propose(
            .breakGlass(emergency), in: production, reason: "outage", for: 3600,
            permit(ProposeMatter.self, .access(in: Scope(workspace)), ada, Scope(workspace)))
        let context = ActContext(actor: ada, scope: production)
        for person in [bo, cy] {
            await #expect(throws: AccessError(.notApproved)) { try await authority.activate(quorum.id, as: context) }
            try await authority.approve(
                quorum.id, permit(ApproveMatter.self, .quorum(quorum.id), person, production))
        }
        _ = try await authority.activate(quorum.id, as: context)
        await #expect(throws: AccessError(.alreadyUsed)) { try await authority.activate(quorum.id, as: context) }

        let mayOpen = try await permit(OpenCredential.self, resource, ada, production)
        let count = try await vaultError { () throws(OpenFailure<Never>) in
            try await vault.withCredential(connection.id, mayOpen) { $0.withField("access_token") { $0.byteCount } }
        }
        #expect(count == 3)
        // The alarm was committed before anything was opened.
        let commits = store.commits.map { commit in commit.changes.keys.map(\.description).joined(separator: " ") }
        let alarm = try #require(commits.firstIndex { $0.contains("outbox") && $0.contains("access.grant") })
        let opening = try #require(try store.auditEntries().last)
        #expect(opening.action == "vault.credential.open" && opening.context.actor == ada)
        #expect(alarm < commits.count - 1)

        // When its time is over it opens nothing, also by the permit that was given before.
        time.advance(by: .seconds(3600))
        await #expect(throws: (any Error).self) { _ = try await permit(OpenCredential.self, resource, ada, production) }
        await #expect(throws: VaultError(.refused)) {
            try await vaultError { () throws(OpenFailure<Never>) in
                try await vault.withCredential(connection.id, mayOpen) { $0.method }
            }
        }
    }
}
