// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What a recipe is made of, whatever platform wrote it: its trigger and steps, how they are nested, which values flow
/// from one into another, and which connections it uses.
public struct RecipeOutline: Hashable, Sendable {
    /// One step.
    public struct Step: Hashable, Sendable {
        /// What a step does.
        public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
            /// Starts a job.
            case trigger
            /// Does something in an app.
            case action
            /// Runs its steps when a condition holds; ``alternative`` and ``otherwise`` follow beside it.
            case condition
            /// Runs its steps when no condition before it held and its own does.
            case alternative
            /// Runs its steps when no condition before it held.
            case otherwise
            /// Runs its steps for each element, or as long as a condition holds.
            case loop
            /// Runs its steps; when one fails, those of the ``failure`` beside it.
            case attempt
            /// Runs its steps when one of the attempt failed.
            case failure
            /// Ends the job.
            case stop
            /// Calls another recipe.
            case call
            /// Something else; ``operation`` has the platform's word for it.
            case other
        }

        /// What it does.
        public var kind: Kind
        /// Its number in the recipe, as the platform counts.
        public var number: Int?
        /// The name by which other steps refer to it; unique in the recipe.
        public var alias: String?
        /// The app that it uses, by the platform's name for it.
        public var provider: String?
        /// What it does there, by the platform's name for it.
        public var operation: String?
        /// The values of other steps that it uses, in the order in which they stand.
        public var pills: [Pill] = []
        /// The steps inside it.
        public var steps: [Step] = []

        /// A step of a kind, without anything in it yet.
        public init(
            _ kind: Kind, number: Int? = nil, alias: String? = nil, provider: String? = nil, operation: String? = nil
        ) {
            self.kind = kind
            self.number = number
            self.alias = alias
            self.provider = provider
            self.operation = operation
        }
    }

    /// A reference to a value of another step.
    public struct Pill: Hashable, Sendable {
        /// The alias of the step that the value comes from; `nil` for what no step makes, such as a property.
        public var source: String?
        /// The value's place in that step's output, from the outside; a step into a list is `[]`.
        public var path: [String]

        /// A reference to a value of the step with this alias.
        public init(source: String?, path: [String]) {
            self.source = source
            self.path = path
        }
    }

    /// The trigger, which has all other steps inside it; `nil` for a recipe that has none.
    public var trigger: Step?
    /// The apps whose connections it uses, by the platform's names, in the order in which they are named.
    public var connections: [String] = []

    /// An outline with a trigger.
    public init(trigger: Step? = nil) {
        self.trigger = trigger
    }

    /// All steps, the trigger first, in the order in which they stand. Complexity: O(steps).
    public var allSteps: [Step] {
        var (steps, open): ([Step], [Step]) = ([], trigger.map { [$0] } ?? [])
        while let step = open.popLast() {
            steps.append(step)
            open += step.steps.reversed()
        }
        return steps
    }

    /// The pills whose source is no step of the recipe.
    public var unresolvedPills: [Pill] {
        let steps = allSteps
        let aliases = Set(steps.compactMap(\.alias))
        return steps.flatMap(\.pills).filter { pill in pill.source.map { !aliases.contains($0) } ?? false }
    }
}
