// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage
import Synchronization

/// The hierarchy: main key, environment key, then the keys of connections and hours (clause S3.3). Says which key may be
/// used, unwraps it and keeps it for a while.
final class KeyTree: Sendable {
    /// What the store and the ledger say of a workspace's keys at one time.
    struct View: Sendable {
        /// `nil` while the workspace has no keys.
        let control: ControlSnapshot?
        let ledger: KeyLedger.View
    }

    /// Which of a place's keys.
    enum Which {
        /// The one that seals.
        case current
        /// The one that sealed something, by its full commitment.
        case commitment(Digest)
    }

    private struct Sets {
        var known: [KeyPlace: (reference: ControlReference, set: KeySet)] = [:]
    }

    let store: any Store
    let time: any TimeSource
    let lifetime: Duration
    let control: ControlCache
    let controlKeys: any ControlKeys
    let sets: AuthenticatedTable<KeySet>
    let mainKeys: MainKeys
    let gate: MainKeyGate
    let cache: KeyCache
    let ledger: KeyLedger
    private let known = Mutex(Sets())
    private static let maximumSets = 50_000

    init(
        store: any Store, time: any TimeSource, mainKeys: MainKeys, control keys: any ControlKeys,
        ledger: AnchorLedger, configuration: Vault.Configuration
    ) {
        self.store = store
        self.time = time
        self.mainKeys = mainKeys
        lifetime = .seconds(configuration.keyLifetimeSeconds)
        controlKeys = keys
        control = ControlCache(store: store, keys: keys)
        sets = AuthenticatedTable("vault.keys", keys: keys, cache: control)
        gate = MainKeyGate(
            time: time,
            limits: .init(
                timeout: .seconds(configuration.mainKeyTimeoutSeconds), callsAtOnce: configuration.mainKeyCallsAtOnce))
        cache = KeyCache(time: time, capacity: configuration.cachedKeys)
        self.ledger = KeyLedger(ledger, time: time, freshness: min(lifetime, .seconds(1)), lifetime: lifetime)
    }

    // MARK: What may be used

    /// What store and ledger say now.
    func view(of context: MainKeyContext) async throws(VaultError) -> View {
        let said = try await ledger.view(at: time.uptime)
        let snapshot = try await vault { () throws(StoreError) in
            try await control.snapshot(of: Partition(context.workspace))
        }
        // Keys that were there and are gone altogether.
        guard snapshot != nil || !said.opened.contains(Self.workspaceName(context)) else {
            throw VaultError(.cannotOpen, .tampered)
        }
        return View(control: snapshot, ledger: said)
    }

    static func workspaceName(_ context: MainKeyContext) -> String { "vault/\(context.workspace)" }

    /// The keys of a place; `nil` when it has none.
    func set(of place: KeyPlace, _ view: View) async throws(VaultError) -> KeySet? {
        try await referredSet(of: place, view)?.set
    }

    /// The keys of a place, and what the head says of their record: with an equal reference they are the same.
    func referredSet(
        of place: KeyPlace, _ view: View
    ) async throws(VaultError) -> (reference: ControlReference, set: KeySet)? {
        guard let snapshot = view.control else { return nil }
        return try await vault { () throws(StoreError) in
            let key = sets.key(place.partition, place.ids)
            guard let reference = try await control.reference(of: key, under: snapshot) else { return nil }
            if let known = known.withLock({ $0.known[place] }), known.reference == reference { return known }
            let set = try await control.value(of: sets, key, reference, under: snapshot)
            known.withLock { sets in
                if sets.known.count >= Self.maximumSets { sets.known.removeAll() }
                sets.known[place] = (reference, set)
            }
            return (reference, set)
        }
    }

    /// All places of an environment that have keys, as the head has them.
    func places(of context: MainKeyContext, _ view: View) async throws(VaultError) -> [KeyPlace] {
        guard let snapshot = view.control else { return [] }
        var places: [KeyPlace] = []
        for level in KeyPlace.Level.below {
            let prefix = sets.key(Partition(context.workspace), [context.environment.rawValue, level.rawValue])
            places += try await vault { () throws(StoreError) in try await control.keys(under: prefix, snapshot) }
                .compactMap { KeyPlace($0, under: prefix, context, level) }
        }
        return places
    }

    /// The keys of a place, read again whatever is known of them.
    func freshSet(of place: KeyPlace, _ view: View) async throws(VaultError) -> KeySet? {
        known.withLock { $0.known[place] = nil }
        return try await set(of: place, view)
    }

    /// A key, unwrapped again whatever is kept of it; every one above it is checked as well.
    func freshKey(_ place: KeyPlace, _ version: KeySet.Version, _ view: View) async throws(VaultError) -> OpenKey {
        guard let above = try await environmentSet(place.context, view) else { throw VaultError(.cannotOpen, .missing) }
        let entry = try await unwrap(place, version, above, view)
        try checkParent(of: entry, above, place, view)
        return entry.key
    }

    /// The keys of an environment, once it is certain that the ledger has not lost what closes some of them.
    func environmentSet(_ context: MainKeyContext, _ view: View) async throws(VaultError) -> KeySet? {
        guard let set = try await set(of: KeyPlace(context), view) else { return nil }
        if let lines = set.ledgerLines {
            // Written after this view was taken, or lost.
            let known = lines > Int64(view.ledger.lines) ? try await ledger.read() : view.ledger
            let mark = known.mark(after: Int(clamping: lines))
            guard lines <= Int64(known.lines), mark == set.ledgerMark else { throw VaultError(.ledgerBehind) }
        }
        return set
    }

    /// Throws unless a key may open what it sealed.
    func check(_ version: KeySet.Version, of place: KeyPlace, _ view: View) throws(VaultError) {
        guard version.state.opens, view.ledger.closure(of: place, version) == nil else {
            throw VaultError(.cannotOpen, .closed)
        }
    }

    // MARK: Opening

    /// A key, unwrapped; every one above it is checked as well.
    func key(_ place: KeyPlace, _ which: Which, _ view: View) async throws(VaultError) -> KeyCache.Entry {
        guard let above = try await environmentSet(place.context, view) else { throw VaultError(.cannotOpen, .missing) }
        let own: KeySet
        if place.parent == nil {
            own = above
        } else {
            guard let set = try await set(of: place, view) else { throw VaultError(.cannotOpen, .missing) }
            own = set
        }
        let version: KeySet.Version?
        switch which {
        case .current: version = own.currentVersion
        case .commitment(let commitment): version = own.version(of: commitment)
        }
        guard let version else { throw VaultError(.cannotOpen, .unknownKey) }
        try check(version, of: place, view)
        if case .current = which, version.state != .active { throw VaultError(.keyClosed, .closed) }
        let id = KeyCache.ID(place: place, commitment: version.commitment)
        let (uptime, now) = (time.uptime, time.now)
        if let hit = cache.entry(id, uptime, now), (try? checkParent(of: hit, above, place, view)) != nil {
            if uptime < hit.refresh { return hit }
            // Once the key above has been asked for again, this one is unwrapped anew under it.
            if refreshWhenDue(id, hit, above, view, uptime, now) { return hit }
        }
        let entry: KeyCache.Entry
        if place.parent == nil {
            entry = try await cache.load(id) { () throws(VaultError) in
                try await self.unwrap(place, version, above, view)
            }
        } else {
            entry = try await cache.loadAlone(id) { () throws(VaultError) in
                try await unwrap(place, version, above, view)
            }
        }
        // An answer that took longer than the lifetime came too late.
        guard !entry.deadline.isOver(time.uptime, time.now) else { throw VaultError(.mainKeyUnavailable) }
        try checkParent(of: entry, above, place, view)
        return entry
    }

    /// The key that an entry was unwrapped under may be closed by now.
    private func checkParent(
        of entry: KeyCache.Entry, _ above: KeySet, _ place: KeyPlace, _ view: View
    ) throws(VaultError) {
        guard let parent = entry.parent else { return }
        guard let version = above.version(of: parent) else { throw VaultError(.cannotOpen, .wrongKey) }
        try check(version, of: KeyPlace(place.context), view)
    }

    /// Asks a main key again before the time of an environment's key is over, while that is still used; `false` when it was
    /// asked already.
    private func refreshWhenDue(
        _ id: KeyCache.ID, _ hit: KeyCache.Entry, _ above: KeySet, _ view: View, _ uptime: Duration, _ now: Timestamp
    ) -> Bool {
        let environment = KeyCache.ID(place: KeyPlace(id.place.context), commitment: hit.parent ?? id.commitment)
        guard let version = above.version(of: environment.commitment) else { return true }
        let entry = hit.parent == nil ? hit : cache.entry(environment, uptime, now)
        if let entry, uptime < entry.refresh { return false }
        Task {
            _ = try? await cache.load(environment) { () throws(VaultError) in
                try await self.unwrap(environment.place, version, above, view)
            }
        }
        return true
    }

    private func unwrap(
        _ place: KeyPlace, _ version: KeySet.Version, _ above: KeySet, _ view: View
    ) async throws(VaultError) -> KeyCache.Entry {
        let deadline = KeyCache.Deadline(from: time.uptime, time.now, for: lifetime)
        let record = try await vault { () throws(StoreError) in
            try await KeyRecord.table.read(place.partition, KeyRecord.ids(place, version.generation), in: store)
        }
        guard let record else { throw VaultError(.cannotOpen, .missing) }
        guard record.commitment == version.commitment, record.generation == version.generation else {
            throw VaultError(.cannotOpen, .tampered)
        }
        switch record.wrapper {
        case .mainKey(let reference):
            guard place.parent == nil else { throw VaultError(.cannotOpen, .tampered) }
            let key = try await unwrap(record, place, reference)
            return KeyCache.Entry(
                key: key, parent: nil, deadline: deadline, lifetime: lifetime,
                retires: record.retires)
        case .key(let parent, _):
            guard place.parent != nil else { throw VaultError(.cannotOpen, .tampered) }
            guard above.version(of: parent) != nil else { throw VaultError(.cannotOpen, .wrongKey) }
            let wrapping = try await self.key(KeyPlace(place.context), .commitment(parent), view)
            let key = try unwrap(record, place, under: wrapping.key)
            return KeyCache.Entry(
                key: key, parent: parent, deadline: deadline.limited(by: wrapping.deadline), lifetime: lifetime,
                retires: record.retires)
        }
    }

    /// Unwraps under a main key.
    func unwrap(_ record: KeyRecord, _ place: KeyPlace, _ reference: String) async throws(VaultError) -> OpenKey {
        let bundle = try await bundle(of: record, place, reference)
        return try crypto { () throws(CryptoError) in try OpenKey(bundle, of: record, at: place) }
    }

    /// The 64 bytes that a main key wrapped.
    func bundle(of record: KeyRecord, _ place: KeyPlace, _ reference: String) async throws(VaultError) -> SecretBytes {
        guard let mainKey = mainKeys.key(reference, for: place.context) else { throw VaultError(.mainKeyMissing) }
        do throws(MainKeyError) {
            return try await gate.unwrap(record.wrapped, mainKey, place.context)
        } catch {
            throw failure(error, place.context)
        }
    }

    func failure(_ error: MainKeyError, _ context: MainKeyContext) -> VaultError {
        switch error {
        case .denied:
            cache.deny(context)
            return VaultError(.mainKeyDenied)
        case .unavailable: return VaultError(.mainKeyUnavailable)
        case .notWrappedByThis: return VaultError(.cannotOpen, .tampered)
        }
    }

    /// Unwraps under an environment's key.
    func unwrap(_ record: KeyRecord, _ place: KeyPlace, under above: OpenKey) throws(VaultError) -> OpenKey {
        try crypto { () throws(CryptoError) in
            let data = try record.headerDigest(at: place).bytes
            let bundle = try above.handle.open(record.wrapped[...], authenticating: data)
            return try OpenKey(bundle, of: record, at: place)
        }
    }

    /// Wraps a bundle under an environment's key.
    func wrap(
        _ bundle: borrowing SecretBytes, of record: KeyRecord, _ place: KeyPlace, under above: OpenKey
    ) throws(VaultError) -> [UInt8] {
        do throws(CryptoError) {
            let data = try record.headerDigest(at: place).bytes
            return try bundle.withLiveBytes { (span) throws(CryptoError) in
                try above.handle.seal(span, authenticating: data)
            }
        } catch {
            throw VaultError(error)
        }
    }

    // MARK: Errors

    func vault<R>(_ body: () async throws(StoreError) -> R) async throws(VaultError) -> R {
        do {
            return try await body()
        } catch {
            throw VaultError(error)
        }
    }
}

/// Runs what fails like the crypto engine in the vault's terms.
func crypto<R: ~Copyable>(_ body: () throws(CryptoError) -> R) throws(VaultError) -> R {
    do {
        return try body()
    } catch {
        throw VaultError(error)
    }
}
