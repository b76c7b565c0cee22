// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveVault

/// What keys are for: the main key changes and everything still opens; a workspace is shredded and nothing does, a backup put
/// back included.
struct KeyStory {
    private let store = MemoryStore()
    private let mainKeys: MainKeys
    private let audit: AuditKeys
    private let me = ActContext.Actor.host("quickstart")
    private let workspace = Identifier<Workspace>(at: SystemTime().now)
    private let connector = Connector(id: Identifier(at: SystemTime().now), name: "crm", methods: [.oauth2])

    init() throws {
        mainKeys = try MainKeys(LocalMainKey.ephemeral())
        audit = try AuditKeys.ephemeral()
    }

    func tell() async throws {
        let trust = try await process(over: store)
        let connections = Environment.allCases.map { environment in
            Connection(
                id: Identifier(at: SystemTime().now), connector: connector.id, scope: Scope(workspace, environment))
        }
        for connection in connections {
            let permit = try await permit(trust, StoreCredential.self, .credential(of: connection.id), connection.scope)
            let token = try Credential.oauth2(accessToken: SecretBytes.random(count: 32))
            try await trust.vault.store(token, for: connection, of: connector, permit)
        }
        say("stored", "\(connections.count) credentials in \(connections.count) environments")

        // A new main key wraps the environment keys; nothing below them changes.
        let next = try LocalMainKey.ephemeral()
        try mainKeys.use(next, for: .workspace(workspace))
        var count = 0
        for connection in connections {
            let permit = try await manage(trust, connection.scope)
            count += try await trust.vault.repack(permit)
            try await trust.vault.rotate(.environment, manage(trust, connection.scope))
            try await trust.vault.rewrap(manage(trust, connection.scope))
        }
        say("main key", "changed: \(count) environment keys wrapped anew, then rotated, and the keys below rewrapped")
        // In a process that has the new main key alone.
        let onlyNext = MainKeys()
        try onlyNext.use(next, for: .workspace(workspace))
        let restarted = try await process(over: store, onlyNext)
        say(
            "still opens",
            "\(try await opened(restarted, connections)) of \(connections.count), without the main key of before")

        let backup = try await copy(store)
        let before = try await process(over: copy(backup))
        say("a backup", "\(try await opened(before, connections)) of \(connections.count) open in it")
        try await trust.vault.shredWorkspace(manage(trust, Scope(workspace)))
        say("shredded", "the workspace's keys: \(try await opened(trust, connections)) of \(connections.count) open")
        let restored = try await process(over: backup)
        say(
            "the backup",
            "put back: \(try await opened(restored, connections)) of \(connections.count) open in it, the ledger remembers"
        )
    }

    /// A process over a store, with the ledger and the main keys that all share.
    private func process(over store: MemoryStore, _ keys: MainKeys? = nil) async throws -> TrustLayer {
        let authority = try await AccessAuthority.soleOperator(me, reason: "an example", store: store)
        return try TrustLayer(mainKeys: keys ?? mainKeys, authority: authority, audit: audit)
    }

    private func permit<Action: PermitAction>(
        _ trust: TrustLayer, _ action: Action.Type, _ resource: Resource, _ scope: Scope
    ) async throws -> Permit<Action> {
        try await trust.access.permit(action, on: resource, as: ActContext(actor: me, scope: scope)).get()
    }

    private func manage(_ trust: TrustLayer, _ scope: Scope) async throws -> Permit<ManageKeys> {
        try await permit(trust, ManageKeys.self, KeyTarget.environment.resource(in: scope), scope)
    }

    /// How many of the connections' credentials open; what fails otherwise is an error.
    private func opened(_ trust: TrustLayer, _ connections: [Connection]) async throws -> Int {
        var count = 0
        for connection in connections {
            let permit = try await permit(trust, OpenCredential.self, .credential(of: connection.id), connection.scope)
            do {
                count += try await trust.vault.withCredential(connection.id, permit) { $0.fieldNames.count }
            } catch {
                guard case .vault(let cause) = error, cause.code == .cannotOpen else { throw error }
            }
        }
        return count
    }

    /// A backup of the workspace's part of a store.
    private func copy(_ store: MemoryStore) async throws -> MemoryStore {
        let backup = MemoryStore()
        for entry in try await store.records(in: KeyRange(under: Key(Partition(workspace))), limit: 10_000) {
            var changes = Changes()
            changes.write(entry.key, entry.record.bytes)
            try await backup.commit(changes)
        }
        return backup
    }
}
