// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage

/// A sealed credential as it is stored.
struct CredentialRow: JSONRecord, Hashable {
    let method: Connector.Method
    /// Counts what was stored for this connection; bound into the sealed value.
    let generation: Int64
    let stored: Timestamp
    /// The connection's project: a permit of another scope does not open it.
    let project: Identifier<Project>?
    /// What may be read without opening: nothing secret. Bound into the sealed value.
    let metadata: [String: String]
    /// When the app stops to accept it, as far as is known.
    let expires: Timestamp?
    /// The full commitment of the key that sealed it.
    var key: Digest
    var sealed: [UInt8]

    static let table = Table<CredentialRow>("vault.credential")

    static func ids(_ environment: Environment, _ connection: Identifier<Connection>) -> [String] {
        [environment.rawValue, connection.description]
    }

    /// What the sealed value is bound to: where it belongs, and everything of the row that says what it is.
    func additionalData(_ context: MainKeyContext, _ connection: Identifier<Connection>) -> [UInt8] {
        var encoding = CanonicalBytes(label: "reeve/vault/credential/1")
        encoding.add(context.workspace)
        encoding.add(context.environment.rawValue)
        encoding.add(connection)
        encoding.add(project?.description)
        encoding.add(method.rawValue)
        encoding.add("content")
        encoding.add(1)
        encoding.add(generation)
        encoding.add(stored.microseconds)
        encoding.add(expires.map { String($0.microseconds) })
        encoding.addList(metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) { encoding, field in
            encoding.add(field.key)
            encoding.add(field.value)
        }
        return encoding.bytes
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("expires", expires)
            writer.field("generation", generation)
            writer.field("key", key)
            if !metadata.isEmpty { writer.field("metadata", metadata) }
            writer.field("method", method.rawValue)
            writer.field("project", project)
            writer.field("sealed", sealed)
            writer.field("stored", stored)
        }
    }

    init(
        method: Connector.Method, generation: Int64, stored: Timestamp, project: Identifier<Project>?,
        metadata: [String: String] = [:], expires: Timestamp? = nil, key: Digest, sealed: [UInt8] = []
    ) {
        self.method = method
        self.generation = generation
        self.stored = stored
        self.project = project
        self.metadata = metadata
        self.expires = expires
        self.key = key
        self.sealed = sealed
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let expires = reader.hasField("expires") ? try reader.text(as: Timestamp.self) : nil
            let generation = try reader.count("generation")
            let key = try reader.text("key", as: Digest.self)
            let metadata =
                reader.hasField("metadata")
                ? try reader.dictionary { (reader) throws(JSONError) in try reader.text() } : [:]
            let method = try reader.choice("method", as: Connector.Method.self)
            let project = try reader.optionalText("project", as: Identifier<Project>.self)
            let sealed = try reader.byteString("sealed")
            return CredentialRow(
                method: method, generation: generation, stored: try reader.text("stored", as: Timestamp.self),
                project: project, metadata: metadata, expires: expires, key: key, sealed: sealed)
        }
    }
}
