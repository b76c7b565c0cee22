// expect: initializer is inaccessible
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePlans

func forge(_ real: consuming Approval, _ proposal: PriceProposal) -> Approval {
    #if MISUSE
    Approval(proposal)
    #else
    real
    #endif
}
