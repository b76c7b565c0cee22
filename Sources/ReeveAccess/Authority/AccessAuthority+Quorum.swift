// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
package import ReeveStorage

/// What several distinct persons decide together.
extension AccessAuthority {
    /// Proposes a matter for approval. The permit is for ``Resource/access(in:)`` of its own scope, in the workspace of the
    /// matter; roles and rules belong to the platform.
    ///
    /// An emergency grant must end within the configured bound. The lifetime is in seconds, from 60 to the configured most.
    public func propose(
        _ matter: Quorum.Matter, in scope: Scope, reason: String, for seconds: Int = 86_400,
        _ permit: Permit<ProposeMatter>
    ) async throws(AccessError) -> Quorum {
        let action = "access.propose"
        try await check(permit, for: action, on: .access(in: permit.context.scope), in: permit.context.scope)
        var made: Quorum?
        try await recorded(action, permit) { () throws(AccessError) in
            guard reason.isReason else { throw AccessError(.reasonMissing) }
            guard case .stored(let stored) = engine else { throw AccessError(.noPolicy) }
            guard (60...max(60, configuration.matterSeconds)).contains(seconds) else { throw AccessError(.lifetime) }
            guard permit.context.scope.workspace == scope.workspace, try scopeFits(matter, scope) else {
                throw AccessError(.wrongResource)
            }
            let instant = now
            if case .breakGlass(let grant) = matter { try checkEmergency(grant, instant) }
            let needed = try await stored.current().policy.policy.rules.approvals
            let quorum = Quorum(
                id: Identifier(at: instant), matter: matter, digest: try Quorum.digest(of: matter, in: scope),
                scope: scope, proposer: permit.context.actor, reason: reason, needed: needed,
                expires: instant.advanced(by: .seconds(seconds)), approvals: [], used: nil)
            try await store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
                try await stored.tables.quorums.insert(quorum, .platform, [quorum.id.description], in: &transaction)
                let details = ["quorum": quorum.id.description, "matter": quorum.digest.description, "why": reason]
                try transaction.record(entry(action, permit, details: details), in: trail)
            }
            made = quorum
        }
        guard let made else { throw AccessError(.notFound) }
        return made
    }

    /// Approves a matter. The permit is for ``Resource/quorum(_:)`` in the matter's scope.
    ///
    /// Only a person can, once, and not the one who gains by it.
    public func approve(
        _ id: Identifier<Quorum>, _ permit: Permit<ApproveMatter>
    ) async throws(AccessError) {
        let action = "access.approve"
        try await check(permit, for: action, on: .quorum(id), in: permit.context.scope)
        try await recorded(action, permit) { () throws(AccessError) in
            guard case .stored(let stored) = engine else { throw AccessError(.noPolicy) }
            let instant = now
            try await store.transaction { (transaction: inout Transaction<AccessError>) throws(AccessError) in
                let found = try await stored.tables.quorums.read(.platform, [id.description], in: &transaction)
                guard var quorum = found else { throw AccessError(.notFound) }
                guard quorum.scope == permit.context.scope else { throw AccessError(.wrongResource) }
                guard quorum.used == nil else { throw AccessError(.alreadyUsed) }
                guard instant < quorum.expires else { throw AccessError(.tooLate) }
                let person = permit.context.actor
                guard case .person = person, quorum.beneficiary != Principal(person),
                    !quorum.approvals.contains(where: { $0.person == person })
                else { throw AccessError(.notEligible) }
                quorum.approvals.append(.init(person: person, at: instant))
                try await stored.tables.quorums.write(quorum, .platform, [id.description], in: &transaction)
                let details = ["quorum": id.description, "matter": quorum.digest.description]
                try transaction.record(entry(action, permit, details: details), in: trail)
            }
        }
    }

    /// Carries out an approved change of the policy or an emergency grant, once. Who proposed or approved it may.
    ///
    /// An emergency grant raises its alarm in the same commit. The approvals count only as far as those who gave them may
    /// still approve.
    @discardableResult
    public func activate(_ id: Identifier<Quorum>, as context: ActContext) async throws(AccessError) -> Quorum {
        let action = "access.activate"
        do throws(AccessError) {
            guard case .stored(let stored) = engine else { throw AccessError(.noPolicy) }
            let quorum: Quorum?
            do throws(StoreError) {
                quorum = try await stored.tables.quorums.read(.platform, [id.description], in: store)
            } catch {
                throw AccessError(error)
            }
            guard let quorum else { throw AccessError(.notFound) }
            guard quorum.scope == context.scope else { throw AccessError(.wrongResource) }
            let isParty = quorum.proposer == context.actor || quorum.approvals.contains { $0.person == context.actor }
            guard isParty else { throw AccessError(.notEligible) }
            guard quorum.used == nil else { throw AccessError(.alreadyUsed) }
            var policyChange: PolicyChange
            var isEmergency = false
            switch quorum.matter {
            case .change(let change): policyChange = change
            case .breakGlass(let grant):
                isEmergency = true
                policyChange = .grant(grant)
            case .act: throw AccessError(.wrongAction)
            }
            if case .grant(var grant) = policyChange {
                if isEmergency { try checkEmergency(grant, now) }
                grant.by = context.actor
                policyChange = .grant(grant)
            }
            var digest: Digest?
            try await change(policyChange, context.actor) { (policy, instant) throws(AccessError) in
                digest = policy.digest
                // Who has lost every role there does not carry anything out any more.
                guard policy.hasAnything(Principal(context.actor), near: quorum.scope, at: instant) else {
                    throw AccessError(.notEligible)
                }
                if case .grant(let grant) = policyChange, policy.policy.grants.contains(where: { $0.id == grant.id }) {
                    throw AccessError(.alreadyThere)
                }
            } also: { (transaction) throws(AccessError) in
                try await use(id, quorum.matter, in: quorum.scope, changesPolicy: true, &transaction)
                var details = ["quorum": id.description, "matter": quorum.digest.description]
                if case .grant(let grant) = policyChange { details.merge(Self.details(of: grant)) { old, _ in old } }
                if isEmergency {
                    let alarm = Alarm(.breakGlass, in: quorum.scope, about: id.description, details: details)
                    try await transaction.raise(alarm, at: time.now)
                    details["emergency"] = "true"
                }
                try transaction.record(entry(action, context, .quorum(id), nil, digest, nil, details), in: trail)
            }
            return quorum
        } catch {
            if error.cause == .outcomeUnknown { throw error }
            do throws(StoreError) {
                let refused = entry(action, context, .quorum(id), nil, nil, error.code.rawValue)
                try await store.record(refused, in: trail)
            } catch {
                throw AccessError(.notRecorded)
            }
            throw error
        }
    }

    /// Whether a policy with roles decides, so that several persons can be asked for.
    package var hasRoles: Bool { if case .stored = engine { true } else { false } }

    /// With what rooms authenticate the records that decide something, in the platform's partition as the policy; `nil` for a host
    /// without roles.
    package var control: ControlRecords? {
        guard case .stored(let stored) = engine else { return nil }
        return stored.control
    }

    /// Uses the approvals of another room's act, in the transaction of the act: once, whoever tries it and however often.
    package func use(
        _ id: Identifier<Quorum>, act: String, _ digest: Digest, in scope: Scope,
        _ transaction: inout Transaction<AccessError>
    ) async throws(AccessError) {
        guard case .stored(let stored) = engine else { throw AccessError(.noPolicy) }
        try await stored.checkPosition()
        try await use(id, .act(act, digest), in: scope, changesPolicy: false, &transaction)
    }

    /// Uses approvals; `changesPolicy` when the policy's version was moved on in this transaction already.
    private func use(
        _ id: Identifier<Quorum>, _ matter: Quorum.Matter, in scope: Scope, changesPolicy: Bool,
        _ transaction: inout Transaction<AccessError>
    ) async throws(AccessError) {
        guard case .stored(let stored) = engine else { throw AccessError(.noPolicy) }
        let instant = now
        guard var quorum = try await stored.tables.quorums.read(.platform, [id.description], in: &transaction) else {
            throw AccessError(.notFound)
        }
        guard quorum.scope == scope, quorum.matter == matter,
            quorum.digest == (try Quorum.digest(of: matter, in: scope))
        else { throw AccessError(.wrongResource) }
        guard quorum.used == nil else { throw AccessError(.alreadyUsed) }
        guard instant < quorum.expires else { throw AccessError(.tooLate) }
        let known = try await stored.current()
        let head = try await stored.tables.head.read(.platform, StoredPolicy.headID, in: &transaction)
        guard let head, head.version == known.version + (changesPolicy ? 1 : 0) else {
            stored.invalidate()
            throw AccessError(.changedMeanwhile)
        }
        guard let approve = known.policy.permissions[ApproveMatter.permission] else { throw AccessError(.notApproved) }
        let standing = quorum.approvals.filter { approval in
            quorum.beneficiary != Principal(approval.person)
                && known.policy.decide(AccessRequest(approval.person, approve, in: scope, at: instant)).isAllowed
        }
        // As many as were asked for then, and as many as are asked for now.
        guard Set(standing.map(\.person)).count >= max(quorum.needed, known.policy.policy.rules.approvals) else {
            throw AccessError(.notApproved)
        }
        quorum.used = instant
        try await stored.tables.quorums.write(quorum, .platform, [id.description], in: &transaction)
    }

    private func scopeFits(_ matter: Quorum.Matter, _ scope: Scope) throws(AccessError) -> Bool {
        switch matter {
        case .breakGlass(let grant), .change(.grant(let grant)): grant.reach.scope == scope
        case .change: scope == .platform
        case .act: true
        }
    }

    /// An emergency grant ends, and soon.
    private func checkEmergency(_ grant: Grant, _ instant: Timestamp) throws(AccessError) {
        guard let until = grant.until, until > instant,
            until <= instant.advanced(by: .seconds(configuration.breakGlassSeconds)), grant.reach != .everyWorkspace
        else { throw AccessError(.lifetime) }
    }
}

extension CompiledPolicy {
    /// Whether a principal has any role in a scope's workspace, or on the platform for the platform.
    fileprivate func hasAnything(_ principal: Principal, near scope: Scope, at instant: Timestamp) -> Bool {
        let places = scope.workspace == nil ? [Seat.Place(scope)] : [Seat.Place(scope), .everyWorkspace]
        return places.contains { place in
            grants.cells(of: Seat(principal: principal, place: place)).contains { cell in
                policy.grants[Int(cell.grant)].holds(at: instant)
            }
        }
    }
}
