// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

extension Stage {
    /// Customers get a plan that costs something: their status opens a proposal.
    static let catalogue = Catalogue(
        version: 1,
        plans: [
            Plan(name: "trial", tasksPerPeriod: 1000),
            Plan(
                name: "bronze", entitlements: Entitlements(tasksPerPeriod: 10_000),
                price: Currency("EUR").map { Price(perPeriod: Money(minorUnits: 4900, $0)) },
                conditions: PriceConditions(tax: .added, payment: "Due in 14 days.", ending: "At the end of a month.")),
        ], statusRules: [.proofOfConcept: "trial", .customer: "bronze"])

    var plans: Plans { trust.layer.plans }

    func change(of company: Identifier<Company>? = nil) async throws -> Permit<ChangePlan> {
        try await trust.permit(ChangePlan.self, on: .plan(of: company ?? trust.company), in: .platform)
    }

    func approval() async throws -> Permit<ApprovePrice> {
        try await trust.permit(ApprovePrice.self, on: .plan(of: trust.company))
    }

    /// The workspace through which the company agrees.
    var buyer: Workspace {
        get throws {
            Workspace(
                id: try #require(trust.scope.workspace), company: trust.company, region: try #require(Region("eu")))
        }
    }

    /// Communicates as somebody else than who approves.
    func communicate(_ proposal: PriceProposal) async throws {
        let other = try await TestTrust(
            over: trust.store, configuration: .init(catalogue: Self.catalogue), time: trust.time,
            keys: trust.keys)
        let permit = try await other.permit(ChangePlan.self, on: .plan(of: trust.company), in: .platform)
        try await other.layer.plans.communicate(proposal.id, of: trust.company, by: .email, permit)
    }

    /// The proposal that the status of a customer opened.
    func opened() async throws -> PriceProposal {
        try await plans.setStatus(Company(id: trust.company, status: .customer), sequence: 9)
        return try #require(try await plans.proposals(to: trust.company).first)
    }

    /// The same, communicated, with its notice period over, and reviewed.
    func reviewed() async throws -> PriceProposal {
        let proposal = try await opened()
        try await communicate(proposal)
        trust.time.advance(by: .seconds(30 * 86_400))
        return try await plans.review(proposal.id, for: buyer, document: proposal.digest, approval())
    }

    func approved() async throws -> Approval {
        let proposal = try await reviewed()
        return try await plans.approve(proposal.id, for: buyer, document: proposal.digest, approval())
    }

    /// What a job did.
    var steps: [JobStep] { [JobStep(.action, path: "1")] }

    /// A proposal that nobody made.
    var unknown: Identifier<PriceProposal> { Identifier(high: 8, low: 8) }
}

extension Door {
    static let plans: [Door] = [
        Door(name: "Plans.setStatus(_:sequence:periods:)", action: "plans.setStatus") { stage in
            try await stage.plans.setStatus(Company(id: stage.trust.company, status: .former), sequence: 9)
        } refuse: { _ in
            // A replayed status is no refusal: nothing was asked of anyone.
        },
        Door(name: "Plans.setStatus(_:sequence:periods:in:)", action: "plans.setStatus") { stage in
            let company = Company(id: Identifier(high: 3, low: 3), status: .proofOfConcept)
            _ = try await stage.trust.store.transaction {
                (transaction: inout Transaction<PlanError>) throws(PlanError) in
                try await stage.plans.setStatus(company, sequence: 1, in: &transaction)
            }
        } refuse: { _ in
        },
        Door(name: "Plans.change(_:of:review:_:)", action: "plans.change") { stage in
            let package = Package(addedTasks: 5)
            try await stage.plans.change(.package(package), of: stage.trust.company, stage.change())
        } refuse: { stage in
            try await stage.plans.change(.plan("bronze"), of: stage.trust.company, stage.change())
        },
        Door(name: "TaskMeter.report(_:of:run:by:at:to:)", action: "plans.report") { stage in
            try await stage.trust.layer.tasks.report(
                stage.steps, of: stage.trust.job(), by: .everyAction, to: stage.trust.company)
        } refuse: { stage in
            let past = stage.trust.time.now.advanced(by: .seconds(-90 * 86_400))
            try await stage.trust.layer.tasks.report(
                stage.steps, of: stage.trust.job(), by: .everyAction, at: past, to: stage.trust.company)
        },
        Door(name: "TaskMeter.extend(_:by:)", action: "plans.extend") { stage in
            var admission = try await stage.trust.layer.tasks.admit(stage.trust.job(), of: stage.trust.company)
            // More than a lease has.
            try await stage.trust.layer.tasks.extend(&admission, by: 500)
            admission.release()
        } refuse: { stage in
            var admission = try await stage.trust.layer.tasks.admit(stage.trust.job(), of: stage.trust.company)
            try await stage.trust.layer.tasks.extend(&admission, by: 100_000)
        },
        Door(name: "TaskMeter.correct(_:run:of:to:_:)", action: "plans.correct") { stage in
            let job = stage.trust.job()
            try await stage.trust.layer.tasks.admit(job, of: stage.trust.company).commit(stage.steps, by: .everyAction)
            try await stage.trust.layer.tasks.settle()
            try await stage.trust.layer.tasks.correct(job.id, of: stage.trust.company, to: 0, stage.change())
        } refuse: { stage in
            try await stage.trust.layer.tasks.correct(
                stage.trust.job().id, of: stage.trust.company, to: 0, stage.change())
        },
        Door(
            name: "Plans.grant(_:to:priority:from:expires:mostCarriedOver:id:_:)", action: "plans.grant"
        ) { stage in
            try await stage.plans.grant(100, to: stage.trust.company, stage.change())
        } refuse: { stage in
            try await stage.plans.grant(0, to: stage.trust.company, stage.change())
        },
        Door(name: "Plans.revoke(_:of:_:)", action: "plans.revoke") { stage in
            let grant = try await stage.plans.grant(100, to: stage.trust.company, stage.change())
            try await stage.plans.revoke(grant.id, of: stage.trust.company, stage.change())
        } refuse: { stage in
            try await stage.plans.revoke(Identifier(high: 1, low: 1), of: stage.trust.company, stage.change())
        },
        Door(name: "Plans.pause(_:running:_:)", action: "plans.pause") { stage in
            try await stage.plans.pause(stage.trust.company, running: .stop, stage.change())
        } refuse: { stage in
            let unknown = Identifier<Company>(high: 1, low: 1)
            try await stage.plans.pause(unknown, stage.change(of: unknown))
        },
        Door(name: "Plans.resume(_:_:)", action: "plans.resume") { stage in
            try await stage.plans.resume(stage.trust.company, stage.change())
        } refuse: { stage in
            let unknown = Identifier<Company>(high: 1, low: 1)
            try await stage.plans.resume(unknown, stage.change(of: unknown))
        },
        Door(name: "Plans.publish(_:from:_:)", action: "plans.publish") { stage in
            let permit = try await stage.trust.permit(ChangePlan.self, on: .catalogue, in: .platform)
            let next = Catalogue(version: 2, plans: Stage.catalogue.plans, statusRules: Stage.catalogue.statusRules)
            try await stage.plans.publish(next, permit)
        } refuse: { stage in
            let permit = try await stage.trust.permit(ChangePlan.self, on: .catalogue, in: .platform)
            try await stage.plans.publish(Stage.catalogue, permit)
        },
        Door(name: "Plans.reviewAllocation(of:budget:_:)", action: "plans.reviewAllocation") { stage in
            let permit = try await stage.trust.permit(ChangePlan.self, on: .catalogue, in: .platform)
            try await stage.plans.reviewAllocation(of: [stage.trust.company: 1], budget: 5000, permit)
        } refuse: { stage in
            let permit = try await stage.trust.permit(ChangePlan.self, on: .catalogue, in: .platform)
            try await stage.plans.reviewAllocation(of: [stage.trust.company: 1], budget: 5, permit)
        },
        Door(name: "Plans.setPhase(_:from:_:)", action: "plans.setPhase") { stage in
            let permit = try await stage.trust.permit(ChangePlan.self, on: .catalogue, in: .platform)
            try await stage.plans.setPhase(.beta, permit)
        } refuse: { stage in
            let permit = try await stage.trust.permit(ChangePlan.self, on: .catalogue, in: .platform)
            try await stage.plans.setPhase(.beta, from: Timestamp(microseconds: 0), permit)
        },
        Door(name: "Plans.propose(_:for:conditions:_:)", action: "plans.propose") { stage in
            try await stage.plans.propose(.plan("bronze"), for: stage.trust.company, stage.change())
        } refuse: { stage in
            try await stage.plans.propose(.plan("gold"), for: stage.trust.company, stage.change())
        },
        Door(name: "Plans.communicate(_:of:by:effective:_:)", action: "plans.communicate") { stage in
            let proposal = try await stage.opened()
            try await stage.plans.communicate(proposal.id, of: stage.trust.company, by: .email, stage.change())
        } refuse: { stage in
            let (proposal, now) = (try await stage.opened(), stage.trust.time.now)
            try await stage.plans.communicate(
                proposal.id, of: stage.trust.company, by: .email, effective: now, stage.change())
        },
        Door(name: "Plans.review(_:for:document:_:)", action: "plans.review") { stage in
            _ = try await stage.reviewed()
        } refuse: { stage in
            let proposal = try await stage.opened()
            try await stage.plans.review(
                proposal.id, for: stage.buyer, document: proposal.digest, stage.approval())
        },
        Door(name: "Plans.approve(_:for:document:_:)", action: "plans.approve") { stage in
            _ = try await stage.approved()
        } refuse: { stage in
            let proposal = try await stage.opened()
            _ = try await stage.plans.approve(
                proposal.id, for: stage.buyer, document: proposal.digest, stage.approval())
        },
        Door(name: "Plans.decline(_:for:_:)", action: "plans.decline") { stage in
            try await stage.plans.decline(stage.opened().id, for: stage.buyer, stage.approval())
        } refuse: { stage in
            try await stage.plans.decline(stage.unknown, for: stage.buyer, stage.approval())
        },
        Door(name: "Plans.withdraw(_:of:_:)", action: "plans.withdraw") { stage in
            try await stage.plans.withdraw(stage.opened().id, of: stage.trust.company, stage.change())
        } refuse: { stage in
            try await stage.plans.withdraw(stage.unknown, of: stage.trust.company, stage.change())
        },
        Door(name: "Plans.activate(_:review:_:)", action: "plans.activate") { stage in
            try await stage.plans.activate(stage.approved(), stage.change())
        } refuse: { stage in
            let approval = try await stage.approved()
            try await stage.plans.withdraw(approval.proposal, of: stage.trust.company, stage.change())
            try await stage.plans.activate(approval, stage.change())
        },
    ]
}
