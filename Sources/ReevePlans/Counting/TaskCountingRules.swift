// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What each step of a job costs in tasks, as one immutable version: data that a host publishes to its customers.
///
///     let rules = TaskCountingRules.everyAction
///     let admission = try await meter.admit(job, of: company, tasks: rules.tasks(of: planned))
///
/// In all of them a loop costs what its steps cost each time, a batch is one step however many records it has, steps that
/// succeeded count also when the job fails later, what failed costs nothing, and a job that is run again costs again.
public struct TaskCountingRules: Hashable, Sendable, Codable {
    /// The name of the rules, for example `every-action`.
    public let name: String
    /// The version, from 1.
    public let version: Int
    /// Tasks for what starts a job, 0 to 1,000.
    public var trigger: Int
    /// Tasks for an action, 0 to 1,000.
    public var action: Int
    /// Tasks for a step of the platform's own tools, 0 to 1,000.
    public var utility: Int
    /// Tasks for the call of another recipe, 0 to 1,000; the steps of the recipe that is called are counted as well.
    public var recipeCall: Int
    /// Tasks for conditions, loops and the like, 0 to 1,000.
    public var controlFlow: Int
    /// Connectors whose steps cost nothing, whatever they are.
    public var freeConnectors: Set<String>

    /// Rules of one's own.
    public init(
        name: String, version: Int = 1, trigger: Int = 0, action: Int = 1, utility: Int = 1, recipeCall: Int = 1,
        controlFlow: Int = 0, freeConnectors: Set<String> = []
    ) {
        self.name = name
        self.version = version
        self.trigger = trigger
        self.action = action
        self.utility = utility
        self.recipeCall = recipeCall
        self.controlFlow = controlFlow
        self.freeConnectors = freeConnectors
    }

    /// Triggers and actions, calls not: as Workato counted tasks until 2020.
    public static let triggersAndActions = TaskCountingRules(name: "triggers-and-actions", trigger: 1, recipeCall: 0)

    /// Actions and calls: as Workato counted tasks from about 2021 to 2024.
    public static let actionsAndCalls = TaskCountingRules(name: "actions-and-calls")

    /// Triggers and actions in apps that count: Workato's business actions of 2025, with its list of what does not.
    public static let businessActions = TaskCountingRules(
        name: "business-actions", trigger: 1, recipeCall: 0,
        freeConnectors: [
            "API Platform by Workato", "Callable Recipes by Workato", "JWT Tools by Workato", "Logger by Workato",
            "Lookup Tables by Workato", "Mapper by Workato", "Message Template by Workato", "PGP Tools by Workato",
            "People Task by Workato", "Recipe Function by Workato", "RecipeOps by Workato", "Scheduler by Workato",
            "Variables by Workato", "Workato Data Tables", "Workato FileStorage",
        ])

    /// Every action of any connector, calls among them, and nothing else: Workato's tasks as of 2026.
    public static let everyAction = TaskCountingRules(name: "every-action")

    /// All defects, each as a line; empty when there is none.
    public func validate() -> [String] {
        var defects: [String] = []
        if name.isEmpty { defects.append("counting rules need a name") }
        if version < 1 { defects.append("version must be 1 or more") }
        for kind in JobStep.Kind.allCases where !(0...1000).contains(price(of: kind)) {
            defects.append("a step of kind `\(kind.rawValue)` must cost 0 to 1,000 tasks, not \(price(of: kind))")
        }
        return defects
    }

    /// Tasks for one step, 0 to 1,000: prices out of range count as the nearest.
    public func tasks(for step: JobStep) -> Int {
        guard step.succeeded, step.connector.map({ !freeConnectors.contains($0) }) ?? true else { return 0 }
        return min(max(price(of: step.kind), 0), 1000)
    }

    /// Tasks for all steps of a run of a job, each counted once however often it is among them. Complexity: O(n log n) for
    /// n steps.
    public func tasks(of steps: [JobStep]) -> Int { charges(of: steps).tasks }

    /// The charges of steps by what each costs, and the tasks of all of them: what costs nothing is none.
    func charges(of steps: [JobStep]) -> (byPrice: [Int: ChargeSet], tasks: Int) {
        var (charges, tasks, seen) = ([Int: ChargeSet](), 0, ChargeSet())
        // In order, so that each pass goes to the end of those before; of passes that are told at several prices the first counts.
        var places: [ChargeSet.Step: [(iteration: Int, price: Int)]] = [:]
        for step in steps {
            let price = self.tasks(for: step)
            guard price > 0 else { continue }
            places[ChargeSet.Step(path: step.path, attempt: step.attempt), default: []].append((step.iteration, price))
        }
        for (place, passes) in places {
            for (_, pass) in passes.enumerated().sorted(by: { ($0.1.iteration, $0.0) < ($1.1.iteration, $1.0) }) {
                guard seen.insert(pass.iteration, of: place) else { continue }
                charges[pass.price, default: ChargeSet()].insert(pass.iteration, of: place)
                tasks = tasks.saturatingAdd(pass.price)
            }
        }
        return (charges, tasks)
    }

    private func price(of kind: JobStep.Kind) -> Int {
        switch kind {
        case .trigger: trigger
        case .action: action
        case .utility: utility
        case .recipeCall: recipeCall
        case .controlFlow: controlFlow
        }
    }
}
