// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// An app that recipes can connect to, and the ways in which it lets a user sign in.
public struct Connector: Hashable, Sendable, Codable, Identifiable {
    /// How an app authenticates a connection.
    public enum Method: String, Hashable, Sendable, Codable, CaseIterable {
        /// OAuth 2.0 (RFC 6749): used whenever the app offers it (clause S3.1).
        case oauth2
        /// One key sent with each request.
        case apiKey
        /// A user name and a password.
        case basic
        /// A fixed bearer token.
        case bearer
        /// A TLS client certificate with its private key.
        case clientCertificate
        /// Fields of the connector's own.
        case custom
    }

    /// The connector's id.
    public let id: Identifier<Connector>
    /// The connector's technical name, for example `salesforce`.
    public var name: String
    /// The methods that the app offers, the app's preferred one first.
    public var methods: [Method]

    /// A connector with the methods that its app offers.
    public init(id: Identifier<Connector>, name: String, methods: [Method]) {
        self.id = id
        self.name = name
        self.methods = methods
    }

    /// The method to use unless there is a reason not to: OAuth 2.0 when it is offered, else the first one.
    public var defaultMethod: Method? { methods.contains(.oauth2) ? .oauth2 : methods.first }
}
