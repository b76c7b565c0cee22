// expect: cannot convert value of type 'Permit<ReadAudit>' to expected
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePrivacy

func act(
    _ retention: Retention, _ hold: Identifier<LegalCase>, _ right: Permit<ChangeHold>,
    _ wrong: Permit<ReadAudit>
) async throws {
    #if MISUSE
    try await retention.closeCase(hold, wrong)
    #else
    try await retention.closeCase(hold, right)
    #endif
}
