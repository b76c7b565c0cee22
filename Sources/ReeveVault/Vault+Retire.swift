// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// How much is under one generation of a key.
public struct KeyUse: Hashable, Sendable {
    /// The key's id.
    public let id: String
    /// Counts the keys of its place.
    public let generation: Int64
    /// Where it stands.
    public let state: KeyState
    /// Since when.
    public let since: Timestamp
    /// Keys that an environment's key wraps; credentials that a connection's has sealed, those that still open beside the
    /// present one among them. What the host keeps is not counted.
    public internal(set) var count: Int
}

/// How earlier generations of keys are given up.
extension Vault {
    /// How much is under each generation of a key that is not destroyed, the earliest first. Complexity: O(keys of the
    /// environment) for an environment's, O(1) for a connection's.
    public func uses(of target: KeyTarget, _ permit: Permit<ManageKeys>) async throws(VaultError) -> [KeyUse] {
        let action = "vault.key.uses"
        let scope = permit.context.scope
        let context = try await enter(permit, action, target.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            let place = target.place(context)
            let uses = try await uses(of: try await present(place), place)
            try await record(action, permit, ["generations": String(uses.count)])
            return uses
        }
    }

    /// Destroys the generations of a key before the present one for good: what they sealed opens no more, from a backup neither.
    /// Returns how many there were.
    ///
    /// Throws ``VaultError/Code/stillNeeded`` while something in the store is under one of them: ``rewrap(_:limit:)`` and
    /// ``reseal(_:limit:)`` change that. What the host has kept under one (``seal(_:named:for:_:)``) must be sealed anew before.
    @discardableResult
    public func retireEarlierKeys(
        of target: KeyTarget, _ permit: Permit<ManageKeys>
    ) async throws(VaultError) -> Int {
        let action = "vault.key.retire"
        let scope = permit.context.scope
        let context = try await enter(permit, action, target.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            let place = target.place(context)
            let count = try await retire(place, permit, action)
            // Also what a crash has left.
            try await deleteKeys(of: place)
            return count
        }
    }

    private func retire(
        _ place: KeyPlace, _ permit: Permit<ManageKeys>, _ action: String
    ) async throws(VaultError) -> Int {
        // What is under an environment's keys is counted beforehand: it takes a while, and others go on storing. What they make
        // meanwhile comes under the present key.
        let counted = place.parent == nil ? try await present(place) : nil
        if let counted { try await checkThatNoneIsNeeded(counted, place) }
        return try await withView(place.context) { (view) throws(VaultError) in
            guard try await tree.environmentSet(place.context, view) != nil,
                let set = try await tree.set(of: place, view), let current = set.currentVersion
            else { throw VaultError(.cannotOpen, .missing) }
            guard current.state == .active, view.ledger.closure(of: place, current) == nil else {
                throw VaultError(.wrongState, .closed)
            }
            if let counted {
                guard counted.versions == set.versions else { throw VaultError(.changedMeanwhile) }
            } else {
                try await checkThatNoneIsNeeded(set, place)
                // All that was looked at is of one time.
                guard try await isCurrent(view) else { return nil }
            }
            let earlier = set.versions.filter { $0.generation < current.generation && $0.state != .destroyed }
            var ledger = view.ledger
            // The ledger first, as with everything that closes.
            if !earlier.isEmpty, (ledger.floors[place.name] ?? 0) < current.generation {
                ledger = try await tree.ledger.append(.floor(place.name, generation: current.generation))
            }
            let gone = Set(earlier.map(\.commitment))
            tree.cache.evict { $0.place == place && gone.contains($0.commitment) }
            let (known, instant) = (ledger, authority.time.now)
            return try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard try await tree.expect(view, place.context, in: &transaction) else { return nil as Int? }
                var next = set
                for version in earlier {
                    next.update(version.generation) { ($0.state, $0.since, $0.due) = (.destroyed, instant, nil) }
                }
                if !earlier.isEmpty { try await write(next, place, known, in: &transaction) }
                let details = ["keys": earlier.suffix(20).map(\.id).joined(separator: ","), "of": place.name]
                try transaction.record(authority.entry(action, permit, details: details), in: authority.trail)
                return earlier.count
            }
        }
    }

    private func present(_ place: KeyPlace) async throws(VaultError) -> KeySet {
        let set: KeySet? = try await withView(place.context) { (view) throws(VaultError) in
            .some(try await tree.set(of: place, view))
        }
        guard let set else { throw VaultError(.cannotOpen, .missing) }
        return set
    }

    private func checkThatNoneIsNeeded(_ set: KeySet, _ place: KeyPlace) async throws(VaultError) {
        // What a compromised key wrapped opens no more, whatever becomes of it.
        let isNeeded = { (use: KeyUse) in
            use.generation != set.current && use.count > 0 && use.state != .compromised
        }
        guard try await !uses(of: set, place).contains(where: isNeeded) else { throw VaultError(.stillNeeded) }
    }

    private func uses(of set: KeySet, _ place: KeyPlace) async throws(VaultError) -> [KeyUse] {
        var counts: [Digest: Int] = [:]
        let environment = place.context.environment
        if case .connection(let connection) = place.leaf {
            let ids = CredentialRow.ids(environment, connection)
            do throws(StoreError) {
                if let row = try await CredentialRow.table.read(place.partition, ids, in: store) {
                    counts[row.key, default: 0] += 1
                }
                for past in set.past {
                    let row = try await CredentialRow.past.read(
                        place.partition, ids + [KeyPlace.digits(past.generation)], in: store)
                    if let row { counts[row.key, default: 0] += 1 }
                }
            } catch {
                throw VaultError(error)
            }
        } else {
            for level in KeyPlace.Level.below {
                let prefix = KeyRecord.table.key(place.partition, [environment.rawValue, level.rawValue])
                try await eachRecord(under: prefix) { (entry) throws(VaultError) in
                    // One that cannot be read may be under any of them.
                    let record: KeyRecord
                    do throws(StoreError) {
                        record = try KeyRecord.table.value(of: entry.record.bytes, at: entry.key)
                    } catch {
                        throw VaultError(error)
                    }
                    guard case .key(let parent, _) = record.wrapper else { throw VaultError(.cannotOpen, .tampered) }
                    counts[parent, default: 0] += 1
                }
            }
        }
        return set.versions.filter { $0.state != .destroyed }.map { version in
            KeyUse(
                id: version.id, generation: version.generation, state: version.state, since: version.since,
                count: counts[version.commitment] ?? 0)
        }
    }

    /// All records under a prefix, in order, page by page.
    func eachRecord(
        under prefix: Key, _ body: (Entry) async throws(VaultError) -> Void
    ) async throws(VaultError) {
        var range = KeyRange(under: prefix)
        while true {
            let page: [Entry]
            do throws(StoreError) {
                page = try await store.records(in: range, limit: 200)
            } catch {
                throw VaultError(error)
            }
            for entry in page { try await body(entry) }
            guard page.count == 200, let last = page.last else { return }
            range = range.after(last.key)
        }
    }
}
