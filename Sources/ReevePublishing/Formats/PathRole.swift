// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What a value in a recipe is for; decides what may be changed in it.
public enum PathRole: String, Hashable, Sendable, Codable, CaseIterable {
    /// Keeps the recipe together: ids, keywords, types. Never changed; personal data in it blocks publication.
    case structural
    /// A value that a person typed: text, with references or formulas in it.
    case literal
    /// A text for people: names, titles, descriptions.
    case label
    /// A comment of the author's.
    case comment
    /// Source code that a step runs.
    case code
    /// The description of a step's input or output fields.
    case schema
}
