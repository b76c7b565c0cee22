// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveModel
import ReevePrivacy
import Testing

/// Words of other vocabularies, records of consent, and the agreements that come with Reeve.
@Suite struct ReferenceDataTests {
    // MARK: Other vocabularies

    /// Every word of the reference taxonomy has one elsewhere, in the shape of the words there.
    @Test func everyWordHasOneElsewhere() throws {
        let fideslang = try Regex(
            #"(user|system|essential|functional|marketing|analytics|personalize|operations|third_party_sharing)(\.[a-z_]+)*"#
        )
        let dpv = try Regex(#"(pd|dpv):[A-Z][A-Za-z]+"#)
        for category in Taxonomy.reference.categories {
            let term = try #require(Taxonomy.foreignTerm(for: category), "\(category)")
            #expect(try term.fideslang.map { try fideslang.wholeMatch(in: $0) != nil } == true, "\(category)")
            #expect(try term.dpv.map { try dpv.wholeMatch(in: $0) != nil } ?? true, "\(category)")
            #expect(Taxonomy.categories(called: try #require(term.fideslang)).contains(category))
        }
        for purpose in Taxonomy.reference.purposes {
            let term = try #require(Taxonomy.foreignTerm(for: purpose), "\(purpose)")
            #expect(try term.fideslang.map { try fideslang.wholeMatch(in: $0) != nil } == true, "\(purpose)")
            #expect(try term.dpv.map { try dpv.wholeMatch(in: $0) != nil } == true, "\(purpose)")
            #expect(Taxonomy.purposes(called: try #require(term.dpv)).contains(purpose))
        }
    }

    @Test func aWordOfAHostsOwnHasTheOneAboveIt() {
        #expect(Taxonomy.foreignTerm(for: category("contact.email.work"))?.fideslang == "user.contact.email")
        #expect(Taxonomy.foreignTerm(for: category("contact")) == nil && Taxonomy.foreignTerm(for: purpose("x")) == nil)
        #expect(Taxonomy.categories(called: "pd:EmailAddress") == [category("contact.email")])
        #expect(
            Taxonomy.purposes(called: "dpv:DirectMarketing") == [
                purpose("marketing.email"), purpose("marketing.materials"),
            ])
        #expect(Taxonomy.categories(called: "user.contact").isEmpty && Taxonomy.purposes(called: "").isEmpty)
    }

    // MARK: Records of consent

    private let scope = ChoiceScope(
        [.use, .share], of: [category("contact.email"), category("own.shoeSize")], for: [purpose("marketing.email")])

    private func notice(valid days: Int? = 365) -> ConsentNotice {
        ConsentNotice(
            at: "https://reeve.example/notice", language: "en",
            controller: .init("us", name: "Us", address: "1 Road", contact: "privacy@us.example"),
            recipients: [.init("p", name: "P", address: "2 Road", contact: "p@p.example")],
            storageLocations: [region("us"), region("de")], jurisdiction: region("us"), retention: "2 years",
            withdrawal: "https://reeve.example/withdraw", validDays: days)
    }

    private func event(
        _ act: ChoiceEvent.Act, _ second: Int64, _ scope: ChoiceScope? = nil,
        by subject: Identifier<DataSubject>? = nil,
        _ channel: ChoiceEvent.Evidence.Channel = .form
    ) -> ChoiceEvent {
        ChoiceEvent(
            act, scope ?? self.scope, by: subject ?? Ask.subject, at: Timestamp(seconds: second), under: "v",
            evidence: .init(channel))
    }

    @Test func aRecordIsAsTheSpecificationHasIt() throws {
        let other = Identifier<DataSubject>(high: 9, low: 9)
        let events = [
            event(.given, 0), event(.optedIn, 1), event(.given, 2, ChoiceScope()), event(.withdrawn, 3, by: other),
            event(.expired, 4, nil, .holder),
        ]
        let record = try #require(ConsentRecord("c-7", of: events, about: scope, under: notice()))
        #expect(record.events.map(\.act) == [.given, .expired] && record.subject == Ask.subject)
        #expect(
            try record.json(receipt: "r-1") == """
                {"events":[{"entity_id":"\(Ask.subject)","event_state":"given","event_time":"1970-01-01T00:00:00.000000Z",\
                "event_type":"explicit","validity_duration":"P365D"},{"entity_id":"us","event_state":"expired",\
                "event_time":"1970-01-01T00:00:04.000000Z","event_type":"explicit","validity_duration":"P365D"}],\
                "header":{"pii_principal_id":"\(Ask.subject)","receipt_id":"r-1","record_id":"c-7",\
                "schema_version":"ISO/IEC TS 27560:2023"},\
                "parties":[{"party_address":"1 Road","party_contact":"privacy@us.example","party_id":"us",\
                "party_name":"Us","party_type":"controller"},{"party_address":"2 Road","party_contact":"p@p.example",\
                "party_id":"p","party_name":"P","party_type":"recipient"}],\
                "processing":{"language":"en","privacy_notice":"https://reeve.example/notice",\
                "purposes":[{"jurisdiction":"us","lawful_basis":"consent","pii_controllers":["us"],\
                "pii_information":[{"pii_attribute_id":"contact.email","pii_type":"pd:EmailAddress"},\
                {"pii_attribute_id":"own.shoeSize","pii_type":"own.shoeSize"}],"processing_method":["share","use"],\
                "purpose":"marketing.email","purpose_type":"dpv:DirectMarketing","recipient_third_parties":["p"],\
                "retention_period":"2 years","storage_locations":["de","us"],\
                "withdrawal_method":"https://reeve.example/withdraw"}]}}
                """)
        let open = try #require(ConsentRecord("c", of: events, about: scope, under: notice(valid: nil)))
        #expect(try open.json().contains(#""validity_duration":"until withdrawn""#))
        #expect(try !open.json().contains("receipt_id"))
        for days in [0, -1, .min] {
            #expect(ConsentRecord("c", of: events, about: scope, under: notice(valid: days)) == nil)
        }
        var dumped = ""
        dump(record, to: &dumped)
        #expect(!dumped.contains(Ask.subject.description) && !"\(record)".contains(Ask.subject.description))
    }

    /// Whatever ends a part of a consent is in its record: it never says that consent stands which does not.
    @Test func whatEndsConsentIsInItsRecord() throws {
        let narrow = ChoiceScope([.use], of: [category("contact")], for: [purpose("marketing")])
        let apart = ChoiceScope([.collect], of: [category("contact")])
        for (act, ending) in [
            (ChoiceEvent.Act.withdrawn, ChoiceScope()), (.withdrawn, narrow), (.optedOut, scope), (.objected, narrow),
            (.expired, ChoiceScope(of: [category("own")])), (.invalidated, ChoiceScope()),
        ] {
            let record = try #require(
                ConsentRecord("c", of: [event(.given, 0), event(act, 1, ending)], about: scope, under: notice()))
            #expect(record.events.map(\.act) == [.given, act])
            #expect(try !record.json().contains(#""event_state":"given","event_time":"1970-01-01T00:00:01"#))
        }
        let other = try #require(
            ConsentRecord("c", of: [event(.given, 0), event(.withdrawn, 1, apart)], about: scope, under: notice()))
        #expect(other.events.count == 1)
        // A record says for whom; what is for a very thing, or for somebody the notice has not, has none.
        var named = scope
        named.named = ["p"]
        let record = try #require(
            ConsentRecord("c", of: [event(.given, 0, named)], about: named, under: notice()))
        #expect(try record.json().contains(#""recipient_third_parties":["p"]"#))
        named.named = ["q"]
        #expect(ConsentRecord("c", of: [event(.given, 0, named)], about: named, under: notice()) == nil)
        var item = scope
        item.items = ["t1"]
        #expect(ConsentRecord("c", of: [event(.given, 0, item)], about: item, under: notice()) == nil)
    }

    /// What is about no consent has no record, nor has what does not say to what.
    @Test func whatIsNoConsentHasNoRecord() {
        #expect(ConsentRecord("c", of: [], about: scope, under: notice()) == nil)
        for act in [ChoiceEvent.Act.optedOut, .optedIn, .objected] {
            #expect(ConsentRecord("c", of: [event(act, 0)], about: scope, under: notice()) == nil)
        }
        let purposes: Set<Purpose> = [purpose("marketing.email")]
        for general in [ChoiceScope(), ChoiceScope(nil, for: purposes), ChoiceScope(nil, of: [], for: purposes)] {
            #expect(
                ConsentRecord("c", of: [event(.given, 0, general)], about: general, under: notice()) == nil)
        }
    }

    // MARK: Agreements

    /// Each term that the sources promise resolves, to the strongest document that says it, with its clause (P2a.11, P2h.3, P6.4, S2.1 to S2.10).
    @Test func everyTermResolves() throws {
        let start = Timestamp(seconds: 100)
        let set = ReferenceAgreements.usageAllocation(effective: start)
        #expect(try AgreementSet(set.documents) == set)
        let keys = Set(set.documents.flatMap(\.terms.keys))
        #expect(keys == Set(ReferenceAgreements.clauses.keys) && keys.count == 23)
        #expect(Set(ReferenceAgreements.clauses.values).count == 23)
        for key in keys {
            let term = try #require(set.term(key, at: start), "\(key)")
            let saying = set.inForce(at: start).filter { $0.document.terms[key] != nil }
            #expect(term.text == saying.first?.document.terms[key] && term.path.last == saying.first?.document.name)
            #expect(term.overridden.map(\.document) == saying.dropFirst().map(\.document.name))
            #expect(set.term(key, at: Timestamp(seconds: 99)) == nil)
        }
        // S2.9: the summary has the last word about nothing, and says something to several.
        let summary = try #require(set.documents.first { $0.kind == .helpCenterSummary })
        #expect(summary.terms.count >= 5)
        for key in summary.terms.keys {
            let term = try #require(set.term(key, at: start))
            #expect(term.path != ["help center summary"] && term.overridden.last?.document == "help center summary")
        }
        // S2.8: over two hops.
        #expect(set.term(path("services.use"), at: start)?.path == ["master agreement", "services privacy policy"])
        #expect(set.term(path("credential.encryption"), at: start)?.path == ["privacy policy", "terms"])
        for (clause, key) in [
            ("P2a.11", "security.reasonable"), ("P2h.3", "security.thirdParty"), ("P6.4", "security.transmission"),
        ] { #expect(ReferenceAgreements.clauses[path(key)]?.description == clause) }
    }

    /// S2.3: with a mechanism that is agreed personal data may leave, without none may.
    @Test func whatIsLeftOpenIsTheHosts() throws {
        let start = Timestamp(seconds: 100)
        let policy = try ReferencePolicies.privacy2016.compile()
        let ask = Ask(.transfer, ["contact.email"], for: "service.operate").living("de").going("us")
        func isAllowed(_ agreements: AgreementSet) -> Bool {
            let registers = PrivacyRegisters(group: CorporateGroup(own: "us"), standard: agreements)
            return policy.decide(registers.completing(ask.request, of: nil, at: start)).isAllowed
        }
        #expect(!isAllowed(ReferenceAgreements.usageAllocation(effective: start)))
        let clauses = AgreementDocument.TransferMechanism(.standardClauses, to: [region("us")])
        #expect(isAllowed(ReferenceAgreements.usageAllocation(effective: start, mechanisms: [clauses])))
        #expect(
            !isAllowed(
                ReferenceAgreements.usageAllocation(
                    effective: start, mechanisms: [clauses], residency: [region("de")])))
    }

    /// S2.10: what lies where the agreement does not let it, or where nobody knows, is told.
    @Test func whatIsMisplacedIsTold() throws {
        let start = Timestamp(seconds: 100)
        let (bound, over, free) = (
            Identifier<Company>(high: 1, low: 1), Identifier<Company>(high: 1, low: 2),
            Identifier<Company>(high: 1, low: 3)
        )
        let ended = try AgreementSet([
            AgreementDocument(
                "old", .masterAgreement, effective: Timestamp(seconds: 0), ends: start, residency: [region("eu")])
        ])
        let registers = PrivacyRegisters(
            group: CorporateGroup(own: "us"),
            agreements: [
                bound: ReferenceAgreements.usageAllocation(effective: start, residency: [region("de")]), over: ended,
            ],
            standard: AgreementSet.none, locations: ["frankfurt": region("de"), "virginia": region("us")])
        var number: UInt64 = 0
        func stored(_ location: String, _ customer: Identifier<Company>?) -> StoredRecord {
            number += 1
            // Held for a customer, or on the holder's own account about one.
            return number.isMultiple(of: 2)
                ? StoredRecord(
                    Identifier(high: 0, low: number), at: location,
                    as: customer.map { .processor(for: $0) } ?? .controller)
                : StoredRecord(Identifier(high: 0, low: number), at: location, as: .controller, of: customer)
        }
        let fine = [stored("frankfurt", bound), stored("virginia", free), stored("frankfurt", nil)]
        let bad = [
            stored("virginia", bound), stored("nowhere", bound), stored("nowhere", nil), stored("frankfurt", over),
        ]
        #expect(registers.misplaced(fine + bad, at: start) == bad)
        // Before it was over it said where.
        #expect(registers.misplaced([stored("frankfurt", over)], at: Timestamp(seconds: 50)).count == 1)
    }

    /// S1.2: a report of who looks for weaknesses has an address, and opens a breach whose clocks run from when it was known.
    @Test func aReportOpensABreach() {
        let contacts = ContactDirectory(
            privacy: "privacy@us.example", help: "help@us.example", postal: "1 Road",
            vulnerability: "https://bounty.example/us")
        #expect(contacts.vulnerability == "https://bounty.example/us")
        let breach = Breach(.bounty, position: .controller, aware: Timestamp(seconds: 0))
        #expect(breach.source == .bounty && breach.obligations.map(\.party) == [.authority, .subjects])
        #expect(breach.obligations[0].due == Timestamp(seconds: 72 * 3600))
    }

    // MARK: Where the policy ends

    /// P3.1: who follows a link to somebody else is told so; whatever parsers disagree about leads to somebody else.
    @Test func whoLeavesIsTold() {
        let boundary = SiteBoundary(["Reeve.example", "docs.other.example"])
        for own in [
            "", "/pricing", "pricing?next=https://evil.example", "#top", "https://reeve.example",
            "HTTPS://Reeve.Example/a",
            "http://app.reeve.example:8080/x", "//reeve.example/x", "https://reeve.example./",
            "https://docs.other.example",
            "https://evil.example@reeve.example/", "https://reeve.example?u=@evil.example", "/a:b",
        ] { #expect(boundary.duties(following: own).isEmpty, "\(own)") }
        for other in [
            "https://evil.example", "https://reeve.example.evil.example", "https://evilreeve.example", "//evil.example",
            "///evil.example", "https://reeve.example@evil.example", "https://other.example", "javascript:alert(1)",
            "https:evil.example", "https:/evil.example", "mailto:a@reeve.example", "/\\evil.example",
            "https://reeve.example\\@evil",
            "\t//evil.example", "https://ｒeeve.example", "https://", "ftp://reeve.example", "https://reeve.example:x",
            "https://[::1]/", " https://evil.example",
            "https://evil.example:443.reeve.example/", "https://evil.example:.reeve.example",
            "https://%2f.reeve.example",
            "https://|.reeve.example", "https://[::1].reeve.example", "https://a_b.reeve.example",
        ] { #expect(boundary.duties(following: other) == [.noticeLeaving], "\(other)") }
        // A host without a name is nobody's.
        let open = SiteBoundary(["", ".", "..", ".example", "example."])
        #expect(open.hosts.isEmpty)
        for other in ["///evil.example", "https://", "https://evil.example..", "https://evil.example"] {
            #expect(open.duties(following: other) == [.noticeLeaving], "\(other)")
        }
    }

    /// P4.1: a label becomes public by a publication that is allowed, and joined with what is not public it is not.
    @Test func whatIsPublishedIsPublic() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let ask = Ask(.publish, ["content.user"], for: "service.content", to: .everyone)
        #expect(policy.decide(ask.request).publishedLabel == nil)
        let decision = policy.decide(ask.facts("content.isPublic").request)
        let label = try #require(decision.publishedLabel)
        #expect(label.isPublic && !ask.request.data.isPublic && decision.remedies.isEmpty)
        #expect(label.joined(with: label).isPublic && !label.joined(with: ask.request.data).isPublic)
        #expect(label.raised(by: [[category("content.user")]]).isPublic)
        let own = policy.decide(Ask(.use, ["content.user"], for: "service.content").request)
        #expect(own.isAllowed && own.publishedLabel == nil)
    }

    /// P5.1: what may not be published any more is taken down.
    @Test func whatMayNotBePublishedIsTakenDown() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let scope = about([.publish], ["testimonial.name"], items: ["t1@2"])
        let ask = Ask(.publish, ["testimonial.name"], for: "marketing.materials", to: .everyone).with {
            $0.item = "t1@2"
        }
        #expect(policy.decide(ask.after((.given, scope)).request).remedies.isEmpty)
        let withdrawn = policy.decide(ask.after((.given, scope), (.withdrawn, scope)).request)
        #expect(!withdrawn.isAllowed && withdrawn.remedies == [.unpublish] && withdrawn.duties.isEmpty)
        #expect(policy.decide(Ask(.use, ["payment.card"], for: "billing.payment").request).remedies.isEmpty)
        let external = ask.with { $0.data = .personal([category("testimonial.name")], from: [.external]) }
        #expect(policy.decide(external.request).remedies.isEmpty)
    }

    // MARK: Promises

    /// S2.7: what is promised is kept or not whatever is attested; an attestation that has ended is named.
    @Test func promisesAreVerifiedByAttestations() throws {
        let day = try #require(CivilDay(year: 2026, month: 6, day: 1))
        let now = day.startInUTC
        let standards: Set<Path> = [path("soc2"), path("iso27701"), path("hipaa")]
        func attested(_ names: [String], through: Int) -> AttestationRegister {
            AttestationRegister(
                names.map {
                    Attestation(
                        path($0), scope: "s", from: day.advanced(byDays: -100), through: day.advanced(byDays: through),
                        evidence: "e")
                })
        }
        let measures = MeasureRegister([
            SecurityMeasure(path("encryption.atRest"), .technological, since: day.advanced(byDays: -9), evidence: "e")
        ])
        func findings(
            _ agreements: AgreementSet?, _ attestations: AttestationRegister,
            _ required: Set<Path> = [path("encryption")]
        ) -> [ComplianceFinding.Promise: ComplianceFinding.Status] {
            let registers = PrivacyRegisters(
                group: CorporateGroup(own: "us"), standard: agreements, attestations: attestations)
            let all = registers.compliance(
                with: nil, measures: measures, required: required, verifiedBy: standards, at: now)
            return Dictionary(all.map { ($0.promise, $0.status) }) { first, _ in first }
        }
        let agreements = ReferenceAgreements.usageAllocation(effective: Timestamp(seconds: 0))
        let good = findings(agreements, attested(["soc2", "iso27701", "hipaa"], through: 0))
        #expect(good.count == 4 && good.values.allSatisfy { $0 == .verified })
        let old = findings(agreements, attested(["soc2", "iso27701"], through: -1))
        #expect(old.values.allSatisfy { $0 == .warning([path("hipaa"), path("iso27701"), path("soc2")]) })
        let one = findings(agreements, attested(["soc2", "hipaa"], through: 0), [path("guards")])
        #expect(one[.measures] == .notKept && one[.breachNotice] == .warning([path("iso27701")]))
        // What a summary says promises nothing.
        let summary = try AgreementSet([
            AgreementDocument(
                "s", .helpCenterSummary, effective: Timestamp(seconds: 0),
                terms: [path("breach.notice"): "Breaches may be told.", path("subprocessor.list"): "There is a list."])
        ])
        // An attestation of a part verifies no promise.
        let partly = AttestationRegister(
            attested(["soc2", "iso27701", "hipaa"], through: 0).attestations.map {
                Attestation(
                    $0.standard, scope: "s", from: $0.from, through: $0.through, evidence: "e", systems: ["sandbox"])
            })
        #expect(
            findings(agreements, partly).values.allSatisfy {
                $0 == .warning([path("hipaa"), path("iso27701"), path("soc2")])
            })
        for none in [nil, AgreementSet.none, summary] {
            let found = findings(none, attested(["soc2", "iso27701", "hipaa"], through: 0))
            #expect(found[.measures] == .verified)
            for promise in [ComplianceFinding.Promise.processingTerms, .breachNotice, .subprocessorList] {
                #expect(found[promise] == .notKept)
            }
        }
    }

    /// P16.1: whoever is refused is told where to turn, and nothing about anybody.
    @Test func refusalsSayWhereToTurn() throws {
        let contacts = ContactDirectory(privacy: "privacy@us.example", help: "help@us.example", postal: "1 Road")
        let policy = try ReferencePolicies.privacy2016.compile()
        let ask = PrivacyStage.newsletter.after((.optedOut, PrivacyStage.marketing))
        let notice = contacts.notice(of: policy.decide(ask.request))
        #expect(
            notice
                == "This is not done: forbidden by P2a.5, P8.4. Questions: privacy@us.example, or by post: 1 Road")
        #expect(contacts.notice(of: policy.decide(PrivacyStage.newsletter.request)).hasPrefix("This is done: allowed"))
    }

    // MARK: Parents

    /// P12.3: a parent's permission changes nothing, unless the policy takes it; then it is good for that child, and a message for what stays inside.
    @Test func aParentPermitsWhereThePolicyTakesIt() throws {
        let plain = try ReferencePolicies.privacy2016.compile()
        let taking = try ReferencePolicies.privacy2016.allowingParentalPermission().compile()
        #expect(taking.version.name == "2016-03-07+parental")
        let child = Ask(.collect, ["identity.name"], for: "service.operate").with {
            $0.subject.birth = CivilDay(year: 2020, month: 1, day: 1)
        }
        func permitted(
            _ method: ParentalPermission.Method, for subject: Identifier<DataSubject> = Ask.subject
        ) -> Ask {
            child.with {
                $0.subject.parentalPermission = ParentalPermission(
                    for: subject, by: method, at: Timestamp(seconds: 0), reference: "f-1")
            }
        }
        #expect(!taking.decide(child.request).isAllowed)
        #expect(!taking.decide(child.facts("subject.parentPermits").request).isAllowed)
        for method in ParentalPermission.Method.allCases {
            #expect(!plain.decide(permitted(method).request).isAllowed)
            #expect(taking.decide(permitted(method).request).isAllowed)
            #expect(!taking.decide(permitted(method, for: Identifier(high: 9, low: 9)).request).isAllowed)
            #expect(!taking.decide(permitted(method).with { $0.subject.id = nil }.request).isAllowed)
        }
        // Of a grown-up it changes nothing.
        let grown = child.with { $0.subject.birth = CivilDay(year: 1990, month: 1, day: 1) }
        #expect(taking.decide(grown.request).isAllowed && plain.decide(grown.request).isAllowed)
        // No other word lifts anything: one without evidence, one that is yet to come, one for what is done besides collecting.
        func worded(_ reference: String, at instant: Timestamp) -> Ask {
            child.with {
                $0.subject.parentalPermission = ParentalPermission(
                    for: Ask.subject, by: .signedForm, at: instant, reference: reference)
            }
        }
        #expect(taking.decide(worded("f-1", at: child.request.day.startInUTC).request).isAllowed)
        for bad in [
            worded("", at: Timestamp(seconds: 0)), worded("f-1", at: Timestamp(microseconds: .max)),
            worded("f-1", at: child.request.day.advanced(byDays: 2).startInUTC),
        ] { #expect(!taking.decide(bad.request).isAllowed) }
        var strict = ReferencePolicies.privacy2016
        strict.rules.append(
            UseRule(
                .forbid, path("child.use"), UseScope([.use]), when: .known(path("subject.under13")),
                clauses: [clause("P12.1")]))
        let use = permitted(.signedForm).with { $0.operation = .use }
        #expect(try !strict.allowingParentalPermission().compile().decide(use.request).isAllowed)
        // What a message permits stays inside.
        var version = ReferencePolicies.privacy2016
        version.rules.append(
            UseRule(
                .permit, path("collect.together"),
                UseScope([.collect], of: [category("identity")], for: [purpose("service")], to: [.partner]),
                clauses: [clause("P2a.1")]))
        let together = try version.allowingParentalPermission().compile()
        for method in [ParentalPermission.Method.messagePlus, .signedForm] {
            let ask = permitted(method).with { $0.recipient = Recipient(.partner, "p") }
            #expect(together.decide(ask.request).isAllowed == (method == .signedForm))
        }
        let permission = ParentalPermission(
            for: Ask.subject, by: .call, at: Timestamp(seconds: 0), reference: "f-1")
        #expect(!"\(permission)".contains(Ask.subject.description))
    }
}
