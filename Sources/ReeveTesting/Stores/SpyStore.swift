// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage
import Synchronization

/// A store that keeps what was committed, so that a test can look at it.
public final class SpyStore: Store {
    private let base: any Store
    private let committed = Mutex<[Changes]>([])

    /// A spy over a store.
    public init(_ base: any Store = MemoryStore()) {
        self.base = base
    }

    /// All commits that took effect, in order.
    public var commits: [Changes] { committed.withLock { $0 } }

    /// The audit entries in the commits since the `from`-th.
    public func auditEntries(from start: Int = 0) throws -> [AuditEntry] {
        let table = Table<AuditEntry>("audit.pending")
        return try commits.dropFirst(start).flatMap { changes in
            try changes.changes.compactMap { key, change in
                guard case .write(let bytes) = change, case .text("audit.pending")? = key.elements?.dropFirst().first
                else { return nil }
                return try table.value(of: bytes, at: key)
            }
        }
    }

    /// The record of a key.
    public func record(for key: Key) async throws(StoreError) -> Record? { try await base.record(for: key) }

    /// Entries of a range.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }

    /// Commits, and keeps what was committed.
    public func commit(_ changes: Changes) async throws(StoreError) {
        try await base.commit(changes)
        committed.withLock { $0.append(changes) }
    }
}
