// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

extension PolicyVersion {
    /// All that its conditions look at, in order.
    var facts: [Path] { rules.reduce(into: Set()) { $0.formUnion($1.when.facts) }.sorted() }

    /// All that is wrong with it, each as a line; empty when nothing is.
    public func validate() -> [String] {
        var lines: [String] = []
        if !(1...200).contains(name.utf8.count) { lines.append("a version's name has 1 to 200 bytes") }
        if rules.count > RuleSet.capacity { lines.append("more than \(RuleSet.capacity) rules") }
        var names: Set<Path> = []
        for rule in rules where !names.insert(rule.name).inserted { lines.append("rule `\(rule.name)` is there twice") }
        let (categories, purposes) = (taxonomy.categoryTree, taxonomy.purposeTree)
        for rule in rules {
            for category in rule.scope.categories ?? [] where categories.leaves(of: category.path) == nil {
                lines.append("rule `\(rule.name)` names category `\(category)`, which is not in the taxonomy")
            }
            for purpose in rule.scope.purposes ?? [] where purposes.leaves(of: purpose.path) == nil {
                lines.append("rule `\(rule.name)` names purpose `\(purpose)`, which is not in the taxonomy")
            }
            if rule.scope.origins?.contains(.external) == true {
                lines.append("rule `\(rule.name)` is about external data, to which no policy applies")
            }
            if rule.clauses.isEmpty { lines.append("rule `\(rule.name)` stands for no clause") }
            if rule.effect == .forbid, !rule.duties.isEmpty {
                lines.append("rule `\(rule.name)` forbids, so its duties would never be asked for")
            }
            if rule.when.depth > Condition.maximumDepth {
                lines.append("the condition of rule `\(rule.name)` has more than \(Condition.maximumDepth) levels")
            }
        }
        for set in quasiIdentifiers where set.isEmpty { lines.append("a set of quasi-identifiers is empty") }
        let facts = facts
        if facts.count > FactSet.capacity { lines.append("more than \(FactSet.capacity) facts") }
        let derived = [
            DerivedFact.given, DerivedFact.givenToRecipient, DerivedFact.givenForItem, DerivedFact.optedOut,
            DerivedFact.refused,
            DerivedFact.under13, DerivedFact.parentPermits, DerivedFact.hasDestination, DerivedFact.keptForOther,
        ]
        if regions["isGiven"] != nil { lines.append("regions need another name than `isGiven`") }
        for fact in facts where DerivedFact.reserved.contains(fact.elements[0]) && !derived.contains(fact) {
            let isRegion = fact.elements.count == 2 && regions[fact.elements[1]] != nil
            if !isRegion || !["residence", "destination"].contains(fact.elements[0]) {
                lines.append("nothing tells fact `\(fact)`; a fact of the host's own needs another name")
            }
        }
        return lines
    }
}

extension Taxonomy {
    var categoryTree: PathTree { PathTree(Set(categories.map(\.path))) }
    var purposeTree: PathTree { PathTree(Set(purposes.map(\.path))) }
}
