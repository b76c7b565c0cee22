// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReevePublishing
import ReeveStorage
import ReeveVault

/// The keys and credentials of a workspace. A credential opens for jobs, and is shown to nobody.
struct VaultLocation: RoomLocation {
    let vault: Vault
    let access: AccessAuthority
    var name: String { Vault.locationName }
    var category: DataCategory { DataCategory(trusted: "credential.app") }
    /// With a workspace's keys go those of the personal data that is sealed under them.
    var goesLast: Bool { true }

    /// Refuses while personal data is kept under a key of the workspace: a hold or a rule keeps that, and what keeps it keeps its key.
    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome {
        if let workspace = erasure.context.scope.workspace {
            let sealed = KeyRange(under: SealedRecords.marks(in: workspace))
            guard try await access.store.records(in: sealed, limit: 1).isEmpty else { throw VaultError(.wrongState) }
        }
        return try await vault.eraseWorkspace(erasure)
    }
}

/// What a workspace published.
struct PublicationsLocation: RoomLocation {
    let publisher: Publisher
    var name: String { Publisher.location }
    var category: DataCategory { DataCategory(trusted: "content.recipe") }
    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { try await publisher.erase(erasure) }
}

/// What a company was charged, granted and offered.
struct PlansLocation: RoomLocation {
    let plans: Plans
    var name: String { Plans.location }
    var category: DataCategory { DataCategory(trusted: "usage") }
    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { try await plans.erase(erasure) }
}

/// What subjects chose towards a customer.
struct CustomerChoicesLocation: RoomLocation {
    let privacy: Privacy
    var name: String { Privacy.customerLocation }
    var category: DataCategory { DataCategory(trusted: "choice") }
    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome {
        try await privacy.eraseCustomer(erasure)
    }
}

/// What a subject chose and agreed to towards the holder.
struct ChoicesLocation: RoomLocation {
    let privacy: Privacy
    var travels: Bool { true }
    var name: String { Privacy.choicesLocation }
    var category: DataCategory { DataCategory(trusted: "choice") }

    func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> {
        try await privacy.hasChoices(of: subject) ? [subject.record(at: name)] : []
    }

    func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? {
        try await privacy.exportChoices(of: Identifier(of: record, at: name))
    }

    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { try await privacy.eraseChoices(erasure) }
}

/// The personal values of a workspace's audit log.
struct LogValuesLocation: RoomLocation {
    let audit: AuditLog
    var name: String { AuditLog.logLocation }
    var category: DataCategory { DataCategory(trusted: "log.audit") }
    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { try await audit.eraseLog(erasure) }
}

/// The personal values about a subject in the platform's audit log.
struct SubjectValuesLocation: RoomLocation {
    let audit: AuditLog
    var name: String { AuditLog.subjectLocation }
    var category: DataCategory { DataCategory(trusted: "log.audit") }

    func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> {
        try await audit.hasValues(about: subject) ? [subject.record(at: name)] : []
    }

    func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? {
        try await audit.values(about: Identifier(of: record, at: name))
    }

    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { try await audit.eraseSubject(erasure) }
}
