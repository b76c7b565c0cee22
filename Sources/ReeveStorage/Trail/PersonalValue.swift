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
    /// Whom it is about; `nil` where nobody says. A request of theirs finds it where the entry is the platform's.
    public let subject: Identifier<DataSubject>?
    /// HMAC-SHA256 under the salt over label, name and value.
    public let commitment: Digest

    package init(
        name: String, value: String, salt: [UInt8], commitment: Digest, about subject: Identifier<DataSubject>? = nil
    ) {
        self.subject = subject
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
    /// Whom it is about, where that is known.
    package var subject: Identifier<DataSubject>?

    /// Where the values of a log's entries lie.
    package static func key(_ log: Partition, _ entry: Identifier<AuditRecord>, _ name: String) -> Key {
        values(of: log).appending([.text(entry.description), .text(name)])
    }
    package static func values(of log: Partition) -> Key { Key(log, [.text("audit.value")]) }
    package static let table = Table<StoredPersonalValue>("audit.value")

    package init(salt: [UInt8], value: String, subject: Identifier<DataSubject>? = nil) {
        self.salt = salt
        self.value = value
        self.subject = subject
    }

    package func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("salt", salt)
            if let subject { writer.field("subject", subject) }
            writer.field("value", value)
        }
    }

    package init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let salt = try reader.byteString("salt")
            let subject =
                reader.hasField("subject") ? try reader.text(as: Identifier<DataSubject>.self) : nil
            return StoredPersonalValue(salt: salt, value: try reader.text("value"), subject: subject)
        }
    }
}

/// Where a personal value of the platform's log lies, as it is found by whom it is about.
package struct PersonalValuePlace: Hashable {
    package let log: Partition
    package let entry: Identifier<AuditRecord>
    package let field: String

    package init(log: Partition, entry: Identifier<AuditRecord>, field: String) {
        self.log = log
        self.entry = entry
        self.field = field
    }

    /// Reads where the mark under a key points; `nil` for another key.
    package init?(markAt key: Key) {
        guard let elements = key.elements, elements.count == 5, elements[0] == .text(Partition.platform.name),
            elements[1] == .text(Self.table), case .text(let entry) = elements[3], case .text(let field) = elements[4],
            let id = Identifier<AuditRecord>(entry)
        else { return nil }
        self.init(log: .platform, entry: id, field: field)
    }

    /// Reads which value lies under a key; `nil` for another key.
    package init?(valueAt key: Key) {
        guard let elements = key.elements, elements.count == 4, case .text(let log) = elements[0],
            elements[1] == .text(StoredPersonalValue.table.name), case .text(let entry) = elements[2],
            case .text(let field) = elements[3], let partition = Partition(named: log),
            let id = Identifier<AuditRecord>(entry)
        else { return nil }
        self.init(log: partition, entry: id, field: field)
    }

    private static let table = "audit.subject"
    /// Under it are the marks of one subject.
    package static func marks(of subject: Identifier<DataSubject>) -> Key {
        Key(.platform, [.text(table), .text(subject.description)])
    }
    /// The mark of it.
    package func mark(of subject: Identifier<DataSubject>) -> Key {
        Self.marks(of: subject).appending([.text(entry.description), .text(field)])
    }
    /// The value.
    package var value: Key { StoredPersonalValue.key(log, entry, field) }
}
