// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage

/// A store that lets other tasks run before each call, so that tasks over a store in memory meet as over a real one.
public struct YieldingStore: Store {
    private let base: any Store

    /// A store over another one.
    public init(_ base: any Store) {
        self.base = base
    }

    /// The record of a key, after others had their turn.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        await Task.yield()
        return try await base.record(for: key)
    }

    /// Entries of a range, after others had their turn.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        await Task.yield()
        return try await base.records(in: range, limit: limit)
    }

    /// Commits, after others had their turn.
    public func commit(_ changes: Changes) async throws(StoreError) {
        await Task.yield()
        try await base.commit(changes)
    }
}
