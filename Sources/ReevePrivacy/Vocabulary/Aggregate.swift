// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Figures about groups of subjects: the only way from personal data to usage data (clauses P1.5 to P1.8).
///
///     let usage = Aggregate(of: [label], groups: [.init("pricing", subjects: 412, value: 977)], minimumGroup: 20)
public struct Aggregate: Hashable, Sendable {
    /// A figure of one group.
    public struct Group: Hashable, Sendable {
        /// What the group has in common, such as a page that it visited.
        public let name: String
        /// How many different subjects it has.
        public let subjects: Int
        /// The figure.
        public let value: Double

        /// A figure of a group.
        public init(_ name: String, subjects: Int, value: Double) {
            self.name = name
            self.subjects = subjects
            self.value = value
        }
    }

    /// The smallest group that any aggregate may have: figures of fewer are as good as those of one.
    public static let smallestGroup = 5

    /// The groups.
    public let groups: [Group]
    /// The fewest subjects of a group.
    public let minimumGroup: Int
    /// What the figures are: usage data about groups.
    public let label: DataLabel

    /// The category that data about groups has, besides those that it was made from.
    public static let category = DataCategory(literal: "usage")

    /// Figures of groups that all have so many subjects, made from data with these labels; `nil` when some of that is not labelled or somebody else's, when one has fewer, when there is none, or when the minimum is below
    /// ``smallestGroup``. Nothing tells which group was too small.
    ///
    /// That the groups do not overlap so that a difference tells of one is for the caller to see to.
    public init?(of data: [DataLabel], groups: [Group], minimumGroup: Int) {
        guard data.allSatisfy({ !$0.origins.contains(.external) && !$0.categories.isEmpty }), !data.isEmpty,
            minimumGroup >= Self.smallestGroup, !groups.isEmpty,
            groups.allSatisfy({ $0.subjects >= minimumGroup && $0.value.isFinite })
        else { return nil }
        self.groups = groups
        self.minimumGroup = minimumGroup
        label = .aggregate(of: data.reduce(into: [Self.category]) { $0.formUnion($1.categories) })
    }
}
