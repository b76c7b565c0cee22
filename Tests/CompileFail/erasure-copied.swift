// expect: consumed more than once
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePrivacy

func act(_ retention: Retention, _ permit: consuming ErasurePermit) async throws {
    let first = permit
    #if MISUSE
    let second = permit
    #else
    let second = 0
    #endif
    _ = second
    try await retention.erase(first)
}
