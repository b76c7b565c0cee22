// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite && PostgreSQL
import Foundation
import GRDB
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReevePostgres
import ReevePrivacy
import ReeveSQLite
import ReeveStorage
import ReeveTesting
import ReeveVault
import Testing

/// Stores as earlier releases left them, in `Fixtures`: for each format of an adapter a file, with the records of every room, and the ledger that was beside it.
///
/// `REEVE_WRITE_FIXTURES=1` writes those of the present formats; what is there is never written again.
@Suite struct StoredBeforeTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    private static let secret = "kept since the first format"

    /// Who did what, and under which keys: the same for ever.
    private struct Host {
        let time = ManualTime(now: Timestamp(seconds: 1_790_000_000))
        let me = ActContext.Actor.host("fixture")
        let company = Identifier<Company>(high: 0xF1C5, low: 1)
        let scope = Scope(Identifier<Workspace>(high: 0xF1C5, low: 2), .production)
        let connector = Connector(id: Identifier(high: 0xF1C5, low: 3), name: "crm", methods: [.apiKey])
        let subject = Identifier<DataSubject>(high: 0xF1C5, low: 4)
        let record = Identifier<DataRecord>(high: 0xF1C5, low: 5)
        let location = MemoryLocation()
        let ledger: String

        var connection: Connection { connection(6) }

        func connection(_ number: UInt64) -> Connection {
            Connection(id: Identifier(high: 0xF1C5, low: number), connector: connector.id, scope: scope)
        }

        func layer(over store: any Store) async throws -> (trust: TrustLayer, verifier: AuditVerifier) {
            func key(_ number: UInt8) throws -> SecretBytes {
                try SecretBytes(copying: [UInt8](repeating: number, count: 32))
            }
            let chain = try HMACKey(key(3))
            let signer = try LocalCheckpointSigner(name: "localhost/reeve", key: SigningKey(seed: key(4)))
            let audit = try AuditKeys(
                control: DerivedControlKeys(key(2)),
                ledger: AnchorLedger(FileLedger(path: ledger), authenticator: chain, time: time), signers: [signer])
            let authority = try await AccessAuthority.soleOperator(me, reason: "fixtures", store: store, time: time)
            let trust = try TrustLayer(
                mainKeys: MainKeys(LocalMainKey(key(1))), authority: authority, audit: audit, locations: [location])
            return (trust, AuditVerifier(keys: [signer.verifierKey]))
        }

        func permit<Action: PermitAction>(
            _ trust: TrustLayer, _ action: Action.Type, _ resource: Resource, _ scope: Scope? = nil
        ) async throws -> Permit<Action> {
            try await trust.access.permit(action, on: resource, as: ActContext(actor: me, scope: scope ?? self.scope))
                .get()
        }

        func store(_ text: String, for connection: Connection, in trust: TrustLayer) async throws {
            let permit = try await permit(trust, StoreCredential.self, .credential(of: connection.id))
            let credential = try Credential.apiKey(SecretBytes(copying: Array(text.utf8)))
            try await trust.vault.store(credential, for: connection, of: connector, permit)
        }

        func opens(_ text: String, of connection: Connection, in trust: TrustLayer) async throws -> Bool {
            let permit = try await permit(trust, OpenCredential.self, .credential(of: connection.id))
            return try await trust.vault.withCredential(connection.id, permit) { secret in
                secret.withField("key") { span in
                    (0..<span.byteCount).map { span.byte($0) } == Array(text.utf8)
                }
            } == true
        }

        func take(_ tasks: Int, number: UInt64, from trust: TrustLayer) async throws {
            let job = Job(
                id: Identifier(high: 0xF1C6, low: number),
                recipe: Recipe(id: Identifier(high: 0xF1C5, low: 9), version: 1),
                scope: scope)
            try await trust.tasks.admit(job, of: company, tasks: tasks).commit(used: tasks)
            try await trust.tasks.giveBackAll()
        }

        func verify(_ trust: TrustLayer, _ verifier: AuditVerifier) async throws {
            for scope in [scope, .platform] {
                let verification = try await trust.audit.verify(
                    scope, against: trust.audit.checkpoint(of: scope), by: verifier,
                    permit(trust, ReadAudit.self, .log(of: scope), scope))
                #expect(verification.isIntact, "\(verification)")
            }
        }
    }

    /// What was in use when the fixture was made.
    private func fill(_ store: any Store, _ host: Host) async throws {
        let (trust, verifier) = try await host.layer(over: store)
        try await host.store(Self.secret, for: host.connection, in: trust)
        #expect(try await host.opens(Self.secret, of: host.connection, in: trust))
        try await trust.plans.setStatus(Company(id: host.company, status: .proofOfConcept), sequence: 1)
        try await host.take(7, number: 1, from: trust)
        host.location.put(host.record, about: host.subject)
        try await trust.retention.register(
            RetainedRecord(
                id: host.record, category: try #require(DataCategory("content.message")), created: host.time.now.day,
                as: .controller, about: host.subject, at: [host.location.name]),
            as: ActContext(actor: host.me, scope: host.scope))
        try await trust.runOnce()
        try await host.verify(trust, verifier)
    }

    /// What is there is read, found whole, and gone on with.
    private func check(_ store: any Store, _ host: Host) async throws {
        host.time.advance(by: .seconds(3600))
        let (trust, verifier) = try await host.layer(over: store)
        #expect(try await host.opens(Self.secret, of: host.connection, in: trust))
        #expect(try await trust.plans.allowance(of: host.company).used == 7)
        await #expect(throws: PrivacyError(.alreadyRegistered)) {
            try await trust.retention.register(
                RetainedRecord(
                    id: host.record, category: try #require(DataCategory("content.message")),
                    created: host.time.now.day,
                    as: .controller, about: host.subject, at: [host.location.name]),
                as: ActContext(actor: host.me, scope: host.scope))
        }
        try await host.store("new", for: host.connection(7), in: trust)
        try await host.take(2, number: 2, from: trust)
        try await trust.runOnce()
        #expect(try await host.opens("new", of: host.connection(7), in: trust))
        #expect(try await trust.plans.allowance(of: host.company).used == 9)
        try await host.verify(trust, verifier)
    }

    /// A copy of a fixture and its ledger, as a host would have them: its own alone.
    private func copy(_ names: [String], to folder: Folder) throws {
        for name in names {
            let path = folder.path + "/" + name
            try Data(contentsOf: Self.fixtures.appending(path: name)).write(to: URL(filePath: path))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        }
    }

    private static func formats(_ kind: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: fixtures.path)) ?? []
        return names.filter { $0.hasPrefix(kind) && $0.hasSuffix(".ledger") }.map { String($0.dropLast(7)) }.sorted()
    }

    /// The format that this release writes is among them.
    @Test(.enabled(if: Server.isThere, Server.why)) func thePresentFormatIsThere() async throws {
        let folder = try Folder()
        try SQLiteStore(path: folder.file).close()
        let queue = try DatabaseQueue(path: folder.file)
        let version = try await queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
        try queue.close()
        #expect(Self.formats("sqlite").contains("sqlite-\(try #require(version))"))
        let schema = try await Schema()
        let format = try sql("SELECT format FROM \(schema.name).format", on: schema.connection)
        #expect(Self.formats("postgres").contains("postgres-\(format[0][0])"))
    }

    @Test(arguments: formats("sqlite")) func aFileOfEachFormatOpens(_ name: String) async throws {
        let folder = try Folder()
        try copy([name + ".sqlite", name + ".ledger"], to: folder)
        let store = try SQLiteStore(path: folder.path + "/" + name + ".sqlite")
        try await check(store, Host(ledger: folder.path + "/" + name + ".ledger"))
        try store.close()
    }

    @Test(.enabled(if: Server.isThere, Server.why), arguments: formats("postgres"))
    func aSchemaOfEachFormatOpens(_ name: String) async throws {
        let (folder, connection) = (try Folder(), try #require(Server.shared))
        try copy([name + ".sql", name + ".ledger"], to: folder)
        let dump = try String(contentsOf: URL(filePath: folder.path + "/" + name + ".sql"), encoding: .utf8)
        let schema = try await Schema()
        try sql(
            "DROP SCHEMA \(schema.name) CASCADE; " + dump.replacing("SCHEMA_NAME", with: schema.name), on: connection)
        // As a host does it with every new release.
        try await PostgresStore.migrate(connection, schema: schema.name)
        let store = try await schema.store()
        try await check(store, Host(ledger: folder.path + "/" + name + ".ledger"))
        await store.close()
    }

    /// What no release of ours wrote, or a later one, is refused with what to do.
    @Test(arguments: [
        ("PRAGMA user_version=0", SQLiteStoreError.Code.notReeves), ("PRAGMA user_version=2", .newerFormat),
        ("PRAGMA user_version=99", .newerFormat), ("PRAGMA application_id=7", .notReeves),
    ]) func whatCannotBeReadIsRefused(_ statement: String, _ code: SQLiteStoreError.Code) async throws {
        let folder = try Folder()
        try copy(["sqlite-1.sqlite"], to: folder)
        let path = folder.path + "/sqlite-1.sqlite"
        let queue = try DatabaseQueue(path: path)
        try await queue.writeWithoutTransaction { try $0.execute(sql: statement) }
        try queue.close()
        let error = #expect(throws: SQLiteStoreError.self) { _ = try SQLiteStore(path: path) }
        #expect(error?.code == code)
        if code == .newerFormat { #expect(error?.description.contains("update this program") == true) }
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["REEVE_WRITE_FIXTURES"] == "1"))
    func thePresentFormatsAreKept() async throws {
        func isNew(_ name: String) -> Bool {
            !FileManager.default.fileExists(atPath: Self.fixtures.appending(path: name).path)
        }
        try FileManager.default.createDirectory(at: Self.fixtures, withIntermediateDirectories: true)
        let folder = try Folder()
        if isNew("sqlite-1.sqlite") {
            let ledger = folder.path + "/sqlite-1.ledger"
            let store = try SQLiteStore(path: folder.file)
            try await fill(store, Host(ledger: ledger))
            try await store.backUp(to: folder.path + "/sqlite-1.sqlite")
            try store.close()
            for name in ["sqlite-1.sqlite", "sqlite-1.ledger"] {
                try Data(contentsOf: URL(filePath: folder.path + "/" + name)).write(
                    to: Self.fixtures.appending(path: name))
            }
        }
        if isNew("postgres-1.sql") {
            let (schema, ledger) = (try await Schema(), folder.path + "/postgres-1.ledger")
            let store = try await schema.store()
            try await fill(store, Host(ledger: ledger))
            await store.close()
            var dump = "CREATE SCHEMA SCHEMA_NAME;\n"
            for table in ["records", "append_only"] {
                dump +=
                    "CREATE TABLE SCHEMA_NAME.\(table) (key bytea NOT NULL, revision bytea NOT NULL, value bytea NOT NULL, PRIMARY KEY (key));\n"
                let columns = ["key", "revision", "value"].map { "encode(\($0), 'hex')" }.joined(separator: ", ")
                for row in try sql("SELECT \(columns) FROM \(schema.name).\(table) ORDER BY key", on: schema.connection)
                {
                    let values = row.map { "'\\x\($0)'" }.joined(separator: ", ")
                    dump += "INSERT INTO SCHEMA_NAME.\(table) VALUES (\(values));\n"
                }
            }
            dump += "CREATE TABLE SCHEMA_NAME.format (format integer NOT NULL, PRIMARY KEY (format));\n"
            dump += "INSERT INTO SCHEMA_NAME.format VALUES (1);\n"
            try Data(dump.utf8).write(to: Self.fixtures.appending(path: "postgres-1.sql"))
            try Data(contentsOf: URL(filePath: ledger)).write(to: Self.fixtures.appending(path: "postgres-1.ledger"))
        }
    }
}
#endif
