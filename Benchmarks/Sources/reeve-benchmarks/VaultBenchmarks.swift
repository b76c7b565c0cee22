// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveVault

/// The vault over the store in memory: opening by jobs and by persons, cold tenants, repacking and rewrapping.
struct VaultBenchmarks {
    let harness: Harness

    /// Everything that processes share, and one process for each kind of actor.
    private struct World {
        let store = MemoryStore()
        let ledger = MemoryLedger()
        let keys: MainKeys
        let control: DerivedControlKeys
        let chain: HMACKey
        let connector = Connector(id: Identifier(high: 2, low: 2), name: "crm", methods: [.oauth2])

        init() throws {
            keys = try MainKeys(LocalMainKey.ephemeral())
            control = try DerivedControlKeys(SecretBytes.random(count: 32))
            chain = try HMACKey(SecretBytes.random(count: 32))
        }

        func process(_ actor: ActContext.Actor) async throws -> Process {
            let authority = try await AccessAuthority.soleOperator(actor, reason: "bench", store: store)
            return Process(
                actor: actor, authority: authority,
                vault: Vault(
                    mainKeys: keys, control: control, ledger: AnchorLedger(ledger, authenticator: chain),
                    authority: authority))
        }

        func connection(_ number: Int, in workspace: Int = 1, _ environment: Environment = .production) -> Connection {
            Connection(
                id: Identifier(high: 3, low: UInt64(number)), connector: connector.id,
                scope: Scope(Identifier(high: 1, low: UInt64(workspace)), environment))
        }
    }

    private struct Process {
        let actor: ActContext.Actor
        let authority: AccessAuthority
        let vault: Vault

        func permit<Action: PermitAction>(_: Action.Type, _ resource: Resource, _ scope: Scope) async throws -> Permit<
            Action
        > {
            try await authority.permit(Action.self, on: resource, as: ActContext(actor: actor, scope: scope)).get()
        }

        func store(_ connection: Connection, _ world: World) async throws {
            let permit = try await permit(StoreCredential.self, .credential(of: connection.id), connection.scope)
            let credential = try Credential.oauth2(accessToken: SecretBytes.random(count: 230))
            try await vault.store(credential, for: connection, of: world.connector, permit)
        }
    }

    func run() async throws {
        let world = try World()
        let host = try await world.process(.host("bench"))
        let job = try await world.process(.job(Identifier(high: 9, low: 9)))
        let connections = (0..<1000).map { world.connection($0) }
        for connection in connections { try await host.store(connection, world) }
        let first = connections[0]
        let resource = Resource.credential(of: first.id)
        let byHost = try await host.permit(OpenCredential.self, resource, first.scope)
        let byJob = try await job.permit(OpenCredential.self, resource, first.scope)
        try await harness.compare(
            "vault.withCredential, 256 B, warm keys", operations: 1000,
            [
                .init("by a job, under an open window") {
                    _ = try await job.vault.withCredential(first.id, byJob) { $0.method }
                },
                .init("by a person, entry committed first") {
                    _ = try await host.vault.withCredential(first.id, byHost) { $0.method }
                },
            ])
        var number = 0
        try await harness.measure("the same by a job, over 1,000 connections, permit made", operations: 1000) {
            number = (number + 389) % 1000
            let permit = try await job.permit(
                OpenCredential.self, .credential(of: connections[number].id), first.scope)
            _ = try await job.vault.withCredential(connections[number].id, permit) { $0.method }
        }
        let permit = try await host.permit(StoreCredential.self, resource, first.scope)
        try await harness.measure("vault.store of a further credential", operations: 200) {
            let credential = try Credential.oauth2(accessToken: SecretBytes.random(count: 230))
            try await host.vault.store(credential, for: first, of: world.connector, permit)
        }
        try await batch()
        try await repack()
        try await rewrap()
    }

    /// Many credentials of one environment in one call, the first time and again.
    private func batch() async throws {
        let world = try World()
        let host = try await world.process(.host("bench"))
        let count = harness.scale == 1 ? 500 : 10_000
        let connections = (0..<count).map { world.connection($0) }
        for connection in connections { try await host.store(connection, world) }
        let scope = world.connection(0).scope
        let fresh = try await world.process(.host("bench"))
        let permit = try await fresh.permit(
            OpenCredential.self, KeyTarget.environment.resource(in: scope), scope)
        for name in ["cold", "warm"] {
            let start = clock()
            var fields = 0
            try await fresh.vault.withCredentials(connections.map(\.id), permit) { (_, secret) throws(Never) in
                fields += secret.withField("access_token") { $0.byteCount } == 230 ? 1 : 0
            }
            let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
            print("batch of \(fields) credentials, \(name): \(seconds) s of CPU")
        }
    }

    private func repack() async throws {
        let world = try World()
        let host = try await world.process(.host("bench"))
        let count = harness.scale == 1 ? 300 : 10_000
        let connections = (0..<count).map { number in
            world.connection(number, in: 1 + number / 3, Environment.allCases[number % 3])
        }
        for connection in connections { try await host.store(connection, world) }
        world.keys.use(try LocalMainKey.ephemeral(), for: .everyWorkspace)
        var permits: [Permit<ManageKeys>] = []
        for connection in connections {
            permits.append(
                try await host.permit(
                    ManageKeys.self, KeyTarget.environment.resource(in: connection.scope), connection.scope))
        }
        let start = clock()
        var changed = 0
        for permit in permits { changed += try await host.vault.repack(permit) }
        let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
        print("repack of \(changed) environment keys: \(seconds) s of CPU")
    }

    private func rewrap() async throws {
        let world = try World()
        let host = try await world.process(.host("bench"))
        let count = harness.scale == 1 ? 1000 : 50_000
        let began = clock()
        for number in 0..<count { try await host.store(world.connection(number), world) }
        print("store of \(count) connections: \(Double(clock() - began) / Double(CLOCKS_PER_SEC)) s of CPU")
        let scope = world.connection(0).scope
        let permit = try await host.permit(ManageKeys.self, KeyTarget.environment.resource(in: scope), scope)
        try await host.vault.rotate(.environment, permit)
        let start = clock()
        let report = try await host.vault.rewrap(permit)
        let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
        print("rewrap of \(report.changed) connection keys: \(seconds) s of CPU")
    }
}
