// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import Foundation
import ReeveModel
import ReevePostgres
import ReeveStorage
import Synchronization
import Testing

/// What a store is opened with, before there is a server to ask.
@Suite struct PostgresConnectionTests {
    @Test(arguments: [
        "nonsense", "host='a", "unknown=1", "postgresql://[", "service=app", "host=/tmp\u{0}",
        "host=a password='never shown",
    ]) func whatIsNoConnectionStringIsRefused(_ text: String) async {
        await expect(.badConnectionString) { _ = try await PostgresStore(text) }
        await expect(.badConnectionString) { try await PostgresStore.migrate(text) }
        let error = await #expect(throws: PostgresStoreError.self) { _ = try await PostgresStore(text) }
        #expect(error.map { "\($0)".contains("never shown") } == false)
    }

    /// A server on another machine is met by TLS with its name verified, or not at all; what only looks like this machine is another.
    @Test(arguments: [
        "host=db.example sslmode=require", "host=db.example sslmode=disable", "host=db.example sslmode=verify-ca",
        "postgresql://db.example/app?sslmode=prefer", "host=127.0.0.1.example sslmode=allow",
        "host=/tmp,db.example sslmode=require", "host=localhost hostaddr=192.0.2.1 sslmode=require",
        "host=127.0.0.256 sslmode=require", "host=localhost.example sslmode=disable",
        "hostaddr=10.0.0.1 sslmode=prefer",
    ]) func otherMachinesAreMetByTLS(_ text: String) async {
        await expect(.notEncrypted) { _ = try await PostgresStore(text) }
    }

    @Test(arguments: ["", "Reeve", "1a", "a-b", "a\"b", "a;b", "é", String(repeating: "a", count: 64), "a\u{0}"])
    func aSchemaHasAPlainName(_ name: String) async {
        await expect(.badName) { _ = try await PostgresStore("host=/tmp", configuration: .init(schema: name)) }
        await expect(.badName) { try await PostgresStore.migrate("host=/tmp", schema: name) }
    }

    @Test func aServerThatIsNotThereIsNotReachable() async {
        await expect(.notReachable) { _ = try await PostgresStore("host=/nonexistent dbname=a password=secret") }
        await expect(.notReachable) { _ = try await PostgresStore("host=db.invalid user=a password=secret") }
    }

    /// Somebody in between who says that the server speaks no TLS learns neither who asks nor a password.
    @Test func nothingIsSentInTheClear() async throws {
        let impostor = try Impostor()
        // This machine, by an address that is not its loopback's.
        await expect(.notReachable) {
            _ = try await PostgresStore("host=0.0.0.0 port=\(impostor.port) user=someone password=secret dbname=a")
        }
        let heard = impostor.heard
        #expect(heard.starts(with: [0, 0, 0, 8, 4, 210, 22, 47]) && heard.count % 8 == 0)
        #expect(!String(decoding: heard, as: UTF8.self).contains("someone"))
    }
}

@Suite(.enabled(if: Server.isThere, Server.why)) struct PostgresSetupTests {
    @Test func aDatabaseWithoutAStoreSaysSo() async throws {
        let connection = try #require(Server.shared)
        await expect(.notMigrated) {
            _ = try await PostgresStore(connection, configuration: .init(schema: "nobody_made_this"))
        }
        let schema = try await Schema()
        try sql("DROP TABLE \(schema.name).records", on: connection)
        await expect(.notMigrated) { _ = try await schema.store() }
    }

    /// Several that migrate at once, and again, make one store; what is there stays.
    @Test func migratingAgainChangesNothing() async throws {
        let schema = try await Schema()
        let store = try await schema.store()
        try await write(store, "a", [1])
        let other = "m\(UInt32.random(in: 0 ... .max))"
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try await PostgresStore.migrate(schema.connection, schema: number % 2 == 0 ? schema.name : other)
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.record(for: key("a"))?.bytes == [1])
        try await PostgresStore(schema.connection, configuration: .init(schema: other)).close()
        try sql("DROP SCHEMA \(other) CASCADE", on: schema.connection)
        await store.close()
    }

    @Test func aNewerStoreIsRefused() async throws {
        let schema = try await Schema()
        try sql("UPDATE \(schema.name).format SET format = 2", on: schema.connection)
        await expect(.newerFormat) { _ = try await schema.store() }
        await expect(.newerFormat) { try await PostgresStore.migrate(schema.connection, schema: schema.name) }
    }

    @Test(arguments: [
        "CREATE FUNCTION %.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER t BEFORE UPDATE ON %.records FOR EACH ROW EXECUTE FUNCTION %.f()",
        "CREATE RULE r AS ON DELETE TO %.records DO INSTEAD NOTHING",
        "ALTER TABLE %.records ENABLE ROW LEVEL SECURITY",
        "CREATE TABLE %.child () INHERITS (%.records)",
        "ALTER TABLE %.records ADD COLUMN more text",
        "ALTER TABLE %.records ALTER COLUMN value DROP NOT NULL",
        "ALTER TABLE %.records ALTER COLUMN value SET DEFAULT ''",
        "ALTER TABLE %.records RENAME TO other; CREATE VIEW %.records AS SELECT * FROM %.other",
    ]) func whatWasPlantedIsSeen(_ statements: String) async throws {
        let schema = try await Schema()
        try sql(statements.replacing("%", with: schema.name), on: schema.connection)
        await expect(.notReeves) { _ = try await schema.store() }
    }

    @Test func aTableThatACrashEmptiesIsRefused() async throws {
        let schema = try await Schema()
        try sql("ALTER TABLE \(schema.name).records SET UNLOGGED", on: schema.connection)
        await expect(.notDurable) { _ = try await schema.store() }
    }

    /// The role of a program can use the records and nothing else.
    @Test func aRoleGetsWhatItNeeds() async throws {
        let connection = try #require(Server.shared)
        let role = "app \"\(UInt32.random(in: 0 ... .max))\""
        let quoted = "\"" + role.replacing("\"", with: "\"\"") + "\""
        try sql("CREATE ROLE \(quoted) LOGIN", on: connection)
        let schema = try await Schema()
        let own = connection.replacing("user=owner", with: "user='\(role)'")
        await expect(.notPermitted) { _ = try await PostgresStore(own, configuration: schema.configuration()) }
        try await PostgresStore.migrate(connection, schema: schema.name, granting: role)
        let store = try await PostgresStore(own, configuration: schema.configuration())
        try await write(store, "a", [1])
        #expect(try await store.record(for: key("a"))?.bytes == [1])
        for statement in [
            "TRUNCATE %.records", "DROP TABLE %.records", "UPDATE %.format SET format = 1", "CREATE TABLE %.x ()",
            "CREATE RULE r AS ON DELETE TO %.records DO INSTEAD NOTHING",
        ] {
            #expect(throws: (any Error).self) { try sql(statement.replacing("%", with: schema.name), on: own) }
        }
        await store.close()
        try sql("DROP SCHEMA \(schema.name) CASCADE; DROP ROLE \(quoted)", on: connection)
        await expect(.badName) { try await PostgresStore.migrate(connection, granting: "") }
        await expect(.failed) {
            try await PostgresStore.migrate(connection, schema: schema.name, granting: "nobody \(role)")
        }
    }

    /// What a mirror or a description shows of a store has no password.
    @Test func aPasswordIsNowhere() async throws {
        let schema = try await Schema()
        let store = try await PostgresStore(
            schema.connection + " password=a-canary-that-sings", configuration: schema.configuration())
        var shown = "\(store) \(String(reflecting: store))"
        dump(store, to: &shown)
        #expect(!shown.contains("a-canary-that-sings"))
        await store.close()
    }
}

/// A server that says it speaks no TLS, and notes what it hears.
private final class Impostor: Sendable {
    let port: UInt16
    private let bytes = Mutex<[UInt8]>([])
    private let listener: Int32

    var heard: [UInt8] { bytes.withLock { $0 } }

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let file = listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, length) == 0 && listen(file, 8) == 0 && getsockname(file, $0, &length) == 0
            }
        }
        try #require(isBound)
        port = UInt16(bigEndian: address.sin_port)
        Thread.detachNewThread { [self] in
            while true {
                let caller = accept(listener, nil, nil)
                guard caller >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 4096)
                while case let count = recv(caller, &buffer, buffer.count, 0), count > 0 {
                    bytes.withLock { $0 += buffer.prefix(count) }
                    _ = send(caller, [UInt8(ascii: "N")], 1, Int32(MSG_NOSIGNAL))
                }
                close(caller)
            }
        }
    }
}
#endif
