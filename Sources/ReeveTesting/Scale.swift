// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// How large a test is: the size for continuous integration, or the one for a long run.
///
/// `Scripts/soak` sets `REEVE_SCALE=soak` and may set `REEVE_SEED`; nothing outside ReeveTesting reads them.
public struct Scale: Hashable, Sendable {
    /// Whether this is the long run.
    public let isSoak: Bool
    /// The seed to start from; printed by every property test.
    public let seed: UInt64

    /// The scale that the environment asks for, and a random seed unless it names one.
    public static let current: Scale = {
        let environment = EnvironmentVariables.read()
        let seed = environment["REEVE_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64(UInt32.max))
        return Scale(isSoak: environment["REEVE_SCALE"] == "soak", seed: seed)
    }()

    /// A scale of one's own.
    public init(isSoak: Bool, seed: UInt64) {
        self.isSoak = isSoak
        self.seed = seed
    }

    /// The number of cases: `ci` normally, `soak` in a long run.
    public func cases(ci: Int, soak: Int) -> Int { isSoak ? soak : ci }

    /// A generator for one property, from the seed and the property's name; prints both.
    public func generator(for property: String) -> SeededGenerator {
        print("property `\(property)`: REEVE_SEED=\(seed)")
        return SeededGenerator(seed: property.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 })
    }
}

/// SplitMix64: the same numbers for the same seed, on every machine.
public struct SeededGenerator: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    /// A generator that starts at a seed.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
