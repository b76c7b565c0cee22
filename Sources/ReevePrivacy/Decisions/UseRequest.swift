// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What somebody wants to do with personal data, for what, who would see it, and what is known about it.
public struct UseRequest: Hashable, Sendable {
    /// What the data is.
    public var data: DataLabel
    /// What is done with it.
    public var operation: UseOperation
    /// What for.
    public var purpose: Purpose
    /// Who gets to see it.
    public var recipient: Recipient
    /// Where it goes, when it leaves the country it is in: data that is shared with somebody abroad is transferred as well. Of several places it
    /// has to be allowed for each.
    public var destinations: Set<Region>
    /// In which system it is done, by the host's name for it, where an attestation is about some alone (clause S1.1c).
    public var system: String?
    /// For whom it is held; nothing is held for nobody (clause P8.1).
    public var role: DataRole
    /// Whom it is about.
    public var subject: SubjectFacts
    /// The very thing it is about, where a choice may be about that alone: a testimonial, by id and version.
    public var item: String?
    /// What the record may still be used for that it is about, with everything below, as its ``Disposition/purposes`` say; `nil` where nothing limits it (clause P11.4).
    public var retainedFor: Set<Purpose>?
    /// The day on which it is done: a subject's age depends on it.
    public var day: CivilDay
    /// What else is known. Names that begin with `choice`, `subject`, `residence`, `destination` or `retention` are not the caller's to state and are passed over.
    public var facts: [Path: Truth]

    /// A request.
    public init(
        _ operation: UseOperation, _ data: DataLabel, for purpose: Purpose, to recipient: Recipient = .own,
        in destinations: Set<Region> = [], as role: DataRole, about subject: SubjectFacts,
        item: String? = nil, system: String? = nil, retainedFor: Set<Purpose>? = nil,
        on day: CivilDay, facts: [Path: Truth] = [:]
    ) {
        self.operation = operation
        self.data = data
        self.purpose = purpose
        self.recipient = recipient
        self.destinations = destinations
        self.role = role
        self.subject = subject
        self.item = item
        self.system = system
        self.retainedFor = retainedFor
        self.day = day
        self.facts = facts
    }
}

extension UseRequest: CustomStringConvertible, CustomReflectable {
    /// What is asked; nothing about the subject, nor who would see it.
    public var description: String {
        let categories = data.categories.map(\.description).sorted().joined(separator: ", ")
        return "\(operation) \(data.identifiability) \(categories) for \(purpose) to \(recipient.kind)"
    }
    /// What is asked.
    public var customMirror: Mirror { Mirror(self, children: ["request": description]) }
}
