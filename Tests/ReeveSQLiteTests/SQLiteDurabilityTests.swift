// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite
import Foundation
import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveSQLite
import ReeveStorage
import ReeveTesting
import ReeveVault
import Synchronization
import Testing

private func key(_ name: String) -> Key { Key(.platform, [.text(name)]) }

/// Counts from 1.
private final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// What survives: a process that is killed while it writes, and what does not: what was shredded.
@Suite(.serialized) struct SQLiteDurabilityTests {
    private static let tasks = 4

    /// Four tasks that count, each commit two records of one number, and note on a line what was acknowledged, until the process is killed: by a thread that waits for a commit of some number to
    /// begin, and then for as much of it as `steps` take.
    private static func count(in folder: String, killedAt number: Int, after steps: Int) async throws {
        let store = try SQLiteStore(path: folder + "/store.sqlite")
        let notes = open(folder + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        precondition(notes >= 0)
        let (begun, looked, hasCome) = (Counter(), Counter(), DispatchSemaphore(value: 0))
        Thread.detachNewThread {
            hasCome.wait()
            while looked.next() < steps {}
            kill(getpid(), SIGKILL)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    while true {
                        let known = try await store.record(for: key("a\(task)"))
                        let count = known.flatMap { Int(String(decoding: $0.bytes, as: UTF8.self)) } ?? 0
                        var changes = Changes()
                        changes.expect(key("a\(task)"), known.map { .revision($0.revision) } ?? .absent)
                        for name in ["a", "b"] { changes.write(key("\(name)\(task)"), Array("\(count + 1)".utf8)) }
                        if begun.next() == number { hasCome.signal() }
                        try await store.commit(changes)
                        let line = Array("\(task) \(count + 1)\n".utf8)
                        precondition(write(notes, line, line.count) == line.count)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Every commit that was acknowledged is there, and none is there in half.
    @Test func aKilledProcessLosesNothing() async throws {
        let folder = try Folder()
        var last = Array(repeating: 0, count: Self.tasks)
        var random = Scale.current.generator(for: "sqlite.killed")
        for round in 0..<Scale.current.cases(ci: 15, soak: 200) {
            let (path, number) = (folder.path, Int.random(in: 20...400, using: &random))
            let steps = Int.random(in: 0...50_000, using: &random)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, number = number as Int, steps = steps as Int] in
                try await SQLiteDurabilityTests.count(in: path, killedAt: number, after: steps)
            }
            let text = String(
                decoding: try Data(contentsOf: URL(filePath: folder.path + "/acknowledged")), as: UTF8.self)
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: " ").compactMap { Int($0) }
                guard parts.count == 2 else { continue }
                last[parts[0]] = max(last[parts[0]], parts[1])
            }
            let store = try SQLiteStore(path: folder.file)
            try await store.checkIntegrity()
            for task in 0..<Self.tasks {
                var found: [Int] = []
                for name in ["a", "b"] {
                    let bytes = try await store.record(for: key("\(name)\(task)"))?.bytes ?? Array("0".utf8)
                    found.append(try #require(Int(String(decoding: bytes, as: UTF8.self))))
                }
                #expect(found[0] == found[1], "round \(round)")
                // One may have been on its way.
                #expect(
                    found[0] == last[task] || found[0] == last[task] + 1, "round \(round): \(found[0]), \(last[task])")
            }
            try store.close()
        }
        #expect(last.allSatisfy { $0 > 15 }, "\(last)")
    }

    /// The rooms work over it: what a process stored, the next one opens; and what was shredded is in no file, neither as it was sealed nor its key.
    @Test func theRoomsWorkOverIt() async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file)
        let trust = try await TestTrust(over: store)
        let connector = Connector(id: Identifier(at: trust.time.now), name: "crm", methods: [.apiKey])
        let connection = Connection(id: Identifier(at: trust.time.now), connector: connector.id, scope: trust.scope)
        let resource = Resource.credential(of: connection.id)
        let secret = Array("a canary that sings 7731".utf8)
        try await trust.layer.vault.store(
            try Credential.apiKey(SecretBytes(copying: secret)), for: connection, of: connector,
            try await trust.permit(StoreCredential.self, on: resource))
        let length = try await trust.layer.vault.withCredential(
            connection.id, try await trust.permit(OpenCredential.self, on: resource)
        ) { $0.withField("key") { $0.byteCount } }
        #expect(length == secret.count)
        try await trust.admission(tasks: 3).release()
        try await trust.layer.runOnce()
        // What lies in the files of its key and of what that seals.
        var sealed: [[UInt8]] = []
        for entry in try await store.records(in: KeyRange(under: Key(Partition(trust.scope))), limit: 1000) {
            let name = entry.key.description
            guard name.contains(connection.id.description),
                name.contains("vault.key/") || name.contains("vault.credential")
            else { continue }
            sealed.append(Array(entry.record.bytes.prefix(4000)))
        }
        #expect(sealed.count >= 2)
        #expect(try !folder.holds(secret))
        for bytes in sealed { #expect(try folder.holds(bytes)) }
        try await trust.layer.vault.shred(
            .connection(connection.id), try await trust.permit(ManageKeys.self, on: resource))
        try await store.purge()
        for bytes in sealed { #expect(try !folder.holds(bytes)) }
        try await store.checkIntegrity()
    }
}
#endif
