// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
public import ReeveStorage

extension ChoiceEvent: RecordCodable {}
extension Disclosure: RecordCodable {}

/// The records of this room. Choices decide, and are authenticated where there are keys for it: each subject has a tree of its own, so that none
/// waits for another's.
struct PrivacyTables: Sendable {
    /// How many events a chooser has: whoever decides expects that there are no more.
    struct Count: Codable, RecordCodable {
        var events: Int
    }

    /// That something was given to somebody in a year.
    struct Shared: Codable, RecordCodable {
        let row: SharingReport.Row
    }

    let choices: ControlTable<ChoiceEvent>
    let counts: ControlTable<Count>
    let disclosures = Table<Disclosure>("privacy.disclosure")
    let shared = Table<Shared>("privacy.shared")

    init(_ control: ControlRecords?) {
        choices = ControlTable("privacy.choice", in: .firstID, control)
        counts = ControlTable("privacy.choices", in: .firstID, control)
    }
}

/// Whose choices, and towards whom.
struct Chooser: Hashable, Sendable {
    let subject: Identifier<DataSubject>
    let role: DataRole

    init(_ subject: Identifier<DataSubject>, towards role: DataRole) {
        self.subject = subject
        self.role = role
    }

    /// Whose choices a request is about; `nil` where nobody knows whom the data is about.
    init?(_ request: UseRequest) {
        guard let subject = request.subject.id else { return nil }
        self.init(subject, towards: request.role)
    }

    /// The ids of what belongs to it.
    var ids: [String] { [subject.description, role.text] }

    /// The ids of an event of it, from 0 on, in order.
    func ids(of number: Int) -> [String] {
        let digits = String(number)
        return ids + [String(repeating: "0", count: max(0, 12 - digits.count)) + digits]
    }
}

extension DataRole {
    /// `controller`, or the customer's id.
    var text: String {
        switch self {
        case .controller: "controller"
        case .processor(let company): company.description
        }
    }
}
