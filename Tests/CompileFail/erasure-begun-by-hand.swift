// expect: inaccessible|package. protection|no accessible
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel

func forge(_ real: consuming Erasure, _ id: Identifier<DataRecord>) -> Erasure {
    #if MISUSE
    Erasure(record: id, at: "host", attempt: 1)
    #else
    real
    #endif
}
