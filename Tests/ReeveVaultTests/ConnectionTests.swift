// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Testing

/// What the vault knows of connections without opening anything: states, accounts, values to be found by, shells.
@Suite struct ConnectionTests {
    /// A credential is found by a value of it, exactly, in its environment, until another one takes its place.
    @Test func whatIsIndexedIsFound() async throws {
        let world = try await VaultWorld()
        let connections = (1...4).map { world.stage.connection($0) }
        for (connection, text) in zip(connections, ["same", "other", "same"]) {
            _ = try await world.put(text, connection, findable: ["access_token"])
        }
        _ = try await world.put("same", connections[3])
        #expect(try await world.find("same") == [connections[0].id, connections[2].id])
        #expect(try await world.find("sam").isEmpty)
        #expect(try await world.find("same", .account).isEmpty)
        #expect(try await world.find("same", .field("access_token"), .test).isEmpty)
        // Keys change, and what was indexed is still found.
        let scope = world.stage.scope()
        try await world.process.vault.rotate(.environment, world.process.manage(.environment, scope))
        _ = try await world.process.vault.rewrap(world.process.manage(.environment, scope))
        #expect(try await world.find("same") == [connections[0].id, connections[2].id])
        world.stage.time.advance(by: .seconds(400 * 86_400))
        _ = try await world.put("same", connections[1], findable: ["access_token"])
        #expect(try await world.find("same").count == 3)
        // Replaced, or destroyed: not found any more, and no record is left.
        let earlier = try await world.image()
        _ = try await world.put("new", connections[0], findable: ["access_token"])
        let permit = try await world.process.permit(DestroyCredential.self, .credential(of: connections[2].id), scope)
        try await world.process.vault.destroy(connections[2].id, permit)
        #expect(try await world.find("same") == [connections[1].id])
        #expect(try await StoreImage(world.store, [world.stage.workspace]).keys(of: "vault.index").count == 2)
        // Nor when what was replaced is put back, with all that says so.
        for key in earlier.keys(of: "vault.credential") + earlier.keys(of: "vault.index") {
            var changes = Changes()
            changes.write(key, earlier.records[key] ?? [])
            try await world.store.commit(changes)
        }
        #expect(try await world.find("same") == [connections[1].id])
    }

    /// The index of one environment, or of one name, says nothing about another's; and a record that was planted is no match.
    @Test func indexesAreApart() async throws {
        let world = try await VaultWorld()
        func index(_ name: String, _ environment: Environment, _ text: String = "v") async throws -> BlindIndex {
            let scope = world.stage.scope(environment)
            let permit = try await world.process.permit(
                ReadConnections.self, KeyTarget.environment.resource(in: scope), scope)
            return try await world.process.vault.blindIndex(
                of: SecretBytes(copying: Array(text.utf8)), named: name, permit)
        }
        let all = try await [
            index("a", .production), index("b", .production), index("a", .test), index("a", .production, "w"),
        ]
        #expect(Set(all).count == 4)
        #expect(try await index("a", .production) == all[0])
        #expect(try JSONDecoder().decode(BlindIndex.self, from: JSONEncoder().encode(all[0])) == all[0])
        for name in ["", "a/b", "ä", String(repeating: "a", count: 65)] {
            await #expect(throws: VaultError(.invalidName)) { try await index(name, .production) }
        }
        let (one, two) = (world.stage.connection(1), world.stage.connection(2))
        _ = try await world.put("x", one, findable: ["access_token"])
        _ = try await world.put("y", two, findable: ["access_token"])
        let image = try await StoreImage(world.store, [world.stage.workspace])
        for key in image.keys(of: "vault.index") {
            guard var elements = key.elements else { continue }
            let other = elements.last == .text(one.id.description) ? two.id : one.id
            elements[elements.count - 1] = .text(other.description)
            var changes = Changes()
            changes.write(Key(Partition(world.stage.workspace), Array(elements.dropFirst())), image.records[key] ?? [])
            try await world.store.commit(changes)
        }
        #expect(try await world.find("x") == [one.id])
        #expect(try await world.find("y") == [two.id])
    }

    /// A value of low entropy is not to be found by who reads the store and knows no key: the entry is keyed.
    @Test func anIndexIsNoPlainDigest() async throws {
        let world = try await VaultWorld()
        _ = try await world.put(
            "pin=1234!", world.stage.connection(1), owner: "ann@example.com", findable: ["access_token"])
        let image = try await StoreImage(world.store, [world.stage.workspace])
        for text in ["pin=1234!", "ann@example.com"] {
            let digest = try Digest(hashing: Array(text.utf8))
            let forms = [digest.description, Base64URL.encode(digest.bytes), text]
            for (key, bytes) in image.records {
                let shown = "\(key)" + String(decoding: bytes, as: UTF8.self)
                for form in forms { #expect(!shown.contains(form)) }
            }
        }
    }

    /// An app that is connected again under another account is noticed.
    @Test func anotherAccountNeedsAReason() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        _ = try await world.put("v1", connection, owner: "ann@example.com")
        _ = try await world.put("v2", connection, owner: "ann@example.com")
        await #expect(throws: VaultError(.anotherAccount)) {
            try await world.put("v3", connection, owner: "bob@example.com")
        }
        #expect(try await world.process.open(connection) == "v2")
        _ = try await world.put("v3", connection, owner: "bob@example.com", reason: "ann has left")
        #expect(try await world.process.open(connection) == "v3")
        #expect(try await world.find("bob@example.com", .account) == [connection.id])
        #expect(try await world.find("ann@example.com", .account).isEmpty)
        // Nobody said whose it is.
        _ = try await world.put("v4", connection)
        #expect(try await world.process.open(connection) == "v4")
        let error = VaultError(.anotherAccount)
        #expect(!"\(error)".contains("ann") && !"\(error)".contains("bob"))
    }

    /// The credential before opens for the time of the overlap, and not a moment longer.
    @Test func credentialsOverlap() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        let first = try await world.put("v1", connection)
        let second = try await world.put("v2", connection, overlap: .seconds(600))
        #expect(try await world.process.open(connection) == "v2")
        #expect(try await world.open(connection, generation: first.generation) == "v1")
        #expect(try await world.open(connection, generation: second.generation) == "v2")
        #expect(try await world.list()[0].credential?.earlier.map(\.generation) == [first.generation])
        // Its key is rotated, also the environment's: both open.
        let scope = connection.scope
        let own = KeyTarget.connection(connection.id)
        try await world.process.vault.rotate(own, world.process.manage(own, scope))
        try await world.process.vault.rotate(.environment, world.process.manage(.environment, scope))
        _ = try await world.process.vault.rewrap(world.process.manage(.environment, scope))
        #expect(try await world.open(connection, generation: first.generation) == "v1")
        // Put back later, when its time is over, it stays closed.
        let image = try await StoreImage(world.store, [world.stage.workspace])
        world.stage.time.advance(by: .seconds(599))
        #expect(try await world.open(connection, generation: first.generation) == "v1")
        world.stage.time.advance(by: .seconds(1))
        await #expect(throws: VaultError(.cannotOpen)) {
            try await world.open(connection, generation: first.generation)
        }
        #expect(try await world.process.open(connection) == "v2")
        try await world.process.vault.runOnce()
        let key = try #require(image.keys(of: "vault.past").first)
        #expect(try await world.store.record(for: key) == nil)
        var changes = Changes()
        changes.write(key, try #require(image.records[key]))
        try await world.store.commit(changes)
        await #expect(throws: VaultError(.cannotOpen)) {
            try await world.open(connection, generation: first.generation)
        }
        #expect(try await world.list()[0].credential?.earlier.isEmpty == true)
    }

    /// At most eight are kept, one that was stored without an overlap is gone at once, and a shred closes all.
    @Test func historyIsBounded() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        for number in 1...9 {
            _ = try await world.put("v\(number)", connection, overlap: .seconds(86_400))
        }
        await #expect(throws: VaultError(.tooManyOverlaps)) {
            try await world.put("v10", connection, overlap: .seconds(86_400))
        }
        let earlier = try #require(try await world.list()[0].credential?.earlier.map(\.generation))
        #expect(earlier == Array(1...8))
        for generation in earlier {
            #expect(try await world.open(connection, generation: generation) == "v\(generation)")
        }
        _ = try await world.put("v10", connection)
        await #expect(throws: VaultError(.cannotOpen)) { try await world.open(connection, generation: 9) }
        // Nothing goes, and nothing of before opens, while the clocks disagree.
        world.stage.time.jump(by: .seconds(2 * 86_400))
        _ = try await world.put("v11", connection)
        world.stage.time.jump(by: .seconds(-2 * 86_400))
        #expect(try await world.open(connection, generation: 5) == "v5")
        world.stage.time.jump(by: .seconds(-400))
        await #expect(throws: VaultError(.cannotOpen)) { try await world.open(connection, generation: 5) }
        world.stage.time.jump(by: .seconds(400))
        let target = KeyTarget.connection(connection.id)
        try await world.process.vault.shred(target, world.process.manage(target, connection.scope))
        for generation in [Int64(5), 8, 11] {
            await #expect(throws: VaultError(.cannotOpen)) {
                try await world.open(connection, generation: generation)
            }
        }
        #expect(try await StoreImage(world.store, [world.stage.workspace]).keys(of: "vault.past").isEmpty)
    }

    /// A past credential in the place of another, or of the present one, opens nothing.
    @Test func pastCredentialsStayInTheirPlace() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        for number in 1...3 { _ = try await world.put("v\(number)", connection, overlap: .seconds(86_400)) }
        let image = try await StoreImage(world.store, [world.stage.workspace])
        let rows = image.keys(of: "vault.past") + image.keys(of: "vault.credential")
        #expect(rows.count == 3)
        for target in rows {
            for source in rows where source != target {
                var changed = image
                changed.records[target] = image.records[source]
                let lines = try await world.ledger.lines(from: 0, limit: 100)
                let process = try await world.stage.process(changed.store(), MemoryLedger(lines), world.keys)
                let permit = try await process.permit(
                    OpenCredential.self, .credential(of: connection.id), connection.scope)
                for generation in 1...3 {
                    let text = try? await process.vault.withCredential(
                        connection.id, generation: Int64(generation), permit
                    ) { secret in
                        secret.withField("access_token") { span in
                            String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self)
                        }
                    }
                    #expect(text == nil || text == "v\(generation)")
                }
            }
        }
    }

    /// Shell, connected, lost, connected again, disconnected, gone.
    @Test func aConnectionHasAState() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        let scope = connection.scope
        let mayImport = try await world.process.permit(
            StoreCredential.self, KeyTarget.environment.resource(in: scope), scope)
        let shell = ConnectionShell(
            connection: connection.id, connector: connection.connector, method: .oauth2, metadata: ["from": "backup"])
        #expect(try await world.process.vault.importShells([shell], mayImport) == [connection.id])
        #expect(try await world.process.vault.importShells([shell], mayImport).isEmpty)
        var found = try #require(try await world.list().first)
        #expect(found.state == .shell && found.credential == nil && found.shell == shell)
        #expect(try await world.process.failure(connection)?.detail == .missing)

        _ = try await world.put("v", connection)
        found = try #require(try await world.list().first)
        #expect(found.state == .connected && found.credential?.generation == 1 && found.metadata == ["plan": "gold"])
        #expect(try await world.process.vault.importShells([shell], mayImport).isEmpty)

        let mayOpen = try await world.process.permit(OpenCredential.self, .credential(of: connection.id), scope)
        try await world.process.vault.markLost(connection.id, reason: "401 from the app", mayOpen)
        #expect(try await world.list()[0].state == .lost(reason: "401 from the app", at: world.stage.time.now))
        #expect(try await world.process.open(connection) == "v")
        _ = try await world.put("w", connection)
        #expect(try await world.list()[0].state == .connected)

        let mayDestroy = try await world.process.permit(DestroyCredential.self, .credential(of: connection.id), scope)
        try await world.process.vault.destroy(connection.id, mayDestroy)
        found = try #require(try await world.list().first)
        #expect(found.state == .disconnected && found.credential == nil && found.method == .oauth2)
        await #expect(throws: VaultError(.cannotOpen)) {
            try await world.process.vault.markLost(connection.id, reason: "401", mayOpen)
        }
        try await world.process.vault.destroy(connection.id, mayDestroy)
        #expect(try await world.list().isEmpty)
    }

    /// What another project has is neither replaced nor deleted, be it a shell, and no shell takes an id that has keys.
    @Test func shellsHaveAProject() async throws {
        let world = try await VaultWorld()
        let project = (1...2).map { Identifier<Project>(high: 6, low: $0) }
        let scopes = project.map { Scope(world.stage.workspace, .production, project: $0) }
        func permit<Action>(_: Action.Type, _ resource: Resource, _ scope: Scope) async throws -> Permit<Action> {
            try await world.process.permit(Action.self, resource, scope)
        }
        let shell = ConnectionShell(connection: world.stage.connection(1).id, connector: world.stage.connector.id)
        let own = KeyTarget.environment
        #expect(
            try await world.process.vault.importShells(
                [shell], permit(StoreCredential.self, own.resource(in: scopes[0]), scopes[0])
            ).count == 1)
        let theirs = Connection(id: shell.connection, connector: shell.connector, scope: scopes[1])
        await #expect(throws: VaultError(.cannotOpen)) { try await world.process.store("v", theirs) }
        let resource = Resource.credential(of: shell.connection)
        let other = try await permit(DestroyCredential.self, resource, scopes[1])
        await #expect(throws: VaultError(.cannotOpen)) {
            try await world.process.vault.destroy(shell.connection, other)
        }
        let mine = Connection(id: shell.connection, connector: shell.connector, scope: scopes[0])
        try await world.process.store("v", mine)
        let mayDestroy = try await permit(DestroyCredential.self, resource, scopes[0])
        try await world.process.vault.destroy(shell.connection, mayDestroy)
        try await world.process.vault.destroy(shell.connection, mayDestroy)
        #expect(
            try await world.process.vault.importShells(
                [shell], permit(StoreCredential.self, own.resource(in: scopes[1]), scopes[1])
            ).isEmpty)
    }

    /// A row that was vandalised keeps nobody from listing, replacing and destroying.
    @Test func anAlteredRowHoldsUpNobody() async throws {
        for index in [false, true] {
            let world = try await VaultWorld()
            let (one, two) = (world.stage.connection(1), world.stage.connection(2))
            for connection in [one, two] { _ = try await world.put("v", connection, findable: ["access_token"]) }
            let image = try await StoreImage(world.store, [world.stage.workspace])
            let key = try #require(
                image.keys(of: "vault.credential").first { $0.elements?.last == .text(one.id.description) })
            let text = String(decoding: image.records[key] ?? [], as: UTF8.self)
            let entry = Base64URL.encode([UInt8](repeating: 1, count: 40))
            let many = (0..<300).map { "\"field.f\($0)\":\"\(entry)\"" }.sorted().joined(separator: ",")
            let planted =
                index
                ? text.replacing(/"index":\{[^}]*\}/, with: "\"index\":{\(many)}") : String(text.dropLast(5))
            #expect(planted != text)
            var changes = Changes()
            changes.write(key, Array(planted.utf8))
            try await world.store.commit(changes)
            #expect(try await world.list().map(\.connection) == [two.id])
            #expect(try await world.find("v") == [two.id])
            let permit = try await world.process.permit(DestroyCredential.self, .credential(of: one.id), one.scope)
            if index {
                try await world.process.vault.destroy(one.id, permit)
                #expect(try await world.store.record(for: key) == nil)
            } else {
                _ = try await world.put("w", one)
                #expect(try await world.process.open(one) == "w")
            }
        }
    }

    /// The worst that a caller can give: a clear error, nothing lost, and nothing personal or secret in what is said.
    @Test func badInputIsRefused() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        _ = try await world.put("v", connection, owner: "ann@example.com", findable: ["access_token"])
        let scope = connection.scope
        let resource = Resource.credential(of: connection.id)
        let mayStore = try await world.process.permit(StoreCredential.self, resource, scope)
        let mayOpen = try await world.process.permit(OpenCredential.self, resource, scope)
        let mayRead = try await world.process.permit(
            ReadConnections.self, KeyTarget.environment.resource(in: scope), scope)
        let mayImport = try await world.process.permit(
            StoreCredential.self, KeyTarget.environment.resource(in: scope), scope)
        let vault = world.process.vault
        func error(_ body: () async throws -> Void) async -> VaultError? {
            do {
                try await body()
            } catch let error as VaultError {
                #expect(!"\(error) \(String(reflecting: error))".contains("canary"))
                return error
            } catch {
                Issue.record("another error: \(error)")
            }
            return nil
        }
        func store(
            metadata: [String: String] = [:], findable: [String] = [], overlap: Duration = .zero, owner: String? = nil
        ) async throws {
            var connection = connection
            connection.owner = owner
            let credential = try Credential.oauth2(accessToken: SecretBytes(copying: Array("canary".utf8)))
            try await vault.store(
                credential, for: connection, of: world.stage.connector, mayStore, metadata: metadata,
                findableBy: findable, overlap: overlap)
        }
        let long = String(repeating: "canary", count: 20_000)
        #expect(await error { try await store(metadata: ["k": long]) } == VaultError(.tooLarge))
        #expect(await error { try await store(findable: ["canary"]) } == VaultError(.invalidName))
        #expect(await error { try await store(findable: [long]) } == VaultError(.invalidName))
        #expect(await error { try await store(findable: (0..<9).map { "f\($0)" }) } == VaultError(.invalidName))
        #expect(await error { try await store(owner: long) } == VaultError(.anotherAccount))
        for generation in [Int64.min, -1, 0, 2, .max] {
            let refused = await error { _ = try await world.open(connection, generation: generation) }
            #expect(refused == VaultError(.cannotOpen))
        }
        #expect(
            await error { try await vault.markLost(connection.id, reason: long, mayOpen) }
                == VaultError(.reasonRequired))
        #expect(
            await error { try await vault.markLost(connection.id, reason: " ", mayOpen) } == VaultError(.reasonRequired)
        )
        let shell = ConnectionShell(connection: Identifier(high: 3, low: 9), connector: connection.connector)
        var fat = shell
        fat.metadata = ["k": long]
        let shells = [Array(repeating: shell, count: 1001), [shell, fat]]
        for many in shells {
            #expect(await error { try await vault.importShells(many, mayImport) } == VaultError(.tooLarge))
        }
        #expect(try await vault.importShells([], mayImport).isEmpty)
        #expect(try await vault.importShells([shell, shell], mayImport).count == 1)
        for limit in [Int.min, -1, 0, .max] {
            #expect(try await vault.connections(limit: limit, mayRead).count == (limit == .max ? 2 : 1))
        }
        #expect(try await vault.connections(with: SecretBytes(copying: []), in: .account, mayRead).isEmpty)
        // All that while what was there stayed.
        #expect(try await world.process.open(connection) == "v")
        #expect(try await world.find("ann@example.com", .account) == [connection.id])
        // An overlap without end has one, and one that ends before it begins is none.
        try await store(overlap: .seconds(-5))
        #expect(try await world.list().first?.credential?.earlier.isEmpty == true)
        try await store(overlap: .seconds(Int64.max / 1_000_000))
        let until = try #require(try await world.list().first?.credential?.earlier.first?.until)
        #expect(until == world.stage.time.now.advanced(by: .seconds(90 * 86_400)))
    }

    /// An earlier credential is looked at, resealed and found out like the present one.
    @Test func earlierCredentialsAreVerifiedAndResealed() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        let first = try await world.put("v1", connection, overlap: .seconds(600))
        _ = try await world.put("v2", connection, overlap: .seconds(600))
        let own = KeyTarget.connection(connection.id)
        let scope = connection.scope
        func verified() async throws -> VaultVerification {
            try await world.process.vault.verify(world.process.manage(.environment, scope))
        }
        let before = try await verified()
        #expect(before.defects.isEmpty)
        try await world.process.vault.rotate(own, world.process.manage(own, scope))
        let report = try await world.process.vault.reseal(world.process.manage(.environment, scope))
        #expect(report.changed == 1 && report.progress.failed == 0)
        #expect(try await world.open(connection, generation: first.generation) == "v1")
        let image = try await world.image()
        let key = try #require(image.keys(of: "vault.past").first)
        let present = try #require(image.keys(of: "vault.credential").first)
        for planted in [nil, image.records[present]] {
            var changes = Changes()
            if let planted { changes.write(key, planted) } else { changes.delete(key) }
            try await world.store.commit(changes)
            #expect(try await verified().defects.map(\.kind) == [planted == nil ? .missing : .tampered])
        }
    }

    /// A credential that is stored while a shell is destroyed is not taken with it.
    @Test func aShellIsDestroyedAlone() async throws {
        for call in 1...40 {
            let world = try await VaultWorld()
            let connection = world.stage.connection(1)
            let scope = connection.scope
            _ = try await world.put("other", world.stage.connection(2))
            let mayImport = try await world.process.permit(
                StoreCredential.self, KeyTarget.environment.resource(in: scope), scope)
            let shell = ConnectionShell(connection: connection.id, connector: connection.connector)
            try await world.process.vault.importShells([shell], mayImport)
            // Before the call of that number somebody else stores.
            let store = InterruptedStore(world.store)
            let process = try await world.restarted(over: store)
            let permit = try await process.permit(DestroyCredential.self, .credential(of: connection.id), scope)
            store.interrupt(before: call) { _ = try? await world.put("v", connection) }
            let isDestroyed = (try? await process.vault.destroy(connection.id, permit)) != nil
            guard store.wasInterrupted else { break }
            // Either it was stored after all and opens, or it was destroyed as a credential is: never half.
            let value = try? await world.process.open(connection)
            let image = try await world.image()
            let hasRow = image.keys(of: "vault.credential").contains {
                $0.elements?.last == .text(connection.id.description)
            }
            #expect((value == "v") == hasRow, "call \(call)")
            if !hasRow {
                // It was destroyed as a credential is, with its key, and that is noted.
                #expect(isDestroyed)
                let states = try await world.list().filter { $0.connection == connection.id }.map(\.state)
                #expect(states == [.disconnected], "call \(call)")
            }
            #expect(call < 40)
        }
    }

    /// What is exported holds no secret, and what is imported elsewhere opens nothing.
    @Test func anExportListsAndNeverContains() async throws {
        let world = try await VaultWorld()
        let connections = (1...130).map { world.stage.connection($0) }
        for connection in connections.prefix(3) { _ = try await world.put("canary-\(connection.id)", connection) }
        let exported = try await world.list().map(\.shell)
        let json = String(decoding: try JSONEncoder().encode(exported), as: UTF8.self)
        #expect(exported.count == 3 && !json.contains("canary") && json.contains("gold"))
        let other = Identifier<Workspace>(high: 1, low: 9)
        let scope = world.stage.scope(in: other)
        let permit = try await world.process.permit(
            StoreCredential.self, KeyTarget.environment.resource(in: scope), scope)
        let many =
            exported
            + connections.dropFirst(3).map { connection in
                ConnectionShell(connection: connection.id, connector: connection.connector)
            }
        #expect(try await world.process.vault.importShells(many, permit).count == 130)
        for connection in connections.prefix(3) {
            let there = Connection(id: connection.id, connector: connection.connector, scope: scope)
            #expect(try await world.process.failure(there)?.detail == .missing)
        }
    }

    /// A main key that another process has wrapped with while keys were wrapped anew is still needed.
    @Test func aMainKeyThatIsNeededDoesNotEnd() async throws {
        var seen = 0
        for call in 1...60 {
            let world = try await VaultWorld()
            let scope = world.stage.scope()
            let old = try LocalMainKey.ephemeral()
            let behind = try await world.stage.process(world.store, world.ledger, MainKeys(old))
            try await behind.store("v", world.stage.connection(1))
            // One process has the new main key in force already, another has not.
            let both = MainKeys(old)
            try both.use(try LocalMainKey.ephemeral(), for: .everyWorkspace)
            let store = InterruptedStore(world.store)
            let process = try await world.stage.process(store, world.ledger, both)
            let permit = try await process.manage(.environment, scope)
            store.interrupt(before: call) {
                _ = try? await behind.vault.rotate(.environment, behind.manage(.environment, scope))
            }
            _ = try? await process.vault.repack(permit)
            guard store.wasInterrupted else { break }
            seen += 1
            let horizon = try await process.vault.shredHorizon(permit)
            let image = try await world.image()
            let needed = image.keys(of: "vault.key").contains { key in
                String(decoding: image.records[key] ?? [], as: UTF8.self).contains(old.reference)
            }
            let isOver = horizon.mainKeys.filter { $0.reference == old.reference }.allSatisfy { $0.until != nil }
            #expect(!needed || !isOver, "call \(call)")
            #expect(call < 60)
        }
        #expect(seen > 5)
    }

    /// What an operator is told.
    @Test func healthSaysWhatIsNotWell() async throws {
        let world = try await VaultWorld()
        let scope = world.stage.scope()
        let other = try LocalMainKey.ephemeral()
        func warnings(_ process: VaultProcess) async throws -> Set<VaultHealth.Warning> {
            try await process.vault.health(process.manage(.environment, scope)).warnings
                .subtracting([.memoryNotLocked])
        }
        _ = try await world.put("v", world.stage.connection(1))
        #expect(try await warnings(world.process) == [.noRollbackProtection])
        try world.keys.use(other, for: .everyWorkspace)
        #expect(try await warnings(world.process) == [.noRollbackProtection, .earlierMainKeyNeeded])
        let before = world.stage.time.now
        world.stage.time.advance(by: .seconds(60))
        try await world.process.vault.repack(world.process.manage(.environment, scope))
        #expect(try await warnings(world.process) == [.noRollbackProtection])
        let horizon = try await world.process.vault.shredHorizon(world.process.manage(.environment, scope))
        #expect(horizon.mainKeys.count == 2 && horizon.mainKeys[0].since == before)
        #expect(horizon.mainKeys.map(\.until) == [world.stage.time.now, nil])
        #expect(horizon.mainKeys[1].reference == other.reference)
        #expect(horizon.otherProcesses == .seconds(60))

        try await world.process.vault.suspend(.environment, world.process.manage(.environment, scope))
        #expect(try await warnings(world.process).contains(.keyClosed))
        let bare = try await world.stage.process(world.store, world.ledger, MainKeys())
        #expect(try await warnings(bare).contains(.mainKeyMissing))
        let refusing = try MainKeyDouble()
        let refused = try await world.stage.process(world.store, world.ledger, MainKeys(refusing))
        refusing.set(.denies)
        #expect(try await warnings(refused).contains(.mainKeyRefuses))
        let empty = try await world.stage.process(world.store, MemoryLedger(), world.keys)
        #expect(try await warnings(empty).contains(.ledgerBehind))
        world.stage.time.jump(by: .seconds(400))
        #expect(try await warnings(world.process).contains(.clocksDisagree))
    }
}

extension VaultWorld {
    fileprivate func put(
        _ text: String, _ connection: Connection, owner: String? = nil, reason: String? = nil,
        findable: [String] = [], overlap: Duration = .zero
    ) async throws -> Vault.Receipt {
        var connection = connection
        connection.owner = owner
        let permit = try await process.permit(
            StoreCredential.self, .credential(of: connection.id), connection.scope)
        let credential = try Credential.oauth2(accessToken: SecretBytes(copying: Array(text.utf8)))
        return try await process.vault.store(
            credential, for: connection, of: stage.connector, permit, reason: reason, metadata: ["plan": "gold"],
            findableBy: findable, overlap: overlap)
    }

    fileprivate func find(
        _ text: String, _ index: CredentialIndex = .field("access_token"),
        _ environment: Environment = .production
    ) async throws -> [Identifier<Connection>] {
        let scope = stage.scope(environment)
        let permit = try await process.permit(
            ReadConnections.self, KeyTarget.environment.resource(in: scope), scope)
        return try await process.vault.connections(
            with: SecretBytes(copying: Array(text.utf8)), in: index, permit)
    }

    fileprivate func list() async throws -> [ConnectionDescription] {
        let scope = stage.scope()
        let permit = try await process.permit(
            ReadConnections.self, KeyTarget.environment.resource(in: scope), scope)
        return try await process.vault.connections(permit)
    }

    fileprivate func open(_ connection: Connection, generation: Int64) async throws -> String {
        let permit = try await process.permit(
            OpenCredential.self, .credential(of: connection.id), connection.scope)
        do {
            return try await process.vault.withCredential(connection.id, generation: generation, permit) { secret in
                secret.withField("access_token") { span in
                    String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self)
                } ?? ""
            }
        } catch .vault(let error) {
            throw error
        }
    }
}
