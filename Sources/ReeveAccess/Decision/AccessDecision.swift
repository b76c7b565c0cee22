// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a policy says to a request. It explains itself when it is asked, at no cost before.
public struct AccessDecision: Sendable {
    /// What was asked.
    public let request: AccessRequest
    /// The policy that decided.
    public let policy: CompiledPolicy
    /// Why not; `nil` when it is allowed.
    public let reason: Denial.Reason?
    /// Whether it is allowed.
    public var isAllowed: Bool { reason == nil }

    init(request: consuming AccessRequest, policy: CompiledPolicy, reason: Denial.Reason?) {
        self.request = request
        self.policy = policy
        self.reason = reason
    }

    /// What the decision rests on. Complexity: O(grants of the principal + roles that the granted one inherits).
    public var explanation: AccessExplanation { AccessExplanation(self) }
}

/// What a decision rests on: the grant that allowed, the rules that spoke, and what is missing.
public struct AccessExplanation: Hashable, Sendable {
    /// The way by which a permission came to a principal.
    public struct Granting: Hashable, Sendable {
        /// The grant.
        public let grant: Identifier<Grant>
        /// Where it is.
        public let reach: Reach
        /// From the granted role to the one that holds the permission.
        public let roles: [RoleName]
    }

    /// What would have allowed: the grant that comes nearest.
    public struct Missing: Hashable, Sendable {
        /// What a grant lacks that comes near.
        public enum Lack: Hashable, Sendable {
            /// The principal has no role with the permission anywhere near.
            case never
            /// It has one elsewhere now, by this grant.
            case elsewhere(Identifier<Grant>, Reach)
            /// It had one until this instant.
            case ended(Identifier<Grant>, Timestamp)
            /// It will have one from this instant on.
            case notYet(Identifier<Grant>, Timestamp)
        }
        /// The role with the fewest permissions among those that hold it; `nil` when no role does.
        public let role: RoleName?
        /// Where it would have to be granted.
        public let scope: Scope
        /// What comes near.
        public let lack: Lack
    }

    /// Whether it was allowed.
    public let isAllowed: Bool
    /// Why not.
    public let reason: Denial.Reason?
    /// How the permission came to the principal; `nil` when it did not.
    public let granted: Granting?
    /// What each rule found that speaks about the request, those that did not fire too.
    public let findings: [Finding]
    /// What would have allowed; `nil` when a grant did.
    public let missing: Missing?

    init(_ decision: AccessDecision) {
        let (policy, request) = (decision.policy, decision.request)
        isAllowed = decision.isAllowed
        reason = decision.reason
        let permission = policy.number(of: request.permission)
        let found = permission.flatMap { policy.grant(of: $0, request) }.map { policy.policy.grants[$0] }
        granted = found.map { grant in
            Granting(grant: grant.id, reach: grant.reach, roles: policy.line(from: grant.role, to: request.permission))
        }
        missing = found == nil ? policy.missing(request) : nil
        findings = permission.map { policy.findings(about: $0, request) } ?? []
    }
}

extension AccessExplanation: CustomStringConvertible {
    /// The explanation in a line: ids, roles and rules.
    public var description: String {
        var parts: [String] = []
        if let granted {
            let roles = granted.roles.map { "`\($0)`" }.joined(separator: " > ")
            parts.append("granted by \(granted.grant) in \(granted.reach) as \(roles)")
        }
        for finding in findings where finding.truth != .no {
            let clauses =
                finding.clauses.isEmpty ? "" : " (\(finding.clauses.map(\.description).joined(separator: ", ")))"
            let missing = finding.missing.map { "`\($0)`" }.joined(separator: ", ")
            let facts = missing.isEmpty ? "" : "; nobody stated \(missing)"
            parts.append("rule `\(finding.rule)`\(clauses) refuses\(facts)")
        }
        if let missing {
            if let role = missing.role {
                parts.append("missing: role `\(role)` in \(Reach.scope(missing.scope))")
            } else {
                parts.append("missing: no role holds this permission")
            }
            switch missing.lack {
            case .never: break
            case .elsewhere(let grant, let reach): parts.append("nearest: \(grant) reaches \(reach)")
            case .ended(let grant, let instant): parts.append("nearest: \(grant) ended at \(instant)")
            case .notYet(let grant, let instant): parts.append("nearest: \(grant) begins at \(instant)")
            }
        }
        return parts.joined(separator: "; ")
    }
}

extension CompiledPolicy {
    /// The shortest line of inheritance from a role to one that holds a permission itself.
    fileprivate func line(from name: RoleName, to permission: Permission) -> [RoleName] {
        var (lines, seen) = ([[name]], Set([name]))
        while !lines.isEmpty {
            let line = lines.removeFirst()
            guard let last = line.last, let role = roles[last] else { continue }
            if role.permissions.contains(permission) { return line }
            for parent in role.inherits.sorted() where seen.insert(parent).inserted { lines.append(line + [parent]) }
        }
        return [name]
    }

    /// What the rules found, in the order of the policy; rules that do not fire among them.
    fileprivate func findings(about permission: Int, _ request: AccessRequest) -> [Finding] {
        var findings = forbids(about: permission, request).map { index in
            let rule = policy.rules.forbids[index]
            return Finding(rule: rule.name, condition: rule.when, clauses: rule.clauses, under: request.facts)
        }
        if let rule = separation(against: request) {
            findings.append(
                Finding(rule: rule.name, truth: request.change == nil ? .unknown : .yes, clauses: rule.clauses))
        }
        if let rule = promotion(against: request) {
            findings.append(
                Finding(rule: rule.name, truth: request.change == nil ? .unknown : .yes, clauses: rule.clauses))
        }
        return findings
    }

    fileprivate func missing(_ request: AccessRequest) -> AccessExplanation.Missing {
        guard let permission = number(of: request.permission) else {
            return .init(role: nil, scope: request.scope, lack: .never)
        }
        func held(in place: Seat.Place) -> [Grant] {
            grants.cells(of: Seat(principal: request.principal, place: place))
                .filter { sets[Int($0.set)].contains(permission) }.map { policy.grants[Int($0.grant)] }
        }
        let near = [Seat.Place(request.scope), .everyWorkspace].flatMap(held)
        let covering = near.filter { $0.reach.contains(request.scope) }
        // In time: the one that ended last, and the one that begins first.
        let ended = covering.filter { $0.until.map { $0 <= request.at } ?? false }
            .max { ($0.until ?? request.at) < ($1.until ?? request.at) }
        let begins = covering.filter { $0.from.map { request.at < $0 } ?? false }
            .min { ($0.from ?? request.at) < ($1.from ?? request.at) }
        // In place: one that holds now.
        func live(_ grants: [Grant]) -> Grant? { grants.first { $0.holds(at: request.at) } }
        var lack = AccessExplanation.Missing.Lack.never
        if let ended, let until = ended.until {
            lack = .ended(ended.id, until)
        } else if let begins, let from = begins.from {
            lack = .notYet(begins.id, from)
        } else if let grant = live(near) ?? places[request.principal]?.lazy.compactMap({ live(held(in: $0)) }).first {
            lack = .elsewhere(grant.id, grant.reach)
        }
        return missing(permission, request.scope, lack)
    }

    /// The smallest role that can be granted there or in the environment around it, and where.
    private func missing(
        _ permission: Int, _ scope: Scope, _ lack: AccessExplanation.Missing.Lack
    ) -> AccessExplanation.Missing {
        let wide = smallestRoles[permission].environment
        let narrow = scope == .platform ? nil : smallestRoles[permission].project
        let isNarrow = narrow.map { narrow in wide.map { narrow.count <= $0.count } ?? true } ?? false
        if isNarrow { return .init(role: narrow?.name, scope: scope, lack: lack) }
        // A role of an environment reaches all of it.
        let around = scope.workspace.map { Scope($0, scope.environment) } ?? .platform
        return .init(role: wide?.name, scope: wide == nil ? scope : around, lack: lack)
    }
}
