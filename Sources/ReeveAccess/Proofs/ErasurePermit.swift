// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Proof that a piece of personal data may be erased now at one place: no rule and no legal hold keeps it.
///
/// ReevePrivacy makes it, for one attempt, and it carries the hold epoch that it was made under: a hold placed afterwards voids it. It
/// can be used once.
public struct ErasurePermit: ~Copyable, Sendable {
    /// What may be erased.
    public let record: Identifier<DataRecord>
    /// Where.
    public let location: String
    /// The number of the attempt, from 1.
    public let attempt: Int
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
        record: Identifier<DataRecord>, at location: String, attempt: Int, decision: Identifier<DecisionRecord>,
        context: ActContext, holdEpoch: Int, instance: InstanceID, deadline: Duration
    ) {
        self.record = record
        self.location = location
        self.attempt = attempt
        self.decision = decision
        self.context = context
        self.holdEpoch = holdEpoch
        self.instance = instance
        self.deadline = deadline
    }
}

/// An erasure that has begun: the record is closed for legal holds, and a place removes its data now. What removes personal data takes it.
///
/// ReevePrivacy alone makes it, from an ``ErasurePermit`` that was still good, and lends it to the place for one attempt.
public struct Erasure: ~Copyable, Sendable {
    /// What goes.
    public let record: Identifier<DataRecord>
    /// Where.
    public let location: String
    /// The number of the attempt, from 1: earlier ones may have removed a part.
    public let attempt: Int
    /// The decision, as the audit entry names it.
    public let decision: Identifier<DecisionRecord>
    /// Who asked for it.
    public let context: ActContext
    /// The authority over whose rooms it is good.
    fileprivate let instance: InstanceID
    /// Whether the place is one of the rooms' own.
    fileprivate let isOwn: Bool

    fileprivate init(
        record: Identifier<DataRecord>, at location: String, attempt: Int, decision: Identifier<DecisionRecord>,
        context: ActContext, instance: InstanceID, isOwn: Bool
    ) {
        self.isOwn = isOwn
        self.record = record
        self.location = location
        self.attempt = attempt
        self.decision = decision
        self.context = context
        self.instance = instance
    }
}

extension AccessAuthority {
    /// What a place takes that removes a record, from the room that has closed it.
    package func erasure(
        of record: Identifier<DataRecord>, at location: String, attempt: Int, _ decision: Identifier<DecisionRecord>,
        _ context: ActContext, isOwn: Bool
    ) -> Erasure {
        Erasure(
            record: record, at: location, attempt: attempt, decision: decision, context: context, instance: instance,
            isOwn: isOwn)
    }

    /// Whether an erasure is one at a place of this authority's own rooms.
    package func accepts(_ erasure: borrowing Erasure, at location: String) -> Bool {
        erasure.instance == instance && erasure.location == location && erasure.isOwn
    }
}

/// What erasing came to.
public enum ErasureOutcome: String, Hashable, Sendable, Codable, CaseIterable {
    /// Data was there, and is gone.
    case erased
    /// Nothing was there.
    case nothingThere
    /// It had been erased before.
    case alreadyErased
}
