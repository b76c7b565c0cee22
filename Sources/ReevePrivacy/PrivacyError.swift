// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveStorage

/// Why a privacy act was not done.
public struct PrivacyError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// No such record is registered.
        case unknownRecord
        /// The record is registered already.
        case alreadyRegistered
        /// A rule or a legal hold keeps the record, or no rule says that it may go.
        case mustKeep
        /// A hold was placed or released since the permit was made, or the permit is old or another room's.
        case staleErasurePermit
        /// The record is being erased: no hold can be placed any more.
        case beingErased
        /// There is no such hold on the record.
        case unknownHold
        /// The host's own removal failed; the record stays, and erasing can be tried again.
        case removalFailed
        /// The permit was not taken; ``PrivacyError/access`` says why.
        case refused
        /// The store failed; ``PrivacyError/store`` says how.
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

extension PrivacyError: StoreFailure {
    /// The error for a store that failed.
    public init(_ error: StoreError) {
        code = .storeFailed
        access = nil
        store = error
    }
}

extension PrivacyError: CustomStringConvertible {
    /// What failed and what to do.
    public var description: String {
        switch code {
        case .unknownRecord: "no such record is registered"
        case .alreadyRegistered: "the record is registered already"
        case .mustKeep: "the record must not be erased now; its disposition says why and until when"
        case .staleErasurePermit: "the erasure permit is no longer good; ask for a new one"
        case .beingErased: "the record is being erased; no hold can be placed on it"
        case .unknownHold: "there is no such hold on the record"
        case .removalFailed: "the host's own removal failed; the record stays, try again"
        case .refused: "the permit was not taken: \(access.map(String.init(describing:)) ?? "no cause given")"
        case .storeFailed: "the store failed: \(store.map(String.init(describing:)) ?? "no cause given")"
        }
    }
}
