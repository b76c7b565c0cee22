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
    let instance = InstanceID()
    let authority: AccessAuthority
    let ledger: AnchorLedger?
    let clocks: ClockWatch
    let leases: Leases

    /// A record as it is stored.
    struct Row: Codable, RecordCodable {
        var record: RetainedRecord
        /// Where the record belongs: nobody in another scope sees it.
        let scope: Scope
        /// Another one for each registration, under whatever name: the ledger names it.
        var registration = Int64.random(in: 0..<1 << 53)
        /// Counts the changes of holds, from a random start: a record that is registered again has another one.
        var holdEpoch = Int.random(in: 0..<Int.max / 2)
        /// Once it is, no hold can be placed, and it goes whatever rules say then.
        var isBeingErased = false
        /// Attempts at each place.
        var attempts: [String: Int] = [:]
        /// What they came to, at the places that are done.
        var done: [String: ErasureOutcome] = [:]
        /// Whether the ledger has it that it goes.
        var isAnchored = false

        /// The places that still have it, in order.
        var open: [String] { record.locations.subtracting(done.keys).sorted() }
    }
    /// That a record was erased everywhere: nothing about whom, or what.
    struct Gone: Codable, RecordCodable {
        let scope: Scope
        let registration: Int64
        let outcomes: [String: ErasureOutcome]
        let at: Timestamp
    }
    /// That a case was closed.
    struct Closed: Codable, RecordCodable {
        let on: CivilDay
    }
    /// When a customer ended the subscription, if not taken up again; the sequence says which word of the host's is the last.
    struct Ended: Codable, RecordCodable {
        let on: CivilDay?
        let sequence: Int64
    }
    /// Rules that were locked.
    struct Locked: Codable, RecordCodable {
        var rules: [RetentionRule]
    }
    static let records = Table<Row>("privacy.record")
    static let gone = Table<Gone>("privacy.gone")
    static let subjects = Table<Mark>("privacy.record.subject")
    static let customers = Table<Mark>("privacy.record.customer")
    static let departed = Table<DepartureReport.Erased>("privacy.customer.erased")
    static let due = Table<Mark>("privacy.record.due")
    static let ended = Table<Ended>("privacy.customer.ended")
    static let cases = Table<Closed>("privacy.case.closed")
    static let locks = Table<Locked>("privacy.locks")

    /// Retention by a schedule that ``RetentionSchedule/validate()`` finds no defect in, over places that each have a name of their own; of two with one name the last counts.
    ///
    /// With a ledger, what subjects had erased stays erased when a backup of the store is put back: ``replayErasures(as:)``.
    public convenience init(
        schedule: RetentionSchedule, locations: [any DataLocation] = [], authority: AccessAuthority,
        ledger: AnchorLedger? = nil
    ) {
        self.init(schedule: schedule, locations: locations, own: [], authority: authority, ledger: ledger)
    }

    package init(
        schedule: RetentionSchedule, locations: [any DataLocation], own: [any RoomLocation],
        authority: AccessAuthority, ledger: AnchorLedger?
    ) {
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
                try await Self.subjects.write(
                    Mark(), .platform, [subject.description, record.id.description], in: &transaction)
            }
            if let customer = record.subscriber {
                try await Self.customers.write(
                    Mark(), .platform, [customer.description, record.id.description], in: &transaction)
            }
            if let customer = record.subscriber {
                Self.departed.delete(.platform, [customer.description, record.id.description], in: &transaction)
            }
            // What is registered again is not gone.
            Self.gone.delete(.platform, [record.id.description], in: &transaction)
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
                try await Self.subjects.write(
                    Mark(), .platform, [subject.description, id.description], in: &transaction)
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
        try await rows(under: Self.subjects.key(.platform, [subject.description])) { $0.record.subject == subject }
    }

    /// The rows that the keys under another one name, and that are as they say.
    func rows(under index: Key, _ isMeant: (Row) -> Bool) async throws(PrivacyError) -> [Row] {
        do throws(StoreError) {
            var rows: [Row] = []
            var range = KeyRange(under: index)
            while true {
                let page = try await authority.store.records(in: range, limit: 200)
                for entry in page {
                    guard case .text(let id)? = entry.key.elements?.last else { continue }
                    let row = try await Self.records.read(.platform, [id], in: authority.store)
                    // A row that is somewhere else than its own place is nobody's.
                    if let row, row.record.id.description != id { throw .malformed(Self.records.key(.platform, [id])) }
                    if let row, isMeant(row) { rows.append(row) }
                }
                guard page.count == 200, let last = page.last else { return rows }
                range = range.after(last.key)
            }
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
        let found = try await Self.records.read(.platform, [id.description], in: &transaction)
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
                try await Self.ended.read(.platform, [customer.description], in: &transaction)?.on ?? nil
        }
        for hold in row.record.holds {
            let ids = Self.ids(of: hold.caseID, row.scope)
            circumstances.closed[hold.caseID] = try await Self.cases.read(.platform, ids, in: &transaction)?.on
        }
        circumstances.locked = try await Self.locks.read(.platform, ["rules"], in: &transaction)?.rules ?? []
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
            var row = try await Self.records.read(.platform, [id.description], in: &transaction)
            try await body(&transaction, &row)
            if let row { try await Self.records.write(row, .platform, [id.description], in: &transaction) }
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
