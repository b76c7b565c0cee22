// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePlans
import ReeveTesting
import Testing

@Suite struct CountingTests {
    /// A trigger, an action, a look-up, a loop of three, a batch of a hundred, a call, and a step that fails three times.
    static let job: [JobStep] = [
        JobStep(.trigger, path: "0", connector: "Salesforce"),
        JobStep(.action, path: "1", connector: "Salesforce"),
        JobStep(.utility, path: "2", connector: "Lookup Tables by Workato"),
        JobStep(.controlFlow, path: "3"),
        JobStep(.action, path: "3.1", iteration: 0, connector: "Slack"),
        JobStep(.action, path: "3.1", iteration: 1, connector: "Slack"),
        JobStep(.action, path: "3.1", iteration: 2, connector: "Slack"),
        JobStep(.action, path: "4", connector: "Salesforce"),
        JobStep(.recipeCall, path: "5", connector: "Recipe Function by Workato"),
        JobStep(.action, path: "6", attempt: 0, connector: "Jira", succeeded: false),
        JobStep(.action, path: "6", attempt: 1, connector: "Jira", succeeded: false),
        JobStep(.action, path: "6", attempt: 2, connector: "Jira", succeeded: false),
    ]
    /// The job of the recipe that is called.
    private static let called: [JobStep] = [
        JobStep(.trigger, path: "0", connector: "Recipe Function by Workato"),
        JobStep(.action, path: "1", connector: "Slack"), JobStep(.action, path: "2", connector: "Slack"),
    ]

    /// One worked job under the four published sets of rules; run again in `ChargeTests.aRunAgainCostsAgain`.
    @Test(arguments: [
        (TaskCountingRules.triggersAndActions, 7, 3), (.actionsAndCalls, 7, 2), (.businessActions, 6, 2),
        (.everyAction, 7, 2),
    ])
    func theFourPublishedRules(_ rules: TaskCountingRules, _ own: Int, _ called: Int) {
        #expect(rules.tasks(of: Self.job) == own)
        #expect(rules.tasks(of: Self.called) == called)
        #expect(rules.validate().isEmpty)
    }

    /// Whatever is told twice or in another order costs the same.
    @Test func orderAndRepetitionDoNotMatter() {
        var generator = Scale.current.generator(for: "task counting")
        for rules in [TaskCountingRules.triggersAndActions, .actionsAndCalls, .businessActions, .everyAction] {
            for _ in 0..<50 {
                let told = (Self.job + Self.job.filter { _ in Bool.random(using: &generator) })
                    .shuffled(using: &generator)
                #expect(rules.tasks(of: told) == rules.tasks(of: Self.job))
            }
        }
    }

    @Test func rulesAreDataWithAVersion() throws {
        var rules = TaskCountingRules(name: "ours", version: 3, trigger: 2, controlFlow: 1, freeConnectors: ["Slack"])
        #expect(rules.tasks(of: Self.job) == 2 + 1 + 1 + 1 + 1 + 1)
        let encoded = try JSONEncoder().encode(rules)
        #expect(try JSONDecoder().decode(TaskCountingRules.self, from: encoded) == rules)
        rules.action = -1
        rules.utility = .max
        // Out of range, and far too many of them: no trap, and the nearest price.
        #expect(
            rules.tasks(of: [JobStep(.action, path: "1"), JobStep(.utility, path: "2"), JobStep(.utility, path: "3")])
                == 2000)
        #expect(rules.validate().count == 2)
        #expect(TaskCountingRules(name: "", version: 0).validate().count == 2)
    }
}
