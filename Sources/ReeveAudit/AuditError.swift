// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveStorage

/// Why a log was not read, proved, signed or changed.
public struct AuditError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The permit was not taken; ``AuditError/access`` says why.
        case refused
        /// A query names a filter that there is none of, or one with a malformed value; ``AuditError/detail`` names it.
        case unknownFilter
        /// There is no such entry, value or checkpoint.
        case notFound
        /// The entries were removed by pruning.
        case pruned
        /// Nothing signed covers the entry yet: wait for the next checkpoint.
        case notSequenced
        /// The stored log is not what it was.
        case tampered
        /// The log does not continue what was signed or anchored before.
        case forked
        /// A note is signed by none of the keys, or a signature is wrong.
        case badSignature
        /// A signer's or witness's name is empty, or has white space or `+`.
        case badName
        /// The log would lose entries that its retention still holds, or entries without a checkpoint.
        case stillKept
        /// The wall clock disagrees with the ledger or the boot clock by more than five minutes.
        case clockDisagrees
        /// The signer failed.
        case signerFailed
        /// The ledger failed; ``AuditError/ledger`` says how.
        case ledgerFailed
        /// The store failed; ``AuditError/store`` says how.
        case storeFailed
        /// The crypto engine failed.
        case cryptoFailed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// Why the permit was not taken.
    public let access: AccessError?
    /// How the store failed.
    public let store: StoreError?
    /// How the ledger failed.
    public let ledger: LedgerError?
    /// Which entry, filter or size it is about.
    public let detail: String?

    /// An error with a code, and what it is about.
    public init(_ code: Code, _ detail: String? = nil) {
        self.init(code, detail: detail)
    }

    private init(
        _ code: Code, access: AccessError? = nil, store: StoreError? = nil, ledger: LedgerError? = nil,
        detail: String? = nil
    ) {
        self.code = code
        self.access = access
        self.store = store
        self.ledger = ledger
        self.detail = detail
    }

    init(_ error: AccessError) { self.init(.refused, access: error) }
    init(_ error: LedgerError) { self.init(.ledgerFailed, ledger: error) }

    /// Whether the same call may succeed later.
    public var isRetryable: Bool {
        switch code {
        case .notSequenced, .signerFailed, .ledgerFailed: true
        case .storeFailed: store?.isRetryable ?? false
        case .refused: access?.isRetryable ?? false
        default: false
        }
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension AuditError: StoreFailure {
    /// The error for a store that failed.
    public init(_ error: StoreError) { self.init(.storeFailed, store: error) }
}

/// Runs what fails like the crypto engine in the terms of this room.
func crypto<Value: ~Copyable>(_ body: () throws(CryptoError) -> Value) throws(AuditError) -> Value {
    do throws(CryptoError) {
        return try body()
    } catch {
        throw AuditError(.cryptoFailed)
    }
}

/// Runs what fails like the store in the terms of this room.
func storing<Value>(_ body: () async throws(StoreError) -> Value) async throws(AuditError) -> Value {
    do throws(StoreError) {
        return try await body()
    } catch {
        throw AuditError(error)
    }
}

extension AuditError: CustomStringConvertible {
    /// What failed, on what, and what to do.
    public var description: String {
        let about = detail.map { " (\($0))" } ?? ""
        return switch code {
        case .refused: "the permit was not taken: \(access.map(String.init(describing:)) ?? "no cause given")"
        case .unknownFilter: "the query has a filter that is unknown or malformed\(about)"
        case .notFound: "there is no such entry, value or checkpoint\(about)"
        case .pruned: "the entries were removed by pruning\(about); proofs of later ones still hold"
        case .notSequenced: "no checkpoint covers the entry yet\(about); wait for the next round of the sequencer"
        case .tampered: "the stored log is not what was written\(about); find out by whom, and restore it"
        case .forked:
            "the log does not continue what was signed before\(about); nothing is signed until that is cleared"
        case .badSignature:
            "the note is not signed as it should be\(about); take the log's key from where it is vouched for"
        case .badName: "a signer's name must not be empty, and has no white space and no `+`"
        case .stillKept: "the entries must still be kept\(about)"
        case .clockDisagrees: "the clocks disagree by more than five minutes; set them right before anything is removed"
        case .signerFailed: "the signer failed; the checkpoint is signed in the next round"
        case .ledgerFailed: "the anchor ledger failed: \(ledger.map(String.init(describing:)) ?? "no cause given")"
        case .storeFailed: "the store failed: \(store.map(String.init(describing:)) ?? "no cause given")"
        case .cryptoFailed: "the crypto engine failed; check that OpenSSL 3 is installed"
        }
    }
}
