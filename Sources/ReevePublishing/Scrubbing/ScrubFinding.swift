// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A value that went by its role alone, whatever it was: a sample, the name of a credential, an account's id.
public struct DroppedValue: Hashable, Sendable {
    /// Where it stood. A key that holds personal data is shown as `(personal)`.
    public let path: JSONPath
    /// What it was for.
    public let role: PathRole
    /// Where its content stood in the input, in UTF-8 bytes.
    public let span: Range<Int>
}

/// Something in a recipe that must not be published. It never holds the value itself.
public struct ScrubFinding: Hashable, Sendable {
    /// What was done about it.
    public enum Action: String, Hashable, Sendable, Codable, CaseIterable {
        /// It was replaced by a stand-in.
        case replaced
        /// It stood in a value that goes by its role, see ``ScrubReport/dropped``.
        case dropped
        /// A person must decide: it may or may not be personal.
        case review
        /// A person decided that it may stay.
        case approved
        /// The destination's policy lets values of its class stay.
        case kept
        /// It stands where nothing may be changed: the recipe cannot be published as it is.
        case blocked
    }

    /// The class of the data.
    public let kind: DataClass
    /// Where it stands. A key that holds personal data is shown as `(personal)`.
    public internal(set) var path: JSONPath
    /// What the value is for.
    public let role: PathRole
    /// Where it stands in the input, in UTF-8 bytes.
    public let span: Range<Int>
    /// The rule that found it, for example `secret.github`.
    public let rule: String
    /// How sure the rule is: 0 to 1.
    public let score: Double
    /// What was done about it.
    public let action: Action
    /// What a person's decision about it is kept under, for the actions `review` and `approved`; `nil` without a ``Review``.
    public let fingerprint: Fingerprint?
}
