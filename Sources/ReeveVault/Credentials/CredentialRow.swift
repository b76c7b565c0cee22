// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage

/// What is known of a credential without opening it: nothing secret.
struct CredentialFacts: Hashable, Sendable {
    let connector: Identifier<Connector>
    let method: Connector.Method
    let stored: Timestamp
    /// The connection's project: a permit of another scope does not open it.
    let project: Identifier<Project>?
    /// What the host has noted beside it.
    let metadata: [String: String]
    /// When the app stops to accept it, as far as is known.
    var expires: Timestamp?
    /// What stands for the values that it can be found by, by what was indexed.
    var index: [String: IndexEntry] = [:]
}

/// A sealed credential as it is stored.
struct CredentialRow: JSONRecord, Hashable {
    /// Bound into the sealed value.
    let facts: CredentialFacts
    /// Counts what was stored for this connection; bound into the sealed value.
    let generation: Int64
    /// The full commitment of the key that sealed it.
    var key: Digest
    var sealed: [UInt8]

    static let table = Table<CredentialRow>("vault.credential")

    /// Credentials that another one took the place of, by connection and generation.
    static let past = Table<CredentialRow>("vault.past")

    static func ids(_ environment: Environment, _ connection: Identifier<Connection>) -> [String] {
        [environment.rawValue, connection.description]
    }

    /// What the sealed value is bound to: where it belongs, and everything of the row that says what it is.
    func additionalData(_ context: MainKeyContext, _ connection: Identifier<Connection>) -> [UInt8] {
        var encoding = CanonicalBytes(label: "reeve/vault/credential/1")
        encoding.add(context.workspace)
        encoding.add(context.environment.rawValue)
        encoding.add(connection)
        encoding.add(facts.project?.description)
        encoding.add(facts.connector)
        encoding.add(facts.method.rawValue)
        encoding.add("content")
        encoding.add(1)
        encoding.add(generation)
        encoding.add(facts.stored.microseconds)
        encoding.add(facts.expires.map { String($0.microseconds) })
        encoding.addList(facts.metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            encoding, field in
            encoding.add(field.key)
            encoding.add(field.value)
        }
        encoding.addList(facts.index.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) { encoding, entry in
            encoding.add(entry.key)
            encoding.add(entry.value.description)
        }
        return encoding.bytes
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("connector", facts.connector)
            writer.field("expires", facts.expires)
            writer.field("generation", generation)
            if !facts.index.isEmpty { writer.field("index", facts.index.mapValues(\.description)) }
            writer.field("key", key)
            if !facts.metadata.isEmpty { writer.field("metadata", facts.metadata) }
            writer.field("method", facts.method.rawValue)
            writer.field("project", facts.project)
            writer.field("sealed", sealed)
            writer.field("stored", facts.stored)
        }
    }

    init(_ facts: CredentialFacts, generation: Int64, key: Digest, sealed: [UInt8] = []) {
        self.facts = facts
        self.generation = generation
        self.key = key
        self.sealed = sealed
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let connector = try reader.text("connector", as: Identifier<Connector>.self)
            let expires = reader.hasField("expires") ? try reader.text(as: Timestamp.self) : nil
            let generation = try reader.count("generation")
            let index =
                reader.hasField("index")
                ? try reader.dictionary { (reader) throws(JSONError) in try reader.text(as: IndexEntry.self) } : [:]
            guard index.count <= CredentialIndex.maximum, index.keys.allSatisfy(CredentialIndex.isStored) else {
                throw reader.unexpected()
            }
            let key = try reader.text("key", as: Digest.self)
            let metadata =
                reader.hasField("metadata")
                ? try reader.dictionary { (reader) throws(JSONError) in try reader.text() } : [:]
            let method = try reader.choice("method", as: Connector.Method.self)
            let project = try reader.optionalText("project", as: Identifier<Project>.self)
            let sealed = try reader.byteString("sealed")
            let facts = CredentialFacts(
                connector: connector, method: method, stored: try reader.text("stored", as: Timestamp.self),
                project: project,
                metadata: metadata, expires: expires, index: index)
            return CredentialRow(facts, generation: generation, key: key, sealed: sealed)
        }
    }
}
