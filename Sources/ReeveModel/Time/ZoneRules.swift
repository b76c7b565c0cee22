// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A time zone as a value: the offsets from UTC, and when they change. Civil days inside, zones at the edge.
///
/// Rules come from the host or from a room that can read the system's zones, so that pure functions need no clock and no
/// database of zones. After the last transition its offset goes on.
public struct ZoneRules: Hashable, Sendable {
    /// A change of the offset.
    public struct Transition: Hashable, Sendable, Codable {
        /// The first instant of the new offset.
        public let at: Timestamp
        /// Seconds east of UTC from then on.
        public let offset: Int

        /// A change to an offset in seconds east of UTC.
        public init(at: Timestamp, offset: Int) {
            self.at = at
            self.offset = offset
        }
    }

    /// The zone's name, for example `Europe/Berlin`.
    public let name: String
    /// Seconds east of UTC before the first transition.
    public let initialOffset: Int
    /// The changes, in order.
    public let transitions: [Transition]

    /// Coordinated universal time.
    public static let utc = ZoneRules(uncheckedName: "UTC", initialOffset: 0, transitions: [])

    /// Rules whose transitions rise in time and whose offsets are within 18 hours; `nil` for others.
    public init?(name: String, initialOffset: Int, transitions: [Transition]) {
        let offsets = [initialOffset] + transitions.map(\.offset)
        guard offsets.allSatisfy({ (-18 * 3600...18 * 3600).contains($0) }),
            zip(transitions, transitions.dropFirst()).allSatisfy({ $0.at < $1.at })
        else { return nil }
        self.init(uncheckedName: name, initialOffset: initialOffset, transitions: transitions)
    }

    private init(uncheckedName name: String, initialOffset: Int, transitions: [Transition]) {
        self.name = name
        self.initialOffset = initialOffset
        self.transitions = transitions
    }

    /// Seconds east of UTC at an instant. Complexity: O(log transitions).
    public func offset(at instant: Timestamp) -> Int { offset(ofSegment: segment(at: instant)) }

    /// The civil day at an instant.
    public func day(at instant: Timestamp) -> CivilDay {
        instant.advanced(by: .seconds(offset(at: instant))).day
    }

    /// The first instant of a civil day: midnight, or where the clocks skipped it the instant after the gap. Days that no
    /// ``Timestamp`` reaches give its first or last instant.
    public func start(of day: CivilDay) -> Timestamp { first(showing: 0, on: day) }

    /// The first instant at which clocks show a civil time, given as seconds after midnight, 0 to 86,399: the earlier one where
    /// they show it twice, and where they skip it the first after the gap. Days that no ``Timestamp`` reaches give its first or
    /// last instant. Complexity: O(log transitions).
    public func first(showing second: Int, on day: CivilDay) -> Timestamp {
        let shown = day.startInUTC.advanced(by: .seconds(min(max(second, 0), 86_399)))
        // No offset is larger, so it cannot be shown before this segment.
        var index = segment(at: shown.advanced(by: .seconds(-18 * 3600)))
        while true {
            let begins = index == 0 ? Timestamp(microseconds: .min) : transitions[index - 1].at
            let candidate = shown.advanced(by: .seconds(-offset(ofSegment: index)))
            guard index < transitions.count, candidate >= transitions[index].at else { return max(begins, candidate) }
            index += 1
        }
    }

    /// The start of the period `count` after the one that begins on `anchor`, each `months` long, when clocks show a time given
    /// as seconds after midnight.
    ///
    /// Always counted from the anchor, so that January 31 gives February 28 and then March 31.
    public func periodStart(_ count: Int, months: Int, from anchor: CivilDay, at second: Int = 0) -> Timestamp {
        let (total, overflow) = count.multipliedReportingOverflow(by: months)
        let day = anchor.advanced(byMonths: overflow ? ((count < 0) == (months < 0) ? .max : .min) : total)
        return first(showing: second, on: day)
    }

    /// The number of transitions at or before an instant.
    private func segment(at instant: Timestamp) -> Int {
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].at <= instant { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func offset(ofSegment index: Int) -> Int { index == 0 ? initialOffset : transitions[index - 1].offset }
}

extension ZoneRules: Codable {
    private enum CodingKeys: String, CodingKey {
        case name, initialOffset, transitions
    }

    /// Reads rules; transitions out of order are an error.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let rules = ZoneRules(
            name: try container.decode(String.self, forKey: .name),
            initialOffset: try container.decode(Int.self, forKey: .initialOffset),
            transitions: try container.decode([Transition].self, forKey: .transitions))
        guard let rules else {
            throw DecodingError.dataCorruptedError(
                forKey: .transitions, in: container, debugDescription: "transitions out of order or offsets too large")
        }
        self = rules
    }
}
