// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReevePublishing
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Testing

/// A public call that changes or opens something, and how to drive it to a success and to a refusal.
///
/// `Scripts/check-house` compares the names here with the symbol graph: a new call must be added to one of the lists.
struct Door: Sendable, CustomTestStringConvertible {
    let name: String
    let action: String
    let succeed: @Sendable (Stage) async throws -> Void
    let refuse: @Sendable (Stage) async throws -> Void

    var testDescription: String { name }

    /// Calls that change nothing and open nothing secret: they leave no entry.
    static let quiet = [
        "AccessAuthority.check(_:for:on:in:)",
        "AccessAuthority.open(store:keys:configuration:time:)",
        "AccessAuthority.policy()",
        // A size and a root, for whoever holds checkpoints elsewhere.
        "AuditLog.checkpoint(of:)",
        // Orders and signs what others recorded.
        "AuditLog.runOnce()",
        // Each of its pages is one call of the next.
        "AuditLog.entries(across:matching:)",
        "Plans.allowance(of:)",
        "Plans.balance(of:)",
        "Plans.charges(of:of:)",
        // Removes what nothing can be told of any more, as background work.
        "Plans.removeClosedCharges(of:)",
        "Plans.allocationFindings()",
        "Plans.allocationReview(_:)",
        "Plans.forecast(of:)",
        "Plans.phase(at:)",
        "Plans.plan(of:at:)",
        "Plans.preview(_:of:)",
        "Plans.proposals(to:)",
        "Plans.replay(of:under:periods:)",
        "Privacy.acceptances(of:)",
        "Privacy.choices(of:towards:)",
        "Privacy.decision(on:of:)",
        "Privacy.disclosures(of:towards:)",
        "Privacy.impact(of:_:by:on:of:towards:)",
        "Privacy.sharing(in:for:towards:)",
        "Publisher.approvals(for:in:)",
        "Publisher.bytes(of:in:)",
        "Publisher.publication(_:in:)",
        "Retention.disposition(of:in:)",
        // Needs rooms with nothing in them: BusinessTransferTests.takingLeavesOneEntry.
        "BusinessTransfer.take(_:expecting:_:)",
        "Retention.departure(of:)",
        "Retention.plan(_:)",
        "Retention.records(about:)",
        "SubjectRequests.open()",
        "SubjectRequests.overdue()",
        "SubjectRequests.request(_:)",
        "SubjectRequests.requests(about:)",
        // Write back what admissions recorded before.
        "TaskMeter.commit(_:used:)",
        "TaskMeter.commit(_:_:run:by:)",
        "TaskMeter.giveBackAll()",
        "TaskMeter.settle()",
        "TrustLayer.runOnce()",
        // Makes rooms through the doors below.
        "TrustLayer.inMemory(operator:reason:locations:configuration:time:)",
        "TrustLayer.inMemory(policy:by:reason:locations:configuration:time:)",
    ]

    static let all = rooms + plans + vault + privacy + access + audit

    private static let rooms: [Door] = [
        Door(name: "AccessAuthority.soleOperator(_:reason:store:time:)", action: "access.soleOperator") { stage in
            _ = try await AccessAuthority.soleOperator(.host("x"), reason: "y", store: stage.trust.store)
        } refuse: { _ in
            // Without a reason there is no authority yet, and so nobody to record for.
        },
        Door(name: "AccessAuthority.permit(_:on:as:facts:)", action: "access.permit") { _ in
            // A permit that is given is recorded by the act that takes it.
        } refuse: { stage in
            let stranger = ActContext(actor: .host("stranger"), scope: stage.trust.scope)
            _ = try await stage.trust.layer.access.permit(OpenCredential.self, on: stage.resource, as: stranger).get()
        },
        Door(name: "TaskMeter.admit(_:of:tasks:)", action: "plans.admit") { stage in
            try await stage.trust.admission(tasks: 1).release()
        } refuse: { stage in
            try await stage.trust.admission(tasks: 1_000_000).release()
        },
        Door(name: "TaskMeter.run(_:of:tasks:_:)", action: "plans.admit") { stage in
            try await stage.trust.layer.tasks.run(stage.trust.job(), of: stage.trust.company) { _ in 1 }
        } refuse: { stage in
            try await stage.trust.layer.tasks.run(
                stage.trust.job(), of: stage.trust.company, tasks: 1_000_000
            ) { _ in 1 }
        },
        Door(name: "TaskMeter.admitWaiting(_:of:tasks:until:)", action: "plans.admit") { stage in
            let job = stage.trust.job()
            try await stage.trust.layer.tasks.admitWaiting(job, of: stage.trust.company).release()
        } refuse: { stage in
            let (job, now) = (stage.trust.job(), stage.trust.time.now)
            try await stage.trust.layer.tasks.admitWaiting(
                job, of: stage.trust.company, tasks: 1_000_000, until: now
            ).release()
        },
        Door(name: "Publisher.publish(_:to:replacing:_:)", action: "publishing.publish") { stage in
            let recipe = try stage.trust.scrubbedRecipe()
            let permit = try await stage.trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
            _ = try await stage.trust.layer.publisher.publish(recipe, to: .publicLibrary, permit)
        } refuse: { stage in
            let recipe = try stage.other.scrubbedRecipe()
            let permit = try await stage.trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
            _ = try await stage.trust.layer.publisher.publish(recipe, to: .publicLibrary, permit)
        },
        Door(name: "Publisher.approve(_:for:until:_:)", action: "publishing.approve") { stage in
            let permit = try await stage.trust.permit(ApproveFinding.self, on: .finding(Stage.fingerprint))
            try await stage.trust.layer.publisher.approve(
                Stage.fingerprint, for: .publicLibrary, until: stage.trust.time.now.advanced(by: .seconds(60)), permit)
        } refuse: { stage in
            let permit = try await stage.trust.permit(ApproveFinding.self, on: .finding(Stage.fingerprint))
            try await stage.trust.layer.publisher.approve(
                Stage.fingerprint, for: .publicLibrary, until: stage.trust.time.now, permit)
        },
        Door(name: "Publisher.revoke(_:_:)", action: "publishing.revoke") { stage in
            let permit = try await stage.trust.permit(ApproveFinding.self, on: .finding(Stage.fingerprint))
            try await stage.trust.layer.publisher.revoke(stage.approval, permit)
        } refuse: { stage in
            // It was given in another store.
            let permit = try await stage.trust.permit(ApproveFinding.self, on: .finding(Stage.fingerprint))
            let partner = Destination("partner") ?? .publicLibrary
            let other = try await stage.other.permit(ApproveFinding.self, on: .finding(Stage.fingerprint))
            let foreign = try await stage.other.layer.publisher.approve(
                Stage.fingerprint, for: partner, until: stage.other.time.now.advanced(by: .seconds(60)), other)
            try await stage.trust.layer.publisher.revoke(foreign, permit)
        },
        Door(name: "Publisher.withdraw(_:_:)", action: "publishing.withdraw") { stage in
            let permit = try await stage.trust.permit(PublishRecipe.self, on: .recipe(stage.publication.digest))
            try await stage.trust.layer.publisher.withdraw(stage.publication, permit)
        } refuse: { stage in
            // It is in another store.
            let recipe = try stage.other.scrubbedRecipe()
            let otherPermit = try await stage.other.permit(PublishRecipe.self, on: .recipe(recipe.digest))
            let foreign = try await stage.other.layer.publisher.publish(recipe, to: .publicLibrary, otherPermit)
            let permit = try await stage.trust.permit(PublishRecipe.self, on: .recipe(foreign.digest))
            try await stage.trust.layer.publisher.withdraw(foreign, permit)
        },
    ]
}

/// Rooms with one of everything in them, and other rooms whose permits are not taken.
struct Stage: Sendable {
    let trust: TestTrust
    let other: TestTrust
    let connector: Connector
    let connection: Connection
    let record: RetainedRecord
    let held: RetainedRecord
    /// A record that its subject had erased.
    let erased: RetainedRecord
    /// Requests to see data, and to put it right, on which work has begun.
    let asked: SubjectRequest
    let wrong: SubjectRequest
    let hold = Identifier<LegalCase>(high: 1, low: 1)
    let placed = Identifier<LegalCase>(high: 1, low: 2)
    let publication: Publication
    let approval: FindingApproval
    static let fingerprint = Fingerprint(Digest(bytes: Array(repeating: 9, count: 32))?.description ?? "") ?? none
    private static var none: Fingerprint { preconditionFailure("no fingerprint") }
    /// An authority with roles over the same store.
    let roles: AccessAuthority
    let development: Scope
    let owners: [ActContext.Actor] = (1...3).map { .person(Identifier(high: 1, low: $0)) }

    init() async throws {
        let category = try #require(DataCategory("content.message"))
        let rule = RetentionRule(category: category, days: 30, clause: try #require(ClauseReference("P11.5")))
        let configuration = TrustLayer.Configuration(
            catalogue: Self.catalogue, tasks: .init(recallMilliseconds: 0),
            policy: ReferencePolicies.privacy2016, retention: RetentionSchedule(rules: [rule]))
        let person = ActContext.Actor.person(Identifier(high: 7, low: 7))
        trust = try await TestTrust(over: TestStore(), configuration: configuration, principal: person)
        other = try await TestTrust(over: TestStore(), configuration: configuration, principal: person)
        let now = trust.time.now
        connector = Connector(id: Identifier(at: now), name: "crm", methods: [.oauth2])
        connection = Connection(id: Identifier(at: now), connector: connector.id, scope: trust.scope)
        development = Scope(try #require(trust.scope.workspace), .development)
        var policy = AccessPolicy()
        for owner in owners {
            for scope in [trust.scope, .platform] {
                policy.grants.append(Grant("owner", to: Principal(owner), in: .scope(scope), reason: "x"))
            }
            policy.grants.append(Grant("deployer", to: Principal(owner), in: .scope(development), reason: "x"))
        }
        roles = try await AccessAuthority.create(
            policy, by: .host("setup"), reason: "x", store: trust.store, keys: trust.keys.control, time: trust.time)
        record = RetainedRecord(
            id: Identifier(at: now), category: category, created: now.day, as: .controller, about: Self.reader,
            at: ["host"])
        held = RetainedRecord(
            id: Identifier(at: now), category: category, created: now.day, as: .controller, at: ["host"])
        erased = RetainedRecord(
            id: Identifier(at: now), category: category, created: now.day, as: .controller, at: ["host"])
        let platform = ActContext(actor: person, scope: .platform)
        let requests = trust.layer.requests
        let (see, right) = (
            try await requests.receive(.access, about: Self.reader, through: .account, as: platform),
            try await requests.receive(.rectify, about: Self.reader, through: .account, as: platform)
        )
        asked = try await requests.note(.begun, of: see.id, as: platform)
        wrong = try await requests.note(.begun, of: right.id, as: platform)
        let recipe = try trust.scrubbedRecipe()
        let mayPublish = try await trust.permit(PublishRecipe.self, on: .recipe(recipe.digest))
        publication = try await trust.layer.publisher.publish(recipe, to: .publicLibrary, mayPublish)
        let mayApprove = try await trust.permit(ApproveFinding.self, on: .finding(Self.fingerprint))
        approval = try await trust.layer.publisher.approve(
            Self.fingerprint, for: .publicLibrary, until: trust.time.now.advanced(by: .seconds(86_400)), mayApprove)
        try await store(try await trust.permit(StoreCredential.self, on: resource))
        try await trust.layer.retention.register(record, as: trust.context())
        try await trust.layer.retention.register(held, as: trust.context())
        try await trust.layer.retention.register(erased, as: trust.context())
        try await trust.layer.retention.demand(erased.id, by: Self.request, as: trust.context())
        try await trust.layer.retention.erase(erased.id, as: trust.context())
        try await trust.layer.retention.placeHold(placed, on: held.id, holdPermit(trust, held))
    }

    var resource: Resource { .credential(of: connection.id) }

    func holdPermit(_ trust: TestTrust, _ record: RetainedRecord? = nil) async throws -> Permit<ChangeHold> {
        let context = ActContext(actor: trust.principal, scope: self.trust.scope)
        return try await trust.layer.access.permit(
            ChangeHold.self, on: .record((record ?? self.record).id), as: context
        ).get()
    }

    func store(_ permit: Permit<StoreCredential>) async throws {
        let credential = try Credential.oauth2(accessToken: SecretBytes(copying: [1, 2, 3]))
        try await trust.layer.vault.store(credential, for: connection, of: connector, permit)
    }

    func open(_ permit: Permit<OpenCredential>) async throws {
        _ = try await trust.layer.vault.withCredential(connection.id, permit) { $0.fieldNames.count }
    }
}

@Suite struct DoorTests {
    /// Clause S1.4: a success leaves exactly one entry, and so does a refusal.
    @Test(arguments: Door.all) func everyActLeavesOneEntry(_ door: Door) async throws {
        let stage = try await Stage()
        let start = stage.trust.store.commits.count
        try await door.succeed(stage)
        let entries = try stage.trust.store.auditEntries(from: start).filter { $0.action == door.action }
        // A proof that is given is recorded by the act that takes it.
        let proofs = ["AccessAuthority.permit(_:on:as:facts:)", "Privacy.clearance(for:of:as:)"]
        let expected = proofs.contains(door.name) ? 0 : 1
        #expect(entries.count == expected && entries.allSatisfy { $0.outcome == .success && $0.refusal == nil })

        let second = try await Stage()
        let middle = second.trust.store.commits.count
        var wasRefused = false
        do { try await door.refuse(second) } catch { wasRefused = true }
        let refusals = try second.trust.store.auditEntries(from: middle).filter { $0.action == door.action }
        #expect(refusals.count == (wasRefused ? 1 : 0))
        #expect(refusals.allSatisfy { $0.outcome == .refused && $0.refusal?.isEmpty == false })
        let exempt = [
            "AccessAuthority.soleOperator(_:reason:store:time:)", "Plans.setStatus(_:sequence:periods:)",
            "Plans.setStatus(_:sequence:periods:in:)",
            "AccessAuthority.create(_:by:reason:store:keys:configuration:time:)", "Privacy.update(as:_:)",
            "SubjectRequests.receive(_:about:through:residence:year:scope:as:)",
            "Retention.registerRooms(about:as:)", "AuditLog.record(_:on:details:personal:as:)",
        ]
        #expect(wasRefused != exempt.contains(door.name))
    }

    /// An act under a permit names the decision and the policy that allowed it.
    @Test func entriesNameTheirDecision() async throws {
        let stage = try await Stage()
        let permit = try await stage.trust.permit(OpenCredential.self, on: stage.resource)
        try await stage.open(permit)
        let entry = try #require(try stage.trust.store.auditEntries().last)
        #expect(entry.decision == permit.decision && entry.policy == permit.policy && entry.context == permit.context)
    }

    /// The entry of an act that writes is in the same commit as what it wrote.
    @Test func actAndEntryAreOneCommit() async throws {
        let stage = try await Stage()
        let start = stage.trust.store.commits.count
        try await stage.store(try await stage.trust.permit(StoreCredential.self, on: stage.resource))
        let commits = stage.trust.store.commits.dropFirst(start)
        #expect(commits.count == 1)
        // The row, the set of keys that says which row it is, the head that vouches for that, the state that it had before,
        // and the entry.
        #expect(commits.first?.changes.count == 4)
    }

    @Test func theLogIsReadInOrder() async throws {
        let stage = try await Stage()
        let audit = stage.trust.layer.audit
        let acts = [
            "publishing.publish", "publishing.approve", "vault.credential.store", "privacy.register",
            "privacy.register", "privacy.register", "privacy.demand", "privacy.erasurePermit", "privacy.erase",
            "privacy.placeHold",
        ]
        let permit = try await stage.trust.permit(ReadAudit.self, on: .log(of: stage.trust.scope))
        let before = try await audit.entries(of: stage.trust.scope, permit)
        #expect(before.pending.map(\.action) == acts && before.entries.isEmpty)
        try await audit.runOnce()
        let after = try await audit.entries(of: stage.trust.scope, permit)
        #expect(after.entries.compactMap { $0.entry?.action } == acts + ["audit.read"] && after.pending.isEmpty)
        var query = AuditQuery()
        query.limit = 1
        let limited = try await audit.entries(of: stage.trust.scope, matching: query, permit)
        #expect(limited.entries.compactMap { $0.entry?.action } == ["audit.read"] && limited.next == acts.count)
    }
}
