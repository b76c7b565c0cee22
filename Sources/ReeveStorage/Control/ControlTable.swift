// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A table whose values decide something: authenticated for a host that has keys for it, and plain for one that has none and vouches for
/// its store itself.
package struct ControlTable<Value: RecordCodable>: Sendable {
    private let plain: Table<Value>
    private let authenticated: (table: AuthenticatedTable<Value>, records: ControlRecords)?

    /// A table by name, in the first schema, whose records lie in some trees.
    package init(_ name: String, in trees: ControlPlace.Trees, _ control: ControlRecords?) {
        plain = Table(name)
        authenticated = control.map {
            (AuthenticatedTable(name, keys: $0.keys, cache: $0.cache, in: trees), $0)
        }
    }

    /// A plain table.
    package init(_ table: Table<Value>) {
        plain = table
        authenticated = nil
    }

    /// The key of a value.
    package func key(_ partition: Partition, _ ids: [String]) -> Key { plain.key(partition, ids) }

    /// A value's readable bytes, verified where they are to be; `nil` when there is none.
    package func bytes<Failure>(
        _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> [UInt8]? {
        let key = key(partition, ids)
        guard let (table, records) = authenticated else { return try await transaction.read(key) }
        guard try await isThere(table.place(partition, ids), records, &transaction) else {
            if try await transaction.peek(key) != nil {
                throw try await planted(key, at: table.place(partition, ids), &transaction)
            }
            return nil
        }
        return try await table.bytes(partition, ids, in: &transaction)
    }

    /// Reads a value from such bytes.
    package func value(of bytes: [UInt8], at key: Key) throws(StoreError) -> Value { try plain.decode(bytes, key) }

    /// Reads a value in a transaction; `nil` when there is none.
    package func read<Failure>(
        _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Value? {
        guard let bytes = try await bytes(partition, ids, in: &transaction) else { return nil }
        let key = key(partition, ids)
        return try transaction.failing { () throws(StoreError) in try plain.decode(bytes, key) }
    }

    /// Reads a value outside a transaction.
    package func read(_ partition: Partition, _ ids: [String], in store: any Store) async throws(StoreError) -> Value? {
        try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            try await read(partition, ids, in: &transaction)
        }
    }

    /// All values under a prefix of ids, outside a transaction, in key order.
    package func readAll(
        _ partition: Partition, _ prefix: [String] = [], in store: any Store
    ) async throws(StoreError) -> [Value] {
        guard let (table, records) = authenticated else { return try await plain.readAll(partition, prefix, in: store) }
        return try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            guard try await isThere(table.place(partition, prefix), records, &transaction) else {
                let planted = try await transaction.peek(KeyRange(under: key(partition, prefix)))
                if let key = planted.keys.min() {
                    throw try await self.planted(key, at: table.place(partition, prefix), &transaction)
                }
                return []
            }
            return try await table.readAll(partition, prefix, in: &transaction)
        }
    }

    /// Writes a value when the transaction commits.
    package func write<Failure>(
        _ value: Value, _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        guard let (table, records) = authenticated else {
            return try await plain.write(value, partition, ids, in: &transaction)
        }
        let place = table.place(partition, ids)
        if try await !isThere(place, records, &transaction) {
            do throws(StoreError) {
                try await records.make(place)
            } catch {
                throw Failure(error)
            }
            // This transaction has read that there is none: it is run again.
            let key = ControlNode.key(place, 0)
            _ = try await transaction.isStale(key)
            throw Failure(.conflict(key))
        }
        try await table.write(value, partition, ids, in: &transaction)
    }

    /// Writes a value that must not exist yet.
    package func insert<Failure>(
        _ value: Value, _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        guard try await bytes(partition, ids, in: &transaction) == nil else {
            throw Failure(.conflict(key(partition, ids)))
        }
        try await write(value, partition, ids, in: &transaction)
    }

    private func isThere<Failure>(
        _ place: ControlPlace, _ records: ControlRecords, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Bool {
        let isThere = try await transaction.tree(place, records.keys, records.cache).isThere(&transaction)
        var isMissing = false
        do {
            if isThere { try await records.checkNamed(place) } else { isMissing = try await records.isMissing(place) }
        } catch {
            throw Failure(error)
        }
        guard isMissing else { return isThere }
        throw try await planted(ControlNode.key(place, 0), at: place, &transaction)
    }

    /// A record where none may be, or one that should be there: somebody may have begun the tree meanwhile.
    private func planted<Failure>(
        _ key: Key, at place: ControlPlace, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Failure {
        let head = ControlNode.key(place, 0)
        return Failure(try await transaction.isStale(head) ? .conflict(head) : .tampered(key))
    }
}
