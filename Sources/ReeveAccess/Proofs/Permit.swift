// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
package import ReeveStorage
import Synchronization

/// Proof that a policy allowed one principal one action on one resource, for a short time.
///
/// Only an ``AccessAuthority`` makes permits, and only rooms built with that same authority take them. A permit names
/// the decision and the policy it was made under; the audit entry of the act carries both.
///
/// It is good for 30 seconds on the authority's monotonic clock, or until the grant that allowed it ends. It may be used more than once in that time.
public struct Permit<Action: PermitAction>: Sendable {
    /// Who may act.
    public let context: ActContext
    /// What may be acted on, exactly.
    public let resource: Resource
    /// The decision that made the permit.
    public let decision: Identifier<DecisionRecord>
    /// The policy that it was made under.
    public let policy: Digest
    /// What the host stated of the situation, in order: `user.mfa=yes`.
    package let facts: String?

    fileprivate let instance: InstanceID
    fileprivate let permission: String
    fileprivate let epoch: Int64
    fileprivate let deadline: Duration
    fileprivate let statedFacts: [Path: Truth]

    fileprivate init(
        context: ActContext, resource: Resource, decision: Identifier<DecisionRecord>, policy: Digest,
        instance: InstanceID, epoch: Int64, deadline: Duration, facts: [Path: Truth]
    ) {
        self.context = context
        self.resource = resource
        self.decision = decision
        self.policy = policy
        self.instance = instance
        permission = Action.permission
        self.epoch = epoch
        self.deadline = deadline
        statedFacts = facts
        self.facts = facts.isEmpty ? nil : AccessAuthority.text(of: facts)
    }
}

/// The only issuer of permits for the rooms that are built with it.
///
/// It holds the policy in force, with its digest and version. Rooms hand every permit back to it at their door, where the
/// instance, the action, the resource, the scope and the deadline are checked and the decision is made again when the
/// policy has moved on since. Rooms also take their store, their clock and their trail from it, so that an act and its
/// entry cannot end up in different places. All calls may be made concurrently.
public final class AccessAuthority: Sendable {
    /// How long a permit is good.
    public static let permitLifetime = Duration.seconds(30)

    /// What decides.
    enum Engine: Sendable {
        case soleOperator(SoleOperatorPolicy)
        case stored(StoredPolicy)
    }

    let instance = InstanceID()
    /// The store of the rooms that are built with this authority.
    package let store: any Store
    /// The trail that rooms built with this authority write to.
    package let trail: Trail
    /// The clocks that permits are checked by.
    package let time: any TimeSource
    let engine: Engine
    /// What was set.
    let configuration: Configuration
    private let clock: ForwardClock

    init(
        store: any Store, trail: Trail, time: any TimeSource, engine: Engine, configuration: Configuration = .init()
    ) {
        self.store = store
        self.trail = trail
        self.time = time
        self.engine = engine
        self.configuration = configuration
        clock = ForwardClock(time)
    }

    /// Decides whether the context's actor may do `action` on `resource`, and proves it.
    ///
    /// A refusal is recorded in the log of the context's scope, raises an alarm when it is in production, and is returned
    /// as a value that says why. Who the actor is and what the facts are is the host's word, and is recorded as such. What
    /// a rule about changes speaks about needs ``Resource/change(_:)``; asking for it counts as doing that duty.
    public func permit<Action: PermitAction>(
        _ action: Action.Type, on resource: Resource, as context: ActContext, facts: [Path: Truth] = [:]
    ) async -> Result<Permit<Action>, Denial> {
        let decision = Identifier<DecisionRecord>(at: time.now)
        let uptime = time.uptime
        let refusal: Refusal
        switch await decide(Action.permission, on: resource, context, facts) {
        case .success(let allowance):
            return .success(
                Permit(
                    context: context, resource: resource, decision: decision, policy: allowance.policy,
                    instance: instance, epoch: allowance.version, deadline: uptime + allowance.left, facts: facts))
        case .failure(let found): refusal = found
        }
        var details = ["permission": Action.permission]
        if !facts.isEmpty { details["facts"] = Self.text(of: facts) }
        let denial = Denial(
            reason: refusal.reason, permission: Action.permission, resource: resource, decision: decision,
            explanation: refusal.explanation)
        let recorded = await recordRefusal(
            of: "access.permit", resource: resource, context: context, code: refusal.reason.rawValue, details: details,
            decision: decision, policy: refusal.policy)
        return .failure(recorded ? denial : denial.unrecorded())
    }

    /// Checks a permit at a room's door. A refusal is recorded under `act` and thrown.
    package func check<Action>(
        _ permit: Permit<Action>, for act: String, on resource: Resource, in scope: Scope
    ) async throws(AccessError) {
        guard let error = await refusal(of: permit, on: resource, in: scope) else { return }
        let recorded = await recordRefusal(
            of: act, resource: resource, context: permit.context, code: error.code.rawValue, details: [:],
            decision: permit.decision, policy: permit.policy)
        throw recorded ? error : AccessError(.notRecorded)
    }

    private func refusal<Action>(
        of permit: Permit<Action>, on resource: Resource, in scope: Scope
    ) async -> AccessError? {
        guard permit.instance == instance else { return AccessError(.foreignPermit) }
        guard permit.permission.isIdentical(to: Action.permission) else { return AccessError(.wrongAction) }
        guard permit.resource == resource, permit.context.scope == scope else { return AccessError(.wrongResource) }
        guard time.uptime < permit.deadline else { return AccessError(.expired) }
        switch engine {
        case .soleOperator: return nil
        case .stored(let stored):
            let known: StoredPolicy.Known
            do throws(AccessError) {
                known = try await stored.current()
            } catch {
                return error
            }
            guard permit.epoch != known.version else { return nil }
            // The duty on a change was taken when the permit was made; what the rules say now is asked without it.
            let isStillAllowed = isAllowed(permit, known.policy)
            return isStillAllowed ? nil : AccessError(.denied)
        }
    }

    private func isAllowed<Action>(_ permit: Permit<Action>, _ policy: CompiledPolicy) -> Bool {
        guard let permission = policy.permissions[Action.permission] else { return false }
        let request = AccessRequest(
            permit.context.actor, permission, in: permit.context.scope, at: now, facts: permit.statedFacts)
        let decision = policy.decide(request)
        return decision.isAllowed || [.separationOfDuty, .promotionOrder].contains(decision.reason)
    }

    /// The wall clock, which for this authority never goes back: what has ended stays ended.
    var now: Timestamp { clock.now }

    private func recordRefusal(
        of act: String, resource: Resource, context: ActContext, code: String, details: [String: String],
        decision: Identifier<DecisionRecord>?, policy: Digest?
    ) async -> Bool {
        var entry = AuditEntry(
            at: time.now, context: context, action: act, resource: resource.description, outcome: .refused,
            refusal: code, decision: decision, policy: policy, details: details)
        if entry.recordBytes(schema: 1).count > Trail.maximumEntryBytes {
            // Nobody keeps a refusal out of the trail by a long text.
            var short = context
            short.reason = nil
            entry = AuditEntry(
                at: entry.at, context: short, action: act, resource: String(resource.description.prefix(200)),
                outcome: .refused, refusal: code, decision: decision, policy: policy, details: ["cut": "yes"])
        }
        return await commit(entry, code)
    }

    private func commit(_ entry: AuditEntry, _ code: String) async -> Bool {
        let scope = entry.context.scope
        do throws(StoreError) {
            try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                if scope.environment == .production {
                    let alarm = Alarm(
                        .forbiddenProduction, in: scope, about: entry.resource,
                        details: ["act": entry.action, "refusal": code])
                    try await transaction.raise(alarm, at: entry.at)
                }
                try transaction.record(entry, in: trail)
            }
            return true
        } catch {
            return false
        }
    }

    static func text(of facts: [Path: Truth]) -> String {
        facts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.rawValue)" }.joined(separator: ",")
    }
}

/// A wall clock that goes on by the monotonic clock when it is set back.
private final class ForwardClock: Sendable {
    private struct Mark {
        var now: Timestamp
        var uptime: Duration
    }
    private let time: any TimeSource
    private let latest: Mutex<Mark>

    init(_ time: any TimeSource) {
        self.time = time
        latest = Mutex(Mark(now: time.now, uptime: time.uptime))
    }

    var now: Timestamp {
        let (now, uptime) = (time.now, time.uptime)
        return latest.withLock { latest in
            let expected = latest.now.advanced(by: uptime - latest.uptime)
            let forward = max(now, expected)
            if uptime > latest.uptime { latest = Mark(now: forward, uptime: uptime) }
            return forward
        }
    }
}
