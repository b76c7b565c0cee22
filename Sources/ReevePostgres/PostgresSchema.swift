// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
/// The tables of a store: one of records, and one that says their format.
enum PostgresSchema {
    static let format = 1

    /// A name that needs no quotes, and has none.
    static func check(name: String) throws(PostgresStoreError) {
        let letters = Set("abcdefghijklmnopqrstuvwxyz_".utf8)
        let all = letters.union("0123456789".utf8)
        guard let first = name.utf8.first, letters.contains(first), name.utf8.count <= 63,
            name.utf8.allSatisfy(all.contains)
        else {
            throw PostgresStoreError(.badName)
        }
    }

    // MARK: Each connection

    /// Sets a connection up, and looks whether what it is connected to is a store that keeps what it acknowledges.
    static func begin(
        on connection: Connection, _ configuration: PostgresStore.Configuration
    ) throws(PostgresStoreError) {
        let milliseconds = configuration.statementSeconds * 1000
        // No name is found but by its schema; each statement sees what was committed before it.
        _ = try connection.run(
            """
            SET search_path = ''; SET default_transaction_isolation = 'read committed';
            SET statement_timeout = \(milliseconds); SET idle_in_transaction_session_timeout = \(milliseconds)
            """)
        let settings = try connection.run(
            """
            SELECT current_setting('fsync', true), current_setting('full_page_writes', true),
                current_setting('synchronous_commit', true), current_setting('enable_seqscan', true)
            """)
        guard !settings.prefix(2).contains("off") else { throw PostgresStoreError(.notDurable) }
        if settings.dropFirst(2).first == "off" { _ = try connection.run("SET synchronous_commit = on") }
        if settings.last != nil as String?? {
            // Keys are looked up by their index, however small the table was when the statement was planned.
            _ = try connection.run(
                "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan"
            )
        }
        try check(connection, configuration.schema)
        try connection.prepare(configuration.schema)
    }

    /// Throws unless the tables are as ``migrate(_:_:_:)`` makes them.
    private static func check(_ connection: Connection, _ schema: String) throws(PostgresStoreError) {
        let number = try connection.run("SELECT format::text FROM \(schema).format").first ?? nil
        guard let number = number.flatMap({ Int($0) }) else { throw PostgresStoreError(.notMigrated) }
        guard number <= format else { throw PostgresStoreError(.newerFormat) }
        guard number == format else { throw PostgresStoreError(.notMigrated) }
        let found = try connection.run(
            """
            SELECT c.relkind::text, c.relpersistence::text, c.relrowsecurity::text, c.relhasrules::text,
                (SELECT count(*)::text FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid),
                (SELECT count(*)::text FROM pg_catalog.pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)),
                (SELECT string_agg(a.attname::text || ' ' || a.attnotnull::text || ' ' || t.typname::text, ',' ORDER BY a.attnum)
                    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.atthasdef)
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = '\(schema)' AND c.relname = 'records'
            """)
        guard found.count == 7 else { throw PostgresStoreError(.notMigrated) }
        guard found[1] == "p" else { throw PostgresStoreError(found[1] == "u" ? .notDurable : .notReeves) }
        let own = ["r", "p", "false", "false", "0", "0", "key true bytea,revision true bytea,value true bytea"]
        guard found == own else { throw PostgresStoreError(.notReeves) }
    }

    // MARK: Migration

    /// Makes what is not there, in one transaction; of several at once each waits for the one before it.
    static func migrate(_ connection: Connection, _ schema: String, _ role: String?) throws(PostgresStoreError) {
        let grantee = try role.map { name throws(PostgresStoreError) in
            guard !name.isEmpty, !name.utf8.contains(0) else { throw PostgresStoreError(.badName) }
            return "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        }
        // Two that make the same thing at once, or grant at once, are told so in many ways.
        for attempt in 1... {
            do throws(PostgresStoreError) {
                return try migrateOnce(connection, schema, grantee)
            } catch {
                _ = try connection.run("ROLLBACK")
                let others = ["23505", "40001", "40P01", "42P06", "42P07", "42710", "XX000"]
                guard attempt < 10, let state = error.state, others.contains(state) else { throw error }
            }
        }
    }

    private static func migrateOnce(
        _ connection: Connection, _ schema: String, _ grantee: String?
    ) throws(PostgresStoreError) {
        _ = try connection.run(
            """
            BEGIN; SET LOCAL search_path = ''; SET LOCAL client_min_messages = error;
            CREATE SCHEMA IF NOT EXISTS \(schema);
            CREATE TABLE IF NOT EXISTS \(schema).format (id int PRIMARY KEY CHECK (id = 1), format int NOT NULL);
            INSERT INTO \(schema).format (id, format) VALUES (1, 0) ON CONFLICT (id) DO NOTHING
            """)
        let number =
            try connection.run("SELECT format::text FROM \(schema).format WHERE id = 1 FOR UPDATE").first ?? nil
        guard let number = number.flatMap({ Int($0) }) else { throw PostgresStoreError(.notReeves) }
        guard number <= format else { throw PostgresStoreError(.newerFormat) }
        if number < 1 {
            _ = try connection.run(
                """
                CREATE TABLE \(schema).records (key bytea PRIMARY KEY, revision bytea NOT NULL, value bytea NOT NULL);
                REVOKE ALL ON SCHEMA \(schema) FROM PUBLIC;
                REVOKE ALL ON \(schema).records, \(schema).format FROM PUBLIC;
                UPDATE \(schema).format SET format = 1
                """)
        }
        if let grantee {
            _ = try connection.run(
                """
                GRANT USAGE ON SCHEMA \(schema) TO \(grantee);
                GRANT SELECT ON \(schema).format TO \(grantee);
                GRANT SELECT, INSERT, UPDATE, DELETE ON \(schema).records TO \(grantee)
                """)
        }
        _ = try connection.run("COMMIT")
    }
}
#endif
