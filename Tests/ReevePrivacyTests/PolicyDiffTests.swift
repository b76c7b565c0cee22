// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePrivacy

@Suite struct PolicyDiffTests {
    private let reference = ReferencePolicies.privacy2016

    /// Neither the order of rules nor their names are what a policy says.
    @Test func whatSaysTheSameIsNoChange() throws {
        var other = reference
        other.rules.reverse()
        other.rules[0].name = path("another.name")
        #expect(try reference.changes(to: other).isEmpty)
    }

    @Test func aPurposeMoreIsMaterial() throws {
        var wider = reference
        let number = try #require(wider.rules.firstIndex { $0.name == path("phone.contact") })
        wider.rules[number].scope.purposes?.insert(purpose("support.help"))
        let diff = try reference.changes(to: wider)
        #expect(diff.isMaterial && diff.changes.allSatisfy { $0.widens && !$0.narrows })
        let scope = try #require(diff.changes.first?.scope)
        #expect(scope.purposes == [purpose("support.help")] && scope.categories == [category("contact.phone")])
        #expect(scope.operations == [.contactByCall, .contactByText] && scope.recipients == [.own])
        // The other way about it only narrows.
        let back = try wider.changes(to: reference)
        #expect(!back.isMaterial && !back.isEmpty && back.changes.allSatisfy { $0.narrows && !$0.widens })
    }

    @Test func aDutyLessIsMaterial() throws {
        var other = reference
        let number = try #require(other.rules.firstIndex { $0.name == path("content.publish") })
        other.rules[number].duties = []
        let diff = try reference.changes(to: other)
        #expect(diff.isMaterial && diff.changes.allSatisfy { $0.changesDuties && !$0.widens && !$0.narrows })
    }

    @Test func aConditionThatAsksForLessWidensUnderThoseFacts() throws {
        var other = reference
        let number = try #require(other.rules.firstIndex { $0.name == path("authority.belief") })
        other.rules[number].when = .fact(path("belief.hasGround"))
        let diff = try reference.changes(to: other)
        #expect(!diff.changes.isEmpty && diff.changes.allSatisfy { $0.widens && !$0.narrows })
        for change in diff.changes {
            #expect(
                change.example[path("belief.hasGround")] == .yes && change.example[path("belief.hasAuthor")] != .yes)
        }
    }

    @Test func wordsThatMeanSomethingElseAreAChange() throws {
        var other = reference
        other.regions["cookieConsent"] = []
        #expect(try reference.changes(to: other).isMaterial)
        other = reference
        other.knownRegions = nil
        #expect(try reference.changes(to: other).isMaterial)
        other = reference
        other.quasiIdentifiers = []
        #expect(try reference.changes(to: other).isMaterial)
        // A category that the old version has no word for is allowed by the rules about what is above it.
        other = reference
        other.taxonomy.categories.insert(category("contact.chat"))
        let diff = try reference.changes(to: other)
        #expect(diff.isMaterial && diff.changes.allSatisfy { $0.scope.categories == [category("contact.chat")] })
    }

    /// Versions that have nothing in common and many words: an error, and no hour of work.
    @Test func tooManyPartsAreTold() throws {
        var generator = UseGenerator(random: SeededGenerator(seed: 7))
        func version() -> PolicyVersion {
            let categories = (0..<40).map { category("c\($0).d") }
            let purposes = (0..<40).map { purpose("p\($0).q") }
            let rules = (0..<200).map { number in
                UseRule(
                    generator.chance(70) ? .permit : .forbid, path("r\(number)"),
                    UseScope(
                        generator.some(UseOperation.allCases), of: generator.some(categories),
                        for: generator.some(purposes),
                        to: generator.some(Recipient.Kind.allCases)), clauses: [clause("P1")])
            }
            return PolicyVersion(
                name: "v", taxonomy: Taxonomy(categories: Set(categories), purposes: Set(purposes)), rules: rules)
        }
        let (old, new) = (version(), version())
        let error = #expect(throws: PrivacyDefects.self) { try old.changes(to: new) }
        #expect(error?.description.contains("parts") == true)
    }

    @Test func defectsOfEitherVersionAreTold() throws {
        var other = reference
        other.rules[0].clauses = []
        #expect(throws: PrivacyDefects.self) { try reference.changes(to: other) }
        #expect(throws: PrivacyDefects.self) { try other.changes(to: reference) }
        // Facts of which there are too many to go through.
        other = reference
        let many = (0..<14).map { Condition.fact(path("fact.f\($0)")) }
        other.rules.append(
            UseRule(.permit, path("many"), UseScope([.rent, .use]), when: .any(many), clauses: [clause("P1")]))
        let error = #expect(throws: PrivacyDefects.self) { try reference.changes(to: other) }
        #expect(error?.description.contains("in more than") == true)
    }
}

@Suite struct PolicyDiffProperties {
    /// L18: nothing changes from a version to itself, and what a diff says is what deciding cell by cell gives.
    @Test func aDiffIsWhatDecidingGives() throws {
        var generator = UseGenerator(random: Scale.current.generator(for: "privacy.diff"))
        var left = Scale.current.cases(ci: 20_000, soak: 1_000_000)
        var (differ, changed) = (0, 0)
        while left > 0 {
            let (old, new) = (generator.version(), generator.version())
            var next = old
            // A few changes, or another policy altogether.
            if generator.chance(70) {
                for _ in 0..<Int.random(in: 1...2, using: &generator.random) {
                    next.rules[Int.random(in: 0..<next.rules.count, using: &generator.random)] = generator.rule(
                        300, .permit)
                }
                if next.rules.count > 1, generator.chance(50) { next.rules.removeLast() }
                for number in next.rules.indices { next.rules[number].name = path("n\(number)") }
                if generator.chance(20) { next.taxonomy.categories.insert(category("f.y")) }
                if generator.chance(20) { next.taxonomy.purposes.remove(purpose("s")) }
            } else {
                next = new
            }
            // Some rule may name a purpose that is gone.
            guard next.validate().isEmpty else { continue }
            #expect(try old.changes(to: old).isEmpty)
            let diff = try old.changes(to: next)
            let policies = (try old.compile(), try next.compile())
            changed += diff.changes.count
            for change in diff.changes {
                #expect(Self.answers(policies, change) { $0 != $1 }, "\(change)")
            }
            let leaves = (
                old.taxonomy.categories.union(next.taxonomy.categories),
                old.taxonomy.purposes.union(next.taxonomy.purposes)
            )
            for _ in 0..<50 {
                var request = generator.request()
                // One cell: a leaf of each, and data that no set raises.
                guard let one = leaves.0.randomElement(using: &generator.random),
                    let aim = leaves.1.randomElement(using: &generator.random)
                else { continue }
                request.purpose = aim
                let origin: DataOrigin = generator.chance(50) ? .provided : .observed
                let raises = !old.quasiIdentifiers.isEmpty || !next.quasiIdentifiers.isEmpty
                request.data =
                    raises || generator.chance(50)
                    ? .personal([one], from: [origin]) : .pseudonymous([one], from: [origin])
                request.destinations = Set(request.destinations.prefix(1))
                guard Self.isLeaf(request, old, next) else { continue }
                left -= 1
                request.subject.choices = ChoiceState(
                    of: generator.subject, folding: generator.log(), at: Timestamp(seconds: 100))
                let decisions = (policies.0.decide(request), policies.1.decide(request))
                let box = diff.changes.first { $0.scope.isAround(request) }
                switch (decisions.0.isAllowed, decisions.1.isAllowed) {
                case (false, true): #expect(box?.widens == true, "\(request)")
                case (true, false): #expect(box?.narrows == true, "\(request)")
                case (true, true) where decisions.0.duties != decisions.1.duties:
                    #expect(box?.changesDuties == true, "\(request)")
                default: continue
                }
                differ += 1
            }
        }
        #expect(differ > 50 && changed > 500, "\(differ) \(changed)")
    }

    /// Whether the answers about a part of a change, under its example, are as wanted.
    private static func answers(
        _ policies: (PrivacyPolicy, PrivacyPolicy), _ change: PrivacyPolicyDiff.Change,
        _ isWanted: ([Duty]?, [Duty]?) -> Bool
    ) -> Bool {
        let scope = change.scope
        guard let operation = scope.operations?.first, let one = scope.categories?.first,
            let aim = scope.purposes?.first,
            let recipient = scope.recipients?.first, let origin = scope.origins?.first,
            let who = scope.relationships?.first,
            let role = scope.roles?.first, let near = scope.identifiability
        else { return false }
        let label: DataLabel =
            switch near {
            case .personal: .personal([one], from: [origin])
            case .pseudonymous: .pseudonymous([one], from: [origin])
            case .aggregate: .aggregate(of: [one])
            }
        guard near != .aggregate || origin == .observed else { return true }
        // The sets that identify together are for the versions to say, not for the parts.
        guard policies.0.version.quasiIdentifiers.isEmpty, policies.1.version.quasiIdentifiers.isEmpty else {
            return true
        }
        let request = UseRequest(
            operation, label, for: aim, to: Recipient(recipient),
            as: role == .controller ? .controller : .processor(for: Identifier(high: 1, low: 1)),
            about: SubjectFacts(who),
            on: CivilDay(daysSince1970: 0))
        func duties(_ policy: PrivacyPolicy) -> [Duty]? {
            let outcome = policy.outcome(
                of: request, with: policy.facts(policy.facts(of: request), but: change.example))
            let decision = UseDecision(request: request, policy: policy, outcome: outcome)
            return decision.isAllowed ? decision.duties : nil
        }
        return isWanted(duties(policies.0), duties(policies.1))
    }

    /// Whether a request is about one leaf, of both versions together.
    private static func isLeaf(_ request: UseRequest, _ old: PolicyVersion, _ next: PolicyVersion) -> Bool {
        let categories = PathTree(Set(old.taxonomy.categories.union(next.taxonomy.categories).map(\.path)))
        let purposes = PathTree(Set(old.taxonomy.purposes.union(next.taxonomy.purposes).map(\.path)))
        return request.data.categories.allSatisfy { categories.leaves.contains($0.path) }
            && purposes.leaves.contains(request.purpose.path)
    }
}

extension UseScope {
    fileprivate func isAround(_ request: UseRequest) -> Bool {
        operations?.contains(request.operation) == true && recipients?.contains(request.recipient.kind) == true
            && roles?.contains(request.role.kind) == true
            && relationships?.contains(request.subject.relationship) == true
            && origins?.isSuperset(of: request.data.origins) == true && purposes?.contains(request.purpose) == true
            && categories?.isSuperset(of: request.data.categories) == true
            && identifiability == request.data.identifiability
    }
}
