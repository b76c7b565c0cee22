// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveTesting
import Testing

/// DESIGN §6 against a naive reference.
@Suite struct DecisionProperties {
    private func compile(_ policy: AccessPolicy) throws -> CompiledPolicy { try policy.compile() }

    /// Laws L1–L5 and L19 of access: the compiled policy decides as the reference does.
    @Test func decisionsAgreeWithTheReference() throws {
        var generator = PolicyGenerator(random: Scale.current.generator(for: "access.decide"))
        let cases = Scale.current.cases(ci: 100_000, soak: 1_000_000)
        var (allowed, count) = (0, 0)
        while count < cases {
            let policy = generator.policy()
            let (compiled, reference) = (try compile(policy), AccessReference(policy: policy))
            for _ in 0..<500 {
                let request = generator.request()
                let decision = compiled.decide(request)
                #expect(decision.isAllowed == reference.isAllowed(request), "\(policy) \(request)")
                allowed += decision.isAllowed ? 1 : 0
                count += 1
            }
        }
        // Both answers are common enough for the comparison to mean something.
        #expect(allowed > cases / 100 && allowed < cases / 2)
    }

    /// Twelve mistakes that a policy engine could make are each told from the real one.
    @Test(arguments: AccessReference.Flaw.allCases) func everyFlawIsCaught(_ flaw: AccessReference.Flaw) throws {
        var generator = PolicyGenerator(random: Scale.current.generator(for: "access.flaw.\(flaw.rawValue)"))
        for _ in 0..<2000 {
            let policy = generator.policy()
            let (compiled, flawed) = (try compile(policy), AccessReference(policy: policy, flaw: flaw))
            for _ in 0..<200 {
                let request = generator.request()
                if compiled.decide(request).isAllowed != flawed.isAllowed(request) { return }
            }
        }
        Issue.record("`\(flaw)` decides as the real engine in all cases")
    }

    /// In a large policy each principal of each kind has exactly its own grants, also where many hashes meet.
    @Test func eachSeatOfALargePolicyHasItsOwnGrants() throws {
        var generator = Scale.current.generator(for: "access.seats")
        let permissions = try (0..<3).map { try #require(Permission("bench.p\($0)")) }
        let roles = try permissions.indices.map { try #require(RoleName("r\($0)")) }
        let workspaces = (0..<3).map { Identifier<Workspace>(high: 0, low: UInt64($0)) }
        func principal(_ number: Int) -> Principal {
            switch number % 4 {
            case 0: .person(Identifier(high: UInt64(number), low: 0))
            case 1: .person(Identifier(high: 0, low: UInt64(number)))
            case 2: .rule("rule\(number)")
            default: .host("host\(number)")
            }
        }
        for size in [0, 1, 3, 4, 5, 8, 4000] {
            var policy = AccessPolicy(
                permissions: permissions.map { PermissionDefinition($0, .shared) },
                roles: zip(roles, permissions).map { Role($0, .project, [$1]) }, rules: AccessRules())
            var given = Set<[Int]>()
            while given.count < size {
                let grant = [
                    Int.random(in: 0..<3000, using: &generator), .random(in: 0..<3, using: &generator),
                    .random(in: 0..<3, using: &generator),
                ]
                guard given.insert(grant).inserted else { continue }
                policy.grants.append(
                    Grant(
                        id: Identifier(high: 1, low: UInt64(given.count)), roles[grant[2]], to: principal(grant[0]),
                        in: .scope(Scope(workspaces[grant[1]])), reason: "test"))
            }
            let compiled = try policy.compile()
            for number in 0..<3000 {
                for (place, workspace) in workspaces.enumerated() {
                    let held = compiled.permissions(
                        of: principal(number), in: Scope(workspace), at: Timestamp(seconds: 1_800_000_000))
                    #expect(
                        held
                            == permissions.indices.filter { given.contains([number, place, $0]) }.map {
                                permissions[$0]
                            })
                }
            }
        }
    }

    /// Nobody without a grant is taken for somebody whose hash looks like his.
    @Test func noStrangerIsTakenForAnother() throws {
        var generator = Scale.current.generator(for: "access.strangers")
        let (permission, role) = (try #require(Permission("bench.p")), RoleName(stringLiteral: "r"))
        let scope = Scope(Identifier<Workspace>(high: 0, low: 1))
        var policy = AccessPolicy(
            permissions: [PermissionDefinition(permission, .shared)], roles: [Role(role, .project, [permission])],
            rules: AccessRules())
        for number in 0..<4000 {
            policy.grants.append(
                Grant(
                    id: Identifier(high: 1, low: UInt64(number)), role,
                    to: .person(Identifier(high: 1, low: UInt64(number))),
                    in: .scope(scope), reason: "test"))
        }
        let compiled = try policy.compile()
        // A slot keeps 19 bits of a hash: of so many strangers some meet one that is equal.
        var allowed = 0
        for _ in 0..<Scale.current.cases(ci: 3_000_000, soak: 20_000_000) {
            let stranger = Principal.person(Identifier(high: 2, low: generator.next()))
            let request = AccessRequest(stranger, permission, in: scope, at: Timestamp(seconds: 1_800_000_000))
            if compiled.decide(request).isAllowed { allowed += 1 }
        }
        #expect(allowed == 0)
    }

    /// What is not in the explanation can be changed freely, and an explanation says what was decided.
    @Test func explanationsAreSufficient() throws {
        var generator = PolicyGenerator(random: Scale.current.generator(for: "access.explain"))
        for _ in 0..<Scale.current.cases(ci: 100, soak: 2000) {
            let compiled = try compile(generator.policy())
            for _ in 0..<100 {
                let request = generator.request()
                let decision = compiled.decide(request)
                let explanation = decision.explanation
                #expect(explanation.isAllowed == decision.isAllowed && explanation.reason == decision.reason)
                #expect((explanation.granted == nil) == (explanation.missing != nil))
                if decision.reason == .forbidden { #expect(explanation.findings.contains { $0.truth != .no }) }
                if decision.isAllowed { #expect(explanation.findings.allSatisfy { $0.truth == .no }) }
                // What is said to be missing can be given, and is then not missing any more.
                if decision.reason == .noGrant, let missing = explanation.missing, let role = missing.role {
                    var richer = compiled.policy
                    richer.grants.append(
                        Grant(
                            id: Identifier(high: 99, low: 99), role, to: request.principal, in: .scope(missing.scope),
                            reason: "missing"))
                    #expect(try compile(richer).decide(request).reason != .noGrant)
                }
                // Only the facts that some rule about this request looks at can change the answer.
                let rules = Set(explanation.findings.map(\.rule))
                let looked = Set(
                    compiled.policy.rules.forbids.filter { rules.contains($0.name) }.flatMap { $0.when.facts })
                for fact in generator.facts where !looked.contains(fact) {
                    for truth in Truth.allCases {
                        var other = request
                        other.facts[fact] = truth
                        #expect(compiled.decide(other).isAllowed == decision.isAllowed)
                    }
                }
            }
        }
    }

    /// Law L5: learning a fact never takes back what was allowed without it, but by a rule about what is known; L4: another forbid never allows.
    @Test func knowingMoreNeverRevokes() throws {
        var generator = PolicyGenerator(random: Scale.current.generator(for: "access.monotone"), usesKnown: false)
        for _ in 0..<Scale.current.cases(ci: 100, soak: 2000) {
            let policy = generator.policy()
            let compiled = try compile(policy)
            var stricter = policy
            stricter.rules.forbids.append(Forbid(path("one.more"), [generator.permissions[0]]))
            stricter.grants.removeLast(min(1, stricter.grants.count))
            let strict = try compile(stricter)
            for _ in 0..<100 {
                let request = generator.request()
                let isAllowed = compiled.decide(request).isAllowed
                if !isAllowed { #expect(!strict.decide(request).isAllowed) }
                guard isAllowed else { continue }
                for fact in generator.facts where (request.facts[fact] ?? .unknown) == .unknown {
                    for truth in [Truth.yes, .no] {
                        var other = request
                        other.facts[fact] = truth
                        #expect(compiled.decide(other).isAllowed)
                    }
                }
            }
        }
    }

    @Test func whoCanIsAllWhoAreAllowed() throws {
        var generator = PolicyGenerator(random: Scale.current.generator(for: "access.whoCan"))
        for _ in 0..<Scale.current.cases(ci: 300, soak: 10_000) {
            let compiled = try compile(generator.policy())
            let request = generator.request()
            let found = compiled.whoCan(
                request.permission, in: request.scope, at: request.at, facts: request.facts, change: request.change)
            let all = generator.principals.filter { principal in
                var request = request
                request.principal = principal
                return compiled.decide(request).isAllowed
            }
            #expect(found == all.sorted())
        }
    }

    /// Law L18: a policy does not differ from itself, and a diff is the cells in which two decide differently.
    @Test func diffsAgreeCellByCell() throws {
        var generator = PolicyGenerator(random: Scale.current.generator(for: "access.diff"))
        for _ in 0..<Scale.current.cases(ci: 60, soak: 2000) {
            let (first, second) = (generator.policy(), generator.policy())
            let (old, new) = (try compile(first), try compile(second))
            let request = generator.request()
            func diff(_ left: CompiledPolicy, _ right: CompiledPolicy) -> [AccessChange] {
                PolicyDiff.between(left, right, at: request.at, facts: request.facts, change: request.change)
            }
            #expect(diff(old, old).isEmpty)
            let found = diff(old, new)
            #expect(Set(found).count == found.count)
            #expect(Set(diff(new, old).map(\.scope)) == Set(found.map(\.scope)))
            // Every place of a small world, a workspace and a project that no policy names among them.
            let stranger = Identifier<Workspace>(high: 9, low: 9)
            let strangeProject = Identifier<Project>(high: 9, low: 9)
            var scopes = [Scope.platform]
            for workspace in generator.workspaces.compactMap(\.self) + [stranger] {
                for environment in generator.environments {
                    for project in Set(generator.projects + [strangeProject]) {
                        scopes.append(Scope(workspace, environment, project: project))
                    }
                }
            }
            for principal in generator.principals {
                for scope in scopes {
                    for permission in generator.permissions {
                        let cell = AccessRequest(
                            principal, permission, in: scope, at: request.at, facts: request.facts,
                            change: request.change)
                        let (before, after) = (old.decide(cell).isAllowed, new.decide(cell).isAllowed)
                        let listed = found.filter { change in
                            change.principal == principal && change.permission == permission
                                && change.scope.environment == scope.environment
                                && isSameWorkspace(change, scope, old, new)
                                && isSameProject(change, scope, old, new)
                        }
                        #expect(listed.contains { $0.isAllowed == after } == (before != after), "\(cell)")
                    }
                }
            }
        }
    }

    /// Whether a cell's workspace is the scope's, or stands for it.
    private func isSameWorkspace(_ change: AccessChange, _ scope: Scope, _ policies: CompiledPolicy...) -> Bool {
        guard change.isAnyOtherWorkspace else { return change.scope.workspace == scope.workspace }
        guard let workspace = scope.workspace else { return false }
        return !policies.contains { compiled in
            let own = compiled.policy.grants.filter { $0.principal == change.principal }.map(\.reach)
            return (own + compiled.policy.rules.forbids.map(\.reach)).contains { $0.scope.workspace == workspace }
        }
    }

    private func isSameProject(_ change: AccessChange, _ scope: Scope, _ policies: CompiledPolicy...) -> Bool {
        guard change.isAnyOtherProject else { return change.scope.project == scope.project }
        guard let project = scope.project, !change.isAnyOtherWorkspace else { return scope.project != nil }
        return !policies.contains { policy in
            reaches(policy.policy).contains { $0.workspace == scope.workspace && $0.project == project }
        }
    }

    private func reaches(_ policy: AccessPolicy) -> [Scope] {
        (policy.grants.map(\.reach) + policy.rules.forbids.map(\.reach)).compactMap { reach in
            if case .scope(let scope) = reach { scope } else { nil }
        }
    }
}
