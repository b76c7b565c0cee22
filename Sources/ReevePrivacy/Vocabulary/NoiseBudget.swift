// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// How much figures about the same subjects may tell all together (pure ε-differential privacy): each release of figures with noise spends a part of it, and
/// what is spent is gone. A host keeps one for each body of data.
public struct NoiseBudget: Hashable, Sendable, Codable {
    /// Why figures are not released.
    public enum Refusal: Error, Hashable, Sendable {
        /// Less is left than they would spend; nothing was spent.
        case exhausted
        /// ε is 1 to 1,000,000 thousandths; a subject changes a figure by 1 to 1,000,000, and is in 1 to 1,000,000 groups.
        case outOfRange
        /// A figure is no whole number, or is larger than 2⁵³.
        case notWhole
    }

    /// What is left, in thousandths of ε.
    public private(set) var thousandthsLeft: Int

    /// A budget of so many thousandths of ε; none for a negative number.
    public init(thousandths: Int) {
        thousandthsLeft = max(0, thousandths)
    }

    mutating func spend(_ thousandths: Int) throws(Refusal) {
        guard thousandths <= thousandthsLeft else { throw .exhausted }
        thousandthsLeft -= thousandths
    }
}

/// Figures of groups with noise, by which nobody can tell whether one subject is in them.
public struct NoisyAggregate: Hashable, Sendable {
    /// A figure of one group; it can be negative.
    public struct Group: Hashable, Sendable {
        /// What the group has in common.
        public let name: String
        /// The figure, with noise.
        public let value: Int
    }

    /// The groups. That one is there tells that it has at least as many subjects as the ``Aggregate``'s minimum.
    public let groups: [Group]
    /// What the figures are: usage data about groups.
    public let label: DataLabel
}

extension Aggregate {
    /// The figures, each with noise of its own; the numbers of subjects are left out.
    ///
    /// The noise is discrete Laplace with scale `sensitivity` / ε, drawn exactly and from the system's generator, so that its low bits tell nothing (Canonne, Kamath and Steinke, *The
    /// Discrete Gaussian for Differential Privacy*, 2020, algorithm 2). The budget pays `thousandths` of ε for each of the groups that a subject may be in.
    ///
    /// - Parameters:
    ///   - thousandths: ε in thousandths; less is more noise.
    ///   - sensitivity: By how much one subject changes a figure at the most.
    ///   - groupsPerSubject: In how many of the groups one subject is at the most; 1 where they do not overlap.
    ///   - budget: What pays for it.
    public func withNoise(
        thousandths: Int, sensitivity: Int = 1, groupsPerSubject: Int = 1, from budget: inout NoiseBudget
    ) throws(NoiseBudget.Refusal) -> NoisyAggregate {
        var random = SystemRandomNumberGenerator()
        return try withNoise(
            thousandths: thousandths, sensitivity: sensitivity, groupsPerSubject: groupsPerSubject, from: &budget,
            using: &random)
    }

    func withNoise(
        thousandths: Int, sensitivity: Int, groupsPerSubject: Int, from budget: inout NoiseBudget,
        using random: inout some RandomNumberGenerator
    ) throws(NoiseBudget.Refusal) -> NoisyAggregate {
        let range = 1...1_000_000
        guard range.contains(thousandths), range.contains(sensitivity), range.contains(groupsPerSubject) else {
            throw .outOfRange
        }
        var values: [Int] = []
        for group in groups {
            guard let value = Int(exactly: group.value), value.magnitude <= 1 << 53 else { throw .notWhole }
            values.append(value)
        }
        try budget.spend(thousandths * min(groupsPerSubject, groups.count))
        var noise = DiscreteLaplace(numerator: sensitivity * 1000, denominator: thousandths)
        let noisy = zip(groups, values).map { group, value in
            NoisyAggregate.Group(name: group.name, value: value + noise.next(using: &random))
        }
        return NoisyAggregate(groups: noisy, label: label)
    }
}

/// Whole numbers z with probability proportional to exp(−|z| · denominator / numerator), drawn without rounding.
struct DiscreteLaplace {
    let numerator: Int
    let denominator: Int

    mutating func next(using random: inout some RandomNumberGenerator) -> Int {
        while true {
            let uniform = Int.random(in: 0..<numerator, using: &random)
            guard Self.isHit(uniform, numerator, &random) else { continue }
            var whole = 0
            // More than a million times as large has never been seen, and keeps the sum in range.
            while whole < 1_000_000, Self.isHit(1, 1, &random) { whole += 1 }
            let size = (uniform + numerator * whole) / denominator
            let isNegative = Bool.random(using: &random)
            if isNegative, size == 0 { continue }
            return isNegative ? -size : size
        }
    }

    /// True with probability exp(−above / below), for a fraction of 0 to 1 (von Neumann).
    private static func isHit(_ above: Int, _ below: Int, _ random: inout some RandomNumberGenerator) -> Bool {
        var count = 1
        while Int.random(in: 0..<below, using: &random) < above, Int.random(in: 0..<count, using: &random) == 0 {
            count += 1
        }
        return count % 2 == 1
    }
}
