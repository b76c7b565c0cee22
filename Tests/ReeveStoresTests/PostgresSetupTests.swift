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
        "nonsense", "host='a", "unknown=1", "postgresql://[", "service=app", "host=/tmp\u{0}", "host=,localhost",
        "host=localhost,", "host=a,b hostaddr=127.0.0.1", "host=a,b port=1,2,3", "hostaddr=,127.0.0.1 host=a,b",
        "host=a port=,",
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
        "host=127.0.0.256 sslmode=require", "host=0127.0.0.1 sslmode=disable", "host=127.0.0.+1 sslmode=disable",
        "host=localhost.example sslmode=disable",
        "hostaddr=10.0.0.1 sslmode=prefer",
    ]) func otherMachinesAreMetByTLS(_ text: String) async {
        await expect(.notEncrypted) { _ = try await PostgresStore(text) }
    }

    @Test(arguments: [
        "", "Reeve", "1a", "a-b", "a\"b", "a;b", "é", "pg_a", String(repeating: "a", count: 64), "a\u{0}",
    ])
    func aSchemaHasAPlainName(_ name: String) async {
        await expect(.badName) { _ = try await PostgresStore("host=/tmp", configuration: .init(schema: name)) }
        await expect(.badName) { try await PostgresStore.migrate("host=/tmp", schema: name) }
    }

    @Test func aServerThatIsNotThereIsNotReachable() async {
        await expect(.notReachable) { _ = try await PostgresStore("host=/nonexistent dbname=a password=secret") }
        await expect(.notReachable) { _ = try await PostgresStore("host=db.invalid user=a password=secret") }
    }

    /// What the environment adds decides, too: in a process of its own.
    @Test(arguments: [
        ("host=localhost", "PGHOSTADDR", "0.0.0.0"), ("host=''", "PGHOST", "0.0.0.0"),
        ("hostaddr=''", "PGHOSTADDR", "0.0.0.0"),
        ("dbname=a", "PGHOST", "0.0.0.0"), ("host=/tmp", "PGHOSTADDR", "0.0.0.0"),
        ("host=localhost", "PGSERVICE", "reeve"),
    ]) func theEnvironmentIsNoWayRound(_ text: String, _ variable: String, _ value: String) async throws {
        let impostor = try Impostor()
        let connection = text + " port=\(impostor.port) user=someone password=secret"
        await #expect(processExitsWith: .success) {
            [connection = connection as String, variable = variable as String, value = value as String] in
            setenv(variable, value, 1)
            let services = FileManager.default.temporaryDirectory.appending(path: "reeve-services-\(getpid())").path
            try "[reeve]\nhostaddr=0.0.0.0\n".write(toFile: services, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: services) }
            setenv("PGSERVICEFILE", services, 1)
            do {
                _ = try await PostgresStore(connection, configuration: .init(waitSeconds: 2))
                preconditionFailure("it was let in")
            } catch {
                precondition((error as? PostgresStoreError)?.code == .notReachable)
            }
        }
        #expect(!String(decoding: impostor.heard, as: UTF8.self).contains("someone"))
    }

    /// One that takes a connection and says nothing.
    @Test func aSilentServerIsGivenUp() async throws {
        let silent = try Impostor(isSilent: true)
        await expect(.notReachable) {
            _ = try await PostgresStore(
                "host=127.0.0.1 port=\(silent.port) user=a dbname=a", configuration: .init(waitSeconds: 1))
        }
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
        "ALTER TABLE %.records ADD COLUMN more text NOT NULL DEFAULT 'x'",
        "ALTER TABLE %.records ADD COLUMN more bytea GENERATED ALWAYS AS (value || value) STORED",
        "ALTER TABLE %.records ADD CHECK (octet_length(value) < 10)",
        "CREATE INDEX ON %.records (octet_length(value))",
        "CREATE INDEX ON %.records (revision)",
        "CREATE DOMAIN %.bytea AS pg_catalog.bytea; ALTER TABLE %.records ALTER COLUMN value TYPE %.bytea",
        "CREATE FUNCTION %.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER t BEFORE UPDATE ON %.format FOR EACH ROW EXECUTE FUNCTION %.f()",
        "ALTER TABLE %.format ADD COLUMN more text",
        "ALTER TABLE %.records ALTER COLUMN value SET DEFAULT ''",
        "ALTER TABLE %.records RENAME TO other; CREATE VIEW %.records AS SELECT * FROM %.other",
    ]) func whatWasPlantedIsSeen(_ statements: String) async throws {
        let schema = try await Schema()
        try sql(statements.replacing("%", with: schema.name), on: schema.connection)
        await expect(.notReeves) { _ = try await schema.store() }
        await expect(.notReeves) { try await PostgresStore.migrate(schema.connection, schema: schema.name) }
    }

    /// What another role made runs with nobody else's rights.
    @Test func whatIsAnothersIsNotTouched() async throws {
        let connection = try #require(Server.shared)
        let (role, name) = ("r\(UInt32.random(in: 0 ... .max))", "s\(UInt32.random(in: 0 ... .max))")
        let trap = """
            CREATE FUNCTION % .f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE ''ALTER ROLE \(role) SUPERUSER''; RETURN NEW; END';
            CREATE TABLE % .format (format integer PRIMARY KEY);
            CREATE TRIGGER t BEFORE INSERT ON % .format FOR EACH ROW EXECUTE FUNCTION % .f()
            """.replacing("% ", with: name)
        try sql("CREATE ROLE \(role) LOGIN; CREATE SCHEMA \(name) AUTHORIZATION \(role)", on: connection)
        try sql(trap, on: connection.replacing("user=owner", with: "user=\(role)"))
        await expect(.notReeves) { try await PostgresStore.migrate(connection, schema: name) }
        try sql("ALTER SCHEMA \(name) OWNER TO owner", on: connection)
        await expect(.notReeves) { try await PostgresStore.migrate(connection, schema: name) }
        #expect(try sql("SELECT rolsuper FROM pg_roles WHERE rolname = '\(role)'", on: connection) == [["f"]])
        try sql("DROP SCHEMA \(name) CASCADE; DROP ROLE \(role)", on: connection)
    }

    /// The owner of a schema needs no more than that; and a name may be a word of the language.
    @Test func theOwnerOfASchemaMayMigrate() async throws {
        let connection = try #require(Server.shared)
        let role = "r\(UInt32.random(in: 0 ... .max))"
        let own = connection.replacing("user=owner", with: "user=\(role)")
        try sql(
            "CREATE ROLE \(role) LOGIN; DROP SCHEMA IF EXISTS \"select\" CASCADE; CREATE SCHEMA \"select\" AUTHORIZATION \(role)",
            on: connection)
        for _ in 0..<2 { try await PostgresStore.migrate(own, schema: "select") }
        let store = try await PostgresStore(own, configuration: .init(schema: "select"))
        try await write(store, "a", [1])
        await store.close()
        try sql("DROP SCHEMA \"select\" CASCADE; DROP ROLE \(role)", on: connection)
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
        for name in ["", "a\u{0}b", "public", "none", String(repeating: "a", count: 64)] {
            await expect(.badName) { try await PostgresStore.migrate(connection, granting: name) }
        }
        await expect(.failed) {
            try await PostgresStore.migrate(connection, schema: schema.name, granting: "nobody \(role)")
        }
    }

    /// A role that may change what is only added by another way than the grant is refused, and one that was given more by default is given less.
    @Test func noRoleMayTooMuch() async throws {
        let connection = try #require(Server.shared)
        let names = (0..<5).map { "r\($0)_\(UInt32.random(in: 0 ... .max))" }
        for name in names { try sql("CREATE ROLE \(name) LOGIN", on: connection) }
        let schema = try await Schema()
        try sql("GRANT ALL ON ALL TABLES IN SCHEMA \(schema.name) TO \(names[0]), \(names[1])", on: connection)
        try sql("GRANT \(names[1]) TO \(names[2])", on: connection)
        // One that takes it on only when it says so, and one of a column alone.
        try sql(
            "ALTER ROLE \(names[3]) NOINHERIT; GRANT \(names[1]) TO \(names[3]); GRANT UPDATE (value) ON \(schema.name).append_only TO PUBLIC",
            on: connection)
        await expect(.roleMayTooMuch) {
            try await PostgresStore.migrate(connection, schema: schema.name, granting: names[4])
        }
        try sql("REVOKE UPDATE (value) ON \(schema.name).append_only FROM PUBLIC", on: connection)
        try await PostgresStore.migrate(connection, schema: schema.name, granting: names[0])
        for (table, privilege, isGranted) in [
            ("append_only", "UPDATE", "f"), ("append_only", "DELETE", "f"), ("append_only", "TRUNCATE", "f"),
            ("append_only", "INSERT", "t"), ("records", "TRUNCATE", "f"), ("records", "DELETE", "t"),
            ("format", "UPDATE", "f"),
        ] {
            #expect(
                try sql(
                    "SELECT has_table_privilege('\(names[0])', '\(schema.name).\(table)', '\(privilege)')",
                    on: connection) == [[isGranted]])
        }
        // One that belongs to a role with more, and the owner.
        for name in [names[2], names[3], "owner"] {
            await expect(.roleMayTooMuch) {
                try await PostgresStore.migrate(connection, schema: schema.name, granting: name)
            }
        }
        try sql("DROP SCHEMA \(schema.name) CASCADE; DROP ROLE \(names.joined(separator: ", "))", on: connection)
    }

    /// The next server of a list is met when the first one is silent.
    @Test func theNextServerIsMet() async throws {
        let schema = try await Schema()
        let silent = try Impostor(isSilent: true)
        let folder = try #require(schema.connection.split(separator: " ").first?.dropFirst(5))
        let store = try await PostgresStore(
            "host=127.0.0.1,\(folder) port=\(silent.port),5432 user=owner dbname=postgres",
            configuration: schema.configuration { $0.waitSeconds = 10 })
        try await write(store, "a", [1])
        await store.close()
    }

    /// A server with the right name and certificate is met by TLS, another is not; and what it says arrives, however long it is.
    @Test func theRightServerIsMetByTLS() async throws {
        let server = try PrivateServer()
        let tls = try server.run("tls")
        try await PostgresStore.migrate(tls)
        let store = try await PostgresStore(tls)
        for number in 0..<20 { try await write(store, "k\(number)", Array(repeating: 7, count: 80_000)) }
        let found = try await store.records(in: KeyRange(under: Key(.platform)), limit: 100)
        #expect(found.count == 20 && found.allSatisfy { $0.record.bytes.count == 80_000 })
        #expect(
            try sql(
                "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'reeve' AND s.ssl",
                on: tls)
                != [["0"]])
        await store.close()
        await expect(.notReachable) { _ = try await PostgresStore(tls.replacing("db.example", with: "db2.example")) }
        await expect(.notReachable) { _ = try await PostgresStore(tls.replacing("ca.pem", with: "other.pem")) }
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

/// A server that says it speaks no TLS, or nothing at all, and notes what it hears.
private final class Impostor: Sendable {
    private final class Ear: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }
    private let (ear, listener): (Ear, Listener)
    var port: UInt16 { listener.port }
    var heard: [UInt8] { ear.bytes.withLock { $0 } }

    init(isSilent: Bool = false) throws {
        let ear = Ear()
        self.ear = ear
        listener = try Listener { caller in
            var buffer = [UInt8](repeating: 0, count: 4096)
            while case let count = recv(caller, &buffer, buffer.count, 0), count > 0 {
                ear.bytes.withLock { $0 += buffer.prefix(count) }
                if isSilent { continue }
                _ = send(caller, [UInt8(ascii: "N")], 1, Int32(MSG_NOSIGNAL))
            }
            close(caller)
        }
    }
}
#endif
