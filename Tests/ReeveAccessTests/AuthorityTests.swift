// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

private let workspace = Identifier<Workspace>(high: 2, low: 1)
private let production = Scope(workspace, .production)
private let connection = Resource(Identifier<Connection>(high: 9, low: 9))

private func person(_ number: UInt64) -> ActContext.Actor { .person(Identifier(high: 1, low: number)) }
/// The first administrator, two more, a developer, and somebody without a role.
private let (ada, bo, cy, dev, nobody) = (person(1), person(2), person(3), person(4), person(5))

/// A stored policy over one store, and as many processes over it as a test wants.
private struct World: Sendable {
    let store: SpyStore
    let keys: DerivedControlKeys
    let time = ManualTime()
    let policy: AccessPolicy

    init(_ base: any Store = TestStore(), _ change: (inout AccessPolicy) -> Void = { _ in }) throws {
        store = SpyStore(base)
        keys = try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
        func give(_ role: RoleName, _ actor: ActContext.Actor, _ scope: Scope = Scope(workspace)) -> Grant {
            Grant(role, to: Principal(actor), in: .scope(scope), reason: "first")
        }
        var policy = AccessPolicy(grants: [
            give("owner", ada), give("owner", bo), give("owner", cy), give("projectAdmin", ada),
            give("owner", ada, .platform), give("owner", bo, .platform), give("owner", cy, .platform),
            give("developer", dev, Scope(workspace, .development)),
        ])
        change(&policy)
        self.policy = policy
    }

    func create(_ other: (any Store)? = nil) async throws -> AccessAuthority {
        try await AccessAuthority.create(
            policy, by: .host("setup"), reason: "first start", store: other ?? store, keys: keys, time: time)
    }

    func open(_ other: (any Store)? = nil, milliseconds: Int = 1000) async throws -> AccessAuthority {
        try await AccessAuthority.open(
            store: other ?? store, keys: keys, configuration: .init(freshnessMilliseconds: milliseconds), time: time)
    }

    func context(_ actor: ActContext.Actor, _ scope: Scope = production) -> ActContext {
        ActContext(actor: actor, scope: scope)
    }

    func manage(
        _ authority: AccessAuthority, _ actor: ActContext.Actor, _ scope: Scope
    ) async throws -> Permit<ManageAccess> {
        try await authority.permit(ManageAccess.self, on: .access(in: scope), as: context(actor, scope)).get()
    }

    func give(
        _ authority: AccessAuthority, _ role: RoleName, _ actor: ActContext.Actor, in scope: Scope,
        by giver: ActContext.Actor = ada, until: Timestamp? = nil
    ) async throws -> Grant {
        try await authority.grant(
            Grant(role, to: Principal(actor), in: .scope(scope), until: until, reason: "test"),
            manage(authority, giver, scope))
    }

    func mayOpen(_ authority: AccessAuthority, _ actor: ActContext.Actor, _ scope: Scope = production) async -> Bool {
        let answer = await authority.permit(OpenCredential.self, on: connection, as: context(actor, scope))
        if case .success = answer { return true }
        return false
    }

    func propose(
        _ authority: AccessAuthority, _ matter: Quorum.Matter, _ scope: Scope, by actor: ActContext.Actor = ada,
        for seconds: Int = 3600
    ) async throws -> Quorum {
        let own = scope == .platform ? .platform : Scope(workspace)
        let permit = try await authority.permit(
            ProposeMatter.self, on: .access(in: own), as: context(actor, own)
        ).get()
        return try await authority.propose(matter, in: scope, reason: "test", for: seconds, permit)
    }

    func approve(_ authority: AccessAuthority, _ quorum: Quorum, by actor: ActContext.Actor) async throws {
        let permit = try await authority.permit(
            ApproveMatter.self, on: .quorum(quorum.id), as: context(actor, quorum.scope)
        ).get()
        try await authority.approve(quorum.id, permit)
    }

    func emergency(_ actor: ActContext.Actor, minutes: Int64 = 60) -> Grant {
        Grant(
            "operator", to: Principal(actor), in: .scope(production),
            until: time.now.advanced(by: .seconds(60 * minutes)), reason: "outage")
    }
}

private func refusal(_ body: () async throws -> Void) async -> AccessError? {
    do {
        try await body()
        return nil
    } catch let error as AccessError {
        return error
    } catch {
        Issue.record("\(error)")
        return nil
    }
}

@Suite struct AuthorityTests {
    @Test func aPolicyIsMadeOnceAndOpenedByOthers() async throws {
        let world = try World()
        #expect(await refusal { _ = try await world.open() }?.code == .storeFailed)
        let first = try await world.create()
        #expect(await refusal { _ = try await world.create() } == AccessError(.alreadyThere))
        let second = try await world.open()
        for authority in [first, second] {
            #expect(await world.mayOpen(authority, ada))
            #expect(await !world.mayOpen(authority, nobody))
            #expect(await world.mayOpen(authority, dev, Scope(workspace, .development)))
            #expect(await !world.mayOpen(authority, dev))
            #expect(try await authority.policy()?.digest == world.policy.withGiver(.host("setup")).digest())
        }
        #expect(try world.store.auditEntries().filter { $0.action == "access.create" }.count == 1)
        let unreasoned = await refusal {
            _ = try await AccessAuthority.create(
                world.policy, by: ada, reason: " ", store: TestStore(), keys: world.keys)
        }
        #expect(unreasoned == AccessError(.reasonMissing))
        var broken = world.policy
        broken.rules.approvals = 99
        let error = await refusal { [broken] in
            _ = try await AccessAuthority.create(broken, by: ada, reason: "x", store: TestStore(), keys: world.keys)
        }
        #expect(error == AccessError(.policyDefect) && error?.defects == [.approvals])
    }

    /// Each way in which a permit can be wrong is refused with its own reason.
    @Test func aPermitIsGoodForOneActUnderOnePolicy() async throws {
        let world = try World()
        let (authority, twin) = (try await world.create(), try await world.open())
        let permit = try await authority.permit(OpenCredential.self, on: connection, as: world.context(ada)).get()
        func check(
            _ authority: AccessAuthority, _ permit: Permit<OpenCredential>, _ resource: Resource = connection,
            _ scope: Scope = production
        ) async -> AccessError? {
            await refusal { try await authority.check(permit, for: "t", on: resource, in: scope) }
        }
        #expect(await check(authority, permit) == nil)
        // Another authority with the very same policy.
        #expect(await check(twin, permit) == AccessError(.foreignPermit))
        #expect(
            await check(authority, permit, Resource(Identifier<Connection>(high: 9, low: 8)))
                == AccessError(.wrongResource))
        #expect(await check(authority, permit, connection, Scope(workspace)) == AccessError(.wrongResource))
        let cast = unsafe unsafeBitCast(permit, to: Permit<DestroyCredential>.self)
        #expect(
            await refusal { try await authority.check(cast, for: "t", on: connection, in: production) }
                == AccessError(.wrongAction))
        // The policy changes and still allows it: the decision is made again.
        _ = try await world.give(authority, "analyst", nobody, in: Scope(workspace, .test))
        #expect(await check(authority, permit) == nil)
        // And then it does not.
        let grant = try #require(world.policy.grants.first { $0.role == "projectAdmin" })
        let manage = try await authority.permit(
            ManageAccess.self, on: .access(in: Scope(workspace)), as: world.context(bo, Scope(workspace))
        ).get()
        try await authority.revoke(grant.id, manage)
        #expect(await check(authority, permit) == AccessError(.denied))
        world.time.advance(by: .seconds(30))
        #expect(await check(authority, permit) == AccessError(.expired))
        let refused = try world.store.auditEntries().filter { $0.action == "t" }
        #expect(
            refused.map(\.refusal) == [
                "foreignPermit", "wrongResource", "wrongResource", "wrongAction", "denied", "expired",
            ])
    }

    @Test func anotherProcessSeesAChangeWithinTheBound() async throws {
        let world = try World()
        let (first, second) = (try await world.create(), try await world.open())
        #expect(await !world.mayOpen(second, nobody))
        let grant = try await world.give(first, "operator", nobody, in: production)
        #expect(await world.mayOpen(first, nobody))
        world.time.advance(by: .seconds(1))
        #expect(await world.mayOpen(second, nobody))
        try await second.revoke(grant.id, world.manage(second, bo, production))
        world.time.advance(by: .milliseconds(999))
        #expect(await !world.mayOpen(second, nobody))
        world.time.advance(by: .milliseconds(1))
        #expect(await !world.mayOpen(first, nobody))
    }

    /// A policy that cannot be read any more, or was tampered with, allows nothing.
    @Test func nothingIsAllowedWithoutAPolicyThatCanBeRead() async throws {
        let base = TestStore()
        let world = try World(base)
        let authority = try await world.create()
        #expect(await world.mayOpen(authority, ada))
        let entries = try await base.records(in: KeyRange(under: Key(.platform)), limit: 1000)
        let grant = try #require(entries.first { "\($0.key)".contains("access.grant") })
        var changes = Changes()
        changes.delete(grant.key)
        try await base.commit(changes)
        // What is known stays good for a second, and then the change of another process makes all be read anew.
        #expect(await refusal { _ = try await world.open() }?.code == .storeFailed)
        let dead = FaultyStore(base, failing: 1, with: .crash)
        #expect(await refusal { _ = try await world.open(dead) }?.code == .storeFailed)

        let second = try World(TestStore())
        let flaky = FaultyStore(second.store, failing: 1_000_000)
        _ = try await second.create()
        let other = try await second.open(flaky)
        #expect(await second.mayOpen(other, ada))
        let stopping = FaultyStore(second.store, failing: 30, with: .crash)
        let third = try await second.open(stopping)
        while stopping.calls < 30 { _ = try? await stopping.record(for: Key(.platform)) }
        #expect(await second.mayOpen(third, ada))
        second.time.advance(by: .seconds(1))
        let answer = await third.permit(OpenCredential.self, on: connection, as: second.context(ada))
        guard case .failure(let denial) = answer else {
            Issue.record("a permit without a policy")
            return
        }
        #expect(denial.reason == .policyUnavailable && !denial.isRecorded)
    }

    @Test func anEarlierPolicyIsNotTaken() async throws {
        let base = TestStore()
        let world = try World(base)
        let authority = try await world.create()
        let old = try await base.records(in: KeyRange(under: Key(.platform)), limit: 1000)
        _ = try await world.give(authority, "analyst", nobody, in: Scope(workspace, .test))
        let new = try await base.records(in: KeyRange(under: Key(.platform)), limit: 1000)
        for entry in new {
            var changes = Changes()
            if let before = old.first(where: { $0.key == entry.key }) {
                changes.write(entry.key, before.record.bytes)
            } else {
                changes.delete(entry.key)
            }
            try await base.commit(changes)
        }
        world.time.advance(by: .seconds(1))
        #expect(await refusal { _ = try await authority.policy() } == AccessError(.policyPutBack))
        #expect(await !world.mayOpen(authority, ada))
    }

    @Test func grantsStayWithinBounds() async throws {
        let world = try World()
        let authority = try await world.create()
        let whole = Scope(workspace)
        #expect(
            await refusal { _ = try await world.give(authority, "analyst", ada, in: whole) } == AccessError(.selfGrant))
        #expect(
            await refusal { _ = try await world.give(authority, "keyManager", nobody, in: whole) }
                == AccessError(.beyondOwn))
        #expect(
            await refusal { _ = try await world.give(authority, "publisher", nobody, in: whole) }
                == AccessError(.beyondOwn))
        // An owner without a project role gives none.
        #expect(
            await refusal { _ = try await world.give(authority, "analyst", nobody, in: whole, by: bo) }
                == AccessError(.beyondOwn))
        #expect(
            await refusal { _ = try await world.give(authority, "no.such.role", nobody, in: whole) }
                == AccessError(.policyDefect))
        // Who has a role for a while gives it for no longer.
        let end = world.time.now.advanced(by: .seconds(600))
        _ = try await world.give(authority, "admin", nobody, in: whole, until: end)
        for until in [nil, end.advanced(by: .microseconds(1))] {
            #expect(
                await refusal {
                    _ = try await world.give(authority, "auditor", dev, in: whole, by: nobody, until: until)
                } == AccessError(.beyondOwn))
        }
        _ = try await world.give(authority, "auditor", dev, in: whole, by: nobody, until: end)
        // The wall clock that goes back gives nothing back.
        world.time.advance(by: .seconds(600))
        world.time.setWallClock(to: end.advanced(by: .seconds(-300)))
        let late = await authority.permit(ManageAccess.self, on: .access(in: whole), as: world.context(nobody, whole))
        guard case .failure = late else {
            Issue.record("an ended grant came back with the clock")
            return
        }
        // A permit for one scope gives nothing in another.
        let narrow = try await world.manage(authority, ada, Scope(workspace, .test))
        #expect(
            await refusal {
                try await authority.grant(
                    Grant("analyst", to: Principal(nobody), in: .scope(production), reason: "x"), narrow)
            } == AccessError(.wrongResource))
    }

    @Test func theLastManagerStays() async throws {
        let world = try World { policy in
            policy.grants = [
                Grant("owner", to: Principal(ada), in: .scope(Scope(workspace)), reason: "x"),
                Grant("admin", to: Principal(bo), in: .scope(production), reason: "x"),
            ]
        }
        let authority = try await world.create()
        let owner = try #require(world.policy.grants.first)
        #expect(
            await refusal { try await authority.revoke(owner.id, world.manage(authority, ada, Scope(workspace))) }
                == AccessError(.lastManager))
        try await authority.revoke(world.policy.grants[1].id, world.manage(authority, ada, production))
        #expect(
            await refusal {
                try await authority.revoke(world.policy.grants[1].id, world.manage(authority, ada, production))
            } == AccessError(.notFound))
    }

    @Test func dutiesOfAChangeAreRemembered() async throws {
        let world = try World { policy in
            for scope in Environment.allCases.map({ Scope(workspace, $0) }) {
                policy.grants.append(Grant("reviewer", to: Principal(dev), in: .scope(scope), reason: "x"))
                policy.grants.append(Grant("deployer", to: Principal(dev), in: .scope(scope), reason: "x"))
                policy.grants.append(Grant("deployer", to: .host("pipeline"), in: .scope(scope), reason: "x"))
            }
        }
        let authority = try await world.create()
        let change = Resource.change(Identifier(high: 6, low: 6))
        let development = Scope(workspace, .development)
        func ask<Action: PermitAction>(
            _ action: Action.Type, _ actor: ActContext.Actor, _ authority: AccessAuthority, _ scope: Scope = development
        ) async -> Result<Permit<Action>, Denial> {
            await authority.permit(action, on: change, as: world.context(actor, scope))
        }
        _ = try await ask(EditRecipe.self, dev, authority).get()
        // The second process knows of it at once.
        let other = try await world.open()
        for authority in [authority, other] {
            guard case .failure(let denial) = await ask(ApproveRecipe.self, dev, authority) else {
                Issue.record("an author approved")
                continue
            }
            #expect(denial.reason == .separationOfDuty)
            #expect(denial.explanation?.findings.first?.rule == path("separation.author-approver-deployer"))
        }
        _ = try await ask(ApproveRecipe.self, ada, other).get()
        let host = ActContext.Actor.host("pipeline")
        for (index, environment) in Environment.allCases.enumerated() {
            for later in Environment.allCases.dropFirst(index + 1) {
                guard case .failure(let denial) = await ask(DeployRecipe.self, host, authority, Scope(workspace, later))
                else {
                    Issue.record("\(later) was reached without \(environment)")
                    continue
                }
                #expect(denial.reason == .promotionOrder)
            }
            let permit = try await ask(DeployRecipe.self, host, other, Scope(workspace, environment)).get()
            // Asking is not doing: the next environment opens when the act is done.
            try await other.complete(permit)
        }
        let done = try world.store.auditEntries().filter { $0.action == "recipe.deploy" }
        #expect(done.compactMap(\.context.scope.environment) == Environment.allCases)
        // Without a change nobody knows who did what.
        let blind = await authority.permit(
            DeployRecipe.self, on: Resource(Identifier<Recipe>(high: 1, low: 1)), as: world.context(host, development))
        guard case .failure(let denial) = blind else {
            Issue.record("a deployment without a change")
            return
        }
        #expect(denial.reason == .separationOfDuty)
    }

    @Test func factsAreRecorded() async throws {
        let mfa = path("user.mfa")
        let world = try World { policy in
            policy.rules.forbids = [
                .requires(path("mfa"), [permission("credential")], fact: mfa, environment: .production)
            ]
        }
        let authority = try await world.create()
        let context = world.context(ada)
        let permit = try await authority.permit(OpenCredential.self, on: connection, as: context, facts: [mfa: .yes])
            .get()
        #expect(authority.entry("t", permit).details["facts"] == "user.mfa=yes")
        guard
            case .failure(let denial) = await authority.permit(
                OpenCredential.self, on: connection, as: context, facts: [mfa: .no])
        else {
            Issue.record("no second factor, and a permit")
            return
        }
        #expect(denial.reason == .forbidden)
        let entry = try #require(try world.store.auditEntries().last)
        #expect(entry.details["facts"] == "user.mfa=no" && entry.refusal == "forbidden" && entry.policy != nil)
    }

    /// Clause S1.7: a refusal in production raises an alarm, once, in the same commit as its entry.
    @Test func aRefusalInProductionRaisesAnAlarm() async throws {
        let world = try World()
        let authority = try await world.create()
        let outbox = Outbox(leases: Leases(store: world.store, time: world.time))
        #expect(await !world.mayOpen(authority, nobody))
        #expect(await !world.mayOpen(authority, nobody, Scope(workspace, .test)))
        let alarms = Mutex<[DomainEvent]>([])
        _ = try await outbox.deliverAll(to: "test") { event in alarms.withLock { $0.append(event) } }
        #expect(alarms.withLock { $0.map(\.type) } == [Alarm.eventType(.forbiddenProduction)])
        #expect(alarms.withLock { $0.first?.details["refusal"] } == "noGrant")
    }
}

/// What several persons decide.
@Suite struct QuorumTests {
    @Test func emergencyAccessTakesTwoOthers() async throws {
        let world = try World()
        let authority = try await world.create()
        let matter = Quorum.Matter.breakGlass(world.emergency(ada))
        let quorum = try await world.propose(authority, matter, production)
        #expect(quorum.needed == 2)
        func activate(_ actor: ActContext.Actor = ada) async -> AccessError? {
            await refusal { _ = try await authority.activate(quorum.id, as: world.context(actor)) }
        }
        #expect(await activate() == AccessError(.notApproved))
        // Who gains does not count, nobody counts twice, and a program is no person.
        #expect(await refusal { try await world.approve(authority, quorum, by: ada) } == AccessError(.notEligible))
        try await world.approve(authority, quorum, by: bo)
        #expect(await refusal { try await world.approve(authority, quorum, by: bo) } == AccessError(.notEligible))
        #expect(await activate() == AccessError(.notApproved))
        try await world.approve(authority, quorum, by: cy)
        #expect(await activate(nobody) == AccessError(.notEligible))
        let start = world.store.commits.count
        #expect(await activate() == nil)
        // Grant, alarm and entry are one commit.
        let commits = world.store.commits.dropFirst(start)
        #expect(commits.count == 1)
        let names = commits.flatMap { $0.changes.keys.map(\.description) }.joined(separator: " ")
        for part in ["access.grant", "outbox", "audit.pending", "access.quorum"] { #expect(names.contains(part)) }
        #expect(await activate() == AccessError(.alreadyUsed))
        let given = try #require(try await authority.policy()?.policy.grants.first { $0.reason == "outage" })
        #expect(given.by == ada && given.until != nil)
        world.time.advance(by: .seconds(3600))
        #expect(
            try await authority.policy()?.whoCan(
                permission("job.run"), in: production, at: world.time.now
            ).contains(Principal(nobody)) == false)
    }

    @Test func boundsOfEmergencyAccess() async throws {
        let world = try World()
        let authority = try await world.create()
        var endless = world.emergency(ada)
        endless.until = nil
        for grant in [endless, world.emergency(ada, minutes: 241), world.emergency(ada, minutes: -1)] {
            #expect(
                await refusal { _ = try await world.propose(authority, .breakGlass(grant), production) }
                    == AccessError(.lifetime))
        }
        #expect(
            await refusal {
                _ = try await world.propose(authority, .breakGlass(world.emergency(ada)), production, for: 59)
            }
                == AccessError(.lifetime))
        #expect(
            await refusal {
                _ = try await world.propose(authority, .breakGlass(world.emergency(ada)), Scope(workspace, .test))
            } == AccessError(.wrongResource))
        // Too late to approve, too late to use.
        let quorum = try await world.propose(authority, .breakGlass(world.emergency(ada)), production, for: 60)
        try await world.approve(authority, quorum, by: bo)
        world.time.advance(by: .seconds(60))
        #expect(await refusal { try await world.approve(authority, quorum, by: cy) } == AccessError(.tooLate))
    }

    @Test func rolesAndRulesNeedSeveralPersons() async throws {
        let world = try World()
        let authority = try await world.create()
        let role = Role("helper", .project, [permission("recipe.read")])
        let quorum = try await world.propose(authority, .change(.define(role)), .platform)
        try await world.approve(authority, quorum, by: bo)
        try await world.approve(authority, quorum, by: ada)
        try await authority.activate(quorum.id, as: world.context(ada, .platform))
        _ = try await world.give(authority, "helper", nobody, in: production)
        #expect(try await world.open().policy()?.policy.roles.contains(role) == true)
        #expect(
            await refusal { try await authority.activate(quorum.id, as: world.context(ada, .platform)) }
                == AccessError(.alreadyUsed))
        // A change that would leave a defect is refused when it is carried out.
        let removal = try await world.propose(authority, .change(.removeRole("helper")), .platform)
        try await world.approve(authority, removal, by: bo)
        try await world.approve(authority, removal, by: cy)
        #expect(
            await refusal { try await authority.activate(removal.id, as: world.context(ada, .platform)) }
                == AccessError(.policyDefect))
        #expect(
            await refusal { _ = try await world.propose(authority, .change(.define(role)), production) }
                == AccessError(.wrongResource))
    }

    /// An approval counts only as long as who gave it may approve.
    @Test func approvalsOfFormerApproversDoNotCount() async throws {
        let world = try World()
        let authority = try await world.create()
        let quorum = try await world.propose(authority, .breakGlass(world.emergency(ada)), production)
        try await world.approve(authority, quorum, by: bo)
        try await world.approve(authority, quorum, by: cy)
        let grant = try #require(
            world.policy.grants.first { $0.principal == Principal(cy) && $0.reach.scope != .platform })
        try await authority.revoke(grant.id, world.manage(authority, ada, Scope(workspace)))
        #expect(
            await refusal { try await authority.activate(quorum.id, as: world.context(ada)) }
                == AccessError(.notApproved))
    }

    /// One stored approval, used by two processes at the same time, gives one act.
    @Test func oneApprovalIsOneAct() async throws {
        for round in 0..<20 {
            let world = try World()
            let processes = [try await world.create(), try await world.open()]
            let digest = try Digest(hashing: [UInt8(round)])
            let quorum = try await world.propose(processes[0], .act("vault.destroy", digest), production)
            try await world.approve(processes[0], quorum, by: bo)
            try await world.approve(processes[1], quorum, by: cy)
            let done = await withTaskGroup(of: AccessError?.self, returning: [AccessError?].self) { group in
                for process in processes {
                    group.addTask {
                        await refusal {
                            try await process.store.transaction {
                                (transaction: inout Transaction<AccessError>) throws(AccessError) in
                                try await process.use(
                                    quorum.id, act: "vault.destroy", digest, in: production, &transaction)
                                transaction.write(Key(.platform, [.text("done")]), [1])
                            }
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(done.filter { $0 == nil }.count == 1)
            #expect(done.compactMap { $0 } == [AccessError(.alreadyUsed)])
            #expect(world.store.commits.filter { $0.changes[Key(.platform, [.text("done")])] != nil }.count == 1)
        }
    }

    @Test func anActIsUsedForExactlyWhatWasApproved() async throws {
        let world = try World()
        let authority = try await world.create()
        let (digest, other) = (try Digest(hashing: [1]), try Digest(hashing: [2]))
        let quorum = try await world.propose(authority, .act("vault.destroy", digest), production)
        try await world.approve(authority, quorum, by: bo)
        func use(_ act: String, _ digest: Digest, _ scope: Scope) async -> AccessError? {
            await refusal {
                try await world.store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
                    try await authority.use(quorum.id, act: act, digest, in: scope, &transaction)
                }
            }
        }
        #expect(await use("vault.destroy", digest, production) == AccessError(.notApproved))
        try await world.approve(authority, quorum, by: cy)
        #expect(await use("vault.destroy", other, production) == AccessError(.wrongResource))
        #expect(await use("vault.export", digest, production) == AccessError(.wrongResource))
        #expect(await use("vault.destroy", digest, Scope(workspace)) == AccessError(.wrongResource))
        #expect(
            await refusal { try await authority.activate(quorum.id, as: world.context(ada)) }
                == AccessError(.wrongAction))
        #expect(await use("vault.destroy", digest, production) == nil)
        #expect(await use("vault.destroy", digest, production) == AccessError(.alreadyUsed))
    }
}

/// What somebody can try who writes to the store, and what changes while something is under way.
@Suite struct AuthorityHardeningTests {
    private func records(_ base: TestStore) async throws -> [Entry] {
        try await base.records(in: KeyRange(under: Key(.platform)), limit: 10_000)
    }

    private func putBack(_ old: [Entry], _ base: TestStore) async throws {
        for entry in try await records(base) where !"\(entry.key)".contains("audit") {
            var changes = Changes()
            if let before = old.first(where: { $0.key == entry.key }) {
                changes.write(entry.key, before.record.bytes)
            } else {
                changes.delete(entry.key)
            }
            try await base.commit(changes)
        }
    }

    /// An approval that was used stays used when the platform's records are put back to before.
    @Test func aUsedApprovalDoesNotComeBack() async throws {
        let base = TestStore()
        let world = try World(base)
        let authority = try await world.create()
        let digest = try Digest(hashing: [1])
        let quorum = try await world.propose(authority, .act("vault.destroy", digest), production)
        try await world.approve(authority, quorum, by: bo)
        try await world.approve(authority, quorum, by: cy)
        let old = try await records(base)
        func use() async -> AccessError? {
            await refusal {
                try await world.store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
                    try await authority.use(quorum.id, act: "vault.destroy", digest, in: production, &transaction)
                }
            }
        }
        #expect(await use() == nil)
        // The process sees its own commit before it is put back.
        world.time.advance(by: .seconds(2))
        #expect(await use() == AccessError(.alreadyUsed))
        try await putBack(old, base)
        #expect(await use() == AccessError(.policyPutBack))
    }

    /// An approver who lost the right in another process a moment ago does not count.
    @Test func anApproverWhoLostItDoesNotCount() async throws {
        let world = try World()
        let slow = try await world.create()
        let fast = try await world.open()
        let digest = try Digest(hashing: [1])
        let quorum = try await world.propose(slow, .act("vault.destroy", digest), production)
        try await world.approve(slow, quorum, by: bo)
        try await world.approve(slow, quorum, by: cy)
        let grant = try #require(
            world.policy.grants.first { $0.principal == Principal(cy) && $0.reach.scope != .platform })
        try await fast.revoke(grant.id, world.manage(fast, ada, Scope(workspace)))
        let found = await refusal {
            try await world.store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
                try await slow.use(quorum.id, act: "vault.destroy", digest, in: production, &transaction)
            }
        }
        #expect(found == AccessError(.changedMeanwhile) || found == AccessError(.notApproved))
    }

    @Test func aForbiddenApproverDoesNotCount() async throws {
        let world = try World { policy in
            policy.rules.forbids = [
                Forbid(
                    path("no.approval"), [permission("quorum.approve")], principals: [Principal(cy)],
                    when: .fact(path("away")))
            ]
        }
        let authority = try await world.create()
        let digest = try Digest(hashing: [1])
        let quorum = try await world.propose(authority, .act("vault.destroy", digest), production)
        try await world.approve(authority, quorum, by: bo)
        let permit = try await authority.permit(
            ApproveMatter.self, on: .quorum(quorum.id), as: world.context(cy), facts: [path("away"): .no]
        ).get()
        try await authority.approve(quorum.id, permit)
        let found = await refusal {
            try await world.store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
                try await authority.use(quorum.id, act: "vault.destroy", digest, in: production, &transaction)
            }
        }
        #expect(found == AccessError(.notApproved))
    }

    /// Of two first starts at the same time one is the policy, whole.
    @Test func twoFirstStartsDoNotMix() async throws {
        for round in 0..<10 {
            let world = try World()
            let policies = (0..<2).map { number in
                AccessPolicy(
                    grants: (0..<40).map { index in
                        Grant("owner", to: .host("p\(number).\(index)"), in: .scope(Scope(workspace)), reason: "x")
                    })
            }
            let made = await withTaskGroup(of: AccessAuthority?.self) { group in
                for policy in policies {
                    group.addTask {
                        try? await AccessAuthority.create(
                            policy, by: .host("setup"), reason: "first", store: world.store, keys: world.keys,
                            time: world.time)
                    }
                }
                return await group.reduce(into: [AccessAuthority]()) { if let made = $1 { $0.append(made) } }
            }
            #expect(made.count <= 1, "round \(round)")
            if made.isEmpty {
                _ = try await world.create()
                continue
            }
            let stored = try #require(try await world.open().policy())
            let winner = try #require(
                policies.first {
                    $0.grants[0].principal == stored.policy.grants.sorted { $0.principal < $1.principal }[0].principal
                })
            #expect(Set(stored.policy.grants.map(\.principal)) == Set(winner.grants.map(\.principal)))
            #expect(try await made[0].policy()?.digest == stored.digest)
        }
    }

    /// A permit ends with the grant that allowed it.
    @Test func aPermitDoesNotOutliveItsGrant() async throws {
        let world = try World()
        let authority = try await world.create()
        let end = world.time.now.advanced(by: .seconds(10))
        _ = try await world.give(authority, "operator", nobody, in: production, until: end)
        let permit = try await authority.permit(OpenCredential.self, on: connection, as: world.context(nobody)).get()
        world.time.advance(by: .seconds(10) - .microseconds(1))
        #expect(await refusal { try await authority.check(permit, for: "t", on: connection, in: production) } == nil)
        world.time.advance(by: .microseconds(1))
        #expect(
            await refusal { try await authority.check(permit, for: "t", on: connection, in: production) }
                == AccessError(.expired))
    }

    /// Nor is it carried over a pause between two grants, or onto the platform by a grant in every workspace.
    @Test func aPermitEndsWithItsOwnGrant() async throws {
        let world = try World { policy in
            policy.grants.append(Grant("auditor", to: Principal(nobody), in: .everyWorkspace, reason: "x"))
        }
        let authority = try await world.create()
        let now = world.time.now
        for (from, until) in [(nil, 5), (10, 60)] as [(Int64?, Int64)] {
            let grant = Grant(
                "operator", to: Principal(nobody), in: .scope(production),
                from: from.map { now.advanced(by: .seconds($0)) }, until: now.advanced(by: .seconds(until)), reason: "x"
            )
            try await authority.grant(grant, world.manage(authority, ada, production))
        }
        let auditor = Grant(
            "auditor", to: Principal(nobody), in: .scope(.platform), until: now.advanced(by: .seconds(5)), reason: "x")
        try await authority.grant(auditor, world.manage(authority, ada, .platform))
        let permit = try await authority.permit(OpenCredential.self, on: connection, as: world.context(nobody)).get()
        let log = Resource.log(of: .platform)
        let read = try await authority.permit(ReadAudit.self, on: log, as: world.context(nobody, .platform)).get()
        world.time.advance(by: .seconds(7))
        #expect(
            await refusal { try await authority.check(permit, for: "t", on: connection, in: production) }
                == AccessError(.expired))
        #expect(
            await refusal { try await authority.check(read, for: "t", on: log, in: .platform) } == AccessError(.expired)
        )
    }

    /// Tasks of one process that read while others change the platform's records refuse nobody.
    @Test func readersAndWritersDoNotAlarmEachOther() async throws {
        let world = try World(YieldingStore(TestStore()))
        _ = try await world.create()
        let authority = try await world.open(milliseconds: 0)
        let writer = try await world.open(milliseconds: 0)
        let refused = await withTaskGroup(of: Int.self) { group in
            for index in 0..<60 {
                group.addTask {
                    var refused = 0
                    for _ in 0..<20 where await !world.mayOpen(authority, ada) { refused += 1 }
                    return refused
                }
                if index % 10 == 0 {
                    group.addTask {
                        for _ in 0..<5 { _ = try? await world.give(writer, "auditor", nobody, in: Scope(workspace)) }
                        return 0
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(refused == 0)
    }

    /// No text is long enough to keep a refusal, and its alarm, out of the trail.
    @Test func aLongTextHidesNoRefusal() async throws {
        let world = try World()
        let authority = try await world.create()
        var context = world.context(nobody)
        context.reason = String(repeating: "x", count: 100_000)
        let start = world.store.commits.count
        guard
            case .failure(let denial) = await authority.permit(
                OpenCredential.self, on: Resource(kind: "x", String(repeating: "y", count: 100_000)), as: context)
        else {
            Issue.record("a stranger got a permit")
            return
        }
        #expect(denial.isRecorded)
        let entry = try #require(try world.store.auditEntries(from: start).last)
        #expect(entry.refusal == "noGrant" && entry.details["cut"] == "yes" && entry.context.reason == nil)
    }

    /// Who cannot approve does not unseat those who can, and an emergency grant is no last manager.
    @Test func ownersAreNotUnseated() async throws {
        let world = try World()
        let authority = try await world.create()
        _ = try await world.give(authority, "admin", nobody, in: Scope(workspace))
        let grant = try #require(
            world.policy.grants.first { $0.principal == Principal(cy) && $0.reach.scope != .platform })
        #expect(
            await refusal { try await authority.revoke(grant.id, world.manage(authority, nobody, Scope(workspace))) }
                == AccessError(.beyondOwn))
        try await authority.revoke(grant.id, world.manage(authority, ada, Scope(workspace)))
    }

    /// Without the rule that a grant stays within one's own, anybody can be given everything.
    @Test func aStrangerCanBeTheWayUp() throws {
        var rules = AccessRules.standard
        rules.grantWithinOwn = false
        let policy = AccessPolicy(
            grants: [Grant("admin", to: Principal(ada), in: .scope(Scope(workspace)), reason: "x")], rules: rules)
        let found = try policy.compile().escalations(at: Timestamp(seconds: 0))
        #expect(found.map(\.path) == [[Principal(ada), Escalation.anybody]])
    }
}

/// Every storage path of the authority with each call failing once, and with a crash at each.
@Suite struct AuthorityFaultProperties {
    @Test(arguments: FaultyStore.Fault.allCases) func aFaultAnywhereLeavesAllOrNothing(_ fault: FaultyStore.Fault)
        async throws
    {
        for call in 1... {
            let base = TestStore()
            let world = try World(base)
            let faulty = FaultyStore(base, failing: call, with: fault)
            let made = try? await world.create(faulty)
            var authority: AccessAuthority?
            if let made {
                authority = made
            } else {
                // Whoever starts again either makes the policy or finds it made.
                let again = await refusal { _ = try await world.create(base) }
                #expect(again == nil || again == AccessError(.alreadyThere))
            }
            let after = try await world.open(base)
            #expect(try await after.policy()?.policy.grants.count == 8)
            if let authority {
                _ = try? await world.give(authority, "operator", nobody, in: production)
                let isThere = try await world.open(base).policy()?.policy.grants.count == 9
                let entries = try await Table<AuditEntry>("audit.pending").readAll(Partition(workspace), in: base)
                // The grant and its entry are there together or not at all.
                #expect(
                    entries.filter { $0.action == "access.grant" && $0.outcome == .success }.count == (isThere ? 1 : 0))
                let quorum = try? await world.propose(authority, .breakGlass(world.emergency(ada)), production)
                if let quorum {
                    try? await world.approve(authority, quorum, by: bo)
                    try? await world.approve(authority, quorum, by: cy)
                    _ = try? await authority.activate(quorum.id, as: world.context(ada))
                    let last = try await world.open(base)
                    let isGiven = try await last.policy()?.policy.grants.contains { $0.reason == "outage" }
                    let all = try await Table<AuditEntry>("audit.pending").readAll(Partition(workspace), in: base)
                    #expect(
                        all.filter { $0.action == "access.activate" && $0.outcome == .success }.count
                            == (isGiven == true ? 1 : 0))
                }
            }
            if faulty.calls < call { break }
        }
    }
}

extension AccessPolicy {
    fileprivate func withGiver(_ actor: ActContext.Actor) -> AccessPolicy {
        var copy = self
        for index in copy.grants.indices { copy.grants[index].by = actor }
        return copy
    }
}
