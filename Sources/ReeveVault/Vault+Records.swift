// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveAccess
package import ReeveCrypto
package import ReeveModel
import ReeveStorage

/// Pieces of personal data, each sealed under a key of its own, as its subject's requests and an erasure reach them: their proof is another one than a permit for the key.
extension Vault {
    /// The place that has them.
    package static let recordLocation = "sealed"

    /// Under which connection's key a record is sealed: nobody finds a record for a connection that is there.
    package static func connection(of record: Identifier<DataRecord>) throws(VaultError) -> Identifier<Connection> {
        var encoding = CanonicalBytes(label: "reeve/vault/record/1")
        encoding.add(record.description)
        do {
            let bytes = try Digest(of: encoding).bytes
            func word(_ from: Int) -> UInt64 { bytes[from..<from + 8].reduce(0) { $0 << 8 | UInt64($1) } }
            return Identifier(high: word(0), low: word(8))
        } catch {
            throw VaultError(.cryptoFailed)
        }
    }

    /// Opens what ``seal(_:named:for:_:)`` sealed of a record, for who answers its subject. The entry is committed before; `nil` when its key is destroyed, or was never there.
    package func open(
        _ sealed: SealedCredential, named name: String, of record: Identifier<DataRecord>, in scope: Scope
    ) async throws(VaultError) -> SecretBytes? {
        guard let opened = try await key(of: sealed, record, scope) else { return nil }
        let data = Self.additionalData(name, opened.place, scope.project)
        let secret = try crypto { () throws(CryptoError) in
            try Envelope.openAlone(sealed.bytes, with: opened.key, data)
        }
        try await note("vault.open", record, scope)
        return secret
    }

    /// Seals other content of a record under the key that it has; `nil` as ``open(_:named:of:in:)``. The entry is committed before.
    package func reseal(
        _ value: borrowing SecretBytes, as sealed: SealedCredential, named name: String,
        of record: Identifier<DataRecord>, in scope: Scope
    ) async throws(VaultError) -> SealedCredential? {
        guard let opened = try await key(of: sealed, record, scope) else { return nil }
        guard seals.take(opened.key.commitment) else { throw VaultError(.wrongState) }
        try await note("vault.seal", record, scope)
        let data = Self.additionalData(name, opened.place, scope.project)
        do throws(CryptoError) {
            return SealedCredential(bytes: try Envelope.sealAlone(value, with: opened.key, data))
        } catch {
            throw VaultError(error)
        }
    }

    /// Destroys the key of a record for good, by an erasure of it that has begun; whether there was one.
    package func destroyKey(_ erasure: borrowing Erasure) async throws(VaultError) -> Bool {
        let (context, decision, action) = (erasure.context, erasure.decision, "vault.credential.destroy")
        let connection = try Self.connection(of: erasure.record)
        guard authority.accepts(erasure, at: Self.recordLocation), let place = Self.place(connection, context.scope)
        else { throw VaultError(AccessError(.wrongResource)) }
        do throws(VaultError) {
            try await close(place, to: .destroyed) { details in
                authority.entry(action, context, .credential(of: connection), decision, nil, nil, details)
            }
            return true
        } catch {
            // It was before, or with the keys above it.
            guard error.code == .keyClosed || error.code == .cannotOpen && error.detail == .missing else { throw error }
            return false
        }
    }

    private static func place(_ connection: Identifier<Connection>, _ scope: Scope) -> KeyPlace? {
        guard let workspace = scope.workspace, let environment = scope.environment else { return nil }
        return KeyPlace(MainKeyContext(workspace: workspace, environment: environment), .connection(connection))
    }

    private func key(
        of sealed: SealedCredential, _ record: Identifier<DataRecord>, _ scope: Scope
    ) async throws(VaultError) -> (key: OpenKey, place: KeyPlace)? {
        guard let place = Self.place(try Self.connection(of: record), scope) else {
            throw VaultError(AccessError(.wrongResource))
        }
        do throws(VaultError) {
            return (try await key(of: sealed, place), place)
        } catch {
            guard error.code == .cannotOpen, error.detail == .closed || error.detail == .missing else { throw error }
            return nil
        }
    }

    private func note(
        _ action: String, _ record: Identifier<DataRecord>, _ scope: Scope
    ) async throws(VaultError) {
        let context = ActContext(actor: .rule("privacy.request"), scope: scope, origin: .background)
        let resource = Resource.credential(of: try Self.connection(of: record))
        do throws(StoreError) {
            try await store.record(
                authority.entry(action, context, resource, nil, nil, nil, ["record": record.description]),
                in: authority.trail)
        } catch {
            throw VaultError(error)
        }
    }
}
