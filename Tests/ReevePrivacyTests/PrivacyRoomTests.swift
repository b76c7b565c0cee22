// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

/// A room with the reference policy, and one subject.
struct PrivacyStage: Sendable {
    let trust: TestTrust
    let subject = Ask.subject

    init(over store: any Store = TestStore(), keys: AuditKeys? = nil) async throws {
        trust = try await TestTrust(
            over: store,
            configuration: .init(policy: ReferencePolicies.privacy2016),
            keys: keys)
        let registers = try registers()
        try await update { $0.registers = registers }
    }

    func update(_ change: (inout PrivacySettings) -> Void) async throws {
        try await trust.layer.privacy.update(as: trust.context(), change)
    }

    func schedule(_ version: PolicyVersion, in seconds: Int64 = 10) async throws {
        var policies = privacy.settings.policies
        try policies.schedule(
            version, document: version.digest(), terms: "t",
            effective: trust.time.now.advanced(by: .seconds(seconds)), at: trust.time.now)
        let next = policies
        try await update { $0.policies = next }
    }

    /// Another process over the same store.
    func process(clock: (any TimeSource)? = nil) async throws -> Privacy {
        let authority = try await AccessAuthority.soleOperator(
            trust.principal, reason: "x", store: trust.store, time: clock ?? trust.time)
        return Privacy(privacy.settings, authority: authority, control: trust.keys.control)
    }

    var privacy: Privacy { trust.layer.privacy }

    /// A provider that is on the list, and a company of the group.
    private func registers() throws -> PrivacyRegisters {
        var group = CorporateGroup(own: "us")
        group.add("us", controls: "sister")
        var providers = SubprocessorList(notice: .seconds(0))
        try providers.announce(
            "hosting", task: "runs it", in: [region("us")], effective: trust.time.now, at: trust.time.now)
        return PrivacyRegisters(group: group, providers: providers, standard: AgreementSet.none)
    }

    func event(
        _ act: ChoiceEvent.Act, _ scope: ChoiceScope, by subject: Identifier<DataSubject>? = nil,
        at instant: Timestamp? = nil, _ channel: ChoiceEvent.Evidence.Channel = .settings, reference: String? = nil
    ) -> ChoiceEvent {
        ChoiceEvent(
            act, scope, by: subject ?? self.subject, at: instant ?? trust.time.now, under: "2016-03-07",
            evidence: .init(channel, reference: reference))
    }

    func choose(_ act: ChoiceEvent.Act, _ scope: ChoiceScope) async throws {
        try await privacy.choose(event(act, scope), as: trust.context())
    }

    func clearance(_ ask: Ask) async throws -> Clearance {
        try await privacy.clearance(for: ask.request, as: trust.context())
    }

    func receipt(_ duty: Duty, towards subject: Identifier<DataSubject>? = nil, reference: String = "n-1")
        -> DutyReceipt
    {
        DutyReceipt(duty, towards: subject, at: trust.time.now, reference: reference)
    }

    /// Sent to the provider by an address that is good.
    var sent: DutyReceipt { receipt(.encryptedInTransit, reference: "https://hosting.example/in") }

    static let marketing = about(UseOperation.contact, for: ["marketing"])
    static let newsletter = Ask(.contactByEmail, ["contact.email"], for: "marketing.email")
    static let hosting = Ask(
        .share, ["contact.email", "contact.phone"], for: "service.operate", to: Recipient(.serviceProvider, "hosting")
    ).living("ca")
    static let sister = Ask(
        .share, ["contact.email"], for: "marketing.materials", to: Recipient(.affiliate, "sister"))
}

/// The room's error that a body throws.
func privacyError(_ body: () async throws -> Void) async -> PrivacyError? {
    do {
        try await body()
        return nil
    } catch let error as PrivacyError {
        return error
    } catch let error as UseFailure<Never> {
        if case .privacy(let error) = error { return error }
    } catch let error as UseFailure<any Error> {
        if case .privacy(let error) = error { return error }
    } catch {
    }
    Issue.record("another error")
    return nil
}

/// That a body throws an error of the room with a code.
func expectPrivacy(
    _ code: PrivacyError.Code, _ location: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async {
    let error = await privacyError(body)
    #expect(error?.code == code, sourceLocation: location)
}

/// For an act that must not be done.
func itWasDone() { Issue.record("it was done") }

@Suite struct PrivacyRoomTests {
    @Test func anOptOutCountsFromThenOn() async throws {
        let stage = try await PrivacyStage()
        let clearance = try await stage.clearance(PrivacyStage.newsletter)
        let digest = try ReferencePolicies.privacy2016.digest()
        #expect(clearance.duties.isEmpty && clearance.policy == digest)
        let sent = Mutex(0)
        let start = stage.trust.store.commits.count
        try await stage.privacy.perform(clearance) { request in
            #expect(request.operation == .contactByEmail)
            sent.withLock { $0 += 1 }
        }
        let entry = try #require(try stage.trust.store.auditEntries(from: start).last)
        #expect(entry.action == "privacy.use" && entry.decision == clearance.decision)
        #expect(entry.policy == clearance.policy && entry.resource == stage.subject.description)
        #expect(entry.details["version"] == "2016-03-07" && entry.details["disclosure"] == nil)
        // The clearance is still good by its time, and not by what the subject chose.
        try await stage.choose(.optedOut, PrivacyStage.marketing)
        await expectPrivacy(.notAllowed) {
            try await stage.privacy.perform(clearance) { _ in sent.withLock { $0 += 1 } }
        }
        let refused = try #require(try stage.trust.store.auditEntries(from: start).last)
        #expect(refused.outcome == .refused && refused.refusal == "notAllowed")
        #expect(refused.details["clauses"] == "P2a.5,P8.4" && refused.details["reason"] == "forbidden")
        await expectPrivacy(.notAllowed) { _ = try await stage.clearance(PrivacyStage.newsletter) }
        #expect(sent.withLock { $0 } == 1)
        // Another process knows it as well.
        let other = try await stage.process()
        #expect(try await !other.decision(on: PrivacyStage.newsletter.request).isAllowed)
        stage.trust.time.advance(by: .seconds(1))
        try await stage.choose(.optedIn, PrivacyStage.marketing)
        #expect(try await other.decision(on: PrivacyStage.newsletter.request).isAllowed)
        #expect(try await other.choices(of: stage.subject).map(\.act) == [.optedOut, .optedIn])
    }

    /// What a caller says of choices, of the day and of what is on file counts for nothing.
    @Test func whatIsKeptCounts() async throws {
        let stage = try await PrivacyStage()
        try await stage.choose(.optedOut, PrivacyStage.marketing)
        #expect(try await !stage.privacy.decision(on: PrivacyStage.newsletter.request).isAllowed)
        let card = Ask(.use, ["payment.card"], for: "billing.payment").after((.given, about(nil, ["payment"])))
        #expect(try await !stage.privacy.decision(on: card.request).isAllowed)
        try await stage.choose(.given, about(nil, ["payment"]))
        #expect(try await stage.privacy.decision(on: card.request).isAllowed)
        let unlisted = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, "other"))
            .facts("recipient.isListed", no: ["recipient.isObjectedTo"])
        #expect(try await stage.privacy.decision(on: unlisted.request).clauses == [clause("S2.6")])
        // Whom nobody knows may have opted out.
        let unknown = PrivacyStage.newsletter.with { $0.subject.id = nil }
        #expect(try await !stage.privacy.decision(on: unknown.request).isAllowed)
    }

    /// Clause P12.1: nobody comes of age before it is that day wherever they may live.
    @Test func aBirthdayBeginsLastInTheWest() async throws {
        let stage = try await PrivacyStage()
        let today = stage.trust.time.now.day.components
        let born = CivilDay(year: today.year - 13, month: today.month, day: today.day)
        let child = Ask(.collect, ["identity.name"], for: "service.operate").with {
            $0.subject.birth = born
            $0.day = CivilDay(daysSince1970: 30_000)
        }
        // Midnight in UTC.
        let second = stage.trust.time.now.microseconds / 1_000_000 % 86_400
        stage.trust.time.advance(by: .seconds(86_400 - second))
        let birthday = stage.trust.time.now.day.components
        let turning = child.with {
            $0.subject.birth = CivilDay(year: birthday.year - 13, month: birthday.month, day: birthday.day)
        }
        #expect(try await !stage.privacy.decision(on: turning.request).isAllowed)
        stage.trust.time.advance(by: .seconds(12 * 3600))
        #expect(try await stage.privacy.decision(on: turning.request).isAllowed)
    }

    @Test func dutiesAreDoneFirst() async throws {
        let stage = try await PrivacyStage()
        let clearance = try await stage.clearance(PrivacyStage.hosting)
        #expect(clearance.duties == [.encryptedInTransit])
        let done = Mutex(0)
        func perform(_ receipts: [DutyReceipt]) async throws {
            try await stage.privacy.perform(clearance, having: receipts) { _ in done.withLock { $0 += 1 } }
        }
        // P6.2: what is not sent encrypted is not sent.
        let late = DutyReceipt(
            .encryptedInTransit, at: stage.trust.time.now.advanced(by: .seconds(1)),
            reference: "https://hosting.example/")
        for receipts in [
            [], [stage.receipt(.encryptedInTransit, reference: "http://hosting.example/in")],
            [stage.receipt(.encryptedInTransit, reference: "hosting")], [stage.receipt(.encryptedAtRest)], [late],
            [stage.receipt(.encryptedInTransit, reference: "https://h.example/" + String(repeating: "x", count: 200))],
        ] {
            await expectPrivacy(.dutyNotDone) { try await perform(receipts) }
        }
        #expect(done.withLock { $0 } == 0)
        #expect(try await stage.privacy.disclosures(of: stage.subject).isEmpty)
        try await perform([stage.receipt(.encryptedAtRest), stage.sent])
        #expect(done.withLock { $0 } == 1)
        let error = await privacyError { try await stage.privacy.perform(clearance) { _ in } }
        #expect(error?.duties == [.encryptedInTransit])
        #expect(error.map { "\($0)".contains("encrypted.inTransit") } == true)
    }

    /// A notice counts for whom it was given.
    @Test func noticesAreTowardsTheirSubject() async throws {
        let stage = try await PrivacyStage()
        let publish = Ask(.publish, ["content.user"], for: "service.content", to: .everyone, from: .provided)
            .facts("content.isPublic")
        let clearance = try await stage.clearance(publish)
        #expect(clearance.duties == [.warnPublic])
        let other = Identifier<DataSubject>(high: 9, low: 9)
        for receipts in [
            [stage.receipt(.warnPublic)], [stage.receipt(.warnPublic, towards: other)],
            [stage.receipt(.warnPublic, towards: stage.subject, reference: "")],
        ] {
            await expectPrivacy(.dutyNotDone) {
                try await stage.privacy.perform(clearance, having: receipts) { _ in }
            }
        }
        try await stage.privacy.perform(clearance, having: [stage.receipt(.warnPublic, towards: stage.subject)]) { _ in
        }
    }

    @Test func clearancesAreForTheirRoomAndTime() async throws {
        let stage = try await PrivacyStage()
        let other = try await PrivacyStage()
        let foreign = try await other.clearance(PrivacyStage.newsletter)
        await expectPrivacy(.staleClearance) {
            try await stage.privacy.perform(foreign) { _ in itWasDone() }
        }
        let clearance = try await stage.clearance(PrivacyStage.newsletter)
        stage.trust.time.advance(by: Privacy.clearanceLifetime)
        await expectPrivacy(.staleClearance) {
            try await stage.privacy.perform(clearance) { _ in itWasDone() }
        }
        // The wall clock set back makes none good again.
        stage.trust.time.setWallClock(to: stage.trust.time.now.advanced(by: .seconds(-3600)))
        await expectPrivacy(.staleClearance) {
            try await stage.privacy.perform(clearance) { _ in itWasDone() }
        }
    }

    /// An act's own error comes through, and what was written down stays.
    @Test func whatMayHaveArrivedStaysWrittenDown() async throws {
        struct Lost: Error {}
        let stage = try await PrivacyStage()
        let clearance = try await stage.clearance(PrivacyStage.hosting)
        do {
            try await stage.privacy.perform(clearance, having: [stage.sent]) { _ throws(Lost) in throw Lost() }
            Issue.record("the error is gone")
        } catch UseFailure<Lost>.act {
        }
        #expect(try await stage.privacy.disclosures(of: stage.subject).count == 1)
    }

    /// P13.1, P2i.1: who was given data, and which; a report of a year has each once, and nothing about groups.
    @Test func disclosuresAreWrittenDown() async throws {
        let stage = try await PrivacyStage()
        func perform(_ ask: Ask, as subject: Identifier<DataSubject>) async throws -> Clearance {
            let clearance = try await stage.clearance(ask.with { $0.subject.id = subject })
            try await stage.privacy.perform(clearance, having: [stage.sent]) { _ in }
            stage.trust.time.advance(by: .microseconds(1))
            return clearance
        }
        let other = Identifier<DataSubject>(high: 9, low: 9)
        let first = try await perform(PrivacyStage.hosting, as: stage.subject)
        _ = try await perform(PrivacyStage.sister, as: stage.subject)
        _ = try await perform(PrivacyStage.sister, as: other)
        _ = try await perform(PrivacyStage.newsletter, as: stage.subject)
        let found = try await stage.privacy.disclosures(of: stage.subject)
        #expect(found.map(\.recipient.name) == ["hosting", "sister"] && found[0].decision == first.decision)
        #expect(found[0].categories == [category("contact.email"), category("contact.phone")])
        // Where the provider works.
        #expect(found[0].destinations == [region("us")] && found[0].policy == "2016-03-07")
        #expect(try await stage.privacy.disclosures(of: other).count == 1)
        #expect(try await stage.privacy.disclosures(of: stage.subject, towards: .processor(for: Ask.company)).isEmpty)

        let year = stage.trust.time.now.day.components.year
        let all = try await stage.privacy.sharing(in: year)
        #expect(all.rows.count == 3 && all.recipients.map(\.name) == ["sister", "hosting"])
        let marketing = try await stage.privacy.sharing(in: year, for: purpose("marketing"))
        #expect(marketing.rows.map(\.category) == [category("contact.email")] && marketing.recipients.count == 1)
        #expect(try await stage.privacy.sharing(in: year - 1).rows.isEmpty)
        // The next year has its own.
        stage.trust.time.advance(by: .seconds(366 * 86_400))
        _ = try await perform(PrivacyStage.sister, as: other)
        #expect(try await stage.privacy.sharing(in: year + 1).rows.count == 1)

        let promise = stage.receipt(.noReidentification, reference: "contract 7")
        let figures = Ask(
            .share, ["usage"], for: "analytics.traffic", to: Recipient(.partner, "p"), from: .observed, .aggregate)
        if let clearance = try? await stage.clearance(figures) {
            try await stage.privacy.perform(clearance, having: [promise]) { _ in }
        } else {
            Issue.record("usage data is not shared")
        }
        #expect(try await stage.privacy.sharing(in: year + 1).rows.count == 1)
    }

    @Test func nobodysDataGoesNowhere() async throws {
        let stage = try await PrivacyStage()
        let court = Ask(.share, ["log.pages"], for: "legal.process", to: Recipient(.authority, "court")).with {
            $0.subject.id = nil
        }
        try await stage.update { $0.registers.grounds["court"] = .process(reference: "7") }
        let clearance = try await stage.clearance(court)
        await expectPrivacy(.unknownSubject) {
            try await stage.privacy.perform(clearance) { _ in itWasDone() }
        }
    }

    // MARK: Choices

    /// P8.5: an opt-out of vendors needs what the subject was shown of it.
    @Test func anOptOutOfVendorsNeedsItsPreview() async throws {
        let stage = try await PrivacyStage()
        let vendors = ChoiceScope([.share], to: [.serviceProvider])
        let features = [Feature("recipes", required: [PrivacyStage.hosting.request])]
        await expectPrivacy(.needsPreview) { try await stage.choose(.optedOut, vendors) }
        let preview = try await stage.privacy.impact(of: .optedOut, vendors, by: stage.subject, on: features)
        #expect(preview.features(.unavailable) == ["recipes"] && preview.subject == stage.subject)
        let context = stage.trust.context()
        await expectPrivacy(.otherPreview) {
            try await stage.privacy.choose(stage.event(.objected, vendors), shown: preview, as: context)
        }
        // Somebody else's.
        let other = Identifier<DataSubject>(high: 9, low: 9)
        await expectPrivacy(.otherPreview) {
            try await stage.privacy.choose(
                stage.event(.optedOut, vendors, by: other), shown: preview, as: context)
        }
        try await stage.privacy.choose(stage.event(.optedOut, vendors), shown: preview, as: context)
        #expect(try await stage.privacy.choices(of: stage.subject).map(\.preview) == [preview.id])
        await expectPrivacy(.notAllowed) { _ = try await stage.clearance(PrivacyStage.hosting) }
        // What a feature does for a customer is not what the subject chose about.
        let held = PrivacyStage.newsletter.with { $0.role = .processor(for: Ask.company) }
        let letters = [
            Feature("own", required: [PrivacyStage.newsletter.request]), Feature("held", required: [held.request]),
        ]
        let letter = try await stage.privacy.impact(
            of: .optedOut, PrivacyStage.marketing, by: stage.subject, on: letters)
        #expect(letter.features(.unavailable) == ["own"] && letter.features(.unaffected) == ["held"])
    }

    /// P8.4: a link is taken once, however often it is sent.
    @Test func aLinkIsTakenOnce() async throws {
        let stage = try await PrivacyStage()
        let tokens = UnsubscribeTokens(key: try HMACKey(SecretBytes(copying: Array(repeating: 7, count: 32))))
        let now = stage.trust.time.now
        let token = try tokens.token(
            for: stage.subject, purpose: purpose("marketing"), expires: now.advanced(by: .seconds(60)))
        let event = try tokens.event(from: token, at: now, under: "2016-03-07")
        try await stage.privacy.choose(event, as: stage.trust.context())
        await expectPrivacy(.linkUsed) { try await stage.privacy.choose(event, as: stage.trust.context()) }
        await expectPrivacy(.notAllowed) { _ = try await stage.clearance(PrivacyStage.newsletter) }
    }

    @Test func nobodyChoosesAhead() async throws {
        let stage = try await PrivacyStage()
        let later = stage.trust.time.now.advanced(by: .microseconds(1))
        await expectPrivacy(.choiceInFuture) {
            try await stage.privacy.choose(
                stage.event(.given, about(nil, ["payment"]), at: later), as: stage.trust.context())
        }
        #expect(try await stage.privacy.choices(of: stage.subject).isEmpty)
    }

    /// What is chosen towards a customer says nothing towards the holder, nor towards another customer.
    @Test func choicesAreTowardsSomebody() async throws {
        let stage = try await PrivacyStage()
        let customer = DataRole.processor(for: Ask.company)
        try await stage.privacy.choose(
            stage.event(.optedOut, PrivacyStage.marketing), towards: customer, as: stage.trust.context())
        #expect(try await stage.privacy.decision(on: PrivacyStage.newsletter.request).isAllowed)
        #expect(try await stage.privacy.choices(of: stage.subject).isEmpty)
        #expect(try await stage.privacy.choices(of: stage.subject, towards: customer).count == 1)
        let held = PrivacyStage.newsletter.with { $0.role = customer }
        #expect(try await stage.privacy.decision(on: held.request).clauses == [clause("P2a.5"), clause("P8.4")])
    }

    /// Any number of choices, also at the same time: none is lost, and each has its place.
    @Test func choicesOfOneSubjectAreNeverLost() async throws {
        let stage = try await PrivacyStage(over: YieldingStore(TestStore()))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    let event = stage.event(
                        number.isMultiple(of: 2) ? .optedOut : .optedIn, PrivacyStage.marketing,
                        reference: String(number))
                    do {
                        try await stage.privacy.choose(event, as: stage.trust.context())
                    } catch {
                        Issue.record("a choice was lost: \(error)")
                    }
                }
            }
        }
        let events = try await stage.privacy.choices(of: stage.subject)
        #expect(Set(events.compactMap(\.evidence.reference)).count == 40)
        for _ in 0..<120 { try await stage.choose(.optedOut, PrivacyStage.marketing) }
        #expect(try await stage.privacy.choices(of: stage.subject).count == 160)
    }

    // MARK: Policies

    @Test func withoutAPolicyNothingIsAllowed() async throws {
        let trust = try await TestTrust(over: TestStore())
        await expectPrivacy(.noPolicy) {
            _ = try await trust.layer.privacy.clearance(for: PrivacyStage.newsletter.request, as: trust.context())
        }
        var bad = ReferencePolicies.privacy2016
        bad.rules.append(bad.rules[0])
        #expect(TrustLayer.Configuration(policy: bad).validate().count == 1)
    }

    /// A version counts from its instant on, without anybody doing anything, for clearances that were made before as well.
    @Test func aVersionBeginsAtItsInstant() async throws {
        let stage = try await PrivacyStage()
        var next = ReferencePolicies.privacy2016
        next.name = "2017"
        next.rules.removeAll { $0.name == path("registration.marketing") }
        try await stage.schedule(next)
        let clearance = try await stage.clearance(PrivacyStage.newsletter)
        stage.trust.time.advance(by: .seconds(10))
        await expectPrivacy(.notAllowed) {
            try await stage.privacy.perform(clearance) { _ in itWasDone() }
        }
    }

    /// P14.6: what a new version allows is not allowed for who agreed to the one before, until they use the service under it.
    @Test func nobodyIsHeldToWhatTheyDidNotAgreeTo() async throws {
        let stage = try await PrivacyStage()
        let (privacy, context, time) = (stage.privacy, stage.trust.context(), stage.trust.time)
        var next = ReferencePolicies.privacy2016
        next.name = "2017"
        let wider = UseScope(
            [.use], of: [category("content.message")], for: [purpose("marketing.materials")], to: [.own])
        next.rules.append(
            UseRule(.permit, path("research.messages"), wider, duties: [.caution], clauses: [clause("P2a.1")]))
        try await stage.schedule(next)
        let first = try await privacy.noteUse(by: stage.subject, as: context)
        #expect(first?.policy == "2016-03-07" && first?.kind == .continuedUse)
        #expect(try await privacy.noteUse(by: stage.subject, as: context) == nil)
        time.advance(by: .seconds(10))

        let research = Ask(.use, ["content.message"], for: "marketing.materials")
        let other = research.with { $0.subject.id = Identifier(high: 9, low: 9) }
        let held = try await privacy.decision(on: research.request)
        #expect(!held.isAllowed && held.policy.version.name == "2016-03-07")
        // Nor is who answered none, and whom nobody knows.
        #expect(try await !privacy.decision(on: other.request).isAllowed)
        let unknown = research.with { $0.subject.id = nil }
        #expect(try await !privacy.decision(on: unknown.request).isAllowed)
        await expectPrivacy(.notAllowed) { _ = try await stage.clearance(research) }
        // What both allow goes on, with what either asks for.
        #expect(try await privacy.decision(on: PrivacyStage.newsletter.request).isAllowed)
        let start = stage.trust.store.commits.count
        #expect(try await privacy.noteUse(by: stage.subject, as: context)?.policy == "2017")
        #expect(try stage.trust.store.auditEntries(from: start).map(\.details["version"]) == ["2017"])
        #expect(try await stage.clearance(research).duties == [.caution])
        #expect(try await privacy.acceptances(of: stage.subject).map(\.policy) == ["2016-03-07", "2017"])
        #expect(try await privacy.choices(of: stage.subject).isEmpty)
    }

    /// What the version that a subject agreed to asks for is asked for as long as they agreed to no other.
    @Test func dutiesOfBothVersionsAreAskedFor() async throws {
        let stage = try await PrivacyStage()
        let (privacy, time) = (stage.privacy, stage.trust.time)
        var next = ReferencePolicies.privacy2016
        next.name = "2017"
        for index in next.rules.indices { next.rules[index].duties.remove(.warnPublic) }
        try await stage.schedule(next)
        let publish = Ask(.publish, ["content.user"], for: "service.content", to: .everyone).facts("content.isPublic")
        try await privacy.noteUse(by: stage.subject, as: stage.trust.context())
        time.advance(by: .seconds(10))
        #expect(try await stage.clearance(publish).duties == [.warnPublic])
        try await privacy.noteUse(by: stage.subject, as: stage.trust.context())
        #expect(try await stage.clearance(publish).duties.isEmpty)
    }

    /// P14.5: of who declined the version in force nothing more is collected; a court still gets what it asks for.
    @Test func whoDeclinesIsNotCollectedFrom() async throws {
        let stage = try await PrivacyStage()
        let context = stage.trust.context()
        await expectPrivacy(.unknownVersion) {
            try await stage.privacy.note(.declined, to: "1999", by: stage.subject, as: context)
        }
        let visit = Ask(.collect, ["contact.email"], for: "service.operate", about: .visitor)
        #expect(try await stage.privacy.decision(on: visit.request).isAllowed)
        try await stage.privacy.note(.declined, to: "2016-03-07", by: stage.subject, as: context)
        let decision = try await stage.privacy.decision(on: visit.request)
        #expect(decision.reason == .declined && "\(decision)".contains("declined"))
        #expect(decision.remedies == [.discontinue] && decision.duties.isEmpty)
        // Neither is who goes on using the service.
        #expect(try await stage.privacy.noteUse(by: stage.subject, as: context) == nil)
        try await stage.update { $0.registers.grounds["court"] = .process(reference: "7") }
        let court = Ask(.share, ["contact.email"], for: "legal.process", to: Recipient(.authority, "court"))
        #expect(try await stage.privacy.decision(on: court.request).isAllowed)
        stage.trust.time.advance(by: .seconds(1))
        try await stage.privacy.note(.accepted, to: "2016-03-07", by: stage.subject, as: context)
        #expect(try await stage.privacy.decision(on: visit.request).isAllowed)
        // What the holder does for a customer is not what the subject answered about.
        try await stage.privacy.note(.declined, to: "2016-03-07", by: stage.subject, as: context)
        let held = visit.with { $0.role = .processor(for: Ask.company) }
        #expect(try await stage.privacy.decision(on: held.request).reason != .declined)
    }

    @Test func aDigestIsOfWhatAVersionSays() throws {
        let version = ReferencePolicies.privacy2016
        let digest = try version.digest()
        var mixed = version
        mixed.rules.reverse()
        mixed.quasiIdentifiers.reverse()
        #expect(try mixed.digest() == digest)
        let changes: [(inout PolicyVersion) -> Void] = [
            { $0.name = "x" }, { $0.rules.removeLast() }, { $0.rules[0].effect = .forbid },
            { $0.rules[0].duties.insert(.caution) }, { $0.rules[0].clauses = [] },
            { $0.rules[0].when = .constant(.no) },
            { $0.rules[0].scope.categories = nil }, { $0.rules[0].scope.purposes = nil },
            { $0.rules[0].scope.operations = nil }, { $0.rules[0].scope.recipients = nil },
            { $0.rules[0].scope.origins = [] }, { $0.rules[0].scope.relationships = [] },
            { $0.rules[0].scope.roles = [] }, { $0.rules[0].scope.identifiability = .aggregate },
            { $0.taxonomy.categories.removeFirst() }, { $0.taxonomy.purposes.removeFirst() },
            { $0.quasiIdentifiers.removeFirst() }, { $0.regions["x"] = [] }, { $0.knownRegions = [region("zz")] },
        ]
        var digests: Set<Digest> = [digest]
        for (number, change) in changes.enumerated() {
            var other = version
            change(&other)
            #expect(digests.insert(try other.digest()).inserted, "change \(number)")
        }
    }

    // MARK: What shows

    @Test func nothingOfASubjectShows() async throws {
        let stage = try await PrivacyStage()
        let clearance = try await stage.clearance(PrivacyStage.hosting)
        var texts = ["\(clearance)", "\(stage.sent)", "\(stage.receipt(.warnPublic, towards: stage.subject))"]
        for value in [clearance, stage.receipt(.warnPublic, towards: stage.subject)] as [Any] {
            var text = ""
            dump(value, to: &text)
            texts.append(text)
        }
        try await stage.choose(.optedOut, PrivacyStage.marketing)
        do {
            _ = try await stage.clearance(PrivacyStage.newsletter)
            Issue.record("it was cleared")
        } catch {
            var text = "\(error) "
            dump(error, to: &text)
            texts.append(text)
        }
        for text in texts { #expect(!text.contains(stage.subject.description) && !text.contains("hosting")) }
    }
}
