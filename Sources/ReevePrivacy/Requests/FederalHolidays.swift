// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension BusinessCalendar {
    /// Saturdays, Sundays and the legal public holidays of the federal government of the United States, from 1971 to 2200 (5 U.S.C. 6103).
    ///
    /// One that is on a Saturday is observed on the Friday before, on a Sunday on the Monday after (5 U.S.C. 6103(b), Executive Order 11582). Birthday of Martin
    /// Luther King, Jr. since 1986, Juneteenth since 2021; without Inauguration Day, and without days that a president declares.
    public static let unitedStatesFederal = BusinessCalendar(
        trusted: "us-federal", (1971...2201).flatMap(federalHolidays), federalDays, [.saturday, .sunday])

    /// The days of 1971 to 2200.
    private static var federalDays: ClosedRange<CivilDay> {
        CivilDay(daysSince1970: 365)...CivilDay(daysSince1970: 84_370)
    }

    /// The days on which holidays of a year are observed.
    private static func federalHolidays(_ year: Int) -> [CivilDay] {
        var fixed = [(1, 1), (7, 4), (11, 11), (12, 25)]
        if year >= 2021 { fixed.append((6, 19)) }
        // Washington's Birthday, Memorial Day, Labor Day, Columbus Day, Thanksgiving Day.
        var moving = [
            day(3, .monday, 2, year), lastMonday(ofMayIn: year), day(1, .monday, 9, year), day(2, .monday, 10, year),
            day(4, .thursday, 11, year),
        ]
        if year >= 1986 { moving.append(day(3, .monday, 1, year)) }
        // Veterans Day was on the fourth Monday of October in these years.
        if (1971...1977).contains(year) {
            fixed.removeAll { $0 == (11, 11) }
            moving.append(day(4, .monday, 10, year))
        }
        let observed = fixed.compactMap { CivilDay(year: year, month: $0.0, day: $0.1) }.map { day in
            switch day.weekday {
            case .saturday: day.advanced(byDays: -1)
            case .sunday: day.advanced(byDays: 1)
            default: day
            }
        }
        return (observed + moving.compactMap { $0 }).filter(federalDays.contains)
    }

    /// The day of this number among those of a name in a month.
    private static func day(_ number: Int, _ weekday: Weekday, _ month: Int, _ year: Int) -> CivilDay? {
        CivilDay(year: year, month: month, day: 1).map { first in
            first.advanced(byDays: (weekday.rawValue - first.weekday.rawValue + 7) % 7 + 7 * (number - 1))
        }
    }

    private static func lastMonday(ofMayIn year: Int) -> CivilDay? {
        day(1, .monday, 6, year)?.advanced(byDays: -7)
    }
}
