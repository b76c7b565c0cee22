// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A store that serves one partition and refuses every key and range outside it. The exceptions are the marks that the
/// partition has events (``Outbox``) or a log (``Trail``), which may be written.
public struct ScopedStore: Store {
    /// The partition.
    public let partition: Partition
    private let base: any Store
    private let whole: KeyRange

    fileprivate init(_ base: any Store, _ partition: Partition) {
        self.base = base
        self.partition = partition
        whole = KeyRange(under: Key(partition))
    }

    /// The record of a key of the partition.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        try check(key)
        return try await base.record(for: key)
    }

    /// At most `limit` entries of a range that lies in the partition.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        guard !range.lowerBound.lexicographicallyPrecedes(whole.lowerBound),
            !whole.upperBound.lexicographicallyPrecedes(range.upperBound)
        else { throw .outsideScope(Key(encoded: range.lowerBound)) }
        return try await base.records(in: range, limit: limit)
    }

    /// Applies all changes, or none; refused whole when one key lies outside the partition.
    public func commit(_ changes: Changes) async throws(StoreError) {
        for key in changes.expectations.keys { try check(key) }
        let marks = [Outbox.directoryKey(partition), Trail.directoryKey(partition)]
        for key in changes.changes.keys where !marks.contains(key) { try check(key) }
        try await base.commit(changes)
    }

    private func check(_ key: Key) throws(StoreError) {
        guard whole.contains(key) else { throw .outsideScope(key) }
    }
}

extension Store {
    /// This store for one workspace alone: what a room is given that must not reach another tenant's records.
    public func scoped(to workspace: Identifier<Workspace>) -> ScopedStore { scoped(to: Partition(workspace)) }

    /// This store for one partition alone.
    public func scoped(to partition: Partition) -> ScopedStore { ScopedStore(self, partition) }
}
