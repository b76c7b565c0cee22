// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// How personal data goes: this is the only way.
extension Retention {
    /// A permit for one attempt to erase a record at one place, when its disposition is `mustDelete`; else the refusal is recorded. None is given while the clocks disagree
    /// (``PrivacyError/Code/clockDisagrees``): who would erase by a clock that went wrong erases too early. A clock that was wrong when this process began, and ahead, nobody sees.
    public func erasurePermit(
        for id: Identifier<DataRecord>, at location: String, as context: ActContext
    ) async throws(PrivacyError) -> ErasurePermit {
        let (action, decision) = ("privacy.erasurePermit", Identifier<DecisionRecord>(at: authority.time.now))
        let details = ["location": location.cut(toBytes: 200)]
        let deadline = authority.time.uptime + Self.permitLifetime
        let found = try await authority.recordingRefusals(of: action, context, .record(id), details, decision) {
            () throws(PrivacyError) in
            try await checkClocks()
            // Before anything is recorded as allowed. What may have gone in part goes on to its end.
            if let known = try await rowIfThere(id), known.scope == context.scope,
                !known.isBeingErased || known.isUntouched
            {
                if known.isBeingErased, let kept = try await reopened(id, context.scope) { throw kept }
                try await checkRooms(known.record, known.scope, at: location)
            }
            let (found, kept) = try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) -> (Row, PrivacyError?) in
                let row = try await row(id, context.scope, in: &transaction)
                guard row.record.locations.contains(location), locations[location] != nil else {
                    throw PrivacyError(.unknownLocation)
                }
                // Whatever comes of it is committed: what stays is open for holds again.
                let kept = try await keeping(row, in: &transaction)
                if kept == nil {
                    try transaction.record(
                        authority.entry(action, context, .record(id), decision, nil, nil, details), in: authority.trail)
                }
                return (row, kept)
            }
            if let kept { throw kept }
            return found
        }
        return ErasurePermit(
            record: id, at: location, attempt: (found.attempts[location] ?? 0) + 1, decision: decision,
            context: context, holdEpoch: found.holdEpoch, instance: instance, deadline: deadline)
    }

    /// Erases a record at the permit's place: closes it for holds, lets the place remove its data, and notes that. Once all places are done, the registration goes as well.
    ///
    /// What was erased there before is a success that says so. ``PrivacyError/Code/removalFailed`` when the place failed: the record stays closed, and erasing it can
    /// be tried again by a new permit. ``PrivacyError/Code/staleErasurePermit`` when holds changed since the permit was made, another attempt began, or it is old.
    @discardableResult
    public func erase(_ permit: consuming ErasurePermit) async throws(PrivacyError) -> ErasureReceipt {
        let (id, name, context, decision) = (permit.record, permit.location, permit.context, permit.decision)
        let (epoch, attempt) = (permit.holdEpoch, permit.attempt)
        let isGood = permit.instance == instance && authority.time.uptime < permit.deadline
        let (action, ids) = ("privacy.erase", [id.description])
        var details = ["location": name.cut(toBytes: 200), "attempt": String(attempt)]
        do throws(PrivacyError) {
            guard isGood, let location = locations[name] else { throw PrivacyError(.staleErasurePermit) }
            try await checkClocks()
            let begun = try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                guard var row = try await tables.records.read(.platform, ids, in: &transaction) else {
                    throw PrivacyError(.unknownRecord)
                }
                guard row.scope == context.scope, row.holdEpoch == epoch, (row.attempts[name] ?? 0) + 1 == attempt
                else { throw PrivacyError(.staleErasurePermit) }
                if let kept = try await keeping(row, in: &transaction) { throw kept }
                row.isBeingErased = true
                if row.done[name] == nil { row.attempts[name] = attempt }
                try await tables.records.write(row, .platform, ids, in: &transaction)
                return row
            }
            var outcome: ErasureOutcome
            if begun.done[name] != nil {
                outcome = .alreadyErased
            } else {
                // What a subject asked for must not come back with a backup: once a part of it goes, the ledger has it.
                if !begun.record.demands.isEmpty, !begun.isAnchored { try await anchor(id, begun.registration) }
                do {
                    outcome = try await location.erase(
                        authority.erasure(
                            of: id, at: name, attempt: attempt, decision, context, isOwn: own[name] != nil))
                } catch {
                    try await noteFailure(of: id, at: name, attempt, epoch)
                    throw PrivacyError(.removalFailed)
                }
                // An earlier attempt may have removed it, and nobody was left to say so.
                if outcome == .nothingThere, attempt > 1 { outcome = .alreadyErased }
            }
            // Whether the host's data is gone: the entry of a failure says so.
            details["outcome"] = outcome.rawValue
            return try await finish(id, name, outcome, epoch, decision, context, details)
        } catch {
            // What may have been done is not called refused.
            if error.store == .outcomeUnknown { throw error }
            let code = error.code.rawValue + (details["outcome"] == nil ? "" : ".removed")
            try await authority.record(
                authority.entry(action, context, .record(id), decision, nil, code, details))
            throw error
        }
    }

    /// Erases a record at all its places, each by a permit of its own; a place that fails keeps no other from it, and its failure is thrown at the end. Of a record that was erased before it says
    /// so: `alreadyErased`, with no place named.
    @discardableResult
    public func erase(
        _ id: Identifier<DataRecord>, as context: ActContext
    ) async throws(PrivacyError) -> [ErasureReceipt] {
        let found = try await rowIfThere(id)
        if found == nil, let gone = try await gone(id, context.scope) {
            return [ErasureReceipt(record: id, location: "", outcome: .alreadyErased, at: gone.at)]
        }
        var (receipts, failure): ([ErasureReceipt], PrivacyError?) = ([], nil)
        // Of none there is a permit to refuse.
        for location in found?.open ?? [""] {
            do throws(PrivacyError) {
                receipts.append(try await erase(try await erasurePermit(for: id, at: location, as: context)))
            } catch {
                if error.code == .unknownRecord, found != nil, let gone = try await gone(id, context.scope) {
                    // Somebody else did it meanwhile.
                    receipts.append(
                        ErasureReceipt(record: id, location: location, outcome: .alreadyErased, at: gone.at))
                    continue
                }
                failure = failure ?? error
                // Nothing else is wrong at one place alone.
                guard error.code == .removalFailed || error.code == .unknownLocation else { break }
            }
        }
        if let failure { throw failure }
        return receipts
    }

    /// Erases again what subjects had erased, by the ledger, after a backup of the store or of a place was put back. What one record meets keeps no other from it.
    ///
    /// A record that is registered again as it was is erased by the one path, as far as nothing keeps it today; of one that is gone here every place is asked to remove what came
    /// back. Of what this store knows nothing about, as when it was put back to a day before the record was made, ``ErasureReplay/unknown`` tells: who finds it at a place registers
    /// it, and demands it. What was registered under the same name since is another, and stays. Without a ledger there is nothing to replay. Complexity: O(erasures · places).
    public func replayErasures(as context: ActContext) async throws(PrivacyError) -> ErasureReplay {
        var replay = ErasureReplay()
        guard let ledger else { return replay }
        let resource = Resource(kind: "privacy", "replay")
        try await authority.recordingRefusals(of: "privacy.eraseAgain", context, resource, [:]) {
            () throws(PrivacyError) in try await checkClocks()
        }
        var erased: [Identifier<DataRecord>: Set<Int64>] = [:]
        var ends: [Identifier<Company>: (on: CivilDay?, sequence: Int64)] = [:]
        var leavings: [Identifier<Company>: [(workspace: Identifier<Workspace>?, sequence: Int64)]] = [:]
        var returned: [Identifier<Company>: Int64] = [:]
        do throws(LedgerError) {
            for line in try await ledger.lines() {
                if let (customer, end) = Self.end(of: line.event), ends[customer]?.sequence ?? .min <= end.sequence {
                    ends[customer] = end
                }
                if let (customer, end) = Self.end(of: line.event), end.on == nil {
                    returned[customer] = max(returned[customer] ?? .min, end.sequence)
                }
                if let (customer, left) = Self.left(of: line.event) {
                    leavings[customer, default: []].append(left)
                }
                guard line.event.kind == Self.ledgerKind else { continue }
                guard let id = Identifier<DataRecord>(line.event.subject), let number = line.event.number else {
                    continue
                }
                erased[id, default: []].insert(number)
            }
        } catch {
            throw PrivacyError(.ledgerFailed)
        }
        // What is of customers who left is due again by itself, once it is known that they did.
        for (customer, end) in ends {
            if try await restore(end.on, end.sequence, of: customer, as: context) { replay.ended.append(customer) }
            // What the host said of its own records alone is nothing that the rooms have to be told.
            let since = (leavings[customer] ?? []).filter { $0.sequence > returned[customer] ?? .min }
            guard end.on != nil, let last = since.map(\.sequence).max() else { continue }
            replay.left.append((customer, last, Set(since.compactMap(\.workspace)).sorted()))
        }
        for (id, registrations) in erased.sorted(by: { $0.key.description < $1.key.description }) {
            do throws(PrivacyError) {
                if let row = try await rowIfThere(id) {
                    // Another registration is another record.
                    guard registrations.contains(row.registration) else { continue }
                    var own = context
                    own.scope = row.scope
                    try await demand(id, by: Self.replay, as: own)
                    replay.receipts += try await erase(id, as: own)
                } else if let gone = try await goneAnywhere(id), registrations.contains(gone.registration) {
                    var own = context
                    own.scope = gone.scope
                    try await erase(again: id, gone, own, &replay)
                } else if let found = try await atOwnPlace(id) {
                    // What a room has of a subject is found by its name.
                    var own = context
                    own.scope = .platform
                    try await registerAnywhere(found, as: own)
                    try await demand(id, by: Self.replay, as: own)
                    replay.receipts += try await erase(id, as: own)
                } else {
                    replay.unknown.append(id)
                }
            } catch {
                if error.code == .storeFailed || error.code == .ledgerFailed { throw error }
                replay.failures[id] = error
            }
        }
        return replay
    }

    /// What a room's place has under a name, of whomever it is.
    private func atOwnPlace(_ id: Identifier<DataRecord>) async throws(PrivacyError) -> RetainedRecord? {
        for name in own.keys.sorted() {
            do {
                if try await own[name]?.export(id) != nil { return record(id, of: nil, at: name) }
            } catch {
                throw PrivacyError(.removalFailed)
            }
        }
        return nil
    }

    /// Stands in the place of a request that was lost with the store.
    private static let replay = Identifier<SubjectRequestRecord>(high: 0, low: 1)
    private static let ledgerKind = "privacy.erased"

    /// Removes what came back to the places of a record that was erased everywhere. The entry of each stands before it, in a transaction that finds the record registered nowhere.
    private func erase(
        again id: Identifier<DataRecord>, _ gone: Gone, _ context: ActContext, _ replay: inout ErasureReplay
    ) async throws(PrivacyError) {
        let decision = Identifier<DecisionRecord>(at: authority.time.now)
        for name in gone.outcomes.keys.sorted() where own[name] == nil {
            guard let location = locations[name] else { continue }
            let details = ["location": name.cut(toBytes: 200), "replayed": "true"]
            let entry = authority.entry("privacy.eraseAgain", context, .record(id), decision, nil, nil, details)
            let isGone = try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                guard try await tables.records.read(.platform, [id.description], in: &transaction) == nil else {
                    return false
                }
                try transaction.record(entry, in: authority.trail)
                return true
            }
            guard isGone else { return }
            let outcome = try await authority.recordingRefusals(
                of: "privacy.eraseAgain", context, .record(id), details, decision
            ) { () throws(PrivacyError) in
                do {
                    return try await location.erase(
                        authority.erasure(of: id, at: name, attempt: 1, decision, context, isOwn: false))
                } catch {
                    throw PrivacyError(.removalFailed)
                }
            }
            guard outcome == .erased else { continue }
            replay.receipts.append(
                ErasureReceipt(record: id, location: name, outcome: outcome, at: authority.time.now))
        }
    }

    func rowIfThere(_ id: Identifier<DataRecord>) async throws(PrivacyError) -> Row? {
        do throws(StoreError) {
            return try await tables.records.read(.platform, [id.description], in: authority.store)
        } catch {
            throw PrivacyError(error)
        }
    }

    func goneAnywhere(_ id: Identifier<DataRecord>) async throws(PrivacyError) -> Gone? {
        do throws(StoreError) {
            return try await tables.gone.read(.platform, [id.description], in: authority.store)
        } catch {
            throw PrivacyError(error)
        }
    }

    private func gone(_ id: Identifier<DataRecord>, _ scope: Scope) async throws(PrivacyError) -> Gone? {
        try await goneAnywhere(id).flatMap { $0.scope == scope ? $0 : nil }
    }

    /// Writes into the ledger that this very registration goes.
    private func anchor(_ id: Identifier<DataRecord>, _ registration: Int64) async throws(PrivacyError) {
        guard let ledger else { return }
        do throws(LedgerError) {
            try await ledger.append(
                LedgerEvent(kind: Self.ledgerKind, subject: id.description, number: registration))
        } catch {
            throw PrivacyError(.ledgerFailed)
        }
    }

    /// Notes that a place is done, and takes the registration away with the last one.
    private func finish(
        _ id: Identifier<DataRecord>, _ name: String, _ outcome: ErasureOutcome, _ epoch: Int,
        _ decision: Identifier<DecisionRecord>, _ context: ActContext, _ details: [String: String]
    ) async throws(PrivacyError) -> ErasureReceipt {
        let (ids, now) = ([id.description], authority.time.now)
        try await authority.store.transaction { (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
            guard var row = try await tables.records.read(.platform, ids, in: &transaction), row.holdEpoch == epoch
            else { throw PrivacyError(.staleErasurePermit) }
            if row.done[name] == nil { row.done[name] = outcome }
            if row.open.isEmpty {
                try await tables.records.delete(.platform, ids, in: &transaction)
                if let subject = row.record.subject {
                    try await tables.subjects.delete(
                        .platform, [subject.description, id.description], in: &transaction)
                }
                let gone = Gone(scope: row.scope, registration: row.registration, outcomes: row.done, at: now)
                try await tables.gone.write(gone, .platform, ids, in: &transaction)
                try await noteGone(row, at: now, in: &transaction)
            } else {
                row.isAnchored = row.isAnchored || ledger != nil && !row.record.demands.isEmpty
                try await tables.records.write(row, .platform, ids, in: &transaction)
            }
            let entry = authority.entry("privacy.erase", context, .record(id), decision, nil, nil, details)
            try transaction.record(entry, in: authority.trail)
        }
        return ErasureReceipt(record: id, location: name, outcome: outcome, at: now)
    }

    /// Why a row's record stays; `nil` when it goes. What was to go and is as it was is decided anew, and is closed for holds no longer when it stays.
    private func keeping(
        _ row: Row, in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) -> PrivacyError? {
        guard !row.isBeingErased || row.isUntouched else { return nil }
        let disposition = try await disposition(of: row, in: &transaction)
        guard disposition.kind != .mustDelete else { return nil }
        if row.isBeingErased {
            var open = row
            open.isBeingErased = false
            // Permits of before erase nothing.
            open.holdEpoch += 1
            try await tables.records.write(open, .platform, [row.record.id.description], in: &transaction)
        }
        return PrivacyError(disposition)
    }

    /// Why a record stays of which nothing has gone, once it is open for holds again; `nil` when it goes.
    private func reopened(
        _ id: Identifier<DataRecord>, _ scope: Scope
    ) async throws(PrivacyError) -> PrivacyError? {
        try await authority.store.transaction { (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
            try await keeping(try await row(id, scope, in: &transaction), in: &transaction)
        }
    }

    /// Throws when something in a room keeps a record: before it is closed for holds.
    private func checkRooms(_ record: RetainedRecord, _ scope: Scope, at name: String) async throws(PrivacyError) {
        guard let place = own[name] else { return }
        do {
            guard try await !place.keeps(record, in: scope) else { throw PrivacyError(.mustKeep) }
        } catch let error as PrivacyError {
            throw error
        } catch {
            throw PrivacyError(.removalFailed)
        }
    }

    /// Notes that a place said that an attempt failed: what is left there is as it was. Of what goes whole or not at all nobody can say that.
    private func noteFailure(
        of id: Identifier<DataRecord>, at name: String, _ attempt: Int, _ epoch: Int
    ) async throws(PrivacyError) {
        guard own[name]?.goesWhole != true else { return }
        try await authority.store.transaction { (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
            let ids = [id.description]
            guard var row = try await tables.records.read(.platform, ids, in: &transaction), row.holdEpoch == epoch,
                row.attempts[name] == attempt
            else { return }
            row.failed[name] = attempt
            try await tables.records.write(row, .platform, ids, in: &transaction)
        }
    }

    func checkClocks() async throws(PrivacyError) {
        var last: Timestamp?
        if let ledger {
            do throws(LedgerError) {
                last = try await ledger.lastLine()?.at
            } catch {
                throw PrivacyError(.ledgerFailed)
            }
        }
        guard !clocks.disagrees(with: last) else { throw PrivacyError(.clockDisagrees) }
    }
}
