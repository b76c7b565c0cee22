// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
/// Views that show each room's records as JSON, for operators. They only read, and show a row for every record, whatever it holds.
struct PostgresViews {
    /// The rooms; what is no room's own is in `storage`, all of it in `everything`.
    static let rooms = ["access", "audit", "plans", "privacy", "publishing", "vault"]

    let schema: PostgresSchema

    /// The views' names in quotes.
    private var names: [String] { (Self.rooms + ["storage", "everything"]).map { "\(schema.quoted).\"\($0)\"" } }

    /// The functions that they call.
    private var signatures: String {
        ["reeve_text", "reeve_json", "reeve_elements"].map { "\(schema.quoted).\($0)(bytea)" }.joined(separator: ", ")
    }

    /// Makes or renews them in one transaction, as the role that owns the tables.
    func create(_ connection: Connection, granting role: String?) throws(PostgresStoreError) {
        let grantee = try role.map(PostgresSchema.quoted(role:))
        do throws(PostgresStoreError) {
            _ = try connection.run(PostgresSchema.begin)
            try schema.check(connection)
            // What is another role's would run with the rights of whoever looks.
            try schema.checkOwner(
                """
                SELECT pg_catalog.bool_and(found.owner = u.oid) FROM me u, (
                    SELECT n.oid AS schema, n.nspowner AS owner FROM pg_catalog.pg_namespace n
                    UNION ALL SELECT c.relnamespace, c.relowner FROM pg_catalog.pg_class c
                    UNION ALL SELECT p.pronamespace, p.proowner FROM pg_catalog.pg_proc p
                ) AS found JOIN pg_catalog.pg_namespace n ON n.oid = found.schema
                WHERE n.nspname = '\(schema.name)'
                """, connection, or: nil)
            _ = try connection.run("\(functions); \(views)")
            if let grantee {
                _ = try connection.run(
                    """
                    GRANT USAGE ON SCHEMA \(schema.quoted) TO \(grantee);
                    GRANT EXECUTE ON FUNCTION \(signatures) TO \(grantee);
                    GRANT SELECT ON \(names.joined(separator: ", ")) TO \(grantee)
                    """)
            }
            _ = try connection.run("COMMIT")
        } catch {
            _ = try connection.run("ROLLBACK")
            throw error
        }
    }

    // MARK: What they are made of

    private var views: String {
        let rooms = Self.rooms.map { "'\($0)'" }.joined(separator: ", ")
        let added = AppendOnly.tables.map { "'\($0)'" }.joined(separator: ", ")
        let room = "split_part(\"table\", '.', 1)"
        let all = """
            CREATE OR REPLACE VIEW \(schema.quoted).everything AS
            SELECT id ->> 0 AS "partition", id ->> 1 AS "table", id - 1 - 0 AS id,
                CASE WHEN octet_length(value) > 1000000 THEN jsonb_build_object('bytes', octet_length(value))
                    ELSE \(schema.quoted).reeve_json(value) END AS record, encode(revision, 'hex') AS revision,
                octet_length(value) AS bytes, key,
                is_added IS DISTINCT FROM coalesce(id ->> 1 IN (\(added)), false) AS misplaced
            FROM (
                SELECT \(schema.quoted).reeve_elements(key) AS id, key, revision, value, false AS is_added FROM \(schema.quoted).records
                UNION ALL
                SELECT \(schema.quoted).reeve_elements(key), key, revision, value, true FROM \(schema.quoted).append_only
            ) AS found
            """
        let each =
            Self.rooms.map { ($0, "\(room) = '\($0)'") } + [("storage", "\(room) IS NULL OR \(room) NOT IN (\(rooms))")]
        return
            ([all]
            + each.map {
                "CREATE OR REPLACE VIEW \(schema.quoted).\"\($0)\" WITH (security_barrier) AS SELECT * FROM \(schema.quoted).everything WHERE \($1)"
            }).joined(separator: "; ")
    }

    /// What reads a key's elements, a text and a value; each answers for every input.
    private var functions: String {
        let begin =
            "LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = '' SET standard_conforming_strings = on AS $reeve$"
        return """
            CREATE OR REPLACE FUNCTION \(schema.quoted).reeve_text(value bytea) RETURNS text \(begin)
            BEGIN
                RETURN convert_from(value, 'UTF8');
            EXCEPTION WHEN OTHERS THEN
                RETURN encode(value, 'escape');
            END $reeve$;

            CREATE OR REPLACE FUNCTION \(schema.quoted).reeve_json(value bytea) RETURNS jsonb \(begin)
            BEGIN
                -- What authenticates a record stands after it: on a line of its own, or after a space.
                RETURN regexp_replace(split_part(convert_from(value, 'UTF8'), chr(10), 1), '\\} [A-Za-z0-9_-]{43}$', '}')::jsonb;
            EXCEPTION WHEN OTHERS THEN
                RETURN jsonb_build_object('base64', translate(encode(value, 'base64'), chr(10), ''));
            END $reeve$;

            CREATE OR REPLACE FUNCTION \(schema.quoted).reeve_elements(key bytea) RETURNS jsonb \(begin)
            DECLARE
                elements jsonb := '[]';
                rest bytea := key;
                part bytea;
                number numeric;
                ending integer;
            BEGIN
                WHILE octet_length(rest) > 0 LOOP
                    IF get_byte(rest, 0) = 16 AND octet_length(rest) >= 9 THEN
                        -- An integer: eight bytes, the sign bit flipped.
                        number := 0;
                        FOR at IN 1..8 LOOP number := number * 256 + get_byte(rest, at); END LOOP;
                        elements := elements || to_jsonb(number - 9223372036854775808);
                        rest := substr(rest, 10);
                        CONTINUE;
                    END IF;
                    -- A text: up to a zero byte, which it has itself as 0x00 0xFF.
                    part := '';
                    ending := position('\\x00'::bytea IN rest);
                    IF get_byte(rest, 0) <> 32 OR ending = 0 THEN
                        RETURN elements || to_jsonb('0x' || encode(rest, 'hex'));
                    END IF;
                    rest := substr(rest, 2);
                    LOOP
                        ending := position('\\x00'::bytea IN rest);
                        part := part || substr(rest, 1, greatest(ending - 1, 0));
                        rest := substr(rest, ending + 1);
                        EXIT WHEN ending = 0 OR octet_length(rest) = 0 OR get_byte(rest, 0) <> 255;
                        part := part || '\\x00'::bytea;
                        rest := substr(rest, 2);
                    END LOOP;
                    elements := elements || to_jsonb(\(schema.quoted).reeve_text(part));
                END LOOP;
                RETURN elements;
            EXCEPTION WHEN OTHERS THEN
                RETURN jsonb_build_array('0x' || encode(key, 'hex'));
            END $reeve$;

            REVOKE ALL ON FUNCTION \(signatures) FROM PUBLIC
            """
    }
}
#endif
