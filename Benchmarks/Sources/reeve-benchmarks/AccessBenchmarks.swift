// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel

/// Decisions under policies of four sizes, each with a rule on the permission that is asked for.
struct AccessBenchmarks {
    let harness: Harness

    func run() async throws {
        // As policies are counted elsewhere: users and roles together. 3; 1,100; 11,000; and 100,000 principals in three
        // environments.
        for (name, users, roles, environments) in [
            ("3 rules", 2, 1, 1), ("1,100 rules", 1000, 100, 1), ("11,000 rules", 10_000, 1000, 1),
            ("100,000 principals in 3 environments", 100_000, 100, 3),
        ] {
            try await decide(name, users, roles, environments)
        }
    }

    private func decide(_ name: String, _ users: Int, _ roles: Int, _ environments: Int) async throws {
        let workspace = Identifier<Workspace>(high: 1, low: 1)
        let text = ["credential.open", "recipe.read", "connection.read", "job.run"]
        let permissions = text.compactMap(Permission.init)
        var policy = AccessPolicy(roles: [], rules: .standard)
        for index in 0..<roles {
            guard let role = RoleName("r\(index)") else { continue }
            policy.roles.append(Role(role, .project, [permissions[index % permissions.count], permissions[0]]))
        }
        for index in 0..<users {
            guard let role = RoleName("r\(index % roles)") else { continue }
            for environment in Environment.allCases.prefix(environments) {
                policy.grants.append(
                    Grant(
                        id: Identifier(high: UInt64(index), low: UInt64(environments)), role,
                        to: .person(Identifier(high: 7, low: UInt64(index))), in: .scope(Scope(workspace, environment)),
                        reason: "bench"))
                policy.grants[policy.grants.count - 1].id = Identifier(
                    high: UInt64(policy.grants.count), low: UInt64(index))
            }
        }
        let mfa = Path("user.mfa") ?? Path("x")
        if let mfa, let rule = Path("mfa.in-production") {
            policy.rules.forbids = [
                .requires(rule, [permissions[0]], fact: mfa, environment: .production)
            ]
        }
        let compiled = try policy.compile()
        let at = Timestamp(seconds: 1_800_000_000)
        let scope = Scope(workspace, .development)
        let production = Scope(workspace, environments == 3 ? .production : .development)
        var index = 0
        var answers = 0
        let facts: [Path: Truth] = mfa.map { [$0: .yes] } ?? [:]
        try await harness.compare(
            "decide, \(name)", operations: 10_000,
            [
                .init(
                    "allowed",
                    sync: {
                        index = (index + 7919) % users
                        let request = AccessRequest(
                            Principal.person(Identifier(high: 7, low: UInt64(index))), permissions[0], in: scope, at: at
                        )
                        if compiled.decide(request).isAllowed { answers += 1 }
                    }),
                .init(
                    "allowed in production with a fact",
                    sync: {
                        index = (index + 7919) % users
                        let request = AccessRequest(
                            Principal.person(Identifier(high: 7, low: UInt64(index))), permissions[0], in: production,
                            at: at,
                            facts: facts)
                        if compiled.decide(request).isAllowed { answers += 1 }
                    }),
                .init(
                    "refused: no grant",
                    sync: {
                        index = (index + 7919) % users
                        let request = AccessRequest(
                            Principal.person(Identifier(high: 8, low: UInt64(index))), permissions[0], in: scope, at: at
                        )
                        if compiled.decide(request).isAllowed { answers += 1 }
                    }),
                .init(
                    "refused, with explanation",
                    sync: {
                        index = (index + 7919) % users
                        let request = AccessRequest(
                            Principal.person(Identifier(high: 7, low: UInt64(index))), permissions[1], in: production,
                            at: at)
                        if compiled.decide(request).explanation.isAllowed { answers += 1 }
                    }),
            ])
        guard answers > 0 else { throw BenchmarkFailure("nothing was allowed") }
        if users <= 1000 {
            try await harness.measure("compile, \(name)", operations: 20) { _ = try policy.compile() }
        }
    }
}

/// A benchmark that measured something else than it should.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
