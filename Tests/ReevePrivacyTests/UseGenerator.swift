// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

/// Small random policies, in which everything meets everything, and requests and choices around their edges.
struct UseGenerator<Random: RandomNumberGenerator> {
    var random: Random
    /// "Knowingly": a condition that reads a missing fact as no, and so can fire once it is known.
    var usesKnown = true

    let categories = ["a.b", "a.c.d", "a.c.e", "f", "g.h"].map(category)
    let purposes = ["p.q", "p.r", "s", "t.u.v"].map(purpose)
    let askedCategories = ["a", "a.b", "a.c", "a.c.d", "a.c.e", "f", "g", "g.h", "a.x", "f.y", "z"].map(category)
    let askedPurposes = ["p", "p.q", "p.r", "s", "t", "t.u.v", "p.w", "t.u.x", "y"].map(purpose)
    let facts = ["x", "y.z"].map(path)
    let derived = [
        "choice.given", "choice.givenToRecipient", "choice.givenForItem", "choice.optedOut", "choice.refused",
        "residence.here",
        "destination.here", "destination.isGiven", "retention.isForOther",
    ].map(path)
    let places = [nil, region("de"), region("us"), region("de-by"), region("us-ca"), region("xx")]
    let operations: [UseOperation] = [.use, .share, .collect]
    let recipients: [Recipient] = [.own, Recipient(.partner, "one"), Recipient(.partner, "two"), Recipient(.partner)]
    let origins: [DataOrigin] = [.provided, .observed]
    let relationships: [Relationship] = [.visitor, .customer]

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    mutating func some<Element: Hashable>(_ elements: [Element], _ percent: Int = 40) -> Set<Element> {
        var chosen: Set<Element> = []
        for element in elements where chance(percent) { chosen.insert(element) }
        return chosen.isEmpty && !elements.isEmpty && chance(90) ? [pick(elements)] : chosen
    }
    let subject = Identifier<DataSubject>(high: 1, low: 1)
    let other = Identifier<DataSubject>(high: 1, low: 2)

    private mutating func maybe<Element: Hashable>(_ elements: [Element], _ percent: Int = 40) -> Set<Element>? {
        chance(45) ? some(elements, percent) : nil
    }

    mutating func condition(_ depth: Int = 0) -> Condition {
        switch Int.random(in: 0..<(depth > 2 ? 4 : 7), using: &random) {
        case 0: return .constant(pick(Truth.allCases))
        case 1: return .fact(pick(facts))
        case 2: return .fact(pick(derived))
        case 3: return usesKnown ? .known(pick(facts + derived)) : .fact(pick(facts))
        case 4: return .not(condition(depth + 1))
        case 5: return .all([condition(depth + 1), condition(depth + 1)])
        default: return .any([condition(depth + 1), condition(depth + 1)])
        }
    }

    mutating func scope() -> UseScope {
        let known = ["a", "a.b", "a.c", "a.c.d", "f", "g", "g.h"].map(category)
        let aims = ["p", "p.q", "p.r", "s", "t.u", "t.u.v"].map(purpose)
        return UseScope(
            maybe(operations), of: maybe(known), for: maybe(aims), to: maybe([.own, .partner]), from: maybe(origins),
            about: chance(20) ? some(relationships) : nil, as: chance(20) ? some(DataRole.Kind.allCases) : nil,
            identifiability: chance(35) ? pick(Identifiability.allCases) : nil)
    }

    mutating func rule(_ name: Int, _ effect: UseRule.Effect) -> UseRule {
        UseRule(
            effect, path("r\(name)"), scope(), when: chance(45) ? .constant(.yes) : condition(),
            duties: effect == .permit && chance(30) ? [pick([.caution, .ageGate, .warnPublic])] : [],
            clauses: [clause("P\(name + 1)")])
    }

    mutating func version() -> PolicyVersion {
        var rules: [UseRule] = []
        for name in 0..<Int.random(in: 1...9, using: &random) {
            rules.append(rule(name, chance(70) ? .permit : .forbid))
        }
        // Of one category alone as often as of several: few requests are about two given ones.
        let set = [pick(askedCategories)]
        return PolicyVersion(
            name: "test", taxonomy: Taxonomy(categories: Set(categories), purposes: Set(purposes)), rules: rules,
            quasiIdentifiers: chance(40) ? [chance(50) ? Set(set) : some(askedCategories, 20).union(set)] : [],
            regions: ["here": [region("de")]], knownRegions: chance(50) ? [region("de"), region("us")] : nil)
    }

    mutating func label() -> DataLabel {
        let origins = chance(3) ? [DataOrigin.external, .provided] : some(origins, 30)
        let categories = some(askedCategories, 12)
        return chance(50) ? .personal(categories, from: origins) : .pseudonymous(categories, from: origins)
    }

    mutating func request() -> UseRequest {
        var request = UseRequest(
            pick(operations), label(), for: pick(askedPurposes), to: pick(recipients),
            in: Set([pick(places), chance(40) ? pick(places) : nil].compactMap { $0 }),
            as: pick([.controller, .processor(for: Identifier(high: 1, low: 1))]),
            about: SubjectFacts(
                pick(relationships), id: pick([subject, subject, subject, subject, other, nil]), residence: pick(places)
            ),
            item: pick([nil, "i1", "i2"]),
            retainedFor: chance(20) ? some(["p", "s", "t.u"].map(purpose)) : nil, on: CivilDay(daysSince1970: 0))
        for fact in facts where chance(60) { request.facts[fact] = pick(Truth.allCases) }
        // Not the caller's to state.
        if chance(15) { request.facts[pick(derived)] = .yes }
        return request
    }

    mutating func choiceScope() -> ChoiceScope {
        if chance(15) { return ChoiceScope() }
        return ChoiceScope(
            maybe(operations, 60), of: maybe(["a", "a.b", "f"].map(category), 60),
            for: maybe(["p", "s"].map(purpose), 60),
            to: chance(25) ? some([.own, .partner]) : nil, named: chance(20) ? some(["one", "two"]) : nil,
            items: chance(15) ? some(["i1", "i2"]) : nil)
    }

    mutating func event(_ scope: ChoiceScope? = nil) -> ChoiceEvent {
        ChoiceEvent(
            pick(ChoiceEvent.Act.allCases + [.given, .optedIn, .optedOut]), scope ?? choiceScope(),
            by: chance(90) ? subject : other,
            at: Timestamp(seconds: Int64.random(in: 0...3, using: &random)), under: "test",
            evidence: .init(
                pick([.settings, .settings, .settings, .settings, .holder, .globalPrivacyControl]),
                representsAuthority: chance(15) ? chance(50) : nil))
    }

    /// Few scopes, so that acts meet, and some that say the same less precisely.
    mutating func log() -> [ChoiceEvent] {
        var scopes = [choiceScope(), choiceScope()]
        var general = scopes[0]
        (general.operations, general.recipients) = (nil, nil)
        scopes.append(general)
        var events: [ChoiceEvent] = []
        for _ in 0..<Int.random(in: 0...5, using: &random) { events.append(event(pick(scopes))) }
        return events
    }
}
