// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
public import ReeveStorage

extension Disclosure: RecordCodable {}

/// The records of this room. What subjects chose and agreed to decides, and is authenticated where there are keys for it: each subject has a tree of its
/// own, and only its first event changes what others wait for.
struct PrivacyTables: Sendable {
    /// How many events a subject has: whoever decides expects that there are no more.
    struct Count: Codable, RecordCodable {
        /// With those that were erased.
        var events: Int
        /// The number of the first that was not erased; 0 where there is none.
        var first: Int?
        /// Another one for each event: what was read before an event is none of what was read after it.
        var stamp = UInt64.random(in: 0...(1 << 53))
    }

    /// That a subject chose something towards a customer.
    struct ChooserMark: Codable, RecordCodable {
        let subject: Identifier<DataSubject>
    }

    /// What was given to a recipient for a purpose in a year.
    struct Shared: Codable, RecordCodable {
        let recipient: Recipient
        let purpose: Purpose
        /// In order.
        var categories: [DataCategory]
    }

    let events: ControlTable<SubjectEvent>
    let counts: ControlTable<Count>
    /// Who chose something towards a customer.
    let choosers: ControlTable<ChooserMark>
    let disclosures = Table<Disclosure>("privacy.disclosure")
    let shared = Table<Shared>("privacy.shared")

    init(_ control: ControlRecords?) {
        events = ControlTable("privacy.event", in: .firstID, control)
        counts = ControlTable("privacy.events", in: .firstID, control)
        choosers = ControlTable("privacy.chooser", in: .spread("privacy.chooser", over: 256), control)
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

    /// Reads what ``text`` writes.
    init?(text: String) {
        if text == "controller" {
            self = .controller
        } else {
            guard let company = Identifier<Company>(text) else { return nil }
            self = .processor(for: company)
        }
    }
}

extension String {
    /// The text, or as much of its beginning as has at most so many bytes.
    func cut(toBytes count: Int) -> String {
        guard utf8.count > count else { return self }
        // A character has at most four.
        for length in stride(from: count, through: max(0, count - 3), by: -1) {
            if let start = String(utf8.prefix(length)) { return start }
        }
        return ""
    }
}
