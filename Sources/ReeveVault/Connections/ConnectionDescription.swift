// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What is known of a connection without opening anything.
public struct ConnectionDescription: Hashable, Sendable {
    /// The connection.
    public let connection: Identifier<Connection>
    /// The app.
    public let connector: Identifier<Connector>
    /// Where it stands.
    public let state: Connection.State
    /// How the app authenticates, or is to; `nil` when that was not said yet.
    public let method: Connector.Method?
    /// What the host has noted beside it.
    public let metadata: [String: String]
    /// Its credential; `nil` when it has none.
    public let credential: CredentialDescription?

    /// What may be taken elsewhere: everything but the credential.
    public var shell: ConnectionShell {
        ConnectionShell(connection: connection, connector: connector, method: method, metadata: metadata)
    }
}

/// What is known of a credential without opening it.
public struct CredentialDescription: Hashable, Sendable {
    /// A credential that still opens beside the one that took its place.
    public struct Earlier: Hashable, Sendable {
        /// By which it is opened.
        public let generation: Int64
        /// From when on it does not open any more.
        public let until: Timestamp
    }

    /// How the app authenticates.
    public let method: Connector.Method
    /// How many credentials the connection has had, this one included.
    public let generation: Int64
    /// When it was stored.
    public let stored: Timestamp
    /// When the app stops to accept it, as far as is known.
    public let expires: Timestamp?
    /// The id of the key that sealed it.
    public let key: String
    /// Where that key stands; `nil` when no record vouches for it, so that it opens nothing.
    public let keyState: KeyState?
    /// Whether the key above it stands so that it may be opened.
    public let environmentOpens: Bool
    /// Those before it that still open, in the order of their generations.
    public let earlier: [Earlier]
}

/// A connection as it is exported and imported: never with a credential.
public struct ConnectionShell: Hashable, Sendable, Codable {
    /// The connection; another id where it is imported beside the one that it was exported from.
    public var connection: Identifier<Connection>
    /// The app.
    public var connector: Identifier<Connector>
    /// How the app is to authenticate.
    public var method: Connector.Method?
    /// What the host has noted beside it; nothing secret.
    public var metadata: [String: String]

    /// A connection without a credential.
    public init(
        connection: Identifier<Connection>, connector: Identifier<Connector>, method: Connector.Method? = nil,
        metadata: [String: String] = [:]
    ) {
        self.connection = connection
        self.connector = connector
        self.method = method
        self.metadata = metadata
    }
}
