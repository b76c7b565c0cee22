// expect: cannot convert value of type 'PriceProposal' to expected
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePlans

func act(
    _ plans: Plans, _ proposal: PriceProposal, _ approval: consuming Approval, _ permit: Permit<ChangePlan>
) async throws {
    #if MISUSE
    try await plans.activate(proposal, permit)
    #else
    try await plans.activate(approval, permit)
    #endif
}
