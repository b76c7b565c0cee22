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
            guard metadata.count <= 32, size <= 4096 else { throw VaultError(CryptoError(.invalidLength)) }
            let place = KeyPlace(context, .connection(connection.id))
            var isWornOut = false
            for _ in 0..<40 {
                let plan: Plan?
                do throws(VaultError) {
                    plan = try await self.plan(place, renewing: isWornOut)
                } catch {
                    guard error.isStale else { throw error }
                    continue
                }
                guard let plan else { continue }
                let (done, mustRenew) = try await store.transaction {
                    (transaction: inout Transaction<VaultError>) throws(VaultError) -> (Receipt?, Bool) in
                    guard try await tree.expect(plan.view, context, in: &transaction) else { return (nil, false) }
                    let generation = (plan.set?.row ?? 0) + 1
                    for (draft, before) in plan.drafts {
                        let row = draft.place == place ? generation : nil
                        try await tree.write(draft, after: before, row: row, in: &transaction)
                    }
                    if plan.drafts.last?.draft.place != place, var set = plan.set {
                        set.row = generation
                        try await tree.sets.write(set, place.partition, place.ids, in: &transaction)
                    }
                    let ids = CredentialRow.ids(context.environment, connection.id)
                    if generation > plan.key.generation << OpenKey.generationBits { return (nil, true) }
                    var row = CredentialRow(
                        method: method, generation: generation, stored: authority.time.now,
                        project: connection.scope.project, metadata: metadata, expires: expires,
                        key: plan.key.commitment)
                    do throws(CryptoError) {
                        row.sealed = try Envelope.seal(
                            content, with: plan.key, row.additionalData(context, connection.id))
                    } catch {
                        throw VaultError(error)
                    }
                    try await CredentialRow.table.write(row, place.partition, ids, in: &transaction)
                    let receipt = Receipt(
                        keysMade: plan.drafts.map(\.draft.id), sealedUnder: plan.key.id, generation: row.generation)
                    var details = [
                        "method": method.rawValue, "key": receipt.sealedUnder, "generation": String(row.generation),
                    ]
                    if !receipt.keysMade.isEmpty { details["keysMade"] = receipt.keysMade.joined(separator: ",") }
                    if isException, let reason { details["reason"] = reason }
                    try transaction.record(authority.entry(action, permit, details: details), in: authority.trail)
                    return (receipt, false)
                }
                if let done { return done }
                isWornOut = mustRenew
            }
            throw VaultError(.changedMeanwhile)
        } catch {
            throw await refused(error, permit, action)
        }
    }

    /// The key that seals a connection's credential, and what is to be written before it can.
    private struct Plan {
        let view: KeyTree.View
        let key: OpenKey
        /// The connection's keys as they are.
        let set: KeySet?
        /// New keys, the environment's before the connection's, and the sets that they are added to.
        var drafts: [(draft: KeyTree.Draft, before: KeySet?)] = []
    }

    private func plan(_ place: KeyPlace, renewing isWornOut: Bool) async throws(VaultError) -> Plan? {
        let context = place.context
        let view = try await tree.view(of: context)
        guard view.control != nil else {
            try await tree.makeHead(context)
            return nil
        }
        let isThere = try await tree.environmentSet(context, view)?.needsNew == false
        if isThere { return try await plan(place, view, nil, isWornOut) }
        // One makes the environment's key; whoever waited looks again.
        return try await making.run(context) { () throws(VaultError) in
            let view = try await tree.view(of: context)
            let before = try await tree.environmentSet(context, view)
            guard before?.needsNew != false else { return nil }
            try await tree.makeHead(context)
            let draft = try await tree.draft(context, generation: before?.nextGeneration ?? 1)
            return try await plan(place, view, (draft, before), false)
        }
    }

    private func plan(
        _ place: KeyPlace, _ view: KeyTree.View, _ made: (draft: KeyTree.Draft, before: KeySet?)?, _ isWornOut: Bool
    ) async throws(VaultError) -> Plan {
        let drafts = made.map { [$0] } ?? []
        let set = try await tree.set(of: place, view)
        if let set, made == nil, !set.needsNew {
            do throws(VaultError) {
                let entry = try await tree.key(place, .current, view)
                let isDue = isWornOut || authority.time.now >= entry.retires
                if !isDue { return Plan(view: view, key: entry.key, set: set) }
            } catch {
                throw error.detail == .closed ? VaultError(.keyClosed, .closed) : error
            }
        }
        let above: KeyCache.Entry
        if let made {
            above = made.draft.entry
        } else {
            above = try await tree.key(KeyPlace(place.context), .current, view)
        }
        let draft = try tree.draft(place, generation: set?.nextGeneration ?? 1, under: above)
        return Plan(view: view, key: draft.entry.key, set: set, drafts: drafts + [(draft, set)])
    }
}

extension OpenKey {
    /// The first 8 bytes of the commitment in hexadecimal.
    var id: String { String(commitment.description.prefix(16)) }
}
