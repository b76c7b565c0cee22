// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Synchronization

/// The default store: everything in this process's memory, gone when it ends.
///
/// Point reads are hash look-ups; ranges walk an ordered index. Complexity: a read O(1), a range O(log n + limit), a
/// commit O(changes · √n) at worst for new keys.
public final class MemoryStore: Store {
    private struct State {
        var slots: [Key: Slot] = [:]
        var index = OrderedSlots()
    }
    private let state = Mutex(State())

    /// An empty store.
    public init() {}

    /// The number of records.
    public var count: Int { state.withLock { $0.slots.count } }

    /// The record of a key.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        state.withLock { $0.slots[key]?.record }
    }

    /// At most `limit` entries of a range, in key order.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        state.withLock { $0.index.entries(from: range.lowerBound, to: range.upperBound, limit: limit) }
    }

    /// Applies all changes, or none.
    public func commit(_ changes: Changes) async throws(StoreError) {
        try changes.validate()
        try state.withLock { (state) throws(StoreError) in
            func check(_ slot: Slot?, _ expectation: Changes.Expectation?, _ key: Key) throws(StoreError) {
                let holds =
                    switch expectation {
                    case .revision(let revision): slot?.record.revision == revision
                    case .absent: slot == nil
                    case nil: true
                    }
                guard holds else { throw .conflict(key) }
            }
            // What is changed is looked up once among all the records.
            var slots: [Slot?] = []
            slots.reserveCapacity(changes.changes.count)
            for key in changes.changes.keys {
                let slot = state.slots[key]
                try check(slot, changes.expectations[key], key)
                slots.append(slot)
            }
            for (key, expectation) in changes.expectations where changes.changes[key] == nil {
                try check(state.slots[key], expectation, key)
            }
            for ((key, change), slot) in zip(changes.changes, slots) {
                switch change {
                case .write(let bytes):
                    let record = Record(bytes: bytes, revision: changes.revision)
                    if let slot {
                        slot.record = record
                    } else {
                        let slot = Slot(key, record)
                        state.slots[key] = slot
                        state.index.insert(slot)
                    }
                case .delete:
                    if slot != nil {
                        state.slots[key] = nil
                        state.index.remove(key)
                    }
                }
            }
        }
    }
}

/// A record and its key: in the table and in the index, so that neither looks for it in the other.
private final class Slot {
    let key: Key
    var record: Record

    init(_ key: Key, _ record: Record) {
        self.key = key
        self.record = record
    }
}

/// Records in the order of their keys, in leaves of bounded size.
private struct OrderedSlots {
    private var leaves: [[Slot]] = [[]]
    private static let leafSize = 512

    mutating func insert(_ slot: Slot) {
        let leaf = leafIndex(for: slot.key.bytes)
        let position = Self.position(of: slot.key.bytes, in: leaves[leaf])
        leaves[leaf].insert(slot, at: position)
        guard leaves[leaf].count > Self.leafSize else { return }
        let upper = Array(leaves[leaf].suffix(Self.leafSize / 2))
        leaves[leaf].removeLast(upper.count)
        leaves.insert(upper, at: leaf + 1)
    }

    mutating func remove(_ key: Key) {
        let leaf = leafIndex(for: key.bytes)
        let position = Self.position(of: key.bytes, in: leaves[leaf])
        guard position < leaves[leaf].count, leaves[leaf][position].key == key else { return }
        leaves[leaf].remove(at: position)
        if leaves[leaf].isEmpty, leaves.count > 1 { leaves.remove(at: leaf) }
    }

    func entries(from lower: [UInt8], to upper: [UInt8], limit: Int) -> [Entry] {
        var found: [Entry] = []
        var leaf = leafIndex(for: lower)
        var position = Self.position(of: lower, in: leaves[leaf])
        while found.count < limit, leaf < leaves.count {
            guard position < leaves[leaf].count else {
                leaf += 1
                position = 0
                continue
            }
            let slot = leaves[leaf][position]
            guard slot.key.bytes.precedes(upper) else { break }
            found.append(Entry(key: slot.key, record: slot.record))
            position += 1
        }
        return found
    }

    /// The last leaf whose first key is not after `bytes`.
    private func leafIndex(for bytes: [UInt8]) -> Int {
        var (low, high) = (0, leaves.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if let first = leaves[middle].first, !bytes.precedes(first.key.bytes) {
                low = middle
            } else {
                high = middle
            }
        }
        return low
    }

    /// The position of the first key of a leaf that is not before `bytes`.
    private static func position(of bytes: [UInt8], in leaf: [Slot]) -> Int {
        var (low, high) = (0, leaf.count)
        while low < high {
            let middle = (low + high) / 2
            if leaf[middle].key.bytes.precedes(bytes) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
