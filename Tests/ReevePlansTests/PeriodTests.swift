// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveTesting
import Testing

private func day(_ text: String) throws -> CivilDay { try #require(CivilDay(text)) }

@Suite struct PeriodTests {
    @Test func boundariesAreCountedFromTheAnchor() throws {
        let monthly = try PeriodSchedule(anchor: day("2026-01-31"))
        #expect(
            (-2...4).map { monthly.start(of: $0).day.description } == [
                "2025-11-30", "2025-12-31", "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31",
            ])
        let yearly = try PeriodSchedule(anchor: day("2024-02-29"), months: 12)
        #expect(
            (0...4).map { yearly.start(of: $0).day.description } == [
                "2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29",
            ])
    }

    /// Clocks that skip a boundary's time, show it twice, or leave out its day.
    @Test(arguments: [
        ("America/New_York", "2026-02-08", 9000, 1, "2026-03-08T07:00:00.000000Z"),
        ("America/New_York", "2026-10-01", 5400, 1, "2026-11-01T05:30:00.000000Z"),
        ("America/Santiago", "2026-08-06", 0, 1, "2026-09-06T04:00:00.000000Z"),
        ("Pacific/Apia", "2011-11-30", 0, 1, "2011-12-30T10:00:00.000000Z"),
        ("Australia/Lord_Howe", "2026-09-04", 7200, 1, "2026-10-03T15:30:00.000000Z"),
        ("Antarctica/Troll", "2026-02-28", 3600, 1, "2026-03-28T01:00:00.000000Z"),
    ])
    func gapsAndOverlaps(_ zone: String, _ anchor: String, _ second: Int, _ number: Int, _ start: String) throws {
        let schedule = try PeriodSchedule(anchor: day(anchor), at: second, zone: zone)
        #expect(schedule.start(of: number).description == start)
    }

    @Test func unknownZonesAndPeriodsAreErrors() throws {
        // Once this name was used, the system takes the one with a null character for Greenwich.
        _ = try PeriodSchedule(anchor: day("2026-01-01"), zone: "Europe/Berlin")
        for name in ["", "GMT+25", "Mars/Olympus", "europe", "Europe/Berlin\u{0}", "\u{0}", "local", "../localtime"] {
            #expect(throws: PlanError(.unknownZone)) { try PeriodSchedule(anchor: day("2026-01-01"), zone: name) }
        }
        for (months, second) in [(0, 0), (-1, 0), (121, 0), (.max, 0), (1, -1), (1, 86_400), (1, .min)] {
            #expect(throws: PlanError(.invalidPeriod)) {
                try PeriodSchedule(anchor: day("2026-01-01"), at: second, months: months)
            }
        }
        // Nor does JSON make one.
        let sound = try PeriodSchedule(anchor: day("2026-01-31"), at: 3600, months: 3)
        let text = String(decoding: try JSONEncoder().encode(sound), as: UTF8.self)
        #expect(try JSONDecoder().decode(PeriodSchedule.self, from: Data(text.utf8)) == sound)
        for (field, wrong) in [
            ("\"months\":3", "\"months\":0"), ("3600", "-1"), ("3600", "86400"), ("2026-01-31", "2026-02-31"),
        ] {
            let other = Data(text.replacingOccurrences(of: field, with: wrong).utf8)
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(PeriodSchedule.self, from: other) }
        }
        for instant in [Timestamp(microseconds: .min), Timestamp(microseconds: .max)] {
            for months in [1, 120] {
                let period = try PeriodSchedule(anchor: day("2026-01-31"), months: months, zone: "Europe/Berlin")
                    .period(at: instant)
                #expect(period.start <= period.end)
            }
        }
    }
}

@Suite struct PeriodProperties {
    private struct Oracle: Decodable {
        let version: String
        let zones: [String: String]
        let all: [String: String]
    }

    private static func oracle() throws -> Oracle {
        let file = try #require(
            Bundle.module.url(forResource: "period-boundaries", withExtension: "json", subdirectory: "Golden"))
        return try JSONDecoder().decode(Oracle.self, from: Data(contentsOf: file))
    }

    /// Every boundary of 1970 to 2100 for each anchor day at two times of day is the one that Python's `zoneinfo` gives
    /// (`Scripts/zone-oracle`), in all zones. With other zone data than there the 25 telling zones are compared, and few of them
    /// may differ.
    @Test func boundariesAreThoseOfAnotherImplementation() throws {
        let oracle = try Self.oracle()
        let isSame = oracle.version == TimeZone.timeZoneDataVersion
        #expect(oracle.zones.count == 25 && oracle.all.count > 400)
        var (cases, different) = (0, [String]())
        for (name, digest) in (isSame ? oracle.all : oracle.zones).sorted(by: { $0.key < $1.key }) {
            let rules = try #require(ZoneRules(identifier: name, years: 1970...2101), "\(name)")
            var boundaries: [UInt8] = []
            for anchor in 1...31 {
                for second in [0, 9000] {
                    let first = try #require(CivilDay(year: 1970, month: 1, day: anchor))
                    let schedule = try PeriodSchedule(anchor: first, at: second, zone: rules)
                    for number in 0..<131 * 12 {
                        let seconds = UInt64(bitPattern: schedule.start(of: number).microseconds / 1_000_000)
                        withUnsafeBytes(of: seconds.bigEndian) { boundaries += $0 }
                        cases += 1
                    }
                }
            }
            if try Digest(hashing: boundaries).description != digest { different.append(name) }
        }
        let versions = "zone data \(oracle.version) there, \(TimeZone.timeZoneDataVersion) here"
        #expect(different.count <= (isSame ? 0 : 5), "\(different): \(versions)")
        print("boundaries: \(cases), \(versions)")
    }

    /// Where zones have left out whole days, each boundary lies in the period that it begins, and the moment before in the one
    /// before that.
    @Test(arguments: [
        "Pacific/Apia", "Pacific/Fakaofo", "Pacific/Kwajalein", "Pacific/Kiritimati", "Pacific/Kanton", "Europe/Berlin",
    ])
    func boundariesLieInTheirPeriods(_ zone: String) throws {
        let rules = try #require(ZoneRules(identifier: zone, years: 1970...2030))
        for anchor in 1...31 {
            for second in [0, 9000, 86_399] {
                let first = try #require(CivilDay(year: 1970, month: 1, day: anchor))
                let schedule = try PeriodSchedule(anchor: first, at: second, zone: rules)
                for number in 0..<60 * 12 {
                    let start = schedule.start(of: number)
                    let before = Timestamp(microseconds: start.microseconds - 1)
                    #expect(schedule.period(at: start).number == number, "\(zone), \(anchor), \(second)")
                    #expect(schedule.period(at: before).number == number - 1, "\(zone), \(anchor), \(second)")
                }
            }
        }
    }

    /// Periods lie one behind the other, and the one of an instant holds it.
    @Test func anInstantLiesInItsPeriod() throws {
        var generator = Scale.current.generator(for: "periods")
        let zones = try ["UTC", "Europe/Berlin", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca"].map {
            try #require(ZoneRules(identifier: $0, years: 1970...2100))
        }
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 2_000_000) {
            let schedule = try PeriodSchedule(
                anchor: CivilDay(daysSince1970: .random(in: 0...40_000, using: &generator)),
                at: .random(in: 0..<86_400, using: &generator), months: .random(in: 1...24, using: &generator),
                zone: try #require(zones.randomElement(using: &generator)))
            var instant = Timestamp(seconds: .random(in: 0...4_000_000_000, using: &generator))
            // A boundary itself, and the last moment before it.
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: instant = schedule.period(at: instant).start
            case 1: instant = Timestamp(microseconds: schedule.period(at: instant).start.microseconds - 1)
            default: break
            }
            let period = schedule.period(at: instant)
            #expect(period.contains(instant), "\(instant) is not in \(period), seed \(Scale.current.seed)")
            #expect(schedule.start(of: period.number) == period.start)
            #expect(schedule.start(of: period.number + 1) == period.end)
        }
    }
}
