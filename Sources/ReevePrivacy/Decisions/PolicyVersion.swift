// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// One version of a privacy policy as data: its rules, and the words they use.
///
/// ``compile()`` checks it and makes it fast. Which one is in force when is for a ``PolicyHistory`` to say.
public struct PolicyVersion: Hashable, Sendable, Codable {
    /// The version's name, such as the date of its text: `2016-03-07`; 1 to 200 bytes.
    public var name: String
    /// The categories and purposes that the rules speak of.
    public var taxonomy: Taxonomy
    /// The rules; at most 512, with at most 256 facts.
    public var rules: [UseRule]
    /// Categories that together identify somebody, where each alone does not (clause P1.2).
    public var quasiIdentifiers: [Set<DataCategory>]
    /// Regions by a name of theirs; a rule asks for `residence.<name>` and `destination.<name>`. A region stands for its parts as well: `de` for `de-by`.
    public var regions: [String: Set<Region>]
    /// All regions there are; of another one, such as one that is misspelt, nobody knows where it lies. `nil` when every code is known.
    public var knownRegions: Set<Region>?

    /// A version.
    public init(
        name: String, taxonomy: Taxonomy, rules: [UseRule], quasiIdentifiers: [Set<DataCategory>] = [],
        regions: [String: Set<Region>] = [:], knownRegions: Set<Region>? = nil
    ) {
        self.name = name
        self.taxonomy = taxonomy
        self.rules = rules
        self.quasiIdentifiers = quasiIdentifiers
        self.regions = regions
        self.knownRegions = knownRegions
    }

    /// The policy, ready to decide; throws all defects at once.
    ///
    /// Complexity: O(rules · leaves of the taxonomy).
    public func compile() throws(PrivacyDefects) -> PrivacyPolicy { try PrivacyPolicy(compiling: self) }
}

extension PolicyVersion {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, taxonomy, rules, quasiIdentifiers, regions, knownRegions
    }

    /// Reads a version; a member that is not known is an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try container.decode(String.self, forKey: .name),
            taxonomy: try container.decode(Taxonomy.self, forKey: .taxonomy),
            rules: try container.decode([UseRule].self, forKey: .rules),
            quasiIdentifiers: try container.decode([Set<DataCategory>].self, forKey: .quasiIdentifiers),
            regions: try container.decode([String: Set<Region>].self, forKey: .regions),
            knownRegions: try container.decodeIfPresent(Set<Region>.self, forKey: .knownRegions))
    }

    /// Writes the version, each set in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(taxonomy, forKey: .taxonomy)
        try container.encode(rules, forKey: .rules)
        let sets = quasiIdentifiers.map { $0.map(\.description).sorted() }
        try container.encode(sets, forKey: .quasiIdentifiers)
        try container.encode(regions.mapValues { $0.map(\.description).sorted() }, forKey: .regions)
        try container.encode(sorted: knownRegions, forKey: .knownRegions)
    }
}

/// All that is wrong with a policy version, or with cookies that are to be set.
public struct PrivacyDefects: Error, Hashable, Sendable, CustomStringConvertible {
    /// A defect each.
    public let lines: [String]
    /// The defects.
    public var description: String { lines.joined(separator: "; ") }
}

/// Facts that are never a caller's to state: they follow from the request.
enum DerivedFact {
    static let given = Path(literal: "choice.given")
    static let givenToRecipient = Path(literal: "choice.givenToRecipient")
    static let givenForItem = Path(literal: "choice.givenForItem")
    static let optedOut = Path(literal: "choice.optedOut")
    static let refused = Path(literal: "choice.refused")
    static let under13 = Path(literal: "subject.under13")
    static let parentPermits = Path(literal: "subject.parentPermits")
    static let hasDestination = Path(literal: "destination.isGiven")
    static let keptForOther = Path(literal: "retention.isForOther")
    static let residence = "residence"
    static let destination = "destination"
    /// What a subject could still give.
    static let consents: Set<Path> = [given, givenToRecipient, givenForItem]
    /// What begins like this is derived, or nothing.
    static let reserved: Set<String> = ["choice", "subject", "retention", residence, destination]
}
