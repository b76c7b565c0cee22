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
        let tree = try await table.tree(partition, ids, &transaction)
        guard let head = try await head(of: tree, records, &transaction) else {
            if try await transaction.peek(key) != nil { throw try await misplaced(key, in: tree, &transaction) }
            return nil
        }
        return try await tree.read(key, of: table.name, under: head, in: &transaction)
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
            let tree = try await table.tree(partition, prefix, &transaction)
            guard try await head(of: tree, records, &transaction) != nil else {
                let planted = try await transaction.peek(KeyRange(under: key(partition, prefix)))
                if let key = planted.keys.min() { throw try await misplaced(key, in: tree, &transaction) }
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
        let tree = try await table.tree(partition, ids, &transaction)
        if try await head(of: tree, records, &transaction) == nil {
            do throws(StoreError) {
                try await records.make(tree.place)
            } catch {
                throw Failure(error)
            }
            // This transaction has read that there is none: it is run again.
            _ = try await transaction.isStale(tree.place.head)
            throw Failure(.conflict(tree.place.head))
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

    /// Removes a value when the transaction commits; one that is not there is no error.
    package func delete<Failure>(
        _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        guard let (table, records) = authenticated else {
            return plain.delete(partition, ids, in: &transaction)
        }
        let tree = try await table.tree(partition, ids, &transaction)
        guard try await head(of: tree, records, &transaction) != nil else {
            let key = key(partition, ids)
            if try await transaction.peek(key) != nil { throw try await misplaced(key, in: tree, &transaction) }
            return
        }
        try await table.delete(partition, ids, in: &transaction)
    }

    /// The head that vouches for a value; `nil` when there is none and should be none.
    private func head<Failure>(
        of tree: ControlTree, _ records: ControlRecords, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> ControlTree.Head? {
        let head = try await tree.headIfThere(&transaction)
        var isMissing = false
        do {
            if head == nil {
                isMissing = try await records.isMissing(tree.place)
            } else {
                try await records.checkNamed(tree.place)
            }
        } catch {
            throw Failure(error)
        }
        guard isMissing else { return head }
        throw try await misplaced(tree.place.head, in: tree, &transaction)
    }

    /// A record that is where none may be, or is not where one should be: somebody may have begun the tree meanwhile.
    private func misplaced<Failure>(
        _ key: Key, in tree: ControlTree, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Failure {
        let head = tree.place.head
        return Failure(try await transaction.isStale(head) ? .conflict(head) : .tampered(key))
    }
}
