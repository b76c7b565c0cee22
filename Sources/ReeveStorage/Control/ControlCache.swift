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
    fileprivate let place: ControlPlace
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

        var latest: Latest { Latest(epoch: epoch, reference: ControlReference(tag)) }
    }

    /// A state of a tree: two of one epoch, of which one was never committed, differ in the reference.
    fileprivate struct Latest: Equatable {
        let epoch: Int64
        let reference: ControlReference
    }

    private struct State {
        var snapshots: [ControlPlace: ControlSnapshot] = [:]
        var nodes: [ControlReference: Node] = [:]
        /// Records that were verified, as the store has them and without the line that vouches for them.
        var records: [ControlReference: (stored: [UInt8], bytes: [UInt8])] = [:]
        var serial: UInt64 = 0
        /// The head that this process sealed last of each partition, whether it was committed or not.
        var sealed: [ControlPlace: VerifiedHead] = [:]
        /// The latest state that was seen of each tree; kept when snapshots are let go.
        var latest: [ControlPlace: Latest] = [:]

        /// A snapshot of a head, which is not kept.
        mutating func snapshot(_ head: VerifiedHead, of place: ControlPlace) -> ControlSnapshot {
            serial += 1
            return ControlSnapshot(
                serial: serial, epoch: head.epoch, place: place, key: place.head, head: head.stored,
                tag: head.tag, root: head.root)
        }

        /// Keeps a head that is no earlier than the latest.
        mutating func take(_ head: VerifiedHead, of place: ControlPlace) -> ControlSnapshot {
            let snapshot = snapshot(head, of: place)
            latest[place] = head.latest
            if snapshots[place] == nil, snapshots.count >= ControlCache.maximumSnapshots { snapshots.removeAll() }
            snapshots[place] = snapshot
            if sealed[place]?.stored == head.stored { sealed[place] = nil }
            return snapshot
        }
    }
    private let state = Mutex(State())
    private let store: any Store
    private let keys: any ControlKeys
    /// About 10 kB each.
    private static let maximumNodes = 2048
    private static let maximumSnapshots = 10_000
    private static let (maximumRecords, maximumRecordBytes) = (1000, 8 << 10)

    /// A cache over a store's authenticated records.
    package init(store: any Store, keys: any ControlKeys) {
        self.store = store
        self.keys = keys
    }

    /// The state of a partition as the store has it now; `nil` when it has no head.
    package func snapshot(of partition: Partition) async throws(StoreError) -> ControlSnapshot? {
        try await snapshot(of: ControlPlace(partition))
    }

    /// The same, of a tree by its place.
    func snapshot(of place: ControlPlace) async throws(StoreError) -> ControlSnapshot? {
        let key = place.head
        let seen = seen(of: place)
        guard let stored = try await store.record(for: key)?.bytes else {
            guard seen.isEmpty else { throw .tampered(key) }
            return nil
        }
        if let snapshot = seen.snapshot, snapshot.head == stored { return snapshot }
        let head = try await verified(stored, at: key, of: place)
        return try note(head, of: place, since: seen)
    }

    /// What was seen of a tree until now: what the store says later is no earlier state.
    struct Seen {
        fileprivate let snapshot: ControlSnapshot?
        fileprivate let latest: Latest?
        var isEmpty: Bool { latest == nil }
    }

    /// To be asked before the store is: what others see meanwhile may be later.
    func seen(of place: ControlPlace) -> Seen {
        state.withLock { Seen(snapshot: $0.snapshots[place], latest: $0.latest[place]) }
    }

    private func verified(
        _ stored: [UInt8], at key: Key, of place: ControlPlace
    ) async throws(StoreError) -> VerifiedHead {
        if let sealed = state.withLock({ $0.sealed[place] }), sealed.stored == stored { return sealed }
        let authenticator = try await keys.controlKey(for: place.partition)
        let record = try SealedRecord(stored: stored, table: ControlNode.table, key: key, authenticator)
        return VerifiedHead(
            stored: stored, root: try decode(record.bytes, key), epoch: record.epoch, tag: record.tag)
    }

    /// Keeps a head that the store had; one that is earlier than what had been seen before is refused.
    @discardableResult
    private func note(
        _ head: VerifiedHead, of place: ControlPlace, since seen: Seen
    ) throws(StoreError) -> ControlSnapshot {
        let key = place.head
        if let latest = seen.latest, head.epoch <= latest.epoch, head.latest != latest { throw .tampered(key) }
        return try state.withLock { (state) throws(StoreError) in
            if let latest = state.latest[place], latest.epoch >= head.epoch {
                // Two states of one epoch: one of them was never committed.
                guard latest.epoch > head.epoch || latest == head.latest else { throw .tampered(key) }
                if let present = state.snapshots[place] { return present }
                // The store's answer was late: what it says was so, and is not the latest any more.
                guard latest == head.latest else { return state.snapshot(head, of: place) }
            }
            return state.take(head, of: place)
        }
    }

    /// Keeps the head of a commit that took effect.
    func committed(head: ControlNode, _ record: SealedRecord, _ stored: [UInt8], of place: ControlPlace) {
        let head = VerifiedHead(stored: stored, root: Node(head), epoch: record.epoch, tag: record.tag)
        state.withLock { state in
            guard head.epoch > state.latest[place]?.epoch ?? 0 else { return }
            _ = state.take(head, of: place)
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

    /// A record that was verified before, by what the node above says of it and its very bytes.
    func record(_ stored: [UInt8], _ reference: [UInt8]) -> [UInt8]? {
        let known = state.withLock { $0.records[ControlReference(reference)] }
        return known.flatMap { $0.stored == stored ? $0.bytes : nil }
    }

    /// Keeps a record that was verified and is what the node above says.
    func keep(_ record: SealedRecord, _ stored: [UInt8]) {
        guard stored.count <= Self.maximumRecordBytes else { return }
        state.withLock { state in
            if state.records.count >= Self.maximumRecords { state.records.removeAll() }
            state.records[ControlReference(record.reference)] = (stored, record.bytes)
        }
    }

    /// A node that was verified before, by what the node above says of it.
    func node(_ reference: [UInt8]) -> ControlNode? {
        let reference = ControlReference(reference)
        return state.withLock { $0.nodes[reference]?.value }
    }

    /// Keeps a node that was verified or has just been made.
    func keep(_ node: ControlNode, _ reference: [UInt8]) { keep(Node(node), ControlReference(reference)) }

    /// Keeps a head that was just sealed: should the store have it, it is not verified again.
    func keep(head: ControlNode, _ record: SealedRecord, _ stored: [UInt8], of place: ControlPlace) {
        let head = VerifiedHead(stored: stored, root: Node(head), epoch: record.epoch, tag: record.tag)
        state.withLock { state in
            if state.sealed.count >= Self.maximumSnapshots { state.sealed.removeAll() }
            state.sealed[place] = head
        }
    }

    private func keep(_ node: Node, _ reference: ControlReference) {
        state.withLock { state in
            if state.nodes.count >= Self.maximumNodes { state.nodes.removeAll() }
            state.nodes[reference] = node
        }
    }

    /// A head that a transaction has read, verified and compared with what had been seen before the store was asked.
    func head(
        _ stored: [UInt8], of place: ControlPlace, since seen: Seen?
    ) async throws(StoreError) -> (root: ControlNode, epoch: Int64, tag: [UInt8]) {
        // It is what was seen then, or what is the latest now.
        for known in [seen?.snapshot, state.withLock({ $0.snapshots[place] })] {
            guard let known, known.head == stored else { continue }
            return (known.root.value, known.epoch, known.tag)
        }
        let head = try await verified(stored, at: place.head, of: place)
        if let seen { try note(head, of: place, since: seen) }
        return (head.root.value, head.epoch, head.tag)
    }

    private func child(_ entry: ControlNode.Entry, _ snapshot: ControlSnapshot) async throws(StoreError) -> Node {
        let reference = ControlReference(entry.reference)
        if let known = state.withLock({ $0.nodes[reference] }) { return known }
        let key = snapshot.place.node(entry.child ?? 0)
        let node = try decode(try await open(key, of: ControlNode.table, reference, snapshot), key)
        keep(node, reference)
        return node
    }

    /// Reads a record and checks it against its own tag and what the snapshot says of it.
    private func open(
        _ key: Key, of table: String, _ reference: ControlReference, _ snapshot: ControlSnapshot
    ) async throws(StoreError) -> [UInt8] {
        let stored = try await store.record(for: key)?.bytes
        let authenticator = try await keys.controlKey(for: snapshot.place.partition)
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
