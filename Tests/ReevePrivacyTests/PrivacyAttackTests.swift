// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

/// Ways around what a room keeps: clocks that differ, answers that are left out, several places at once, long and odd texts.
@Suite struct PrivacyAttackTests {
    /// A policy that allows one use more than the reference.
    private func wider(_ name: String = "2017") -> PolicyVersion {
        var next = ReferencePolicies.privacy2016
        next.name = name
        next.rules.append(
            UseRule(
                .permit, path("more"),
                UseScope([.use], of: [category("content.message")], for: [purpose("marketing.materials")], to: [.own]),
                clauses: [clause("P2a.1")]))
        return next
    }
    private let research = Ask(.use, ["content.message"], for: "marketing.materials")

    // MARK: Answers

    /// To decline opens nothing, whatever was answered before: what only a new version allows takes an acceptance of it.
    @Test func toDeclineOpensNothing() async throws {
        for answers in [
            [("2016-03-07", Response.Kind.accepted), ("2016-03-07", .declined)], [("2017", .declined)],
            [("2016-03-07", .declined)], [("2017", .accepted), ("2017", .declined)], [],
        ] {
            let stage = try await PrivacyStage()
            try await stage.schedule(wider())
            stage.trust.time.advance(by: .seconds(10))
            for (version, kind) in answers {
                try await stage.privacy.note(kind, to: version, by: stage.subject, as: stage.trust.context())
            }
            #expect(try await !stage.privacy.decision(on: research.request).isAllowed, "\(answers)")
            try await stage.privacy.note(.accepted, to: "2017", by: stage.subject, as: stage.trust.context())
            #expect(try await stage.privacy.decision(on: research.request).isAllowed, "\(answers)")
            // The same answer again is nothing new.
            let again = try await stage.privacy.note(
                .accepted, to: "2017", by: stage.subject, as: stage.trust.context())
            #expect(again == nil)
        }
    }

    /// Who agreed to a version that this process does not know agreed to nothing that it knows.
    @Test func anUnknownVersionThatWasAgreedToAllowsNothing() async throws {
        let stage = try await PrivacyStage()
        try await stage.privacy.noteUse(by: stage.subject, as: stage.trust.context())
        let only = try PolicyHistory(of: wider())
        try await stage.update { $0.policies = only }
        await expectPrivacy(.unknownVersion) { _ = try await stage.clearance(research) }
        await expectPrivacy(.unknownVersion) { _ = try await stage.privacy.decision(on: research.request) }
        try await stage.privacy.noteUse(by: stage.subject, as: stage.trust.context())
        #expect(try await stage.privacy.decision(on: research.request).isAllowed)
    }

    /// Nor does who declined one: it is told, and nothing is collected.
    @Test func anUnknownVersionThatWasDeclinedAllowsNothing() async throws {
        let stage = try await PrivacyStage()
        try await stage.privacy.note(.declined, to: "2016-03-07", by: stage.subject, as: stage.trust.context())
        let only = try PolicyHistory(of: wider())
        try await stage.update { $0.policies = only }
        let visit = Ask(.collect, ["contact.email"], for: "service.operate", about: .visitor)
        for ask in [visit, research] {
            await expectPrivacy(.unknownVersion) { _ = try await stage.privacy.decision(on: ask.request) }
        }
    }

    /// P14.4: to use the service is to agree to the version that is in force then, whatever another clock says.
    @Test func useIsOfTheVersionInForce() async throws {
        let stage = try await PrivacyStage()
        let ahead = try await stage.process(
            clock: ManualTime(now: stage.trust.time.now.advanced(by: .seconds(3600))))
        try await ahead.noteUse(by: stage.subject, as: stage.trust.context())
        try await stage.schedule(wider(), in: 1800)
        stage.trust.time.advance(by: .seconds(60))
        #expect(try await stage.privacy.noteUse(by: stage.subject, as: stage.trust.context()) == nil)
        stage.trust.time.advance(by: .seconds(1800))
        #expect(try await !stage.privacy.decision(on: research.request).isAllowed)
        #expect(try await stage.privacy.noteUse(by: stage.subject, as: stage.trust.context())?.policy == "2017")
        #expect(try await stage.privacy.decision(on: research.request).isAllowed)
    }

    /// P14.5: who is no visitor is known, and so is whether they declined: to leave out the id collects nothing.
    @Test func toLeaveOutTheIDCollectsNothing() async throws {
        let stage = try await PrivacyStage()
        let log = Ask(.collect, ["log.ip"], for: "analytics.usage", from: .observed, .pseudonymous)
        #expect(try await stage.privacy.decision(on: log.request).isAllowed)
        let unknown = log.with { $0.subject.id = nil }
        await expectPrivacy(.unknownSubject) { _ = try await stage.privacy.decision(on: unknown.request) }
        let visitor = unknown.with { $0.subject.relationship = .visitor }
        #expect(try await stage.privacy.decision(on: visitor.request).isAllowed)
    }

    // MARK: Clocks

    /// An opt-out counts for a process whose clock is behind, and for this one when its clock is set back.
    @Test func noClockUndoesAnOptOut() async throws {
        let stage = try await PrivacyStage()
        let behind = ManualTime(now: stage.trust.time.now.advanced(by: .seconds(-3600)))
        let other = try await stage.process(clock: behind)
        let clearance = try await other.clearance(for: PrivacyStage.newsletter.request, as: stage.trust.context())
        try await stage.choose(.optedOut, PrivacyStage.marketing)
        await expectPrivacy(.notAllowed) { try await other.perform(clearance) { _ in itWasDone() } }
        #expect(try await !other.decision(on: PrivacyStage.newsletter.request).isAllowed)
        stage.trust.time.setWallClock(to: stage.trust.time.now.advanced(by: .seconds(-60)))
        #expect(try await !stage.privacy.decision(on: PrivacyStage.newsletter.request).isAllowed)
    }

    /// What was given by a clock ahead is withdrawn by one that is right, at once and for good.
    @Test func aWithdrawalIsAlwaysHeard() async throws {
        let card = Ask(.use, ["payment.card"], for: "billing.payment")
        for skew in [-3600, 3600] as [Int64] {
            let stage = try await PrivacyStage()
            let context = stage.trust.context()
            try await stage.choose(.given, about(nil, ["payment"]))
            let clock = ManualTime(now: stage.trust.time.now.advanced(by: .seconds(skew)))
            let other = try await stage.process(clock: clock)
            // Said to be done later than now, or before it was given.
            for at in [skew, 7200, -7200] as [Int64] {
                let told = stage.event(
                    .withdrawn, about(nil, ["payment"]), at: stage.trust.time.now.advanced(by: .seconds(at)))
                try await other.choose(told, as: context)
                #expect(try await !other.decision(on: card.request).isAllowed)
                #expect(try await !stage.privacy.decision(on: card.request).isAllowed)
            }
            stage.trust.time.advance(by: .seconds(86_400))
            #expect(try await !stage.privacy.decision(on: card.request).isAllowed)
            try await stage.choose(.given, about(nil, ["payment"]))
            #expect(try await stage.privacy.decision(on: card.request).isAllowed)
        }
    }

    /// A withdrawal that is said to be of later counts as of now, and what is given after it counts again.
    @Test func aWithdrawalIsOfNowAtTheLatest() async throws {
        let stage = try await PrivacyStage()
        let later = stage.event(
            .withdrawn, about(nil, ["payment"]), at: stage.trust.time.now.advanced(by: .seconds(7200)))
        try await stage.privacy.choose(later, as: stage.trust.context())
        #expect(try await stage.privacy.choices(of: stage.subject).map(\.at) == [stage.trust.time.now])
        stage.trust.time.advance(by: .seconds(1))
        try await stage.choose(.given, about(nil, ["payment"]))
        let card = Ask(.use, ["payment.card"], for: "billing.payment")
        #expect(try await stage.privacy.decision(on: card.request).isAllowed)
    }

    /// An answer counts for a process whose clock is behind, and the last one is the one that was noted last.
    @Test func noClockUndoesAnAnswer() async throws {
        let stage = try await PrivacyStage()
        let visit = Ask(.collect, ["contact.email"], for: "service.operate", about: .visitor)
        let other = try await stage.process(
            clock: ManualTime(now: stage.trust.time.now.advanced(by: .seconds(-3600))))
        for (room, kind) in [
            (stage.privacy, Response.Kind.declined), (other, .accepted), (stage.privacy, .declined), (other, .accepted),
        ] {
            try await room.note(kind, to: "2016-03-07", by: stage.subject, as: stage.trust.context())
            for reader in [stage.privacy, other] {
                #expect(try await reader.decision(on: visit.request).isAllowed == (kind == .accepted))
            }
        }
        #expect(try await other.noteUse(by: stage.subject, as: stage.trust.context()) == nil)
    }

    // MARK: Places and customers

    /// S2.3: a provider that works in several places may be given data only where it may go to all of them.
    @Test func aProvidersWorstPlaceCounts() async throws {
        let stage = try await PrivacyStage()
        var providers = SubprocessorList(notice: .seconds(0))
        let now = stage.trust.time.now
        for places in [["us"], ["fr", "us"], ["us", "fr"], ["ch", "us"], ["fr"], ["ca", "us"]] {
            try providers.announce(
                places.joined(), task: "x", in: Set(places.map(region)), effective: now, at: now)
        }
        let all = providers
        try await stage.update { $0.registers.providers = all }
        func isAllowed(_ name: String, _ home: String) async throws -> Bool {
            let ask = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, name))
            return try await stage.privacy.decision(on: ask.living(home).request).isAllowed
        }
        for name in ["us", "frus", "usfr", "chus", "caus"] { #expect(try await !isAllowed(name, "de"), "\(name)") }
        #expect(try await isAllowed("fr", "de"))
        for name in ["us", "frus", "caus"] { #expect(try await isAllowed(name, "us"), "\(name)") }
        // So is a mechanism for each of them.
        for (covered, name, allowed) in [(["us"], "caus", false), (["ca", "us"], "caus", true), (["us"], "us", true)] {
            let mechanism = AgreementDocument.TransferMechanism(.standardClauses, to: Set(covered.map(region)))
            let agreements = ReferenceAgreements.usageAllocation(
                effective: Timestamp(seconds: 0), mechanisms: [mechanism])
            try await stage.update { $0.registers.standard = agreements }
            #expect(try await isAllowed(name, "de") == allowed)
        }
        try await stage.update { $0.registers.standard = AgreementSet.none }
        // So does a company of the group, where its places are on file.
        try await stage.update { $0.registers.places["sister"] = [region("us")] }
        let sister = Ask(.share, ["contact.email"], for: "support.help", to: Recipient(.affiliate, "sister"))
        #expect(try await !stage.privacy.decision(on: sister.living("de").request).isAllowed)
        #expect(try await stage.privacy.decision(on: sister.living("us").request).isAllowed)
        // All of them are written down.
        let ask = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, "caus"))
        let clearance = try await stage.clearance(ask.living("br"))
        try await stage.privacy.perform(clearance, having: [stage.sent]) { request in
            #expect(request.destinations == [region("ca"), region("us")])
        }
        #expect(
            try await stage.privacy.disclosures(of: stage.subject).first?.destinations == [region("ca"), region("us")])
    }

    /// A condition on what is known of a place is asked of each: one that is good hides none that is not.
    @Test func noPlaceHidesAnother() throws {
        var version = ReferencePolicies.privacy2016
        version.regions["embargoed"] = [region("xx")]
        version.rules.append(
            UseRule(
                .forbid, path("embargo"), UseScope(), when: .known(path("destination.embargoed")),
                clauses: [clause("P7.1")]))
        let policy = try version.compile()
        let ask = Ask(.use, ["identity.name"], for: "service.operate").living("us")
            .facts("agreement.allowsDestination")
        func isAllowed(_ places: [String]) -> Bool {
            policy.decide(ask.with { $0.destinations = Set(places.map(region)) }.request).isAllowed
        }
        #expect(isAllowed(["ca"]) && isAllowed(["ca", "us"]) && !isAllowed(["xx"]))
        #expect(!isAllowed(["ca", "xx"]) && !isAllowed(["xx", "zz"]) && !isAllowed(["aa", "xx"]))
    }

    /// S2.6, P7.1: to leave out whose customer a subject is helps nobody.
    @Test func toLeaveOutTheCustomerAllowsNothing() async throws {
        let stage = try await PrivacyStage()
        let now = stage.trust.time.now
        var providers = SubprocessorList(notice: .seconds(60))
        try providers.announce(
            "later", task: "x", in: [region("us")], effective: now.advanced(by: .seconds(60)), at: now)
        try providers.object(Ask.company, to: "later", at: now)
        let all = providers
        try await stage.update { $0.registers.providers = all }
        stage.trust.time.advance(by: .seconds(60))
        let ask = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, "later"))
            .living("us")
        let other = Identifier<Company>(high: 7, low: 7)
        let open = try await stage.privacy.decision(on: ask.request)
        #expect(!open.isAllowed && open.missing.contains(path("recipient.isObjectedTo")))
        #expect(try await !stage.privacy.decision(on: ask.request, of: Ask.company).isAllowed)
        #expect(try await stage.privacy.decision(on: ask.request, of: other).isAllowed)
        // A visitor is nobody's.
        let visitor = ask.with { $0.subject.relationship = .visitor }
        #expect(try await !stage.privacy.decision(on: visitor.request).missing.contains(path("recipient.isObjectedTo")))

        let bound = try AgreementSet([
            AgreementDocument(
                "m", .masterAgreement, effective: Timestamp(seconds: 0), residency: [region("de")])
        ])
        try await stage.update { $0.registers.agreements[Ask.company] = bound }
        let transfer = Ask(.transfer, ["contact.email"], for: "service.operate").living("us").going("ca")
        #expect(try await !stage.privacy.decision(on: transfer.request).isAllowed)
        #expect(try await !stage.privacy.decision(on: transfer.request, of: Ask.company).isAllowed)
        #expect(try await stage.privacy.decision(on: transfer.request, of: other).isAllowed)
        // Nor does it help to say two.
        let held = transfer.with { $0.role = .processor(for: other) }
        #expect(try await stage.privacy.decision(on: held.request).isAllowed)
        #expect(try await stage.privacy.decision(on: held.request, of: other).isAllowed)
        let both = try await stage.privacy.decision(on: held.request, of: Ask.company)
        #expect(!both.isAllowed && both.missing.contains(path("agreement.allowsDestination")))
    }

    /// Before anything is on file nothing goes abroad.
    @Test func whatIsNotOnFileYetAllowsNothing() async throws {
        let stage = try await PrivacyStage()
        try await stage.update { $0.registers = .none }
        let transfer = Ask(.transfer, ["contact.email"], for: "service.operate").living("us").going("ca")
        #expect(try await !stage.privacy.decision(on: transfer.request).isAllowed)
        try await stage.update { $0.registers.standard = AgreementSet.none }
        #expect(try await stage.privacy.decision(on: transfer.request).isAllowed)
    }

    // MARK: Settings

    /// Changes at the same time are all there, each with its entry; one whose entry is not committed is none.
    @Test func changesOfSettingsFollowEachOther() async throws {
        let stage = try await PrivacyStage(over: YieldingStore(TestStore()))
        let start = stage.trust.store.commits.count
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    _ = await privacyError {
                        try await stage.update { $0.registers.grounds[String(number)] = .process(reference: "r") }
                    }
                }
            }
        }
        #expect(stage.privacy.settings.registers.grounds.count == 60)
        let entries = try stage.trust.store.auditEntries(from: start)
        #expect(entries.map(\.details["grounds"]) == (1...60).map(String.init))
        #expect(entries.allSatisfy { $0.action == "privacy.update" && $0.details["versions"] == "2016-03-07" })

        let dead = FaultyStore(TestStore(), failing: 2, with: .refused)
        let authority = try await AccessAuthority.soleOperator(
            stage.trust.principal, reason: "x", store: dead, time: stage.trust.time)
        let room = Privacy(PrivacySettings(), authority: authority)
        await expectPrivacy(.storeFailed) {
            try await room.update(as: stage.trust.context()) { $0.registers.locations["x"] = region("us") }
        }
        #expect(room.settings.registers.locations.isEmpty)
        // What the change itself throws comes through, and changes nothing.
        struct Wrong: Error {}
        await #expect(throws: UseFailure<Wrong>.self) {
            try await stage.privacy.update(as: stage.trust.context()) { settings throws(Wrong) in
                settings.registers.grounds = [:]
                throw Wrong()
            }
        }
        #expect(stage.privacy.settings.registers.grounds.count == 60)
    }

    // MARK: Previews and links

    /// P8.5: a preview of nothing, or of something towards somebody else, is none.
    @Test func aPreviewIsOfWhatIsChosen() async throws {
        let stage = try await PrivacyStage()
        let (privacy, context) = (stage.privacy, stage.trust.context())
        let vendors = ChoiceScope([.share], to: [.serviceProvider])
        let role = DataRole.processor(for: Ask.company)
        let held = PrivacyStage.hosting.with { $0.role = role }
        let ofOthers = try await privacy.impact(
            of: .optedOut, vendors, by: stage.subject, on: [Feature("x", required: [held.request])], towards: role)
        let ofNothing = try await privacy.impact(
            of: .optedOut, vendors, by: stage.subject, on: [Feature("x", required: [held.request])])
        let ofValues = try ReferencePolicies.privacy2016.compile().impact(
            of: .optedOut, vendors,
            on: ChoiceState(of: stage.subject, folding: [], at: stage.trust.time.now),
            features: [Feature("x", required: [PrivacyStage.hosting.request])])
        for preview in [ofOthers, ofNothing, ofValues] {
            await expectPrivacy(.otherPreview) {
                try await privacy.choose(stage.event(.optedOut, vendors), shown: preview, as: context)
            }
        }
        try await privacy.choose(stage.event(.optedOut, vendors), shown: ofOthers, towards: role, as: context)
        #expect(!"\(ofOthers)".contains(stage.subject.description))
        var dumped = ""
        dump(ofOthers, to: &dumped)
        #expect(!dumped.contains(stage.subject.description))
    }

    /// P8.4: a link opts out towards whom it was made for, and forged, old, replayed and another's are refused, with nothing of the token in the trail.
    @Test func aLinkIsForWhomItWasMade() async throws {
        let stage = try await PrivacyStage()
        let (now, context) = (stage.trust.time.now, stage.trust.context())
        func tokens(_ byte: UInt8) throws -> UnsubscribeTokens {
            UnsubscribeTokens(key: try HMACKey(SecretBytes(copying: Array(repeating: byte, count: 32))))
        }
        let own = try tokens(7)
        let role = DataRole.processor(for: Ask.company)
        func token(_ tokens: UnsubscribeTokens, _ seconds: Int64 = 60) throws -> String {
            try tokens.token(
                for: stage.subject, purpose: purpose("marketing"), expires: now.advanced(by: .seconds(seconds)),
                towards: role)
        }
        let good = try token(own)
        let other = Identifier<DataSubject>(high: 9, low: 9)
        let start = stage.trust.store.commits.count
        for bad in [
            try token(tokens(8)), try token(own, 0), good.replacing(Ask.company.description, with: "controller"),
            String(good.dropLast()), "", "~~~~~",
        ] {
            await expectPrivacy(.badLink) { try await stage.privacy.unsubscribe(by: bad, of: own, as: context) }
        }
        await expectPrivacy(.badLink) {
            try await stage.privacy.unsubscribe(by: good, of: own, signedIn: other, as: context)
        }
        try await stage.privacy.unsubscribe(by: good, of: own, signedIn: stage.subject, as: context)
        await expectPrivacy(.linkUsed) { try await stage.privacy.unsubscribe(by: good, of: own, as: context) }
        #expect(try await stage.privacy.choices(of: stage.subject).isEmpty)
        #expect(try await stage.privacy.choices(of: stage.subject, towards: role).map(\.act) == [.optedOut])
        let entries = try stage.trust.store.auditEntries(from: start)
        #expect(entries.map(\.outcome) == Array(repeating: .refused, count: 7) + [.success, .refused])
        #expect(entries.allSatisfy { entry in !entry.details.values.contains { $0.contains(good.suffix(20)) } })
    }

    /// P8.4: a choice that is too large for its record is refused as that, whichever text is; the largest that is taken fits, whatever it is written with.
    @Test func aChoiceHasItsLimit() async throws {
        let stage = try await PrivacyStage()
        let context = stage.trust.context()
        let start = stage.trust.store.commits.count
        var event = stage.event(.optedOut, ChoiceScope(UseOperation.contact))
        event.policy = ""
        func fill(_ text: String) -> [ChoiceEvent] {
            var all = Array(repeating: event, count: 4)
            all[0].policy = text
            all[1].evidence = .init(.form, reference: text)
            all[2].scope.named = [text]
            all[3].scope.items = [text]
            return all
        }
        for large in fill(String(repeating: "\u{1}", count: 10_001)) {
            await expectPrivacy(.choiceTooLarge) { try await stage.privacy.choose(large, as: context) }
        }
        #expect(try stage.trust.store.auditEntries(from: start).map(\.outcome) == Array(repeating: .refused, count: 4))
        #expect(try await stage.privacy.choices(of: stage.subject).isEmpty)
        let most = fill(String(repeating: "\u{1}", count: 10_000))
        for event in most { try await stage.privacy.choose(event, as: context) }
        #expect(try await stage.privacy.choices(of: stage.subject) == most)
    }

    /// Nobody allows anything by a browser's signal, or for others without authority.
    @Test func whatCannotAllowIsRefused() async throws {
        let stage = try await PrivacyStage()
        var event = stage.event(.given, about(nil, ["payment"]), .globalPrivacyControl)
        await expectPrivacy(.cannotAllow) { try await stage.privacy.choose(event, as: stage.trust.context()) }
        event.evidence = .init(.form, representsAuthority: false)
        await expectPrivacy(.cannotAllow) { try await stage.privacy.choose(event, as: stage.trust.context()) }
        // To end something is another matter.
        event.act = .withdrawn
        try await stage.privacy.choose(event, as: stage.trust.context())
    }

    // MARK: What is written down

    /// However long and odd a text is, a refusal is in the trail.
    @Test func noTextKeepsARefusalOut() async throws {
        let stage = try await PrivacyStage()
        // One character of 80,000 bytes.
        let long = "a" + String(repeating: "\u{301}", count: 40_000)
        let start = stage.trust.store.commits.count
        let ask = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, long))
        await expectPrivacy(.notAllowed) { _ = try await stage.clearance(ask) }
        await expectPrivacy(.unknownVersion) {
            try await stage.privacy.note(.declined, to: long, by: stage.subject, as: stage.trust.context())
        }
        var event = stage.event(.optedOut, ChoiceScope())
        for (text, code) in [
            (long, PrivacyError.Code.choiceTooLarge), (String(long.unicodeScalars.prefix(4000)), .needsPreview),
        ] {
            event.policy = text
            let choice = event
            await expectPrivacy(code) { try await stage.privacy.choose(choice, as: stage.trust.context()) }
        }
        let entries = try stage.trust.store.auditEntries(from: start)
        #expect(entries.map(\.refusal) == ["notAllowed", "unknownVersion", "choiceTooLarge", "needsPreview"])
    }

    /// The ledger says what was decided about: how near it comes to somebody, for whom it was held, and who got it; nobody without a name gets anything.
    @Test func theLedgerSaysWhatWasDecided() async throws {
        let stage = try await PrivacyStage()
        var version = ReferencePolicies.privacy2016
        version.name = "own"
        let many = Set((0..<120).map { category("own.c\($0)") })
        version.taxonomy.categories.formUnion(many)
        version.quasiIdentifiers = [[category("contact.email")]]
        version.rules.append(
            UseRule(
                .permit, path("partner.share"), UseScope([.share], for: [purpose("service")], to: [.partner]),
                clauses: [clause("P3.2")]))
        let policies = try PolicyHistory(of: version)
        try await stage.update {
            $0.policies = policies
            $0.registers.addresses = ["p": "1 Road", "q": "2 Road"]
        }
        let year = stage.trust.time.now.day.components.year
        let near = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.partner, "p"), .pseudonymous)
        try await stage.privacy.perform(stage.clearance(near)) { _ in }
        #expect(try await stage.privacy.disclosures(of: stage.subject).map(\.identifiability) == [.personal])

        for name in [nil, ""] as [String?] {
            let nameless = near.with { $0.recipient = Recipient(.partner, name) }
            let clearance = try await stage.clearance(nameless)
            await expectPrivacy(.unnamedRecipient) {
                try await stage.privacy.perform(clearance) { _ in itWasDone() }
            }
        }
        // What is held for a customer is in that customer's.
        let role = DataRole.processor(for: Ask.company)
        let held = near.with {
            $0.role = role
            $0.recipient = Recipient(.partner, "r")
            $0.purpose = purpose("service")
        }
        try await stage.privacy.perform(stage.clearance(held)) { _ in }
        let own = try await stage.privacy.sharing(in: year)
        #expect(own.recipients.map(\.name) == ["p"] && own.addresses == ["p": "1 Road"])
        #expect(own.recipientsWithoutAddress.isEmpty)
        // A purpose that is wider than what is asked about has a part of it.
        let others = try await stage.privacy.sharing(in: year, for: purpose("service.operate"), towards: role)
        #expect(others.recipients.map(\.name) == ["r"] && others.recipientsWithoutAddress.map(\.name) == ["r"])
        // As many categories as there are, more than a commit has keys.
        let all = near.with { $0.data = .personal(many, from: [.provided]) }
        try await stage.privacy.perform(stage.clearance(all)) { _ in }
        #expect(try await stage.privacy.sharing(in: year).rows.count == 121)
    }

    /// S2.3: by what data left its region is written down.
    @Test func mechanismsAreWrittenDown() async throws {
        let stage = try await PrivacyStage()
        let agreements = ReferenceAgreements.usageAllocation(
            effective: Timestamp(seconds: 0),
            mechanisms: [
                .init(.standardClauses, to: [region("us")]), .init(.bindingCorporateRules, to: [region("us")]),
                .init(.adequacy, to: [region("ch")]), .init(.ukAddendum, to: [region("us")]),
            ])
        try await stage.update { $0.registers.standard = agreements }
        let start = stage.trust.store.commits.count
        try await stage.privacy.perform(stage.clearance(PrivacyStage.hosting.living("de")), having: [stage.sent]) { _ in
        }
        #expect(
            try await stage.privacy.disclosures(of: stage.subject).map(\.mechanisms) == [
                [.bindingCorporateRules, .standardClauses]
            ])
        let entries = try stage.trust.store.auditEntries(from: start)
        #expect(entries.map(\.details["mechanisms"]) == ["bindingCorporateRules,standardClauses"])
    }

    /// P7.1, P16.1: who is refused is told by which agreement, what that overrides, and where to turn.
    @Test func aRefusalNamesItsAgreement() async throws {
        let stage = try await PrivacyStage()
        let limited = ReferenceAgreements.usageAllocation(
            effective: Timestamp(seconds: 0), mechanisms: [.init(.standardClauses, to: [region("us")])],
            residency: [region("de")])
        try await stage.update {
            $0.registers.standard = limited
            $0.contacts = ContactDirectory(privacy: "privacy@us.example", help: "h@us.example", postal: "1 Road")
        }
        let transfer = Ask(.transfer, ["contact.email"], for: "service.operate").living("de").going("us")
        let start = stage.trust.store.commits.count
        let error = await privacyError { _ = try await stage.clearance(transfer) }
        #expect(error?.code == .notAllowed && error?.decision?.clauses == [clause("P7.1")])
        #expect(
            error?.overriding == [
                "master agreement", "services privacy policy", "privacy policy", "terms", "help center summary",
            ])
        #expect(error?.contacts?.privacy == "privacy@us.example")
        let text = try #require(error.map { "\($0)" })
        #expect(text.contains("agreed otherwise: master agreement > ") && text.hasSuffix("or by post: 1 Road"))
        let entry = try #require(try stage.trust.store.auditEntries(from: start).last)
        #expect(entry.details["agreement"]?.hasPrefix("master agreement > ") == true)
        // Where the agreement lets it, the policy does.
        let open = ReferenceAgreements.usageAllocation(
            effective: Timestamp(seconds: 0), mechanisms: [.init(.standardClauses, to: [region("us")])])
        try await stage.update { $0.registers.standard = open }
        #expect(try await stage.privacy.decision(on: transfer.request).isAllowed)
        // What is refused for another reason names none.
        try await stage.choose(.optedOut, PrivacyStage.marketing)
        let other = await privacyError { _ = try await stage.clearance(PrivacyStage.newsletter) }
        #expect(other?.overriding.isEmpty == true)
    }

    /// P7.3: who is told that another law may hold is told where: a notice that names fewer regions is none.
    @Test func aNoticeNamesTheRegions() async throws {
        let stage = try await PrivacyStage()
        let transfer = Ask(.transfer, ["contact.email"], for: "service.operate").living("us").with {
            $0.destinations = [region("ca"), region("br")]
        }
        let clearance = try await stage.clearance(transfer)
        #expect(clearance.duties == [.encryptedInTransit, .noticeDifferentLaw])
        func notice(_ regions: [String]) -> DutyReceipt {
            DutyReceipt(
                .noticeDifferentLaw, towards: stage.subject, at: stage.trust.time.now, reference: "n-1",
                naming: Set(regions.map(region)))
        }
        for regions in [[], ["ca"], ["us", "br"]] {
            await expectPrivacy(.dutyNotDone) {
                try await stage.privacy.perform(clearance, having: [stage.sent, notice(regions)]) { _ in itWasDone() }
            }
        }
        try await stage.privacy.perform(clearance, having: [stage.sent, notice(["br", "ca", "us"])]) { _ in }
    }

    /// P15.2: who succeeds the holder is given data only under the version that they are bound by.
    @Test func aSuccessorIsBoundByTheVersionInForce() async throws {
        let stage = try await PrivacyStage()
        let ask = Ask(.share, ["contact.email"], for: "transaction.succession", to: Recipient(.acquirer, "buyer"))
        for (bound, isAllowed) in [("2016-03-07", true), ("2015", false)] {
            let succession = Succession(
                .merger, reference: "deed", effective: stage.trust.time.now, bound: [bound])
            try await stage.update { $0.registers.successions["buyer"] = succession }
            #expect(try await stage.privacy.decision(on: ask.request).isAllowed == isAllowed)
        }
    }

    /// P10.1: a browser's `Sec-GPC: 1` opts out of what is shared with others than providers, and needs no preview; nothing else says anything.
    @Test func aBrowsersSignalOptsOut() async throws {
        let stage = try await PrivacyStage()
        for value in [nil, "", "0", "true", " 1", "1 ", "01", "１"] as [String?] {
            #expect(
                GlobalPrivacyControl.event(
                    header: value, by: stage.subject, at: stage.trust.time.now, under: "2016-03-07") == nil)
        }
        let policies = try PolicyHistory(of: ReferencePolicies.privacy2016.honoringGlobalPrivacyControl())
        try await stage.update { $0.policies = policies }
        let sister = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.affiliate, "sister"))
        #expect(try await stage.privacy.decision(on: sister.request).isAllowed)
        let event = try #require(
            GlobalPrivacyControl.event(
                header: "1", by: stage.subject, at: stage.trust.time.now, under: "2016-03-07"))
        // A browser says so each time; it is written down once, and again after the subject opted in.
        for _ in 0..<3 { try await stage.privacy.choose(event, as: stage.trust.context()) }
        #expect(try await stage.privacy.choices(of: stage.subject).count == 1)
        #expect(try await stage.privacy.decision(on: sister.request).clauses == [clause("P10.1")])
        stage.trust.time.advance(by: .seconds(1))
        try await stage.choose(.optedIn, GlobalPrivacyControl.scope)
        #expect(try await stage.privacy.decision(on: sister.request).isAllowed)
        stage.trust.time.advance(by: .seconds(1))
        var again = event
        again.at = stage.trust.time.now
        try await stage.privacy.choose(again, as: stage.trust.context())
        #expect(try await !stage.privacy.decision(on: sister.request).isAllowed)
        // Providers and messages go on.
        #expect(try await stage.privacy.decision(on: PrivacyStage.hosting.request).isAllowed)
        #expect(try await stage.privacy.decision(on: PrivacyStage.newsletter.request).isAllowed)
    }

    /// P12.3: by what a parent permitted it is written down.
    @Test func aParentsPermissionIsWrittenDown() async throws {
        let stage = try await PrivacyStage()
        let policies = try PolicyHistory(of: ReferencePolicies.privacy2016.allowingParentalPermission())
        try await stage.update { $0.policies = policies }
        let permission = ParentalPermission(
            for: stage.subject, by: .signedForm, at: stage.trust.time.now, reference: "form 7")
        let ask = Ask(.collect, ["identity.name"], for: "service.operate").with {
            $0.subject.birth = CivilDay(year: 2024, month: 1, day: 1)
            $0.subject.parentalPermission = permission
        }
        let clearance = try await stage.clearance(ask)
        let start = stage.trust.store.commits.count
        let receipts = clearance.duties.map { stage.receipt($0, towards: stage.subject) }
        try await stage.privacy.perform(clearance, having: receipts) { _ in }
        #expect(try stage.trust.store.auditEntries(from: start).last?.details["parent"] == "signedForm: form 7")
    }

    /// Receipts are written down with their reference; of an address the host alone.
    @Test func receiptsAreWrittenDown() async throws {
        let stage = try await PrivacyStage()
        let clearance = try await stage.clearance(PrivacyStage.hosting)
        let start = stage.trust.store.commits.count
        let secret = stage.receipt(.encryptedInTransit, reference: "https://hosting.example#key=s3cret")
        try await stage.privacy.perform(clearance, having: [secret]) { _ in }
        let publish = try await stage.clearance(
            Ask(.publish, ["content.user"], for: "service.content", to: .everyone).facts("content.isPublic"))
        let shown = stage.receipt(.warnPublic, towards: stage.subject, reference: "notice-17")
        try await stage.privacy.perform(publish, having: [shown]) { _ in }
        let told = try stage.trust.store.auditEntries(from: start).compactMap { $0.details["duties"] }
        let now = stage.trust.time.now
        #expect(
            told == [
                "encrypted.inTransit at \(now): https://hosting.example", "notice.public at \(now): notice-17",
            ])
    }

    /// Of whom a subject authorised no name is in the trail or in a key.
    @Test func aPersonsNameIsInTheLedgerAlone() async throws {
        let stage = try await PrivacyStage()
        let scope = about([.share], ["content"], for: ["service.content"], to: [.authorizedByUser], named: ["Jo Doe"])
        try await stage.choose(.given, scope)
        let start = stage.trust.store.commits.count
        let ask = Ask(
            .share, ["content.user"], for: "service.content", to: Recipient(.authorizedByUser, "Jo Doe"))
        try await stage.privacy.perform(stage.clearance(ask)) { _ in }
        let disclosures = try await stage.privacy.disclosures(of: stage.subject)
        #expect(disclosures.first?.recipient.name == "Jo Doe")
        var told = "\(disclosures) \(scope) \(ask.request)"
        dump([disclosures as Any, scope, ask.request, ask.request.recipient], to: &told)
        #expect(!told.contains("Doe") && told.contains("authorizedByUser") && told.contains("named: 1"))
        #expect("\(Recipient(.partner, "p"))" == "partner p" && "\(Recipient.own) \(ChoiceScope())" == "own everything")
        // Others who ask what was shared are told that it was, and not with whom.
        let report = try await stage.privacy.sharing(in: stage.trust.time.now.day.components.year)
        #expect(report.recipients == [Recipient(.authorizedByUser)] && report.rows.count == 1)
        for entry in try stage.trust.store.auditEntries(from: start) {
            #expect(!entry.details.values.contains { $0.contains("Doe") })
        }
        for key in stage.trust.store.commits.flatMap(\.changes.keys) { #expect(!"\(key)".contains("Doe")) }
    }
}
