// expect: requires that 'Secret' conform to 'Copyable'
// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveVault

func act(_ vault: Vault, _ id: Identifier<Connection>, _ permit: Permit<OpenCredential>) async throws -> Int {
    let names = try await vault.withCredential(id, permit) { secret in
        #if MISUSE
        [secret]
        #else
        secret.fieldNames
        #endif
    }
    return names.count
}
