// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
/// Why a database is not opened as a store, or not migrated.
public struct PostgresStoreError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The connection string is none, names a service, or has a parameter that the server's libraries do not know.
        case badConnectionString
        /// The name of a schema is not `[a-z_][a-z0-9_]*`, at most 63 bytes, or begins with `pg_`; or the name of a role is empty, longer than 63 bytes, `public` or `none`.
        case badName
        /// A server on another machine, and an `sslmode` weaker than `verify-full`.
        case notEncrypted
        /// The server cannot be reached, or does not let this role in.
        case notReachable
        /// The database has no store: ``PostgresStore/migrate(_:schema:granting:)`` was not run, or not for this schema or role.
        case notMigrated
        /// The store was made by a newer release.
        case newerFormat
        /// The tables are not as Reeve made them: another role's, or with a trigger, a rule, row security, inheritance, or another column, constraint or index.
        case notReeves
        /// The server is set up to lose what it acknowledged: `fsync` or `full_page_writes` is off, or the table is unlogged.
        case notDurable
        /// The role may not do this.
        case notPermitted
        /// The role that was to be granted may change or delete what is only ever added: by another grant, by a role it belongs to, or as owner or superuser.
        case roleMayTooMuch
        /// The server refused.
        case failed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// The server's own code for it (SQLSTATE, five characters); `nil` where it is not the server's. Its text is left out, since it quotes what it is about.
    public let state: String?

    init(_ code: Code, _ state: String? = nil) {
        self.code = code
        self.state = state
    }

    /// What the server's code means before a store is there.
    init(state: String) {
        switch state {
        case "42P01", "3F000", "42703": self.init(.notMigrated, state)
        case "42501": self.init(.notPermitted, state)
        case _ where ["08", "28", "3D", "53", "57"].contains(state.prefix(2)): self.init(.notReachable, state)
        default: self.init(.failed, state)
        }
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension PostgresStoreError: CustomStringConvertible {
    /// What failed and what to do.
    public var description: String {
        let text =
            switch code {
            case .badConnectionString:
                "the connection string cannot be read; write keyword=value pairs or a URI as in libpq's manual, and name each host rather than a service"
            case .badName:
                "a schema's name has to be [a-z_][a-z0-9_]*, at most 63 bytes, and not begin with pg_; a role's name has to have 1 to 63 bytes, and not be public or none"
            case .notEncrypted:
                "the server is on another machine and sslmode is weaker than verify-full; leave sslmode out, and name the certificate's authority by sslrootcert"
            case .notReachable:
                "the server cannot be reached, or refuses this role; check host, port, database, user, password and certificates"
            case .notMigrated:
                "there is no store in this database and schema, or this role may not see it; run PostgresStore.migrate as the role that is to own it, granting this role"
            case .newerFormat: "the store was made by a newer release; update this program first"
            case .notReeves:
                "the schema or its tables are another role's, or have a trigger, a rule, row security, a child, a column, a constraint or an index that Reeve did not make; find out who made it and remove it"
            case .notDurable:
                "the server would lose what it acknowledged: set fsync and full_page_writes on, and keep the tables logged"
            case .notPermitted: "the role may not do this; use the role that owns the store"
            case .roleMayTooMuch:
                "the role may change or delete what is only ever added: by another grant, by a role it belongs to, or as owner or superuser; grant one that may not"
            case .failed: "the server refused; its log says why"
            }
        return state.map { "\(text) (SQLSTATE \($0))" } ?? text
    }
}
#endif
