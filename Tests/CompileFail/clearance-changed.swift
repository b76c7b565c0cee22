// expect: 'request' is a 'let' constant
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReevePrivacy

func widen(_ clearance: Clearance, _ other: UseRequest) -> Clearance {
    var copy = clearance
    #if MISUSE
    copy.request = other
    #else
    copy = clearance
    #endif
    return copy
}
