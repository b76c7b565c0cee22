// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
/// The tables of a store: one of records that may change, one of those that are only ever added, and one that says their format.
struct PostgresSchema {
    static let format = 1

    /// Its name, in quotes: it may be a word of the language.
    let quoted: String
    let name: String

    init(_ name: String) throws(PostgresStoreError) {
        let letters = Set("abcdefghijklmnopqrstuvwxyz_".utf8)
        let all = letters.union("0123456789".utf8)
        guard let first = name.utf8.first, letters.contains(first), name.utf8.count <= 63,
            name.utf8.allSatisfy(all.contains), !name.hasPrefix("pg_")
        else { throw PostgresStoreError(.badName) }
        self.name = name
        quoted = "\"\(name)\""
    }

    /// A table: its columns in their order, each never null, and the one that is its key.
    private enum Table: String, CaseIterable {
        case format
        case records
        case appendOnly = "append_only"

        var columns: String {
            switch self {
            case .format: "format integer"
            case .records, .appendOnly: "key bytea,revision bytea,value bytea"
            }
        }

        func creation(_ schema: String) -> String {
            let columns = columns.split(separator: ",").map { "\($0) NOT NULL" }.joined(separator: ", ")
            let key = columns.split(separator: " ").first ?? ""
            return "CREATE TABLE \(schema).\(rawValue) (\(columns), PRIMARY KEY (\(key)))"
        }
    }

    // MARK: Each connection

    /// Sets a connection up, and looks whether what it is connected to is a store that keeps what it acknowledges.
    func begin(on connection: Connection, _ configuration: PostgresStore.Configuration) throws(PostgresStoreError) {
        // Three steps of a commit may wait; what waits longer the server ends itself, so that it is known.
        let milliseconds = configuration.statementSeconds * 1000
        // No name is found but by its schema; each statement sees what was committed before it.
        _ = try connection.run(
            """
            SET search_path = ''; SET default_transaction_isolation = 'read committed';
            SET statement_timeout = \(milliseconds / 3); SET idle_in_transaction_session_timeout = \(milliseconds)
            """)
        let settings = try connection.run(
            """
            SELECT current_setting('fsync', true), current_setting('full_page_writes', true),
                current_setting('synchronous_commit', true), current_setting('enable_seqscan', true)
            """)
        guard settings.count == 4 else { throw PostgresStoreError(.failed) }
        guard settings[0] != "off", settings[1] != "off" else { throw PostgresStoreError(.notDurable) }
        if let level = settings[2],
            level.utf8.allSatisfy({ UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || $0 == UInt8(ascii: "_") })
        {
            // In this session it stays so, whatever the server is told later.
            _ = try connection.run("SET synchronous_commit = \(level == "off" ? "on" : level)")
        }
        if settings[3] != nil {
            // Keys are looked up by their index, however small the table was when the statement was planned.
            _ = try connection.run(
                """
                SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
                SET plan_cache_mode = force_generic_plan
                """)
        }
        try check(connection)
        try connection.prepare(quoted)
    }

    /// Throws unless the tables are there, as they were made, in this release's format.
    func check(_ connection: Connection) throws(PostgresStoreError) {
        for table in Table.allCases where try !isOwn(table, connection) { throw PostgresStoreError(.notMigrated) }
        let number = try number(connection, locked: false)
        guard number <= Self.format else { throw PostgresStoreError(.newerFormat) }
        guard number == Self.format else { throw PostgresStoreError(.notMigrated) }
    }

    /// A role's name as a statement has it.
    static func quoted(role name: String) throws(PostgresStoreError) -> String {
        // A longer one the server cuts off, and means another role.
        // What everybody belongs to has a name that quotes do not protect.
        guard 1...63 ~= name.utf8.count, !name.utf8.contains(0), name != "public", name != "none" else {
            throw PostgresStoreError(.badName)
        }
        return "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// A text as a statement has it.
    private static func literal(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
    }

    private func number(_ connection: Connection, locked: Bool) throws(PostgresStoreError) -> Int {
        let query = "SELECT format::text FROM \(quoted).format ORDER BY format DESC LIMIT 1"
        let found = try connection.run(locked ? query + " FOR UPDATE" : query).first ?? nil
        return found.flatMap { Int($0) } ?? 0
    }

    /// Whether a table is there; throws when it is not as ``migrate(_:granting:)`` makes it, and nothing else: what is beside it would see what is written.
    private func isOwn(_ table: Table, _ connection: Connection) throws(PostgresStoreError) -> Bool {
        let found = try connection.run(
            """
            SELECT c.relkind::text, c.relpersistence::text, c.relrowsecurity::text,
                (SELECT count(*)::text FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid),
                (SELECT count(*)::text FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid),
                (SELECT count(*)::text FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)),
                (SELECT string_agg(k.contype::text, ',') FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype <> 'n'),
                (SELECT string_agg(x.indisprimary::text, ',') FROM pg_catalog.pg_index x WHERE x.indrelid = c.oid),
                (SELECT string_agg(
                    a.attname::text || ' ' || CASE a.atttypid WHEN 17 THEN 'bytea' WHEN 23 THEN 'integer' ELSE 'other' END
                    || CASE WHEN a.attnotnull AND NOT a.atthasdef THEN '' ELSE ' other' END, ',' ORDER BY a.attnum)
                    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = '\(name)' AND c.relname = '\(table.rawValue)'
            """)
        guard found.count == 9 else { return false }
        guard found[1] != "u" else { throw PostgresStoreError(.notDurable) }
        guard found == ["r", "p", "false", "0", "0", "0", "p", "true", table.columns] else {
            throw PostgresStoreError(.notReeves)
        }
        return true
    }

    // MARK: Migration

    /// Begins a transaction in which names and texts mean the same whatever role and server are set to.
    static let begin =
        "BEGIN; SET LOCAL search_path = ''; SET LOCAL client_min_messages = error; SET LOCAL standard_conforming_strings = on"

    /// Makes what is not there, in one transaction; of several at once each waits for the one before it.
    func migrate(_ connection: Connection, granting role: String?) throws(PostgresStoreError) {
        let grantee = try role.map(Self.quoted(role:))
        // Two that make the same thing at once, or grant at once, are told so in many ways.
        for attempt in 1... {
            do throws(PostgresStoreError) {
                return try migrateOnce(connection, grantee)
            } catch {
                _ = try connection.run("ROLLBACK")
                let others = ["23505", "40001", "40P01", "42P06", "42P07", "42710", "XX000"]
                guard attempt < 10, let state = error.state, others.contains(state) else { throw error }
            }
        }
    }

    private func migrateOnce(_ connection: Connection, _ grantee: String?) throws(PostgresStoreError) {
        _ = try connection.run(Self.begin)
        // What is another's may do anything once it is touched, with this role's rights.
        try checkOwner(
            "SELECT n.nspowner = u.oid FROM pg_catalog.pg_namespace n, me u WHERE n.nspname = '\(name)'", connection,
            or: "CREATE SCHEMA \(quoted)")
        for table in Table.allCases {
            try checkOwner(
                """
                SELECT c.relowner = u.oid FROM pg_catalog.pg_namespace n
                JOIN pg_catalog.pg_class c ON n.oid = c.relnamespace CROSS JOIN me u
                WHERE n.nspname = '\(name)' AND c.relname = '\(table.rawValue)'
                """, connection, or: table == .format ? table.creation(quoted) : nil)
            _ = try isOwn(table, connection)
        }
        let found = try number(connection, locked: true)
        guard found <= Self.format else { throw PostgresStoreError(.newerFormat) }
        if found < 1 {
            _ = try connection.run(
                """
                \(Table.records.creation(quoted)); \(Table.appendOnly.creation(quoted));
                REVOKE ALL ON SCHEMA \(quoted) FROM PUBLIC;
                REVOKE ALL ON \(quoted).records, \(quoted).append_only, \(quoted).format FROM PUBLIC;
                INSERT INTO \(quoted).format (format) VALUES (1)
                """)
        }
        for table in Table.allCases where try !isOwn(table, connection) { throw PostgresStoreError(.notReeves) }
        if let grantee {
            _ = try connection.run(
                """
                REVOKE ALL ON \(quoted).records, \(quoted).append_only, \(quoted).format FROM \(grantee);
                GRANT USAGE ON SCHEMA \(quoted) TO \(grantee);
                GRANT SELECT ON \(quoted).format TO \(grantee);
                GRANT SELECT, INSERT ON \(quoted).append_only TO \(grantee);
                GRANT SELECT, INSERT, UPDATE, DELETE ON \(quoted).records TO \(grantee)
                """)
            // By another grant, by a role that it belongs to and could take on, as the owner or as a superuser.
            let mayChange = try connection.run(
                """
                SELECT pg_catalog.bool_or(
                    pg_catalog.has_table_privilege(r.oid, t.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER')
                    OR pg_catalog.has_any_column_privilege(r.oid, t.oid, 'UPDATE'))::text
                FROM pg_catalog.pg_roles r, (SELECT \(Self.literal(quoted + ".append_only"))::pg_catalog.regclass::oid) AS t(oid)
                WHERE pg_catalog.pg_has_role(\(Self.literal(grantee))::pg_catalog.regrole::oid, r.oid, 'MEMBER')
                """)
            guard mayChange.first == "false" else { throw PostgresStoreError(.roleMayTooMuch) }
        }
        _ = try connection.run("COMMIT")
    }

    /// Throws when something is another role's, a superuser's own included; makes it when it is not there.
    func checkOwner(
        _ query: String, _ connection: Connection, or creation: String?
    ) throws(PostgresStoreError) {
        let me = "WITH me AS (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) "
        let isOwner = try connection.run(me + query).first ?? nil
        guard isOwner != "f" else { throw PostgresStoreError(.notReeves) }
        if isOwner == nil, let creation { _ = try connection.run(creation) }
    }
}
#endif
