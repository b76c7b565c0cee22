// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Why a permit was not given.
public struct Denial: Error, Hashable, Sendable {
    /// The kinds of reasons.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// No grant allows the principal this permission here.
        case noGrant
    }

    /// The reason.
    public let reason: Reason
    /// The permission that was asked for.
    public let permission: String
    /// What it was asked for on.
    public let resource: Resource
    /// The decision's id, as the audit entry names it.
    public let decision: Identifier<DecisionRecord>
    /// Whether the refusal is in the audit trail; false when the store could not be reached.
    public private(set) var isRecorded = true

    init(reason: Reason, permission: String, resource: Resource, decision: Identifier<DecisionRecord>) {
        self.reason = reason
        self.permission = permission
        self.resource = resource
        self.decision = decision
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
        "`\(permission)` on `\(resource)` is not allowed (decision \(decision)); ask an administrator for a grant"
    }
}
