// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import FoundationEssentials
import ReeveModel
import ReeveTesting
import Testing

@Suite struct TimeTests {
    /// Also outside the years 1 to 9999 each instant and day has one text, which is read back.
    @Test func everyInstantHasOneText() {
        for microseconds in [Int64.min, .max, 253_402_300_800_000_000, -62_135_596_800_000_001, 0] {
            let instant = Timestamp(microseconds: microseconds)
            #expect(Timestamp(instant.description) == instant)
        }
        for days in [Int32.min, .max, CivilDay.range.lowerBound.daysSince1970 - 1, 0] {
            #expect(CivilDay(CivilDay(daysSince1970: days).description) == CivilDay(daysSince1970: days))
        }
        for text in ["µs:0", "µs:+253402300800000000", "µs:", "µs:0253402300800000000"] {
            #expect(Timestamp(text) == nil)
        }
        for text in ["day:0", "day:+2932897", "day:", "day:02932897"] { #expect(CivilDay(text) == nil) }
    }

    @Test(arguments: [
        ("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("0001-01-01", -719_162),
        ("9999-12-31", 2_932_896), ("2026-03-07", 20_519),
    ])
    func daysAreCountedFrom1970(_ text: String, _ days: Int32) {
        #expect(CivilDay(text)?.daysSince1970 == days)
        #expect(CivilDay(daysSince1970: days).description == text)
    }

    @Test(arguments: [
        "2026-02-29", "2026-13-01", "2026-00-01", "2026-01-32", "26-01-01", "2026-1-01", "2026-01-01 ", "",
    ])
    func onlyRealDaysAreRead(_ text: String) { #expect(CivilDay(text) == nil) }

    @Test func monthsCountFromTheAnchor() {
        let anchor = CivilDay("2026-01-31")
        let texts = (0..<5).map { anchor?.advanced(byMonths: $0).description }
        #expect(texts == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"])
        #expect(CivilDay("2024-02-29")?.advanced(byMonths: 12).description == "2025-02-28")
        #expect(CivilDay("2026-01-31")?.advanced(byMonths: -2).description == "2025-11-30")
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (1_772_876_400_123_456, "2026-03-07T09:40:00.123456Z"),
    ])
    func timestampsHaveOneText(_ microseconds: Int64, _ text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
        #expect(Timestamp(text) == Timestamp(microseconds: microseconds))
    }

    @Test(arguments: [
        "2026-03-07T09:40:00Z", "2026-03-07T09:40:00.123Z", "2026-03-07 09:40:00.123456Z",
        "2026-03-07T24:00:00.000000Z",
        "2026-03-07T09:60:00.000000Z", "2026-03-07T09:40:60.000000Z", "2026-03-07T09:40:00.123456+", "",
    ])
    func onlyOneSpellingIsRead(_ text: String) { #expect(Timestamp(text) == nil) }

    @Test func advancingIsClamped() {
        #expect(Timestamp(microseconds: .max).advanced(by: .seconds(1)) == Timestamp(microseconds: .max))
        #expect(Timestamp(microseconds: .min).advanced(by: .seconds(-1)) == Timestamp(microseconds: .min))
        #expect(Timestamp(seconds: 1).advanced(by: .microseconds(5)).microseconds == 1_000_005)
        #expect(Timestamp(seconds: .max).microseconds == .max && Timestamp(seconds: .min).microseconds == .min)
        let (first, last) = (CivilDay(daysSince1970: .min), CivilDay(daysSince1970: .max))
        for day in [first, last, CivilDay(daysSince1970: 0)] {
            #expect(day.advanced(byDays: .max) == last && day.advanced(byDays: .min) == first)
            #expect(day.advanced(byMonths: .max) == last && day.advanced(byMonths: .min) == first)
            #expect(!day.description.isEmpty && !day.startInUTC.description.isEmpty)
        }
    }

    @Test func systemTimeRuns() async throws {
        let time = SystemTime()
        func other() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
        let before = other()
        let now = time.now.microseconds
        let after = other()
        // The other clock's floating point number is exact to a microsecond or so.
        #expect((before - 2...after + 2).contains(now))
        let start = time.uptime
        try await time.sleep(until: start + .milliseconds(2))
        #expect(time.uptime >= start + .milliseconds(2))
    }

    @Test func manualTimeWakesSleepersAndCancelledOnes() async throws {
        let time = ManualTime()
        async let slept: Void = time.sleep(until: .seconds(5))
        time.advance(by: .seconds(5))
        try await slept
        let task = Task { try await time.sleep(until: .seconds(50)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

@Suite struct TimeProperties {
    /// Days and dates are the same as those of an independent calendar.
    @Test func daysAgreeWithAnotherCalendar() {
        var generator = Scale.current.generator(for: "civil days")
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for _ in 0..<Scale.current.cases(ci: 5000, soak: 200_000) {
            // From 1583 on: the other calendar is Julian before.
            let day = CivilDay(daysSince1970: Int32.random(in: -141_000...2_900_000, using: &generator))
            let date = Date(timeIntervalSince1970: Double(day.daysSince1970) * 86_400)
            let other = calendar.dateComponents([.year, .month, .day], from: date)
            #expect(day.components == (other.year, other.month, other.day) as? (Int, Int, Int) ?? (0, 0, 0))
            #expect(CivilDay(day.description) == day)
            // The other calendar's own month arithmetic clamps wrongly (January 31 to February 28 of a leap year), so
            // only its lengths of months are used.
            let months = Int.random(in: -500...500, using: &generator)
            let moved = day.advanced(byMonths: months)
            let index = day.components.year * 12 + day.components.month - 1 + months
            #expect(moved.components.year * 12 + moved.components.month - 1 == index)
            let noon = Date(timeIntervalSince1970: Double(moved.daysSince1970) * 86_400 + 43_200)
            let length = calendar.range(of: .day, in: .month, for: noon)?.count ?? 0
            if moved.components.year > 1583 { #expect(moved.components.day == min(day.components.day, length)) }
        }
    }

    @Test func timestampTextsRoundTrip() {
        var generator = Scale.current.generator(for: "timestamp texts")
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            let instant = Timestamp(
                microseconds: Int64.random(in: -62_135_596_800_000_000..<253_402_300_800_000_000, using: &generator))
            #expect(Timestamp(instant.description) == instant)
        }
    }
}
