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

/// Scheduled destruction, envelope mode, verification and the loss of a ledger.
@Suite struct VaultWorkTests {
    /// A credential that is stored anew while it is opened opens as the old or the new one.
    @Test func anOpeningMeetsAStore() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("v0", connection)
        let reader = try await world.stage.process(YieldingStore(world.store), world.ledger, world.keys)
        #expect(try await reader.open(connection) == "v0")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for number in 1...60 { try await world.process.store("v\(number)", connection) }
            }
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<60 {
                        let value = try await reader.open(connection)
                        #expect(value.hasPrefix("v"))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await reader.open(connection) == "v60")
    }

    /// A scheduled destruction takes place on its day, and not while the clocks disagree.
    @Test func destructionFallsDue() async throws {
        let world = try await VaultWorld()
        let (one, two) = (world.stage.connection(1), world.stage.connection(2))
        try await world.process.store("one", one)
        try await world.process.store("two", two)
        for connection in [one, two] {
            let target = KeyTarget.connection(connection.id)
            try await world.process.vault.scheduleDestruction(
                of: target, after: 2, world.process.manage(target, connection.scope))
        }
        let target = KeyTarget.connection(two.id)
        try await world.process.vault.resume(target, world.process.manage(target, two.scope))
        // The wall clock alone says that the day has come.
        world.stage.time.jump(by: .seconds(86_400 * 3))
        try await world.process.work()
        #expect(try await StoreImage(world.store, [world.stage.workspace]).keys(of: "vault.key").count == 3)
        world.stage.time.jump(by: .seconds(-86_400 * 3))
        world.stage.time.advance(by: .seconds(86_400 * 2))
        try await world.process.work()
        let image = try await StoreImage(world.store, [world.stage.workspace])
        #expect(image.keys(of: "vault.key").count == 2 && image.keys(of: "vault.credential").count == 1)
        #expect(image.keys(of: "vault.due").isEmpty)
        #expect(try await world.process.failure(one)?.code == .cannotOpen)
        #expect(try await world.process.open(two) == "two")
        let other = KeyTarget.connection(one.id)
        await #expect(throws: VaultError(.wrongState)) {
            try await world.process.vault.resume(other, world.process.manage(other, one.scope))
        }
    }

    /// Envelope mode: what the host keeps opens only as what it was sealed for.
    @Test func whatTheHostKeepsOpensOnlyAsItself() async throws {
        let world = try await VaultWorld()
        let (one, two) = (world.stage.connection(1), world.stage.connection(2))
        func seal(_ text: String, _ name: String, _ connection: Connection) async throws -> SealedCredential {
            let permit = try await world.process.permit(
                StoreCredential.self, .credential(of: connection.id), connection.scope)
            return try await world.process.vault.seal(
                SecretBytes(copying: Array(text.utf8)), named: name, for: connection, permit)
        }
        func open(_ sealed: SealedCredential, _ name: String, _ connection: Connection) async throws -> Int {
            let permit = try await world.process.permit(
                OpenCredential.self, .credential(of: connection.id), connection.scope)
            return try await vaultError { () throws(OpenFailure<Never>) in
                try await world.process.vault.withSealed(sealed, named: name, of: connection.id, permit) {
                    $0.byteCount
                }
            }
        }
        let (mine, theirs) = (try await seal("hello", "token", one), try await seal("other", "token", two))
        #expect(mine.bytes.count == 5 + 70 && mine.bytes.prefix(2) == [0xC1, 2])
        #expect(try await open(mine, "token", one) == 5)
        for (sealed, name, connection) in [(mine, "tokem", one), (mine, "token", two), (theirs, "token", one)] {
            await #expect(throws: VaultError(.cannotOpen)) { _ = try await open(sealed, name, connection) }
        }
        for name in ["", String(repeating: "x", count: 256)] {
            await #expect(throws: VaultError(.invalidName)) { _ = try await seal("x", name, one) }
        }
        for count in [0, 1, 69, 74] {
            let cut = SealedCredential(bytes: Array(mine.bytes.prefix(count)))
            await #expect(throws: VaultError(.cannotOpen)) { _ = try await open(cut, "token", one) }
        }
        // The key of a rotated generation still opens.
        let target = KeyTarget.connection(one.id)
        try await world.process.vault.rotate(target, world.process.manage(target, one.scope))
        #expect(try await open(mine, "token", one) == 5)
    }

    /// What is wrong is found, each with its kind, and nothing where nothing is.
    @Test func verificationFindsWhatIsWrong() async throws {
        let world = try await VaultWorld()
        let connections = (1...3).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("v", connection) }
        let earlier = try await StoreImage(world.store, [world.stage.workspace])
        try await world.process.store("w", connections[0])
        let scope = world.stage.scope()
        func verify(_ process: VaultProcess, expecting position: LedgerPosition? = nil) async throws
            -> VaultVerification
        {
            try await process.vault.verify(process.manage(.environment, scope), expecting: position)
        }
        let whole = try await verify(world.process)
        #expect(whole.defects.isEmpty && whole.examined == 7 && whole.ledger.lines == 1)
        let image = try await StoreImage(world.store, [world.stage.workspace])
        let row = try #require(image.keys(of: "vault.credential").first)
        var rolledBack = image
        rolledBack.records[row] = earlier.records[row]
        var gone = image
        gone.records[row] = nil
        for (changed, kind) in [(rolledBack, VaultVerification.Defect.Kind.tampered), (gone, .missing)] {
            let found = try await verify(
                try await world.stage.process(await changed.store(), world.ledger, world.keys))
            #expect(found.defects.map(\.kind) == [kind] && found.defects[0].subject.hasSuffix("\(connections[0].id)"))
        }
        // A set that was removed, one that was altered, and the other places are looked at all the same.
        let set = try #require(image.keys(of: "vault.keys").first { "\($0)".contains("/connection/") })
        for bytes in [nil, Array("{}".utf8)] as [[UInt8]?] {
            var changed = image
            changed.records[set] = bytes
            let found = try await verify(
                try await world.stage.process(await changed.store(), world.ledger, world.keys))
            #expect(found.defects.map(\.kind) == [.tampered] && found.examined == whole.examined - 2)
        }
        // Another main key.
        let stranger = try await world.stage.process(
            world.store, world.ledger, MainKeys(try LocalMainKey.ephemeral()))
        #expect(Set(try await verify(stranger).defects.map(\.kind)) == [.mainKeyMissing])
        // Store and ledger put back together are found by who remembers.
        let lines = try await world.ledger.lines(from: 0, limit: 100)
        let target = KeyTarget.connection(connections[1].id)
        try await world.process.vault.shred(target, world.process.manage(target, scope))
        let held = try await verify(world.process).ledger
        let both = try await world.stage.process(await image.store(), MemoryLedger(lines), world.keys)
        #expect(try await verify(both).defects.isEmpty)
        #expect(try await verify(both, expecting: held).defects.map(\.kind) == [.ledgerBehind])
        // Also when somebody else's acts have made the ledger as long again.
        try await both.store("x", world.stage.connection(9, in: Identifier(high: 1, low: 77)))
        let grown = try await verify(both, expecting: held)
        #expect(grown.ledger.lines == held.lines && grown.defects.map(\.kind) == [.ledgerBehind])
        #expect(try await verify(both, expecting: verify(both).ledger).defects.isEmpty)
        // The store alone.
        let behind = try await world.stage.process(await image.store(), world.ledger, world.keys)
        #expect(Set(try await verify(behind).defects.map(\.kind)) == [.storeBehind])
    }

    /// A credential whose key is gone is listed and explained, without any main key, and can be deleted.
    @Test func whatDoesNotOpenIsListedAndDeleted() async throws {
        let world = try await VaultWorld()
        let connections = (1...5).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("v", connection) }
        let scope = world.stage.scope()
        let suspended = KeyTarget.connection(connections[1].id)
        try await world.process.vault.suspend(suspended, world.process.manage(suspended, scope))
        let process = try await world.stage.process(world.store, world.ledger, MainKeys())
        func list(after last: Identifier<Connection>? = nil, limit: Int = 100) async throws -> [ConnectionDescription] {
            let permit = try await process.permit(
                ReadConnections.self, KeyTarget.environment.resource(in: scope), scope)
            return try await process.vault.connections(after: last, limit: limit, permit)
        }
        let all = try await list()
        #expect(
            all.map(\.connection) == connections.map(\.id) && all.allSatisfy { $0.credential?.environmentOpens == true }
        )
        #expect(all.map(\.credential?.keyState) == [.active, .suspended, .active, .active, .active])
        let pages = try await list(limit: 2) + list(after: connections[1].id, limit: 3)
        #expect(pages == all)
        #expect(try await process.failure(connections[0])?.code == .mainKeyMissing)
        let permit = try await process.permit(DestroyCredential.self, .credential(of: connections[0].id), scope)
        try await process.vault.destroy(connections[0].id, permit)
        #expect(try await list().map(\.state) == [.disconnected, .connected, .connected, .connected, .connected])
        try await process.vault.destroy(connections[0].id, permit)
        #expect(try await list().map(\.connection) == connections.dropFirst().map(\.id))
        // The environment's key is closed: still listed, and it says so.
        try await world.process.vault.suspend(.environment, world.process.manage(.environment, scope))
        let closed = try await list()
        #expect(closed.count == 4 && closed.allSatisfy { $0.credential?.environmentOpens == false })
    }

    /// Many at once: each in its turn, each with its entry before it; what does not open keeps no other.
    @Test func manyOpenAtOnce() async throws {
        let world = try await VaultWorld()
        let connections = (1...205).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("v\(connection.id)", connection) }
        let scope = world.stage.scope()
        for closed in [connections[3], connections[100]] {
            let target = KeyTarget.connection(closed.id)
            try await world.process.vault.suspend(target, world.process.manage(target, scope))
        }
        let spy = SpyStore(world.store)
        let process = try await world.stage.process(spy, world.ledger, world.keys)
        let unknown = world.stage.connection(999)
        let asked = connections.map(\.id) + [unknown.id]
        let permit = try await process.permit(OpenCredential.self, KeyTarget.environment.resource(in: scope), scope)
        var lent: [Identifier<Connection>] = []
        let failures = try await vaultError { () throws(OpenFailure<Never>) in
            try await process.vault.withCredentials(asked, permit) { (connection, secret) throws(Never) in
                let isRight = secret.withField("access_token") { span in
                    (0..<span.byteCount).map { span.byte($0) } == Array("v\(connection)".utf8)
                }
                #expect(isRight == true)
                // Its own entry is there before it is lent.
                let entries = try? spy.auditEntries()
                #expect(entries?.contains { $0.resource == connection.description && $0.outcome == .success } == true)
                lent.append(connection)
            }
        }
        #expect(Set(failures.keys) == [connections[3].id, connections[100].id, unknown.id])
        #expect(lent == asked.filter { failures[$0] == nil })
        let entries = try spy.auditEntries().filter { $0.action == "vault.credential.open" }
        #expect(entries.count == asked.count && entries.filter { $0.outcome == .refused }.count == 3)
        #expect(Set(entries.map(\.resource)) == Set(asked.map(\.description)))
        // What is closed or replaced while others are lent is not lent as it was.
        let others = try await world.stage.process(world.store, world.ledger, world.keys)
        let (second, third) = (connections[1], connections[2])
        var seen: [String] = []
        let late = try await vaultError { () throws(OpenFailure<Never>) in
            try await process.vault.withCredentials(connections.prefix(4).map(\.id), permit) {
                (connection, secret) throws(Never) in
                seen.append(
                    secret.withField("access_token") { span in
                        String(decoding: (0..<span.byteCount).map { span.byte($0) }, as: UTF8.self)
                    } ?? "")
                guard connection == connections[0].id else { return }
                let target = KeyTarget.connection(second.id)
                do {
                    try await others.vault.suspend(target, others.manage(target, scope))
                    try await others.store("replaced", third)
                } catch {
                    Issue.record("\(error)")
                }
                world.stage.time.advance(by: .seconds(1))
            }
        }
        #expect(Set(late.keys) == [second.id, connections[3].id])
        #expect(seen == ["v\(connections[0].id)", "replaced"])
        // When the body throws, the rest is not lent; and what cannot be recorded is not lent.
        struct Stop: Error {}
        var count = 0
        _ = try? await process.vault.withCredentials(asked, permit) { (_, secret) throws(Stop) in
            _ = secret.method
            count += 1
            if count == 2 { throw Stop() }
        }
        #expect(count == 2)
        for call in 1...100 {
            let spy = SpyStore(world.store)
            let faulty = FaultyStore(spy, failing: call + 1, with: .crash)
            let process = try await world.stage.process(faulty, world.ledger, world.keys)
            let permit = try await process.permit(OpenCredential.self, KeyTarget.environment.resource(in: scope), scope)
            var lent: [String] = []
            _ = try? await process.vault.withCredentials(Array(asked.prefix(3)), permit) {
                (connection, secret) throws(Stop) in
                _ = secret.method
                lent.append(connection.description)
            }
            let recorded = try spy.auditEntries().filter { $0.outcome == .success }.map(\.resource)
            #expect(lent.allSatisfy(recorded.contains))
            if faulty.calls <= call { break }
            #expect(call < 100)
        }
    }

    /// A batch that takes longer than its permit lasts is not finished under it.
    @Test func aBatchEndsWithItsPermit() async throws {
        let world = try await VaultWorld()
        let connections = (1...200).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("v", connection) }
        let scope = world.stage.scope()
        let permit = try await world.process.permit(
            OpenCredential.self, KeyTarget.environment.resource(in: scope), scope)
        var lent = 0
        let failures = try await vaultError { () throws(OpenFailure<Never>) in
            try await world.process.vault.withCredentials(connections.map(\.id), permit) { (_, secret) throws(Never) in
                _ = secret.method
                lent += 1
                if lent == 1 { world.stage.time.advance(by: .seconds(31)) }
            }
        }
        #expect(lent == 1 && failures.count == 199 && failures.values.allSatisfy { $0.code == .refused })
    }

    /// Who can write to the store can plant keys of every kind: no call ends the process, or finds something in them.
    @Test func plantedKeysEndNothing() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        let scope = world.stage.scope()
        let partition = Partition(world.stage.workspace)
        let long = String(repeating: "x", count: 300)
        let leaves = [
            "9223372036854775807", "-9223372036854775808", "2562047788015215", "0000010000", "+5", "", long, "\u{0}",
            "conn_", "10000000",
        ]
        let past = world.stage.time.now.microseconds - 1
        var planted: [Key] = []
        for level in ["hour", "connection", "index", "environment", "?"] {
            for leaf in leaves {
                let place: [Key.Element] = [.text("production"), .text(level), .text(leaf)]
                planted.append(Key(partition, [.text("vault.keys")] + place))
                planted.append(Key(partition, [.text("vault.key")] + place + [.text("0000000001")]))
                planted.append(Key(partition, [.text("vault.credential"), .text("production"), .text(leaf)]))
                planted.append(Key(partition, [.text("vault.connection"), .text("production"), .text(leaf)]))
                let due: [Key.Element] = [.text("vault.due"), .integer(past), .text(world.stage.workspace.description)]
                planted.append(Key(.platform, due + place))
                planted.append(Key(.platform, [.text("vault.due"), .integer(past), .text(leaf)]))
            }
        }
        for key in planted where key.bytes.count < 1000 {
            for bytes in [Array("{}".utf8), Array(#"{"schema":1,"value":{}}"#.utf8), [0xFF]] {
                var changes = Changes()
                changes.write(key, bytes)
                try await world.store.commit(changes)
            }
        }
        let process = try await world.restarted()
        let (vault, now) = (process.vault, world.stage.time.now)
        func manage() async throws -> Permit<ManageKeys> { try await process.manage(.environment, scope) }
        _ = try? await vault.drawing(manage())
        _ = try? await vault.verify(manage())
        _ = try? await vault.health(manage())
        _ = try? await vault.rewrap(manage())
        _ = try? await vault.reseal(manage())
        _ = try? await vault.repack(manage())
        _ = try? await vault.runOnce()
        let later = now.advanced(by: .seconds(36_000))
        _ = try? await vault.pinJobData(from: now, through: later, for: "x", manage())
        let mayRead = try await process.permit(
            ReadConnections.self, KeyTarget.environment.resource(in: scope), scope)
        _ = try? await vault.connections(limit: 1000, mayRead)
        #expect(try await process.open(connection) == "v")
        // Planted shares of the list of what is due do not stay in the way either.
        try await vault.scheduleDestruction(
            of: .connection(connection.id), after: 1, process.manage(.connection(connection.id), scope))
        world.stage.time.advance(by: .seconds(86_400))
        try await vault.runOnce()
        #expect(
            try await StoreImage(world.store, [world.stage.workspace]).keys(of: "vault.key").allSatisfy {
                !"\($0)".contains(connection.id.description)
            })
    }

    /// The drawing names every key under the one that wraps it.
    @Test func theKeysAreDrawn() async throws {
        let world = try await VaultWorld()
        for number in 1...4 { try await world.process.store("v", world.stage.connection(UInt64(number))) }
        _ = try await world.seal("payload", world.job(1))
        let scope = world.stage.scope()
        let one = KeyTarget.connection(world.stage.connection(1).id)
        try await world.process.vault.rotate(.environment, world.process.manage(.environment, scope))
        try await world.process.vault.rotate(one, world.process.manage(one, scope))
        try await world.process.vault.suspend(one, world.process.manage(one, scope))
        let drawing = try await world.process.vault.drawing(world.process.manage(.environment, scope))
        // A main key, two of the environment, four connections of which one has two, and an hour.
        #expect(drawing.nodes.count == 1 + 2 + 5 + 1 && drawing.omitted == 0)
        #expect(drawing.nodes.filter { $0.parent == nil }.map(\.name) == ["main key"])
        #expect(drawing.nodes.filter { $0.state == .suspended }.count == 2)
        let lines = drawing.text.split(separator: "\n")
        #expect(
            lines.count == 9 && lines[0].hasPrefix("main key · local:")
                && lines[1].hasPrefix("  environment production"))
        #expect(lines.filter { $0.hasPrefix("    conn_") }.count == 5)
        #expect(drawing.mermaid.hasPrefix("flowchart TD\n  k0[\"main key"))
        #expect(drawing.mermaid.split(separator: "\n").filter { $0.contains("-->") }.count == 8)
        let short = try await world.process.vault.drawing(limit: 2, world.process.manage(.environment, scope))
        #expect(short.omitted == 3 && short.text.hasSuffix("and 3 more"))
    }

    /// A ledger that lost lines opens nothing until the loss is accepted; what the store closed stays closed.
    @Test func aLostLedgerIsAccepted() async throws {
        let world = try await VaultWorld()
        let (one, two) = (world.stage.connection(1), world.stage.connection(2))
        try await world.process.store("one", one)
        try await world.process.store("two", two)
        let target = KeyTarget.connection(one.id)
        let before = try await StoreImage(world.store, [world.stage.workspace])
        try await world.process.vault.shred(target, world.process.manage(target, one.scope))
        let told = MemoryLedger()
        let process = try await world.stage.process(world.store, told, world.keys)
        #expect(try await process.failure(two)?.code == .ledgerBehind)
        try await process.vault.acceptLedgerLoss(process.manage(.environment, one.scope))
        #expect(try await process.open(two) == "two")
        #expect(try await process.failure(one)?.code == .cannotOpen)
        // The ledger has been told again: a store from before the shredding opens nothing either.
        let restored = try await world.stage.process(await before.store(), told, world.keys)
        #expect(try await restored.failure(one)?.code == .ledgerBehind)
        try await restored.vault.acceptLedgerLoss(restored.manage(.environment, one.scope))
        #expect(try await restored.failure(one)?.code == .cannotOpen)
        #expect(try await restored.open(two) == "two")
        await #expect(throws: VaultError(.wrongState)) {
            try await process.vault.acceptLedgerLoss(process.manage(.environment, one.scope))
        }
    }

    /// The main key changes: everything still opens, and the old one is not needed afterwards.
    @Test func theMainKeyChanges() async throws {
        let world = try await VaultWorld()
        let connections = (1...4).map { world.stage.connection($0, $0 % 2 == 0 ? .test : .production) }
        for connection in connections { try await world.process.store("v\(connection.id)", connection) }
        let next = try LocalMainKey.ephemeral()
        try world.keys.use(next, for: .everyWorkspace)
        for environment in [Environment.production, .test] {
            let scope = world.stage.scope(environment)
            let permit = try await world.process.manage(.environment, scope)
            #expect(try await world.process.vault.repack(permit) == 1)
            #expect(try await world.process.vault.repack(permit) == 0)
        }
        let process = try await world.stage.process(world.store, world.ledger, MainKeys(next))
        for connection in connections { #expect(try await process.open(connection) == "v\(connection.id)") }
    }

    /// Rotation at every level: what was sealed before opens, what is sealed then is under the new key, and rewrapping ends.
    @Test func everyLevelRotates() async throws {
        let world = try await VaultWorld()
        let connections = (1...120).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("v", connection) }
        let scope = world.stage.scope()
        let manage = try await world.process.manage(.environment, scope)
        let made = try await world.process.vault.rotate(.environment, manage)
        #expect(made.keysMade.count == 1)
        for connection in connections { #expect(try await world.process.open(connection) == "v") }
        var rounds = 0
        while true {
            let report = try await world.process.vault.rewrap(manage, limit: 50)
            rounds += 1
            if report.isFinished {
                #expect(report.changed == 120 && report.progress.failed == 0)
                break
            }
        }
        #expect(rounds == 3)
        #expect(try await world.process.vault.rewrap(manage).changed == 0)
        // Nothing needs the first environment key any more.
        var image = try await StoreImage(world.store, [world.stage.workspace])
        let first = image.keys(of: "vault.key").first { "\($0)".hasSuffix("environment/0000000001") }
        image.records[try #require(first)] = nil
        let process = try await world.stage.process(await image.store(), world.ledger, world.keys)
        for connection in connections.prefix(10) { #expect(try await process.open(connection) == "v") }
    }
}

/// Throws the vault's error of an opening whose body throws nothing.
func vaultError<R>(_ body: () async throws(OpenFailure<Never>) -> R) async throws -> R {
    do {
        return try await body()
    } catch {
        guard case .vault(let error) = error else { throw error }
        throw error
    }
}

extension VaultProcess {
    /// Does the background work that is due.
    func work() async throws { try await vault.runOnce() }
}
