// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePlans
import ReevePrivacy
import ReeveStorage
import ReeveTesting
import Testing

/// Somebody who chose, agreed and stands in the audit, and asks for it.
private struct Asking: Sendable {
    let trust: TestTrust
    let base: MemoryStore
    static let subject = Identifier<DataSubject>(high: 3, low: 3)
    static let (value, evidence) = ("dana@example.org", "form-entry-8841")
    static let version = "2016-03-07"
    let entry: AuditEntry

    init(events: Int = 1, over wrapped: (MemoryStore) -> any Store = { $0 }) async throws {
        base = MemoryStore()
        trust = try await TestTrust(
            over: wrapped(base),
            configuration: .init(
                tasks: .init(recallMilliseconds: 0), policy: ReferencePolicies.privacy2016,
                retention: RetentionSchedule(rules: [
                    .keep(nil, until: .terminated, because: try #require(ClauseReference("P11.1")))
                ])))
        let entry = AuditEntry(at: trust.time.now, context: trust.context(), action: "host.call", resource: "r")
        try await trust.store.record(
            entry,
            personal: [PersonalValue("email", Self.value, about: Self.subject), PersonalValue("ip", "203.0.113.7")],
            in: trust.layer.access.trail)
        self.entry = try #require(try trust.store.auditEntries().last { $0.id == entry.id })
        _ = try await trust.layer.privacy.noteUse(by: Self.subject, as: trust.context())
        for index in 0..<events { try await choose(index % 2 == 0 ? .given : .withdrawn, index) }
        try await choose(.refused, events)
    }

    func choose(_ act: ChoiceEvent.Act, _ index: Int) async throws {
        let scope = ChoiceScope(of: [try #require(DataCategory("testimonial.name"))], items: ["t\(index % 3)"])
        let event = ChoiceEvent(
            act, scope, by: Self.subject, at: trust.time.now, under: Self.version,
            evidence: .init(.form, reference: Self.evidence))
        try await trust.layer.privacy.choose(event, as: trust.context())
    }

    func ask(_ kind: RequestKind) async throws -> RequestAnswer {
        let request = try await trust.layer.requests.receive(
            kind, about: Self.subject, through: .email, as: trust.context())
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
        #expect(!text.contains("203.0.113.7"))
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
        // What was refused still is, and what was agreed to is not.
        let choices = try await layer.privacy.choices(of: Asking.subject)
        #expect(!choices.isEmpty && choices.allSatisfy { !$0.act.allows && $0.evidence.reference == nil })
        #expect(try await layer.privacy.acceptances(of: Asking.subject).isEmpty)
        // The entry stays, and what it commits to is gone.
        try await layer.audit.runOnce()
        let permit = try await asking.trust.permit(RevealAuditValue.self, on: .log(of: asking.trust.scope))
        #expect(asking.entry.commitments?.count == 2)
        await #expect(throws: AuditError.self) {
            _ = try await layer.audit.value("email", of: asking.entry, in: asking.trust.scope, permit)
        }
        #expect(try await layer.audit.value("ip", of: asking.entry, in: asking.trust.scope, permit) == "203.0.113.7")
        // Asked again it says that it is gone; what the subject chooses from then on counts.
        let again = try await asking.ask(.delete)
        #expect(again.request.status == .fulfilled && again.report?.touchedNothing == true)
        try await asking.choose(.given, 1)
        #expect(try await layer.privacy.choices(of: Asking.subject).last?.act == .given)
    }

    /// A backup that is put back gives the rooms nothing back, whether the registration was in it or not.
    @Test func aRestoredBackupGivesTheRoomsNothingBack() async throws {
        let asking = try await Asking()
        let backup = MemoryStore()
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
            over: backup, configuration: .init(policy: ReferencePolicies.privacy2016), time: asking.trust.time,
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
            over: store, configuration: .init(policy: ReferencePolicies.privacy2016), time: asking.trust.time,
            keys: asking.trust.keys)
        return try await other.layer.requests.answer(
            id, try await other.permit(AnswerRequest.self, on: Resource(id), in: .platform))
    }
}
