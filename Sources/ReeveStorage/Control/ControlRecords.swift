// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// The keys for a room's authenticated records in a store, what was verified of them, and which further trees there are.
///
/// A tree is made with its first record, and named in the partition's own: so one that was removed as a whole is seen.
package final class ControlRecords: Sendable {
    /// That there is a tree of a name.
    private struct Named: Codable, RecordCodable {}

    let keys: any ControlKeys
    let cache: ControlCache
    private let store: any Store
    private let makesHeads: Bool
    private let names: AuthenticatedTable<Named>
    private let turns = Turns<Partition>()

    /// For one store; whoever has these shares what was verified. Where nobody else makes a partition's own head, they do.
    package init(store: any Store, keys: any ControlKeys, makesHeads: Bool) {
        self.keys = keys
        self.store = store
        self.makesHeads = makesHeads
        cache = ControlCache(store: store, keys: keys)
        names = AuthenticatedTable("control.tree", keys: keys, cache: cache)
    }

    /// Whether there should be a head at a place where there is none.
    func isMissing(_ place: ControlPlace) async throws(StoreError) -> Bool {
        guard let name = place.name, let snapshot = try await cache.snapshot(of: ControlPlace(place.partition)) else {
            return !makesHeads
        }
        return try await cache.reference(of: names.key(place.partition, [name]), under: snapshot) != nil
    }

    /// Makes the head of a place that has none, in a transaction of its own.
    func make(_ place: ControlPlace) async throws(StoreError) {
        // Those who make one at the same time change the same head.
        try await turns.run(place.partition) { () throws(StoreError) in
            try await store.transaction(retrying: RetryPolicy(attempts: 400)) {
                (transaction: inout Transaction<StoreError>) throws(StoreError) in
                if makesHeads {
                    try await ControlHead.createIfAbsent(place.partition, keys: keys, in: &transaction)
                }
                guard let name = place.name, try await transaction.read(ControlNode.key(place, 0)) == nil else {
                    return
                }
                try await names.insert(Named(), place.partition, [name], in: &transaction)
                try await transaction.tree(place, keys, cache).create(in: &transaction)
            }
        }
    }
}
