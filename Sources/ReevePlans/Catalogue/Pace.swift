// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// How fast the tasks of a limit may be used: so many in a time, and so many at once after a pause (the generic cell rate
/// algorithm of ITU-T I.371).
///
/// It is kept over all processes and periods: what one takes to admit jobs by itself counts when it is taken, and what comes back unused
/// counts no more, as far as its time has not run off. A job that needs more at once than ``burst`` is admitted when nothing was used for
/// long enough, and what comes after it waits for longer. At another pace what was used before counts as no more than a burst.
/// Processes whose clocks differ may use as much faster, or wait as much longer, as these differ, up to a minute.
public struct Pace: Hashable, Sendable, Codable {
    /// Tasks in ``seconds``; 1 to 10^12.
    public let tasks: Int
    /// 1 to 86,400.
    public let seconds: Int
    /// Tasks at once; 1 to 10^12.
    public let burst: Int

    /// A pace.
    public init(tasks: Int, seconds: Int, burst: Int) {
        self.tasks = tasks
        self.seconds = seconds
        self.burst = burst
    }

    var isValid: Bool {
        (1...PlanRoom.maximumCount).contains(Int64(tasks)) && (1...86_400).contains(seconds)
            && (1...PlanRoom.maximumCount).contains(Int64(burst))
    }

    /// Whether no less may be used at any time than at another pace.
    func isNoLess(than other: Pace) -> Bool {
        Int128(tasks) * Int128(other.seconds) >= Int128(other.tasks) * Int128(seconds) && burst >= other.burst
    }
}
