// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import Synchronization

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
    /// Trees that the partition's own was seen to name.
    private let named = Mutex<Set<ControlPlace>>([])
    private static let mostNamed = 100_000

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
        while true {
            if let isNamed = try await isNamed(place) { return isNamed }
            if try await mayMake(place.partition) { return false }
            // Somebody may have made it meanwhile.
            guard try await store.record(for: ControlPlace(place.partition).head) != nil else { return true }
        }
    }

    /// Throws when a tree that is there is not named where it should be: then one that is gone would not be missed either.
    func checkNamed(_ place: ControlPlace) async throws(StoreError) {
        guard place.name != nil, !named.withLock({ $0.contains(place) }) else { return }
        guard try await isNamed(place) == true else { throw .tampered(ControlPlace(place.partition).head) }
        named.withLock { named in
            if named.count >= Self.mostNamed { named.removeAll() }
            named.insert(place)
        }
    }

    /// Whether the partition's own tree names one; `nil` when it is not there itself.
    private func isNamed(_ place: ControlPlace) async throws(StoreError) -> Bool? {
        let key = names.key(place.partition, [place.name ?? ""])
        for _ in 0..<1000 {
            guard let snapshot = try await cache.snapshot(of: ControlPlace(place.partition)) else { return nil }
            do throws(StoreError) {
                return try await cache.reference(of: key, under: snapshot) != nil
            } catch {
                // It has moved on meanwhile.
                guard case .conflict = error else { throw error }
                await Task.yield()
            }
        }
        throw .conflict(ControlPlace(place.partition).head)
    }

    /// Whether a partition's own head may be made: where there are others it was there before.
    private func mayMake(_ partition: Partition) async throws(StoreError) -> Bool {
        guard makesHeads else { return false }
        let nodes = KeyRange(under: Key(partition, [.text(ControlNode.table)]))
        return try await store.records(in: nodes, limit: 1).isEmpty
    }

    /// Makes the head of a place that has none, in a transaction of its own.
    func make(_ place: ControlPlace) async throws(StoreError) {
        // Those who make one at the same time change the same head.
        try await turns.run(place.partition) { () throws(StoreError) in
            try await store.transaction(retrying: RetryPolicy(attempts: 400)) {
                (transaction: inout Transaction<StoreError>) throws(StoreError) in
                let own = ControlPlace(place.partition)
                if try await transaction.tree(own, keys, cache).headIfThere(&transaction) == nil {
                    guard try await mayMake(place.partition) else {
                        let key = own.head
                        throw try await transaction.isStale(key) ? .conflict(key) : .tampered(key)
                    }
                    try await ControlHead.create(place.partition, keys: keys, in: &transaction)
                }
                guard let name = place.name, try await transaction.read(place.head) == nil else {
                    return
                }
                try await names.insert(Named(), place.partition, [name], in: &transaction)
                try await transaction.tree(place, keys, cache).create(in: &transaction)
            }
        }
    }
}
