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

/// A crash after any call of store or ledger, then a restart: nothing is lost, nothing closed opens, and work goes on.
@Suite struct VaultFaultProperties {
    enum Act: String, CaseIterable, Sendable {
        case store, destroy, rotateConnection, rotateEnvironment, rewrap, repack, shred, suspend, compromise, resume,
            schedule, expire, endHour, retire, shredEnvironment, shredWorkspace, reseal, acceptLoss

        /// What it acts on does not open any more once it is done.
        var closes: Bool {
            [.shred, .destroy, .suspend, .compromise, .schedule, .expire, .acceptLoss].contains(self) || closesAll
        }
        /// Nor does anything else.
        var closesAll: Bool { self == .shredEnvironment || self == .shredWorkspace }
    }

    private static let names = ["a", "b", "c"]

    /// One act, on a world with three connections, where one is about to be acted on.
    private func run(_ act: Act, _ process: VaultProcess, _ connections: [Connection]) async throws {
        let (vault, target) = (process.vault, KeyTarget.connection(connections[0].id))
        let scope = connections[0].scope
        switch act {
        case .store:
            let permit = try await process.permit(StoreCredential.self, .credential(of: connections[0].id), scope)
            try await vault.store(
                Credential.oauth2(accessToken: SecretBytes(copying: Array("again".utf8))), for: connections[0],
                of: process.stage.connector, permit, findableBy: ["access_token"], overlap: .seconds(600))
        case .destroy:
            try await vault.destroy(
                connections[0].id,
                process.permit(DestroyCredential.self, .credential(of: connections[0].id), scope))
        case .rotateConnection: try await vault.rotate(target, process.manage(target, scope))
        case .rotateEnvironment: try await vault.rotate(.environment, process.manage(.environment, scope))
        case .rewrap: try await vault.rewrap(process.manage(.environment, scope))
        case .repack: try await vault.repack(process.manage(.environment, scope))
        case .shred: try await vault.shred(target, process.manage(target, scope))
        case .suspend: try await vault.suspend(target, process.manage(target, scope))
        case .compromise: try await vault.markCompromised(target, process.manage(target, scope))
        case .resume: try await vault.resume(target, process.manage(target, scope))
        case .shredEnvironment: try await vault.shred(.environment, process.manage(.environment, scope))
        case .shredWorkspace:
            try await vault.shredWorkspace(process.manage(.environment, Scope(process.stage.workspace)))
        case .reseal: try await vault.reseal(process.manage(.environment, scope))
        case .acceptLoss: try await vault.acceptLedgerLoss(process.manage(.environment, scope))
        case .retire: try await vault.retireEarlierKeys(of: .environment, process.manage(.environment, scope))
        case .schedule: try await vault.scheduleDestruction(of: target, process.manage(target, scope))
        case .expire, .endHour: try await vault.runOnce()
        }
    }

    /// A store, a ledger and three connections, and what an act starts from.
    private struct Scene {
        let stage: VaultStage
        let keys: MainKeys
        let store = TestStore()
        var ledger = MemoryLedger()
        let connections: [Connection]
        let job = Identifier<Job>(high: 5, low: 1)
        var sealed: SealedJobData?

        init() throws {
            let stage = try VaultStage()
            self.stage = stage
            keys = try MainKeys(LocalMainKey.ephemeral())
            connections = (1...3).map { stage.connection(UInt64($0)) }
        }

        func process(_ other: (any Store)? = nil, _ ledger: (any Ledger)? = nil) async throws -> VaultProcess {
            try await stage.process(
                other ?? store, ledger ?? self.ledger, keys, configuration: .init(jobDataHours: 1))
        }

        /// What was sealed for the job; throws when it does not open.
        func read(_ process: VaultProcess) async throws {
            guard let sealed else { return }
            let permit = try await process.permit(RunJob.self, Resource(job), connections[0].scope)
            try await vaultError { () throws(OpenFailure<Never>) in
                try await process.vault.withJobData(sealed, of: job, permit) { _ in }
            }
        }
    }

    private func scene(before act: Act) async throws -> Scene {
        var scene = try Scene()
        let (maker, scope) = (try await scene.process(), scene.stage.scope())
        for (connection, name) in zip(scene.connections, Self.names) { try await maker.store(name, connection) }
        switch act {
        case .rewrap: try await run(.rotateEnvironment, maker, scene.connections)
        case .reseal:
            // One beside the present one, which a rotation leaves under the key of before.
            let connection = scene.connections[0]
            let permit = try await maker.permit(StoreCredential.self, .credential(of: connection.id), scope)
            try await maker.vault.store(
                Credential.oauth2(accessToken: SecretBytes(copying: Array("a".utf8))), for: connection,
                of: scene.stage.connector, permit, overlap: .seconds(600))
            try await run(.rotateConnection, maker, scene.connections)
        case .acceptLoss:
            try await run(.suspend, maker, scene.connections)
            scene.ledger = MemoryLedger(Array(try await scene.ledger.lines(from: 0, limit: 100).dropLast()))
        case .retire:
            for act in [Act.rotateEnvironment, .rewrap, .rotateEnvironment, .rewrap] {
                try await run(act, maker, scene.connections)
            }
        case .repack:
            // Three keys: the first comes with the entry, the last with what backups need.
            for _ in 0..<2 { try await run(.rotateEnvironment, maker, scene.connections) }
            try scene.keys.use(try LocalMainKey.ephemeral(), for: .everyWorkspace)
        case .resume: try await run(.suspend, maker, scene.connections)
        case .expire:
            let target = KeyTarget.connection(scene.connections[0].id)
            try await maker.vault.scheduleDestruction(of: target, after: 1, maker.manage(target, scope))
            scene.stage.time.advance(by: .seconds(86_400))
        case .endHour:
            let permit = try await maker.permit(RunJob.self, Resource(scene.job), scope)
            scene.sealed = try await maker.vault.sealJobData(SecretBytes(copying: [1]), of: scene.job, permit)
            scene.stage.time.advance(by: .seconds(7200))
        default: break
        }
        return scene
    }

    /// After a restart the others open, and what was acted on is as before or as after; the act can be done once more.
    private func check(_ scene: Scene, _ act: Act, done: Bool, _ note: String) async throws {
        let (stage, connections) = (scene.stage, scene.connections)
        let restarted = try await scene.process()
        for (connection, name) in zip(connections, Self.names).dropFirst() {
            let other = try? await restarted.open(connection)
            switch act {
            case _ where act.closesAll: #expect(other == nil || other == name && !done, "\(note)")
            case .acceptLoss: #expect(other == name || other == nil && !done, "\(note)")
            default: #expect(other == name, "\(note)")
            }
        }
        let value = try? await restarted.open(connections[0])
        switch act {
        case .store:
            #expect(value == "again" || value == "a" && !done, "\(note)")
            try await checkThatAllOfAStoreIsDone(restarted, connections[0], isStored: value == "again")
        case .resume: #expect(value == "a" || value == nil && !done, "\(note)")
        case .expire: #expect(value == nil, "\(note)")
        case _ where act.closes: #expect(value == nil || value == "a" && !done, "\(note)")
        default: #expect(value == "a", "\(note)")
        }
        // Once closed in the ledger it does not open again by itself.
        if act.closes, value == nil {
            let code = try await restarted.failure(connections[0])?.code
            #expect(code == .cannotOpen || act == .acceptLoss && !done && code == .ledgerBehind, "\(note)")
        }
        // Whatever is left of an hour opens nothing.
        if scene.sealed != nil {
            await #expect(throws: VaultError(.cannotOpen), "\(note)") { try await scene.read(restarted) }
        }
        if !done, act != .store {
            // The lease of the process that crashed has to run out.
            for _ in 0..<3 where act == .rewrap || act == .reseal {
                if (try? await run(act, restarted, connections)) != nil { break }
                stage.time.advance(by: .seconds(40))
            }
            do {
                try await run(act, restarted, connections)
            } catch let error as VaultError {
                // It had been done.
                #expect([.wrongState, .keyClosed].contains(error.code), "\(note): \(error)")
            }
            #expect((try? await restarted.open(connections[0])) == (act.closes ? nil : "a"), "\(note)")
        }
        if act == .acceptLoss {
            // The ledger has been told again what is closed.
            #expect(try await restarted.open(connections[1]) == "b", "\(note)")
            let lines = try await scene.ledger.lines(from: 0, limit: 100)
            #expect(lines.contains { String(decoding: $0, as: UTF8.self).contains("closed.suspended") }, "\(note)")
        }
        guard act == .endHour else { return }
        stage.time.advance(by: .seconds(40))
        try await run(act, restarted, connections)
        let image = try await StoreImage(scene.store, [stage.workspace])
        #expect(image.keys(of: "vault.due").isEmpty && image.keys(of: "vault.keys").count == 4, "\(note)")
        let lines = try await scene.ledger.lines(from: 0, limit: 100)
        #expect(lines.count { String(decoding: $0, as: UTF8.self).contains("\"over\"") } == 1, "\(note)")
    }

    @Test(arguments: Act.allCases, FaultyStore.Fault.allCases)
    func everyCallMayFail(_ act: Act, _ fault: FaultyStore.Fault) async throws {
        var reached = 0
        for call in 1...200 {
            let scene = try await scene(before: act)
            let faulty = FaultyStore(scene.store, failing: call + 1, with: fault)
            let process = try await scene.process(faulty)
            let done = (try? await run(act, process, scene.connections)) != nil
            guard faulty.calls > call else { break }
            reached += 1
            try await check(scene, act, done: done, "\(act) \(fault) at \(call)")
        }
        #expect(reached > 1)
    }

    /// A credential, what it is found by and the one before it come together, or none does.
    private func checkThatAllOfAStoreIsDone(
        _ process: VaultProcess, _ connection: Connection, isStored: Bool
    ) async throws {
        let scope = connection.scope
        let mayRead = try await process.permit(
            ReadConnections.self, KeyTarget.environment.resource(in: scope), scope)
        let found = try await process.vault.connections(
            with: SecretBytes(copying: Array("again".utf8)), in: .field("access_token"), mayRead)
        #expect(found == (isStored ? [connection.id] : []))
        let described = try await process.vault.connections(limit: 1, mayRead)
        #expect(described.first?.credential?.earlier.map(\.generation) == (isStored ? [1] : []))
    }

    /// The ledger's calls as well.
    @Test(arguments: Act.allCases, [true, false]) func everyLedgerCallMayFail(_ act: Act, _ isLost: Bool) async throws {
        var reached = 0
        for call in 1...20 {
            let scene = try await scene(before: act)
            let faulty = FaultyLedger(scene.ledger, failing: call, losing: isLost)
            let process = try await scene.process(nil, faulty)
            let done = (try? await run(act, process, scene.connections)) != nil
            guard faulty.calls >= call else { break }
            reached += 1
            try await check(scene, act, done: done, "\(act) at \(call), \(isLost)")
        }
        #expect(reached > 0)
    }
}

/// A ledger of which one call fails, before or after it took effect.
private final class FaultyLedger: Ledger {
    private let base: MemoryLedger
    private let failing: Int
    private let losing: Bool
    private let count = Mutex(0)

    init(_ base: MemoryLedger, failing: Int, losing: Bool) {
        self.base = base
        self.failing = failing
        self.losing = losing
    }

    var calls: Int { count.withLock { $0 } }
    private func isFailing() -> Bool {
        count.withLock { count in
            count += 1
            return count == failing
        }
    }

    func append(_ line: [UInt8], at index: Int) async throws(LedgerError) {
        let fails = isFailing()
        if fails && !losing { throw .unavailable("planted") }
        try await base.append(line, at: index)
        if fails { throw .outcomeUnknown }
    }

    func lines(from index: Int, limit: Int) async throws(LedgerError) -> [[UInt8]] {
        if isFailing() { throw .unavailable("planted") }
        return try await base.lines(from: index, limit: limit)
    }
}
