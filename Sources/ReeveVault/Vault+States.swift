// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// Which keys an act is about, in the environment of its permit's scope.
public enum KeyTarget: Hashable, Sendable {
    /// The environment's key, and with it all below; in a scope without an environment the workspace's.
    case environment
    /// A connection's key.
    case connection(Identifier<Connection>)

    /// What a permit for it names.
    public func resource(in scope: Scope) -> Resource {
        switch self {
        case .environment: Resource(kind: "keys", Reach.scope(scope).description)
        case .connection(let id): .credential(of: id)
        }
    }

    func place(_ context: MainKeyContext) -> KeyPlace {
        switch self {
        case .environment: KeyPlace(context)
        case .connection(let id): KeyPlace(context, .connection(id))
        }
    }
}

/// How keys are closed and opened again.
///
/// What closes goes to the ledger first and then to the store; from the ledger's line on nothing opens, also when the store
/// is put back. What opens again takes several persons where there are roles.
extension Vault {
    /// Closes keys until they are resumed. In this process nothing opens from then on, in others after a second at most.
    public func suspend(_ target: KeyTarget, _ permit: Permit<ManageKeys>) async throws(VaultError) {
        try await close(target, to: .suspended, permit, "vault.key.suspend")
    }

    /// Closes keys that somebody else may have, for good. What they sealed has to be obtained anew, and is sealed under a new
    /// key when it is stored.
    public func markCompromised(_ target: KeyTarget, _ permit: Permit<ManageKeys>) async throws(VaultError) {
        try await close(target, to: .compromised, permit, "vault.key.compromise")
    }

    /// Destroys keys for good, and with them everything below: crypto-shredding. There is no way back.
    public func shred(_ target: KeyTarget, _ permit: Permit<ManageKeys>) async throws(VaultError) {
        try await close(target, to: .destroyed, permit, "vault.key.shred")
    }

    /// Destroys all keys of a workspace for good, in every environment; nothing can be stored there any more. The permit is for
    /// the workspace's keys, in its scope without an environment.
    public func shredWorkspace(_ permit: Permit<ManageKeys>) async throws(VaultError) {
        let action = "vault.key.shredWorkspace"
        let scope = permit.context.scope
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: KeyTarget.environment.resource(in: scope), in: scope)
        } catch {
            throw VaultError(error)
        }
        try await recorded(permit, action) { () throws(VaultError) in
            guard let workspace = scope.workspace, scope.environment == nil else {
                throw VaultError(AccessError(.wrongResource))
            }
            // The entry first: nothing is destroyed without one.
            try await record(action, permit)
            _ = try await shred(workspace)
        }
    }

    /// The name of the place that the vault is, for who registers what it has, and of the record that is all that it has of a workspace.
    public static let locationName = "vault"
    /// All credentials and keys of a workspace, as one record of personal data.
    public static func record(of workspace: Identifier<Workspace>) -> Identifier<DataRecord> {
        Identifier(high: workspace.high, low: workspace.low)
    }

    /// Destroys all keys of a workspace for good, as ``shredWorkspace(_:)``: by an erasure of its ``record(of:)`` that has begun, instead of a permit. Says whether there
    /// was anything.
    @discardableResult
    public func eraseWorkspace(_ erasure: borrowing Erasure) async throws(VaultError) -> ErasureOutcome {
        let action = "vault.key.eraseWorkspace"
        let workspace = Identifier<Workspace>(high: erasure.record.high, low: erasure.record.low)
        let resource = KeyTarget.environment.resource(in: Scope(workspace))
        let (context, decision) = (erasure.context, erasure.decision)
        func note(_ refusal: String?) async throws(VaultError) {
            do throws(StoreError) {
                let entry = authority.entry(action, context, resource, decision, nil, refusal, [:])
                try await store.record(entry, in: authority.trail)
            } catch {
                throw VaultError(error)
            }
        }
        // A record of one scope shreds no other's workspace.
        guard authority.accepts(erasure, at: Self.locationName), context.scope == Scope(workspace) else {
            let error = VaultError(AccessError(.wrongResource))
            try await note(error.code.rawValue)
            throw error
        }
        // The entry first: nothing is destroyed without one.
        try await note(nil)
        return try await shred(workspace) ? .erased : .nothingThere
    }

    /// Closes a workspace for good, and destroys the keys that it has; whether there were any.
    private func shred(_ workspace: Identifier<Workspace>) async throws(VaultError) -> Bool {
        let contexts = Environment.allCases.map { MainKeyContext(workspace: workspace, environment: $0) }
        let name = KeyTree.workspaceName(contexts[0])
        // Once is enough.
        if try await tree.ledger.read().closed[name] != .destroyed {
            try await tree.ledger.append(.closed(name, state: KeyState.destroyed.rawValue))
        }
        var hadKeys = false
        for context in contexts {
            let place = KeyPlace(context)
            evict(place)
            let isThere = try await withView(context) { (view) throws(VaultError) in
                try await tree.set(of: place, view)?.versions.contains { $0.state != .destroyed } ?? false
            }
            if isThere {
                hadKeys = true
                try await close(place, to: .destroyed) { _ in nil }
            }
        }
        return hadKeys
    }

    /// Closes keys at once and destroys them after so many days, 1 to 365; until then they can be restored.
    public func scheduleDestruction(
        of target: KeyTarget, after days: Int = 30, _ permit: Permit<ManageKeys>
    ) async throws(VaultError) {
        let due = authority.time.now.advanced(by: .seconds(86_400 * min(max(days, 1), 365)))
        try await close(target, to: .destroyScheduled, permit, "vault.key.schedule", due: due)
    }

    /// Opens suspended keys again, or such whose destruction was scheduled and is not due.
    ///
    /// Where there are roles it takes approvals for ``reopening(_:in:)``, which are used up.
    public func resume(
        _ target: KeyTarget, _ permit: Permit<ManageKeys>, approved quorum: Identifier<Quorum>? = nil
    ) async throws(VaultError) {
        let action = "vault.key.resume"
        let scope = permit.context.scope
        let context = try await enter(permit, action, target.resource(in: scope), scope)
        try await recorded(permit, action) { () throws(VaultError) in
            try await reopen(target, context, permit, action, quorum)
        }
    }

    /// The matter that several persons approve before keys are opened again.
    public static func reopening(_ target: KeyTarget, in scope: Scope) throws(AccessError) -> Quorum.Matter {
        .act("vault.key.resume", try digest(of: target, in: scope))
    }

    private static func digest(of target: KeyTarget, in scope: Scope) throws(AccessError) -> Digest {
        var encoding = CanonicalBytes(label: "reeve/vault/reopening/1")
        encoding.add(Reach.scope(scope).description)
        encoding.add(target.resource(in: scope).description)
        do {
            return try Digest(of: encoding)
        } catch {
            throw AccessError(.cryptoFailed)
        }
    }

    private func close(
        _ target: KeyTarget, to state: KeyState, _ permit: Permit<ManageKeys>, _ action: String, due: Timestamp? = nil
    ) async throws(VaultError) {
        let scope = permit.context.scope
        let context = try await enter(permit, action, target.resource(in: scope), scope)
        try await recorded(permit, action) { () throws(VaultError) in
            try await close(target.place(context), to: state, permit, action, due: due)
        }
    }

    func close<Action>(
        _ place: KeyPlace, to state: KeyState, _ permit: Permit<Action>, _ action: String, due: Timestamp? = nil
    ) async throws(VaultError) {
        try await close(place, to: state, due: due) { details in authority.entry(action, permit, details: details) }
    }

    /// Closes keys of a place: all of them, or those that are due by an instant.
    func close(
        _ place: KeyPlace, to state: KeyState, due: Timestamp? = nil, dueBy limit: Timestamp? = nil,
        _ entry: ([String: String]) -> AuditEntry?
    ) async throws(VaultError) {
        let context = place.context
        var appended: KeyLedger.View?
        let _: Bool = try await withView(context) { (view) throws(VaultError) in
            guard try await tree.environmentSet(context, view) != nil else { throw VaultError(.cannotOpen, .missing) }
            guard let set = try await tree.set(of: place, view) else { throw VaultError(.cannotOpen, .missing) }
            guard set.versions.contains(where: { $0.state.mayBecome(state) }) else {
                // Another process was faster: its floor closes what this line closed, and a new key may take its place.
                if let appended, state == .suspended, set.currentVersion?.state == .compromised {
                    try await tree.ledger.append(.reopened(place.name, after: appended.lines))
                }
                // What a crash has left.
                if state == .destroyed { try await deleteKeys(of: place) }
                throw VaultError(state == .destroyed ? .keyClosed : .wrongState, .closed)
            }
            // Called off, or pinned, since somebody looked.
            if let limit, appended == nil {
                let isDue = set.versions.contains { $0.due.map { $0 <= limit } == true && $0.state != .destroyed }
                guard isDue, set.pins.isEmpty else { return true }
            }
            // The ledger first: once it says so, nothing opens, whatever becomes of the rest.
            var ledger = appended == nil ? nil : try await tree.ledger.read()
            if state == .compromised {
                // Closed with those before it; a new one may take its place.
                if ledger?.floors[place.name].map({ $0 >= set.nextGeneration }) != true {
                    ledger = try await tree.ledger.append(.floor(place.name, generation: set.nextGeneration))
                }
                // The floor closes what a suspension closed, and must not close what comes after.
                if let known = ledger?.closed[place.name], known != .destroyed {
                    ledger = try await tree.ledger.append(.reopened(place.name, after: ledger?.lines ?? 0))
                }
            } else if ledger == nil {
                ledger = try await tree.ledger.append(.closed(place.name, state: state.rawValue))
            }
            guard let ledger else { return nil }
            appended = ledger
            evict(place)
            let instant = authority.time.now
            return try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard try await tree.expect(view, context, in: &transaction) else { return nil as Bool? }
                var next = set
                for version in set.versions
                where version.state.mayBecome(state) && (limit == nil || version.due.map { $0 <= limit ?? $0 } == true)
                {
                    next.update(version.generation) { changed in
                        // What is compromised stays so when its destruction is called off.
                        let isKept = version.state.opens || version.state == .compromised
                        changed.before = state == .compromised ? nil : isKept ? version.state : version.before
                        changed.state = state
                        changed.since = instant
                        changed.due = due
                    }
                }
                if state == .destroyed { next.past = [] }
                try await write(next, place, ledger, in: &transaction)
                if state == .destroyed, case .connection(let connection) = place.leaf {
                    try await forget(connection, set, context, in: &transaction)
                }
                let keys = next.versions.suffix(20).map(\.id).joined(separator: ",")
                if let due { transaction.write(DueKey.key(due, place), DueKey().recordBytes(schema: 1)) }
                if let entry = entry(["keys": keys, "state": state.rawValue]) {
                    try transaction.record(entry, in: authority.trail)
                }
                return true
            }
        }
        evict(place)
        if state == .destroyed { try await deleteKeys(of: place) }
    }

    /// Deletes the wrapped keys that are destroyed: as many commits as it takes.
    func deleteKeys(of place: KeyPlace) async throws(VaultError) {
        let set = try await withView(place.context) { (view) throws(VaultError) in
            .some(try await tree.set(of: place, view))
        }
        var keys = (set?.versions ?? []).filter { $0.state == .destroyed }.map { version in
            KeyRecord.table.key(place.partition, KeyRecord.ids(place, version.generation))
        }
        while !keys.isEmpty {
            var changes = Changes()
            for key in keys.suffix(50) { changes.delete(key) }
            keys.removeLast(min(50, keys.count))
            do throws(StoreError) {
                try await store.commit(changes)
            } catch {
                throw VaultError(error)
            }
        }
    }

    private func reopen(
        _ target: KeyTarget, _ context: MainKeyContext, _ permit: Permit<ManageKeys>, _ action: String,
        _ quorum: Identifier<Quorum>?
    ) async throws(VaultError) {
        let place = target.place(context)
        let scope = permit.context.scope
        let _: Bool = try await withView(context) { (view) throws(VaultError) in
            guard try await tree.environmentSet(context, view) != nil, let set = try await tree.set(of: place, view)
            else { throw VaultError(.cannotOpen, .missing) }
            let instant = authority.time.now
            func mayReopen(_ version: KeySet.Version) -> Bool {
                version.state == .suspended
                    || version.state == .destroyScheduled && version.due.map { instant < $0 } == true
            }
            let ledger = try await tree.ledger.read()
            let closures = [place.name, KeyTree.workspaceName(context)]
            guard !closures.contains(where: { ledger.closed[$0] == .destroyed }) else { throw VaultError(.wrongState) }
            // Opened in the store before, and then the ledger could not be told; nobody has closed it since.
            let isHalfDone = set.reopening.map { (ledger.closedAt[place.name] ?? -1) < $0 } ?? false
            guard isHalfDone || set.versions.contains(where: mayReopen) else { throw VaultError(.wrongState) }
            var opened = set
            opened.reopening = Int64(ledger.lines)
            for version in set.versions where mayReopen(version) {
                opened.update(version.generation) { changed in
                    changed.state = version.before ?? .deactivated
                    changed.before = nil
                    changed.due = nil
                    changed.since = instant
                }
            }
            let next = opened
            if !isHalfDone {
                let isDone = try await change(next, place, view) { (transaction) throws(AccessError) in
                    if authority.hasRoles {
                        guard let quorum else { throw AccessError(.notApproved) }
                        try await authority.use(
                            quorum, act: "vault.key.resume", Self.digest(of: target, in: scope), in: scope, &transaction
                        )
                    }
                    try transaction.record(
                        authority.entry(action, permit, details: ["keys": place.name]), in: authority.trail)
                }
                guard isDone else { return nil }
            }
            // What it had when this was opened in the store: a closure after that counts.
            let lines = isHalfDone ? set.reopening.map { Int(clamping: $0) } : nil
            try await tree.ledger.append(.reopened(place.name, after: lines ?? ledger.lines))
            try await forgetReopening(place, isHalfDone ? authority.entry(action, permit) : nil)
            return true
        }
    }

    /// Writes that the ledger has been told, and the entry of the call that did so for an earlier one.
    private func forgetReopening(_ place: KeyPlace, _ entry: AuditEntry?) async throws(VaultError) {
        let _: Bool = try await withView(place.context) { (view) throws(VaultError) in
            guard var set = try await tree.set(of: place, view) else { return true }
            set.reopening = nil
            let isDone = try await change(set, place, view) { (transaction) throws(AccessError) in
                if let entry { try transaction.record(entry, in: authority.trail) }
            }
            return isDone ? true : nil
        }
    }

    private func change(
        _ set: KeySet, _ place: KeyPlace, _ view: KeyTree.View,
        _ also: (inout Transaction<AccessError>) async throws(AccessError) -> Void
    ) async throws(VaultError) -> Bool {
        do throws(AccessError) {
            return try await store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
                guard try await tree.expect(view, place.context, in: &transaction) else { return false }
                try await tree.sets.write(set, place.partition, place.ids, in: &transaction)
                try await also(&transaction)
                return true
            }
        } catch {
            throw VaultError(error)
        }
    }

    /// Writes the keys of a place, and beside those of its environment how long the ledger is that closes them.
    func write(
        _ set: KeySet, _ place: KeyPlace, _ ledger: KeyLedger.View, in transaction: inout Transaction<VaultError>
    ) async throws(VaultError) {
        var set = set
        let (lines, mark) = (
            Int64(ledger.lines), ledger.mark(after: ledger.lines)
        )
        let environment = KeyPlace(place.context)
        if place == environment {
            // Never back: another process may have told it more meanwhile.
            if (set.ledgerLines ?? -1) < lines { (set.ledgerLines, set.ledgerMark) = (lines, mark) }
        } else if var above = try await tree.sets.read(environment.partition, environment.ids, in: &transaction),
            (above.ledgerLines ?? -1) < lines
        {
            (above.ledgerLines, above.ledgerMark) = (lines, mark)
            try await tree.sets.write(above, environment.partition, environment.ids, in: &transaction)
        }
        set.reopening = nil
        try await tree.sets.write(set, place.partition, place.ids, in: &transaction)
    }

    /// Forgets unwrapped keys of a place and of everything below it.
    func evict(_ place: KeyPlace) {
        tree.cache.evict { id in place.parent == nil ? id.place.context == place.context : id.place == place }
    }
}

extension KeyState {
    /// Whether a key in this state may be closed further.
    func mayBecome(_ next: KeyState) -> Bool {
        switch next {
        case .active, .deactivated: false
        case .suspended: opens
        case .compromised: opens || self == .suspended
        case .destroyScheduled: opens || self == .suspended || self == .compromised
        case .destroyed: self != .destroyed
        }
    }
}
