// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import CLibpq
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePostgres
import ReeveStorage
import ReeveTesting
import ReeveVault
import Synchronization
import Testing

/// A transaction of the host's own, by the library that its users have.
private final class HostTransaction: Sendable {
    struct Refused: Error {}
    private struct Session { var handle: OpaquePointer? }
    private let session: Mutex<Session>
    /// The numbers of the statements that fail, from 1.
    private let failing: Range<Int>
    private let count = Mutex(0)

    init(on connection: String, failing: Range<Int> = 0..<0, begin: String = "BEGIN") throws {
        session = Mutex(Session(handle: PQconnectdb(connection)))
        self.failing = failing
        try run(begin)
    }

    var statements: Int { count.withLock { $0 } }

    @discardableResult
    func run(_ text: String, _ parameters: [PostgresStatement.Parameter] = []) throws -> [[[UInt8]]] {
        try session.withLock { session in
            var values: [UnsafeMutablePointer<CChar>?] = parameters.map { parameter in
                let copy = UnsafeMutablePointer<CChar>.allocate(capacity: parameter.bytes.count + 1)
                for (index, byte) in parameter.bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
                return copy
            }
            defer { values.forEach { $0?.deallocate() } }
            let types = parameters.map { Oid($0.type) }
            let lengths = parameters.map { Int32($0.bytes.count) }
            let formats = parameters.map { _ in Int32(1) }
            let result = values.withUnsafeMutableBufferPointer { buffer in
                buffer.withMemoryRebound(to: UnsafePointer<CChar>?.self) {
                    PQexecParams(
                        session.handle, text, Int32(parameters.count), types, $0.baseAddress, lengths, formats, 1)
                }
            }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK:
                return (0..<PQntuples(result)).map { row in
                    (0..<PQnfields(result)).map { column in
                        let bytes = UnsafeRawBufferPointer(
                            start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
                        return [UInt8](bytes)
                    }
                }
            case PGRES_COMMAND_OK: return []
            default: throw Refused()
            }
        }
    }

    /// What a joined store calls.
    func run(_ statement: PostgresStatement) throws -> [[[UInt8]]] {
        let number = count.withLock { count in
            count += 1
            return count
        }
        if failing.contains(number) { throw Refused() }
        return try run(statement.text, statement.parameters)
    }

    deinit { session.withLock { PQfinish($0.handle) } }
}

/// Rooms that act in a transaction of the host's own.
@Suite(.enabled(if: Server.isThere, Server.why)) struct JoinedStoreTests {
    private func begin(_ schema: Schema, failing: Range<Int> = 0..<0) async throws -> (
        store: PostgresStore, host: HostTransaction, joined: JoinedStore
    ) {
        let store = try await schema.store()
        let host = try HostTransaction(on: schema.connection, failing: failing)
        return (store, host, store.joined { try host.run($0) })
    }

    /// It is a store, as long as its transaction lasts.
    @Test(arguments: StoreContract.all) func keeps(_ promise: StorePromise) async throws {
        let schema = try await Schema()
        let (store, _, joined) = try await begin(schema)
        try await promise.check { joined }
        await store.close()
    }

    /// The host's row and Reeve's records are there together or not at all, and nobody sees them before.
    @Test(arguments: [true, false]) func theHostDecides(_ commits: Bool) async throws {
        let schema = try await Schema()
        try sql("CREATE TABLE \(schema.name).orders (id integer)", on: schema.connection)
        let (store, host, joined) = try await begin(schema)
        try host.run("INSERT INTO \(schema.name).orders VALUES (1)")
        try await write(joined, "a", [1])
        let line = Key(.platform, [.text("ledger"), .integer(0)])
        var changes = Changes()
        changes.expect(line, .absent)
        changes.write(line, [2])
        try await joined.commit(changes)
        #expect(try await joined.record(for: key("a"))?.bytes == [1])
        #expect(try await joined.records(in: KeyRange(under: Key(.platform)), limit: 10).count == 2)
        #expect(try await store.record(for: key("a")) == nil)
        try host.run(commits ? "COMMIT" : "ROLLBACK")
        #expect(try await (store.record(for: key("a")) != nil) == commits)
        #expect(try await (store.record(for: line)?.bytes == [2]) == commits)
        #expect(try sql("SELECT count(*) FROM \(schema.name).orders", on: schema.connection) == [[commits ? "1" : "0"]])
        await store.close()
    }

    /// After a conflict the transaction goes on; nothing of what was refused is in it.
    @Test func aConflictEndsNothing() async throws {
        let schema = try await Schema()
        let (store, host, joined) = try await begin(schema)
        try await write(store, "a", [1])
        var changes = Changes()
        changes.expect(key("a"), .absent)
        changes.write(key("a"), [2])
        changes.write(key("b"), [2])
        let refused = changes
        await #expect(throws: StoreError.conflict(key("a"))) { try await joined.commit(refused) }
        try await write(joined, "c", [3])
        try host.run("COMMIT")
        #expect(try await store.record(for: key("a"))?.bytes == [1])
        #expect(try await store.record(for: key("b")) == nil)
        #expect(try await store.record(for: key("c"))?.bytes == [3])
        #expect(try sql("SELECT count(*) FROM \(schema.name).records", on: schema.connection) == [["2"]])
        await store.close()
    }

    /// A snapshot from before, a session that loses what it acknowledged, and no transaction at all are no place for a commit.
    @Test(arguments: [
        ("BEGIN ISOLATION LEVEL REPEATABLE READ", "read committed"),
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", "read committed"),
        ("SET synchronous_commit = off", "synchronous_commit"), ("SELECT 1", "roll it back"),
    ]) func otherTransactionsAreRefused(_ begin: String, _ reason: String) async throws {
        let schema = try await Schema()
        let store = try await schema.store()
        let host = try HostTransaction(on: schema.connection, begin: begin)
        let joined = store.joined { try host.run($0) }
        do throws(StoreError) {
            var changes = Changes()
            changes.write(key("a"), [1])
            try await joined.commit(changes)
            Issue.record("it was taken")
        } catch {
            #expect(error.description.contains(reason), "\(error)")
        }
        _ = try? host.run("COMMIT")
        #expect(try sql("SELECT count(*) FROM \(schema.name).records", on: schema.connection) == [["0"]])
        await store.close()
    }

    /// Rows that are not what the server sends are no records, whatever they are; nothing of them is in the error.
    @Test func rowsOfAnotherKindAreRefused() async throws {
        let schema = try await Schema()
        let store = try await schema.store()
        let canary = Array("a canary in a row".utf8)
        for rows in [
            [], [[]], [[canary]], [[canary, canary]], [[canary, canary, canary]], [[Array("\\x7265".utf8), []]],
        ] {
            for isLooked in [false, true] {
                let joined = store.joined { statement in
                    guard isLooked, statement.text.contains("transaction_isolation") else {
                        return statement.text.contains("SAVEPOINT") ? [] : rows
                    }
                    return [["read committed", "on"].map { Array($0.utf8) }]
                }
                var changes = Changes()
                changes.expect(key("b"), .absent)
                changes.write(key("a"), [1])
                let commit = changes
                for act in [
                    { @Sendable in _ = try await joined.record(for: key("a")) },
                    { @Sendable in _ = try await joined.records(in: KeyRange(under: Key(.platform)), limit: 3) },
                    { @Sendable in try await joined.commit(commit) },
                ] {
                    do {
                        try await act()
                        #expect(isLooked)
                    } catch {
                        #expect(error is StoreError && !"\(error)".contains("canary"), "\(type(of: error))")
                    }
                }
            }
        }
        await store.close()
    }

    /// Nothing that somebody put on the path of the host's session takes the place of what the statements name.
    @Test func nothingPlantedIsCalled() async throws {
        let schema = try await Schema()
        try sql(
            """
            CREATE FUNCTION \(schema.name).unnest(bytea[]) RETURNS SETOF bytea LANGUAGE sql AS 'SELECT NULL::bytea WHERE false'
            """, on: schema.connection)
        let (store, host, joined) = try await begin(schema)
        try host.run("SET LOCAL search_path = pg_catalog, \(schema.name)")
        var changes = Changes()
        for name in ["a", "b"] {
            changes.expect(key(name), .absent)
            changes.write(key(name), [1])
        }
        try await joined.commit(changes)
        try host.run("COMMIT")
        for name in ["a", "b"] { #expect(try await store.record(for: key(name))?.bytes == [1]) }
        await store.close()
    }

    /// Two joined stores on one transaction by mistake: what one says it wrote is there, or the transaction is lost as a whole.
    @Test func twoOnOneTransactionLoseNothingInSilence() async throws {
        let schema = try await Schema()
        for round in 0..<20 {
            let (store, host, first) = try await begin(schema)
            let second = store.joined { try host.run($0) }
            try await write(store, "x", [1])
            let names = [("a", first), ("b", second)]
            let done = await withTaskGroup(of: String?.self) { group in
                for (name, joined) in names {
                    group.addTask {
                        var changes = Changes()
                        changes.write(key("\(name)\(round)"), [1])
                        changes.write(key("\(name)\(name)\(round)"), [1])
                        // One of them is refused.
                        if name == "b" { changes.expect(key("x"), .absent) }
                        return (try? await joined.commit(changes)) != nil ? name : nil
                    }
                }
                return await group.reduce(into: [String]()) { if let name = $1 { $0.append(name) } }
            }
            let isWhole = (try? first.check()) != nil && (try? second.check()) != nil
            try host.run("COMMIT")
            for name in done where isWhole {
                #expect(try await store.record(for: key("\(name)\(round)"))?.bytes == [1])
            }
            for name in ["a", "b"] {
                let (one, other) = (
                    try await store.record(for: key("\(name)\(round)")),
                    try await store.record(for: key("\(name)\(name)\(round)"))
                )
                #expect((one == nil) == (other == nil))
            }
            await store.close()
        }
    }

    /// A conflict that cannot be undone is no conflict that the transaction goes on from.
    @Test func aConflictThatCannotBeUndoneIsTold() async throws {
        let schema = try await Schema()
        // It looks, has a savepoint, locks, and asks what is not as expected; then nothing answers any more.
        let (store, _, joined) = try await begin(schema, failing: 5..<100)
        try await write(store, "a", [1])
        var changes = Changes()
        changes.expect(key("a"), .absent)
        changes.write(key("a"), [2])
        changes.write(key("b"), [2])
        do throws(StoreError) {
            try await joined.commit(changes)
            Issue.record("it was taken")
        } catch {
            #expect(error.description.contains("roll it back"), "\(error)")
        }
        #expect(throws: StoreError.self) { try joined.check() }
        await store.close()
    }

    /// Each statement failing, also with those that follow: what is committed afterwards is whole, or the transaction is said to be lost.
    @Test(arguments: [1, 3, 1000]) func aStatementFails(_ count: Int) async throws {
        let schema = try await Schema()
        for statement in 1...13 {
            let (store, host, joined) = try await begin(schema, failing: statement..<statement + count)
            let names = ["x\(statement)", "y\(statement)"]
            var changes = Changes()
            for name in names {
                changes.expect(key(name), .absent)
                changes.write(key(name), [1])
            }
            changes.expect(key("z"), .absent)
            var isRefused = false
            do throws(StoreError) {
                try await joined.commit(changes)
            } catch {
                isRefused = true
                #expect(error.description.contains("roll it back"))
            }
            let isMet = host.statements >= statement
            #expect(isRefused == isMet)
            if isMet {
                var isUsable = false
                for _ in 0..<3 {
                    do throws(StoreError) {
                        _ = try await joined.record(for: key("a"))
                        isUsable = true
                    } catch { continue }
                }
                // Nothing was done yet when it was the first; of another one the beginning could not be undone.
                #expect(isUsable == (count == 1 || count == 3 && statement <= 2))
                #expect(((try? joined.check()) != nil) == (count == 1 || statement <= 2))
            }
            if isRefused, count > 1 {
                try host.run("ROLLBACK")
            } else {
                try host.run("COMMIT")
            }
            for name in names { #expect(try await (store.record(for: key(name)) != nil) == !isRefused) }
            #expect(
                try sql(
                    "SELECT count(*) FROM \(schema.name).records WHERE octet_length(revision) <> 16",
                    on: schema.connection) == [["0"]])
            await store.close()
        }
    }

    /// A room acts in the transaction: the credential and its audit entry come with the host's row, and the log stays whole when they do not.
    @Test(arguments: [true, false]) func aRoomActsInIt(_ commits: Bool) async throws {
        let schema = try await Schema()
        let (store, host, joined) = try await begin(schema)
        let (mainKeys, time) = (try MainKeys(LocalMainKey.ephemeral()), ManualTime())
        let audit = try AuditKeys.ephemeral(time: time)
        let me = ActContext.Actor.host("orders")
        let connector = Connector(id: Identifier(at: time.now), name: "crm", methods: [.apiKey])
        let scope = Scope(Identifier<Workspace>(at: time.now), .production)
        let connection = Connection(id: Identifier(at: time.now), connector: connector.id, scope: scope)
        func layer(_ store: any Store) async throws -> TrustLayer {
            let authority = try await AccessAuthority.soleOperator(me, reason: "orders", store: store, time: time)
            return try TrustLayer(mainKeys: mainKeys, authority: authority, audit: audit)
        }
        // The host's own work comes before and after.
        let before = try await layer(store)
        _ = try await before.runOnce()
        let trust = try await layer(joined)
        let context = ActContext(actor: me, scope: scope)
        let permit = try await trust.access.permit(
            StoreCredential.self, on: .credential(of: connection.id), as: context
        ).get()
        try await trust.vault.store(
            Credential.apiKey(SecretBytes(copying: Array("of the host".utf8))), for: connection, of: connector, permit)
        try host.run(commits ? "COMMIT" : "ROLLBACK")
        let after = try await layer(store)
        try await after.runOnce()
        let opening = try await after.access.permit(
            OpenCredential.self, on: .credential(of: connection.id), as: context
        ).get()
        let isThere = try? await after.vault.withCredential(connection.id, opening) { secret in
            secret.withField("key") { $0.byteCount == 11 }
        }
        #expect(isThere == (commits ? true : nil))
        time.advance(by: .seconds(600))
        try await after.runOnce()
        for scope in [scope, .platform] {
            let reading = try await after.access.permit(
                ReadAudit.self, on: .log(of: scope), as: ActContext(actor: me, scope: scope)
            ).get()
            let verification = try await after.audit.verify(
                scope, against: after.audit.checkpoint(of: scope),
                by: AuditVerifier(keys: audit.signers.map(\.verifierKey)), reading)
            #expect(verification.isIntact, "\(verification)")
        }
        await store.close()
    }

    /// What a mirror or a description shows of a statement has no parameters.
    @Test func parametersAreNotShown() async throws {
        let schema = try await Schema()
        let (store, host, _) = try await begin(schema)
        let shown = Mutex("")
        let joined = store.joined { statement in
            shown.withLock { text in
                text += "\(statement) \(String(reflecting: statement)) \(statement.parameters)"
                dump(statement, to: &text)
            }
            return try host.run(statement)
        }
        for name in ["a", "b"] {
            var changes = Changes()
            changes.expect(key("other"), .absent)
            changes.write(key(name), Array("a canary in a statement".utf8))
            try await joined.commit(changes)
        }
        let text = shown.withLock { $0 }
        #expect(text.contains("SAVEPOINT") && text.contains("UPDATE"))
        // As text, as an array, and byte by byte as a dump has them.
        #expect(!text.contains("canary") && !text.contains("99, 97, 110") && !text.contains("- 99\n"))
        await store.close()
    }
}
#endif
