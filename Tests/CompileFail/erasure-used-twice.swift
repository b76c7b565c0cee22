// expect: consumed more than once
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePrivacy

func act(_ retention: Retention, _ permit: consuming ErasurePermit) async throws {
    try await retention.erase(permit)
    #if MISUSE
    try await retention.erase(permit)
    #else
    print()
    #endif
}
