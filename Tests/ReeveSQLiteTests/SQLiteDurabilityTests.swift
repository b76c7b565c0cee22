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
import Testing

private func key(_ name: String) -> Key { Key(.platform, [.text(name)]) }

/// What survives: a process that is killed while it writes, and what does not: what was shredded.
@Suite(.serialized) struct SQLiteDurabilityTests {
    private static let folder = "REEVE_SQLITE_KILLED"
    private static let tasks = 4

    /// Four tasks that count, each commit two records of one number, and note on a line what was acknowledged; until the process is killed.
    private static func count(in folder: String) async throws {
        let store = try SQLiteStore(path: folder + "/store.sqlite")
        let notes = open(folder + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        precondition(notes >= 0)
        let milliseconds = UInt32.random(in: 30...250)
        Thread.detachNewThread {
            usleep(milliseconds * 1000)
            kill(getpid(), SIGKILL)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    while true {
                        let known = try await store.record(for: key("a\(task)"))
                        let number = known.flatMap { Int(String(decoding: $0.bytes, as: UTF8.self)) } ?? 0
                        var changes = Changes()
                        changes.expect(key("a\(task)"), known.map { .revision($0.revision) } ?? .absent)
                        for name in ["a", "b"] { changes.write(key("\(name)\(task)"), Array("\(number + 1)".utf8)) }
                        try await store.commit(changes)
                        let line = Array("\(task) \(number + 1)\n".utf8)
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
        setenv(Self.folder, folder.path, 1)
        defer { unsetenv(Self.folder) }
        var last = Array(repeating: 0, count: Self.tasks)
        for round in 0..<Scale.current.cases(ci: 15, soak: 200) {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                guard let path = ProcessInfo.processInfo.environment[SQLiteDurabilityTests.folder] else {
                    preconditionFailure("no folder")
                }
                try await SQLiteDurabilityTests.count(in: path)
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
