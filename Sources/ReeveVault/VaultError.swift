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
        /// The credential is of another account than the one before it, and no reason was given.
        case anotherAccount
        /// The connector does not offer this method.
        case methodNotOffered
        /// Eight earlier credentials of the connection still open.
        case tooManyOverlaps
        /// The value is larger than may be sealed at once.
        case tooLarge
        /// A name is empty, too long, or has letters that it may not have; or no field has it.
        case invalidName
        /// The key that would seal is suspended, compromised or destroyed.
        case keyClosed
        /// The key is not in a state from which this act leads on.
        case wrongState
        /// The main key's provider says no.
        case mainKeyDenied
        /// The main key's provider cannot be reached, or takes too long.
        case mainKeyUnavailable
        /// No main key was given for this place, or not the one that wrapped its keys.
        case mainKeyMissing
        /// The new main key did not give back what it wrapped.
        case mainKeyUnfit
        /// Something in the store is still under the key.
        case stillNeeded
        /// The main key serves another workspace.
        case mainKeyElsewhere
        /// The ledger cannot be reached.
        case ledgerUnavailable
        /// The ledger's reply was lost: the act may have taken effect.
        case ledgerUnclear
        /// A line of the ledger is not what was written there.
        case ledgerTampered
        /// The ledger has lost lines that the store knows of.
        case ledgerBehind
        /// Another process is at the same work.
        case busy
        /// Others changed the same keys again and again.
        case changedMeanwhile
        /// The store failed; ``VaultError/store`` says how.
        case storeFailed
        /// The crypto engine failed.
        case cryptoFailed
    }

    /// What exactly did not open: for operators and tests, never for the caller of an interface.
    public enum Detail: String, Hashable, Sendable, CaseIterable {
        /// There is no record.
        case missing
        /// The record was sealed or wrapped under another key than the one that it would be opened with.
        case wrongKey
        /// No record vouches for the key that the record names.
        case unknownKey
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

    private init(_ code: Code, _ detail: Detail?, _ access: AccessError?, _ store: StoreError?) {
        self.code = code
        self.detail = detail
        self.access = access
        self.store = store
    }

    /// An error with a code, and what exactly did not open.
    public init(_ code: Code, _ detail: Detail? = nil) { self.init(code, detail, nil, nil) }

    init(_ error: AccessError) { self.init(.refused, nil, error, nil) }

    init(_ error: CryptoError) {
        self.init(error.code == .authenticationFailed ? .cannotOpen : .cryptoFailed, .tampered)
    }

    init(_ error: LedgerError) {
        switch error {
        case .tampered, .newerFormat: self.init(.ledgerTampered)
        case .outcomeUnknown: self.init(.ledgerUnclear)
        default: self.init(.ledgerUnavailable)
        }
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension VaultError: StoreFailure {
    /// The error for a store that failed, or holds what it should not.
    public init(_ error: StoreError) {
        switch error {
        // Somebody changed a record that decides: it opens nothing, like one that is closed.
        case .tampered, .malformed: self.init(.cannotOpen, .tampered, nil, error)
        default: self.init(.storeFailed, nil, nil, error)
        }
    }

    /// Whether the same call may succeed later.
    public var isRetryable: Bool {
        switch code {
        case .mainKeyDenied, .mainKeyUnavailable, .ledgerUnavailable, .changedMeanwhile, .busy: true
        default: store?.isRetryable == true
        }
    }

    /// Whether what was asked for may have been done.
    var isUnclear: Bool { store == .outcomeUnknown || code == .ledgerUnclear }

    /// Whether a record moved on while it was read, so that the look is to be taken again.
    var isStale: Bool {
        if case .conflict = store { return true }
        return false
    }
}

extension VaultError: CustomStringConvertible {
    /// What failed and what to do; says nothing about why a credential does not open.
    public var description: String {
        switch code {
        case .refused: "the permit was not taken: \(access.map(String.init(describing:)) ?? "no cause given")"
        case .cannotOpen: "the credential cannot be opened; reconnect the app, or ask an operator to verify the vault"
        case .reasonRequired: "the app offers OAuth 2.0; use it, or give the reason for another method"
        case .anotherAccount: "the account at the app is another one; give the reason, or make a new connection"
        case .methodNotOffered: "the connector does not offer this method"
        case .tooManyOverlaps:
            "eight earlier credentials still open; wait until one is over, or store without an overlap"
        case .tooLarge: "the value is too large; split it, or seal a key for it"
        case .invalidName:
            "a name has 1 to 255 bytes, that of an index 1 to 64 letters, digits, dots, hyphens and underscores"
        case .keyClosed: "the key is closed; resume it, or make a new connection"
        case .wrongState: "the key is not in a state from which this leads on; look at its state first"
        case .mainKeyDenied: "the main key's provider refuses; enable the key there, or ask its owner"
        case .mainKeyUnavailable: "the main key's provider does not answer; check the connection to it, and try again"
        case .mainKeyMissing: "no main key is known for this; add the one that wrapped its keys"
        case .stillNeeded:
            "keys or credentials are still under an earlier generation; rewrap or reseal first"
        case .mainKeyElsewhere:
            "the main key serves another workspace; one key serves one workspace, or all that have none of their own"
        case .mainKeyUnfit: "the new main key did not give back what it wrapped; nothing was changed"
        case .ledgerUnavailable: "the ledger cannot be reached; check where it is kept, and try again"
        case .ledgerUnclear: "the ledger's reply was lost; look at the key's state, and repeat the act if need be"
        case .ledgerTampered: "a line of the ledger is not what was written there; find out by whom it was changed"
        case .ledgerBehind: "the ledger has lost lines; put back its latest copy, or accept the loss"
        case .busy: "another process is at this work; look at its progress, and try again later"
        case .changedMeanwhile: "others changed the same keys meanwhile; try again"
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
