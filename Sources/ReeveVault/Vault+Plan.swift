// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage

/// Which keys an act seals under, and which it has to make first.
extension Vault {
    /// The keys that seal and index a credential, and what is to be written before they can.
    struct Plan {
        let view: KeyTree.View
        let key: OpenKey
        /// The connection's keys as they are.
        let set: KeySet?
        /// The keys of the other places that were asked for, in their order.
        var others: [OpenKey] = []
        /// New keys, the environment's first, and the sets that they are added to.
        var drafts: [(draft: KeyTree.Draft, before: KeySet?)] = []
    }

    /// The keys of a place and of others in its environment, made where they are missing; `nil` when it is to be looked again.
    func plan(
        _ place: KeyPlace, renewing worn: Digest? = nil, and others: [KeyPlace] = []
    ) async throws(VaultError) -> Plan? {
        let context = place.context
        let view = try await tree.view(of: context)
        // What the store has forgotten the ledger remembers.
        guard !([KeyPlace(context), place] + others).contains(where: { view.ledger.isClosed($0) }) else {
            throw VaultError(.keyClosed, .closed)
        }
        guard view.control != nil else {
            try await tree.makeHead(context)
            return nil
        }
        let before = try await tree.environmentSet(context, view)
        var made: KeyTree.Draft?
        if before?.needsNew ?? true {
            try await tree.makeHead(context)
            made = try await tree.draft(
                context, generation: view.ledger.generation(after: before, of: KeyPlace(context)))
        }
        let own = try await key(of: place, view, under: made, worn)
        var plan = Plan(view: view, key: own.key, set: own.set)
        if let made { plan.drafts.append((made, before)) }
        if let draft = own.draft { plan.drafts.append((draft, own.set)) }
        for other in others {
            let found = try await key(of: other, view, under: made, nil)
            plan.others.append(found.key)
            if let draft = found.draft { plan.drafts.append((draft, found.set)) }
        }
        return plan
    }

    /// The key of a place that seals, or a new one, under a new environment key if there is one.
    private func key(
        of place: KeyPlace, _ view: KeyTree.View, under made: KeyTree.Draft?, _ worn: Digest?
    ) async throws(VaultError) -> (key: OpenKey, set: KeySet?, draft: KeyTree.Draft?) {
        let set = try await tree.set(of: place, view)
        if let set, !set.needsNew {
            guard let current = set.currentVersion, current.state == .active,
                (try? tree.check(current, of: place, view)) != nil
            else { throw VaultError(.keyClosed, .closed) }
            if made == nil {
                do throws(VaultError) {
                    let entry = try await tree.key(place, .current, view)
                    // Under another index key nothing would be found any more.
                    let isDue =
                        place.level != .index && (entry.key.commitment == worn || authority.time.now >= entry.retires)
                    if !isDue { return (entry.key, set, nil) }
                } catch {
                    // Its own key is open: the one that wrapped it was compromised and has another in its place.
                    guard error.detail == .closed || error.detail == .wrongKey else { throw error }
                }
            }
        }
        let above: KeyCache.Entry
        if let made {
            above = made.entry
        } else {
            do throws(VaultError) {
                above = try await tree.key(KeyPlace(place.context), .current, view)
            } catch {
                throw error.detail == .closed ? VaultError(.keyClosed, .closed) : error
            }
        }
        let draft = try tree.draft(place, generation: view.ledger.generation(after: set, of: place), under: above)
        return (draft.entry.key, set, draft)
    }
}
