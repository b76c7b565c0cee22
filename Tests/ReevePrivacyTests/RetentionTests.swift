// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePrivacy
import ReeveStorage
import ReeveTesting
import Synchronization
import Testing

@Suite struct RetentionTests {
    private static func schedule() throws -> RetentionSchedule {
        RetentionSchedule(rules: [
            RetentionRule(
                category: try #require(DataCategory("content.message")), days: 30,
                clause: try #require(ClauseReference("P11.5")))
        ])
    }

    private struct Fixture: Sendable {
        let trust: TestTrust
        let record: RetainedRecord
        let hold = Identifier<LegalCase>(high: 7, low: 7)

        init(category: String = "content.message", over store: any Store = MemoryStore()) async throws {
            trust = try await TestTrust(over: store, configuration: .init(retention: RetentionTests.schedule()))
            record = RetainedRecord(
                id: Identifier(at: trust.time.now), category: try #require(DataCategory(category)),
                anchor: trust.time.now.day)
            try await trust.layer.retention.register(record, as: trust.context())
        }

        var retention: Retention { trust.layer.retention }
        func kind() async throws -> Disposition.Kind {
            try await retention.disposition(of: record.id, in: trust.scope).kind
        }
        func permit() async throws -> Permit<ChangeHold> {
            try await trust.permit(ChangeHold.self, on: .record(record.id))
        }
        func pass(days: Int) { trust.time.advance(by: .seconds(days * 86_400)) }
    }

    @Test func timeDecides() async throws {
        let fixture = try await Fixture()
        let first = try await fixture.retention.disposition(of: fixture.record.id, in: fixture.trust.scope)
        #expect(first.kind == .mayKeep && first.nextChange == fixture.record.anchor.advanced(byDays: 30))
        #expect(first.reasons == [.rule(try #require(ClauseReference("P11.5")))])
        fixture.pass(days: 29)
        #expect(try await fixture.kind() == .mayKeep)
        fixture.pass(days: 1)
        #expect(try await fixture.kind() == .mustDelete)
        #expect(try await Fixture(category: "content.message.body").kind() == .mayKeep)
        #expect(try await Fixture(category: "content").kind() == .noRule)
        #expect(try await Fixture(category: "content.messages").kind() == .noRule)
    }

    @Test func aHoldBeatsTheRule() async throws {
        let fixture = try await Fixture()
        fixture.pass(days: 40)
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        let held = try await fixture.retention.disposition(of: fixture.record.id, in: fixture.trust.scope)
        #expect(held.kind == .mustKeep && held.reasons.first == .hold(fixture.hold) && held.nextChange == nil)
        await expect(.mustKeep) {
            _ = try await fixture.retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
        }
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        try await fixture.retention.releaseHold(fixture.hold, on: fixture.record.id, fixture.permit())
        #expect(try await fixture.kind() == .mustDelete)
        await expect(.unknownHold) {
            try await fixture.retention.releaseHold(fixture.hold, on: fixture.record.id, fixture.permit())
        }
    }

    /// A permit that was made before a hold erases nothing.
    @Test func aHoldVoidsEarlierErasurePermits() async throws {
        let fixture = try await Fixture()
        fixture.pass(days: 40)
        let erasure = try await fixture.retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        await expectErasure(.staleErasurePermit, fixture, erasure)
        #expect(try await fixture.kind() == .mustKeep)
    }

    @Test func anErasurePermitEnds() async throws {
        let fixture = try await Fixture()
        fixture.pass(days: 40)
        let erasure = try await fixture.retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
        fixture.trust.time.advance(by: Retention.permitLifetime)
        await expectErasure(.staleErasurePermit, fixture, erasure)
        let other = try await Fixture()
        other.pass(days: 40)
        let foreign = try await other.retention.erasurePermit(for: other.record.id, as: other.trust.context())
        await expectErasure(.staleErasurePermit, fixture, foreign)
    }

    @Test func erasingRemovesTheDataFirstAndThenTheRecord() async throws {
        let fixture = try await Fixture()
        fixture.pass(days: 40)
        let start = fixture.trust.store.commits.count
        let failing = try await fixture.retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
        do {
            try await fixture.retention.erase(failing) { _ in throw StoreError.outcomeUnknown }
            Issue.record("it was erased")
        } catch {
            #expect(error == PrivacyError(.removalFailed))
        }
        await expect(.beingErased) {
            try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        }
        let again = try await fixture.retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
        var removed: [Identifier<DataRecord>] = []
        try await fixture.retention.erase(again) { removed.append($0) }
        #expect(removed == [fixture.record.id])
        await expect(.unknownRecord) { _ = try await fixture.kind() }
        let erasures = try fixture.trust.store.auditEntries(from: start).filter { $0.action == "privacy.erase" }
        #expect(erasures.map(\.outcome) == [.refused, .success])
    }

    @Test func nothingIsErasedEarlyOrWithoutARule() async throws {
        let early = try await Fixture()
        await expect(.mustKeep) {
            _ = try await early.retention.erasurePermit(for: early.record.id, as: early.trust.context())
        }
        let unruled = try await Fixture(category: "content")
        unruled.pass(days: 10_000)
        await expect(.mustKeep) {
            _ = try await unruled.retention.erasurePermit(for: unruled.record.id, as: unruled.trust.context())
        }
        await expect(.alreadyRegistered) { try await early.retention.register(early.record, as: early.trust.context()) }
    }

    /// Permits of an earlier registration erase nothing of a later one.
    @Test func aRecordThatIsRegisteredAgainNeedsANewPermit() async throws {
        let fixture = try await Fixture()
        fixture.pass(days: 40)
        let first = try await fixture.retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
        let second = try await fixture.retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
        let again = RetainedRecord(
            id: fixture.record.id, category: fixture.record.category, anchor: fixture.trust.time.now.day)
        try await fixture.retention.erase(first) { _ in }
        try await fixture.retention.register(again, as: fixture.trust.context())
        await expectErasure(.staleErasurePermit, fixture, second)
        #expect(try await fixture.kind() == .mayKeep)
    }

    /// What is registered while an erasure is still removing stays registered.
    @Test func anErasureDoesNotDeleteALaterRegistration() async throws {
        let fixture = try await Fixture()
        fixture.pass(days: 40)
        let slow = try await fixture.retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
        let quick = try await fixture.retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
        let context = fixture.trust.context()
        let again = RetainedRecord(
            id: fixture.record.id, category: fixture.record.category, anchor: fixture.trust.time.now.day)
        let box = Box(quick)
        do {
            try await fixture.retention.erase(slow) { _ in
                if let quick = box.take() { try await fixture.retention.erase(quick) { _ in } }
                try await fixture.retention.register(again, as: context)
            }
            Issue.record("the later registration was erased")
        } catch {
            #expect(error == PrivacyError(.staleErasurePermit))
        }
        #expect(try await fixture.kind() == .mayKeep)
    }

    /// Holds a permit until it is taken once.
    private final class Box: Sendable {
        private let permit: Mutex<ErasurePermit?>

        init(_ permit: consuming ErasurePermit) { self.permit = Mutex(permit) }

        func take() -> ErasurePermit? { permit.withLock { $0.take() } }
    }

    @Test func anotherScopeSeesNothing() async throws {
        let fixture = try await Fixture()
        let other = Scope(try #require(fixture.trust.scope.workspace), .development)
        await expect(.unknownRecord) { _ = try await fixture.retention.disposition(of: fixture.record.id, in: other) }
        let permit = try await fixture.trust.permit(ChangeHold.self, on: .record(fixture.record.id), in: other)
        await expect(.unknownRecord) {
            try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, permit)
        }
    }

    /// A crash after any store call: the data is removed only when the record was closed for holds, and never while held.
    @Test(arguments: FaultyStore.Fault.allCases) func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        for call in 1...12 {
            let base = MemoryStore()
            let fixture = try await Fixture(over: base)
            fixture.pass(days: 40)
            // The first call records the operator; the next ones are the erasure's.
            let faulty = FaultyStore(base, failing: call + 1, with: fault)
            let authority = try await AccessAuthority.soleOperator(
                fixture.trust.principal, reason: "b", store: faulty, time: fixture.trust.time)
            let retention = Retention(schedule: try Self.schedule(), authority: authority)
            var removed = false
            do {
                let erasure = try await retention.erasurePermit(for: fixture.record.id, as: fixture.trust.context())
                try await retention.erase(erasure) { _ in removed = true }
                #expect(removed)
            } catch {
                guard removed else { continue }
            }
            do {
                try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
                Issue.record("a hold was placed on data that is gone: \(fault) at call \(call)")
            } catch let error as PrivacyError {
                #expect(error == PrivacyError(.beingErased) || error == PrivacyError(.unknownRecord))
            }
        }
    }

    @Test func messagesSayWhatToDo() {
        for code in PrivacyError.Code.allCases { #expect("\(PrivacyError(code))".count > 20) }
        #expect(RetentionSchedule(rules: []).validate().isEmpty)
    }

    private func expect(_ code: PrivacyError.Code, _ body: () async throws -> Void) async {
        do {
            try await body()
            Issue.record("\(code) was not thrown")
        } catch {
            #expect(error as? PrivacyError == PrivacyError(code))
        }
    }

    private func expectErasure(_ code: PrivacyError.Code, _ fixture: Fixture, _ permit: consuming ErasurePermit) async {
        do {
            try await fixture.retention.erase(permit) { _ in Issue.record("the data was removed") }
            Issue.record("\(code) was not thrown")
        } catch {
            #expect(error == PrivacyError(code))
        }
    }
}
