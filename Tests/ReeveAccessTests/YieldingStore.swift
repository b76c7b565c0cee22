// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveStorage

/// A store that lets other tasks run before each call.
struct YieldingStore: Store {
    let base: any Store
    func record(for key: Key) async throws(StoreError) -> Record? {
        await Task.yield()
        return try await base.record(for: key)
    }
    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        await Task.yield()
        return try await base.records(in: range, limit: limit)
    }
    func commit(_ changes: Changes) async throws(StoreError) {
        await Task.yield()
        try await base.commit(changes)
    }
}
