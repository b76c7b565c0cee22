// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePrivacy

/// DESIGN §10 against a naive reference, and the laws of the algebra (L1 to L8).
@Suite struct UseDecisionProperties {
    private static let end = Timestamp(seconds: 100)
    private static let subject = Identifier<DataSubject>(high: 1, low: 1)

    private struct Case {
        let version: PolicyVersion
        let log: [ChoiceEvent]?
        var request: UseRequest
    }

    /// Calls with as many cases as the scale asks for, a policy for every twenty requests; up to `times` as many until something `isFound`.
    private func each(
        _ law: String, known: Bool = true, times: Int = 1, until isFound: () -> Bool = { false },
        _ body: (inout UseGenerator<SeededGenerator>, Case, PrivacyPolicy) throws -> Void
    ) throws {
        var generator = UseGenerator(random: Scale.current.generator(for: "privacy.use.\(law)"), usesKnown: known)
        var left = Scale.current.cases(ci: 20_000, soak: 1_000_000) * times
        while left > 0, !isFound() {
            let version = generator.version()
            let policy = try version.compile()
            for _ in 0..<min(20, left) {
                let log = generator.chance(80) ? generator.log() : nil
                var request = generator.request()
                request.subject.choices = log.map { ChoiceState(of: Self.subject, folding: $0, at: Self.end) }
                try body(&generator, Case(version: version, log: log, request: request), policy)
            }
            left -= 20
        }
    }

    /// What the subject's choices say to a request.
    private static func choices(_ request: UseRequest) -> [Path: Truth] {
        let answer = request.subject.ownChoices?.answer(to: request)
        return [
            DerivedFact.given: Truth(answer?.isGiven), DerivedFact.givenToRecipient: Truth(answer?.isGivenToRecipient),
            DerivedFact.givenForItem: Truth(answer?.isGivenForItem), DerivedFact.optedOut: Truth(answer?.isOptedOut),
            DerivedFact.refused: Truth(answer?.isRefused),
        ]
    }

    /// Whether all facts that the rules ask for are as the reference has them.
    private static func agrees(_ policy: PrivacyPolicy, _ reference: UseReference, _ request: UseRequest) -> Bool {
        // Where it goes to several places, the facts of each.
        guard request.destinations.count < 2 else {
            return request.destinations.allSatisfy { place in
                var one = request
                one.destinations = [place]
                return agrees(policy, reference, one)
            }
        }
        let (known, facts) = (policy.facts(of: request), reference.facts(request))
        return policy.version.facts.allSatisfy { policy.truth(of: $0, in: known) == facts[$0] ?? .unknown }
    }

    @Test func decisionsAgreeWithTheReference() throws {
        var (allowed, count) = (0, 0)
        try each("decide") { _, one, policy in
            let isAllowed = policy.decide(one.request).isAllowed
            let reference = UseReference(version: one.version, log: one.log)
            #expect(isAllowed == reference.isAllowed(one.request), "\(one)")
            #expect(Self.choices(one.request) == reference.choice(one.request), "\(one)")
            #expect(Self.agrees(policy, reference, one.request), "\(one)")
            allowed += isAllowed ? 1 : 0
            count += 1
        }
        // Both answers are common enough for the comparison to mean something.
        #expect(allowed > count / 100 && allowed < count / 2, "\(allowed) of \(count)")
    }

    /// Mistakes that an engine could make are each told from the real one.
    @Test(arguments: UseReference.Flaw.allCases) func everyFlawIsCaught(_ flaw: UseReference.Flaw) throws {
        var isCaught = false
        try each("flaw.\(flaw.rawValue)", times: 10, until: { isCaught }) { _, one, policy in
            guard !isCaught else { return }
            let flawed = UseReference(version: one.version, log: one.log, flaw: flaw)
            isCaught =
                policy.decide(one.request).isAllowed != flawed.isAllowed(one.request)
                || Self.choices(one.request) != flawed.choice(one.request)
                || !Self.agrees(policy, flawed, one.request)
        }
        #expect(isCaught, "`\(flaw)` decides as the real engine in all cases")
    }

    /// L1: neither the order of rules matters, nor that one is there twice.
    @Test func orderAndRepetitionDoNotMatter() throws {
        try each("L1") { generator, one, policy in
            var other = one.version
            let again = other.rules.enumerated().map { number, rule in
                var rule = rule
                rule.name = path("again\(number)")
                return rule
            }
            other.rules = (other.rules + generator.some(again)).shuffled(using: &generator.random)
            let (left, right) = (policy.decide(one.request), try other.compile().decide(one.request))
            #expect(
                left.reason == right.reason && left.duties == right.duties && left.clauses == right.clauses, "\(one)")
        }
    }

    /// L2: what no permit allows is not allowed.
    @Test func withoutAPermitNothingIsAllowed() throws {
        try each("L2") { _, one, _ in
            var other = one.version
            other.rules.removeAll { $0.effect == .permit }
            let decision = try other.compile().decide(one.request)
            #expect(!decision.isAllowed)
        }
    }

    /// L3: a forbid that fires denies, whatever else is there.
    @Test func anyForbidThatFiresDenies() throws {
        try each("L3") { generator, one, policy in
            var other = one.version
            let truth: Truth = generator.chance(50) ? .yes : .unknown
            other.rules.append(
                UseRule(.forbid, path("no"), UseScope(), when: .constant(truth), clauses: [clause("P9")]))
            let decision = try other.compile().decide(one.request)
            #expect(!decision.isAllowed)
            // Of data that has a place in the taxonomy it is the reason, and it is cited.
            if policy.decide(one.request).reason == nil {
                #expect(decision.reason == .forbidden && decision.clauses.contains(clause("P9")))
            }
        }
    }

    /// L4: another forbid allows nothing, another permit denies nothing.
    @Test func moreForbidsNeverAllowAndMorePermitsNeverDeny() throws {
        try each("L4") { generator, one, policy in
            let isAllowed = policy.decide(one.request).isAllowed
            let effect = generator.pick(UseRule.Effect.allCases)
            var other = one.version
            other.rules.append(generator.rule(500, effect))
            let after = try other.compile().decide(one.request).isAllowed
            #expect(effect == .forbid ? isAllowed || !after : after || !isAllowed, "\(one)")
        }
    }

    /// L5: to learn a fact never takes back what was allowed, but where a rule asks what is *known*.
    @Test func learningAFactRevokesNothing() throws {
        var count = 0
        try each("L5", known: false) { generator, one, policy in
            guard policy.decide(one.request).isAllowed else { return }
            var learned = one.request
            for fact in generator.facts where (learned.facts[fact] ?? .unknown) == .unknown {
                learned.facts[fact] = generator.pick([.yes, .no])
            }
            if learned.subject.residence == nil { learned.subject.residence = region("us") }
            // Of a place that nobody knows it is learned what it is a part of.
            if one.version.knownRegions != nil, learned.subject.residence == region("xx") {
                learned.subject.residence = region("us-xx")
            }
            if one.version.knownRegions != nil, learned.destinations.remove(region("xx")) != nil {
                learned.destinations.insert(region("de-xx"))
            }
            if learned.subject.ownChoices == nil {
                learned.subject.id = Self.subject
                learned.subject.choices = ChoiceState(of: Self.subject, folding: generator.log(), at: Self.end)
            }
            #expect(policy.decide(learned).isAllowed, "\(one)")
            count += 1
        }
        #expect(count > 100)
    }

    /// L6: facts that the explanation does not look at can be anything.
    @Test func theExplanationIsEnough() throws {
        var changed = 0
        try each("L6") { generator, one, policy in
            let decision = policy.decide(one.request)
            let rules = Set((decision.permits + decision.forbids).map(\.rule))
            let looked = one.version.rules.filter { rules.contains($0.name) }
                .reduce(into: Set<Path>()) { $0.formUnion($1.when.facts) }
            var other = one.request
            for fact in generator.facts where !looked.contains(fact) {
                other.facts[fact] = generator.pick(Truth.allCases)
                changed += 1
            }
            if !looked.contains(path("residence.here")) {
                other.subject.residence = generator.pick(generator.places)
            }
            if !looked.contains(path("retention.isForOther")) { other.retainedFor = [] }
            if looked.isDisjoint(with: [path("destination.here"), path("destination.isGiven")]) {
                other.destinations = Set([generator.pick(generator.places)].compactMap { $0 })
            }
            if !looked.contains(where: { $0.elements[0] == "choice" }) {
                other.subject.choices = ChoiceState(of: Self.subject, folding: generator.log(), at: Self.end)
            }
            let after = policy.decide(other)
            // A denial for another reason is the same answer.
            #expect(after.isAllowed == decision.isAllowed, "\(one)")
        }
        #expect(changed > 1000)
    }

    /// L7: what is asked about a path is asked about each leaf, and what is allowed of joined data is allowed of each part.
    @Test func aParentIsAllItsLeavesAndAJoinBothParts() throws {
        var parents = 0
        try each("L7") { generator, one, policy in
            // Choices are of whole requests: a leaf may be within one where its parent only overlaps it. So is what a record may still be used for.
            var request = one.request
            request.subject.choices = ChoiceState.none
            request.retainedFor = nil
            let decision = policy.decide(request)
            let categories = request.data.categories
            let leaves = categories.flatMap { one in generator.categories.filter { one.contains($0) } }
            let aims = generator.purposes.filter { request.purpose.contains($0) }
            let isKnown =
                categories.allSatisfy { one in generator.categories.contains { one.contains($0) } } && !aims.isEmpty
            if isKnown, one.version.quasiIdentifiers.isEmpty, !request.data.origins.contains(.external) {
                let isPersonal = request.data.identifiability == .personal
                let each = leaves.allSatisfy { leaf in
                    aims.allSatisfy { aim in
                        request.data.origins.allSatisfy { origin in
                            var part = request
                            part.data =
                                isPersonal ? .personal([leaf], from: [origin]) : .pseudonymous([leaf], from: [origin])
                            part.purpose = aim
                            return policy.decide(part).isAllowed
                        }
                    }
                }
                #expect(decision.isAllowed == (each && !leaves.isEmpty && !request.data.origins.isEmpty), "\(one)")
                parents += 1
            }
            let other = generator.label()
            var joined = request
            joined.data = request.data.joined(with: other)
            if policy.decide(joined).isAllowed {
                var second = request
                second.data = other
                let isSecond = other.categories.isEmpty || other.origins.isEmpty || policy.decide(second).isAllowed
                let isFirst = categories.isEmpty || request.data.origins.isEmpty || decision.isAllowed
                #expect(isFirst && isSecond, "\(one) \(other)")
            }
        }
        #expect(parents > 1000)
    }

    /// L8: what was given and then withdrawn is as what was withdrawn; the order in which a log is read does not matter, nor where it is taken up.
    @Test func choicesAreAFold() throws {
        try each("L8") { generator, one, _ in
            let log = generator.log()
            let state = ChoiceState(of: Self.subject, folding: log, at: Self.end)
            #expect(
                ChoiceState(
                    of: Self.subject, folding: (log + generator.some(log)).shuffled(using: &generator.random),
                    at: Self.end)
                    == state)
            let half = log.prefix(log.count / 2)
            #expect(
                log.dropFirst(log.count / 2).reduce(ChoiceState(of: Self.subject, folding: half, at: Self.end)) {
                    $0.adding($1)
                } == state
            )
            var (given, withdrawn) = (generator.event(), generator.event())
            given.act = generator.pick([.given, .optedIn])
            withdrawn.act = generator.pick(
                given.act == .given ? [.withdrawn, .expired, .invalidated, .refused] : [.optedOut, .objected])
            (withdrawn.scope, withdrawn.at, withdrawn.subject) = (given.scope, given.at, given.subject)
            let both = ChoiceState(of: Self.subject, folding: [given, withdrawn], at: Self.end)
            let alone = ChoiceState(of: Self.subject, folding: [withdrawn], at: Self.end)
            #expect(both.answer(to: one.request) == alone.answer(to: one.request))
            // What has not happened yet counts for nothing.
            let early = ChoiceState(of: Self.subject, folding: log, at: Timestamp(seconds: 1))
            #expect(
                early
                    == ChoiceState(
                        of: Self.subject, folding: log.filter { $0.at <= Timestamp(seconds: 1) }, at: Self.end))
        }
    }

    /// Labels join in any order, any number of times, and never come to tell less.
    /// What a subject chose can be erased, the first first behind the ends that stay, and at no instant is anything said for a use that was not said before, or anything said against it no more.
    @Test func erasingChoicesAllowsNothing() throws {
        var (ended, given) = (0, 0)
        try each("erasure") { _, one, _ in
            guard let log = one.log?.filter({ $0.subject == Self.subject }), !log.isEmpty else { return }
            let history = SubjectHistory(log.map(SubjectEvent.choice))
            let ends = SubjectHistory(history.ends).choices
            func answer(_ events: some Sequence<ChoiceEvent>) -> ChoiceState.Answer {
                ChoiceState(of: Self.subject, folding: events, at: Self.end).answer(to: one.request)
            }
            let before = answer(log)
            for cut in 0...log.count {
                let after = answer(log[cut...] + ends)
                let opens =
                    after.isGiven && !before.isGiven || after.isGivenToRecipient && !before.isGivenToRecipient
                    || after.isGivenForItem && !before.isGivenForItem
                let forgets = before.isOptedOut && !after.isOptedOut || before.isRefused && !after.isRefused
                #expect(!opens && !forgets, "\(log) cut at \(cut)")
            }
            // Nothing of how it came is left, nor what allowed.
            #expect(
                ends.allSatisfy { !$0.act.allows && $0.evidence == .init($0.evidence.channel) && $0.preview == nil })
            if before.isOptedOut || before.isRefused { ended += 1 }
            if before.isGiven { given += 1 }
        }
        #expect(ended > 100 && given > 100, "\(ended), \(given)")
    }

    @Test func labelsJoin() throws {
        try each("join") { generator, one, _ in
            let (a, b, c) = (generator.label(), generator.label(), generator.label())
            #expect(a.joined(with: b) == b.joined(with: a) && a.joined(with: a) == a)
            #expect(a.joined(with: b).joined(with: c) == a.joined(with: b.joined(with: c)))
            #expect(a.joined(with: b).identifiability >= max(a.identifiability, b.identifiability))
        }
    }

    /// What the counterfactual names does allow it, and nothing smaller does.
    @Test func whatWouldAllowAllows() throws {
        var found = 0
        try each("counterfactual") { generator, one, policy in
            guard generator.chance(5), let facts = policy.decide(one.request).whatWouldAllow else { return }
            found += 1
            #expect((1...3).contains(facts.count))
            let stated = facts.filter { generator.facts.contains($0.key) }
            guard stated.count == facts.count else { return }
            var other = one.request
            for (fact, truth) in facts { other.facts[fact] = truth }
            #expect(policy.decide(other).isAllowed, "\(one) \(facts)")
            for fact in facts.keys {
                var less = other
                less.facts[fact] = one.request.facts[fact]
                #expect(!policy.decide(less).isAllowed, "\(one) \(facts)")
            }
        }
        #expect(found > 10)
    }
}
