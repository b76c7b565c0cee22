// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Names one disclosure. Prefix `dsc`.
public enum DisclosureRecord: IdentifiedEntity {
    /// `dsc`
    public static var identifierPrefix: String { "dsc" }
}

/// That data about a subject went to somebody else, as it was written down before it went (clause P2i.1).
public struct Disclosure: Hashable, Sendable, Codable {
    /// Its name.
    public let id: Identifier<DisclosureRecord>
    /// When it was written down.
    public let at: Timestamp
    /// What the data is, in order.
    public let categories: [DataCategory]
    /// How near it comes to somebody.
    public let identifiability: Identifiability
    /// What was done with it.
    public let operation: UseOperation
    /// What for.
    public let purpose: Purpose
    /// Who got it.
    public let recipient: Recipient
    /// Where it went, in order; empty where it did not leave its country, or nobody said.
    public let destinations: [Region]
    /// By what it left its region, in order (clause S2.3).
    public let mechanisms: [AgreementDocument.TransferMechanism.Kind]
    /// The decision that allowed it, as the audit entry names it.
    public let decision: Identifier<DecisionRecord>
    /// The version of the policy that allowed it.
    public let policy: String

    init(
        _ request: UseRequest, at now: Timestamp, _ decision: Identifier<DecisionRecord>, _ policy: String,
        by mechanisms: [AgreementDocument.TransferMechanism.Kind]
    ) {
        self.mechanisms = mechanisms
        id = Identifier(at: now)
        at = now
        categories = request.data.categories.sorted { $0.description < $1.description }
        identifiability = request.data.identifiability
        operation = request.operation
        purpose = request.purpose
        recipient = request.recipient
        destinations = request.destinations.sorted { $0.description < $1.description }
        self.decision = decision
        self.policy = policy
    }
}

extension UseRequest {
    /// Whether somebody else gets to see data about somebody: what is about groups only is nobody's.
    var isDisclosure: Bool { recipient.kind != .own && data.identifiability != .aggregate }

    /// Whether it says who that is.
    var hasNamedRecipient: Bool { recipient.kind == .everyone || recipient.name?.isEmpty == false }
}

/// What was given to whom in a calendar year: which kinds of data, for what, and never whose (clause P13.1).
public struct SharingReport: Hashable, Sendable, Codable {
    /// That data of a category was given to a recipient for a purpose, once or more.
    public struct Row: Hashable, Sendable, Codable {
        /// The category.
        public let category: DataCategory
        /// The recipient.
        public let recipient: Recipient
        /// The purpose.
        public let purpose: Purpose
    }

    /// The year, in UTC.
    public let year: Int
    /// All that was given, by recipient, purpose and category.
    public let rows: [Row]
    /// Where recipients are reached, by their names, as far as that is on file (``PrivacyRegisters/addresses``).
    public let addresses: [String: String]

    /// Those who were given something, each once, in order.
    public var recipients: [Recipient] {
        Set(rows.map(\.recipient)).sorted { ($0.kind.rawValue, $0.name ?? "") < ($1.kind.rawValue, $1.name ?? "") }
    }

    /// Those of whom no address is on file: before a report goes out, theirs have to be found.
    public var recipientsWithoutAddress: [Recipient] {
        recipients.filter { $0.name.map { addresses[$0] == nil } ?? true }
    }
}
