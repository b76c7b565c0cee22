// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A step that a job ran, as far as it matters for what it costs.
public struct JobStep: Hashable, Sendable, Codable {
    /// What kind of step it is.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// What started the job.
        case trigger
        /// Something done in an app.
        case action
        /// Something done by a tool of the platform itself, such as a look-up table.
        case utility
        /// A call of another recipe, whose steps are those of a job of its own.
        case recipeCall
        /// A condition, a loop, a stop, the handling of an error.
        case controlFlow
    }

    /// Where in the recipe the step stands, for example `3.1`: with iteration and attempt, what tells it from the job's others.
    public let path: String
    /// Which pass of the loops around it this was, from 0; loops within loops are counted through.
    public let iteration: Int
    /// Which attempt this was, from 0.
    public let attempt: Int
    /// What kind of step it is.
    public let kind: Kind
    /// The connector that it uses, by the name that the rules have for it; `nil` for none.
    public let connector: String?
    /// Whether it was done. What failed costs nothing, and neither does what was skipped, which is no step at all.
    public let succeeded: Bool

    /// A step. How many records it worked on does not matter: a batch is one step.
    public init(
        _ kind: Kind, path: String, iteration: Int = 0, attempt: Int = 0, connector: String? = nil,
        succeeded: Bool = true
    ) {
        self.path = path
        self.iteration = iteration
        self.attempt = attempt
        self.kind = kind
        self.connector = connector
        self.succeeded = succeeded
    }
}
