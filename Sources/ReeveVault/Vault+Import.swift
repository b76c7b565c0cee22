// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage

/// How credentials are taken over from other systems.
extension Vault {
    /// Takes over credentials that another system has kept, into connections that have none.
    ///
    /// The permit is for ``KeyTarget/environment``. Each is opened, sealed and stored, opened again, and compared with what it
    /// was; a connection that has a credential is compared and left as it is, so that an import that broke off is repeated and
    /// goes on. A `dryRun` opens and compares, and stores nothing. `reason` is as in
    /// ``store(_:for:of:_:reason:metadata:expires:findableBy:overlap:)``. Originals are never changed: see ``ImportReport``.
    public func importCredentials(
        _ originals: [ForeignCredential], from seal: ForeignSeal, dryRun: Bool = false, reason: String? = nil,
        _ permit: Permit<StoreCredential>
    ) async throws(VaultError) -> ImportReport {
        let action = "vault.credential.import"
        let scope = permit.context.scope
        let context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        var report = ImportReport()
        let repeated = Dictionary(grouping: originals, by: \.connection.id).filter { $0.value.count > 1 }
        for original in originals where report.failures[original.connection.id] != .repeated {
            let id = original.connection.id
            do throws(VaultError) {
                // Which of them is right cannot be known here, and the others would be lost with their originals.
                let taken =
                    repeated[id] != nil
                    ? .failed(.repeated) : try await take(original, seal, dryRun, reason, context, permit, action)
                switch taken {
                case .imported: report.imported.append(id)
                case .alreadyThere: report.alreadyThere.append(id)
                case .failed(let failure): report.failures[id] = failure
                }
            } catch {
                // What is away now is away for the rest as well, and what may have been done is looked at by who calls again.
                guard !error.isRetryable, !error.isUnclear else { throw await refused(error, permit, action) }
                report.failures[id] = .notStored(error.code)
            }
            if let failure = report.failures[id] {
                let refusal = entry(action, permit, on: id, refusal: failure.name)
                do throws(StoreError) {
                    try await store.record(refusal, in: authority.trail)
                } catch {
                    throw VaultError(error)
                }
            }
        }
        if dryRun || report.imported.isEmpty && report.failures.isEmpty {
            let details = ["dryRun": String(dryRun), "count": String(originals.count)]
            try await record(action, permit, details)
        }
        return report
    }

    private enum Taken {
        case imported, alreadyThere
        case failed(ImportReport.Failure)
    }

    private func take(
        _ original: ForeignCredential, _ seal: ForeignSeal, _ dryRun: Bool, _ reason: String?,
        _ context: MainKeyContext, _ permit: Permit<StoreCredential>, _ action: String
    ) async throws(VaultError) -> Taken {
        let (connection, scope) = (original.connection, permit.context.scope)
        guard connection.scope == scope else { return .failed(.wrongScope) }
        var order = try order(for: connection, of: original.connector, original.method, reason, original.metadata)
        order.isFirst = true
        guard let content = try Self.content(original, seal) else { return .failed(.notOpened) }
        let rowKey = CredentialRow.table.key(
            Partition(context.workspace), CredentialRow.ids(context.environment, connection.id))
        let isThere: Bool
        do throws(StoreError) {
            isThere = try await store.record(for: rowKey) != nil
        } catch {
            throw VaultError(error)
        }
        if isThere {
            let isSame = try await holds(content, original.method, connection.id, context, scope)
            return isSame ? .alreadyThere : .failed(.differs)
        }
        if dryRun { return .imported }
        let first = order
        _ = try await store(content, first, connection.id, context, permit, action)
        let isSame = try await holds(content, original.method, connection.id, context, scope)
        return isSame ? .imported : .failed(.differs)
    }

    /// Whether a connection's present credential is this one.
    private func holds(
        _ content: borrowing SecretBytes, _ method: Connector.Method, _ connection: Identifier<Connection>,
        _ context: MainKeyContext, _ scope: Scope
    ) async throws(VaultError) -> Bool {
        let secret = try Self.open(try await present(connection, context, scope))
        return secret.method == method && secret.content.constantTimeEquals(content)
    }

    /// What is to be stored; `nil` when it does not open.
    private static func content(_ original: ForeignCredential, _ seal: ForeignSeal) throws(VaultError) -> SecretBytes? {
        do throws(CryptoError) {
            var credential = try Credential(original.method)
            for field in original.fields { credential = try credential.adding(field.name, seal.open(field.value)) }
            return credential.content
        } catch {
            switch error.code {
            case .authenticationFailed: return nil
            // A name or a value that is longer than a field's.
            case .invalidLength: throw VaultError(.tooLarge)
            default: throw VaultError(error)
            }
        }
    }
}

extension ImportReport.Failure {
    /// What the trail calls it.
    fileprivate var name: String {
        switch self {
        case .notOpened: "notOpened"
        case .differs: "differs"
        case .repeated: "repeated"
        case .wrongScope: "wrongScope"
        case .notStored(let code): code.rawValue
        }
    }
}
