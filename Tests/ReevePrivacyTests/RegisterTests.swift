// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePrivacy
import Testing

@Suite struct RegisterTests {
    private let policy: PrivacyPolicy
    private let company = Identifier<Company>(high: 5, low: 5)
    private let now = Timestamp(seconds: 1_700_000_000)
    private static let day = Duration.seconds(86_400)

    init() throws {
        policy = try ReferencePolicies.privacy2016.compile()
    }

    private func decide(_ ask: Ask, _ registers: PrivacyRegisters, at instant: Timestamp? = nil) -> UseDecision {
        policy.decide(
            registers.completing(ask.request, of: company, at: instant ?? now, under: policy.version.name))
    }

    /// P2i.4: parent, subsidiary and sister are of the group; who else has a part in a subsidiary is not.
    @Test func whoControlsWhom() {
        var group = CorporateGroup(own: "own")
        for (parent, child) in [
            ("top", "parent"), ("parent", "own"), ("parent", "sister"), ("own", "sub"), ("sub", "subsub"),
            ("other", "sub"),
        ] {
            group.add(parent, controls: child)
        }
        // A circle ends, too.
        group.add("subsub", controls: "own")
        for member in ["own", "parent", "top", "sister", "sub", "subsub"] {
            #expect(group.isMember(member), "\(member)")
        }
        group.remove("subsub", controls: "own")
        #expect(!group.isMember("other") && !group.isMember("stranger"))
        let registers = PrivacyRegisters(group: group)
        func ask(_ name: String?) -> Ask {
            Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.affiliate, name))
        }
        for member in ["parent", "sub", "sister"] { #expect(decide(ask(member), registers).isAllowed) }
        for other in ["other", "stranger", nil] {
            // Whatever the caller says.
            #expect(!decide(ask(other).facts("recipient.isGroupMember"), registers).isAllowed)
        }
        group.remove("parent", controls: "sister")
        #expect(!group.isMember("sister"))
    }

    /// S2.6: nobody is given data before customers were told in time; who objects is left out.
    @Test func subprocessorsAreAnnounced() throws {
        var list = SubprocessorList()
        let start = now.advanced(by: Self.day)
        #expect(throws: SubprocessorList.Refusal.noticeTooShort) {
            try list.announce("host", task: "hosting", in: [region("us")], effective: start, at: now)
        }
        let effective = now.advanced(by: .seconds(30 * 86_400))
        try list.announce("host", task: "hosting", in: [region("us")], effective: effective, at: now)
        #expect(throws: SubprocessorList.Refusal.alreadyListed) {
            try list.announce("host", task: "x", in: [region("us")], effective: effective, at: now)
        }
        var registers = PrivacyRegisters(group: CorporateGroup(own: "own"), providers: list)
        let ask = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, "host"))
            .living("us")
        let before = effective.advanced(by: .microseconds(-1))
        #expect(decide(ask, registers, at: before).clauses == [clause("S2.6")])
        #expect(decide(ask, registers, at: effective).isAllowed)
        #expect(
            !decide(
                ask.with { $0.recipient = Recipient(.serviceProvider) }.facts("recipient.isListed"), registers,
                at: effective
            ).isAllowed)
        #expect(
            !decide(
                ask.with { $0.recipient = Recipient(.serviceProvider, "other") }.facts("recipient.isListed"), registers,
                at: effective
            ).isAllowed)

        #expect(throws: SubprocessorList.Refusal.notListed) { try list.object(company, to: "other", at: now) }
        #expect(throws: SubprocessorList.Refusal.tooLate) { try list.object(company, to: "host", at: effective) }
        try list.object(company, to: "host", at: before)
        registers.providers = list
        #expect(decide(ask, registers, at: effective).clauses == [clause("S2.6")])
        let other = registers.completing(ask.request, of: Identifier(high: 6, low: 6), at: effective)
        #expect(policy.decide(other).isAllowed)

        let end = effective.advanced(by: Self.day)
        try list.end("host", from: end, at: effective)
        #expect(throws: SubprocessorList.Refusal.notListed) { try list.end("host", from: end, at: end) }
        #expect(list.isListed("host", at: end.advanced(by: .microseconds(-1))) && !list.isListed("host", at: end))
        let changes = list.changes(from: now, to: end)
        #expect(changes.added.map(\.name) == ["host"] && changes.removed.map(\.name) == ["host"])
        #expect(list.changes(from: effective, to: before).added.isEmpty)
        #expect(throws: SubprocessorList.Refusal.noRegions) {
            try list.announce("x", task: "x", in: [], effective: end.advanced(by: .seconds(31 * 86_400)), at: end)
        }
        // It can come back, announced anew.
        try list.announce(
            "host", task: "hosting", in: [region("us")], effective: end.advanced(by: .seconds(31 * 86_400)), at: end)
    }

    /// Where it works data goes; an end that was said can be brought forward, and nobody has to wait with an objection.
    @Test func whereAProviderWorks() throws {
        var list = SubprocessorList(notice: .zero)
        try list.announce("host", task: "hosting", in: [region("us")], effective: now.advanced(by: Self.day), at: now)
        try list.end("host", from: now.advanced(by: .seconds(9 * 86_400)), at: now)
        #expect(throws: SubprocessorList.Refusal.alreadyListed) {
            try list.announce("host", task: "x", in: [region("us")], effective: now, at: now)
        }
        var objected = list
        try objected.object(company, to: "host", at: now)
        #expect(objected.isObjected("host", by: company))
        let soon = now.advanced(by: Self.day)
        let registers = PrivacyRegisters(
            group: CorporateGroup(own: "own"), providers: list, standard: AgreementSet.none)
        let ask = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, "host"))
        #expect(
            decide(ask.living("us"), registers, at: soon).isAllowed
                && decide(ask.living("us-ca"), registers, at: soon).isAllowed)
        // Nobody said so, and it is a transfer all the same.
        #expect(decide(ask.living("de"), registers, at: soon).clauses == [clause("S2.3")])
        #expect(decide(ask.living("us").going("fr"), registers, at: soon).clauses == [clause("S2.6")])
        #expect(decide(ask.living("us").going("us-ny"), registers, at: soon).isAllowed)
        try list.end("host", from: now.advanced(by: .seconds(4 * 86_400)), at: soon)
        #expect(!list.isListed("host", at: now.advanced(by: .seconds(4 * 86_400))))
        try list.end("host", from: now.advanced(by: .seconds(8 * 86_400)), at: soon)
        #expect(!list.isListed("host", at: now.advanced(by: .seconds(5 * 86_400))))
    }

    /// S1.1, S2.7: what is attested, and what has ended.
    @Test func attestationsHavePeriods() throws {
        let (first, last) = (
            try #require(CivilDay(year: 2026, month: 1, day: 1)), try #require(CivilDay(year: 2026, month: 12, day: 31))
        )
        let register = AttestationRegister([
            Attestation(path("pci"), scope: "cards", from: first, through: last, evidence: "r1")
        ])
        #expect(
            !register.isAttested(path("pci"), on: first.advanced(byDays: -1))
                && register.isAttested(path("pci"), on: first))
        #expect(
            register.isAttested(path("pci"), on: last)
                && !register.isAttested(path("pci"), on: last.advanced(byDays: 1)))
        #expect(register.findings(on: last).isEmpty)
        #expect(register.findings(on: last.advanced(byDays: 1)) == ["the attestation of `pci` ended on 2026-12-31"])
        let gap = AttestationRegister(
            register.attestations + [
                Attestation(
                    path("pci"), scope: "cards", from: last.advanced(byDays: 30), through: last.advanced(byDays: 90),
                    evidence: "r2")
            ])
        #expect(gap.findings(on: last.advanced(byDays: 9)) == ["the attestation of `pci` ended on 2026-12-31"])
        let registers = PrivacyRegisters(group: CorporateGroup(own: "own"), attestations: register)
        // A standard that is not on file is not the caller's to claim.
        let claimed = registers.completing(
            Ask(.use, ["identity.name"], for: "service.operate").facts("attested.soc2").request, of: nil, at: now)
        #expect(claimed.facts[path("attested.soc2")] == .no)
        let card = Ask(.retain, ["payment.card"], for: "billing.payment").after((.given, about(nil, ["payment"])))
        #expect(decide(card, registers, at: first.startInUTC).isAllowed)
        #expect(
            decide(card.facts("attested.pci"), registers, at: last.advanced(byDays: 1).startInUTC).clauses == [
                clause("S1.1c")
            ])
    }

    /// S1.1a, S1.1b: SOC 1, SOC 2, ISO 27001 and ISO 27701 are attested from their first day to their last, and what has ended is told.
    @Test(arguments: ["soc1", "soc2", "iso27001", "iso27701"]) func standardsAreAttestedForATime(_ name: String) {
        let day = CivilDay(daysSince1970: 20_000)
        let register = AttestationRegister([
            Attestation(path(name), scope: "s", from: day, through: day.advanced(byDays: 9), evidence: "e")
        ])
        for (offset, isAttested) in [(-1, false), (0, true), (9, true), (10, false)] {
            #expect(register.isAttested(path(name), on: day.advanced(byDays: offset)) == isAttested)
            let isTold = register.findings(on: day.advanced(byDays: offset)).contains { $0.contains("`\(name)`") }
            #expect(isTold == (offset == 10))
        }
        #expect(!register.isAttested(path("other"), on: day))
    }

    /// S1.1c, S1.1e: an attestation about some systems or regions is good for those, and where nobody says which it is for none.
    @Test func attestationsHaveTheirScope() {
        let day = CivilDay(daysSince1970: 19_675)
        func registers(_ systems: Set<String>?, _ regions: Set<Region>?) -> PrivacyRegisters {
            PrivacyRegisters(
                group: CorporateGroup(own: "own"), standard: AgreementSet.none,
                attestations: .init([
                    Attestation(
                        path("pci"), scope: "s", from: day, through: day.advanced(byDays: 1000), evidence: "e",
                        systems: systems, regions: regions)
                ]))
        }
        let card = Ask(.retain, ["payment.card"], for: "billing.payment").after((.given, about(nil, ["payment"])))
        func isAllowed(_ ask: Ask, _ registers: PrivacyRegisters) -> Bool { decide(ask, registers).isAllowed }
        let inVault = card.living("us").with { $0.system = "vault" }
        let elsewhere = card.living("us").with { $0.system = "wiki" }
        for ask in [card, inVault, elsewhere] { #expect(isAllowed(ask, registers(nil, nil))) }
        let vault = registers(["vault"], nil)
        #expect(isAllowed(inVault, vault) && !isAllowed(elsewhere, vault) && !isAllowed(card, vault))
        #expect(decide(card, vault).missing.contains(path("attested.pci")))
        let there = registers(nil, [region("au")])
        #expect(isAllowed(inVault.going("au"), there) && isAllowed(inVault.going("au-act"), there))
        #expect(!isAllowed(inVault.going("us"), there) && !isAllowed(inVault, there))
        #expect(!isAllowed(inVault.with { $0.destinations = [region("au"), region("us")] }, there))
        let both = registers(["vault"], [region("au")])
        #expect(isAllowed(inVault.going("au"), both) && !isAllowed(elsewhere.going("au"), both))
    }

    /// P15.1, P15.2: nobody succeeds without a transaction that has begun, and nobody who is not bound is given anything.
    @Test func successorsAreOnFile() {
        let ask = Ask(.share, ["contact.email"], for: "transaction.succession", to: Recipient(.acquirer, "buyer"))
        func registers(_ succession: Succession?) -> PrivacyRegisters {
            var registers = PrivacyRegisters(group: CorporateGroup(own: "own"), standard: AgreementSet.none)
            registers.successions["buyer"] = succession
            return registers
        }
        let stated = ask.facts("recipient.isSuccessor", "recipient.isBound")
        #expect(!decide(stated, registers(nil)).isAllowed)
        for kind in Succession.Kind.allCases {
            func succession(_ reference: String, _ seconds: Int64, _ bound: Set<String>) -> PrivacyRegisters {
                registers(
                    Succession(kind, reference: reference, effective: now.advanced(by: .seconds(seconds)), bound: bound)
                )
            }
            #expect(decide(ask, succession("deed 7", 0, ["2016-03-07"])).isAllowed)
            #expect(!decide(stated, succession("deed 7", 0, [])).isAllowed)
            #expect(!decide(stated, succession("deed 7", 1, ["2016-03-07"])).isAllowed)
            #expect(!decide(stated, succession("", 0, ["2016-03-07"])).isAllowed)
            #expect(!decide(stated, succession("deed 7", 0, ["another"])).isAllowed)
            // Without the version in force nobody knows.
            let unknown = succession("deed 7", 0, ["2016-03-07"]).completing(stated.request, of: company, at: now)
            #expect(unknown.facts[path("recipient.isBound")] == .unknown)
            let other = stated.with { $0.recipient = Recipient(.acquirer, "other") }
            #expect(!decide(other, succession("deed 7", 0, ["2016-03-07"])).isAllowed)
            let partner = stated.with { $0.recipient = Recipient(.partner, "buyer") }
            #expect(!decide(partner, succession("deed 7", 0, ["2016-03-07"])).isAllowed)
        }
    }

    /// P2i.1, P2i.2: a case with papers, or a belief with its author, and each for its own purpose.
    @Test func authoritiesAreToldOnGrounds() {
        var registers = PrivacyRegisters(group: CorporateGroup(own: "own"))
        func ask(_ aim: String) -> Ask { Ask(.share, ["contact.email"], for: aim, to: Recipient(.authority, "case 1")) }
        #expect(!decide(ask("legal.process").facts("legalProcess.onFile"), registers).isAllowed)
        registers.grounds["case 1"] = .process(reference: "")
        #expect(!decide(ask("legal.process"), registers).isAllowed)
        registers.grounds["case 1"] = .process(reference: "subpoena 12")
        #expect(
            decide(ask("legal.process"), registers).isAllowed
                && !decide(ask("legal.protection.fraud"), registers).isAllowed)
        for belief in LegalGround.Belief.allCases {
            registers.grounds["case 1"] = .belief(belief, author: .host("legal"))
            for other in LegalGround.Belief.allCases {
                #expect(decide(ask("legal.protection.\(other.rawValue)"), registers).isAllowed == (belief == other))
            }
            #expect(!decide(ask("legal.process"), registers).isAllowed)
        }
    }
}

@Suite struct AgreementTests {
    private let now = Timestamp(seconds: 1_700_000_000)
    private let later = Timestamp(seconds: 1_800_000_000)
    private let key = path("liability.security")

    private func document(
        _ name: String, _ kind: AgreementDocument.Kind, ends: Timestamp? = nil, says text: String? = nil,
        _ incorporates: Set<String> = [],
        residency: Set<Region>? = nil, mechanisms: [AgreementDocument.TransferMechanism] = []
    ) -> AgreementDocument {
        AgreementDocument(
            name, kind, effective: Timestamp(seconds: 0), ends: ends, terms: text.map { [key: $0] } ?? [:],
            incorporates: incorporates,
            residency: residency, mechanisms: mechanisms)
    }

    /// S2.1, S2.8, S2.9: the master agreement and what it incorporates say the last word, the summary never.
    @Test func theStrongerSaysIt() throws {
        let set = try AgreementSet([
            document("summary", .helpCenterSummary, says: "summary"),
            document("policy", .privacyPolicy, says: "policy", ["terms"]),
            document("terms", .terms, says: "terms"),
            document("msa", .masterAgreement, says: "msa", ["services", "dpa"]),
            document("services", .servicesPrivacyPolicy, says: "services", ["annex"]),
            document("dpa", .dataProcessing, says: "dpa"),
            document("annex", .terms, says: "annex"), document("loose", .dataProcessing, says: "loose"),
        ])
        let term = try #require(set.term(key, at: now))
        #expect(term.text == "msa" && term.path == ["msa"])
        #expect(term.overridden.map(\.text) == ["dpa", "services", "policy", "annex", "terms", "summary"])
        #expect(set.inForce(at: now).first { $0.document.name == "annex" }?.path == ["msa", "services", "annex"])
        // A document that nothing in force incorporates says nothing.
        #expect(!set.inForce(at: now).contains { $0.document.name == "loose" })
        #expect(set.term(path("definition.none"), at: now) == nil)
        #expect(set.inForce(at: Timestamp(seconds: -1)).isEmpty)
    }

    /// Whatever pairs of documents say the same thing, the stronger kind wins, in whatever order they are named.
    @Test func precedenceOfEveryPair() throws {
        for left in AgreementDocument.Kind.allCases {
            for right in AgreementDocument.Kind.allCases where left < right {
                let root = document("root", .law, ["l", "r"])
                for documents in [
                    [root, document("l", left, says: "l"), document("r", right, says: "r")],
                    [document("r", right, says: "r"), document("l", left, says: "l"), root],
                ] {
                    let term = try #require(try AgreementSet(documents).term(key, at: now))
                    #expect(term.text == "l" && term.overridden.map(\.text) == ["r"])
                }
            }
        }
    }

    /// P0.3: what the policy does not define the terms do.
    @Test func theTermsDefineTheRest() throws {
        let definition = path("definition.recipe")
        let terms = AgreementDocument(
            "terms", .terms, effective: Timestamp(seconds: 0), terms: [definition: "a list of steps"])
        let set = try AgreementSet([document("policy", .privacyPolicy, ["terms"]), terms])
        #expect(
            set.term(definition, at: now)?.text == "a list of steps"
                && set.term(definition, at: now)?.path == ["policy", "terms"])
        #expect(throws: AgreementSet.Defect.cycle(["policy", "terms"])) {
            try AgreementSet([document("policy", .privacyPolicy, ["terms"]), document("terms", .terms, ["policy"])])
        }
        #expect(throws: AgreementSet.Defect.cycle(["a"])) { try AgreementSet([document("a", .terms, ["a"])]) }
        #expect(throws: AgreementSet.Defect.missing("b")) { try AgreementSet([document("a", .terms, ["b"])]) }
        #expect(throws: AgreementSet.Defect.nameTwice("a")) {
            try AgreementSet([document("a", .terms), document("a", .law)])
        }
        let read = try JSONDecoder().decode(AgreementSet.self, from: JSONEncoder().encode(set))
        #expect(read == set)
        // Documents that are no set.
        for documents in [
            [document("a", .terms, ["b"])], [document("a", .terms, ["a"])],
            [document("a", .terms), document("a", .law)],
        ] {
            let written = try JSONEncoder().encode(documents)
            #expect(try JSONDecoder().decode([AgreementDocument].self, from: written) == documents)
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(AgreementSet.self, from: written) }
        }
    }

    /// A document is read as people write it, and nothing in it is passed over.
    @Test func documentsAreReadStrictly() throws {
        let good =
            #"{"name":"msa","kind":"masterAgreement","effective":"2026-01-01T00:00:00.000000Z","terms":{"liability.security":"capped"},"incorporates":[],"residency":["us"],"mechanisms":[]}"#
        let read = try JSONDecoder().decode(AgreementDocument.self, from: Data(good.utf8))
        #expect(read.terms == [key: "capped"] && read.residency == [region("us")] && read.kind == .masterAgreement)
        #expect(try JSONDecoder().decode(AgreementDocument.self, from: JSONEncoder().encode(read)) == read)
        for (part, broken) in [
            ("residency", "residence"), ("liability.security", "liability security"), ("masterAgreement", "msa"),
        ] {
            let text = good.replacingOccurrences(of: part, with: broken)
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(AgreementDocument.self, from: Data(text.utf8))
            }
        }
        let evidence = #"{"channel":"form","representsAuthority":false}"#
        #expect(
            try JSONDecoder().decode(ChoiceEvent.Evidence.self, from: Data(evidence.utf8)).representsAuthority == false)
        let misspelt = evidence.replacingOccurrences(of: "represents", with: "represent")
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(ChoiceEvent.Evidence.self, from: Data(misspelt.utf8))
        }
    }

    /// A chain of documents is gone through once, however long it is.
    @Test func aLongChainHolds() throws {
        let names = (0..<5000).map { "d\($0)" }
        let documents = names.indices.map { index in
            document(
                names[index], index == 0 ? .masterAgreement : .terms, says: index == names.count - 1 ? "last" : nil,
                index + 1 < names.count ? [names[index + 1]] : [])
        }
        let term = try #require(try AgreementSet(documents.shuffled()).term(key, at: now))
        #expect(term.text == "last" && term.path == names)
    }

    /// Of two documents of one kind the later one says it, from the first instant there is to the last.
    @Test func theLaterOfOneKindSaysIt() throws {
        func law(_ name: String, _ effective: Timestamp) -> AgreementDocument {
            AgreementDocument(name, .law, effective: effective, terms: [key: name])
        }
        let set = try AgreementSet([law("old", Timestamp(microseconds: .min)), law("new", Timestamp(seconds: 0))])
        #expect(set.term(key, at: now)?.text == "new" && set.term(key, at: Timestamp(seconds: -1))?.text == "old")
        #expect(set.term(key, at: Timestamp(microseconds: .max))?.overridden.map(\.text) == ["old"])
    }

    /// S2.3, S2.9: what only a summary or a policy incorporates is no agreement, and no stronger than they are.
    @Test func aSummaryAgreesToNothing() throws {
        let clauses = AgreementDocument.TransferMechanism(.standardClauses, to: [region("us")])
        let policy = try ReferencePolicies.privacy2016.compile()
        let out = Ask(.transfer, ["contact.email"], for: "service.operate").living("de").going("us")
        for root in [AgreementDocument.Kind.helpCenterSummary, .privacyPolicy] {
            let documents = [
                document("root", root, ["dpa", "baa"]), document("dpa", .dataProcessing, mechanisms: [clauses]),
                document("baa", .businessAssociate),
            ]
            let registers = PrivacyRegisters(group: CorporateGroup(own: "own"), standard: try AgreementSet(documents))
            let request = registers.completing(out.request, of: nil, at: now)
            #expect(policy.decide(request).clauses == [clause("S2.3")])
            #expect(request.facts[path("agreement.businessAssociate")] == .no)
            // With an agreement that incorporates it, too, it counts.
            let agreed = PrivacyRegisters(
                group: CorporateGroup(own: "own"),
                standard: try AgreementSet(
                    documents + [document("msa", .masterAgreement, ["x"]), document("x", .terms, ["dpa"])]))
            #expect(policy.decide(agreed.completing(out.request, of: nil, at: now)).isAllowed)
        }
        let set = try AgreementSet([
            document("summary", .helpCenterSummary, ["services"]),
            document("services", .servicesPrivacyPolicy, says: "services"),
            document("policy", .privacyPolicy, says: "policy"),
        ])
        #expect(set.term(key, at: now)?.text == "policy")
    }

    /// A limit that was agreed does not end in freedom; a mechanism is for whom it is made.
    @Test func whatEndsIsNotOpen() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let company = Identifier<Company>(high: 5, low: 5)
        func decide(_ ask: Ask, _ documents: [AgreementDocument], at instant: Timestamp) throws -> UseDecision {
            let registers = PrivacyRegisters(
                group: CorporateGroup(own: "own"), agreements: [company: try AgreementSet(documents)])
            return policy.decide(registers.completing(ask.request, of: company, at: instant))
        }
        let away = Ask(.transfer, ["contact.email"], for: "service.operate").living("us").going("ca")
        let limit = document("msa", .masterAgreement, ends: later, residency: [region("us")])
        for instant in [later.advanced(by: .microseconds(-1)), later, Timestamp(seconds: -5)] {
            #expect(try decide(away, [limit], at: instant).clauses == [clause("P7.1")])
        }
        #expect(try decide(away, [document("msa", .masterAgreement)], at: now).isAllowed)
        let addendum = AgreementDocument.TransferMechanism(.ukAddendum, to: [region("us")])
        let documents = [
            document("msa", .masterAgreement, ["dpa"]), document("dpa", .dataProcessing, mechanisms: [addendum]),
        ]
        let out = Ask(.transfer, ["contact.email"], for: "service.operate").going("us")
        #expect(
            try decide(out.living("gb"), documents, at: now).isAllowed
                && decide(out.living("gb-eng"), documents, at: now).isAllowed)
        #expect(try decide(out.living("de"), documents, at: now).clauses == [clause("S2.3")])
        #expect(try decide(out.living("gb").going("us-ca"), documents, at: now).isAllowed)
    }

    /// Data that is held for one customer is not judged by what another one agreed to.
    @Test func theCustomerIsTheOneItIsHeldFor() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let other = Identifier<Company>(high: 6, low: 6)
        let health = Ask(.use, ["health.record"], for: "service.execute", from: .thirdParty, asProcessor: true)
        let documents = [document("msa", .masterAgreement, ["baa"]), document("baa", .businessAssociate)]
        func decide(_ owner: Identifier<Company>, of customer: Identifier<Company>?) throws -> UseDecision {
            let registers = PrivacyRegisters(
                group: CorporateGroup(own: "own"), agreements: [owner: try AgreementSet(documents)])
            return policy.decide(registers.completing(health.request, of: customer, at: now))
        }
        #expect(try decide(Ask.company, of: Ask.company).isAllowed && decide(Ask.company, of: nil).isAllowed)
        #expect(try decide(other, of: other).missing.contains(path("agreement.businessAssociate")))
        #expect(
            try decide(other, of: nil).clauses == [clause("S1.1d")]
                && decide(Ask.company, of: other).clauses == [clause("S1.1d")])
    }

    /// P7.1, S2.3, S1.1d: what an agreement limits and what it opens, while it is in force and incorporated.
    @Test func agreementsDecideTransfers() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let company = Identifier<Company>(high: 5, low: 5)
        func decide(_ ask: Ask, _ documents: [AgreementDocument], at instant: Timestamp? = nil) throws -> UseDecision {
            let registers = PrivacyRegisters(
                group: CorporateGroup(own: "own"), agreements: [company: try AgreementSet(documents)])
            let owner: Identifier<Company>
            if case .processor(let customer) = ask.request.role { owner = customer } else { owner = company }
            let theirs = PrivacyRegisters(group: registers.group, agreements: [owner: try AgreementSet(documents)])
            return policy.decide(theirs.completing(ask.request, of: owner, at: instant ?? now))
        }
        let away = Ask(.transfer, ["contact.email"], for: "service.operate").living("us").going("ca")
        #expect(try decide(away, []).isAllowed)
        let home = [document("msa", .masterAgreement, residency: [region("us")])]
        #expect(try decide(away.facts("agreement.allowsDestination"), home).clauses == [clause("P7.1")])
        #expect(try decide(away.going("us"), home).isAllowed)
        #expect(try decide(away.going(nil), home).missing.contains(path("agreement.allowsDestination")))
        // Of two limits both hold.
        let both = [
            document("msa", .masterAgreement, ["dpa"], residency: [region("us"), region("ca")]),
            document("dpa", .dataProcessing, residency: [region("us")]),
        ]
        #expect(try !decide(away, both).isAllowed)

        let out = Ask(.transfer, ["contact.email"], for: "service.operate").living("de").going("us")
        let clauses = AgreementDocument.TransferMechanism(.standardClauses, to: [region("us")])
        func dpa(_ ends: Timestamp? = nil, _ mechanisms: [AgreementDocument.TransferMechanism]) -> AgreementDocument {
            document("dpa", .dataProcessing, ends: ends, mechanisms: mechanisms)
        }
        let msa = document("msa", .masterAgreement, ["dpa"])
        #expect(try decide(out, [msa, dpa(nil, [clauses])]).isAllowed)
        for refused in [
            [], [document("msa", .masterAgreement), dpa(nil, [clauses])], [msa, dpa(now, [clauses])],
            [msa, dpa(nil, [])],
            [msa, dpa(nil, [.init(.adequacy, to: [region("ca")])])],
        ] {
            #expect(
                try decide(out.facts("agreement.hasProcessingTerms", "transfer.hasMechanism"), refused).clauses == [
                    clause("S2.3")
                ])
        }
        #expect(try decide(out, [msa, dpa(later, [clauses])], at: later).clauses == [clause("S2.3")])

        let health = Ask(.use, ["health.record"], for: "service.execute", from: .thirdParty, asProcessor: true)
        let associate = document("baa", .businessAssociate, ends: later)
        #expect(try decide(health, [document("msa", .masterAgreement, ["baa"]), associate]).isAllowed)
        for (documents, instant) in [
            ([], now), ([associate], now), ([document("msa", .masterAgreement, ["baa"]), associate], later),
        ] {
            #expect(
                try decide(health.facts("agreement.businessAssociate"), documents, at: instant).clauses == [
                    clause("S1.1d")
                ])
        }
    }
}
