// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import ReeveCrypto
import ReeveModel
import ReeveTesting
import Testing

@testable import ReevePrivacy

/// The worst that callers and stored bytes can be.
@Suite struct HostilePrivacyTests {
    private static let instants = [Int64.min, Int64.min + 1, -1, 0, 1, Int64.max - 1, Int64.max].map {
        Timestamp(microseconds: $0)
    }
    private static let days = [Int32.min, -1, 0, 1, Int32.max].map { CivilDay(daysSince1970: $0) }
    private let subject = Identifier<DataSubject>(high: .max, low: .max)

    /// Any two instants, the first and the last there are among them, end no process.
    @Test func instantsAtTheEnds() throws {
        let tokens = UnsubscribeTokens(key: try HMACKey(SecretBytes(copying: Array(repeating: 7, count: 32))))
        let small = PolicyVersion(name: "v", taxonomy: Taxonomy(categories: [], purposes: []), rules: [])
        let policy = try small.compile()
        for one in Self.instants {
            for other in Self.instants {
                let token = try tokens.token(for: subject, purpose: purpose("marketing"), expires: one)
                #expect(((try? tokens.event(from: token, at: other, under: "v")) != nil) == (other < one))

                for notice in [Duration.zero, .seconds(Int64.max), .seconds(-Int64.max)] {
                    var list = SubprocessorList(notice: notice)
                    try? list.announce("a", task: "t", in: [region("us")], effective: one, at: other)
                    try? list.object(Identifier(high: 1, low: 1), to: "a", at: other)
                    try? list.end("a", from: other, at: one)
                    _ = (list.isListed("a", at: one), list.changes(from: one, to: other))
                }

                var breach = Breach(.bounty, position: .controller, aware: one)
                try? breach.note(.authority, at: other, reasons: "late")
                _ = (
                    breach.open(at: other),
                    Breach(.customer, position: .processor, aware: one, contractHours: .max).obligations
                )

                var history = PolicyHistory(isStrict: true)
                let document = try Digest(hashing: [1])
                try history.schedule(
                    small, document: document, terms: "", effective: one, at: other)
                try? history.add(Notice(document: document, channel: .post, communicated: other, effective: one))
                _ = (history.entry(at: other), history.findings(at: other), history.scheduled(after: other))
                var log = AcceptanceLog()
                #expect((log.noteUse(by: subject, at: other, of: history) != nil) == (one <= other))

                let events = [ChoiceEvent.Act.given, .withdrawn].map {
                    ChoiceEvent($0, about(nil, ["payment"]), by: subject, at: one, under: "", evidence: .init(.form))
                }
                let state = ChoiceState(of: subject, folding: events, at: other)
                _ = policy.impact(
                    of: .optedOut, ChoiceScope(), on: state, features: [])
            }
        }
        for one in Self.days {
            for other in Self.days {
                let register = AttestationRegister([
                    Attestation(path("pci"), scope: "", from: one, through: other, evidence: "")
                ])
                _ = (register.isAttested(path("pci"), on: other), register.findings(on: one))
                for years in [Int.min, -1, 0, 13, Int.max] {
                    _ = SubjectFacts(.visitor, birth: one).isUnder(years, on: other)
                }
                let measures = MeasureRegister([
                    SecurityMeasure(path("a"), .physical, since: one, through: other, evidence: "")
                ])
                _ = measures.missing([path("a")], on: other)
            }
        }
    }

    /// Policies of nothing, and names that are none, are answered and not obeyed.
    @Test func emptyAndOddPolicies() throws {
        let none = PolicyVersion(name: "\u{0}", taxonomy: Taxonomy(categories: [], purposes: []), rules: [])
        let ask = Ask(.use, ["contact.email"], for: "service.operate")
        #expect(try none.compile().decide(ask.request).reason == .unknownCategory)
        #expect(try none.changes(to: none).isEmpty && none.changes(to: ReferencePolicies.privacy2016).isMaterial)
        var odd = ReferencePolicies.privacy2016
        odd.regions["a b\u{0}.c"] = [region("-")]
        odd.rules.append(
            UseRule(.forbid, path("empty"), UseScope([], of: [], for: [], to: []), clauses: [clause("P1")]))
        let policy = try odd.compile()
        #expect(policy.decide(ask.request).isAllowed)
        for place in ["-", "--", "de-", "-de", "d-e", "de--by"] {
            let cookie = Ask(
                .storeOnDevice, ["device.cookie"], for: "service.login", from: .deviceAssigned, .pseudonymous
            ).living(place)
            #expect(!policy.decide(cookie.request).isAllowed, "\(place)")
        }
        for name in ["", "\u{0}", String(repeating: "x", count: 1_000_000), "a\nb"] {
            let request = Ask(.share, ["contact.email"], for: "service.operate", to: Recipient(.serviceProvider, name))
                .request
            let decision = policy.decide(
                PrivacyRegisters(group: CorporateGroup(own: "")).completing(request, of: nil, at: Timestamp(seconds: 0))
            )
            #expect(decision.reason == .forbidden && "\(decision)".utf8.count < 200)
        }
    }
}

/// Bytes that hosts keep, broken: an error or another value, and never a trap; what was read decides without one, too.
@Suite struct HostilePrivacyProperties {
    @Test func brokenBytes() throws {
        var generator = Scale.current.generator(for: "privacy.hostile")
        let encoder = JSONEncoder()
        let agreements = try AgreementSet([
            AgreementDocument(
                "msa", .masterAgreement, effective: Timestamp(seconds: 0), terms: [path("a.b"): "c"],
                incorporates: ["dpa"], residency: [region("us")]),
            AgreementDocument(
                "dpa", .dataProcessing, effective: Timestamp(seconds: 0),
                mechanisms: [.init(.ukAddendum, to: [region("us")])]),
        ])
        let event = ChoiceEvent(
            .given, about([.use], ["payment"], for: ["billing"], named: ["a"], items: ["b"]), by: Ask.subject,
            at: Ask.now, under: "v",
            evidence: .init(.form, reference: "r", representsAuthority: true))
        let cookies = try TrackerRegister([
            Tracker(
                "a", description: "b", for: purpose("service.login"), lifetime: .persistent(days: 3), isEssential: true)
        ])
        let sources = [
            try encoder.encode(ReferencePolicies.privacy2016), try encoder.encode(agreements),
            try encoder.encode([event]), try encoder.encode(cookies),
        ].map { Array($0) }
        let ask = Ask(.use, ["payment.card"], for: "billing.payment")
        var read = 0
        for number in 0..<Scale.current.cases(ci: 3000, soak: 200_000) {
            let source = number % 4
            var bytes = sources[source]
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            case 1:
                bytes[Int.random(in: bytes.indices, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            case 2:
                let start = Int.random(in: bytes.indices, using: &generator)
                let part = bytes[start..<min(bytes.count, start + Int.random(in: 1...200, using: &generator))]
                bytes.insert(contentsOf: part, at: Int.random(in: bytes.indices, using: &generator))
            case 3:
                bytes.insert(
                    contentsOf: Array(repeating: UInt8(ascii: "["), count: 2000),
                    at: Int.random(in: bytes.indices, using: &generator))
            default:
                bytes.insert(
                    [0xFF, 0xC0, 0x00, 0x80][Int.random(in: 0..<4, using: &generator)],
                    at: Int.random(in: bytes.indices, using: &generator))
            }
            let data = Data(bytes)
            switch source {
            case 0:
                guard let version = try? JSONDecoder().decode(PolicyVersion.self, from: data) else { continue }
                if let policy = try? version.compile() { _ = policy.decide(ask.request).whatWouldAllow }
            case 1:
                guard let set = try? JSONDecoder().decode(AgreementSet.self, from: data) else { continue }
                _ = set.term(path("a.b"), at: Ask.now)
            case 2:
                guard let events = try? JSONDecoder().decode([ChoiceEvent].self, from: data) else { continue }
                _ = ChoiceLog(restoring: events).state(of: Ask.subject, at: Ask.now).answer(to: ask.request)
            default:
                guard let register = try? JSONDecoder().decode(TrackerRegister.self, from: data) else { continue }
                _ = register.export()
            }
            read += 1
        }
        #expect(read > 20, "\(read)")
    }
}
