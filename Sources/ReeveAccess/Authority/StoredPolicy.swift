// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage
import Synchronization

/// A policy in the store, as one process knows it: read again when it is older than a bound, or has changed.
///
/// All its records are authenticated and lie in the platform's partition.
final class StoredPolicy: Sendable {
    /// A policy at one version.
    struct Known: Sendable {
        let version: Int64
        let policy: CompiledPolicy
        /// When the store last said that this is the version in force; before it was asked.
        var seen: Duration
    }

    /// The record whose version all changes of the policy go through.
    struct Head: Codable, RecordCodable {
        var version: Int64
        var rules: AccessRules
        var permissions: [PermissionDefinition]
        /// Whether the first roles and grants are all written.
        var isComplete: Bool
    }

    struct Tables: Sendable {
        let head: AuthenticatedTable<Head>
        let roles: AuthenticatedTable<Role>
        let grants: AuthenticatedTable<Grant>
        let quorums: AuthenticatedTable<Quorum>
        let histories: AuthenticatedTable<StoredHistory>

        init(_ keys: any ControlKeys) {
            head = AuthenticatedTable("access.policy", keys: keys)
            roles = AuthenticatedTable("access.role", keys: keys)
            grants = AuthenticatedTable("access.grant", keys: keys)
            quorums = AuthenticatedTable("access.quorum", keys: keys)
            histories = AuthenticatedTable("access.change", keys: keys)
        }
    }

    static let headID = ["policy"]
    let tables: Tables
    let keys: any ControlKeys
    /// For the records of other rooms.
    let control: ControlRecords
    private let store: any Store
    private let time: any TimeSource
    /// How old what is known may be.
    let freshness: Duration

    private struct State {
        var known: Known?
        /// The newest state of the platform's authenticated records that this process has seen.
        var position: ControlHead.Position?
        var reading: (started: Duration, task: Task<Result<Known, AccessError>, Never>)?
    }
    private let state = Mutex(State())

    init(store: any Store, keys: any ControlKeys, time: any TimeSource, freshness: Duration) {
        self.store = store
        self.keys = keys
        control = ControlRecords(store: store, keys: keys, makesHeads: false)
        self.time = time
        self.freshness = freshness
        tables = Tables(keys)
    }

    /// Throws when the platform's authenticated records are an earlier state than this process has seen: somebody put them
    /// back, and with them what was used or revoked since.
    ///
    /// Called before the transaction reads or writes any of them.
    func checkPosition(_ transaction: inout Transaction<AccessError>) async throws(AccessError) {
        // What was seen before this look: what others see meanwhile may be later.
        let seen = state.withLock(\.position)
        let position = try await ControlHead.position(of: .platform, keys: keys, in: &transaction)
        state.withLock { state in
            if state.position.map({ $0.epoch < position.epoch }) ?? true { state.position = position }
        }
        guard let seen else { return }
        if position.epoch < seen.epoch || position.epoch == seen.epoch && position.tag != seen.tag {
            throw AccessError(.policyPutBack)
        }
    }

    /// The same, by a look of its own.
    func checkPosition() async throws(AccessError) {
        try await store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
            try await checkPosition(&transaction)
        }
    }

    /// What is known, when it is fresh: no waiting.
    var fresh: Known? {
        let now = time.uptime
        return state.withLock { $0.known.flatMap { now - $0.seen < freshness ? $0 : nil } }
    }

    /// What is in force, no older than the bound; one reader for all who wait.
    func current() async throws(AccessError) -> Known {
        if let fresh { return fresh }
        let now = time.uptime
        let task = state.withLock { state in
            if let reading = state.reading, now - reading.started < freshness { return reading.task }
            let task = Task { await self.read(from: now) }
            state.reading = (now, task)
            return task
        }
        return try await task.value.get()
    }

    /// Forgets how fresh the known version is, so that the next look asks the store.
    func invalidate() {
        state.withLock { state in
            state.known?.seen = .seconds(-1_000_000_000)
            state.reading = nil
        }
    }

    /// Takes over a version that this process has just written.
    func adopt(_ version: Int64, _ policy: CompiledPolicy, seen: Duration) {
        keep(Known(version: version, policy: policy, seen: seen))
    }

    private func keep(_ known: Known) {
        state.withLock { state in
            guard let present = state.known, present.version >= known.version else {
                state.known = known
                return
            }
            if present.version == known.version { state.known?.seen = max(present.seen, known.seen) }
        }
    }

    private func read(from start: Duration) async -> Result<Known, AccessError> {
        defer {
            state.withLock { state in if state.reading?.started == start { state.reading = nil } }
        }
        let known = state.withLock(\.known)
        do throws(AccessError) {
            let tables = tables
            let loaded = try await store.transaction { (tx: inout Transaction<AccessError>) throws(AccessError) in
                try await checkPosition(&tx)
                guard let head = try await tables.head.read(.platform, Self.headID, in: &tx), head.isComplete else {
                    return nil as (Int64, AccessPolicy?)?
                }
                if head.version == known?.version { return (head.version, nil) }
                let roles = try await tables.roles.readAll(.platform, in: &tx)
                let grants = try await tables.grants.readAll(.platform, in: &tx)
                return (
                    head.version,
                    AccessPolicy(permissions: head.permissions, roles: roles, grants: grants, rules: head.rules)
                )
            }
            guard let (version, policy) = loaded else { return .failure(AccessError(.noPolicy)) }
            // An earlier version than this process has seen was put back.
            if let known, version < known.version { return .failure(AccessError(.policyPutBack)) }
            guard let policy else {
                guard var same = known else { return .failure(AccessError(.noPolicy)) }
                same.seen = start
                keep(same)
                return .success(same)
            }
            do throws(PolicyDefects) {
                let new = Known(version: version, policy: try policy.compile(), seen: start)
                keep(new)
                return .success(new)
            } catch {
                return .failure(AccessError(error))
            }
        } catch {
            return .failure(error)
        }
    }
}

/// A change's history as a record.
struct StoredHistory: Codable, RecordCodable {
    var history: ChangeHistory
}
