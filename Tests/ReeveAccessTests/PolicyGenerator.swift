// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel

func permission(_ text: String) -> Permission { .init(trusted: text) }
func path(_ text: String) -> Path { .init(trusted: text) }

/// Small random policies, in which everything meets everything, and requests around their edges.
struct PolicyGenerator<Random: RandomNumberGenerator> {
    var random: Random
    /// "Knowingly": a condition that reads a missing fact as no, and so can fire once it is known.
    var usesKnown = true
    let principals: [Principal] = [
        .person(Identifier(high: 1, low: 1)), .person(Identifier(high: 1, low: 2)), .jobs, .rule("r"), .host("h"),
    ]
    let workspaces: [Identifier<Workspace>?] = [nil, Identifier(high: 2, low: 1), Identifier(high: 2, low: 2)]
    let projects: [Identifier<Project>?] = [nil, nil, Identifier(high: 3, low: 1), Identifier(high: 3, low: 2)]
    let environments: [Environment?] = [nil] + Environment.allCases
    let permissions = ["a", "a.b", "a.b.c", "d", "d.e", "f", "g.h"].map(permission)
    let facts = ["x", "y.z"].map(path)

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }
    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    private mutating func instant() -> Timestamp { Timestamp(seconds: Int64.random(in: 0...10, using: &random)) }
    private mutating func subset<Element>(_ elements: [Element], _ percent: Int) -> [Element] {
        var chosen: [Element] = []
        for element in elements where chance(percent) { chosen.append(element) }
        return chosen
    }

    mutating func scope() -> Scope {
        guard let workspace = pick(workspaces) else { return .platform }
        return Scope(workspace, pick(environments), project: pick(projects))
    }

    private mutating func condition(_ depth: Int = 0) -> Condition {
        switch Int.random(in: 0..<(depth > 2 ? 3 : 6), using: &random) {
        case 0: .constant(pick(Truth.allCases))
        case 1: .fact(pick(facts))
        case 2: usesKnown ? .known(pick(facts)) : .fact(pick(facts))
        case 3: .not(condition(depth + 1))
        case 4: .all([condition(depth + 1), condition(depth + 1)])
        default: .any([condition(depth + 1), condition(depth + 1)])
        }
    }

    mutating func policy() -> AccessPolicy {
        let definitions = permissions.map { PermissionDefinition($0, .shared, isReadOnly: $0 == permissions[0]) }
        var roles: [Role] = [Role("reader", .project, [permissions[0]])]
        for index in 0..<5 {
            let parents = subset(roles.map(\.name), 35)
            roles.append(
                Role(RoleName("r\(index)") ?? "r", .project, Set(subset(permissions, 25)), inherits: Set(parents)))
        }
        // A role that may be given on the platform.
        let wide = Role("wide", .environment, Set(subset(permissions, 40)))
        var grants: [Grant] = []
        for index in 0..<Int.random(in: 0...12, using: &random) {
            let from = chance(40) ? instant() : nil
            var until = chance(40) ? instant() : nil
            if let start = from, let end = until, end <= start { until = nil }
            let place = scope()
            let everywhere = chance(20)
            let isWide = place == .platform || place.project == nil && chance(15)
            let role = everywhere ? roles[0].name : isWide ? wide.name : pick(roles).name
            grants.append(
                Grant(
                    id: Identifier(high: 4, low: UInt64(index)), role, to: pick(principals),
                    in: everywhere ? .everyWorkspace : .scope(place), from: from, until: until, reason: "test"))
        }
        var forbids: [Forbid] = []
        for index in 0..<Int.random(in: 0...3, using: &random) {
            forbids.append(
                Forbid(
                    path("forbid.n\(index)"), [pick(permissions)], principals: chance(30) ? [pick(principals)] : nil,
                    in: chance(50) ? .everyWorkspace : .scope(scope()),
                    environment: chance(40) ? pick(environments) : nil,
                    when: condition()))
        }
        let duties =
            chance(30) ? [DynamicSeparation(path("duties"), [permissions[1], permissions[3], permissions[5]])] : []
        let promotion = chance(30) ? PromotionOrder(path("promotion"), permissions[3]) : nil
        return AccessPolicy(
            permissions: definitions, roles: roles + [wide], grants: grants,
            rules: AccessRules(forbids: forbids, dutiesOfChanges: duties, promotion: promotion))
    }

    mutating func request() -> AccessRequest {
        var facts: [Path: Truth] = [:]
        for fact in self.facts where chance(60) { facts[fact] = pick(Truth.allCases) }
        var change: ChangeHistory?
        if chance(70) {
            var duties: [Permission: Set<Principal>] = [:]
            for permission in permissions where chance(30) { duties[permission] = Set(subset(principals, 30)) }
            change = ChangeHistory(duties: duties, reached: Set(subset(Environment.allCases, 40)))
        }
        let asked = chance(3) ? permission("never.defined") : pick(permissions)
        return AccessRequest(pick(principals), asked, in: scope(), at: instant(), facts: facts, change: change)
    }
}
