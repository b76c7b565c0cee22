// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// What was told of a run of a job, until it is in the store.
struct ToldCharges {
    let job: Identifier<Job>
    let run: Int
    /// By what each costs, 1 to 1,000 tasks.
    let charges: [Int: ChargeSet]
    /// Tasks of all of them.
    let tasks: Int
    /// Where it counts if it was not admitted.
    let origin: ReturnedTasks.Origin
    /// Where tasks of it were taken from that were admitted, the first first.
    let parts: [(origin: ReturnedTasks.Origin, tasks: Int64)]
    /// Whether it was told of an admission, and not reported by itself.
    let isAdmitted: Bool
    /// Whether it may have been told already: then nothing of it is given back.
    private(set) var isUncertain = false

    /// The same, told again.
    var uncertain: ToldCharges {
        var told = self
        told.isUncertain = true
        return told
    }

    /// The charges of steps by rules: what costs nothing is none.
    init(
        _ steps: [JobStep], of job: Identifier<Job>, run: Int, by rules: TaskCountingRules,
        origin: ReturnedTasks.Origin, admitted: [(origin: ReturnedTasks.Origin, tasks: Int)]? = nil
    ) {
        self.job = job
        self.run = run
        self.origin = origin
        (charges, tasks) = rules.charges(of: steps)
        // What was admitted beyond what it did is given back without it.
        var left = tasks
        parts = (admitted ?? []).map { part in
            let taken = min(left, part.tasks)
            left -= taken
            return (part.origin, Int64(taken))
        }.filter { $0.tasks > 0 }
        isAdmitted = admitted != nil
    }

    /// Whether each of its paths can be stored.
    var isStorable: Bool {
        charges.values.allSatisfy { set in
            set.count <= ChargeRecord.maximumEntries
                && set.passes.keys.allSatisfy {
                    $0.path.utf8.count <= ChargeRecord.maximumPathBytes && !PlanRoom.hasControls($0.path)
                }
        }
    }
}
