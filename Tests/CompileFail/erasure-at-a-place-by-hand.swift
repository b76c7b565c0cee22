// expect: cannot convert value of type 'ErasurePermit' to expected argument type 'Erasure'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePrivacy

func act(_ retention: Retention, _ place: some DataLocation, _ permit: consuming ErasurePermit) async throws {
    #if MISUSE
    _ = try await place.erase(permit)
    #else
    _ = try await retention.erase(permit)
    #endif
}
