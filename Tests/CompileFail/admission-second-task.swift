// expect: noncopyable .* cannot be consumed when captured|consumed.*captured by an escaping closure|captured by an escaping closure
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans

func act(_ admission: consuming Admission) {
    #if MISUSE
    Task { admission.release() }
    #else
    admission.release()
    #endif
}
