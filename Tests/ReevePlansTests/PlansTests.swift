// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Synchronization
import Testing

/// Tasks that a test uses as its limit: a package of its own.
private func trust(limit: Int? = nil, over store: any Store = TestStore()) async throws -> TestTrust {
    // The test's clock stands still: nobody waits for what others hold.
    let trust = try await TestTrust(over: store, configuration: .init(tasks: .init(recallMilliseconds: 0)))
    if let limit {
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: trust.company), in: .platform)
        try await trust.layer.plans.change(.package(Package(tasksPerPeriod: limit)), of: trust.company, permit)
    }
    return trust
}

@Suite struct PlansTests {
    /// Clause S4.2: the status decides the plan, replays and old statuses change nothing, the actor is the rule.
    @Test func thePlanFollowsTheStatus() async throws {
        let trust = try await trust()
        let plans = trust.layer.plans
        let company = { Company(id: trust.company, status: $0) }
        #expect(try await plans.allowance(of: trust.company).plan == "trial")
        #expect(try await plans.setStatus(company(.customer), sequence: 5))
        #expect(try await plans.allowance(of: trust.company).plan == "bronze")
        #expect(try await !plans.setStatus(company(.customer), sequence: 5))
        #expect(try await !plans.setStatus(company(.proofOfConcept), sequence: 4))
        #expect(try await plans.allowance(of: trust.company).plan == "bronze")
        #expect(try await plans.setStatus(company(.proofOfConcept), sequence: 6))
        #expect(try await plans.allowance(of: trust.company).plan == "trial")
        let entries = try trust.store.auditEntries().filter { $0.action == "plans.setStatus" }
        #expect(entries.count == 3)
        #expect(entries[1].context.actor == .rule("plans.status.customer"))
        #expect(entries[1].details["plan.before"] == "trial" && entries[1].details["plan.after"] == "bronze")
    }

    @Test func aFormerCompanyIsNotAdmittedAndAnUnknownOneHasNoPlan() async throws {
        let trust = try await trust()
        let running = try await trust.admission(tasks: 2)
        try await trust.layer.plans.setStatus(Company(id: trust.company, status: .former), sequence: 2)
        await #expect(throws: PlanError(.companyInactive)) {
            _ = try await trust.layer.plans.allowance(of: trust.company)
        }
        do {
            try await trust.admission().release()
            Issue.record("a former company was admitted")
        } catch let error as PlanError {
            #expect(error == PlanError(.companyInactive))
        }
        running.commit(used: 1)
        try await trust.layer.tasks.settle()
        await #expect(throws: PlanError(.noPlan)) {
            _ = try await trust.layer.plans.allowance(of: Identifier(high: 9, low: 9))
        }
    }

    /// Clause S4.1.
    @Test func aPackageReplacesThePlansLimit() async throws {
        let trust = try await trust(limit: 42)
        let allowance = try await trust.layer.plans.allowance(of: trust.company)
        #expect(allowance.plan == "trial" && allowance.limit == 42)
        let permit = try await trust.permit(ChangePlan.self, on: .plan(of: trust.company), in: .platform)
        try await trust.layer.plans.change(.package(Package(tasksPerPeriod: 50)), of: trust.company, permit)
        #expect(try await trust.layer.plans.allowance(of: trust.company).limit == 50)
        let last = try trust.store.auditEntries().last
        #expect(last?.action == "plans.change" && last?.decision == permit.decision)
        #expect(last?.details["limit.before"] == "42" && last?.details["limit.after"] == "50")
        for count in [-1, 1_000_000_000_001, Int.max, .min] {
            await #expect(throws: PlanError(.invalidChange)) {
                try await trust.layer.plans.change(
                    .package(Package(tasksPerPeriod: count)), of: trust.company, permit)
            }
        }
    }

    @Test func periodsAreCountedFromTheAnchor() async throws {
        let time = ManualTime(now: try #require(CivilDay("2026-01-31")).startInUTC.advanced(by: .seconds(3600)))
        let trust = try await TestTrust(over: TestStore(), time: time)
        func resets() async throws -> String {
            try await trust.layer.plans.allowance(of: trust.company).resetsAt.day.description
        }
        #expect(try await resets() == "2026-02-28")
        time.setWallClock(to: try #require(CivilDay("2026-02-28")).startInUTC)
        #expect(try await resets() == "2026-03-31")
        time.setWallClock(to: try #require(CivilDay("2026-03-30")).startInUTC)
        #expect(try await resets() == "2026-03-31")
        time.setWallClock(to: try #require(CivilDay("2026-03-31")).startInUTC)
        #expect(try await resets() == "2026-04-30")
    }

    @Test func aNewPeriodStartsAtZero() async throws {
        let trust = try await trust(limit: 3)
        try await trust.admission(tasks: 3).commit(used: 3)
        let retry: Timestamp?
        do {
            try await trust.admission().release()
            retry = nil
        } catch let error as PlanError {
            #expect(error == PlanError(.limitReached))
            retry = error.retryAt
        }
        trust.time.setWallClock(to: try #require(retry))
        try await trust.admission(tasks: 3).commit(used: 3)
    }

    @Test(arguments: [0, -1, Int.min, .max]) func impossibleCountsAreRefused(_ tasks: Int) async throws {
        let trust = try await trust()
        do {
            try await trust.admission(tasks: tasks).release()
            Issue.record("it was admitted")
        } catch let error as PlanError {
            #expect(error == PlanError(.invalidCount))
        }
    }

    @Test func whatIsNotUsedComesBackAndWhatIsDroppedDoesNot() async throws {
        let trust = try await trust(limit: 100)
        func used() async throws -> Int {
            try await trust.layer.tasks.settle()
            return try await trust.layer.plans.allowance(of: trust.company).used
        }
        try await trust.admission(tasks: 10).commit(used: 7)
        #expect(try await used() == 7)
        try await trust.admission(tasks: 10).release()
        #expect(try await used() == 7)
        _ = try await trust.admission(tasks: 10)
        #expect(try await used() == 17)
        try await trust.admission(tasks: 10).commit(used: 99)
        #expect(try await used() == 27)
        try await trust.admission(tasks: 10).commit(used: -5)
        #expect(try await used() == 27)
    }

    /// A clock that goes back revives nothing, and a status that is told again and again costs nothing.
    @Test func theClockDoesNotUndoWhatWasTold() async throws {
        let trust = try await trust(limit: 5)
        for sequence in 2..<2000 {
            try await trust.layer.plans.setStatus(
                Company(id: trust.company, status: .proofOfConcept), sequence: Int64(sequence))
        }
        try await trust.layer.plans.setStatus(Company(id: trust.company, status: .former), sequence: 3000)
        trust.time.setWallClock(to: trust.time.now.advanced(by: .seconds(-3600)))
        await #expect(throws: PlanError(.companyInactive)) {
            _ = try await trust.layer.plans.allowance(of: trust.company)
        }
    }

    @Test func theCataloguesJSONIsStable() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let text = String(decoding: try encoder.encode(Catalogue.reference), as: UTF8.self)
        #expect(
            text == #"{"answerDays":30,"noticeDays":30,"plans":["#
                + #"{"entitlements":{"environments":["development","test","production"],"tasksPerPeriod":1000},"name":"trial"},"#
                + #"{"entitlements":{"environments":["development","test","production"],"tasksPerPeriod":10000},"name":"bronze"}],"#
                + #""statusRules":{"customer":"bronze","proofOfConcept":"trial"},"version":1}"#)
        #expect(try JSONDecoder().decode(Catalogue.self, from: Data(text.utf8)) == .reference)
        // As a host writes one: what is left out is as by default.
        let short =
            #"{"version":1,"statusRules":{"customer":"bronze","proofOfConcept":{"plan":"trial"}},"plans":["#
            + #"{"name":"trial","entitlements":{"tasksPerPeriod":1000}},{"name":"bronze","entitlements":{"tasksPerPeriod":10000}}]}"#
        #expect(try JSONDecoder().decode(Catalogue.self, from: Data(short.utf8)) == .reference)
        let rule = StatusRule("gold", timing: .nextPeriod, alignment: .startsPeriods, usage: .scaled)
        #expect(try JSONDecoder().decode(StatusRule.self, from: encoder.encode(rule)) == rule)
    }

    @Test func catalogueDefectsAreTold() {
        #expect(Catalogue.reference.validate().isEmpty)
        let bad = Catalogue(
            version: 0, plans: [Plan(name: "a", tasksPerPeriod: -1), Plan(name: "a", tasksPerPeriod: 1)],
            statusRules: [.customer: "b"])
        #expect(bad.validate().count == 4)
        for code in PlanError.Code.allCases { #expect("\(PlanError(code))".count > 20) }
    }
}

@Suite struct AdmissionProperties {
    /// 200 at a limit of 100: exactly 100 are admitted.
    @Test func concurrentAdmissionsFillTheLimitExactly() async throws {
        for _ in 0..<Scale.current.cases(ci: 3, soak: 100) {
            let trust = try await trust(limit: 100)
            let admitted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        do {
                            try await trust.admission().commit(used: 1)
                            return true
                        } catch let error as PlanError {
                            #expect(error == PlanError(.limitReached))
                            return false
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(admitted == 100)
            #expect(try await trust.layer.plans.allowance(of: trust.company).remaining == 0)
        }
    }

    /// A reply is lost and a rival writes at once: what came back is not counted twice.
    @Test func aRivalAfterALostReplyCausesNoDoubleRefund() async throws {
        let base = TestStore()
        let first = try await trust(limit: 100, over: base)
        let rivals = RivalStore(base, rival: { try? await first.admission(tasks: 1).commit(used: 1) })
        let meter = TaskMeter(plans: try await first.process(rivals), configuration: .init(recallMilliseconds: 0))
        try await meter.admit(first.job(), of: first.company, tasks: 50).commit(used: 20)
        rivals.arm()
        try? await meter.settle()
        try? await meter.settle()
        let used = try await first.layer.plans.allowance(of: first.company).used
        #expect(used >= 21, "counted \(used), and 21 are in use")
    }

    /// Whatever fails, no more is ever admitted than the limit, also by a second process after a crash.
    @Test(arguments: FaultyStore.Fault.allCases) func faultsNeverOverAdmit(_ fault: FaultyStore.Fault) async throws {
        var generator = Scale.current.generator(for: "faulty admissions \(fault)")
        for _ in 0..<Scale.current.cases(ci: 60, soak: 5000) {
            let base = TestStore()
            let limit = 20
            let first = try await trust(limit: limit, over: base)
            let faulty = FaultyStore(base, failing: Int.random(in: 2...40, using: &generator), with: fault)
            let second = TaskMeter(plans: try await first.process(faulty), configuration: .init(recallMilliseconds: 0))
            let meters = [second, first.layer.tasks]
            var used = 0
            for _ in 0..<30 {
                let meter = meters[Int.random(in: 0...1, using: &generator)]
                let tasks = Int.random(in: 1...4, using: &generator)
                let spent = Int.random(in: 0...tasks, using: &generator)
                do {
                    try await meter.admit(first.job(), of: first.company, tasks: tasks).commit(used: spent)
                    used += spent
                } catch {
                    continue
                }
            }
            for meter in meters { try? await meter.settle() }
            let counted = try await first.layer.plans.allowance(of: first.company).used
            #expect(used <= counted && counted <= limit, "used \(used), counted \(counted)")
        }
    }
}

/// A store that, once armed, loses the reply of the next commit after a rival has written.
private final class RivalStore: Store {
    private let base: any Store
    private let rival: @Sendable () async -> Void
    private let isArmed = Mutex(false)

    init(_ base: any Store, rival: @escaping @Sendable () async -> Void) {
        self.base = base
        self.rival = rival
    }

    func arm() { isArmed.withLock { $0 = true } }

    func record(for key: Key) async throws(StoreError) -> Record? { try await base.record(for: key) }

    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await base.records(in: range, limit: limit)
    }

    func commit(_ changes: Changes) async throws(StoreError) {
        try await base.commit(changes)
        let isHit = isArmed.withLock { armed in
            defer { armed = false }
            return armed
        }
        guard isHit else { return }
        await rival()
        throw .outcomeUnknown
    }
}

@Suite struct CompanyRecordTests {
    /// The record of a company, as releases before wrote it too.
    @Test func theFormatIsStable() async throws {
        let trust = try await trust(limit: 42)
        try await trust.layer.plans.setStatus(Company(id: trust.company, status: .customer), sequence: 7)
        let key = Table<RawRecord>("plans.company").key(.platform, [trust.company.description])
        let record = try #require(try await trust.store.record(for: key))
        let noon = #""from":"2026-01-15T12:00:00.000000Z","recorded":"2026-01-15T12:00:00.000000Z","#
        let expected =
            #"{"schema":1,"value":{"firstOn":{"trial":"2026-01-15T12:00:00.000000Z"},"isAwaiting":false,"overages":[],"#
            + #""packages":[{\#(noon)"value":{"package":{"tasksPerPeriod":42}}}],"#
            + #""periods":{"anchor":"2026-01-15","months":1,"secondOfDay":0,"zone":"UTC"},"plans":["#
            + #"{\#(noon)"value":{"catalogue":1,"isOfStatus":true,"plan":"trial"}},"#
            + #"{\#(noon)"value":{"catalogue":1,"isOfStatus":true,"plan":"bronze"}}],"#
            + #""sequence":7,"status":"customer","turns":[]}}"#
        // A line behind it vouches for it.
        let lines = String(decoding: record.bytes, as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2 && lines.first.map(String.init) == expected)
        // Read back, and not when it is another's.
        #expect(try await trust.layer.plans.allowance(of: trust.company).limit == 42)
        for (text, other) in [
            ("42", "-1"), ("customer", "friend"), ("2026-01-15T", "2026-13-15T"), ("anchor", "ancor"),
        ] {
            var changes = Changes()
            changes.write(key, Array(expected.replacingOccurrences(of: text, with: other).utf8))
            try await trust.store.commit(changes)
            await #expect(throws: PlanError(.tampered(key))) {
                try await trust.layer.plans.allowance(of: trust.company)
            }
        }
    }

    /// However often a company is given another package or status, there is room for the next.
    @Test func thereIsAlwaysRoomForTheNextFact() async throws {
        let trust = try await trust()
        let plans = trust.layer.plans
        for number in 1...500 {
            let permit = try await trust.permit(ChangePlan.self, on: .plan(of: trust.company), in: .platform)
            try await plans.change(.package(Package(tasksPerPeriod: number)), of: trust.company, permit)
            let status: Company.Status = number.isMultiple(of: 2) ? .customer : .proofOfConcept
            try await plans.setStatus(Company(id: trust.company, status: status), sequence: Int64(1 + number))
        }
        let allowance = try await plans.allowance(of: trust.company)
        #expect(allowance.limit == 500 && allowance.plan == "bronze")
        let key = Table<RawRecord>("plans.company").key(.platform, [trust.company.description])
        #expect(try #require(try await trust.store.record(for: key)).bytes.count < Changes.maximumRecordBytes / 2)
    }

    /// Also when it is statuses alone.
    @Test func thereIsAlwaysRoomForTheNextStatus() async throws {
        let trust = try await trust()
        for number in 1...250 {
            let status: Company.Status = number.isMultiple(of: 2) ? .proofOfConcept : .customer
            try await trust.layer.plans.setStatus(
                Company(id: trust.company, status: status), sequence: Int64(1 + number))
        }
        #expect(try await trust.layer.plans.allowance(of: trust.company).plan == "trial")
    }
}
