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

@Suite struct SublimitAttackTests {
    private let other = Identifier<Workspace>(high: 9, low: 9)

    /// The way without the store admits no job of a workspace that has a sublimit, also of no environment.
    @Test func handleAndWorkspace() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(1000, [Sublimit(other, tasksPerPeriod: 1)])
        try await nodes.meters[0].admit(nodes.job(.test), of: nodes.company).commit(used: 1)
        try await nodes.meters[0].admit(nodes.job(nil), of: nodes.company).commit(used: 1)
        let handle = nodes.meters[0].handle(for: nodes.company)
        var admitted = 0
        for _ in 0..<20 {
            guard let admission = handle.admit(nodes.job(nil, of: other)) else { continue }
            admission.commit(used: 1)
            admitted += 1
        }
        #expect(admitted <= 1)
    }

    /// A change that scales goes by the sublimit that was in force before it.
    @Test func scaledStale() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(1000, [Sublimit(.production, tasksPerPeriod: 200)])
        #expect(await nodes.fill(.production, atMost: 50).0 == 50)
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(1000, [Sublimit(.production, tasksPerPeriod: 100)])
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(1000, [Sublimit(.production, tasksPerPeriod: 100)], .scaled)
        #expect(try await nodes.plans.allowance(of: nodes.company).sublimits[0].used == 50)
        #expect(await nodes.fill(.production).0 == 50)
    }

    /// After a package for a time the plan's sublimit goes on where it was.
    @Test func packageForATime() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 10)])
        let detached = try await nodes.meters[0].admit(nodes.job(.production), of: nodes.company, tasks: 8).detach()
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(10))
        let end = nodes.trust.time.now.advanced(by: .seconds(3600))
        try await nodes.set(100, [], until: end)
        #expect(await nodes.fill(.production, atMost: 1).0 == 1)
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(4000))
        #expect(await nodes.fill(nil, atMost: 1).0 == 1)
        try await nodes.meters[0].commit(detached, used: 0)
        let (count, error) = await nodes.fill(.production)
        #expect(count <= 10, "\(count) \(String(describing: error))")
    }

    /// Two clocks and a scheduled change that adds a sublimit: it is kept, also when the limit changes with it.
    @Test(arguments: [100, 90]) func twoClocks(_ limit: Int) async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 50)])
        let at = nodes.trust.time.now.advanced(by: .seconds(600))
        try await nodes.set(
            limit, [Sublimit(.production, tasksPerPeriod: 50), Sublimit(other, tasksPerPeriod: 10)], .kept, .at(at))
        let ahead = ManualTime(now: nodes.trust.time.now.advanced(by: .seconds(1800)))
        let (first, _) = try await nodes.node(ahead)
        var admitted = 0
        for _ in 0..<4 {
            admitted += await nodes.fill(.test, of: other, on: first).0
            try await first.giveBackAll()
            #expect(await nodes.fill(.production, atMost: 1).0 == 1)
            try await nodes.giveBackAll()
        }
        #expect(admitted <= 10)
    }

    /// Who waits for a sublimit lets others pass, also when the limit has too little for it as well.
    @Test func blockedByASublimit() async throws {
        let nodes = try await Nodes(1, limit: 0, leasePerMille: 1)
        try await nodes.set(20, [Sublimit(.production, tasksPerPeriod: 5)])
        func wait(_ environment: Environment, _ tasks: Int) async -> Task<Void, any Error> {
            let before = nodes.meters[0].waiting(of: nodes.company).count
            let task = Task {
                try await nodes.meters[0].admitWaiting(nodes.job(environment), of: nodes.company, tasks: tasks).commit(
                    used: tasks)
            }
            while nodes.meters[0].waiting(of: nodes.company).count == before { await Task.yield() }
            return task
        }
        let blocked = await wait(.production, 6)
        #expect(nodes.meters[0].waiting(of: nodes.company).map(\.reason.code) == [.sublimitReached])
        #expect(await nodes.fill(.test).0 == 20)
        let free = await wait(.test, 2)
        try await nodes.set(23, [Sublimit(.production, tasksPerPeriod: 5)])
        for _ in 0..<5 { try await nodes.meters[0].settle() }
        for _ in 0..<100 { await Task.yield() }
        #expect(nodes.meters[0].waiting(of: nodes.company).count == 1)
        blocked.cancel()
        free.cancel()
    }

    /// A crash costs no more than the cap, whatever kinds of jobs there are.
    @Test func crashWithLanes() async throws {
        let nodes = try await Nodes(1, limit: 0, leasePerMille: 10)
        let workspaces = (1...20).map { Identifier<Workspace>(high: 7, low: $0) }
        try await nodes.set(10_000, workspaces.map { Sublimit($0, tasksPerPeriod: 10_000) })
        for workspace in workspaces {
            for environment in Environment.allCases {
                _ = await nodes.fill(environment, of: workspace, atMost: 1)
            }
        }
        nodes.trust.time.advance(by: .seconds(130))
        let (next, plans) = try await nodes.node(nodes.trust.time)
        _ = await nodes.fill(nil, on: next, atMost: 1)
        let used = try await plans.allowance(of: nodes.company).used
        #expect(used <= 100 + 60 + 1, "\(used)")
    }

    /// Nobody is refused for what this process holds for others, whoever comes between.
    @Test func thirdLane() async throws {
        var denied: [String] = []
        for _ in 0..<40 {
            let base = TestStore()
            let nodes = try await Nodes(1, limit: 0, leasePerMille: 1000, over: base, faulty: [0: YieldingStore(base)])
            try await nodes.set(80, [Sublimit(.production, tasksPerPeriod: 79), Sublimit(.test, tasksPerPeriod: 79)])
            _ = await nodes.fill(.test, atMost: 40)
            _ = await nodes.fill(.production, atMost: 1)
            // 20 are held for production, 19 of them left; 20 are free.
            async let first = refusal {
                try await nodes.meters[0].admit(nodes.job(.test), of: nodes.company, tasks: 30).commit(used: 30)
            }
            async let second = refusal {
                try await nodes.meters[0].admit(nodes.job(.development), of: nodes.company).commit(used: 1)
            }
            let errors = await [first, second]
            if errors.contains(where: { $0 != nil }) { denied.append("\(errors)") }
        }
        #expect(denied == [])
    }

    /// Many kinds of jobs and crashes: the record has room, and nobody is refused.
    @Test func recordSizeEndToEnd() async throws {
        let nodes = try await Nodes(1, limit: 0, leasePerMille: 1)
        let workspaces = (1...7).map { Identifier<Workspace>(high: .max, low: $0) }
        var sublimits = Environment.allCases.map { Sublimit($0, tasksPerPeriod: 1_000_000_000) }
        for workspace in workspaces {
            sublimits.append(Sublimit(workspace, tasksPerPeriod: 1_000_000_000))
            for environment in Environment.allCases {
                sublimits.append(Sublimit(environment, of: workspace, tasksPerPeriod: 1_000_000_000))
            }
        }
        try await nodes.set(1_000_000_000, sublimits)
        var errors: [PlanError] = []
        for _ in 0..<3 {
            for _ in 0..<13 {
                let plans = try await nodes.trust.process()
                let meter = TaskMeter(
                    plans: plans,
                    configuration: .init(recallMilliseconds: 0, leasePerMille: 1))
                for workspace in workspaces {
                    for environment in Environment.allCases {
                        let (_, error) = await nodes.fill(environment, of: workspace, on: meter, atMost: 1)
                        if let error { errors.append(error) }
                    }
                }
            }
            // All of these crash.
            nodes.trust.time.advance(by: .seconds(130))
        }
        #expect(errors.isEmpty)
    }

    /// What counted while there was no sublimit is given back to none.
    @Test func correctionsGoWhereTheyCounted() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let sublimits = [Sublimit(.production, tasksPerPeriod: 50)]
        let job = nodes.job(.production)
        try await nodes.set(100, sublimits)
        try await nodes.meters[0].report(actions(1...3), of: job, by: rules, to: nodes.company)
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(100, [])
        try await nodes.meters[0].report(actions(4...5), of: job, by: rules, to: nodes.company)
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(100, sublimits)
        func used() async throws -> [Int] {
            let allowance = try await nodes.plans.allowance(of: nodes.company)
            return [allowance.used] + allowance.sublimits.map(\.used)
        }
        #expect(try await used() == [5, 3])
        try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 3, nodes.permit())
        #expect(try await used() == [3, 3])
        try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 1, nodes.permit())
        #expect(try await used() == [1, 1])
    }

    /// What was taken before there was a sublimit comes back to none.
    @Test func whatWasBeforeASublimitDoesNotComeBackToIt() async throws {
        let nodes = try await Nodes(1, limit: 100)
        let lease = Sublimit(.production, tasksPerPeriod: 10)
        let first = try await nodes.meters[0].admit(nodes.job(.production), of: nodes.company, tasks: 8)
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(100, [lease])
        try await nodes.giveBackAll()
        #expect(await nodes.fill(.production).0 == 10)
        first.release()
        try await nodes.giveBackAll()
        #expect(await nodes.fill(.production).0 == 0)
    }

    /// An admission as data that names more sublimits than there can be is none.
    @Test func aHandedOnAdmissionIsLookedAt() async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 50)])
        let detached = try await nodes.meters[0].admit(nodes.job(.production), of: nodes.company, tasks: 5).detach()
        let text = String(decoding: try JSONEncoder().encode(detached), as: UTF8.self)
        let many = "[" + Array(repeating: "\"production\"", count: 33).joined(separator: ",") + "]"
        let wrong = text.replacing("[\"production\"]", with: many)
        #expect(wrong != text)
        let read = try JSONDecoder().decode(DetachedAdmission.self, from: Data(wrong.utf8))
        await #expect(throws: PlanError(.invalidCount)) { try await nodes.meters[0].commit(read, used: 1) }
        let nobody = text.replacing("[\"production\"]", with: "[\"nowhere\"]")
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(DetachedAdmission.self, from: Data(nobody.utf8))
        }
        try await nodes.meters[0].commit(detached, used: 1)
    }

    /// The entry of a change says which sublimits there were and are.
    @Test func aChangeIsRecordedWithItsSublimits() async throws {
        let nodes = try await Nodes(1, limit: 100)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 50)])
        try await nodes.set(100, [Sublimit(.test, tasksPerPeriod: 5), Sublimit(.production, tasksPerPeriod: 40)])
        let details = try #require(try nodes.trust.store.auditEntries().last).details
        #expect(details["sublimits.before"] == "production: 50")
        #expect(details["sublimits.after"] == "production: 40, test: 5")
    }

    /// Under a catalogue that nobody validated nothing is admitted, and nothing is written that cannot be read.
    @Test func aCatalogueWithDefects() async throws {
        var nobody = Sublimit(.test, tasksPerPeriod: 5)
        nobody.environment = nil
        let many = (1...33).map { Sublimit(Identifier(high: 1, low: $0), tasksPerPeriod: 5) }
        for sublimits in [[nobody], many, [Sublimit(.test, tasksPerPeriod: .min)]] {
            let store = SpyStore(TestStore())
            let trust = try await TestTrust(over: TestStore())
            let entitlements = Entitlements(tasksPerPeriod: 100, sublimits: sublimits)
            let catalogue = Catalogue(
                version: 1, plans: [Plan(name: "trial", entitlements: entitlements)],
                statusRules: [.proofOfConcept: "trial"])
            #expect(!catalogue.validate().isEmpty)
            let plans = try await trust.process(store, catalogue: catalogue)
            let company = Company(id: trust.company, status: .proofOfConcept)
            await #expect(throws: PlanError(.invalidCatalogue)) { try await plans.setStatus(company, sequence: 1) }
            let meter = TaskMeter(plans: plans)
            _ = await refusal { try await meter.report(actions(1...3), of: trust.job(), by: rules, to: company.id) }
            #expect(
                await refusal { try await meter.admit(trust.job(), of: company.id).release() } == PlanError(.noPlan))
        }
    }
}
