// expect: cannot convert value of type 'Permit<OpenCredential>' to expected
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveVault

func act(
    _ vault: Vault, _ id: Identifier<Connection>, _ right: Permit<DestroyCredential>, _ wrong: Permit<OpenCredential>
)
    async throws
{
    #if MISUSE
    try await vault.destroy(id, wrong)
    #else
    try await vault.destroy(id, right)
    #endif
}
