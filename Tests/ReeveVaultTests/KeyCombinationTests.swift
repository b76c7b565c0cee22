// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

@testable import ReeveVault

/// Every state of the cached and the stored key of an environment and of a connection.
@Suite struct KeyCombinationTests {
    /// What a process holds of a key: a usable one, one whose time is over, or none.
    enum Cached: CaseIterable, Sendable { case valid, retired, absent }
    /// What the store says: the same key, another one in force, or none.
    enum Stored: CaseIterable, Sendable { case valid, retired, absent }

    /// All four, and what follows from them.
    struct Combination: CustomStringConvertible, Sendable {
        let cachedEnvironment: Cached
        let cachedConnection: Cached
        let storedEnvironment: Stored
        let storedConnection: Stored

        var description: String {
            "cached \(cachedEnvironment) \(cachedConnection), stored \(storedEnvironment) \(storedConnection)"
        }

        var opens: Bool { storedEnvironment != .absent && storedConnection != .absent }

        /// A connection's key that is no longer usable is unwrapped again, and with it the environment's above it. A
        /// connection's key is never usable for longer than its environment's was.
        var unwrapsConnection: Bool { cachedConnection != .valid || cachedEnvironment == .retired }
        var unwrapsEnvironment: Bool { unwrapsConnection && cachedEnvironment != .valid }

        /// Calls to the main key's provider.
        var unwraps: Int { opens && unwrapsEnvironment ? 1 : 0 }

        /// Reads of the store. What the head covers is not read again while it is the same.
        var reads: Int {
            let readsConnection = storedConnection == .retired || cachedConnection == .absent ? 1 : 0
            guard opens else {
                // The head and what is destroyed, and once more both, since it may have changed in between; where it is the
                // environment, the connection's state was looked at before.
                return 4 + (storedConnection == .absent ? 0 : readsConnection)
            }
            // The head, states that are not known, and the records of the keys that are unwrapped; the head once more after the
            // entry is written.
            return 2 + readsConnection + (storedEnvironment == .retired ? 1 : 0) + (unwrapsConnection ? 1 : 0)
                + (unwrapsEnvironment ? 1 : 0)
        }
    }

    /// All 81: the right outcome, and exactly so many calls of the provider and of the store.
    @Test(arguments: Cached.allCases, Cached.allCases)
    func everyCombinationDoesWhatItShould(_ environment: Cached, _ connection: Cached) async throws {
        for storedEnvironment in Stored.allCases {
            for storedConnection in Stored.allCases {
                try await check(
                    Combination(
                        cachedEnvironment: environment, cachedConnection: connection,
                        storedEnvironment: storedEnvironment, storedConnection: storedConnection))
            }
        }
    }

    private func check(_ combination: Combination) async throws {
        let stage = try VaultStage()
        let mainKey = try MainKeyDouble()
        let (store, ledger, keys) = (TestStore(), MemoryLedger(), MainKeys(mainKey))
        let maker = try await stage.process(store, ledger, keys)
        let (connection, neighbour) = (stage.connection(1), stage.connection(2))
        let scope = connection.scope
        try await maker.store("neighbour", neighbour)
        let permit = try await maker.permit(StoreCredential.self, .credential(of: connection.id), scope)
        let sealed = try await maker.vault.seal(
            SecretBytes(copying: [1, 2, 3]), named: "n", for: connection, permit)

        let counting = CountingStore(store)
        let process = try await stage.process(counting, ledger, keys)
        func open() async throws -> VaultError? {
            let permit = try await process.permit(OpenCredential.self, .credential(of: connection.id), scope)
            counting.reset()
            do {
                _ = try await vaultError { () throws(OpenFailure<Never>) in
                    try await process.vault.withSealed(sealed, named: "n", of: connection.id, permit) { $0.byteCount }
                }
                return nil
            } catch let error as VaultError {
                return error
            }
        }
        switch (combination.cachedEnvironment, combination.cachedConnection) {
        case (.retired, .valid):
            // As late as the environment's key is not renewed.
            #expect(try await process.open(neighbour) == "neighbour")
            stage.time.advance(by: .seconds(40))
            #expect(try await open() == nil)
            stage.time.advance(by: .seconds(21))
        case (let environment, let connection):
            if connection != .absent { #expect(try await open() == nil) }
            if connection == .absent { #expect(try await process.open(neighbour) == "neighbour") }
            if environment == .retired || connection == .retired { stage.time.advance(by: .seconds(61)) }
            if environment == .valid, connection == .retired {
                #expect(try await process.open(neighbour) == "neighbour")
            }
            if environment == .absent { process.vault.tree.cache.evict { $0.place.level == .environment } }
        }
        // What is stored: another generation is in force, or the keys are destroyed.
        let own = KeyTarget.connection(connection.id)
        switch combination.storedConnection {
        case .valid: break
        case .retired: try await maker.vault.rotate(own, maker.manage(own, scope))
        case .absent: try await maker.vault.shred(own, maker.manage(own, scope))
        }
        switch combination.storedEnvironment {
        case .valid: break
        case .retired: try await maker.vault.rotate(.environment, maker.manage(.environment, scope))
        case .absent: try await maker.vault.shred(.environment, maker.manage(.environment, scope))
        }
        let asked = mainKey.unwraps
        let failure = try await open()
        #expect((failure == nil) == combination.opens, "\(combination): \(failure as Any)")
        #expect(mainKey.unwraps - asked == combination.unwraps, "\(combination)")
        // The entry, of success or refusal, is the one commit.
        #expect(counting.calls == .init(reads: combination.reads, ranges: 0, commits: 1), "\(combination)")
    }
}

/// A store that counts its calls by kind.
private final class CountingStore: Store {
    struct Calls: Hashable, Sendable { var reads = 0, ranges = 0, commits = 0 }
    private let base: any Store
    private let counts = Mutex(Calls())

    init(_ base: any Store) { self.base = base }

    var calls: Calls { counts.withLock { $0 } }
    func reset() { counts.withLock { $0 = Calls() } }

    func record(for key: Key) async throws(StoreError) -> Record? {
        counts.withLock { $0.reads += 1 }
        return try await base.record(for: key)
    }
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        counts.withLock { $0.ranges += 1 }
        return try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) {
        counts.withLock { $0.commits += 1 }
        try await base.commit(changes)
    }
}
