// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// The tree over a partition's authenticated records, as one transaction sees it.
///
/// Each node holds the tags of what is below it, up to the head record, so the head vouches for every record: for one
/// that is gone and for one that was put back as much as for one that was changed. A transaction expects the head alone
/// to stay as it is. What does not fit together is either a change that another transaction has just made, which the
/// head's revision tells, or tampering.
struct ControlTree {
    let place: ControlPlace
    let authenticator: any MessageAuthenticator
    /// Nodes that were verified before.
    var cache: ControlCache?

    fileprivate struct Node {
        let number: Int64
        var value: ControlNode
        let epoch: Int64
    }

    private var headKey: Key { place.head }

    /// A head that a transaction has looked at.
    struct Head {
        fileprivate let node: Node
        fileprivate let tag: [UInt8]
    }

    /// Makes the head of a partition that has none yet.
    func create<Failure>(in transaction: inout Transaction<Failure>) throws(Failure) {
        do {
            let head = try seal(ControlNode(next: 1), 0, epoch: 1)
            transaction.insert(headKey, head.stored)
        } catch {
            throw Failure(error)
        }
    }

    /// The head's epoch and tag.
    func position<Failure>(in transaction: inout Transaction<Failure>) async throws(Failure) -> ControlHead.Position {
        let head = try await head(&transaction)
        guard let digest = Digest(bytes: head.tag) else { throw Failure(.tampered(headKey)) }
        return ControlHead.Position(epoch: head.node.epoch, tag: digest)
    }

    /// A record's bytes; `nil` when the tree vouches that there is none.
    func read<Failure>(
        _ key: Key, of table: String, in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> [UInt8]? {
        try await read(key, of: table, under: try await head(&transaction), in: &transaction)
    }

    /// The same, under a head that this transaction has looked at.
    func read<Failure>(
        _ key: Key, of table: String, under head: Head, in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> [UInt8]? {
        var leaf = head.node
        while !leaf.value.isLeaf { leaf = try await child(leaf.value.entry(above: key.bytes), &transaction) }
        return try await read(key, of: table, leaf, &transaction)
    }

    /// The same, by the leaf in which the record is if there is one.
    private func read<Failure>(
        _ key: Key, of table: String, _ leaf: Node, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> [UInt8]? {
        let stored = try await transaction.peek(key)
        guard case (let position, true) = leaf.value.find(key.bytes) else {
            if stored != nil { throw try await mismatch(key, &transaction) }
            return nil
        }
        return try await open(stored, key, of: table, leaf.value.entries[position].reference, &transaction)
    }

    /// The keys and bytes of all records under a prefix, in key order.
    func read<Failure>(
        under prefix: Key, of table: String, in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> [(key: Key, bytes: [UInt8])] {
        let range = KeyRange(under: prefix)
        var listed: [ControlNode.Entry] = []
        var open = [try await head(&transaction).node]
        while let node = open.popLast() {
            let entries = node.value.entries
            guard !node.value.isLeaf else {
                listed += entries.filter { range.contains(Key(encoded: $0.key)) }
                continue
            }
            // Backwards, since the last one pushed is visited first.
            for entry in node.value.children(meeting: range).reversed() {
                open.append(try await child(entry, &transaction))
            }
        }
        var found = try await transaction.peek(range)
        // The nodes of this tree lie beside a table of their name.
        if table == ControlNode.table { found = found.filter { !isNode($0.key) } }
        var records: [(key: Key, bytes: [UInt8])] = []
        for entry in listed {
            let key = Key(encoded: entry.key)
            records.append((key, try await self.open(found[key], key, of: table, entry.reference, &transaction)))
        }
        guard found.count == listed.count else {
            let planted = Set(found.keys).subtracting(records.map(\.key)).min()
            throw try await mismatch(planted ?? prefix, &transaction)
        }
        return records
    }

    /// Writes the record that `next` makes of the present one, or removes it when there is none.
    func write<Failure>(
        _ key: Key, of table: String, in transaction: inout Transaction<Failure>,
        _ next: ([UInt8]?) throws(StoreError) -> [UInt8]?
    ) async throws(Failure) {
        var path = try await path(to: key, &transaction)
        let present = try await read(key, of: table, path[path.count - 1], &transaction)
        try write(
            key, of: table, try transaction.failing { () throws(StoreError) in try next(present) }, &path, &transaction)
    }

    private func write<Failure>(
        _ key: Key, of table: String, _ bytes: [UInt8]?, _ path: inout [Node],
        _ transaction: inout Transaction<Failure>
    ) throws(Failure) {
        let head = path[0]
        // One for each commit: of two that were tried in one state only one can be the next.
        let epoch = transaction.changes(headKey) ? head.epoch : head.epoch + 1
        var next = head.value.next ?? 1
        do throws(StoreError) {
            let last = path.count - 1
            let (position, isThere) = path[last].value.find(key.bytes)
            if let bytes {
                let record = try SealedRecord(bytes, table: table, key: key, epoch: epoch, authenticator)
                transaction.write(key, record.stored)
                let entry = ControlNode.Entry(key: key.bytes, reference: record.reference)
                path[last].value.entries.replaceSubrange(position..<position + (isThere ? 1 : 0), with: [entry])
            } else {
                guard isThere else { return }
                transaction.delete(key)
                path[last].value.entries.remove(at: position)
            }
            // From the leaf to the head: each node is written, split or removed, and its parent told.
            for level in stride(from: last, to: 0, by: -1) {
                let node = path[level]
                let index = path[level - 1].value.index(above: key.bytes)
                guard !node.value.entries.isEmpty else {
                    transaction.delete(place.node(node.number))
                    path[level - 1].value.entries.remove(at: index)
                    continue
                }
                let first = path[level - 1].value.entries[index].key
                let parts = try store(node.value, node.number, first, epoch, &next, &transaction)
                path[level - 1].value.entries.replaceSubrange(index...index, with: parts)
            }
            var root = path[0].value
            if root.isTooLarge {
                let number = next
                next += 1
                root = ControlNode(entries: try store(root, number, [], epoch, &next, &transaction))
            }
            root.next = next
            let sealed = try seal(root, 0, epoch: epoch)
            let stored = sealed.stored
            transaction.write(headKey, stored)
            if let cache {
                cache.keep(head: root, sealed, stored, of: place)
                let (place, root) = (place, root)
                transaction.whenCommitted(headKey) { cache.committed(head: root, sealed, stored, of: place) }
            } else {
                // What was to be noted before is not what is committed.
                transaction.whenCommitted(headKey) {}
            }
        } catch {
            throw Failure(error)
        }
    }

    /// Writes a node, in two halves when it is too large, and returns the entries for its parent.
    private func store<Failure>(
        _ node: ControlNode, _ number: Int64, _ first: [UInt8], _ epoch: Int64, _ next: inout Int64,
        _ transaction: inout Transaction<Failure>
    ) throws(StoreError) -> [ControlNode.Entry] {
        var (lower, upper) = (node, nil as ControlNode?)
        lower.next = nil
        if lower.isTooLarge { upper = lower.split() }
        var entries = [try store(lower, number, first, epoch, &transaction)]
        if let upper {
            entries.append(try store(upper, next, upper.entries[0].key, epoch, &transaction))
            next += 1
        }
        return entries
    }

    private func store<Failure>(
        _ node: ControlNode, _ number: Int64, _ first: [UInt8], _ epoch: Int64,
        _ transaction: inout Transaction<Failure>
    ) throws(StoreError) -> ControlNode.Entry {
        let record = try seal(node, number, epoch: epoch)
        cache?.keep(node, record.reference)
        transaction.write(place.node(number), record.stored)
        return ControlNode.Entry(key: first, reference: record.reference, child: number)
    }

    private func seal(_ node: ControlNode, _ number: Int64, epoch: Int64) throws(StoreError) -> SealedRecord {
        try SealedRecord(
            node.recordBytes(schema: 1), table: ControlNode.table, key: place.node(number),
            epoch: epoch,
            authenticator)
    }

    private func isNode(_ key: Key) -> Bool {
        guard let elements = key.elements, case .integer(let number)? = elements.last else {
            return false
        }
        return key == place.node(number)
    }

    // MARK: Reading

    private func head<Failure>(_ transaction: inout Transaction<Failure>) async throws(Failure) -> Head {
        guard let head = try await headIfThere(&transaction) else { throw Failure(.tampered(headKey)) }
        return head
    }

    /// The head; `nil` when there is none and this process has not seen one.
    func headIfThere<Failure>(_ transaction: inout Transaction<Failure>) async throws(Failure) -> Head? {
        // What was seen before the store is asked.
        var seen = cache.flatMap { transaction.hasCompared(headKey, with: $0) ? nil : $0.seen(of: place) }
        let wasRead = transaction.hasRead(headKey)
        if let known = seen, let cache, transaction.changes(headKey) {
            // What the transaction writes is no state of the store's; what it wrote on is one.
            try await compare(cache, known, &transaction)
            seen = nil
        }
        guard let stored = try await transaction.read(headKey) else {
            if let seen, !seen.isEmpty { throw try await mismatch(wasRead, &transaction) }
            if let cache { transaction.noteCompared(headKey, with: cache) }
            return nil
        }
        if let cache {
            do throws(StoreError) {
                let head = try await cache.head(stored, of: place, since: seen)
                transaction.noteCompared(headKey, with: cache)
                return Head(node: Node(number: 0, value: head.root, epoch: head.epoch), tag: head.tag)
            } catch {
                guard case .tampered = error else { throw Failure(error) }
                throw try await mismatch(wasRead, &transaction)
            }
        }
        do throws(StoreError) {
            let record = try SealedRecord(stored: stored, table: ControlNode.table, key: headKey, authenticator)
            let node = Node(number: 0, value: try decode(record, headKey), epoch: record.epoch)
            return Head(node: node, tag: record.tag)
        } catch {
            throw Failure(error)
        }
    }

    /// Compares a head that the transaction has read and then written for others with what a cache has seen of it.
    private func compare<Failure>(
        _ cache: ControlCache, _ seen: ControlCache.Seen, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) {
        if let stored = transaction.stored(headKey)??.bytes {
            do throws(StoreError) {
                _ = try await cache.head(stored, of: place, since: seen)
            } catch {
                guard case .tampered = error else { throw Failure(error) }
                throw try await mismatch(true, &transaction)
            }
        } else if !seen.isEmpty {
            throw try await mismatch(true, &transaction)
        }
        // A refusal is no comparison: it is asked again.
        transaction.noteCompared(headKey, with: cache)
    }

    /// The nodes from the head to the leaf of a key.
    private func path<Failure>(
        to key: Key, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> [Node] {
        var path = [try await head(&transaction).node]
        while let node = path.last, !node.value.isLeaf {
            path.append(try await child(node.value.entry(above: key.bytes), &transaction))
        }
        return path
    }

    private func child<Failure>(
        _ entry: ControlNode.Entry, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Node {
        let number = entry.child ?? 0
        if let known = cache?.node(entry.reference) { return Node(number: number, value: known, epoch: 0) }
        let key = place.node(number)
        let stored = try await transaction.peek(key)
        let bytes = try await open(stored, key, of: ControlNode.table, entry.reference, &transaction)
        do {
            let node = try ControlNode(recordBytes: bytes, schema: 1)
            cache?.keep(node, entry.reference)
            return Node(number: number, value: node, epoch: 0)
        } catch {
            throw Failure(.newerSchema(key))
        }
    }

    private func decode(_ record: SealedRecord, _ key: Key) throws(StoreError) -> ControlNode {
        do {
            return try ControlNode(recordBytes: record.bytes, schema: 1)
        } catch {
            throw .newerSchema(key)
        }
    }

    /// Checks a record against its own tag and the one that the node above holds.
    private func open<Failure>(
        _ stored: [UInt8]?, _ key: Key, of table: String, _ reference: [UInt8],
        _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> [UInt8] {
        if let stored, let bytes = cache?.record(stored, reference) { return bytes }
        guard let stored,
            let record = try? SealedRecord(stored: stored, table: table, key: key, authenticator),
            record.reference == reference
        else { throw try await mismatch(key, &transaction) }
        cache?.keep(record, stored)
        return record.bytes
    }

    /// A head that does not fit what was seen: where the transaction had read it before that was asked, it may have been right then.
    private func mismatch<Failure>(
        _ wasRead: Bool, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Failure {
        guard wasRead else { return Failure(.tampered(headKey)) }
        return try await mismatch(headKey, &transaction)
    }

    /// A change of another transaction's when the head is another one by now, tampering when it is not.
    private func mismatch<Failure>(
        _ key: Key, _ transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Failure {
        Failure(try await transaction.isStale(headKey) ? .conflict(headKey) : .tampered(key))
    }
}
