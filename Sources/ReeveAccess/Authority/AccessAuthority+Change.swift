// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import ReeveStorage

/// How a stored policy changes: one change, its checks and its entry in one commit.
extension AccessAuthority {
    /// Gives a role. The permit is for ``Resource/access(in:)`` of the grant's scope, which for every workspace is the
    /// platform.
    ///
    /// Nobody gives himself a role, or more than he has there, or for longer than he has it; what goes beyond needs
    /// ``propose(_:in:reason:for:_:)``. Returns the grant as it is stored.
    @discardableResult
    public func grant(_ grant: Grant, _ permit: Permit<ManageAccess>) async throws(AccessError) -> Grant {
        var grant = grant
        grant.by = permit.context.actor
        let action = "access.grant"
        try await check(permit, for: action, on: .access(in: grant.reach.scope), in: grant.reach.scope)
        try await recorded(action, permit) { () throws(AccessError) in
            try await change(.grant(grant), permit.context.actor) { (policy, instant) throws(AccessError) in
                guard !policy.policy.grants.contains(where: { $0.id == grant.id }) else {
                    throw AccessError(.alreadyThere)
                }
                try mayGrant(grant, permit.context.actor, policy, instant)
            } also: { (transaction) throws(AccessError) in
                try transaction.record(entry(action, permit, details: Self.details(of: grant)), in: trail)
            }
        }
        return grant
    }

    /// Takes a grant back. The permit is for ``Resource/access(in:)`` of the grant's scope.
    ///
    /// The last grant without an end by which somebody can manage access in its scope stays, and one that lets approve is
    /// taken back only by who may approve there.
    public func revoke(
        _ id: Identifier<Grant>, _ permit: Permit<ManageAccess>
    ) async throws(AccessError) {
        let action = "access.revoke"
        let found = try await policy()?.policy.grants.first { $0.id == id }
        let scope = found?.reach.scope ?? permit.context.scope
        try await check(permit, for: action, on: .access(in: scope), in: scope)
        try await recorded(action, permit) { () throws(AccessError) in
            try await change(.revoke(id), permit.context.actor) { (policy, instant) throws(AccessError) in
                guard let grant = policy.policy.grants.first(where: { $0.id == id }), grant.reach.scope == scope else {
                    throw AccessError(.notFound)
                }
                try mayRevoke(grant, permit.context.actor, policy, instant)
            } also: { (transaction) throws(AccessError) in
                try transaction.record(entry(action, permit, details: ["grant": id.description]), in: trail)
            }
        }
    }

    static func details(of grant: Grant) -> [String: String] {
        var details = [
            "grant": grant.id.description, "principal": grant.principal.description, "role": grant.role.description,
            "reach": grant.reach.description, "grantReason": grant.reason,
        ]
        details["from"] = grant.from?.description
        details["until"] = grant.until?.description
        return details
    }

    /// Checks a change against the policy in force and writes it, with what else belongs to it, as the next version.
    ///
    /// The policy is compiled outside the transaction; inside, its version must still be the one that was checked.
    func change(
        _ change: PolicyChange, _ actor: ActContext.Actor,
        if allowed: (CompiledPolicy, Timestamp) throws(AccessError) -> Void,
        also: (inout Transaction<AccessError>) async throws(AccessError) -> Void
    ) async throws(AccessError) {
        guard case .stored(let stored) = engine else { throw AccessError(.noPolicy) }
        for _ in 0..<40 {
            let start = time.uptime
            let known = try await stored.current()
            try allowed(known.policy, now)
            let next: CompiledPolicy
            do throws(PolicyDefects) {
                next = try known.policy.policy.applying(change).compile()
            } catch {
                throw AccessError(error)
            }
            let isDone = try await store.transaction {
                (transaction: inout Transaction<AccessError>) throws(AccessError) in
                try await stored.checkPosition(&transaction)
                guard var head = try await stored.tables.head.read(.platform, StoredPolicy.headID, in: &transaction),
                    head.version == known.version
                else { return false }
                try await write(change, stored.tables, &head, &transaction)
                head.version += 1
                try await stored.tables.head.write(head, .platform, StoredPolicy.headID, in: &transaction)
                try await also(&transaction)
                return true
            }
            if isDone {
                stored.adopt(known.version + 1, next, seen: start)
                return
            }
            stored.invalidate()
        }
        throw AccessError(.changedMeanwhile)
    }

    private func write(
        _ change: PolicyChange, _ tables: StoredPolicy.Tables, _ head: inout StoredPolicy.Head,
        _ transaction: inout Transaction<AccessError>
    ) async throws(AccessError) {
        switch change {
        case .grant(let grant):
            try await tables.grants.write(grant, .platform, [grant.id.description], in: &transaction)
        case .revoke(let id): try await tables.grants.delete(.platform, [id.description], in: &transaction)
        case .define(let role):
            try await tables.roles.write(role, .platform, [role.name.description], in: &transaction)
        case .removeRole(let name): try await tables.roles.delete(.platform, [name.description], in: &transaction)
        case .setRules(let rules, let permissions):
            head.rules = rules
            head.permissions = permissions
        }
    }

    private func mayGrant(
        _ grant: Grant, _ actor: ActContext.Actor, _ policy: CompiledPolicy, _ instant: Timestamp
    ) throws(AccessError) {
        let giver = Principal(actor)
        if policy.policy.rules.noSelfGrant, giver == grant.principal { throw AccessError(.selfGrant) }
        guard policy.policy.rules.grantWithinOwn, let given = policy.roleBits[grant.role] else { return }
        // Only what the giver has all the time that the new grant lasts.
        let start = max(grant.from ?? instant, instant)
        let own = policy.held(by: giver, in: grant.reach) { own in
            own.holds(at: start) && (own.until.map { end in grant.until.map { $0 <= end } ?? false } ?? true)
        }
        guard given.isSubset(of: own) else { throw AccessError(.beyondOwn) }
    }

    private func mayRevoke(
        _ grant: Grant, _ actor: ActContext.Actor, _ policy: CompiledPolicy, _ instant: Timestamp
    ) throws(AccessError) {
        // Who cannot approve does not unseat those who can.
        if let approve = policy.permissionIndex[ApproveMatter.permission],
            policy.roleBits[grant.role]?.contains(approve) == true,
            !policy.held(by: Principal(actor), in: grant.reach, at: instant).contains(approve)
        {
            throw AccessError(.beyondOwn)
        }
        guard let manage = policy.permissionIndex[ManageAccess.permission],
            policy.roleBits[grant.role]?.contains(manage) == true, grant.holds(at: instant), grant.until == nil
        else { return }
        let isLast = !policy.policy.grants.contains { other in
            other.id != grant.id && other.holds(at: instant) && other.until == nil && other.reach.contains(grant.reach)
                && policy.roleBits[other.role]?.contains(manage) == true
        }
        if isLast { throw AccessError(.lastManager) }
    }

    /// Runs an act under a permit, and records it when it is refused.
    func recorded<Action>(
        _ action: String, _ permit: Permit<Action>, _ body: () async throws(AccessError) -> Void
    ) async throws(AccessError) {
        do throws(AccessError) {
            try await body()
        } catch {
            // What may have been done is not called refused.
            if error.cause == .outcomeUnknown { throw error }
            do throws(StoreError) {
                try await recordRefusal(of: action, permit, code: error.code.rawValue)
            } catch {
                throw AccessError(.notRecorded)
            }
            throw error
        }
    }
}
