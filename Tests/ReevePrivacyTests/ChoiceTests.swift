// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import Testing

@testable import ReevePrivacy

@Suite struct ChoiceTests {
    private let subject = Identifier<DataSubject>(high: 1, low: 1)
    private let now = Timestamp(seconds: 1_000_000)
    private let vendors = about([.share], to: [.serviceProvider])

    private static func key() throws -> HMACKey {
        try HMACKey(SecretBytes(copying: (0..<32).map { _ in UInt8.random(in: 0...255) }))
    }

    private func event(
        _ act: ChoiceEvent.Act, _ scope: ChoiceScope, _ evidence: ChoiceEvent.Evidence = .init(.settings)
    ) -> ChoiceEvent {
        ChoiceEvent(act, scope, by: subject, at: now, under: "2016-03-07", evidence: evidence)
    }

    /// P8.5: what becomes of the service is shown before vendors are shut out, and for this very choice.
    @Test func vendorsAreShutOutAfterAPreview() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        var log = ChoiceLog()
        let mine = log.state(of: subject, at: now)
        for scope in [
            vendors, ChoiceScope(), about([.transfer]), about(for: ["service"]), about(nil, ["contact"]),
            about([.share], items: ["f"]),
        ] {
            #expect(throws: ChoiceLog.Refusal.needsPreview) { try log.append(event(.optedOut, scope)) }
        }
        let shared = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, "hosting"))
        let features = [Feature("service", required: [shared.request])]
        let others = [Feature("service", required: [Ask(.use, ["contact.email"], for: "service.operate").request])]
        let preview = policy.impact(of: .optedOut, vendors, on: mine, features: features)
        #expect(throws: ChoiceLog.Refusal.otherPreview) {
            try log.append(event(.optedOut, about([.transfer])), shown: preview)
        }
        #expect(throws: ChoiceLog.Refusal.otherPreview) { try log.append(event(.objected, vendors), shown: preview) }
        // For nobody, for somebody else, and of nothing.
        let theirs = log.state(of: Identifier(high: 9, low: 9), at: now)
        for shown in [
            policy.impact(of: .optedOut, vendors, on: .none, features: features),
            policy.impact(of: .optedOut, vendors, on: theirs, features: features),
            policy.impact(of: .optedOut, vendors, on: mine, features: []),
            policy.impact(of: .optedOut, vendors, on: mine, features: others),
        ] {
            #expect(throws: ChoiceLog.Refusal.otherPreview) { try log.append(event(.optedOut, vendors), shown: shown) }
        }
        #expect(log.events(of: subject).isEmpty)
        try log.append(event(.optedOut, vendors), shown: preview)
        #expect(log.events(of: subject).last?.preview == preview.id)
        // Others need none: what allows, what ends consent, and what is about messages or about the holder alone.
        try log.append(event(.optedIn, vendors))
        try log.append(event(.optedOut, about(UseOperation.contact, for: ["marketing"])))
        for act in [ChoiceEvent.Act.refused, .withdrawn, .expired, .invalidated] {
            try log.append(event(act, about(nil, ["payment"], for: ["billing"])))
        }
        #expect(log.events(of: subject).count == 7 && log.events(of: Identifier(high: 9, low: 9)).isEmpty)
        #expect(log.state(of: subject, at: Timestamp(seconds: 1)).answers(like: mine))
        // A log is restored as it was.
        let restored = ChoiceLog(restoring: log.events(of: subject))
        #expect(restored.events(of: subject) == log.events(of: subject))
    }

    /// Withdrawing always works, and at once.
    @Test func withdrawingNeedsNothing() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        var log = ChoiceLog()
        let scope = about(nil, ["payment"], for: ["billing"])
        try log.append(event(.given, scope))
        var card = Ask(.use, ["payment.card"], for: "billing.payment").request
        (card.subject.id, card.subject.choices) = (subject, log.state(of: subject, at: now))
        #expect(policy.decide(card).isAllowed)
        try log.append(event(.withdrawn, scope))
        card.subject.choices = log.state(of: subject, at: now)
        #expect(!policy.decide(card).isAllowed)
    }

    /// The holder and a browser can end something for a subject, and allow nothing.
    @Test func nobodyElseConsents() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let scope = about(nil, ["payment"], for: ["billing"])
        for channel in ChoiceEvent.Evidence.Channel.allCases {
            var card = Ask(.use, ["payment.card"], for: "billing.payment").request
            card.subject.choices = ChoiceState(of: subject, folding: [event(.given, scope, .init(channel))], at: now)
            #expect(
                policy.decide(card).isAllowed == (channel != .holder && channel != .globalPrivacyControl), "\(channel)")
        }
    }

    /// P7.2: consent for agents counts where its giver has the authority; whoever takes it back is heard.
    @Test func nobodyConsentsForOthersWithoutAuthority() throws {
        let scope = about([.storeOnDevice], ["device.cookie"])
        func state(_ act: ChoiceEvent.Act, _ represents: Bool?) -> ChoiceState {
            ChoiceState(
                of: subject, folding: [event(act, scope, .init(.form, representsAuthority: represents))], at: now)
        }
        #expect(
            state(.given, false) == ChoiceState(of: subject, folding: [], at: now)
                && state(.given, true) != state(.given, false))
        #expect(state(.given, true) == state(.given, nil))
        #expect(state(.withdrawn, false) == state(.withdrawn, true))
    }

    /// Nothing but an explicit act is a choice: who chose nothing has given nothing, and has not opted out.
    @Test func silenceIsNoChoice() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        #expect(policy.decide(Ask(.use, ["contact.email"], for: "marketing.email").request).isAllowed)
        let cookie = Ask(
            .storeOnDevice, ["device.cookie"], for: "service.personalize", from: .deviceAssigned, .pseudonymous)
        #expect(!policy.decide(cookie.living("de").request).isAllowed)
    }

    /// P8.4: a link opts out its own subject, once, while it is good.
    @Test func anUnsubscribeLinkIsGoodForOneThing() throws {
        let key = try Self.key()
        let tokens = UnsubscribeTokens(key: key)
        let token = try tokens.token(
            for: subject, purpose: purpose("marketing"), expires: Timestamp(seconds: 2_000_000))
        let event = try tokens.event(from: token, at: now, under: "2016-03-07")
        #expect(
            event.subject == subject && event.act == .optedOut
                && event.scope == about(UseOperation.contact, for: ["marketing"]))
        #expect(event.evidence.channel == .unsubscribeLink)
        var log = ChoiceLog()
        try log.append(event)
        // Who opts in again is not opted out by the old link.
        try log.append(
            ChoiceEvent(
                .optedIn, event.scope, by: subject, at: now.advanced(by: .seconds(1)), under: "v",
                evidence: .init(.settings)))
        let again = try tokens.event(from: token, at: now.advanced(by: .seconds(2)), under: "2016-03-07")
        #expect(throws: ChoiceLog.Refusal.linkUsed) { try log.append(again) }
        #expect(log.events(of: subject).count == 2)

        #expect(throws: UnsubscribeTokens.Refusal.expired) {
            try tokens.event(from: token, at: Timestamp(seconds: 2_000_000), under: "v")
        }
        #expect(throws: UnsubscribeTokens.Refusal.otherSubject) {
            try tokens.event(from: token, by: Identifier(high: 1, low: 2), at: now, under: "v")
        }
        #expect(try tokens.event(from: token, by: subject, at: now, under: "v").subject == subject)
        let others = UnsubscribeTokens(key: try Self.key())
        #expect(throws: UnsubscribeTokens.Refusal.notOurs) { try others.event(from: token, at: now, under: "v") }
        // Two links for the same are two.
        #expect(try tokens.token(for: subject, purpose: purpose("marketing"), expires: now) != token)
    }

    /// A host's own references may be the same for several subjects.
    @Test func aReferenceIsOneSubjects() throws {
        var log = ChoiceLog()
        for person in [subject, Identifier(high: 1, low: 2)] {
            let event = ChoiceEvent(
                .optedOut, about(UseOperation.contact, for: ["marketing"]), by: person, at: now, under: "v",
                evidence: .init(.unsubscribeLink, reference: "mailing-7"))
            try log.append(event)
            #expect(throws: ChoiceLog.Refusal.linkUsed) { try log.append(event) }
        }
    }

    /// An opt-out of one vendor is none of what the holder does itself.
    @Test func aVendorIsNotTheHolder() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let out = (ChoiceEvent.Act.optedOut, about(named: ["analytics"]))
        for ask in [
            Ask(.contactByEmail, ["contact.email"], for: "communicate.service"),
            Ask(.use, ["contact.email"], for: "marketing.email"),
            Ask(.collect, ["contact.email"], for: "service.operate"),
        ] { #expect(policy.decide(ask.after(out).request).isAllowed) }
    }

    /// A link stops the messages that it was in, whatever they are for.
    @Test func aLinkStopsMessages() throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        let tokens = UnsubscribeTokens(key: try Self.key())
        let longest = Array(repeating: String(repeating: "p", count: 64), count: 16).joined(separator: ".")
        for aim in ["marketing.email", "communicate.service", "support.help", "analytics.email", longest] {
            let token = try tokens.token(for: subject, purpose: purpose(aim), expires: Timestamp(seconds: 2_000_000))
            var log = ChoiceLog()
            try log.append(tokens.event(from: token, at: now, under: "2016-03-07"))
            var ask = Ask(.contactByEmail, ["contact.email"], for: aim).request
            ask.subject.choices = log.state(of: subject, at: now)
            #expect(policy.decide(ask).clauses.contains(clause("P8.4")) || aim == longest)
            ask.purpose = purpose("communicate")
            #expect(policy.decide(ask).isAllowed == (aim != "communicate.service"))
        }
    }

    /// Forged and broken tokens are refused, whatever was changed in them.
    @Test func aForgedLinkIsRefused() throws {
        let tokens = UnsubscribeTokens(key: try Self.key())
        let token = try tokens.token(
            for: subject, purpose: purpose("marketing.email"), expires: Timestamp(seconds: 2_000_000))
        func isRefused(_ text: String) -> Bool {
            do throws(UnsubscribeTokens.Refusal) {
                _ = try tokens.event(from: text, at: now, under: "v")
                return false
            } catch {
                return error == .notOurs
            }
        }
        let bytes = Array(token.utf8)
        for index in bytes.indices {
            #expect(isRefused(String(decoding: bytes[..<index], as: UTF8.self)))
            for other in ["A", "b", "~", "7", "."].flatMap({ Array($0.utf8) }) where other != bytes[index] {
                var changed = bytes
                changed[index] = other
                let text = String(decoding: changed, as: UTF8.self)
                // The last digit of the tag has two bits that stand for nothing.
                #expect(isRefused(text) || index == bytes.count - 1, "\(index)")
            }
        }
        for text in [
            "", "~~~~", token + "~", token + "A", String(repeating: "~", count: 2000),
            String(repeating: "a", count: 100_000), "\u{0}\u{FFFD}",
        ] {
            #expect(isRefused(text))
        }
    }
}

extension ChoiceState {
    /// Whether two states say the same to a few requests.
    fileprivate func answers(like other: ChoiceState) -> Bool {
        [Ask(.use, ["contact.email"], for: "service.operate"), Ask(.share, ["contact.email"], for: "billing.payment")]
            .allSatisfy {
                answer(to: $0.request) == other.answer(to: $0.request)
            }
    }
}
