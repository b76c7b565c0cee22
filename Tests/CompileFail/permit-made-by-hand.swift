// expect: inaccessible|no accessible initializers|cannot be constructed
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel

func forge(_ real: Permit<OpenCredential>) -> Permit<OpenCredential> {
    #if MISUSE
    Permit(context: real.context, resource: real.resource, decision: real.decision, policy: real.policy)
    #else
    real
    #endif
}
