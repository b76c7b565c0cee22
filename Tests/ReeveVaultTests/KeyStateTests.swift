// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Synchronization
import Testing

/// Keys that are closed stay closed, whatever is put back.
@Suite struct KeyStateTests {
    enum Tightening: String, CaseIterable, Sendable { case shred, suspend, compromise, schedule, destroy }
    enum StoreAge: CaseIterable, Sendable { case now, old }
    enum LedgerKind: CaseIterable, Sendable { case now, old, missing, truncated, foreign }

    private func tighten(
        _ process: VaultProcess, _ act: Tightening, _ target: KeyTarget, _ connection: Connection
    ) async throws {
        let scope = connection.scope
        let vault = process.vault
        switch act {
        case .shred: try await vault.shred(target, process.manage(target, scope))
        case .suspend: try await vault.suspend(target, process.manage(target, scope))
        case .compromise: try await vault.markCompromised(target, process.manage(target, scope))
        case .schedule: try await vault.scheduleDestruction(of: target, process.manage(target, scope))
        case .destroy:
            let permit = try await process.permit(
                DestroyCredential.self, .credential(of: connection.id), connection.scope)
            try await vault.destroy(connection.id, permit)
        }
    }

    /// Store and ledger of today and of before in every pair: nothing closed opens, but where both were put back together.
    @Test(arguments: Tightening.allCases, [true, false])
    func whatIsClosedStaysClosed(_ act: Tightening, _ ofEnvironment: Bool) async throws {
        if act == .destroy && ofEnvironment { return }
        let world = try await VaultWorld()
        let (first, second) = (world.stage.connection(1), world.stage.connection(2))
        try await world.process.store("one", first)
        try await world.process.store("two", second)
        let oldStore = try await world.image()
        let oldLines = try await world.ledger.lines(from: 0, limit: 1000)
        let target: KeyTarget = ofEnvironment ? .environment : .connection(first.id)
        try await tighten(world.process, act, target, first)
        #expect(try await world.process.failure(first)?.code == .cannotOpen)
        if !ofEnvironment { #expect(try await world.process.open(second) == "two") }
        let newStore = try await world.image()
        let newLines = try await world.ledger.lines(from: 0, limit: 1000)
        #expect(newLines.count > oldLines.count)
        for storeAge in StoreAge.allCases {
            for ledgerKind in LedgerKind.allCases {
                let image = storeAge == .now ? newStore : oldStore
                let lines: [[UInt8]]
                switch ledgerKind {
                case .now: lines = newLines
                case .old: lines = oldLines
                case .missing: lines = []
                case .truncated: lines = Array(newLines.dropLast())
                case .foreign:
                    let other = MemoryLedger()
                    let chain = AnchorLedger(other, authenticator: try HMACKey(SecretBytes.random(count: 32)))
                    for line in newLines.indices { try await chain.append(.floor("x", generation: Int64(line))) }
                    lines = try await other.lines(from: 0, limit: 1000)
                }
                let restarted = try await world.stage.process(await image.store(), MemoryLedger(lines), world.keys)
                let failure = try await restarted.failure(first)
                // A ledger that was cut back to what the old store has seen is the old one.
                let isBothOld = storeAge == .old && [.old, .truncated].contains(ledgerKind)
                #expect((failure == nil) == isBothOld, "\(act) of \(storeAge) world.store, \(ledgerKind) ledger")
                // The neighbour opens unless the ledger has lost or does not own its lines.
                let isWhole = ledgerKind == .now || isBothOld
                if !ofEnvironment { #expect((try await restarted.failure(second) == nil) == isWhole) }
            }
        }
    }

    /// A key that was replaced for cause, and the credential that it sealed: the same pairs, and after the loss of a ledger was
    /// accepted as well.
    @Test(arguments: [true, false]) func whatWasReplacedForCauseStaysClosed(_ ofEnvironment: Bool) async throws {
        let world = try await VaultWorld()
        let (connection, other) = (world.stage.connection(1), world.stage.connection(2))
        try await world.process.store("leaked", connection)
        try await world.process.store("two", other)
        let oldStore = try await world.image()
        let oldLines = try await world.ledger.lines(from: 0, limit: 1000)
        let target: KeyTarget = ofEnvironment ? .environment : .connection(connection.id)
        try await world.process.vault.markCompromised(target, world.process.manage(target, connection.scope))
        try await world.process.store("fresh", connection)
        #expect(try await world.process.open(connection) == "fresh")
        let newStore = try await world.image()
        let newLines = try await world.ledger.lines(from: 0, limit: 1000)
        let foreign = MemoryLedger()
        let chain = AnchorLedger(foreign, authenticator: try HMACKey(SecretBytes.random(count: 32)))
        for line in newLines.indices { try await chain.append(.floor("x", generation: Int64(line))) }
        let foreignLines = try await foreign.lines(from: 0, limit: 1000)
        for (image, isOld) in [(newStore, false), (oldStore, true)] {
            for lines in [newLines, oldLines, [], Array(newLines.dropLast()), foreignLines] {
                let process = try await world.stage.process(await image.store(), MemoryLedger(lines), world.keys)
                let value = try? await process.open(connection)
                let isBothOld = isOld && lines == oldLines
                #expect(value == (isBothOld ? "leaked" : !isOld && lines == newLines ? "fresh" : nil))
            }
        }
        // The ledger loses the line, and that is accepted over the store of now: it is told again.
        let cut = MemoryLedger(oldLines)
        let process = try await world.stage.process(await newStore.store(), cut, world.keys)
        #expect(try await process.failure(connection)?.code == .ledgerBehind)
        try await process.vault.acceptLedgerLoss(process.manage(.environment, connection.scope))
        #expect(try await process.open(connection) == "fresh")
        let restored = try await world.stage.process(await oldStore.store(), cut, world.keys)
        #expect(try await restored.failure(connection)?.code == .cannotOpen)
    }

    /// A suspension and a compromise at the same time: whichever comes first at each store call, the key is closed, and it can be
    /// replaced.
    @Test(arguments: [true, false], [true, false])
    func twoClosuresMeet(_ isSuspendedFirst: Bool, _ ofEnvironment: Bool) async throws {
        for call in 1...30 {
            let world = try await VaultWorld()
            let connection = world.stage.connection(1)
            try await world.process.store("leaked", connection)
            let target: KeyTarget = ofEnvironment ? .environment : .connection(connection.id)
            let scope = connection.scope
            let interrupted = InterruptedStore(world.store)
            let slow = try await world.restarted(over: interrupted)
            let (process, image) = (world.process, try await world.image())
            let permit = try await slow.manage(target, scope)
            interrupted.interrupt(before: call) {
                do {
                    let permit = try await process.manage(target, scope)
                    if isSuspendedFirst {
                        try await process.vault.suspend(target, permit)
                    } else {
                        try await process.vault.markCompromised(target, permit)
                    }
                } catch {
                    // The other was there first.
                    #expect((error as? VaultError)?.code == .wrongState)
                }
            }
            do {
                if isSuspendedFirst {
                    try await slow.vault.markCompromised(target, permit)
                } else {
                    try await slow.vault.suspend(target, permit)
                }
            } catch {
                #expect(error.code == .wrongState, "\(error)")
            }
            guard interrupted.wasInterrupted else { break }
            let restarted = try await world.restarted()
            #expect(try await restarted.failure(connection)?.code == .cannotOpen, "\(call)")
            // Compromised in the end, by whichever order: it is replaced, and what leaked stays closed.
            _ = try? await restarted.vault.markCompromised(target, restarted.manage(target, scope))
            try await restarted.store("fresh", connection)
            #expect(try await world.restarted().open(connection) == "fresh", "\(call)")
            let restored = try await world.restarted(over: await image.store())
            #expect(try await restored.failure(connection)?.code == .cannotOpen, "\(call)")
            #expect(call < 30)
        }
    }

    /// A suspension whose line comes after the floor of a compromise, and whose commit comes after its: the line is taken back, and
    /// the key can be replaced.
    @Test func aSuspensionThatLosesTakesItsLineBack() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("leaked", connection)
        let (target, scope) = (KeyTarget.connection(connection.id), connection.scope)
        let (early, late) = (CommitHook(world.store), CommitHook(world.store))
        let (first, second) = (try await world.restarted(over: early), try await world.restarted(over: late))
        let (mayCompromise, maySuspend) = (
            try await first.manage(target, scope), try await second.manage(target, scope)
        )
        let isWaiting = Mutex(false)
        let isDone = Mutex(false)
        late.onCommit {
            isWaiting.withLock { $0 = true }
            await until { isDone.withLock { $0 } }
        }
        let suspension = Mutex<Task<Void, any Error>?>(nil)
        early.onCommit {
            suspension.withLock { $0 = Task { try await second.vault.suspend(target, maySuspend) } }
            await until { isWaiting.withLock { $0 } }
        }
        try await first.vault.markCompromised(target, mayCompromise)
        isDone.withLock { $0 = true }
        let task = try #require(suspension.withLock { $0 })
        await #expect(throws: VaultError(.wrongState)) { try await task.value }
        #expect(try await world.restarted().failure(connection)?.code == .cannotOpen)
        try await world.restarted().store("fresh", connection)
        #expect(try await world.restarted().open(connection) == "fresh")
    }

    /// A resumption that tells the ledger late does not undo what somebody has suspended since.
    @Test(arguments: [true, false]) func aLateResumptionOpensNothing(_ ofEnvironment: Bool) async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("one", connection)
        let target: KeyTarget = ofEnvironment ? .environment : .connection(connection.id)
        let scope = connection.scope
        try await world.process.vault.suspend(target, world.process.manage(target, scope))
        let between = Mutex<StoreImage?>(nil)
        let (process, store, workspace) = (world.process, world.store, world.stage.workspace)
        let hooked = AppendHook(world.ledger) {
            do {
                // The store says that it is open already.
                let image = try await StoreImage(store, [workspace])
                between.withLock { $0 = image }
                try await process.vault.suspend(target, process.manage(target, scope))
            } catch {
                Issue.record("\(error)")
            }
        }
        let slow = try await world.stage.process(world.store, hooked, world.keys)
        _ = try? await slow.vault.resume(target, slow.manage(target, scope))
        #expect(try await world.restarted().failure(connection)?.code == .cannotOpen)
        let image = try #require(between.withLock { $0 })
        let restored = try await world.restarted(over: await image.store())
        #expect(try await restored.failure(connection)?.code == .cannotOpen)
        // It is resumed by who looks again.
        let again = try await world.restarted()
        try await again.vault.resume(target, again.manage(target, scope))
        #expect(try await again.open(connection) == "one")
        #expect(try await world.restarted().open(connection) == "one")
    }

    /// A shredded workspace opens nothing in any environment, from a backup neither, and takes nothing more.
    @Test func aShreddedWorkspaceIsGone() async throws {
        let world = try await VaultWorld()
        let other = world.stage.connection(9, in: Identifier(high: 1, low: 9))
        let connections = [world.stage.connection(1), world.stage.connection(2, .test)]
        for connection in connections + [other] { try await world.process.store("v", connection) }
        let backup = try await StoreImage(world.store, [world.stage.workspace, Identifier(high: 1, low: 9)])
        let scope = Scope(world.stage.workspace)
        let permit = try await world.process.permit(ManageKeys.self, KeyTarget.environment.resource(in: scope), scope)
        try await world.process.vault.shredWorkspace(permit)
        for store in [world.store, try await backup.store()] {
            let restarted = try await world.restarted(over: store)
            for connection in connections {
                #expect(try await restarted.failure(connection)?.code == .cannotOpen)
                await #expect(throws: VaultError(.keyClosed)) { try await restarted.store("w", connection) }
            }
            await #expect(throws: VaultError(.keyClosed)) {
                try await restarted.store("w", world.stage.connection(3, .development))
            }
            #expect(try await restarted.open(other) == "v")
        }
    }

    /// A scheduled destruction and a suspension can be taken back; the others cannot.
    @Test func onlySomeStatesCanBeLeft() async throws {
        for act in Tightening.allCases {
            let world = try await VaultWorld()
            let connection = world.stage.connection(1)
            try await world.process.store("one", connection)
            let target = KeyTarget.connection(connection.id)
            try await tighten(world.process, act, target, connection)
            let permit = try await world.process.manage(target, connection.scope)
            if act == .suspend || act == .schedule {
                try await world.process.vault.resume(target, permit)
                #expect(try await world.process.open(connection) == "one")
                let restarted = try await world.restarted()
                #expect(try await restarted.open(connection) == "one")
            } else {
                await #expect(throws: VaultError(.wrongState)) { try await world.process.vault.resume(target, permit) }
                #expect(try await world.process.failure(connection)?.code == .cannotOpen)
            }
        }
    }

    /// Whatever was resumed before, and whatever is put back: what was shredded is not resumed.
    @Test(arguments: [true, false]) func whatWasShreddedIsNotResumed(_ ofEnvironment: Bool) async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("one", connection)
        let target: KeyTarget = ofEnvironment ? .environment : .connection(connection.id)
        let scope = connection.scope
        var backups = [try await world.image()]
        try await world.process.vault.suspend(target, world.process.manage(target, scope))
        backups.append(try await world.image())
        try await world.process.vault.resume(target, world.process.manage(target, scope))
        #expect(try await world.process.open(connection) == "one")
        // A key that is open is not resumed once more.
        await #expect(throws: VaultError(.wrongState)) {
            try await world.process.vault.resume(target, world.process.manage(target, scope))
        }
        backups.append(try await world.image())
        try await world.process.vault.shred(target, world.process.manage(target, scope))
        backups.append(try await world.image())
        for backup in backups {
            let restored = try await world.stage.process(await backup.store(), world.ledger, world.keys)
            await #expect(throws: VaultError(.wrongState)) {
                try await restored.vault.resume(target, restored.manage(target, scope))
            }
            #expect(try await restored.failure(connection)?.code == .cannotOpen)
        }
        // Nor by the line of a resumption that came too late.
        let place =
            "vault/\(world.stage.workspace)/production/"
            + (ofEnvironment ? "environment" : "connection/\(connection.id)")
        try await AnchorLedger(world.ledger, authenticator: world.stage.chain, time: world.stage.time).append(
            .reopened(place, after: 100))
        for backup in backups {
            let restored = try await world.stage.process(await backup.store(), world.ledger, world.keys)
            #expect(try await restored.failure(connection)?.code == .cannotOpen)
        }
    }

    /// After an environment was compromised every connection of it can be stored anew, and job data sealed.
    @Test func everyConnectionOutlivesItsEnvironmentsKey() async throws {
        let world = try await VaultWorld()
        let connections = (1...3).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("before", connection) }
        let own = KeyTarget.connection(connections[2].id)
        try await world.process.vault.suspend(own, world.process.manage(own, connections[2].scope))
        let scope = world.stage.scope()
        try await world.process.vault.markCompromised(.environment, world.process.manage(.environment, scope))
        for connection in connections.prefix(2) {
            #expect(try await world.process.failure(connection)?.detail == .closed)
            try await world.process.store("after", connection)
            #expect(try await world.process.open(connection) == "after")
        }
        // What is suspended of its own is not sealed under behind the suspension.
        await #expect(throws: VaultError(.keyClosed)) { try await world.process.store("after", connections[2]) }
        let restarted = try await world.restarted()
        #expect(try await restarted.open(connections[1]) == "after")
    }

    /// A suspension before a compromise does not close what is stored after it.
    @Test func aCompromiseEndsASuspension() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("before", connection)
        let target = KeyTarget.connection(connection.id)
        for act in [Tightening.suspend, .compromise] { try await tighten(world.process, act, target, connection) }
        try await world.process.store("after", connection)
        let restarted = try await world.restarted()
        #expect(try await restarted.open(connection) == "after")
    }

    /// A ledger that lost its last line and has grown since is still another one.
    @Test func aLedgerThatGrewAgainIsNotTheSame() async throws {
        let world = try await VaultWorld()
        let (one, two) = (world.stage.connection(1), world.stage.connection(2))
        try await world.process.store("one", one)
        try await world.process.store("two", two)
        let target = KeyTarget.connection(one.id)
        try await world.process.vault.shred(target, world.process.manage(target, one.scope))
        let lines = try await world.ledger.lines(from: 0, limit: 100)
        let cut = MemoryLedger(Array(lines.dropLast()))
        let other = try await world.stage.process(world.store, cut, world.keys)
        #expect(try await other.failure(two)?.code == .ledgerBehind)
        for number in 1...3 {
            try await other.store("x", world.stage.connection(10, in: Identifier(high: 1, low: UInt64(20 + number))))
        }
        let later = try await world.stage.process(world.store, cut, world.keys)
        #expect(try await later.failure(two)?.code == .ledgerBehind)
        try await later.vault.acceptLedgerLoss(later.manage(.environment, two.scope))
        #expect(try await later.open(two) == "two")
        #expect(try await later.failure(one)?.code == .cannotOpen)
    }

    /// Calling a destruction off gives back what was before it, and nothing more.
    @Test func whatWasCompromisedStaysSo() async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        try await world.process.store("one", connection)
        let target = KeyTarget.connection(connection.id)
        for act in [Tightening.suspend, .compromise, .schedule] {
            try await tighten(world.process, act, target, connection)
        }
        try await world.process.vault.resume(target, world.process.manage(target, connection.scope))
        #expect(try await world.process.failure(connection)?.detail == .closed)
        let scope = connection.scope
        let permit = try await world.process.permit(
            ReadConnections.self, KeyTarget.environment.resource(in: scope), scope)
        #expect(try await world.process.vault.connections(permit).map(\.credential?.keyState) == [.compromised])
        // Without the ledger's floor the store's own state closes it.
        let lost = try await world.stage.process(world.store, MemoryLedger(), world.keys)
        try await lost.vault.acceptLedgerLoss(lost.manage(.environment, scope))
        #expect(try await lost.failure(connection)?.detail == .closed)
    }

    /// A permit of another project opens, lists and destroys nothing, whoever keeps the sealed value.
    @Test func projectsDoNotReachEachOther() async throws {
        let stage = try VaultStage()
        let keys = try MainKeys(LocalMainKey.ephemeral())
        let process = try await stage.process(TestStore(), MemoryLedger(), keys)
        func scope(_ project: UInt64) -> Scope {
            Scope(stage.workspace, .production, project: Identifier(high: 7, low: project))
        }
        let stored = Connection(id: Identifier(high: 3, low: 1), connector: stage.connector.id, scope: scope(1))
        let kept = Connection(id: Identifier(high: 3, low: 2), connector: stage.connector.id, scope: scope(1))
        try await process.store("v", stored)
        let permit = try await process.permit(StoreCredential.self, .credential(of: kept.id), kept.scope)
        _ = try await process.vault.seal(SecretBytes(copying: [1]), named: "n", for: kept, permit)
        for connection in [stored, kept] {
            let other = try await process.permit(DestroyCredential.self, .credential(of: connection.id), scope(2))
            await #expect(throws: VaultError(.cannotOpen)) { try await process.vault.destroy(connection.id, other) }
        }
        func listed(_ project: UInt64) async throws -> Int {
            let resource = KeyTarget.environment.resource(in: scope(project))
            return try await process.vault.connections(
                process.permit(ReadConnections.self, resource, scope(project))
            ).count
        }
        #expect(try await listed(1) == 1)
        #expect(try await listed(2) == 0)
        #expect(try await process.open(stored) == "v")
        // Nor is it replaced.
        let mine = Connection(id: stored.id, connector: stage.connector.id, scope: scope(2))
        await #expect(throws: VaultError(.cannotOpen)) { try await process.store("w", mine) }
        #expect(try await process.open(stored) == "v")
        let own = try await process.permit(DestroyCredential.self, .credential(of: kept.id), scope(1))
        try await process.vault.destroy(kept.id, own)
    }

    /// A compromised key seals nothing more, and what is stored then is under a new one.
    @Test(arguments: [true, false]) func aCompromisedKeyIsReplaced(_ ofEnvironment: Bool) async throws {
        let world = try await VaultWorld()
        let connection = world.stage.connection(1)
        let first = try await world.process.store("one", connection)
        let target: KeyTarget = ofEnvironment ? .environment : .connection(connection.id)
        try await world.process.vault.markCompromised(target, world.process.manage(target, connection.scope))
        #expect(try await world.process.failure(connection)?.detail == .closed)
        let second = try await world.process.store("two", connection)
        #expect(second.sealedUnder != first.sealedUnder && second.keysMade.count == (ofEnvironment ? 2 : 1))
        #expect(try await world.process.open(connection) == "two")
        let restarted = try await world.restarted()
        #expect(try await restarted.open(connection) == "two")
    }

    /// The states of another process are seen at once, those of the ledger after a second.
    @Test func anotherProcessSeesWhatIsClosed() async throws {
        let stage = try VaultStage()
        let keys = try MainKeys(LocalMainKey.ephemeral())
        let (store, ledger) = (TestStore(), MemoryLedger())
        let connection = stage.connection(1)
        let (one, two) = (
            try await stage.process(store, ledger, keys), try await stage.process(store, ledger, keys)
        )
        try await one.store("one", connection)
        #expect(try await two.open(connection) == "one")
        let target = KeyTarget.connection(connection.id)
        try await one.vault.suspend(target, one.manage(target, connection.scope))
        #expect(try await two.failure(connection)?.detail == .closed)
        try await one.vault.resume(target, one.manage(target, connection.scope))
        stage.time.advance(by: .seconds(1))
        #expect(try await two.open(connection) == "one")
    }
}

/// A ledger that does something before a line is appended, once.
private final class AppendHook: Ledger {
    private let base: MemoryLedger
    private let hook: Mutex<(@Sendable () async -> Void)?>

    init(_ base: MemoryLedger, _ body: @escaping @Sendable () async -> Void) {
        self.base = base
        hook = Mutex(body)
    }

    func append(_ line: [UInt8], at index: Int) async throws(LedgerError) {
        let body = hook.withLock { $0.take() }
        await body?()
        try await base.append(line, at: index)
    }
    func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
        try await base.lines(from: index, limit: limit)
    }
}
