// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What keeps a record, and what ends that.
extension Retention {
    /// Places a legal hold: the record must be kept until the hold is released, or its case closed. Of one case a record has one hold: placing it again changes its kind alone.
    /// ``PrivacyError/Code/caseClosed`` for a case that was closed: it would hold nothing.
    public func placeHold(
        _ hold: Identifier<LegalCase>, _ kind: LegalHold.Kind = .temporary, on id: Identifier<DataRecord>,
        _ permit: Permit<ChangeHold>
    ) async throws(PrivacyError) {
        let details = ["case": hold.description, "kind": kind.rawValue]
        try await changeHold("privacy.placeHold", on: id, permit, details) {
            transaction, row throws(PrivacyError) in
            guard !row.isBeingErased else { throw PrivacyError(.beingErased) }
            let ids = Self.ids(of: hold, row.scope)
            guard try await tables.cases.read(.platform, ids, in: &transaction) == nil else {
                throw PrivacyError(.caseClosed)
            }
            row.record.holds.removeAll { $0.caseID == hold }
            guard row.record.holds.count < Self.maximumHolds else { throw PrivacyError(.tooManyHolds) }
            row.record.holds.append(LegalHold(caseID: hold, kind: kind))
        }
    }

    /// Releases a legal hold. What was asked to go meanwhile goes then, without being asked again.
    public func releaseHold(
        _ hold: Identifier<LegalCase>, on id: Identifier<DataRecord>, _ permit: Permit<ChangeHold>
    ) async throws(PrivacyError) {
        let (details, today) = (["case": hold.description], authority.time.now.day)
        try await changeHold("privacy.releaseHold", on: id, permit, details) {
            _, row throws(PrivacyError) in
            guard let placed = row.record.holds.first(where: { $0.caseID == hold }) else {
                throw PrivacyError(.unknownHold)
            }
            row.record.holds.removeAll { $0.caseID == hold }
            if placed.kind == .eventBased { row.record.restarted = max(row.record.restarted ?? today, today) }
        }
    }

    /// Closes a case: from the next day on it holds nothing in the permit's scope any more (clause P11.3c). Closed again, it stays closed since the first time. Whether it was
    /// open is not known here: a case that holds nothing can be closed as well.
    public func closeCase(
        _ hold: Identifier<LegalCase>, _ permit: Permit<ChangeHold>
    ) async throws(PrivacyError) {
        let (action, resource, context) = ("privacy.closeCase", Resource(hold), permit.context)
        try await check(permit, action, resource)
        let (ids, today) = (Self.ids(of: hold, context.scope), authority.time.now.day)
        try await act(action, context, resource, (permit.decision, permit.policy)) {
            transaction throws(PrivacyError) in
            let known = try await tables.cases.read(.platform, ids, in: &transaction)
            try await tables.cases.write(Closed(on: known?.on ?? today), .platform, ids, in: &transaction)
        }
    }

    /// Lifts the governance lock on a record: what a rule that is locked so keeps is kept from then on as long as there is use for it, and goes when asked for. A
    /// compliance lock cannot be lifted.
    public func liftLock(
        on id: Identifier<DataRecord>, _ permit: Permit<ChangeHold>
    ) async throws(PrivacyError) {
        try await changeHold("privacy.liftLock", on: id, permit, [:]) { _, row throws(PrivacyError) in
            row.record.isLockLifted = true
        }
    }

    /// Stores the schedule's locked rules: from then on they count in every process, whatever its schedule says, and nothing takes them back. A later schedule can add longer
    /// ones. When what is not kept any more goes is for each schedule to say. ``PrivacyError/Code/tooManyLocks`` for more than ``RetentionSchedule/maximumLocks`` in all.
    public func lock(as context: ActContext) async throws(PrivacyError) {
        let new = schedule.rules.filter { $0.lock != nil }.map(\.asLock)
        let details = ["rules": String(new.count)]
        try await act("privacy.lock", context, Resource(kind: "privacy", "locks"), nil, details) {
            transaction throws(PrivacyError) in
            var locked = try await tables.locks.read(.platform, ["rules"], in: &transaction) ?? Locked(rules: [])
            locked.rules += new.filter { !locked.rules.contains($0) }
            guard locked.rules.count <= RetentionSchedule.maximumLocks else { throw PrivacyError(.tooManyLocks) }
            try await tables.locks.write(locked, .platform, ["rules"], in: &transaction)
        }
    }

    // MARK: What subjects say

    /// Notes that a request asks for a record to go (clause P9.3). It stands until it is met or withdrawn: what keeps the record now defers it, and when that ends it goes.
    public func demand(
        _ id: Identifier<DataRecord>, by request: Identifier<SubjectRequestRecord>, as context: ActContext
    ) async throws(PrivacyError) {
        try await demand(id, by: request, as: context) { _ throws(PrivacyError) in }
    }

    /// As ``demand(_:by:as:)``, when `check` finds in the same transaction that it still may be.
    func demand(
        _ id: Identifier<DataRecord>, by request: Identifier<SubjectRequestRecord>, as context: ActContext,
        when check: (inout Transaction<PrivacyError>) async throws(PrivacyError) -> Void
    ) async throws(PrivacyError) {
        let (details, today) = (["request": request.description], authority.time.now.day)
        try await change(id, "privacy.demand", context, details: details) { transaction, row throws(PrivacyError) in
            try await check(&transaction)
            guard var found = row, found.scope == context.scope else { throw PrivacyError(.unknownRecord) }
            // What the rooms have of a customer is no subject's to ask for.
            guard found.record.role == .controller || found.record.locations.isDisjoint(with: reserved) else {
                throw PrivacyError(.unknownLocation)
            }
            guard found.record.demands[request] != nil || found.record.demands.count < Self.maximumHolds else {
                throw PrivacyError(.tooManyHolds)
            }
            found.record.demands[request] = min(found.record.demands[request] ?? today, today)
            row = found
        }
    }

    /// The most holds on a record, and the most requests that ask for it to go.
    public static let maximumHolds = 50

    /// Notes that a request no longer asks for a record to go. ``PrivacyError/Code/beingErased`` once it goes.
    public func withdrawDemand(
        on id: Identifier<DataRecord>, by request: Identifier<SubjectRequestRecord>, as context: ActContext
    ) async throws(PrivacyError) {
        let details = ["request": request.description]
        try await change(id, "privacy.withdrawDemand", context, details: details) { _, row throws(PrivacyError) in
            guard var found = row, found.scope == context.scope else { throw PrivacyError(.unknownRecord) }
            guard !found.isBeingErased else { throw PrivacyError(.beingErased) }
            found.record.demands[request] = nil
            row = found
        }
    }

    // MARK: Within

    func check<Action>(
        _ permit: Permit<Action>, _ action: String, _ resource: Resource, in scope: Scope? = nil
    ) async throws(PrivacyError) {
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: resource, in: scope ?? permit.context.scope)
        } catch {
            throw PrivacyError(error)
        }
    }

    private func changeHold(
        _ action: String, on id: Identifier<DataRecord>, _ permit: Permit<ChangeHold>, _ details: [String: String],
        _ body: (inout Transaction<PrivacyError>, inout Row) async throws(PrivacyError) -> Void
    ) async throws(PrivacyError) {
        try await check(permit, action, .record(id))
        let proof = (decision: permit.decision, policy: permit.policy)
        try await change(id, action, permit.context, proof, details: details) { transaction, row throws(PrivacyError) in
            guard var found = row, found.scope == permit.context.scope else { throw PrivacyError(.unknownRecord) }
            try await body(&transaction, &found)
            // What goes already does not stop for what keeps it no more.
            if !found.isBeingErased { found.holdEpoch += 1 }
            row = found
        }
    }
}
