// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReevePrivacy
import ReeveStorage
import ReeveTesting
import Testing

/// The records of the room, byte by byte; `Documentation/Formats.md` names this test.
@Suite struct PrivacyFormatTests {
    @Test func recordsAreAsWritten() async throws {
        let stage = try await PrivacyStage()
        let authority = try await AccessAuthority.soleOperator(
            stage.trust.principal, reason: "x", store: stage.trust.store, time: stage.trust.time)
        let privacy = Privacy(
            stage.privacy.settings, authority: authority)
        let start = stage.trust.store.commits.count
        let scope = about(
            [.share, .contactByEmail], ["log", "contact"], for: ["marketing", "analytics"], to: [.partner, .affiliate],
            named: ["b", "a"], items: ["2", "1"])
        var event = stage.event(.given, scope, reference: "form-7")
        event.evidence.representsAuthority = true
        try await privacy.choose(event, as: stage.trust.context())
        let clearance = try await privacy.clearance(for: PrivacyStage.hosting.request, as: stage.trust.context())
        try await privacy.perform(clearance, having: [stage.sent]) { _ in }

        func record(_ table: String) throws -> (key: Key, text: String) {
            let written = stage.trust.store.commits.dropFirst(start).flatMap(\.changes).filter {
                $0.key.elements?.dropFirst().first == .text(table)
            }
            let first = try #require(written.min { $0.key < $1.key })
            guard case .write(let bytes) = first.value else { throw BrokenPromise("it was deleted") }
            return (first.key, String(decoding: bytes, as: UTF8.self))
        }
        func ids(_ key: Key) -> [Key.Element] { Array((key.elements ?? []).dropFirst(2)) }
        let (at, subject) = (stage.trust.time.now, stage.subject.description)

        let choice = try record("privacy.event")
        #expect(ids(choice.key) == [.text(subject), .text("controller"), .text("000000000000")])
        #expect(
            choice.text == """
                {"schema":1,"value":{"choice":{"act":"given","at":"\(at)","evidence":{"channel":"settings","reference":"form-7",\
                "representsAuthority":true},"policy":"2016-03-07","scope":{"categories":["contact","log"],\
                "items":["1","2"],"named":["a","b"],"operations":["contactByEmail","share"],\
                "purposes":["analytics","marketing"],"recipients":["affiliate","partner"]},"subject":"\(subject)"}}}
                """)
        let count = try record("privacy.events")
        #expect(ids(count.key) == [.text(subject), .text("controller")])
        #expect(try Regex(#"\{"schema":1,"value":\{"events":1,"stamp":[0-9]+\}\}"#).wholeMatch(in: count.text) != nil)

        let before = stage.trust.store.commits.count
        try await privacy.noteUse(by: stage.subject, as: stage.trust.context())
        let used = stage.trust.store.commits.dropFirst(before).flatMap(\.changes).first {
            $0.key.elements?.last == .text("000000000001")
        }
        guard case .write(let bytes)? = used?.value else { throw BrokenPromise("the acceptance is not there") }
        #expect(
            String(decoding: bytes, as: UTF8.self) == """
                {"schema":1,"value":{"acceptance":{"at":"\(at)","kind":"continuedUse","policy":"2016-03-07",\
                "subject":"\(subject)","terms":"2016-03-07"}}}
                """)

        let disclosure = try record("privacy.disclosure")
        let written = try #require(try await privacy.disclosures(of: stage.subject).first)
        #expect(ids(disclosure.key) == [.text(subject), .text("controller"), .text(written.id.description)])
        #expect(
            disclosure.text == """
                {"schema":1,"value":{"at":"\(at)","categories":["contact.email","contact.phone"],\
                "decision":"\(clearance.decision)","destinations":["us"],"id":"\(written.id)",\
                "identifiability":"personal","mechanisms":[],"operation":"share","policy":"2016-03-07","purpose":"service.operate",\
                "recipient":{"kind":"serviceProvider","name":"hosting"}}}
                """)
        let shared = try record("privacy.shared")
        var name = CanonicalBytes(label: "reeve/privacy/recipient/1")
        name.add(String?("hosting"))
        #expect(
            ids(shared.key) == [
                .text(String(at.day.components.year)), .text("controller"), .text("serviceProvider"),
                .text(try Digest(of: name).description), .text("service.operate"),
            ])
        #expect(
            shared.text == """
                {"schema":1,"value":{"categories":["contact.email","contact.phone"],"purpose":"service.operate",\
                "recipient":{"kind":"serviceProvider","name":"hosting"}}}
                """)
    }
}
