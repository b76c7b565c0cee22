// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveCrypto
public import ReeveModel
import ReeveStorage

/// A value that the vault sealed for a host that keeps it in a table of its own.
///
/// Its bytes are safe to store anywhere. They open only for the connection and the name that they were sealed for.
public struct SealedCredential: Hashable, Sendable {
    /// The bytes: `0xC1`, suite 2, key id (8), the key's whole commitment (32), nonce (12), ciphertext, tag (16).
    public let bytes: [UInt8]

    /// Bytes that were stored. Whether they are what was sealed is seen when they are opened.
    public init(bytes: [UInt8]) { self.bytes = bytes }
}

/// Envelope mode: the vault keeps the keys, the host keeps what is sealed.
extension Vault {
    /// Seals a value of a connection under the connection's key, which is made when it is missing, and bound to `name`, for
    /// example a column: 1 to 255 bytes.
    ///
    /// The value is at most 1 MiB, and the result 70 bytes longer. An earlier value that the host puts back opens: who needs to
    /// notice that binds a version into the name.
    public func seal(
        _ value: borrowing SecretBytes, named name: String, for connection: Connection,
        _ permit: Permit<StoreCredential>
    ) async throws(VaultError) -> SealedCredential {
        let action = "vault.seal"
        let context = try await enter(permit, action, .credential(of: connection.id), connection.scope)
        let place = KeyPlace(context, .connection(connection.id))
        do throws(VaultError) {
            try Self.check(name)
            guard value.count <= 1 << 20 else { throw VaultError(.tooLarge) }
            let key = try await sealingKey(place, permit, action, ["name": name])
            let data = Self.additionalData(name, place, connection.scope.project)
            do throws(CryptoError) {
                return SealedCredential(bytes: try Envelope.sealAlone(value, with: key, data))
            } catch {
                throw VaultError(error)
            }
        } catch {
            throw await refused(error, permit, action)
        }
    }

    /// Opens what ``seal(_:named:for:_:)`` sealed and lends it to `body`; the entry is committed before.
    public func withSealed<R, E: Error>(
        _ sealed: SealedCredential, named name: String, of connection: Identifier<Connection>,
        _ permit: Permit<OpenCredential>, _ body: (RawSpan) throws(E) -> R
    ) async throws(OpenFailure<E>) -> R {
        let action = "vault.open"
        let secret: SecretBytes
        do throws(VaultError) {
            secret = try await open(sealed, name, connection, permit, action)
        } catch {
            throw .vault(error)
        }
        do throws(E) {
            return try secret.withBytes(body)
        } catch {
            throw .body(error)
        }
    }

    private func open(
        _ sealed: SealedCredential, _ name: String, _ connection: Identifier<Connection>,
        _ permit: Permit<OpenCredential>, _ action: String
    ) async throws(VaultError) -> SecretBytes {
        let scope = permit.context.scope
        let context = try await enter(permit, action, .credential(of: connection), scope)
        let place = KeyPlace(context, .connection(connection))
        let key: OpenKey
        let secret: SecretBytes
        do throws(VaultError) {
            try Self.check(name)
            key = try await self.key(of: sealed, place)
            let (opening, data) = (key, Self.additionalData(name, place, scope.project))
            secret = try crypto { () throws(CryptoError) in
                try Envelope.openAlone(sealed.bytes, with: opening, data)
            }
        } catch {
            throw await refused(error, permit, action)
        }
        if try await recordOpening(of: connection, action, permit, ["name": name]) {
            // Its key may have been closed while the entry was written.
            _ = try await recorded(permit, action) { () throws(VaultError) in try await self.key(of: sealed, place) }
        }
        return secret
    }

    func key(of sealed: SealedCredential, _ place: KeyPlace) async throws(VaultError) -> OpenKey {
        guard let commitment = Envelope.commitment(ofLone: sealed.bytes) else {
            throw VaultError(.cannotOpen, .tampered)
        }
        return try await withView(place.context) { (view) throws(VaultError) in
            try await tree.key(place, .commitment(commitment), view).key
        }
    }

    private static func check(_ name: String) throws(VaultError) {
        guard (1...255).contains(name.utf8.count) else { throw VaultError(.invalidName) }
    }

    static func additionalData(
        _ name: String, _ place: KeyPlace, _ project: Identifier<Project>?
    ) -> [UInt8] {
        var encoding = CanonicalBytes(label: "reeve/vault/sealed/1")
        place.add(to: &encoding)
        encoding.add(project?.description)
        encoding.add(name)
        return encoding.bytes
    }
}
