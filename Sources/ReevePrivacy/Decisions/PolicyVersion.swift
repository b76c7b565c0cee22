// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// One version of a privacy policy as data: its rules, and the words they use.
///
/// ``compile()`` checks it and makes it fast. A version never changes: what is in force when is for a `Timeline` of versions to say.
public struct PolicyVersion: Hashable, Sendable, Codable {
    /// The version's name, such as the date of its text: `2016-03-07`.
    public var name: String
    /// The categories and purposes that the rules speak of.
    public var taxonomy: Taxonomy
    /// The rules; at most 512, with at most 256 facts.
    public var rules: [UseRule]
    /// Categories that together identify somebody, where each alone does not (clause P1.2).
    public var quasiIdentifiers: [Set<DataCategory>]
    /// Regions by a name of theirs; a rule asks for `residence.<name>` and `destination.<name>`.
    public var regions: [String: Set<Region>]

    /// A version.
    public init(
        name: String, taxonomy: Taxonomy, rules: [UseRule], quasiIdentifiers: [Set<DataCategory>] = [],
        regions: [String: Set<Region>] = [:]
    ) {
        self.name = name
        self.taxonomy = taxonomy
        self.rules = rules
        self.quasiIdentifiers = quasiIdentifiers
        self.regions = regions
    }

    /// The policy, ready to decide; throws all defects at once.
    ///
    /// Complexity: O(rules · leaves of the taxonomy).
    public func compile() throws(PolicyDefects) -> PrivacyPolicy { try PrivacyPolicy(compiling: self) }
}

/// All that is wrong with a policy version.
public struct PolicyDefects: Error, Hashable, Sendable, CustomStringConvertible {
    /// A defect each.
    public let lines: [String]
    /// The defects.
    public var description: String { lines.joined(separator: "; ") }
}

/// Facts that are never a caller's to state: they follow from the request.
enum DerivedFact {
    static let given = Path.literal("choice.given")
    static let optedOut = Path.literal("choice.optedOut")
    static let under13 = Path.literal("subject.under13")
    static let residence = "residence"
    static let destination = "destination"
    /// What begins like this is derived, or nothing.
    static let reserved: Set<String> = ["choice", "subject", residence, destination]
}

extension Path {
    /// A path written in this room's own source.
    static func literal(_ text: StaticString) -> Path { Path(literal: text) }
}
