// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import Foundation
import ReeveModel
import ReevePostgres
import ReeveStorage
import ReeveTesting
import Testing

/// What operators see of the records.
@Suite(.enabled(if: Server.isThere, Server.why)) struct PostgresViewsTests {
    private func element(_ element: Key.Element) -> Any {
        switch element {
        case .integer(let value): NSNumber(value: value)
        case .text(let text): text
        }
    }

    /// Any key is shown by its elements, any record as what it says.
    @Test func everyRecordIsShown() async throws {
        let schema = try await Schema()
        let store = try await schema.store()
        try await PostgresStore.makeViews(schema.connection, schema: schema.name)
        var random = Scale.current.generator(for: "postgres.views")
        let texts = ["platform", "vault.key", "audit.leaves", "é", "'", "a\\b", "{", "", "ws_1"]
        var expected: [[UInt8]: (elements: [Key.Element], record: String)] = [:]
        for number in 0..<200 {
            let elements: [Key.Element] =
                [.text(texts[number % texts.count])]
                + (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    Bool.random(using: &random)
                        ? .integer(Int64.random(in: .min ... .max, using: &random))
                        : .text(texts[Int.random(in: 0..<texts.count, using: &random)])
                } + [.integer(Int64(number))]
            let key = Key(elements)
            let (stored, shown) = [
                (#"{"schema":1,"value":{"a":"é"}}"#, #"{"schema":1,"value":{"a":"é"}}"#),
                (
                    #"{"schema":1,"value":[]}"# + "\n0000000000000001 " + String(repeating: "A", count: 43),
                    #"{"schema":1,"value":[]}"#
                ),
                (#"{"kind":"x"} "# + String(repeating: "_", count: 43), #"{"kind":"x"}"#),
                ("no JSON", #"{"base64":"bm8gSlNPTg=="}"#),
            ][number % 4]
            var changes = Changes()
            changes.write(key, Array(stored.utf8))
            try await store.commit(changes)
            expected[key.bytes] = (elements, shown)
        }
        let rows = try sql(
            """
            SELECT encode(key, 'hex'), "partition", coalesce("table", ''), id::text, record::text, bytes
            FROM \(schema.name).everything
            """, on: schema.connection)
        #expect(rows.count == expected.count)
        for row in rows {
            let bytes = stride(from: 0, to: row[0].count, by: 2).map { index in
                UInt8(row[0].dropFirst(index).prefix(2), radix: 16) ?? 0
            }
            let (elements, record) = try #require(expected[bytes])
            let id = try JSONSerialization.jsonObject(with: Data(row[3].utf8)) as? NSArray
            // By their texts: numbers this large are read as another kind.
            #expect(id?.map { "\($0)" } == elements.dropFirst(2).map { "\(element($0))" })
            #expect(row[1] == element(elements[0]) as? String)
            #expect(row[2] == (element(elements[1]) as? String ?? (element(elements[1]) as? NSNumber)?.stringValue))
            let (shown, stored) = try (
                JSONSerialization.jsonObject(with: Data(row[4].utf8)) as? NSDictionary,
                JSONSerialization.jsonObject(with: Data(record.utf8)) as? NSDictionary
            )
            #expect(shown != nil && shown == stored)
        }
        await store.close()
    }

    /// Whatever stands in the tables, looking at it does not fail.
    @Test func noRecordIsTooStrange() async throws {
        let schema = try await Schema()
        try await PostgresStore.makeViews(schema.connection, schema: schema.name)
        let strange = [
            "''", #"'\x20'"#, #"'\x2000'"#, #"'\x10'"#, #"'\x1001'"#, #"'\x20ff00'"#, #"'\x206100ff'"#, #"'\x2061'"#,
            #"'\xff'"#, #"'\x20610020c30000'"#, #"'\x2000ff00'"#, "convert_to(repeat('[', 50000), 'UTF8')",
            #"convert_to('"\u0000"', 'UTF8')"#, "convert_to('1e1000000', 'UTF8')", #"'\x0a0a0a'"#,
            "convert_to(repeat('{\"a\":', 20000), 'UTF8')", #"convert_to('{"a":"' || chr(92) || 'ud800"}', 'UTF8')"#,
            "decode(repeat('ff', 120000000), 'hex')", #"decode(repeat('00ff', 500), 'hex')"#,
            #"'\x20' || decode(repeat('00ff', 500), 'hex')"#,
        ]
        for table in ["records", "append_only"] {
            for (number, bytes) in strange.enumerated() {
                try sql(
                    """
                    INSERT INTO \(schema.name).\(table) VALUES (substr(\(bytes)::bytea, 1, 1000), '\\x00', '\\x7b7d')
                        ON CONFLICT DO NOTHING;
                    INSERT INTO \(schema.name).\(table) VALUES ('\\x21'::bytea || int4send(\(number)), '\\x00', \(bytes))
                    """, on: schema.connection)
            }
        }
        let parts = ["access", "audit", "plans", "privacy", "publishing", "vault", "storage"]
        var shown = 0
        for view in parts {
            let rows = try sql(
                "SELECT id::text, record::text, \"partition\", \"table\" FROM \(schema.name).\"\(view)\"",
                on: schema.connection)
            shown += rows.count
        }
        let all = try sql("SELECT count(*) FROM \(schema.name).everything", on: schema.connection)
        let stored = try sql(
            "SELECT (SELECT count(*) FROM \(schema.name).records) + (SELECT count(*) FROM \(schema.name).append_only)",
            on: schema.connection)
        #expect(all == stored && stored == [[String(shown)]] && shown > 60)
        #expect(
            try sql("SELECT count(*) FROM \(schema.name).everything WHERE record IS NULL", on: schema.connection)
                == [["0"]])
    }

    /// What stands in the table that is not for it says so.
    @Test func whatIsMisplacedIsMarked() async throws {
        let schema = try await Schema()
        let store = try await schema.store()
        try await PostgresStore.makeViews(schema.connection, schema: schema.name)
        for table in ["vault.key", "audit.leaves"] {
            var changes = Changes()
            changes.write(Key(.platform, [.text(table), .text("k")]), Array("{}".utf8))
            try await store.commit(changes)
        }
        for (from, to) in [("records", "append_only"), ("append_only", "records")] {
            try sql(
                "INSERT INTO \(schema.name).\(to) SELECT key || '\\x2000', revision, value FROM \(schema.name).\(from) ON CONFLICT DO NOTHING",
                on: schema.connection)
        }
        let rows = try sql(
            "SELECT \"table\", jsonb_array_length(id), misplaced FROM \(schema.name).everything ORDER BY 1, 2",
            on: schema.connection)
        #expect(rows.filter { $0[1] == "1" }.map { $0[2] } == ["f", "f"])
        #expect(rows.filter { $0[1] == "2" }.contains { $0[0] == "vault.key" && $0[2] == "t" })
        #expect(rows.filter { $0[1] == "2" }.contains { $0[0] == "audit.leaves" && $0[2] == "t" })
        await store.close()
    }

    /// A function that another role put there before is not taken for one's own.
    @Test func whatIsAnothersIsNotRun() async throws {
        let schema = try await Schema()
        let role = "v\(UInt32.random(in: 0 ... .max))"
        try sql("CREATE ROLE \(role) LOGIN; GRANT ALL ON SCHEMA \(schema.name) TO \(role)", on: schema.connection)
        try sql(
            "CREATE FUNCTION \(schema.name).reeve_json(value bytea) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb'",
            on: schema.connection.replacing("user=owner", with: "user=\(role)"))
        await expect(.notReeves) { try await PostgresStore.makeViews(schema.connection, schema: schema.name) }
        try sql("DROP SCHEMA \(schema.name) CASCADE; DROP ROLE \(role)", on: schema.connection)
    }

    /// Whoever was let see the views sees them and not the tables; they are made again without harm, and the store opens as before.
    @Test func operatorsSeeViewsAlone() async throws {
        let schema = try await Schema()
        let role = "op\(UInt32.random(in: 0 ... .max))"
        try sql("CREATE ROLE \(role) LOGIN", on: schema.connection)
        for _ in 0..<2 { try await PostgresStore.makeViews(schema.connection, schema: schema.name, granting: role) }
        let store = try await schema.store()
        var changes = Changes()
        changes.write(Key(.platform, [.text("vault.key"), .text("k")]), Array(#"{"schema":1,"value":{}}"#.utf8))
        try await store.commit(changes)
        let own = schema.connection.replacing("user=owner", with: "user=\(role)")
        #expect(
            try sql("SELECT id::text, record::text FROM \(schema.name).vault", on: own)
                == [[#"["k"]"#, #"{"value": {}, "schema": 1}"#]])
        #expect(try sql("SELECT * FROM \(schema.name).storage", on: own).isEmpty)
        for statement in ["SELECT 1 FROM %.records", "SELECT 1 FROM %.append_only", "CREATE TABLE %.x ()"] {
            #expect(throws: (any Error).self) { try sql(statement.replacing("%", with: schema.name), on: own) }
        }
        // A function of one's own is asked about no row that is not shown.
        let peek = """
            CREATE FUNCTION pg_temp.peek(bytea) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
                'BEGIN RAISE EXCEPTION ''seen''; END';
            SELECT 1 FROM \(schema.name).audit WHERE pg_temp.peek(key)
            """
        #expect(try sql(peek, on: own).isEmpty)
        let stranger = "s\(role)"
        try sql("CREATE ROLE \(stranger) LOGIN", on: schema.connection)
        #expect(throws: (any Error).self) {
            try sql(
                "SELECT 1 FROM \(schema.name).vault",
                on: schema.connection.replacing("user=owner", with: "user=\(stranger)"))
        }
        try sql("DROP ROLE \(stranger)", on: schema.connection)
        // Nobody else is let in by it, and nobody but the owner makes them.
        await expect(.notPermitted) { try await PostgresStore.makeViews(own, schema: schema.name) }
        await expect(.notMigrated) { try await PostgresStore.makeViews(schema.connection, schema: "nobody_made_this") }
        await expect(.badName) {
            try await PostgresStore.makeViews(schema.connection, schema: schema.name, granting: "")
        }
        await store.close()
        try sql("DROP SCHEMA \(schema.name) CASCADE; DROP ROLE \(role)", on: schema.connection)
    }
}
#endif
