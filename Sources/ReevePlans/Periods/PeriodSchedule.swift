// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// When periods begin: at a civil time, every so many months from an anchor, in a time zone.
///
/// Each boundary is counted from the anchor and never from the one before, so that January 31 gives February 28 and then March
/// 31. Where clocks skip a boundary's time it is the first instant after the gap, and where they show it twice the earlier one.
public struct PeriodSchedule: Hashable, Sendable {
    /// The day on which period 0 begins.
    public let anchor: CivilDay
    /// When on that day, in seconds after midnight, 0 to 86,399.
    public let secondOfDay: Int
    /// The length of a period in months, 1 to 120.
    public let months: Int
    /// The zone whose clocks are meant.
    public let zone: ZoneRules

    /// Periods by rules of a zone that the caller has.
    ///
    /// Throws ``PlanError/Code/invalidPeriod`` for another length or time of day.
    public init(
        anchor: CivilDay, at secondOfDay: Int = 0, months: Int = 1, zone: ZoneRules = .utc
    ) throws(PlanError) {
        guard (1...120).contains(months), (0..<86_400).contains(secondOfDay) else { throw PlanError(.invalidPeriod) }
        self.anchor = anchor
        self.secondOfDay = secondOfDay
        self.months = months
        self.zone = zone
    }

    /// Periods in a zone of the IANA database, by its rules of 1970 to 2100.
    ///
    /// Throws ``PlanError/Code/unknownZone`` for a name that this system does not know: a period is never counted by another
    /// clock instead. Reading a zone takes some ten milliseconds; keep the value.
    public init(
        anchor: CivilDay, at secondOfDay: Int = 0, months: Int = 1, zone identifier: String
    ) throws(PlanError) {
        guard let zone = ZoneRules(identifier: identifier, years: 1970...2100) else { throw PlanError(.unknownZone) }
        try self.init(anchor: anchor, at: secondOfDay, months: months, zone: zone)
    }

    /// The first instant of a period; period 0 begins on the anchor, and earlier ones have negative numbers.
    public func start(of number: Int) -> Timestamp {
        zone.periodStart(number, months: months, from: anchor, at: secondOfDay)
    }

    /// The period that holds an instant. Complexity: O(log transitions of the zone).
    public func period(at instant: Timestamp) -> Period {
        let (day, first) = (zone.day(at: instant).components, anchor.components)
        let elapsed = (day.year - first.year) * 12 + day.month - first.month
        // The month may begin with the period before; a gap or an overlap moves a boundary by less than a day.
        var number = elapsed >= 0 ? elapsed / months : (elapsed + 1) / months - 1
        if start(of: number) > instant { number -= 1 }
        if start(of: number + 1) <= instant { number += 1 }
        return Period(number: number, start: start(of: number), end: start(of: number + 1))
    }
}

extension PeriodSchedule: Codable {
    private enum CodingKeys: String, CodingKey {
        case anchor, months, secondOfDay, zone
    }

    /// Reads a schedule; a length or time of day that no schedule has is an error.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        do {
            try self.init(
                anchor: container.decode(CivilDay.self, forKey: .anchor),
                at: container.decode(Int.self, forKey: .secondOfDay),
                months: container.decode(Int.self, forKey: .months),
                zone: container.decode(ZoneRules.self, forKey: .zone))
        } catch let error as PlanError {
            throw DecodingError.dataCorruptedError(
                forKey: .months, in: container, debugDescription: error.description)
        }
    }
}

/// The time that a limit is for: from one boundary of a schedule to the next.
public struct Period: Hashable, Sendable, Codable {
    /// The period's number; 0 begins on the schedule's anchor.
    public let number: Int
    /// Its first instant.
    public let start: Timestamp
    /// The first instant after it.
    public let end: Timestamp

    /// A period; one that ends before it begins holds nothing.
    public init(number: Int, start: Timestamp, end: Timestamp) {
        self.number = number
        self.start = start
        self.end = end
    }

    /// Whether an instant lies in it.
    public func contains(_ instant: Timestamp) -> Bool { start <= instant && instant < end }
}
