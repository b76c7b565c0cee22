// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
public import ReeveModel

/// What holds a Customer Main Key: the top of the hierarchy, which wraps the environment keys below it.
///
/// Reeve never sees the key of an external provider. What is wrapped is always 64 bytes, and what comes back is checked
/// against what was wrapped, whatever the provider authenticates. All calls may be made concurrently.
public protocol MainKeyProvider: Sendable {
    /// Names the key, for example by the service's key id: 1 to 512 bytes. Providers of one key have one reference, and no
    /// two keys share one; records say by it which key wrapped them.
    var reference: String { get }
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
    /// What was to be unwrapped is not what this key wrapped for this context.
    case notWrappedByThis
}
