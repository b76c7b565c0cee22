// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// How a credential is opened.
extension Vault {
    /// Opens a connection's credential and lends it to `body`.
    ///
    /// The audit entry is committed before the secret is lent; when it cannot be, nothing is lent. A job's openings of one
    /// connection are covered by one entry that is committed before the first of them, declares at most how many there will
    /// be, and is closed with their number (clause S1.4).
    ///
    /// With a `generation`, as ``Vault/Receipt/generation`` says it, also one that another took the place of is opened, as long
    /// as it was stored to overlap with it.
    public func withCredential<R, E: Error>(
        _ connection: Identifier<Connection>, generation: Int64? = nil, _ permit: Permit<OpenCredential>,
        _ body: (borrowing Secret) async throws(E) -> R
    ) async throws(OpenFailure<E>) -> R {
        let secret: Secret
        do throws(VaultError) {
            secret = try await openAndRecord(connection, generation, permit)
        } catch {
            throw .vault(error)
        }
        do throws(E) {
            return try await body(secret)
        } catch {
            throw .body(error)
        }
    }

    /// Opens a credential and commits the entry that says so; what may have changed while that was written is looked at again.
    private func openAndRecord(
        _ connection: Identifier<Connection>, _ generation: Int64?, _ permit: Permit<OpenCredential>
    ) async throws(VaultError) -> Secret {
        let action = "vault.credential.open"
        let scope = permit.context.scope
        let context = try await enter(permit, action, .credential(of: connection), scope)
        let credential: ReadyCredential
        let secret: Secret
        do throws(VaultError) {
            credential = try await find(connection, generation, context, scope)
            secret = try Self.open(credential)
        } catch {
            throw await refused(error, permit, action)
        }
        let details = generation.map { ["generation": String($0)] } ?? [:]
        guard try await recordOpening(of: connection, action, permit, details, mayShare: generation == nil) else {
            return secret
        }
        let isAsBefore = try await recorded(permit, action) { () throws(VaultError) in
            if let generation {
                // Its time may have ended.
                _ = try await find(connection, generation, context, scope)
                return true
            }
            return try await isUnchanged(credential, connection, scope)
        }
        if isAsBefore { return secret }
        let next = try await recorded(permit, action) { () throws(VaultError) in
            try await fresh(connection, context, scope)
        }
        return try Self.open(next)
    }

    /// Commits the entry of an opening, or finds it covered by that of a job's window; returns whether that took a wait.
    func recordOpening(
        of connection: Identifier<Connection>, _ action: String, _ permit: Permit<OpenCredential>,
        _ details: [String: String], mayShare: Bool = true
    ) async throws(VaultError) -> Bool {
        do throws(StoreError) {
            if mayShare, case .job = permit.context.actor {
                return try await windows.enter(connection, action, permit)
            }
            try await store.record(authority.entry(action, permit, details: details), in: authority.trail)
            return true
        } catch {
            throw VaultError(error)
        }
    }

    private func find(
        _ connection: Identifier<Connection>, _ generation: Int64?, _ context: MainKeyContext, _ scope: Scope
    ) async throws(VaultError) -> ReadyCredential {
        guard let generation else { return try await present(connection, context, scope) }
        return try await withView(context) { (view) throws(VaultError) in
            try await prepare(connection, generation, context, scope, view)
        }
    }

    /// A connection's present credential and its key: as they were known, if nothing has changed since, or read anew.
    func present(
        _ connection: Identifier<Connection>, _ context: MainKeyContext, _ scope: Scope
    ) async throws(VaultError) -> ReadyCredential {
        if let credential = ready.credential(connection, context),
            try await isUnchanged(credential, connection, scope)
        {
            return credential
        }
        return try await fresh(connection, context, scope)
    }

    /// The same, read anew.
    private func fresh(
        _ connection: Identifier<Connection>, _ context: MainKeyContext, _ scope: Scope
    ) async throws(VaultError) -> ReadyCredential {
        let credential = try await withView(context) { (view) throws(VaultError) in
            try await prepare(connection, nil, context, scope, view)
        }
        ready.keep(credential, for: connection)
        return credential
    }

    /// Whether nothing has changed since a credential was opened: neither the row nor anything that decides about its keys.
    private func isUnchanged(
        _ credential: ReadyCredential, _ connection: Identifier<Connection>, _ scope: Scope
    ) async throws(VaultError) -> Bool {
        let uptime = authority.time.uptime
        guard uptime < credential.refresh, credential.project == scope.project,
            try await tree.ledger.view(at: uptime).serial == credential.ledgerSerial
        else { return false }
        do throws(StoreError) {
            // By the newest state that this process has seen: an earlier one is tampering.
            guard let snapshot = try await tree.control.snapshot(of: credential.partition) else { return false }
            if snapshot.serial != credential.control.serial {
                // Other records of the workspace changed, or these.
                for (key, reference) in credential.references
                where try await tree.control.reference(of: key, under: snapshot) != reference { return false }
                var moved = credential
                moved.control = snapshot
                ready.keep(moved, for: connection)
            }
            guard let row = try await store.record(for: credential.rowKey), row.bytes == credential.row
            else { return false }
        } catch {
            if case .conflict = error { return false }
            throw VaultError(error)
        }
        // Now, and not before: time may have passed, and a main key refused, while the store was asked.
        return isInTime(credential)
    }

    /// Whether a credential's key may still be used, and no main key was refused since.
    private func isInTime(_ credential: ReadyCredential) -> Bool {
        credential.cacheSerial == tree.cache.serial
            && !credential.deadline.isOver(authority.time.uptime, authority.time.now)
    }

    static func open(_ credential: ReadyCredential) throws(VaultError) -> Secret {
        do throws(CryptoError) {
            return Secret(
                method: credential.method,
                content: try Envelope.open(
                    credential.sealed, with: credential.key, authenticated: credential.authenticated))
        } catch {
            throw VaultError(error)
        }
    }

    /// Throws unless a credential that another one took the place of may still be opened, by clocks that agree.
    private func checkPast(_ generation: Int64, _ set: KeySet, _ view: KeyTree.View) throws(VaultError) {
        guard let past = set.past.first(where: { $0.generation == generation }) else {
            throw VaultError(.cannotOpen, .missing)
        }
        guard authority.time.now < past.until, !clocksDisagree(by: view.ledger) else {
            throw VaultError(.cannotOpen, .closed)
        }
    }

    /// Reads a connection's row and gets its key.
    private func prepare(
        _ connection: Identifier<Connection>, _ generation: Int64?, _ context: MainKeyContext, _ scope: Scope,
        _ view: KeyTree.View
    ) async throws(VaultError) -> ReadyCredential {
        let place = KeyPlace(context, .connection(connection))
        let ids = CredentialRow.ids(context.environment, connection)
        let cacheSerial = tree.cache.serial
        guard let own = try await tree.referredSet(of: place, view),
            let above = try await tree.referredSet(of: KeyPlace(context), view)
        else { throw VaultError(.cannotOpen, .missing) }
        let rowKey: Key
        if let generation, generation != own.set.row {
            try checkPast(generation, own.set, view)
            rowKey = CredentialRow.past.key(place.partition, ids + [KeyPlace.digits(generation)])
        } else {
            rowKey = CredentialRow.table.key(place.partition, ids)
        }
        let found: (bytes: [UInt8], row: CredentialRow)?
        do throws(StoreError) {
            found = try await store.record(for: rowKey).map { (record) throws(StoreError) in
                (record.bytes, try CredentialRow.table.value(of: record.bytes, at: rowKey))
            }
        } catch {
            throw VaultError(error)
        }
        guard let (bytes, row) = found, row.facts.project == scope.project, let control = view.control else {
            throw VaultError(.cannotOpen, .missing)
        }
        // An earlier credential was put back, or this one's last store.
        guard generation ?? own.set.row == row.generation else { throw VaultError(.cannotOpen, .tampered) }
        let entry = try await tree.key(place, .commitment(row.key), view)
        // Known before the cipher runs: one envelope may have been made to open under two keys.
        guard row.key == entry.key.commitment, Envelope.names(entry.key, in: row.sealed) else {
            throw VaultError(.cannotOpen, .wrongKey)
        }
        return ReadyCredential(
            context: context, partition: place.partition, project: row.facts.project, method: row.facts.method,
            rowKey: rowKey, row: bytes,
            sealed: row.sealed,
            key: entry.key,
            authenticated: Envelope.authenticated(entry.key, row.additionalData(context, connection)),
            deadline: entry.deadline, refresh: entry.refresh, control: control,
            references: [
                tree.sets.key(place.partition, place.ids): own.reference,
                tree.sets.key(place.partition, KeyPlace(context).ids): above.reference,
            ],
            ledgerSerial: view.ledger.serial, cacheSerial: cacheSerial)
    }
}
