// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

@Suite struct JournalAttackTests {
    /// A crash with a journal costs a step for each kind of jobs.
    @Test func journalLanes() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(
            10_000, [Sublimit(.production, tasksPerPeriod: 9000), Sublimit(.test, tasksPerPeriod: 9000)])
        let journal = TestStore()
        let meter = try await nodes.process(journal: journal)
        for environment in [nil, Environment.production, .test] {
            try await meter.admit(nodes.job(environment), of: nodes.company).commit(used: 1)
        }
        let restarted = try await nodes.process(journal: journal)
        try await restarted.settle()
        let used = try await nodes.used()
        #expect(used <= 3 * (1 + 10), "\(used)")
    }

    /// What came back before the last settling costs nothing.
    @Test func journalGivenBack() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = TestStore()
        let meter = try await nodes.process(journal: journal)
        try await meter.admit(nodes.job(nil), of: nodes.company, tasks: 300).release()
        try await meter.settle()
        let restarted = try await nodes.process(journal: journal)
        try await restarted.settle()
        let used = try await nodes.used()
        #expect(used <= 10 + 1, "\(used)")
    }

    /// The first job after a restart has what the process before held.
    @Test func firstAfterRestart() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let journal = TestStore()
        let meter = try await nodes.process(journal: journal, leasePerMille: 1000)
        try await meter.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        let restarted = try await nodes.process(journal: journal)
        let error = await refusal {
            try await restarted.admit(nodes.job(nil), of: nodes.company, tasks: 60).commit(used: 60)
        }
        #expect(error == nil, "\(String(describing: error))")
    }

    /// A company that cannot be told keeps no other one from holding something.
    @Test func oneBadCompany() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = TestStore()
        let meter = try await nodes.process(journal: journal)
        try await meter.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        // Another company, whose facts cannot be read.
        let bad = Identifier<Company>(high: 5, low: 5)
        let lease = try #require(
            try await journal.records(in: KeyRange(under: Key(.platform, [.text("plans.journal")])), limit: 10).first)
        let text = String(decoding: lease.record.bytes, as: UTF8.self).replacing(
            nodes.company.description, with: bad.description
        ).replacing(/"lease":"[^"]*"/, with: "\"lease\":\"\(Identifier<QuotaLeaseRecord>(high: 3, low: 3))\"")
        let elements = try #require(lease.key.elements)
        let key = Key(
            .platform,
            elements.dropFirst(1).map { $0 == .text(nodes.company.description) ? .text(bad.description) : $0 })
        try await journal.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            transaction.write(key, Array(text.utf8))
        }
        try await nodes.trust.store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            transaction.write(Key(.platform, ["plans.company", bad.description].map { .text($0) }), Array("{".utf8))
        }
        let restarted = try await nodes.process(journal: journal)
        // It is said each time, until somebody has looked after it.
        for _ in 0..<3 { await #expect(throws: PlanError(.storeFailed)) { try await restarted.settle() } }
        try await restarted.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        let isHeld = restarted.handle(for: nodes.company).admit(nodes.job(nil)) != nil
        #expect(isHeld)
    }

    /// A commit that is under way when the process starts again is too late.
    @Test func commitUnderWay() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = TestStore()
        let stubborn = StubbornStore(nodes.trust.store)
        let first = try await nodes.process(journal: journal, store: stubborn)
        stubborn.set(.delay)
        await #expect(throws: PlanError(.storeFailed)) {
            try await first.admit(nodes.job(nil), of: nodes.company).release()
        }
        let second = try await nodes.process(journal: journal)
        try await second.settle()
        await stubborn.arrive()
        nodes.trust.time.advance(by: .seconds(130))
        try await nodes.use(1)
        try await nodes.giveBackAll()
        let used = try await nodes.used()
        #expect(used <= 1 + 1 + 10 + 1, "\(used)")
    }

    /// Entries of a journal that nobody wrote do no harm.
    @Test func hostileEntries() async throws {
        for (asked, mark) in [
            ("0001-01-01T00:00:00.000000Z", "-5"), ("9999-12-31T23:59:59.999999Z", "9223372036854775807"),
            ("-9999-01-01T00:00:00.000000Z", "-9223372036854775808"),
        ] {
            let nodes = try await Nodes(1, limit: 1000)
            let journal = TestStore()
            let meter = try await nodes.process(journal: journal)
            try await meter.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
            let entry = try #require(
                try await journal.records(in: KeyRange(under: Key(.platform, [.text("plans.journal")])), limit: 10)
                    .first)
            var text = String(decoding: entry.record.bytes, as: UTF8.self)
            let old = try #require(text.firstRange(of: /"asked":"[^"]*"/))
            text.replaceSubrange(old, with: "\"asked\":\"\(asked)\"")
            let number = try #require(text.firstRange(of: /"mark":[0-9-]*/))
            text.replaceSubrange(number, with: "\"mark\":\(mark)")
            let bytes = Array(text.utf8)
            try await journal.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                transaction.write(entry.key, bytes)
            }
            let restarted = try await nodes.process(journal: journal)
            // At worst the lease stays used.
            _ = await refusal { try await restarted.settle() }
            #expect(try await (1...500).contains(nodes.used()), "\(asked) \(mark)")
            #expect(try await nodes.fill(restarted) <= 999)
        }
    }

    /// A name that no key has room for is refused.
    @Test func longName() throws {
        for name in ["", String(repeating: "n", count: 65), "a\u{0}b"] {
            #expect(throws: PlanError(.invalidJournal)) { try TaskJournal(TestStore(), name: name) }
        }
        _ = try TaskJournal(TestStore(), name: String(repeating: "n", count: 64))
    }

    /// A process that starts again in the next period gives back to the one in which it took, whatever was told since.
    @Test func aRestartInTheNextPeriod() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = TestStore()
        let start = try await nodes.plans.allowance(of: nodes.company).periodStart
        let end = try await nodes.plans.allowance(of: nodes.company).resetsAt
        nodes.trust.time.setWallClock(to: end.advanced(by: .seconds(-10)))
        let meter = try await nodes.process(journal: journal)
        try await meter.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        nodes.trust.time.advance(by: .seconds(600))
        try await nodes.grant(5)
        let restarted = try await nodes.process(journal: journal)
        try await restarted.settle()
        let pool = try await QuotaPool.table.read(
            .platform, [nodes.company.description, start.description], in: nodes.trust.store)
        #expect(pool?.settled == 11 && pool?.leases.isEmpty == true)
    }

    /// What another clock had told puts a lease in the next period: it comes back there.
    @Test func aLeaseOfTheNextPeriod() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = TestStore()
        let end = try await nodes.plans.allowance(of: nodes.company).resetsAt
        nodes.trust.time.setWallClock(to: end.advanced(by: .seconds(60)))
        try await nodes.grant(5)
        // This process's clock is behind.
        nodes.trust.time.setWallClock(to: end.advanced(by: .seconds(-60)))
        let meter = try await nodes.process(journal: journal)
        try await meter.admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        let restarted = try await nodes.process(journal: journal)
        try await restarted.settle()
        let pool = try await QuotaPool.table.read(
            .platform, [nodes.company.description, end.description], in: nodes.trust.store)
        #expect(pool?.settled == 11 && pool?.leases.isEmpty == true)
    }

    /// An entry of a company that there never was is removed.
    @Test func aCompanyThatNeverWas() async throws {
        let nodes = try await Nodes(1, limit: 1000)
        let journal = TestStore()
        try await nodes.process(journal: journal).admit(nodes.job(nil), of: nodes.company).release()
        let range = KeyRange(under: Key(.platform, [.text("plans.journal")]))
        let entry = try #require(try await journal.records(in: range, limit: 10).first)
        let other = Identifier<Company>(high: 5, low: 5)
        let text = String(decoding: entry.record.bytes, as: UTF8.self).replacing(
            nodes.company.description, with: other.description)
        let names = try #require(entry.key.elements).dropFirst().map {
            $0 == .text(nodes.company.description) ? .text(other.description) : $0
        }
        try await journal.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            transaction.delete(entry.key)
            transaction.write(Key(.platform, names), Array(text.utf8))
        }
        try await nodes.process(journal: journal).settle()
        #expect(try await journal.records(in: range, limit: 10).isEmpty)
    }
}
