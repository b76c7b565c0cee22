// expect: inaccessible|package. protection|no accessible
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePrivacy

func forge(
    _ real: consuming ErasurePermit, _ id: Identifier<DataRecord>, _ dec: Identifier<DecisionRecord>, _ c: ActContext
)
    -> ErasurePermit
{
    #if MISUSE
    ErasurePermit(record: id, decision: dec, context: c)
    #else
    real
    #endif
}
