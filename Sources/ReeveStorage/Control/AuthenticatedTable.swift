// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Values that decide something, such as grants, key states and holds: a record that was changed, moved to another key,
/// table or workspace, removed, or replaced by an earlier version is ``StoreError/tampered(_:)``, never "absent".
///
/// The records stay readable JSON; a line behind it vouches for it. All tables of a partition hang under one head record,
/// so each change of one rewrites the head, and a transaction that read one is run again when any of them changed. What
/// puts back the head together with everything under it is seen only by who remembers ``ControlHead/position(of:keys:in:)``,
/// as the vault's ledger does.
///
/// Complexity: a read or write is O(log records) records of the store. A transaction has room for some 40 writes, since each
/// also changes nodes; a record has 61 bytes less room than ``Changes/maximumRecordBytes``.
public struct AuthenticatedTable<Value: RecordCodable>: Sendable {
    private let table: Table<Value>
    private let keys: any ControlKeys
    private let cache: ControlCache?
    private let trees: ControlPlace.Trees

    /// The table's name, the second element of its keys.
    public var name: String { table.name }

    /// A table by name and schema versions, as in ``Table``, and the keys to authenticate with.
    public init(_ name: String, schema: Int = 1, readable: Int? = nil, keys: any ControlKeys) {
        self.init(name, schema: schema, readable: readable, keys: keys, cache: nil)
    }

    /// A table whose nodes are looked up in a cache over the same store first, in the partition's tree or in trees of its own.
    package init(
        _ name: String, schema: Int = 1, readable: Int? = nil, keys: any ControlKeys, cache: ControlCache?,
        in trees: ControlPlace.Trees = .partition
    ) {
        table = Table(name, schema: schema, readable: readable)
        self.keys = keys
        self.cache = cache
        self.trees = trees
    }

    /// Where the head is that vouches for a value.
    func place(_ partition: Partition, _ ids: [String]) -> ControlPlace {
        switch trees {
        case .partition: ControlPlace(partition)
        case .named(let name): ControlPlace(partition, name)
        case .firstID: ControlPlace(partition, ids.first ?? "")
        case .spread(let name, let count): ControlPlace(partition, name, of: count, holding: ids.first ?? "")
        }
    }

    func tree<Failure>(
        _ partition: Partition, _ ids: [String], _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> ControlTree {
        try await transaction.tree(place(partition, ids), keys, cache)
    }

    /// The key of a value. Ids are texts.
    public func key(_ partition: Partition, _ ids: [String]) -> Key { table.key(partition, ids) }

    /// Reads a value in a transaction; `nil` when there is none, which the head vouches for.
    public func read<Failure>(
        _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Value? {
        guard let bytes = try await bytes(partition, ids, in: &transaction) else { return nil }
        let key = key(partition, ids)
        return try transaction.failing { () throws(StoreError) in try table.decode(bytes, key) }
    }

    /// A value's readable bytes, which were verified; `nil` when there is none.
    func bytes<Failure>(
        _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> [UInt8]? {
        try await tree(partition, ids, &transaction).read(key(partition, ids), of: name, in: &transaction)
    }

    /// Reads a value outside a transaction.
    public func read(_ partition: Partition, _ ids: [String], in store: any Store) async throws(StoreError) -> Value? {
        try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            try await read(partition, ids, in: &transaction)
        }
    }

    /// Reads a value from a record's bytes that were verified.
    func decode(_ bytes: [UInt8], _ key: Key) throws(StoreError) -> Value { try table.decode(bytes, key) }

    /// All values under a prefix of ids, in key order: none missing, none added.
    public func readAll<Failure>(
        _ partition: Partition, _ prefix: [String] = [], in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> [Value] {
        let records = try await tree(partition, prefix, &transaction).read(
            under: key(partition, prefix), of: name, in: &transaction)
        var values: [Value] = []
        for record in records {
            values.append(
                try transaction.failing { () throws(StoreError) in try table.decode(record.bytes, record.key) })
        }
        return values
    }

    /// All values under a prefix of ids, outside a transaction.
    public func readAll(
        _ partition: Partition, _ prefix: [String] = [], in store: any Store
    ) async throws(StoreError) -> [Value] {
        try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            try await readAll(partition, prefix, in: &transaction)
        }
    }

    /// Writes a value when the transaction commits.
    public func write<Failure>(
        _ value: Value, _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        let key = key(partition, ids)
        try await tree(partition, ids, &transaction).write(key, of: name, in: &transaction) {
            (present) throws(StoreError) in try table.encode(value, key, replacing: present)
        }
    }

    /// Writes a value that must not exist yet: ``StoreError/conflict(_:)`` when it does.
    public func insert<Failure>(
        _ value: Value, _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        guard try await read(partition, ids, in: &transaction) == nil else {
            throw Failure(.conflict(key(partition, ids)))
        }
        try await write(value, partition, ids, in: &transaction)
    }

    /// Removes a value when the transaction commits.
    public func delete<Failure>(
        _ partition: Partition, _ ids: [String], in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        let key = key(partition, ids)
        try await tree(partition, ids, &transaction).write(key, of: name, in: &transaction) { _ in nil }
    }
}

/// The record that vouches for all authenticated records of a partition.
public enum ControlHead: Sendable {
    /// Makes the head of a partition, once, before its first authenticated record; a conflict when there is one.
    ///
    /// A partition without a head is ``StoreError/tampered(_:)`` to every table, since nobody can tell whether it was
    /// removed.
    public static func create<Failure>(
        _ partition: Partition, keys: any ControlKeys, in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        try await transaction.tree(ControlPlace(partition), keys).create(in: &transaction)
    }

    /// Makes the head of a partition unless it has one. For the first start of a new store: a head that was removed is made
    /// anew by this, so who calls it later must remember ``position(of:keys:in:)`` elsewhere.
    public static func createIfAbsent<Failure>(
        _ partition: Partition, keys: any ControlKeys, in transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        let key = ControlNode.key(partition, 0)
        guard try await transaction.read(key) == nil else { return }
        // Where there are nodes there was a head.
        let nodes = KeyRange(under: Key(partition, [.text(ControlNode.table)]))
        guard try await transaction.peek(nodes).isEmpty else {
            throw Failure(try await transaction.isStale(key) ? .conflict(key) : .tampered(key))
        }
        try await create(partition, keys: keys, in: &transaction)
    }

    /// Which state of a partition's authenticated records a head vouches for.
    public struct Position: Hashable, Sendable {
        /// Rises with each commit that changes one, from 1 when the head was made.
        public let epoch: Int64
        /// The head's tag: two states of one epoch, of which the store took one and kept the other, differ in it.
        public let tag: Digest
    }

    /// The state that the head vouches for: one who remembers it elsewhere sees when all records of the partition were put
    /// back together. An equal epoch with another tag is as wrong as an earlier one.
    public static func position<Failure>(
        of partition: Partition, keys: any ControlKeys, in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Position {
        try await transaction.tree(ControlPlace(partition), keys).position(in: &transaction)
    }

    /// The same, by a cache over the same store.
    package static func position<Failure>(
        of partition: Partition, keys: any ControlKeys, _ cache: ControlCache,
        in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Position {
        try await transaction.tree(ControlPlace(partition), keys, cache).position(in: &transaction)
    }
}

extension Transaction {
    func tree(
        _ place: ControlPlace, _ keys: any ControlKeys, _ cache: ControlCache? = nil
    ) async throws(Failure) -> ControlTree {
        do {
            return ControlTree(
                place: place, authenticator: try await keys.controlKey(for: place.partition), cache: cache)
        } catch {
            throw Failure(error)
        }
    }
}
