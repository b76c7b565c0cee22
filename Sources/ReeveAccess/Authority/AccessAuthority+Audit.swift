// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel
package import ReeveStorage

/// How rooms write the audit entry of an act that a permit allowed.
extension AccessAuthority {
    /// The entry of an act under a permit: it names the permit's decision and policy.
    package func entry<Action>(
        _ action: String, _ permit: Permit<Action>, details: [String: String] = [:]
    ) -> AuditEntry {
        var details = details
        // What the host stated when the decision was made.
        if let facts = permit.facts { details["facts"] = facts }
        return entry(action, permit.context, permit.resource, permit.decision, permit.policy, nil, details)
    }

    /// Records that an act under a permit was refused or failed; the act changed nothing.
    package func recordRefusal<Action>(
        of action: String, _ permit: Permit<Action>, code: String
    ) async throws(StoreError) {
        try await store.record(
            entry(action, permit.context, permit.resource, permit.decision, permit.policy, code, [:]), in: trail)
    }

    /// The entry of an act that needed no permit.
    package func entry(
        _ action: String, _ context: ActContext, _ resource: Resource,
        _ decision: Identifier<DecisionRecord>? = nil, _ policy: Digest? = nil, _ refusal: String? = nil,
        _ details: [String: String] = [:]
    ) -> AuditEntry {
        AuditEntry(
            at: time.now, context: context, action: action, resource: resource.description,
            outcome: refusal == nil ? .success : .refused, refusal: refusal, decision: decision, policy: policy,
            details: details)
    }
}
