// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if SQLite
import GRDB

/// What is in a store's file: one table, and marks by which it is known.
enum StoreSchema {
    /// `Reev`, as a number.
    private static let application = 0x5265_6576
    private static let format = 1
    private static let table =
        "CREATE TABLE records (key BLOB PRIMARY KEY NOT NULL, revision BLOB NOT NULL, value BLOB NOT NULL) WITHOUT ROWID"

    /// Makes the table in a file that has nothing yet; of two processes that begin at once one does.
    static func makeIfNew(_ db: Database) throws {
        guard try isEmpty(db) else { return }
        try db.inTransaction(.immediate) {
            guard try isEmpty(db) else { return .commit }
            try db.execute(sql: table)
            try db.execute(sql: "PRAGMA application_id=\(application); PRAGMA user_version=\(format)")
            return .commit
        }
    }

    /// Whether nobody has put anything into the file: one whose table is gone is no new one.
    private static func isEmpty(_ db: Database) throws -> Bool {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0
            && Int.fetchOne(db, sql: "PRAGMA application_id") == 0 && Int.fetchOne(db, sql: "PRAGMA user_version") == 0
    }

    /// Throws for a file that is not Reeve's, or has anything beside its table; returns the number of its schema's state.
    static func check(_ db: Database) throws -> Int {
        guard try Int.fetchOne(db, sql: "PRAGMA application_id") == application else {
            throw SQLiteStoreError(.notReeves)
        }
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version <= format else { throw SQLiteStoreError(.newerFormat) }
        let rows = try Row.fetchAll(
            db, sql: "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
        guard version == format, rows.count == 1, let row = rows.first, row["type"] == "table",
            row["name"] == "records",
            row["sql"] == table
        else { throw SQLiteStoreError(.notReeves) }
        return try Int.fetchOne(db, sql: "PRAGMA schema_version") ?? 0
    }
}
#endif
