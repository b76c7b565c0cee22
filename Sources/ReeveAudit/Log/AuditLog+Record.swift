// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage

extension AuditLog {
    /// Adds an act of the host's own to the log of its scope, as `host.` and its name: what happened outside of Reeve and belongs into the same trail. Returns the entry, as it commits to the
    /// personal values.
    ///
    /// Details are codes, counts and ids. What is personal goes into `personal`: the entry has a commitment to each, and value and salt can be erased without breaking any proof. Throws
    /// ``AuditError/Code/storeFailed`` when it is not recorded, also for an entry over `Trail.maximumEntryBytes`.
    @discardableResult
    public func record(
        _ act: String, on resource: Resource, details: [String: String] = [:], personal: [PersonalValue] = [],
        as context: ActContext
    ) async throws(AuditError) -> AuditEntry {
        let entry = authority.entry("host." + act, context, resource, nil, nil, nil, details)
        try await storing { () throws(StoreError) in
            try await store.record(entry, personal: personal, in: authority.trail)
        }
        return personal.isEmpty ? entry : entry.committing(to: personal)
    }
}
