// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
import ReeveModel
public import ReeveStorage

/// How keys change.
///
/// A rotation adds a new generation, which seals from then on; what the one before sealed or wrapped stays as it is until
/// ``rewrap(_:limit:)`` has passed over it.
extension Vault {
    /// Makes a new generation of a key. A connection's credential is sealed under it at once.
    @discardableResult
    public func rotate(_ target: KeyTarget, _ permit: Permit<ManageKeys>) async throws(VaultError) -> Receipt {
        let action = "vault.key.rotate"
        let scope = permit.context.scope
        let context = try await enter(permit, action, target.resource(in: scope), scope)
        let place = target.place(context)
        let draft = try await recorded(permit, action) { () throws(VaultError) in
            try await making.run(context) { () throws(VaultError) in
                try await rotate(place, permit, action)
            }
        }
        var generation: Int64 = 0
        if case .connection(let connection) = target {
            // What fails here is done by the next rewrap.
            generation = (try? await reseal(connection, context)) ?? 0
        }
        return Receipt(keysMade: [draft.id], sealedUnder: draft.id, generation: generation)
    }

    private func rotate(
        _ place: KeyPlace, _ permit: Permit<ManageKeys>, _ action: String
    ) async throws(VaultError) -> KeyTree.Draft {
        try await withView(place.context) { (view) throws(VaultError) in
            guard try await tree.environmentSet(place.context, view) != nil,
                let set = try await tree.set(of: place, view)
            else { throw VaultError(.cannotOpen, .missing) }
            guard let current = set.currentVersion, current.state == .active else {
                throw VaultError(.wrongState, .closed)
            }
            try tree.check(current, of: place, view)
            let draft: KeyTree.Draft
            if place.parent == nil {
                draft = try await tree.draft(place.context, generation: set.nextGeneration)
            } else {
                let above = try await tree.key(KeyPlace(place.context), .current, view)
                draft = try tree.draft(place, generation: set.nextGeneration, under: above)
            }
            let made = try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard try await tree.expect(view, place.context, in: &transaction) else { return nil as KeyTree.Draft? }
                try await tree.write(draft, after: set, in: &transaction)
                let details = ["key": draft.id, "generation": String(draft.record.generation), "of": place.name]
                try transaction.record(authority.entry(action, permit, details: details), in: authority.trail)
                return draft
            }
            if let made { tree.cache.insert(made) }
            return made
        }
    }

    /// Wraps keys of an environment that are still under an earlier key of it; at most `limit` of each kind at this call: of
    /// connections, hours and indexes. The permit is for
    /// the environment's keys.
    ///
    /// It goes on where the last call or another process stopped, and changes nothing of what is under the present key.
    /// Throws ``VaultError/Code/busy`` while another process is at it.
    @discardableResult
    public func rewrap(_ permit: Permit<ManageKeys>, limit: Int = .max) async throws(VaultError) -> Sweep.Report {
        try await sweep(permit, "vault.key.rewrap") { (context) throws(VaultError) in
            try await rewrapKeys(context, limit)
        }
    }

    /// Seals credentials that are still under an earlier key of their connection; otherwise as ``rewrap(_:limit:)``.
    ///
    /// ``rotate(_:_:)`` does so itself; this is for what it could not do.
    @discardableResult
    public func reseal(_ permit: Permit<ManageKeys>, limit: Int = .max) async throws(VaultError) -> Sweep.Report {
        try await sweep(permit, "vault.credential.reseal") { (context) throws(VaultError) in
            try await resealCredentials(context, limit)
        }
    }

    private func sweep(
        _ permit: Permit<ManageKeys>, _ action: String,
        _ body: (MainKeyContext) async throws(VaultError) -> Sweep.Report?
    ) async throws(VaultError) -> Sweep.Report {
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            // The entry first: a crash leaves no work without one.
            try await record(action, permit)
            guard let report = try await body(context) else { throw VaultError(.busy) }
            return report
        }
    }

    /// Wraps an environment's keys under the main key in force, where another one wrapped them. The permit is for the
    /// environment's keys. Nothing below changes, and the other main key is needed until this is done.
    ///
    /// A main key that does not give back what it wraps is refused before anything is changed. Returns the number of keys that
    /// were wrapped anew.
    @discardableResult
    public func repack(_ permit: Permit<ManageKeys>) async throws(VaultError) -> Int {
        let action = "vault.key.repack"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            try await making.run(context) { () throws(VaultError) in try await repack(context, permit, action) }
        }
    }

    private func repack(
        _ context: MainKeyContext, _ permit: Permit<ManageKeys>, _ action: String
    ) async throws(VaultError) -> Int {
        let place = KeyPlace(context)
        guard let mainKey = tree.mainKeys.current(for: context) else { throw VaultError(.mainKeyMissing) }
        let instant = authority.time.now
        var rest: [StoredKey] = []
        // Asked for once, however often other processes change the workspace meanwhile.
        var first: (stored: StoredKey, next: KeyRecord)?
        // The first with the entry: what a crash leaves undone the next call does.
        let count = try await withView(context) { (view) throws(VaultError) -> Int? in
            guard let set = try await tree.environmentSet(context, view) else {
                throw VaultError(.cannotOpen, .missing)
            }
            rest = try await records(of: set, place, notUnder: mainKey.reference)
            let count = rest.count
            if let stored = rest.first, first?.stored.bytes != stored.bytes {
                // One alone is wrapped and unwrapped before anything is changed: that is trial enough.
                if count > 1, first == nil { try await tree.probe(mainKey, context) }
                let next = try await tree.repacked(stored.record, place, from: stored.mainKey, to: mainKey)
                first = (stored, next)
            }
            let details = ["keys": String(count), "mainKey": mainKey.reference]
            let entry = authority.entry(action, permit, details: details)
            guard count > 0, let (stored, next) = first else {
                return try await change(view, set, place, entry, mayEnd: true) ? 0 : nil
            }
            // From now on backups need this main key.
            let isDone = try await change(view, set, place, entry, stored, next, mayEnd: count == 1) { set in
                set.wrap(under: mainKey.reference, at: instant)
            }
            return isDone ? count : nil
        }
        for (index, stored) in rest.enumerated().dropFirst() {
            let next = try await tree.repacked(stored.record, place, from: stored.mainKey, to: mainKey)
            if index < rest.count - 1 {
                try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                    try await replace(stored, by: next, in: &transaction)
                }
                continue
            }
            // From now on backups do not need the main keys before it any more.
            try await withView(context) { (view) throws(VaultError) -> Void? in
                guard let set = try await tree.set(of: place, view) else { throw VaultError(.cannotOpen, .missing) }
                let isDone = try await change(view, set, place, nil, stored, next, mayEnd: true) { set in
                    set.wrap(under: mainKey.reference, at: instant)
                }
                return isDone ? () : nil
            }
        }
        return count
    }

    /// A key as the store has it.
    private struct StoredKey {
        let key: Key
        let bytes: [UInt8]
        let record: KeyRecord
        let mainKey: String
    }

    /// The keys of a set that are under another main key.
    private func records(
        of set: KeySet, _ place: KeyPlace, notUnder mainKey: String
    ) async throws(VaultError) -> [StoredKey] {
        var records: [StoredKey] = []
        for version in set.versions where version.state != .destroyed {
            guard let stored = try await record(place, version.generation),
                stored.record.commitment == version.commitment
            else { throw VaultError(.cannotOpen, .tampered) }
            if !stored.mainKey.isIdentical(to: mainKey) { records.append(stored) }
        }
        return records
    }

    /// The wrapped key of an environment; `nil` when there is none, or none under a main key.
    private func record(_ place: KeyPlace, _ generation: Int64) async throws(VaultError) -> StoredKey? {
        do throws(StoreError) {
            let key = KeyRecord.table.key(place.partition, KeyRecord.ids(place, generation))
            guard let bytes = try await store.record(for: key)?.bytes else { return nil }
            let record = try KeyRecord.table.value(of: bytes, at: key)
            guard case .mainKey(let reference) = record.wrapper else { return nil }
            return StoredKey(key: key, bytes: bytes, record: record, mainKey: reference)
        } catch {
            throw VaultError(error)
        }
    }

    /// Writes a wrapped key in place of another; throws when that changed meanwhile.
    private func replace(
        _ stored: StoredKey, by next: KeyRecord, in transaction: inout Transaction<VaultError>
    ) async throws(VaultError) {
        guard try await transaction.read(stored.key) == stored.bytes else { throw VaultError(.changedMeanwhile) }
        do throws(StoreError) {
            transaction.write(stored.key, try KeyRecord.table.encode(next, stored.key, replacing: stored.bytes))
        } catch {
            throw VaultError(error)
        }
    }

    /// Changes what is known of a place's keys, and one of them, with an entry or without; `mayEnd` looks which main keys are
    /// not needed any more. Returns `false` when it is to be looked again.
    private func change(
        _ view: KeyTree.View, _ set: KeySet, _ place: KeyPlace, _ entry: AuditEntry?, _ stored: StoredKey? = nil,
        _ next: KeyRecord? = nil, mayEnd: Bool, _ body: (inout KeySet) -> Void = { _ in }
    ) async throws(VaultError) -> Bool {
        var changed = set
        body(&changed)
        if mayEnd {
            // A key that another process made meanwhile may still be under one.
            let needed = try await mainKeys(of: set, place, except: stored?.record.generation)
            changed.endMainKeys(notIn: needed, at: authority.time.now)
        }
        let known = changed
        return try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
            guard try await tree.expect(view, place.context, in: &transaction) else { return false }
            if known != set { try await tree.sets.write(known, place.partition, place.ids, in: &transaction) }
            if let stored, let next { try await replace(stored, by: next, in: &transaction) }
            if let entry { try transaction.record(entry, in: authority.trail) }
            return true
        }
    }

    /// The main keys that a set's keys are under, but for one that is being wrapped anew.
    private func mainKeys(of set: KeySet, _ place: KeyPlace, except one: Int64?) async throws(VaultError) -> [String] {
        var references: [String] = []
        for version in set.versions where version.state != .destroyed && version.generation != one {
            if let stored = try await record(place, version.generation) { references.append(stored.mainKey) }
        }
        return references
    }

    private func rewrapKeys(_ context: MainKeyContext, _ limit: Int) async throws(VaultError) -> Sweep.Report? {
        var keys = try await wrappingKeys(context)
        let partition = Partition(context.workspace)
        var reports: [Sweep.Report] = []
        for level in KeyPlace.Level.below {
            let prefix = KeyRecord.table.key(partition, [context.environment.rawValue, level.rawValue])
            let sweep = Sweep(
                "vault.rewrap/\(context.environment.rawValue)/\(level.rawValue)", over: KeyRange(under: prefix),
                in: partition, batch: Self.sweepBatch)
            let report = try await sweep.run(with: leases, limit: limit) {
                (key: Key, bytes: [UInt8], transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard let record = try? KeyRecord.table.value(of: bytes, at: key),
                    case .key(let parent, _) = record.wrapper,
                    let place = KeyPlace(key, under: prefix, context, level)
                else { return .failed }
                // No longer than each may be used: a main key that refuses, and a closure, stop the work.
                if keys.areOver(tree.cache.serial, authority.time) { keys = try await wrappingKeys(context) }
                if parent == keys.current.key.commitment { return .unchanged }
                if keys.earlier[parent] == nil {
                    keys.earlier[parent] = try? await tree.key(KeyPlace(context), .commitment(parent), keys.view)
                }
                guard let old = keys.earlier[parent],
                    let next = try? tree.rewrapped(record, place, key, from: old.key, to: keys.current.key)
                else { return .failed }
                transaction.write(key, next.recordBytes(schema: KeyRecord.table.schema))
                return .changed
            }
            guard let report else { return nil }
            reports.append(report)
        }
        return reports.dropFirst().reduce(reports[0]) { $0.adding($1) }
    }

    /// An environment's keys while a sweep works with them.
    private struct WrappingKeys {
        let view: KeyTree.View
        let current: KeyCache.Entry
        let serial: UInt64
        var earlier: [Digest: KeyCache.Entry] = [:]

        func areOver(_ serial: UInt64, _ time: any TimeSource) -> Bool {
            let (uptime, now) = (time.uptime, time.now)
            return serial != self.serial || current.deadline.isOver(uptime, now)
                || earlier.values.contains { $0.deadline.isOver(uptime, now) }
        }
    }

    private func wrappingKeys(_ context: MainKeyContext) async throws(VaultError) -> WrappingKeys {
        let serial = tree.cache.serial
        return try await withView(context) { (view) throws(VaultError) in
            let current = try await tree.key(KeyPlace(context), .current, view)
            return WrappingKeys(view: view, current: current, serial: serial)
        }
    }

    private func resealCredentials(_ context: MainKeyContext, _ limit: Int) async throws(VaultError) -> Sweep.Report? {
        let partition = Partition(context.workspace)
        var reports: [Sweep.Report] = []
        for table in [CredentialRow.table, CredentialRow.past] {
            let prefix = table.key(partition, [context.environment.rawValue])
            let sweep = Sweep(
                "\(table.name == CredentialRow.past.name ? "vault.resealPast" : "vault.reseal")/\(context.environment.rawValue)",
                over: KeyRange(under: prefix), in: partition, batch: Self.sweepBatch)
            let report = try await sweep.run(with: leases, limit: limit) {
                (key: Key, bytes: [UInt8], transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard let row = try? table.value(of: bytes, at: key),
                    case .connection(let connection)? = KeyPlace(key, under: prefix, context, .connection)?.leaf,
                    let next = try? await resealed(row, connection, context)
                else { return .failed }
                guard next != row else { return .unchanged }
                transaction.write(key, next.recordBytes(schema: table.schema))
                return .changed
            }
            guard let report else { return nil }
            reports.append(report)
        }
        return reports[0].adding(reports[1])
    }

    /// Seals a connection's credential under its present key; returns its generation.
    private func reseal(_ connection: Identifier<Connection>, _ context: MainKeyContext) async throws(VaultError)
        -> Int64
    {
        let (partition, ids) = (Partition(context.workspace), CredentialRow.ids(context.environment, connection))
        return try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
            guard let row = try await CredentialRow.table.read(partition, ids, in: &transaction) else { return 0 }
            let next = try await resealed(row, connection, context)
            if next != row { try await CredentialRow.table.write(next, partition, ids, in: &transaction) }
            return next.generation
        }
    }

    private func resealed(
        _ row: CredentialRow, _ connection: Identifier<Connection>, _ context: MainKeyContext
    ) async throws(VaultError) -> CredentialRow {
        let place = KeyPlace(context, .connection(connection))
        return try await withView(context) { (view) throws(VaultError) in
            guard let set = try await tree.set(of: place, view), let version = set.currentVersion else {
                throw VaultError(.cannotOpen, .missing)
            }
            guard version.commitment != row.key else { return row }
            let old = try await tree.key(place, .commitment(row.key), view).key
            let new = try await tree.key(place, .current, view).key
            let data = row.additionalData(context, connection)
            var next = row
            do throws(CryptoError) {
                let content = try Envelope.open(row.sealed, with: old, authenticated: Envelope.authenticated(old, data))
                next.key = new.commitment
                next.sealed = try Envelope.seal(content, with: new, data)
            } catch {
                throw VaultError(error)
            }
            return next
        }
    }

    private static var sweepBatch: Int { 90 }
}

extension Sweep.Report {
    fileprivate func adding(_ other: Sweep.Report) -> Sweep.Report {
        var sum = self
        sum.progress.completed += other.progress.completed
        sum.progress.failed += other.progress.failed
        sum.changed += other.changed
        sum.isFinished = isFinished && other.isFinished
        return sum
    }
}
