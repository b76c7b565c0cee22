// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

/// What schedules say, and what the room does with it.
@Suite struct RetentionRuleTests {
    private static let first = CivilDay(daysSince1970: 20_000)
    private static let customer = Identifier<Company>(high: 6, low: 6)

    private func record(
        _ name: String = "content.message", as role: DataRole = .controller, limit: CivilDay? = nil
    ) -> RetainedRecord {
        RetainedRecord(
            id: Identifier(high: 1, low: 1), category: category(name), created: Self.first, as: role,
            of: Self.customer, at: ["host"], limit: limit)
    }

    private func answer(
        _ rules: [RetentionRule], _ record: RetainedRecord, after days: Int, terminated: Int? = nil
    ) -> Disposition {
        let end = terminated.map { Self.first.advanced(byDays: $0) }
        return RetentionSchedule(rules: rules).disposition(
            of: record, on: Self.first.advanced(byDays: days), under: RetentionCircumstances(terminated: end))
    }

    /// Clause P11.1: as long as it is needed for the service; and clause P11.5: what a customer leaves goes some days after the end of the subscription, unless it is taken up
    /// again by then.
    @Test func aSubscriptionKeepsAndItsEndDrops() {
        let rules: [RetentionRule] = [
            .keep(nil, until: .terminated, because: clause("P11.1")),
            .drop(nil, 90, after: .terminated, because: clause("P11.5")),
        ]
        let active = answer(rules, record(), after: 5000)
        #expect(active.kind == .mayKeep && active.until == .open && active.reasons == [.rule(clause("P11.1"))])
        #expect(active.nextChange == nil)
        #expect(answer(rules, record(), after: 89, terminated: 0).kind == .mayKeep)
        let gone = answer(rules, record(), after: 90, terminated: 0)
        #expect(gone.kind == .mustDelete && gone.reasons == [.rule(clause("P11.5"))])
        #expect(answer(rules, record(), after: 90).kind == .mayKeep)
    }

    /// Clause P11.2: for whomever it is held, the answer is the same.
    @Test func bothRolesAreTreatedAlike() {
        let rules: [RetentionRule] = [
            .keep(nil, until: .terminated, because: clause("P11.1")),
            RetentionRule(category: category("content"), days: 30, clause: clause("P11.5")),
            .drop(nil, 90, after: .terminated, because: clause("P11.5")),
        ]
        for (days, terminated) in [(0, nil), (40, nil), (40, 0), (100, 20), (120, 20), (89, 0)] as [(Int, Int?)] {
            #expect(
                answer(rules, record(), after: days, terminated: terminated)
                    == answer(rules, record(as: .processor(for: Self.customer)), after: days, terminated: terminated))
        }
    }

    /// Clauses P11.3a, P11.3b, P11.3d: what law, accounts and agreements keep outlives a demand, and says what it may be used for (clause P11.4).
    @Test(arguments: ["P11.3a", "P11.3b", "P11.3d"]) func whatMustBeKeptOutlivesADemand(_ name: String) async throws {
        let schedule = RetentionSchedule(rules: [
            .keep(category("payment"), for: 100, because: clause(name), usedFor: [purpose("billing")]),
            .keep(nil, until: .terminated, because: clause("P11.1")),
        ])
        #expect(schedule.validate().isEmpty)
        let invoice = try await RetentionFixture(category: "payment.billing", schedule: schedule)
        let message = try await RetentionFixture(category: "content.message", schedule: schedule)
        for fixture in [invoice, message] {
            try await fixture.retention.demand(
                fixture.record.id, by: fixture.request, as: fixture.trust.context())
        }
        #expect(try await message.kind() == .mustDelete)
        let kept = try await invoice.disposition()
        #expect(kept.kind == .mustKeep && kept.reasons == [.rule(clause(name))])
        #expect(kept.until == .day(invoice.record.created.advanced(byDays: 100)))
        #expect(kept.purposes == [purpose("billing")])
        await expect(.mustKeep) { _ = try await invoice.erasurePermit() }
        invoice.pass(days: 100)
        #expect(try await invoice.kind() == .mustDelete)
        // Before anybody asked for it to go, there was use for it, and nothing limited it.
        let other = try await RetentionFixture(category: "payment.billing", schedule: schedule)
        #expect(try await other.disposition().purposes == nil)
    }

    /// Clauses P11.4, P11.6: what is there for accounts alone is used for nothing else, and what may be kept is allowed nothing by that.
    @Test func whatIsKeptForAccountsIsUsedForAccounts() async throws {
        let accounts = RetentionRule.keep(
            category("contact"), for: 100, because: clause("P11.3b"), usedFor: [purpose("billing")])
        let schedule = RetentionSchedule(
            rules: [accounts, .keep(nil, until: .created, and: 10, because: clause("P11.1"))],
            purposesOfHolds: [purpose("legal")])
        let fixture = try await RetentionFixture(category: "contact.email", schedule: schedule)
        let policy = try ReferencePolicies.privacy2016.compile()
        func decide(_ aim: String, _ disposition: Disposition) -> UseDecision {
            policy.decide(
                UseRequest(
                    .use, .personal([category("contact.email")], from: [.provided]), for: purpose(aim), as: .controller,
                    about: SubjectFacts(.customer, choices: ChoiceState.none), retainedFor: disposition.purposes,
                    on: Self.first))
        }
        let before = try await fixture.disposition()
        #expect(decide("marketing.email", before).isAllowed)
        // Once there is no other use for it, it is there for accounts alone, whether somebody asked or not.
        let old = try await RetentionFixture(category: "contact.email", schedule: schedule)
        old.pass(days: 10)
        #expect(try await decide("marketing.email", old.disposition()).clauses == [clause("P11.4")])
        // A hold alone is no reason to stop using what no rule is about.
        let plain = try await RetentionFixture(category: "content.user", schedule: RetentionSchedule(rules: []))
        try await plain.retention.placeHold(plain.hold, on: plain.record.id, plain.permit())
        #expect(try await plain.disposition().purposes == nil)
        // To be kept allows nothing that no rule does.
        #expect(before.kind == .mustKeep && !decide("legal.process", before).isAllowed)
        try await fixture.retention.demand(fixture.record.id, by: fixture.request, as: fixture.trust.context())
        let after = try await fixture.disposition()
        #expect(decide("billing.identification", after).isAllowed)
        let denied = decide("marketing.email", after)
        #expect(!denied.isAllowed && denied.clauses == [clause("P11.4")])
        // A hold keeps it for its own ends as well.
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        #expect(try await fixture.disposition().purposes == [purpose("billing"), purpose("legal")])
        fixture.pass(days: 100)
        #expect(try await fixture.disposition().purposes == [purpose("legal")])
    }

    /// Clause P12.5: data of children is not kept for ever.
    @Test func childrensDataHasALimit() {
        let pupils = [category("content.message"), category("identity.name")]
        func defects(_ rules: [RetentionRule]) -> [String] {
            RetentionSchedule(rules: rules, children: pupils).validate()
        }
        let all = RetentionRule.drop(nil, 400, after: .created, because: clause("P12.5"))
        #expect(defects([]).count == 2)
        #expect(defects([all]).isEmpty)
        #expect(defects([RetentionRule(category: category("content"), days: 30, clause: clause("P12.5"))]).count == 1)
        // A customer may never leave, and a session never end.
        #expect(defects([.drop(nil, 1, after: .terminated, because: clause("P11.5"))]).count == 2)
        #expect(defects([.keep(nil, until: .created, and: 30, because: clause("P11.1"))]).count == 2)
        // What keeps it for ever, a more special rule that may never come, and a use each day.
        #expect(defects([all, .keep(nil, until: .terminated, because: clause("P11.1"))]).count == 2)
        #expect(
            defects([all, .drop(category("content"), 0, after: .sessionEnded, because: clause("P2e.3"))]).count == 1)
        #expect(defects([.drop(nil, 30, after: .lastUsed, because: clause("P12.5"))]).count == 2)
        // One below a category of theirs that may never go.
        let below = RetentionSchedule(
            rules: [all, .drop(category("content.message"), 0, after: .terminated, because: clause("P11.5"))],
            children: [category("content")])
        #expect(below.validate().count == 1)
        #expect(defects([all, .drop(nil, 40_000, after: .created, because: clause("P12.5"))]).count == 1)
        let bad = TrustLayer.Configuration(retention: RetentionSchedule(rules: [], children: pupils))
        #expect(bad.validate().count == 2)
        #expect(RetentionSchedule(rules: [all]).unbounded(in: pupils).isEmpty)
    }

    /// Clauses P2a.2, P2a.3, P2e.3, P2g.4: messages and posts go by the rules, and what belongs to a session with it.
    @Test func anchorsAreNoted() async throws {
        let rules: [RetentionRule] = [
            .drop(category("device.cookie"), 0, after: .sessionEnded, because: clause("P2e.3")),
            RetentionRule(category: category("content"), days: 10, after: .lastUsed, clause: clause("P11.5")),
        ]
        let cookie = try await RetentionFixture(category: "device.cookie", schedule: RetentionSchedule(rules: rules))
        cookie.pass(days: 400)
        #expect(try await cookie.kind() == .mayKeep)
        try await cookie.retention.note(
            .sessionEnded, on: cookie.trust.time.now.day, of: cookie.record.id, as: cookie.trust.context())
        #expect(try await cookie.kind() == .mustDelete)
        for kind in ["content.message", "content.user"] {
            let fixture = try await RetentionFixture(category: kind, schedule: RetentionSchedule(rules: rules))
            fixture.pass(days: 9)
            let today = fixture.trust.time.now.day
            try await fixture.retention.note(
                .lastUsed, on: today, of: fixture.record.id, as: fixture.trust.context())
            // An earlier day that comes later takes nothing back.
            try await fixture.retention.note(
                .lastUsed, on: today.advanced(byDays: -5), of: fixture.record.id, as: fixture.trust.context())
            fixture.pass(days: 9)
            #expect(try await fixture.kind() == .mayKeep)
            fixture.pass(days: 1)
            #expect(try await fixture.kind() == .mustDelete)
            for anchor in [RetentionAnchor.created, .terminated] {
                await expect(.otherAnchor) {
                    try await fixture.retention.note(
                        anchor, on: today, of: fixture.record.id, as: fixture.trust.context())
                }
            }
        }
    }

    /// Clause P11.5, in the store: the end of the subscription, and that it was taken up again.
    @Test func aCustomerLeavesAndComesBack() async throws {
        let schedule = RetentionSchedule(rules: [
            .keep(nil, until: .terminated, because: clause("P11.1")),
            .drop(nil, 90, after: .terminated, because: clause("P11.5")),
        ])
        for role in [DataRole.controller, .processor(for: Self.customer)] {
            let fixture = try await RetentionFixture(schedule: schedule, role: role)
            // What the holder has on its own account goes with its own customer.
            let whose = role == .controller ? fixture.trust.company : Self.customer
            fixture.pass(days: 500)
            #expect(try await fixture.kind() == .mayKeep)
            func plan(_ company: Identifier<Company>) async throws -> Permit<ChangePlan> {
                try await fixture.trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
            }
            func end(_ sequence: Int64) async throws -> Bool {
                try await fixture.retention.noteEnd(
                    of: whose, on: fixture.trust.time.now.day, sequence: sequence, plan(whose))
            }
            // A permit for another customer's plan ends nothing.
            await expect(.refused) {
                try await fixture.retention.noteEnd(
                    of: whose, on: fixture.record.created, sequence: 1, plan(Identifier(high: 8, low: 8)))
            }
            #expect(try await end(2))
            fixture.pass(days: 89)
            // Told again, the first day counts; and an earlier word changes nothing.
            #expect(try await !end(2))
            #expect(try await !end(1))
            #expect(try await fixture.kind() == .mayKeep)
            try await fixture.retention.noteReturn(of: whose, sequence: 3, plan(whose))
            #expect(try await !end(2))
            fixture.pass(days: 10)
            #expect(try await fixture.kind() == .mayKeep)
            #expect(try await end(4))
            fixture.pass(days: 90)
            #expect(try await fixture.kind() == .mustDelete)
        }
    }

    /// A day that was set for the very record is more special than any rule, and less strong than what keeps it.
    @Test func aRecordsOwnLimitIsTheMostSpecial() {
        let rules = [RetentionRule.drop(category("content"), 10, after: .created, because: clause("P11.5"))]
        let own = record(limit: Self.first.advanced(byDays: 40))
        #expect(answer(rules, own, after: 39).kind == .mayKeep)
        #expect(answer(rules, own, after: 40).reasons == [.record])
        let kept = rules + [.keep(nil, for: 60, because: clause("P11.3a"), usedFor: [])]
        #expect(answer(kept, own, after: 59).kind == .mustKeep && answer(kept, own, after: 60).kind == .mustDelete)
    }

    /// What is locked is kept whatever a later schedule says; a governance lock can be lifted for one record, a compliance lock never.
    @Test(arguments: RetentionRule.Lock.allCases) func aLockOutlivesTheSchedule(_ lock: RetentionRule.Lock) async throws
    {
        let locked = RetentionSchedule(rules: [
            RetentionRule(category: category("content"), days: 100, lock: lock, clause: clause("P11.3a"))
        ])
        let store = TestStore()
        let fixture = try await RetentionFixture(schedule: locked, over: store)
        try await fixture.retention.lock(as: fixture.trust.context())
        // Twice is once.
        try await fixture.retention.lock(as: fixture.trust.context())
        let shorter = Retention(
            schedule: RetentionSchedule(rules: [
                RetentionRule(category: category("content"), days: 1, clause: clause("P11.5"))
            ]), locations: [fixture.trust.location], authority: fixture.trust.layer.access,
            control: fixture.trust.keys.control)
        try await shorter.demand(fixture.record.id, by: fixture.request, as: fixture.trust.context())
        fixture.pass(days: 50)
        let kept = try await shorter.disposition(of: fixture.record.id, in: fixture.trust.scope)
        #expect(kept.kind == .mustKeep && kept.until == .day(fixture.record.created.advanced(byDays: 100)))
        await expect(.mustKeep) {
            _ = try await shorter.erasurePermit(
                for: fixture.record.id, at: "host", as: fixture.trust.context())
        }
        try await shorter.liftLock(on: fixture.record.id, fixture.permit())
        let after = try await shorter.disposition(of: fixture.record.id, in: fixture.trust.scope).kind
        #expect(after == (lock == .governance ? .mustDelete : .mustKeep))
    }

    /// A lock says what is kept, and never that something goes; what is said to be locked and kept weakly is none.
    @Test func aLockDropsNothing() async throws {
        let locked = RetentionSchedule(rules: [
            RetentionRule(category: category("content"), days: 10, lock: .compliance, clause: clause("P11.3a"))
        ])
        let fixture = try await RetentionFixture(schedule: locked)
        try await fixture.retention.lock(as: fixture.trust.context())
        let longer = Retention(
            schedule: RetentionSchedule(rules: [
                .drop(category("content"), 100, after: .created, because: clause("P11.5"))
            ]), locations: [fixture.trust.location], authority: fixture.trust.layer.access,
            control: fixture.trust.keys.control)
        fixture.pass(days: 50)
        #expect(try await longer.disposition(of: fixture.record.id, in: fixture.trust.scope).kind == .mayKeep)
        let weak =
            #"{"anchor":"created","days":1,"keeps":"permitted","drops":true,"purposes":[],"lock":"compliance","clause":"P11.5"}"#
        #expect(throws: (any Error).self) { _ = try JSONDecoder().decode(RetentionRule.self, from: Data(weak.utf8)) }
        let strong = Data(weak.replacingOccurrences(of: "permitted", with: "mandatory").utf8)
        #expect(try JSONDecoder().decode(RetentionRule.self, from: strong).lock == .compliance)
    }

    /// A use that is said to have been before the record was made does not make it older; what a value says of holds and demands is not taken over.
    @Test func nothingMakesARecordOlder() async throws {
        let schedule = RetentionSchedule(rules: [
            RetentionRule(category: category("content"), days: 10, after: .lastUsed, clause: clause("P11.5"))
        ])
        let fixture = try await RetentionFixture(schedule: schedule)
        try await fixture.retention.note(
            .lastUsed, on: fixture.record.created.advanced(byDays: -1000), of: fixture.record.id,
            as: fixture.trust.context())
        #expect(try await fixture.kind() == .mayKeep)
        try await fixture.retention.demand(fixture.record.id, by: fixture.request, as: fixture.trust.context())
        let used = try #require(try await fixture.retention.records(about: RetentionFixture.subject).first)
        #expect(!used.demands.isEmpty)
        try await fixture.retention.erase(fixture.record.id, as: fixture.trust.context())
        try await fixture.retention.register(used, as: fixture.trust.context())
        let again = try #require(try await fixture.retention.records(about: RetentionFixture.subject).first)
        #expect(again.demands.isEmpty && again.lastUsed == nil)
        #expect(try await fixture.kind() == .mayKeep)
    }

    /// Places that are added to a record are erased as well; a record stays about whom it is.
    @Test func aRecordIsExtended() async throws {
        let fixture = try await RetentionFixture()
        let context = fixture.trust.context()
        fixture.second.put(fixture.record.id)
        try await fixture.retention.extend(fixture.record.id, to: ["second"], as: context)
        await expect(.alreadyRegistered) {
            try await fixture.retention.extend(
                fixture.record.id, about: Identifier(high: 9, low: 9), as: context)
        }
        for place in ["nowhere", "vault"] {
            await expect(.unknownLocation) {
                try await fixture.retention.extend(fixture.record.id, to: [place], as: context)
            }
        }
        fixture.pass(days: 40)
        let receipts = try await fixture.retention.erase(fixture.record.id, as: context)
        #expect(Set(receipts.map(\.location)) == ["host", "second"] && fixture.second[fixture.record.id] == nil)
    }

    /// What the rooms have themselves nobody registers, asks for or erases by a record of their own making.
    @Test func theVaultsRecordsAreNobodys() async throws {
        let fixture = try await RetentionFixture()
        let planted = RetainedRecord(
            id: Identifier(high: 5, low: 5), category: category("credential.app"), created: Self.first,
            as: .controller, at: ["vault"], limit: Self.first)
        await expect(.unknownLocation) {
            try await fixture.retention.register(planted, as: fixture.trust.context())
        }
    }

    /// Each record may have as many holds as there may be, and is still looked at.
    @Test func aRecordWithAllItsHoldsIsLookedAt() async throws {
        let fixture = try await RetentionFixture()
        for number in 1...Retention.maximumHolds {
            try await fixture.retention.placeHold(
                Identifier(high: 7, low: UInt64(number)), on: fixture.record.id, fixture.permit())
        }
        await expect(.tooManyHolds) {
            try await fixture.retention.placeHold(
                Identifier(high: 8, low: 1), on: fixture.record.id, fixture.permit())
        }
        fixture.pass(days: 40)
        #expect(try await fixture.disposition().reasons.count == Retention.maximumHolds)
        #expect(try await fixture.retention.eraseDue(as: fixture.trust.context()).sweep?.isFinished == true)
        await expect(.mustKeep) { _ = try await fixture.erasurePermit() }
    }

    /// No later schedule deletes earlier what a locked rule keeps.
    @Test func lockedRulesOnlyLengthen() {
        var random = Scale.current.generator(for: "privacy.retention.locks")
        var kept = 0
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }
            func rule() -> RetentionRule {
                let (where_, days) = (["content", "content.message", "payment"][number(0..<3)], number(0..<20))
                let anchor = RetentionAnchor.allCases[number(0..<4)]
                return switch number(0..<4) {
                case 0: RetentionRule(category: category(where_), days: days, after: anchor, clause: clause("P11.5"))
                case 1: .drop(nil, days, after: anchor, because: clause("P11.5"))
                case 2: .keep(category(where_), for: days, after: anchor, because: clause("P11.3a"), usedFor: [])
                default: .keep(nil, until: anchor, and: days, because: clause("P11.1"))
                }
            }
            let locked = RetentionRule(
                category: category("content"), days: number(0..<20), lock: .compliance, clause: clause("P11.3b"))
            let schedule = RetentionSchedule(rules: (0..<number(0..<4)).map { _ in rule() })
            let own = record(limit: number(0..<2) == 0 ? Self.first.advanced(byDays: number(0..<10)) : nil)
            let day = Self.first.advanced(byDays: number(0..<25))
            let end = number(0..<2) == 0 ? Self.first.advanced(byDays: number(0..<5)) : nil
            let answer = schedule.disposition(
                of: own, on: day, under: RetentionCircumstances(terminated: end, locked: [locked]))
            guard day < Self.first.advanced(byDays: locked.days) else { continue }
            #expect(answer.kind == .mustKeep)
            kept += 1
        }
        #expect(kept > 1000)
    }

    /// What is due goes in rounds, what is held or not due stays, a place that fails is tried again, and the plan says before what will go.
    @Test func whatIsDueGoesByItself() async throws {
        let fixture = try await RetentionFixture()
        let (context, now) = (fixture.trust.context(), fixture.trust.time.now.day)
        func add(_ number: UInt64, _ name: String, age: Int, at place: String = "host") async throws {
            let record = RetainedRecord(
                id: Identifier(high: 2, low: number), category: category(name), created: now.advanced(byDays: -age),
                as: .controller, at: [place])
            fixture.trust.location.put(record.id)
            try await fixture.retention.register(record, as: context)
        }
        for number in 0..<60 { try await add(UInt64(number), "content.message", age: number) }
        try await add(100, "content", age: 1000)
        let held = Identifier<DataRecord>(high: 2, low: 45)
        try await fixture.retention.placeHold(
            fixture.hold, on: held, try await fixture.trust.permit(ChangeHold.self, on: .record(held)))
        var planned: [PlannedErasure] = []
        try await fixture.retention.plan { planned.append($0) }
        #expect(planned.count == 29 && planned.allSatisfy { $0.locations == ["host"] && $0.since != nil })
        // A line of a plan is read back as it was.
        let line = try JSONEncoder().encode(planned[0])
        #expect(try JSONDecoder().decode(PlannedErasure.self, from: line) == planned[0])
        fixture.trust.location.isFailing = true
        let failed = try await fixture.retention.eraseDue(as: context)
        #expect(failed.erased == 0 && failed.failed == 29)
        fixture.trust.location.isFailing = false
        // A round in parts.
        let part = try await fixture.retention.eraseDue(limit: 40, as: context)
        #expect(part.sweep?.progress.completed == 40 && part.sweep?.isFinished == false)
        let rest = try await fixture.retention.eraseDue(as: context)
        #expect(rest.sweep?.isFinished == true && part.erased + rest.erased == 29)
        #expect(fixture.trust.location[held] != nil)
        #expect(Set(fixture.trust.location.erasures) == Set(planned.map(\.record)))
        var left = 0
        try await fixture.retention.plan { _ in left += 1 }
        #expect(left == 0)
    }

    /// Nothing goes while the clocks disagree.
    @Test func nothingGoesByAWrongClock() async throws {
        let fixture = try await RetentionFixture()
        fixture.trust.time.setWallClock(to: fixture.trust.time.now.advanced(by: .seconds(40 * 86_400)))
        await expect(.clockDisagrees) { _ = try await fixture.erasurePermit() }
        await expect(.clockDisagrees) { _ = try await fixture.retention.eraseDue(as: fixture.trust.context()) }
        // A clock that went back while a permit was out.
        let other = try await RetentionFixture()
        other.pass(days: 40)
        let permit = try await other.erasurePermit()
        other.trust.time.setWallClock(to: other.trust.time.now.advanced(by: .seconds(-3600)))
        await expectErasure(.clockDisagrees, other, permit)
        // Of a process that began by that clock the ledger tells.
        other.trust.time.setWallClock(to: other.trust.time.now.advanced(by: .seconds(3600)))
        try await other.trust.keys.ledger.append(.reopened("x", after: 0))
        other.trust.time.setWallClock(to: other.trust.time.now.advanced(by: .seconds(-3600)))
        let new = Retention(
            schedule: other.retention.schedule, locations: [other.trust.location],
            authority: other.trust.layer.access, control: other.trust.keys.control, ledger: other.trust.keys.ledger)
        await expect(.clockDisagrees) {
            _ = try await new.erasurePermit(for: other.record.id, at: "host", as: other.trust.context())
        }
    }

    /// A backup that is put back brings nothing back that a subject had erased: neither in the store, nor at a place.
    @Test func aRestoredBackupBringsNothingBack() async throws {
        let base = TestStore()
        let fixture = try await RetentionFixture(at: ["host", "second"], over: base)
        let backup = try await copy(of: base)
        try await fixture.retention.demand(fixture.record.id, by: fixture.request, as: fixture.trust.context())
        // Nothing but the subject's word makes it go.
        #expect(try await fixture.kind() == .mustDelete)
        try await fixture.retention.erase(fixture.record.id, as: fixture.trust.context())
        // Store and one place are put back.
        let authority = try await AccessAuthority.soleOperator(
            fixture.trust.principal, reason: "restored", store: backup, time: fixture.trust.time)
        let restored = Retention(
            schedule: fixture.retention.schedule, locations: [fixture.trust.location, fixture.second],
            authority: authority, control: fixture.trust.keys.control, ledger: fixture.trust.keys.ledger)
        fixture.trust.location.put(fixture.record.id, about: RetentionFixture.subject)
        #expect(try await restored.disposition(of: fixture.record.id, in: fixture.trust.scope).kind == .mayKeep)
        let receipts = try await restored.replayErasures(as: fixture.trust.context()).receipts
        #expect(Set(receipts.map(\.outcome)) == [.erased, .nothingThere])
        #expect(fixture.trust.location[fixture.record.id] == nil)
        #expect(try await restored.records(about: RetentionFixture.subject).isEmpty)
        // A place alone is put back.
        fixture.second.put(fixture.record.id, about: RetentionFixture.subject)
        let again = try await restored.replayErasures(as: fixture.trust.context()).receipts
        #expect(again.map(\.location) == ["second"] && fixture.second[fixture.record.id] == nil)
        #expect(try await restored.replayErasures(as: fixture.trust.context()).receipts.isEmpty)
        // What was registered under the same name since is another, and stays.
        // Also by a clock that is behind.
        fixture.trust.time.setWallClock(to: fixture.trust.time.now.advanced(by: .seconds(-60)))
        try await restored.register(fixture.again, as: fixture.trust.context())
        fixture.trust.location.put(fixture.record.id)
        #expect(try await restored.replayErasures(as: fixture.trust.context()).receipts.isEmpty)
        #expect(fixture.trust.location[fixture.record.id] != nil)
        // A store that knows nothing of it says so, and touches nothing.
        let empty = try await AccessAuthority.soleOperator(
            fixture.trust.principal, reason: "empty", store: TestStore(), time: fixture.trust.time)
        let blank = Retention(
            schedule: fixture.retention.schedule, locations: [fixture.trust.location], authority: empty,
            control: fixture.trust.keys.control, ledger: fixture.trust.keys.ledger)
        let unknown = try await blank.replayErasures(as: fixture.trust.context())
        #expect(unknown.unknown == [fixture.record.id] && unknown.receipts.isEmpty)
        #expect(fixture.trust.location[fixture.record.id] != nil)
    }

    /// A store that was put back to before a customer left learns that it did, and what is of it goes.
    @Test func aRestoredBackupLearnsWhoLeft() async throws {
        let schedule = RetentionSchedule(rules: [.drop(nil, 0, after: .terminated, because: clause("P11.5"))])
        let base = TestStore()
        let fixture = try await RetentionFixture(schedule: schedule, over: base)
        let backup = try await copy(of: base)
        let permit = try await fixture.trust.permit(
            ChangePlan.self, on: .plan(of: fixture.trust.company), in: .platform)
        try await fixture.retention.noteEnd(
            of: fixture.trust.company, on: fixture.record.created, sequence: 2, permit)
        let authority = try await AccessAuthority.soleOperator(
            fixture.trust.principal, reason: "restored", store: backup, time: fixture.trust.time)
        let restored = Retention(
            schedule: schedule, locations: [fixture.trust.location, fixture.second], authority: authority,
            control: fixture.trust.keys.control, ledger: fixture.trust.keys.ledger)
        #expect(try await restored.disposition(of: fixture.record.id, in: fixture.trust.scope).kind != .mustDelete)
        #expect(try await restored.replayErasures(as: fixture.trust.context()).ended == [fixture.trust.company])
        #expect(try await restored.disposition(of: fixture.record.id, in: fixture.trust.scope).kind == .mustDelete)
        #expect(try await restored.replayErasures(as: fixture.trust.context()).ended.isEmpty)
    }

    /// One record that is kept today, or whose place fails, keeps no other from being erased again.
    @Test func aReplayGoesOnPastWhatIsKept() async throws {
        let base = TestStore()
        let fixture = try await RetentionFixture(over: base)
        let context = fixture.trust.context()
        let other = RetainedRecord(
            id: Identifier(high: 9, low: 9), category: fixture.record.category, created: fixture.record.created,
            as: .controller, at: ["host"])
        fixture.trust.location.put(other.id)
        try await fixture.retention.register(other, as: context)
        try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
        let backup = try await copy(of: base)
        try await fixture.retention.releaseHold(fixture.hold, on: fixture.record.id, fixture.permit())
        for id in [fixture.record.id, other.id] {
            try await fixture.retention.demand(id, by: fixture.request, as: context)
            try await fixture.retention.erase(id, as: context)
        }
        for id in [fixture.record.id, other.id] { fixture.trust.location.put(id) }
        let authority = try await AccessAuthority.soleOperator(
            fixture.trust.principal, reason: "restored", store: backup, time: fixture.trust.time)
        let restored = Retention(
            schedule: fixture.retention.schedule, locations: [fixture.trust.location], authority: authority,
            control: fixture.trust.keys.control, ledger: fixture.trust.keys.ledger)
        let replay = try await restored.replayErasures(as: context)
        #expect(replay.failures.mapValues(\.code) == [fixture.record.id: .mustKeep])
        #expect(fixture.trust.location[other.id] == nil && fixture.trust.location[fixture.record.id] != nil)
        // It still is to go: when the hold ends, it does.
        let permit = try await authority.permit(
            ChangeHold.self, on: .record(fixture.record.id), as: context
        ).get()
        try await restored.releaseHold(fixture.hold, on: fixture.record.id, permit)
        #expect(try await restored.eraseDue(as: context).erased == 1)
    }

    private func copy(of store: TestStore) async throws -> TestStore {
        let other = TestStore()
        var range = KeyRange(under: Key(.platform, []))
        while true {
            let page = try await store.records(in: range, limit: 90)
            var changes = Changes()
            for entry in page { changes.write(entry.key, entry.record.bytes) }
            if !page.isEmpty { try await other.commit(changes) }
            guard page.count == 90, let last = page.last else { return other }
            range = range.after(last.key)
        }
    }
}
