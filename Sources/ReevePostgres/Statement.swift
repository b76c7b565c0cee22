// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
/// The statements that every connection has prepared. They use nothing but tables, indexes and row locks.
///
/// A commit is a transaction of them in one round trip: `begin`, `lock`, `share`, `check`, `write`, `remove`, `commit`. `lock` takes the row of each key that is to be written, deleted or absent, in
/// the order of the keys, and puts an empty one where there is none: nobody else can write it, or bring it about, until the end. `share` keeps others from changing the records that are only expected.
/// So everything a commit looks at stays as it is while it looks, whatever the level of isolation; `check`, which sees what was there when all locks were held, ends the transaction when something is
/// not as expected. Which record that was, `broken` asks afterwards.
enum Statement: String, Sendable, CaseIterable {
    case begin, lock, share, check, write, remove, commit, rollback, point, range, broken

    /// Its text, over the tables of a schema.
    func text(_ schema: String) -> String {
        let table = "\(schema).records"
        return switch self {
        case .begin: "BEGIN"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        case .point: "SELECT revision, value FROM \(table) WHERE key = $1"
        case .range:
            "SELECT key, revision, value FROM \(table) WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3::bigint"
        case .lock:
            """
            INSERT INTO \(table) AS r (key, revision, value)
            SELECT k, ''::bytea, ''::bytea FROM unnest($1::bytea[]) AS t(k) ORDER BY k
            ON CONFLICT (key) DO UPDATE SET value = r.value WHERE false
            """
        case .share: "SELECT 1 FROM \(table) WHERE key = ANY($1::bytea[]) ORDER BY key FOR SHARE"
        case .check:
            // Ends the transaction where an expectation does not hold.
            """
            SELECT 1 / CASE WHEN EXISTS (
                SELECT 1 FROM unnest($1::bytea[], $2::bytea[]) AS e(key, revision)
                LEFT JOIN \(table) AS r ON r.key = e.key WHERE coalesce(r.revision, ''::bytea) <> e.revision
            ) THEN 0 ELSE 1 END
            """
        case .write:
            """
            UPDATE \(table) AS r SET revision = $3::bytea, value = w.value
            FROM unnest($1::bytea[], $2::bytea[]) AS w(key, value) WHERE r.key = w.key
            """
        case .remove: "DELETE FROM \(table) WHERE key = ANY($1::bytea[])"
        case .broken:
            """
            SELECT e.key FROM unnest($1::bytea[], $2::bytea[]) AS e(key, revision)
            LEFT JOIN \(table) AS r ON r.key = e.key WHERE coalesce(r.revision, ''::bytea) <> e.revision LIMIT 1
            """
        }
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
