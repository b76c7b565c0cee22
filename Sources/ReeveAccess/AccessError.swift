// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage

/// Why a permit was not taken, a policy not changed, or an authority not made.
public struct AccessError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// The permit was made by another authority than the room's.
        case foreignPermit
        /// The permit is for another action.
        case wrongAction
        /// The permit is for another resource or scope.
        case wrongResource
        /// The permit's time is over.
        case expired
        /// The policy changed since the permit was made, and no longer allows the act.
        case denied
        /// The act was refused, and the refusal could not be recorded.
        case notRecorded
        /// A reason must be given.
        case reasonMissing
        /// Nobody may give himself a role.
        case selfGrant
        /// The grant gives more than its giver has, or for longer.
        case beyondOwn
        /// Nobody could manage access there any more.
        case lastManager
        /// The policy would have defects; ``AccessError/defects`` lists them.
        case policyDefect
        /// Only the approval of several persons changes this.
        case needsQuorum
        /// Not enough persons have approved.
        case notApproved
        /// The approvals were used before.
        case alreadyUsed
        /// The time for approving or using it is over.
        case tooLate
        /// This person cannot approve: it proposed to its own benefit, approved before, or is no person.
        case notEligible
        /// The lifetime is not within its bounds.
        case lifetime
        /// There is no such grant, matter or change.
        case notFound
        /// A host without stored policy cannot change one.
        case noPolicy
        /// There is a policy already.
        case alreadyThere
        /// Others changed the policy at the same time, again and again.
        case changedMeanwhile
        /// The store holds an earlier policy than this process has seen.
        case policyPutBack
        /// The store failed.
        case storeFailed
        /// The crypto engine failed.
        case cryptoFailed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// The store's error, when that was the cause.
    public let cause: StoreError?
    /// What is wrong with the policy, when that was the cause.
    public let defects: [PolicyDefect]

    /// An error with a code.
    public init(_ code: Code) {
        self.code = code
        cause = nil
        defects = []
    }

    /// The error for a policy with defects.
    public init(_ defects: PolicyDefects) {
        code = .policyDefect
        cause = nil
        self.defects = defects.defects
    }

    /// Whether the same call may succeed later.
    public var isRetryable: Bool { cause?.isRetryable ?? (code == .notRecorded || code == .changedMeanwhile) }

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
        defects = []
    }
}

extension AccessError: CustomStringConvertible {
    /// What failed and what to do.
    public var description: String {
        switch code {
        case .foreignPermit: "the permit was made by another authority; ask the one that the room was built with"
        case .wrongAction: "the permit is for another action; ask for one for exactly this act"
        case .wrongResource:
            "the permit is for another resource or scope; ask for the one that the call's documentation names"
        case .expired: "the permit is older than 30 s; ask for a new one just before the act"
        case .denied: "the policy changed and no longer allows the act"
        case .notRecorded: "the act was refused, and the refusal could not be recorded; check the store"
        case .reasonMissing: "give the reason; it is recorded"
        case .selfGrant: "nobody can give himself a role; ask another administrator"
        case .beyondOwn: "the grant gives more than you have yourself; propose it for approval by several persons"
        case .lastManager: "nobody could give roles there any more; give the role to somebody else first"
        case .policyDefect: PolicyDefects(defects: defects).description
        case .needsQuorum: "roles and rules change by approval of several persons; propose the change"
        case .notApproved: "not enough persons have approved yet"
        case .alreadyUsed: "the approvals were used before; propose the matter again"
        case .tooLate: "the time for this matter is over; propose it again"
        case .notEligible: "this person cannot approve: it gains by it, has approved before, or is no person"
        case .lifetime: "the lifetime is out of bounds; give one from a minute to the longest that is configured"
        case .notFound: "there is no such grant, matter or change"
        case .noPolicy: "there is no stored policy; make one with `AccessAuthority.create`"
        case .alreadyThere: "there is a stored policy; use `AccessAuthority.open`"
        case .changedMeanwhile: "others change the policy at the same time; try again"
        case .policyPutBack: "the store holds an earlier policy than before; find out who put it back"
        case .storeFailed: "the store failed: \(cause.map(String.init(describing:)) ?? "no cause given")"
        case .cryptoFailed: "the crypto engine failed; check that OpenSSL 3 is installed"
        }
    }
}
