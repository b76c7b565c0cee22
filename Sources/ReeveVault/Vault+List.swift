// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What the vault says of connections without opening anything.
extension Vault {
    /// Describes the connections of an environment, in the order of their ids; at most `limit`, 1 to 1,000, after one that was
    /// listed before. The permit is for ``KeyTarget/environment``; in a project's scope only that project's are listed.
    ///
    /// Nothing is unwrapped: it also works while the main key refuses or is gone. For an export take each one's
    /// ``ConnectionDescription/shell``.
    public func connections(
        after last: Identifier<Connection>? = nil, limit: Int = 100, _ permit: Permit<ReadConnections>
    ) async throws(VaultError) -> [ConnectionDescription] {
        let action = "vault.connection.list"
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
    ) async throws(VaultError) -> [ConnectionDescription] {
        let rows = try await page(of: CredentialRow.table, context, after: last, limit) { row in
            project == nil || row.facts.project == project
        }
        let records = try await page(of: ConnectionRecord.table, context, after: last, limit) { record in
            project == nil || record.project == project
        }
        var descriptions: [ConnectionDescription] = []
        let ids = Set(rows.keys).union(records.keys).sorted { $0.description < $1.description }
        for connection in ids.prefix(limit) {
            var credential: CredentialDescription?
            if let row = rows[connection] {
                credential = try await describe(row, connection, context, view)
            }
            guard let connector = rows[connection]?.facts.connector ?? records[connection]?.connector else { continue }
            descriptions.append(
                ConnectionDescription(
                    connection: connection, connector: connector, state: records[connection]?.state ?? .connected,
                    method: credential?.method ?? records[connection]?.method,
                    metadata: rows[connection]?.facts.metadata ?? records[connection]?.metadata ?? [:],
                    credential: credential))
        }
        return descriptions
    }

    private func describe(
        _ row: CredentialRow, _ connection: Identifier<Connection>, _ context: MainKeyContext, _ view: KeyTree.View
    ) async throws(VaultError) -> CredentialDescription {
        let place = KeyPlace(context, .connection(connection))
        let set = try await tree.set(of: place, view)
        let version = set?.version(of: row.key)
        var environmentOpens = false
        if let version {
            let key = KeyRecord.table.key(place.partition, KeyRecord.ids(place, version.generation))
            let record: KeyRecord?
            do throws(StoreError) {
                record = try await store.record(for: key).flatMap { try? KeyRecord.table.value(of: $0.bytes, at: key) }
            } catch {
                throw VaultError(error)
            }
            let environment = KeyPlace(context)
            if case .key(let parent, _)? = record?.wrapper,
                let above = try await tree.set(of: environment, view)?.version(of: parent)
            {
                environmentOpens = above.state.opens && view.ledger.closure(of: environment, above) == nil
            }
        }
        let now = authority.time.now
        return CredentialDescription(
            method: row.facts.method, generation: row.generation, stored: row.facts.stored,
            expires: row.facts.expires, key: String(row.key.description.prefix(16)),
            keyState: version.map { view.ledger.closure(of: place, $0) ?? $0.state },
            environmentOpens: environmentOpens,
            earlier: (set?.past ?? []).filter { now < $0.until }.map {
                .init(generation: $0.generation, until: $0.until)
            })
    }

    /// The first so many values of a table by connection that `isWanted`.
    private func page<Value>(
        of table: Table<Value>, _ context: MainKeyContext, after last: Identifier<Connection>?, _ limit: Int,
        where isWanted: (Value) -> Bool
    ) async throws(VaultError) -> [Identifier<Connection>: Value] {
        let partition = Partition(context.workspace)
        let prefix = table.key(partition, [context.environment.rawValue])
        var range = KeyRange(under: prefix)
        if let last { range = range.after(table.key(partition, CredentialRow.ids(context.environment, last))) }
        var page: [Identifier<Connection>: Value] = [:]
        do throws(StoreError) {
            while page.count < limit {
                let entries = try await store.records(in: range, limit: limit)
                for entry in entries where page.count < limit {
                    guard
                        case .connection(let connection)? = KeyPlace(entry.key, under: prefix, context, .connection)?
                            .leaf
                    else { continue }
                    // One that was altered keeps no other from being listed; `verify` reports it.
                    guard let value = try? table.value(of: entry.record.bytes, at: entry.key) else { continue }
                    if isWanted(value) { page[connection] = value }
                }
                guard entries.count == limit, let end = entries.last else { break }
                range = range.after(end.key)
            }
        } catch {
            throw VaultError(error)
        }
        return page
    }
}
