// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// That a case wants a record kept.
public struct LegalHold: Hashable, Sendable, Codable {
    /// What becomes of the time that passes meanwhile.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// It runs on: when the hold ends, what was due goes.
        case temporary
        /// It begins anew when the hold ends.
        case eventBased
    }

    /// The case.
    public let caseID: Identifier<LegalCase>
    /// What becomes of the time.
    public let kind: Kind
}

/// What is registered about a piece of personal data: no value, only facts.
public struct RetainedRecord: Hashable, Sendable {
    /// The record's id.
    public let id: Identifier<DataRecord>
    /// Its category.
    public let category: DataCategory
    /// For whom it is held: nothing is held for nobody (clause P8.1).
    public let role: DataRole
    /// Whom it is about; `nil` where nobody knows, and then no request of theirs finds it.
    public private(set) var subject: Identifier<DataSubject>?
    /// The customer whose it is; `nil` for who is none.
    public let customer: Identifier<Company>?
    /// The places where it is kept, by the names of their ``DataLocation``s.
    public private(set) var locations: Set<String>
    /// Whether everybody could see it: who erases it says which copies may remain (clause P4.2).
    public let isPublic: Bool
    /// The day on which it was made.
    public let created: CivilDay
    /// The day on which it goes, whatever rules for its category say, unless something keeps it; `nil` for most.
    public let limit: CivilDay?
    /// The day on which it was used last.
    public internal(set) var lastUsed: CivilDay?
    /// The day on which its session ended.
    public internal(set) var sessionEnded: CivilDay?
    /// The cases that hold it.
    public internal(set) var holds: [LegalHold] = []
    /// The requests that ask for it to go, and since when.
    public internal(set) var demands: [Identifier<SubjectRequestRecord>: CivilDay] = [:]
    /// The day from which its time counts anew.
    public internal(set) var restarted: CivilDay?
    /// Whether the governance lock on it was lifted.
    public internal(set) var isLockLifted = false

    /// The facts of a record that nothing holds yet.
    public init(
        id: Identifier<DataRecord>, category: DataCategory, created: CivilDay, as role: DataRole,
        about subject: Identifier<DataSubject>? = nil, of customer: Identifier<Company>? = nil,
        at locations: Set<String>, isPublic: Bool = false, limit: CivilDay? = nil
    ) {
        self.id = id
        self.category = category
        self.role = role
        self.subject = subject
        self.customer = customer
        self.locations = locations
        self.isPublic = isPublic
        self.created = created
        self.limit = limit
    }

    /// The same facts of a record of which nothing was noted yet.
    var asNew: RetainedRecord {
        RetainedRecord(
            id: id, category: category, created: created, as: role, about: subject, of: customer, at: locations,
            isPublic: isPublic, limit: limit)
    }

    /// The record at a further place.
    package func kept(at place: String) -> RetainedRecord { extended(to: [place], about: nil) }

    /// The record at some of its places.
    func kept(only places: Set<String>) -> RetainedRecord {
        var record = self
        record.locations = places
        return record
    }

    /// The record at further places, and about somebody where that was not known.
    func extended(to places: Set<String>, about subject: Identifier<DataSubject>?) -> RetainedRecord {
        var record = self
        record.locations.formUnion(places)
        record.subject = self.subject ?? subject
        return record
    }

    /// The customer by whose subscription its time counts.
    var subscriber: Identifier<Company>? {
        if case .processor(let company) = role { company } else { customer }
    }
}

extension RetainedRecord: CustomStringConvertible, CustomReflectable {
    /// Its name and its category; not about whom it is.
    public var description: String { "\(id): \(category)" }
    /// Its name and its category.
    public var customMirror: Mirror { Mirror(self, children: ["id": id, "category": category]) }
}

extension RetainedRecord: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case id, category, role, subject, customer, locations, isPublic, created, limit, lastUsed, sessionEnded, holds
        case demands, restarted, isLockLifted
    }

    private struct Demand: Codable {
        let request: Identifier<SubjectRequestRecord>
        let since: CivilDay
    }

    /// Reads a record; a member that is not known is an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try container.decode(Identifier<DataRecord>.self, forKey: .id),
            category: try container.decode(DataCategory.self, forKey: .category),
            created: try container.decode(CivilDay.self, forKey: .created),
            as: try container.decode(DataRole.self, forKey: .role),
            about: try container.decodeIfPresent(Identifier<DataSubject>.self, forKey: .subject),
            of: try container.decodeIfPresent(Identifier<Company>.self, forKey: .customer),
            at: try container.decode(Set<String>.self, forKey: .locations),
            isPublic: try container.decode(Bool.self, forKey: .isPublic),
            limit: try container.decodeIfPresent(CivilDay.self, forKey: .limit))
        lastUsed = try container.decodeIfPresent(CivilDay.self, forKey: .lastUsed)
        sessionEnded = try container.decodeIfPresent(CivilDay.self, forKey: .sessionEnded)
        holds = try container.decode([LegalHold].self, forKey: .holds)
        demands = Dictionary(
            try container.decode([Demand].self, forKey: .demands).map { ($0.request, $0.since) }, uniquingKeysWith: min)
        restarted = try container.decodeIfPresent(CivilDay.self, forKey: .restarted)
        isLockLifted = try container.decode(Bool.self, forKey: .isLockLifted)
    }

    /// Writes the record, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(category, forKey: .category)
        try container.encode(role, forKey: .role)
        try container.encodeIfPresent(subject, forKey: .subject)
        try container.encodeIfPresent(customer, forKey: .customer)
        try container.encode(locations.sorted(), forKey: .locations)
        try container.encode(isPublic, forKey: .isPublic)
        try container.encode(created, forKey: .created)
        try container.encodeIfPresent(limit, forKey: .limit)
        try container.encodeIfPresent(lastUsed, forKey: .lastUsed)
        try container.encodeIfPresent(sessionEnded, forKey: .sessionEnded)
        try container.encode(holds, forKey: .holds)
        let asked = demands.map(Demand.init).sorted { $0.request.description < $1.request.description }
        try container.encode(asked, forKey: .demands)
        try container.encodeIfPresent(restarted, forKey: .restarted)
        try container.encode(isLockLifted, forKey: .isLockLifted)
    }
}
