// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveStorage

/// The records that decide what a company may use and what it is asked for: authenticated where the authority has keys for it.
struct PlanTables: Sendable {
    let catalogues: ControlTable<Stored<Catalogue>>
    let dates: ControlTable<Catalogues.Dates>
    let facts: ControlTable<CompanyFacts>
    let accounts: ControlTable<TaskAccount>
    let proposals: ControlTable<Stored<PriceProposal>>
    let programme: ControlTable<Programme>
    let reviews: ControlTable<Stored<AllocationReview>>
    let findings: ControlTable<Stored<AllocationFinding>>

    /// Each company has a tree of its own, so that none waits for another's changes.
    init(_ control: ControlRecords?) {
        catalogues = ControlTable("plans.catalogue", in: .named("plans.catalogue"), control)
        dates = ControlTable("plans.catalogues", in: .named("plans.catalogue"), control)
        programme = ControlTable("plans.programme", in: .named("plans.catalogue"), control)
        facts = ControlTable("plans.company", in: .firstID, control)
        accounts = ControlTable("plans.account", in: .firstID, control)
        proposals = ControlTable("plans.proposal", in: .firstID, control)
        reviews = ControlTable("plans.allocation", in: .named("plans.reviews"), control)
        findings = ControlTable("plans.finding", in: .named("plans.reviews"), control)
    }
}
