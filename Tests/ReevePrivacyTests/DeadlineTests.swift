// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePrivacy

private func day(_ text: String) throws -> CivilDay { try #require(CivilDay(text)) }

/// A request of a kind, received on a day.
func request(
    _ kind: RequestKind, on day: CivilDay, through channel: RequestChannel = .account, residence: Region? = nil,
    year: Int? = nil
) -> SubjectRequest {
    SubjectRequest(
        id: Identifier(high: 1, low: 1), kind, about: Identifier(high: 2, low: 2), through: channel,
        residence: residence, year: year, received: day.startInUTC)
}

@Suite struct DeadlineTests {
    /// Clause P9.4: 30 business days from receipt; 2016-03-04 gives 2016-04-15.
    @Test func thirtyBusinessDays() throws {
        let received = try day("2016-03-04")
        let clocks = Clocks([ReferenceClocks.privacy2016()])
        #expect(clocks.validate().isEmpty)
        let deadline = try #require(clocks.deadlines(of: request(.delete, on: received)).first)
        #expect(deadline.day == (try day("2016-04-15")) && deadline.isBestEffort && deadline.basis == "P9.4")
        #expect(!deadline.isProvisional)
        // Where it is still Friday, an instant of Saturday in UTC counts from Friday.
        let zone = try #require(ZoneRules(name: "Pacific", initialOffset: -8 * 3600, transitions: []))
        let late = SubjectRequest(
            id: Identifier(high: 1, low: 1), .delete, about: Identifier(high: 2, low: 2), through: .email,
            received: received.advanced(byDays: 1).startInUTC.advanced(by: .seconds(3600)))
        let there = Clocks([ReferenceClocks.privacy2016()], zone: zone)
        #expect(there.deadlines(of: late).first?.day == deadline.day)
        #expect(clocks.deadlines(of: late).first?.day == (try day("2016-04-15")))
    }

    /// Clause P13.3: by the address that was used.
    @Test func shineTheLightGoesByTheAddress() throws {
        let (received, californian) = (try day("2026-03-02"), Region("us-ca"))
        let clocks = Clocks(ReferenceClocks.shineTheLight())
        func due(_ channel: RequestChannel, _ residence: Region?) -> [CivilDay] {
            clocks.deadlines(
                of: request(.shineTheLight, on: received, through: channel, residence: residence, year: 2025)
            ).map(\.day)
        }
        #expect(due(.email, californian) == [received.advanced(byDays: 30)])
        #expect(due(.form, californian) == [received.advanced(byDays: 150)])
        #expect(due(.email, Region("us-ny")).isEmpty)
        // Nobody knows where they live: the rule counts.
        #expect(due(.email, nil) == [received.advanced(byDays: 30)])
    }

    /// Time stands still, or begins later, while identity is asked for; rules that say otherwise run on.
    @Test func proofOfIdentityCanStopTheClock() throws {
        let received = try day("2026-03-02")
        var asked = request(.access, on: received, through: .email)
        let rules = ClockRule.Start.allCases.map {
            ClockRule($0.rawValue, for: [.access], within: .days(10), from: $0, by: "us-federal")
        }
        let clocks = Clocks(rules)
        func due() -> [String: CivilDay] {
            Dictionary(uniqueKeysWithValues: clocks.deadlines(of: asked).map { ($0.basis, $0.day) })
        }
        #expect(Set(due().values) == [received.advanced(byDays: 10)])
        try asked.apply(.askedForIdentity, at: received.advanced(byDays: 2).startInUTC)
        #expect(due() == ["receipt": received.advanced(byDays: 10)])
        try asked.apply(.identityProven, at: received.advanced(byDays: 7).startInUTC)
        #expect(due()["receiptPaused"] == received.advanced(byDays: 15))
        #expect(due()["verification"] == received.advanced(byDays: 17))
        #expect(due()["receipt"] == received.advanced(byDays: 10))
        // To ask once the time is over stops nothing.
        var late = request(.access, on: received, through: .email)
        try late.apply(.askedForIdentity, at: received.advanced(byDays: 11).startInUTC)
        let due10 = received.advanced(byDays: 10)
        #expect(clocks.deadlines(of: late).map(\.day) == [due10, due10, due10])
    }

    /// More time is had by who says so in time.
    @Test func anExtensionIsInTime() throws {
        let (received, region) = (try day("2026-03-02"), try #require(Region("gb")))
        let clocks = Clocks([ReferenceClocks.gdpr(of: [region], by: "us-federal")])
        func due(told days: Int) throws -> CivilDay? {
            var asked = request(.access, on: received, residence: region)
            try asked.apply(.begun, at: received.startInUTC)
            try asked.apply(.extended(.complexity), at: received.advanced(byDays: days).startInUTC)
            return clocks.deadlines(of: asked).first?.day
        }
        #expect(try due(told: 20) == (try day("2026-06-02")))
        #expect(try due(told: 40) == (try day("2026-04-02")))
        // Of who lives in a part of the region nobody doubts it, and of who lives around it nobody knows.
        let californian = Clocks(ReferenceClocks.california())
        #expect(!californian.deadlines(of: request(.optOut, on: received, residence: Region("us"))).isEmpty)
        #expect(californian.deadlines(of: request(.optOut, on: received, residence: Region("us-ny"))).isEmpty)
    }

    /// Of days that a calendar does not know, a deadline is rather too early, and says so.
    @Test func unknownYearsAreSaid() throws {
        let known = try #require(
            BusinessCalendar("short", holidays: [day("2026-01-01")], covers: day("2026-01-01")...day("2026-12-31")))
        let clocks = Clocks(
            [ClockRule("x", for: [.access], within: .businessDays(5), by: "short")], calendars: [known])
        #expect(try clocks.deadlines(of: request(.access, on: day("2026-06-01"))).first?.isProvisional == false)
        #expect(try clocks.deadlines(of: request(.access, on: day("2026-12-30"))).first?.isProvisional == true)
        #expect(try BusinessCalendar("x", holidays: [day("2027-01-01")], covers: known.covers) == nil)
        #expect(BusinessCalendar("x", holidays: [], covers: known.covers, weekend: Set(Weekday.allCases)) == nil)
    }

    @Test func defectsOfClocksAreTold() throws {
        let calendar = BusinessCalendar.unitedStatesFederal
        let clocks = Clocks(
            [
                ClockRule("a", for: [], within: .days(0), by: "nowhere"),
                ClockRule("", for: [.access], within: .days(1), extended: .months(10_001), by: "us-federal"),
            ], calendars: [calendar, calendar])
        #expect(clocks.validate().count == 6)
    }

    /// What is written is read back; what is none is an error.
    @Test func clocksAreWrittenAndRead() throws {
        let regions: Set<Region> = [try #require(Region("gb"))]
        let clocks = Clocks(
            [ReferenceClocks.privacy2016(), ReferenceClocks.gdpr(of: regions, by: "us-federal")]
                + ReferenceClocks.california() + ReferenceClocks.shineTheLight())
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let bytes = try encoder.encode(clocks)
        let again = try JSONDecoder().decode(Clocks.self, from: bytes)
        #expect(try again == clocks && encoder.encode(again) == bytes)
        for broken in [
            #"{"days":1,"months":1}"#, "{}", #"{"weeks":1}"#,
        ] {
            #expect(throws: (any Error).self) {
                _ = try JSONDecoder().decode(ClockRule.Period.self, from: Data(broken.utf8))
            }
        }
        let none = #"{"name":"x","holidays":[],"from":"2026-01-01","to":"2025-01-01","weekend":[6,7]}"#
        #expect(throws: (any Error).self) { _ = try JSONDecoder().decode(BusinessCalendar.self, from: Data(none.utf8)) }
    }
}

/// L17, and business days against a count day by day.
@Suite struct DeadlineProperties {
    /// Day by day, and without any arithmetic.
    private func naive(_ number: Int, _ start: CivilDay, _ calendar: BusinessCalendar, _ closed: Set<CivilDay>)
        -> CivilDay
    {
        var (day, left) = (start, number)
        while left > 0 {
            day = day.advanced(byDays: 1)
            if !calendar.weekend.contains(day.weekday), !closed.contains(day) { left -= 1 }
        }
        return day
    }

    @Test func deadlinesAreTheReferences() throws {
        var random = Scale.current.generator(for: "privacy.deadlines")
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) / 20 {
            let first = CivilDay(daysSince1970: Int32.random(in: -40_000...40_000, using: &random))
            let closed = Set(
                (0..<Int.random(in: 0...30, using: &random)).map { _ in
                    first.advanced(byDays: Int.random(in: 0...60, using: &random))
                })
            var weekend: Set<Weekday> = []
            for day in Weekday.allCases where weekend.count < 6 && Int.random(in: 0..<3, using: &random) == 0 {
                weekend.insert(day)
            }
            let calendar = try #require(
                BusinessCalendar("x", holidays: closed, covers: first...first.advanced(byDays: 60), weekend: weekend))
            for _ in 0..<20 {
                let start = first.advanced(byDays: Int.random(in: -10...60, using: &random))
                let number = Int.random(in: 1...40, using: &random)
                let due = calendar.day(number, after: start)
                #expect(
                    due == naive(number, start, calendar, closed), "\(number) after \(start), \(weekend), \(closed)")
                // Never on a closed day, later for one more, and never earlier for a later start.
                #expect(calendar.isBusinessDay(due))
                #expect(calendar.day(number + 1, after: start) > due)
                #expect(calendar.day(number, after: start.advanced(byDays: 1)) >= due)
                #expect(calendar.isBusinessDay(start) == (!weekend.contains(start.weekday) && !closed.contains(start)))
                let rolled = calendar.rolledForward(start)
                #expect(calendar.isBusinessDay(rolled) && rolled >= start)
                let months = ClockRule(
                    "x", for: [.access], within: .months(Int.random(in: 1...4, using: &random)), by: "x",
                    rollsForward: true)
                #expect(calendar.isBusinessDay(months.due(from: start, in: calendar)))
                #expect(
                    months.due(from: start, in: calendar) <= months.due(from: start.advanced(byDays: 1), in: calendar))
            }
        }
    }
}

/// Deadlines from outside.
@Suite(.enabled(if: Vectors.folder != nil, "needs the vectors folder")) struct DeadlineVectorTests {
    /// Each weekday of 2004 to 2040 is a holiday here when it is one there.
    @Test func federalHolidays() throws {
        struct Holidays: Decodable {
            let holidays: [[String]]
        }
        let known = Set(
            try JSONDecoder().decode(Holidays.self, from: VectorFile.load("us_federal_holidays")).holidays.map {
                try day($0[0])
            })
        let calendar = BusinessCalendar.unitedStatesFederal
        var (current, end) = (try day("2004-01-01"), try day("2040-12-31"))
        while current <= end {
            if current.weekday < .saturday {
                #expect(calendar.isBusinessDay(current) != known.contains(current), "\(current)")
            }
            current = current.advanced(byDays: 1)
        }
        #expect(known.count > 400)
    }

    /// Clause P9.4.
    @Test func businessDays() throws {
        struct Cases: Decodable {
            struct Case: Decodable {
                let businessDays: Int
                let due: String
                let received: String
            }
            let cases: [Case]
        }
        let cases = try JSONDecoder().decode(Cases.self, from: VectorFile.load("business_days_us_federal.dev")).cases
        for one in cases {
            let due = BusinessCalendar.unitedStatesFederal.day(one.businessDays, after: try day(one.received))
            #expect(due == (try day(one.due)), "\(one)")
        }
        #expect(cases.count > 2000)
    }

    @Test func californianClocks() throws {
        struct Cases: Decodable {
            let cases: [[String]]
        }
        let cases = try JSONDecoder().decode(Cases.self, from: VectorFile.load("ccpa_clocks.dev")).cases
        let (clocks, californian) = (Clocks(ReferenceClocks.california()), Region("us-ca"))
        for one in cases {
            let received = try day(one[0])
            var asked = request(.access, on: received, residence: californian)
            let deadlines = clocks.deadlines(of: asked)
            #expect(deadlines.map(\.step) == [.confirm, .answer], "\(one)")
            #expect(deadlines.map(\.day) == [try day(one[1]), try day(one[2])], "\(one)")
            try asked.apply(.begun, at: received.startInUTC)
            try asked.apply(.extended(.complexity), at: received.startInUTC)
            #expect(clocks.deadlines(of: asked).last?.day == (try day(one[3])), "\(one)")
            let optOut = request(.optOut, on: received, residence: californian)
            #expect(clocks.deadlines(of: optOut).map(\.day) == [try day(one[4])], "\(one)")
        }
        #expect(cases.count > 700)
    }

    @Test func europeanMonths() throws {
        struct Cases: Decodable {
            let GB_ENG_holidays: [String]
            let cases: [[String]]
            let published_examples: [[String]]
        }
        let vectors = try JSONDecoder().decode(Cases.self, from: VectorFile.load("gdpr_months_england.dev"))
        let england = try #require(
            BusinessCalendar(
                "england", holidays: try vectors.GB_ENG_holidays.map(day),
                covers: try day("2015-01-01")...day("2040-12-31")))
        let region = try #require(Region("gb"))
        let rule = ReferenceClocks.gdpr(of: [region], by: "england")
        var unrolled = rule
        unrolled.rollsForward = false
        for one in vectors.cases {
            let received = try day(one[0])
            #expect(unrolled.due(from: received, in: england) == (try day(one[1])), "\(one)")
            #expect(rule.due(from: received, in: england) == (try day(one[2])), "\(one)")
            #expect(rule.due(from: received, isExtended: true, in: england) == (try day(one[3])), "\(one)")
        }
        for example in vectors.published_examples {
            #expect(unrolled.due(from: try day(example[0]), in: england) == (try day(example[1])))
        }
        #expect(vectors.cases.count > 1300)
    }
}
