// expect: cannot convert value of type 'Permit<PublishRecipe>' to expected
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePlans

func act(_ plans: Plans, _ id: Identifier<Company>, _ right: Permit<ChangePlan>, _ wrong: Permit<PublishRecipe>)
    async throws
{
    #if MISUSE
    try await plans.setPackage(tasksPerPeriod: 5, for: id, wrong)
    #else
    try await plans.setPackage(tasksPerPeriod: 5, for: id, right)
    #endif
}
