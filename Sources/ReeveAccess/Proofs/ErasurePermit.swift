// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Proof that a piece of personal data may be erased now: no rule and no legal hold keeps it.
///
/// ReevePrivacy makes it, and it carries the hold epoch that it was made under: a hold placed afterwards voids it. It
/// can be used once.
public struct ErasurePermit: ~Copyable, Sendable {
    /// What may be erased.
    public let record: Identifier<DataRecord>
    /// The decision, as the audit entry names it.
    public let decision: Identifier<DecisionRecord>
    /// Who asked for it.
    public let context: ActContext
    /// How many times holds on this record have changed when the permit was made.
    package let holdEpoch: Int
    /// The privacy room that made it.
    package let instance: InstanceID
    /// The end of its life on the room's monotonic clock.
    package let deadline: Duration

    package init(
        record: Identifier<DataRecord>, decision: Identifier<DecisionRecord>, context: ActContext, holdEpoch: Int,
        instance: InstanceID, deadline: Duration
    ) {
        self.record = record
        self.decision = decision
        self.context = context
        self.holdEpoch = holdEpoch
        self.instance = instance
        self.deadline = deadline
    }
}
