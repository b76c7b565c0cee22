// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel

/// Decisions as the design words them, without any cleverness: default deny, forbid overrides permit, a missing fact lets a
/// forbid fire and a permit not, roles inherit, permits match by containment and forbids by overlap.
///
/// `flaw` makes one of twelve mistakes on purpose: the tests must tell each from the real thing.
struct AccessReference {
    enum Flaw: String, CaseIterable {
        case allowsByDefault, permitOverridesForbid, missingFactSilencesForbid, forbidNeedsContainment
        case permitNeedsOverlap, inheritsOneLevelOnly, endIsIncluded, beginningIsIgnored, environmentLeaks
        case projectLeaks, sameWorkspaceIsNotAsked, otherDutyIsForgotten
    }
    let policy: AccessPolicy
    var flaw: Flaw?

    func isAllowed(_ request: AccessRequest) -> Bool {
        guard policy.permissions.contains(where: { $0.permission == request.permission }) else { return false }
        let granted = policy.grants.contains { grant in
            grant.principal == request.principal && isIn(request.scope, grant.reach) && holds(grant, request.at)
                && permissions(of: grant.role).contains(request.permission)
        }
        let forbidden = policy.rules.forbids.contains { rule in
            let speaks =
                rule.permissions.contains { $0.path.contains(request.permission.path) }
                && (rule.principals == nil || rule.principals?.contains(request.principal) == true)
                && touches(request.scope, rule.reach, rule.environment)
            let truth = rule.when.truth(under: request.facts)
            return speaks && (flaw == .missingFactSilencesForbid ? truth == .yes : truth != .no)
        }
        if flaw == .allowsByDefault { return !forbidden && !breaksChangeRules(request) }
        if flaw == .permitOverridesForbid { return granted && !breaksChangeRules(request) }
        return granted && !forbidden && !breaksChangeRules(request)
    }

    /// Author, approver and deployer of a change are three persons; a change goes through the environments in order.
    private func breaksChangeRules(_ request: AccessRequest) -> Bool {
        for rule in policy.rules.dutiesOfChanges where rule.permissions.contains(request.permission) {
            guard let change = request.change else { return true }
            if flaw == .otherDutyIsForgotten { continue }
            for other in rule.permissions where other != request.permission {
                if change.duties[other.description]?.contains(request.principal) == true { return true }
            }
        }
        if let rule = policy.rules.promotion, rule.permission == request.permission {
            guard let environment = request.scope.environment, let place = rule.order.firstIndex(of: environment) else {
                return true
            }
            if place > 0, request.change?.reached.contains(rule.order[place - 1]) != true { return true }
        }
        return false
    }

    private func permissions(of name: RoleName, depth: Int = 0) -> Set<Permission> {
        guard let role = policy.roles.first(where: { $0.name == name }) else { return [] }
        var all = role.permissions
        if flaw == .inheritsOneLevelOnly, depth == 1 { return all }
        for parent in role.inherits { all.formUnion(permissions(of: parent, depth: depth + 1)) }
        return all
    }

    private func holds(_ grant: Grant, _ instant: Timestamp) -> Bool {
        if flaw != .beginningIsIgnored, let from = grant.from, instant < from { return false }
        guard let until = grant.until else { return true }
        return flaw == .endIsIncluded ? instant <= until : instant < until
    }

    /// Whether the whole scope lies in the reach.
    private func isIn(_ scope: Scope, _ reach: Reach) -> Bool {
        guard case .scope(let own) = reach else { return scope.workspace != nil }
        if flaw == .permitNeedsOverlap { return touches(scope, reach, nil) }
        if own.workspace != scope.workspace, flaw != .sameWorkspaceIsNotAsked || own.workspace == nil { return false }
        if let environment = own.environment, environment != scope.environment, flaw != .environmentLeaks {
            return false
        }
        if let project = own.project, project != scope.project, flaw != .projectLeaks { return false }
        return true
    }

    /// Whether any of the scope lies in the reach.
    private func touches(_ scope: Scope, _ reach: Reach, _ only: Environment?) -> Bool {
        var (environment, project) = (nil as Environment?, nil as Identifier<Project>?)
        switch reach {
        case .everyWorkspace: guard scope.workspace != nil else { return false }
        case .scope(let own):
            guard own.workspace == scope.workspace else { return false }
            (environment, project) = (own.environment, own.project)
        }
        for wanted in [environment, only].compactMap(\.self) {
            if flaw == .forbidNeedsContainment, scope.environment == nil { return false }
            if let asked = scope.environment, asked != wanted { return false }
        }
        if let project, let asked = scope.project, asked != project { return false }
        return true
    }
}
