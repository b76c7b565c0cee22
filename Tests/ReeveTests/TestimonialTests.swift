// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

/// Clause P5.1 across the rooms: no testimonial is shown without its author's consent, and none stays without it.
@Suite struct TestimonialTests {
    private let author = Identifier<DataSubject>(high: 3, low: 3)
    private let record = Identifier<DataRecord>(high: 1, low: 1)
    private let trust: TestTrust

    init() async throws {
        trust = try await TestTrust(
            over: TestStore(),
            configuration: .init(tasks: .init(recallMilliseconds: 0), policy: ReferencePolicies.privacy2016))
    }

    private func testimonial(_ item: String = "t1@2") -> Testimonial {
        Testimonial(item, by: author, as: record, at: ["host"])
    }

    private func choose(_ act: ChoiceEvent.Act, _ item: String = "t1@2") async throws {
        let scope = ChoiceScope(
            [.publish], of: [try #require(DataCategory("testimonial.name"))], items: [item])
        let event = ChoiceEvent(
            act, scope, by: author, at: trust.time.now, under: "2016-03-07", evidence: .init(.form))
        try await trust.layer.privacy.choose(event, as: trust.context())
    }

    private func publish(_ item: String = "t1@2") async throws {
        try await trust.layer.publish(testimonial(item), as: trust.context()) { request in
            #expect(request.item == item)
            trust.location.put(record, about: author)
        }
    }

    @Test func onlyItsAuthorsConsentShowsIt() async throws {
        await #expect(throws: PrivacyError(.notAllowed)) { try await publish() }
        try await choose(.given, "t1@1")
        await #expect(throws: PrivacyError(.notAllowed)) { try await publish() }
        #expect(trust.location[record] == nil)
        #expect(try await trust.layer.retention.records(about: author).isEmpty)
        try await choose(.given)
        try await publish()
        let known = try await trust.layer.retention.records(about: author)
        #expect(trust.location[record] != nil && known.map(\.id) == [record] && known.allSatisfy(\.isPublic))
        // As long as it holds, it stays, and can be shown again.
        #expect(try await trust.layer.withdrawUnlessConsented(testimonial(), as: trust.context()).isEmpty)
        try await publish()
        #expect(trust.location[record] != nil)
    }

    @Test func whatIsNotConsentedToAnyMoreGoes() async throws {
        try await choose(.given)
        try await publish()
        trust.time.advance(by: .seconds(1))
        try await choose(.withdrawn)
        await #expect(throws: PrivacyError(.notAllowed)) { try await publish() }
        let receipts = try await trust.layer.withdrawUnlessConsented(testimonial(), as: trust.context())
        #expect(receipts.map(\.outcome) == [.erased] && trust.location[record] == nil)
        let again = try await trust.layer.retention.erase(record, as: trust.context())
        #expect(again.map(\.outcome) == [.alreadyErased])
    }

    /// A hold keeps it, and once it ends it goes by itself.
    @Test func aHoldDefersThat() async throws {
        try await choose(.given)
        try await publish()
        let hold = Identifier<LegalCase>(high: 9, low: 9)
        let permit = try await trust.permit(ChangeHold.self, on: .record(record))
        try await trust.layer.retention.placeHold(hold, on: record, permit)
        trust.time.advance(by: .seconds(1))
        try await choose(.withdrawn)
        await #expect(throws: PrivacyError(.mustKeep)) {
            try await trust.layer.withdrawUnlessConsented(testimonial(), as: trust.context())
        }
        #expect(trust.location[record] != nil)
        try await trust.layer.retention.releaseHold(
            hold, on: record, try await trust.permit(ChangeHold.self, on: .record(record)))
        try await trust.layer.runOnce()
        #expect(trust.location[record] == nil)
    }

    /// Shown at a further place it is registered there as well, and goes from both; consented to again before a hold ended, it stays.
    @Test func whatIsShownAgainIsKnownEverywhere() async throws {
        let second = MemoryLocation("second")
        let trust = try await TestTrust(
            over: TestStore(),
            configuration: .init(tasks: .init(recallMilliseconds: 0), policy: ReferencePolicies.privacy2016),
            locations: [second])
        func choose(_ act: ChoiceEvent.Act) async throws {
            trust.time.advance(by: .seconds(1))
            let scope = ChoiceScope(
                [.publish], of: [try #require(DataCategory("testimonial.name"))], items: ["t1@2"])
            let event = ChoiceEvent(
                act, scope, by: author, at: trust.time.now, under: "2016-03-07", evidence: .init(.form))
            try await trust.layer.privacy.choose(event, as: trust.context())
        }
        let both = Testimonial("t1@2", by: author, as: record, at: ["host", "second"])
        try await choose(.given)
        for one in [testimonial(), both] {
            try await trust.layer.publish(one, as: trust.context()) { _ in
                trust.location.put(record, about: author)
                if one == both { second.put(record, about: author) }
            }
        }
        let hold = Identifier<LegalCase>(high: 9, low: 9)
        func permit() async throws -> Permit<ChangeHold> {
            try await trust.permit(ChangeHold.self, on: .record(record))
        }
        try await trust.layer.retention.placeHold(hold, on: record, permit())
        try await choose(.withdrawn)
        await #expect(throws: PrivacyError(.mustKeep)) {
            try await trust.layer.withdrawUnlessConsented(both, as: trust.context())
        }
        try await choose(.given)
        try await trust.layer.publish(both, as: trust.context()) { _ in }
        try await trust.layer.retention.releaseHold(hold, on: record, permit())
        try await trust.layer.runOnce()
        #expect(trust.location[record] != nil && second[record] != nil)
        try await choose(.withdrawn)
        let receipts = try await trust.layer.withdrawUnlessConsented(both, as: trust.context())
        #expect(receipts.count == 2 && trust.location[record] == nil && second[record] == nil)
    }

    /// What is no testimonial of the author's is not taken back as one.
    @Test func whatIsNoTestimonialStays() async throws {
        for (subject, category) in [(author, "payment.billing"), (Identifier(high: 3, low: 9), "testimonial.name")] {
            let other = Identifier<DataRecord>(high: 2, low: subject.low)
            trust.location.put(other, about: subject)
            try await trust.layer.retention.register(
                RetainedRecord(
                    id: other, category: try #require(DataCategory(category)), created: trust.time.now.day,
                    as: .controller, about: subject, at: ["host"], isPublic: true), as: trust.context())
            await #expect(throws: PrivacyError.self) {
                try await trust.layer.withdrawUnlessConsented(
                    Testimonial("t1@2", by: author, as: other, at: ["host"]), as: trust.context())
            }
            #expect(trust.location[other] != nil)
        }
        try await choose(.given)
        await #expect(throws: PrivacyError(.alreadyRegistered)) {
            try await trust.layer.publish(
                Testimonial("t1@2", by: author, as: Identifier(high: 2, low: 3), at: ["host"]), as: trust.context()
            ) { _ in }
        }
    }

    /// Who asks for it to be removed is heard (clause P4.3), and told which copies may remain (clause P4.2).
    @Test func whoAsksForItsRemovalIsHeard() async throws {
        try await choose(.given)
        try await publish()
        let request = try await trust.layer.requests.receive(
            .publicRemoval, about: author, through: .email, as: trust.context())
        try await trust.layer.requests.note(.begun, of: request.id, as: trust.context())
        let permit = try await trust.permit(AnswerRequest.self, on: Resource(request.id), in: .platform)
        let answer = try await trust.layer.requests.answer(request.id, residual: [.caches], permit)
        #expect(answer.request.status == .fulfilled && trust.location[record] == nil)
        #expect(answer.notice.contains("caches"))
    }
}
