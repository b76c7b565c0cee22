// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage

/// A wrapped key as it is stored: its header in clear, and 64 wrapped bytes.
struct KeyRecord: Hashable, Sendable, Codable, RecordCodable {
    enum Level: String, Codable {
        case environment, connection
    }
    enum State: String, Codable {
        case active, destroyed
    }

    var level: Level
    var state: State
    /// The scope's workspace and environment, and the connection of a connection key.
    var workspace: Identifier<Workspace>
    var environment: Environment
    var connection: Identifier<Connection>?
    var generation: Int64
    var created: Timestamp
    /// The key's own commitment; its id is the first 8 bytes.
    var commitment: Digest
    /// The commitment of the key that wrapped it; `nil` under a main key.
    var parent: Digest?
    /// The wrapped bytes in base64url; empty once destroyed.
    var wrapped: String

    /// The first 8 bytes of the commitment in hexadecimal.
    var id: String { String(commitment.description.prefix(16)) }

    /// What the wrapped bytes are bound to: every field that says what the key is.
    var header: CanonicalBytes {
        var encoding = CanonicalBytes(label: "reeve/vault/key-header/1")
        encoding.add("AES-256-GCM")
        encoding.add(level.rawValue)
        encoding.add(workspace)
        encoding.add(environment.rawValue)
        encoding.add(connection?.description)
        encoding.add(generation)
        encoding.add(created.microseconds)
        encoding.add(commitment)
        encoding.add(parent?.description)
        return encoding
    }

    static let table = Table<KeyRecord>("vault.key")

    static func ids(_ environment: Environment, _ connection: Identifier<Connection>?) -> [String] {
        [environment.rawValue] + (connection.map { [$0.description] } ?? [])
    }
}

/// An unwrapped key, as three keys that are each used for one purpose.
struct OpenKey: Sendable {
    /// Names the key, and is compared with what a record says it was sealed under.
    let commitment: Digest
    /// Wraps the keys below it.
    let wrapping: KeyHandle
    /// Seals values.
    let sealing: KeyHandle

    /// Derives from 32 bytes of key material.
    init(
        _ material: borrowing SecretBytes, level: KeyRecord.Level, workspace: Identifier<Workspace>,
        environment: Environment, connection: Identifier<Connection>?
    ) throws(CryptoError) {
        let key = try HMACKey(material)
        var scope = CanonicalBytes(label: "reeve/vault/commitment/1")
        scope.add("AES-256-GCM")
        scope.add(level.rawValue)
        scope.add(workspace)
        scope.add(environment.rawValue)
        scope.add(connection?.description)
        commitment = try key.authenticate(scope)
        wrapping = try KeyHandle(key.derive(label: CanonicalBytes(label: "reeve/vault/wrap/1")))
        sealing = try KeyHandle(key.derive(label: CanonicalBytes(label: "reeve/vault/seal/1")))
    }
}
