// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePlans
import ReeveTesting
import Testing

@Suite struct ZoneTests {
    private static func day(_ text: String) throws -> CivilDay { try #require(CivilDay(text)) }

    /// Facts of the zone database: days that begin at another hour than midnight, or not at all.
    @Test(arguments: [
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00.000000Z"),
        ("Europe/Berlin", "2026-03-30", "2026-03-29T22:00:00.000000Z"),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00:00.000000Z"),
        ("America/New_York", "2026-11-02", "2026-11-02T05:00:00.000000Z"),
        // Midnight was skipped: the day began at one o'clock.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000000Z"),
        // Apia left out December 30, 2011.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000000Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00.000000Z"),
        ("Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00.000000Z"),
    ])
    func daysBeginWhereTheZoneSays(_ zone: String, _ day: String, _ start: String) throws {
        let rules = try #require(ZoneRules(identifier: zone))
        #expect(rules.start(of: try Self.day(day)).description == start)
    }

    @Test func unknownZonesAreRefused() {
        for name in ["", "Nowhere/City", "Europe/Berlin ", "../etc/passwd"] {
            #expect(ZoneRules(identifier: name) == nil)
        }
        #expect(ZoneRules(identifier: "UTC")?.transitions.isEmpty == true)
        #expect(ZoneRules(identifier: "UTC", years: 0...1) == nil)
    }

    /// At random instants the rules say what the system says.
    @Test(arguments: [
        "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Africa/Casablanca", "Africa/Cairo", "Asia/Tehran",
        "Australia/Lord_Howe", "Pacific/Apia", "Asia/Pyongyang", "Antarctica/Troll", "Asia/Kathmandu",
    ])
    func rulesAgreeWithTheSystem(_ name: String) throws {
        let (rules, zone) = (try #require(ZoneRules(identifier: name)), try #require(TimeZone(identifier: name)))
        var generator = Scale.current.generator(for: "zone rules of \(name)")
        for _ in 0..<Scale.current.cases(ci: 2000, soak: 100_000) {
            let second = Int64.random(in: 0..<2_800_000_000, using: &generator)
            let expected = zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(second)))
            #expect(rules.offset(at: Timestamp(seconds: second)) == expected, "\(name) at \(second)")
        }
    }
}
