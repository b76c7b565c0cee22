// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// How credentials are found by a value without opening any.
extension Vault {
    /// The connections of an environment whose present credential has a value, at most 1,000, in the order of their ids.
    ///
    /// The permit is for ``KeyTarget/environment``; in a project's scope only that project's are found. Matches are exact, byte
    /// for byte. Complexity: O(log n) and one read for each match.
    public func connections(
        with value: borrowing SecretBytes, in index: CredentialIndex, _ permit: Permit<ReadConnections>
    ) async throws(VaultError) -> [Identifier<Connection>] {
        let action = "vault.connection.find"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        do throws(VaultError) {
            if case .field(let name) = index, !CredentialIndex.isName(name) { throw VaultError(.invalidName) }
            let place = KeyPlace(context, .index(index.name))
            let found = try await withView(context) { (view) throws(VaultError) -> [Identifier<Connection>]? in
                guard try await tree.set(of: place, view) != nil else { return [] }
                let key = try await tree.key(place, .current, view).key
                let entry = try crypto { () throws(CryptoError) in
                    try value.withLiveBytes { (span) throws(CryptoError) in try IndexEntry(of: span, under: key) }
                }
                return try await connections(having: entry, in: index, context, scope.project, view)
            }
            try await record(action, permit, ["index": index.name, "count": String(found.count)])
            return found
        } catch {
            throw await refused(error, permit, action)
        }
    }

    private func connections(
        having entry: IndexEntry, in index: CredentialIndex, _ context: MainKeyContext,
        _ project: Identifier<Project>?, _ view: KeyTree.View
    ) async throws(VaultError) -> [Identifier<Connection>] {
        var found: [Identifier<Connection>] = []
        var range = IndexRecord.range(context, index.name, entry)
        while found.count < 1000 {
            var rows: [(connection: Identifier<Connection>, row: CredentialRow)] = []
            let page: [Entry]
            do throws(StoreError) {
                page = try await store.records(in: range, limit: 200)
                for candidate in page {
                    guard let connection = IndexRecord.connection(candidate.key) else { continue }
                    let ids = CredentialRow.ids(context.environment, connection)
                    let key = CredentialRow.table.key(Partition(context.workspace), ids)
                    let row = try await store.record(for: key).flatMap { record in
                        try? CredentialRow.table.value(of: record.bytes, at: key)
                    }
                    if let row { rows.append((connection, row)) }
                }
            } catch {
                throw VaultError(error)
            }
            for (connection, row) in rows where found.count < 1000 {
                // The row decides, if it is the present one: what says otherwise was put there or left behind.
                let set = try await tree.set(of: KeyPlace(context, .connection(connection)), view)
                guard row.facts.index[index.name] == entry, set?.row == row.generation,
                    let version = set?.version(of: row.key), version.state != .destroyed,
                    project == nil || row.facts.project == project
                else { continue }
                found.append(connection)
            }
            guard page.count == 200, let last = page.last else { break }
            range = range.after(last.key)
        }
        return found
    }

    /// What stands for a value in a table of the host's own, so that equal values are found there without being stored.
    ///
    /// `name` says what is indexed, for example a column: 1 to 64 letters, digits, dots, hyphens and underscores of ASCII. The
    /// permit is for ``KeyTarget/environment``. Equal for equal values under one name in one environment, until its key is
    /// compromised or destroyed.
    public func blindIndex(
        of value: borrowing SecretBytes, named name: String, _ permit: Permit<ReadConnections>
    ) async throws(VaultError) -> BlindIndex {
        let action = "vault.index"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        do throws(VaultError) {
            guard CredentialIndex.isName(name) else { throw VaultError(.invalidName) }
            let place = KeyPlace(context, .index(CredentialIndex.host(name)))
            let key = try await sealingKey(place, permit, action, ["name": name])
            return BlindIndex(
                try crypto { () throws(CryptoError) in
                    try value.withLiveBytes { (span) throws(CryptoError) in try IndexEntry(of: span, under: key) }
                })
        } catch {
            throw await refused(error, permit, action)
        }
    }
}
