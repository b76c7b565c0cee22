// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage

/// A sealed credential as it is stored.
struct CredentialRow: Hashable, Sendable, Codable, RecordCodable {
    /// The connection's scope: a permit of another scope does not open it.
    var scope: Scope
    var method: Connector.Method
    /// Counts what was stored for this connection; bound into the sealed value.
    var generation: Int64
    var stored: Timestamp
    /// The commitment of the connection key that sealed it.
    var key: Digest
    /// The envelope in base64url.
    var sealed: String

    static let table = Table<CredentialRow>("vault.credential")

    static func ids(_ environment: Environment, _ connection: Identifier<Connection>) -> [String] {
        [environment.rawValue, connection.description]
    }

    /// What the sealed value is bound to.
    static func additionalData(
        _ context: MainKeyContext, _ connection: Identifier<Connection>, _ method: Connector.Method,
        generation: Int64
    ) -> [UInt8] {
        var encoding = CanonicalBytes(label: "reeve/vault/credential/1")
        encoding.add(context.workspace)
        encoding.add(context.environment.rawValue)
        encoding.add(connection)
        encoding.add(method.rawValue)
        encoding.add("content")
        encoding.add(generation)
        return encoding.bytes
    }
}
