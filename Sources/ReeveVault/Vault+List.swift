// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What is known of a credential without opening it.
public struct CredentialDescription: Hashable, Sendable {
    /// The connection.
    public let connection: Identifier<Connection>
    /// How the app authenticates.
    public let method: Connector.Method
    /// How many credentials the connection has had, this one included.
    public let generation: Int64
    /// When it was stored.
    public let stored: Timestamp
    /// When the app stops to accept it, as far as is known.
    public let expires: Timestamp?
    /// What the host has noted beside it.
    public let metadata: [String: String]
    /// The id of the key that sealed it.
    public let key: String
    /// Where that key stands; `nil` when no record vouches for it, so that it opens nothing.
    public let state: KeyState?
    /// Whether the key above it stands so that it may be opened.
    public let environmentOpens: Bool
}

extension Vault {
    /// Describes the credentials of an environment, in the order of the connections' ids; at most `limit`, 1 to 1,000, after one
    /// that was listed before. The permit is for ``KeyTarget/environment``; in a project's
    /// scope only that project's are listed. Nothing is unwrapped: it also works
    /// while the main key refuses or is gone.
    public func credentials(
        after last: Identifier<Connection>? = nil, limit: Int = 100, _ permit: Permit<ReadConnections>
    ) async throws(VaultError) -> [CredentialDescription] {
        let action = "vault.credential.list"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        return try await recorded(permit, action) { () throws(VaultError) in
            let descriptions = try await withView(context) { (view) throws(VaultError) in
                try await describe(context, scope.project, view, after: last, limit: min(max(limit, 1), 1000))
            }
            try await record(action, permit, ["count": String(descriptions.count)])
            return descriptions
        }
    }

    private func describe(
        _ context: MainKeyContext, _ project: Identifier<Project>?, _ view: KeyTree.View,
        after last: Identifier<Connection>?, limit: Int
    ) async throws(VaultError) -> [CredentialDescription] {
        let partition = Partition(context.workspace)
        let prefix = CredentialRow.table.key(partition, [context.environment.rawValue])
        var range = KeyRange(under: prefix)
        if let last {
            range = range.after(CredentialRow.table.key(partition, CredentialRow.ids(context.environment, last)))
        }
        var page: [(place: KeyPlace, row: CredentialRow)] = []
        do throws(StoreError) {
            while page.count < limit {
                let entries = try await store.records(in: range, limit: limit)
                for entry in entries where page.count < limit {
                    guard let place = KeyPlace(entry.key, under: prefix, context, .connection) else { continue }
                    let row = try CredentialRow.table.value(of: entry.record.bytes, at: entry.key)
                    if project == nil || row.facts.project == project { page.append((place, row)) }
                }
                guard entries.count == limit, let end = entries.last else { break }
                range = range.after(end.key)
            }
        } catch {
            throw VaultError(error)
        }
        let environment = KeyPlace(context)
        let above = try await tree.set(of: environment, view)
        let environmentOpens = above?.versions.contains { version in
            version.state.opens && view.ledger.closure(of: environment, version) == nil
        }
        var descriptions: [CredentialDescription] = []
        for (place, row) in page {
            guard case .connection(let connection) = place.leaf else { continue }
            let version = try await tree.set(of: place, view)?.version(of: row.key)
            descriptions.append(
                CredentialDescription(
                    connection: connection, method: row.facts.method, generation: row.generation,
                    stored: row.facts.stored, expires: row.facts.expires, metadata: row.facts.metadata,
                    key: String(row.key.description.prefix(16)),
                    state: version.map { view.ledger.closure(of: place, $0) ?? $0.state },
                    environmentOpens: environmentOpens ?? false))
        }
        return descriptions
    }
}
