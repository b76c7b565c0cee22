// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A workspace's connection to an app in one environment; its credential lies in the vault.
public struct Connection: Hashable, Sendable, Codable, Identifiable {
    /// Where a connection stands. An imported connection is a shell: an export never carries a credential.
    public enum State: Hashable, Sendable, Codable {
        /// Made or imported, without a credential.
        case shell
        /// A credential is stored and has worked.
        case connected
        /// The app no longer accepts the credential.
        case lost(reason: String, at: Timestamp)
        /// The credential was removed on purpose.
        case disconnected
    }

    /// The connection's id.
    public let id: Identifier<Connection>
    /// The app.
    public var connector: Identifier<Connector>
    /// The workspace and environment that it belongs to.
    public var scope: Scope
    /// Where it stands.
    public var state: State
    /// The account at the app, to notice a reconnection under another one.
    public var owner: String?

    /// A connection of a scope to an app.
    public init(
        id: Identifier<Connection>, connector: Identifier<Connector>, scope: Scope, state: State = .shell,
        owner: String? = nil
    ) {
        self.id = id
        self.connector = connector
        self.scope = scope
        self.state = state
        self.owner = owner
    }
}
