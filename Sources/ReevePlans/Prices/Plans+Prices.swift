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
            let history = try await changeableHistory(of: company, in: &transaction)
            guard history.facts.status != .former else { throw PlanError(.companyInactive) }
            let catalogue = history.catalogues.inForce(at: now)
            let proposal = try proposal(
                change, of: company, history, conditions: conditions, by: permit.context.actor, catalogue, at: now)
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
            (proposal, now) throws(PlanError) in
            try proposal.communicate(by: channel, effective: effective, actor: permit.context.actor, at: now)
        }
    }

    /// Records that the permit's person looked at exactly the document with this digest: without a review nothing is approved.
    ///
    /// `workspace` is the one of the company through which it agrees; the permit is for a scope of it.
    @discardableResult
    public func review(
        _ proposal: Identifier<PriceProposal>, for workspace: Workspace, document: Digest,
        _ permit: Permit<ApprovePrice>
    ) async throws(PlanError) -> PriceProposal {
        try await answering("plans.review", proposal, for: workspace, permit) { (proposal, now) throws(PlanError) in
            try proposal.review(document, by: permit.context.actor, at: now)
        }
    }

    /// The company's yes to exactly the document with this digest, by the permit's person, once the notice period is over.
    ///
    /// `workspace` is the one of the company through which it agrees, by the host's word; the permit is for a scope of it. Whoever
    /// proposed or communicated the change cannot approve it. Throws what is missing, each with its own code. While the proposal is
    /// approved and not activated, the same call gives the proof again.
    public func approve(
        _ proposal: Identifier<PriceProposal>, for workspace: Workspace, document: Digest,
        _ permit: Permit<ApprovePrice>
    ) async throws(PlanError) -> Approval {
        let approved = try await answering("plans.approve", proposal, for: workspace, permit) {
            (proposal, now) throws(PlanError) in
            try proposal.approve(document, by: permit.context.actor, at: now)
        }
        return Approval(approved)
    }

    /// The company's no.
    @discardableResult
    public func decline(
        _ proposal: Identifier<PriceProposal>, for workspace: Workspace, _ permit: Permit<ApprovePrice>
    ) async throws(PlanError) -> PriceProposal {
        try await answering("plans.decline", proposal, for: workspace, permit) { (proposal, now) throws(PlanError) in
            try proposal.decline(by: permit.context.actor, at: now)
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
        _ approval: consuming Approval, review: Identifier<AllocationReview>? = nil, _ permit: Permit<ChangePlan>
    ) async throws(PlanError) -> EffectivePlan {
        let (id, company, document) = (approval.proposal, approval.company, approval.document)
        return try await acting("plans.activate", permit, on: .plan(of: company), in: .platform, of: company) {
            (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let now = authority.time.now
            var proposal = try await stored(id, of: company, in: &transaction)
            guard proposal.digest == document else { throw PlanError(.otherDocument) }
            let history = try await changeableHistory(
                of: company, naming: proposal.document.catalogue, in: &transaction)
            let instant = history.facts.instant(now)
            let agreed = try proposal.activate(at: now)
            guard history.facts.status != .former else { throw PlanError(.companyInactive) }
            // What was proposed to a company before it left is not what it agrees to when it comes again.
            guard history.facts.ended.map({ $0.sequence < proposal.sequence }) ?? true else {
                throw PlanError(.proposalWithdrawn)
            }
            // Nor what a status proposed that the company does not have any more.
            if case .rule(let name) = proposal.proposer, name.hasPrefix(Self.statusRule) {
                guard history.facts.isAwaiting, history.facts.awaited == id else { throw PlanError(.proposalWithdrawn) }
            }
            let (document, change) = (proposal.document, proposal.change)
            guard let catalogue = history.catalogues.versions[document.catalogue] else { throw PlanError(.unknownPlan) }
            let from = try history.effectiveInstant(of: change, at: instant, notBefore: agreed)
            let new = try history.adding(
                change, from: from, of: catalogue, agreement: CompanyFacts.Agreement(document),
                isOfStatus: history.facts.isAwaiting && history.facts.awaited == id, at: instant)
            let preview = try history.preview(
                change, new, from: from, agreed: CompanyFacts.Agreement(document))
            guard preview.after.charges == document.after, preview.after.entitlements == document.entitlements,
                preview.after.plan?.name == document.plan, preview.after.catalogue == document.catalogue,
                !preview.needsApproval
            else { throw PlanError(.termsChanged) }
            try await tables.proposals.write(Stored(proposal), .platform, Self.ids(proposal), in: &transaction)
            try await write(new, from: history, of: company, in: &transaction)
            let facts = try details(history, new, from: from, sequence: nil)
            let reviewed = try await reviewed(
                review, company, permit, limit: preview.after.limit, at: now, in: &transaction)
            let all = facts.merging(details(proposal)) { old, _ in old }
            return (preview.after, all.merging(reviewed) { old, _ in old })
        }
    }

    /// All proposals to a company, the oldest first; among those of one instant in the order of their ids. Complexity: O(proposals).
    public func proposals(to company: Identifier<Company>) async throws(PlanError) -> [PriceProposal] {
        do throws(StoreError) {
            let all = try await tables.proposals.readAll(.platform, [company.description], in: store).map(\.value)
            return all.sorted { ($0.proposed, $0.id) < ($1.proposed, $1.id) }
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

    /// A proposal of a change, with the full pricing of what it would come to when it can first take effect.
    func proposal(
        _ change: PlanChange, of company: Identifier<Company>, _ history: PlanHistory,
        conditions: PriceConditions? = nil,
        by actor: ActContext.Actor, _ catalogue: Catalogue, at now: Timestamp
    ) throws(PlanError) -> PriceProposal {
        let instant = history.facts.instant(now)
        let earliest = instant.advanced(by: .seconds(catalogue.noticeDays * 86_400))
        let (preview, new) = try history.preview(change, at: instant, notBefore: earliest, of: catalogue)
        let (from, after) = (preview.effective, preview.after)
        // Nobody agrees to pay for what nothing is admitted under.
        let plan = try after.running
        let known = new.conditions(of: after) ?? plan.conditions
        guard let conditions = conditions ?? known, conditions.validate().isEmpty else {
            throw PlanError(.incompletePricing)
        }
        let document = PriceDocument(
            proposal: Identifier(at: now), company: company, change: change, plan: plan.name,
            catalogue: after.catalogue, before: try history.effective(at: instant).charges, after: after.charges,
            entitlements: after.entitlements, months: after.months, conditions: conditions)
        // What cannot be activated is not put before anybody.
        let approved = try history.adding(
            change, from: from, of: catalogue, agreement: CompanyFacts.Agreement(document), at: instant)
        let seen = try history.preview(change, approved, from: from, agreed: CompanyFacts.Agreement(document))
        guard !seen.needsApproval else {
            throw PlanError(.laterPrice)
        }
        return try PriceProposal(
            document, proposer: actor, sequence: history.facts.sequence ?? .min, at: now, catalogue: catalogue)
    }

    private func write(
        _ proposal: PriceProposal, _ catalogues: Catalogues, _ catalogue: Catalogue,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) {
        try await shelf.record([(catalogue, authority.time.now)], catalogues, in: &transaction)
        try await tables.proposals.write(Stored(proposal), .platform, Self.ids(proposal), in: &transaction)
    }

    private func stored(
        _ id: Identifier<PriceProposal>, of company: Identifier<Company>,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> PriceProposal {
        let ids = [company.description, id.description]
        guard let proposal = try await tables.proposals.read(.platform, ids, in: &transaction)?.value,
            proposal.id == id, proposal.company == company
        else { throw PlanError(.unknownProposal) }
        guard try proposal.isWhole() else { throw PlanError(.otherDocument) }
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
            try await tables.proposals.write(Stored(proposal), .platform, Self.ids(proposal), in: &transaction)
            // What has ended is not waited for; the plan of the status still is.
            if proposal.ended(at: authority.time.now) != nil,
                var facts = try await facts(of: company, in: &transaction), facts.isAwaiting,
                facts.awaited == id
            {
                facts.awaits(nil)
                try await tables.facts.write(facts, .platform, [company.description], in: &transaction)
            }
            return (proposal, details(proposal))
        }
    }

    /// One answer of a company.
    private func answering(
        _ action: String, _ id: Identifier<PriceProposal>, for workspace: Workspace, _ permit: Permit<ApprovePrice>,
        _ step: (inout PriceProposal, Timestamp) throws(PlanError) -> Void
    ) async throws(PlanError) -> PriceProposal {
        try await stepping(action, id, of: workspace.company, permit, in: permit.context.scope) {
            (proposal, now) throws(PlanError) in
            guard permit.context.scope.workspace == workspace.id else { throw PlanError(.otherWorkspace) }
            try step(&proposal, now)
        }
    }

    /// Whether the proposal that a status opened can still be approved; takes it back when it is to.
    func isOpen(
        _ id: Identifier<PriceProposal>?, of company: Identifier<Company>, withdrawing: Bool, at now: Timestamp,
        in transaction: inout Transaction<PlanError>
    ) async throws(PlanError) -> Bool {
        guard let id else { return false }
        var proposal: PriceProposal
        do throws(PlanError) {
            proposal = try await stored(id, of: company, in: &transaction)
        } catch {
            // A record that cannot be read keeps no status from being told.
            guard let store = error.store else { return false }
            switch store {
            case .malformed, .tampered: return false
            default: throw error
            }
        }
        // What was agreed to stays so.
        if proposal.activated != nil { return true }
        guard proposal.ended(at: now) == nil else { return false }
        guard withdrawing else { return true }
        try proposal.withdraw(at: now)
        try await tables.proposals.write(Stored(proposal), .platform, Self.ids(proposal), in: &transaction)
        return false
    }
}

extension CompanyFacts.Agreement {
    init(_ document: PriceDocument) {
        self.init(
            proposal: document.proposal, charges: document.after, entitlements: document.entitlements,
            conditions: document.conditions)
    }
}
