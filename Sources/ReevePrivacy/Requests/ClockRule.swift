// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// By when somebody has to be answered, as a policy or a law says it. ``ReferenceClocks`` has some.
public struct ClockRule: Hashable, Sendable {
    /// A length of time: 1 to 10,000.
    public enum Period: Hashable, Sendable {
        /// Business days, of which the first is the one after the start.
        case businessDays(Int)
        /// Days.
        case days(Int)
        /// Months, to the same day of the month, or its last.
        case months(Int)

        var count: Int {
            switch self {
            case .businessDays(let count), .days(let count), .months(let count): count
            }
        }
    }

    /// What has to be done by then.
    public enum Step: String, Hashable, Sendable, Codable, CaseIterable {
        /// To say that it came.
        case confirm
        /// To do what was asked, or to say why not.
        case answer
    }

    /// From when time counts.
    public enum Start: String, Hashable, Sendable, Codable, CaseIterable {
        /// From the day on which it came.
        case receipt
        /// From the day on which it came; the days while identity is asked for and not proven do not count.
        case receiptPaused
        /// From the day on which identity was proven, where it was asked for.
        case verification
    }

    /// Where it stands: a clause, or an article of a law.
    public var basis: String
    /// What for.
    public var kinds: Set<RequestKind>
    /// What has to be done.
    public var step: Step
    /// How long there is.
    public var period: Period
    /// How long there is from the same start once the time was extended, with reasons; `nil` where it cannot be.
    public var extended: Period?
    /// From when.
    public var start: Start
    /// The calendar that says on which days business is done, by its name.
    public var calendar: String
    /// Whether a deadline on a day without business is the next with.
    public var rollsForward: Bool
    /// Whether it is an endeavour: missed, it is reported, and nothing else follows (clause P9.4).
    public var isBestEffort: Bool
    /// Whose requests it is for, by where they live; `nil` for everybody's.
    public var regions: Set<Region>?
    /// How they came; `nil` for any way.
    public var channels: Set<RequestChannel>?

    /// A rule.
    public init(
        _ basis: String, for kinds: Set<RequestKind>, _ step: Step = .answer, within period: Period,
        extended: Period? = nil, from start: Start = .receipt, by calendar: String, rollsForward: Bool = false,
        isBestEffort: Bool = false, of regions: Set<Region>? = nil, through channels: Set<RequestChannel>? = nil
    ) {
        self.basis = basis
        self.kinds = kinds
        self.step = step
        self.period = period
        self.extended = extended
        self.start = start
        self.calendar = calendar
        self.rollsForward = rollsForward
        self.isBestEffort = isBestEffort
        self.regions = regions
        self.channels = channels
    }

    /// The day up to which there is time, from the day on which it began to count. Complexity: that of ``BusinessCalendar/day(_:after:)``.
    public func due(from day: CivilDay, isExtended: Bool = false, in calendar: BusinessCalendar) -> CivilDay {
        let due =
            switch isExtended ? extended ?? period : period {
            case .businessDays(let count): calendar.day(count, after: day)
            case .days(let count): day.advanced(byDays: count)
            case .months(let count): day.advanced(byMonths: count)
            }
        return rollsForward ? calendar.rolledForward(due) : due
    }
}

/// Up to when there is time for a step: the whole day, in the zone of the clocks.
public struct Deadline: Hashable, Sendable {
    /// What has to be done.
    public let step: ClockRule.Step
    /// The last day.
    public let day: CivilDay
    /// Where that stands.
    public let basis: String
    /// Whether it is an endeavour.
    public let isBestEffort: Bool
    /// Whether it is not known which days up to then are holidays: it may be earlier than it would have to be.
    public let isProvisional: Bool
}

/// Rules with the calendars that they ask for.
public struct Clocks: Hashable, Sendable, Codable {
    /// The rules.
    public var rules: [ClockRule]
    /// The calendars; each has a name of its own.
    public var calendars: [BusinessCalendar]
    /// The zone in which days are counted.
    public var zone: ZoneRules

    /// Rules and calendars.
    public init(
        _ rules: [ClockRule], calendars: [BusinessCalendar] = [.unitedStatesFederal], zone: ZoneRules = .utc
    ) {
        self.rules = rules
        self.calendars = calendars
        self.zone = zone
    }

    /// All that is wrong, each as a line; empty when nothing is.
    public func validate() -> [String] {
        let names = calendars.map(\.name)
        var lines = Set(names).sorted().filter { name in names.count { $0 == name } > 1 }
            .map { "calendar `\($0)` is there twice" }
        for rule in rules {
            if !names.contains(rule.calendar) {
                lines.append("`\(rule.basis)` asks for calendar `\(rule.calendar)`, which is not there")
            }
            if rule.kinds.isEmpty { lines.append("`\(rule.basis)` is for no kind of request") }
            for period in [rule.period, rule.extended].compactMap({ $0 }) where !(1...10_000).contains(period.count) {
                lines.append("`\(rule.basis)` has a period that is not 1 to 10,000")
            }
            if !(1...200).contains(rule.basis.utf8.count) { lines.append("the basis of a rule has 1 to 200 bytes") }
        }
        return lines
    }

    /// All deadlines of a request as it stands, the earliest first. Derived, so they follow what happens to the request. Where it is not known where the subject lives, the rules
    /// of all regions count. Complexity: O(rules).
    public func deadlines(of request: SubjectRequest) -> [Deadline] {
        var found: [Deadline] = []
        for rule in rules {
            guard rule.kinds.contains(request.kind), rule.channels?.contains(request.channel) ?? true,
                rule.regions.map({ request.mayLive(in: $0) }) ?? true,
                let calendar = calendars.first(where: { $0.name == rule.calendar })
            else { continue }
            let last = rule.due(from: zone.day(at: request.received), in: calendar)
            guard let start = request.start(of: rule.start, in: zone, before: last) else { continue }
            // Who is told only after the time is over that it takes longer has been kept waiting.
            let plain = rule.due(from: start, in: calendar)
            let isExtended = rule.step == .answer && request.extended.map { zone.day(at: $0) <= plain } ?? false
            let due = isExtended ? rule.due(from: start, isExtended: true, in: calendar) : plain
            let usesCalendar = rule.rollsForward || rule.period.isOfBusiness || rule.extended?.isOfBusiness == true
            found.append(
                Deadline(
                    step: rule.step, day: due, basis: rule.basis, isBestEffort: rule.isBestEffort,
                    isProvisional: usesCalendar && !(calendar.covers.contains(start) && calendar.covers.contains(due))))
        }
        return found.sorted { ($0.day, $0.basis, $0.step.rawValue) < ($1.day, $1.basis, $1.step.rawValue) }
    }
}

extension SubjectRequest {
    /// Whether who asks lives in one of several regions, as far as anybody knows: of who lives in a country, nobody knows in which part.
    func mayLive(in regions: Set<Region>) -> Bool {
        residence.map { residence in residence.isIn(regions) || regions.contains { $0.isIn([residence]) } } ?? true
    }
}

extension ClockRule.Period {
    fileprivate var isOfBusiness: Bool {
        if case .businessDays = self { true } else { false }
    }
}

extension ClockRule.Period: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case businessDays, days, months
    }

    /// Reads an object with exactly one member.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard container.allKeys.count == 1, let key = container.allKeys.first else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "a period has exactly one member"))
        }
        let count = try container.decode(Int.self, forKey: key)
        switch key {
        case .businessDays: self = .businessDays(count)
        case .days: self = .days(count)
        case .months: self = .months(count)
        }
    }

    /// Writes an object with one member.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .businessDays(let count): try container.encode(count, forKey: .businessDays)
        case .days(let count): try container.encode(count, forKey: .days)
        case .months(let count): try container.encode(count, forKey: .months)
        }
    }
}

extension ClockRule: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case basis, kinds, step, period, extended, start, calendar, rollsForward, isBestEffort, regions, channels
    }

    /// Reads a rule; a member that is not known is an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .basis),
            for: try container.decode(Set<RequestKind>.self, forKey: .kinds),
            try container.decode(Step.self, forKey: .step), within: try container.decode(Period.self, forKey: .period),
            extended: try container.decodeIfPresent(Period.self, forKey: .extended),
            from: try container.decode(Start.self, forKey: .start),
            by: try container.decode(String.self, forKey: .calendar),
            rollsForward: try container.decode(Bool.self, forKey: .rollsForward),
            isBestEffort: try container.decode(Bool.self, forKey: .isBestEffort),
            of: try container.decodeIfPresent(Set<Region>.self, forKey: .regions),
            through: try container.decodeIfPresent(Set<RequestChannel>.self, forKey: .channels))
    }

    /// Writes the rule, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(basis, forKey: .basis)
        try container.encode(kinds.map(\.rawValue).sorted(), forKey: .kinds)
        try container.encode(step, forKey: .step)
        try container.encode(period, forKey: .period)
        try container.encodeIfPresent(extended, forKey: .extended)
        try container.encode(start, forKey: .start)
        try container.encode(calendar, forKey: .calendar)
        try container.encode(rollsForward, forKey: .rollsForward)
        try container.encode(isBestEffort, forKey: .isBestEffort)
        try container.encode(sorted: regions, forKey: .regions)
        try container.encodeIfPresent(channels?.map(\.rawValue).sorted(), forKey: .channels)
    }
}
