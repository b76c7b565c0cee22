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
    try await plans.change(.package(Package(tasksPerPeriod: 5)), of: id, wrong)
    #else
    try await plans.change(.package(Package(tasksPerPeriod: 5)), of: id, right)
    #endif
}
