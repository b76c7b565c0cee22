// expect: captured by an escaping closure|cannot be consumed when captured
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePrivacy

func act(_ retention: Retention, _ permit: consuming ErasurePermit) async throws {
    #if MISUSE
    Task { try await retention.erase(permit) }
    #else
    try await retention.erase(permit)
    #endif
}
