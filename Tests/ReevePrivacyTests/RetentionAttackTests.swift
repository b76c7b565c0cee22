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
import Testing

/// Who writes to the store behind Reeve's back makes nothing go that a hold keeps, hides nothing from its subject, and brings nobody's end forward: it is seen, and nothing is erased.
@Suite struct RetentionAttackTests {
    /// What an attacker does to the records of a table.
    enum Attack: CaseIterable {
        /// Writes other bytes: here without what holds the record.
        case rewritten
        /// Removes them.
        case removed
        /// Puts back what was there before.
        case putBack
    }

    private func records(_ table: String, _ store: any Store) async throws -> [Entry] {
        try await store.records(in: KeyRange(under: Key(.platform, [.text(table)])), limit: 1000)
    }

    private func attack(_ table: String, _ attack: Attack, before: [Entry], _ store: any Store) async throws {
        var changes = Changes()
        switch attack {
        case .rewritten:
            for entry in try await records(table, store) {
                let text = String(decoding: entry.record.bytes, as: UTF8.self)
                let other = text.replacing(/"holds":\[.*?\]/, with: "\"holds\":[]")
                    .replacing(/"on":"[^"]*"/, with: "\"on\":\"1999-01-01\"").replacing(
                        /"days":[0-9]+/, with: "\"days\":0")
                #expect(other != text, "\(table)")
                changes.write(entry.key, Array(other.utf8))
            }
        case .removed:
            for entry in try await records(table, store) { changes.delete(entry.key) }
        case .putBack:
            for entry in before { changes.write(entry.key, entry.record.bytes) }
        }
        try await store.commit(changes)
    }

    /// A process that starts anew, with the keys of the one before.
    private func process(_ fixture: RetentionFixture, _ store: any Store) async throws -> Retention {
        let authority = try await AccessAuthority.soleOperator(
            fixture.trust.principal, reason: "new", store: store, time: fixture.trust.time)
        return Retention(
            schedule: fixture.retention.schedule, locations: [fixture.trust.location], authority: authority,
            control: fixture.trust.keys.control, ledger: fixture.trust.keys.ledger)
    }

    @Test(arguments: Attack.allCases, [false, true]) func aHoldThatWasTakenAwayStillHolds(
        _ attack: Attack, isNew: Bool
    ) async throws {
        let base = TestStore()
        let fixture = try await RetentionFixture(over: base)
        let before = try await records("privacy.record", base)
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        fixture.pass(days: 40)
        #expect(try await fixture.kind() == .mustKeep)
        try await self.attack("privacy.record", attack, before: before, base)
        let retention = isNew ? try await process(fixture, base) : fixture.retention
        let context = fixture.trust.context()
        await #expect(throws: PrivacyError.self) {
            _ = try await retention.disposition(of: fixture.record.id, in: fixture.trust.scope)
        }
        await #expect(throws: PrivacyError.self) { try await retention.erase(fixture.record.id, as: context) }
        let round = try await retention.eraseDue(as: context)
        #expect(round.erased == 0)
        #expect(fixture.trust.location[fixture.record.id] != nil)
        // A registration anew does not make it another one.
        await #expect(throws: PrivacyError.self) { try await retention.register(fixture.record, as: context) }
    }

    /// What was registered about a subject is not left out of an answer by taking its mark away.
    @Test func aRecordIsNotHidden() async throws {
        for table in ["privacy.record.subject", "privacy.record.customer"] {
            let base = TestStore()
            let fixture = try await RetentionFixture(over: base)
            try await attack(table, .removed, before: [], base)
            await #expect(throws: PrivacyError.self) {
                if table.hasSuffix("subject") {
                    _ = try await fixture.retention.records(about: RetentionFixture.subject)
                } else {
                    _ = try await fixture.retention.departure(of: fixture.trust.company)
                }
            }
        }
    }

    /// Neither a case that was closed, nor a customer's end, nor a lock is made or taken away.
    @Test(arguments: ["privacy.case.closed", "privacy.customer.ended", "privacy.locks"], Attack.allCases)
    func whatDecidesIsNotChanged(_ table: String, _ attack: Attack) async throws {
        let base = TestStore()
        let (p1, p5) = (clause("P11.3a"), clause("P11.5"))
        let schedule = RetentionSchedule(rules: [
            .keep(nil, until: .terminated, because: clause("P11.1")), .drop(nil, 0, after: .terminated, because: p5),
            .keep(nil, for: 10, because: p1, usedFor: [], lock: .compliance),
        ])
        let fixture = try await RetentionFixture(schedule: schedule, over: base)
        func end(_ sequence: Int64) async throws {
            let permit = try await fixture.trust.permit(
                ChangePlan.self, on: .plan(of: fixture.trust.company), in: .platform)
            try await fixture.retention.noteEnd(
                of: fixture.trust.company, on: fixture.trust.time.now.day, sequence: sequence, permit)
        }
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        try await end(1)
        try await fixture.retention.lock(as: fixture.trust.context())
        func close() async throws {
            let permit = try await fixture.trust.permit(ChangeHold.self, on: Resource(fixture.hold))
            try await fixture.retention.closeCase(fixture.hold, permit)
        }
        try await close()
        let before = try await records(table, base)
        #expect(before.count == 1)
        // Written a second time, so that there is something to put back.
        fixture.pass(days: 1)
        switch table {
        case "privacy.customer.ended": try await end(2)
        case "privacy.locks":
            let longer = Retention(
                schedule: RetentionSchedule(rules: [
                    .keep(nil, for: 20, because: p1, usedFor: [], lock: .compliance)
                ]), locations: [fixture.trust.location], authority: fixture.trust.layer.access,
                control: fixture.trust.keys.control)
            try await longer.lock(as: fixture.trust.context())
        default: try await close()
        }
        try await self.attack(table, attack, before: before, base)
        let retention = try await process(fixture, base)
        await #expect(throws: PrivacyError.self) {
            _ = try await retention.disposition(of: fixture.record.id, in: fixture.trust.scope)
        }
        await #expect(throws: PrivacyError.self) {
            try await retention.erase(fixture.record.id, as: fixture.trust.context())
        }
        #expect(fixture.trust.location[fixture.record.id] != nil)
    }
}
