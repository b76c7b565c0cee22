// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReevePlans
public import ReevePrivacy
import ReeveStorage
import ReeveVault

/// What crosses rooms when a customer leaves.
extension TrustLayer {
    /// Ends a company's subscription (clause P11.5): nothing new is admitted, and what the rooms and the registered places have of it goes on the day that the retention schedule says, counted
    /// from `day`, and not before.
    ///
    /// The keys and credentials of its workspaces are registered as records of it, so that a legal hold can keep them, and the schedule's rules for `credential.app` and for everything decide
    /// when they go. What is due goes with ``runOnce()``, and `Retention.departure(of:)` says at any time what is left and why. `sequence` orders the company's statuses:
    /// `Plans.setStatus(_:sequence:periods:)`. The permit is for the company's plan, in the scope `.platform`. Called again after a failure, it goes on where it stopped.
    @discardableResult
    public func offboard(
        _ company: Identifier<Company>, workspaces: [Identifier<Workspace>], on day: CivilDay? = nil,
        sequence: Int64, _ permit: Permit<ChangePlan>
    ) async throws -> DepartureReport {
        let today = access.time.now.day
        for workspace in workspaces {
            var own = permit.context
            own.scope = Scope(workspace)
            let record = RetainedRecord(
                id: Vault.record(of: workspace), category: Self.credentials, created: today,
                as: .processor(for: company), at: [Vault.locationName])
            do throws(PrivacyError) {
                try await retention.registerAnywhere(record, as: own)
            } catch {
                // It was, the last time.
                guard error.code == .alreadyRegistered else { throw error }
            }
        }
        try await retention.noteEnd(of: company, on: day ?? today, permit)
        try await plans.setStatus(Company(id: company, status: .former), sequence: sequence)
        let report = try await retention.departure(of: company)
        // Somebody else's record under that name is no record of the vault's.
        let known = Set(report.kept.filter { $0.locations == [Vault.locationName] }.map(\.record))
            .union(report.erased.map(\.record))
        guard workspaces.allSatisfy({ known.contains(Vault.record(of: $0)) }) else {
            throw PrivacyError(.alreadyRegistered)
        }
        return report
    }

    /// Takes up a company's subscription again: what was not erased by then stays.
    public func reinstate(
        _ company: Company, sequence: Int64, _ permit: Permit<ChangePlan>
    ) async throws {
        try await retention.noteReturn(of: company.id, permit)
        try await plans.setStatus(company, sequence: sequence)
    }

    /// Notes that a subject does not agree to a version of the policy. What is left is to stop using the service (clause P14.5): nothing more is collected of them, and for a customer whose
    /// own word it is, the subscription ends that day as by ``offboard(_:workspaces:on:sequence:_:)``.
    @discardableResult
    public func decline(
        _ version: String, by subject: Identifier<DataSubject>, ending company: Identifier<Company>,
        workspaces: [Identifier<Workspace>], sequence: Int64, _ permit: Permit<ChangePlan>
    ) async throws -> DepartureReport {
        _ = try await privacy.note(.declined, to: version, by: subject, as: permit.context)
        return try await offboard(company, workspaces: workspaces, sequence: sequence, permit)
    }

    /// What the vault keeps.
    private static let credentials = DataCategory(trusted: "credential.app")
}
