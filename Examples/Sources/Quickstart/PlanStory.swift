// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveVault
import Synchronization

/// A company from its proof of concept to a customer: its tasks run out, a price is proposed, and nothing is asked until it agreed.
struct PlanStory {
    /// A clock that shows the system's time, and days later when the story goes on.
    private final class StoryTime: TimeSource {
        private let days = Mutex(0)
        var now: Timestamp { SystemTime().now.advanced(by: .seconds(days.withLock { $0 } * 86_400)) }
        var uptime: Duration { SystemTime().uptime }
        func sleep(until deadline: Duration) async throws { try await SystemTime().sleep(until: deadline) }
        func pass(days count: Int) { days.withLock { $0 += count } }
    }

    private let store = MemoryStore()
    private let time = StoryTime()
    private let trust: TrustLayer
    private let sales = ActContext.Actor.host("sales")
    private let olga: ActContext.Actor
    private let company: Identifier<Company>
    private let workspace: Workspace

    init() async throws {
        let now = time.now
        guard let euro = Currency("EUR"), let region = Region("eu") else { throw UserFailure("no such currency") }
        company = Identifier(at: now)
        workspace = Workspace(id: Identifier(at: now), company: company, region: region)
        olga = .person(Identifier(at: now))
        let catalogue = Catalogue(
            version: 1,
            plans: [
                Plan(name: "trial", entitlements: Entitlements(tasksPerPeriod: 20), trialDays: 60),
                Plan(
                    name: "bronze", entitlements: Entitlements(tasksPerPeriod: 10_000, features: ["version-history"]),
                    price: Price(perPeriod: Money(minorUnits: 49_00, euro)),
                    conditions: PriceConditions(
                        tax: .added, payment: "Due 14 days after the period begins.",
                        ending: "You may leave at the end of every period.")),
            ], statusRules: [.proofOfConcept: "trial", .customer: "bronze"])
        // Sales may change plans everywhere; Olga may agree for her company, through its workspace.
        let policy = AccessPolicy(grants: [
            Grant("owner", to: Principal(sales), in: .scope(.platform), reason: "sells plans"),
            Grant(
                "owner", to: Principal(olga), in: .scope(Scope(workspace.id, .production)), reason: "owns the company"),
        ])
        let keys = try AuditKeys.ephemeral(time: time)
        let authority = try await AccessAuthority.create(
            policy, by: sales, reason: "an example", store: store, keys: keys.control, time: time)
        // Nobody else holds tasks in this story: nobody is waited for.
        let configuration = TrustLayer.Configuration(catalogue: catalogue, tasks: .init(recallMilliseconds: 0))
        trust = try TrustLayer(
            mainKeys: MainKeys(LocalMainKey.ephemeral()), authority: authority, audit: keys,
            configuration: configuration)
    }

    func tell() async throws {
        try await trust.plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
        try await useUp()
        // The company becomes a customer, whose plan has a price: that is proposed, and nothing changes yet.
        try await trust.plans.setStatus(Company(id: company, status: .customer), sequence: 2)
        guard let proposal = try await trust.plans.proposals(to: company).last else {
            throw UserFailure("a status with a priced plan opened no proposal")
        }
        say("a customer", "its plan has a price: \(proposal.id) says")
        for line in proposal.document.text.split(separator: "\n") { print("      \(line)") }
        try await say("still on", plan())
        await sayRefusal("not told yet") { _ = try await approve(proposal) }
        try await trust.plans.communicate(
            proposal.id, of: company, by: .email, permit(ChangePlan.self, sales, .platform))
        await sayRefusal("not yet") { _ = try await approve(proposal) }
        time.pass(days: 30)
        let owner = try await permit(ApprovePrice.self, olga, Scope(workspace.id, .production))
        try await trust.plans.review(proposal.id, for: workspace, document: proposal.digest, owner)
        try await say("30 days later", plan())
        let approval = try await approve(proposal)
        let active = try await trust.plans.activate(approval, permit(ChangePlan.self, sales, .platform))
        say(
            "Olga agreed",
            "\(active.plan?.name ?? "none"), \(active.charges.price?.perPeriod.description ?? "free") a period")
        try await say("now on", plan())
        await sayRefusal("a second time") {
            let again = try await approve(proposal)
            try await trust.plans.activate(again, permit(ChangePlan.self, sales, .platform))
        }
    }

    /// Uses the trial's tasks, until a job is refused.
    private func useUp() async throws {
        for _ in 0..<20 {
            try await trust.tasks.admit(job(), of: company).commit(used: 1)
        }
        let outbox = Outbox(leases: Leases(store: store))
        var told: [String] = []
        _ = try await outbox.deliverAll(to: "mail") { event in
            if event.type == Plans.thresholdReached, let part = event.details["threshold"] { told.append("\(part) %") }
        }
        say("told once each", told.joined(separator: ", "))
        await sayRefusal("at the limit") { try await trust.tasks.admit(job(), of: company).release() }
        // Sales gives some more, once. What a job did counts once, also when it is told twice.
        try await trust.plans.grant(5, to: company, permit(ChangePlan.self, sales, .platform))
        let work = job()
        let steps = [JobStep(.trigger, path: "0"), JobStep(.action, path: "1"), JobStep(.action, path: "2")]
        for _ in 0..<2 { try await trust.tasks.admit(work, of: company, tasks: 2).commit(steps, by: .everyAction) }
        try await trust.tasks.giveBackAll()
        let left = try await trust.plans.balance(of: company).left
        let charged = try await trust.plans.charges(of: work.id, of: company).map(\.tasks)
        say("a grant of 5", "a job is charged \(charged.reduce(0, +)), told twice; \(left) are left")
    }

    private func job() -> Job {
        let recipe = Recipe(id: Identifier(at: time.now), version: 1)
        return Job(id: Identifier(at: time.now), recipe: recipe, scope: Scope(workspace.id, .production))
    }

    private func plan() async throws -> String {
        let plan = try await trust.plans.plan(of: company)
        let price = plan.charges.isFree ? "costs nothing" : plan.charges.price?.perPeriod.description ?? ""
        return "\(plan.plan?.name ?? "no plan"), \(plan.limit) tasks a period, \(price)"
    }

    private func approve(_ proposal: PriceProposal) async throws -> Approval {
        let owner = try await permit(ApprovePrice.self, olga, Scope(workspace.id, .production))
        return try await trust.plans.approve(proposal.id, for: workspace, document: proposal.digest, owner)
    }

    private func permit<Action: PermitAction>(
        _ action: Action.Type, _ actor: ActContext.Actor, _ scope: Scope
    ) async throws -> Permit<Action> {
        try await trust.access.permit(
            action, on: .plan(of: company), as: ActContext(actor: actor, scope: scope)
        ).get()
    }

    private func sayRefusal(_ label: String, _ act: () async throws -> Void) async {
        do {
            try await act()
            say(label, "it was allowed")
        } catch {
            say(label, "refused: \(error)")
        }
    }
}
