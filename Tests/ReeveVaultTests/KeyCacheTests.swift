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

/// How often a main key is asked, and how long its answer counts.
@Suite struct KeyCacheTests {
    private struct World {
        let stage: VaultStage
        let mainKey: MainKeyDouble
        let store = SpyStore(TestStore())
        let ledger = MemoryLedger()
        let process: VaultProcess

        init(configuration: Vault.Configuration = .init()) async throws {
            stage = try VaultStage()
            mainKey = try MainKeyDouble()
            process = try await stage.process(store, ledger, MainKeys(mainKey), configuration: configuration)
        }

        func restarted(_ keys: MainKeys? = nil) async throws -> VaultProcess {
            try await stage.process(store, ledger, keys ?? MainKeys(mainKey))
        }
    }

    /// However many wait for a cold tenant, its main key is asked once.
    @Test func aColdTenantCostsOneCall() async throws {
        let world = try await World()
        let connections = (1...30).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("value", connection) }
        let cold = try await world.restarted()
        let before = world.mainKey.unwraps
        let opened = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<3000 { group.addTask { try await cold.open(connections[number % 30]) } }
            return try await group.reduce(0) { $0 + ($1 == "value" ? 1 : 0) }
        }
        #expect(opened == 3000 && world.mainKey.unwraps == before + 1)
    }

    /// Many first stores at once make one environment key.
    @Test func oneEnvironmentKeyIsMade() async throws {
        let world = try await World()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...50 {
                group.addTask { try await world.process.store("v", world.stage.connection(UInt64(number))) }
            }
            try await group.waitForAll()
        }
        #expect(world.mainKey.wraps == 1)
        for number in 1...50 { #expect(try await world.process.open(world.stage.connection(UInt64(number))) == "v") }
    }

    /// A key is asked for again after its lifetime, and a while before it is over.
    @Test func theMainKeyIsAskedOncePerLifetime() async throws {
        let world = try await World()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        let start = world.mainKey.unwraps
        for _ in 0..<47 {
            world.stage.time.advance(by: .seconds(1))
            #expect(try await world.process.open(connection) == "v")
        }
        #expect(world.mainKey.unwraps == start)
        // Past four fifths the refresh runs beside the openings.
        world.stage.time.advance(by: .seconds(2))
        #expect(try await world.process.open(connection) == "v")
        await until { world.mainKey.unwraps > start }
        world.stage.time.advance(by: .seconds(12))
        #expect(try await world.process.open(connection) == "v")
        #expect(world.mainKey.unwraps == start + 1)
    }

    /// A refusal evicts at once, is remembered for five seconds, and what was asked before it does not count.
    @Test func aDenialCountsAtOnce() async throws {
        let world = try await World()
        let (one, two) = (world.stage.connection(1), world.stage.connection(2))
        try await world.process.store("v", one)
        try await world.process.store("w", two)
        // A refresh that is under way and will be granted.
        world.mainKey.hold()
        world.stage.time.advance(by: .seconds(50))
        #expect(try await world.process.open(one) == "v")
        await until { world.mainKey.held > 0 }
        // Meanwhile another environment's denial leaves this one alone, and its own one does not.
        world.mainKey.set(.denies)
        world.stage.time.advance(by: .seconds(11))
        let waiting = Task { try await world.process.failure(two) }
        await Task.yield()
        world.mainKey.release()
        _ = try await waiting.value
        world.stage.time.advance(by: .seconds(61))
        #expect(try await world.process.failure(one)?.code == .mainKeyDenied)
        let asked = world.mainKey.unwraps
        #expect(try await world.process.failure(one)?.code == .mainKeyDenied)
        #expect(world.mainKey.unwraps == asked)
        world.mainKey.set(.works)
        #expect(try await world.process.failure(one)?.code == .mainKeyDenied)
        world.stage.time.advance(by: .seconds(5))
        #expect(try await world.process.open(one) == "v")
    }

    /// Once the provider denies, no opening begins later than one lifetime, in whatever order keys were asked for.
    @Test func noOpeningOutlivesADenial() async throws {
        var generator = Scale.current.generator(for: "vault.denial")
        for _ in 0..<Scale.current.cases(ci: 60, soak: 3000) {
            let world = try await World()
            let connections = (1...3).map { world.stage.connection($0) }
            for connection in connections { try await world.process.store("v", connection) }
            // Some time with openings and unreachable spells, then the denial.
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                world.stage.time.advance(by: .seconds(Int.random(in: 1...40, using: &generator)))
                world.mainKey.set(Bool.random(using: &generator) ? .works : .unavailable)
                _ = try await world.process.failure(connections[Int.random(in: 0..<3, using: &generator)])
            }
            world.mainKey.set(.denies)
            var passed = 0
            while passed < 130 {
                let step = Int.random(in: 1...20, using: &generator)
                if Int.random(in: 0..<6, using: &generator) == 0 {
                    // The wall clock jumps, in both directions.
                    world.stage.time.jump(by: .seconds(Int.random(in: -500...500, using: &generator)))
                }
                world.stage.time.advance(by: .seconds(step))
                passed += step
                for connection in connections {
                    let failure = try await world.process.failure(connection)
                    #expect(failure != nil || passed < 60, "\(passed) s after the denial")
                }
            }
        }
    }

    /// A wall clock that was set back or forward opens nothing that is over.
    @Test(arguments: [-3600, 3600]) func jumpsOfTheClockReviveNothing(_ seconds: Int) async throws {
        let world = try await World()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        #expect(try await world.process.open(connection) == "v")
        let asked = world.mainKey.unwraps
        world.stage.time.jump(by: .seconds(seconds))
        #expect(try await world.process.open(connection) == "v")
        #expect(world.mainKey.unwraps == asked + 1)
        world.mainKey.set(.denies)
        world.stage.time.jump(by: .seconds(-seconds))
        #expect(try await world.process.failure(connection)?.code == .mainKeyDenied)
    }

    /// "Unreachable" is no refusal: what is there is used to its deadline, and no further.
    @Test func anOutageCoastsToTheDeadline() async throws {
        let world = try await World()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        world.mainKey.set(.unavailable)
        world.stage.time.advance(by: .seconds(59))
        #expect(try await world.process.open(connection) == "v")
        world.stage.time.advance(by: .seconds(1))
        #expect(try await world.process.failure(connection)?.code == .mainKeyUnavailable)
        // After five failures in a row the provider is left alone.
        for _ in 0..<10 { _ = try await world.process.failure(connection) }
        let asked = world.mainKey.unwraps
        for _ in 0..<10 { #expect(try await world.process.failure(connection)?.isRetryable == true) }
        #expect(world.mainKey.unwraps == asked)
        world.mainKey.set(.works)
        world.stage.time.advance(by: .seconds(5))
        #expect(try await world.process.open(connection) == "v")
    }

    /// A sweep stops when the main key refuses, and goes on where it was.
    @Test func aSweepStopsAtADenial() async throws {
        let world = try await World()
        let connections = (1...200).map { world.stage.connection($0) }
        for connection in connections { try await world.process.store("v", connection) }
        let scope = world.stage.scope()
        try await world.process.vault.rotate(.environment, world.process.manage(.environment, scope))
        let manage = try await world.process.manage(.environment, scope)
        #expect(try await world.process.vault.rewrap(manage, limit: 100).changed == 100)
        world.mainKey.set(.denies)
        world.stage.time.advance(by: .seconds(61))
        let later = try await world.process.manage(.environment, scope)
        await #expect(throws: VaultError(.mainKeyDenied)) { try await world.process.vault.rewrap(later) }
        world.mainKey.set(.works)
        world.stage.time.advance(by: .seconds(5))
        let report = try await world.process.vault.rewrap(world.process.manage(.environment, scope))
        #expect(report.isFinished && report.changed == 200)
        for connection in connections { #expect(try await world.process.open(connection) == "v") }
    }

    /// A provider that gives back something else changes nothing, and nothing opens.
    @Test(arguments: [MainKeyDouble.Mode.wrongLength, .anotherKey, .garbage, .denies, .unavailable])
    func aFalseProviderChangesNothing(_ mode: MainKeyDouble.Mode) async throws {
        let world = try await World()
        let connection = world.stage.connection(1)
        world.mainKey.set(mode)
        let empty = try await StoreImage(world.store, [world.stage.workspace]).keys(of: "vault.key")
        await #expect(throws: VaultError.self) { try await world.process.store("v", connection) }
        #expect(try await StoreImage(world.store, [world.stage.workspace]).keys(of: "vault.key") == empty)
        world.mainKey.set(.works)
        world.stage.time.advance(by: .seconds(5))
        try await world.process.store("v", connection)
        world.mainKey.set(mode)
        let cold = try await world.restarted()
        if mode != .garbage { #expect(try await cold.failure(connection) != nil) }
        // A new main key that does not give back its probe is refused before anything changes.
        let image = try await StoreImage(world.store, [world.stage.workspace])
        world.mainKey.set(.works)
        let next = try MainKeyDouble()
        next.set(mode)
        let keys = MainKeys(world.mainKey)
        try keys.use(next, for: .everyWorkspace)
        let process = try await world.restarted(keys)
        await #expect(throws: VaultError.self) {
            try await process.vault.repack(process.manage(.environment, connection.scope))
        }
        let after = try await StoreImage(world.store, [world.stage.workspace])
        #expect(image.keys(of: "vault.key").allSatisfy { image.records[$0] == after.records[$0] })
    }

    /// A provider that answers with another tenant's key, which it did wrap: nothing opens, and nothing is wrapped under it.
    @Test func anotherTenantsKeyChangesNothing() async throws {
        let stage = try VaultStage()
        let mainKey = try ConfusedMainKey()
        let (store, ledger, keys) = (TestStore(), MemoryLedger(), MainKeys(mainKey))
        let process = try await stage.process(store, ledger, keys)
        let other = Identifier<Workspace>(high: 1, low: 9)
        let (mine, theirs) = (stage.connection(1), stage.connection(2, in: other))
        try await process.store("mine", mine)
        try await process.store("theirs", theirs)
        let image = try await StoreImage(store, [stage.workspace, other])
        mainKey.confuse(true)
        let cold = try await stage.process(store, ledger, keys)
        #expect(try await cold.failure(mine)?.code == .cannotOpen)
        #expect(try await cold.failure(theirs)?.code == .cannotOpen)
        await #expect(throws: VaultError.self) { try await cold.store("w", mine) }
        await #expect(throws: VaultError.self) {
            try await cold.vault.rotate(.environment, cold.manage(.environment, mine.scope))
        }
        let after = try await StoreImage(store, [stage.workspace, other])
        for table in ["vault.key", "vault.keys", "vault.credential"] {
            #expect(image.keys(of: table).map { image.records[$0] } == after.keys(of: table).map { after.records[$0] })
        }
        mainKey.confuse(false)
        stage.time.advance(by: .seconds(5))
        #expect(try await cold.open(mine) == "mine")
        #expect(try await cold.open(theirs) == "theirs")
    }

    /// An environment with several keys as well, where a probe comes first.
    @Test(arguments: [MainKeyDouble.Mode.wrongLength, .anotherKey, .garbage, .denies, .unavailable])
    func aFalseProviderIsProbedFirst(_ mode: MainKeyDouble.Mode) async throws {
        let world = try await World()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        try await world.process.vault.rotate(.environment, world.process.manage(.environment, connection.scope))
        let image = try await StoreImage(world.store, [world.stage.workspace])
        let next = try MainKeyDouble()
        next.set(mode)
        let keys = MainKeys(world.mainKey)
        try keys.use(next, for: .everyWorkspace)
        let process = try await world.restarted(keys)
        let asked = world.mainKey.unwraps
        await #expect(throws: VaultError.self) {
            try await process.vault.repack(process.manage(.environment, connection.scope))
        }
        // No key was taken from under the one before.
        #expect(world.mainKey.unwraps == asked)
        let after = try await StoreImage(world.store, [world.stage.workspace])
        #expect(image.keys(of: "vault.key").allSatisfy { image.records[$0] == after.records[$0] })
    }

    /// A main key is changed while others store all the time; it is asked no more often for that.
    @Test func aRepackMeetsOtherWork() async throws {
        let world = try await World()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        let other = try await world.restarted()
        try await other.store("w", world.stage.connection(50))
        let next = try MeddlingMainKey { number in
            try await other.store("w", world.stage.connection(UInt64(100 + number)))
        }
        let keys = MainKeys(world.mainKey)
        try keys.use(next, for: .everyWorkspace)
        let process = try await world.restarted(keys)
        let asked = world.mainKey.unwraps
        let changed = try await process.vault.repack(process.manage(.environment, connection.scope))
        #expect(changed == 1 && next.wraps == 1 && world.mainKey.unwraps == asked + 1)
        let restarted = try await world.restarted(MainKeys(next))
        #expect(try await restarted.open(connection) == "v")
    }

    /// A key that another process wrapped anew meanwhile is not written over: of the first of two before the entry, and of the
    /// second after it. What is left is done by who repacks again.
    @Test(arguments: [2, 3]) func aRepackMeetsAnother(_ call: Int) async throws {
        let world = try await World()
        let connection = world.stage.connection(1)
        try await world.process.store("v", connection)
        try await world.process.vault.rotate(.environment, world.process.manage(.environment, connection.scope))
        let third = try LocalMainKey.ephemeral()
        let others = MainKeys(world.mainKey)
        try others.use(third, for: .everyWorkspace)
        let other = try await world.restarted(others)
        let next = try MeddlingMainKey { number in
            guard number == call else { return }
            _ = try await other.vault.repack(other.manage(.environment, connection.scope))
        }
        try others.add(next, for: .everyWorkspace)
        let keys = MainKeys(world.mainKey)
        try keys.use(next, for: .everyWorkspace)
        try keys.add(third, for: .everyWorkspace)
        let process = try await world.restarted(keys)
        if call == 3 {
            await #expect(throws: VaultError(.changedMeanwhile)) {
                try await process.vault.repack(process.manage(.environment, connection.scope))
            }
        }
        #expect(try await process.vault.repack(process.manage(.environment, connection.scope)) == 2)
        let restarted = try await world.restarted(MainKeys(next))
        #expect(try await restarted.open(connection) == "v")
        let verified = try await restarted.vault.verify(restarted.manage(.environment, connection.scope))
        #expect(verified.defects.isEmpty)
        let horizon = try await restarted.vault.shredHorizon(restarted.manage(.environment, connection.scope))
        #expect(horizon.mainKeys.filter { $0.until == nil }.map(\.reference) == [next.reference])
    }

    /// A provider that does not answer holds up nobody else, and is given up after its time.
    @Test func aSlowTenantSlowsNoOther() async throws {
        let stage = try VaultStage()
        let (slow, fast) = (try MainKeyDouble(), try MainKeyDouble())
        let other = Identifier<Workspace>(high: 1, low: 9)
        let keys = MainKeys()
        try keys.use(slow, for: .workspace(stage.workspace))
        try keys.use(fast, for: .workspace(other))
        let (store, ledger) = (TestStore(), MemoryLedger())
        let process = try await stage.process(store, ledger, keys)
        let (mine, theirs) = (stage.connection(1), stage.connection(2, in: other))
        try await process.store("mine", mine)
        try await process.store("theirs", theirs)
        let cold = try await stage.process(store, ledger, keys)
        slow.hold()
        let waiting = (0..<200).map { _ in Task { try await cold.failure(mine) } }
        await until { slow.held > 0 }
        #expect(try await cold.open(theirs) == "theirs")
        stage.time.advance(by: .seconds(5))
        for task in waiting { #expect(try await task.value?.code == .mainKeyUnavailable) }
        slow.release()
        #expect(slow.unwraps <= 3)
    }

    /// Two keys of an environment are being asked for when the main key refuses a third call: in every order of the answers
    /// and the refusal, what was answered after it is not used, and what was answered before it is used once.
    @Test(arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    func everyOrderOfTwoAnswersAndARefusal(_ order: [Int]) async throws {
        let stage = try VaultStage()
        let mainKey = try SlowMainKey()
        let (store, ledger, keys) = (TestStore(), MemoryLedger(), MainKeys(mainKey))
        let maker = try await stage.process(store, ledger, keys)
        let connections = [stage.connection(1), stage.connection(2)]
        let scope = stage.scope()
        // Each under an environment key of its own.
        try await maker.store("v", connections[0])
        try await maker.vault.rotate(.environment, maker.manage(.environment, scope))
        try await maker.store("v", connections[1])
        let process = try await stage.process(store, ledger, keys)
        mainKey.hold()
        var openings: [Task<VaultError?, any Error>] = []
        for (number, connection) in connections.enumerated() {
            openings.append(Task { try await process.failure(connection) })
            await until { mainKey.held == number + 1 }
        }
        var isRefused = false
        for event in order {
            if event == 2 {
                mainKey.refuse()
                await #expect(throws: VaultError(.mainKeyDenied)) {
                    try await process.vault.rotate(.environment, process.manage(.environment, scope))
                }
                isRefused = true
            } else {
                mainKey.answer(event)
                let failure = try await openings[event].value
                #expect(failure?.code == (isRefused ? .mainKeyDenied : nil), "\(order)")
            }
        }
        #expect(process.vault.cachedKeys == 0)
        for connection in connections { #expect(try await process.failure(connection)?.code == .mainKeyDenied) }
    }

    /// A key is bound to where it was added: in another workspace it wraps and unwraps nothing.
    @Test func mainKeysServeOnlyWhereTheyWereAdded() async throws {
        let stage = try VaultStage()
        let (one, two) = (try MainKeyDouble(), try MainKeyDouble())
        let other = Identifier<Workspace>(high: 1, low: 9)
        let keys = MainKeys()
        try keys.use(one, for: .environment(stage.workspace, .production))
        try keys.use(two, for: .workspace(stage.workspace))
        let process = try await stage.process(TestStore(), MemoryLedger(), keys)
        await #expect(throws: VaultError(.mainKeyMissing)) {
            try await process.store("v", stage.connection(1, in: other))
        }
        try await process.store("v", stage.connection(1))
        try await process.store("v", stage.connection(2, .test))
        #expect(one.wraps == 1 && two.wraps == 1)
        // Nor is a key taken elsewhere: who names another's key gets none of its answers.
        for reach in [MainKeys.Reach.workspace(other), .environment(other, .production), .everyWorkspace] {
            #expect(throws: VaultError(.mainKeyElsewhere)) { try keys.use(one, for: reach) }
            #expect(throws: VaultError(.mainKeyElsewhere)) { try keys.add(two, for: reach) }
        }
        try keys.add(one, for: .workspace(stage.workspace))
        await #expect(throws: VaultError(.mainKeyMissing)) {
            try await process.store("v", stage.connection(1, in: other))
        }
    }
}

/// A main key during whose wrapping something else happens.
private final class MeddlingMainKey: MainKeyProvider {
    private let base: LocalMainKey
    private let meddle: @Sendable (Int) async throws -> Void
    private let count = Mutex(0)

    init(_ meddle: @escaping @Sendable (Int) async throws -> Void) throws {
        base = try LocalMainKey.ephemeral()
        self.meddle = meddle
    }

    var reference: String { base.reference }
    var wraps: Int { count.withLock { $0 } }

    func wrap(_ key: borrowing SecretBytes, context: MainKeyContext) async throws(MainKeyError) -> [UInt8] {
        let number = count.withLock { count in
            count += 1
            return count
        }
        do { try await meddle(number) } catch { throw .unavailable }
        return try await base.wrap(key, context: context)
    }
    func unwrap(_ wrapped: [UInt8], context: MainKeyContext) async throws(MainKeyError) -> SecretBytes {
        try await base.unwrap(wrapped, context: context)
    }
}

/// A main key that answers with what it unwraps for somebody else.
private final class ConfusedMainKey: MainKeyProvider {
    private struct State {
        var isConfused = false
        var wrapped: [MainKeyContext: [UInt8]] = [:]
    }
    private let base: LocalMainKey
    private let state = Mutex(State())

    init() throws { base = try LocalMainKey.ephemeral() }

    var reference: String { base.reference }
    func confuse(_ isConfused: Bool) { state.withLock { $0.isConfused = isConfused } }

    func wrap(_ key: borrowing SecretBytes, context: MainKeyContext) async throws(MainKeyError) -> [UInt8] {
        let wrapped = try await base.wrap(key, context: context)
        state.withLock { state in if state.wrapped[context] == nil { state.wrapped[context] = wrapped } }
        return wrapped
    }
    func unwrap(_ wrapped: [UInt8], context: MainKeyContext) async throws(MainKeyError) -> SecretBytes {
        let other = state.withLock { state in
            state.isConfused ? state.wrapped.first { $0.key != context } : nil
        }
        guard let other else { return try await base.unwrap(wrapped, context: context) }
        return try await base.unwrap(other.value, context: other.key)
    }
}

/// A main key whose answers come when the test lets them, and that refuses everything else from then on.
private final class SlowMainKey: MainKeyProvider {
    private struct State {
        var isHolding = false
        var refuses = false
        var waiting: [CheckedContinuation<Void, Never>?] = []
    }
    private let base: LocalMainKey
    private let state = Mutex(State())

    init() throws { base = try LocalMainKey.ephemeral() }

    var reference: String { base.reference }
    var held: Int { state.withLock { $0.waiting.count } }
    func hold() { state.withLock { $0.isHolding = true } }
    func refuse() { state.withLock { ($0.refuses, $0.isHolding) = (true, false) } }
    func answer(_ index: Int) { state.withLock { $0.waiting[index].take() }?.resume() }

    func wrap(_ key: borrowing SecretBytes, context: MainKeyContext) async throws(MainKeyError) -> [UInt8] {
        guard !state.withLock(\.refuses) else { throw .denied }
        return try await base.wrap(key, context: context)
    }
    func unwrap(_ wrapped: [UInt8], context: MainKeyContext) async throws(MainKeyError) -> SecretBytes {
        guard !state.withLock(\.refuses) else { throw .denied }
        await withCheckedContinuation { continuation in
            let mayGo = state.withLock { state in
                guard state.isHolding else { return true }
                state.waiting.append(continuation)
                return false
            }
            if mayGo { continuation.resume() }
        }
        return try await base.unwrap(wrapped, context: context)
    }
}
