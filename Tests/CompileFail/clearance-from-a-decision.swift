// expect: cannot convert value of type 'UseDecision' to expected argument type 'Clearance'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReevePrivacy

func send(_ clearance: Clearance) {}
func share(_ decision: UseDecision, _ clearance: Clearance) {
    #if MISUSE
    send(decision)
    #else
    send(clearance)
    #endif
}
