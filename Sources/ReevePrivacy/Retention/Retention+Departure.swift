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
        /// Whether a place has begun to remove it, and may have: it goes then, whatever else is said of it.
        public let isBeingErased: Bool
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

    /// Whether the customer left, and nothing that is registered is there any more. What was never registered is none of this: see ``touchedNothing``.
    public var isComplete: Bool { ended != nil && kept.isEmpty }

    /// Whether nothing was erased anywhere: of whom nothing was there, there is nothing to tell.
    public var touchedNothing: Bool { erased.allSatisfy { $0.outcomes.values.allSatisfy { $0 == .nothingThere } } }
}

/// What becomes of a customer's data.
extension Retention {
    /// Notes that a customer ended the subscription, on a day: from then on rules count days from ``RetentionAnchor/terminated`` (clause P11.5). The permit is for the
    /// customer's plan, in the scope `.platform`.
    ///
    /// `sequence` orders what is said of a customer: what is not later than the last is a replay, and changes nothing. Returns whether it was new. With a ledger it is kept there as well, and
    /// comes back with ``replayErasures(as:)``.
    @discardableResult
    public func noteEnd(
        of customer: Identifier<Company>, on day: CivilDay, sequence: Int64, _ permit: Permit<ChangePlan>
    ) async throws(PrivacyError) -> Bool {
        try await note(day, sequence, of: customer, "privacy.noteEnd", permit)
    }

    /// Writes into the ledger that a customer leaves with everything that the rooms have of it and of these workspaces, so that a store that forgot can be told again.
    package func anchorLeaving(
        of customer: Identifier<Company>, with workspaces: [Identifier<Workspace>], sequence: Int64
    ) async throws(PrivacyError) {
        try await append(
            [Self.leftKind] + workspaces.map { Self.leftKind + "." + $0.description }, of: customer, sequence)
    }

    /// Notes that a customer is back: the end of the subscription counts no more. What was erased by then stays erased, and so does what a place has begun to erase: a record that is gone from
    /// one place goes from all. As ``noteEnd(of:on:sequence:_:)``.
    @discardableResult
    public func noteReturn(
        of customer: Identifier<Company>, sequence: Int64, _ permit: Permit<ChangePlan>
    ) async throws(PrivacyError) -> Bool {
        let isNew = try await note(nil, sequence, of: customer, "privacy.noteReturn", permit)
        try await stopErasing(of: customer)
        return isNew
    }

    /// What was to go with the end, and is as it was, is kept as before.
    private func stopErasing(of customer: Identifier<Company>) async throws(PrivacyError) {
        func stops(_ row: Row) -> Bool { row.isBeingErased && row.isUntouched }
        for row in try await rows(tables.customers, of: customer.description, { stops($0) }) {
            let ids = [row.record.id.description]
            try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                guard let end = try await tables.ended.read(.platform, [customer.description], in: &transaction),
                    end.on == nil, var row = try await tables.records.read(.platform, ids, in: &transaction), stops(row)
                else { return }
                row.isBeingErased = false
                // Permits of before erase nothing.
                row.holdEpoch += 1
                try await tables.records.write(row, .platform, ids, in: &transaction)
            }
        }
    }

    private func note(
        _ day: CivilDay?, _ sequence: Int64, of customer: Identifier<Company>, _ action: String,
        _ permit: Permit<ChangePlan>
    ) async throws(PrivacyError) -> Bool {
        try await check(permit, action, .plan(of: customer), in: .platform)
        // The ledger first: what the store has, a replay has as well. A line too many says the same again.
        if try await !hasWord(sequence, about: customer) { try await anchor(day, sequence, of: customer) }
        var details = ["sequence": String(sequence)]
        details["day"] = day?.description
        var isNew = false
        try await act(action, permit.context, Resource(customer), (permit.decision, permit.policy), details) {
            transaction throws(PrivacyError) in
            isNew = try await write(day, sequence, of: customer, in: &transaction)
        }
        return isNew
    }

    /// Whether what the host said of a customer by a sequence is known, or something later.
    package func hasWord(_ sequence: Int64, about customer: Identifier<Company>) async throws(PrivacyError) -> Bool {
        do throws(StoreError) {
            let known = try await tables.ended.read(.platform, [customer.description], in: authority.store)
            return known.map { $0.sequence >= sequence } ?? false
        } catch {
            throw PrivacyError(error)
        }
    }

    private func write(
        _ day: CivilDay?, _ sequence: Int64, of customer: Identifier<Company>,
        in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) -> Bool {
        let ids = [customer.description]
        let known = try await tables.ended.read(.platform, ids, in: &transaction)
        guard known.map({ $0.sequence < sequence }) ?? true else { return false }
        try await tables.ended.write(Ended(on: day, sequence: sequence), .platform, ids, in: &transaction)
        return true
    }

    // MARK: In the ledger

    private static let endedKind = "privacy.ended."
    private static let returnedKind = "privacy.returned"
    private static let leftKind = "privacy.left"

    private func anchor(
        _ day: CivilDay?, _ sequence: Int64, of customer: Identifier<Company>
    ) async throws(PrivacyError) {
        try await append([day.map { Self.endedKind + $0.description } ?? Self.returnedKind], of: customer, sequence)
    }

    private func append(
        _ kinds: [String], of customer: Identifier<Company>, _ sequence: Int64
    ) async throws(PrivacyError) {
        guard let ledger else { return }
        do throws(LedgerError) {
            for kind in kinds {
                try await ledger.append(LedgerEvent(kind: kind, subject: customer.description, number: sequence))
            }
        } catch {
            throw PrivacyError(.ledgerFailed)
        }
    }

    /// What a line of the ledger says of a customer.
    static func end(
        of event: LedgerEvent
    ) -> (customer: Identifier<Company>, end: (on: CivilDay?, sequence: Int64))? {
        guard let customer = Identifier<Company>(event.subject), let sequence = event.number else { return nil }
        if event.kind == returnedKind { return (customer, (nil, sequence)) }
        guard event.kind.hasPrefix(endedKind), let day = CivilDay(String(event.kind.dropFirst(endedKind.count)))
        else { return nil }
        return (customer, (day, sequence))
    }

    /// That a customer left by a sequence, and one of its workspaces where the line names one; `nil` for another line.
    static func left(
        of event: LedgerEvent
    ) -> (customer: Identifier<Company>, left: (workspace: Identifier<Workspace>?, sequence: Int64))? {
        guard event.kind == leftKind || event.kind.hasPrefix(leftKind + "."),
            let customer = Identifier<Company>(event.subject), let sequence = event.number
        else { return nil }
        guard event.kind != leftKind else { return (customer, (nil, sequence)) }
        guard let workspace = Identifier<Workspace>(String(event.kind.dropFirst(leftKind.count + 1))) else {
            return nil
        }
        return (customer, (workspace, sequence))
    }

    /// Notes again what the store has forgotten of a customer; whether it had.
    func restore(
        _ day: CivilDay?, _ sequence: Int64, of customer: Identifier<Company>, as context: ActContext
    ) async throws(PrivacyError) -> Bool {
        var details = ["sequence": String(sequence), "replayed": "true"]
        details["day"] = day?.description
        let entry = authority.entry(
            day == nil ? "privacy.noteReturn" : "privacy.noteEnd", context, Resource(customer), nil, nil, nil, details)
        return try await authority.store.transaction {
            (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
            guard try await write(day, sequence, of: customer, in: &transaction) else { return false }
            try transaction.record(entry, in: authority.trail)
            return true
        }
    }

    // MARK: What is left

    /// What is known of a record that the rooms may have of a customer.
    package enum Standing: Equatable {
        /// It is not registered.
        case unknown
        /// It is registered of the customer, at this place alone.
        case registered
        /// It was, and was erased.
        case erased
        /// Somebody else's is under its name, or it is somewhere else.
        case others
    }

    /// How a record at a room's place stands, of a customer.
    package func standing(
        of id: Identifier<DataRecord>, at place: String, as customer: Identifier<Company>
    ) async throws(PrivacyError) -> Standing {
        if let row = try await rowIfThere(id) {
            return row.record.subscriber == customer && row.record.locations == [place] ? .registered : .others
        }
        do throws(StoreError) {
            let ids = [customer.description, id.description]
            return try await tables.departed.read(.platform, ids, in: authority.store) == nil ? .unknown : .erased
        } catch {
            throw PrivacyError(error)
        }
    }

    /// What is registered of a customer, on its own account or of those whose data is held for it, and what was erased of it. Complexity: O(their records) reads.
    public func departure(of customer: Identifier<Company>) async throws(PrivacyError) -> DepartureReport {
        let rows = try await rows(tables.customers, of: customer.description) { $0.record.subscriber == customer }
        var kept: [DepartureReport.Kept] = []
        for row in rows {
            let answer = try await glance(at: row)
            kept.append(
                .init(
                    record: row.record.id, category: row.record.category, locations: row.open, disposition: answer,
                    isBeingErased: row.isBeingErased && !row.isUntouched)
            )
        }
        do throws(StoreError) {
            return DepartureReport(
                customer: customer,
                ended: try await tables.ended.read(.platform, [customer.description], in: authority.store)?.on ?? nil,
                kept: kept,
                erased: try await tables.departed.readAll(.platform, [customer.description], in: authority.store))
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
        try await tables.customers.delete(.platform, ids, in: &transaction)
        let erased = DepartureReport.Erased(
            record: row.record.id, category: row.record.category, outcomes: row.done, at: now)
        try await tables.departed.write(erased, .platform, ids, in: &transaction)
    }
}
