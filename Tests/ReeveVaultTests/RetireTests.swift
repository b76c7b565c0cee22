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

/// Earlier generations of keys: what is under them, and how they are given up.
@Suite struct RetireTests {
    /// An environment's earlier keys are destroyed once nothing is under them, and stay so when the store is put back.
    @Test func earlierKeysOfAnEnvironmentAreGivenUp() async throws {
        let world = try await VaultWorld()
        let connections = (1...3).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("v", connection) }
        let (vault, scope) = (world.process.vault, world.stage.scope())
        func manage() async throws -> Permit<ManageKeys> { try await world.process.manage(.environment, scope) }
        func counts() async throws -> [Int] { try await vault.uses(of: .environment, manage()).map(\.count) }
        #expect(try await counts() == [3])
        #expect(try await vault.retireEarlierKeys(of: .environment, manage()) == 0)
        let before = try await world.image()
        for _ in 0..<2 { try await vault.rotate(.environment, manage()) }
        try await world.process.store("v", world.stage.connection(4))
        #expect(try await counts() == [3, 0, 1])
        let lines = try await world.ledger.lines(from: 0, limit: 100).count
        await #expect(throws: VaultError(.stillNeeded)) {
            try await vault.retireEarlierKeys(of: .environment, manage())
        }
        #expect(try await world.ledger.lines(from: 0, limit: 100).count == lines)
        try await vault.rewrap(manage())
        #expect(try await counts() == [0, 0, 4])
        #expect(try await vault.retireEarlierKeys(of: .environment, manage()) == 2)
        #expect(try await counts() == [4])
        #expect(try await world.ledger.lines(from: 0, limit: 100).count == lines + 1)
        let now = try await world.image()
        #expect(now.keys(of: "vault.key").filter { "\($0)".contains("/environment/") }.count == 1)
        let restarted = try await world.restarted()
        for connection in connections { #expect(try await restarted.open(connection) == "v") }
        #expect(try await vault.verify(manage()).defects.isEmpty)
        // A backup from before opens nothing: its environment key is closed in the ledger.
        let restored = try await world.restarted(over: await before.store())
        for connection in connections { #expect(try await restored.failure(connection)?.code == .cannotOpen) }
        // Nor after the ledger was lost, and that was accepted over the store of now.
        let cut = MemoryLedger(Array(try await world.ledger.lines(from: 0, limit: 100).prefix(lines)))
        let lost = try await world.stage.process(await now.store(), cut, world.keys)
        try await lost.vault.acceptLedgerLoss(lost.manage(.environment, scope))
        #expect(try await lost.open(connections[0]) == "v")
        let again = try await world.stage.process(await before.store(), cut, world.keys)
        #expect(try await again.failure(connections[0])?.code == .cannotOpen)
        // It goes on: the next generation, and work as before.
        try await vault.rotate(.environment, manage())
        try await world.process.store("w", connections[0])
        #expect(try await world.restarted().open(connections[0]) == "w")
    }

    /// A connection's earlier keys: a credential that still opens beside the present one holds them, what the host keeps does
    /// not.
    @Test func earlierKeysOfAConnectionAreGivenUp() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        let (vault, scope) = (world.process.vault, world.stage.scope())
        let target = KeyTarget.connection(connection.id)
        func manage() async throws -> Permit<ManageKeys> { try await world.process.manage(target, scope) }
        try await world.process.store("one", connection)
        let mayStore = try await world.process.permit(
            StoreCredential.self, .credential(of: connection.id), scope)
        let sealed = try await vault.seal(SecretBytes(copying: [1]), named: "n", for: connection, mayStore)
        try await vault.store(
            Credential.oauth2(accessToken: SecretBytes(copying: Array("two".utf8))), for: connection,
            of: world.stage.connector, mayStore, overlap: .seconds(600))
        try await vault.rotate(target, manage())
        // The present one was sealed anew at once, the one beside it by a reseal.
        #expect(try await vault.uses(of: target, manage()).map(\.count) == [1, 1])
        await #expect(throws: VaultError(.stillNeeded)) { try await vault.retireEarlierKeys(of: target, manage()) }
        try await vault.reseal(world.process.manage(.environment, scope))
        #expect(try await vault.uses(of: target, manage()).map(\.count) == [0, 2])
        #expect(try await vault.retireEarlierKeys(of: target, manage()) == 1)
        #expect(try await world.restarted().open(connection) == "two")
        let mayOpen = try await world.process.permit(OpenCredential.self, .credential(of: connection.id), scope)
        await #expect(throws: VaultError(.cannotOpen)) {
            _ = try await vaultError { () throws(OpenFailure<Never>) in
                try await vault.withSealed(sealed, named: "n", of: connection.id, mayOpen) { $0.byteCount }
            }
        }
        // Closed keys are not given up, and neither are those of an unknown connection.
        try await vault.suspend(target, manage())
        await #expect(throws: VaultError(.wrongState)) { try await vault.retireEarlierKeys(of: target, manage()) }
        let unknown = KeyTarget.connection(world.stage.connection(9).id)
        await #expect(throws: VaultError(.cannotOpen)) {
            try await vault.uses(of: unknown, world.process.manage(unknown, scope))
        }
    }

    /// Others go on storing while it is counted, and rotating: what they make is kept.
    @Test(arguments: [true, false]) func othersGoOn(_ rotates: Bool) async throws {
        for call in 1...40 {
            let world = try await VaultWorld()
            let connections = (1...3).map { world.stage.connection($0) }
            for connection in connections { try await world.process.store("v", connection) }
            let (process, scope, late) = (world.process, world.stage.scope(), world.stage.connection(9))
            try await process.vault.rotate(.environment, process.manage(.environment, scope))
            try await process.vault.rewrap(process.manage(.environment, scope))
            let interrupted = InterruptedStore(world.store)
            let slow = try await world.restarted(over: interrupted)
            let permit = try await slow.manage(.environment, scope)
            interrupted.interrupt(before: call) {
                do {
                    if rotates {
                        try await process.vault.rotate(.environment, process.manage(.environment, scope))
                    }
                    try await process.store("late", late)
                } catch {
                    Issue.record("\(error)")
                }
            }
            do {
                #expect(try await slow.vault.retireEarlierKeys(of: .environment, permit) == 1)
            } catch {
                // Another key is in force by now: what is under the one before was not counted.
                #expect(rotates && [.changedMeanwhile, .stillNeeded].contains(error.code), "\(error)")
            }
            guard interrupted.wasInterrupted else { break }
            let restarted = try await world.restarted()
            for connection in connections { #expect(try await restarted.open(connection) == "v", "\(call)") }
            #expect(try await restarted.open(late) == "late", "\(call)")
            #expect(call < 40)
        }
    }

    /// What cannot be read may be under any of them: nothing is given up, and it opens again once it is repaired.
    @Test func whatCannotBeReadIsNotGivenUp() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        let (vault, scope) = (world.process.vault, world.stage.scope())
        func manage() async throws -> Permit<ManageKeys> { try await world.process.manage(.environment, scope) }
        try await vault.rotate(.environment, manage())
        let image = try await world.image()
        let key = try #require(image.keys(of: "vault.key").first { "\($0)".contains("/connection/") })
        let sound = try #require(image.records[key])
        for bytes in [[0xFF], Array(#"{"schema":9,"value":{}}"#.utf8), Array(sound.dropLast())] {
            var changes = Changes()
            changes.write(key, bytes)
            try await world.store.commit(changes)
            #expect(try await vault.rewrap(manage()).progress.failed == 1)
            await #expect(throws: VaultError.self) {
                try await vault.retireEarlierKeys(of: .environment, manage())
            }
        }
        var changes = Changes()
        changes.write(key, sound)
        try await world.store.commit(changes)
        #expect(try await world.restarted().open(connection) == "v")
    }

    /// What a compromised key has wrapped holds up nobody: it opens no more in any case.
    @Test func compromisedKeysAreGivenUp() async throws {
        let world = try await VaultWorld()
        let connections = (1...3).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("v", connection) }
        let (vault, scope) = (world.process.vault, world.stage.scope())
        func manage() async throws -> Permit<ManageKeys> { try await world.process.manage(.environment, scope) }
        try await vault.markCompromised(.environment, manage())
        try await world.process.store("new", connections[0])
        #expect(try await vault.uses(of: .environment, manage()).map(\.state) == [.compromised, .active])
        #expect(try await vault.retireEarlierKeys(of: .environment, manage()) == 1)
        #expect(try await world.restarted().open(connections[0]) == "new")
        #expect(try await world.restarted().failure(connections[1])?.code == .cannotOpen)
        try await world.process.store("again", connections[1])
        #expect(try await world.restarted().open(connections[1]) == "again")
    }

    /// A key can be rotated for ever, as long as what is not needed is given up.
    @Test func aSetOfKeysDoesNotGrow() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        let (vault, scope) = (world.process.vault, world.stage.scope())
        let target = KeyTarget.connection(connection.id)
        for round in 0..<260 {
            try await vault.rotate(target, world.process.manage(target, scope))
            if round % 100 == 99 {
                #expect(try await vault.retireEarlierKeys(of: target, world.process.manage(target, scope)) == 100)
            }
        }
        let image = try await world.image()
        let set = try #require(image.keys(of: "vault.keys").first { "\($0)".contains("/connection/") })
        #expect(try #require(image.records[set]).count < 60_000)
        #expect(try await world.restarted().open(connection) == "v")
    }
}
