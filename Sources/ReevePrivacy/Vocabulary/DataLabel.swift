// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// How near data comes to somebody.
public enum Identifiability: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// It tells of groups only.
    case aggregate
    /// It tells of one, and not of whom.
    case pseudonymous
    /// It identifies somebody, or could.
    case personal

    /// Farther from anybody is less.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    /// From 0 on.
    var rank: Int {
        switch self {
        case .aggregate: 0
        case .pseudonymous: 1
        case .personal: 2
        }
    }
}

/// What data is: its categories, how near it comes to somebody, and where it comes from.
///
/// Labels join: data that was brought together is all that its parts are, and as near to somebody as the nearest (clause P1.2). What a
/// label says of data is the host's word, but for aggregates: their label comes from ``Aggregate`` alone (clause P1.5), and no label is decodable.
public struct DataLabel: Hashable, Sendable {
    /// What kinds of data it is.
    public let categories: Set<DataCategory>
    /// How near it comes to somebody.
    public let identifiability: Identifiability
    /// Where it comes from.
    public let origins: Set<DataOrigin>
    /// Whether all of it was published to everyone, who can read, collect and use it (clause P4.1): ``UseDecision/publishedLabel`` says so.
    public let isPublic: Bool

    private init(
        _ categories: Set<DataCategory>, _ identifiability: Identifiability, _ origins: Set<DataOrigin>,
        isPublic: Bool = false
    ) {
        self.categories = categories
        self.identifiability = identifiability
        self.origins = origins
        self.isPublic = isPublic
    }

    /// This label, of data that was published.
    var published: DataLabel { DataLabel(categories, identifiability, origins, isPublic: true) }

    /// Data that identifies somebody, or could.
    public static func personal(_ categories: Set<DataCategory>, from origins: Set<DataOrigin>) -> DataLabel {
        DataLabel(categories, .personal, origins)
    }

    /// Data that tells of one, and not of whom. A set of categories that together identify is personal all the same; a policy's
    /// `quasiIdentifiers` say which.
    public static func pseudonymous(_ categories: Set<DataCategory>, from origins: Set<DataOrigin>) -> DataLabel {
        DataLabel(categories, .pseudonymous, origins)
    }

    /// Data about groups, of these categories: usage data.
    static func aggregate(of categories: Set<DataCategory>) -> DataLabel {
        DataLabel(categories, .aggregate, [.observed])
    }

    /// The label of both together.
    public func joined(with other: DataLabel) -> DataLabel {
        DataLabel(
            categories.union(other.categories), max(identifiability, other.identifiability),
            origins.union(other.origins), isPublic: isPublic && other.isPublic)
    }

    /// This label, as near to somebody as sets of categories make it that together identify.
    ///
    /// Complexity: O(sets · their categories · this label's).
    public func raised(by sets: [Set<DataCategory>]) -> DataLabel {
        guard identifiability == .pseudonymous, !sets.isEmpty else { return self }
        let identifies = sets.contains { set in
            !set.isEmpty && set.allSatisfy { one in categories.contains { $0.overlaps(one) } }
        }
        return identifies ? DataLabel(categories, .personal, origins, isPublic: isPublic) : self
    }
}
