// expect: initializer is inaccessible
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePlans

func forge(_ real: consuming Admission, _ job: Job) -> Admission {
    #if MISUSE
    Admission(job: job, tasks: 1)
    #else
    real
    #endif
}
