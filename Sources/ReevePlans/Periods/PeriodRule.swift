// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import Synchronization

/// How a company's periods are counted, as it is kept: by the name of a zone, whose rules are looked up.
public struct PeriodRule: Hashable, Sendable, Codable {
    /// The day on which period 0 begins; `nil` for the day on which the company's first status is told.
    public var anchor: CivilDay?
    /// When on that day, in seconds after midnight, 0 to 86,399.
    public var secondOfDay: Int
    /// The length of a period in months, 1 to 120.
    public var months: Int
    /// A zone of the IANA database, such as `Europe/Berlin`, or `UTC`.
    public var zone: String

    /// A rule; by default months in UTC, from the day of the first status.
    public init(anchor: CivilDay? = nil, secondOfDay: Int = 0, months: Int = 1, zone: String = "UTC") {
        self.anchor = anchor
        self.secondOfDay = secondOfDay
        self.months = months
        self.zone = zone
    }

    /// Months in UTC, from the day of the first status.
    public static let monthly = PeriodRule()

    /// The rule with a day for its anchor: the day of an instant in its zone, when it has none.
    func anchored(at instant: Timestamp) throws(PlanError) -> PeriodRule {
        var rule = self
        let today = try KnownZones.rules(of: zone).day(at: instant)
        rule.anchor = anchor ?? today
        _ = try rule.schedule
        return rule
    }

    /// The periods; throws for a zone that this system does not know, or a length or time that no period has.
    var schedule: PeriodSchedule {
        get throws(PlanError) {
            try PeriodSchedule(
                anchor: anchor ?? CivilDay(daysSince1970: 0), at: secondOfDay, months: months,
                zone: KnownZones.rules(of: zone))
        }
    }

    /// The same periods, counted anew from an instant.
    func restarted(at instant: Timestamp) throws(PlanError) -> PeriodSchedule {
        let rules = try KnownZones.rules(of: zone)
        let shown = instant.advanced(by: .seconds(rules.offset(at: instant)))
        let second = (shown.microseconds - shown.day.startInUTC.microseconds) / 1_000_000
        return try PeriodSchedule(anchor: shown.day, at: Int(second), months: months, zone: rules)
    }
}

/// The zones that this process has looked up: each takes some ten milliseconds once.
enum KnownZones {
    private static let known = Mutex<[String: ZoneRules]>(["UTC": .utc])

    static func rules(of name: String) throws(PlanError) -> ZoneRules {
        if let rules = known.withLock({ $0[name] }) { return rules }
        guard let rules = ZoneRules(identifier: name, years: 1970...2100) else { throw PlanError(.unknownZone) }
        known.withLock { $0[name] = rules }
        return rules
    }
}
