// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Splits a budget among claims so that nobody could have more without someone with less, for its weight, having less still:
/// weighted max-min fairness (Bertsekas and Gallager, Data Networks, 1992, §6.5.2), exact and in whole numbers.
public struct FairShare: Hashable, Sendable {
    /// What one of those who share asks for.
    public struct Claim: Hashable, Sendable, Codable {
        /// What it gets in any case, 0 to 10^12.
        public var floor: Int
        /// The most it could use, 0 to 10^12; below the floor it counts as the floor.
        public var demand: Int
        /// How much of the rest it gets beside the others, 1 to 1,000,000.
        public var weight: Int

        /// A claim, by default of the weight 1.
        public init(floor: Int = 0, demand: Int, weight: Int = 1) {
            self.floor = floor
            self.demand = demand
            self.weight = weight
        }

        var most: Int { max(floor, demand) }
        var isValid: Bool { PlanRoom.isCount(floor) && PlanRoom.isCount(demand) && (1...1_000_000).contains(weight) }
    }

    /// What each claim gets, in their order. Together it is the budget, or all that is asked for where that is less.
    ///
    /// Shares that are no whole numbers are rounded by the largest remainder, the earlier claim first. Throws
    /// ``PlanError/Code/invalidCount`` for numbers out of range or more than 100,000 claims, and
    /// ``PlanError/Code/budgetTooSmall`` when the floors alone are more than the budget. Complexity: O(n log n).
    public static func split(_ budget: Int, among claims: [Claim]) throws(PlanError) -> [Int] {
        guard budget >= 0, claims.count <= 100_000, claims.allSatisfy(\.isValid) else { throw PlanError(.invalidCount) }
        let floors = claims.reduce(0) { $0 + $1.floor }
        guard floors <= budget else { throw PlanError(.budgetTooSmall) }
        guard claims.reduce(0, { $0 + $1.most }) > budget else { return claims.map(\.most) }
        return share(budget, claims, at: level(budget, claims, floors))
    }

    /// Where a claim stands at the level: below its floor, with as much as its weight gives, or with its most.
    private enum Standing {
        case floor, share, most
    }
    private struct Level {
        var standings: [Standing]
        /// Those with as much as their weight gives have this together.
        var rest: Int
        var weights: Int
    }

    /// The level at which all that is taken is the budget: each claim begins to rise with it at its floor and stops at its most.
    private static func level(_ budget: Int, _ claims: [Claim], _ floors: Int) -> Level {
        var events: [(amount: Int, claim: Int)] = []
        for (index, claim) in claims.enumerated() where claim.most > claim.floor {
            events.append((claim.floor, index))
            events.append((claim.most, index))
        }
        // Amounts by weight, without dividing: at most 10^18 each.
        events.sort { left, right in
            left.amount * claims[right.claim].weight < right.amount * claims[left.claim].weight
        }
        var (standings, fixed, weights) = ([Standing](repeating: .floor, count: claims.count), floors, 0)
        for event in events {
            let claim = claims[event.claim]
            let taken = Int128(weights) * Int128(event.amount) + Int128(fixed) * Int128(claim.weight)
            if weights > 0, taken >= Int128(budget) * Int128(claim.weight) { break }
            if standings[event.claim] == .floor {
                standings[event.claim] = .share
                weights += claim.weight
                fixed -= claim.floor
            } else {
                standings[event.claim] = .most
                weights -= claim.weight
                fixed += claim.most
            }
        }
        return Level(standings: standings, rest: budget - fixed, weights: weights)
    }

    private static func share(_ budget: Int, _ claims: [Claim], at level: Level) -> [Int] {
        var shares: [Int] = []
        var remainders: [(remainder: Int128, claim: Int)] = []
        for (index, claim) in claims.enumerated() {
            switch level.standings[index] {
            case .floor: shares.append(claim.floor)
            case .most: shares.append(claim.most)
            case .share:
                let (whole, rest) = (Int128(claim.weight) * Int128(level.rest)).quotientAndRemainder(
                    dividingBy: Int128(level.weights))
                shares.append(Int(whole))
                remainders.append((rest, index))
            }
        }
        let missing = budget - shares.reduce(0, +)
        remainders.sort { ($1.remainder, $0.claim) < ($0.remainder, $1.claim) }
        for entry in remainders.prefix(missing) { shares[entry.claim] += 1 }
        return shares
    }

    /// Jain's index of fairness (Jain, Chiu and Hawe, 1984): 1 when each has as much for its weight, 1/n when one has all.
    public static func index(of shares: [Int], weights: [Int]) -> Double {
        let levels = zip(shares, weights).map { Double($0) / Double(max(1, $1)) }
        let (sum, squares) = (levels.reduce(0, +), levels.reduce(0) { $0 + $1 * $1 })
        return squares > 0 ? sum * sum / (Double(levels.count) * squares) : 1
    }
}
