// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// The dated facts of one company: statuses as they were told, and packages made for it. Facts are only added.
struct CompanyPlan: Hashable, Sendable, Codable, RecordCodable {
    struct StatusFact: Hashable, Codable {
        let status: Company.Status
        let sequence: Int64
        let from: Timestamp
    }
    struct PackageFact: Hashable, Codable {
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

    /// The status told last. It is in force as soon as it is told, also when a clock goes back.
    var status: Company.Status? { statuses.last?.status }

    /// The monthly period that holds an instant, in UTC, counted from the anchor.
    func period(at instant: Timestamp) throws(PlanError) -> Period {
        try PeriodSchedule(anchor: anchor).period(at: instant)
    }
}
