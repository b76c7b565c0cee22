// expect: consumed more than once
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans

func act(_ admission: consuming Admission) {
    admission.commit(used: 1)
    #if MISUSE
    admission.release()
    #else
    print()
    #endif
}
