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

    /// Opens a credential after, or together with, the entry that says so.
    private func openAndRecord(
        _ connection: Identifier<Connection>, _ permit: Permit<OpenCredential>
    ) async throws(VaultError) -> Secret {
        let action = "vault.credential.open"
        let context = try await enter(permit, action, .credential(of: connection), permit.context.scope)
        let secret: Secret
        do throws(VaultError) {
            secret = try await open(connection, context, permit.context.scope)
        } catch {
            throw await refused(error, permit, action)
        }
        do throws(StoreError) {
            if case .job = permit.context.actor {
                try await windows.enter(connection, action, permit)
            } else {
                try await store.record(authority.entry(action, permit), in: authority.trail)
            }
        } catch {
            throw VaultError(error)
        }
        return secret
    }

    private func open(
        _ connection: Identifier<Connection>, _ context: MainKeyContext, _ scope: Scope
    ) async throws(VaultError) -> Secret {
        if let credential = ready.credential(connection, context),
            let secret = try await open(credential, connection, scope)
        {
            return secret
        }
        let credential = try await withView(context) { (view) throws(VaultError) in
            try await prepare(connection, context, scope, view)
        }
        return try Self.open(credential)
    }

    /// Opens what was opened before, if nothing has changed since: neither the row nor anything that decides about its keys.
    private func open(
        _ credential: ReadyCredential, _ connection: Identifier<Connection>, _ scope: Scope
    ) async throws(VaultError) -> Secret? {
        let uptime = authority.time.uptime
        guard uptime < credential.refresh, credential.project == scope.project,
            try await tree.ledger.view(at: uptime).serial == credential.ledgerSerial
        else { return nil }
        do throws(StoreError) {
            // By the newest state that this process has seen: an earlier one is tampering.
            guard let snapshot = try await tree.control.snapshot(of: credential.partition) else { return nil }
            if snapshot.serial != credential.control.serial {
                // Other records of the workspace changed, or these.
                for (key, reference) in credential.references
                where try await tree.control.reference(of: key, under: snapshot) != reference { return nil }
                var moved = credential
                moved.control = snapshot
                ready.keep(moved, for: connection)
            }
            guard let row = try await store.record(for: credential.rowKey), row.bytes == credential.row
            else { return nil }
        } catch {
            if case .conflict = error { return nil }
            throw VaultError(error)
        }
        // Now, and not before: time may have passed, and a main key refused, while the store was asked.
        guard credential.cacheSerial == tree.cache.serial,
            !credential.deadline.isOver(authority.time.uptime, authority.time.now)
        else { return nil }
        return try Self.open(credential)
    }

    private static func open(_ credential: ReadyCredential) throws(VaultError) -> Secret {
        do throws(CryptoError) {
            return Secret(
                method: credential.method,
                content: try Envelope.open(
                    credential.sealed, with: credential.key, authenticated: credential.authenticated))
        } catch {
            throw VaultError(error)
        }
    }

    /// Reads a connection's row and gets its key.
    private func prepare(
        _ connection: Identifier<Connection>, _ context: MainKeyContext, _ scope: Scope, _ view: KeyTree.View
    ) async throws(VaultError) -> ReadyCredential {
        let place = KeyPlace(context, .connection(connection))
        let rowKey = CredentialRow.table.key(place.partition, CredentialRow.ids(context.environment, connection))
        let cacheSerial = tree.cache.serial
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
        let environment = KeyPlace(context)
        guard let own = try await tree.referredSet(of: place, view),
            let above = try await tree.referredSet(of: environment, view)
        else { throw VaultError(.cannotOpen, .missing) }
        // An earlier credential was put back, or this one's last store.
        guard own.set.row == row.generation else { throw VaultError(.cannotOpen, .tampered) }
        let entry = try await tree.key(place, .commitment(row.key), view)
        guard row.key == entry.key.commitment else { throw VaultError(.cannotOpen, .wrongKey) }
        let credential = ReadyCredential(
            context: context, partition: place.partition, project: row.facts.project, method: row.facts.method,
            rowKey: rowKey, row: bytes,
            sealed: row.sealed,
            key: entry.key,
            authenticated: Envelope.authenticated(entry.key, row.additionalData(context, connection)),
            deadline: entry.deadline, refresh: entry.refresh, control: control,
            references: [
                tree.sets.key(place.partition, place.ids): own.reference,
                tree.sets.key(place.partition, environment.ids): above.reference,
            ],
            ledgerSerial: view.ledger.serial, cacheSerial: cacheSerial)
        ready.keep(credential, for: connection)
        return credential
    }
}
