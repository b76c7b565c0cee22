// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Something that happened in the domain and that other parts of the host may want to know, such as a plan's threshold.
///
/// It is written in the transaction of what happened, and delivered at least once, in order per workspace, always under
/// the same id. Whoever publishes one puts ids and codes into it, never a secret or a personal
/// value.
public struct DomainEvent: Hashable, Sendable, Codable, Identifiable {
    /// The event's id: the same at each delivery.
    public let id: Identifier<DomainEvent>
    /// What happened, in the room's terms, for example `plans.threshold-reached`.
    public let type: String
    /// When.
    public let at: Timestamp
    /// Where.
    public let scope: Scope
    /// What it happened to, for example a company's id.
    public let subject: String
    /// Further facts: codes, counts and ids.
    public let details: [String: String]

    /// An event at an instant.
    public init(
        _ type: String, at instant: Timestamp, scope: Scope, subject: String, details: [String: String] = [:]
    ) {
        self.init(
            id: Identifier(at: instant), type: type, at: instant, scope: scope, subject: subject, details: details)
    }

    package init(
        id: Identifier<DomainEvent>, type: String, at instant: Timestamp, scope: Scope, subject: String,
        details: [String: String]
    ) {
        self.id = id
        self.type = type
        at = instant
        self.scope = scope
        self.subject = subject
        self.details = details
    }
}

extension DomainEvent: IdentifiedEntity {
    /// `evt`
    public static var identifierPrefix: String { "evt" }
}
