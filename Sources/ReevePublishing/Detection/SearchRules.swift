// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What one scrub looks for beside what every scrub does, and what of it stays.
struct SearchRules: Sendable {
    /// Classes that stay.
    let kept: Set<DataClass>
    /// What the host knows to be somebody's.
    let known: KnownIdentities?
    /// What the host has rules of its own for.
    let custom: CustomRules?
    /// Values that go in one place: they go wherever else they stand, also where no word tells what they are.
    var taken: CustomRules?
    /// What detectors are less sure of is nothing.
    let minimum: Double
    /// Whether what is found is to be taken out: then it is of one class, and dates and URLs are none.
    let isForScrubbing: Bool

    /// Rules; to know nothing is as knowing no list.
    init(
        kept: Set<DataClass> = [], known: KnownIdentities? = nil, custom: CustomRules? = nil,
        minimum: Double = reportFrom,
        isForScrubbing: Bool = true
    ) {
        self.kept = kept
        self.known = known?.isEmpty == false ? known : nil
        self.custom = custom?.isEmpty == false ? custom : nil
        self.minimum = minimum
        self.isForScrubbing = isForScrubbing
    }

    /// From here on a person is asked.
    static let reportFrom = 0.3

    /// Bytes of the shortest value that any detector finds.
    static let shortestValue = 5
    /// Bytes of the shortest text in which something can be.
    var shortest: Int { needsAll || !isForScrubbing ? KnownIdentities.shortest : Self.shortestValue }
    /// Whether something can be in any text, whatever the first look says.
    var needsAll: Bool { known != nil || custom != nil || taken != nil }
}
