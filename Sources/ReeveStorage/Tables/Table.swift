// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Values of one type under ids, as readable JSON records.
///
/// A table is a name and a schema version; it holds nothing itself and works on the transaction it is given.
public struct Table<Value: RecordCodable>: Sendable {
    /// The table's name, the second element of its keys.
    public let name: String
    /// The version in which new records are written.
    public let schema: Int
    /// The newest version that is read; a record with a newer one is refused, never guessed at.
    public let readableSchema: Int

    /// A table by name, the schema version it writes and the newest one it reads.
    ///
    /// A release reads a new version before any release writes it, so that processes of two releases can work side by
    /// side: first `schema: 1, readable: 2`, in the next release `schema: 2`. A record that a transaction read in a
    /// newer version is written back in that one, so nothing of it is lost. Versions begin at 1; `readable` is at least
    /// `schema`.
    public init(_ name: String, schema: Int = 1, readable: Int? = nil) {
        self.name = name
        self.schema = max(1, schema)
        readableSchema = max(self.schema, readable ?? self.schema)
    }

    /// The key of a value. Ids are texts; a table with several ids a value passes each as an element.
    public func key(_ partition: Partition, _ ids: [String]) -> Key {
        Key(partition, table: name, ids)
    }

    /// Reads a value in a transaction.
    public func read<Failure>(
        _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Value? {
        try await read(key(partition, ids), in: &transaction)
    }

    func read<Failure>(_ key: Key, in transaction: inout Transaction<Failure>) async throws(Failure) -> Value? {
        guard let bytes = try await transaction.read(key) else { return nil }
        return try transaction.failing { () throws(StoreError) in try decode(bytes, key) }
    }

    /// Reads a value outside a transaction.
    public func read(_ partition: Partition, _ ids: [String], in store: any Store) async throws(StoreError) -> Value? {
        let key = key(partition, ids)
        guard let record = try await store.record(for: key) else { return nil }
        return try decode(record.bytes, key)
    }

    /// All values under a prefix of ids, in key order, read page by page.
    public func readAll(
        _ partition: Partition, _ prefix: [String] = [], in store: any Store
    ) async throws(StoreError) -> [Value] {
        try await values(under: key(partition, prefix), in: store)
    }

    package func values(under prefix: Key, in store: any Store) async throws(StoreError) -> [Value] {
        var values: [Value] = []
        var range = KeyRange(under: prefix)
        while true {
            let page = try await store.records(in: range, limit: 200)
            for entry in page { values.append(try decode(entry.record.bytes, entry.key)) }
            guard page.count == 200, let last = page.last else { return values }
            range = range.after(last.key)
        }
    }

    /// Writes a value when the transaction commits. Reads what is there first, unless this transaction has already.
    public func write<Failure>(
        _ value: Value, _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        try await write(value, key(partition, ids), in: &transaction)
    }

    func write<Failure>(_ value: Value, _ key: Key, in transaction: inout Transaction<Failure>) async throws(Failure) {
        // What is there decides the version that may be written.
        let known = try await transaction.read(key)
        let bytes = try transaction.failing { () throws(StoreError) in try encode(value, key, replacing: known) }
        transaction.write(key, bytes)
    }

    /// Writes a value that must not exist yet when the transaction commits.
    public func insert<Failure>(
        _ value: Value, _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) throws(Failure) {
        let key = key(partition, ids)
        let bytes = try transaction.failing { () throws(StoreError) in try encode(value, key) }
        transaction.insert(key, bytes)
    }

    /// Removes a value when the transaction commits.
    public func delete<Failure>(
        _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) {
        transaction.delete(key(partition, ids))
    }

    /// Reads a value from a record's bytes, as a view of the store for operators or a test does.
    public func value(of bytes: [UInt8], at key: Key) throws(StoreError) -> Value { try decode(bytes, key) }

    package func encode(
        _ value: Value, _ key: Key, replacing known: [UInt8]? = nil
    ) throws(StoreError) -> [UInt8] {
        var present = 1
        if let known {
            guard let written = RecordSchema.of(known) else { throw .malformed(key) }
            present = written
        }
        guard present <= readableSchema else { throw .newerSchema(key) }
        do {
            return try value.recordBytes(schema: max(schema, present))
        } catch {
            throw .malformed(key)
        }
    }

    package func decode(_ bytes: [UInt8], _ key: Key) throws(StoreError) -> Value {
        do {
            return try Value(recordBytes: bytes, schema: readableSchema)
        } catch is NewerSchema {
            throw .newerSchema(key)
        } catch {
            throw .malformed(key)
        }
    }
}
