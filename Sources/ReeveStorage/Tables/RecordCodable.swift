// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials

/// A value that writes itself as a record's bytes and reads itself back.
///
/// `Codable` values need nothing more: their record is `{"schema":1,"value":…}` with sorted keys.
public protocol RecordCodable: Sendable {
    /// The record's bytes: JSON that operators can read in the database.
    func recordBytes(schema: Int) throws -> [UInt8]
    /// Reads a record; throws ``NewerSchema`` when it was written under a newer version than `schema`.
    init(recordBytes: [UInt8], schema: Int) throws
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
        guard written <= schema else { throw NewerSchema() }
        guard written >= 1 else {
            throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "schema versions begin at 1"))
        }
        self = try decoder.decode(Envelope<Self>.self, from: data).value
    }
}
