// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage

/// A store that lets other tasks run before each call, so that tasks over a store in memory meet as over a real one; or before a reply
/// arrives, as over a network.
public struct YieldingStore: Store {
    private let base: any Store
    private let turns: Int
    private let after: Int

    /// A store over another one. Others have so many `turns` before each call, and none to so many, by chance, `after` each read.
    public init(_ base: any Store, turns: Int = 1, after: Int = 0) {
        self.base = base
        self.turns = max(0, turns)
        self.after = max(0, after)
    }

    private func yield(_ turns: Int) async { for _ in 0..<turns { await Task.yield() } }

    /// The record of a key, after others had their turn.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        await yield(turns)
        let record = try await base.record(for: key)
        await yield(Int.random(in: 0...after))
        return record
    }

    /// Entries of a range, after others had their turn.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        await yield(turns)
        let entries = try await base.records(in: range, limit: limit)
        await yield(Int.random(in: 0...after))
        return entries
    }

    /// Commits, after others had their turn.
    public func commit(_ changes: Changes) async throws(StoreError) {
        await yield(turns)
        try await base.commit(changes)
    }
}
