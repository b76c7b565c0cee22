// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Tasks that were used on a day, in UTC.
public struct DayUsage: Hashable, Sendable, Codable {
    /// The day.
    public let day: CivilDay
    /// Tasks; 0 or more.
    public let tasks: Int

    /// The use of a day.
    public init(day: CivilDay, tasks: Int) {
        self.day = day
        self.tasks = tasks
    }
}

/// How much of a limit will be used in a period, and on which day it runs out, from what was used on the days before.
///
/// Recent days count more: what was used two weeks ago counts half. Weekdays and weekends are told apart. It is an estimate with an interval,
/// and says so when it knows too little: as long as fewer than fourteen whole days are known there is none.
public struct UsageForecast: Hashable, Sendable, Codable {
    /// When the limit runs out.
    public enum RunOut: Hashable, Sendable, Codable {
        /// It cannot be said: so many whole days are known, and as many are needed.
        case insufficientHistory(known: Int, needed: Int)
        /// Not in this period.
        case notInPeriod
        /// Probably between these days; without a latest one it may be that it does not in this period.
        case between(earliest: CivilDay, latest: CivilDay?)
        /// It has already.
        case alreadyOut
    }

    /// As many whole days are needed.
    public static let daysNeeded = 14
    /// No more than as many of the last days are looked at.
    public static let daysUsed = 56

    /// When it was made.
    public let at: Timestamp
    /// The period.
    public let period: Period
    /// Tasks in the period.
    public let limit: Int
    /// Tasks used in it so far.
    public let used: Int
    /// Tasks a day on which the estimate rests; 0 when too little is known.
    public let perDay: Double
    /// What will be used at the end of the period, from the least to the most; `nil` when too little is known.
    public let atEnd: ClosedRange<Int>?
    /// When the limit runs out.
    public let runOut: RunOut
    /// What was used on each day of the period so far, and what is expected on the others: for a chart.
    let expected: [DayUsage]

    /// A forecast from the whole days before, in any order; days that are not among them count as days without use from the first
    /// one that is.
    public init(history: [DayUsage], used: Int, limit: Int, period: Period, at instant: Timestamp) {
        self.at = instant
        self.period = period
        self.limit = min(max(0, limit), Int(PlanRoom.maximumCount))
        self.used = min(max(0, used), 3 * Int(PlanRoom.maximumCount))
        let today = instant.day
        let known = Self.days(history, before: today)
        let left = Self.daysLeft(in: period, from: today)
        guard known.count >= Self.daysNeeded else {
            (perDay, atEnd, expected) = (0, nil, [])
            runOut =
                self.used >= self.limit
                ? .alreadyOut : .insufficientHistory(known: known.count, needed: Self.daysNeeded)
            return
        }
        let model = DayModel(known)
        // Of today a part is over; what is used of it counts already.
        let part = Self.part(of: today, after: instant)
        var (mean, variance) = (0.0, 0.0)
        var (earliest, latest): (CivilDay?, CivilDay?) = (nil, nil)
        var expected: [DayUsage] = []
        // Half a task is none.
        let missing = Double(self.limit - self.used) - 0.5
        for (index, day) in left.enumerated() {
            let share = index == 0 ? part : 1
            let rate = model.mean(of: day, ahead: index)
            mean += share * rate
            variance += share * model.variance(of: day)
            let spread = model.spread(days: Double(index) + part, variance: variance)
            if earliest == nil, mean + spread >= missing { earliest = day }
            if latest == nil, mean - spread >= missing { latest = day }
            expected.append(DayUsage(day: day, tasks: Self.count(share * rate)))
        }
        let spread = left.isEmpty ? 0 : model.spread(days: Double(left.count) - 1 + part, variance: variance)
        perDay = model.perDay
        atEnd = (self.used + Self.count(mean - spread))...(self.used + Self.count(mean + spread))
        self.expected = expected
        if self.used >= self.limit {
            runOut = .alreadyOut
        } else if let earliest {
            runOut = .between(earliest: earliest, latest: latest)
        } else {
            runOut = .notInPeriod
        }
    }

    private static func count(_ value: Double) -> Int {
        Int(min(max(0, value.rounded()), 3 * Double(PlanRoom.maximumCount)))
    }

    /// The whole days before a day, one after the other, the latest last.
    private static func days(_ history: [DayUsage], before today: CivilDay) -> [DayUsage] {
        let oldest = today.advanced(byDays: -daysUsed)
        let known = Dictionary(
            history.filter { $0.day < today && $0.day >= oldest }.map { ($0.day, max(0, $0.tasks)) },
            uniquingKeysWith: { $0.addingReportingOverflow($1).partialValue })
        guard let first = known.keys.min() else { return [] }
        let count = Int(today.daysSince1970 - first.daysSince1970)
        return (0..<count).map { index in
            let day = first.advanced(byDays: index)
            return DayUsage(day: day, tasks: known[day] ?? 0)
        }
    }

    private static func daysLeft(in period: Period, from today: CivilDay) -> [CivilDay] {
        let last = period.end.advanced(by: .microseconds(-1)).day
        // A period is ten years at most.
        let count = min(max(0, Int(last.daysSince1970) - Int(today.daysSince1970) + 1), 4000)
        return (0..<count).map { today.advanced(byDays: $0) }
    }

    private static func part(of day: CivilDay, after instant: Timestamp) -> Double {
        let over = Double(instant.microseconds - day.startInUTC.microseconds) / 86_400_000_000
        return min(max(0, 1 - over), 1)
    }

    private enum CodingKeys: String, CodingKey {
        case at, period, limit, used, perDay, atEnd, runOut, expected
    }
}

/// What a day is expected to use: a mean and a variance for weekdays and for weekends, the recent ones counting more.
private struct DayModel {
    private struct Group {
        var (mean, variance) = (0.0, 0.0)
    }
    private var groups: [Bool: Group] = [:]
    let perDay: Double
    /// As many days with full weight the means rest on.
    private let weight: Double
    /// How much the level moves from week to week, a day of the past: for days that lie far ahead.
    private let drift: Double
    /// How much it grows a day, where the weeks leave no doubt that it does; and how old the days are that the means rest on.
    private var (slope, age) = (0.0, 0.0)

    /// Days after which one counts half.
    private static let halfLife = 14.0
    /// Wider than 99 in a hundred of a normal distribution, for what is none.
    private static let width = 2.8

    init(_ days: [DayUsage]) {
        func isWeekend(_ day: CivilDay) -> Bool { Self.isWeekend(day) }
        let weights = days.indices.map { Self.power(Double(days.count - 1 - $0)) }
        func group(_ indices: [Int], fallback: Group?) -> Group {
            let sum = indices.reduce(0) { $0 + weights[$1] }
            // A few days of a kind say little about it.
            guard indices.count >= 2, sum > 0 else { return fallback ?? Group() }
            let mean = indices.reduce(0) { $0 + weights[$1] * Double(days[$1].tasks) } / sum
            let squares = indices.reduce(0) { sum, index in
                let distance = Double(days[index].tasks) - mean
                return sum + weights[index] * distance * distance
            }
            let freedom = Double(indices.count) / Double(indices.count - 1)
            return Group(mean: mean, variance: squares / sum * freedom)
        }
        let all = group(Array(days.indices), fallback: nil)
        perDay = all.mean
        for weekend in [false, true] {
            groups[weekend] = group(days.indices.filter { isWeekend(days[$0].day) == weekend }, fallback: all)
        }
        let sum = weights.reduce(0, +)
        weight = sum * sum / weights.reduce(0) { $0 + $1 * $1 }
        // The means of whole weeks, the latest last, and how far each is from the next.
        let weeks = stride(from: days.count % 7, to: days.count, by: 7).map { start in
            days[start..<start + 7].reduce(0.0) { $0 + Double($1.tasks) } / 7
        }
        let steps = zip(weeks, weeks.dropFirst()).map { abs($1 - $0) }
        drift = steps.isEmpty ? 0 : steps.reduce(0, +) / Double(steps.count) / 7
        age = weights.indices.reduce(0) { $0 + weights[$1] * Double(days.count - $1) } / sum
        slope = Self.slope(of: weeks) / 7
    }

    /// The least squares' slope of weekly means, where it is more than twice its standard error; else 0.
    private static func slope(of weeks: [Double]) -> Double {
        guard weeks.count >= 3 else { return 0 }
        let count = Double(weeks.count)
        let (middle, mean) = ((count - 1) / 2, weeks.reduce(0, +) / count)
        let square = weeks.indices.reduce(0) { $0 + (Double($1) - middle) * (Double($1) - middle) }
        let slope = weeks.indices.reduce(0) { $0 + (Double($1) - middle) * (weeks[$1] - mean) } / square
        let errors = weeks.indices.reduce(0) { sum, index in
            let error = weeks[index] - mean - slope * (Double(index) - middle)
            return sum + error * error
        }
        return abs(slope) > 2 * (errors / (count - 2) / square).squareRoot() ? slope : 0
    }

    /// What a day is expected to use that lies so many days ahead.
    func mean(of day: CivilDay, ahead: Int) -> Double {
        let mean = groups[Self.isWeekend(day)]?.mean ?? perDay
        guard perDay > 0 else { return mean }
        return max(0, mean * (1 + slope * (Double(ahead) + age) / perDay))
    }
    func variance(of day: CivilDay) -> Double { groups[Self.isWeekend(day)]?.variance ?? 0 }

    /// How far the sum of some days may be from its mean: by chance, by not knowing the mean better, and by its moving on.
    func spread(days: Double, variance: Double) -> Double {
        let chance = variance * (1 + days / max(1, weight))
        let moved = drift * days * days / 2
        return Self.width * (chance + moved * moved / 3).squareRoot()
    }

    private static func isWeekend(_ day: CivilDay) -> Bool {
        // 1970-01-01 was a Thursday.
        let weekday = (Int(day.daysSince1970) % 7 + 7) % 7
        return weekday == 2 || weekday == 3
    }

    /// Half to the power of as many half-lives, without a library of mathematics.
    private static func power(_ days: Double) -> Double {
        let whole = Int(days / halfLife)
        let rest = days - Double(whole) * halfLife
        var value = 1.0
        for _ in 0..<whole { value /= 2 }
        // The fourteenth root of a half, as often as there are days.
        for _ in 0..<Int(rest) { value *= 0.951_695_055 }
        return value
    }
}
