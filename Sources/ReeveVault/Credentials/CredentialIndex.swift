// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage

/// By what a credential can be found without opening any: a blind index, for exact matches only.
///
/// An index keeps a keyed digest (HMAC-SHA256) of the value, under a key of its own for each environment and index. Whoever
/// reads the store sees which credentials of an environment share a value, and nothing else; without the key no value can be
/// tried out (clause S3.3).
public enum CredentialIndex: Hashable, Sendable {
    /// The account at the app, `Connection.owner`: always kept, to notice a reconnection under another one.
    case account
    /// A secret field, by its name: 1 to 64 letters, digits, dots, hyphens and underscores of ASCII.
    case field(String)

    /// What names its key.
    var name: String {
        switch self {
        case .account: "account"
        case .field(let name): "field.\(name)"
        }
    }

    /// At most so many indexes has one credential: its account, and eight fields.
    static let maximum = 9

    /// Whether a name in a record is one of an index of credentials.
    static func isStored(_ name: String) -> Bool {
        name == account.name || name.hasPrefix("field.") && isName(String(name.dropFirst("field.".count)))
    }

    /// The name of an index over the host's own values.
    static func host(_ name: String) -> String { "host.\(name)" }

    /// Whether a name may be part of a key's.
    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }
}

/// What stands for a value of the host's own: equal for equal values under one name in one environment, and of no use without
/// the vault.
public struct BlindIndex: Hashable, Sendable, Codable {
    /// The bytes: the key's id (8), then the digest (32).
    public let bytes: [UInt8]

    init(_ entry: IndexEntry) { bytes = Array(entry.key) + entry.tag.bytes }
}

/// A value as an index keeps it.
struct IndexEntry: Hashable, Sendable, LosslessStringConvertible {
    /// The first 8 bytes of the commitment of the key that made it.
    let key: ArraySlice<UInt8>
    let tag: Digest

    /// What stands for a value under an index's key.
    init(of value: RawSpan, under key: OpenKey) throws(CryptoError) {
        guard let root = key.root else { throw CryptoError(.invalidLength) }
        self.key = key.commitment.bytes.prefix(8)
        tag = try HMACKey(root.derive(label: CanonicalBytes(label: "reeve/vault/index/1"))).authenticate(value)
    }

    init?(_ description: String) {
        guard let bytes = Base64URL.decode(description), bytes.count == 40, let tag = Digest(bytes: Array(bytes[8...]))
        else { return nil }
        key = bytes[..<8]
        self.tag = tag
    }

    var description: String { Base64URL.encode(Array(key) + tag.bytes) }
}

/// That a connection's credential has a value: a record by the value's entry, so that all who have it lie together.
struct IndexRecord: JSONRecord {
    private static let table = "vault.index"

    init() {}
    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (_) throws(JSONError) in IndexRecord() }
    }
    func write(to writer: inout JSONWriter, schema: Int) { writer.object { _ in } }

    static func key(
        _ context: MainKeyContext, _ index: String, _ entry: IndexEntry, _ connection: Identifier<Connection>
    )
        -> Key
    {
        Key(Partition(context.workspace), elements(context, index, entry) + [.text(connection.description)])
    }

    static func range(_ context: MainKeyContext, _ index: String, _ entry: IndexEntry) -> KeyRange {
        KeyRange(under: Key(Partition(context.workspace), elements(context, index, entry)))
    }

    private static func elements(_ context: MainKeyContext, _ index: String, _ entry: IndexEntry) -> [Key.Element] {
        [.text(table), .text(context.environment.rawValue), .text(index), .text(entry.description)]
    }

    /// The connection that a record names.
    static func connection(_ key: Key) -> Identifier<Connection>? {
        guard case .text(let id)? = key.elements?.last else { return nil }
        return Identifier(id)
    }
}
