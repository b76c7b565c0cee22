// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

/// Rooms with a record of a message in two places.
struct RetentionFixture: Sendable {
    let trust: TestTrust
    let second = MemoryLocation("second")
    let record: RetainedRecord
    let hold = Identifier<LegalCase>(high: 7, low: 7)
    let request = Identifier<SubjectRequestRecord>(high: 8, low: 8)
    static let subject = Identifier<DataSubject>(high: 3, low: 3)

    static func schedule() throws -> RetentionSchedule {
        RetentionSchedule(rules: [
            RetentionRule(
                category: try #require(DataCategory("content.message")), days: 30, clause: clause("P11.5"))
        ])
    }

    init(
        category: String = "content.message", schedule: RetentionSchedule? = nil, at locations: Set<String> = ["host"],
        role: DataRole = .controller, over store: any Store = TestStore(), time: ManualTime = ManualTime()
    ) async throws {
        trust = try await TestTrust(
            over: store, configuration: .init(retention: try schedule ?? Self.schedule()),
            time: time,
            locations: [second])
        record = RetainedRecord(
            id: Identifier(at: trust.time.now), category: try #require(DataCategory(category)),
            created: trust.time.now.day, as: role, about: Self.subject, of: trust.company, at: locations)
        trust.location.put(record.id, about: Self.subject)
        if locations.contains("second") { second.put(record.id, about: Self.subject) }
        try await trust.layer.retention.register(record, as: trust.context())
    }

    var retention: Retention { trust.layer.retention }
    func disposition() async throws -> Disposition { try await retention.disposition(of: record.id, in: trust.scope) }
    func kind() async throws -> Disposition.Kind { try await disposition().kind }
    func permit() async throws -> Permit<ChangeHold> { try await trust.permit(ChangeHold.self, on: .record(record.id)) }
    func erasurePermit(at location: String = "host") async throws -> ErasurePermit {
        try await retention.erasurePermit(for: record.id, at: location, as: trust.context())
    }
    func pass(days: Int) { trust.time.advance(by: .seconds(days * 86_400)) }
}

func expect(_ code: PrivacyError.Code, _ body: () async throws -> Void) async {
    do {
        try await body()
        Issue.record("\(code) was not thrown")
    } catch {
        #expect(error as? PrivacyError == PrivacyError(code))
    }
}

func expectErasure(
    _ code: PrivacyError.Code, _ fixture: RetentionFixture, _ permit: consuming ErasurePermit
) async {
    let before = fixture.trust.location.erasures.count
    do {
        try await fixture.retention.erase(permit)
        Issue.record("\(code) was not thrown")
    } catch {
        #expect(error == PrivacyError(code))
    }
    #expect(fixture.trust.location.erasures.count == before, "the data was removed")
}

@Suite struct RetentionTests {
    @Test func timeDecides() async throws {
        let fixture = try await RetentionFixture()
        let first = try await fixture.disposition()
        #expect(first.kind == .mayKeep && first.nextChange == fixture.record.created.advanced(byDays: 30))
        #expect(first.reasons == [.rule(clause("P11.5"))])
        fixture.pass(days: 29)
        #expect(try await fixture.kind() == .mayKeep)
        fixture.pass(days: 1)
        #expect(try await fixture.kind() == .mustDelete)
        #expect(try await RetentionFixture(category: "content.message.body").kind() == .mayKeep)
        #expect(try await RetentionFixture(category: "content").kind() == .noRule)
        #expect(try await RetentionFixture(category: "content.messages").kind() == .noRule)
    }

    @Test func aHoldBeatsTheRule() async throws {
        let fixture = try await RetentionFixture()
        fixture.pass(days: 40)
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        let held = try await fixture.disposition()
        #expect(held.kind == .mustKeep && held.reasons.first == .hold(fixture.hold) && held.nextChange == nil)
        do {
            _ = try await fixture.erasurePermit()
            Issue.record("a permit was made")
        } catch let error as PrivacyError {
            // The refusal says why.
            #expect(error.code == .mustKeep && error.disposition == held && "\(error)".contains("hold:"))
        }
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        try await fixture.retention.releaseHold(fixture.hold, on: fixture.record.id, fixture.permit())
        #expect(try await fixture.kind() == .mustDelete)
        await expect(.unknownHold) {
            try await fixture.retention.releaseHold(fixture.hold, on: fixture.record.id, fixture.permit())
        }
    }

    /// A hold by which time begins anew: it does when it ends. Under a temporary one it runs on.
    @Test(arguments: LegalHold.Kind.allCases) func whatAHoldDoesToTime(_ kind: LegalHold.Kind) async throws {
        for closes in [false, true] {
            let fixture = try await RetentionFixture()
            try await fixture.retention.placeHold(fixture.hold, kind, on: fixture.record.id, fixture.permit())
            fixture.pass(days: 20)
            if closes {
                try await fixture.retention.closeCase(
                    fixture.hold, try await fixture.trust.permit(ChangeHold.self, on: Resource(fixture.hold)))
            } else {
                try await fixture.retention.releaseHold(fixture.hold, on: fixture.record.id, fixture.permit())
            }
            fixture.pass(days: 10)
            #expect(try await fixture.kind() == (kind == .temporary ? .mustDelete : .mayKeep))
            fixture.pass(days: 19)
            #expect(try await fixture.kind() == (kind == .temporary ? .mustDelete : .mayKeep))
            fixture.pass(days: 1)
            #expect(try await fixture.kind() == .mustDelete)
        }
    }

    /// Clause P11.3c: what a dispute keeps goes the day after its case is closed, in its own scope alone.
    @Test func aClosedCaseHoldsNothing() async throws {
        let fixture = try await RetentionFixture()
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        fixture.pass(days: 40)
        let other = Scope(try #require(fixture.trust.scope.workspace), .development)
        let elsewhere = try await fixture.trust.permit(ChangeHold.self, on: Resource(fixture.hold), in: other)
        try await fixture.retention.closeCase(fixture.hold, elsewhere)
        fixture.pass(days: 2)
        #expect(try await fixture.kind() == .mustKeep)
        func close() async throws {
            try await fixture.retention.closeCase(
                fixture.hold, try await fixture.trust.permit(ChangeHold.self, on: Resource(fixture.hold)))
        }
        try await close()
        #expect(try await fixture.kind() == .mustKeep)
        fixture.pass(days: 1)
        #expect(try await fixture.kind() == .mustDelete)
        // Closed again, it stays closed since then; and holds nothing any more.
        try await close()
        #expect(try await fixture.kind() == .mustDelete)
        await expect(.caseClosed) {
            try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        }
        await expect(.refused) {
            try await fixture.retention.closeCase(fixture.hold, try await fixture.permit())
        }
    }

    /// Clause P11.3d: what enforcing an agreement takes is kept while that goes on, whatever is asked; the day after it ends what was asked for is done, by itself.
    @Test func whatEnforcementTakesIsKeptUntilItEnds() async throws {
        let schedule = RetentionSchedule(rules: [
            .keep(nil, until: .terminated, because: clause("P11.1"))
        ])
        let fixture = try await RetentionFixture(schedule: schedule)
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        try await fixture.retention.demand(fixture.record.id, by: fixture.request, as: fixture.trust.context())
        for _ in 0..<5 {
            fixture.pass(days: 300)
            let kept = try await fixture.disposition()
            #expect(kept.kind == .mustKeep && kept.reasons == [.hold(fixture.hold)] && kept.until == .open)
            _ = try await fixture.retention.eraseDue(as: fixture.trust.context())
            #expect(fixture.trust.location[fixture.record.id] != nil)
        }
        try await fixture.retention.closeCase(
            fixture.hold, try await fixture.trust.permit(ChangeHold.self, on: Resource(fixture.hold)))
        #expect(try await fixture.retention.eraseDue(as: fixture.trust.context()).erased == 0)
        fixture.pass(days: 1)
        #expect(try await fixture.retention.eraseDue(as: fixture.trust.context()).erased == 1)
        #expect(fixture.trust.location[fixture.record.id] == nil)
    }

    /// A permit that was made before a hold erases nothing.
    @Test func aHoldVoidsEarlierErasurePermits() async throws {
        let fixture = try await RetentionFixture()
        fixture.pass(days: 40)
        let erasure = try await fixture.erasurePermit()
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        await expectErasure(.staleErasurePermit, fixture, erasure)
        #expect(try await fixture.kind() == .mustKeep)
    }

    @Test func anErasurePermitEnds() async throws {
        let fixture = try await RetentionFixture()
        fixture.pass(days: 40)
        let erasure = try await fixture.erasurePermit()
        fixture.trust.time.advance(by: Retention.permitLifetime)
        await expectErasure(.staleErasurePermit, fixture, erasure)
        let other = try await RetentionFixture()
        other.pass(days: 40)
        await expectErasure(.staleErasurePermit, fixture, try await other.erasurePermit())
    }

    /// Of two permits for one attempt the first counts.
    @Test func aPermitIsForOneAttempt() async throws {
        let fixture = try await RetentionFixture()
        fixture.pass(days: 40)
        let first = try await fixture.erasurePermit()
        let second = try await fixture.erasurePermit()
        let attempts = [first.attempt, second.attempt]
        #expect(attempts == [1, 1])
        fixture.trust.location.isFailing = true
        await expectErasure(.removalFailed, fixture, first)
        fixture.trust.location.isFailing = false
        await expectErasure(.staleErasurePermit, fixture, second)
        let third = try await fixture.erasurePermit()
        let attempt = third.attempt
        #expect(attempt == 2)
        #expect(try await fixture.retention.erase(third).outcome == .erased)
    }

    @Test func erasingRemovesTheDataFirstAndThenTheRecord() async throws {
        let fixture = try await RetentionFixture()
        fixture.pass(days: 40)
        let start = fixture.trust.store.commits.count
        let failing = try await fixture.erasurePermit()
        fixture.trust.location.isFailing = true
        await expectErasure(.removalFailed, fixture, failing)
        fixture.trust.location.isFailing = false
        await expect(.beingErased) {
            try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        }
        try await fixture.retention.erase(try await fixture.erasurePermit())
        #expect(fixture.trust.location.erasures == [fixture.record.id])
        #expect(fixture.trust.location[fixture.record.id] == nil)
        await expect(.unknownRecord) { _ = try await fixture.kind() }
        let erasures = try fixture.trust.store.auditEntries(from: start).filter { $0.action == "privacy.erase" }
        #expect(erasures.map(\.outcome) == [.refused, .success])
        #expect(try await fixture.retention.records(about: RetentionFixture.subject).isEmpty)
    }

    /// One place that fails keeps no other from it, and is tried again alone; to erase twice is a success that says so.
    @Test func placesAreErasedEachByItself() async throws {
        let fixture = try await RetentionFixture(at: ["host", "second"])
        fixture.pass(days: 40)
        fixture.trust.location.isFailing = true
        await expect(.removalFailed) {
            _ = try await fixture.retention.erase(fixture.record.id, as: fixture.trust.context())
        }
        #expect(fixture.second[fixture.record.id] == nil && fixture.trust.location[fixture.record.id] != nil)
        let again = try await fixture.retention.erase(try await fixture.erasurePermit(at: "second"))
        #expect(again.outcome == .alreadyErased && fixture.second.erasures.count == 1)
        fixture.trust.location.isFailing = false
        let rest = try await fixture.retention.erase(fixture.record.id, as: fixture.trust.context())
        #expect(rest.map(\.location) == ["host"] && rest.map(\.outcome) == [.erased])
        #expect(fixture.second.erasures.count == 1)
        let twice = try await fixture.retention.erase(fixture.record.id, as: fixture.trust.context())
        #expect(twice.map(\.outcome) == [.alreadyErased])
        // In another scope nothing is known of it.
        await expect(.unknownRecord) {
            let other = Scope(try #require(fixture.trust.scope.workspace), .development)
            _ = try await fixture.retention.erase(fixture.record.id, as: fixture.trust.context(other))
        }
    }

    /// That nothing was there is said.
    @Test func whatTouchedNothingSaysSo() async throws {
        let fixture = try await RetentionFixture(at: ["host", "second"])
        fixture.pass(days: 40)
        let empty = RetainedRecord(
            id: Identifier(high: 1, low: 9), category: fixture.record.category, created: fixture.record.created,
            as: .controller, at: ["host"])
        try await fixture.retention.register(empty, as: fixture.trust.context())
        let receipts = try await fixture.retention.erase(empty.id, as: fixture.trust.context())
        #expect(receipts.map(\.outcome) == [.nothingThere])
    }

    @Test func nothingIsErasedEarlyOrWithoutARule() async throws {
        let early = try await RetentionFixture()
        await expect(.mustKeep) { _ = try await early.erasurePermit() }
        let unruled = try await RetentionFixture(category: "content")
        unruled.pass(days: 10_000)
        await expect(.mustKeep) { _ = try await unruled.erasurePermit() }
        await expect(.alreadyRegistered) { try await early.retention.register(early.record, as: early.trust.context()) }
    }

    /// A record is at places that there are.
    @Test func placesAreRegistered() async throws {
        let fixture = try await RetentionFixture()
        for places in [Set<String>(), ["nowhere"], ["host", "nowhere"]] {
            let lost = RetainedRecord(
                id: Identifier(high: 1, low: 9), category: fixture.record.category, created: fixture.record.created,
                as: .controller, at: places)
            await expect(.unknownLocation) {
                try await fixture.retention.register(lost, as: fixture.trust.context())
            }
        }
        fixture.pass(days: 40)
        for place in ["second", "nowhere", ""] {
            await expect(.unknownLocation) { _ = try await fixture.erasurePermit(at: place) }
        }
        #expect(
            fixture.retention.locationNames
                == [
                    "audit", "audit.subjects", "choices", "choices.customers", "host", "plans", "publications",
                    "sealed",
                    "second", "vault",
                ])
    }

    /// Permits of an earlier registration erase nothing of a later one.
    @Test func aRecordThatIsRegisteredAgainNeedsANewPermit() async throws {
        let fixture = try await RetentionFixture()
        fixture.pass(days: 40)
        let first = try await fixture.erasurePermit()
        let second = try await fixture.erasurePermit()
        try await fixture.retention.erase(first)
        try await fixture.retention.register(fixture.again, as: fixture.trust.context())
        await expectErasure(.staleErasurePermit, fixture, second)
        #expect(try await fixture.kind() == .mayKeep)
    }

    /// What is registered while an erasure is still removing stays registered.
    @Test func anErasureDoesNotDeleteALaterRegistration() async throws {
        final class Slow: DataLocation {
            let name = "slow"
            let act = Mutex<(@Sendable () async throws -> Void)?>(nil)
            func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> { [] }
            func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? { nil }
            func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool { false }
            func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome {
                let act = act.withLock { act in
                    defer { act = nil }
                    return act
                }
                try await act?()
                return .erased
            }
        }
        let (slow, time) = (Slow(), ManualTime())
        let trust = try await TestTrust(
            over: TestStore(), configuration: .init(retention: RetentionFixture.schedule()), time: time,
            locations: [slow])
        let retention = trust.layer.retention
        let category = try #require(DataCategory("content.message"))
        @Sendable func record() -> RetainedRecord {
            RetainedRecord(
                id: Identifier(high: 1, low: 1), category: category, created: time.now.day, as: .controller,
                at: ["slow"])
        }
        try await retention.register(record(), as: trust.context())
        time.advance(by: .seconds(40 * 86_400))
        let (context, id) = (trust.context(), record().id)
        slow.act.withLock { act in
            act = {
                try await retention.erase(try await retention.erasurePermit(for: id, at: "slow", as: context))
                try await retention.register(record(), as: context)
            }
        }
        await expect(.staleErasurePermit) {
            try await retention.erase(try await retention.erasurePermit(for: id, at: "slow", as: context))
        }
        #expect(try await retention.disposition(of: id, in: trust.scope).kind == .mayKeep)
    }

    @Test func anotherScopeSeesNothing() async throws {
        let fixture = try await RetentionFixture()
        let other = Scope(try #require(fixture.trust.scope.workspace), .development)
        await expect(.unknownRecord) { _ = try await fixture.retention.disposition(of: fixture.record.id, in: other) }
        let permit = try await fixture.trust.permit(ChangeHold.self, on: .record(fixture.record.id), in: other)
        await expect(.unknownRecord) {
            try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, permit)
        }
        let context = fixture.trust.context(other)
        await expect(.unknownRecord) {
            try await fixture.retention.demand(fixture.record.id, by: fixture.request, as: context)
        }
        await expect(.unknownRecord) {
            try await fixture.retention.note(.lastUsed, on: fixture.record.created, of: fixture.record.id, as: context)
        }
    }

    /// A crash after any store call: the data is removed only when the record was closed for holds, and never while held.
    @Test(arguments: FaultyStore.Fault.allCases) func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        for call in 1...12 {
            let base = TestStore()
            let fixture = try await RetentionFixture(over: base)
            fixture.pass(days: 40)
            // The first call records the operator; the next ones are the erasure's.
            let faulty = FaultyStore(base, failing: call + 1, with: fault)
            let authority = try await AccessAuthority.soleOperator(
                fixture.trust.principal, reason: "b", store: faulty, time: fixture.trust.time)
            let retention = Retention(
                schedule: try RetentionFixture.schedule(), locations: [fixture.trust.location], authority: authority,
                control: fixture.trust.keys.control)
            do {
                let erasure = try await retention.erasurePermit(
                    for: fixture.record.id, at: "host", as: fixture.trust.context())
                try await retention.erase(erasure)
                #expect(fixture.trust.location[fixture.record.id] == nil)
            } catch {
                guard fixture.trust.location[fixture.record.id] == nil else { continue }
            }
            do {
                try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
                Issue.record("a hold was placed on data that is gone: \(fault) at call \(call)")
            } catch let error as PrivacyError {
                #expect(error == PrivacyError(.beingErased) || error == PrivacyError(.unknownRecord))
            }
            // Without the fault it goes on to its end.
            let rest = try await fixture.retention.erase(fixture.record.id, as: fixture.trust.context())
            #expect(rest.allSatisfy { [.nothingThere, .alreadyErased].contains($0.outcome) } && rest.count == 1)
        }
    }

    @Test func messagesSayWhatToDo() {
        for code in PrivacyError.Code.allCases { #expect("\(PrivacyError(code))".count > 20) }
        #expect(RetentionSchedule(rules: []).validate().isEmpty)
    }
}

extension RetentionFixture {
    /// The same record, made today.
    var again: RetainedRecord {
        RetainedRecord(
            id: record.id, category: record.category, created: trust.time.now.day, as: .controller,
            about: Self.subject, at: record.locations)
    }
}
