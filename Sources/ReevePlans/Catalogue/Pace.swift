// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel
import ReeveStorage

/// How fast the tasks of a limit may be used: so many in a time, and so many at once after a pause (the generic cell rate
/// algorithm of ITU-T I.371).
///
/// It is kept over all processes and periods: what one takes to admit jobs by itself counts when it is taken, and what it gives back
/// unused counts no more. A job that needs more at once than ``burst`` is admitted when nothing was used for long enough, and
/// what comes after it waits for longer.
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

    /// What of a level has not run off at an instant.
    private func left(of level: Level?, at now: Timestamp) -> Int64 {
        guard let level, now < level.until else { return 0 }
        let elapsed = max(0, Int128(now.microseconds) - Int128(level.at.microseconds))
        return Int64(clamping: max(0, Int128(level.ahead) - elapsed * Int128(tasks) / Int128(seconds)))
    }

    private static let unit: Int64 = 1_000_000

    /// How many tasks may be used at once; `nil` when nothing is ahead, and any number may.
    package func conforming(at now: Timestamp, after level: Level?) -> Int64? {
        let left = left(of: level, at: now)
        return left == 0 ? nil : max(0, (Int64(burst) * Self.unit - left) / Self.unit)
    }

    /// The level after tasks were taken at an instant; what a clock that is far ahead said does not make others wait for it.
    package func taking(_ count: Int64, at now: Timestamp, after level: Level?) -> Level {
        let latest = level.flatMap { $0.at <= now.advanced(by: CompanyFacts.skew) ? $0.at : nil }
        let (ahead, at) = (left(of: level, at: now) + count * Self.unit, max(now, latest ?? now))
        return Level(ahead: ahead, at: at, until: end(of: ahead, from: at))
    }

    /// The level after some of what was taken came back; `taken` is the level just after it was.
    package func returning(_ count: Int64, at now: Timestamp, to level: Level, taken: Level) -> Level {
        let back = min(count * Self.unit, left(of: taken, at: now))
        let (ahead, at) = (max(0, left(of: level, at: now) - back), max(now, level.at))
        return Level(ahead: ahead, at: at, until: min(level.until, end(of: ahead, from: at)))
    }

    /// When what is ahead has run off at this pace.
    private func end(of ahead: Int64, from instant: Timestamp) -> Timestamp {
        let time = (Int128(ahead) * Int128(seconds) + Int128(tasks) - 1) / Int128(tasks)
        return instant.advanced(by: .microseconds(Int64(clamping: time)))
    }

    /// When so many may be used at once; those that never may, when nothing is ahead.
    package func conforms(_ count: Int64, after level: Level) -> Timestamp {
        let most = max(0, Int64(burst) - count) * Self.unit
        return min(level.until, end(of: max(0, level.ahead - most), from: level.at))
    }

    /// What was taken and has not run off, in millionths of a task, at an instant. At another pace than it was taken at it runs off no
    /// later than at that.
    package struct Level: Hashable, Sendable {
        package let ahead: Int64
        package let at: Timestamp
        package let until: Timestamp

        func write(to writer: inout JSONWriter) {
            writer.object { writer in
                writer.field("ahead", ahead)
                writer.field("at", at)
                writer.field("until", until)
            }
        }

        init(ahead: Int64, at: Timestamp, until: Timestamp) {
            (self.ahead, self.at, self.until) = (ahead, at, until)
        }

        init(from reader: inout JSONReader) throws(JSONError) {
            self = try reader.object { (reader) throws(JSONError) in
                // A burst and one job, each of as many tasks as can be.
                let ahead = try reader.count("ahead", upTo: 2 * PlanRoom.maximumCount * Pace.unit)
                let at = try reader.text("at", as: Timestamp.self)
                return Level(ahead: ahead, at: at, until: try reader.text("until", as: Timestamp.self))
            }
        }
    }
}
