// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveStorage

/// How an authority decides, by the one policy that it holds.
extension AccessAuthority {
    /// Why a permit is not given.
    struct Refusal: Error {
        let reason: Denial.Reason
        let explanation: AccessExplanation?
        let policy: Digest?

        init(_ reason: Denial.Reason, _ explanation: AccessExplanation? = nil, policy: Digest? = nil) {
            self.reason = reason
            self.explanation = explanation
            self.policy = policy
        }
    }

    /// What allowed an act: the policy's digest and version, and for how long the grant still holds.
    struct Allowance {
        let policy: Digest
        let version: Int64
        let left: Duration
    }

    /// What allowed it, or why not.
    func decide(
        _ permission: String, on resource: Resource, _ context: ActContext, _ facts: [Path: Truth]
    ) async -> Result<Allowance, Refusal> {
        switch engine {
        case .soleOperator(let policy):
            guard let reason = policy.decide(context, permission) else {
                return .success(Allowance(policy: policy.digest, version: 1, left: Self.permitLifetime))
            }
            return .failure(Refusal(reason, policy: policy.digest))
        case .stored(let stored):
            do throws(AccessError) {
                for _ in 0..<20 {
                    let known = try await stored.current()
                    let policy = known.policy
                    guard let defined = policy.permissions[permission] else {
                        return .failure(Refusal(.unknownPermission, policy: policy.digest))
                    }
                    let request = AccessRequest(context.actor, defined, in: context.scope, at: now, facts: facts)
                    let decision: AccessDecision
                    if policy.concernsChanges(defined) {
                        guard let made = try await takeDuty(request, resource, stored, known) else {
                            stored.invalidate()
                            continue
                        }
                        decision = made
                    } else {
                        decision = policy.decide(request)
                    }
                    guard let reason = decision.reason else {
                        return .success(
                            Allowance(
                                policy: policy.digest, version: known.version,
                                left: policy.left(of: request, atMost: Self.permitLifetime)))
                    }
                    return .failure(Refusal(reason, decision.explanation, policy: policy.digest))
                }
                return .failure(Refusal(.policyUnavailable))
            } catch {
                return .failure(Refusal(.policyUnavailable))
            }
        }
    }

    /// Decides about a change with what was done to it, and notes that this principal takes on the duty, in one commit;
    /// `nil` when the policy moved on meanwhile.
    private func takeDuty(
        _ request: AccessRequest, _ resource: Resource, _ stored: StoredPolicy, _ known: StoredPolicy.Known
    ) async throws(AccessError) -> AccessDecision? {
        guard let change = Identifier<ChangeRecord>(resource.description) else { return known.policy.decide(request) }
        let tables = stored.tables
        return try await store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
            try await stored.checkPosition(&transaction)
            let head = try await tables.head.read(.platform, StoredPolicy.headID, in: &transaction)
            guard head?.version == known.version else { return nil }
            let ids = Self.historyIDs(change, request.scope)
            let before = try await tables.histories.read(.platform, ids, in: &transaction)
            var history = before?.history ?? ChangeHistory()
            var request = request
            request.change = history
            let decision = known.policy.decide(request)
            guard decision.isAllowed else { return decision }
            history.duties[request.permission.description, default: []].insert(request.principal)
            if history != before?.history {
                try await tables.histories.write(.init(history: history), .platform, ids, in: &transaction)
            }
            return decision
        }
    }

    /// A change's history belongs to its workspace: nobody else's change of the same id counts.
    static func historyIDs(_ change: Identifier<ChangeRecord>, _ scope: Scope) -> [String] {
        [scope.workspace?.description ?? "platform", change.description]
    }

    /// Records that an act of the host's own was done under a permit, as the door for acts that no room of Reeve takes.
    ///
    /// A change that was deployed has reached the scope's environment from then on. Call it right after the act; the
    /// permit is checked once more. The entry's action is the permission.
    public func complete<Action>(_ permit: Permit<Action>) async throws(AccessError) {
        let action = Action.permission
        try await check(permit, for: action, on: permit.resource, in: permit.context.scope)
        try await store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
            if case .stored(let stored) = engine, let environment = permit.context.scope.environment,
                let change = Identifier<ChangeRecord>(permit.resource.description)
            {
                let head = try await stored.tables.head.read(.platform, StoredPolicy.headID, in: &transaction)
                if head?.rules.promotion?.permission.description == action {
                    let ids = Self.historyIDs(change, permit.context.scope)
                    let before = try await stored.tables.histories.read(.platform, ids, in: &transaction)
                    guard var history = before?.history else { throw AccessError(.notFound) }
                    history.reached.insert(environment)
                    try await stored.tables.histories.write(.init(history: history), .platform, ids, in: &transaction)
                }
            }
            try transaction.record(entry(action, permit), in: trail)
        }
    }

    /// The policy in force as this process knows it, no older than the configured bound: to explain and to simulate.
    ///
    /// `nil` for a host without roles.
    public func policy() async throws(AccessError) -> CompiledPolicy? {
        guard case .stored(let stored) = engine else { return nil }
        return try await stored.current().policy
    }
}
