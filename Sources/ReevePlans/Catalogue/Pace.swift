// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel

/// How fast the tasks of a limit may be used: so many in a time, and so many at once after a pause (the generic cell rate
/// algorithm of ITU-T I.371).
///
/// It begins anew with each period. It is kept over all processes: what one takes to admit jobs by itself counts when it is taken. A job that needs more at once than
/// ``burst`` is admitted when nothing was used for long enough, and what comes after it waits for longer.
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

    /// How long tasks take at this pace, in microseconds, rounded up.
    private func microseconds(_ count: Int64) -> Int128 {
        let time = Int128(count) * Int128(seconds) * 1_000_000
        return (time + Int128(tasks) - 1) / Int128(tasks)
    }

    /// How many tasks may be used at once, when all that was used before is used up at an instant.
    package func conforming(at now: Timestamp, after used: Timestamp?) -> Int64 {
        let ahead = Int128(max(used ?? now, now).microseconds) - Int128(now.microseconds)
        let free = Int128(burst) * Int128(seconds) * 1_000_000 - ahead * Int128(tasks)
        return Int64(clamping: max(0, free / (Int128(seconds) * 1_000_000)))
    }

    /// When tasks that are used now are used up.
    package func end(of count: Int64, at now: Timestamp, after used: Timestamp?) -> Timestamp {
        Timestamp(
            microseconds: Int64(clamping: Int128(max(used ?? now, now).microseconds) + microseconds(count)))
    }

    /// What would have been used up then, if so many had not been used.
    package func before(_ count: Int64, _ used: Timestamp) -> Timestamp {
        let time = Int128(count) * Int128(seconds) * 1_000_000 / Int128(tasks)
        return Timestamp(microseconds: Int64(clamping: Int128(used.microseconds) - time))
    }

    /// When so many may be used at once; those that never may, when nothing is ahead.
    package func conforms(_ count: Int64, after used: Timestamp) -> Timestamp {
        let ahead = max(0, microseconds(Int64(burst)) - microseconds(min(count, Int64(burst))))
        return Timestamp(microseconds: Int64(clamping: Int128(used.microseconds) - ahead + 1))
    }
}
