// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// That somebody takes the holder over, or a part of it (clauses P15.1, P15.2).
public struct Succession: Hashable, Sendable, Codable {
    /// How.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// Both become one.
        case merger
        /// The holder is bought.
        case acquisition
        /// A part of it goes to another.
        case divestiture
        /// What it has is sold.
        case saleOfAssets
        /// It takes another form.
        case reorganization
        /// It ends.
        case dissolution
        /// It cannot pay.
        case bankruptcy
    }

    /// How.
    public let kind: Kind
    /// The host's reference to the papers of the transaction.
    public let reference: String
    /// From when on.
    public let effective: Timestamp
    /// The versions of the policy that the successor is bound by, by name: data may go to it where the one in force is among them.
    public let bound: Set<String>

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case kind, reference, effective, bound
    }

    /// Reads a succession; a member that is not known is an error.
    public init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(Kind.self, forKey: .kind),
            reference: try container.decode(String.self, forKey: .reference),
            effective: try container.decode(Timestamp.self, forKey: .effective),
            bound: try container.decode(Set<String>.self, forKey: .bound))
    }

    /// A succession.
    public init(_ kind: Kind, reference: String, effective: Timestamp, bound: Set<String>) {
        self.kind = kind
        self.reference = reference
        self.effective = effective
        self.bound = bound
    }
}
