// expect: inaccessible|fileprivate. protection|no accessible
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

func forge(_ real: Clearance, _ policy: Digest) -> Clearance {
    #if MISUSE
    Clearance(request: real.request, context: real.context, decision: real.decision, policy: policy, duties: [])
    #else
    real
    #endif
}
