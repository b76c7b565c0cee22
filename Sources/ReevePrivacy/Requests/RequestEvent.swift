// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Something that happened to a request.
public struct RequestEvent: Hashable, Sendable, Codable {
    /// What can happen.
    public enum Act: Hashable, Sendable {
        /// Who asks was told that it came.
        case confirmed
        /// Who asks was asked to prove who they are.
        case askedForIdentity
        /// Who asks proved it.
        case identityProven
        /// Work began.
        case begun
        /// Who asks was told that it takes longer, and why.
        case extended(Extension)
        /// It was answered.
        case answered(RequestReport)
        /// Who asks was told that it is not done, and why.
        case refused(Refusal)
        /// Who asks was told that these decide about the data.
        case redirected(Set<Identifier<Company>>)
        /// It asks for what this one asks for.
        case duplicate(of: Identifier<SubjectRequestRecord>)
        /// Who asked no longer wants it.
        case withdrawn

        /// Its name.
        public var name: String {
            switch self {
            case .confirmed: "confirmed"
            case .askedForIdentity: "askedForIdentity"
            case .identityProven: "identityProven"
            case .begun: "begun"
            case .extended: "extended"
            case .answered: "answered"
            case .refused: "refused"
            case .redirected: "redirected"
            case .duplicate: "duplicate"
            case .withdrawn: "withdrawn"
            }
        }
    }

    /// Why it takes longer (GDPR article 12(3)).
    public enum Extension: String, Hashable, Sendable, Codable, CaseIterable {
        /// It is complex.
        case complexity
        /// There are many.
        case number
    }

    /// Why it is not done.
    public enum Refusal: String, Hashable, Sendable, Codable, CaseIterable {
        /// Who asks did not prove who they are.
        case identityNotProven
        /// The law that it rests on is not for who asks (clause P13.2).
        case notEligible
        /// It has to be in writing (clause P13.2): the contacts say where to.
        case notInWriting
        /// It is manifestly unfounded or excessive.
        case unfounded
        /// A law does not let it be done.
        case forbiddenByLaw
    }

    /// When.
    public let at: Timestamp
    /// What.
    public let act: Act
}

extension RequestEvent.Act: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, reason, report, refusal, companies, request
    }

    /// Reads an act; a member that is not known is an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(String.self, forKey: .name) {
        case "confirmed": self = .confirmed
        case "askedForIdentity": self = .askedForIdentity
        case "identityProven": self = .identityProven
        case "begun": self = .begun
        case "extended": self = .extended(try container.decode(RequestEvent.Extension.self, forKey: .reason))
        case "answered": self = .answered(try container.decode(RequestReport.self, forKey: .report))
        case "refused": self = .refused(try container.decode(RequestEvent.Refusal.self, forKey: .refusal))
        case "redirected":
            self = .redirected(try container.decode(Set<Identifier<Company>>.self, forKey: .companies))
        case "duplicate":
            self = .duplicate(of: try container.decode(Identifier<SubjectRequestRecord>.self, forKey: .request))
        case "withdrawn": self = .withdrawn
        default:
            throw DecodingError.dataCorruptedError(forKey: .name, in: container, debugDescription: "no such act")
        }
    }

    /// Writes the act with what belongs to it.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        switch self {
        case .extended(let reason): try container.encode(reason, forKey: .reason)
        case .answered(let report): try container.encode(report, forKey: .report)
        case .refused(let refusal): try container.encode(refusal, forKey: .refusal)
        case .redirected(let companies): try container.encode(sorted: companies, forKey: .companies)
        case .duplicate(let request): try container.encode(request, forKey: .request)
        case .confirmed, .askedForIdentity, .identityProven, .begun, .withdrawn: break
        }
    }
}

extension SubjectRequest: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case id, kind, subject, channel, residence, year, scope, received, events
    }

    /// Reads a request; its status follows from its events, and events that cannot have happened so are an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try container.decode(Identifier<SubjectRequestRecord>.self, forKey: .id),
            try container.decode(RequestKind.self, forKey: .kind),
            about: try container.decode(Identifier<DataSubject>.self, forKey: .subject),
            through: try container.decode(RequestChannel.self, forKey: .channel),
            residence: try container.decodeIfPresent(Region.self, forKey: .residence),
            year: try container.decodeIfPresent(Int.self, forKey: .year),
            scope: try container.decodeIfPresent(ChoiceScope.self, forKey: .scope),
            received: try container.decode(Timestamp.self, forKey: .received))
        for event in try container.decode([RequestEvent].self, forKey: .events) {
            do throws(IllegalTransition) {
                try apply(event.act, at: event.at)
            } catch {
                throw DecodingError.dataCorruptedError(
                    forKey: .events, in: container, debugDescription: error.description)
            }
        }
    }

    /// Writes the request and its events.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(kind, forKey: .kind)
        try container.encode(subject, forKey: .subject)
        try container.encode(channel, forKey: .channel)
        try container.encodeIfPresent(residence, forKey: .residence)
        try container.encodeIfPresent(year, forKey: .year)
        try container.encodeIfPresent(scope, forKey: .scope)
        try container.encode(received, forKey: .received)
        try container.encode(events, forKey: .events)
    }
}
