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
    /// Ends a company's subscription (clause P11.5): nothing new is admitted, and what is registered of it goes on the day that the retention schedule says, counted
    /// from `day`, and not before.
    ///
    /// What Reeve's own rooms have of it is registered as records of it, so that a legal hold can keep them, and the schedule's rules decide when each goes: of each workspace the keys and
    /// credentials (`credential.app`), what it published (`content.recipe`) and the personal values of its audit log (`log.audit`); of the company what it was charged, granted and offered
    /// (`usage`), and what its people chose towards it (`choice`). `keys` has a permit for each workspace, in its scope without an environment, as `Vault.shredWorkspace(_:)` takes it. The
    /// other permit is for the company's plan, in the scope `.platform`. Both are looked at before anything is done. What is due goes with ``runOnce()``, and `Retention.departure(of:)` says at any time what is left and why.
    ///
    /// `sequence` orders what is said of a company, as in `Plans.setStatus(_:sequence:periods:)`: a word that is not later than the last changes nothing. Called again with the same after a
    /// failure, it goes on where it stopped, and the first day counts.
    @discardableResult
    public func offboard(
        _ company: Identifier<Company>, shredding keys: [Permit<ManageKeys>] = [], on day: CivilDay? = nil,
        sequence: Int64, _ permit: Permit<ChangePlan>
    ) async throws -> DepartureReport {
        try await check(company, keys, permit)
        let workspaces = keys.compactMap(\.context.scope.workspace)
        // First what stops it from being a customer: until it has, nothing of it goes; and after a later word of the host's nothing is done.
        try await plans.setStatus(Company(id: company, status: .former), sequence: sequence)
        guard try await !plans.isCustomer(company) else { return try await retention.departure(of: company) }
        let isKnown = try await retention.hasWord(sequence, about: company)
        let new = try await unregistered(records(of: company, workspaces), of: company, isAgain: isKnown)
        // The ledger before the store: what is registered, a store that forgot is told again.
        if !isKnown || !new.isEmpty {
            try await retention.anchorLeaving(of: company, with: workspaces, sequence: sequence)
        }
        try await register(new, of: company, as: permit.context)
        try await retention.noteEnd(of: company, on: day ?? access.time.now.day, sequence: sequence, permit)
        return try await retention.departure(of: company)
    }

    /// What is not registered; what went with the same end is to stay gone. `PrivacyError.Code.alreadyRegistered` when somebody else's record is under the name of one.
    private func unregistered(
        _ records: [Owned], of company: Identifier<Company>, isAgain: Bool
    ) async throws -> [Owned] {
        var found: [Owned] = []
        for one in records {
            switch try await retention.standing(of: one.id, at: one.place.name, as: company) {
            case .unknown: found.append(one)
            case .erased where !isAgain: found.append(one)
            case .registered, .erased: break
            case .others: throw PrivacyError(.alreadyRegistered)
            }
        }
        return found
    }

    private func register(
        _ records: [Owned], of company: Identifier<Company>, as context: ActContext
    ) async throws {
        for one in records {
            var own = context
            own.scope = one.scope
            let record = RetainedRecord(
                id: one.id, category: one.place.category, created: access.time.now.day, as: .processor(for: company),
                at: [one.place.name], isPublic: one.isPublic)
            do throws(PrivacyError) {
                try await retention.registerAnywhere(record, as: own)
            } catch {
                // It was, meanwhile: by another call for the same company.
                let standing = try await retention.standing(of: one.id, at: one.place.name, as: company)
                guard error.code == .alreadyRegistered, standing != .others else { throw error }
            }
        }
    }

    /// Erases again what subjects and customers who left had erased, after a backup of the store or of a place was put back: `Retention.replayErasures(as:)`, and what the rooms have of customers who
    /// left by ``offboard(_:shredding:on:sequence:_:)``, which goes with the next ``runOnce()``. Call it before anything else is done with a store that was put back. What one customer meets keeps no
    /// other from it: `ErasureReplay.untold`.
    @discardableResult
    public func replayErasures(as context: ActContext) async throws -> ErasureReplay {
        var replay = try await retention.replayErasures(as: context)
        for one in replay.left {
            do {
                try await plans.setStatus(Company(id: one.customer, status: .former), sequence: one.sequence)
                guard try await !plans.isCustomer(one.customer) else { continue }
                let owned = records(of: one.customer, one.workspaces)
                let new = try await unregistered(owned, of: one.customer, isAgain: true)
                try await register(new, of: one.customer, as: context)
            } catch {
                replay.noteUntold(one.customer)
            }
        }
        return replay
    }

    /// Takes up a company's subscription again: what was not erased by then stays, but for a record of which one place has removed its part already. `Plans.setStatus(_:sequence:periods:)` alone does not stop what an ``offboard(_:shredding:on:sequence:_:)``
    /// began, though nothing that the rooms have of the company goes while it is a customer.
    public func reinstate(
        _ company: Company, sequence: Int64, _ permit: Permit<ChangePlan>
    ) async throws {
        try await retention.noteReturn(of: company.id, sequence: sequence, permit)
        try await plans.setStatus(company, sequence: sequence)
    }

    /// Notes that a subject does not agree to a version of the policy. What is left is to stop using the service (clause P14.5): nothing more is collected of them, and for a customer whose
    /// own word it is, the subscription ends that day as by ``offboard(_:shredding:on:sequence:_:)``.
    @discardableResult
    public func decline(
        _ version: String, by subject: Identifier<DataSubject>, ending company: Identifier<Company>,
        shredding keys: [Permit<ManageKeys>] = [], sequence: Int64, _ permit: Permit<ChangePlan>
    ) async throws -> DepartureReport {
        try await check(company, keys, permit)
        _ = try await privacy.note(.declined, to: version, by: subject, as: permit.context)
        return try await offboard(company, shredding: keys, sequence: sequence, permit)
    }

    /// Looks at all permits before anything is done.
    private func check(
        _ company: Identifier<Company>, _ keys: [Permit<ManageKeys>], _ permit: Permit<ChangePlan>
    ) async throws {
        try await access.check(permit, for: "privacy.noteEnd", on: .plan(of: company), in: .platform)
        for key in keys {
            guard let workspace = key.context.scope.workspace else { throw AccessError(.wrongResource) }
            let scope = Scope(workspace)
            try await access.check(
                key, for: "vault.key.eraseWorkspace", on: KeyTarget.environment.resource(in: scope), in: scope)
        }
    }

    /// What a room has of a company, at its place.
    private struct Owned {
        let place: any RoomLocation
        let id: Identifier<DataRecord>
        let scope: Scope
        var isPublic = false
    }

    /// What the rooms have of a company and its workspaces.
    private func records(of company: Identifier<Company>, _ workspaces: [Identifier<Workspace>]) -> [Owned] {
        let ofCompany: [any RoomLocation] = [
            PlansLocation(plans: plans), CustomerChoicesLocation(privacy: privacy, plans: plans),
        ]
        let keys = VaultLocation(vault: vault, access: access, plans: plans)
        let published = PublicationsLocation(publisher: publisher, plans: plans)
        let values = LogValuesLocation(audit: audit, plans: plans)
        var owned = ofCompany.map { Owned(place: $0, id: company.record(at: $0.name), scope: .platform) }
        for workspace in workspaces {
            let scope = Scope(workspace)
            owned.append(Owned(place: keys, id: Vault.record(of: workspace), scope: scope))
            owned.append(Owned(place: values, id: workspace.record(at: values.name), scope: scope))
            owned.append(
                Owned(place: published, id: workspace.record(at: published.name), scope: scope, isPublic: true))
        }
        return owned
    }
}
