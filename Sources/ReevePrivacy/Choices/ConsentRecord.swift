// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
public import ReeveModel

/// What a subject was told when they were asked for consent: what a consent record says besides what they chose.
public struct ConsentNotice: Hashable, Sendable, Codable {
    /// Somebody who has a part in the processing.
    public struct Party: Hashable, Sendable, Codable {
        /// The host's id for it, as ``Recipient/name``.
        public let id: String
        /// Its name.
        public let name: String
        /// Its postal address.
        public let address: String
        /// How to reach it: an e-mail address, a URL or a telephone number.
        public let contact: String

        /// A party.
        public init(_ id: String, name: String, address: String, contact: String) {
            self.id = id
            self.name = name
            self.address = address
            self.contact = contact
        }
    }

    /// Where the text lies that the subject was shown.
    public var address: String
    /// The text's language (BCP 47), such as `en`.
    public var language: String
    /// Who decides what the data is for.
    public var controller: Party
    /// Who else gets it.
    public var recipients: [Party]
    /// Where it is kept.
    public var storageLocations: Set<Region>
    /// Whose law holds.
    public var jurisdiction: Region
    /// How long it is kept, as the text says it.
    public var retention: String
    /// How to withdraw, such as an address.
    public var withdrawal: String
    /// How many days consent is good, 1 or more; `nil` until it is withdrawn.
    public var validDays: Int?

    /// A notice.
    public init(
        at address: String, language: String, controller: Party, recipients: [Party] = [],
        storageLocations: Set<Region>, jurisdiction: Region, retention: String, withdrawal: String,
        validDays: Int? = nil
    ) {
        self.address = address
        self.language = language
        self.controller = controller
        self.recipients = recipients
        self.storageLocations = storageLocations
        self.jurisdiction = jurisdiction
        self.retention = retention
        self.withdrawal = withdrawal
        self.validDays = validDays
    }
}

/// A record of a subject's consent in the structure of ISO/IEC TS 27560:2023, for whoever exchanges such records; given to the subject it is a receipt.
///
///     let record = ConsentRecord("c-7", of: try await privacy.choices(of: subject), about: scope, under: notice)
///     let json = try record?.json()
///
/// Its fields are those that the specification makes mandatory, with their names, as the guide of the W3C's Data Privacy Vocabularies group tells them. Categories and purposes go by their own names and by those of the
/// Data Privacy Vocabulary where it has one (``Taxonomy/foreignTerm(for:)-(DataCategory)``).
public struct ConsentRecord: Hashable, Sendable {
    /// The host's name for it, which it keeps while events are added.
    public let id: String
    /// Whose consent.
    public let subject: Identifier<DataSubject>
    /// What about.
    public let scope: ChoiceScope
    /// What the subject was told.
    public let notice: ConsentNotice
    /// What the subject did, in the order in which it was added.
    public let events: [ChoiceEvent]

    /// A record of what a subject did about a scope; `nil` where consent to it was neither given nor refused, or where the scope names no category or no purpose:
    /// consent that does not say to what is none. Consent to a very thing, for a recipient whom the notice does not name, or for no days has no place in such a record.
    ///
    /// Of several subjects' events those of the first one's are taken. Whatever ended a part of the consent is in it, as an objection or an opt-out: it is withdrawn then.
    public init?(_ id: String, of events: [ChoiceEvent], about scope: ChoiceScope, under notice: ConsentNotice) {
        guard scope.categories?.isEmpty == false, scope.purposes?.isEmpty == false, scope.items == nil,
            scope.named.map({ $0.isSubset(of: notice.recipients.map(\.id)) }) ?? true, notice.validDays ?? 1 > 0
        else { return nil }
        // What ends a part of it ends it; what allows something else is about that.
        let about = events.filter { event in
            event.act == .given || event.act == .refused
                ? event.scope == scope : event.act.consentState != nil && event.scope.overlaps(scope)
        }
        guard let subject = about.first?.subject,
            about.contains(where: { $0.subject == subject && ($0.act == .given || $0.act == .refused) })
        else { return nil }
        self.id = id
        self.subject = subject
        self.scope = scope
        self.notice = notice
        self.events = about.filter { $0.subject == subject }
    }

    /// The record as JSON, names sorted. With a `receipt` id it is the receipt that a subject is given.
    public func json(receipt: String? = nil) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Written(self, receipt)), as: UTF8.self)
    }
}

extension ConsentRecord: CustomStringConvertible, CustomReflectable {
    /// How many events it has; not whose.
    public var description: String { "a consent record of \(events.count) events" }
    /// How many events it has.
    public var customMirror: Mirror { Mirror(self, children: ["events": events.count]) }
}

extension ChoiceEvent.Act {
    /// The state of consent after it; `nil` for an act that is about none.
    fileprivate var consentState: String? {
        switch self {
        case .given: "given"
        case .refused: "refused"
        case .withdrawn, .objected, .optedOut: "withdrawn"
        case .expired: "expired"
        case .invalidated: "invalidated"
        case .optedIn: nil
        }
    }
}

/// The structure of the specification: header, processing, parties and events.
private struct Written: Encodable {
    let header: Header
    let processing: Processing
    let parties: [Party]
    let events: [Event]

    struct Header: Encodable {
        let schema_version = "ISO/IEC TS 27560:2023"
        let record_id: String
        let receipt_id: String?
        let pii_principal_id: String
    }

    struct Processing: Encodable {
        let privacy_notice: String
        let language: String
        let purposes: [Purpose]
    }

    struct Purpose: Encodable {
        let purpose: String
        let purpose_type: String?
        let lawful_basis = "consent"
        let pii_information: [Information]
        let pii_controllers: [String]
        let processing_method: [String]?
        let storage_locations: [String]
        let retention_period: String
        let jurisdiction: String
        let recipient_third_parties: [String]
        let withdrawal_method: String
    }

    struct Information: Encodable {
        let pii_type: String
        let pii_attribute_id: String
    }

    struct Party: Encodable {
        let party_id: String
        let party_name: String
        let party_address: String
        let party_contact: String
        let party_type: String
    }

    struct Event: Encodable {
        let event_time: String
        let validity_duration: String
        let entity_id: String
        let event_type = "explicit"
        let event_state: String
    }

    init(_ record: ConsentRecord, _ receipt: String?) {
        let (notice, scope) = (record.notice, record.scope)
        let recipients = notice.recipients.filter { scope.named?.contains($0.id) ?? true }
        header = Header(record_id: record.id, receipt_id: receipt, pii_principal_id: record.subject.description)
        let information = (scope.categories ?? []).sorted { $0.description < $1.description }.map { category in
            Information(
                pii_type: Taxonomy.foreignTerm(for: category)?.dpv ?? category.description,
                pii_attribute_id: category.description)
        }
        let purposes = (scope.purposes ?? []).sorted { $0.description < $1.description }
        processing = Processing(
            privacy_notice: notice.address, language: notice.language,
            purposes: purposes.map { purpose in
                Purpose(
                    purpose: purpose.description, purpose_type: Taxonomy.foreignTerm(for: purpose)?.dpv,
                    pii_information: information, pii_controllers: [notice.controller.id],
                    processing_method: scope.operations?.map(\.rawValue).sorted(),
                    storage_locations: notice.storageLocations.map(\.description).sorted(),
                    retention_period: notice.retention, jurisdiction: notice.jurisdiction.description,
                    recipient_third_parties: recipients.map(\.id), withdrawal_method: notice.withdrawal)
            })
        func party(_ party: ConsentNotice.Party, _ type: String) -> Party {
            Party(
                party_id: party.id, party_name: party.name, party_address: party.address,
                party_contact: party.contact, party_type: type)
        }
        parties = [party(notice.controller, "controller")] + recipients.map { party($0, "recipient") }
        events = record.events.compactMap { event in
            event.act.consentState.map { state in
                Event(
                    event_time: event.at.description,
                    validity_duration: notice.validDays.map { "P\($0)D" } ?? "until withdrawn",
                    entity_id: event.evidence.channel == .holder ? notice.controller.id : event.subject.description,
                    event_state: state)
            }
        }
    }
}
