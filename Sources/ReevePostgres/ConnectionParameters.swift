// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if PostgreSQL
import CLibpq

/// What a connection is opened with: a connection string that was read, and what a store does not leave to chance.
struct ConnectionParameters: Sendable, CustomReflectable, CustomStringConvertible {
    private var values: [String: String]

    /// It holds a password.
    var description: String { "ConnectionParameters" }
    var customMirror: Mirror { Mirror(self, children: [:]) }

    /// Keyword and value of each, for one server after the other.
    var servers: [[(String, String)]] {
        (0..<max(list("host").count, list("hostaddr").count, 1)).map { index in
            var one = values
            for name in ["host", "hostaddr", "port"] where one[name] != nil {
                // A port that stands alone is everybody's.
                let list = list(name)
                one[name] = list.count == 1 ? list[0] : list[index]
            }
            return one.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
    }

    private func list(_ name: String) -> [String] {
        values[name]?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
    }

    /// Whether the lists of servers belong together and name each: for one that is left out the environment would speak.
    private var areServersNamed: Bool {
        let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
        let counts = Set([hosts.count, addresses.count].filter { $0 > 0 })
        return counts.count <= 1 && [0, 1, counts.first ?? 1].contains(ports.count)
            && (hosts + addresses + ports).allSatisfy { !$0.isEmpty }
    }

    /// Reads a connection string. A server on another machine is met by TLS alone, with its name and certificate verified.
    init(_ text: String) throws(PostgresStoreError) {
        guard !text.utf8.contains(0) else { throw PostgresStoreError(.badConnectionString) }
        values = try unsafe Self.read { unsafe PQconninfoParse(text, nil) }
        guard values["service"] == nil else { throw PostgresStoreError(.badConnectionString) }
        // What the environment says where the string is silent, value by value, as the library would take it.
        let defaults = try unsafe Self.read { unsafe PQconndefaults() }
        for name in ["host", "hostaddr"] where values[name] == nil { values[name] = defaults[name] }
        guard areServersNamed else { throw PostgresStoreError(.badConnectionString) }
        if !isLocal {
            guard ["verify-full", nil].contains(values["sslmode"]) else { throw PostgresStoreError(.notEncrypted) }
            values["sslmode"] = "verify-full"
        }
        // It would take the place of TLS, and vouches for less.
        values["gssencmode"] = "disable"
        let ours = [
            "target_session_attrs": "read-write", "application_name": "reeve",
            "keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "15000",
        ]
        values.merge(ours) { given, _ in given }
        values["client_encoding"] = "UTF8"
    }

    /// Whether every server is on this machine: by a socket of its file system, or by its loopback.
    private var isLocal: Bool {
        (list("hostaddr") + list("host")).allSatisfy { host in
            host.hasPrefix("/") || host.hasPrefix("@") || host == "localhost" || host == "::1" || Self.isLoopback(host)
        }
    }

    /// Whether it is an address of 127.0.0.0/8, digits alone: a name may begin like one.
    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        // Without a zero in front: the system reads such a number as an octal one.
        return parts.count == 4 && parts.first == "127" && parts.allSatisfy { UInt8($0).map(String.init) == String($0) }
    }

    private static func read(
        _ options: () -> UnsafeMutablePointer<PQconninfoOption>?
    ) throws(PostgresStoreError) -> [String: String] {
        guard let first = unsafe options() else { throw PostgresStoreError(.badConnectionString) }
        defer { unsafe PQconninfoFree(first) }
        var values: [String: String] = [:]
        var next = unsafe first
        while let keyword = unsafe next.pointee.keyword {
            // One that is empty counts as absent.
            if let value = unsafe next.pointee.val, unsafe value.pointee != 0 {
                unsafe values[String(cString: keyword)] = String(cString: value)
            }
            unsafe next += 1
        }
        return values
    }
}
#endif
