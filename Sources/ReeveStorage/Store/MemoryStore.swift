// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Synchronization

/// The default store: everything in this process's memory, gone when it ends.
///
/// Point reads are hash look-ups; ranges walk an ordered index. Complexity: a read O(1), a range O(log n + limit), a
/// commit O(changes · √n) at worst for new keys.
public final class MemoryStore: Store {
    private struct State {
        var records: [Key: Record] = [:]
        var index = OrderedKeys()
    }
    private let state = Mutex(State())

    /// An empty store.
    public init() {}

    /// The number of records.
    public var count: Int { state.withLock { $0.records.count } }

    /// The record of a key.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        state.withLock { $0.records[key] }
    }

    /// At most `limit` entries of a range, in key order.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        state.withLock { state in
            state.index.keys(from: range.lowerBound, to: range.upperBound, limit: limit).compactMap { key in
                state.records[key].map { Entry(key: key, record: $0) }
            }
        }
    }

    /// Applies all changes, or none.
    public func commit(_ changes: Changes) async throws(StoreError) {
        try changes.validate()
        try state.withLock { (state) throws(StoreError) in
            for (key, expectation) in changes.expectations {
                let expected: Revision? = if case .revision(let revision) = expectation { revision } else { nil }
                guard state.records[key]?.revision == expected else { throw .conflict(key) }
            }
            for (key, change) in changes.changes {
                switch change {
                case .write(let bytes):
                    let record = Record(bytes: bytes, revision: changes.revision)
                    if state.records.updateValue(record, forKey: key) == nil { state.index.insert(key) }
                case .delete:
                    if state.records.removeValue(forKey: key) != nil { state.index.remove(key) }
                }
            }
        }
    }
}

/// Keys in order, in leaves of bounded size.
private struct OrderedKeys {
    private var leaves: [[Key]] = [[]]
    private static let leafSize = 512

    mutating func insert(_ key: Key) {
        let leaf = leafIndex(for: key.bytes)
        let position = Self.position(of: key.bytes, in: leaves[leaf])
        leaves[leaf].insert(key, at: position)
        guard leaves[leaf].count > Self.leafSize else { return }
        let upper = Array(leaves[leaf].suffix(Self.leafSize / 2))
        leaves[leaf].removeLast(upper.count)
        leaves.insert(upper, at: leaf + 1)
    }

    mutating func remove(_ key: Key) {
        let leaf = leafIndex(for: key.bytes)
        let position = Self.position(of: key.bytes, in: leaves[leaf])
        guard position < leaves[leaf].count, leaves[leaf][position] == key else { return }
        leaves[leaf].remove(at: position)
        if leaves[leaf].isEmpty, leaves.count > 1 { leaves.remove(at: leaf) }
    }

    func keys(from lower: [UInt8], to upper: [UInt8], limit: Int) -> [Key] {
        var found: [Key] = []
        var leaf = leafIndex(for: lower)
        var position = Self.position(of: lower, in: leaves[leaf])
        while found.count < limit, leaf < leaves.count {
            guard position < leaves[leaf].count else {
                leaf += 1
                position = 0
                continue
            }
            let key = leaves[leaf][position]
            guard key.bytes.precedes(upper) else { break }
            found.append(key)
            position += 1
        }
        return found
    }

    /// The last leaf whose first key is not after `bytes`.
    private func leafIndex(for bytes: [UInt8]) -> Int {
        var (low, high) = (0, leaves.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if let first = leaves[middle].first, !bytes.precedes(first.bytes) {
                low = middle
            } else {
                high = middle
            }
        }
        return low
    }

    /// The position of the first key of a leaf that is not before `bytes`.
    private static func position(of bytes: [UInt8], in leaf: [Key]) -> Int {
        var (low, high) = (0, leaf.count)
        while low < high {
            let middle = (low + high) / 2
            if leaf[middle].bytes.precedes(bytes) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
