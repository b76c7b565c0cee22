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

    /// Ends the admission of a job that did not run: everything is given back.
    public consuming func release() {
        commit(used: 0)
    }
}
