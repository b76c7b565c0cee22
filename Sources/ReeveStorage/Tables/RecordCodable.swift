// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
public import ReeveModel

/// A value that writes itself as a record's bytes and reads itself back.
///
/// `Codable` values need nothing more: their record is `{"schema":1,"value":…}` with sorted keys. A ``JSONRecord`` does
/// the same by hand, ten times as fast.
public protocol RecordCodable: Sendable {
    /// The record's bytes in a version of the format: JSON that operators can read in the database.
    func recordBytes(schema: Int) throws -> [UInt8]
    /// Reads a record; throws ``NewerSchema`` when it was written under a newer version than `schema`.
    init(recordBytes: [UInt8], schema: Int) throws
}

/// A value whose record is written and read by hand, for records on a fast path.
public protocol JSONRecord: RecordCodable {
    /// Writes the value in a version of its format.
    func write(to writer: inout JSONWriter, schema: Int)
    /// Reads the value in the version that it was written in.
    init(from reader: inout JSONReader, schema: Int) throws(JSONError)
}

private struct SchemaOnly: Codable {
    let schema: Int
}

private struct Envelope<Value: Codable>: Codable {
    let schema: Int
    let value: Value
}

extension RecordCodable where Self: Codable {
    /// `{"schema":1,"value":…}` with sorted keys.
    public func recordBytes(schema: Int) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(Envelope(schema: schema, value: self)))
    }

    /// Reads what ``recordBytes(schema:)`` wrote.
    public init(recordBytes: [UInt8], schema: Int) throws {
        let decoder = JSONDecoder()
        let data = Data(recordBytes)
        let written = try decoder.decode(SchemaOnly.self, from: data).schema
        try RecordSchema.check(written, upTo: schema)
        self = try decoder.decode(Envelope<Self>.self, from: data).value
    }
}

extension JSONRecord {
    /// `{"schema":1,"value":…}` with sorted keys.
    public func recordBytes(schema: Int) -> [UInt8] { handwrittenBytes(schema) }

    /// Reads what ``recordBytes(schema:)`` wrote.
    public init(recordBytes: [UInt8], schema: Int) throws { try self.init(handwritten: recordBytes, schema) }

    fileprivate func handwrittenBytes(_ schema: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.field("schema", schema)
            writer.name("value")
            write(to: &writer, schema: schema)
        }
        return writer.bytes
    }

    fileprivate init(handwritten bytes: [UInt8], _ schema: Int) throws {
        var reader = JSONReader(bytes)
        let written = Int(clamping: try reader.object(openEnded: "schema"))
        try RecordSchema.check(written, upTo: schema)
        try reader.name("value")
        self = try Self(from: &reader, schema: written)
        try reader.endObject()
        try reader.finish()
    }
}

extension JSONRecord where Self: Codable {
    /// `{"schema":1,"value":…}` with sorted keys; the hand-written form, which is the one of `Codable`.
    public func recordBytes(schema: Int) -> [UInt8] { handwrittenBytes(schema) }

    /// Reads what ``recordBytes(schema:)`` wrote.
    public init(recordBytes: [UInt8], schema: Int) throws { try self.init(handwritten: recordBytes, schema) }
}

/// The version that a record was written in.
enum RecordSchema {
    static func check(_ written: Int, upTo known: Int) throws {
        guard written <= known else { throw NewerSchema() }
        guard written >= 1 else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "schema versions begin at 1"))
        }
    }

    /// The version of a record's bytes; `nil` when they do not begin like a record.
    static func of(_ bytes: [UInt8]) -> Int? {
        var reader = JSONReader(bytes)
        return (try? reader.object(openEnded: "schema")).map { Int(clamping: $0) }
    }
}

/// A record was written under a newer schema version than the reader knows.
public struct NewerSchema: Error, Hashable, Sendable {
    /// The error.
    public init() {}
}
