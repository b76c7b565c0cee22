// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePrivacy

@Suite struct NoiseTests {
    private func aggregate(_ values: [Double]) throws -> Aggregate {
        try #require(
            Aggregate(
                of: [.personal([category("log.pages")], from: [.observed])],
                groups: values.enumerated().map { .init("g\($0)", subjects: 20, value: $1) }, minimumGroup: 20))
    }

    /// The budget pays for each group that a subject may be in, and what is refused costs nothing.
    @Test func aBudgetIsSpent() throws {
        var budget = NoiseBudget(thousandths: 1000)
        let three = try aggregate([1, 2, 3])
        let noisy = try three.withNoise(thousandths: 100, groupsPerSubject: 2, from: &budget)
        #expect(budget.thousandthsLeft == 800 && noisy.groups.map(\.name) == ["g0", "g1", "g2"])
        #expect(noisy.label == three.label)
        // No more than there are.
        _ = try three.withNoise(thousandths: 100, groupsPerSubject: 1_000_000, from: &budget)
        #expect(budget.thousandthsLeft == 500)
        #expect(throws: NoiseBudget.Refusal.exhausted) { _ = try three.withNoise(thousandths: 501, from: &budget) }
        for (thousandths, sensitivity, groups) in [
            (0, 1, 1), (-1, 1, 1), (1_000_001, 1, 1), (1, 0, 1), (1, 1_000_001, 1), (1, 1, 0), (1, 1, Int.max),
            (Int.min, Int.min, Int.min),
        ] {
            #expect(throws: NoiseBudget.Refusal.outOfRange) {
                _ = try three.withNoise(
                    thousandths: thousandths, sensitivity: sensitivity, groupsPerSubject: groups, from: &budget)
            }
        }
        for value in [0.5, 1e17, -1e300, Double(1 << 53) + 2] {
            let odd = try aggregate([1, value])
            #expect(throws: NoiseBudget.Refusal.notWhole) { _ = try odd.withNoise(thousandths: 1, from: &budget) }
        }
        #expect(budget.thousandthsLeft == 500 && NoiseBudget(thousandths: -5).thousandthsLeft == 0)
        _ = try aggregate([-Double(1 << 53), Double(1 << 53)]).withNoise(
            thousandths: 1, sensitivity: 1_000_000, from: &budget)
    }

    /// The noise is what it is said to be: its mean, its spread and how often it is none, each within four standard errors.
    @Test(arguments: [(1, 1000), (1, 250), (3, 2000), (10, 100)])
    func theNoiseIsDiscreteLaplace(_ sensitivity: Int, _ thousandths: Int) {
        // One seed: what is within bounds stays so.
        var random = SeededGenerator(seed: 7)
        var noise = DiscreteLaplace(numerator: sensitivity * 1000, denominator: thousandths)
        let count = 40_000
        let samples = (0..<count).map { _ in Double(noise.next(using: &random)) }
        // exp(−1/scale), by its series.
        let rate = Double(thousandths) / Double(sensitivity * 1000)
        var (ratio, term) = (1.0, 1.0)
        for step in 1...60 {
            term *= -rate / Double(step)
            ratio += term
        }
        let variance = 2 * ratio / ((1 - ratio) * (1 - ratio))
        let mean = samples.reduce(0, +) / Double(count)
        #expect(mean.magnitude < 4 * (variance / Double(count)).squareRoot())
        let spread = samples.reduce(0) { $0 + $1 * $1 } / Double(count)
        // The fourth moment of such noise is below seven times the square of the second, and once that where the second is small.
        #expect((spread - variance).magnitude < 4 * ((7 * variance * variance + variance) / Double(count)).squareRoot())
        let none = (1 - ratio) / (1 + ratio)
        let hits = Double(samples.filter { $0 == 0 }.count) / Double(count)
        #expect((hits - none).magnitude < 4 * (none * (1 - none) / Double(count)).squareRoot())
        // As often less as more.
        let less = Double(samples.filter { $0 < 0 }.count) / Double(count)
        #expect((less - (1 - none) / 2).magnitude < 4 * (0.25 / Double(count)).squareRoot())
    }
}
