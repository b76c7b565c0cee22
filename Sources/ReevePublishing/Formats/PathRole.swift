// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What a value in a recipe is for; decides what may be changed in it.
public enum PathRole: String, Hashable, Sendable, Codable, CodingKeyRepresentable, CaseIterable {
    /// Keeps the recipe together: ids, keywords, types. Never changed; personal data in it blocks publication.
    case structural
    /// Names another part of the recipe: a data pill, a node's name in an edge. It changes only with the name itself.
    case reference
    /// Code between the literals and references of a formula.
    case formula
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
    /// What a run left behind: sample and pinned data, cached labels of pick lists. Emptied, whatever it is.
    case sample
    /// What names a credential or a connection: each text is replaced by `Connection <k>`, in a
    /// file's name by `connection_<k>`.
    case credential
    /// An id or name of an account, an instance, a user or a webhook, or of a workflow or folder there, by which recipes could be linked:
    /// emptied.
    case identity

    /// Whether values are dropped or replaced by their role alone, before any detector runs.
    public var isDropped: Bool { self == .sample || self == .credential || self == .identity }
    /// Whether nothing may be changed.
    var isFixed: Bool { self == .structural || self == .reference }
}
