// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What becomes of connections apart from their credentials.
extension Vault {
    /// Notes that the app no longer accepts a connection's credential, until another one is stored.
    ///
    /// The credential still opens: whether to try it again is the caller's to decide. `reason` is 1 to 255 bytes, nothing
    /// secret, and can be read without opening.
    public func markLost(
        _ connection: Identifier<Connection>, reason: String, _ permit: Permit<OpenCredential>
    ) async throws(VaultError) {
        let action = "vault.connection.lost"
        let scope = permit.context.scope
        let context = try await enter(permit, action, .credential(of: connection), scope)
        try await recorded(permit, action) { () throws(VaultError) in
            guard reason.isReason, reason.utf8.count <= 255 else { throw VaultError(.reasonRequired) }
            let (partition, ids) = (Partition(context.workspace), CredentialRow.ids(context.environment, connection))
            let entry = authority.entry(action, permit, details: ["reason": reason])
            let now = authority.time.now
            try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard let facts = try await CredentialRow.table.read(partition, ids, in: &transaction)?.facts,
                    facts.project == scope.project
                else { throw VaultError(.cannotOpen, .missing) }
                let record = ConnectionRecord(
                    connector: facts.connector, project: facts.project, method: facts.method,
                    state: .lost(reason: reason, at: now))
                try await ConnectionRecord.table.write(record, partition, ids, in: &transaction)
                try transaction.record(entry, in: authority.trail)
            }
        }
    }

    /// Makes connections without credentials, from an export of others. The permit is for ``KeyTarget/environment``, and its
    /// project is theirs.
    ///
    /// Those of an id that the environment has already are left as they are. At most 1,000; a call that failed on its way is
    /// repeated, and goes on. Returns the ids of those that were made.
    @discardableResult
    public func importShells(
        _ shells: [ConnectionShell], _ permit: Permit<StoreCredential>
    ) async throws(VaultError) -> [Identifier<Connection>] {
        let action = "vault.connection.import"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            guard shells.count <= 1000 else { throw VaultError(.tooLarge) }
            for shell in shells { try Self.check(shell.metadata) }
            var made: [Identifier<Connection>] = []
            // One entry for all, in the first commit.
            var entry: AuditEntry? = authority.entry(action, permit, details: ["count": String(shells.count)])
            var rest = shells[...]
            repeat {
                let (batch, first) = (rest.prefix(40), entry)
                made += try await withView(context) { (view) throws(VaultError) in
                    // An id that has keys is somebody's, or was destroyed.
                    var free: [ConnectionShell] = []
                    for shell in batch
                    where try await tree.set(of: KeyPlace(context, .connection(shell.connection)), view) == nil {
                        free.append(shell)
                    }
                    let shells = free
                    return try await store.transaction {
                        (transaction: inout Transaction<VaultError>) throws(VaultError) in
                        if view.control != nil, try await !tree.expect(view, context, in: &transaction) {
                            return nil as [Identifier<Connection>]?
                        }
                        var made: [Identifier<Connection>] = []
                        for shell in shells where try await makeShell(shell, context, scope, in: &transaction) {
                            made.append(shell.connection)
                        }
                        if let first { try transaction.record(first, in: authority.trail) }
                        return made
                    }
                }
                entry = nil
                rest = rest.dropFirst(40)
            } while !rest.isEmpty
            return made
        }
    }

    private func makeShell(
        _ shell: ConnectionShell, _ context: MainKeyContext, _ scope: Scope,
        in transaction: inout Transaction<VaultError>
    ) async throws(VaultError) -> Bool {
        let (partition, ids) = (Partition(context.workspace), CredentialRow.ids(context.environment, shell.connection))
        guard try await transaction.read(CredentialRow.table.key(partition, ids)) == nil,
            try await transaction.read(ConnectionRecord.table.key(partition, ids)) == nil
        else { return false }
        let record = ConnectionRecord(
            connector: shell.connector, project: scope.project, method: shell.method, metadata: shell.metadata,
            state: .shell)
        try await ConnectionRecord.table.write(record, partition, ids, in: &transaction)
        return true
    }
}
