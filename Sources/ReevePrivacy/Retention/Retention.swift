// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// Keeps what is registered about personal data, answers whether it may go, and is the only way to erase it.
///
///     try await retention.register(record, as: context)
///     let answer = try await retention.disposition(of: record.id, in: scope)     // mustKeep, because of which hold, until when
///     let receipts = try await retention.erase(record.id, as: context)           // only when it must be deleted
///
/// Days are civil days in UTC. All calls may be made concurrently, by any number of processes over one store.
public final class Retention: Sendable {
    /// How long an `ErasurePermit` is good: 30 seconds.
    public static let permitLifetime = Duration.seconds(30)

    /// The rules.
    public let schedule: RetentionSchedule
    /// The places, by their names.
    let locations: [String: any DataLocation]
    /// Places of the rooms' own, at which nobody else registers anything.
    let own: [String: any RoomLocation]
    let tables: RetentionTables
    let instance = InstanceID()
    let authority: AccessAuthority
    let ledger: AnchorLedger?
    let clocks: ClockWatch
    let leases: Leases

    /// Retention by a schedule that ``RetentionSchedule/validate()`` finds no defect in, over places that each have a name of their own; of two with one name the last counts.
    ///
    /// Pass `control` the keys that `AuditKeys.control` and the other rooms have, as `TrustLayer` does: what is registered, what holds it and what was locked is authenticated then, and one that
    /// was changed, removed or put back is refused, and erased by nobody. An authority with roles brings its own keys. With a ledger, what subjects had erased stays erased when a backup of the store is put back: ``replayErasures(as:)``.
    public convenience init(
        schedule: RetentionSchedule, locations: [any DataLocation] = [], authority: AccessAuthority,
        control keys: (any ControlKeys)? = nil, ledger: AnchorLedger? = nil
    ) {
        self.init(
            schedule: schedule, locations: locations, own: [], authority: authority, control: keys, ledger: ledger)
    }

    package init(
        schedule: RetentionSchedule, locations: [any DataLocation], own: [any RoomLocation],
        authority: AccessAuthority, control keys: (any ControlKeys)?, ledger: AnchorLedger?
    ) {
        tables = RetentionTables(
            authority.control ?? keys.map { ControlRecords(store: authority.store, keys: $0, makesHeads: true) })
        self.locations = Dictionary((locations + own).map { ($0.name, $0) }) { $1 }
        self.own = Dictionary(own.map { ($0.name, $0) }) { $1 }
        self.schedule = schedule
        self.authority = authority
        self.ledger = ledger
        clocks = ClockWatch(authority.time)
        leases = Leases(store: authority.store, time: authority.time)
    }

    /// The names of the places, in order.
    public var locationNames: [String] { locations.keys.sorted() }

    // MARK: Records

    /// Registers a piece of personal data. ``PrivacyError/Code/unknownLocation`` for a place that is not registered, or none at all.
    ///
    /// What a value says of holds, demands and days that were noted is passed over: those are noted here.
    public func register(_ record: RetainedRecord, as context: ActContext) async throws(PrivacyError) {
        guard record.locations.isDisjoint(with: own.keys) else {
            return try await change(record.id, "privacy.register", context) { _, _ throws(PrivacyError) in
                throw PrivacyError(.unknownLocation)
            }
        }
        try await registerAnywhere(record, as: context)
    }

    /// Registers a record at any place, those of the rooms' own as well, with what `also` writes in the same commit.
    package func registerAnywhere(
        _ record: RetainedRecord, as context: ActContext,
        also: (inout Transaction<PrivacyError>) async throws(PrivacyError) -> Void = { _ in }
    ) async throws(PrivacyError) {
        try await change(record.id, "privacy.register", context) { transaction, row throws(PrivacyError) in
            guard row == nil else { throw PrivacyError(.alreadyRegistered) }
            guard !record.locations.isEmpty, record.locations.allSatisfy({ locations[$0] != nil }) else {
                throw PrivacyError(.unknownLocation)
            }
            row = Row(record: record.asNew, scope: context.scope)
            if let subject = record.subject {
                try await tables.subjects.write(
                    Found(record: record.id), .platform, [subject.description, record.id.description],
                    in: &transaction)
            }
            if let customer = record.subscriber {
                try await tables.customers.write(
                    Found(record: record.id), .platform, [customer.description, record.id.description],
                    in: &transaction)
            }
            if let customer = record.subscriber {
                tables.departed.delete(.platform, [customer.description, record.id.description], in: &transaction)
            }
            // What is registered again is not gone.
            tables.gone.delete(.platform, [record.id.description], in: &transaction)
            try await also(&transaction)
        }
    }

    /// Notes that a record is at further places as well, or whom it is about, where that was not known. Of a record about somebody it stays whom
    /// (``PrivacyError/Code/alreadyRegistered`` for another one).
    public func extend(
        _ id: Identifier<DataRecord>, to places: Set<String> = [], about subject: Identifier<DataSubject>? = nil,
        as context: ActContext
    ) async throws(PrivacyError) {
        let details = ["locations": places.sorted().joined(separator: ",").cut(toBytes: 500)]
        try await change(id, "privacy.extendRecord", context, details: details) {
            transaction, row throws(PrivacyError) in
            guard var found = row, found.scope == context.scope else { throw PrivacyError(.unknownRecord) }
            guard places.isDisjoint(with: own.keys), places.allSatisfy({ locations[$0] != nil }) else {
                throw PrivacyError(.unknownLocation)
            }
            if let subject {
                guard found.record.subject ?? subject == subject else { throw PrivacyError(.alreadyRegistered) }
                try await tables.subjects.write(
                    Found(record: id), .platform, [subject.description, id.description], in: &transaction)
            }
            found.record = found.record.extended(to: places, about: subject)
            row = found
        }
    }

    /// Notes that a record was used, or that its session ended: the last day counts. What it was made on, and when its customer left, is not said here
    /// (``PrivacyError/Code/otherAnchor``).
    public func note(
        _ anchor: RetentionAnchor, on day: CivilDay, of id: Identifier<DataRecord>, as context: ActContext
    ) async throws(PrivacyError) {
        let details = ["anchor": anchor.rawValue, "day": day.description]
        try await change(id, "privacy.noteAnchor", context, details: details) { _, row throws(PrivacyError) in
            guard var found = row, found.scope == context.scope else { throw PrivacyError(.unknownRecord) }
            switch anchor {
            case .lastUsed: found.record.lastUsed = max(found.record.lastUsed ?? day, day)
            case .sessionEnded: found.record.sessionEnded = max(found.record.sessionEnded ?? day, day)
            case .created, .terminated: throw PrivacyError(.otherAnchor)
            }
            row = found
        }
    }

    /// What is registered about a subject, wherever it belongs. Complexity: O(their records) reads.
    public func records(about subject: Identifier<DataSubject>) async throws(PrivacyError) -> [RetainedRecord] {
        try await rows(about: subject).map(\.record)
    }

    func rows(about subject: Identifier<DataSubject>) async throws(PrivacyError) -> [Row] {
        try await rows(tables.subjects, of: subject.description) { $0.record.subject == subject }
    }

    /// The rows that are found by somebody's id, and that are as they should be.
    func rows(
        _ index: ControlTable<Found>, of id: String, _ isMeant: (Row) -> Bool
    ) async throws(PrivacyError) -> [Row] {
        do throws(StoreError) {
            var rows: [Row] = []
            for found in try await index.readAll(.platform, [id], in: authority.store) {
                let ids = [found.record.description]
                let row = try await tables.records.read(.platform, ids, in: authority.store)
                // A row that is somewhere else than its own place is nobody's.
                if let row, row.record.id != found.record { throw .malformed(tables.records.key(.platform, ids)) }
                if let row, isMeant(row) { rows.append(row) }
            }
            return rows
        } catch {
            throw PrivacyError(error)
        }
    }

    /// What must happen to a record today, and why.
    public func disposition(
        of id: Identifier<DataRecord>, in scope: Scope
    ) async throws(PrivacyError) -> Disposition {
        try await authority.store.transaction { (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
            let row = try await row(id, scope, in: &transaction)
            return try await disposition(of: row, in: &transaction)
        }
    }

    // MARK: Within transactions

    func row(
        _ id: Identifier<DataRecord>, _ scope: Scope, in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) -> Row {
        let found = try await tables.records.read(.platform, [id.description], in: &transaction)
        guard let found, found.scope == scope else { throw PrivacyError(.unknownRecord) }
        return found
    }

    /// Why a record stays as it is, when a legal hold holds it or it is being erased.
    func keeps(
        _ id: Identifier<DataRecord>, in scope: Scope, in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) -> RequestReport.Outcome? {
        let row = try await row(id, scope, in: &transaction)
        if row.isBeingErased { return .failed }
        let holds = try await disposition(of: row, in: &transaction).reasons.filter {
            if case .hold = $0 { true } else { false }
        }
        return holds.isEmpty ? nil : .withheld(because: holds, until: .open)
    }

    /// What must happen to a row's record; nothing that was looked at may change until the transaction commits.
    func disposition(
        of row: Row, in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) -> Disposition {
        var circumstances = RetentionCircumstances()
        if let customer = row.record.subscriber {
            circumstances.terminated =
                try await tables.ended.read(.platform, [customer.description], in: &transaction)?.on ?? nil
        }
        for hold in row.record.holds {
            let ids = Self.ids(of: hold.caseID, row.scope)
            circumstances.closed[hold.caseID] = try await tables.cases.read(.platform, ids, in: &transaction)?.on
        }
        circumstances.locked = try await tables.locks.read(.platform, ["rules"], in: &transaction)?.rules ?? []
        return schedule.disposition(of: row.record, on: authority.time.now.day, under: circumstances)
    }

    /// What must happen to a row's record as far as a look tells: nothing is expected to stay so.
    func glance(at row: Row) async throws(PrivacyError) -> Disposition {
        try await authority.store.transaction { (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
            try await disposition(of: row, in: &transaction)
        }
    }

    /// Cases are told apart by scope: who closes one in a scope opens nothing in another.
    static func ids(of id: Identifier<LegalCase>, _ scope: Scope) -> [String] {
        [Reach.scope(scope).description, id.description]
    }

    /// Changes a record's row and records the act in one commit; a refusal is recorded by itself.
    func change(
        _ id: Identifier<DataRecord>, _ action: String, _ context: ActContext,
        _ proof: (decision: Identifier<DecisionRecord>, policy: Digest)? = nil, details: [String: String] = [:],
        _ body: (inout Transaction<PrivacyError>, inout Row?) async throws(PrivacyError) -> Void
    ) async throws(PrivacyError) {
        try await act(action, context, .record(id), proof, details) { transaction throws(PrivacyError) in
            var row = try await tables.records.read(.platform, [id.description], in: &transaction)
            try await body(&transaction, &row)
            if let row { try await tables.records.write(row, .platform, [id.description], in: &transaction) }
        }
    }

    /// Does something and records it in one commit; a refusal is recorded by itself.
    func act(
        _ action: String, _ context: ActContext, _ resource: Resource,
        _ proof: (decision: Identifier<DecisionRecord>, policy: Digest)? = nil, _ details: [String: String] = [:],
        _ body: (inout Transaction<PrivacyError>) async throws(PrivacyError) -> Void
    ) async throws(PrivacyError) {
        try await authority.recordingRefusals(of: action, context, resource, details, proof?.decision, proof?.policy) {
            () throws(PrivacyError) in
            try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                try await body(&transaction)
                let entry = authority.entry(
                    action, context, resource, proof?.decision, proof?.policy, nil, details)
                try transaction.record(entry, in: authority.trail)
            }
        }
    }
}
