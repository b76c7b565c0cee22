// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveAccess
import ReeveModel
import ReeveStorage
import Testing

private let workspace = Identifier<Workspace>(high: 2, low: 1)
private let dana = Principal.person(Identifier(high: 1, low: 1))
private let lee = Principal.person(Identifier(high: 1, low: 2))
private let noon = Timestamp(seconds: 1_768_478_400)

@Suite struct PolicyTests {
    /// What each standard role may do, written out: a permission that comes to one of them shows here (clause S1.3).
    @Test func theStandardRolesHoldExactlyThis() throws {
        let analyst = ["connection.read", "job.read", "recipe.read"]
        let auditor = ["access.read", "audit.read", "plan.read"]
        let admin = ["access.manage", "environment.manage", "quorum.propose"] + auditor
        let `operator` = ["credential.open", "job.run", "quorum.propose"] + analyst
        let developer = ["connection.edit", "credential.store", "recipe.edit"] + `operator`
        let expected: [RoleName: [String]] = [
            "auditor": auditor, "admin": admin,
            "owner": ["hold.change", "plan.change", "price.approve", "quorum.approve"] + admin,
            "analyst": analyst, "operator": `operator`, "developer": developer,
            "reviewer": ["finding.approve", "recipe.approve"] + analyst, "deployer": ["recipe.deploy"] + analyst,
            "projectAdmin": [
                "access.manage", "credential.destroy", "finding.approve", "recipe.approve", "recipe.deploy",
            ]
                + developer,
            "keyManager": ["key.manage"], "secretExporter": ["credential.export"],
            "privacyOfficer": ["request.answer"], "dataTransferrer": ["data.transfer"],
            "publisher": ["recipe.publish"] + analyst,
            "auditKeeper": ["audit.erase", "audit.prune", "audit.reveal"] + auditor,
        ]
        #expect(Set(AccessPolicy.standardRoles.map(\.name)) == Set(expected.keys))
        let somebody = Principal.person(Identifier(high: 1, low: 1))
        let workspace = Identifier<Workspace>(high: 2, low: 2)
        for role in AccessPolicy.standardRoles {
            let project: Identifier<Project>? = role.kind == .project ? Identifier(high: 3, low: 3) : nil
            let scope = Scope(workspace, .development, project: project)
            let policy = AccessPolicy(
                grants: [
                    Grant(id: Identifier(high: 4, low: 4), role.name, to: somebody, in: .scope(scope), reason: "test")
                ])
            let held = try policy.compile().permissions(
                of: somebody, in: scope, at: Timestamp(seconds: 1_800_000_000),
                change: ChangeHistory(reached: Set(Environment.allCases)))
            #expect(held.map(\.description) == Set(expected[role.name] ?? []).sorted(), "\(role.name)")
        }
    }

    private func give(
        _ role: RoleName, _ who: Principal = dana, _ reach: Reach = .scope(Scope(workspace)), from: Timestamp? = nil,
        until: Timestamp? = nil
    ) -> Grant {
        Grant(role, to: who, in: reach, from: from, until: until, reason: "test")
    }

    private func can(
        _ policy: AccessPolicy, _ text: String, _ scope: Scope, _ who: Principal = dana, at instant: Timestamp = noon,
        facts: [Path: Truth] = [:], change: ChangeHistory? = nil
    ) throws -> AccessDecision {
        try policy.compile().decide(
            AccessRequest(who, permission(text), in: scope, at: instant, facts: facts, change: change))
    }

    /// Clause S1.3: three environments × all roles × all permissions, each cell as the reference has it.
    @Test func everyCellOfTheStandardRoles() throws {
        for role in AccessPolicy.standardRoles {
            for granted in [nil] + Environment.allCases.map({ $0 as Environment? }) {
                let policy = AccessPolicy(grants: [give(role.name, dana, .scope(Scope(workspace, granted)))])
                let (compiled, reference) = (try policy.compile(), AccessReference(policy: policy))
                for asked in Environment.allCases {
                    for definition in policy.permissions {
                        for change in [nil, ChangeHistory(reached: Set(Environment.allCases))] {
                            let request = AccessRequest(
                                dana, definition.permission, in: Scope(workspace, asked), at: noon, change: change)
                            let decision = compiled.decide(request)
                            #expect(decision.isAllowed == reference.isAllowed(request))
                            if decision.isAllowed { #expect(granted == nil || granted == asked) }
                        }
                    }
                }
            }
        }
    }

    @Test func aDevelopmentAdminCannotReadProduction() throws {
        let policy = AccessPolicy(grants: [
            give("admin", dana, .scope(Scope(workspace, .development))),
            give("projectAdmin", dana, .scope(Scope(workspace, .development))),
        ])
        for text in ["access.read", "recipe.read", "credential.open", "audit.read"] {
            #expect(try can(policy, text, Scope(workspace, .development)).isAllowed)
            let decision = try can(policy, text, Scope(workspace, .production))
            #expect(decision.reason == .noGrant)
            let explanation = decision.explanation
            #expect(explanation.missing?.scope == Scope(workspace, .production))
            guard case .elsewhere(_, .scope(Scope(workspace, .development)))? = explanation.missing?.lack else {
                Issue.record("the nearest grant is not named: \(explanation)")
                continue
            }
            #expect("\(explanation)".contains("\(workspace)/production"))
        }
        // Nor what belongs to the workspace as a whole.
        #expect(try !can(policy, "audit.read", Scope(workspace)).isAllowed)
    }

    @Test func aPromotionThatSkipsTestIsRefused() throws {
        let policy = AccessPolicy(grants: [give("deployer")])
        let scope = Scope(workspace, .production)
        for reached in [Set<Environment>(), [.development], [.production]] {
            let decision = try can(policy, "recipe.deploy", scope, change: ChangeHistory(reached: reached))
            #expect(decision.reason == .promotionOrder)
            #expect("\(decision.explanation)".contains("promotion.development-test-production"))
            #expect("\(decision.explanation)".contains("S1.3"))
        }
        let ready = ChangeHistory(reached: [.development, .test])
        #expect(try can(policy, "recipe.deploy", scope, change: ready).isAllowed)
        #expect(try can(policy, "recipe.deploy", Scope(workspace, .development), change: ChangeHistory()).isAllowed)
        #expect(try can(policy, "recipe.deploy", Scope(workspace), change: ready).reason == .promotionOrder)
        #expect(try can(policy, "recipe.deploy", scope).reason == .separationOfDuty)
    }

    @Test func authorApproverAndDeployerAreThree() throws {
        let policy = AccessPolicy(grants: [give("developer"), give("reviewer"), give("deployer")])
        let scope = Scope(workspace, .development)
        let duties = ["recipe.edit", "recipe.approve", "recipe.deploy"]
        for done in duties {
            let history = ChangeHistory(duties: [permission(done): [dana]])
            for asked in duties {
                let decision = try can(policy, asked, scope, change: history)
                #expect(decision.isAllowed == (asked == done), "\(asked) after \(done)")
                if asked != done {
                    #expect(decision.reason == .separationOfDuty)
                    #expect("\(decision.explanation)".contains("separation.author-approver-deployer"))
                }
            }
        }
    }

    @Test func aGrantEndsAtItsExactInstant() throws {
        let policy = AccessPolicy(grants: [give("analyst", from: noon, until: noon.advanced(by: .seconds(60)))])
        func decision(_ offset: Duration) throws -> AccessDecision {
            try can(policy, "recipe.read", Scope(workspace, .test), at: noon.advanced(by: offset))
        }
        #expect(try !decision(.microseconds(-1)).isAllowed)
        #expect(try decision(.zero).isAllowed)
        #expect(try decision(.seconds(60) - .microseconds(1)).isAllowed)
        let ended = try decision(.seconds(60))
        #expect(ended.reason == .noGrant)
        guard case .ended(_, noon.advanced(by: .seconds(60)))? = ended.explanation.missing?.lack else {
            Issue.record("\(ended.explanation)")
            return
        }
        guard case .notYet? = try decision(.seconds(-5)).explanation.missing?.lack else {
            Issue.record("the grant to come is not named")
            return
        }
    }

    @Test func aClonedRoleDoesNotCarryWhatIsSensitive() throws {
        var policy = AccessPolicy()
        policy.roles.append(
            Role(
                "everything", .environment, [permission("key.manage")],
                inherits: ["owner", "auditKeeper", "keyManager"]))
        policy.rules.separations = []
        let clone = try #require(policy.clone(of: "everything", as: "copy"))
        policy.roles.append(clone)
        policy.grants = [give("everything", lee), give("copy")]
        let scope = Scope(workspace)
        for text in ["key.manage", "audit.prune", "audit.erase"] {
            #expect(try can(policy, text, scope, lee).isAllowed)
            let decision = try can(policy, text, scope)
            #expect(decision.reason == .noGrant)
            #expect(decision.explanation.missing?.role != "copy" && decision.explanation.missing?.role != nil)
        }
        #expect(try can(policy, "access.manage", scope).isAllowed)
        #expect(clone.inherits.isEmpty && policy.clone(of: "nobody", as: "x") == nil)
        let exporter = try #require(policy.clone(of: "secretExporter", as: "y"))
        let publisher = try #require(policy.clone(of: "publisher", as: "z"))
        #expect(exporter.permissions.isEmpty && !publisher.permissions.contains(permission("recipe.publish")))
    }

    /// Clause S1.5: an auditor across workspaces reads all and writes nothing; one of a workspace sees no other.
    @Test func auditorsReadAndDoNothingElse() throws {
        let other = Identifier<Workspace>(high: 7, low: 7)
        let across = AccessPolicy(grants: [give("auditor", dana, .everyWorkspace)])
        for definition in across.permissions {
            let decision = try can(across, definition.permission.description, Scope(other, .production))
            #expect(
                decision.isAllowed == ["access.read", "audit.read", "plan.read"].contains("\(definition.permission)"))
        }
        #expect(try !can(across, "audit.read", .platform).isAllowed)
        let one = AccessPolicy(grants: [give("auditor")])
        #expect(try can(one, "audit.read", Scope(workspace)).isAllowed)
        #expect(try can(one, "audit.read", Scope(other)).reason == .noGrant)
        let writing = AccessPolicy(grants: [give("admin", dana, .everyWorkspace)])
        #expect(throws: PolicyDefects.self) { _ = try writing.compile() }
    }

    /// Clause S3.3: keys and deployment never in one principal, wherever the roles come from.
    @Test func keysAndDeploymentNeverMeet() throws {
        let both = AccessPolicy(grants: [give("keyManager"), give("deployer", dana, .scope(Scope(workspace, .test)))])
        let rule = path("separation.keys-and-deployment")
        #expect(defects(both) == [.separated(dana, rule: rule)])
        var inherited = AccessPolicy(
            roles: AccessPolicy.standardRoles + [Role("ops", .project, [], inherits: ["projectAdmin"])],
            grants: [give("keyManager"), give("ops")])
        #expect(defects(inherited) == [.separated(dana, rule: rule)])
        // One after the other is no meeting, two workspaces are none, two persons are none.
        inherited.grants = [give("keyManager", until: noon), give("ops", from: noon)]
        #expect(defects(inherited).isEmpty)
        inherited.grants = [give("keyManager"), give("ops", dana, .scope(Scope(Identifier(high: 8, low: 8))))]
        #expect(defects(inherited).isEmpty)
        inherited.grants = [give("keyManager"), give("ops", lee)]
        #expect(defects(inherited).isEmpty)
    }

    @Test func aMissingSecondFactorForbids() throws {
        let mfa = path("user.mfa")
        let policy = AccessPolicy(
            grants: [give("operator")],
            rules: AccessRules(forbids: [
                .requires(path("mfa.in-production"), [permission("credential")], fact: mfa, environment: .production)
            ]))
        let production = Scope(workspace, .production)
        #expect(try can(policy, "credential.open", production, facts: [mfa: .yes]).isAllowed)
        for truth in [Truth.no, .unknown] {
            #expect(try can(policy, "credential.open", production, facts: [mfa: truth]).reason == .forbidden)
        }
        let missing = try can(policy, "credential.open", production)
        #expect(missing.reason == .forbidden && missing.explanation.findings.first?.missing == [mfa])
        #expect("\(missing.explanation)".contains("mfa.in-production") && "\(missing.explanation)".contains("user.mfa"))
        #expect(try can(policy, "credential.open", Scope(workspace, .test)).isAllowed)
        #expect(try can(policy, "recipe.read", production).isAllowed)
        // A request for the whole workspace is also one for production.
        #expect(try can(policy, "credential.open", Scope(workspace)).reason == .forbidden)
    }

    private func defects(_ policy: AccessPolicy) -> [PolicyDefect] {
        do throws(PolicyDefects) {
            _ = try policy.compile()
            return []
        } catch {
            return error.defects
        }
    }

    @Test func everyDefectIsFound() throws {
        var policy = AccessPolicy(permissions: AccessPolicy.standardPermissions, roles: [], grants: [], rules: .init())
        policy.permissions.append(policy.permissions[0])
        policy.roles = [
            Role("a", .project, [], inherits: ["b"]), Role("b", .project, [], inherits: ["a"]),
            Role("c", .environment, [permission("recipe.read")]), Role("d", .project, [permission("key.manage")]),
            Role("e", .project, [permission("no.such")], inherits: ["missing"]), Role("wrong name", .project, []),
            Role("f", .environment, [permission("plan.change")]), Role("g", .project, [permission("recipe.read")]),
        ]
        let id = Identifier<Grant>(high: 5, low: 5)
        policy.grants = [
            Grant(id: id, "f", to: dana, in: .everyWorkspace, reason: "x"),
            Grant(id: id, "g", to: dana, in: .scope(.platform), reason: "x"),
            Grant(
                id: Identifier(high: 5, low: 6), "f", to: dana,
                in: .scope(Scope(workspace, .test, project: Identifier(high: 1, low: 1))), reason: " "),
            Grant(
                id: Identifier(high: 5, low: 7), "gone", to: dana, in: .scope(Scope(workspace)), from: noon,
                until: noon,
                reason: "x"),
        ]
        policy.rules = AccessRules(
            forbids: [Forbid(path("empty.rule"), [permission("nothing.here")])],
            separations: [StaticSeparation(path("no.bound"), roles: ["f"], atMost: 0)],
            dutiesOfChanges: [DynamicSeparation(path("one.duty"), [permission("recipe.edit")])],
            promotion: PromotionOrder(path("short.order"), permission("recipe.deploy"), order: [.test]), approvals: 0)
        let found = Set(defects(policy))
        let expected: [PolicyDefect] = [
            .permissions("`access.manage` is defined twice"), .cycle(["a", "b"]),
            .wrongLevel("c", permission("recipe.read")),
            .wrongLevel("d", permission("key.manage")), .unknownPermission(permission("no.such"), usedBy: "role `e`"),
            .unknownRole("missing", usedBy: "role `e`"), .roleName("wrong name"), .writesAcrossWorkspaces(id),
            .grantTwice(id), .wrongReach(id), .wrongReach(Identifier(high: 5, low: 6)),
            .grantMalformed(Identifier(high: 5, low: 6)), .grantMalformed(Identifier(high: 5, low: 7)),
            .unknownRole("gone", usedBy: "grant `\(Identifier<Grant>(high: 5, low: 7))`"), .rule(path("empty.rule")),
            .rule(path("no.bound")), .rule(path("one.duty")), .rule(path("short.order")), .approvals,
        ]
        for defect in expected { #expect(found.contains(defect), "\(defect)") }
        #expect(defects(policy).allSatisfy { "\($0)".count > 15 })
        // Long lines of inheritance are no danger to the stack.
        let line = (0..<20_000).map { index in
            Role(
                RoleName("n\(index)") ?? "n", .project, index == 0 ? [permission("recipe.read")] : [],
                inherits: index == 0 ? [] : [RoleName("n\(index - 1)") ?? "n"])
        }
        policy = AccessPolicy(roles: Array(line.prefix(2000)), grants: [give("n1999")], rules: .init())
        #expect(try can(policy, "recipe.read", Scope(workspace, .test)).isAllowed)
    }

    @Test func digestsAndTextsAreStable() throws {
        let policy = AccessPolicy(grants: [give("owner"), give("developer", lee)])
        var shuffled = policy
        shuffled.roles.reverse()
        shuffled.grants.reverse()
        shuffled.permissions.reverse()
        #expect(try policy.digest() == shuffled.digest())
        shuffled.grants[0].until = noon
        #expect(try policy.digest() != shuffled.digest())
        let data = try JSONEncoder().encode(policy)
        #expect(try JSONDecoder().decode(AccessPolicy.self, from: data) == policy)
        for grant in policy.grants {
            #expect(try Grant(recordBytes: grant.recordBytes(schema: 1), schema: 1) == grant)
        }
        let project = Identifier<Project>(high: 3, low: 3)
        let reaches: [Reach] = [
            .everyWorkspace, .scope(.platform), .scope(Scope(workspace)), .scope(Scope(workspace, .test)),
            .scope(Scope(workspace, .test, project: project)), .scope(Scope(workspace, project: project)),
        ]
        for reach in reaches { #expect(Reach(reach.description) == reach) }
        for text in [
            "", "ws", "\(workspace)/", "\(workspace)/*", "\(workspace)/prod", "\(workspace)/test/x", "platform/test",
        ] {
            #expect(Reach(text) == nil, "\(text)")
        }
        for principal in [dana, .jobs, .rule("a"), .host("b")] {
            #expect(Principal(principal.description) == principal)
        }
        #expect(Principal("job:\(Identifier<Job>(high: 1, low: 1))") == nil && Principal("nobody") == nil)
    }

    /// A composed and a decomposed name are two principals.
    @Test func namesAreComparedByBytes() throws {
        let policy = AccessPolicy(grants: [give("analyst", .host("caf\u{e9}"))])
        #expect(try can(policy, "recipe.read", Scope(workspace), .host("caf\u{e9}")).isAllowed)
        #expect(try !can(policy, "recipe.read", Scope(workspace), .host("cafe\u{301}")).isAllowed)
    }
}

/// Ten policies with a way up, and ten without.
@Suite struct EscalationTests {
    private static let manage = permission("access.manage")
    private static func policy(
        _ grants: [Grant], selfGrant: Bool = false, beyondOwn: Bool = false, approvals: Int = 2, roles: [Role] = []
    ) -> AccessPolicy {
        var rules = AccessRules.standard
        rules.noSelfGrant = !selfGrant
        rules.grantWithinOwn = !beyondOwn
        rules.approvals = approvals
        return AccessPolicy(roles: AccessPolicy.standardRoles + roles, grants: grants, rules: rules)
    }
    private static func give(
        _ role: RoleName, _ who: Principal = dana, _ reach: Reach = .scope(Scope(workspace)), from: Timestamp? = nil,
        until: Timestamp? = nil
    ) -> Grant {
        Grant(role, to: who, in: reach, from: from, until: until, reason: "test")
    }
    private static let project = Identifier<Project>(high: 3, low: 1)
    private static let hidden = [
        Role("l1", .environment, [manage]), Role("l2", .environment, [], inherits: ["l1"]),
        Role("l3", .environment, [], inherits: ["l2"]),
    ]

    static let planted: [(AccessPolicy, [Principal], Reach)] = [
        (policy([give("admin")], selfGrant: true, beyondOwn: true), [dana], .scope(Scope(workspace))),
        (policy([give("admin"), give("analyst", lee)], beyondOwn: true), [dana, lee], .scope(Scope(workspace))),
        (policy([give("l3")], selfGrant: true, beyondOwn: true, roles: hidden), [dana], .scope(Scope(workspace))),
        (
            policy([give("admin", dana, .scope(Scope(workspace, .development)))], selfGrant: true, beyondOwn: true),
            [dana], .scope(Scope(workspace, .development))
        ),
        (
            policy(
                [give("projectAdmin", dana, .scope(Scope(workspace, .test, project: project)))], selfGrant: true,
                beyondOwn: true), [dana], .scope(Scope(workspace, .test, project: project))
        ),
        (policy([give("admin", dana, .scope(.platform))], selfGrant: true, beyondOwn: true), [dana], .scope(.platform)),
        (policy([give("admin", .jobs)], selfGrant: true, beyondOwn: true), [.jobs], .scope(Scope(workspace))),
        (policy([give("admin", .host("h"))], selfGrant: true, beyondOwn: true), [.host("h")], .scope(Scope(workspace))),
        (policy([give("owner")], approvals: 1), [dana, Escalation.anybody], .scope(Scope(workspace))),
        (policy([give("owner", dana, .scope(.platform))], approvals: 1), [dana], .scope(.platform)),
        (policy([give("admin", dana, .scope(.platform))], selfGrant: true, beyondOwn: true), [dana], .everyWorkspace),
        (
            policy(
                [give("admin", from: noon, until: noon.advanced(by: .seconds(1)))], selfGrant: true, beyondOwn: true),
            [dana], .scope(Scope(workspace))
        ),
    ]

    static let clean: [AccessPolicy] = [
        policy([]),
        policy([give("owner"), give("projectAdmin", lee)]),
        policy([give("admin")], selfGrant: true),
        policy([give("admin", until: noon)], selfGrant: true, beyondOwn: true),
        policy([give("admin", from: noon.advanced(by: .seconds(1)))], selfGrant: true, beyondOwn: true),
        policy([give("auditor", dana, .everyWorkspace)], selfGrant: true, beyondOwn: true, approvals: 1),
        policy([give("developer"), give("analyst", lee)], selfGrant: true, beyondOwn: true),
        policy([give("owner", .rule("r"))], approvals: 1),
        policy([give("l3")], roles: hidden),
        policy(
            [give("all")], selfGrant: true, beyondOwn: true,
            roles: [Role("all", .project, [manage])]
        ).withOnlyRole("all"),
    ]

    @Test(arguments: planted.indices) func aPlantedWayIsFound(_ index: Int) throws {
        let (policy, way, reach) = Self.planted[index]
        let found = try policy.compile().escalations(at: noon)
        let hit = try #require(found.first { $0.path == way && $0.reach == reach })
        #expect(!hit.gains.isEmpty)
        // What is gained is what the last on the way does not have.
        let place = reach == .everyWorkspace ? Scope(workspace) : reach.scope
        let own = try policy.compile().permissions(of: way[0], in: place, at: noon)
        #expect(Set(hit.gains).isDisjoint(with: own))
    }

    @Test(arguments: clean.indices) func aCleanPolicyHasNone(_ index: Int) throws {
        #expect(try Self.clean[index].compile().escalations(at: noon).isEmpty)
    }
}

extension AccessPolicy {
    /// This policy with one role alone, so that nothing is left to gain.
    fileprivate func withOnlyRole(_ name: RoleName) -> AccessPolicy {
        var copy = self
        copy.roles.removeAll { $0.name != name }
        copy.rules.separations = []
        return copy
    }
}
