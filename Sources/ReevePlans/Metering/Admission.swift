// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Proof that a job's tasks fit the plan: they are already taken from the limit.
///
/// It ends exactly once: by ``commit(used:)``, which gives back what the job did not use, or by ``release()``, which
/// gives back everything. One that is dropped counts as used.
public struct Admission: ~Copyable, Sendable {
    /// The admission's id.
    public let id: Identifier<AdmissionRecord>
    /// The job that was admitted.
    public let job: Job
    /// How many tasks were taken from the limit.
    public let tasks: Int

    private let meter: TaskMeter
    private let company: Identifier<Company>
    private let period: CivilDay

    init(
        id: Identifier<AdmissionRecord>, job: Job, tasks: Int, meter: TaskMeter, company: Identifier<Company>,
        period: CivilDay
    ) {
        self.id = id
        self.job = job
        self.tasks = tasks
        self.meter = meter
        self.company = company
        self.period = period
    }

    /// Ends the admission with what the job used; the rest is given back. A number outside `0...tasks` counts as the
    /// nearer end. Local, and cannot fail: the meter settles durably.
    public consuming func commit(used: Int) {
        meter.giveBack(tasks - min(max(used, 0), tasks), to: company, period)
    }

    /// Ends the admission of a job that did not run: everything is given back.
    public consuming func release() {
        commit(used: 0)
    }
}
