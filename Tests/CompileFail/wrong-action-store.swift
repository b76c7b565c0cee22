// expect: cannot convert value of type 'Permit<OpenCredential>' to expected
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveVault

func act(
    _ vault: Vault, _ credential: consuming Credential, _ connection: Connection, _ connector: Connector,
    _ right: Permit<StoreCredential>, _ wrong: Permit<OpenCredential>
) async throws {
    #if MISUSE
    try await vault.store(credential, for: connection, of: connector, wrong)
    #else
    try await vault.store(credential, for: connection, of: connector, right)
    #endif
}
