// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// The keys for a room's authenticated records in a store, and what was verified of them.
package struct ControlRecords: Sendable {
    let keys: any ControlKeys
    let cache: ControlCache
    private let store: any Store
    private let makesHeads: Bool

    /// For one store; whoever has these shares what was verified. Where nobody else makes a partition's head, they do.
    package init(store: any Store, keys: any ControlKeys, makesHeads: Bool) {
        self.keys = keys
        self.store = store
        self.makesHeads = makesHeads
        cache = ControlCache(store: store, keys: keys)
    }

    /// Looks at the head of a partition: an earlier one than was seen before is ``StoreError/tampered(_:)``. To be called before a
    /// transaction reads such records: it verifies only what has changed then.
    package func look(at partition: Partition) async throws(StoreError) {
        guard try await cache.snapshot(of: partition) == nil, makesHeads else { return }
        try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            try await ControlHead.createIfAbsent(partition, keys: keys, in: &transaction)
        }
    }
}

/// A table whose values decide something: authenticated for a host that has keys for it, and plain for one that has none and vouches for
/// its store itself.
package struct ControlTable<Value: RecordCodable>: Sendable {
    private let plain: Table<Value>
    private let authenticated: AuthenticatedTable<Value>?

    /// A table by name, in the first schema.
    package init(_ name: String, _ control: ControlRecords?) {
        plain = Table(name)
        authenticated = control.map { AuthenticatedTable(name, keys: $0.keys, cache: $0.cache) }
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
        guard let authenticated else { return try await transaction.read(key(partition, ids)) }
        return try await authenticated.bytes(partition, ids, in: &transaction)
    }

    /// Reads a value from such bytes.
    package func value(of bytes: [UInt8], at key: Key) throws(StoreError) -> Value { try plain.decode(bytes, key) }

    /// Reads a value in a transaction; `nil` when there is none.
    package func read<Failure>(
        _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Value? {
        guard let authenticated else { return try await plain.read(partition, ids, in: &transaction) }
        return try await authenticated.read(partition, ids, in: &transaction)
    }

    /// Reads a value outside a transaction.
    package func read(_ partition: Partition, _ ids: [String], in store: any Store) async throws(StoreError) -> Value? {
        guard let authenticated else { return try await plain.read(partition, ids, in: store) }
        return try await authenticated.read(partition, ids, in: store)
    }

    /// All values under a prefix of ids, outside a transaction, in key order.
    package func readAll(
        _ partition: Partition, _ prefix: [String] = [], in store: any Store
    ) async throws(StoreError) -> [Value] {
        guard let authenticated else { return try await plain.readAll(partition, prefix, in: store) }
        return try await authenticated.readAll(partition, prefix, in: store)
    }

    /// Writes a value when the transaction commits.
    package func write<Failure>(
        _ value: Value, _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        guard let authenticated else { return try await plain.write(value, partition, ids, in: &transaction) }
        try await authenticated.write(value, partition, ids, in: &transaction)
    }

    /// Writes a value that must not exist yet.
    package func insert<Failure>(
        _ value: Value, _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        guard let authenticated else { return try plain.insert(value, partition, ids, in: &transaction) }
        try await authenticated.insert(value, partition, ids, in: &transaction)
    }
}
