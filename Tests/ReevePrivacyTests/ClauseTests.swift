// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy
import ReeveTesting
import Testing

/// Every clause that the reference policy carries, and every mutant of it.
@Suite struct ClauseTests {
    @Test(arguments: ClauseCheck.all.map(\.clause)) func theReferencePolicyKeeps(_ clause: String) throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        for check in ClauseCheck.all where check.clause == clause {
            let failures = check.failures(under: policy)
            #expect(failures.isEmpty, "\(clause): \(failures.prefix(5).joined(separator: "; "))")
        }
    }

    /// Each clause that a rule names has a check, and each check names a clause once.
    @Test func everyClauseHasACheck() {
        let checked = ClauseCheck.all.map(\.clause)
        #expect(Set(checked).count == checked.count)
        let named = Set(ReferencePolicies.privacy2016.rules.flatMap(\.clauses).map(\.description))
        #expect(named.subtracting(checked).isEmpty)
    }
}

/// What could be changed in a policy, each by itself.
struct PolicyMutant: Sendable {
    enum Kind: String, CaseIterable, Sendable { case drop, flip, widen, narrow, negate, weaken, dropDuty }

    let kind: Kind
    let rule: UseRule
    let change: String
    let version: PolicyVersion

    static func all(of version: PolicyVersion) -> [PolicyMutant] {
        version.rules.indices.flatMap { index -> [PolicyMutant] in
            let rule = version.rules[index]
            func mutant(_ kind: Kind, _ change: String, _ body: (inout UseRule) -> Void) -> PolicyMutant {
                var other = version
                body(&other.rules[index])
                return PolicyMutant(kind: kind, rule: rule, change: change, version: other)
            }
            var dropped = version
            dropped.rules.remove(at: index)
            var all = [PolicyMutant(kind: .drop, rule: rule, change: "", version: dropped)]
            all.append(
                mutant(.flip, "") {
                    $0.effect = rule.effect == .permit ? .forbid : .permit
                    $0.duties = []
                })
            if rule.when != .constant(.yes) {
                all.append(mutant(.negate, "") { $0.when = .not(rule.when) })
                all.append(mutant(.weaken, "always") { $0.when = .constant(.yes) })
            }
            if case .all(let parts) = rule.when {
                for part in parts.indices {
                    all.append(
                        mutant(.weaken, "part \(part)") {
                            var rest = parts
                            rest.remove(at: part)
                            $0.when = .all(rest)
                        })
                }
            }
            for duty in rule.duties.sorted() {
                all.append(mutant(.dropDuty, duty.description) { $0.duties.remove(duty) })
            }
            func dimension<Value: Hashable>(_ name: String, _ part: WritableKeyPath<UseScope, Set<Value>?>) {
                guard let set = rule.scope[keyPath: part] else { return }
                all.append(mutant(.widen, name) { $0.scope[keyPath: part] = nil })
                for value in set {
                    all.append(mutant(.narrow, "\(name) without \(value)") { $0.scope[keyPath: part]?.remove(value) })
                }
            }
            dimension("operations", \.operations)
            dimension("categories", \.categories)
            dimension("purposes", \.purposes)
            dimension("recipients", \.recipients)
            dimension("origins", \.origins)
            dimension("relationships", \.relationships)
            dimension("roles", \.roles)
            if rule.scope.identifiability != nil {
                all.append(mutant(.widen, "identifiability") { $0.scope.identifiability = nil })
            }
            return all
        }
    }
}

@Suite struct PolicyMutantProperties {
    /// Removing or inverting a rule fails a check with the number of one of its clauses; every other change fails some check. What survives is listed
    /// here, with the reason.
    @Test func everyMutantIsCaught() throws {
        let reference = try ReferencePolicies.privacy2016.compile()
        // A check that fails anyway would catch everything.
        #expect(ClauseCheck.all.allSatisfy { $0.failures(under: reference).isEmpty })
        var (killed, total): ([PolicyMutant.Kind: Int], [PolicyMutant.Kind: Int]) = ([:], [:])
        var survivors: [String] = []
        for mutant in PolicyMutant.all(of: ReferencePolicies.privacy2016) {
            let policy = try mutant.version.compile()
            let clauses = Set(mutant.rule.clauses.map(\.description))
            let needsNumber = mutant.kind == .drop || mutant.kind == .flip
            let isKilled = ClauseCheck.all.contains { check in
                (!needsNumber || clauses.contains(check.clause)) && !check.failures(under: policy).isEmpty
            }
            total[mutant.kind, default: 0] += 1
            if isKilled {
                killed[mutant.kind, default: 0] += 1
            } else {
                survivors.append("\(mutant.kind) \(mutant.rule.name) \(mutant.change)")
            }
        }
        for kind in PolicyMutant.Kind.allCases {
            print("mutants: \(kind) \(killed[kind] ?? 0) of \(total[kind] ?? 0) killed")
        }
        for survivor in survivors { print("mutants: \(survivor) survives: \(Self.reasons[survivor] ?? "no reason")") }
        #expect(
            Set(survivors) == Set(Self.reasons.keys),
            "\(Set(survivors).symmetricDifference(Self.reasons.keys).sorted())")
    }

    /// An aggregate is usage data as well, which `sites.d.usage` alone permits, so what else is permitted of it changes nothing.
    private static let reasons = Dictionary(
        uniqueKeysWithValues: ["cookie", "log", "identifier", "beacon"].flatMap { group in
            ["operations", "purposes", "recipients"].map {
                ("widen sites.d.\(group) \($0)", "usage data is permitted by `sites.d.usage` alone")
            }
        })
}
