// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReeveStorage
import ReeveTesting
import Testing

/// Clause P5.1 across the rooms: no testimonial is shown without its author's consent, and none stays without it.
@Suite struct TestimonialTests {
    private let author = Identifier<DataSubject>(high: 3, low: 3)
    private let record = Identifier<DataRecord>(high: 1, low: 1)
    private let trust: TestTrust

    init() async throws {
        trust = try await TestTrust(
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
