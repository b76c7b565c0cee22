// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A day of the proleptic Gregorian calendar, without a time zone: days since 1970-01-01.
///
/// Its text, also in JSON, is `YYYY-MM-DD`, for the years 0001 to 9999.
public struct CivilDay: Hashable, Sendable, Comparable {
    /// Days since 1970-01-01; negative before.
    public let daysSince1970: Int32

    /// The days that have a text: 0001-01-01 to 9999-12-31.
    public static let range = CivilDay(daysSince1970: -719_162)...CivilDay(daysSince1970: 2_932_896)

    /// The day this many days after 1970-01-01.
    public init(daysSince1970: Int32) {
        self.daysSince1970 = daysSince1970
    }

    /// The day of this date; `nil` when there is none, such as February 30.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= Self.days(inMonth: month, of: year)
        else { return nil }
        self.init(daysSince1970: Self.daysFromCivil(year: year, month: month, day: day))
    }

    /// Earlier is less.
    public static func < (left: Self, right: Self) -> Bool { left.daysSince1970 < right.daysSince1970 }

    /// Year, month 1–12 and day 1–31.
    public var components: (year: Int, month: Int, day: Int) {
        let shifted = Int(daysSince1970) + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }

    /// The day `days` later, clamped at the ends of `Int32`.
    public func advanced(byDays days: Int) -> CivilDay {
        let (sum, overflow) = Int(daysSince1970).addingReportingOverflow(days)
        return CivilDay(daysSince1970: Int32(clamping: overflow ? (days < 0 ? .min : .max) : sum))
    }

    /// The day `months` after this anchor, clamped to the target month's last day.
    ///
    /// Always count from the anchor, never from the last result: January 31 gives February 28 and then March 31.
    /// Clamped at the ends of `Int32`.
    public func advanced(byMonths months: Int) -> CivilDay {
        let (year, month, day) = components
        // More months than these lead beyond the range anyway.
        let index = year * 12 + (month - 1) + min(max(months, -200_000_000), 200_000_000)
        let (targetYear, targetMonth) = (index.flooredQuotient(12), index.flooredRemainder(12) + 1)
        let last = Self.days(inMonth: targetMonth, of: targetYear)
        return CivilDay(
            daysSince1970: Self.daysFromCivil(year: targetYear, month: targetMonth, day: min(day, last)))
    }

    /// Midnight UTC at which this day begins.
    public var startInUTC: Timestamp { Timestamp(seconds: Int64(daysSince1970) * 86_400) }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func daysFromCivil(year: Int, month: Int, day: Int) -> Int32 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.flooredQuotient(400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int32(clamping: era * 146_097 + dayOfEra - 719_468)
    }
}

extension CivilDay: LosslessStringConvertible {
    /// `YYYY-MM-DD`; `day:<number>` outside the years 0001 to 9999.
    public var description: String {
        guard Self.range.contains(self) else { return "day:\(daysSince1970)" }
        let (year, month, day) = components
        return "\(Int64(year).padded(4))-\(Int64(month).padded(2))-\(Int64(day).padded(2))"
    }

    /// Reads what `description` writes, and nothing else.
    public init?(_ text: String) {
        if text.hasPrefix("day:") {
            // Only for days that have no other text, so that each has one.
            let number = String(text.dropFirst(4))
            guard let days = Int32(number), number == String(days) else { return nil }
            self.init(daysSince1970: days)
            guard !Self.range.contains(self) else { return nil }
            return
        }
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            let year = Int64(digits: bytes[..<4]), let month = Int64(digits: bytes[5..<7]),
            let day = Int64(digits: bytes[8...])
        else { return nil }
        self.init(year: Int(year), month: Int(month), day: Int(day))
    }
}

extension CivilDay: TextCodable {}
