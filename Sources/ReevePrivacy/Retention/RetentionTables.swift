// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveStorage

/// The records of retention, all in the platform's partition. What decides about what goes is authenticated where there are keys for it, and so is by whom it is found.
struct RetentionTables: Sendable {
    let records: ControlTable<Retention.Row>
    /// What is registered about a subject, and of a customer.
    let subjects: ControlTable<Retention.Found>
    let customers: ControlTable<Retention.Found>
    let ended: ControlTable<Retention.Ended>
    let cases: ControlTable<Retention.Closed>
    let locks: ControlTable<Retention.Locked>
    let gone = Table<Retention.Gone>("privacy.gone")
    let departed = Table<DepartureReport.Erased>("privacy.customer.erased")
    let due = Table<Mark>("privacy.record.due")

    /// How many trees the records are spread over: of so many writers that change one at once few wait for each other.
    private static let trees = 256

    init(_ control: ControlRecords?) {
        func spread<Value>(_ name: String) -> ControlTable<Value> {
            ControlTable(name, in: .spread(name, over: Self.trees), control)
        }
        records = spread("privacy.record")
        subjects = spread("privacy.record.subject")
        customers = spread("privacy.record.customer")
        ended = spread("privacy.customer.ended")
        cases = spread("privacy.case.closed")
        locks = ControlTable("privacy.locks", in: .named("privacy.locks"), control)
    }
}

extension Retention {
    /// A record as it is stored.
    struct Row: Hashable, Codable, RecordCodable {
        var record: RetainedRecord
        /// Where the record belongs: nobody in another scope sees it.
        let scope: Scope
        /// Another one for each registration, under whatever name: the ledger names it.
        var registration = Int64.random(in: 0..<1 << 53)
        /// Counts the changes of holds, from a random start: a record that is registered again has another one.
        var holdEpoch = Int.random(in: 0..<Int.max / 2)
        /// Once it is, no hold can be placed, and it goes whatever rules say then.
        var isBeingErased = false
        /// Attempts at each place.
        var attempts: [String: Int] = [:]
        /// The attempts that a place said had failed.
        var failed: [String: Int] = [:]
        /// What they came to, at the places that are done.
        var done: [String: ErasureOutcome] = [:]
        /// Whether the ledger has it that it goes.
        var isAnchored = false

        /// Whether it is as it was: no subject asked for it to go, and no place removed it, or may have.
        var isUntouched: Bool {
            done.isEmpty && record.demands.isEmpty && attempts.allSatisfy { failed[$0.key] == $0.value }
        }
        /// The places that still have it, in order.
        var open: [String] { record.locations.subtracting(done.keys).sorted() }
    }
    /// That a record was erased everywhere: nothing about whom, or what.
    struct Gone: Codable, RecordCodable {
        let scope: Scope
        let registration: Int64
        let outcomes: [String: ErasureOutcome]
        let at: Timestamp
    }
    /// That a case was closed.
    struct Closed: Codable, RecordCodable {
        let on: CivilDay
    }
    /// When a customer ended the subscription, if not taken up again; the sequence says which word of the host's is the last.
    struct Ended: Codable, RecordCodable {
        let on: CivilDay?
        let sequence: Int64
    }
    /// Rules that were locked.
    struct Locked: Codable, RecordCodable {
        var rules: [RetentionRule]
    }
    /// Which record is registered about a subject, or of a customer.
    struct Found: Codable, RecordCodable {
        let record: Identifier<DataRecord>
    }
}
