// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTesting
import ReeveVault
import Synchronization
import Testing

/// A crash after any call of store or ledger, then a restart: nothing is lost, nothing closed opens, and work goes on.
@Suite struct VaultFaultProperties {
    enum Act: String, CaseIterable, Sendable {
        case store, destroy, rotateConnection, rotateEnvironment, rewrap, repack, shred, suspend, resume, schedule,
            expire, endHour
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
        case .resume: try await vault.resume(target, process.manage(target, scope))
        case .schedule: try await vault.scheduleDestruction(of: target, process.manage(target, scope))
        case .expire, .endHour: try await vault.runOnce()
        }
    }

    @Test(arguments: Act.allCases, FaultyStore.Fault.allCases)
    func everyCallMayFail(_ act: Act, _ fault: FaultyStore.Fault) async throws {
        var reached = 0
        for call in 1...200 {
            let stage = try VaultStage()
            let (first, next) = (try LocalMainKey.ephemeral(), try LocalMainKey.ephemeral())
            let keys = MainKeys(first)
            let (base, ledger) = (MemoryStore(), MemoryLedger())
            let connections = (1...3).map { stage.connection(UInt64($0)) }
            let job = Identifier<Job>(high: 5, low: 1)
            let maker = try await stage.process(
                base, ledger, keys, configuration: .init(jobDataHours: 1))
            for (connection, name) in zip(connections, Self.names) { try await maker.store(name, connection) }
            // What the act starts from.
            var sealed: SealedJobData?
            let target = KeyTarget.connection(connections[0].id)
            switch act {
            case .rewrap: try await run(.rotateEnvironment, maker, connections)
            case .repack: keys.use(next, for: .everyWorkspace)
            case .resume: try await run(.suspend, maker, connections)
            case .expire:
                try await maker.vault.scheduleDestruction(
                    of: target, after: 1, maker.manage(target, connections[0].scope))
                stage.time.advance(by: .seconds(86_400))
            case .endHour:
                let mayRun = try await maker.permit(RunJob.self, Resource(job), connections[0].scope)
                sealed = try await maker.vault.sealJobData(SecretBytes(copying: [1]), of: job, mayRun)
                stage.time.advance(by: .seconds(7200))
            default: break
            }
            let faulty = FaultyStore(base, failing: call + 1, with: fault)
            let process = try await stage.process(faulty, ledger, keys)
            let done = (try? await run(act, process, connections)) != nil
            guard faulty.calls > call else { break }
            reached += 1
            // After the restart the others open, and what was acted on is as before or as after.
            let restarted = try await stage.process(base, ledger, keys)
            #expect(try await restarted.open(connections[1]) == "b", "\(act) \(fault) at \(call)")
            #expect(try await restarted.open(connections[2]) == "c", "\(act) \(fault) at \(call)")
            let value = try? await restarted.open(connections[0])
            switch act {
            case .store:
                #expect(value == "again" || value == "a" && !done)
                try await checkThatAllOfAStoreIsDone(restarted, connections[0], isStored: value == "again")
            case .rotateConnection, .rotateEnvironment, .rewrap, .repack, .endHour: #expect(value == "a")
            case .shred, .destroy, .suspend, .schedule: #expect(value == nil || value == "a" && !done)
            case .resume: #expect(value == "a" || value == nil && !done)
            case .expire: #expect(value == nil)
            }
            // Once closed in the ledger it does not open again by itself, and the act can be done once more.
            if [.shred, .destroy, .suspend, .schedule].contains(act), value == nil {
                #expect(try await restarted.failure(connections[0])?.code == .cannotOpen)
            }
            if !done, act != .store {
                do {
                    // The lease of the process that crashed has to run out.
                    for _ in 0..<3 where act == .rewrap {
                        if (try? await run(act, restarted, connections)) != nil { break }
                        stage.time.advance(by: .seconds(40))
                    }
                    try await run(act, restarted, connections)
                } catch let error as VaultError {
                    // It had been done.
                    #expect([.wrongState, .keyClosed].contains(error.code), "\(act) \(fault) at \(call): \(error)")
                }
                let value = try? await restarted.open(connections[0])
                switch act {
                case .shred, .destroy, .suspend, .schedule, .expire: #expect(value == nil)
                default: #expect(value == "a", "\(act) \(fault) at \(call)")
                }
            }
            guard let sealed else { continue }
            // Whatever is left of the hour opens nothing, and the next round leaves nothing of it.
            let mayRun = try await restarted.permit(RunJob.self, Resource(job), connections[0].scope)
            await #expect(throws: VaultError(.cannotOpen)) {
                try await vaultError { () throws(OpenFailure<Never>) in
                    try await restarted.vault.withJobData(sealed, of: job, mayRun) { _ in }
                }
            }
            stage.time.advance(by: .seconds(40))
            try await run(act, restarted, connections)
            let image = try await StoreImage(base, [stage.workspace])
            #expect(image.keys(of: "vault.due").isEmpty && image.keys(of: "vault.keys").count == 4)
            #expect(
                try await ledger.lines(from: 0, limit: 100).count {
                    String(decoding: $0, as: UTF8.self).contains("over")
                } == 1)
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
    @Test(arguments: [Act.shred, .suspend, .resume, .schedule, .store]) func everyLedgerCallMayFail(_ act: Act)
        async throws
    {
        for lost in [false, true] {
            for call in 1...12 {
                let stage = try VaultStage()
                let keys = try MainKeys(LocalMainKey.ephemeral())
                let (store, ledger) = (MemoryStore(), MemoryLedger())
                let connections = (1...3).map { stage.connection(UInt64($0)) }
                let maker = try await stage.process(store, ledger, keys)
                for (connection, name) in zip(connections, Self.names) { try await maker.store(name, connection) }
                if act == .resume { try await run(.suspend, maker, connections) }
                let faulty = FaultyLedger(ledger, failing: call, losing: lost)
                let process = try await stage.process(store, faulty, keys)
                let done = (try? await run(act, process, connections)) != nil
                guard faulty.calls >= call else { break }
                let restarted = try await stage.process(store, ledger, keys)
                #expect(try await restarted.open(connections[1]) == "b")
                let value = try? await restarted.open(connections[0])
                switch act {
                case .resume: #expect(value == "a" || value == nil && !done)
                case .store: #expect(value == "again" || value == "a" && !done)
                default: #expect(value == nil || value == "a" && !done)
                }
                if !done, act != .store {
                    _ = try? await run(act, restarted, connections)
                    #expect((try? await restarted.open(connections[0])) == (act == .resume ? "a" : nil))
                }
            }
        }
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
