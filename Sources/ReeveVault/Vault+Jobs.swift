// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// Data of a job, sealed under a key of its hour.
public struct SealedJobData: Hashable, Sendable, Codable {
    /// The hour whose key opens it, in hours since 1970.
    public let hour: Int64
    /// The bytes: an envelope that stands alone.
    public let bytes: [UInt8]

    /// Data that was stored. Whether it is what was sealed is seen when it is opened.
    public init(hour: Int64, bytes: [UInt8]) {
        self.hour = hour
        self.bytes = bytes
    }
}

/// Job data: each hour has a key and each job one that follows from it, so that letting the hour's key expire erases what the
/// jobs of that hour left, wherever copies of it are.
extension Vault {
    /// Seals data of a job, at most 1 MiB, under the key of this hour. The permit is for the job.
    public func sealJobData(
        _ value: borrowing SecretBytes, of job: Identifier<Job>, _ permit: Permit<RunJob>
    ) async throws(VaultError) -> SealedJobData {
        let action = "vault.job.seal"
        let context = try await enter(permit, action, Resource(job), permit.context.scope)
        do throws(VaultError) {
            guard value.count <= 1 << 20 else { throw VaultError(.tooLarge) }
            let hour = authority.time.now.microseconds / 3_600_000_000
            let place = KeyPlace(context, .hour(hour))
            let key = try await jobKey(job, try await hourKey(place, permit, action))
            return SealedJobData(
                hour: hour,
                bytes: try crypto { () throws(CryptoError) in
                    try Envelope.sealAlone(
                        value, with: key, Self.additionalData(job, permit.context.scope.project, place))
                })
        } catch {
            throw await refused(error, permit, action)
        }
    }

    /// Opens data of a job and lends it to `body`; the entry is committed before. After its hour has expired it opens only
    /// while a hold pins that hour.
    public func withJobData<R, E: Error>(
        _ data: SealedJobData, of job: Identifier<Job>, _ permit: Permit<RunJob>, _ body: (RawSpan) throws(E) -> R
    ) async throws(OpenFailure<E>) -> R {
        let secret: SecretBytes
        do throws(VaultError) {
            secret = try await openAndRecord(data, job, permit, "vault.job.open")
        } catch {
            throw .vault(error)
        }
        do throws(E) {
            return try secret.withBytes(body)
        } catch {
            throw .body(error)
        }
    }

    private func openAndRecord(
        _ data: SealedJobData, _ job: Identifier<Job>, _ permit: Permit<RunJob>, _ action: String
    ) async throws(VaultError) -> SecretBytes {
        let context = try await enter(permit, action, Resource(job), permit.context.scope)
        let place = KeyPlace(context, .hour(data.hour))
        let secret: SecretBytes
        do throws(VaultError) {
            secret = try await open(data, job, permit, place)
        } catch {
            throw await refused(error, permit, action)
        }
        try await record(action, permit)
        // The hour may have ended while the entry was written.
        _ = try await recorded(permit, action) { () throws(VaultError) in try await hourKey(of: data, place) }
        return secret
    }

    /// Keeps the job data of some hours, both ends included, past its expiry, for a legal hold named `name`: 1 to 255 bytes; at
    /// most 100,000 hours, also such that are still to come. Hours that are over stay over; an environment that has no
    /// key yet has no room for a hold. The permit is for the environment's
    /// keys. Returns how many hours that have data are pinned by it now.
    @discardableResult
    public func pinJobData(
        from first: Timestamp, through last: Timestamp, for name: String, _ permit: Permit<ManageKeys>
    ) async throws(VaultError) -> Int {
        try await pin(first, last, name, permit, "vault.job.pin") { holds, hours in
            let isThere = holds.contains {
                $0.name.isIdentical(to: name) && $0.first <= hours.lowerBound && $0.last >= hours.upperBound
            }
            if !isThere { holds.append(.init(name: name, first: hours.lowerBound, last: hours.upperBound)) }
        } hour: { pins in
            guard !pins.contains(where: { $0.isIdentical(to: name) }) else { return false }
            pins = (pins + [name]).sorted()
            return true
        }
    }

    /// Ends what ``pinJobData(from:through:for:_:)`` began; hours that are past and pinned by nothing else expire then.
    @discardableResult
    public func unpinJobData(
        from first: Timestamp, through last: Timestamp, for name: String, _ permit: Permit<ManageKeys>
    ) async throws(VaultError) -> Int {
        try await pin(first, last, name, permit, "vault.job.unpin") { holds, hours in
            holds = holds.flatMap { $0.name.isIdentical(to: name) ? $0.without(hours) : [$0] }
        } hour: { pins in
            guard pins.contains(where: { $0.isIdentical(to: name) }) else { return false }
            pins.removeAll { $0.isIdentical(to: name) }
            return true
        }
    }

    private func pin(
        _ first: Timestamp, _ last: Timestamp, _ name: String, _ permit: Permit<ManageKeys>, _ action: String,
        holds: (inout [KeySet.Hold], ClosedRange<Int64>) -> Void, hour change: (inout [String]) -> Bool
    ) async throws(VaultError) -> Int {
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            guard (1...255).contains(name.utf8.count) else { throw VaultError(.invalidName) }
            let hours = first.microseconds / 3_600_000_000...max(first, last).microseconds / 3_600_000_000
            guard hours.count <= 100_000 else { throw VaultError(.tooLarge) }
            let details = ["hold": name, "from": first.description, "through": last.description]
            // From now on for the hours that are still to come.
            try await changeHolds(context, authority.entry(action, permit, details: details)) { all in
                holds(&all, hours)
            }
            let level = [context.environment.rawValue, KeyPlace.Level.hour.rawValue]
            let prefix = tree.sets.key(Partition(context.workspace), level)
            var count = 0
            try await eachRecord(under: prefix) { (entry) throws(VaultError) in
                guard let place = KeyPlace(entry.key, under: prefix, context, .hour), case .hour(let hour) = place.leaf,
                    hours.contains(hour)
                else { return }
                if try await pin(place, change) { count += 1 }
            }
            return count
        }
    }

    /// Changes the holds of an environment, with the entry.
    private func changeHolds(
        _ context: MainKeyContext, _ entry: AuditEntry, _ change: (inout [KeySet.Hold]) -> Void
    ) async throws(VaultError) {
        let place = KeyPlace(context)
        try await withView(context) { (view) throws(VaultError) -> Void? in
            guard var set = try await tree.environmentSet(context, view) else {
                throw VaultError(.cannotOpen, .missing)
            }
            let before = set.holds
            change(&set.holds)
            guard set.holds.count <= max(KeySet.maximumHolds, before.count) else { throw VaultError(.tooLarge) }
            let next = set
            let isDone = try await store.transaction {
                (transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard try await tree.expect(view, context, in: &transaction) else { return false }
                if next.holds != before {
                    try await tree.sets.write(next, place.partition, place.ids, in: &transaction)
                }
                try transaction.record(entry, in: authority.trail)
                return true
            }
            return isDone ? () : nil
        }
    }

    private func pin(_ place: KeyPlace, _ change: (inout [String]) -> Bool) async throws(VaultError) -> Bool {
        try await withView(place.context) { (view) throws(VaultError) in
            guard var set = try await tree.set(of: place, view), let version = set.currentVersion, version.state.opens
            else { return false }
            // What is over stays over.
            let isOver = version.due.map { view.ledger.isOver($0, authority.time.now) } ?? false
            guard !isOver || !set.pins.isEmpty, change(&set.pins) else { return false }
            set.wasPinned = true
            let next = set
            return try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard try await tree.expect(view, place.context, in: &transaction) else { return nil as Bool? }
                try await tree.sets.write(next, place.partition, place.ids, in: &transaction)
                return true
            }
        }
    }

    /// The key of an hour; made, with the day on which it expires, when it is missing.
    private func hourKey(
        _ place: KeyPlace, _ permit: Permit<RunJob>, _ action: String
    ) async throws(VaultError) -> OpenKey {
        try await sealing(place) { (_) throws(VaultError) in
            let view = try await tree.view(of: place.context)
            if let version = try await tree.set(of: place, view)?.currentVersion {
                // The clock was put back: what was sealed now would never open.
                if version.due.map({ view.ledger.isOver($0, authority.time.now) }) == true {
                    throw VaultError(.keyClosed, .closed)
                }
                // One whose environment key was compromised has another in its place.
                if let key = try? await tree.key(place, .current, view).key {
                    try await record(action, permit, ["key": key.id])
                    return .done(key)
                }
            }
            guard case .hour(let hour) = place.leaf, let plan = try await plan(place) else {
                return .changed
            }
            let due = Timestamp(microseconds: (hour + 1 + Int64(jobDataHours)) * 3_600_000_000)
            guard !plan.view.ledger.isOver(due, authority.time.now) else { throw VaultError(.keyClosed, .closed) }
            let made = plan.drafts.map(\.draft.id).joined(separator: ",")
            let entry = authority.entry(action, permit, details: ["key": plan.key.id, "keysMade": made])
            let holds = try await tree.environmentSet(place.context, plan.view)?.holds ?? []
            let pins = Set(holds.filter { $0.first <= hour && hour <= $0.last }.map(\.name)).sorted()
            let isDone = try await store.transaction {
                (transaction: inout Transaction<VaultError>) throws(VaultError) -> Bool in
                guard try await tree.expect(plan.view, place.context, in: &transaction) else { return false }
                for (draft, before) in plan.drafts {
                    let isOwn = draft.place == place
                    try await tree.write(
                        draft, after: before, due: isOwn ? due : nil, pins: isOwn ? pins : [], in: &transaction)
                }
                transaction.write(DueKey.key(due, place), DueKey().recordBytes(schema: 1))
                try transaction.record(entry, in: authority.trail)
                return true
            }
            guard isDone else { return .changed }
            for (draft, _) in plan.drafts { tree.cache.insert(draft) }
            return .done(plan.key)
        }
    }

    private func open(
        _ data: SealedJobData, _ job: Identifier<Job>, _ permit: Permit<RunJob>, _ place: KeyPlace
    ) async throws(VaultError) -> SecretBytes {
        let key = try await jobKey(job, try await hourKey(of: data, place))
        return try crypto { () throws(CryptoError) in
            try Envelope.openAlone(data.bytes, with: key, Self.additionalData(job, permit.context.scope.project, place))
        }
    }

    /// The key of the hour that data of a job names, unless it is over.
    private func hourKey(of data: SealedJobData, _ place: KeyPlace) async throws(VaultError) -> OpenKey {
        guard data.hour >= 0, let commitment = Envelope.commitment(ofLone: data.bytes) else {
            throw VaultError(.cannotOpen, .tampered)
        }
        return try await withView(place.context) { (view) throws(VaultError) in
            guard let set = try await tree.set(of: place, view) else { throw VaultError(.cannotOpen, .missing) }
            let isOver = set.currentVersion?.due.map { view.ledger.isOver($0, authority.time.now) } ?? false
            guard !isOver || !set.pins.isEmpty else { throw VaultError(.cannotOpen, .closed) }
            return try await tree.key(place, .commitment(commitment), view).key
        }
    }

    /// The key of a job, which follows from its hour's. Its envelopes name the hour's key.
    private func jobKey(_ job: Identifier<Job>, _ hour: OpenKey) async throws(VaultError) -> OpenKey {
        try crypto { () throws(CryptoError) in try hour.derived(for: job) }
    }

    private static func additionalData(
        _ job: Identifier<Job>, _ project: Identifier<Project>?, _ place: KeyPlace
    ) -> [UInt8] {
        var encoding = CanonicalBytes(label: "reeve/vault/job-data/1")
        place.add(to: &encoding)
        encoding.add(job)
        encoding.add(project?.description)
        return encoding.bytes
    }
}
