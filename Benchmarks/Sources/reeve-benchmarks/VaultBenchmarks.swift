// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveVault
import SwiftCryptoPeer

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
        let naive = NaiveVault()
        let value = [UInt8](repeating: 7, count: 230)
        for number in 0..<1000 { try await naive.store(value, for: UInt64(number)) }
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
                .init("naive, swift-crypto in an actor") { _ = try await naive.open(0) },
            ])
        var number = 0
        try await harness.measure("the same by a job, over 1,000 connections, permit made", operations: 1000) {
            number = (number + 389) % 1000
            let permit = try await job.permit(
                OpenCredential.self, .credential(of: connections[number].id), first.scope)
            _ = try await job.vault.withCredential(connections[number].id, permit) { $0.method }
        }
        try await twoThreads(job, connections)
        let permit = try await host.permit(StoreCredential.self, resource, first.scope)
        try await harness.compare(
            "vault.store of a further credential", operations: 200,
            [
                .init("with its entry, authenticated") {
                    let credential = try Credential.oauth2(accessToken: SecretBytes.random(count: 230))
                    try await host.vault.store(credential, for: first, of: world.connector, permit)
                },
                .init("naive, swift-crypto in an actor") { try await naive.store(value, for: 0) },
            ])
        let sealed = try await host.vault.seal(
            SecretBytes.random(count: 256), named: "column", for: first, permit)
        try await harness.compare(
            "envelope mode, 256 B, each with its entry", operations: 1000,
            [
                .init("vault.seal") {
                    _ = try await host.vault.seal(
                        SecretBytes.random(count: 256), named: "column", for: first, permit)
                },
                .init("vault.withSealed") {
                    _ = try await host.vault.withSealed(sealed, named: "column", of: first.id, byHost) { $0.byteCount }
                },
            ])
        try await coldTenants()
        try await batch()
        try await repack()
        try await rewrap(harness.scale == 1 ? 1000 : 50_000)
        // Some four minutes.
        if CommandLine.arguments.contains("--million") { try await rewrap(1_000_000) }
    }

    /// Lines for `Scripts/compare`: a name, nanoseconds to seal and to open 256 bytes, and how many bytes more they have then.
    func compare() async throws {
        let world = try World()
        let host = try await world.process(.host("bench"))
        let job = try await world.process(.job(Identifier(high: 9, low: 9)))
        let connection = world.connection(1)
        try await host.store(connection, world)
        let resource = Resource.credential(of: connection.id)
        let toStore = try await host.permit(StoreCredential.self, resource, connection.scope)
        let toOpen = try await host.permit(OpenCredential.self, resource, connection.scope)
        let byJob = try await job.permit(OpenCredential.self, resource, connection.scope)
        let secret = (0..<256).map { UInt8($0 * 37 & 255) }
        let key = try KeyHandle(SecretBytes.random(count: 32))
        let data = [UInt8](repeating: 1, count: 64)
        let alone = try key.seal(secret.span.bytes, authenticating: data)
        try await line("Reeve, KeyHandle: the cipher alone", alone.count - 256) {
            _ = try key.seal(secret.span.bytes, authenticating: data)
        } open: {
            _ = try key.open(alone[...], authenticating: data).count
        }
        let sealed = try await host.vault.seal(SecretBytes(copying: secret), named: "column", for: connection, toStore)
        try await line("Reeve, Vault.seal: permit checked, entry committed", sealed.bytes.count - 256) {
            _ = try await host.vault.seal(SecretBytes(copying: secret), named: "column", for: connection, toStore)
        } open: {
            _ = try await host.vault.withSealed(sealed, named: "column", of: connection.id, toOpen) { $0.byteCount }
        }
        let partition = Partition(Identifier<Workspace>(high: 1, low: 1))
        func storeOnce() async throws {
            let credential = try Credential.oauth2(accessToken: SecretBytes(copying: secret))
            try await host.vault.store(credential, for: connection, of: world.connector, toStore)
        }
        try await storeOnce()
        let row = try await world.store.records(
            in: KeyRange(under: Key(partition, [.text("vault.credential")])), limit: 1)
        guard let row = row.first else { throw VaultError(.cannotOpen) }
        try await line("Reeve, Vault.store: and kept; opened by a job", row.record.bytes.count - 256) {
            try await storeOnce()
        } open: {
            _ = try await job.vault.withCredential(connection.id, byJob) { $0.method }
        }
    }

    private func line(
        _ name: String, _ more: Int, seal: () async throws -> Void, open: () async throws -> Void
    ) async throws {
        func nanoseconds(_ body: () async throws -> Void) async throws -> Double {
            for _ in 0..<100 { try await body() }
            let start = ContinuousClock.now
            for _ in 0..<2000 { try await body() }
            return start.duration(to: .now) / .nanoseconds(1) / 2000
        }
        print("\(name)\t\(try await nanoseconds(seal))\t\(try await nanoseconds(open))\t\(more)")
    }

    /// Jobs that open on one thread, then on two at once.
    private func twoThreads(_ job: Process, _ connections: [Connection]) async throws {
        let count = 20_000 * harness.scale / 10
        var permits: [Permit<OpenCredential>] = []
        for connection in connections.prefix(2) {
            permits.append(
                try await job.permit(OpenCredential.self, .credential(of: connection.id), connection.scope))
        }
        for threads in 1...2 {
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (connection, permit) in zip(connections, permits).prefix(threads) {
                    group.addTask {
                        for _ in 0..<count {
                            _ = try await job.vault.withCredential(connection.id, permit) { $0.method }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let perSecond = Double(count * threads) / (start.duration(to: .now) / .seconds(1))
            print("  \(threads) threads at once: \(Int(perSecond)) openings by jobs a second")
        }
    }

    /// The first opening in each of many workspaces by a process that has just started.
    private func coldTenants() async throws {
        let world = try World()
        let host = try await world.process(.host("bench"))
        let connections = (1...1000).map { world.connection($0, in: $0) }
        for connection in connections { try await host.store(connection, world) }
        let fresh = try await world.process(.host("bench"))
        var permits: [Permit<OpenCredential>] = []
        for connection in connections {
            permits.append(
                try await fresh.permit(OpenCredential.self, .credential(of: connection.id), connection.scope))
        }
        let start = clock()
        for (connection, permit) in zip(connections, permits) {
            _ = try await fresh.vault.withCredential(connection.id, permit) { $0.method }
        }
        report("first opening in each of 1,000 workspaces", connections.count, since: start)
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
            report("batch of \(fields) credentials, \(name)", count, since: start)
        }
    }

    /// Under another main key, three times in turn.
    private func repack() async throws {
        let world = try World()
        let host = try await world.process(.host("bench"))
        let count = harness.scale == 1 ? 300 : 10_000
        let connections = (0..<count).map { number in
            world.connection(number, in: 1 + number / 3, Environment.allCases[number % 3])
        }
        for connection in connections { try await host.store(connection, world) }
        var permits: [Permit<ManageKeys>] = []
        for connection in connections {
            permits.append(
                try await host.permit(
                    ManageKeys.self, KeyTarget.environment.resource(in: connection.scope), connection.scope))
        }
        for _ in 0..<3 {
            try world.keys.use(try LocalMainKey.ephemeral(), for: .everyWorkspace)
            let start = clock()
            var changed = 0
            for permit in permits { changed += try await host.vault.repack(permit) }
            report("repack of \(changed) environment keys", changed, since: start)
        }
    }

    private func rewrap(_ count: Int) async throws {
        let world = try World()
        let host = try await world.process(.host("bench"))
        let before = residentBytes()
        let began = clock()
        for number in 0..<count { try await host.store(world.connection(number), world) }
        report("store of \(count) connections", count, since: began)
        print("  \((residentBytes() - before) / count) B of memory a connection, store, key and entry and all")
        let scope = world.connection(0).scope
        let permit = try await host.permit(ManageKeys.self, KeyTarget.environment.resource(in: scope), scope)
        try await host.vault.rotate(.environment, permit)
        let (stored, start) = (residentBytes(), clock())
        let rewrapped = try await host.vault.rewrap(permit)
        report("rewrap of \(rewrapped.changed) connection keys", count, since: start)
        print("  \((residentBytes() - stored) >> 20) MiB of memory more than before")
    }

    private func report(_ title: String, _ count: Int, since start: clock_t) {
        let seconds = Double(clock() - start) / Double(CLOCKS_PER_SEC)
        print(String(format: "%@: %.2f s of CPU, %.1f us each", title, seconds, seconds * 1e6 / Double(count)))
        fflush(nil)
    }
}
