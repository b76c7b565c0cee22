// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// How a credential comes into the vault.
extension Vault {
    /// Seals a connection's credential and stores it, in place of one that was there.
    ///
    /// OAuth 2.0 is chosen whenever the connector offers it; another method then needs a `reason`, which is recorded
    /// (clause S3.1). Keys that are missing are made. `metadata` can be read without opening, so nothing in it may be secret:
    /// at most 32 fields and 4 KiB. `expires` is when the app stops to accept the credential.
    @discardableResult
    public func store(
        _ credential: consuming Credential, for connection: Connection, of connector: Connector,
        _ permit: Permit<StoreCredential>, reason: String? = nil, metadata: [String: String] = [:],
        expires: Timestamp? = nil
    ) async throws(VaultError) -> Receipt {
        let action = "vault.credential.store"
        let context = try await enter(permit, action, .credential(of: connection.id), connection.scope)
        let method = credential.method
        let content = credential.content
        let isException = connector.methods.contains(.oauth2) && method != .oauth2
        do throws(VaultError) {
            guard connector.id == connection.connector, connector.methods.contains(method) else {
                throw VaultError(.methodNotOffered)
            }
            guard !isException || reason?.isReason == true else { throw VaultError(.reasonRequired) }
            let size = metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
            guard metadata.count <= 32, size <= 4096 else { throw VaultError(.tooLarge) }
            let place = KeyPlace(context, .connection(connection.id))
            let facts = CredentialFacts(
                method: method, stored: authority.time.now, project: connection.scope.project, metadata: metadata,
                expires: expires)
            var details = ["method": method.rawValue]
            if isException, let reason { details["reason"] = reason }
            let told = details
            return try await sealing(place) { (isWornOut) throws(VaultError) in
                try await attempt(facts, content, place, isWornOut, permit, action, told)
            }
        } catch {
            throw await refused(error, permit, action)
        }
    }

    /// The key that seals a connection's values, made with its entry when it is missing; otherwise the entry alone.
    func sealingKey(
        _ place: KeyPlace, _ permit: Permit<StoreCredential>, _ action: String, _ told: [String: String]
    ) async throws(VaultError) -> OpenKey {
        let project = permit.context.scope.project
        return try await sealing(place) { (isWornOut) throws(VaultError) in
            guard let plan = try await plan(place, renewing: isWornOut) else { return .changed }
            if let set = plan.set, set.project != project { throw VaultError(.cannotOpen, .missing) }
            var details = told
            details["key"] = plan.key.id
            let made = plan.drafts.map(\.draft.id)
            if !made.isEmpty { details["keysMade"] = made.joined(separator: ",") }
            let entry = authority.entry(action, permit, details: details)
            let isDone = try await store.transaction {
                (transaction: inout Transaction<VaultError>) throws(VaultError) -> Bool in
                guard try await tree.expect(plan.view, place.context, in: &transaction) else { return false }
                for (draft, before) in plan.drafts {
                    let own = draft.place == place ? project : nil
                    try await tree.write(draft, after: before, project: own, in: &transaction)
                }
                try transaction.record(entry, in: authority.trail)
                return true
            }
            guard isDone else { return .changed }
            for (draft, _) in plan.drafts { tree.cache.insert(draft) }
            return .done(plan.key)
        }
    }

    /// Tries to seal until nobody else has changed the workspace's keys meanwhile; one at a time while the environment has no
    /// key, so that one is made and not several.
    func sealing<R>(
        _ place: KeyPlace, _ attempt: (Bool) async throws(VaultError) -> Outcome<R>
    ) async throws(VaultError) -> R {
        var isWornOut = false
        for _ in 0..<40 {
            let renewing = isWornOut
            let outcome: Outcome<R>
            do throws(VaultError) {
                if try await lacksEnvironmentKey(place.context) {
                    outcome = try await making.run(place.context) { () throws(VaultError) in try await attempt(renewing)
                    }
                } else {
                    outcome = try await attempt(renewing)
                }
            } catch {
                guard error.isStale else { throw error }
                continue
            }
            switch outcome {
            case .done(let result): return result
            case .wornOut: isWornOut = true
            case .changed: continue
            }
        }
        throw VaultError(.changedMeanwhile)
    }

    enum Outcome<R> {
        case done(R)
        /// Somebody else changed the workspace's keys meanwhile.
        case changed
        /// The key has sealed as many credentials as it may.
        case wornOut
    }

    private func lacksEnvironmentKey(_ context: MainKeyContext) async throws(VaultError) -> Bool {
        let view = try await tree.view(of: context)
        return try await tree.environmentSet(context, view)?.needsNew ?? true
    }

    /// Seals and stores under the keys as they are now.
    private func attempt(
        _ facts: CredentialFacts, _ content: borrowing SecretBytes, _ place: KeyPlace, _ isWornOut: Bool,
        _ permit: Permit<StoreCredential>, _ action: String, _ told: [String: String]
    ) async throws(VaultError) -> Outcome<Receipt> {
        guard case .connection(let connection) = place.leaf else { return .changed }
        let context = place.context
        guard let plan = try await plan(place, renewing: isWornOut) else { return .changed }
        // A permit of another project replaces nothing.
        if let set = plan.set, set.project != facts.project { throw VaultError(.cannotOpen, .missing) }
        var row = CredentialRow(facts, generation: (plan.set?.row ?? 0) + 1, key: plan.key.commitment)
        if row.generation > plan.key.generation << OpenKey.generationBits { return .wornOut }
        do throws(CryptoError) {
            row.sealed = try Envelope.seal(content, with: plan.key, row.additionalData(context, connection))
        } catch {
            throw VaultError(error)
        }
        let receipt = Receipt(
            keysMade: plan.drafts.map(\.draft.id), sealedUnder: plan.key.id, generation: row.generation)
        var details = told
        details["key"] = receipt.sealedUnder
        details["generation"] = String(row.generation)
        if !receipt.keysMade.isEmpty { details["keysMade"] = receipt.keysMade.joined(separator: ",") }
        let (sealed, entry) = (row, authority.entry(action, permit, details: details))
        let isDone = try await store.transaction {
            (transaction: inout Transaction<VaultError>) throws(VaultError) -> Bool in
            guard try await tree.expect(plan.view, context, in: &transaction) else { return false }
            for (draft, before) in plan.drafts {
                let generation = draft.place == place ? sealed.generation : nil
                let project = draft.place == place ? facts.project : nil
                try await tree.write(draft, after: before, row: generation, project: project, in: &transaction)
            }
            if plan.drafts.last?.draft.place != place, var set = plan.set {
                set.row = sealed.generation
                try await tree.sets.write(set, place.partition, place.ids, in: &transaction)
            }
            try await CredentialRow.table.write(
                sealed, place.partition, CredentialRow.ids(context.environment, connection), in: &transaction)
            try transaction.record(entry, in: authority.trail)
            return true
        }
        guard isDone else { return .changed }
        for (draft, _) in plan.drafts { tree.cache.insert(draft) }
        return .done(receipt)
    }

    /// The key that seals a connection's credential, and what is to be written before it can.
    struct Plan {
        let view: KeyTree.View
        let key: OpenKey
        /// The connection's keys as they are.
        let set: KeySet?
        /// New keys, the environment's before the connection's, and the sets that they are added to.
        var drafts: [(draft: KeyTree.Draft, before: KeySet?)] = []
    }

    func plan(_ place: KeyPlace, renewing isWornOut: Bool) async throws(VaultError) -> Plan? {
        let context = place.context
        let view = try await tree.view(of: context)
        // What the store has forgotten the ledger remembers.
        guard !view.ledger.isClosed(place), !view.ledger.isClosed(KeyPlace(context)) else {
            throw VaultError(.keyClosed, .closed)
        }
        guard view.control != nil else {
            try await tree.makeHead(context)
            return nil
        }
        let before = try await tree.environmentSet(context, view)
        guard before?.needsNew ?? true else { return try await plan(place, view, nil, isWornOut) }
        try await tree.makeHead(context)
        let draft = try await tree.draft(
            context, generation: view.ledger.generation(after: before, of: KeyPlace(context)))
        return try await plan(place, view, (draft, before), false)
    }

    private func plan(
        _ place: KeyPlace, _ view: KeyTree.View, _ made: (draft: KeyTree.Draft, before: KeySet?)?, _ isWornOut: Bool
    ) async throws(VaultError) -> Plan {
        let drafts = made.map { [$0] } ?? []
        let set = try await tree.set(of: place, view)
        if let set, !set.needsNew {
            guard let current = set.currentVersion, current.state == .active,
                (try? tree.check(current, of: place, view)) != nil
            else { throw VaultError(.keyClosed, .closed) }
            if made == nil {
                do throws(VaultError) {
                    let entry = try await tree.key(place, .current, view)
                    let isDue = isWornOut || authority.time.now >= entry.retires
                    if !isDue { return Plan(view: view, key: entry.key, set: set) }
                } catch {
                    // Its own key is open: the one that wrapped it was compromised and has another in its place.
                    guard error.detail == .closed || error.detail == .wrongKey else { throw error }
                }
            }
        }
        let above: KeyCache.Entry
        if let made {
            above = made.draft.entry
        } else {
            do throws(VaultError) {
                above = try await tree.key(KeyPlace(place.context), .current, view)
            } catch {
                throw error.detail == .closed ? VaultError(.keyClosed, .closed) : error
            }
        }
        let draft = try tree.draft(place, generation: view.ledger.generation(after: set, of: place), under: above)
        return Plan(view: view, key: draft.entry.key, set: set, drafts: drafts + [(draft, set)])
    }
}

extension OpenKey {
    /// The first 8 bytes of the commitment in hexadecimal.
    var id: String { String(commitment.description.prefix(16)) }
}
