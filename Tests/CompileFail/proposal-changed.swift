// expect: setter is inaccessible
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePlans

func act(_ proposal: inout PriceProposal, _ response: Response) {
    #if MISUSE
    proposal.response = response
    #else
    _ = proposal.response
    #endif
}
