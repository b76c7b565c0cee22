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
import Testing

@Suite struct RunningJobTests {
    /// A job that needs more takes more, and what it does not use comes back, from wherever it was taken.
    @Test func aRunningJobTakesMore() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let (meter, company) = (nodes.meters[0], nodes.company)
        var admission = try await meter.admit(nodes.trust.job(), of: company, tasks: 10)
        try await meter.extend(&admission, by: 3)
        // Beyond the lease.
        try await meter.extend(&admission, by: 60)
        #expect(admission.tasks == 73)
        do {
            try await meter.extend(&admission, by: 28)
            Issue.record("more than there is")
        } catch {
            #expect(error == PlanError(.limitReached))
        }
        for tasks in [0, -1, .min, .max] {
            do {
                try await meter.extend(&admission, by: tasks)
                Issue.record("\(tasks) tasks")
            } catch {
                #expect(error == PlanError(.invalidCount))
            }
        }
        #expect(admission.tasks == 73)
        admission.commit(used: 12)
        try await meter.giveBackAll()
        #expect(try await nodes.used() == 12)
        // Of several parts any number comes back.
        var other = try await meter.admit(nodes.trust.job(), of: company, tasks: 1)
        for _ in 0..<5 { try await meter.extend(&other, by: 10) }
        other.commit(used: 0)
        try await meter.giveBackAll()
        #expect(try await nodes.used() == 12)
    }

    /// A job that is run says what it used; one that throws used all, and one that is refused does not begin.
    @Test func aJobIsRun() async throws {
        struct Failure: Error {}
        let nodes = try await Nodes(1, limit: 100)
        let meter = nodes.meters[0]
        let used = try await meter.run(nodes.trust.job(), of: nodes.company, tasks: 10) { admission in
            try await meter.extend(&admission, by: 5)
            return 12
        }
        try await nodes.giveBackAll()
        #expect(try await nodes.used() == 12 && used == 12)
        for said in [-1, 11] {
            try await meter.run(nodes.trust.job(), of: nodes.company, tasks: 10) { _ in said }
        }
        await #expect(throws: Failure.self) {
            try await meter.run(nodes.trust.job(), of: nodes.company, tasks: 3) { _ in throw Failure() }
        }
        try await nodes.giveBackAll()
        #expect(try await nodes.used() == 25)
        await #expect(throws: PlanError(.limitReached)) {
            try await meter.run(nodes.trust.job(), of: nodes.company, tasks: 76) { _ in
                Issue.record("it was not admitted")
                return 0
            }
        }
    }

    /// A job that is admitted in one process ends in another, once, and also after the first has crashed.
    @Test(arguments: [false, true]) func anAdmissionIsHandedOn(_ isCrashed: Bool) async throws {
        let nodes = try await Nodes(2, limit: 100)
        var admission = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 10)
        try await nodes.meters[0].extend(&admission, by: 30)
        let job = admission.job
        let detached = admission.detach()
        #expect(detached.tasks == 40 && detached.job == job && detached.company == nodes.company)
        let text = try JSONEncoder().encode(detached)
        let read = try JSONDecoder().decode(DetachedAdmission.self, from: text)
        #expect(read == detached)
        if isCrashed {
            // What it held counts as used.
            nodes.trust.time.advance(by: .seconds(300))
            try await nodes.meters[1].admit(nodes.trust.job(), of: nodes.company).release()
            try await nodes.meters[1].giveBackAll()
        } else {
            try await nodes.meters[0].giveBackAll()
        }
        let before = try await nodes.used()
        #expect(isCrashed ? before >= 40 : before == 40)
        #expect(try await nodes.meters[1].commit(read, used: 15))
        #expect(try await nodes.used() == before - 25)
        // Once: in any process.
        for node in 0..<2 { #expect(try await !nodes.meters[node].commit(detached, used: 0)) }
        #expect(try await nodes.used() == before - 25)
    }

    /// It may end before the process that admitted it has told anything.
    @Test func itMayEndBeforeItsLease() async throws {
        let nodes = try await Nodes(2, limit: 100)
        let admission = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 10)
        let detached = admission.detach()
        #expect(try await nodes.meters[1].commit(detached, used: 4))
        try await nodes.meters[0].giveBackAll()
        #expect(try await nodes.used() == 4)
        #expect(try await nodes.fill(1) == 96)
        #expect(try await nodes.fill(0) == 0)
    }

    /// With what it did, each charge counts once, whoever tells it.
    @Test func itEndsWithWhatItDid() async throws {
        let nodes = try await Nodes(2, limit: 100)
        let steps = (0..<12).map { JobStep(.action, path: "\($0)") }
        let job = nodes.trust.job()
        let detached = try await nodes.meters[0].admit(job, of: nodes.company, tasks: 10).detach()
        // The half of it was told before.
        try await nodes.meters[1].report(Array(steps.prefix(6)), of: job, by: .everyAction, to: nodes.company)
        #expect(try await nodes.meters[1].commit(detached, steps, by: .everyAction))
        #expect(try await !nodes.meters[0].commit(detached, steps, by: .everyAction))
        try await nodes.meters[0].giveBackAll()
        #expect(try await nodes.used() == 12)
        #expect(try await nodes.trust.layer.plans.charges(of: job.id, of: nodes.company).map(\.tasks) == [12])
    }

    /// After its period it is too late, and what is kept of it is removed.
    @Test func itIsTooLateAfterItsPeriod() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let first = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 10).detach()
        let second = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 10).detach()
        let third = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 10).detach()
        try await nodes.meters[0].commit(first, used: 0)
        nodes.trust.time.setWallClock(to: try #require(CivilDay("2026-02-17")).startInUTC)
        try await nodes.meters[0].commit(second, used: 0)
        #expect(try await nodes.trust.layer.plans.removeClosedCharges(of: nodes.company) == 0)
        nodes.trust.time.setWallClock(to: try #require(CivilDay("2026-02-18")).startInUTC)
        await #expect(throws: PlanError(.periodClosed)) { try await nodes.meters[0].commit(third, used: 0) }
        // Clocks that are behind may take it still.
        #expect(try await nodes.trust.layer.plans.removeClosedCharges(of: nodes.company) == 0)
        nodes.trust.time.advance(by: .seconds(3601))
        #expect(try await nodes.trust.layer.plans.removeClosedCharges(of: nodes.company) == 2)
        // Once more changes nothing.
        await #expect(throws: PlanError(.periodClosed)) { try await nodes.meters[0].commit(first, used: 0) }
    }

    /// What is no admission is refused.
    @Test func changedOnesAreRefused() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let detached = try await nodes.meters[0].admit(nodes.trust.job(), of: nodes.company, tasks: 10).detach()
        let text = String(decoding: try JSONEncoder().encode(detached), as: UTF8.self)
        for tasks in ["-10", "1000000000001", "9223372036854775807"] {
            let changed = text.replacing("\"tasks\":10", with: "\"tasks\":\(tasks)")
            #expect(changed != text)
            let other = try JSONDecoder().decode(DetachedAdmission.self, from: Data(changed.utf8))
            await #expect(throws: PlanError(.invalidCount)) { try await nodes.meters[0].commit(other, used: 0) }
        }
        try await nodes.meters[0].giveBackAll()
        #expect(try await nodes.used() == 10)
    }

    /// Whichever call to the store fails, and however: it ends once.
    @Test(arguments: FaultyStore.Fault.allCases) func noFaultEndsItTwice(_ fault: FaultyStore.Fault) async throws {
        let whole = FaultyStore(TestStore())
        _ = try await Nodes(2, limit: 100, over: TestStore(), faulty: [0: whole])
        var call = whole.calls
        while true {
            call += 1
            let base = TestStore()
            let faulty = FaultyStore(base, failing: call, with: fault)
            let nodes = try await Nodes(2, limit: 100, over: base, faulty: [0: faulty])
            let detached = try await nodes.meters[1].admit(nodes.trust.job(), of: nodes.company, tasks: 10).detach()
            for _ in 0..<2 { _ = try? await nodes.meters[0].commit(detached, used: 3) }
            _ = try await nodes.meters[1].commit(detached, used: 3)
            try await nodes.meters[1].giveBackAll()
            #expect(try await nodes.used() == 3, "call \(call)")
            if faulty.calls < call { break }
        }
        #expect(call > 4)
    }

    /// Nothing is admitted of a company that is paused, in any process; running jobs finish, or are asked to stop.
    @Test func aPausedCompanyAdmitsNothing() async throws {
        let nodes = try await Nodes(2, limit: 100)
        let (plans, company) = (nodes.trust.layer.plans, nodes.company)
        func permit() async throws -> Permit<ChangePlan> {
            try await nodes.trust.permit(ChangePlan.self, on: .plan(of: company), in: .platform)
        }
        let own = try await nodes.trust.layer.tasks.admit(nodes.trust.job(), of: company)
        let other = try await nodes.meters[0].admit(nodes.trust.job(), of: company)
        let direct = try await nodes.meters[1].admit(nodes.trust.job(), of: company)
        try await nodes.meters[1].giveBackAll()
        #expect(nodes.admitsHeld(0))
        try await plans.pause(company, running: .stop, permit())
        let since = try #require(try await plans.plan(of: company).pause?.since)
        #expect(own.isAskedToStop && !other.isAskedToStop)
        for node in 0..<2 { try await nodes.meters[node].settle() }
        // Also where nothing is held.
        #expect(other.isAskedToStop && direct.isAskedToStop)
        #expect(!nodes.admitsHeld(0))
        for node in 0..<2 {
            let error = await refusal { try await nodes.meters[node].admit(nodes.trust.job(), of: company).release() }
            #expect(error == PlanError(.paused))
        }
        let paused = try await plans.plan(of: company)
        #expect(!paused.admits(nil) && paused.stop == nil && paused.pause?.running == .stop)
        // Another way of pausing it.
        nodes.trust.time.advance(by: .seconds(60))
        try await plans.pause(company, permit())
        #expect(try await plans.plan(of: company).pause?.since == since)
        for node in 0..<2 { try await nodes.meters[node].settle() }
        #expect(!own.isAskedToStop && !other.isAskedToStop && !direct.isAskedToStop)
        // A job waits until it is resumed.
        let waiting = Task { try await nodes.meters[1].admitWaiting(nodes.trust.job(), of: company).commit(used: 1) }
        while nodes.meters[1].waiting(of: company).isEmpty { await Task.yield() }
        try await nodes.meters[1].settle()
        #expect(nodes.meters[1].waiting(of: company).map(\.reason) == [PlanError(.paused)])
        try await plans.resume(company, permit())
        try await nodes.meters[1].settle()
        try await waiting.value
        own.release()
        other.release()
        direct.release()
        #expect(try await plans.plan(of: company).pause == nil)
        // What a status does, and what it pays, does not depend on it.
        try await plans.pause(company, permit())
        try await plans.setStatus(Company(id: company, status: .customer), sequence: 7)
        #expect(try await plans.plan(of: company).plan?.name == "bronze")
        let error = await refusal { try await nodes.meters[0].admit(nodes.trust.job(), of: company).release() }
        #expect(error == PlanError(.paused))
    }
}
