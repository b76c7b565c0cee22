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

    init(_ control: ControlRecords?) {
        catalogues = ControlTable("plans.catalogue", control)
        dates = ControlTable("plans.catalogues", control)
        facts = ControlTable("plans.company", control)
        accounts = ControlTable("plans.account", control)
        proposals = ControlTable("plans.proposal", control)
        programme = ControlTable("plans.programme", control)
        reviews = ControlTable("plans.allocation", control)
        findings = ControlTable("plans.finding", control)
    }
}
