// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Why a permit was not given.
public struct Denial: Error, Hashable, Sendable {
    /// The kinds of reasons.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// No grant allows the principal this permission here and now.
        case noGrant
        /// A rule forbids it, or may forbid it as far as anybody knows.
        case forbidden
        /// The same person did another duty on this change, or nobody said which change it is.
        case separationOfDuty
        /// The change has not been in the environment before this one.
        case promotionOrder
        /// The policy does not know the permission.
        case unknownPermission
        /// The policy could not be read, or was read too long ago.
        case policyUnavailable
    }

    /// The reason.
    public let reason: Reason
    /// The permission that was asked for.
    public let permission: String
    /// What it was asked for on.
    public let resource: Resource
    /// The decision's id, as the audit entry names it.
    public let decision: Identifier<DecisionRecord>
    /// Which rules refused, and which grant comes nearest; for administrators. `nil` for a host without roles, and when the
    /// policy could not be read.
    public let explanation: AccessExplanation?
    /// Whether the refusal is in the audit trail; false when the store could not be reached.
    public private(set) var isRecorded = true

    init(
        reason: Reason, permission: String, resource: Resource, decision: Identifier<DecisionRecord>,
        explanation: AccessExplanation? = nil
    ) {
        self.reason = reason
        self.permission = permission
        self.resource = resource
        self.decision = decision
        self.explanation = explanation
    }

    func unrecorded() -> Denial {
        var copy = self
        copy.isRecorded = false
        return copy
    }
}

extension Denial: CustomStringConvertible {
    /// What was refused, and what to do about it.
    public var description: String {
        "`\(permission)` on `\(resource)` is not allowed (decision \(decision)); \(advice)"
    }

    private var advice: String {
        switch reason {
        case .noGrant: "ask an administrator for a grant"
        case .forbidden: "a rule forbids it; see the explanation"
        case .separationOfDuty: "another person has to do this for this change"
        case .promotionOrder: "deploy the change to the environment before this one first"
        case .unknownPermission: "the policy does not define this permission; define it first"
        case .policyUnavailable: "the policy could not be read; check the store and try again"
        }
    }
}
