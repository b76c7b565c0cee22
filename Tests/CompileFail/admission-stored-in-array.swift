// expect: requires that 'Admission' conform to 'Copyable'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans

func act(_ admission: consuming Admission) {
    #if MISUSE
    let kept = [admission]
    #else
    let kept = admission
    #endif
    _ = consume kept
}
