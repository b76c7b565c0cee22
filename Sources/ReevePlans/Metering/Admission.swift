// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Proof that a job's tasks fit the plan: they are already taken from the limit.
///
/// It ends exactly once: by ``commit(used:)``, which gives back what the job did not use, or by ``release()``, which
/// gives back everything. One that is dropped counts as used.
public struct Admission: ~Copyable, Sendable {
    /// The job that was admitted.
    public let job: Job
    /// How many tasks were taken from the limit.
    public let tasks: Int

    private let handle: TaskHandle
    private let source: TaskHandle.Source

    init(job: Job, tasks: Int, handle: TaskHandle, source: TaskHandle.Source) {
        self.job = job
        self.tasks = tasks
        self.handle = handle
        self.source = source
    }

    /// Ends the admission with what the job used; the rest is given back. A number outside `0...tasks` counts as the
    /// nearer end. Local, and cannot fail: the meter settles durably.
    public consuming func commit(used: Int) {
        handle.giveBack(tasks - min(max(used, 0), tasks), to: source)
    }

    /// Ends the admission with what the job did: each charge counts once, also when another process tells it as well, or it is
    /// told again in its period and the days after it that late usage is taken.
    ///
    /// `run` is how often the job had been run again before, from 0. The rest is given back; what it did beyond what was
    /// admitted counts as well. Local, and cannot fail: the meter settles durably. Steps of a run that are in more than
    /// 1,000 places, or in one whose path has more than 200 bytes or a control character, count up to what was admitted, each time.
    public consuming func commit(_ steps: [JobStep], run: Int = 0, by rules: TaskCountingRules) {
        let told = ToldCharges(steps, of: job.id, run: run, by: rules, origin: source.origin, admitted: tasks)
        if !told.charges.isEmpty, told.isStorable { handle.tell(told) }
        commit(used: told.tasks)
    }

    /// Ends the admission of a job that did not run: everything is given back.
    public consuming func release() {
        commit(used: 0)
    }
}
