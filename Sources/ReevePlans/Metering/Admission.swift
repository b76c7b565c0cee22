// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Proof that a job's tasks fit the plan: they are already taken from the limit.
///
/// It ends exactly once: by ``commit(used:)``, which gives back what the job did not use, by ``release()``, which
/// gives back everything, or by ``detach()``, after which another process may end it. One that is dropped counts as used.
public struct Admission: ~Copyable, Sendable {
    /// The job that was admitted.
    public let job: Identifier<Job>
    /// Where it runs.
    let scope: Scope
    /// How many tasks were taken from the limit.
    public private(set) var tasks: Int

    /// Whether the company was paused and its running jobs are to stop: a job that looks ends itself, with
    /// ``commit(used:)``. Some nanoseconds.
    public var isAskedToStop: Bool { handle.isAskedToStop }

    let handle: TaskHandle
    private let source: TaskHandle.Source
    /// What was taken later, the last one last.
    private var extensions: [Part]?

    private struct Part {
        let tasks: Int
        let handle: TaskHandle
        let source: TaskHandle.Source

        var origin: ReturnedTasks.Origin { handle.origin(of: source) }
    }

    /// All that was taken, the first first.
    private var parts: [Part] {
        let extensions = extensions ?? []
        let first = tasks - extensions.reduce(0) { $0 + $1.tasks }
        return [Part(tasks: first, handle: handle, source: source)] + extensions
    }

    init(job: Job, tasks: Int, handle: TaskHandle, source: TaskHandle.Source) {
        (self.job, scope) = (job.id, job.scope)
        self.tasks = tasks
        self.handle = handle
        self.source = source
    }

    /// Ends the admission with what the job used; the rest is given back. A number outside `0...tasks` counts as the
    /// nearer end. Local, and cannot fail: the meter settles durably.
    public consuming func commit(used: Int) {
        var rest = tasks - min(max(used, 0), tasks)
        guard rest > 0 else { return }
        // What was taken last comes back first.
        if let extensions {
            for part in extensions.reversed() {
                let back = min(rest, part.tasks)
                part.handle.giveBack(back, to: part.source)
                rest -= back
            }
        }
        handle.giveBack(rest, to: source)
    }

    /// Ends the admission with what the job did: each charge counts once, also when another process tells it as well, or it is
    /// told again in its period and the days after it that late usage is taken.
    ///
    /// `run` is how often the job had been run again before, from 0. The rest is given back; what it did beyond what was
    /// admitted counts as well. Local, and cannot fail: the meter settles durably. Steps of a run that are in more than
    /// 1,000 places, or in one whose path has more than 200 bytes or a control character, count each time that they are told. What a
    /// process did not settle before it ends is lost, but for what was admitted. Complexity: O(n log n) for n steps.
    public consuming func commit(_ steps: [JobStep], run: Int = 0, by rules: TaskCountingRules) {
        let told = ToldCharges(
            steps, of: job, run: run, by: rules, origin: handle.origin(of: source),
            admitted: parts.map { ($0.origin, $0.tasks) })
        if !told.charges.isEmpty { handle.tell(told) }
        commit(used: told.tasks)
    }

    /// Ends the admission of a job that did not run: everything is given back.
    public consuming func release() {
        commit(used: 0)
    }

    /// Hands the admission on: a job that goes on in another process, or after a restart, ends it there with
    /// ``TaskMeter/commit(_:used:)``. Until then its tasks count as used. Local, and cannot fail.
    public consuming func detach() -> DetachedAdmission {
        let isOwn = handle.isOfThisProcess
        return DetachedAdmission(
            id: handle.newTicket(), job: job, company: handle.company,
            // What a child of the process hands on is the parent's.
            parts: parts.map { DetachedAdmission.Part(tasks: isOwn ? $0.tasks : 0, $0.origin) })
    }

    /// Adds tasks that were taken for the same job.
    mutating func extend(by more: Int, from taken: TaskMeter.Taken) {
        extensions = (extensions ?? []) + [Part(tasks: more, handle: taken.handle, source: taken.source)]
        tasks += more
    }
}
