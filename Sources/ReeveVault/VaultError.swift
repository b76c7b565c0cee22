// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveStorage

/// Why the vault did not do what it was asked. No message holds a secret.
public struct VaultError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The permit was not taken; ``VaultError/access`` says why.
        case refused
        /// There is no credential, its key is closed, or what is stored does not open. Which one is not said outward.
        case cannotOpen
        /// The connector offers OAuth 2.0, and another method was chosen without a reason (clause S3.1).
        case reasonRequired
        /// The connector does not offer this method.
        case methodNotOffered
        /// The connection's key was destroyed for good: make a new connection.
        case keyDestroyed
        /// The main key could not wrap or unwrap.
        case mainKeyFailed
        /// The store failed; ``VaultError/store`` says how.
        case storeFailed
        /// The crypto engine failed.
        case cryptoFailed
    }

    /// What exactly did not open: for operators and tests, never for the caller of an interface.
    public enum Detail: String, Hashable, Sendable, CaseIterable {
        /// There is no record.
        case missing
        /// The record names another key above it than the one in force.
        case wrongKey
        /// The record was altered, or put in another's place.
        case tampered
        /// The key is not in a state in which it opens.
        case closed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// What exactly did not open. Keep it inside: outward it is an oracle.
    public let detail: Detail?
    /// Why the permit was not taken.
    public let access: AccessError?
    /// How the store failed.
    public let store: StoreError?

    /// An error with a code, and what exactly did not open.
    public init(_ code: Code, _ detail: Detail? = nil) {
        self.code = code
        self.detail = detail
        access = nil
        store = nil
    }

    init(_ error: AccessError) {
        code = .refused
        detail = nil
        access = error
        store = nil
    }

    init(_ error: CryptoError) {
        self.init(error.code == .authenticationFailed ? .cannotOpen : .cryptoFailed, .tampered)
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension VaultError: StoreFailure {
    /// The error for a store that failed.
    public init(_ error: StoreError) {
        code = .storeFailed
        detail = nil
        access = nil
        store = error
    }

    /// Whether the same call may succeed later.
    public var isRetryable: Bool { code == .mainKeyFailed || store?.isRetryable == true }
}

extension VaultError: CustomStringConvertible {
    /// What failed and what to do; says nothing about why a credential does not open.
    public var description: String {
        switch code {
        case .refused: "the permit was not taken: \(access.map(String.init(describing:)) ?? "no cause given")"
        case .cannotOpen: "the credential cannot be opened; reconnect the app, or ask an operator to verify the vault"
        case .reasonRequired: "the app offers OAuth 2.0; use it, or give the reason for another method"
        case .methodNotOffered: "the connector does not offer this method"
        case .keyDestroyed: "the connection's key was destroyed for good; make a new connection"
        case .mainKeyFailed: "the main key could not be used; check the key provider"
        case .storeFailed: "the store failed: \(store.map(String.init(describing:)) ?? "no cause given")"
        case .cryptoFailed: "the crypto engine failed; check that OpenSSL 3 is installed"
        }
    }
}

/// What `withCredential` throws: the vault's error, or the body's own.
public enum OpenFailure<Failure: Error>: Error {
    /// The credential was not lent.
    case vault(VaultError)
    /// The credential was lent, and the body threw this.
    case body(Failure)
}
