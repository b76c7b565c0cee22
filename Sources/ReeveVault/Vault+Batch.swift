// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// How many credentials are opened at once.
extension Vault {
    /// Opens the credentials of many connections of one environment, and lends each to `body`, once, in their order.
    ///
    /// The permit is for ``KeyTarget/environment``; in a project's scope only that project's open. Each opening has an audit
    /// entry of its own that is committed before it is lent; those of some ninety are committed together. Gives back what did
    /// not open, and why: it keeps no other from opening. When the audit cannot be written, or `body` throws, the rest is
    /// not lent; entries of up to ninety may then be of what was not.
    /// When the permit is over before they all were lent, the rest is refused. Complexity: O(n); one secret is open at a time.
    @discardableResult
    public func withCredentials<E: Error>(
        _ connections: [Identifier<Connection>], _ permit: Permit<OpenCredential>,
        _ body: (Identifier<Connection>, borrowing Secret) async throws(E) -> Void
    ) async throws(OpenFailure<E>) -> [Identifier<Connection>: VaultError] {
        let action = "vault.credential.open"
        let scope = permit.context.scope
        let context: MainKeyContext
        do throws(VaultError) {
            context = try await enter(permit, action, KeyTarget.environment.resource(in: scope), scope)
        } catch {
            throw .vault(error)
        }
        var failures: [Identifier<Connection>: VaultError] = [:]
        var seen: Set<Identifier<Connection>> = []
        let once = connections.filter { seen.insert($0).inserted }
        var rest = once[...]
        // A permit does not last for as long as the bodies take: looked at again once a second.
        var refusal: VaultError?
        var checked = authority.time.uptime
        func checkPermit() async {
            guard refusal == nil, authority.time.uptime - checked >= .seconds(1) else { return }
            checked = authority.time.uptime
            refusal = await self.refusal(of: permit, KeyTarget.environment.resource(in: scope), scope)
        }
        while !rest.isEmpty {
            let page = rest.prefix(Self.batch)
            rest = rest.dropFirst(Self.batch)
            var ready: [Identifier<Connection>] = []
            await checkPermit()
            for connection in page {
                do throws(VaultError) {
                    if let refusal { throw refusal }
                    _ = try await present(connection, context, scope)
                    ready.append(connection)
                } catch {
                    failures[connection] = error
                }
            }
            let refused = page.compactMap { connection in failures[connection].map { (connection, $0) } }
            let opening = ready
            do throws(VaultError) {
                try await record(action, permit, opening, refused)
            } catch {
                throw .vault(error)
            }
            for connection in ready {
                await checkPermit()
                let secret: Secret
                do throws(VaultError) {
                    if let refusal { throw refusal }
                    // Time has passed while the entries were committed, and while others were lent.
                    secret = try Self.open(try await present(connection, context, scope))
                } catch {
                    failures[connection] = error
                    do throws(VaultError) {
                        try await record(action, permit, [], [(connection, error)])
                    } catch {
                        throw .vault(error)
                    }
                    continue
                }
                do throws(E) {
                    try await body(connection, secret)
                } catch {
                    throw .body(error)
                }
            }
        }
        return failures
    }

    private func refusal(
        of permit: Permit<OpenCredential>, _ resource: Resource, _ scope: Scope
    ) async -> VaultError? {
        do throws(AccessError) {
            try await authority.check(permit, for: "vault.credential.open", on: resource, in: scope)
            return nil
        } catch {
            return VaultError(error)
        }
    }

    private static var batch: Int { 90 }

    /// Commits the entries of a page: of what will be lent, and of what was refused.
    private func record(
        _ action: String, _ permit: Permit<OpenCredential>, _ opening: [Identifier<Connection>],
        _ refused: [(Identifier<Connection>, VaultError)]
    ) async throws(VaultError) {
        let entries =
            opening.map { entry(action, permit, on: $0) }
            + refused.map { entry(action, permit, on: $0.0, refusal: Self.refusal($0.1)) }
        try await store.transaction { (transaction: inout Transaction<VaultError>) throws(VaultError) in
            for entry in entries { try transaction.record(entry, in: authority.trail) }
        }
    }
}
