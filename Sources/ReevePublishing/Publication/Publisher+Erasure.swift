// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveAccess
import ReeveModel
import ReeveStorage

/// What a workspace published, as a place of personal data.
extension Publisher {
    /// The place that has all publications and approvals of a workspace as one record.
    package static let location = "publications"

    /// Removes all publications of a workspace with their bytes, and what was approved for them. What was public may remain elsewhere (clause P4.2).
    package func erase(_ erasure: borrowing Erasure) async throws(PublishingError) -> ErasureOutcome {
        guard authority.accepts(erasure, at: Self.location), let workspace = erasure.context.scope.workspace,
            erasure.context.scope == Scope(workspace), workspace.record(at: Self.location) == erasure.record
        else { throw PublishingError(AccessError(.wrongResource)) }
        let partition = Partition(workspace)
        do throws(StoreError) {
            // The bytes first: as long as they are there, something says where.
            let hadPublications = try await removeAll(under: Self.table.key(partition, [])) {
                (entry) async throws(StoreError) in
                try await Self.table.value(of: entry.record.bytes, at: entry.key).content.delete(
                    from: partition, of: store)
            }
            let hadApprovals = try await removeAll(under: Self.approvalTable.key(partition, [])) { _ in }
            return hadPublications || hadApprovals ? .erased : .nothingThere
        } catch {
            throw PublishingError(error)
        }
    }

    /// Removes the records under a key, in pages, each after what `before` does of it; whether there were any.
    private func removeAll(
        under prefix: Key, _ before: (Entry) async throws(StoreError) -> Void
    ) async throws(StoreError) -> Bool {
        var isThere = false
        while true {
            let page = try await store.records(in: KeyRange(under: prefix), limit: 50)
            guard !page.isEmpty else { return isThere }
            isThere = true
            var changes = Changes()
            for entry in page {
                try await before(entry)
                changes.delete(entry.key)
            }
            try await store.commit(changes)
        }
    }
}
