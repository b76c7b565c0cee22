// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReevePrivacy
import ReeveVault

/// The vault as a place: each workspace's keys and credentials are one record, held for the customer whose workspace it is. A credential opens for jobs, and is shown to nobody.
struct VaultLocation: DataLocation {
    let vault: Vault
    var name: String { Vault.locationName }

    func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> { [] }

    func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? { nil }

    func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool { false }

    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { try await vault.eraseWorkspace(erasure) }
}
