// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Testing

/// Somebody who chose, agreed and stands in the audit, and asks for it.
private struct Asking: Sendable {
    let trust: TestTrust
    let base: TestStore
    static let subject = Identifier<DataSubject>(high: 3, low: 3)
    static let (value, evidence) = ("dana@example.org", "form-entry-8841")
    static let theirs = "dana@customer.example"
    static let version = "2016-03-07"
    let entry: AuditEntry

    init(events: Int = 1, ends: Bool = true, over wrapped: (TestStore) -> any Store = { $0 }) async throws {
        base = TestStore()
        trust = try await TestTrust(
            over: wrapped(base),
            configuration: .init(
                tasks: .init(recallMilliseconds: 0), policy: ReferencePolicies.privacy2016,
                retention: RetentionSchedule(rules: [
                    .keep(nil, until: .terminated, because: try #require(ClauseReference("P11.1")))
                ])))
        entry = try await trust.layer.audit.record(
            "call", on: Resource(Self.subject),
            personal: [PersonalValue("email", Self.value, about: Self.subject), PersonalValue("ip", "203.0.113.7")],
            as: trust.context(.platform))
        // What stands in a workspace's log is its customer's.
        try await trust.layer.audit.record(
            "call", on: Resource(Self.subject), personal: [PersonalValue("email", Self.theirs, about: Self.subject)],
            as: trust.context())
        _ = try await trust.layer.privacy.noteUse(by: Self.subject, as: trust.context())
        for index in 0..<events { try await choose(index % 2 == 0 ? .given : .withdrawn, index) }
        if ends { try await choose(.refused, events) }
    }

    func choose(_ act: ChoiceEvent.Act, _ index: Int) async throws {
        let scope = ChoiceScope(of: [try #require(DataCategory("testimonial.name"))], items: ["t\(index % 3)"])
        let event = ChoiceEvent(
            act, scope, by: Self.subject, at: trust.time.now, under: Self.version,
            evidence: .init(.form, reference: Self.evidence))
        try await trust.layer.privacy.choose(event, as: trust.context())
    }

    func ask(_ kind: RequestKind, of subject: Identifier<DataSubject>? = nil) async throws -> RequestAnswer {
        let request = try await trust.layer.requests.receive(
            kind, about: subject ?? Self.subject, through: .email, as: trust.context())
        try await trust.layer.requests.note(.askedForIdentity, of: request.id, as: trust.context())
        try await trust.layer.requests.note(.identityProven, of: request.id, as: trust.context())
        return try await answer(request.id)
    }

    func answer(_ id: Identifier<SubjectRequestRecord>) async throws -> RequestAnswer {
        try await trust.layer.requests.answer(
            id, try await trust.permit(AnswerRequest.self, on: Resource(id), in: .platform))
    }

    /// Whether a text stands anywhere in the store, in a key or a record.
    func stores(_ text: String, _ store: any Store) async throws -> Bool {
        for partition in [Partition.platform, Partition(trust.scope)] {
            let found = try await store.records(in: KeyRange(under: Key(partition)), limit: 100_000)
            if found.contains(where: { entry in
                entry.key.description.contains(text)
                    || String(decoding: entry.record.bytes, as: UTF8.self).contains(text)
            }) {
                return true
            }
        }
        return false
    }
}

/// What the rooms have of a subject is shown to the subject, and goes when the subject asks (clauses P9.2, P9.3).
@Suite struct RoomDataTests {
    @Test func aSubjectIsShownWhatTheRoomsHave() async throws {
        let asking = try await Asking()
        let answer = try await asking.ask(.access)
        #expect(answer.request.status == .fulfilled)
        let export = try #require(answer.export)
        #expect(Set(export.items.map(\.location)) == ["choices", "audit.subjects"])
        let text = String(decoding: export.json(), as: UTF8.self)
        #expect(text.contains(Asking.value) && text.contains(Asking.evidence) && text.contains("continuedUse"))
        // Of nobody else; and what was only shown is registered nowhere.
        #expect(!text.contains("203.0.113.7") && !text.contains(Asking.theirs))
        #expect(try await asking.trust.layer.retention.records(about: Asking.subject).isEmpty)
        // Each content is a document of its own.
        for item in export.items { _ = try JSONSerialization.jsonObject(with: Data(item.content)) }
    }

    @Test func aSubjectsDataGoesFromTheRooms() async throws {
        let asking = try await Asking(events: 40)
        let layer = asking.trust.layer
        try await layer.audit.runOnce()
        let answer = try await asking.ask(.delete)
        #expect(answer.request.status == .fulfilled)
        #expect(answer.report?.counts["erased"] == 2)
        for text in [Asking.value, Asking.evidence] {
            #expect(try await !asking.stores(text, asking.base), "\(text)")
        }
        // Somebody else's value stays.
        #expect(try await asking.stores("203.0.113.7", asking.base))
        #expect(try await asking.stores(Asking.theirs, asking.base))
        #expect(answer.notice.contains("opted out"))
        // What was refused still is, and what was agreed to is not.
        let choices = try await layer.privacy.choices(of: Asking.subject)
        #expect(!choices.isEmpty && choices.allSatisfy { !$0.act.allows && $0.evidence.reference == nil })
        #expect(try await layer.privacy.acceptances(of: Asking.subject).isEmpty)
        // The entry stays, and what it commits to is gone.
        try await layer.audit.runOnce()
        let permit = try await asking.trust.permit(RevealAuditValue.self, on: .log(of: .platform), in: .platform)
        #expect(asking.entry.commitments?.count == 2)
        await #expect(throws: AuditError.self) {
            _ = try await layer.audit.value("email", of: asking.entry, in: .platform, permit)
        }
        #expect(try await layer.audit.value("ip", of: asking.entry, in: .platform, permit) == "203.0.113.7")
        // Asked again it says that it is gone; what the subject chooses from then on counts.
        let again = try await asking.ask(.delete)
        #expect(again.request.status == .fulfilled && again.report?.touchedNothing == true)
        try await asking.choose(.given, 1)
        #expect(try await layer.privacy.choices(of: Asking.subject).last?.act == .given)
    }

    /// Of whom a customer alone has data nothing is shown or erased: they are sent there (clause P9.5).
    @Test func whoIsACustomersIsSentThere() async throws {
        let asking = try await Asking()
        let other = Identifier<DataSubject>(high: 3, low: 4)
        try await asking.trust.layer.audit.record(
            "call", on: Resource(other), personal: [PersonalValue("email", "kim@customer.example", about: other)],
            as: asking.trust.context())
        asking.trust.location.put(Identifier(high: 1, low: 9), about: other)
        try await asking.trust.layer.retention.register(
            RetainedRecord(
                id: Identifier(high: 1, low: 9), category: try #require(DataCategory("content.message")),
                created: asking.trust.time.now.day, as: .processor(for: asking.trust.company), about: other,
                at: ["host"]), as: asking.trust.context())
        for kind in [RequestKind.access, .delete] {
            let answer = try await asking.ask(kind, of: other)
            #expect(answer.request.events.last?.act == .redirected([asking.trust.company]))
            #expect(answer.export == nil && answer.report == nil)
        }
        #expect(try await asking.stores("kim@customer.example", asking.base))
    }

    /// What a room has of a subject can be held before anybody asks for it to go.
    @Test func whatARoomHasCanBeHeld() async throws {
        let asking = try await Asking()
        let retention = asking.trust.layer.retention
        let registered = try await retention.registerRooms(about: Asking.subject, as: asking.trust.context())
        #expect(registered.flatMap(\.locations).sorted() == ["audit.subjects", "choices"])
        let held = try #require(registered.first { $0.locations == ["audit.subjects"] })
        let hold = Identifier<LegalCase>(high: 9, low: 9)
        func permit() async throws -> Permit<ChangeHold> {
            try await asking.trust.permit(ChangeHold.self, on: .record(held.id), in: .platform)
        }
        try await retention.placeHold(hold, on: held.id, permit())
        let answer = try await asking.ask(.delete)
        #expect(answer.request.status == .partly)
        #expect(try await asking.stores(Asking.value, asking.base))
        #expect(try await !asking.stores(Asking.evidence, asking.base))
        try await retention.releaseHold(hold, on: held.id, permit())
        try await asking.trust.layer.runOnce()
        #expect(try await !asking.stores(Asking.value, asking.base))
    }

    /// Nobody reaches what a room has by another's name: neither by a record that is kept sealed, nor in another scope.
    @Test func noRecordReachesIntoARoom() async throws {
        let asking = try await Asking()
        for place in TrustLayer.roomLocations.sorted() where place != SealedRecords.locationName {
            let id = Asking.subject.record(at: place)
            let facts = RetainedRecord(
                id: id, category: try #require(DataCategory("content.message")), created: asking.trust.time.now.day,
                as: .controller, at: [place])
            let permit = try await asking.trust.permit(StoreCredential.self, on: SealedRecords.resource(of: id))
            await #expect(throws: PrivacyError(.unknownLocation)) {
                try await asking.trust.layer.sealed.keep(SecretBytes(copying: [1]), as: facts, permit)
            }
            // Nor where it is registered in a scope of somebody's.
            try await asking.trust.layer.retention.registerAnywhere(facts, as: asking.trust.context())
            let request = Identifier<SubjectRequestRecord>(high: 5, low: 5)
            try await asking.trust.layer.retention.demand(id, by: request, as: asking.trust.context())
            await #expect(throws: PrivacyError.self) {
                try await asking.trust.layer.retention.erase(id, as: asking.trust.context())
            }
        }
        #expect(try await asking.stores(Asking.value, asking.base))
        #expect(try await asking.stores(Asking.evidence, asking.base))
    }

    /// An erasure that stalled erases nothing of what was chosen since, whoever finished it.
    @Test func aStalledErasureEndsNoOptOut() async throws {
        let asking = try await Asking(events: 1, ends: false)
        let privacy = asking.trust.layer.privacy
        func erase() async throws -> ErasureOutcome {
            try await privacy.eraseChoices(
                asking.trust.layer.access.erasure(
                    of: Asking.subject.record(at: "choices"), at: "choices", attempt: 1,
                    Identifier(at: asking.trust.time.now), asking.trust.context(.platform), isOwn: true))
        }
        #expect(try await erase() == .erased)
        #expect(try await privacy.choices(of: Asking.subject).isEmpty)
        try await asking.choose(.refused, 0)
        // Whoever looked before the subject refused had only numbers from before.
        let events = try await asking.base.records(
            in: KeyRange(under: Key(.platform, [.text("privacy.event")])), limit: 10)
        #expect(events.count == 1 && events[0].key.description.hasSuffix("000000000002"))
        #expect(try await erase() == .erased)
        #expect(try await privacy.choices(of: Asking.subject).map(\.act) == [.refused])
    }

    /// A backup that is put back gives the rooms nothing back, whether the registration was in it or not.
    @Test func aRestoredBackupGivesTheRoomsNothingBack() async throws {
        let asking = try await Asking()
        let backup = TestStore()
        for partition in [Partition.platform, Partition(asking.trust.scope)] {
            for entry in try await asking.base.records(in: KeyRange(under: Key(partition)), limit: 100_000) {
                var changes = Changes()
                changes.write(entry.key, entry.record.bytes)
                try await backup.commit(changes)
            }
        }
        _ = try await asking.ask(.delete)
        // The platform's keys are those of before.
        let restored = try await TestTrust(
            over: backup, configuration: .init(policy: ReferencePolicies.privacy2016),
            time: asking.trust.time,
            keys: asking.trust.keys)
        let there = try await asking.stores(Asking.value, backup)
        #expect(there)
        let replay = try await restored.layer.retention.replayErasures(as: restored.context())
        #expect(replay.unknown.isEmpty && replay.failures.isEmpty)
        #expect(Set(replay.receipts.map(\.location)) == ["choices", "audit.subjects"])
        for text in [Asking.value, Asking.evidence] {
            #expect(try await !asking.stores(text, backup), "\(text)")
        }
        #expect(try await restored.layer.privacy.choices(of: Asking.subject).map(\.act) == [.refused])
    }

    /// Every store call of an answer fails once: at no instant is less refused than before, and answered again all of it is gone.
    @Test(arguments: [FaultyStore.Fault.refused, .replyLost, .requestLost, .delayed])
    func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        let counted = try await Asking(events: 10)
        let request = try await open(counted)
        let counting = FaultyStore(counted.base)
        _ = try await answer(request, over: counting, of: counted)
        #expect(counting.calls > 40)
        for call in stride(from: 1, through: counting.calls, by: 3) {
            let asking = try await Asking(events: 10)
            let request = try await open(asking)
            do {
                _ = try await answer(request, over: FaultyStore(asking.base, failing: call, with: fault), of: asking)
            } catch {
                // Called again it goes on.
            }
            let between = try await asking.trust.layer.privacy.choices(of: Asking.subject)
            #expect(between.contains { $0.act == .refused }, "\(fault) at call \(call)")
            let stands = try await asking.trust.layer.requests.request(request).status
            if stands != .fulfilled { _ = try await asking.answer(request) }
            #expect(try await asking.trust.layer.requests.request(request).status == .fulfilled)
            for text in [Asking.value, Asking.evidence] {
                #expect(try await !asking.stores(text, asking.base), "\(text), \(fault) at call \(call)")
            }
            let left = try await asking.trust.layer.privacy.choices(of: Asking.subject)
            #expect(left.allSatisfy { !$0.act.allows }, "\(fault) at call \(call)")
        }
    }

    private func open(_ asking: Asking) async throws -> Identifier<SubjectRequestRecord> {
        let (requests, context) = (asking.trust.layer.requests, asking.trust.context())
        let request = try await requests.receive(.delete, about: Asking.subject, through: .email, as: context)
        try await requests.note(.askedForIdentity, of: request.id, as: context)
        try await requests.note(.identityProven, of: request.id, as: context)
        return request.id
    }

    /// Answers by another process over the store.
    private func answer(
        _ id: Identifier<SubjectRequestRecord>, over store: any Store, of asking: Asking
    ) async throws -> RequestAnswer {
        let other = try await TestTrust(
            over: store, configuration: .init(policy: ReferencePolicies.privacy2016),
            time: asking.trust.time,
            keys: asking.trust.keys)
        return try await other.layer.requests.answer(
            id, try await other.permit(AnswerRequest.self, on: Resource(id), in: .platform))
    }
}
