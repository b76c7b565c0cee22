// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel
import Synchronization

/// One state of a partition's authenticated records, whose head was verified.
package struct ControlSnapshot: Sendable {
    /// Another one for each state that this cache has seen: what was looked up under a snapshot of the same serial is as it
    /// was.
    package let serial: UInt64
    /// The state's epoch.
    package let epoch: Int64
    fileprivate let partition: Partition
    fileprivate let key: Key
    fileprivate let head: [UInt8]
    /// The head's whole tag.
    fileprivate let tag: [UInt8]
    /// The same, as ``ControlHead/Position`` has it.
    package var position: Digest? { Digest(bytes: tag) }
    fileprivate let root: ControlCache.Node
}

/// What the head vouches for at one key: records with equal references are equal.
package struct ControlReference: Hashable, Sendable {
    fileprivate let high: UInt64
    fileprivate let low: UInt64

    fileprivate init(_ bytes: [UInt8]) {
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// Reads authenticated records for a room that looks at them at each call: what was verified once is not verified again.
///
/// A look costs one read of the store, the head's. While the head has the same bytes nothing else is read or computed;
/// after a change only the nodes and records that changed are. An earlier state than this cache has seen is
/// ``StoreError/tampered(_:)``. All calls may be made concurrently.
package final class ControlCache: Sendable {
    /// A node, shared by all who look at it.
    fileprivate final class Node: Sendable {
        let value: ControlNode
        init(_ value: ControlNode) { self.value = value }
    }

    /// A head's bytes, which are authentic, and what they say.
    fileprivate struct VerifiedHead: Sendable {
        let stored: [UInt8]
        let root: Node
        let epoch: Int64
        let tag: [UInt8]
    }

    private struct State {
        var snapshots: [Partition: ControlSnapshot] = [:]
        var nodes: [ControlReference: Node] = [:]
        var serial: UInt64 = 0
        /// The head that this process sealed last of each partition, whether it was committed or not.
        var sealed: [Partition: VerifiedHead] = [:]
        /// The latest epoch that was seen of each partition; kept when snapshots are let go.
        var epochs: [Partition: Int64] = [:]
    }
    private let state = Mutex(State())
    private let store: any Store
    private let keys: any ControlKeys
    /// About 10 kB each.
    private static let maximumNodes = 2048
    private static let maximumSnapshots = 10_000

    /// A cache over a store's authenticated records.
    package init(store: any Store, keys: any ControlKeys) {
        self.store = store
        self.keys = keys
    }

    /// The state of a partition as the store has it now; `nil` when it has no head.
    package func snapshot(of partition: Partition) async throws(StoreError) -> ControlSnapshot? {
        let key = ControlNode.key(partition, 0)
        // What was seen before this look: what others see meanwhile may be later.
        let (seen, epoch, sealed) = state.withLock {
            ($0.snapshots[partition], $0.epochs[partition], $0.sealed[partition])
        }
        guard let stored = try await store.record(for: key)?.bytes else {
            guard epoch == nil else { throw .tampered(key) }
            return nil
        }
        if let seen, seen.head == stored { return seen }
        let head: VerifiedHead
        if let sealed, sealed.stored == stored {
            head = sealed
        } else {
            let authenticator = try await keys.controlKey(for: partition)
            let record = try SealedRecord(stored: stored, table: ControlNode.table, key: key, authenticator)
            head = VerifiedHead(
                stored: stored, root: try decode(record.bytes, key), epoch: record.epoch, tag: record.tag)
        }
        if let epoch, head.epoch < epoch || seen != nil && head.epoch == epoch { throw .tampered(key) }
        return try state.withLock { (state) throws(StoreError) in
            if let present = state.snapshots[partition], present.epoch >= head.epoch {
                // Two states of one epoch: one of them was never committed.
                guard present.epoch > head.epoch || present.head == stored else { throw .tampered(key) }
                return present
            }
            state.epochs[partition] = max(state.epochs[partition] ?? 0, head.epoch)
            state.serial += 1
            let snapshot = ControlSnapshot(
                serial: state.serial, epoch: head.epoch, partition: partition, key: key, head: stored, tag: head.tag,
                root: head.root)
            if state.snapshots.count >= Self.maximumSnapshots { state.snapshots.removeAll() }
            state.snapshots[partition] = snapshot
            state.sealed[partition] = nil
            return snapshot
        }
    }

    /// Whether the store still has a snapshot's state.
    package func isCurrent(_ snapshot: ControlSnapshot) async throws(StoreError) -> Bool {
        try await store.record(for: snapshot.key)?.bytes == snapshot.head
    }

    /// What a snapshot vouches for at a key; `nil` when there is no record.
    ///
    /// ``StoreError/conflict(_:)`` when the state has moved on meanwhile: take a new snapshot then.
    package func reference(
        of key: Key, under snapshot: ControlSnapshot
    ) async throws(StoreError) -> ControlReference? {
        var node = snapshot.root
        while !node.value.isLeaf {
            let entry = node.value.entries[node.value.index(above: key.bytes)]
            node = try await child(entry, snapshot)
        }
        let (position, isThere) = node.value.find(key.bytes)
        return isThere ? ControlReference(node.value.entries[position].reference) : nil
    }

    /// All keys under a prefix that a snapshot vouches for, in order, those whose records are gone among them.
    ///
    /// Complexity: O(keys), in memory as well.
    package func keys(under prefix: Key, _ snapshot: ControlSnapshot) async throws(StoreError) -> [Key] {
        let range = KeyRange(under: prefix)
        var found: [Key] = []
        var open = [snapshot.root]
        while let node = open.popLast() {
            let entries = node.value.entries
            guard !node.value.isLeaf else {
                found += entries.lazy.map { Key(encoded: $0.key) }.filter(range.contains)
                continue
            }
            // Backwards, since the last one pushed is visited first.
            for entry in node.value.children(meeting: range).reversed() {
                open.append(try await child(entry, snapshot))
            }
        }
        return found
    }

    /// The value at a key of a table, as a snapshot vouches for it.
    package func value<Value>(
        of table: AuthenticatedTable<Value>, _ key: Key, _ reference: ControlReference, under snapshot: ControlSnapshot
    ) async throws(StoreError) -> Value {
        let bytes = try await open(key, of: table.name, reference, snapshot)
        return try table.decode(bytes, key)
    }

    /// A node that was verified before, by what the node above says of it.
    func node(_ reference: [UInt8]) -> ControlNode? {
        let reference = ControlReference(reference)
        return state.withLock { $0.nodes[reference]?.value }
    }

    /// Keeps a node that was verified or has just been made.
    func keep(_ node: ControlNode, _ reference: [UInt8]) { keep(Node(node), ControlReference(reference)) }

    /// Keeps a head that was just sealed: should the store have it, it is not verified again.
    func keep(head: ControlNode, _ record: SealedRecord, _ stored: [UInt8], of partition: Partition) {
        let head = VerifiedHead(stored: stored, root: Node(head), epoch: record.epoch, tag: record.tag)
        state.withLock { state in
            if state.sealed.count >= Self.maximumSnapshots { state.sealed.removeAll() }
            state.sealed[partition] = head
        }
    }

    private func keep(_ node: Node, _ reference: ControlReference) {
        state.withLock { state in
            if state.nodes.count >= Self.maximumNodes { state.nodes.removeAll() }
            state.nodes[reference] = node
        }
    }

    /// A head that was verified before, by its bytes.
    func head(_ stored: [UInt8], of partition: Partition) -> (root: ControlNode, epoch: Int64, tag: [UInt8])? {
        guard let known = state.withLock({ $0.snapshots[partition] }), known.head == stored else { return nil }
        return (known.root.value, known.epoch, known.tag)
    }

    private func child(_ entry: ControlNode.Entry, _ snapshot: ControlSnapshot) async throws(StoreError) -> Node {
        let reference = ControlReference(entry.reference)
        if let known = state.withLock({ $0.nodes[reference] }) { return known }
        let key = ControlNode.key(snapshot.partition, entry.child ?? 0)
        let node = try decode(try await open(key, of: ControlNode.table, reference, snapshot), key)
        keep(node, reference)
        return node
    }

    /// Reads a record and checks it against its own tag and what the snapshot says of it.
    private func open(
        _ key: Key, of table: String, _ reference: ControlReference, _ snapshot: ControlSnapshot
    ) async throws(StoreError) -> [UInt8] {
        let stored = try await store.record(for: key)?.bytes
        let authenticator = try await keys.controlKey(for: snapshot.partition)
        if let stored, let record = try? SealedRecord(stored: stored, table: table, key: key, authenticator),
            ControlReference(record.reference) == reference
        {
            return record.bytes
        }
        throw try await isCurrent(snapshot) ? .tampered(key) : .conflict(snapshot.key)
    }

    private func decode(_ bytes: [UInt8], _ key: Key) throws(StoreError) -> Node {
        do {
            return Node(try ControlNode(recordBytes: bytes, schema: 1))
        } catch {
            throw .newerSchema(key)
        }
    }
}
