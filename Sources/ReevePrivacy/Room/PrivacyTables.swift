// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
public import ReeveStorage

extension Disclosure: RecordCodable {}

/// The records of this room. What subjects chose and agreed to decides, and is authenticated where there are keys for it: each subject has a tree of its
/// own, so that none waits for another's.
struct PrivacyTables: Sendable {
    /// How many events a subject has: whoever decides expects that there are no more.
    struct Count: Codable, RecordCodable {
        var events: Int
    }

    /// That something was given to somebody in a year.
    struct Shared: Codable, RecordCodable {
        let row: SharingReport.Row
    }

    let events: ControlTable<SubjectEvent>
    let counts: ControlTable<Count>
    let disclosures = Table<Disclosure>("privacy.disclosure")
    let shared = Table<Shared>("privacy.shared")

    init(_ control: ControlRecords?) {
        events = ControlTable("privacy.event", in: .firstID, control)
        counts = ControlTable("privacy.events", in: .firstID, control)
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
