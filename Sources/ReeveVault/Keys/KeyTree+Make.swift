// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage

/// How new keys are made, and written with the sets that name them.
extension KeyTree {
    /// A new key, wrapped and unwrapped once, to be committed.
    struct Draft: Sendable {
        let place: KeyPlace
        let record: KeyRecord
        let entry: KeyCache.Entry
        /// How often the main key had refused before it was made.
        let denials: Int
        var version: KeySet.Version {
            KeySet.Version(
                generation: record.generation, commitment: record.commitment, state: .active, since: record.created)
        }
        var id: String { version.id }
    }

    /// A key's life until a new generation takes its place: a year (decided by whoever stores next).
    static let cryptoperiod = Duration.seconds(365 * 86_400)

    /// A new environment key under the main key in force.
    func draft(_ context: MainKeyContext, generation: Int64) async throws(VaultError) -> Draft {
        guard let mainKey = mainKeys.current(for: context) else { throw VaultError(.mainKeyMissing) }
        let (place, instant, denials) = (KeyPlace(context), time.now, cache.denials(of: context))
        let deadline = KeyCache.Deadline(from: time.uptime, instant, for: lifetime)
        let new = try crypto { () throws(CryptoError) in
            try NewKey(
                for: place, generation: generation, created: instant,
                retires: instant.advanced(by: Self.cryptoperiod), under: .mainKey(mainKey.reference))
        }
        var record = new.record
        do throws(MainKeyError) {
            record.wrapped = try await gate.wrap(new.taken(), mainKey, context)
        } catch {
            throw failure(error, context)
        }
        let key = try await unwrap(record, place, mainKey.reference)
        return Draft(
            place: place, record: record,
            entry: KeyCache.Entry(
                key: key, parent: nil, deadline: deadline, lifetime: lifetime,
                retires: record.retires), denials: denials)
    }

    /// A new key under an environment's.
    func draft(
        _ place: KeyPlace, generation: Int64, under above: KeyCache.Entry, retires: Timestamp? = nil
    ) throws(VaultError) -> Draft {
        let (instant, denials) = (time.now, cache.denials(of: place.context))
        let new = try crypto { () throws(CryptoError) in
            try NewKey(
                for: place, generation: generation, created: instant,
                retires: retires ?? instant.advanced(by: Self.cryptoperiod),
                under: .key(above.key.commitment, generation: above.key.generation))
        }
        var record = new.record
        record.wrapped = try wrap(new.bundle, of: record, place, under: above.key)
        let key = try unwrap(record, place, under: above.key)
        let deadline = KeyCache.Deadline(from: time.uptime, instant, for: lifetime).limited(by: above.deadline)
        return Draft(
            place: place, record: record,
            entry: KeyCache.Entry(
                key: key, parent: above.key.commitment, deadline: deadline, lifetime: lifetime,
                retires: record.retires), denials: denials)
    }

    /// Writes a new key and that it is the one in force; the one before opens only from then on.
    ///
    /// The set must be as it was when the key was drafted, which ``expect(_:_:_:)`` sees to.
    /// `row` is the generation of the credential that is sealed under it, `pins` are the holds on an hour.
    func write(
        _ draft: Draft, after before: KeySet?, row: Int64? = nil, due: Timestamp? = nil, pins: [String] = [],
        project: Identifier<Project>? = nil, in transaction: inout Transaction<VaultError>
    ) async throws(VaultError) {
        var set = before ?? KeySet(current: 0, versions: [])
        set.update(set.current) { version in
            guard version.state == .active else { return }
            version.state = .deactivated
            version.since = draft.record.created
        }
        var version = draft.version
        version.due = due
        set.append(version)
        if let row { set.row = row }
        if before == nil, !pins.isEmpty { (set.pins, set.wasPinned) = (pins, true) }
        if draft.place.parent == nil, set.ledgerLines == nil {
            // From the first key on: a ledger that is gone altogether is missed as well.
            let said = try await ledger.read()
            set.ledgerLines = Int64(said.lines)
            set.ledgerMark = said.mark(after: said.lines)
        }
        if case .mainKey(let reference) = draft.record.wrapper { set.wrap(under: reference, at: draft.record.created) }
        if before == nil { set.project = project }
        try await sets.write(set, draft.place.partition, draft.place.ids, in: &transaction)
        try KeyRecord.table.insert(
            draft.record, draft.place.partition, KeyRecord.ids(draft.place, draft.record.generation), in: &transaction)
    }

    /// Whether the workspace's authenticated records are still as a view has seen them, and stay so until the commit.
    func expect<Failure>(
        _ view: View, _ context: MainKeyContext, in transaction: inout Transaction<Failure>
    ) async throws(Failure) -> Bool {
        let partition = Partition(context.workspace)
        guard let snapshot = view.control else { return false }
        let position = try await ControlHead.position(of: partition, keys: controlKeys, control, in: &transaction)
        return position.epoch == snapshot.epoch && position.tag == snapshot.position
    }

    /// Makes the head of a workspace's authenticated records, and tells the ledger, before its first key is made.
    func makeHead(_ context: MainKeyContext) async throws(VaultError) {
        let partition = Partition(context.workspace)
        let name = Self.workspaceName(context)
        // The ledger first: somebody else may make it meanwhile.
        let wasOpened = try await ledger.read().opened.contains(name)
        if try await control(partition) == nil {
            guard !wasOpened else { throw VaultError(.cannotOpen, .tampered) }
            try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                try await ControlHead.createIfAbsent(partition, keys: controlKeys, in: &transaction)
            }
        }
        if try await !ledger.read().opened.contains(name) { try await ledger.append(.opened(name)) }
    }

    private func control(_ partition: Partition) async throws(VaultError) -> ControlSnapshot? {
        try await vault { () throws(StoreError) in try await control.snapshot(of: partition) }
    }
}
