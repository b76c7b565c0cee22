// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveStorage

/// Why a recipe was not published.
public struct PublishingError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The proof was made by another scrubber than the publisher's.
        case foreignProof
        /// The proof is for another destination.
        case wrongDestination
        /// The proof was made under older rules: scrub again.
        case olderRules
        /// The proof is older than an hour: scrub again.
        case expired
        /// There is no such publication in this scope.
        case unknownPublication
        /// Another publication has taken its place already.
        case replaced
        /// It was withdrawn: its bytes are gone.
        case withdrawn
        /// What a person approved is not approved, or no longer: scrub again.
        case notApproved
        /// An approval must end within a year from now.
        case invalidExpiry
        /// The permit was not taken; ``PublishingError/access`` says why.
        case refused
        /// The store failed; ``PublishingError/store`` says how.
        case storeFailed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// Why the permit was not taken.
    public let access: AccessError?
    /// How the store failed.
    public let store: StoreError?

    /// An error with a code.
    public init(_ code: Code) {
        self.code = code
        access = nil
        store = nil
    }

    init(_ error: AccessError) {
        code = .refused
        access = error
        store = nil
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension PublishingError: StoreFailure {
    /// The error for a store that failed.
    public init(_ error: StoreError) {
        code = .storeFailed
        access = nil
        store = error
    }
}

extension PublishingError: CustomStringConvertible {
    /// What failed and what to do.
    public var description: String {
        switch code {
        case .foreignProof: "the recipe was scrubbed by another scrubber; use the publisher's own"
        case .wrongDestination: "the recipe was scrubbed for another destination; scrub it for this one"
        case .olderRules: "the recipe was scrubbed under older rules; scrub it again"
        case .expired: "the recipe was scrubbed more than an hour ago; scrub it again"
        case .unknownPublication: "there is no such publication here; look in the workspace that published it"
        case .replaced: "another publication has taken its place already; replace that one"
        case .notApproved:
            "something in it is not approved, or no longer; scrub it again with the approvals that count now"
        case .invalidExpiry: "an approval must end after now and within a year; choose another instant"
        case .withdrawn: "the publication was withdrawn, and its bytes are gone"
        case .refused: "the permit was not taken: \(access.map(String.init(describing:)) ?? "no cause given")"
        case .storeFailed: "the store failed: \(store.map(String.init(describing:)) ?? "no cause given")"
        }
    }
}
