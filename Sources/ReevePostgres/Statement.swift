// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
/// The statements that every connection has prepared. They use nothing but tables, indexes and row locks.
///
/// A commit is a transaction of them in one round trip: `begin`, `lock`, `share`, `check`, `write`, `remove`, `commit`. `lock` takes the row of each key that is to be written, deleted or absent, in
/// the order of the keys, and puts an empty one where there is none: nobody else can write it, or bring it about, until the end. `share` keeps others from changing the records that are only expected.
/// So everything a commit looks at stays as it is while it looks; `check`, which sees what was there when all locks were held, ends the transaction when something is
/// not as expected. Which record that was, `broken` asks afterwards.
///
/// The write of one record that depends on no other is one statement, `put` and its kin, which locks and looks by itself: it returns a row when it took effect.
///
/// What is only ever added (``AppendOnly``) is in a table of its own, where a program's role can lock nothing: it is locked by an empty row of its key among the records that change.
enum Statement: String, Sendable, CaseIterable {
    case begin, lock, share, check, write, remove, commit, rollback, point, range, broken
    case checkAdded, add, prune, pointAdded, rangeAdded, rangeBoth, brokenAdded
    case put, putNew, putExpected

    /// Its text, over the tables of a schema.
    func text(_ schema: String) -> String {
        let (table, added) = ("\(schema).records", "\(schema).append_only")
        return switch self {
        case .begin: "BEGIN"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        case .point: Self.point(table)
        case .pointAdded: Self.point(added)
        case .range: Self.range(table)
        case .rangeAdded: Self.range(added)
        case .rangeBoth:
            // Each table for what it is for, so that no key comes twice.
            """
            SELECT * FROM ((\(Self.range(table, "NOT \(AppendOnly.condition)"))) UNION ALL (\(Self.range(added, AppendOnly.condition))))
            AS both_tables ORDER BY key LIMIT $3::bigint
            """
        case .lock:
            """
            INSERT INTO \(table) AS r (key, revision, value)
            SELECT k, ''::bytea, ''::bytea FROM pg_catalog.unnest($1::bytea[]) AS t(k) ORDER BY k
            ON CONFLICT (key) DO UPDATE SET value = r.value WHERE false
            """
        case .share: "SELECT 1 FROM \(table) WHERE key = ANY($1::bytea[]) ORDER BY key FOR SHARE"
        case .check: Self.check(Self.unexpected(table))
        case .checkAdded: Self.check(Self.unexpectedAdded(added))
        case .write:
            """
            UPDATE \(table) AS r SET revision = $3::bytea, value = w.value
            FROM unnest($1::bytea[], $2::bytea[]) AS w(key, value) WHERE r.key = w.key
            """
        case .add:
            """
            INSERT INTO \(added) (key, revision, value)
            SELECT w.key, $3::bytea, w.value FROM unnest($1::bytea[], $2::bytea[]) AS w(key, value)
            """
        case .remove: "DELETE FROM \(table) WHERE key = ANY($1::bytea[])"
        case .prune: "DELETE FROM \(added) WHERE key = ANY($1::bytea[])"
        case .put:
            "\(Self.insert(table)) DO UPDATE SET revision = excluded.revision, value = excluded.value RETURNING 1"
        case .putNew: "\(Self.insert(table)) DO NOTHING RETURNING 1"
        case .putExpected:
            "UPDATE \(table) SET revision = $3::bytea, value = $2::bytea WHERE key = $1 AND revision = $4 RETURNING 1"
        case .broken: "SELECT e.key \(Self.unexpected(table)) LIMIT 1"
        case .brokenAdded: "SELECT e.key \(Self.unexpectedAdded(added)) LIMIT 1"
        }
    }

    /// Whether it is a commit by itself, of the key that is its first parameter.
    var isWhole: Bool {
        switch self {
        case .put, .putNew, .putExpected: true
        default: false
        }
    }

    /// The types of its parameters, by the server's numbers: `bytea`, `bytea[]`, `bigint`.
    var types: [UInt32] {
        let (bytes, list, integer): (UInt32, UInt32, UInt32) = (17, 1001, 20)
        return switch self {
        case .begin, .commit, .rollback: []
        case .point, .pointAdded: [bytes]
        case .range, .rangeAdded, .rangeBoth: [bytes, bytes, integer]
        case .lock, .share, .remove, .prune: [list]
        case .check, .checkAdded, .broken, .brokenAdded: [list, list]
        case .write, .add: [list, list, bytes]
        case .put, .putNew: [bytes, bytes, bytes]
        case .putExpected: [bytes, bytes, bytes, bytes]
        }
    }

    private static func point(_ table: String) -> String { "SELECT revision, value FROM \(table) WHERE key = $1" }

    private static func range(_ table: String, _ condition: String = "true") -> String {
        """
        SELECT key, revision, value FROM \(table) WHERE key >= $1 AND key < $2 AND \(condition)
        ORDER BY key LIMIT $3::bigint
        """
    }

    private static func insert(_ table: String) -> String {
        "INSERT INTO \(table) (key, value, revision) VALUES ($1::bytea, $2::bytea, $3::bytea) ON CONFLICT (key)"
    }

    /// Ends the transaction where an expectation does not hold.
    private static func check(_ unexpected: String) -> String {
        "SELECT 1 / CASE WHEN EXISTS (SELECT 1 \(unexpected)) THEN 0 ELSE 1 END"
    }

    /// An empty row, which holds a lock, is as good as none.
    private static func unexpected(_ table: String) -> String {
        """
        FROM unnest($1::bytea[], $2::bytea[]) AS e(key, revision)
        LEFT JOIN \(table) AS r ON r.key = e.key WHERE coalesce(r.revision, ''::bytea) <> e.revision
        """
    }

    /// No row holds a lock there: one that is there is there.
    private static func unexpectedAdded(_ table: String) -> String {
        "\(unexpected(table)) OR r.key IS NOT NULL AND e.revision = ''::bytea"
    }
}

extension [UInt8] {
    /// An array of byte strings in the server's binary format.
    init(array elements: some Collection<[UInt8]>) {
        func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        // One dimension, no nulls, of bytea (17), counted from 1; none at all for an empty one.
        self = word(elements.isEmpty ? 0 : 1) + word(0) + word(17)
        guard !elements.isEmpty else { return }
        reserveCapacity(20 + elements.reduce(0) { $0 + $1.count + 4 })
        self += word(elements.count) + word(1)
        for element in elements {
            self += word(element.count)
            self += element
        }
    }
}
#endif
