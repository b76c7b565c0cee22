// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// On which days business is done: what a period of business days counts, and where a deadline rolls to.
///
///     let due = BusinessCalendar.unitedStatesFederal.day(30, after: received)   // 2016-03-04 → 2016-04-15
///
/// Days on which ``covers`` says nothing have no holidays here: what falls there is counted too early rather than too late.
public struct BusinessCalendar: Hashable, Sendable {
    /// The calendar's name, by which clock rules ask for it.
    public let name: String
    /// The days of the week on which nothing is done.
    public let weekend: Set<Weekday>
    /// The days of which it is known whether they are holidays.
    public let covers: ClosedRange<CivilDay>
    /// Holidays that are on no weekend, in order.
    private let closed: [Int32]
    /// Working days up to and with each day of a week.
    private let worked: [Int]
    /// The working days of a week, from Monday, which is 0.
    private let working: [Int]

    /// A calendar; `nil` when all days of the week are a weekend, or a holiday is not in `covers`.
    public init?(
        _ name: String, holidays: some Sequence<CivilDay>, covers: ClosedRange<CivilDay>,
        weekend: Set<Weekday> = [.saturday, .sunday]
    ) {
        guard weekend.count < 7, holidays.allSatisfy(covers.contains) else { return nil }
        self.init(trusted: name, holidays, covers, weekend)
    }

    init(
        trusted name: String, _ holidays: some Sequence<CivilDay>, _ covers: ClosedRange<CivilDay>,
        _ weekend: Set<Weekday>
    ) {
        self.name = name
        self.weekend = weekend
        self.covers = covers
        closed = Set(holidays.filter { !weekend.contains($0.weekday) }.map(\.daysSince1970)).sorted()
        working = Weekday.allCases.filter { !weekend.contains($0) }.map { $0.rawValue - 1 }
        worked = Weekday.allCases.map { day in
            Weekday.allCases.filter { $0 <= day && !weekend.contains($0) }.count
        }
    }

    /// Its holidays that are on no weekend, in order.
    public var holidays: [CivilDay] { closed.map(CivilDay.init(daysSince1970:)) }

    /// Whether business is done on a day.
    public func isBusinessDay(_ day: CivilDay) -> Bool {
        guard !weekend.contains(day.weekday) else { return false }
        let before = countClosed(upTo: Int(day.daysSince1970))
        return before == 0 || closed[before - 1] != day.daysSince1970
    }

    /// The day itself if business is done on it, else the next on which it is.
    public func rolledForward(_ day: CivilDay) -> CivilDay { isBusinessDay(day) ? day : self.day(1, after: day) }

    /// The business day of this number after a day, which never counts itself; a number under 1 counts as 1, and one over 100,000 as that.
    ///
    /// Complexity: O(log holidays), once for each holiday or two on the way.
    public func day(_ number: Int, after day: CivilDay) -> CivilDay {
        let start = Int(day.daysSince1970)
        let (worked, known) = (countWorked(upTo: start), countClosed(upTo: start))
        let wanted = worked + min(max(number, 1), 100_000)
        var found = self.day(ofWorked: wanted)
        while true {
            let next = self.day(ofWorked: wanted + countClosed(upTo: found) - known)
            guard next != found else { return CivilDay(daysSince1970: Int32(clamping: found)) }
            found = next
        }
    }

    /// Working days of the week from a Monday long ago up to and with a day.
    private func countWorked(upTo day: Int) -> Int {
        let shifted = day + 3
        return shifted.flooredQuotient(7) * working.count + worked[shifted.flooredRemainder(7)]
    }

    /// The day that ``countWorked(upTo:)`` counts as this one.
    private func day(ofWorked number: Int) -> Int {
        let week = (number - 1).flooredQuotient(working.count)
        return week * 7 + working[(number - 1).flooredRemainder(working.count)] - 3
    }

    /// How many holidays there are up to and with a day.
    private func countClosed(upTo day: Int) -> Int {
        var (low, high) = (0, closed.count)
        while low < high {
            let middle = (low + high) / 2
            if closed[middle] <= day { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension BusinessCalendar: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, holidays, from, to, weekend
    }

    /// Reads a calendar; a member that is not known is an error, and so is a calendar that is none.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let (from, to) = (
            try container.decode(CivilDay.self, forKey: .from), try container.decode(CivilDay.self, forKey: .to)
        )
        let calendar =
            try from <= to
            ? BusinessCalendar(
                container.decode(String.self, forKey: .name),
                holidays: container.decode([CivilDay].self, forKey: .holidays), covers: from...to,
                weekend: container.decode(Set<Weekday>.self, forKey: .weekend)) : nil
        guard let calendar else {
            throw DecodingError.dataCorruptedError(
                forKey: .holidays, in: container, debugDescription: "a week without a working day, or a holiday outside"
            )
        }
        self = calendar
    }

    /// Writes the calendar, all in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(holidays, forKey: .holidays)
        try container.encode(covers.lowerBound, forKey: .from)
        try container.encode(covers.upperBound, forKey: .to)
        try container.encode(weekend.sorted(), forKey: .weekend)
    }
}
