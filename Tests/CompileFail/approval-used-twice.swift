// expect: consumed more than once
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePlans

func act(_ plans: Plans, _ approval: consuming Approval, _ permit: Permit<ChangePlan>) async throws {
    try await plans.activate(approval, permit)
    #if MISUSE
    try await plans.activate(approval, permit)
    #else
    print()
    #endif
}
