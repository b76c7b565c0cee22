// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// How a connection's credentials go.
extension Vault {
    /// Destroys a connection's key, and with it every credential under it, for good.
    ///
    /// That it was there stays noted as `Connection.State.disconnected`. For a connection without a key, such as a
    /// shell or one that was destroyed before, what is left of it is deleted.
    public func destroy(
        _ connection: Identifier<Connection>, _ permit: Permit<DestroyCredential>
    ) async throws(VaultError) {
        let scope = permit.context.scope
        let action = "vault.credential.destroy"
        let context = try await enter(permit, action, .credential(of: connection), scope)
        try await recorded(permit, action) { () throws(VaultError) in
            let key = CredentialRow.table.key(
                Partition(context.workspace), CredentialRow.ids(context.environment, connection))
            // A row that cannot be read keeps nobody from destroying its key.
            let row: CredentialRow?
            do throws(StoreError) {
                row = try await store.record(for: key).flatMap { try? CredentialRow.table.value(of: $0.bytes, at: key) }
            } catch {
                throw VaultError(error)
            }
            let place = KeyPlace(context, .connection(connection))
            let set = try await withView(context) { (view) throws(VaultError) in
                .some(try await tree.set(of: place, view))
            }
            // A permit of another project destroys nothing, whether the vault keeps the credential or the host does.
            guard row.map({ $0.facts.project == scope.project }) ?? true,
                set.map({ $0.project == scope.project }) ?? true
            else { throw VaultError(.cannotOpen, .missing) }
            if try await deleteRest(of: connection, context, permit, action) { return }
            try await close(place, to: .destroyed, permit, action)
        }
    }

    /// Deletes what is left of a connection that has no key; `false` when nothing is.
    private func deleteRest(
        of connection: Identifier<Connection>, _ context: MainKeyContext, _ permit: Permit<DestroyCredential>,
        _ action: String
    ) async throws(VaultError) -> Bool {
        let (partition, ids) = (Partition(context.workspace), CredentialRow.ids(context.environment, connection))
        let project = permit.context.scope.project
        let entry = authority.entry(action, permit, details: ["state": "removed"])
        return try await withView(context) { (view) throws(VaultError) in
            let set = try await tree.set(of: KeyPlace(context, .connection(connection)), view)
            if set?.versions.contains(where: { $0.state != .destroyed }) == true { return false }
            return try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                // A credential that was stored meanwhile has made a key.
                if view.control != nil, try await !tree.expect(view, context, in: &transaction) { return nil as Bool? }
                let row = CredentialRow.table.key(partition, ids)
                let record = try await ConnectionRecord.table.read(partition, ids, in: &transaction)
                let bytes = try await transaction.read(row)
                if view.control == nil, bytes != nil { throw VaultError(.cannotOpen, .tampered) }
                guard bytes != nil || record != nil else { return false }
                let facts = bytes.flatMap { try? CredentialRow.table.value(of: $0, at: row) }?.facts
                guard record.map({ $0.project == project }) ?? true, facts.map({ $0.project == project }) ?? true else {
                    throw VaultError(.cannotOpen, .missing)
                }
                if let facts { reindex(connection, context, from: facts.index, to: [:], in: &transaction) }
                transaction.delete(row)
                ConnectionRecord.table.delete(partition, ids, in: &transaction)
                try transaction.record(entry, in: authority.trail)
                return true
            }
        }
    }

    /// Deletes what was stored for a connection, and notes that it has no credential any more.
    func forget(
        _ connection: Identifier<Connection>, _ set: KeySet, _ context: MainKeyContext,
        in transaction: inout Transaction<VaultError>
    ) async throws(VaultError) {
        let (partition, ids) = (Partition(context.workspace), CredentialRow.ids(context.environment, connection))
        let key = CredentialRow.table.key(partition, ids)
        if let bytes = try await transaction.read(key) {
            if let facts = (try? CredentialRow.table.value(of: bytes, at: key))?.facts {
                reindex(connection, context, from: facts.index, to: [:], in: &transaction)
                let record = ConnectionRecord(
                    connector: facts.connector, project: facts.project, method: facts.method,
                    metadata: facts.metadata, state: .disconnected)
                try await ConnectionRecord.table.write(record, partition, ids, in: &transaction)
            }
            transaction.delete(key)
        }
        for past in set.past {
            CredentialRow.past.delete(partition, ids + [KeyPlace.digits(past.generation)], in: &transaction)
        }
    }
}
