// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import Foundation
import ReeveModel
import ReevePostgres
import ReeveStorage
import ReeveTesting
import Testing

@Suite(.enabled(if: Server.isThere, Server.why)) struct PostgresStoreTests {
    @Test(arguments: StoreContract.all) func keeps(_ promise: StorePromise) async throws {
        let schema = try await Schema()
        let store = try await schema.store()
        try await promise.check { store }
        await store.close()
    }

    /// Numbers out of range count as the nearest, however they were set.
    @Test func numbersOutOfRangeAreTheNearest() async throws {
        let schema = try await Schema()
        for number in [Int.min, -1, 0, .max] {
            let store = try await schema.store {
                ($0.connections, $0.queue, $0.waitSeconds, $0.statementSeconds) = (number, number, number, number)
            }
            try await write(store, "a", [1])
            #expect(try await store.record(for: key("a"))?.bytes == [1])
            let all = try await store.records(in: KeyRange(under: Key(.platform)), limit: .max)
            #expect(all.count == 1)
            await store.close()
        }
    }

    /// A read whose task is cancelled while the server is at it is answered at once, and its connection gives the next one its own answer.
    @Test func aCancelledReadLeavesItsConnectionClean() async throws {
        let schema = try await Schema()
        let store = try await schema.store { ($0.connections, $0.waitSeconds, $0.statementSeconds) = (1, 600, 3600) }
        for name in ["a", "b"] { try await write(store, name, Array(name.utf8)) }
        let holder = try Holder(schema, "LOCK TABLE \(schema.name).records IN ACCESS EXCLUSIVE MODE")
        let reading = Task { try await store.record(for: key("a")) }
        try await holder.waitForWaiter()
        reading.cancel()
        await #expect(throws: StoreError.unavailable("the task was cancelled")) { try await reading.value }
        async let next = store.record(for: key("b"))
        holder.release()
        #expect(try await next?.bytes == Array("b".utf8))
        await store.close()
    }

    /// Two commits that each lock what the other relies on: whoever the server ends first is told of a conflict, or comes second.
    @Test func whatIsRefusedBecauseOfOthersIsAConflict() async throws {
        let schema = try await Schema()
        let store = try await schema.store { $0.statementSeconds = 3 }
        try await write(store, "a", [1])
        // Its lock is not to be had for as long as a step may take: the server says so each time.
        try sql("ALTER ROLE owner IN DATABASE postgres SET lock_timeout = '10ms'", on: schema.connection)
        let impatient = try await schema.store()
        try sql("ALTER ROLE owner IN DATABASE postgres RESET lock_timeout", on: schema.connection)
        let holder = try Holder(schema, "SELECT 1 FROM \(schema.name).records FOR UPDATE")
        await #expect(throws: StoreError.conflict(key("a"))) { try await write(impatient, "a", [2]) }
        holder.release()
        #expect(try await store.record(for: key("a"))?.bytes == [1])
        await store.close()
        await impatient.close()
    }

    /// No text is anything but a text.
    @Test func anyTextIsAKey() async throws {
        let schema = try await Schema()
        let store = try await schema.store()
        let texts = [
            "'", "\"", "'; DROP TABLE records; --", "%s%n", "\\x00", "a\u{0}b", "", "\u{FFFF}", "$1", "é\u{301}",
            String(repeating: "x", count: 900),
        ]
        for (number, text) in texts.enumerated() { try await write(store, text, Array(text.utf8) + [UInt8(number)]) }
        for (number, text) in texts.enumerated() {
            #expect(try await store.record(for: key(text))?.bytes == Array(text.utf8) + [UInt8(number)])
        }
        await store.close()
    }

    /// A record that is only expected does not change between the look and the commit, and one that is expected to be absent does not come about: of two that each rely on the other's, one is
    /// refused.
    @Test(arguments: [(true, "records"), (false, "records"), (true, "ledger")])
    func whatIsExpectedStaysSo(_ isAbsent: Bool, _ table: String) async throws {
        let schema = try await Schema()
        let store = try await schema.store { $0.connections = 8 }
        for round in 0..<60 {
            let keys = ["a", "b"].map { Key(.platform, [.text(table), .text("\($0)\(round)")]) }
            var expectation = Changes.Expectation.absent
            if !isAbsent {
                var changes = Changes()
                for key in keys { changes.write(key, [0]) }
                try await store.commit(changes)
                expectation = .revision(changes.revision)
            }
            let (expected, schemaKeys) = (expectation, keys)
            let won = await withTaskGroup(of: Bool.self) { group in
                for own in 0..<2 {
                    group.addTask {
                        var changes = Changes()
                        changes.expect(schemaKeys[1 - own], expected)
                        changes.write(schemaKeys[own], [1])
                        return (try? await store.commit(changes)) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(won == 1, "round \(round)")
        }
        // What was put there to lock an absence is gone.
        #expect(
            try sql(
                "SELECT count(*) FROM \(schema.name).records WHERE octet_length(revision) <> 16", on: schema.connection)
                == [["0"]])
        await store.close()
    }

    /// Far more callers than connections: each is served in its turn, by no more connections than were allowed.
    @Test func manyCallersShareFewConnections() async throws {
        let schema = try await Schema()
        let store = try await PostgresStore(
            schema.connection + " application_name=\(schema.name)",
            configuration: schema.configuration { $0.waitSeconds = 600 })
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<64 {
                group.addTask {
                    for round in 0..<20 {
                        try await write(store, "c\(caller)", [UInt8(round)])
                        let found = try await store.record(for: key("c\(caller)"))?.bytes
                        #expect(found == [UInt8(round)])
                    }
                }
            }
            try await group.waitForAll()
        }
        let count = try sql(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(schema.name)'",
            on: schema.connection)
        #expect(try #require(Int(count[0][0])) <= 4)
        await store.close()
    }

    #if os(Linux)
    /// What passes through a store does not stay: a process of its own has 64 callers write and read ten times what it may grow by.
    @Test func manyCallersTakeLittleMemory() async throws {
        let schema = try await Schema()
        let (connection, name) = (schema.connection, schema.name)
        await #expect(processExitsWith: .success) { [connection = connection as String, name = name as String] in
            let store = try await PostgresStore(
                connection, configuration: .init(connections: 4, waitSeconds: 600, schema: name))
            func resident() throws -> Int {
                let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .ascii).split(separator: " ")
                return (Int(pages[1]) ?? .max / 8192) * 4096
            }
            func run(_ calls: Int) async throws {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for caller in 0..<64 {
                        group.addTask {
                            for _ in 0..<calls {
                                try await write(store, "c\(caller)", [UInt8](repeating: 7, count: 50_000))
                                let found = try await store.record(for: key("c\(caller)"))?.bytes.count
                                precondition(found == 50_000)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await run(10)
            let before = try resident()
            try await run(50)
            let growth = try resident() - before
            precondition(growth < 32 << 20)
            await store.close()
        }
    }
    #endif

    /// A call that finds no connection stands in line, and leaves it when its task is cancelled; one for which there is no room is refused at once. A commit that was sent is waited for.
    @Test func aLineHasItsEnd() async throws {
        let schema = try await Schema()
        let store = try await schema.store {
            ($0.connections, $0.queue, $0.waitSeconds, $0.statementSeconds) = (1, 2, 600, 3600)
        }
        try await write(store, "a", [1])
        let holder = try Holder(schema, "SELECT 1 FROM \(schema.name).records FOR UPDATE")
        // It waits for the row that the test holds, on the only connection.
        let writing = Task { try await write(store, "a", [2]) }
        try await holder.waitForWaiter()
        let reasons = await withTaskGroup(of: String.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    do throws(StoreError) {
                        _ = try await store.record(for: key("a"))
                        return "served"
                    } catch {
                        return error.description
                    }
                }
            }
            var reasons = [await group.next() ?? ""]
            group.cancelAll()
            for await reason in group { reasons.append(reason) }
            return reasons
        }
        #expect(reasons[0].contains("2 calls wait already"))
        #expect(reasons.count == 3 && reasons.dropFirst().allSatisfy { $0.contains("cancelled") }, "\(reasons)")
        writing.cancel()
        holder.release()
        try await writing.value
        #expect(try await store.record(for: key("a"))?.bytes == [2])
        await store.close()
    }

    @Test func nobodyStandsInLineForEver() async throws {
        let schema = try await Schema()
        let store = try await schema.store { ($0.connections, $0.waitSeconds, $0.statementSeconds) = (1, 1, 3600) }
        try await write(store, "a", [1])
        let holder = try Holder(schema, "SELECT 1 FROM \(schema.name).records FOR UPDATE")
        let writing = Task { try await write(store, "a", [2]) }
        try await holder.waitForWaiter()
        do throws(StoreError) {
            _ = try await store.record(for: key("a"))
            Issue.record("there is no free connection")
        } catch {
            #expect(error.description.contains("no connection became free in 1 s"), "\(error)")
        }
        holder.release()
        try await writing.value
        await store.close()
    }

    /// A server that works too long on a call is told to stop; nothing was changed, and the connection serves the next.
    @Test func aSlowCommitIsGivenUp() async throws {
        let schema = try await Schema()
        let store = try await schema.store { ($0.connections, $0.statementSeconds) = (1, 9) }
        try await write(store, "a", [1])
        let holder = try Holder(schema, "SELECT 1 FROM \(schema.name).records FOR UPDATE")
        do {
            try await write(store, "a", [2])
            Issue.record("the row is held")
        } catch StoreError.unavailable(let reason) {
            #expect(reason.contains("57014"))
        }
        holder.release()
        #expect(try await store.record(for: key("a"))?.bytes == [1])
        try await write(store, "a", [3])
        await store.close()
    }

    @Test func aClosedStoreSaysSo() async throws {
        let schema = try await Schema()
        let store = try await schema.store()
        let writing = (0..<20).map { number in Task { try await write(store, "k\(number)", [1]) } }
        try await write(store, "a", [1])
        await store.close()
        await store.close()
        await #expect(throws: StoreError.unavailable("the store is closed")) { try await store.record(for: key("a")) }
        await #expect(throws: StoreError.unavailable("the store is closed")) { try await write(store, "b", [1]) }
        // Those that came before were served, the others refused.
        let again = try await schema.store()
        for (number, task) in writing.enumerated() {
            let isThere = try await again.record(for: key("k\(number)")) != nil
            let isDone = (try? await task.value) != nil
            #expect(isThere == isDone)
        }
        await again.close()
    }
}
#endif
