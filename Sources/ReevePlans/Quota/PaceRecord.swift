// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

package import ReeveModel
package import ReeveStorage

/// What a company has used that has not run off at its pace: a leaky bucket, over all processes and periods.
///
/// A value without a clock, changed in the commit in which tasks are taken or come back.
package struct PaceRecord: Hashable, Sendable {
    /// What has not run off at an instant, in millionths of a task.
    private var ahead: Int64 = 0
    private var at: Timestamp
    /// The pace, and since when it is this one.
    private var present: Span
    /// The one before.
    private var past: Span?

    fileprivate struct Span: Hashable {
        let pace: Pace
        let since: Timestamp

        /// What runs off in a time, in millionths of a task.
        func runOff(from start: Timestamp, to end: Timestamp) -> Int128 {
            let time = max(0, Int128(end.microseconds) - Int128(start.microseconds))
            return time * Int128(pace.tasks) / Int128(pace.seconds)
        }
    }

    private static let unit: Int64 = 1_000_000
    /// A clock that is ahead by more is not believed.
    private static let skew = Duration.seconds(60)

    /// Nothing is used at a pace.
    package init(_ pace: Pace, at now: Timestamp) {
        at = now
        present = Span(pace: pace, since: now)
    }

    /// Goes on at a pace, which may be another one.
    package mutating func adopt(_ pace: Pace, at now: Timestamp) {
        // What a clock that is far ahead said does not make others wait for it.
        (ahead, at) = at > now.advanced(by: Self.skew) ? (left(at: now), now) : (ahead, at)
        guard pace != present.pace else { return }
        (ahead, at) = (min(left(at: now), Int64(pace.burst) * Self.unit), start(now))
        (past, present) = (present, Span(pace: pace, since: now))
    }

    /// When what runs off is counted from.
    private func start(_ now: Timestamp) -> Timestamp { at > now.advanced(by: Self.skew) ? now : max(at, now) }

    /// What has not run off, in millionths of a task.
    private func left(at now: Timestamp) -> Int64 {
        let from = at > now.advanced(by: Self.skew) ? now : at
        return Int64(clamping: max(0, Int128(ahead) - present.runOff(from: from, to: now)))
    }

    /// As many may be used at once when nothing is ahead.
    package var burst: Int64 { Int64(present.pace.burst) }

    /// How many tasks may be used at once; `nil` when nothing is ahead, and any number may.
    package func conforming(at now: Timestamp) -> Int64? {
        let left = left(at: now)
        return left == 0 ? nil : max(0, (Int64(present.pace.burst) * Self.unit - left) / Self.unit)
    }

    /// When so many may be used at once; those that never may, when nothing is ahead.
    package func conforms(_ count: Int64, at now: Timestamp) -> Timestamp {
        let most = max(0, Int64(present.pace.burst) - count) * Self.unit
        let over = Int128(max(0, left(at: now) - most)) * Int128(present.pace.seconds)
        let time = (over + Int128(present.pace.tasks) - 1) / Int128(present.pace.tasks)
        return start(now).advanced(by: .microseconds(Int64(clamping: time)))
    }

    /// Takes tasks.
    package mutating func take(_ count: Int64, at now: Timestamp) {
        (ahead, at) = (left(at: now) + count * Self.unit, start(now))
    }

    /// Takes back what was taken at an instant and not used, as far as it cannot have run off since.
    package mutating func giveBack(_ count: Int64, taken: Timestamp, at now: Timestamp) {
        var kept = Int128(min(count, PlanRoom.maximumCount)) * Int128(Self.unit)
        kept -= present.runOff(from: max(taken, present.since), to: now)
        if taken < present.since {
            guard let past, taken >= past.since else { return }
            kept -= past.runOff(from: taken, to: present.since)
        }
        guard kept > 0 else { return }
        (ahead, at) = (max(0, left(at: now) - Int64(clamping: kept)), start(now))
    }
}

extension PaceRecord: JSONRecord {
    package static let table = Table<PaceRecord>("plans.pace")

    package func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("ahead", ahead)
            writer.field("at", at)
            if let past {
                writer.name("past")
                past.write(to: &writer)
            }
            writer.name("present")
            present.write(to: &writer)
        }
    }

    package init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            // A burst and one job, each of as many tasks as can be.
            let ahead = try reader.count("ahead", upTo: 2 * PlanRoom.maximumCount * PaceRecord.unit)
            let at = try reader.text("at", as: Timestamp.self)
            let past = reader.hasField("past") ? try Span(from: &reader) : nil
            try reader.name("present")
            var record = PaceRecord(at: at, present: try Span(from: &reader))
            (record.ahead, record.past) = (ahead, past)
            return record
        }
    }

    private init(at: Timestamp, present: Span) {
        (self.at, self.present) = (at, present)
    }
}

extension PaceRecord.Span {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("burst", pace.burst)
            writer.field("seconds", pace.seconds)
            writer.field("since", since)
            writer.field("tasks", pace.tasks)
        }
    }

    fileprivate init(from reader: inout JSONReader) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let burst = Int(try reader.count("burst", upTo: PlanRoom.maximumCount))
            let seconds = Int(try reader.count("seconds", upTo: 86_400))
            let since = try reader.text("since", as: Timestamp.self)
            let tasks = Int(try reader.count("tasks", upTo: PlanRoom.maximumCount))
            let pace = Pace(tasks: tasks, seconds: seconds, burst: burst)
            guard pace.isValid else { throw reader.unexpected() }
            return PaceRecord.Span(pace: pace, since: since)
        }
    }
}
