// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveStorage

/// What both rooms of this library record.
extension AccessAuthority {
    /// Does an act; when it is refused, that is recorded by itself.
    func recordingRefusals<Result>(
        of action: String, _ context: ActContext, _ resource: Resource, _ details: [String: String],
        _ decision: Identifier<DecisionRecord>? = nil, _ policy: Digest? = nil,
        _ act: () async throws(PrivacyError) -> Result
    ) async throws(PrivacyError) -> Result {
        do throws(PrivacyError) {
            return try await act()
        } catch {
            // What may have been done is not called refused.
            if error.store == .outcomeUnknown { throw error }
            try await record(
                entry(
                    action, context, resource, decision, error.policy ?? policy, error.code.rawValue,
                    details.merging(error.details) { $1 }))
            throw error
        }
    }

    /// Records an entry by itself.
    func record(_ entry: AuditEntry) async throws(PrivacyError) {
        do throws(StoreError) {
            try await store.record(entry, in: trail)
        } catch {
            throw PrivacyError(error)
        }
    }
}
