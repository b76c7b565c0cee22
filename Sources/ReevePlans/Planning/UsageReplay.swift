// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a period would have been under other charges, from what was used on its days.
public struct UsageReplay: Hashable, Sendable, Codable {
    /// A period as it was.
    public struct Past: Hashable, Sendable, Codable {
        /// The period.
        public let period: Period
        /// What was used on its days.
        public let days: [DayUsage]
        /// Tasks that could be used in it besides the plan's: granted, or carried over.
        public let granted: Int
        /// The limit that it had in the end, without what was granted: under the same one it is as it was. `nil` when it is not known.
        public let limit: Int?

        /// A period with its days.
        public init(period: Period, days: [DayUsage], granted: Int = 0, limit: Int? = nil) {
            self.limit = limit
            self.period = period
            self.days = days
            self.granted = granted
        }

        /// Tasks used in it.
        public var used: Int { days.reduce(0) { $0.saturatingAdd(max(0, $1.tasks)) } }
    }

    /// The period.
    public let period: Period
    /// Tasks that would have been admitted of those that were used.
    public let used: Int
    /// Tasks that were used and would not have been admitted.
    public let refused: Int
    /// The day on which the limit would have run out; `nil` when it would not have.
    public let runOut: CivilDay?
    /// What the company would have been asked to pay for the period, without what is asked once; `nil` for nothing.
    public let amount: Money?

    /// What became of each past period under charges: day by day, as long as the limit lasts, with what was granted and carried over as it
    /// was. Under the limit that a period had in the end it is what happened. Tasks beyond the limit are paid by the thousand begun. Complexity: O(days).
    public static func replay(_ past: [Past], under charges: Charges) -> [UsageReplay] {
        past.map { past in
            let granted = PlanRoom.clamped(past.granted)
            // What was used late, before a change that counted anew, or under other limits meanwhile, happened.
            let isAsItWas = past.limit == charges.limit
            var (left, used, refused) = (isAsItWas ? .max : charges.limit.saturatingAdd(granted), 0, 0)
            var runOut: CivilDay?
            for day in past.days.sorted(by: { $0.day < $1.day }) {
                let tasks = max(0, day.tasks)
                let admitted = min(tasks, left)
                left -= admitted
                used += admitted
                refused = refused.saturatingAdd(tasks - admitted)
                if tasks > admitted, runOut == nil { runOut = day.day }
            }
            let over = min(
                max(0, used - PlanRoom.clamped(charges.tasksPerPeriod) - granted), max(0, charges.mostTasksOver))
            let amount = charges.price.map { price in
                let thousands = Int64((over + 999) / 1000)
                let more = thousands.multipliedReportingOverflow(by: price.perThousandOver?.minorUnits ?? 0)
                let sum = price.perPeriod.minorUnits.addingReportingOverflow(more.overflow ? .max : more.partialValue)
                return Money(minorUnits: sum.overflow ? .max : sum.partialValue, price.perPeriod.currency)
            }
            return UsageReplay(period: past.period, used: used, refused: refused, runOut: runOut, amount: amount)
        }
    }
}
