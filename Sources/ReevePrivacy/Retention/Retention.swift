// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// Keeps what is registered about personal data, answers whether it may go, and is the only way to erase it.
///
/// Days are civil days in UTC. All calls may be made concurrently.
public final class Retention: Sendable {
    /// How long an `ErasurePermit` is good: 30 seconds.
    public static let permitLifetime = Duration.seconds(30)

    /// The rules.
    public let schedule: RetentionSchedule
    private let instance = InstanceID()
    private let store: any Store
    private let authority: AccessAuthority

    /// A record as it is stored.
    private struct Row: Codable, RecordCodable {
        var record: RetainedRecord
        /// Where the record belongs: nobody in another scope sees it.
        let scope: Scope
        /// Counts the changes of holds, from a random start: a record that is registered again has another one.
        var holdEpoch = Int.random(in: 0..<Int.max / 2)
        var isBeingErased = false
    }
    private static let table = Table<Row>("privacy.record")

    /// Retention by a schedule that ``RetentionSchedule/validate()`` finds no defect in.
    public init(schedule: RetentionSchedule, authority: AccessAuthority) {
        store = authority.store
        self.schedule = schedule
        self.authority = authority
    }

    /// Registers a piece of personal data.
    public func register(_ record: RetainedRecord, as context: ActContext) async throws(PrivacyError) {
        try await change(record.id, "privacy.register", context, nil) { row throws(PrivacyError) in
            guard row == nil else { throw PrivacyError(.alreadyRegistered) }
            row = Row(record: record, scope: context.scope)
        }
    }

    /// Places a legal hold: the record must be kept until the hold is released. Placing it twice changes nothing more.
    public func placeHold(
        _ hold: Identifier<LegalCase>, on id: Identifier<DataRecord>, _ permit: Permit<ChangeHold>
    ) async throws(PrivacyError) {
        try await changeHold("privacy.placeHold", hold, on: id, permit) { row throws(PrivacyError) in
            guard !row.isBeingErased else { throw PrivacyError(.beingErased) }
            if !row.record.holds.contains(hold) { row.record.holds.append(hold) }
        }
    }

    /// Releases a legal hold.
    public func releaseHold(
        _ hold: Identifier<LegalCase>, on id: Identifier<DataRecord>, _ permit: Permit<ChangeHold>
    ) async throws(PrivacyError) {
        try await changeHold("privacy.releaseHold", hold, on: id, permit) { row throws(PrivacyError) in
            guard row.record.holds.contains(hold) else { throw PrivacyError(.unknownHold) }
            row.record.holds.removeAll { $0 == hold }
        }
    }

    /// What must happen to a record today, and why.
    public func disposition(
        of id: Identifier<DataRecord>, in scope: Scope
    ) async throws(PrivacyError) -> Disposition {
        try schedule.disposition(of: await row(id, scope).record, on: authority.time.now.day)
    }

    /// A permit to erase a record, when its disposition is `mustDelete`; else the refusal is recorded.
    public func erasurePermit(
        for id: Identifier<DataRecord>, as context: ActContext
    ) async throws(PrivacyError) -> ErasurePermit {
        let action = "privacy.erasurePermit"
        let decision = Identifier<DecisionRecord>(at: authority.time.now)
        let epoch: Int
        do throws(PrivacyError) {
            let row = try await row(id, context.scope)
            let disposition = schedule.disposition(of: row.record, on: authority.time.now.day)
            guard disposition.kind == .mustDelete || row.isBeingErased else { throw PrivacyError(.mustKeep) }
            epoch = row.holdEpoch
            try await record(authority.entry(action, context, .record(id), decision))
        } catch {
            try await record(authority.entry(action, context, .record(id), decision, nil, error.code.rawValue))
            throw error
        }
        return ErasurePermit(
            record: id, decision: decision, context: context, holdEpoch: epoch, instance: instance,
            deadline: authority.time.uptime + Self.permitLifetime)
    }

    /// Erases a record: closes it for holds, lets the host remove its data, then removes the registration.
    ///
    /// `remove` must be repeatable: after a failure the record stays closed and the erasure can be tried again.
    public func erase(
        _ permit: consuming ErasurePermit, _ remove: (Identifier<DataRecord>) async throws -> Void
    ) async throws(PrivacyError) {
        let (id, context, decision, epoch) = (permit.record, permit.context, permit.decision, permit.holdEpoch)
        let isGood = permit.instance == instance && authority.time.uptime < permit.deadline
        let action = "privacy.erase"
        let (partition, ids) = (Partition(context.scope), [id.description])
        // Whether the host's data is gone: the entry of a failure says so.
        var isRemoved = false
        do throws(PrivacyError) {
            guard isGood else { throw PrivacyError(.staleErasurePermit) }
            try await store.transaction { (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                guard var row = try await Self.table.read(partition, ids, in: &transaction) else {
                    throw PrivacyError(.unknownRecord)
                }
                guard row.scope == context.scope, row.holdEpoch == epoch else {
                    throw PrivacyError(.staleErasurePermit)
                }
                let disposition = schedule.disposition(of: row.record, on: authority.time.now.day)
                guard disposition.kind == .mustDelete || row.isBeingErased else { throw PrivacyError(.mustKeep) }
                row.isBeingErased = true
                try await Self.table.write(row, partition, ids, in: &transaction)
            }
            do {
                try await remove(id)
            } catch {
                throw PrivacyError(.removalFailed)
            }
            isRemoved = true
            try await store.transaction { (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                guard let row = try await Self.table.read(partition, ids, in: &transaction), row.holdEpoch == epoch
                else { throw PrivacyError(.staleErasurePermit) }
                Self.table.delete(partition, ids, in: &transaction)
                let entry = authority.entry(action, context, .record(id), decision)
                try transaction.record(entry, in: authority.trail)
            }
        } catch {
            // What may have been done is not called refused.
            if error.store == .outcomeUnknown { throw error }
            let code = error.code.rawValue + (isRemoved ? ".removed" : "")
            try await record(authority.entry(action, context, .record(id), decision, nil, code))
            throw error
        }
    }

    private func row(_ id: Identifier<DataRecord>, _ scope: Scope) async throws(PrivacyError) -> Row {
        let found: Row?
        do throws(StoreError) {
            found = try await Self.table.read(Partition(scope), [id.description], in: store)
        } catch {
            throw PrivacyError(error)
        }
        guard let found, found.scope == scope else { throw PrivacyError(.unknownRecord) }
        return found
    }

    private func changeHold(
        _ action: String, _ hold: Identifier<LegalCase>, on id: Identifier<DataRecord>, _ permit: Permit<ChangeHold>,
        _ body: (inout Row) throws(PrivacyError) -> Void
    ) async throws(PrivacyError) {
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: .record(id), in: permit.context.scope)
        } catch {
            throw PrivacyError(error)
        }
        let proof = (decision: permit.decision, policy: permit.policy)
        try await change(id, action, permit.context, proof, details: ["case": hold.description]) {
            row throws(PrivacyError) in
            guard var found = row, found.scope == permit.context.scope else { throw PrivacyError(.unknownRecord) }
            try body(&found)
            found.holdEpoch += 1
            row = found
        }
    }

    /// Changes a record's row and records the act in one commit; a refusal is recorded by itself.
    private func change(
        _ id: Identifier<DataRecord>, _ action: String, _ context: ActContext,
        _ proof: (decision: Identifier<DecisionRecord>, policy: Digest)?, details: [String: String] = [:],
        _ body: (inout Row?) throws(PrivacyError) -> Void
    ) async throws(PrivacyError) {
        let (partition, ids) = (Partition(context.scope), [id.description])
        do throws(PrivacyError) {
            try await store.transaction { (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                var row = try await Self.table.read(partition, ids, in: &transaction)
                try body(&row)
                if let row { try await Self.table.write(row, partition, ids, in: &transaction) }
                let entry = authority.entry(
                    action, context, .record(id), proof?.decision, proof?.policy, nil, details)
                try transaction.record(entry, in: authority.trail)
            }
        } catch {
            // What may have been done is not called refused.
            if error.store == .outcomeUnknown { throw error }
            let entry = authority.entry(
                action, context, .record(id), proof?.decision, proof?.policy, error.code.rawValue, details)
            try await record(entry)
            throw error
        }
    }

    private func record(_ entry: AuditEntry) async throws(PrivacyError) {
        do throws(StoreError) {
            try await store.record(entry, in: authority.trail)
        } catch {
            throw PrivacyError(error)
        }
    }
}
