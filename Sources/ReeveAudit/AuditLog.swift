// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// Reads the audit entries that rooms committed together with their acts.
///
/// Entries are ordered by the wall clock of the process that wrote them; entries of one process and instant stay in the
/// order in which they were recorded.
/// All calls may be made concurrently.
public struct AuditLog: Sendable {
    private let store: any Store
    private let authority: AccessAuthority

    /// The logs of the authority's store, readable with its permits.
    public init(authority: AccessAuthority) {
        store = authority.store
        self.authority = authority
    }

    /// The newest entries of a scope's log, oldest first. That they were read is recorded before they are.
    ///
    /// The permit must be for `.log(of: scope)`. Complexity: O(entries in the log).
    public func entries(
        of scope: Scope, limit: Int = 1000, _ permit: Permit<ReadAudit>
    ) async throws(AccessError) -> [AuditEntry] {
        let action = "audit.read"
        try await authority.check(permit, for: action, on: .log(of: scope), in: scope)
        do throws(StoreError) {
            let prefix = Trail.pending(Partition(scope))
            let entry = authority.entry(action, permit)
            try await store.record(entry, in: authority.trail)
            let entries = try await Table<AuditEntry>("audit.pending").values(under: prefix, in: store)
            // They come by writer and number; at one instant that order stays.
            let merged = entries.enumerated().filter { $0.element.id != entry.id }
                .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            return merged.suffix(max(0, limit)).map(\.element)
        } catch {
            throw AccessError(error)
        }
    }
}
