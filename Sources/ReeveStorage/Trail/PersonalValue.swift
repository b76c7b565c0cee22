// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A personal value that an audit entry only commits to: the entry holds a salted digest, and value and salt lie beside the
/// log, where they can be erased without breaking any proof.
///
/// ReeveAccess makes them. The value is in no description, mirror or dump of this.
public struct PersonalValue: Sendable {
    /// The field's name: an entry has each once.
    public let name: String
    package let value: String
    package let salt: [UInt8]
    /// HMAC-SHA256 under the salt over label, name and value.
    public let commitment: Digest

    package init(name: String, value: String, salt: [UInt8], commitment: Digest) {
        self.name = name
        self.value = value
        self.salt = salt
        self.commitment = commitment
    }

    /// What the commitment is over.
    package static func message(name: String, value: String) -> CanonicalBytes {
        var message = CanonicalBytes(label: "reeve/audit/commitment/1")
        message.add(name)
        message.add(value)
        return message
    }
}

extension PersonalValue: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The name alone.
    public var description: String { "personal value `\(name)`" }
    /// The name alone.
    public var debugDescription: String { description }
    /// Nothing.
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The value and the salt of a commitment, as they lie beside the log.
package struct StoredPersonalValue: JSONRecord {
    package var salt: [UInt8]
    package var value: String

    /// Where the values of a log's entries lie.
    package static func key(_ log: Partition, _ entry: Identifier<AuditRecord>, _ name: String) -> Key {
        Key(log, [.text("audit.value"), .text(entry.description), .text(name)])
    }
    package static let table = Table<StoredPersonalValue>("audit.value")

    package init(salt: [UInt8], value: String) {
        self.salt = salt
        self.value = value
    }

    package func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("salt", salt)
            writer.field("value", value)
        }
    }

    package init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            StoredPersonalValue(salt: try reader.byteString("salt"), value: try reader.text("value"))
        }
    }
}
