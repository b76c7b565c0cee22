// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a subject is: both are protected alike (clause P1.1).
public enum SubjectKind: String, Hashable, Sendable, Codable, CaseIterable {
    /// A person.
    case individual
    /// A firm or another body that data tells of.
    case entity
}

/// What a subject is to the service (clause P0.1).
public enum Relationship: String, Hashable, Sendable, Codable, CaseIterable {
    /// Visits the sites.
    case visitor
    /// Has a subscription, or acts for who has.
    case customer
    /// Works in a customer's workspace.
    case collaborator
    /// Is known to a customer, and to the service only through it.
    case endUserOfCustomer

    /// Everybody who uses the service, on the sites, the platform or a phone.
    public static let users: Set<Relationship> = [.visitor, .customer, .collaborator]
}

/// What is known about a subject when a use of their data is decided. What is `nil` nobody knows, and the answer is the more careful one.
public struct SubjectFacts: Hashable, Sendable {
    /// Who it is; without it nobody's choices count.
    public var id: Identifier<DataSubject>?
    /// What the subject is to the service.
    public var relationship: Relationship
    /// What the subject is.
    public var kind: SubjectKind
    /// The day of birth.
    public var birth: CivilDay?
    /// Where the subject lives, or where the customer is: regions' rules go by it, never by where a vendor sits (clause S2.2).
    public var residence: Region?
    /// What the subject chose; `nil` when nobody looked. A subject who chose nothing has ``ChoiceState/none``.
    /// Another subject's choices count for nothing: it is as if nobody had looked.
    public var choices: ChoiceState?
    /// That a parent permitted to collect a child's data; another child's counts for nothing.
    public var parentalPermission: ParentalPermission?

    /// Facts about a subject.
    public init(
        _ relationship: Relationship, id: Identifier<DataSubject>? = nil, kind: SubjectKind = .individual,
        birth: CivilDay? = nil, residence: Region? = nil,
        choices: ChoiceState? = nil, parentalPermission: ParentalPermission? = nil
    ) {
        self.id = id
        self.relationship = relationship
        self.kind = kind
        self.birth = birth
        self.residence = residence
        self.choices = choices
        self.parentalPermission = parentalPermission
    }

    /// The choices that are this subject's.
    var ownChoices: ChoiceState? { choices.flatMap { $0.subject == nil || $0.subject == id ? $0 : nil } }

    /// Whether the subject is younger than so many years on a day; unknown without a day of birth. Who was born on a 29 February comes of age
    /// on 1 March where the year has none.
    public func isUnder(_ years: Int, on day: CivilDay) -> Truth {
        guard let birth else { return .unknown }
        let (born, today) = (birth.components, day.components)
        let isBeforeBirthday = (today.month, today.day) < (born.month, born.day)
        return Truth(today.year - born.year - (isBeforeBirthday ? 1 : 0) < years)
    }
}

extension SubjectFacts: CustomStringConvertible, CustomReflectable {
    /// What the subject is; nothing that tells of whom.
    public var description: String { "\(relationship), \(kind)" }
    /// What the subject is.
    public var customMirror: Mirror { Mirror(self, children: ["relationship": relationship, "kind": kind]) }
}
