// expect: cannot convert value of type 'Permit<ChangePlan>' to expected
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePlans

func act(
    _ plans: Plans, _ proposal: PriceProposal, _ workspace: Workspace, _ right: Permit<ApprovePrice>,
    _ wrong: Permit<ChangePlan>
) async throws -> Approval {
    #if MISUSE
    try await plans.approve(proposal.id, for: workspace, document: proposal.digest, wrong)
    #else
    try await plans.approve(proposal.id, for: workspace, document: proposal.digest, right)
    #endif
}
