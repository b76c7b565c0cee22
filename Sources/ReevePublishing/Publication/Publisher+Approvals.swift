// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What persons decided about findings that no rule is sure of.
extension Publisher {
    /// How long an approval may count: a year.
    public static let longestApproval = Duration.seconds(366 * 86_400)

    /// Lets something that a scrubber was not sure of be published at a destination until an instant; leaves one audit entry.
    ///
    /// The permit must be for `.finding(fingerprint)`. An earlier approval of it for the destination is replaced. Throws
    /// ``PublishingError/Code/invalidExpiry`` when the instant is not within a year from now.
    @discardableResult
    public func approve(
        _ fingerprint: Fingerprint, for destination: Destination, until expires: Timestamp,
        _ permit: Permit<ApproveFinding>
    ) async throws(PublishingError) -> FindingApproval {
        let (now, partition) = (authority.time.now, Partition(permit.context.scope))
        return try await acting("publishing.approve", permit, on: .finding(fingerprint)) {
            () throws(PublishingError) in
            guard expires > now, expires <= now.advanced(by: Self.longestApproval) else {
                throw PublishingError(.invalidExpiry)
            }
            let approval = FindingApproval(
                fingerprint, for: destination, by: permit.context.actor, at: now, expires: expires)
            return try await store.transaction {
                (transaction: inout Transaction<PublishingError>) throws(PublishingError) in
                try await Self.approvalTable.write(approval, partition, Self.ids(of: approval), in: &transaction)
                let entry = authority.entry(
                    "publishing.approve", permit,
                    details: ["destination": destination.description, "expires": expires.description])
                try transaction.record(entry, in: authority.trail)
                return approval
            }
        }
    }

    /// Takes an approval back: what it let through is no longer published; what was published stays. Leaves one audit entry.
    ///
    /// The permit must be for `.finding(approval.fingerprint)`. Throws ``PublishingError/Code/notApproved`` when there is none.
    public func revoke(_ approval: FindingApproval, _ permit: Permit<ApproveFinding>) async throws(PublishingError) {
        let partition = Partition(permit.context.scope)
        try await acting("publishing.revoke", permit, on: .finding(approval.fingerprint)) {
            () throws(PublishingError) in
            try await store.transaction {
                (transaction: inout Transaction<PublishingError>) throws(PublishingError) in
                let ids = Self.ids(of: approval)
                guard try await Self.approvalTable.read(partition, ids, in: &transaction) != nil else {
                    throw PublishingError(.notApproved)
                }
                Self.approvalTable.delete(partition, ids, in: &transaction)
                let entry = authority.entry(
                    "publishing.revoke", permit, details: ["destination": approval.destination.description])
                try transaction.record(entry, in: authority.trail)
            }
        }
    }

    /// The approvals for a destination that count now. Complexity: O(approvals).
    public func approvals(
        for destination: Destination, in scope: Scope
    ) async throws(PublishingError) -> [FindingApproval] {
        let now = authority.time.now
        do throws(StoreError) {
            return try await Self.approvalTable.readAll(Partition(scope), [destination.description], in: store)
                .filter { $0.expires > now }
        } catch {
            throw PublishingError(error)
        }
    }

    private static func ids(of approval: FindingApproval) -> [String] {
        [approval.destination.description, approval.fingerprint.description]
    }
}
