// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTesting
import Testing

private func utc(_ day: String, hours: Int = 0) throws -> Timestamp {
    try #require(CivilDay(day)).startInUTC.advanced(by: .seconds(hours * 3600))
}

@Suite struct PlanChangeTests {
    /// Clause S4.1: a package before, at and after its instant, and after its end; the entry says what was and what is.
    @Test func aPackageCountsFromItsInstantToItsEnd() async throws {
        let stage = try await PriceStage(.reference)
        let (from, until) = (stage.time.now.advanced(by: .seconds(3600)), stage.time.now.advanced(by: .seconds(7200)))
        let package = Package(
            tasksPerPeriod: 70, addedTasks: 5, addedFeatures: ["history"], environments: [.production],
            connectorClasses: ["standard"], retentionDays: 30)
        try await stage.plans.change(
            PlanChange(.package(package), timing: .at(from), until: until), of: stage.company, stage.change())
        for (instant, limit) in [
            (from.advanced(by: .microseconds(-1)), 1000), (from, 75), (until.advanced(by: .microseconds(-1)), 75),
            (until, 1000),
        ] {
            let plan = try await stage.plans.plan(of: stage.company, at: instant)
            let isOn = limit == 75
            #expect(plan.limit == limit && plan.plan?.name == "trial" && plan.includes(feature: "history") == isOn)
            #expect(plan.admits(.production) && plan.admits(nil) && plan.admits(.test) == !isOn)
            #expect(plan.includes(connectorClass: "standard") && plan.includes(connectorClass: "enterprise") == !isOn)
            #expect(plan.entitlements.retentionDays == (isOn ? 30 : nil))
            #expect(plan.changesAt == (instant < from ? from : instant < until ? until : nil))
        }
        let entry = try #require(try stage.staff.store.auditEntries().last)
        #expect(entry.action == "plans.change" && entry.details["from"] == from.description)
        #expect(entry.details["limit.before"] == "1000" && entry.details["limit.after"] == "75")
        // It takes effect by itself, and ends by itself, also for what is held.
        try await stage.staff.admission(tasks: 70).release()
        stage.time.advance(by: .seconds(3600))
        #expect(await refusal { try await stage.staff.admission(tasks: 76).release() } == PlanError(.limitReached))
        try await stage.staff.admission(tasks: 75).release()
        stage.time.advance(by: .seconds(3600))
        try await stage.staff.admission(tasks: 900).release()
    }

    @Test func impossibleChangesAreRefused() async throws {
        let stage = try await PriceStage(.reference)
        let now = stage.time.now
        let later = now.advanced(by: .seconds(60))
        let cases: [(PlanChange, PlanError.Code)] = [
            (.plan("diamond"), .unknownPlan), (.overage(mostTasks: -1), .invalidCount),
            (.overage(mostTasks: .max), .invalidCount), (.package(Package(addedTasks: -1)), .invalidChange),
            (.package(Package(addedFeatures: [""])), .invalidChange),
            (.package(Package(retentionDays: 0)), .invalidChange),
            (PlanChange(.plan("bronze"), timing: .at(now.advanced(by: .microseconds(-1)))), .inThePast),
            (PlanChange(.plan("bronze"), until: later), .invalidChange),
            (PlanChange(.package(Package()), until: now), .invalidChange),
            (PlanChange(.package(nil), until: later), .invalidChange),
            (PlanChange(.package(Package(price: Price(perPeriod: try euros(0)))), until: later), .invalidChange),
            (PlanChange(.overage(mostTasks: 1), usage: .reset), .invalidChange),
            (PlanChange(.overage(mostTasks: 1), until: later), .invalidChange),
        ]
        for (index, (change, code)) in cases.enumerated() {
            let error = await refusal { try await stage.plans.change(change, of: stage.company, stage.change()) }
            #expect(error == PlanError(code), "case \(index)")
            #expect(await refusal { _ = try await stage.plans.preview(change, of: stage.company) } == PlanError(code))
        }
        let stranger = Identifier<Company>(high: 4, low: 4)
        #expect(await refusal { _ = try await stage.plans.plan(of: stranger) } == PlanError(.noPlan))
        let refusals = try stage.staff.store.auditEntries().filter { $0.action == "plans.change" }
        #expect(refusals.count == cases.count && refusals.allSatisfy { $0.outcome == .refused })
    }

    /// A change as JSON, as hosts and records have it.
    @Test func aChangeIsOneFieldAndItsTerms() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let instant = Timestamp(seconds: 1_800_000_000)
        let cases: [(PlanChange, String)] = [
            (
                .plan("gold"),
                #"{"alignment":"keepsPeriods","kind":{"plan":"gold"},"timing":"immediately","usage":"kept"}"#
            ),
            (
                .package(nil),
                #"{"alignment":"keepsPeriods","kind":{"package":null},"timing":"immediately","usage":"kept"}"#
            ),
            (
                PlanChange(.package(Package(addedTasks: 5)), timing: .nextPeriod, until: instant),
                #"{"alignment":"keepsPeriods","kind":{"package":{"addedTasks":5}},"timing":"nextPeriod","#
                    + #""until":"2027-01-15T08:00:00.000000Z","usage":"kept"}"#
            ),
            (
                PlanChange(.overage(mostTasks: 7), timing: .at(instant)),
                #"{"alignment":"keepsPeriods","kind":{"mostTasksOver":7},"timing":"2027-01-15T08:00:00.000000Z","#
                    + #""usage":"kept"}"#
            ),
        ]
        for (change, text) in cases {
            #expect(String(decoding: try encoder.encode(change), as: UTF8.self) == text)
            #expect(try JSONDecoder().decode(PlanChange.self, from: Data(text.utf8)) == change)
        }
        for kind in ["{}", #"{"gold":1}"#, #"{"plan":"a","package":null}"#, #"{"plan":null}"#, "[]"] {
            let text = #"{"alignment":"keepsPeriods","kind":\#(kind),"timing":"immediately","usage":"kept"}"#
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(PlanChange.self, from: Data(text.utf8)) }
        }
    }

    @Test func aJobOfAnotherEnvironmentIsNotAdmitted() async throws {
        let stage = try await PriceStage(.reference)
        try await stage.plans.change(
            .package(Package(environments: [.production])), of: stage.company, stage.change())
        // What is held already does not admit it either.
        try await stage.staff.admission().release()
        let workspace = try #require(stage.staff.scope.workspace)
        for environment in Environment.allCases {
            var job = stage.staff.job()
            job = Job(id: job.id, recipe: job.recipe, scope: Scope(workspace, environment))
            let error = await refusal {
                try await stage.staff.layer.tasks.admit(job, of: stage.company).release()
            }
            #expect(error == (environment == .production ? nil : PlanError(.environmentNotIncluded)))
        }
        let test = Job(id: stage.staff.job().id, recipe: stage.staff.job().recipe, scope: Scope(workspace, .test))
        func refused() async -> PlanError? {
            await refusal { try await stage.staff.layer.tasks.admit(test, of: stage.company).release() }
        }
        #expect(await refused() == PlanError(.environmentNotIncluded))
        // Nor is it given up for one that is refused; and where the plan has more by now, it is seen.
        let handle = stage.staff.layer.tasks.handle(for: stage.company)
        guard let held = handle.admit(stage.staff.job()) else {
            Issue.record("what was held is gone")
            return
        }
        held.release()
        // With nothing held it is not admitted either.
        try await stage.staff.layer.tasks.giveBackAll()
        #expect(await refused() == PlanError(.environmentNotIncluded))
        try await stage.staff.admission().release()
        try await stage.owner.layer.plans.change(
            .package(nil), of: stage.company,
            stage.owner.permit(ChangePlan.self, on: .plan(of: stage.company), in: .platform))
        #expect(await refused() == nil)
    }

    /// What becomes of the period that a change falls in, by its three fields.
    @Test(arguments: PlanChange.Usage.allCases, PlanChange.Alignment.allCases)
    func usageAndPeriodsAreWhatTheChangeSays(
        _ usage: PlanChange.Usage, _ alignment: PlanChange.Alignment
    ) async throws {
        let time = ManualTime(now: try utc("2026-03-31", hours: 6))
        let stage = try await PriceStage(.reference, time: time)
        try await stage.staff.admission(tasks: 601).commit(used: 601)
        try await stage.staff.layer.tasks.giveBackAll()
        time.setWallClock(to: try utc("2026-04-10", hours: 18))
        let change = PlanChange(.plan("bronze"), alignment: alignment, usage: usage)
        // A period that begins now begins with nothing used.
        guard alignment == .keepsPeriods || usage == .reset else {
            let error = await refusal { try await stage.plans.change(change, of: stage.company, stage.change()) }
            #expect(error == PlanError(.invalidChange))
            return
        }
        let preview = try await stage.plans.change(change, of: stage.company, stage.change())
        #expect(preview.impact == .none && preview.before.limit == 1000 && preview.after.limit == 10_000)
        var allowance = try await stage.plans.allowance(of: stage.company)
        let used =
            switch usage {
            case .kept: 601
            case .reset: 0
            case .scaled: 6010
            }
        #expect(allowance.used == used && allowance.limit == 10_000)
        let next = alignment == .startsPeriods ? try utc("2026-05-10", hours: 18) : try utc("2026-04-30")
        #expect(allowance.resetsAt == next)
        try await stage.staff.admission(tasks: 10_000 - used).commit(used: 10_000 - used)
        let end = await refusal { try await stage.staff.admission().release() }
        #expect(end == PlanError(.limitReached))
        // The next period is a whole one.
        time.setWallClock(to: next)
        allowance = try await stage.plans.allowance(of: stage.company)
        #expect(allowance.used == 0 && allowance.periodStart == next)
        #expect(
            allowance.resetsAt
                == (alignment == .startsPeriods ? try utc("2026-06-10", hours: 18) : try utc("2026-05-31")))
    }

    /// Several changes that count anew, one after the other, and with nothing admitted in between.
    @Test func changesThatCountAnewAddUp() async throws {
        let stage = try await PriceStage(.reference)
        try await stage.staff.admission(tasks: 500).commit(used: 500)
        try await stage.staff.layer.tasks.giveBackAll()
        for limit in [2000, 4000, 8000] {
            stage.time.advance(by: .seconds(60))
            let package = PlanChange(.package(Package(tasksPerPeriod: limit)), usage: .scaled)
            try await stage.plans.change(package, of: stage.company, stage.change())
        }
        #expect(try await stage.plans.allowance(of: stage.company).used == 4000)
        stage.time.advance(by: .seconds(60))
        let odd = PlanChange(.package(Package(tasksPerPeriod: 3)), usage: .scaled)
        try await stage.plans.change(odd, of: stage.company, stage.change())
        // A half of three, rounded up.
        #expect(try await stage.plans.allowance(of: stage.company).used == 2)
    }

    @Test func aChangeForTheNextPeriodWaitsForIt() async throws {
        let stage = try await PriceStage(.reference)
        let change = PlanChange(.package(Package(tasksPerPeriod: 5)), timing: .nextPeriod)
        let preview = try await stage.plans.change(change, of: stage.company, stage.change())
        #expect(preview.effective == (try utc("2026-02-15")))
        try await stage.staff.admission(tasks: 900).release()
        stage.time.setWallClock(to: preview.effective)
        #expect(await refusal { try await stage.staff.admission(tasks: 6).release() } == PlanError(.limitReached))
        try await stage.staff.admission(tasks: 5).release()
    }

    /// A company that is a former one has nothing to come either; whoever is told before its time stays out.
    @Test func aFormerCompanyHasNothingToCome() async throws {
        let stage = try await PriceStage(.reference)
        let later = stage.time.now.advanced(by: .seconds(60))
        try await stage.plans.change(PlanChange(.plan("bronze"), timing: .at(later)), of: stage.company, stage.change())
        try await stage.tell(.former, 2)
        stage.time.advance(by: .seconds(120))
        #expect(try await stage.plans.plan(of: stage.company).stop == .former)
        #expect(await refusal { try await stage.staff.admission().release() } == PlanError(.companyInactive))
    }

    /// A status leaves what is scheduled after it; a change does not.
    @Test func aStatusLeavesWhatIsScheduled() async throws {
        let stage = try await PriceStage(
            Catalogue(
                version: 1, plans: ["trial", "bronze", "silver"].map { Plan(name: $0, tasksPerPeriod: 10) },
                statusRules: [.proofOfConcept: "trial", .customer: "bronze"]))
        let later = stage.time.now.advanced(by: .seconds(60))
        let scheduled = PlanChange(.plan("silver"), timing: .at(later))
        try await stage.plans.change(scheduled, of: stage.company, stage.change())
        try await stage.tell(.customer, 2)
        #expect(try await stage.plans.plan(of: stage.company).plan?.name == "bronze")
        #expect(try await stage.plans.plan(of: stage.company, at: later).plan?.name == "silver")
        try await stage.plans.change(.plan("trial"), of: stage.company, stage.change())
        #expect(try await stage.plans.plan(of: stage.company, at: later).plan?.name == "trial")
    }

    /// A new catalogue changes nobody's plan: only what is told or changed after it.
    @Test func aPlanKeepsTheVersionItWasAssignedIn() async throws {
        let stage = try await PriceStage(.reference)
        let smaller = Catalogue(
            version: 2, plans: [Plan(name: "trial", tasksPerPeriod: 10), Plan(name: "bronze", tasksPerPeriod: 20)],
            statusRules: Catalogue.reference.statusRules)
        let day = stage.time.now.advanced(by: .seconds(60))
        func publish(_ catalogue: Catalogue, _ from: Timestamp?) async throws {
            let permit = try await stage.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
            try await stage.plans.publish(catalogue, from: from, permit)
        }
        try await publish(smaller, day)
        let other = Company(id: Identifier(high: 5, low: 5), status: .proofOfConcept)
        try await stage.plans.setStatus(other, sequence: 1)
        #expect(try await stage.plans.plan(of: other.id).limit == 1000)
        stage.time.advance(by: .seconds(60))
        #expect(try await stage.plans.plan(of: stage.company).limit == 1000)
        let third = Company(id: Identifier(high: 6, low: 6), status: .proofOfConcept)
        // Also in a process that was started with the version before.
        try await stage.owner.layer.plans.setStatus(third, sequence: 1)
        let plan = try await stage.plans.plan(of: third.id)
        #expect(plan.limit == 10 && plan.catalogue == 2)
        try await stage.plans.change(.plan("trial"), of: stage.company, stage.change())
        #expect(try await stage.plans.plan(of: stage.company).limit == 10)
        // The same number, a lower one, an earlier day, a version with defects.
        let cases: [(Catalogue, Timestamp?, PlanError.Code)] = [
            (smaller, nil, .catalogueDiffers), (.reference, nil, .catalogueDiffers),
            (Catalogue(version: 3, plans: smaller.plans, statusRules: [:]), day.advanced(by: .seconds(-1)), .inThePast),
            (Catalogue(version: 3, plans: [], statusRules: [.customer: "x"]), nil, .invalidCatalogue),
        ]
        for (catalogue, from, code) in cases {
            let error = await refusal { try await publish(catalogue, from) }
            #expect(error == PlanError(code))
        }
        // A process with other plans under a number that is taken changes and admits nothing.
        let wrong = try pricedCatalogue()
        #expect(
            await refusal {
                _ = try await Plans(
                    catalogue: wrong, authority: stage.staff.layer.access, control: stage.staff.keys.control
                ).plan(of: third.id)
            }
                == PlanError(.catalogueDiffers))
    }

    /// A company is there with its plan or not at all.
    @Test func onboardingIsOneTransaction() async throws {
        let stage = try await PriceStage(.reference)
        let company = Company(id: Identifier(high: 5, low: 5), status: .customer)
        let own = Table<Note>("host.company")
        struct Stop: Error {}
        for fails in [true, false] {
            let error = await refusal {
                try await stage.staff.store.transaction {
                    (transaction: inout Transaction<PlanError>) throws(PlanError) in
                    try await own.write(Note(), .platform, ["a"], in: &transaction)
                    try await stage.plans.setStatus(company, sequence: 1, in: &transaction)
                    if fails { throw PlanError(.cancelled) }
                }
            }
            #expect(error == (fails ? PlanError(.cancelled) : nil))
            let plan = try? await stage.plans.plan(of: company.id)
            #expect(plan?.plan?.name == (fails ? nil : "bronze"))
        }
    }

    /// Periods in a company's own zone, from its own day; a zone that nobody knows is an error and never another one.
    @Test func periodsAreInTheCompanysZone() async throws {
        let stage = try await PriceStage(.reference, time: ManualTime(now: try utc("2026-03-15", hours: 23)))
        let company = Company(id: Identifier(high: 5, low: 5), status: .customer)
        for zone in ["Europe/Berlni", "", "Europe/Berlin\0"] {
            let error = await refusal {
                try await stage.plans.setStatus(company, sequence: 1, periods: PeriodRule(zone: zone))
            }
            #expect(error == PlanError(.unknownZone))
        }
        for rule in [PeriodRule(months: 0), PeriodRule(secondOfDay: 86_400), PeriodRule(months: 121)] {
            let error = await refusal { try await stage.plans.setStatus(company, sequence: 1, periods: rule) }
            #expect(error == PlanError(.invalidPeriod))
        }
        try await stage.plans.setStatus(company, sequence: 1, periods: PeriodRule(zone: "Europe/Berlin"))
        // It is the 16th in Berlin already; its clocks change on the 29th.
        let allowance = try await stage.plans.allowance(of: company.id)
        #expect(allowance.periodStart == (try utc("2026-03-15", hours: 23)))
        #expect(allowance.resetsAt == (try utc("2026-04-15", hours: 22)))
    }
}

private struct Note: Codable, RecordCodable {}
