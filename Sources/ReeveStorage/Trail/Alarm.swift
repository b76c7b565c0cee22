// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Something that a person should look at now (clause S1.7).
///
/// It is raised in the transaction of what happened and delivered by the ``Outbox`` like every event: at least once, in
/// order, under one id, as type `alarm.` and the kind.
public struct Alarm: Hashable, Sendable {
    /// What kind of thing happened.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Emergency access was taken.
        case breakGlass
        /// Somebody was refused in production.
        case forbiddenProduction
        /// Audit entries of a writer are missing.
        case gap
        /// An audit entry came after its place had been declared a gap.
        case lateEntry
        /// An audit log is not what was signed or anchored before.
        case verificationFailed
        /// A sink has not taken entries for too long.
        case sinkLag
    }

    /// What kind.
    public let kind: Kind
    /// Where.
    public let scope: Scope
    /// What it is about: an id or a name of the program's.
    public let subject: String
    /// Further facts: codes, counts and ids.
    public let details: [String: String]

    /// An alarm.
    public init(_ kind: Kind, in scope: Scope, about subject: String, details: [String: String] = [:]) {
        self.kind = kind
        self.scope = scope
        self.subject = subject
        self.details = details
    }

    /// The type of the alarm's event.
    public static func eventType(_ kind: Kind) -> String { "alarm.\(kind.rawValue)" }
}

extension Transaction {
    /// Raises an alarm when the transaction commits.
    public mutating func raise(_ alarm: Alarm, at instant: Timestamp) async throws(Failure) {
        try await publish(
            DomainEvent(
                Alarm.eventType(alarm.kind), at: instant, scope: alarm.scope, subject: alarm.subject,
                details: alarm.details))
    }
}
