// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePlans
import ReeveTesting
import Testing

@Suite struct FairShareTests {
    fileprivate typealias Claim = FairShare.Claim

    @Test func whoAsksForLittleGetsItAndTheOthersShareTheRest() throws {
        let asked = [1, 37, 14, 1, 23, 23].map { Claim(demand: $0) }
        #expect(try FairShare.split(120, among: asked) == [1, 37, 14, 1, 23, 23])
        #expect(try FairShare.split(60, among: asked) == [1, 15, 14, 1, 15, 14])
        #expect(try FairShare.split(0, among: asked) == [0, 0, 0, 0, 0, 0])
        #expect(try FairShare.split(5, among: []) == [])
        // Weights, floors, and a floor above the demand.
        #expect(try FairShare.split(90, among: [Claim(demand: 100), Claim(demand: 100, weight: 2)]) == [30, 60])
        #expect(try FairShare.split(90, among: [Claim(floor: 50, demand: 100), Claim(demand: 100)]) == [50, 40])
        #expect(try FairShare.split(90, among: [Claim(floor: 50, demand: 10), Claim(demand: 30)]) == [50, 30])
    }

    @Test func impossibleSplitsAreRefused() throws {
        let trillion = 1_000_000_000_000
        #expect(throws: PlanError(.budgetTooSmall)) { try FairShare.split(9, among: [Claim(floor: 10, demand: 10)]) }
        let bad = [
            Claim(floor: -1, demand: 1), Claim(demand: -1), Claim(demand: trillion + 1), Claim(demand: 1, weight: 0),
            Claim(demand: 1, weight: 1_000_001),
        ]
        for claim in bad { #expect(throws: PlanError(.invalidCount)) { try FairShare.split(1, among: [claim]) } }
        #expect(throws: PlanError(.invalidCount)) { try FairShare.split(-1, among: []) }
        // The largest numbers there are.
        let large = [Claim](repeating: Claim(demand: trillion, weight: 1_000_000), count: 1000)
        #expect(try FairShare.split(trillion, among: large) == [Int](repeating: 1_000_000_000, count: 1000))
        #expect(try FairShare.split(.max, among: large) == [Int](repeating: trillion, count: 1000))
    }

    @Test func jainsIndexIsOneForEqualShares() {
        #expect(FairShare.index(of: [5, 5, 5], weights: [1, 1, 1]) == 1)
        #expect(FairShare.index(of: [5, 10], weights: [1, 2]) == 1)
        #expect(FairShare.index(of: [9, 0, 0], weights: [1, 1, 1]) == 1 / 3.0)
        #expect(FairShare.index(of: [], weights: []) == 1 && FairShare.index(of: [0, 0], weights: [1, 1]) == 1)
    }
}

@Suite struct FairShareProperties {
    /// Sums are exact, floors and demands are held, and each share is the exact max-min share rounded to a neighbour.
    @Test func sharesAreThoseOfExactMaxMin() throws {
        var generator = Scale.current.generator(for: "fair shares")
        var tight = 0
        for _ in 0..<Scale.current.cases(ci: 100_000, soak: 1_000_000) {
            let size = [10, 1000, 1_000_000].randomElement(using: &generator) ?? 10
            let claims = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                FairShare.Claim(
                    floor: Bool.random(using: &generator) ? 0 : Int.random(in: 0...size / 4, using: &generator),
                    demand: Int.random(in: 0...size, using: &generator),
                    weight: Bool.random(using: &generator) ? 1 : Int.random(in: 1...9, using: &generator))
            }
            let (floors, most) = (claims.map(\.floor), claims.map { max($0.floor, $0.demand) })
            let (least, all) = (floors.reduce(0, +), most.reduce(0, +))
            let budget = Int.random(in: least...max(least, all + 1), using: &generator)
            let shares = try FairShare.split(budget, among: claims)
            var isRight = shares.reduce(0, +) == min(budget, all)
            if budget < all { tight += 1 }
            // The level, by halving.
            func share(_ index: Int, _ level: Double) -> Double {
                min(max(Double(claims[index].weight) * level, Double(floors[index])), Double(most[index]))
            }
            var (low, high) = (0.0, Double(size) + 1)
            for _ in 0..<200 {
                let middle = (low + high) / 2
                let sum = claims.indices.reduce(0.0) { $0 + share($1, middle) }
                if sum < Double(min(budget, all)) { low = middle } else { high = middle }
            }
            for index in claims.indices {
                isRight = isRight && shares[index] >= floors[index] && shares[index] <= most[index]
                isRight = isRight && abs(Double(shares[index]) - share(index, high)) < 1 + 1e-6
            }
            #expect(isRight, "budget \(budget) among \(claims): \(shares)")
            if !isRight { return }
        }
        #expect(tight > 1000)
    }
}

@Suite struct ForecastTests {
    private static func period(_ from: String, _ to: String) throws -> Period {
        let (first, next) = (try #require(CivilDay(from)), try #require(CivilDay(to)))
        return Period(number: 0, start: first.startInUTC, end: next.startInUTC)
    }

    @Test func tooLittleIsKnownAtFirst() throws {
        let period = try Self.period("2026-01-15", "2026-02-15")
        let noon = try #require(CivilDay("2026-01-21")).startInUTC.advanced(by: .seconds(43_200))
        let first = try #require(CivilDay("2026-01-15"))
        let days = (-7..<6).map { DayUsage(day: first.advanced(byDays: $0), tasks: 100) }
        let early = UsageForecast(history: days, used: 650, limit: 3000, period: period, at: noon)
        #expect(early.runOut == .insufficientHistory(known: 13, needed: 14) && early.atEnd == nil && early.perDay == 0)
        #expect(UsageForecast(history: [], used: 3000, limit: 3000, period: period, at: noon).runOut == .alreadyOut)
        // With one more it is known: the same every day leaves no doubt.
        let more = days + [DayUsage(day: first.advanced(byDays: -8), tasks: 100)]
        let known = UsageForecast(history: more, used: 650, limit: 3000, period: period, at: noon)
        #expect(abs(known.perDay - 100) < 1e-9 && known.atEnd == 3100...3100)
        let out = try #require(CivilDay("2026-02-13"))
        #expect(known.runOut == .between(earliest: out, latest: out))
        let enough = UsageForecast(history: more, used: 650, limit: 3101, period: period, at: noon)
        #expect(enough.runOut == .notInPeriod)
        let data = try JSONEncoder().encode(known)
        #expect(try JSONDecoder().decode(UsageForecast.self, from: data) == known)
    }

    /// Nothing that is given makes it fail.
    @Test func extremesAreTaken() throws {
        let day = CivilDay(daysSince1970: .max)
        let wild = (0..<9).map { DayUsage(day: day.advanced(byDays: -$0 - 1), tasks: [.max, .min, 0][$0 % 3]) }
        for end: Int64 in [.min, 0, .max] {
            let period = Period(number: .max, start: Timestamp(microseconds: .min), end: Timestamp(microseconds: end))
            for now: Int64 in [.min, 0, .max] {
                let forecast = UsageForecast(
                    history: wild, used: .max, limit: .min, period: period, at: Timestamp(microseconds: now))
                #expect(forecast.runOut == .alreadyOut)
                _ = UsageForecast(
                    history: wild, used: .min, limit: .max, period: period, at: Timestamp(microseconds: now))
            }
        }
    }

    /// What a period would have been: as it was under the charges that it was under, and day by day under others.
    @Test func aReplayUnderThePresentPlanIsWhatHappened() throws {
        var generator = Scale.current.generator(for: "replay")
        let period = try Self.period("2026-01-15", "2026-02-15")
        let euro = try #require(Currency("EUR"))
        for _ in 0..<500 {
            let limit = Int.random(in: 0...1000, using: &generator)
            var left = limit
            let days = (0..<31).map { index in
                let tasks = min(left, Int.random(in: 0...100, using: &generator))
                left -= tasks
                return DayUsage(day: period.start.day.advanced(byDays: index), tasks: tasks)
            }
            let past = UsageReplay.Past(period: period, days: days.shuffled(using: &generator))
            let same = try #require(UsageReplay.replay([past], under: Charges(tasksPerPeriod: limit)).first)
            #expect(same.used == past.used && same.refused == 0 && same.runOut == nil && same.amount == nil)
            let half = Charges(
                price: Price(
                    perPeriod: Money(minorUnits: 700, euro), perThousandOver: Money(minorUnits: 5, euro)),
                tasksPerPeriod: past.used / 2, mostTasksOver: past.used / 4)
            let less = try #require(UsageReplay.replay([past], under: half).first)
            #expect(less.used == past.used / 2 + past.used / 4 && less.used + less.refused == past.used)
            #expect((less.runOut != nil) == (less.refused > 0))
            let thousands = past.used / 4 > 0 ? 1 : 0
            #expect(less.amount == Money(minorUnits: 700 + 5 * Int64(thousands), euro))
        }
    }
}

@Suite struct ForecastProperties {
    /// The interval covers what then happens in nine of ten simulated months: of companies that work on weekdays, of those
    /// whose use moves from week to week, and of those that grow.
    @Test func theIntervalCoversWhatHappens() throws {
        var generator = Scale.current.generator(for: "forecast")
        func normal() -> Double {
            (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &generator) }
        }
        let start = try #require(CivilDay("2026-01-15"))
        var covered: [String: (hits: Int, cases: Int, width: Double)] = [:]
        for _ in 0..<Scale.current.cases(ci: 1000, soak: 20_000) {
            let kind = ["steady", "weekdays", "moving", "growing", "bursts"].randomElement(using: &generator) ?? ""
            let base = Double.random(in: 20...5000, using: &generator)
            let noise = Double.random(in: 0.05...0.5, using: &generator)
            var level = 1.0
            let first = start.advanced(byDays: Int.random(in: 0..<7, using: &generator))
            let (before, now) = (
                Int.random(in: 14...42, using: &generator), Int.random(in: 0...24, using: &generator)
            )
            let days = (-before..<31).map { index -> DayUsage in
                let day = first.advanced(byDays: index)
                let isWeekend = [2, 3].contains(Int(day.daysSince1970) % 7)
                switch kind {
                case "moving": level = max(0.2, level * (1 + 0.04 * normal()))
                case "growing": level *= 1.01
                default: break
                }
                var mean = base * level * (kind != "steady" && isWeekend ? 0.2 : 1)
                if kind == "bursts", Int.random(in: 0..<10, using: &generator) == 0 { mean *= 3 }
                return DayUsage(day: day, tasks: Int(max(0, mean * (1 + noise * normal()))))
            }
            let end = first.advanced(byDays: 31)
            let period = Period(number: 0, start: first.startInUTC, end: end.startInUTC)
            let today = first.advanced(byDays: now)
            let sums = days.filter { $0.day >= first }.reduce(into: [Int]()) { $0.append(($0.last ?? 0) + $1.tasks) }
            let total = sums.last ?? 0
            let limit = Int(Double(total) * Double.random(in: 0.5...1.3, using: &generator))
            let used = now > 0 ? sums[now - 1] : 0
            guard used < limit else { continue }
            let forecast = UsageForecast(
                history: days.filter { $0.day < today }, used: used, limit: limit, period: period,
                at: today.startInUTC)
            let truth = sums.firstIndex { $0 >= limit }.map { first.advanced(byDays: $0) }
            let hit =
                switch forecast.runOut {
                case .notInPeriod: truth == nil
                case .between(let earliest, let latest):
                    truth.map { $0 >= earliest && $0 <= latest ?? end } ?? (latest == nil)
                default: false
                }
            let isInside = forecast.atEnd?.contains(total) ?? false
            let range = try #require(forecast.atEnd)
            covered[kind, default: (0, 0, 0)].hits += hit && isInside ? 1 : 0
            covered[kind, default: (0, 0, 0)].cases += 1
            covered[kind, default: (0, 0, 0)].width +=
                Double(range.upperBound - range.lowerBound) / Double(max(1, total))
        }
        for (kind, result) in covered.sorted(by: { $0.key < $1.key }) {
            print(
                "forecast of \(kind): \(result.hits) of \(result.cases) covered, mean width "
                    + "\(Int(100 * result.width / Double(result.cases))) % of the month")
            // By kind there are few: what is asked for is asked of all.
            #expect(Double(result.hits) >= 0.8 * Double(result.cases), "\(kind)")
            // An interval that covers everything says nothing.
            #expect(result.width / Double(result.cases) < (kind == "bursts" ? 1.3 : 0.8), "\(kind)")
        }
        let (hits, cases) = covered.values.reduce((0, 0)) { ($0.0 + $1.hits, $0.1 + $1.cases) }
        print("forecast: \(hits) of \(cases) covered")
        #expect(Double(hits) >= 0.9 * Double(cases) && cases > 800)
    }
}
