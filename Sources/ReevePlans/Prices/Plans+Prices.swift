// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

extension Plans {
    /// Proposes a change that costs a company more: it changes nothing yet, and charges nobody (clauses S4.3, S4.4).
    ///
    /// The full pricing is made from the catalogue and the change; `conditions` are the plan's unless they are given. Throws
    /// ``PlanError/Code/incompletePricing`` where there are none, or they say too little.
    @discardableResult
    public func propose(
        _ change: PlanChange, for company: Identifier<Company>, conditions: PriceConditions? = nil,
        _ permit: Permit<ChangePlan>
    ) async throws(PlanError) -> PriceProposal {
        try await acting("plans.propose", permit, on: .plan(of: company), in: .platform, of: nil) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let now = authority.time.now
            let history = try await history(of: company, in: &transaction)
            let catalogue = history.catalogues.inForce(at: now)
            let instant = history.facts.instant(now)
            // As it will be when it can first take effect; what lies in the past by then is as it is now.
            let earliest = instant.advanced(by: .seconds(catalogue.noticeDays * 86_400))
            let from = try history.effectiveInstant(of: change, at: instant, notBefore: earliest)
            let new = try history.adding(change, from: from, of: catalogue, at: instant)
            let proposal = try proposal(
                change, history.preview(new, from: from), company, conditions: conditions, by: permit.context.actor,
                catalogue, at: now)
            try await write(proposal, history.catalogues, catalogue, in: &transaction)
            return (proposal, details(proposal))
        }
    }

    /// Records that a proposal was communicated to the company: the notice period begins. It takes effect not before
    /// `effective`, by default the end of that period.
    ///
    /// Throws ``PlanError/Code/noticeTooShort`` for an earlier day, also one that has passed.
    @discardableResult
    public func communicate(
        _ proposal: Identifier<PriceProposal>, of company: Identifier<Company>, by channel: Notice.Channel,
        effective: Timestamp? = nil, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) -> PriceProposal {
        try await stepping("plans.communicate", proposal, of: company, permit, in: .platform) {
            (proposal, now) throws(PlanError) in try proposal.communicate(by: channel, effective: effective, at: now)
        }
    }

    /// Records that the permit's person looked at exactly the document with this digest: without a review nothing is approved.
    @discardableResult
    public func review(
        _ proposal: Identifier<PriceProposal>, of company: Identifier<Company>, document: Digest,
        _ permit: Permit<ApprovePrice>
    ) async throws(PlanError) -> PriceProposal {
        try await stepping("plans.review", proposal, of: company, permit, in: permit.context.scope) {
            (proposal, now) throws(PlanError) in
            try proposal.review(document, by: permit.context.actor, at: now)
        }
    }

    /// The company's yes to exactly the document with this digest, by the permit's person, once the notice period is over.
    ///
    /// The permit is for the scope in which the person may agree for the company, as its own policy has it. Whoever proposed the
    /// change cannot approve it. Throws what is missing, each with its own code. While the proposal is approved and not
    /// activated, the same call gives the proof again.
    public func approve(
        _ proposal: Identifier<PriceProposal>, of company: Identifier<Company>, document: Digest,
        _ permit: Permit<ApprovePrice>
    ) async throws(PlanError) -> Approval {
        let approved = try await stepping("plans.approve", proposal, of: company, permit, in: permit.context.scope) {
            (proposal, now) throws(PlanError) in
            try proposal.approve(document, by: permit.context.actor, at: now)
        }
        return Approval(approved)
    }

    /// The company's no.
    @discardableResult
    public func decline(
        _ proposal: Identifier<PriceProposal>, of company: Identifier<Company>, _ permit: Permit<ApprovePrice>
    ) async throws(PlanError) -> PriceProposal {
        try await stepping("plans.decline", proposal, of: company, permit, in: permit.context.scope) {
            (proposal, now) throws(PlanError) in try proposal.decline(by: permit.context.actor, at: now)
        }
    }

    /// Takes a proposal back that is not in force.
    @discardableResult
    public func withdraw(
        _ proposal: Identifier<PriceProposal>, of company: Identifier<Company>, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) -> PriceProposal {
        try await stepping("plans.withdraw", proposal, of: company, permit, in: .platform) {
            (proposal, now) throws(PlanError) in try proposal.withdraw(at: now)
        }
    }

    /// Puts a change into force that the company approved: the only way to a higher price. Nothing is charged by it.
    ///
    /// It takes effect on the day that was communicated, or at once when that has passed. Throws
    /// ``PlanError/Code/termsChanged`` when what would be in force is not what the document says, because something else was changed
    /// since; ``PlanError/Code/proposalUsed`` the second time.
    @discardableResult
    public func activate(
        _ approval: consuming Approval, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) -> EffectivePlan {
        let (id, company, document) = (approval.proposal, approval.company, approval.document)
        return try await acting("plans.activate", permit, on: .plan(of: company), in: .platform, of: company) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let now = authority.time.now
            var proposal = try await stored(id, of: company, in: &transaction)
            guard proposal.digest == document else { throw PlanError(.otherDocument) }
            var history = try await history(of: company, in: &transaction)
            let instant = history.facts.instant(now)
            let agreed = try proposal.activate(at: now)
            if history.facts.awaiting == id { history.await(nil) }
            guard let catalogue = history.catalogues.versions[proposal.document.catalogue] else {
                throw PlanError(.unknownPlan)
            }
            let from = try history.effectiveInstant(of: proposal.change, at: instant, notBefore: agreed)
            let agreement = CompanyFacts.Agreement(proposal: id, charges: proposal.document.after)
            let new = try history.adding(
                proposal.change, from: from, of: catalogue, agreement: agreement, at: instant)
            let preview = try history.preview(new, from: from, agreed: proposal.document.after)
            guard preview.after.charges == proposal.document.after, !preview.needsApproval,
                preview.after.plan?.name == proposal.document.plan,
                preview.after.catalogue == proposal.document.catalogue
            else { throw PlanError(.termsChanged) }
            try await PriceProposal.table.write(Stored(proposal), .platform, Self.ids(proposal), in: &transaction)
            try await write(new, from: history, of: company, in: &transaction)
            let facts = try details(history, new, from: from, sequence: nil)
            return (preview.after, facts.merging(details(proposal)) { old, _ in old })
        }
    }

    /// All proposals to a company that were not pruned, the oldest first.
    public func proposals(to company: Identifier<Company>) async throws(PlanError) -> [PriceProposal] {
        do throws(StoreError) {
            return try await PriceProposal.table.readAll(.platform, [company.description], in: store).map(\.value)
        } catch {
            throw PlanError(error)
        }
    }

    // MARK: Inside

    static func ids(_ proposal: PriceProposal) -> [String] {
        [proposal.company.description, proposal.id.description]
    }

    private func details(_ proposal: PriceProposal) -> [String: String] {
        ["proposal": proposal.id.description, "document": proposal.digest.description, "plan": proposal.document.plan]
    }

    /// A proposal of a change, with the full pricing of what it would come to.
    func proposal(
        _ change: PlanChange, _ preview: PlanChangePreview, _ company: Identifier<Company>,
        conditions: PriceConditions?, by actor: ActContext.Actor, _ catalogue: Catalogue, at now: Timestamp
    ) throws(PlanError) -> PriceProposal {
        // Nobody agrees to pay for what nothing is admitted under.
        let plan = try preview.after.running
        guard let conditions = conditions ?? plan.conditions, conditions.validate().isEmpty else {
            throw PlanError(.incompletePricing)
        }
        let months = preview.after.months
        let document = PriceDocument(
            plan: plan.name, catalogue: preview.after.catalogue, before: preview.before.charges,
            after: preview.after.charges, months: months, conditions: conditions)
        return try PriceProposal(
            id: Identifier(at: now), company: company, change: change, document: document, proposer: actor, at: now,
            catalogue: catalogue)
    }

    private func write(
        _ proposal: PriceProposal, _ catalogues: Catalogues, _ catalogue: Catalogue,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        try await shelf.record([(catalogue, authority.time.now)], catalogues, in: &transaction)
        try await PriceProposal.table.write(Stored(proposal), .platform, Self.ids(proposal), in: &transaction)
    }

    private func stored(
        _ id: Identifier<PriceProposal>, of company: Identifier<Company>,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PriceProposal {
        let ids = [company.description, id.description]
        guard let proposal = try await PriceProposal.table.read(.platform, ids, in: &transaction)?.value,
            proposal.id == id, proposal.company == company
        else { throw PlanError(.unknownProposal) }
        return proposal
    }

    /// One step of a proposal, under a permit.
    private func stepping<Action: PermitAction>(
        _ action: String, _ id: Identifier<PriceProposal>, of company: Identifier<Company>, _ permit: Permit<Action>,
        in scope: Scope, _ step: (inout PriceProposal, Timestamp) throws(PlanError) -> Void
    ) async throws(PlanError) -> PriceProposal {
        try await acting(action, permit, on: .plan(of: company), in: scope, of: nil) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            var proposal = try await stored(id, of: company, in: &transaction)
            try step(&proposal, authority.time.now)
            try await PriceProposal.table.write(Stored(proposal), .platform, Self.ids(proposal), in: &transaction)
            // A status's proposal that has ended is awaited no longer.
            if proposal.ended(at: authority.time.now) != nil {
                var history = try await history(of: company, in: &transaction)
                if history.facts.awaiting == id {
                    history.await(nil)
                    try await CompanyFacts.table.write(
                        history.facts, .platform, [company.description], in: &transaction)
                }
            }
            return (proposal, details(proposal))
        }
    }

    /// Takes back the proposal that a status opened, because another status was told.
    func withdrawAwaited(
        _ history: inout PlanHistory, of company: Identifier<Company>, at now: Timestamp,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        guard let id = history.facts.awaiting else { return }
        history.await(nil)
        var proposal = try await stored(id, of: company, in: &transaction)
        guard proposal.ended(at: now) == nil else { return }
        try proposal.withdraw(at: now)
        try await PriceProposal.table.write(Stored(proposal), .platform, Self.ids(proposal), in: &transaction)
    }
}
