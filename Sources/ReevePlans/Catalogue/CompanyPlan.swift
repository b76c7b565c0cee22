// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// The dated facts of one company: statuses as they were told, and packages made for it. Facts are
/// only added; the oldest are forgotten once there are many, and stay in the audit trail.
struct CompanyPlan: Hashable, JSONRecord {
    struct StatusFact: Hashable {
        let status: Company.Status
        let sequence: Int64
        let from: Timestamp
    }
    struct PackageFact: Hashable {
        let tasksPerPeriod: Int
        let from: Timestamp
    }

    /// The day that periods are counted from.
    let anchor: CivilDay
    /// The highest sequence that was told, also when it brought no other status.
    var sequence: Int64?
    var statuses: [StatusFact] = []
    var packages: [PackageFact] = []

    static let table = Table<CompanyPlan>("plans.company")
    /// As many statuses, and as many packages, are remembered.
    static let maximumFacts = 200

    mutating func append(_ fact: StatusFact) {
        statuses.append(fact)
        statuses.removeFirst(max(0, statuses.count - Self.maximumFacts))
    }

    mutating func append(_ fact: PackageFact) {
        packages.append(fact)
        packages.removeFirst(max(0, packages.count - Self.maximumFacts))
    }

    /// The status told last. It is in force as soon as it is told, also when a clock goes back.
    var status: Company.Status? { statuses.last?.status }

    /// The monthly period that holds an instant, in UTC, counted from the anchor.
    func period(at instant: Timestamp) throws(PlanError) -> Period {
        try PeriodSchedule(anchor: anchor).period(at: instant)
    }

    init(anchor: CivilDay) {
        self.anchor = anchor
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.name("anchor")
            writer.text(anchor)
            writer.name("packages")
            writer.list(packages) { writer, package in
                writer.object { writer in
                    writer.field("from", package.from)
                    writer.field("tasksPerPeriod", package.tasksPerPeriod)
                }
            }
            writer.field("sequence", sequence)
            writer.name("statuses")
            writer.list(statuses) { writer, fact in
                writer.object { writer in
                    writer.field("from", fact.from)
                    writer.field("sequence", fact.sequence)
                    writer.field("status", fact.status.rawValue)
                }
            }
        }
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            var facts = CompanyPlan(anchor: try reader.text("anchor", as: CivilDay.self))
            try reader.name("packages")
            facts.packages = try reader.list { (reader) throws(JSONError) in
                try reader.object { (reader) throws(JSONError) in
                    let from = try reader.text("from", as: Timestamp.self)
                    let tasks = try reader.count("tasksPerPeriod", upTo: PlanRoom.maximumCount)
                    return PackageFact(tasksPerPeriod: Int(tasks), from: from)
                }
            }
            facts.sequence = reader.hasField("sequence") ? try reader.integer() : nil
            try reader.name("statuses")
            facts.statuses = try reader.list { (reader) throws(JSONError) in
                try reader.object { (reader) throws(JSONError) in
                    let from = try reader.text("from", as: Timestamp.self)
                    let sequence = try reader.integer("sequence")
                    return StatusFact(
                        status: try reader.choice("status", as: Company.Status.self), sequence: sequence, from: from)
                }
            }
            return facts
        }
    }
}
