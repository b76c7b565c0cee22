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

/// What was opened a moment ago is not opened again on what has changed since.
@Suite struct FastPathTests {
    private struct World {
        let stage: VaultStage
        let mainKey: MainKeyDouble
        let store = TestStore()
        let ledger = MemoryLedger()
        let connections: [Connection]

        init() async throws {
            stage = try VaultStage()
            mainKey = try MainKeyDouble()
            connections = [stage.connection(1), stage.connection(2)]
            let maker = try await process()
            for connection in connections { try await maker.store("v", connection) }
        }

        func process(_ other: (any Store)? = nil, configuration: Vault.Configuration = .init()) async throws
            -> VaultProcess
        {
            try await stage.process(other ?? store, ledger, MainKeys(mainKey), configuration: configuration)
        }
        func image() async throws -> StoreImage { try await StoreImage(store, [stage.workspace]) }

        /// Puts records of the workspace back, and removes those that were not there.
        func put(_ image: StoreImage) async throws {
            let now = try await self.image()
            for key in Set(now.records.keys).union(image.records.keys) where key.elements?.first != .text("platform") {
                var changes = Changes()
                if let bytes = image.records[key] { changes.write(key, bytes) } else { changes.delete(key) }
                try await store.commit(changes)
            }
        }
    }

    /// A refusal that another connection meets closes this one too, although its key would still last.
    @Test func aDenialClosesWhatIsWarm() async throws {
        let world = try await World()
        let process = try await world.process()
        #expect(try await process.open(world.connections[0]) == "v")
        #expect(try await process.open(world.connections[0]) == "v")
        // The environment's key is asked for again a while before its end, and is refused then.
        world.mainKey.set(.denies)
        world.stage.time.advance(by: .seconds(49))
        let asked = world.mainKey.unwraps
        _ = try? await process.open(world.connections[1])
        await until { world.mainKey.unwraps > asked }
        await until { process.vault.cachedKeys == 0 }
        #expect(try await process.failure(world.connections[0])?.code == .mainKeyDenied)
    }

    /// A refusal that any call meets closes everything of its environment at once, however fresh.
    @Test func aDenialClosesWhatIsFresh() async throws {
        let world = try await World()
        let process = try await world.process()
        #expect(try await process.open(world.connections[0]) == "v")
        world.mainKey.set(.denies)
        let scope = world.connections[0].scope
        await #expect(throws: VaultError(.mainKeyDenied)) {
            try await process.vault.rotate(.environment, process.manage(.environment, scope))
        }
        #expect(try await process.failure(world.connections[0])?.code == .mainKeyDenied)
    }

    /// An answer that was on its way when the key was refused is not kept.
    @Test func anAnswerFromBeforeADenialDoesNotCount() async throws {
        let world = try await World()
        let process = try await world.process()
        world.mainKey.hold()
        let waiting = Task { try await process.failure(world.connections[0]) }
        await until { world.mainKey.held == 1 }
        // Meanwhile a new environment key of the same place is asked for, and refused.
        world.mainKey.set(.denies)
        let scope = world.connections[0].scope
        let rotation = Task { try await process.vault.rotate(.environment, process.manage(.environment, scope)) }
        await #expect(throws: VaultError(.mainKeyDenied)) { _ = try await rotation.value }
        world.mainKey.release()
        #expect(try await waiting.value?.code == .mainKeyDenied)
        #expect(process.vault.cachedKeys == 0)
    }

    /// The same for a key below: its record was on its way when the main key was refused.
    @Test func aRecordFromBeforeADenialDoesNotCount() async throws {
        let world = try await World()
        let hooked = HookStore(world.store)
        let process = try await world.process(hooked)
        #expect(try await process.open(world.connections[1]) == "v")
        let context = MainKeyContext(workspace: world.stage.workspace, environment: .production)
        hooked.onRead(of: "vault.key") { process.vault.tree.cache.deny(context) }
        #expect(try await process.failure(world.connections[0])?.code == .mainKeyDenied)
    }

    /// What is closed, or over, by the time that the entry of an opening is written is not lent: credentials, sealed values
    /// and job data; and where a process has just been told, at the latest then.
    @Test(arguments: [true, false]) func theEntryTakesTime(_ isClosed: Bool) async throws {
        let world = try await World()
        let (stage, connection) = (world.stage, world.connections[0])
        let maker = try await world.process()
        let job = Identifier<Job>(high: 5, low: 1)
        let mayStore = try await maker.permit(StoreCredential.self, .credential(of: connection.id), connection.scope)
        let sealed = try await maker.vault.seal(
            SecretBytes(copying: [1]), named: "n", for: connection, mayStore)
        let mayRun = try await maker.permit(RunJob.self, Resource(job), connection.scope)
        let data = try await maker.vault.sealJobData(SecretBytes(copying: [1]), of: job, mayRun)
        let image = try await world.image()
        let lines = try await world.ledger.lines(from: 0, limit: 100)
        for kind in ["credential", "sealed", "window", "job"] {
            let (store, ledger) = (CommitHook(try await image.store()), MemoryLedger(lines))
            let actor: ActContext.Actor = kind == "window" ? .job(job) : stage.actor
            let process = try await stage.process(store, ledger, MainKeys(world.mainKey), actor: actor)
            let mayOpen = try await process.permit(
                OpenCredential.self, .credential(of: connection.id), connection.scope)
            let mayRun = try await process.permit(RunJob.self, Resource(job), connection.scope)
            func open() async throws {
                try await vaultError { () throws(OpenFailure<Never>) in
                    switch kind {
                    case "sealed":
                        _ = try await process.vault.withSealed(sealed, named: "n", of: connection.id, mayOpen) {
                            $0.byteCount
                        }
                    case "job": _ = try await process.vault.withJobData(data, of: job, mayRun) { $0.byteCount }
                    default: _ = try await process.vault.withCredential(connection.id, mayOpen) { $0.method }
                    }
                }
            }
            try await open()
            // A job's next window, whose entry is committed first.
            if kind == "window" { stage.time.advance(by: .seconds(3600)) }
            store.onCommit {
                if isClosed {
                    let scope = Scope(stage.workspace, .production)
                    do {
                        let other = try await stage.process(store.base, ledger, MainKeys(world.mainKey))
                        try await other.vault.shred(.environment, other.manage(.environment, scope))
                    } catch {
                        Issue.record("\(error)")
                    }
                    stage.time.advance(by: .seconds(2))
                } else {
                    world.mainKey.set(.denies)
                    stage.time.advance(by: .seconds(61))
                }
            }
            await #expect(throws: VaultError.self, "\(kind)") { try await open() }
            #expect(store.wasHooked, "\(kind)")
            world.mainKey.set(.works)
            stage.time.advance(by: .seconds(10))
        }
    }

    /// A closure in the ledger alone is seen by who has it open.
    @Test func theLedgerClosesWhatIsWarm() async throws {
        let world = try await World()
        let process = try await world.process()
        #expect(try await process.open(world.connections[0]) == "v")
        let chain = AnchorLedger(world.ledger, authenticator: world.stage.chain, time: world.stage.time)
        let place = "vault/\(world.stage.workspace)/production/connection/\(world.connections[0].id)"
        try await chain.append(.closed(place, state: "suspended"))
        world.stage.time.advance(by: .seconds(1))
        #expect(try await process.failure(world.connections[0])?.detail == .closed)
        #expect(try await process.open(world.connections[1]) == "v")
    }

    /// A state that was put back is not opened by who has seen a later one, warm or not.
    @Test func whatWasPutBackDoesNotOpen() async throws {
        let world = try await World()
        let process = try await world.process()
        #expect(try await process.open(world.connections[0]) == "v")
        let earlier = try await world.image()
        try await world.process().store("w", world.connections[0])
        // This process learns of the later state by another connection.
        #expect(try await process.open(world.connections[1]) == "v")
        try await world.put(earlier)
        for connection in world.connections {
            #expect(try await process.failure(connection)?.detail == .tampered)
        }
    }

    /// A workspace whose head was removed opens nothing, takes nothing, and gets no new head.
    @Test func aRemovedHeadIsMissed() async throws {
        let world = try await World()
        var image = try await world.image()
        for table in ["control", "vault.keys", "vault.key", "vault.credential"] {
            for key in image.keys(of: table) where key.elements?.first != .text("platform") { image.records[key] = nil }
        }
        try await world.put(image)
        let process = try await world.process()
        #expect(try await process.failure(world.connections[0])?.detail == .tampered)
        await #expect(throws: VaultError(.cannotOpen)) { try await process.store("w", world.connections[0]) }
        #expect(try await world.image().keys(of: "control").allSatisfy { $0.elements?.first == .text("platform") })
    }

    /// A key whose time is over by the time that its provider or the store has answered is not used.
    @Test func lateAnswersOpenNothing() async throws {
        let world = try await World()
        // The provider takes longer than the lifetime.
        let slow = try await world.process(configuration: .init(keyLifetimeSeconds: 1))
        world.mainKey.hold()
        let waiting = Task { try await slow.failure(world.connections[0]) }
        await until { world.mainKey.held == 1 }
        world.stage.time.advance(by: .seconds(4))
        world.mainKey.release()
        #expect(try await waiting.value?.code == .mainKeyUnavailable)
        // The store takes longer than the lifetime, after the clock was looked at.
        let hooked = HookStore(world.store)
        let process = try await world.process(hooked)
        #expect(try await process.open(world.connections[0]) == "v")
        world.mainKey.set(.denies)
        hooked.onRead(of: "vault.credential") { world.stage.time.advance(by: .seconds(61)) }
        #expect(try await process.failure(world.connections[0])?.code == .mainKeyDenied)
    }
}

/// A store that does something before it reads a record of a table, once.
private final class HookStore: Store {
    private let base: TestStore
    private let hook = Mutex<(table: String, body: @Sendable () -> Void)?>(nil)

    init(_ base: TestStore) { self.base = base }

    func onRead(of table: String, _ body: @escaping @Sendable () -> Void) { hook.withLock { $0 = (table, body) } }

    func record(for key: Key) async throws(StoreError) -> Record? {
        let body = hook.withLock { hook -> (@Sendable () -> Void)? in
            guard let found = hook, key.elements?.dropFirst().first == .text(found.table) else { return nil }
            hook = nil
            return found.body
        }
        body?()
        return try await base.record(for: key)
    }
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) { try await base.commit(changes) }
}
