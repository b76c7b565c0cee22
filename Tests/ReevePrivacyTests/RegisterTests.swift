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
        policy.decide(registers.completing(ask.request, of: company, at: instant ?? now))
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
            try list.announce("host", task: "x", in: [], effective: effective, at: now)
        }
        var registers = PrivacyRegisters(group: CorporateGroup(own: "own"), providers: list)
        let ask = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, "host"))
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
        try list.end("host", at: end)
        #expect(throws: SubprocessorList.Refusal.notListed) { try list.end("host", at: end) }
        #expect(list.isListed("host", at: end.advanced(by: .microseconds(-1))) && !list.isListed("host", at: end))
        let changes = list.changes(from: now, to: end)
        #expect(changes.added.map(\.name) == ["host"] && changes.removed.map(\.name) == ["host"])
        #expect(list.changes(from: effective, to: before).added.isEmpty)
        // It can come back, announced anew.
        try list.announce("host", task: "hosting", in: [], effective: end.advanced(by: .seconds(31 * 86_400)), at: end)
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
        let registers = PrivacyRegisters(group: CorporateGroup(own: "own"), attestations: register)
        let card = Ask(.retain, ["payment.card"], for: "billing.payment").after((.given, about(nil, ["payment"])))
        #expect(decide(card, registers, at: first.startInUTC).isAllowed)
        #expect(
            decide(card.facts("attested.pci"), registers, at: last.advanced(byDays: 1).startInUTC).clauses == [
                clause("S1.1c")
            ])
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
        let broken = Data(
            #"[{"name":"a","kind":6,"effective":"1970-01-01T00:00:00Z","terms":{},"incorporates":["b"],"mechanisms":[]}]"#
                .utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(AgreementSet.self, from: broken) }
    }

    /// P7.1, S2.3, S1.1d: what an agreement limits and what it opens, while it is in force and incorporated.
    @Test func agreementsDecideTransfers() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let company = Identifier<Company>(high: 5, low: 5)
        func decide(_ ask: Ask, _ documents: [AgreementDocument], at instant: Timestamp? = nil) throws -> UseDecision {
            let registers = PrivacyRegisters(
                group: CorporateGroup(own: "own"), agreements: [company: try AgreementSet(documents)])
            return policy.decide(registers.completing(ask.request, of: company, at: instant ?? now))
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
