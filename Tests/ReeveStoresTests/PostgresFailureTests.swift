// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import Foundation
import Reeve
import ReeveModel
import ReevePostgres
import ReeveStorage
import ReeveTesting
import Synchronization
import Testing

/// Tasks that count, each its own record and one that they share, and remember what was acknowledged.
private final class Counters: Sendable {
    let store: PostgresStore
    let tasks = 4
    private let state = Mutex((done: [String: Int](), unclear: [String: Int](), away: 0, isOver: false))

    init(_ store: PostgresStore) { self.store = store }

    /// Counts until ``stop()``.
    private func run() async {
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask { [self] in
                    while !state.withLock({ $0.isOver }) {
                        await add("own\(task)")
                        await add("shared")
                    }
                }
            }
        }
    }

    private func add(_ name: String) async {
        do throws(StoreError) {
            try await store.transaction { tx throws(StoreError) in
                let count = try await tx.read(key(name)).flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
                tx.write(key(name), Array("\(count + 1)".utf8))
            }
            state.withLock { $0.done[name, default: 0] += 1 }
        } catch {
            state.withLock { state in
                switch error {
                case .outcomeUnknown: state.unclear[name, default: 0] += 1
                case .unavailable: state.away += 1
                default: Issue.record("\(error)")
                }
            }
        }
    }

    /// Counts while something is done, and some more after it; then looks whether all counted once.
    static func count(over store: PostgresStore, while body: (Counters) async throws -> Void) async throws {
        let counters = Counters(store)
        async let running: Void = counters.run()
        await counters.waitForMore(20)
        do {
            try await body(counters)
            await counters.waitForMore(20)
        } catch {
            counters.stop()
            await running
            throw error
        }
        counters.stop()
        await running
        try await counters.check()
        await store.close()
    }

    private func stop() { state.withLock { $0.isOver = true } }
    private var acknowledged: Int { state.withLock { $0.done.values.reduce(0, +) } }
    private var away: Int { state.withLock { $0.away } }

    /// Waits until one more was told that the server is away: nobody hangs.
    func waitForAway() async {
        let before = away
        while away == before { await Task.yield() }
    }

    /// Waits until so many more were acknowledged.
    func waitForMore(_ count: Int) async {
        let before = acknowledged
        while acknowledged < before + count { await Task.yield() }
    }

    /// Nothing acknowledged is lost, and nothing was applied twice.
    func check() async throws {
        let (done, unclear) = state.withLock { ($0.done, $0.unclear) }
        for name in (0..<tasks).map({ "own\($0)" }) + ["shared"] {
            let found =
                try await store.record(for: key(name)).flatMap { Int(String(decoding: $0.bytes, as: UTF8.self)) } ?? 0
            let (least, most) = (done[name] ?? 0, (done[name] ?? 0) + (unclear[name] ?? 0))
            #expect((least...most).contains(found), "\(name): \(found) of \(least)...\(most)")
        }
    }
}

/// What a server does to its clients.
@Suite(.enabled(if: Server.isThere, Server.why), .serialized, .timeLimit(.minutes(60))) struct PostgresFailureTests {
    /// Connections that are cut while they commit, again and again.
    @Test func cutConnectionsLoseNothing() async throws {
        let schema = try await Schema()
        let store = try await PostgresStore(
            schema.connection + " application_name=\(schema.name)", configuration: schema.configuration())
        try await Counters.count(over: store) { counters in
            for _ in 0..<Scale.current.cases(ci: 20, soak: 100) {
                await counters.waitForMore(5)
                try sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(schema.name)'",
                    on: schema.connection)
            }
        }
    }

    @Test(arguments: ["stop", "crash"]) func aRestartedServerIsFoundAgain(_ end: String) async throws {
        let server = try PrivateServer()
        let schema = try await Schema(on: server.connection)
        let store = try await schema.store { $0.waitSeconds = 1 }
        try await Counters.count(over: store) { counters in
            for _ in 0..<Scale.current.cases(ci: 5, soak: 100) {
                await counters.waitForMore(20)
                try server.run(end)
                await counters.waitForAway()
                try server.run("start")
            }
        }
    }

    /// Connections that nobody used while the server went away and came back are not used then: nothing is unclear that never was sent.
    @Test func idleConnectionsAreLookedAt() async throws {
        let server = try PrivateServer()
        let schema = try await Schema(on: server.connection)
        let store = try await schema.store()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<16 { group.addTask { try await write(store, "k\(number)", [1]) } }
            try await group.waitForAll()
        }
        try server.run("crash")
        try server.run("start")
        for number in 0..<16 { try await write(store, "k\(number)", [2]) }
        await store.close()
    }

    /// A server that says nothing for longer than a call may take.
    @Test func aFrozenServerIsGivenUp() async throws {
        let server = try PrivateServer()
        let schema = try await Schema(on: server.connection)
        let store = try await schema.store { ($0.waitSeconds, $0.statementSeconds) = (1, 1) }
        try await Counters.count(over: store) { counters in
            try server.run("freeze")
            await counters.waitForAway()
            try server.run("thaw")
        }
    }
}
#endif
