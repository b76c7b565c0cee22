// expect: cannot convert value of type 'Permit<ChangeHold>' to expected argument type 'ErasurePermit'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePrivacy

func act(_ retention: Retention, _ right: consuming ErasurePermit, _ wrong: Permit<ChangeHold>) async throws {
    #if MISUSE
    try await retention.erase(wrong)
    #else
    try await retention.erase(right)
    #endif
}
