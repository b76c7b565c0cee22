// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveTesting
import Testing

@testable import ReeveVault

/// How often a key may seal.
@Suite struct UseLimitTests {
    /// A key that has sealed for the host as often as it may gets a successor, and what it sealed still opens.
    @Test func aWornKeyIsReplaced() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        let mayStore = try await world.process.permit(
            StoreCredential.self, .credential(of: connection.id), connection.scope)
        let vault = world.process.vault
        let value = try SecretBytes(copying: [1, 2, 3])
        let first = try await vault.seal(value, named: "n", for: connection, mayStore)
        let key = try #require(Envelope.commitment(ofLone: first.bytes))
        #expect(vault.seals.take(key, SealCounts.limit - 2))
        let last = try await vault.seal(value, named: "n", for: connection, mayStore)
        #expect(Envelope.commitment(ofLone: last.bytes) == key)
        let next = try await vault.seal(value, named: "n", for: connection, mayStore)
        #expect(Envelope.commitment(ofLone: next.bytes) != key)
        #expect(
            Envelope.commitment(ofLone: next.bytes)
                == Envelope.commitment(
                    ofLone: try await vault.seal(value, named: "n", for: connection, mayStore).bytes))
        let mayOpen = try await world.process.permit(
            OpenCredential.self, .credential(of: connection.id), connection.scope)
        for sealed in [first, last, next] {
            let count = try await vaultError { () throws(OpenFailure<Never>) in
                try await vault.withSealed(sealed, named: "n", of: connection.id, mayOpen) { $0.byteCount }
            }
            #expect(count == 3)
        }
    }

    /// Many who meet the limit at the same time make one successor.
    @Test func oneSuccessorIsMade() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        let mayStore = try await world.process.permit(
            StoreCredential.self, .credential(of: connection.id), connection.scope)
        let vault = world.process.vault
        let first = try await vault.seal(SecretBytes(copying: [1]), named: "n", for: connection, mayStore)
        let key = try #require(Envelope.commitment(ofLone: first.bytes))
        #expect(vault.seals.take(key, SealCounts.limit - 1))
        let keys = try await withThrowingTaskGroup(of: Digest?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let value = try SecretBytes(copying: [1])
                    return Envelope.commitment(
                        ofLone: try await vault.seal(value, named: "n", for: connection, mayStore).bytes)
                }
            }
            return try await group.reduce(into: Set<Digest?>()) { $0.insert($1) }
        }
        #expect(keys.count == 1 && !keys.contains(key))
        let target = KeyTarget.connection(connection.id)
        let uses = try await vault.uses(of: target, world.process.manage(target, connection.scope))
        #expect(uses.map(\.generation) == [1, 2])
    }

    /// Who meets the limit while another process rotates the key takes the new one, at whatever store call that comes.
    @Test func aSuccessorOfAnotherProcessWillDo() async throws {
        for call in 1...20 {
            let world = try await VaultWorld()
            let connection = world.stage.connection(1)
            let target = KeyTarget.connection(connection.id)
            let store = InterruptedStore(world.store)
            let (slow, process) = (try await world.restarted(over: store), world.process)
            let mayStore = try await slow.permit(
                StoreCredential.self, .credential(of: connection.id), connection.scope)
            let first = try await slow.vault.seal(SecretBytes(copying: [1]), named: "n", for: connection, mayStore)
            #expect(slow.vault.seals.take(try #require(Envelope.commitment(ofLone: first.bytes)), SealCounts.limit - 1))
            store.interrupt(before: call) {
                do {
                    try await process.vault.rotate(target, process.manage(target, connection.scope))
                } catch {
                    Issue.record("\(error)")
                }
            }
            _ = try await slow.vault.seal(SecretBytes(copying: [1]), named: "n", for: connection, mayStore)
            guard store.wasInterrupted else { return #expect(call > 2) }
            let uses = try await process.vault.uses(of: target, process.manage(target, connection.scope))
            #expect(uses.map(\.generation) == [1, 2], "\(call)")
        }
        Issue.record("it never went through")
    }

    /// The counts of many keys are bounded, and those that seal much are not forgotten.
    @Test func countsAreBounded() throws {
        let counts = SealCounts()
        let much = try Digest(hashing: [0xFF])
        #expect(counts.take(much, SealCounts.limit))
        for number in 0..<200_001 {
            let name = withUnsafeBytes(of: number) { Array($0) }
            #expect(counts.take(try Digest(hashing: name)))
        }
        #expect(!counts.take(much))
    }
}
