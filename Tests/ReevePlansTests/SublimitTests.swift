// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

extension Nodes {
    fileprivate func usedOfSublimit(_ sublimit: Int = 0) async throws -> Int {
        try await plans.allowance(of: company).sublimits[sublimit].used
    }
}

@Suite struct SublimitTests {
    private let other = Identifier<Workspace>(high: 9, low: 9)

    /// Jobs of an environment stop at its sublimit, on all processes together, and the others go on to the company's limit.
    @Test func anEnvironmentStopsAtItsSublimit() async throws {
        let nodes = try await Nodes(3, limit: 0)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 30)])
        var admitted = 0
        for node in [0, 1, 2, 0] {
            let (count, error) = await nodes.fill(.production, on: nodes.meters[node], atMost: node == 2 ? 2000 : 7)
            admitted += count
            if count < 7 || node == 2 {
                #expect(error == PlanError(.sublimitReached) && error?.retryAt?.day.description == "2026-02-15")
            }
            for meter in nodes.meters { try await meter.settle() }
        }
        #expect(admitted == 30)
        // A job of no environment is in none.
        #expect(await nodes.fill(.test, on: nodes.meters[1], atMost: 40).0 == 40)
        for meter in nodes.meters { try await meter.giveBackAll() }
        let (rest, error) = await nodes.fill(nil)
        #expect(rest == 30 && error == PlanError(.limitReached))
        let allowance = try await nodes.plans.allowance(of: nodes.company)
        #expect(
            allowance.used == 100 && allowance.sublimits.map(\.used) == [30] && allowance.sublimits[0].remaining == 0)
        #expect(await nodes.fill(.production).1 == PlanError(.limitReached))
        nodes.days(40)
        #expect(await nodes.fill(.production).0 == 30)
    }

    /// Jobs of a workspace share the company's limit with those of others, and must fit in each sublimit that is for them.
    @Test func workspacesShareTheirCompanysLimit() async throws {
        let nodes = try await Nodes(1, limit: 0)
        let sublimits = [
            Sublimit(other, tasksPerPeriod: 20), Sublimit(.production, of: other, tasksPerPeriod: 5),
            Sublimit(.production, tasksPerPeriod: 50),
        ]
        try await nodes.set(100, sublimits)
        #expect(await nodes.fill(.production, of: other).0 == 5)
        #expect(await nodes.fill(.test, of: other).0 == 15)
        let (count, error) = await nodes.fill(.production)
        #expect(count == 45 && error == PlanError(.sublimitReached))
        #expect(try await nodes.plans.allowance(of: nodes.company).sublimits.map(\.used) == [20, 5, 50])
        #expect(await nodes.fill(.test).0 == 35)
        #expect(try await nodes.left() == 0)
    }

    /// What a process holds for some jobs is there for others when nothing else is left.
    @Test func whatIsHeldForOthersComesBack() async throws {
        let nodes = try await Nodes(2, limit: 0, recallMilliseconds: 0, leasePerMille: 1000)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 90)])
        try await nodes.meters[0].admit(nodes.job(.test), of: nodes.company).commit(used: 1)
        try await nodes.meters[0].admit(nodes.job(.production), of: nodes.company, tasks: 90).commit(used: 90)
        #expect(await nodes.fill(.test).0 == 9)
    }

    /// The way without the store admits no job that a sublimit is for, and others as before; where workspaces are told apart, none.
    @Test func theHandleAdmitsOnlyWhatNeedsNoLook() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(1000, [Sublimit(.production, tasksPerPeriod: 90)])
        let (meter, handle) = (nodes.meters[0], nodes.meters[0].handle(for: nodes.company))
        func admits(_ environment: Environment) -> Bool {
            guard let admission = handle.admit(nodes.job(environment)) else { return false }
            admission.release()
            return true
        }
        try await meter.admit(nodes.job(.test), of: nodes.company).commit(used: 1)
        try await meter.admit(nodes.job(.production), of: nodes.company).commit(used: 1)
        #expect(admits(.test) && !admits(.production))
        let writes = nodes.poolWrites
        for _ in 0..<5 {
            try await meter.admit(nodes.job(.production), of: nodes.company).commit(used: 1)
            try await meter.admit(nodes.job(.test), of: nodes.company).commit(used: 1)
        }
        #expect(nodes.poolWrites == writes)
        try await nodes.set(1000, [Sublimit(other, tasksPerPeriod: 90)])
        try await meter.settle()
        try await meter.admit(nodes.job(.test), of: nodes.company).commit(used: 1)
        #expect(!admits(.test) && !admits(.production))
        // Jobs of a workspace that nothing is for are admitted on what is held all the same, whatever the environment.
        let later = nodes.poolWrites
        for environment in Environment.allCases {
            try await meter.admit(nodes.job(environment), of: nodes.company).commit(used: 1)
        }
        #expect(nodes.poolWrites == later)
    }

    /// What jobs give back comes back to the sublimit, whenever and wherever they do it.
    @Test func whatComesBackComesBackToTheSublimit() async throws {
        let nodes = try await Nodes(2, limit: 0)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 40)])
        let (first, second) = (nodes.meters[0], nodes.meters[1])
        var admission = try await first.admit(nodes.job(.production), of: nodes.company, tasks: 10)
        let detached = try await first.admit(nodes.job(.production), of: nodes.company, tasks: 10).detach()
        try await first.extend(&admission, by: 10)
        try await nodes.giveBackAll()
        #expect(try await nodes.usedOfSublimit() == 30)
        admission.commit(used: 15)
        try await first.settle()
        #expect(try await nodes.usedOfSublimit() == 25)
        try await second.commit(detached, used: 4)
        #expect(try await nodes.usedOfSublimit() == 19)
        // As data, and back.
        let job = nodes.job(.production)
        try await first.admit(job, of: nodes.company, tasks: 2).commit(actions(1...5), by: rules)
        try await first.giveBackAll()
        #expect(try await nodes.usedOfSublimit() == 24)
        try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 1, nodes.permit())
        #expect(try await nodes.usedOfSublimit() == 20)
        try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 4, nodes.permit())
        #expect(try await nodes.usedOfSublimit() == 23)
        try await nodes.trust.layer.tasks.correct(job.id, of: nodes.company, to: 1, nodes.permit())
        // What was told before is given back.
        try await first.admit(job, of: nodes.company, tasks: 5).commit(actions(1...5), by: rules)
        try await first.giveBackAll()
        #expect(try await nodes.usedOfSublimit() == 20)
        try await second.report(actions(1...3), of: nodes.job(.production), by: rules, to: nodes.company)
        try await second.report(actions(1...3), of: nodes.job(.test), by: rules, to: nodes.company)
        #expect(try await nodes.usedOfSublimit() == 23)
        #expect(try await nodes.plans.allowance(of: nodes.company).used == 26)
    }

    /// Whoever pays gets no tighter sublimits for as much, and the price document names them.
    @Test func aTighterSublimitIsLess() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        let gold = try await stage.plans.propose(.plan("gold"), for: stage.company, stage.change())
        try await stage.plans.activate(stage.approve(gold), stage.change())
        let package = Package(sublimits: [Sublimit(.production, tasksPerPeriod: 10)])
        let error = await refusal {
            try await stage.plans.change(.package(package), of: stage.company, stage.change())
        }
        #expect(error == PlanError(.approvalRequired))
        let proposal = try await stage.plans.propose(
            .package(package), for: stage.company, conditions: conditions, stage.change())
        #expect(proposal.document.text.contains("at most 10 of these tasks in one period for production"))
        try await stage.plans.activate(stage.approve(proposal), stage.change())
        let looser = Package(sublimits: [Sublimit(.production, tasksPerPeriod: 11)])
        #expect(try await !stage.plans.preview(.package(looser), of: stage.company).needsApproval)
        let tighter = Package(sublimits: [Sublimit(.production, tasksPerPeriod: 9)])
        #expect(try await stage.plans.preview(.package(tighter), of: stage.company).needsApproval)
    }

    /// A sublimit can be raised, lowered, dropped and set anew; one that is new counts from then on.
    @Test func sublimitsChangeInThePeriod() async throws {
        let nodes = try await Nodes(2, limit: 100)
        #expect(await nodes.fill(.production, atMost: 10).0 == 10)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 20)])
        for meter in nodes.meters { try await meter.settle() }
        nodes.trust.time.advance(by: .seconds(1))
        #expect(await nodes.fill(.production, on: nodes.meters[1], atMost: 15).0 == 15)
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 10)])
        #expect(await nodes.fill(.production, on: nodes.meters[1]).0 == 0)
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 18)])
        #expect(await nodes.fill(.production, on: nodes.meters[1]).0 == 3)
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(1000, [Sublimit(.production, tasksPerPeriod: 180)], .scaled)
        #expect(try await nodes.usedOfSublimit() == 180)
        try await nodes.set(1000, [Sublimit(.production, tasksPerPeriod: 180)], .reset)
        #expect(try await nodes.usedOfSublimit() == 0)
        #expect(await nodes.fill(.production, on: nodes.meters[0]).0 == 180)
        try await nodes.set(1000, [])
        #expect(await nodes.fill(.production, atMost: 10).0 == 10)
        #expect(try await nodes.plans.allowance(of: nodes.company).sublimits.isEmpty)
    }

    /// A job that needs more than there is in a whole period is told no instant at which it could be admitted.
    @Test func whatNeverFitsIsNotToBeTriedAgain() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 20)])
        for (environment, tasks, code, isLater) in [
            (Environment.test, 101, PlanError.Code.limitReached, false), (.test, 100, .limitReached, true),
            (.production, 21, .sublimitReached, false), (.production, 20, .sublimitReached, true),
        ] {
            try await nodes.meters[0].admit(nodes.job(.production), of: nodes.company).commit(used: 1)
            let error = await refusal {
                try await nodes.meters[0].admit(nodes.job(environment), of: nodes.company, tasks: tasks).release()
            }
            #expect(error == PlanError(code) && (error?.retryAt != nil) == isLater)
        }
    }

    /// Once a process has learnt of other sublimits it gives back what it held under those before.
    @Test func whatIsHeldUnderOthersIsGivenBack() async throws {
        let nodes = try await Nodes(1, limit: 0)
        let meter = nodes.meters[0]
        func set(_ production: Int) async throws {
            try await nodes.set(
                1000, [Sublimit(.production, tasksPerPeriod: production), Sublimit(.test, tasksPerPeriod: 500)])
        }
        try await set(400)
        for environment in [Environment.production, .test] {
            try await meter.admit(nodes.job(environment), of: nodes.company).commit(used: 1)
        }
        try await set(0)
        // A job that is too large for what is held looks into the store.
        try await meter.admit(nodes.job(.test), of: nodes.company, tasks: 300).release()
        #expect(await nodes.fill(.production) == (0, PlanError(.sublimitReached)))
    }

    /// What was taken before a change that counts anew does not come back to a sublimit after it.
    @Test func whatCountedBeforeDoesNotComeBack() async throws {
        let nodes = try await Nodes(1, limit: 0)
        let sublimits = [Sublimit(.production, tasksPerPeriod: 10)]
        try await nodes.set(100, sublimits)
        let admission = try await nodes.meters[0].admit(nodes.job(.production), of: nodes.company, tasks: 8)
        try await nodes.giveBackAll()
        nodes.trust.time.advance(by: .seconds(1))
        try await nodes.set(100, sublimits, .reset)
        nodes.trust.time.advance(by: .seconds(1))
        admission.release()
        #expect(await nodes.fill(.production).0 == 10)
        try await nodes.giveBackAll()
        #expect(await nodes.fill(.production).0 == 0)
        #expect(try await nodes.plans.allowance(of: nodes.company).sublimits.map(\.used) == [10])
    }

    /// Usage that is reported before anybody took tasks of the period counts against its sublimits as well.
    @Test func reportsCountFromTheBeginning() async throws {
        let nodes = try await Nodes(1, limit: 0)
        try await nodes.set(100, [Sublimit(.production, tasksPerPeriod: 10)])
        nodes.days(40)
        try await nodes.meters[0].report(actions(1...8), of: nodes.job(.production), by: rules, to: nodes.company)
        #expect(await nodes.fill(.production).0 == 2)
    }

    /// A job that waits for a sublimit keeps no other one from going on.
    @Test func whoWaitsForASublimitLetsOthersPass() async throws {
        let nodes = try await Nodes(1, limit: 0, leasePerMille: 1)
        try await nodes.set(20, [Sublimit(.production, tasksPerPeriod: 5)])
        #expect(await nodes.fill(.production).0 == 5)
        #expect(await nodes.fill(.test).0 == 15)
        func wait(_ environment: Environment) async -> Task<Void, any Error> {
            let before = nodes.meters[0].waiting(of: nodes.company).count
            let task = Task {
                try await nodes.meters[0].admitWaiting(nodes.job(environment), of: nodes.company, tasks: 2).commit(
                    used: 2)
            }
            while nodes.meters[0].waiting(of: nodes.company).count == before { await Task.yield() }
            return task
        }
        let (blocked, free) = (await wait(.production), await wait(.test))
        try await nodes.set(30, [Sublimit(.production, tasksPerPeriod: 6)])
        try await nodes.meters[0].settle()
        try await free.value
        #expect(nodes.meters[0].waiting(of: nodes.company).map(\.job.scope.environment) == [.production])
        try await nodes.set(30, [Sublimit(.production, tasksPerPeriod: 7)])
        try await nodes.meters[0].settle()
        try await blocked.value
        #expect(try await nodes.usedOfSublimit() == 7)
    }

    /// Sublimits that contradict themselves are refused, as is one for a workspace in a plan; a package says what it has in the plan's place.
    @Test func wrongOnesAreRefused() throws {
        func isRefused(_ sublimits: [Sublimit]) -> Bool { !Package(sublimits: sublimits).validate().isEmpty }
        let one = Sublimit(.test, tasksPerPeriod: 1)
        #expect(!isRefused([one, Sublimit(other, tasksPerPeriod: 1), Sublimit(.test, of: other, tasksPerPeriod: 0)]))
        #expect(
            isRefused([one, Sublimit(.test, tasksPerPeriod: 2)]) && isRefused([Sublimit(.test, tasksPerPeriod: -1)]))
        #expect(isRefused((1...33).map { Sublimit(Identifier(high: 1, low: $0), tasksPerPeriod: 1) }))
        var nobody = one
        nobody.environment = nil
        #expect(isRefused([nobody]))
        let plan = Plan(name: "a", entitlements: Entitlements(tasksPerPeriod: 5, sublimits: [one]))
        #expect(plan.validate().isEmpty)
        #expect(Package().applied(to: plan.entitlements).sublimits == [one])
        #expect(Package(sublimits: []).applied(to: plan.entitlements).sublimits.isEmpty)
        let inPlan = Entitlements(tasksPerPeriod: 5, sublimits: [Sublimit(other, tasksPerPeriod: 1)])
        #expect(!Plan(name: "a", entitlements: inPlan).validate().isEmpty)
        for text in ["", "/", "production/", "/production", "staging", "wsp_/test", "a/b/c"] {
            #expect(SublimitJobs(text) == nil)
        }
        for sublimit in [one, Sublimit(other, tasksPerPeriod: 1), Sublimit(.production, of: other, tasksPerPeriod: 1)] {
            let jobs = SublimitJobs(environment: sublimit.environment, workspace: sublimit.workspace)
            #expect(SublimitJobs(jobs.description) == jobs)
        }
    }
}

@Suite struct SublimitProperties {
    /// Whatever processes take, give back, lose and are told, no sublimit is exceeded, and all of each can be used in the end.
    @Test func noneIsExceededAndAllIsUsed() async throws {
        var generator = Scale.current.generator(for: "sublimits")
        for _ in 0..<Scale.current.cases(ci: 60, soak: 2000) {
            let limit = Int.random(in: 20...120, using: &generator)
            let workspaces = [Identifier<Workspace>(high: 1, low: 1), Identifier(high: 1, low: 2)]
            var sublimits = [Sublimit(.production, tasksPerPeriod: .random(in: 0...60, using: &generator))]
            if Bool.random(using: &generator) {
                sublimits.append(Sublimit(workspaces[1], tasksPerPeriod: .random(in: 0...60, using: &generator)))
            }
            if Bool.random(using: &generator) {
                sublimits.append(
                    Sublimit(.test, of: workspaces[1], tasksPerPeriod: .random(in: 0...30, using: &generator)))
            }
            let nodes = try await Nodes(3, limit: 0, leasePerMille: .random(in: 1...500, using: &generator))
            try await nodes.set(limit, sublimits)
            var used: [Scope: Int] = [:]
            func sum(_ sublimit: Sublimit) -> Int {
                used.filter { scope, _ in
                    sublimit.environment.map { $0 == scope.environment } ?? true
                        && sublimit.workspace.map { $0 == scope.workspace } ?? true
                }.reduce(0) { $0 + $1.value }
            }
            for _ in 0..<80 {
                let (node, environment) = (
                    Int.random(in: 0..<3, using: &generator), Environment.allCases.randomElement(using: &generator)
                )
                let job = nodes.job(environment, of: workspaces.randomElement(using: &generator))
                let tasks = Int.random(in: 1...6, using: &generator)
                switch Int.random(in: 0..<8, using: &generator) {
                case 0: try await nodes.meters[node].settle()
                case 1: try await nodes.meters[node].giveBackAll()
                case 2:
                    nodes.trust.time.advance(by: .seconds(Int.random(in: 1...70, using: &generator)))
                default:
                    let back = Int.random(in: 0...tasks, using: &generator)
                    do throws(PlanError) {
                        let admission = try await nodes.meters[node].admit(job, of: nodes.company, tasks: tasks)
                        admission.commit(used: tasks - back)
                        used[job.scope, default: 0] += tasks - back
                    } catch {
                        #expect(error == PlanError(.limitReached) || error == PlanError(.sublimitReached))
                    }
                }
                for sublimit in sublimits {
                    #expect(sum(sublimit) <= sublimit.tasksPerPeriod, "seed \(Scale.current.seed)")
                }
                #expect(used.reduce(0) { $0 + $1.value } <= limit)
            }
            for meter in nodes.meters { try await meter.giveBackAll() }
            let allowance = try await nodes.plans.allowance(of: nodes.company)
            #expect(allowance.used == used.reduce(0) { $0 + $1.value }, "seed \(Scale.current.seed)")
            for use in allowance.sublimits {
                #expect(use.used == sum(use.sublimit), "seed \(Scale.current.seed)")
            }
            // What is left can be used to the last task.
            let left = min(limit - allowance.used, allowance.sublimits[0].remaining)
            if allowance.sublimits.count == 1 {
                #expect(await nodes.fill(.production, of: workspaces[0], on: nodes.meters[1]).0 == left)
            }
        }
    }

    /// Other sublimits come and go; one stays, and is exact.
    @Test func oneThatStaysIsExact() async throws {
        let other = Identifier<Workspace>(high: 9, low: 9)
        var generator = Scale.current.generator(for: "sublimits that come and go")
        for _ in 0..<Scale.current.cases(ci: 100, soak: 3000) {
            let limit = Int.random(in: 30...150, using: &generator)
            let constant = Sublimit(.production, tasksPerPeriod: .random(in: 5...80, using: &generator))
            let nodes = try await Nodes(3, limit: 0, leasePerMille: .random(in: 1...500, using: &generator))
            try await nodes.set(limit, [constant])
            var used = (production: 0, all: 0)
            var open: [(Bool, DetachedAdmission)] = []
            for _ in 0..<80 {
                let node = Int.random(in: 0..<3, using: &generator)
                let environment = Environment.allCases[.random(in: 0...2, using: &generator)]
                let workspace = Bool.random(using: &generator) ? other : Identifier(high: 1, low: 1)
                let tasks = Int.random(in: 1...6, using: &generator)
                switch Int.random(in: 0..<14, using: &generator) {
                case 0: try await nodes.meters[node].settle()
                case 1: try await nodes.meters[node].giveBackAll()
                case 2: nodes.trust.time.advance(by: .seconds(Int.random(in: 1...70, using: &generator)))
                case 3:
                    var all = [constant]
                    if Bool.random(using: &generator) { all.append(Sublimit(other, tasksPerPeriod: 40)) }
                    if Bool.random(using: &generator) { all.insert(Sublimit(.test, tasksPerPeriod: 40), at: 0) }
                    if Bool.random(using: &generator) {
                        all.append(Sublimit(.production, of: other, tasksPerPeriod: 40))
                    }
                    try await nodes.set(limit, all)
                    nodes.trust.time.advance(by: .seconds(1))
                case 4, 5:
                    do throws(PlanError) {
                        let detached = try await nodes.meters[node].admit(
                            nodes.job(environment, of: workspace), of: nodes.company, tasks: tasks
                        ).detach()
                        open.append((environment == .production, detached))
                        used.all += tasks
                        if environment == .production { used.production += tasks }
                    } catch { #expect(error.code == .limitReached || error.code == .sublimitReached) }
                case 6:
                    guard let (isProduction, detached) = open.popLast() else { continue }
                    let spent = Int.random(in: 0...detached.tasks, using: &generator)
                    try await nodes.meters[node].commit(detached, used: spent)
                    used.all -= detached.tasks - spent
                    if isProduction { used.production -= detached.tasks - spent }
                case 7:
                    do throws(PlanError) {
                        var admission = try await nodes.meters[node].admit(
                            nodes.job(environment, of: workspace), of: nodes.company, tasks: tasks)
                        var spent = tasks
                        do throws(PlanError) {
                            try await nodes.meters[node].extend(&admission, by: 3)
                            spent += 2
                        } catch {}
                        admission.commit(actions(1...spent), by: rules)
                        used.all += spent
                        if environment == .production { used.production += spent }
                    } catch { #expect(error.code == .limitReached || error.code == .sublimitReached) }
                default:
                    let back = Int.random(in: 0...tasks, using: &generator)
                    do throws(PlanError) {
                        try await nodes.meters[node].admit(
                            nodes.job(environment, of: workspace), of: nodes.company, tasks: tasks
                        ).commit(used: tasks - back)
                        used.all += tasks - back
                        if environment == .production { used.production += tasks - back }
                    } catch { #expect(error.code == .limitReached || error.code == .sublimitReached) }
                }
                #expect(used.production <= constant.tasksPerPeriod && used.all <= limit, "seed \(Scale.current.seed)")
            }
            try await nodes.giveBackAll()
            let allowance = try await nodes.plans.allowance(of: nodes.company)
            let own = allowance.sublimits.first { $0.sublimit == constant }
            #expect(
                allowance.used == used.all && own?.used == used.production,
                "seed \(Scale.current.seed) \(allowance.used) \(used) \(String(describing: own?.used))")
        }
    }
}
