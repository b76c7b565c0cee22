// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTesting
import ReeveVault
import Testing

/// Every state of the cached and the stored key of an environment and of a connection.
@Suite struct KeyCombinationTests {
    enum Cached: CaseIterable, Sendable { case valid, retired, absent }
    enum Stored: CaseIterable, Sendable { case valid, retired, absent }

    /// What is cached of a connection never outlives what is cached of its environment: 27 of the 81 do not exist.
    private func exists(_ environment: Cached, _ connection: Cached) -> Bool {
        switch (environment, connection) {
        case (.valid, _), (.retired, .retired), (.retired, .absent), (.absent, .absent): true
        default: false
        }
    }

    @Test func everyCombinationDoesWhatItShould() async throws {
        var count = 0
        for cachedEnvironment in Cached.allCases {
            for cachedConnection in Cached.allCases where exists(cachedEnvironment, cachedConnection) {
                for storedEnvironment in Stored.allCases {
                    for storedConnection in Stored.allCases {
                        try await check(cachedEnvironment, cachedConnection, storedEnvironment, storedConnection)
                        count += 1
                    }
                }
            }
        }
        #expect(count == 54)
    }

    private func check(
        _ cachedEnvironment: Cached, _ cachedConnection: Cached, _ storedEnvironment: Stored, _ storedConnection: Stored
    ) async throws {
        let stage = try VaultStage()
        let mainKey = try MainKeyDouble()
        let (store, ledger, keys) = (MemoryStore(), MemoryLedger(), MainKeys(mainKey))
        let maker = try await stage.process(store, ledger, keys)
        let (connection, neighbour) = (stage.connection(1), stage.connection(2))
        let scope = connection.scope
        try await maker.store("neighbour", neighbour)
        let permit = try await maker.permit(StoreCredential.self, .credential(of: connection.id), scope)
        let sealed = try await maker.vault.seal(
            SecretBytes(copying: [1, 2, 3]), named: "n", for: connection, permit)

        let process = try await stage.process(store, ledger, keys)
        func open() async throws -> VaultError? {
            let permit = try await process.permit(OpenCredential.self, .credential(of: connection.id), scope)
            do {
                _ = try await vaultError { () throws(OpenFailure<Never>) in
                    try await process.vault.withSealed(sealed, named: "n", of: connection.id, permit) { $0.byteCount }
                }
                return nil
            } catch let error as VaultError {
                return error
            }
        }
        // What is cached.
        switch (cachedEnvironment, cachedConnection) {
        case (.valid, .valid): #expect(try await open() == nil)
        case (.valid, .retired):
            #expect(try await open() == nil)
            stage.time.advance(by: .seconds(61))
            #expect(try await process.open(neighbour) == "neighbour")
        case (.valid, .absent): #expect(try await process.open(neighbour) == "neighbour")
        case (.retired, .retired):
            #expect(try await open() == nil)
            stage.time.advance(by: .seconds(61))
        case (.retired, _):
            #expect(try await process.open(neighbour) == "neighbour")
            stage.time.advance(by: .seconds(61))
        default: break
        }
        // What is stored: another generation is in force, or the keys are destroyed.
        let own = KeyTarget.connection(connection.id)
        switch storedConnection {
        case .valid: break
        case .retired: try await maker.vault.rotate(own, maker.manage(own, scope))
        case .absent: try await maker.vault.shred(own, maker.manage(own, scope))
        }
        switch storedEnvironment {
        case .valid: break
        case .retired: try await maker.vault.rotate(.environment, maker.manage(.environment, scope))
        case .absent: try await maker.vault.shred(.environment, maker.manage(.environment, scope))
        }
        let asked = mainKey.unwraps
        let failure = try await open()
        let name = "cached \(cachedEnvironment) \(cachedConnection), stored \(storedEnvironment) \(storedConnection)"
        let opens = storedEnvironment != .absent && storedConnection != .absent
        #expect((failure == nil) == opens, "\(name): \(failure as Any)")
        #expect(mainKey.unwraps - asked == (opens && cachedEnvironment != .valid ? 1 : 0), "\(name)")
    }
}
