// expect: cannot convert value of type 'Permit<StoreCredential>' to expected
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveVault

func act(
    _ vault: Vault, _ id: Identifier<Connection>, _ right: Permit<OpenCredential>, _ wrong: Permit<StoreCredential>
)
    async throws
{
    #if MISUSE
    try await vault.withCredential(id, wrong) { _ in }
    #else
    try await vault.withCredential(id, right) { _ in }
    #endif
}
