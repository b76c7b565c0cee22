// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
public import ReeveStorage
import Synchronization

/// Proof that a policy allowed one principal one action on one resource, for a short time.
///
/// Only an ``AccessAuthority`` makes permits, and only rooms built with that same authority take them. A permit names
/// the decision and the policy it was made under; the audit entry of the act carries both.
///
/// It is good for 30 seconds on the authority's monotonic clock. It may be used more than once in that time.
public struct Permit<Action: PermitAction>: Sendable {
    /// Who may act.
    public let context: ActContext
    /// What may be acted on, exactly.
    public let resource: Resource
    /// The decision that made the permit.
    public let decision: Identifier<DecisionRecord>
    /// The policy that it was made under.
    public let policy: Digest

    fileprivate let instance: InstanceID
    fileprivate let permission: String
    fileprivate let epoch: Int
    fileprivate let deadline: Duration

    fileprivate init(
        context: ActContext, resource: Resource, decision: Identifier<DecisionRecord>, policy: Digest,
        instance: InstanceID, epoch: Int, deadline: Duration
    ) {
        self.context = context
        self.resource = resource
        self.decision = decision
        self.policy = policy
        self.instance = instance
        permission = Action.permission
        self.epoch = epoch
        self.deadline = deadline
    }
}

/// The only issuer of permits for the rooms that are built with it.
///
/// It holds the policy in force, with its digest and epoch. Rooms hand every permit back to it at their door, where the
/// instance, the action, the resource, the scope and the deadline are checked and the decision is made again when the
/// policy has moved on since. Rooms also take their store, their clock and their trail from it, so that an act and its
/// entry cannot end up in different places. All calls may be made concurrently.
public final class AccessAuthority: Sendable {
    /// How long a permit is good.
    public static let permitLifetime = Duration.seconds(30)

    private let instance = InstanceID()
    /// The store of the rooms that are built with this authority.
    package let store: any Store
    /// The trail that rooms built with this authority write to.
    package let trail: Trail
    /// The clocks that permits are checked by.
    package let time: any TimeSource

    private let policy: Mutex<SoleOperatorPolicy>

    private init(store: any Store, trail: Trail, time: any TimeSource, policy: SoleOperatorPolicy) {
        self.store = store
        self.trail = trail
        self.time = time
        self.policy = Mutex(policy)
    }

    /// An authority for a host without roles: everything is allowed to one principal, nothing to anyone else.
    ///
    /// That the host has no roles is itself recorded, in the platform's log, before the authority exists. The reason
    /// must not be empty.
    public static func soleOperator(
        _ principal: ActContext.Actor, reason: String, store: any Store, time: any TimeSource = SystemTime()
    ) async throws(AccessError) -> AccessAuthority {
        guard reason.isReason else { throw AccessError(.reasonMissing) }
        let policy = try SoleOperatorPolicy(principal: principal)
        let trail = Trail(time: time)
        let entry = AuditEntry(
            at: time.now, context: ActContext(actor: principal, scope: .platform, origin: .background, reason: reason),
            action: "access.soleOperator", resource: "policy:\(policy.digest)", policy: policy.digest)
        do {
            try await store.record(entry, in: trail)
        } catch {
            throw AccessError(error)
        }
        return AccessAuthority(store: store, trail: trail, time: time, policy: policy)
    }

    /// Decides whether the context's actor may do `action` on `resource`, and proves it.
    ///
    /// A refusal is recorded in the log of the context's scope, and is returned as a value that says why.
    public func permit<Action: PermitAction>(
        _ action: Action.Type, on resource: Resource, as context: ActContext
    ) async -> Result<Permit<Action>, Denial> {
        let (decided, digest, epoch) = policy.withLock {
            ($0.decide(context, Action.permission), $0.digest, $0.epoch)
        }
        let decision = Identifier<DecisionRecord>(at: time.now)
        if let reason = decided {
            let denial = Denial(reason: reason, permission: Action.permission, resource: resource, decision: decision)
            let recorded = await recordRefusal(
                of: "access.permit", resource: resource, context: context, code: reason.rawValue,
                details: ["permission": Action.permission], decision: decision, policy: digest)
            return .failure(recorded ? denial : denial.unrecorded())
        }
        return .success(
            Permit(
                context: context, resource: resource, decision: decision, policy: digest,
                instance: instance, epoch: epoch, deadline: time.uptime + Self.permitLifetime))
    }

    /// Checks a permit at a room's door. A refusal is recorded under `act` and thrown.
    package func check<Action>(
        _ permit: Permit<Action>, for act: String, on resource: Resource, in scope: Scope
    ) async throws(AccessError) {
        guard let code = refusal(of: permit, on: resource, in: scope) else { return }
        let recorded = await recordRefusal(
            of: act, resource: resource, context: permit.context, code: code.rawValue, details: [:],
            decision: permit.decision, policy: permit.policy)
        throw AccessError(recorded ? code : .notRecorded)
    }

    private func refusal<Action>(
        of permit: Permit<Action>, on resource: Resource, in scope: Scope
    ) -> AccessError.Code? {
        guard permit.instance == instance else { return .foreignPermit }
        guard permit.permission == Action.permission, permit.resource == resource, permit.context.scope == scope else {
            return .wrongResource
        }
        guard time.uptime < permit.deadline else { return .expired }
        return policy.withLock { policy in
            guard permit.epoch != policy.epoch else { return nil }
            return policy.decide(permit.context, Action.permission) == nil ? nil : .denied
        }
    }

    private func recordRefusal(
        of act: String, resource: Resource, context: ActContext, code: String, details: [String: String],
        decision: Identifier<DecisionRecord>?, policy: Digest
    ) async -> Bool {
        let entry = AuditEntry(
            at: time.now, context: context, action: act, resource: resource.description, outcome: .refused,
            refusal: code, decision: decision, policy: policy, details: details)
        return (try? await store.record(entry, in: trail)) != nil
    }
}
