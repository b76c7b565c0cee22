// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a new version of a policy changes, exactly: each part of all that can be asked where some answer is another one.
///
///     let diff = try old.changes(to: new)
///     if diff.isMaterial { … users are told before it takes effect … }
public struct PrivacyPolicyDiff: Hashable, Sendable {
    /// A part of all that can be asked, and how the answers there change.
    public struct Change: Hashable, Sendable {
        /// The part: every set names each value, and there are no values below those.
        public let scope: UseScope
        /// What was not allowed is allowed, under some facts.
        public internal(set) var widens = false
        /// What was allowed is not any more, under some facts.
        public internal(set) var narrows = false
        /// What is allowed either way has other duties, under some facts.
        public internal(set) var changesDuties = false
        /// Facts under which an answer changes.
        public internal(set) var example: [Path: Truth] = [:]
    }

    /// The parts where an answer changes; they have nothing in common.
    public let changes: [Change]
    /// Whether the versions mean other things by the same words: other sets that identify together, other regions by a name, or other
    /// regions that are known.
    public let hasOtherDefinitions: Bool

    /// Whether the new version allows anything that the old one does not, asks for other duties, or means something else: such a change is made known
    /// before it takes effect (clause P14.2).
    public var isMaterial: Bool { hasOtherDefinitions || changes.contains { $0.widens || $0.changesDuties } }
    /// Whether nothing changes.
    public var isEmpty: Bool { changes.isEmpty && !hasOtherDefinitions }
}

extension PolicyVersion {
    /// What changes when this version is followed by another. Facts are taken as free of each other.
    ///
    /// Exact for data of one category and one origin: for more the answer is that about each. Throws the defects of either version, and
    /// when the versions differ in more than 100,000 parts, or one depends on its facts in more than 200,000 ways. Complexity: parts that changed rules concern, times the ways.
    public func changes(to next: PolicyVersion) throws(PrivacyDefects) -> PrivacyPolicyDiff {
        let defects = validate().map { "`\(name)`: \($0)" } + next.validate().map { "`\(next.name)`: \($0)" }
        guard defects.isEmpty else { throw PrivacyDefects(lines: defects) }
        var changes: [PrivacyPolicyDiff.Change] = []
        let comparison = try PolicyComparison(self, next)
        for part in comparison.parts {
            if let change = try comparison.change(in: part) { changes.append(change) }
        }
        return PrivacyPolicyDiff(
            changes: changes,
            hasOtherDefinitions: Set(quasiIdentifiers) != Set(next.quasiIdentifiers) || regions != next.regions
                || knownRegions != next.knownRegions)
    }
}
