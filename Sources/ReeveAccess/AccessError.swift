// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage

/// Why a permit was not taken or an authority not made.
public struct AccessError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The permit was made by another authority than the room's.
        case foreignPermit
        /// The permit is for another resource, scope or action.
        case wrongResource
        /// The permit's time is over.
        case expired
        /// The policy changed since the permit was made, and no longer allows the act.
        case denied
        /// The act was refused, and the refusal could not be recorded.
        case notRecorded
        /// A sole operator must say why there are no roles.
        case reasonMissing
        /// The store failed.
        case storeFailed
        /// The crypto engine failed.
        case cryptoFailed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// The store's error, when that was the cause.
    public let cause: StoreError?

    /// An error with a code.
    public init(_ code: Code) {
        self.code = code
        cause = nil
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension AccessError: StoreFailure {
    /// The error for a store that failed.
    public init(_ error: StoreError) {
        code = .storeFailed
        cause = error
    }
}

extension AccessError: CustomStringConvertible {
    /// What failed and what to do.
    public var description: String {
        switch code {
        case .foreignPermit: "the permit was made by another authority; ask the one that the room was built with"
        case .wrongResource: "the permit is for another resource or scope; ask for one for exactly this act"
        case .expired: "the permit is older than 30 s; ask for a new one just before the act"
        case .denied: "the policy changed and no longer allows the act"
        case .notRecorded: "the act was refused, and the refusal could not be recorded; check the store"
        case .reasonMissing: "give the reason why this host has no roles; it is recorded"
        case .storeFailed: "the store failed: \(cause.map(String.init(describing:)) ?? "no cause given")"
        case .cryptoFailed: "the crypto engine failed; check that OpenSSL 3 is installed"
        }
    }
}
