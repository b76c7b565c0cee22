// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// Keeps the credentials of connections under a hierarchy of keys with the Customer Main Key at the top.
///
/// Each act takes a permit and leaves exactly one audit entry, in the same commit where it writes. All calls may be made
/// concurrently.
public struct Vault: Sendable {
    /// What can be set; the defaults are visible here.
    public struct Configuration: Hashable, Sendable, Codable {
        /// Seconds for which an unwrapped key may be used before the key above it is asked again; 1 to 3600.
        public var keyLifetimeSeconds: Int

        /// A configuration; by default 60 seconds.
        public init(keyLifetimeSeconds: Int = 60) {
            self.keyLifetimeSeconds = keyLifetimeSeconds
        }

        /// All defects, each as a line; empty when there is none.
        public func validate() -> [String] {
            (1...3600).contains(keyLifetimeSeconds) ? [] : ["keyLifetimeSeconds must be 1 to 3600"]
        }
    }

    /// What the vault did: ids only.
    public struct Receipt: Hashable, Sendable {
        /// The ids of keys that were made for this act: the environment's before the connection's.
        public let keysMade: [String]
        /// The id of the key that sealed the credential.
        public let sealedUnder: String
        /// How many credentials this connection has had, this one included.
        public let generation: Int64
    }

    private let store: any Store
    private let authority: AccessAuthority
    private let keys: KeyTree

    /// A vault over the authority's store, under a main key, that takes the authority's permits.
    public init(
        mainKey: any MainKeyProvider, authority: AccessAuthority,
        configuration: Configuration = Configuration()
    ) {
        store = authority.store
        self.authority = authority
        let lifetime = Duration.seconds(min(max(configuration.keyLifetimeSeconds, 1), 3600))
        keys = KeyTree(mainKey: mainKey, time: authority.time, lifetime: lifetime)
    }

    /// Seals a connection's credential and stores it, in place of one that was there.
    ///
    /// OAuth 2.0 is chosen whenever the connector offers it; another method then needs a `reason`, which is recorded
    /// (clause S3.1). Keys that are missing are made.
    @discardableResult
    public func store(
        _ credential: consuming Credential, for connection: Connection, of connector: Connector,
        _ permit: Permit<StoreCredential>, reason: String? = nil
    ) async throws(VaultError) -> Receipt {
        let action = "vault.credential.store"
        let (id, context) = try await enter(permit, action, connection.id, connection.scope)
        guard connector.id == connection.connector, connector.methods.contains(credential.method) else {
            throw await refused(VaultError(.methodNotOffered), permit, action)
        }
        let isException = connector.methods.contains(.oauth2) && credential.method != .oauth2
        guard !isException || reason?.isReason == true else {
            throw await refused(VaultError(.reasonRequired), permit, action)
        }
        let partition = Partition(context.workspace)
        let ids = CredentialRow.ids(context.environment, id)
        let instant = authority.time.now
        do throws(VaultError) {
            return try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                let (key, made) = try await keys.connectionKey(id, context, in: &transaction)
                let before = try await CredentialRow.table.read(partition, ids, in: &transaction)
                let generation = (before?.generation ?? 0) + 1
                let data = CredentialRow.additionalData(context, id, credential.method, generation: generation)
                let sealed: [UInt8]
                do throws(CryptoError) {
                    sealed = try Envelope.seal(credential.content, with: key, data)
                } catch {
                    throw VaultError(error)
                }
                let row = CredentialRow(
                    scope: connection.scope, method: credential.method, generation: generation, stored: instant,
                    key: key.commitment,
                    sealed: Base64URL.encode(sealed))
                try await CredentialRow.table.write(row, partition, ids, in: &transaction)
                let keyID = String(key.commitment.description.prefix(16))
                var details = ["method": credential.method.rawValue, "key": keyID, "generation": String(generation)]
                if !made.isEmpty { details["keysMade"] = made.joined(separator: ",") }
                if isException, let reason { details["reason"] = reason }
                try transaction.record(authority.entry(action, permit, details: details), in: authority.trail)
                return Receipt(keysMade: made, sealedUnder: keyID, generation: generation)
            }
        } catch {
            throw await refused(error, permit, action)
        }
    }

    /// Opens a connection's credential and lends it to `body`.
    ///
    /// The audit entry is committed before the secret is lent; when it cannot be, nothing is lent.
    public func withCredential<R, E: Error>(
        _ connection: Identifier<Connection>, _ permit: Permit<OpenCredential>,
        _ body: (borrowing Secret) async throws(E) -> R
    ) async throws(OpenFailure<E>) -> R {
        let secret: Secret
        do throws(VaultError) {
            secret = try await openAndRecord(connection, permit)
        } catch {
            throw .vault(error)
        }
        do throws(E) {
            return try await body(secret)
        } catch {
            throw .body(error)
        }
    }

    /// Destroys the connection's key: every credential under it is unreadable from then on.
    public func destroy(
        _ connection: Identifier<Connection>, _ permit: Permit<DestroyCredential>
    ) async throws(VaultError) {
        let action = "vault.credential.destroy"
        let (id, context) = try await enter(permit, action, connection, permit.context.scope)
        let partition = Partition(context.workspace)
        let ids = KeyRecord.ids(context.environment, id)
        do throws(VaultError) {
            try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
                guard var record = try await KeyRecord.table.read(partition, ids, in: &transaction) else {
                    throw VaultError(.cannotOpen, .missing)
                }
                guard record.state == .active else { throw VaultError(.keyDestroyed, .closed) }
                let rowIDs = CredentialRow.ids(context.environment, id)
                let row = try await CredentialRow.table.read(partition, rowIDs, in: &transaction)
                guard row.map({ $0.scope == permit.context.scope }) ?? true else {
                    throw VaultError(.cannotOpen, .missing)
                }
                record.state = .destroyed
                record.wrapped = ""
                try await KeyRecord.table.write(record, partition, ids, in: &transaction)
                CredentialRow.table.delete(partition, rowIDs, in: &transaction)
                let entry = authority.entry(action, permit, details: ["key": record.id])
                try transaction.record(entry, in: authority.trail)
            }
        } catch {
            throw await refused(error, permit, action)
        }
        keys.evict(id)
    }

    /// Wipes unwrapped keys whose lifetime is over. Background work calls it.
    package func dropExpiredKeys() { keys.dropExpired() }

    /// Opens a credential and commits the entry that says so, before anyone sees the secret.
    private func openAndRecord(
        _ connection: Identifier<Connection>, _ permit: Permit<OpenCredential>
    ) async throws(VaultError) -> Secret {
        let action = "vault.credential.open"
        let (id, context) = try await enter(permit, action, connection, permit.context.scope)
        let secret: Secret
        do throws(VaultError) {
            secret = try await open(id, context, permit.context.scope)
        } catch {
            throw await refused(error, permit, action)
        }
        do throws(StoreError) {
            try await store.record(authority.entry(action, permit), in: authority.trail)
        } catch {
            throw VaultError(error)
        }
        return secret
    }

    private func open(
        _ connection: Identifier<Connection>, _ context: MainKeyContext, _ scope: Scope
    ) async throws(VaultError) -> Secret {
        let row: CredentialRow?
        do throws(StoreError) {
            let ids = CredentialRow.ids(context.environment, connection)
            row = try await CredentialRow.table.read(Partition(context.workspace), ids, in: store)
        } catch {
            throw VaultError(error)
        }
        guard let row, row.scope == scope else { throw VaultError(.cannotOpen, .missing) }
        let key = try await keys.connectionKey(connection, context, from: store)
        guard row.key == key.commitment else { throw VaultError(.cannotOpen, .wrongKey) }
        guard let sealed = Base64URL.decode(row.sealed) else { throw VaultError(.cannotOpen, .tampered) }
        do throws(CryptoError) {
            let data = CredentialRow.additionalData(context, connection, row.method, generation: row.generation)
            return Secret(method: row.method, content: try Envelope.open(sealed, with: key, data))
        } catch {
            throw VaultError(error)
        }
    }

    /// Checks the permit, and that it names one environment of one workspace.
    private func enter<Action>(
        _ permit: Permit<Action>, _ action: String, _ connection: Identifier<Connection>, _ scope: Scope
    ) async throws(VaultError) -> (Identifier<Connection>, MainKeyContext) {
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: .credential(of: connection), in: scope)
        } catch {
            throw VaultError(error)
        }
        guard let workspace = scope.workspace, let environment = scope.environment else {
            throw await refused(VaultError(AccessError(.wrongResource)), permit, action)
        }
        return (connection, MainKeyContext(workspace: workspace, environment: environment))
    }

    /// Records that an act was refused or failed, and gives the error back.
    private func refused<Action>(_ error: VaultError, _ permit: Permit<Action>, _ action: String) async -> VaultError {
        // What may have been done is not called refused.
        if error.store == .outcomeUnknown { return error }
        let refusal = [error.code.rawValue, error.detail?.rawValue].compactMap { $0 }.joined(separator: ".")
        do {
            try await authority.recordRefusal(of: action, permit, code: refusal)
            return error
        } catch {
            return VaultError(error)
        }
    }
}
