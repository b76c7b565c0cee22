// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

@testable import ReeveVault

/// Whoever writes to the store makes nothing open to a wrong value.
@Suite struct VaultProperties {
    /// Two workspaces with two environments of two connections each: keys of two generations, a credential beside another, one
    /// that is closed, a shell, what is found by its value, and data of a job.
    private struct World {
        let stage: VaultStage
        let keys: MainKeys
        let lines: [[UInt8]]
        let image: StoreImage
        /// What the store held before some keys were rotated and closed, and some credentials replaced; each time a little later.
        let earlier: [StoreImage]
        /// What opens now; `nil` for what is closed.
        let truth: [(connection: Connection, now: String?)]
        let job = Identifier<Job>(high: 5, low: 1)
        let data: SealedJobData

        init() async throws {
            stage = try VaultStage()
            keys = try MainKeys(LocalMainKey.ephemeral())
            let (store, ledger) = (TestStore(), MemoryLedger())
            let process = try await stage.process(store, ledger, keys)
            let workspaces = [stage.workspace, Identifier<Workspace>(high: 1, low: 2)]
            var truth: [(Connection, String?)] = []
            for workspace in workspaces {
                for environment in [Environment.development, .production] {
                    for _ in 0..<2 {
                        let connection = stage.connection(UInt64(truth.count + 1), environment, in: workspace)
                        truth.append((connection, "secret \(truth.count)"))
                        try await process.store("secret \(truth.count - 1)", connection)
                    }
                }
            }
            var earlier = [try await StoreImage(store, workspaces)]
            // One connection's key, one environment's key, one credential, and one beside it.
            let scope = truth[0].0.scope
            try await process.vault.rotate(
                .connection(truth[0].0.id), process.manage(.connection(truth[0].0.id), scope))
            try await process.vault.rotate(.environment, process.manage(.environment, scope))
            _ = try await process.vault.rewrap(process.manage(.environment, scope))
            earlier.append(try await StoreImage(store, workspaces))
            let replaced = truth[2].0
            let mayStore = try await process.permit(
                StoreCredential.self, .credential(of: replaced.id), replaced.scope)
            try await process.vault.store(
                Credential.oauth2(accessToken: SecretBytes(copying: Array("another".utf8))), for: replaced,
                of: stage.connector, mayStore, findableBy: ["access_token"], overlap: .seconds(86_400))
            truth[2].1 = "another"
            let mayRun = try await process.permit(RunJob.self, Resource(job), replaced.scope)
            data = try await process.vault.sealJobData(SecretBytes(copying: [7]), of: job, mayRun)
            earlier.append(try await StoreImage(store, workspaces))
            for closed in [truth[3].0, truth[5].0] {
                let target = KeyTarget.connection(closed.id)
                try await process.vault.suspend(target, process.manage(target, closed.scope))
            }
            truth[3].1 = nil
            truth[5].1 = nil
            image = try await StoreImage(store, workspaces)
            lines = try await ledger.lines(from: 0, limit: 1000)
            self.earlier = earlier
            self.truth = truth.map { (connection: $0.0, now: $0.1) }
        }

        /// Opens everything in a new process over changed records; returns how many things opened.
        func check(_ changed: StoreImage, _ note: @autoclosure () -> String) async throws -> Int {
            let process = try await stage.process(await changed.store(), MemoryLedger(lines), keys)
            var opened = 0
            for (connection, now) in truth {
                guard let value = try? await process.open(connection) else { continue }
                opened += 1
                #expect(value == now, "\(note())")
            }
            // The credential before, what is found by a value, and the job's data.
            let replaced = truth[2].connection
            let mayOpen = try await process.permit(
                OpenCredential.self, .credential(of: replaced.id), replaced.scope)
            let past = try? await process.vault.withCredential(replaced.id, generation: 1, mayOpen) { secret in
                secret.withField("access_token") { span in (0..<span.byteCount).map { span.byte($0) } }
            }
            if let past {
                opened += 1
                #expect(past == Array("secret 2".utf8), "\(note())")
            }
            let mayRead = try await process.permit(
                ReadConnections.self, KeyTarget.environment.resource(in: replaced.scope), replaced.scope)
            let value = try SecretBytes(copying: Array("another".utf8))
            let found = try? await process.vault.connections(with: value, in: .field("access_token"), mayRead)
            if let found, !found.isEmpty {
                opened += 1
                #expect(found == [replaced.id], "\(note())")
            }
            let mayRun = try await process.permit(RunJob.self, Resource(job), replaced.scope)
            let read = try? await process.vault.withJobData(data, of: job, mayRun) {
                $0.byteCount == 1 ? $0.byte(0) : 0
            }
            if let read {
                opened += 1
                #expect(read == 7, "\(note())")
            }
            return opened
        }

        /// How many things open when nothing was changed.
        static let whole = 6 + 3

        var vaultRecords: [Key] {
            [
                "vault.key", "vault.keys", "vault.credential", "vault.past", "vault.index", "vault.connection",
                "control",
            ].flatMap { image.keys(of: $0) }
        }
    }

    /// Every byte of every stored record counts (clause P2h.1).
    @Test func everyStoredByteMatters() async throws {
        var generator = Scale.current.generator(for: "vault.flips")
        let world = try await World()
        #expect(try await world.check(world.image, "") == World.whole)
        for table in ["vault.key", "vault.keys", "vault.credential", "vault.past", "vault.index"] {
            #expect(!world.image.keys(of: table).isEmpty, "\(table)")
        }
        let flips = Scale.current.cases(ci: 12, soak: 100_000)
        for key in world.vaultRecords {
            let bytes = try #require(world.image.records[key])
            let positions =
                flips >= bytes.count
                ? Array(bytes.indices)
                : (0..<flips).map { _ in
                    Int.random(in: bytes.indices, using: &generator)
                }
            for position in positions {
                var changed = world.image
                changed.records[key]?[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                let opened = try await world.check(changed, "byte \(position) of \(key)")
                #expect(opened < World.whole || isUnused(key, world), "byte \(position) of \(key)")
            }
        }
    }

    /// Wrapped keys of earlier generations, and what belongs to what is closed, are not needed: nothing notices a change of one.
    private func isUnused(_ key: Key, _ world: World) -> Bool {
        let closed = world.truth.filter { $0.now == nil }.map(\.connection.id.description)
        if closed.contains(where: { "\(key)".contains($0) }) { return true }
        // An entry of an index says what it says by its key.
        if key.elements?[1] == .text("vault.index") { return true }
        guard let elements = key.elements, elements[1] == .text("vault.key"), case .text("0000000001")? = elements.last
        else { return false }
        return elements[0] == .text(world.stage.workspace.description) && elements[2] == .text("development")
    }

    /// Every record in the place of every other, and removed.
    @Test func recordsOpenOnlyWhereTheyBelong() async throws {
        var generator = Scale.current.generator(for: "vault.moves")
        let world = try await World()
        let keys = world.vaultRecords
        let isWhole = Scale.current.cases(ci: 0, soak: 1) == 1
        for target in keys {
            var removed = world.image
            removed.records[target] = nil
            _ = try await world.check(removed, "\(target) removed")
            for source in keys where source != target && (isWhole || Int.random(in: 0..<8, using: &generator) == 0) {
                var changed = world.image
                changed.records[target] = world.image.records[source]
                _ = try await world.check(changed, "\(source) at \(target)")
            }
        }
    }

    /// With one connection's key in hand every other record stays closed: three workspaces with three environments of three
    /// connections, each key against each other record (clause S3.3).
    @Test func oneKeyOpensItsOwnRecordsOnly() async throws {
        let world = try await VaultWorld()
        let workspaces = [world.stage.workspace] + (2...3).map { Identifier<Workspace>(high: 1, low: $0) }
        var connections: [Connection] = []
        for workspace in workspaces {
            for environment in Environment.allCases {
                for _ in 0..<3 {
                    connections.append(
                        world.stage.connection(UInt64(connections.count + 1), environment, in: workspace))
                }
            }
        }
        for connection in connections { try await world.process.store("v", connection) }
        let image = try await StoreImage(world.store, workspaces)
        let tree = world.process.vault.tree
        // Each record: what is sealed in it, and what is authenticated with it.
        var rows: [(connection: Connection, row: CredentialRow, context: MainKeyContext)] = []
        var wrapped: [(record: KeyRecord, header: [UInt8])] = []
        var keys: [OpenKey] = []
        for connection in connections {
            let workspace = try #require(connection.scope.workspace)
            let environment = try #require(connection.scope.environment)
            let context = MainKeyContext(workspace: workspace, environment: environment)
            let place = KeyPlace(context, .connection(connection.id))
            let view = try await tree.view(of: context)
            keys.append(try await tree.key(place, .current, view).key)
            let key = CredentialRow.table.key(place.partition, CredentialRow.ids(environment, connection.id))
            let row = try CredentialRow.table.value(of: try #require(image.records[key]), at: key)
            rows.append((connection, row, context))
            for (place, generation) in [(place, Int64(1)), (KeyPlace(context), 1)] {
                let key = KeyRecord.table.key(place.partition, KeyRecord.ids(place, generation))
                let record = try KeyRecord.table.value(of: try #require(image.records[key]), at: key)
                wrapped.append((record, try record.headerDigest(at: place).bytes))
            }
        }
        #expect(keys.count == 27 && Set(keys.map(\.commitment)).count == 27)
        var opened = 0
        for (number, known) in keys.enumerated() {
            for (other, (connection, row, context)) in rows.enumerated() {
                let data = row.additionalData(context, connection.id)
                for authenticated in [
                    Envelope.authenticated(known, data), Envelope.authenticated(keys[other], data),
                ] {
                    let content = (try? Envelope.open(row.sealed, with: known, authenticated: authenticated).count)
                    #expect((content != nil) == (number == other))
                    opened += content == nil ? 0 : 1
                }
                #expect(Envelope.names(known, in: row.sealed) == (number == other))
            }
            // It wraps nothing: not even its own record opens under it.
            for (record, header) in wrapped {
                for data in [header, []] {
                    #expect((try? known.handle.open(record.wrapped[...], authenticating: data).count) == nil)
                }
            }
        }
        #expect(opened == 54)
    }

    /// Every record as it was before, a credential under a live key among them.
    @Test func earlierRecordsOpenNothing() async throws {
        let world = try await World()
        var count = 0
        for (number, earlier) in world.earlier.enumerated() {
            let keys = Set(world.vaultRecords).union(earlier.records.keys)
            for key in keys.sorted() where earlier.records[key] != world.image.records[key] {
                var changed = world.image
                changed.records[key] = earlier.records[key]
                _ = try await world.check(changed, "\(key) as it was at \(number)")
                count += 1
            }
            // And all of them together: what is closed stays so, by the ledger.
            let process = try await world.stage.process(
                await earlier.store(), MemoryLedger(world.lines), world.keys)
            for (connection, now) in world.truth where now == nil {
                #expect(try await process.failure(connection)?.code == .cannotOpen)
            }
        }
        #expect(count > 20)
    }
}
