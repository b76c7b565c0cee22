// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite
import Foundation
import GRDB
import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveSQLite
import ReeveStorage
import ReeveTesting
import ReeveVault
import Testing

private func expect(_ code: SQLiteStoreError.Code, _ body: () async throws -> Void) async {
    do {
        try await body()
        Issue.record("\(code) was not thrown")
    } catch {
        #expect(error as? SQLiteStoreError == nil ? false : (error as? SQLiteStoreError)?.code == code, "\(error)")
    }
}

@Suite struct SQLiteStoreTests {
    @Test(arguments: StoreContract.all) func keeps(_ promise: StorePromise) async throws {
        let folder = try Folder()
        try await promise.check { try SQLiteStore(path: folder.file) }
        withExtendedLifetime(folder) {}
    }

    /// Numbers out of range count as the nearest, however they were set.
    @Test func numbersOutOfRangeAreTheNearest() async throws {
        for number in [Int.min, -1, 0, .max] {
            let folder = try Folder()
            var configuration = SQLiteStore.Configuration()
            (configuration.busySeconds, configuration.readers, configuration.maximumBytes) = (number, number, number)
            let store = try SQLiteStore(path: folder.file, configuration: configuration)
            try await write(store, "a", [1])
            #expect(try await store.record(for: key("a"))?.bytes == [1])
            try store.close()
        }
    }

    /// Many commits at once are each all or nothing, and each as of those before it.
    @Test func commitsThatShareAWriteDoNotShareAFate() async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file)
        try await write(store, "count", [0])
        let won = await withTaskGroup(of: Bool.self) { group in
            let known = try? await store.record(for: key("count"))
            for number in 0..<200 as Range<UInt8> {
                group.addTask {
                    var changes = Changes()
                    if let known { changes.expect(key("count"), .revision(known.revision)) }
                    changes.write(key("count"), [number])
                    changes.write(key("by \(number)"), [number])
                    do throws(StoreError) {
                        try await store.commit(changes)
                        return true
                    } catch {
                        return error != .conflict(key("count"))
                    }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(won == 1)
        #expect(try await store.records(in: KeyRange(under: Key(.platform)), limit: 1000).count == 2)
    }

    // MARK: Files

    @Test func filesAreTheirOwnersAlone() async throws {
        let folder = try Folder()
        let before = umask(0)
        defer { umask(before) }
        let store = try SQLiteStore(path: folder.file)
        try await write(store, "a", [1])
        try await store.backUp(to: folder.path + "/copy.sqlite")
        #expect(folder.files == ["copy.sqlite", "store.sqlite", "store.sqlite-shm", "store.sqlite-wal"])
        for name in folder.files { #expect(try folder.mode(name) == 0o600, "\(name)") }
        // One that was open to others is theirs no more.
        try store.close()
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.file)
        try SQLiteStore(path: folder.file).close()
        #expect(try folder.mode("store.sqlite") == 0o600)
    }

    @Test func linksAreNotFollowed() async throws {
        for part in ["", "-wal", "-shm"] {
            let folder = try Folder()
            let other = folder.path + "/other"
            try Data("theirs".utf8).write(to: URL(filePath: other))
            try FileManager.default.createSymbolicLink(atPath: folder.file + part, withDestinationPath: other)
            await expect(.notAFile) { _ = try SQLiteStore(path: folder.file) }
            #expect(try Data(contentsOf: URL(filePath: other)) == Data("theirs".utf8))
        }
        let folder = try Folder()
        await expect(.notAFile) { _ = try SQLiteStore(path: folder.path) }
        await expect(.notAccessible) { _ = try SQLiteStore(path: folder.path + "/missing/store.sqlite") }
    }

    /// Whatever a path is called, what is committed is in a file of that name, or it is refused.
    @Test func everyPathIsAFile() async throws {
        let folder = try Folder()
        for path in ["", "a\u{0}b", folder.path + "/a\u{0}b"] {
            await expect(.notAFile) { _ = try SQLiteStore(path: path) }
        }
        for name in [":memory:", "file:x?mode=memory&cache=shared", "file::memory:", "a 'b' \"c\" %20 ü", "-wal"] {
            let store = try SQLiteStore(path: folder.path + "/" + name)
            try await write(store, "a", [1])
            #expect(folder.files.contains(name), "\(folder.files)")
            try await store.backUp(to: folder.path + "/copy of " + name)
            try store.close()
            let again = try SQLiteStore(path: folder.path + "/" + name)
            #expect(try await again.record(for: key("a"))?.bytes == [1])
            try again.close()
        }
        // From where the process stands, too.
        let name = ":memory:reeve\(UInt64.random(in: 0 ... .max))"
        let store = try SQLiteStore(path: name)
        try await write(store, "a", [1])
        try store.close()
        #expect(FileManager.default.fileExists(atPath: store.path) && store.path.hasPrefix("/"))
        for part in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: store.path + part) }
        let long = folder.path + "/" + String(repeating: "x", count: 5000)
        #expect(throws: SQLiteStoreError.self) { _ = try SQLiteStore(path: long) }
    }

    @Test func whatIsNotReevesIsRefused() async throws {
        let folder = try Folder()
        try Data("SQLite format 3".utf8 + [0] + Array(repeating: UInt8(0x41), count: 5000)).write(
            to: URL(filePath: folder.file))
        #expect(throws: SQLiteStoreError.self) { _ = try SQLiteStore(path: folder.file) }
        let text = folder.path + "/text"
        try Data("these are notes, and no database at all".utf8).write(to: URL(filePath: text))
        await expect(.notReeves) { _ = try SQLiteStore(path: text) }
        #expect(try Data(contentsOf: URL(filePath: text)) == Data("these are notes, and no database at all".utf8))
        let other = folder.path + "/other"
        let queue = try DatabaseQueue(path: other)
        try await queue.write { try $0.execute(sql: "CREATE TABLE theirs (a)") }
        try queue.close()
        await expect(.notReeves) { _ = try SQLiteStore(path: other) }
    }

    /// A trigger, a view or a table that somebody planted is seen when the file is opened, and before the next commit; nothing of it runs.
    @Test(arguments: [
        "CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM records; END",
        "CREATE VIEW v AS SELECT * FROM records",
        "CREATE TABLE other (a)", "CREATE INDEX i ON records (value)", "DROP TABLE records",
        "ALTER TABLE records ADD COLUMN more BLOB",
    ]) func whatIsPlantedIsSeen(_ sql: String) async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file)
        try await write(store, "a", [1])
        let queue = try DatabaseQueue(path: folder.file)
        try await queue.write { try $0.execute(sql: sql) }
        await #expect(throws: StoreError.self) { try await write(store, "b", [2]) }
        let count = try await queue.read { try? Int.fetchOne($0, sql: "SELECT count(*) FROM records") }
        #expect(count == 1 || sql.hasPrefix("DROP"))
        try queue.close()
        await expect(.notReeves) { _ = try SQLiteStore(path: folder.file) }
    }

    @Test func aNewerFormatSaysSo() async throws {
        let folder = try Folder()
        try SQLiteStore(path: folder.file).close()
        let queue = try DatabaseQueue(path: folder.file)
        try await queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version=2") }
        try queue.close()
        await expect(.newerFormat) { _ = try SQLiteStore(path: folder.file) }
    }

    /// What was removed is in no file once the log was written over, and in no backup.
    @Test func whatWasRemovedLeavesNothing() async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file)
        let secret = Array("a canary that sings 7731".utf8)
        for number in 0..<40 {
            try await write(
                store, "k\(number)", Array(repeating: UInt8(number), count: 3000) + (number == 17 ? secret : []))
        }
        #expect(try folder.holds(secret))
        var changes = Changes()
        changes.delete(key("k17"))
        try await store.commit(changes)
        try await store.purge()
        #expect(try !folder.holds(secret))
        try await store.backUp(to: folder.path + "/copy.sqlite")
        #expect(try !folder.holds(secret))
        let copy = try SQLiteStore(path: folder.path + "/copy.sqlite")
        try await copy.checkIntegrity()
        #expect(try await copy.records(in: KeyRange(under: Key(.platform)), limit: 100).count == 39)
    }

    /// After a credential's key was destroyed neither the sealed value nor the wrapped key is in the file, its log or a new backup; the value itself never was.
    @Test func aShredLeavesNothing() async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file)
        let trust = try await TestTrust(over: store)
        let secret = Array("a canary that was sealed 8812".utf8)
        let connector = Connector(id: Identifier(at: trust.time.now), name: "crm", methods: [.apiKey])
        let connection = Connection(id: Identifier(at: trust.time.now), connector: connector.id, scope: trust.scope)
        let mayStore = try await trust.permit(StoreCredential.self, on: .credential(of: connection.id))
        try await trust.layer.vault.store(
            Credential.apiKey(SecretBytes(copying: secret)), for: connection, of: connector, mayStore)
        // What the vault keeps of it: the wrapped key, and the sealed value.
        func records(_ table: String) async throws -> [[UInt8]] {
            let all = KeyRange(under: Key(Partition(trust.scope), [.text(table)]))
            return try await store.records(in: all, limit: 100).filter {
                $0.key.elements?.contains(.text(connection.id.description)) == true
            }.map(\.record.bytes)
        }
        let kept = try await records("vault.key") + records("vault.credential")
        try #require(kept.count >= 2)
        // A part from the middle of each, where the key's and the value's own bytes are.
        let parts = kept.map { Array($0[($0.count / 2)..<($0.count / 2 + 24)]) }
        for part in parts { #expect(try folder.holds(part)) }
        let target = KeyTarget.connection(connection.id)
        try await trust.layer.vault.shred(
            target, trust.permit(ManageKeys.self, on: target.resource(in: trust.scope)))
        try await store.purge()
        try await store.backUp(to: folder.path + "/copy.sqlite")
        for part in parts + [secret] { #expect(try !folder.holds(part)) }
        try store.close()
    }

    /// A backup under load is the state of one instant.
    @Test func aBackupIsOfOneInstant() async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file)
        let writer = Task {
            var number: UInt8 = 0
            while !Task.isCancelled {
                var changes = Changes()
                for name in ["a", "b", "c"] { changes.write(key(name), [number]) }
                try await store.commit(changes)
                number &+= 1
            }
        }
        for number in 0..<10 {
            try await store.backUp(to: folder.path + "/copy\(number)")
            let copy = try SQLiteStore(path: folder.path + "/copy\(number)")
            let found = try await copy.records(in: KeyRange(under: Key(.platform)), limit: 10).map(\.record.bytes)
            #expect(found.isEmpty || found.count == 3 && Set(found).count == 1)
            try copy.close()
        }
        writer.cancel()
        try? await writer.value
        await expect(.alreadyThere) { try await store.backUp(to: folder.path + "/copy0") }
    }

    /// Where another process writes too long, nothing was changed, and later it is.
    @Test func whatIsHeldIsUnavailable() async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file, configuration: .init(busySeconds: 0))
        try await write(store, "a", [1])
        var settings = Configuration()
        settings.allowsUnsafeTransactions = true
        let queue = try DatabaseQueue(path: folder.file, configuration: settings)
        try await queue.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        do throws(StoreError) {
            var changes = Changes()
            changes.write(key("a"), [2])
            try await store.commit(changes)
            Issue.record("it was written")
        } catch {
            guard case .unavailable(let reason) = error else { throw error }
            #expect(reason.contains("another process") && error.isRetryable)
        }
        #expect(try await store.record(for: key("a"))?.bytes == [1])
        try await queue.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try await write(store, "a", [2])
        #expect(try await store.record(for: key("a"))?.bytes == [2])
        try store.close()
        await #expect(throws: StoreError.self) { try await write(store, "a", [3]) }
    }

    /// Without space nothing is lost, the error says so, and there is room again once something is removed.
    @Test func withoutSpaceNothingIsLost() async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file, configuration: .init(maximumBytes: 512 << 10))
        var written = 0
        var refusal: StoreError?
        while refusal == nil, written < 1000 {
            var changes = Changes()
            changes.write(key("a\(written)"), Array(repeating: 1, count: 4000))
            changes.write(key("b\(written)"), Array(repeating: 2, count: 4000))
            do throws(StoreError) {
                try await store.commit(changes)
                written += 1
            } catch {
                refusal = error
            }
        }
        guard case .unavailable(let reason)? = refusal else {
            Issue.record("\(written) were written")
            return
        }
        #expect(written > 10 && reason.contains("no space"))
        #expect(try await store.records(in: KeyRange(under: Key(.platform)), limit: 2000).count == 2 * written)
        try await store.checkIntegrity()
        var changes = Changes()
        for number in 0..<5 { changes.delete(key("a\(number)")) }
        try await store.commit(changes)
        try await write(store, "again", Array(repeating: 3, count: 4000))
        #expect(try await store.record(for: key("again"))?.bytes.count == 4000)
    }

    /// Bytes of every kind, of the largest sizes, in keys that have to be ordered as bytes.
    @Test func anyBytesAreKeptAsTheyAre() async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file)
        let names = [
            "", "'", "\"; DROP TABLE records; --", "%", "\u{0}", "a\u{0}b", "ü", "🔑",
            String(repeating: "x", count: 900),
        ]
        for name in names { try await write(store, name, Array(name.utf8)) }
        for name in names { #expect(try await store.record(for: key(name))?.bytes == Array(name.utf8)) }
        let large = (0..<Changes.maximumRecordBytes).map { UInt8(truncatingIfNeeded: $0) }
        try await write(store, "large", large)
        #expect(try await store.record(for: key("large"))?.bytes == large)
        let all = try await store.records(in: KeyRange(under: Key(.platform)), limit: 100).map(\.key)
        #expect(all == all.sorted() && all.count == names.count + 1)
    }

    /// A damaged file is said to be, and no error shows what is in it.
    @Test func aDamagedFileIsSeen() async throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file)
        let secret = "sedgwick"
        for number in 0..<200 { try await write(store, "\(secret)\(number)", Array(repeating: 7, count: 2000)) }
        try await store.purge()
        try store.close()
        let size = try #require(
            try FileManager.default.attributesOfItem(atPath: folder.file)[.size] as? Int)
        let file = try FileHandle(forUpdating: URL(filePath: folder.file))
        for page in stride(from: 8192, to: size - 100, by: 4096) {
            try file.seek(toOffset: UInt64(page))
            try file.write(contentsOf: Data(repeating: 0xFF, count: 64))
        }
        try file.close()
        do {
            let again = try SQLiteStore(path: folder.file)
            await expect(.damaged) { try await again.checkIntegrity() }
            await #expect(throws: StoreError.self) {
                _ = try await again.records(in: KeyRange(under: Key(.platform)), limit: 1000)
            }
        } catch {
            #expect(!"\(error) \(String(reflecting: error))".contains(secret))
        }
    }
}
#endif
