// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
public import ReeveModel

/// How another system has kept credentials: what ``Vault/importCredentials(_:from:dryRun:reason:_:)`` opens them with.
///
/// One key an import: what it does not open is reported, and nothing else is tried. Where a system has had several keys, import
/// with each in turn; what has been taken over is not touched again.
public struct ForeignSeal: Sendable {
    enum Kind: Sendable {
        case plain
        case fernet(Key)
        case aes256GCM(KeyHandle)
    }
    /// Key material of its own, so that the struct can be shared.
    final class Key: Sendable {
        let bytes: SecretBytes
        init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
    }
    let kind: Kind

    /// In clear.
    public static var plain: ForeignSeal { ForeignSeal(kind: .plain) }

    /// Fernet tokens, under a key of 44 characters of URL-safe Base64, as its libraries print it.
    ///
    /// Fernet has 128-bit keys: it is read to be taken over, and never written.
    public static func fernet(_ key: borrowing SecretBytes) throws(CryptoError) -> ForeignSeal {
        ForeignSeal(kind: .fernet(Key(try Base64Key.decode(key, urlSafe: true))))
    }

    /// AES-256-GCM without additional data, as three texts in Base64: see ``ForeignCredential/Value/triple(nonce:ciphertext:tag:)``.
    /// The key has exactly 32 bytes.
    public static func aes256GCM(_ key: consuming SecretBytes) throws(CryptoError) -> ForeignSeal {
        ForeignSeal(kind: .aes256GCM(try KeyHandle(key)))
    }

    /// Opens a value; throws when it is not of this kind, or does not open.
    func open(_ value: ForeignCredential.Value) throws(CryptoError) -> SecretBytes {
        switch (kind, value) {
        case (.plain, .bytes(let bytes)): return try SecretBytes(copying: bytes)
        case (.fernet(let key), .bytes(let bytes)): return try Fernet.open(bytes, with: key.bytes)
        case (.aes256GCM(let key), .triple(let nonce, let ciphertext, let tag)):
            guard let nonce = Base64.decode(nonce.utf8), let ciphertext = Base64.decode(ciphertext.utf8),
                let tag = Base64.decode(tag.utf8), nonce.count == 12, tag.count == 16
            else { throw CryptoError(.authenticationFailed) }
            return try key.open((nonce + ciphertext + tag)[...], authenticating: [])
        default: throw CryptoError(.authenticationFailed)
        }
    }
}

/// A credential as another system has kept it.
public struct ForeignCredential: Sendable {
    /// A field's value.
    public enum Value: Sendable {
        /// The bytes that were stored: in clear, or a token.
        case bytes([UInt8])
        /// Three texts in Base64: the nonce of 12 bytes, the ciphertext and the tag of 16.
        case triple(nonce: String, ciphertext: String, tag: String)
    }

    /// For which connection it is; its scope is the permit's.
    public var connection: Connection
    /// The app.
    public var connector: Connector
    /// How the app authenticates.
    public var method: Connector.Method
    /// The secret fields, in the order in which they are to be stored.
    public var fields: [(name: String, value: Value)]
    /// What can be read without opening.
    public var metadata: [String: String]

    /// A credential to be taken over.
    public init(
        _ connection: Connection, of connector: Connector, _ method: Connector.Method,
        fields: [(name: String, value: Value)], metadata: [String: String] = [:]
    ) {
        self.connection = connection
        self.connector = connector
        self.method = method
        self.fields = fields
        self.metadata = metadata
    }
}

extension ForeignCredential: CustomStringConvertible, CustomReflectable {
    /// The connection alone.
    public var description: String { "foreign credential of \(connection.id)" }
    /// Nothing: the fields may be in clear.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension ForeignCredential.Value: CustomStringConvertible, CustomReflectable {
    /// Nothing of the value.
    public var description: String { "foreign value" }
    /// Nothing: it may be in clear.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What an import came to. Delete an original only when its connection is in ``imported`` or ``alreadyThere``.
public struct ImportReport: Hashable, Sendable {
    /// Why one was not taken over.
    public enum Failure: Hashable, Sendable {
        /// The key does not open it, or it was altered, or it is of another form.
        case notOpened
        /// The connection has another credential already; it was left as it is.
        case differs
        /// Several originals are for this connection; none of them was taken over.
        case repeated
        /// The connection is of another scope than the permit.
        case wrongScope
        /// The vault did not take it.
        case notStored(VaultError.Code)
    }
    /// Stored, opened again, and found to be the same; in a dry run those that would be stored.
    public internal(set) var imported: [Identifier<Connection>] = []
    /// Were there already, and are the same: an import that is repeated goes on.
    public internal(set) var alreadyThere: [Identifier<Connection>] = []
    /// Not taken over, and why.
    public internal(set) var failures: [Identifier<Connection>: Failure] = [:]
}
