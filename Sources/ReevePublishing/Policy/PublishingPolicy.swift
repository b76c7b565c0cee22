// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel

/// What may be published at one destination, and what stands for what may not.
///
/// A scrubber knows one for each destination; one that it is told none for gets ``everyone``:
///
///     let scrubber = Scrubber(policies: [team: .organization])
public struct PublishingPolicy: Hashable, Sendable {
    /// Who can read what is published.
    public enum Audience: String, Hashable, Sendable, Codable, CaseIterable {
        /// Everyone: nothing personal stays (clause P1.4).
        case everyone
        /// Those of another organisation with whom something was agreed.
        case partner
        /// Those of the organisation that the recipe is from.
        case organization

        /// What to tell an author before a recipe is published, for all to read (clauses P4.1, P4.2); `nil` for smaller audiences.
        public var warning: String? {
            guard self == .everyone else { return nil }
            return
                "everyone can read, collect and use what is published here, and copies may remain after it is withdrawn"
        }
    }

    /// What stands in a recipe for a value that was taken out.
    public enum Replacement: String, Hashable, Sendable, Codable, CaseIterable {
        /// A made-up value of the same class, which nobody has: the recipe works as it did.
        case standIn = "stand-in"
        /// A ``RecipeParameter``, which whoever installs the recipe fills in. A number gets a stand-in.
        case parameter
    }

    /// Who can read what is published.
    public let audience: Audience
    /// Classes of personal data that stay; never secrets, and none where everyone reads.
    public let kept: Set<DataClass>
    /// What stands for what was taken out.
    public let replacement: Replacement
    /// Whether a recipe may go there that its author marked as private (clause P4.1).
    public let admitsPrivate: Bool

    /// Everything goes, and what its author keeps private is not published.
    public static let everyone = PublishingPolicy(audience: .everyone, [], .standIn, admitsPrivate: false)
    /// Everything goes.
    public static let partner = PublishingPolicy(audience: .partner, [], .standIn, admitsPrivate: true)
    /// E-mail addresses and telephone numbers stay.
    public static let organization = PublishingPolicy(
        audience: .organization, [.email, .phone], .standIn, admitsPrivate: true)

    /// A policy of one's own. What is left out is as for everyone; private recipes go to smaller audiences, and to everyone where
    /// publishing is what makes them public.
    public init(
        audience: Audience, keeping kept: Set<DataClass> = [], replacement: Replacement = .standIn,
        admitsPrivate: Bool? = nil
    ) throws(PublishingPolicyError) {
        guard !kept.contains(.secret) else { throw .secretsNeverStay }
        guard audience != .everyone || kept.isEmpty else { throw .everyoneReadsNothingPersonal }
        self.init(audience: audience, kept, replacement, admitsPrivate: admitsPrivate ?? (audience != .everyone))
    }

    private init(audience: Audience, _ kept: Set<DataClass>, _ replacement: Replacement, admitsPrivate: Bool) {
        self.audience = audience
        self.kept = kept
        self.replacement = replacement
        self.admitsPrivate = admitsPrivate
    }

    /// The digest of what it says: equal policies have equal ones.
    func digest(with custom: CustomRules = .none) throws(CryptoError) -> Digest {
        let parts =
            ["reeve publishing policy", audience.rawValue, replacement.rawValue, admitsPrivate ? "private" : ""]
            + kept.map(\.rawValue).sorted() + (custom.isEmpty ? [] : ["rules", custom.canonical])
        return try Digest(hashing: Array(parts.joined(separator: "\0").utf8))
    }
}

extension PublishingPolicy: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable { case audience, keeping, replacement, admitsPrivate }

    /// Reads a policy, for example `{"audience": "organization", "keeping": ["e-mail"], "replacement": "parameter"}`; what is left out is
    /// as in ``init(audience:keeping:replacement:admitsPrivate:)``, which also says what it throws. A key that a policy does not have is an error:
    /// what somebody meant to forbid would be allowed.
    public init(from decoder: any Decoder) throws {
        let all = try decoder.container(keyedBy: AnyKey.self)
        let known = Set(CodingKeys.allCases.map(\.stringValue))
        if let unknown = all.allKeys.first(where: { !known.contains($0.stringValue) }) {
            throw DecodingError.dataCorruptedError(
                forKey: unknown, in: all, debugDescription: "a policy has no such key")
        }
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            audience: try values.decode(Audience.self, forKey: .audience),
            keeping: try values.decodeIfPresent(Set<DataClass>.self, forKey: .keeping) ?? [],
            replacement: try values.decodeIfPresent(Replacement.self, forKey: .replacement) ?? .standIn,
            admitsPrivate: try values.decodeIfPresent(Bool.self, forKey: .admitsPrivate))
    }

    /// Writes all of it, classes in order.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(audience, forKey: .audience)
        try values.encode(kept.sorted { $0.rawValue < $1.rawValue }, forKey: .keeping)
        try values.encode(replacement, forKey: .replacement)
        try values.encode(admitsPrivate, forKey: .admitsPrivate)
    }
}

/// What is wrong with a policy.
public enum PublishingPolicyError: Error, Hashable, Sendable {
    /// A secret is published nowhere.
    case secretsNeverStay
    /// What everyone reads keeps nothing personal (clause P1.4).
    case everyoneReadsNothingPersonal
}

extension PublishingPolicyError: CustomStringConvertible {
    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .secretsNeverStay: "secrets are published nowhere; take them out of `keeping`"
        case .everyoneReadsNothingPersonal:
            "where everyone reads nothing personal stays; keep nothing, or name a smaller audience"
        }
    }
}
