// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import ReeveStorage

/// An admission as data: for a job that is admitted in one process and ends in another, or after a restart.
///
/// Keep it with the job. It says what comes back when the job ends, so it deserves the same care as the job: whoever can change it can
/// give tasks back that were never taken.
public struct DetachedAdmission: Hashable, Sendable, Codable {
    struct Part: Hashable, Codable {
        let tasks: Int
        let period: Timestamp
        let taken: Timestamp
        /// The sublimits that they count against; `nil` for none.
        let sublimits: [SublimitJobs]?

        init(tasks: Int, _ origin: ReturnedTasks.Origin) {
            (self.tasks, period, taken) = (tasks, origin.period, origin.taken)
            sublimits = origin.sublimits.isEmpty ? nil : origin.sublimits
        }

        var origin: ReturnedTasks.Origin { .init(period: period, taken: taken, sublimits: sublimits ?? []) }
    }

    let id: Identifier<DetachedAdmission>
    /// The job.
    public let job: Identifier<Job>
    /// The company.
    public let company: Identifier<Company>
    let parts: [Part]

    /// How many tasks were taken from the limit.
    public var tasks: Int { parts.reduce(0) { $0.saturatingAdd(max(0, $1.tasks)) } }

    var isValid: Bool {
        !parts.isEmpty
            && parts.allSatisfy { PlanRoom.isCount($0.tasks) && $0.origin.sublimits.count <= Sublimits.maximumCount }
            && PlanRoom.isCount(tasks)
    }
}

extension DetachedAdmission: IdentifiedEntity {
    /// `tkt`
    public static var identifierPrefix: String { "tkt" }
}

/// That a detached admission has ended: it ends once.
struct EndedAdmission: Codable, RecordCodable {
    let taken: Timestamp

    static let table = Table<EndedAdmission>("plans.ended")
}
