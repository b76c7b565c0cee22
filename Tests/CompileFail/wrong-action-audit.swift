// expect: cannot convert value of type 'Permit<ChangeHold>' to expected
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveAudit
import ReeveModel

func act(_ log: AuditLog, _ scope: Scope, _ right: Permit<ReadAudit>, _ wrong: Permit<ChangeHold>) async throws {
    #if MISUSE
    _ = try await log.entries(of: scope, wrong)
    #else
    _ = try await log.entries(of: scope, right)
    #endif
}
