// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// How far the anchor ledger had come: small enough to be kept where nobody puts it back together with the ledger.
public struct LedgerPosition: Hashable, Sendable, Codable {
    /// The number of its lines.
    public let lines: Int
    /// What stands for them all; `nil` when there was none.
    public let mark: Digest?

    /// A position that was kept.
    public init(lines: Int, mark: Digest?) {
        self.lines = lines
        self.mark = mark
    }
}

/// What a look at every key and credential has found.
public struct VaultVerification: Hashable, Sendable {
    /// One thing that is not as it should be.
    public struct Defect: Hashable, Sendable {
        /// What is wrong.
        public enum Kind: String, Hashable, Sendable, CaseIterable {
            /// A record was altered, put in another's place, or put back.
            case tampered
            /// A record that another one names is gone.
            case missing
            /// The store says open and the ledger says closed: the store was put back.
            case storeBehind
            /// The ledger has lost lines that the store knows of.
            case ledgerBehind
            /// A key is wrapped by a main key that is not known here.
            case mainKeyMissing
            /// A key that was due to be destroyed is still there: the background work does not run, or its list was changed.
            case overdue
            /// A main key refuses, does not answer, or gave back something else.
            case mainKeyFailed
        }
        /// What is wrong.
        public let kind: Kind
        /// With what: the name of a key's place, `vault/ws_…/production/connection/conn_…`.
        public let subject: String

        /// A defect.
        public init(_ kind: Kind, _ subject: String) {
            self.kind = kind
            self.subject = subject
        }
    }

    /// What was looked at: keys and credentials.
    public internal(set) var examined = 0
    /// What is wrong, in the order of the records.
    public internal(set) var defects: [Defect] = []
    /// How far the ledger has come; hold it elsewhere, and give it to the next ``Vault/verify(_:expecting:)``.
    public internal(set) var ledger = LedgerPosition(lines: 0, mark: nil)
}

extension Vault {
    /// Looks at every key and credential of an environment, and unwraps and opens each without lending anything. The permit is
    /// for the environment's keys.
    ///
    /// `expecting` is how far the ledger had come at an earlier time, kept elsewhere: with it, a store and a ledger that were put
    /// back together are found, also when the ledger has grown again since. What should have been destroyed an hour ago or more
    /// is found as well, and listed for the next round. Complexity: O(keys and credentials).
    public func verify(
        _ permit: Permit<ManageKeys>, expecting position: LedgerPosition? = nil
    ) async throws(VaultError) -> VaultVerification {
        let action = "vault.verify"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            var health = VaultVerification()
            let place = KeyPlace(context)
            do throws(VaultError) {
                let ledger = try await tree.ledger.read()
                health.ledger = LedgerPosition(lines: ledger.lines, mark: ledger.mark(after: ledger.lines))
                if let position, ledger.lines < position.lines || ledger.mark(after: position.lines) != position.mark {
                    health.defects.append(.init(.ledgerBehind, "ledger"))
                }
                let places = try await withView(context) { (view) throws(VaultError) in
                    try await tree.places(of: context, view)
                }
                for place in [place] + places { try await examine(place, &health) }
            } catch {
                guard let kind = error.defect else { throw error }
                health.defects.append(.init(kind, place.name))
            }
            let details = ["examined": String(health.examined), "defects": String(health.defects.count)]
            try await record(action, permit, details)
            return health
        }
    }

    /// Goes on with a ledger that has lost lines: what only those lines closed may open again. The permit is for the
    /// environment's keys, and where there are roles it takes approvals for ``ledgerLoss(in:)``.
    public func acceptLedgerLoss(
        _ permit: Permit<ManageKeys>, approved quorum: Identifier<Quorum>? = nil
    ) async throws(VaultError) {
        let action = "vault.ledger.acceptLoss"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        try await recorded(permit, action) { () throws(VaultError) in
            let place = KeyPlace(context)
            try await closeAgain(context)
            let ledger = try await tree.ledger.read()
            let lines = ledger.lines
            let _: Bool = try await withView(context) { (view) throws(VaultError) in
                guard var set = try await tree.set(of: place, view) else { throw VaultError(.wrongState) }
                let known = set.ledgerLines ?? 0
                set.ledgerLines = Int64(lines)
                set.ledgerMark = ledger.mark(after: lines)
                let next = set
                do throws(AccessError) {
                    return try await store.transaction {
                        (transaction: inout Transaction<AccessError>) throws(AccessError) in
                        guard try await tree.expect(view, context, in: &transaction) else { return nil as Bool? }
                        if authority.hasRoles {
                            guard let quorum else { throw AccessError(.notApproved) }
                            guard case .act(let act, let digest) = try Self.ledgerLoss(in: scope) else { return nil }
                            try await authority.use(quorum, act: act, digest, in: scope, &transaction)
                        }
                        try await tree.sets.write(next, place.partition, place.ids, in: &transaction)
                        let details = ["had": String(known), "has": String(lines)]
                        try transaction.record(authority.entry(action, permit, details: details), in: authority.trail)
                        return true
                    }
                } catch {
                    throw VaultError(error)
                }
            }
        }
    }

    /// Tells the ledger what the store says is closed and it does not know: an older store would open it.
    private func closeAgain(_ context: MainKeyContext) async throws(VaultError) {
        let events = try await withView(context) { (view) throws(VaultError) in
            let ledger = try await tree.ledger.read()
            guard try await isBehind(context, view, ledger) else { throw VaultError(.wrongState) }
            var events: [LedgerEvent] = []
            for place in try await [KeyPlace(context)] + tree.places(of: context, view) {
                guard let set = try await tree.set(of: place, view), let last = set.currentVersion else { continue }
                // Also where a new key has taken the place of those that were compromised, or given up.
                let isBelow = { (version: KeySet.Version) in
                    version.state == .compromised || version.before == .compromised
                        || version.state == .destroyed && version.generation < set.current
                }
                if let closed = set.versions.last(where: isBelow),
                    (ledger.floors[place.name] ?? 0) <= closed.generation
                {
                    events.append(.floor(place.name, generation: closed.generation + 1))
                }
                if !last.state.opens, last.state != .compromised, ledger.closure(of: place, last) == nil {
                    events.append(.closed(place.name, state: last.state.rawValue))
                }
            }
            return events
        }
        for event in events { try await tree.ledger.append(event) }
    }

    /// Whether the ledger has lost what the store has seen of it.
    private func isBehind(
        _ context: MainKeyContext, _ view: KeyTree.View, _ ledger: KeyLedger.View
    ) async throws(VaultError) -> Bool {
        guard let set = try await tree.set(of: KeyPlace(context), view), let known = set.ledgerLines else {
            return false
        }
        let mark = ledger.mark(after: Int(clamping: known))
        return known > ledger.lines || mark != set.ledgerMark
    }

    /// The matter that several persons approve before a loss of the ledger is accepted.
    public static func ledgerLoss(in scope: Scope) throws(AccessError) -> Quorum.Matter {
        var encoding = CanonicalBytes(label: "reeve/vault/ledger-loss/1")
        encoding.add(Reach.scope(scope).description)
        do {
            return .act("vault.ledger.acceptLoss", try Digest(of: encoding))
        } catch {
            throw AccessError(.cryptoFailed)
        }
    }

    /// Looks at a place with a view of its own, since others go on storing meanwhile: what is wrong is looked at once more.
    private func examine(_ place: KeyPlace, _ health: inout VaultVerification) async throws(VaultError) {
        let found: VaultVerification = try await withView(place.context) { (view) throws(VaultError) in
            var part = VaultVerification()
            do throws(VaultError) {
                if let set = try await tree.freshSet(of: place, view) { try await examine(set, place, view, &part) }
            } catch {
                if error.isStale { throw error }
                guard let kind = error.defect else { throw error }
                part.defects.append(.init(kind, place.name))
            }
            if !part.defects.isEmpty, try await !isCurrent(view) { return nil }
            return part
        }
        health.examined += found.examined
        health.defects += found.defects
    }

    /// Unwraps every key of a place, and opens its credential.
    private func examine(
        _ set: KeySet, _ place: KeyPlace, _ view: KeyTree.View, _ health: inout VaultVerification
    ) async throws(VaultError) {
        let due = set.versions.lazy.filter { $0.state != .destroyed }.compactMap(\.due).min()
        if let due, due.advanced(by: .seconds(3600)) <= authority.time.now, set.pins.isEmpty {
            health.defects.append(.init(.overdue, place.name))
            try await list(place, due)
        }
        for version in set.versions where version.state.opens {
            health.examined += 1
            if view.ledger.closure(of: place, version) != nil {
                health.defects.append(.init(.storeBehind, place.name))
                continue
            }
            do throws(VaultError) {
                let key = try await tree.freshKey(place, version, view)
                try await examineCredential(set, place, version, key, &health)
            } catch {
                guard let kind = error.defect else { throw error }
                health.defects.append(.init(kind, place.name))
            }
        }
    }

    /// Lists a place for the next round of what is due.
    private func list(_ place: KeyPlace, _ due: Timestamp) async throws(VaultError) {
        var changes = Changes()
        changes.write(DueKey.key(due, place), DueKey().recordBytes(schema: 1))
        do throws(StoreError) {
            try await store.commit(changes)
        } catch {
            throw VaultError(error)
        }
    }

    /// Opens the credential that a key sealed; the present one is looked for where there is none of another.
    private func examineCredential(
        _ set: KeySet, _ place: KeyPlace, _ version: KeySet.Version, _ key: OpenKey, _ health: inout VaultVerification
    ) async throws(VaultError) {
        guard case .connection(let connection) = place.leaf, let generation = set.row else { return }
        try await examineEarlier(of: connection, set, place, version, key, &health)
        let row: CredentialRow?
        do throws(StoreError) {
            let ids = CredentialRow.ids(place.context.environment, connection)
            row = try await CredentialRow.table.read(place.partition, ids, in: store)
        } catch {
            throw VaultError(error)
        }
        let isCurrent = version.generation == set.current
        guard let row else {
            if isCurrent { throw VaultError(.cannotOpen, .missing) }
            return
        }
        guard row.generation == generation, set.version(of: row.key) != nil else {
            if isCurrent { throw VaultError(.cannotOpen, .tampered) }
            return
        }
        guard row.key == version.commitment else { return }
        health.examined += 1
        let data = row.additionalData(place.context, connection)
        _ = try crypto { () throws(CryptoError) in
            try Envelope.open(row.sealed, with: key, authenticated: Envelope.authenticated(key, data))
        }
    }
}

extension Vault {
    /// Opens those that a key sealed of the credentials that still open beside the present one; what is missing, or names no
    /// key, is told with the present key.
    private func examineEarlier(
        of connection: Identifier<Connection>, _ set: KeySet, _ place: KeyPlace, _ version: KeySet.Version,
        _ key: OpenKey, _ health: inout VaultVerification
    ) async throws(VaultError) {
        let isCurrent = version.generation == set.current
        for past in set.past {
            let ids = CredentialRow.ids(place.context.environment, connection) + [KeyPlace.digits(past.generation)]
            let row: CredentialRow?
            do throws(StoreError) {
                row = try await CredentialRow.past.read(place.partition, ids, in: store)
            } catch {
                throw VaultError(error)
            }
            guard let row, row.generation == past.generation, set.version(of: row.key) != nil else {
                if isCurrent { throw VaultError(.cannotOpen, row == nil ? .missing : .tampered) }
                continue
            }
            guard row.key == version.commitment else { continue }
            health.examined += 1
            let data = row.additionalData(place.context, connection)
            _ = try crypto { () throws(CryptoError) in
                try Envelope.open(row.sealed, with: key, authenticated: Envelope.authenticated(key, data))
            }
        }
    }
}

extension VaultError {
    /// What an error says of a record; `nil` when it says nothing of one.
    fileprivate var defect: VaultVerification.Defect.Kind? {
        switch code {
        case .cannotOpen: detail == .missing ? .missing : .tampered
        case .ledgerBehind: .ledgerBehind
        case .mainKeyMissing: .mainKeyMissing
        case .mainKeyDenied, .mainKeyUnavailable: .mainKeyFailed
        default: nil
        }
    }
}
