// expect: consumed more than once
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans

func act(_ admission: consuming Admission) {
    let first = admission
    #if MISUSE
    let second = admission
    #else
    let second = 0
    #endif
    first.release()
    _ = second
}
