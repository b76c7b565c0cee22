// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import Reeve
public import ReeveAccess
public import ReeveAudit
public import ReeveModel
public import ReevePlans
public import ReevePrivacy
public import ReevePublishing
public import ReeveStorage
import ReeveVault

/// Whole rooms in memory over a test authority, and real proofs of theirs: for tests of code that takes proofs.
///
/// No other room accepts these proofs, so nothing that a test makes opens anything real.
public struct TestTrust: Sendable {
    /// The rooms.
    public let layer: TrustLayer
    /// The store under them.
    public let store: SpyStore
    /// What the audit logs are kept under: for a policy with roles in the same store, and to verify what they signed.
    public let keys: AuditKeys
    /// The clocks of all rooms.
    public let time: ManualTime
    /// Who may do everything.
    public let principal: ActContext.Actor
    /// A company in proof of concept, on the trial plan.
    public let company: Identifier<Company>
    /// A scope of a workspace in production.
    public let scope: Scope
    /// A place for personal data, by the name of `host`.
    public let location = MemoryLocation()

    /// Rooms over a store; by default a new one in memory. Nobody waits for tasks that others hold unless the configuration says
    /// so: the test's clock stands still. What only a person may do needs a person for its principal. Two over one store have the
    /// first one's `keys`.
    public init(
        over base: any Store = MemoryStore(),
        configuration: TrustLayer.Configuration = .init(tasks: .init(recallMilliseconds: 0)),
        principal: ActContext.Actor = .host("test"),
        time: ManualTime = ManualTime(), keys: AuditKeys? = nil, locations: [any DataLocation] = []
    ) async throws {
        store = SpyStore(base)
        self.time = time
        self.principal = principal
        company = Identifier(at: time.now)
        scope = Scope(Identifier<Workspace>(at: time.now), .production)
        let authority = try await AccessAuthority.soleOperator(
            principal, reason: "tests", store: store, time: time)
        self.keys = try keys ?? AuditKeys.ephemeral(name: configuration.audit.origin, time: time)
        layer = try TrustLayer(
            mainKeys: MainKeys(LocalMainKey.ephemeral()), authority: authority, audit: self.keys,
            locations: locations + [location], configuration: configuration)
        try await layer.plans.setStatus(Company(id: company, status: .proofOfConcept), sequence: 1)
    }

    /// The context of an act of the principal's.
    public func context(_ scope: Scope? = nil) -> ActContext {
        ActContext(actor: principal, scope: scope ?? self.scope)
    }

    /// A permit for an action on a resource.
    public func permit<Action: PermitAction>(
        _ action: Action.Type, on resource: Resource, in scope: Scope? = nil
    ) async throws -> Permit<Action> {
        try await layer.access.permit(action, on: resource, as: context(scope)).get()
    }

    /// A new job in the test's scope.
    public func job() -> Job {
        Job(id: Identifier(at: time.now), recipe: Recipe(id: Identifier(at: time.now), version: 1), scope: scope)
    }

    /// An admission of a job's tasks.
    public func admission(tasks: Int = 1) async throws -> Admission {
        try await layer.tasks.admit(job(), of: company, tasks: tasks)
    }

    /// A recipe that this test's publisher takes: an empty plain document unless `bytes` says otherwise.
    public func scrubbedRecipe(_ bytes: [UInt8] = Array("{}".utf8)) throws -> ScrubbedRecipe {
        let report = layer.publisher.scrubber.scrub(bytes, as: .plainJSON, for: .publicLibrary)
        guard case .publishable(let recipe) = report.verdict else { throw BrokenPromise(report.summary) }
        return recipe
    }
}
