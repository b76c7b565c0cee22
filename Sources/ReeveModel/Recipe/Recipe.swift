// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A reference to a version of a recipe that the host keeps.
public struct Recipe: Hashable, Sendable, Codable, Identifiable {
    /// The recipe's id.
    public let id: Identifier<Recipe>
    /// The host's version number, from 1.
    public var version: Int

    /// A version of a recipe.
    public init(id: Identifier<Recipe>, version: Int) {
        self.id = id
        self.version = version
    }
}

/// One run of a recipe.
public struct Job: Hashable, Sendable, Codable, Identifiable {
    /// The job's id.
    public let id: Identifier<Job>
    /// The recipe that it runs.
    public var recipe: Recipe
    /// The workspace and environment in which it runs.
    public var scope: Scope

    /// A job of a recipe in a scope.
    public init(id: Identifier<Job>, recipe: Recipe, scope: Scope) {
        self.id = id
        self.recipe = recipe
        self.scope = scope
    }
}
