// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePrivacy
import Testing

@Suite struct UseDecisionTests {
    private let policy: PrivacyPolicy

    init() throws {
        policy = try ReferencePolicies.privacy2016.compile()
    }

    @Test func anAnswerNamesItsClausesAndDuties() throws {
        let allowed = policy.decide(Ask(.collect, ["contact.email"], for: "service.operate", about: .visitor).request)
        #expect(allowed.isAllowed && allowed.applies && allowed.reason == nil && allowed.whatWouldAllow == nil)
        #expect(allowed.clauses.map(\.description) == ["P0.1", "P12.2", "P2a.1"] && allowed.duties == [.ageGate])
        #expect("\(allowed)" == "allowed by P0.1, P12.2, P2a.1")
        #expect(allowed.permits.map(\.rule.description) == ["registration.collect", "registration.age"])
        // What was looked at and did not fire.
        #expect(
            allowed.forbids.map(\.rule.description) == [
                "collect.declined", "collect.child", "retained.otherUse", "abroad.residency", "abroad.agreement",
            ])
    }

    @Test func aRefusalSaysWhatIsMissingAndWhatWouldHelp() throws {
        let ask = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, "hosting"))
        let decision = policy.decide(ask.request)
        #expect(decision.reason == .forbidden && decision.clauses == [clause("S2.6")] && decision.duties.isEmpty)
        #expect(decision.missing == [path("recipient.isListed"), path("recipient.isObjectedTo")])
        #expect(decision.whatWouldAllow == [path("recipient.isListed"): .yes, path("recipient.isObjectedTo"): .no])
        #expect("\(decision)" == "forbidden by S2.6; not known: `recipient.isListed`, `recipient.isObjectedTo`")
        let court = policy.decide(
            Ask(.share, ["contact.email"], for: "legal.process", to: Recipient(.authority, "c")).request)
        #expect(court.reason == .notPermitted && court.permits.map(\.rule) == [path("authority.process")])
        #expect(
            court.whatWouldAllow == [path("legalProcess.onFile"): .yes] && "\(court)" == "no rule is known to permit it"
        )
        // Nothing would allow that.
        let sold = policy.decide(
            Ask(.sell, ["contact.email"], for: "service.operate", to: Recipient(.partner, "p")).request)
        #expect(sold.whatWouldAllow == nil && sold.clauses == [clause("P1.3")])
    }

    /// What would allow a use allows it at every place it goes to, and what is known of one of them stays.
    @Test func whatWouldHelpHelpsEverywhere() throws {
        func facts(_ when: Condition, in places: [String]) throws -> [Path: Truth]? {
            var version = ReferencePolicies.privacy2016
            version.regions = ["union": [region("de")]]
            version.knownRegions = [region("de"), region("us")]
            version.rules = [UseRule(.permit, path("store"), UseScope(), when: when, clauses: [clause("P7.1")])]
            let ask = Ask(.use, ["contact.email"], for: "service.operate").with {
                $0.destinations = Set(places.map(region))
            }
            return try version.compile().decide(ask.request).whatWouldAllow
        }
        let inUnion = Condition.fact(path("destination.union"))
        let each = Condition.any([
            .all([inUnion, .fact(path("one.signed"))]), .all([.not(inUnion), .fact(path("two.signed"))]),
        ])
        #expect(try facts(each, in: ["de"]) == [path("one.signed"): .yes])
        #expect(try facts(each, in: ["us"]) == [path("two.signed"): .yes])
        #expect(try facts(each, in: ["de", "us"]) == [path("one.signed"): .yes, path("two.signed"): .yes])
        // Where nobody knows whether a place is in the union, it could be outside; one that is known to be in it could not.
        #expect(try facts(.not(inUnion), in: ["aa"]) == [path("destination.union"): .no])
        #expect(try facts(.not(inUnion), in: ["aa", "de"]) == nil)
    }

    /// Of a path that nobody knows nothing is permitted; what is forbidden around it is forbidden of it.
    @Test func anUnknownPathIsPermittedNothing() throws {
        let email = policy.decide(Ask(.use, ["contact.fax"], for: "service.operate").request)
        #expect(email.reason == .unknownCategory && email.whatWouldAllow == nil)
        #expect(policy.decide(Ask(.use, ["contact.email"], for: "service.dance").request).reason == .unknownPurpose)
        let card = policy.decide(Ask(.use, ["payment.cheque"], for: "service.operate").request)
        #expect(card.reason == .forbidden && card.clauses == [clause("P2a.10")])
        let marketing = Ask(.use, ["contact.email"], for: "marketing.radio").after(
            (.optedOut, about(for: ["marketing"])))
        #expect(policy.decide(marketing.request).clauses == [clause("P2a.5"), clause("P8.4")])
        #expect(policy.decide(Ask(.use, ["weather"], for: "service.operate").request).reason == .unknownCategory)
        // What the host adds is as what lies around it.
        var version = ReferencePolicies.privacy2016
        version.taxonomy.categories.insert(category("contact.fax"))
        #expect(try version.compile().decide(Ask(.use, ["contact.fax"], for: "service.operate").request).isAllowed)
    }

    @Test func whatHasNoLabelIsRefused() throws {
        let none = Ask(.use, ["contact.email"], for: "service.operate")
        #expect(policy.decide(none.with { $0.data = .personal([], from: [.provided]) }.request).reason == .unlabelled)
        #expect(
            policy.decide(none.with { $0.data = .personal([category("contact.email")], from: []) }.request).reason
                == .unlabelled)
    }

    /// A caller's word counts for no fact that follows from the request.
    @Test func derivedFactsAreNobodysToState() throws {
        let card = Ask(.use, ["payment.card"], for: "billing.payment")
        #expect(!policy.decide(card.facts("choice.given").request).isAllowed)
        // Not even where nobody looked.
        let nobodyLooked = card.facts("choice.given").with { $0.subject.choices = nil }
        #expect(!policy.decide(nobodyLooked.request).isAllowed)
        #expect(policy.decide(card.after((.given, about(nil, ["payment"]))).request).isAllowed)
        let child = Ask(.collect, ["identity.name"], for: "service.operate").with {
            $0.subject.birth = CivilDay(year: 2020, month: 1, day: 1)
        }
        #expect(!policy.decide(child.facts(no: ["subject.under13"]).request).isAllowed)
        let cookie = Ask(.storeOnDevice, ["device.cookie"], for: "service.login", from: .deviceAssigned, .pseudonymous)
            .living("de")
        #expect(!policy.decide(cookie.facts(no: ["residence.cookieConsent"]).request).isAllowed)
    }

    /// P1.5: figures of a group that is too small are none, and nothing says which.
    @Test func aGroupOfFewerIsNoAggregate() {
        func aggregate(_ sizes: [Int], minimum: Int, value: Double = 1) -> Aggregate? {
            Aggregate(
                of: [.personal([category("log.pages")], from: [.observed])],
                groups: sizes.map { .init("g", subjects: $0, value: value) },
                minimumGroup: minimum)
        }
        for minimum in [5, 6, 20, 1000] {
            #expect(aggregate([minimum - 1], minimum: minimum) == nil)
            #expect(aggregate([minimum, minimum - 1], minimum: minimum) == nil)
            #expect(aggregate([minimum], minimum: minimum)?.label.identifiability == .aggregate)
        }
        #expect(
            aggregate([], minimum: 5) == nil && aggregate([100], minimum: 4) == nil
                && aggregate([100], minimum: 0) == nil)
        #expect(aggregate([100], minimum: 5, value: .nan) == nil && aggregate([-1], minimum: 5) == nil)
        #expect(aggregate([5], minimum: 5)?.label.categories == [category("log.pages"), category("usage")])
    }

    @Test(arguments: [
        ("a category", "which is not in the taxonomy"), ("a purpose", "which is not in the taxonomy"),
        ("a name", "is there twice"), ("no name", "1 to 200 bytes"), ("a long name", "1 to 200 bytes"),
        ("external", "no policy applies"), ("clauses", "stands for no clause"), ("duties", "would never be asked for"),
        ("a set", "is empty"), ("a fact", "needs another name"), ("a region", "needs another name"),
        ("rules", "more than 512 rules"),
        ("facts", "more than 256 facts"), ("levels", "more than 32 levels"),
    ]) func everyDefectIsTold(_ what: String, _ line: String) {
        var version = ReferencePolicies.privacy2016
        func add(
            _ effect: UseRule.Effect = .permit, _ scope: UseScope = UseScope(), _ when: Condition = .constant(.yes),
            _ duties: Set<Duty> = []
        ) {
            version.rules.append(
                UseRule(effect, path("added"), scope, when: when, duties: duties, clauses: [clause("P1")]))
        }
        switch what {
        case "a category": add(.permit, UseScope(of: [category("no.such")]))
        case "a purpose": add(.permit, UseScope(for: [purpose("no.such")]))
        case "a name": version.rules.append(version.rules[0])
        case "no name": version.name = ""
        case "a long name": version.name = String(repeating: "é", count: 101)
        case "external": add(.forbid, UseScope(from: [.external]))
        case "clauses": version.rules[3].clauses = []
        case "duties": add(.forbid, UseScope([.sell]), .constant(.yes), [.caution])
        case "a set": version.quasiIdentifiers.append([])
        case "a fact": add(.forbid, UseScope([.sell]), .fact(path("choice.madeUp")))
        case "a region": version.regions = [:]
        case "rules":
            for number in 0..<512 {
                version.rules.append(UseRule(.permit, path("r\(number)"), UseScope(), clauses: [clause("P1")]))
            }
        case "facts": add(.permit, UseScope(), .any((0..<257).map { .fact(path("f.f\($0)")) }))
        default: add(.permit, UseScope(), (0..<40).reduce(.fact(path("x"))) { condition, _ in .not(condition) })
        }
        let error = #expect(throws: PrivacyDefects.self) { try version.compile() }
        #expect(error?.description.contains(line) == true, "\(error?.description ?? "")")
    }

    /// What of a group nobody labelled, or somebody else's, is no usage data.
    @Test func anAggregateIsMadeOfOnesOwn() {
        func aggregate(_ data: [DataLabel]) -> Aggregate? {
            Aggregate(of: data, groups: [.init("g", subjects: 50, value: 1)], minimumGroup: 5)
        }
        #expect(aggregate([]) == nil && aggregate([.personal([], from: [.observed])]) == nil)
        #expect(aggregate([.personal([category("log.ip")], from: [.external])]) == nil)
        #expect(
            aggregate([
                .personal([category("log.ip")], from: [.observed]),
                .personal([category("org.name")], from: [.provided, .external]),
            ]) == nil)
    }

    /// Neither a print nor a dump shows the subject.
    @Test func nothingOfASubjectShows() throws {
        var request = Ask(.collect, ["contact.email"], for: "service.operate", to: Recipient(.partner, "shown-nowhere"))
            .request
        request.subject.birth = CivilDay(year: 1984, month: 5, day: 6)
        request.subject.residence = region("fr")
        request.item = "t1@secret"
        let event = ChoiceEvent(
            .given, about(named: ["shown-nowhere"]), by: Ask.subject, at: Ask.now, under: "v",
            evidence: .init(.form, reference: "shown-nowhere"))
        request.subject.choices = ChoiceState(of: Ask.subject, folding: [event], at: Ask.now)
        let decision = policy.decide(request)
        let values: [Any] = [request, request.subject, decision, event, try #require(request.subject.choices)]
        for value in values {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                for hidden in ["1984", "\"fr\"", "residence", "secret", "shown-nowhere", Ask.subject.description] {
                    #expect(!text.contains(hidden), "\(text)")
                }
            }
        }
    }

    /// Many facts and large conditions: an answer after a bounded number of tries.
    @Test func theCounterfactualGivesUp() throws {
        let facts = (0..<250).map { Condition.fact(path("fact.f\($0)")) }
        let version = PolicyVersion(
            name: "v", taxonomy: .reference,
            rules: [UseRule(.permit, path("all"), UseScope(), when: .all(facts), clauses: [clause("P1")])])
        let decision = try version.compile().decide(Ask(.use, ["contact.email"], for: "service.operate").request)
        #expect(decision.reason == .notPermitted && decision.missing.count == 250 && decision.whatWouldAllow == nil)
    }

    /// A member that nobody knows would be passed over where it was meant to narrow something.
    @Test func misspeltMembersAreRefused() throws {
        for (good, bad) in [
            (#"{"operations":["use"]}"#, #"{"operation":["use"]}"#),
            (#"{"identifiability":"aggregate"}"#, #"{"identifiabilty":"aggregate"}"#), ("{}", #"{"x":1}"#),
        ] {
            #expect(throws: Never.self) { try JSONDecoder().decode(UseScope.self, from: Data(good.utf8)) }
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(UseScope.self, from: Data(bad.utf8)) }
        }
        #expect(throws: Never.self) { try JSONDecoder().decode(ChoiceScope.self, from: Data(#"{"items":["a"]}"#.utf8)) }
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(ChoiceScope.self, from: Data(#"{"item":["a"]}"#.utf8))
        }
        for member in [#""knownRegion":[],"#, #""rule":[],"#] {
            let text = String(decoding: try JSONEncoder().encode(ReferencePolicies.privacy2016), as: UTF8.self)
            let broken = "{" + member + text.dropFirst()
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(PolicyVersion.self, from: Data(broken.utf8))
            }
        }
        let rule =
            #"{"name":"a","effect":"permit","scope":{},"when":{"constant":"yes"},"duties":[],"clauses":["P1"],"unless":{}}"#
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(UseRule.self, from: Data(rule.utf8)) }
    }

    /// A version is data: it is the same after it was written and read.
    @Test func aVersionIsReadBack() throws {
        let version = ReferencePolicies.privacy2016
        #expect(try JSONDecoder().decode(PolicyVersion.self, from: JSONEncoder().encode(version)) == version)
    }
}

/// Everything that can be asked of the reference policy, about one category at a time.
@Suite struct ReferenceUniverseProperties {
    /// P1.3: nothing is sold, rented or lent; nothing is shared, transferred to others or published but where a clause says so. Under whatever facts: all that hold,
    /// none known.
    @Test func everyCell() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let version = policy.version
        let facts = version.rules.reduce(into: Set<Path>()) { $0.formUnion($1.when.facts) }
        let everything = ChoiceState(
            of: Ask.subject,
            folding: [
                ChoiceEvent(
                    .given, ChoiceScope(of: version.taxonomy.categories, named: ["p"]), by: Ask.subject, at: Ask.now,
                    under: "v", evidence: .init(.form))
            ], at: Ask.now)
        /// Which clauses name a part of what may be shared: with whom, for what, of what.
        func isNamed(_ request: UseRequest) -> Bool {
            let aim = request.purpose.description
            let kinds = request.data.categories.map(\.description)
            if request.data.identifiability == .aggregate,
                [.customer, .partner, .serviceProvider].contains(request.recipient.kind)
            {
                return true
            }
            if request.operation == .transfer, request.recipient.kind == .serviceProvider {
                return aim.hasPrefix("service.")
            }
            switch request.recipient.kind {
            case .serviceProvider:
                return ["service.operate", "service.quality", "billing.payment"].contains(aim)
                    || aim == "analytics.traffic" && kinds.allSatisfy { $0.hasPrefix("telemetry") }
            case .authority: return aim == "legal.process" || aim.hasPrefix("legal.protection.")
            case .affiliate: return ["service", "support", "communicate", "marketing"].contains { aim.hasPrefix($0) }
            case .authorizedByUser: return aim == "service.content" && kinds.allSatisfy { $0.hasPrefix("content") }
            case .acquirer: return aim == "transaction.succession"
            case .everyone:
                return request.operation == .publish
                    && (aim == "service.content" && kinds == ["content.user"]
                        || aim == "marketing.materials" && kinds == ["testimonial.name"])
            case .own, .partner, .customer, .connectedApp: return false
            }
        }
        let everybody = Relationship.allCases.flatMap { who in [(who, false), (who, true)] }
        let disclosing: [UseOperation] = [.share, .transfer, .publish, .sell, .rent, .loan]
        var (cells, shared) = (0, 0)
        let favourable = Dictionary(uniqueKeysWithValues: facts.map { ($0, Truth.yes) })
            .merging([path("recipient.isObjectedTo"): .no, path("customer.isAustralianGovernment"): .no]) { $1 }
        for one in version.taxonomy.categories {
            for near in Identifiability.allCases {
                for origin in DataOrigin.allCases where near != .aggregate || origin == .observed {
                    for aim in version.taxonomy.purposes {
                        for kind in Recipient.Kind.allCases {
                            for (who, isHeld) in everybody {
                                for operation in disclosing {
                                    var request = Ask(
                                        operation, [one.description], for: aim.description, to: Recipient(kind, "p"),
                                        from: origin, near, about: who, asProcessor: isHeld
                                    ).request
                                    request.subject.choices = everything
                                    request.facts = favourable
                                    cells += 1
                                    let isAllowed = policy.decide(request).isAllowed
                                    guard !UseOperation.trade.contains(operation) else {
                                        #expect(!isAllowed, "\(request)")
                                        continue
                                    }
                                    if isAllowed, kind != .own {
                                        shared += 1
                                        #expect(isNamed(request), "\(request)")
                                    }
                                    // Less known never allows more.
                                    if !isAllowed || near == .personal {
                                        request.facts = [:]
                                        let isAllowedUnknown = policy.decide(request).isAllowed
                                        #expect(isAllowed || !isAllowedUnknown, "\(request)")
                                        if near == .personal {
                                            #expect(!isAllowedUnknown || kind == .authorizedByUser, "\(request)")
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        print("universe: \(cells) cells, \(shared) shared")
        #expect(cells > 10_000_000 && shared > 50_000)
    }
}
