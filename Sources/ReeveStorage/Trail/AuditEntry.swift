// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What one act leaves behind: who did what to what, by which decision, and how it ended.
///
/// An entry holds ids and codes, never a secret or a personal value.
public struct AuditEntry: Hashable, Sendable, Codable {
    /// How an act ended.
    public enum Outcome: String, Hashable, Sendable, Codable {
        /// It was done.
        case success
        /// It was refused; nothing changed.
        case refused
    }

    /// The entry's id.
    public let id: Identifier<AuditRecord>
    /// When it was recorded.
    public let at: Timestamp
    /// Who acted, where and why.
    public let context: ActContext
    /// What was done, in the room's terms, for example `vault.credential.open`.
    public let action: String
    /// What it was done to, for example a connection's id.
    public let resource: String
    /// How it ended.
    public let outcome: Outcome
    /// The code of the refusal; `nil` for a success.
    public let refusal: String?
    /// The decision that allowed it; `nil` when none was needed or it was refused before one was made.
    public let decision: Identifier<DecisionRecord>?
    /// The policy that the decision was made under.
    public let policy: Digest?
    /// Further facts of the act: codes, counts and ids.
    public let details: [String: String]
    /// What the entry says of personal values: a commitment to each, by the field's name. The values lie beside the log.
    public private(set) var commitments: [String: Digest]?

    /// An entry for an act at an instant.
    public init(
        at instant: Timestamp, context: ActContext, action: String, resource: String, outcome: Outcome = .success,
        refusal: String? = nil, decision: Identifier<DecisionRecord>? = nil, policy: Digest? = nil,
        details: [String: String] = [:]
    ) {
        self.init(
            id: Identifier(at: instant), at: instant, context: context, action: action, resource: resource,
            outcome: outcome, refusal: refusal, decision: decision, policy: policy, details: details)
    }

    init(
        id: Identifier<AuditRecord>, at instant: Timestamp, context: ActContext, action: String, resource: String,
        outcome: Outcome, refusal: String?, decision: Identifier<DecisionRecord>?, policy: Digest?,
        details: [String: String], commitments: [String: Digest]? = nil
    ) {
        self.id = id
        at = instant
        self.context = context
        self.action = action
        self.resource = resource
        self.outcome = outcome
        self.refusal = refusal
        self.decision = decision
        self.policy = policy
        self.details = details
        self.commitments = commitments
    }

    /// This entry with commitments to personal values.
    package func committing(to values: [PersonalValue]) -> AuditEntry {
        var copy = self
        for value in values {
            copy.commitments = (copy.commitments ?? [:]).merging([value.name: value.commitment]) { $1 }
        }
        return copy
    }
}
