// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// What became of all that is registered of a customer, since it left: place by place, and what is still there and why (clause P11.5).
public struct DepartureReport: Hashable, Sendable {
    /// A record that is still there.
    public struct Kept: Hashable, Sendable {
        /// The record.
        public let record: Identifier<DataRecord>
        /// What it is.
        public let category: DataCategory
        /// The places that still have it, in order.
        public let locations: [String]
        /// What must happen to it, and why.
        public let disposition: Disposition
    }

    /// A record that was erased everywhere.
    public struct Erased: Hashable, Sendable, Codable, RecordCodable {
        /// The record.
        public let record: Identifier<DataRecord>
        /// What it was.
        public let category: DataCategory
        /// What erasing came to at each place.
        public let outcomes: [String: ErasureOutcome]
        /// When the last place was done.
        public let at: Timestamp
    }

    /// The customer.
    public let customer: Identifier<Company>
    /// The day on which the subscription ended; `nil` for who has one.
    public let ended: CivilDay?
    /// What is still there, by record.
    public let kept: [Kept]
    /// What was erased, by record.
    public let erased: [Erased]

    /// Whether the customer left, and nothing that is registered is there any more.
    public var isComplete: Bool { ended != nil && kept.isEmpty }
}

/// What becomes of a customer's data.
extension Retention {
    /// What is registered of a customer, on its own account or of those whose data is held for it, and what was erased of it. Complexity: O(their records) reads.
    public func departure(of customer: Identifier<Company>) async throws(PrivacyError) -> DepartureReport {
        let rows = try await rows(under: Self.customers.key(.platform, [customer.description])) {
            $0.record.subscriber == customer
        }
        var kept: [DepartureReport.Kept] = []
        for row in rows {
            let answer = try await glance(at: row)
            kept.append(
                .init(
                    record: row.record.id, category: row.record.category, locations: row.open, disposition: answer)
            )
        }
        do throws(StoreError) {
            return DepartureReport(
                customer: customer,
                ended: try await Self.ended.read(.platform, [customer.description], in: authority.store)?.on,
                kept: kept,
                erased: try await Self.departed.readAll(.platform, [customer.description], in: authority.store))
        } catch {
            throw PrivacyError(error)
        }
    }

    /// Notes in the customer's report that a record is gone, with the commit by which it is.
    func noteGone(
        _ row: Row, at now: Timestamp, in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) {
        guard let customer = row.record.subscriber else { return }
        let ids = [customer.description, row.record.id.description]
        Self.customers.delete(.platform, ids, in: &transaction)
        let erased = DepartureReport.Erased(
            record: row.record.id, category: row.record.category, outcomes: row.done, at: now)
        try await Self.departed.write(erased, .platform, ids, in: &transaction)
    }
}
