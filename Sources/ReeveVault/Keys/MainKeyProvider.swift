// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
public import ReeveModel

/// What holds a Customer Main Key: the top of the hierarchy, which wraps the environment keys below it.
///
/// Reeve never sees the key of an external provider. What is wrapped is always 64 bytes.
public protocol MainKeyProvider: Sendable {
    /// Wraps 64 bytes so that only `unwrap` with an equal context gives them back.
    func wrap(_ key: borrowing SecretBytes, context: MainKeyContext) async throws(MainKeyError) -> [UInt8]
    /// Gives back what was wrapped with an equal context.
    func unwrap(_ wrapped: [UInt8], context: MainKeyContext) async throws(MainKeyError) -> SecretBytes
}

/// Where a wrapped key belongs; a provider binds what it wraps to it.
public struct MainKeyContext: Hashable, Sendable {
    /// The workspace.
    public let workspace: Identifier<Workspace>
    /// The environment.
    public let environment: Environment

    /// The context of an environment's key.
    public init(workspace: Identifier<Workspace>, environment: Environment) {
        self.workspace = workspace
        self.environment = environment
    }

    /// An injective encoding, for use as additional data.
    public var canonicalBytes: CanonicalBytes {
        var encoding = CanonicalBytes(label: "reeve/vault/main-key-context/1")
        encoding.add(workspace)
        encoding.add(environment.rawValue)
        return encoding
    }
}

/// Why a main key was not used.
public enum MainKeyError: Error, Hashable, Sendable {
    /// The provider says no: the key is disabled, revoked, or not for this context.
    case denied
    /// The provider cannot be reached, or failed.
    case unavailable
}

/// A main key in this process: 32 bytes of key material that the host keeps.
public final class LocalMainKey: MainKeyProvider {
    private let handle: KeyHandle

    /// A main key of exactly 32 bytes (clause S3.2); any other length is refused.
    public init(_ key: consuming SecretBytes) throws(CryptoError) {
        handle = try KeyHandle(key)
    }

    /// A fresh main key. It is gone with the process: for trials and tests.
    public static func ephemeral() throws(CryptoError) -> LocalMainKey {
        try LocalMainKey(SecretBytes.random(count: 32))
    }

    /// Wraps with AES-256-GCM, bound to the context.
    public func wrap(_ key: borrowing SecretBytes, context: MainKeyContext) async throws(MainKeyError) -> [UInt8] {
        do {
            return try key.withLiveBytes { (span) throws(CryptoError) in
                try handle.seal(span, authenticating: context.canonicalBytes.bytes)
            }
        } catch {
            throw .unavailable
        }
    }

    /// Unwraps what ``wrap(_:context:)`` made.
    public func unwrap(_ wrapped: [UInt8], context: MainKeyContext) async throws(MainKeyError) -> SecretBytes {
        do {
            return try handle.open(wrapped[...], authenticating: context.canonicalBytes.bytes)
        } catch {
            throw error.code == .authenticationFailed ? .denied : .unavailable
        }
    }
}
