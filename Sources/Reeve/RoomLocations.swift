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

/// A place of what is a customer's: nothing of it goes while it is one, whatever rules say of how old it is.
protocol CustomerLocation: RoomLocation {
    var plans: Plans { get }
}

extension CustomerLocation {
    func keeps(_ record: RetainedRecord, in scope: Scope) async throws -> Bool { try await isOfCustomer(record) }

    func isOfCustomer(_ record: RetainedRecord) async throws -> Bool {
        guard case .processor(let company) = record.role else { return false }
        return try await plans.isCustomer(company)
    }
}

/// The keys and credentials of a workspace. A credential opens for jobs, and is shown to nobody.
struct VaultLocation: CustomerLocation {
    let vault: Vault
    let access: AccessAuthority
    let plans: Plans
    var name: String { Vault.locationName }
    var category: DataCategory { DataCategory(trusted: "credential.app") }
    /// With a workspace's keys go those of the personal data that is sealed under them.
    var goesLast: Bool { true }
    var goesWhole: Bool { true }

    /// Personal data that is kept under a key of the workspace keeps that key.
    func keeps(_ record: RetainedRecord, in scope: Scope) async throws -> Bool {
        if try await isOfCustomer(record) { return true }
        return try await hasSealed(in: scope)
    }

    private func hasSealed(in scope: Scope) async throws -> Bool {
        guard let workspace = scope.workspace else { return false }
        let marks = KeyRange(under: SealedRecords.marks(in: workspace))
        return try await !access.store.records(in: marks, limit: 1).isEmpty
    }

    /// Nothing is sealed under the workspace's keys once this has begun, and what was by then is looked for again.
    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome {
        guard try await !hasSealed(in: erasure.context.scope) else { throw VaultError(.wrongState) }
        return try await vault.eraseWorkspace(erasure)
    }
}

/// What a workspace published.
struct PublicationsLocation: CustomerLocation {
    let publisher: Publisher
    let plans: Plans
    var name: String { Publisher.location }
    var category: DataCategory { DataCategory(trusted: "content.recipe") }
    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { try await publisher.erase(erasure) }
}

/// What a company was charged, granted and offered.
struct PlansLocation: CustomerLocation {
    let plans: Plans
    var name: String { Plans.location }
    var category: DataCategory { DataCategory(trusted: "usage") }
    func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { try await plans.erase(erasure) }
}

/// What subjects chose towards a customer.
struct CustomerChoicesLocation: CustomerLocation {
    let privacy: Privacy
    let plans: Plans
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
struct LogValuesLocation: CustomerLocation {
    let audit: AuditLog
    let plans: Plans
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
