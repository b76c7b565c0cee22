// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A policy version that was checked and made fast: says what may be done with personal data, for what, and who may see it.
///
///     let policy = try ReferencePolicies.privacy2016.compile()
///     let decision = policy.decide(request)
///     guard decision.isAllowed else { … decision.clauses … }
///
/// Immutable, and safe to use from any number of tasks. Memory: about 64 bytes for each leaf of the taxonomy.
public final class PrivacyPolicy: Sendable {
    /// What was compiled.
    public let version: PolicyVersion
    /// The most rules of a policy.
    public static let maximumRules = RuleSet.capacity

    let categories: PathTree
    let purposes: PathTree
    /// For each leaf the rules whose scope has it.
    private let byCategory: [RuleSet]
    private let byPurpose: [RuleSet]
    private let byOperation: [UseOperation: RuleSet]
    private let byRecipient: [Recipient.Kind: RuleSet]
    private let byOrigin: [DataOrigin: RuleSet]
    private let byRelationship: [Relationship: RuleSet]
    private let byRole: [DataRole.Kind: RuleSet]
    /// Permits for data that near to somebody, and forbids.
    private let byIdentifiability: [RuleSet]
    private let permits: RuleSet
    private let conditions: [CompiledCondition]
    /// Facts by name, and those that a caller may state; others follow from a request.
    private let numbers: [Path: Int]
    private let stated: FactSet
    private let derived: Derived
    private let hasConditions: RuleSet
    /// What each rule asks for, in order.
    let duties: [[Duty]]
    /// The facts by number, and those that each rule looks at.
    private let facts: [Path]
    private let factsOfRules: [FactSet]

    private struct Derived: Sendable {
        var given: Int?
        var givenToRecipient: Int?
        var givenForItem: Int?
        var optedOut: Int?
        var refused: Int?
        var under13: Int?
        var parentPermits: Int?
        var hasDestination: Int?
        var keptForOther: Int?
        var residence: [(regions: Set<Region>, fact: Int)] = []
        var destination: [(regions: Set<Region>, fact: Int)] = []
        var asksForChoices: Bool { [given, givenToRecipient, givenForItem, optedOut, refused].contains { $0 != nil } }
    }

    init(compiling version: PolicyVersion) throws(PrivacyDefects) {
        let lines = version.validate()
        guard lines.isEmpty else { throw PrivacyDefects(lines: lines) }
        self.version = version
        let rules = version.rules
        let (categories, purposes) = (version.taxonomy.categoryTree, version.taxonomy.purposeTree)
        self.categories = categories
        self.purposes = purposes
        func index<Value: Hashable>(_ all: [Value], _ part: (UseScope) -> Set<Value>?) -> [Value: RuleSet] {
            Dictionary(
                uniqueKeysWithValues: all.map { value in
                    (value, RuleSet(rules.indices.filter { part(rules[$0].scope)?.contains(value) ?? true }))
                })
        }
        func leaves(_ tree: PathTree, _ part: (UseScope) -> [Path]?) -> [RuleSet] {
            var sets = Array(repeating: RuleSet(), count: tree.leaves.count)
            for (number, rule) in rules.enumerated() {
                let within = part(rule.scope).map { $0.flatMap { tree.leaves(of: $0) ?? [] } }
                for leaf in within ?? Array(sets.indices) { sets[leaf].insert(number) }
            }
            return sets
        }
        byCategory = leaves(categories) { $0.categories?.map(\.path) }
        byPurpose = leaves(purposes) { $0.purposes?.map(\.path) }
        byOperation = index(UseOperation.allCases, \.operations)
        byRecipient = index(Recipient.Kind.allCases, \.recipients)
        byOrigin = index(DataOrigin.allCases, \.origins)
        byRelationship = index(Relationship.allCases, \.relationships)
        byRole = index(DataRole.Kind.allCases, \.roles)
        byIdentifiability = Identifiability.allCases.map { near in
            RuleSet(
                rules.indices.filter { number in
                    guard let limit = rules[number].scope.identifiability else { return true }
                    return rules[number].effect == .permit ? near <= limit : near >= limit
                })
        }
        permits = RuleSet(rules.indices.filter { rules[$0].effect == .permit })
        let names = version.facts
        let numbers = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
        conditions = rules.map { CompiledCondition($0.when, numbers) }
        facts = names
        duties = rules.map { $0.duties.sorted() }
        factsOfRules = rules.map { FactSet($0.when.facts.compactMap { numbers[$0] }) }
        hasConditions = RuleSet(rules.indices.filter { rules[$0].when != .constant(.yes) })
        self.numbers = numbers
        stated = FactSet(names.indices.filter { !DerivedFact.reserved.contains(names[$0].elements[0]) })
        var derived = Derived(
            given: numbers[DerivedFact.given], givenToRecipient: numbers[DerivedFact.givenToRecipient],
            givenForItem: numbers[DerivedFact.givenForItem], optedOut: numbers[DerivedFact.optedOut],
            refused: numbers[DerivedFact.refused], under13: numbers[DerivedFact.under13],
            parentPermits: numbers[DerivedFact.parentPermits],
            hasDestination: numbers[DerivedFact.hasDestination], keptForOther: numbers[DerivedFact.keptForOther])
        for (name, regions) in version.regions {
            if let fact = Path("\(DerivedFact.residence).\(name)").flatMap({ numbers[$0] }) {
                derived.residence.append((regions, fact))
            }
            if let fact = Path("\(DerivedFact.destination).\(name)").flatMap({ numbers[$0] }) {
                derived.destination.append((regions, fact))
            }
        }
        self.derived = derived
    }

    /// Decides a request: it is allowed when all that it asks is permitted by rules that are known to hold, and nothing of it is forbidden or may be
    /// forbidden as far as anybody knows.
    ///
    /// Total: no request throws, and nothing unknown allows. Complexity: O(categories · purposes · origins of the request, as leaves, + rules that
    /// have a condition and concern it + quasi-identifiers + named regions + the square of the subject's choices).
    public func decide(_ request: UseRequest) -> UseDecision {
        UseDecision(request: request, policy: self, outcome: outcome(of: request))
    }

    /// What comes out for all places that a request goes to: the first, in order, for which it is not allowed, or all of them together.
    private func outcome(of request: UseRequest) -> Outcome {
        guard request.destinations.count > 1 else { return outcome(of: request, with: facts(of: request)) }
        var all = Outcome()
        for one in byPlace(request) {
            let outcome = outcome(of: one, with: facts(of: one))
            guard outcome.reason == nil else { return outcome }
            all.permits = all.permits | outcome.permits
            all.firingPermits = all.firingPermits | outcome.firingPermits
            all.forbids = all.forbids | outcome.forbids
        }
        all.facts = facts(of: request)
        return all
    }

    /// A request for each place that it goes to, in order; itself where it goes to none.
    func byPlace(_ request: UseRequest) -> [UseRequest] {
        guard request.destinations.count > 1 else { return [request] }
        return request.destinations.sorted { $0.description < $1.description }.map { place in
            var one = request
            one.destinations = [place]
            return one
        }
    }

    /// What rules concern a request, and how they come out.
    struct Outcome: Sendable {
        /// What was known.
        var facts = KnownFacts()
        var reason: UseDecision.Reason?
        /// Permits of a part of it.
        var permits = RuleSet()
        /// Those that are known to hold.
        var firingPermits = RuleSet()
        /// Forbids of a part of it.
        var forbids = RuleSet()
        /// Those that are not known not to hold.
        var firingForbids = RuleSet()
    }

    func outcome(of request: UseRequest, with facts: KnownFacts) -> Outcome {
        var outcome = Outcome(facts: facts)
        let data = request.data.raised(by: version.quasiIdentifiers)
        guard !data.categories.isEmpty, !data.origins.isEmpty else {
            outcome.reason = .unlabelled
            return outcome
        }
        guard !data.origins.contains(.external) else {
            outcome.reason = .outOfScope
            return outcome
        }
        let (categories, knowsCategories) = Self.leaves(of: data.categories.lazy.map(\.path), in: categories)
        let (purposes, knowsPurpose) = Self.leaves(of: CollectionOfOne(request.purpose.path), in: purposes)
        var concerned = byIdentifiability[data.identifiability.rank] & (byOperation[request.operation] ?? RuleSet())
        concerned = concerned & (byRecipient[request.recipient.kind] ?? RuleSet())
        concerned = concerned & (byRelationship[request.subject.relationship] ?? RuleSet())
        concerned = concerned & (byRole[request.role.kind] ?? RuleSet())
        concerned = concerned & categories.reduce(RuleSet()) { $0 | byCategory[$1] }
        concerned = concerned & purposes.reduce(RuleSet()) { $0 | byPurpose[$1] }
        concerned = concerned & data.origins.reduce(RuleSet()) { $0 | (byOrigin[$1] ?? RuleSet()) }

        outcome.permits = concerned & permits
        outcome.forbids = concerned.filter { !permits.contains($0) }
        outcome.firingForbids = outcome.forbids.filter {
            !hasConditions.contains($0) || conditions[$0].truth(facts) != .no
        }
        outcome.firingPermits = outcome.permits.filter {
            !hasConditions.contains($0) || conditions[$0].truth(facts) == .yes
        }
        if !outcome.firingForbids.isEmpty {
            outcome.reason = .forbidden
        } else if !knowsCategories {
            outcome.reason = .unknownCategory
        } else if !knowsPurpose {
            outcome.reason = .unknownPurpose
        } else if !covers(outcome.firingPermits, categories, purposes, data.origins) {
            outcome.reason = .notPermitted
        }
        return outcome
    }

    /// Whether permits have all of a request among them.
    private func covers(
        _ permits: RuleSet, _ categories: [Int], _ purposes: [Int], _ origins: Set<DataOrigin>
    ) -> Bool {
        guard !permits.isEmpty else { return false }
        for category in categories {
            let within = permits & byCategory[category]
            for purpose in purposes {
                let both = within & byPurpose[purpose]
                for origin in origins where (both & (byOrigin[origin] ?? RuleSet())).isEmpty { return false }
            }
        }
        return true
    }

    /// The leaves that paths stand for, and whether all are known; of one that is not, the leaves around it.
    private static func leaves(of paths: some Sequence<Path>, in tree: PathTree) -> ([Int], isKnown: Bool) {
        var (all, isKnown): ([Int], Bool) = ([], true)
        for path in paths {
            if let leaves = tree.leaves(of: path) {
                all += leaves
            } else {
                isKnown = false
                all += tree.leavesAround(path)
            }
        }
        return (all, isKnown)
    }

    /// What is known of the facts that rules ask for.
    func facts(of request: UseRequest) -> KnownFacts {
        var known = KnownFacts()
        for (name, truth) in request.facts {
            if let number = numbers[name], stated.contains(number) { known.set(number, truth) }
        }
        func set(_ number: Int?, _ truth: @autoclosure () -> Truth) {
            if let number { known.set(number, truth()) }
        }
        if derived.asksForChoices, let choices = request.subject.ownChoices {
            let answer = choices.answer(to: request)
            set(derived.given, Truth(answer.isGiven))
            set(derived.givenToRecipient, Truth(answer.isGivenToRecipient))
            set(derived.givenForItem, Truth(answer.isGivenForItem))
            set(derived.optedOut, Truth(answer.isOptedOut))
            set(derived.refused, Truth(answer.isRefused))
        }
        set(derived.under13, request.subject.isUnder(13, on: request.day))
        set(derived.parentPermits, Truth(request.subject.parentalPermission?.covers(request) ?? false))
        set(derived.hasDestination, Truth(!request.destinations.isEmpty))
        set(
            derived.keptForOther,
            Truth(request.retainedFor.map { all in !all.contains { $0.contains(request.purpose) } } ?? false))
        for (regions, fact) in derived.residence { known.set(fact, isIn(regions, request.subject.residence)) }
        for (regions, fact) in derived.destination {
            let all = Set(request.destinations.map { isIn(regions, $0) })
            known.set(fact, all.count == 1 ? all.first ?? .unknown : .unknown)
        }
        return known
    }

    /// Whether a region, or one that it is a part of, is one of several; unknown where nobody knows the region.
    private func isIn(_ regions: Set<Region>, _ region: Region?) -> Truth {
        guard let region else { return .unknown }
        if region.isIn(regions) { return .yes }
        return version.knownRegions.map { region.isIn($0) ? .no : .unknown } ?? .no
    }

    /// What is known, with some facts the other way.
    func facts(_ facts: KnownFacts, but changes: [Path: Truth]) -> KnownFacts {
        var known = facts
        for (name, truth) in changes {
            if let number = numbers[name] { known.set(number, truth) }
        }
        return known
    }

    /// How a fact stands.
    func truth(of name: Path, in facts: KnownFacts) -> Truth { numbers[name].map(facts.truth) ?? .unknown }

    /// What a rule finds.
    func finding(of number: Int, in facts: KnownFacts) -> Finding {
        let rule = version.rules[number]
        let unknown = factsOfRules[number].subtracting(facts.yes | facts.no)
        let missing = unknown.isEmpty ? [] : unknown.numbers.map { self.facts[$0] }
        return Finding(rule: rule.name, truth: conditions[number].truth(facts), clauses: rule.clauses, missing: missing)
    }
}
