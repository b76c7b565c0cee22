// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Two versions of a policy side by side: all that can be asked is cut into boxes in which the same rules speak, and only those are looked at in which
/// rules of one version alone do.
struct PolicyComparison {
    private typealias Rules = Bits<SIMD16<UInt64>>

    /// A box, and the rules that speak in it.
    struct Part {
        fileprivate var rules: Bits<SIMD16<UInt64>>
        var scope = UseScope()
    }

    /// The rules of both, those that are in both once.
    private let rules: [UseRule]
    private let before: Rules
    private let after: Rules
    /// Stands for a rule in boxes that the old version, and the new one, have words for.
    private let knownBefore: Int
    private let knownAfter: Int
    let parts: [Part]
    /// The facts that any rule looks at, and the rules' conditions over their numbers.
    private let facts: [Path]
    private let conditions: [CompiledCondition]
    private let factsOfRules: [FactSet]

    init(_ old: PolicyVersion, _ new: PolicyVersion) throws(PrivacyDefects) {
        // A rule's name is none of what it says.
        func unnamed(_ rule: UseRule) -> UseRule {
            var rule = rule
            rule.name = Path(literal: "rule")
            rule.clauses = []
            return rule
        }
        var numbers: [UseRule: Int] = [:]
        var all: [UseRule] = []
        func number(_ rule: UseRule) -> Int {
            let rule = unnamed(rule)
            if let known = numbers[rule] { return known }
            all.append(rule)
            numbers[rule] = all.count - 1
            return all.count - 1
        }
        let (before, after) = (Rules(old.rules.map(number)), Rules(new.rules.map(number)))
        let rules = all
        guard rules.count + 4 <= Rules.capacity else {
            throw PrivacyDefects(lines: [
                "two versions have \(rules.count) rules; at most \(Rules.capacity - 4) can be compared"
            ])
        }
        let facts = rules.reduce(into: Set<Path>()) { $0.formUnion($1.when.facts) }.sorted()
        guard facts.count <= FactSet.capacity else {
            throw PrivacyDefects(lines: [
                "two versions have \(facts.count) facts; at most \(FactSet.capacity) can be compared"
            ])
        }
        let factNumbers = Dictionary(uniqueKeysWithValues: zip(facts, facts.indices))
        self.facts = facts
        conditions = rules.map { CompiledCondition($0.when, factNumbers) }
        factsOfRules = rules.map { FactSet($0.when.facts.compactMap { factNumbers[$0] }) }
        let (knownBefore, knownAfter) = (rules.count, rules.count + 1)
        (self.before, self.after, self.rules) = (before, after, rules)
        (self.knownBefore, self.knownAfter) = (knownBefore, knownAfter)

        let (oldTaxonomy, newTaxonomy) = (old.taxonomy, new.taxonomy)
        // Stand for a rule where only one version has a word for a category, and for a purpose.
        let (newCategory, newPurpose) = (rules.count + 2, rules.count + 3)
        let marks = [knownBefore, knownAfter, newCategory, newPurpose]
        let concerned = Rules(
            rules.indices.filter { before.contains($0) != after.contains($0) } + [newCategory, newPurpose])
        var boxes = [Part(rules: Rules(0...newPurpose))]
        func cut<Value: Hashable>(_ values: [Value], _ sets: [Rules], _ part: WritableKeyPath<UseScope, Set<Value>?>)
            throws(PrivacyDefects)
        {
            boxes = boxes.flatMap { one -> [Part] in
                var cuts: [Rules: Set<Value>] = [:]
                for (value, set) in zip(values, sets) { cuts[one.rules & set, default: []].insert(value) }
                return cuts.compactMap { rules, values in
                    guard !rules.isDisjoint(with: concerned) else { return nil }
                    var next = Part(rules: rules, scope: one.scope)
                    next.scope[keyPath: part] = values
                    return next
                }
            }
            guard boxes.count <= Self.mostParts else {
                throw PrivacyDefects(lines: ["two versions differ in more than \(Self.mostParts) parts"])
            }
        }
        func cut<Value: Hashable>(_ values: [Value], _ part: WritableKeyPath<UseScope, Set<Value>?>)
            throws(PrivacyDefects)
        {
            let sets = values.map { value in
                Rules(
                    rules.indices.filter { rules[$0].scope[keyPath: part]?.contains(value) ?? true } + marks)
            }
            try cut(values, sets, part)
        }
        func leaves(_ tree: PathTree, _ both: (PathTree, PathTree), isNew: Int, _ within: (UseScope) -> [Path]?)
            -> [Rules]
        {
            tree.leaves.map { leaf in
                let isKnown = (both.0.leaves(of: leaf) != nil, both.1.leaves(of: leaf) != nil)
                var set = Rules(
                    rules.indices.filter { within(rules[$0].scope)?.contains { $0.contains(leaf) } ?? true })
                if isKnown.0 { set.insert(knownBefore) }
                if isKnown.1 { set.insert(knownAfter) }
                for mark in [newCategory, newPurpose] where mark != isNew || isKnown.0 != isKnown.1 { set.insert(mark) }
                return set
            }
        }
        try cut(UseOperation.allCases, \.operations)
        try cut(Recipient.Kind.allCases, \.recipients)
        try cut(DataRole.Kind.allCases, \.roles)
        try cut(Relationship.allCases, \.relationships)
        try cut(DataOrigin.allCases.filter { $0 != .external }, \.origins)
        let purposes = PathTree(Set((oldTaxonomy.purposes.union(newTaxonomy.purposes)).map(\.path)))
        try cut(
            purposes.leaves.compactMap { Purpose($0.description) },
            leaves(purposes, (oldTaxonomy.purposeTree, newTaxonomy.purposeTree), isNew: newPurpose) {
                $0.purposes?.map(\.path)
            },
            \.purposes)
        let categories = PathTree(Set((oldTaxonomy.categories.union(newTaxonomy.categories)).map(\.path)))
        try cut(
            categories.leaves.compactMap { DataCategory($0.description) },
            leaves(categories, (oldTaxonomy.categoryTree, newTaxonomy.categoryTree), isNew: newCategory) {
                $0.categories?.map(\.path)
            },
            \.categories)
        boxes = boxes.flatMap { one in
            Identifiability.allCases.compactMap { near -> Part? in
                var next = one
                next.scope.identifiability = near
                next.rules = one.rules.filter { number in
                    guard number < rules.count, let limit = rules[number].scope.identifiability else { return true }
                    return rules[number].effect == .permit ? near <= limit : near >= limit
                }
                return next.rules.isDisjoint(with: concerned) ? nil : next
            }
        }
        parts = boxes
    }

    /// A version's rules in a box; `nil` when it has no words for it.
    private struct Side {
        let permits: [(condition: CompiledCondition, duties: Set<Duty>)]
        let forbids: [CompiledCondition]

        /// Whether nothing is allowed, whatever the facts are that are still open.
        func isClosed(_ facts: OpenFacts) -> Bool {
            forbids.contains { !$0.outcomes(facts).no } || !permits.contains { $0.condition.outcomes(facts).yes }
        }

        /// The duties of what is allowed; `nil` when it is not.
        func answer(_ facts: KnownFacts) -> Set<Duty>? {
            guard !forbids.contains(where: { $0.truth(facts) != .no }) else { return nil }
            let firing = permits.filter { $0.condition.truth(facts) == .yes }
            return firing.isEmpty ? nil : firing.reduce(into: []) { $0.formUnion($1.duties) }
        }
    }

    /// Boxes that are looked at, at most.
    static let mostParts = 100_000
    /// Sets of facts that are looked at in one box, at most.
    static let mostCases = 200_000

    private func tooManyCases(_ facts: Int) -> PrivacyDefects {
        PrivacyDefects(lines: ["a part depends on \(facts) facts in more than \(Self.mostCases) ways"])
    }

    /// Facts under which none of several forbids fires; `nil` when there are none.
    private func silence(of forbids: [Int]) throws(PrivacyDefects) -> [Path: Truth]? {
        let order = forbids.reduce(FactSet()) { $0 | factsOfRules[$1] }.numbers
        var (open, cases) = (OpenFacts(), 0)
        func search(from index: Int) -> Bool {
            cases += 1
            guard cases < Self.mostCases, forbids.allSatisfy({ conditions[$0].outcomes(open).no }) else { return false }
            guard index < order.count else { return true }
            open.decided.insert(order[index])
            for truth in [Truth.no, .yes, .unknown] {
                open.known.set(order[index], truth)
                if search(from: index + 1) { return true }
            }
            open.known.set(order[index], .unknown)
            open.decided.remove(order[index])
            return false
        }
        let isFound = search(from: 0)
        guard cases < Self.mostCases else { throw tooManyCases(order.count) }
        guard isFound else { return nil }
        return Dictionary(uniqueKeysWithValues: order.map { (facts[$0], open.known.truth($0)) })
    }

    /// How the answers in a box change; `nil` when none does.
    func change(in part: Part) throws(PrivacyDefects) -> PrivacyPolicyDiff.Change? {
        // A version without words for the box, or without a permit in it, allows nothing there: then none of its rules matters.
        func mayAllow(_ version: Rules, _ known: Int) -> Bool {
            part.rules.contains(known) && (part.rules & version).numbers.contains { rules[$0].effect == .permit }
        }
        let mayAllow = (mayAllow(before, knownBefore), mayAllow(after, knownAfter))
        let none = Rules()
        let speaking = (part.rules & ((mayAllow.0 ? before : none) | (mayAllow.1 ? after : none))).numbers
        // Forbids of all versions that may allow, which share no fact with the rest, change nothing where they can all be silent.
        var rest = speaking.filter { number in
            rules[number].effect == .forbid && (before.contains(number) || !mayAllow.0)
                && (after.contains(number) || !mayAllow.1)
        }
        var asked = Rules(speaking.filter { !rest.contains($0) }).numbers
        var askedFacts = asked.reduce(FactSet()) { $0 | factsOfRules[$1] }
        while let near = rest.firstIndex(where: { !factsOfRules[$0].isDisjoint(with: askedFacts) }) {
            askedFacts = askedFacts | factsOfRules[rest[near]]
            asked.append(rest.remove(at: near))
        }
        guard let silent = try silence(of: rest) else { return nil }

        func side(_ version: Rules, _ mayAllow: Bool) -> Side? {
            guard mayAllow else { return nil }
            let own = asked.filter { version.contains($0) }
            return Side(
                permits: own.filter { rules[$0].effect == .permit }.map { (conditions[$0], rules[$0].duties) },
                forbids: own.filter { rules[$0].effect == .forbid }.map { conditions[$0] })
        }
        let (old, new) = (side(before, mayAllow.0), side(after, mayAllow.1))
        // Facts of forbids first: most cases end with them.
        var order: [Int] = []
        for effect in [UseRule.Effect.forbid, .permit] {
            for fact in asked.filter({ rules[$0].effect == effect }).flatMap({ factsOfRules[$0].numbers })
            where !order.contains(fact) {
                order.append(fact)
            }
        }
        var change = PrivacyPolicyDiff.Change(scope: part.scope)
        var (open, cases) = (OpenFacts(), 0)
        /// Whether all is known that could be.
        func isDone() -> Bool {
            switch (old, new) {
            case (nil, _): change.widens
            case (_, nil): change.narrows
            default: change.widens && change.narrows && change.changesDuties
            }
        }
        func look(from index: Int) {
            guard !isDone() else { return }
            cases += 1
            guard cases < Self.mostCases, !(old?.isClosed(open) ?? true) || !(new?.isClosed(open) ?? true) else {
                return
            }
            guard index < order.count else {
                let answers = (old?.answer(open.known), new?.answer(open.known))
                guard answers.0 != answers.1 else { return }
                switch answers {
                case (nil, _): change.widens = true
                case (_, nil): change.narrows = true
                default: change.changesDuties = true
                }
                if change.example.isEmpty {
                    change.example = silent
                    for fact in order { change.example[facts[fact]] = open.known.truth(fact) }
                }
                return
            }
            open.decided.insert(order[index])
            for truth in Truth.allCases {
                open.known.set(order[index], truth)
                look(from: index + 1)
            }
            open.known.set(order[index], .unknown)
            open.decided.remove(order[index])
        }
        look(from: 0)
        guard cases < Self.mostCases else { throw tooManyCases(order.count) }
        return change.widens || change.narrows || change.changesDuties ? change : nil
    }
}

/// Facts of which some are not decided yet.
private struct OpenFacts {
    var known = KnownFacts()
    var decided = FactSet()
}

extension CompiledCondition {
    /// How a condition may come out while some facts are open; never less than that.
    fileprivate func outcomes(_ facts: OpenFacts) -> (yes: Bool, no: Bool, unknown: Bool) {
        let (known, decided) = (facts.known, facts.decided)
        switch self {
        case .constant(let truth): return (truth == .yes, truth == .no, truth == .unknown)
        case .all(let yes, let no):
            let fails = !yes.isDisjoint(with: known.no) || !no.isDisjoint(with: known.yes)
            let (decidedYes, decidedNo) = (yes & decided, no & decided)
            let holds = decidedYes.isSubset(of: known.yes) && decidedNo.isSubset(of: known.no)
            let isDecided = decidedYes == yes && decidedNo == no
            return (!fails && holds, fails || !isDecided, !fails && !(holds && isDecided))
        case .known(let number):
            guard decided.contains(number) else { return (true, true, false) }
            return (known.yes.contains(number), !known.yes.contains(number), false)
        case .not(let part):
            let inner = part.outcomes(facts)
            return (inner.no, inner.yes, inner.unknown)
        case .every(let parts):
            let inner = parts.map { $0.outcomes(facts) }
            return (
                inner.allSatisfy(\.yes), inner.contains(where: \.no),
                inner.contains(where: \.unknown) && inner.allSatisfy { $0.yes || $0.unknown }
            )
        case .any(let parts):
            let inner = parts.map { $0.outcomes(facts) }
            return (
                inner.contains(where: \.yes), inner.allSatisfy(\.no),
                inner.contains(where: \.unknown) && inner.allSatisfy { $0.no || $0.unknown }
            )
        }
    }
}
