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

/// Rooms with records of a subject: a message and an invoice of the holder's own, a post that everybody sees, and data of a customer's.
struct RequestFixture: Sendable {
    let trust: TestTrust
    let second = MemoryLocation("second")
    let subject = Identifier<DataSubject>(high: 3, low: 3)
    let customer = Identifier<Company>(high: 6, low: 6)
    let message = Identifier<DataRecord>(high: 1, low: 1)
    let invoice = Identifier<DataRecord>(high: 1, low: 2)
    let post = Identifier<DataRecord>(high: 1, low: 3)
    let theirs = Identifier<DataRecord>(high: 1, low: 4)
    static let secret = "kim.okafor@example.com"

    /// Messages may be kept, and invoices must be, for ten years and for accounts alone.
    static func schedule() throws -> RetentionSchedule {
        RetentionSchedule(rules: [
            .keep(nil, until: .terminated, because: clause("P11.1")),
            .keep(
                category("payment.billing"), for: 3650, because: clause("P11.3b"),
                usedFor: [purpose("billing.identification")]),
        ])
    }

    init(
        records: Set<UInt64> = [1, 2, 3, 4], over store: any Store = TestStore(), time: ManualTime = ManualTime(),
        principal: ActContext.Actor = .host("test")
    ) async throws {
        trust = try await TestTrust(
            over: store,
            configuration: .init(policy: ReferencePolicies.privacy2016, retention: try Self.schedule()),
            principal: principal, time: time, locations: [second])
        let contacts = ContactDirectory(privacy: "privacy@example.com", help: "help@example.com", postal: "1 Main St")
        try await trust.layer.privacy.update(as: trust.context()) { $0.contacts = contacts }
        func add(
            _ id: Identifier<DataRecord>, _ category: String, _ role: DataRole = .controller, isPublic: Bool = false,
            at places: Set<String> = ["host"]
        ) async throws {
            guard records.contains(id.low) else { return }
            let content = Array(#"{"from":"\#(Self.secret)","id":"\#(id)"}"#.utf8)
            if places.contains("host") { trust.location.put(id, about: subject, content) }
            if places.contains("second") { second.put(id, about: subject, content) }
            try await trust.layer.retention.register(
                RetainedRecord(
                    id: id, category: try #require(DataCategory(category)), created: trust.time.now.day, as: role,
                    about: subject, at: places, isPublic: isPublic), as: trust.context())
        }
        try await add(message, "content.message", at: ["host", "second"])
        try await add(invoice, "payment.billing")
        try await add(post, "content.user", isPublic: true)
        try await add(theirs, "appData", .processor(for: customer))
    }

    var requests: SubjectRequests { trust.layer.requests }

    /// A request of somebody who is signed in, on which work has begun.
    func begun(_ kind: RequestKind, _ scope: ChoiceScope? = nil) async throws -> SubjectRequest {
        let request = try await requests.receive(
            kind, about: subject, through: .account, scope: scope, as: trust.context())
        return try await requests.note(.begun, of: request.id, as: trust.context())
    }

    func permit(_ request: SubjectRequest) async throws -> Permit<AnswerRequest> {
        try await trust.permit(AnswerRequest.self, on: Resource(request.id), in: .platform)
    }

    func answer(_ request: SubjectRequest, residual: Set<ResidualCopy>? = nil) async throws -> RequestAnswer {
        try await requests.answer(request.id, residual: residual, permit(request))
    }

    func outcome(of record: Identifier<DataRecord>, _ answer: RequestAnswer) -> [RequestReport.Outcome] {
        answer.report?.rows.filter { $0.record == record }.map(\.outcome) ?? []
    }
}

@Suite struct SubjectRequestTests {
    /// Clause P9.2: who asks gets what the holder has on its own account, and nothing else.
    @Test func anExportIsWhatTheHolderDecidesAbout() async throws {
        let fixture = try await RequestFixture()
        let answer = try await fixture.answer(try await fixture.begun(.access))
        let export = try #require(answer.export)
        #expect(Set(export.items.map(\.record)) == [fixture.message, fixture.invoice, fixture.post])
        #expect(answer.request.status == .fulfilled && answer.report?.redirects == [fixture.customer])
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(export.json())) as? [String: Any])
        let records = try #require(json["records"] as? [[String: Any]])
        // The message is in two places.
        #expect(records.count == 4)
        #expect(records.allSatisfy { ($0["content"] as? [String: Any])?["from"] as? String == RequestFixture.secret })
        let page = export.html()
        #expect(
            page.contains("kim.okafor") && page.hasPrefix("<!DOCTYPE html>") && page.contains("privacy@example.com"))
        #expect(!page.contains(fixture.theirs.description) && !page.contains("<script"))
        // Clause P16.1.
        #expect(answer.notice.contains("privacy@example.com") && answer.notice.contains("\(fixture.customer)"))
    }

    /// Clause P9.5: of who is known through a customer alone nothing is shown or changed, for any of the four verbs; who asks is sent to the customer.
    @Test(arguments: [RequestKind.access, .rectify, .amend, .delete])
    func whoBelongsToACustomerIsSentThere(_ kind: RequestKind) async throws {
        let fixture = try await RequestFixture(records: [4])
        let request = try await fixture.begun(kind)
        let before = fixture.trust.location[fixture.theirs]
        let answer =
            kind == .rectify || kind == .amend
            ? try await fixture.requests.correct(
                request.id, [fixture.theirs: Array("{}".utf8)], fixture.permit(request))
            : try await fixture.answer(request)
        #expect(answer.request.status == .redirected && answer.export == nil && answer.report == nil)
        #expect(answer.notice.contains("\(fixture.customer)") && answer.notice.contains("privacy@example.com"))
        #expect(fixture.trust.location[fixture.theirs] == before && fixture.trust.location.erasures.isEmpty)
        #expect(
            try await fixture.trust.layer.retention.records(about: fixture.subject).allSatisfy { $0.demands.isEmpty })
    }

    /// Clause P9.3: what may be kept goes, what must be is kept and says why and until when; and goes by itself when that is over (clause P11.3b).
    @Test func whatMustBeKeptIsAndTheRestGoes() async throws {
        let fixture = try await RequestFixture()
        let request = try await fixture.begun(.delete)
        let answer = try await fixture.answer(request, residual: [.caches])
        #expect(answer.request.status == .partly)
        #expect(fixture.outcome(of: fixture.message, answer) == [.erased, .erased])
        let until = RetentionBound.day(fixture.trust.time.now.day.advanced(byDays: 3650))
        #expect(
            fixture.outcome(of: fixture.invoice, answer) == [
                .withheld(because: [.rule(clause("P11.3b"))], until: until)
            ])
        #expect(fixture.trust.location[fixture.invoice] != nil && fixture.trust.location[fixture.theirs] != nil)
        #expect(fixture.trust.location[fixture.message] == nil && fixture.second[fixture.message] == nil)
        // Nobody asks again: after ten years it goes.
        fixture.trust.time.advance(by: .seconds(3650 * 86_400))
        let round = try await fixture.trust.layer.retention.eraseDue(as: fixture.trust.context())
        #expect(round.erased == 1 && fixture.trust.location[fixture.invoice] == nil)
        #expect(fixture.trust.location[fixture.theirs] != nil)
        // Answered again, it says what was done because of it, and is fulfilled.
        let last = try await fixture.answer(request, residual: [.caches])
        #expect(last.request.status == .fulfilled && last.report?.touchedNothing == false)
        #expect(last.report?.counts == ["erased": 4] && !last.notice.contains("Nothing was there"))
    }

    /// Clauses P4.2, P4.3, P4.4: a public post goes, and which copies may remain is said; without that the request is not fulfilled.
    @Test func whatWasPublicSaysWhatRemains() async throws {
        let fixture = try await RequestFixture()
        let request = try await fixture.begun(.publicRemoval)
        #expect(fixture.requests.deadlines(of: request).map(\.basis) == ["P9.4"])
        let silent = try await fixture.answer(request)
        #expect(silent.request.status == .partly)
        #expect(fixture.outcome(of: fixture.post, silent) == [.erased])
        // Nothing else was asked for.
        #expect(fixture.outcome(of: fixture.message, silent).isEmpty && fixture.trust.location[fixture.message] != nil)
        let told = try await fixture.answer(request, residual: [.caches, .archives])
        #expect(told.request.status == .fulfilled && told.notice.contains("archives, caches"))
        #expect(fixture.outcome(of: fixture.post, told) == [.erased])
    }

    @Test func oneThatIsHeldIsPartlyAnswered() async throws {
        let fixture = try await RequestFixture(records: [3])
        let hold = Identifier<LegalCase>(high: 9, low: 9)
        let retention = fixture.trust.layer.retention
        func change() async throws -> Permit<ChangeHold> {
            try await fixture.trust.permit(ChangeHold.self, on: .record(fixture.post))
        }
        try await retention.placeHold(hold, on: fixture.post, change())
        let request = try await fixture.begun(.publicRemoval)
        let answer = try await fixture.answer(request, residual: [])
        #expect(answer.request.status == .partly)
        #expect(fixture.outcome(of: fixture.post, answer) == [.withheld(because: [.hold(hold)], until: .open)])
        // Released, the demand still stands: it goes by itself.
        try await retention.releaseHold(hold, on: fixture.post, change())
        #expect(try await retention.eraseDue(as: fixture.trust.context()).erased == 1)
        #expect(fixture.trust.location[fixture.post] == nil)
    }

    /// One place that fails: the rest is done, and it is tried again alone.
    @Test func oneFailingPlaceIsTriedAgainAlone() async throws {
        let fixture = try await RequestFixture(records: [1])
        let request = try await fixture.begun(.delete)
        fixture.second.isFailing = true
        let first = try await fixture.answer(request)
        #expect(first.request.status == .partly && first.report?.unseen == ["second"])
        // It still waits for what another call could do, and is late when its day is over.
        #expect(try await fixture.requests.open().map(\.id) == [request.id])
        #expect(Set(fixture.outcome(of: fixture.message, first)) == [.erased, .failed])
        fixture.second.isFailing = false
        let second = try await fixture.answer(request)
        #expect(second.request.status == .fulfilled)
        #expect(fixture.outcome(of: fixture.message, second) == [.erased, .erased])
        #expect(fixture.trust.location.erasures.count == 1)
        await expect(.illegalTransition) { _ = try await fixture.answer(request) }
    }

    /// What a place has and nobody registered is told, and keeps a request from being fulfilled.
    @Test func whatNobodyRegisteredIsTold() async throws {
        let fixture = try await RequestFixture(records: [1])
        let lost = Identifier<DataRecord>(high: 2, low: 2)
        fixture.second.put(lost, about: fixture.subject)
        let request = try await fixture.begun(.access)
        let answer = try await fixture.answer(request)
        #expect(answer.request.status == .partly && fixture.outcome(of: lost, answer) == [.unregistered])
        #expect(answer.export?.items.allSatisfy { $0.record == fixture.message } == true)
        // So is a record at a place where it is not registered; told of both, the request is fulfilled.
        let elsewhere = try await RequestFixture(records: [2])
        elsewhere.second.put(elsewhere.invoice, about: elsewhere.subject)
        let deletion = try await elsewhere.begun(.access)
        let part = try await elsewhere.answer(deletion)
        #expect(
            part.request.status == .partly && elsewhere.outcome(of: elsewhere.invoice, part).contains(.unregistered))
        try await elsewhere.trust.layer.retention.extend(
            elsewhere.invoice, to: ["second"], as: elsewhere.trust.context())
        #expect(try await elsewhere.answer(deletion).export?.items.count == 2)
        #expect(try await elsewhere.requests.request(deletion.id).status == .fulfilled)
    }

    /// What is not the subject's own, by what is registered, is neither shown nor told of by a redirect to who has not proven who they are.
    @Test func nobodyLearnsWhoseCustomerSomebodyIs() async throws {
        let fixture = try await RequestFixture()
        let none = try TrackerRegister([])
        try await fixture.trust.layer.privacy.update(as: fixture.trust.context()) { $0.trackers = none }
        for kind in [RequestKind.cookieDetails, .childReport, .publicRemoval] {
            let request = try await fixture.requests.receive(
                kind, about: fixture.subject, through: .email, as: fixture.trust.context())
            _ = try await fixture.requests.note(.begun, of: request.id, as: fixture.trust.context())
            let answer = try await fixture.answer(request, residual: [])
            #expect(!answer.notice.contains("\(fixture.customer)") && !answer.notice.contains("kept"))
            #expect(!answer.notice.contains("Nothing was there") && answer.request.status != .redirected)
            #expect(answer.report?.redirects.isEmpty == true)
        }
        // Who is sent to a customer is told how to reach it.
        try await fixture.trust.layer.privacy.update(as: fixture.trust.context()) {
            $0.customers = [fixture.customer: "Acme, privacy@acme.example"]
        }
        let asked = try await fixture.answer(try await fixture.begun(.access))
        #expect(asked.notice.contains("Acme, privacy@acme.example"))
    }

    /// A record that a legal hold holds is evidence: it is not put right, and the report says so.
    @Test func whatIsHeldIsNotChanged() async throws {
        let fixture = try await RequestFixture(records: [1, 2])
        let hold = Identifier<LegalCase>(high: 9, low: 9)
        try await fixture.trust.layer.retention.placeHold(
            hold, on: fixture.invoice, try await fixture.trust.permit(ChangeHold.self, on: .record(fixture.invoice)))
        let request = try await fixture.begun(.rectify)
        let before = fixture.trust.location[fixture.invoice]
        let right = Array("{}".utf8)
        let answer = try await fixture.requests.correct(
            request.id, [fixture.invoice: right, fixture.message: right], fixture.permit(request))
        #expect(answer.request.status == .partly && fixture.trust.location[fixture.invoice] == before)
        #expect(fixture.outcome(of: fixture.invoice, answer) == [.withheld(because: [.hold(hold)], until: .open)])
        #expect(fixture.trust.location[fixture.message] == right)
        // It is still to be put right: to put something else right fulfils nothing, and when the hold ends it is done.
        let again = try await fixture.requests.correct(request.id, [fixture.message: right], fixture.permit(request))
        #expect(again.request.status == .partly)
        try await fixture.trust.layer.retention.releaseHold(
            hold, on: fixture.invoice, try await fixture.trust.permit(ChangeHold.self, on: .record(fixture.invoice)))
        let last = try await fixture.requests.correct(request.id, [fixture.invoice: right], fixture.permit(request))
        #expect(last.request.status == .fulfilled && fixture.trust.location[fixture.invoice] == right)
        let entries = try fixture.trust.store.auditEntries().filter { $0.action == "privacy.correctRecord" }
        #expect(entries.count == 3)
    }

    /// A note that cannot be takes nothing back: what a hold defers still goes when it ends.
    @Test func aRefusedNoteTakesNothingBack() async throws {
        let fixture = try await RequestFixture(records: [3])
        let (retention, hold) = (fixture.trust.layer.retention, Identifier<LegalCase>(high: 9, low: 9))
        func change() async throws -> Permit<ChangeHold> {
            try await fixture.trust.permit(ChangeHold.self, on: .record(fixture.post))
        }
        try await retention.placeHold(hold, on: fixture.post, change())
        let request = try await fixture.begun(.delete)
        #expect(try await fixture.answer(request, residual: []).request.status == .partly)
        await expect(.illegalTransition) {
            try await fixture.requests.note(.refused(.unfounded), of: request.id, as: fixture.trust.context())
        }
        try await retention.releaseHold(hold, on: fixture.post, change())
        #expect(try await retention.eraseDue(as: fixture.trust.context()).erased == 1)
    }

    /// What could not be put right is still to be: to put something else right fulfils nothing.
    @Test func aCorrectionIsDoneWhenAllOfItIs() async throws {
        let fixture = try await RequestFixture(records: [1, 2])
        let request = try await fixture.begun(.rectify)
        let right = Array("{}".utf8)
        fixture.second.isFailing = true
        let first = try await fixture.requests.correct(
            request.id, [fixture.invoice: right, fixture.message: right], fixture.permit(request))
        #expect(first.request.status == .partly)
        fixture.second.isFailing = false
        let other = try await fixture.requests.correct(request.id, [fixture.invoice: right], fixture.permit(request))
        #expect(other.request.status == .partly && fixture.outcome(of: fixture.message, other) == [.failed])
        let all = try await fixture.requests.correct(request.id, [fixture.message: right], fixture.permit(request))
        #expect(all.request.status == .fulfilled)
        // Where it is nowhere, nothing was put right.
        let lost = try await RequestFixture(records: [2])
        let again = try await lost.begun(.amend)
        let empty = RetainedRecord(
            id: Identifier(high: 1, low: 7), category: category("content.user"),
            created: lost.trust.time.now.day, as: .controller, about: lost.subject, at: ["host"])
        try await lost.trust.layer.retention.register(empty, as: lost.trust.context())
        let none = try await lost.requests.correct(again.id, [empty.id: right], lost.permit(again))
        #expect(none.request.status == .partly)
    }

    /// What is refused or withdrawn asks for nothing to go any more, also where an answer stopped on the way.
    @Test(arguments: [RequestEvent.Act.withdrawn, .refused(.unfounded)])
    func whatEndsAsksForNothing(_ end: RequestEvent.Act) async throws {
        let fixture = try await RequestFixture(records: [1])
        let request = try await fixture.begun(.delete)
        // The clock goes wrong between what is asked and what is done.
        let now = fixture.trust.time.now
        fixture.trust.time.setWallClock(to: now.advanced(by: .seconds(3600)))
        await expect(.clockDisagrees) { _ = try await fixture.answer(request) }
        fixture.trust.time.setWallClock(to: now)
        let retention = fixture.trust.layer.retention
        #expect(try await retention.disposition(of: fixture.message, in: fixture.trust.scope).kind == .mustDelete)
        _ = try await fixture.requests.note(end, of: request.id, as: fixture.trust.context())
        #expect(try await retention.disposition(of: fixture.message, in: fixture.trust.scope).kind == .mayKeep)
        #expect(try await retention.eraseDue(as: fixture.trust.context()).erased == 0)
        // Noted again, it is noted once.
        let again = try await fixture.requests.note(end, of: request.id, as: fixture.trust.context())
        #expect(again.events.filter { $0.act == end }.count == 1)
        await expect(.illegalTransition) { _ = try await fixture.answer(request) }
    }

    /// Who has proven nothing stands in nobody's way, and what is said in words is never the same as something else.
    @Test func strangersBlockNobody() async throws {
        let fixture = try await RequestFixture(records: [1])
        func receive(_ kind: RequestKind, _ channel: RequestChannel) async throws -> RequestStatus {
            try await fixture.requests.receive(
                kind, about: fixture.subject, through: channel, as: fixture.trust.context()
            ).status
        }
        #expect(try await receive(.delete, .email) == .received)
        #expect(try await receive(.delete, .account) == .received)
        for kind in [RequestKind.rectify, .optOut, .publicRemoval] {
            _ = try await fixture.begun(kind)
            #expect(try await receive(kind, .account) == .received)
        }
    }

    /// Of two that ask the same at one time one is the other's duplicate.
    @Test func requestsAreTakenOneAfterTheOther() async throws {
        let fixture = try await RequestFixture(records: [], over: YieldingStore(TestStore()))
        let statuses = try await withThrowingTaskGroup(of: RequestStatus.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let request = try await fixture.requests.receive(
                        .delete, about: fixture.subject, through: .account, as: fixture.trust.context())
                    guard request.status == .received else { return request.status }
                    return try await fixture.requests.note(.begun, of: request.id, as: fixture.trust.context()).status
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.count == 8 && statuses.contains(.inProgress))
        #expect(try await fixture.requests.requests(about: fixture.subject).count == 8)
    }

    /// A stored report has its limit, and however often it is answered in part the request can be answered again.
    @Test func aRequestCanAlwaysBeAnsweredAgain() async throws {
        let fixture = try await RequestFixture(records: [])
        for number in 0..<250 {
            let id = Identifier<DataRecord>(high: 4, low: UInt64(number))
            try await fixture.trust.layer.retention.register(
                RetainedRecord(
                    id: id, category: category("payment.billing"), created: fixture.trust.time.now.day, as: .controller,
                    about: fixture.subject, at: ["host"]), as: fixture.trust.context())
        }
        let request = try await fixture.begun(.delete)
        for _ in 0..<4 {
            let answer = try await fixture.answer(request)
            #expect(answer.report?.rows.count == 250 && answer.report?.withheld.count == 250)
            #expect(answer.request.report?.counts == ["withheld": 250])
            #expect((answer.request.report?.rows.count ?? 0) <= RequestReport.maximumRows)
            #expect(answer.request.events.count == 2 && answer.request.status == .partly)
        }
        // What is kept for a reason is not waited for.
        #expect(try await fixture.requests.open().isEmpty)
    }

    /// That nothing was there is said, and is not called erased.
    @Test func anErasureOfNothingSaysSo() async throws {
        let fixture = try await RequestFixture(records: [])
        let answer = try await fixture.answer(try await fixture.begun(.delete))
        #expect(answer.report?.touchedNothing == true && answer.notice.contains("Nothing was there to erase."))
    }

    /// Clause P12.4: anybody may say that data of a child is there; it goes as far as nothing keeps it, and who said so sees nothing.
    @Test func aChildsDataGoes() async throws {
        let fixture = try await RequestFixture(records: [1, 2])
        let request = try await fixture.requests.receive(
            .childReport, about: fixture.subject, through: .phone, as: fixture.trust.context())
        _ = try await fixture.requests.note(.begun, of: request.id, as: fixture.trust.context())
        let answer = try await fixture.answer(request)
        #expect(answer.export == nil && answer.request.status == .partly)
        #expect(fixture.outcome(of: fixture.message, answer) == [.erased, .erased])
        #expect(fixture.outcome(of: fixture.invoice, answer).contains { $0.name == "withheld" })
    }

    /// Clause P9.1: a value is put right at each place, and the old one is nowhere any more.
    @Test func aCorrectionReachesEachPlace() async throws {
        let fixture = try await RequestFixture(records: [1, 2])
        let request = try await fixture.begun(.rectify)
        let right = Array(#"{"from":"right@example.com"}"#.utf8)
        await expect(.needsContent) { _ = try await fixture.answer(request) }
        await expect(.unknownRecord) {
            _ = try await fixture.requests.correct(
                request.id, [fixture.message: right, fixture.theirs: right], fixture.permit(request))
        }
        #expect(fixture.trust.location[fixture.message] != right)
        let answer = try await fixture.requests.correct(
            request.id, [fixture.message: right], fixture.permit(request))
        #expect(answer.request.status == .fulfilled)
        #expect(fixture.outcome(of: fixture.message, answer) == [.corrected, .corrected])
        #expect(fixture.trust.location[fixture.message] == right && fixture.second[fixture.message] == right)
        #expect(fixture.trust.location[fixture.invoice] != right)
    }

    /// Clauses P13.2, P13.3: in writing, from California, once a year.
    @Test func shineTheLightIsForCalifornia() async throws {
        let fixture = try await RequestFixture(records: [])
        func receive(_ channel: RequestChannel, _ residence: String?) async throws -> SubjectRequest {
            try await fixture.requests.receive(
                .shineTheLight, about: fixture.subject, through: channel, residence: residence.flatMap { Region($0) },
                as: fixture.trust.context())
        }
        let byPhone = try await receive(.phone, "us-ca")
        #expect(byPhone.events.map(\.act) == [.refused(.notInWriting)])
        let told = fixture.requests.notice(of: byPhone)
        #expect(told.contains("in writing: privacy@example.com, or Attn: Legal, 1 Main St"))
        // Of who lives somewhere in the country nobody knows.
        #expect(try await receive(.email, "us").status == .received)
        #expect(try await receive(.email, "us-ny").events.map(\.act) == [.refused(.notEligible)])
        let first = try await receive(.account, "us-ca")
        #expect(first.status == .received && first.year == 2025)
        #expect(fixture.requests.deadlines(of: first).isEmpty)
        _ = try await fixture.requests.note(.begun, of: first.id, as: fixture.trust.context())
        let answer = try await fixture.answer(first)
        #expect(answer.request.status == .fulfilled && answer.sharing?.year == 2025)
        #expect(try await receive(.post, "us-ca").events.map(\.act) == [.duplicate(of: first.id)])
        // One that came before the answer, and was begun after it, is not answered either.
        let pending = try #require(try await fixture.requests.open().first { $0.status == .received })
        _ = try await fixture.requests.note(.askedForIdentity, of: pending.id, as: fixture.trust.context())
        _ = try await fixture.requests.note(.identityProven, of: pending.id, as: fixture.trust.context())
        let second = try await fixture.answer(pending)
        #expect(second.request.status == .duplicate && second.sharing == nil && second.report == nil)
        fixture.trust.time.advance(by: .seconds(366 * 86_400))
        #expect(try await receive(.post, "us-ca").status == .received)
    }

    /// Clause P13.1: the answer is who was given which categories for marketing in the year before, affiliates among them, and where they are reached.
    @Test func theAnswerSaysWhoWasGivenWhat() async throws {
        let fixture = try await RequestFixture(records: [])
        let (privacy, context) = (fixture.trust.layer.privacy, fixture.trust.context())
        let sister = Recipient(.affiliate, "sister")
        try await privacy.update(as: context) { settings in
            settings.registers.group = CorporateGroup(own: "us")
            settings.registers.group.add("us", controls: "sister")
            settings.registers.standard = AgreementSet.none
            settings.registers.addresses = ["sister": "2 High St"]
        }
        let ask = PrivacyStage.sister.with { $0.subject.id = fixture.subject }
        let clearance = try await privacy.clearance(for: ask.request, as: context)
        let sent = clearance.duties.map {
            DutyReceipt(
                $0, towards: fixture.subject, at: fixture.trust.time.now, reference: "https://sister.example/in")
        }
        try await privacy.perform(clearance, having: sent) { _ in }
        fixture.trust.time.advance(by: .seconds(366 * 86_400))
        let request = try await fixture.requests.receive(
            .shineTheLight, about: fixture.subject, through: .account, residence: Region("us-ca"), as: context)
        _ = try await fixture.requests.note(.begun, of: request.id, as: context)
        let answer = try await fixture.answer(request)
        let sharing = try #require(answer.sharing)
        #expect(sharing.rows.map(\.category.description) == ["contact.email"] && sharing.recipients == [sister])
        #expect(sharing.addresses == ["sister": "2 High St"] && sharing.recipientsWithoutAddress.isEmpty)
    }

    /// Who asks for what they wait for already is told so; a withdrawn request asks for nothing to go.
    @Test func duplicatesAndWithdrawals() async throws {
        let fixture = try await RequestFixture(records: [1, 2])
        let first = try await fixture.begun(.delete)
        let again = try await fixture.requests.receive(
            .delete, about: fixture.subject, through: .email, as: fixture.trust.context())
        #expect(again.status == .duplicate && again.events.map(\.act) == [.duplicate(of: first.id)])
        #expect(try await fixture.requests.open().map(\.id) == [first.id])
        _ = try await fixture.answer(first)
        let records = try await fixture.trust.layer.retention.records(about: fixture.subject)
        #expect(records.map(\.id) == [fixture.invoice] && records[0].demands.count == 1)
        _ = try await fixture.requests.note(.withdrawn, of: first.id, as: fixture.trust.context())
        let after = try await fixture.trust.layer.retention.records(about: fixture.subject)
        #expect(after.map(\.demands) == [[:]])
        await expect(.unknownRequest) {
            _ = try await fixture.requests.request(Identifier(high: 9, low: 9))
        }
    }

    /// Clause P9.4: what is late is reported, and still answered.
    @Test func whatIsLateIsReported() async throws {
        let fixture = try await RequestFixture(records: [1])
        let request = try await fixture.begun(.access)
        let deadline = try #require(fixture.requests.deadlines(of: request).first)
        #expect(deadline.basis == "P9.4" && deadline.isBestEffort)
        while fixture.trust.time.now.day < deadline.day { fixture.trust.time.advance(by: .seconds(86_400)) }
        #expect(try await fixture.requests.overdue().isEmpty)
        fixture.trust.time.advance(by: .seconds(86_400))
        let late = try await fixture.requests.overdue()
        #expect(late.map(\.request.id) == [request.id] && late.map(\.deadline) == [deadline])
        #expect(try await fixture.answer(request).request.status == .fulfilled)
        #expect(try await fixture.requests.overdue().isEmpty)
    }

    /// Who is not signed in proves who they are before anything is shown.
    @Test func nothingIsShownBeforeIdentityIsProven() async throws {
        let fixture = try await RequestFixture(records: [1])
        let request = try await fixture.requests.receive(
            .access, about: fixture.subject, through: .email, as: fixture.trust.context())
        await expect(.illegalTransition) { _ = try await fixture.answer(request) }
        await expect(.illegalTransition) {
            _ = try await fixture.requests.note(.begun, of: request.id, as: fixture.trust.context())
        }
        _ = try await fixture.requests.note(.askedForIdentity, of: request.id, as: fixture.trust.context())
        await expect(.illegalTransition) { _ = try await fixture.answer(request) }
        _ = try await fixture.requests.note(.identityProven, of: request.id, as: fixture.trust.context())
        #expect(try await fixture.answer(request).request.status == .fulfilled)
        // What only the room itself notes.
        await expect(.illegalTransition) {
            _ = try await fixture.requests.note(.redirected([]), of: request.id, as: fixture.trust.context())
        }
    }

    /// An opt-out and a restriction are in the log of choices before they are called done.
    @Test(arguments: [RequestKind.optOut, .restrict]) func anOptOutIsAChoice(_ kind: RequestKind) async throws {
        let fixture = try await RequestFixture(records: [])
        let scope = ChoiceScope([.contactByEmail], for: [purpose("marketing")])
        let request = try await fixture.begun(kind, scope)
        func choose(_ act: ChoiceEvent.Act, _ scope: ChoiceScope) async throws {
            fixture.trust.time.advance(by: .seconds(1))
            try await fixture.trust.layer.privacy.choose(
                ChoiceEvent(
                    act, scope, by: fixture.subject, at: fixture.trust.time.now, under: "2016-03-07",
                    evidence: .init(.email)), as: fixture.trust.context())
        }
        await expect(.choiceMissing) { _ = try await fixture.answer(request) }
        // Another choice is none of this.
        try await fixture.trust.layer.privacy.choose(
            ChoiceEvent(
                .optedOut, ChoiceScope([.contactByCall]), by: fixture.subject, at: fixture.trust.time.now,
                under: "2016-03-07", evidence: .init(.email)), as: fixture.trust.context())
        await expect(.choiceMissing) { _ = try await fixture.answer(request) }
        // Consent that was taken back ends nothing that goes on without.
        try await choose(.withdrawn, scope)
        await expect(.choiceMissing) { _ = try await fixture.answer(request) }
        // One that was lifted since, by whatever else the subject opted in to, is none.
        try await choose(.optedOut, scope)
        try await choose(.optedIn, ChoiceScope())
        await expect(.choiceMissing) { _ = try await fixture.answer(request) }
        try await choose(.optedOut, scope)
        #expect(try await fixture.answer(request).request.status == .fulfilled)
    }

    /// Clause P2e.6.
    @Test func cookieDetailsAreAsked() async throws {
        let fixture = try await RequestFixture(records: [])
        let request = try await fixture.requests.receive(
            .cookieDetails, about: fixture.subject, through: .email, as: fixture.trust.context())
        _ = try await fixture.requests.note(.begun, of: request.id, as: fixture.trust.context())
        #expect(fixture.requests.deadlines(of: request).map(\.basis) == ["P9.4"])
        await expect(.nothingOnFile) { _ = try await fixture.answer(request) }
        let register = try TrackerRegister([
            Tracker(
                "session", description: "who is signed in", for: purpose("service.login"), lifetime: .session,
                isEssential: true)
        ])
        try await fixture.trust.layer.privacy.update(as: fixture.trust.context()) { $0.trackers = register }
        let answer = try await fixture.answer(request)
        #expect(answer.request.status == .fulfilled && answer.cookies == register.export())
        #expect(answer.cookies?.contains("session") == true && answer.report?.registered == [])
    }

    /// A permit for one request answers no other, and one in another scope none.
    @Test func aPermitIsForOneRequest() async throws {
        let fixture = try await RequestFixture(records: [1])
        let first = try await fixture.begun(.access)
        let second = try await fixture.begun(.delete)
        await expect(.refused) {
            _ = try await fixture.requests.answer(first.id, fixture.permit(second))
        }
        await expect(.refused) {
            let permit = try await fixture.trust.permit(AnswerRequest.self, on: Resource(first.id))
            _ = try await fixture.requests.answer(first.id, permit)
        }
    }

    /// A subject's data is in the export and nowhere else: not in what is stored, not in what is said of anything.
    @Test func dataIsInTheExportAlone() async throws {
        let fixture = try await RequestFixture()
        let access = try await fixture.answer(try await fixture.begun(.access))
        let deletion = try await fixture.answer(try await fixture.begun(.delete))
        try await fixture.trust.layer.runOnce()
        let export = try #require(access.export)
        var said = ["\(export)", String(reflecting: export), "\(access)", "\(deletion)", "\(access.request)"]
        said += export.items.map { "\($0) " + String(reflecting: $0) }
        var dumped = ""
        dump(access, to: &dumped)
        dump(export, to: &dumped)
        said.append(dumped)
        for commit in fixture.trust.store.commits {
            for case .write(let bytes) in commit.changes.values { said.append(String(decoding: bytes, as: UTF8.self)) }
        }
        #expect(said.allSatisfy { !$0.contains(RequestFixture.secret) && !$0.contains("kim.okafor") })
        #expect(String(decoding: export.json(), as: UTF8.self).contains(RequestFixture.secret))
    }

    /// Every store call of an answer fails once, and everything after it with a crash: asked again, it goes on, and its report is true.
    @Test(arguments: FaultyStore.Fault.allCases) func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        var (call, wasReached) = (1, true)
        while wasReached {
            let base = TestStore()
            let fixture = try await RequestFixture(records: [1, 2, 4], over: base)
            let request = try await fixture.begun(.delete)
            let faulty = FaultyStore(base, failing: call + 1, with: fault)
            let authority = try await AccessAuthority.soleOperator(
                fixture.trust.principal, reason: "b", store: faulty, time: fixture.trust.time)
            let retention = Retention(
                schedule: try RequestFixture.schedule(), locations: [fixture.trust.location, fixture.second],
                authority: authority, control: fixture.trust.keys.control, ledger: fixture.trust.keys.ledger)
            let broken = SubjectRequests(
                clocks: fixture.requests.clocks, retention: retention,
                privacy: Privacy(fixture.trust.layer.privacy.settings, authority: authority))
            do {
                let permit = try await authority.permit(
                    AnswerRequest.self, on: Resource(request.id),
                    as: ActContext(actor: fixture.trust.principal, scope: .platform)
                ).get()
                _ = try await broken.answer(request.id, permit)
            } catch {
                // By the other rooms it goes on.
            }
            wasReached = faulty.calls > call
            if try await fixture.requests.request(request.id).status != .partly {
                let answer = try await fixture.answer(request)
                #expect(answer.request.status == .partly, "\(fault) at call \(call)")
                let message = fixture.outcome(of: fixture.message, answer)
                #expect(message == [.erased, .erased], "\(fault) at call \(call)")
            }
            let stored = try #require(try await fixture.requests.request(request.id).report)
            #expect(stored.rows.filter { $0.record == fixture.invoice }.map(\.outcome.name) == ["withheld"])
            let message = stored.rows.filter { $0.record == fixture.message }.map(\.outcome)
            #expect(message == [.erased, .erased], "\(fault) at call \(call)")
            #expect(fixture.trust.location[fixture.message] == nil && fixture.second[fixture.message] == nil)
            #expect(fixture.trust.location[fixture.theirs] != nil && fixture.trust.location[fixture.invoice] != nil)
            call += 1
        }
        #expect(call > 15, "\(call) calls")
    }
}

/// L15, L16, and walks over the states of requests.
@Suite struct SubjectRequestProperties {
    private static let instant = Timestamp(seconds: 100)

    /// What may follow what, said once more as a list.
    private static let allowed: [RequestStatus: Set<String>] = [
        .received: ["confirmed", "askedForIdentity", "begun", "refused", "redirected", "duplicate", "withdrawn"],
        .verifying: ["confirmed", "identityProven", "refused", "redirected", "duplicate", "withdrawn"],
        .inProgress: ["confirmed", "extended", "answered", "refused", "redirected", "duplicate", "withdrawn"],
        .extended: ["confirmed", "answered", "refused", "redirected", "duplicate", "withdrawn"],
        .partly: ["answered", "withdrawn"],
    ]

    private static func report(_ random: inout SeededGenerator) -> RequestReport {
        let places = ["a", "b", "c"]
        let outcomes: [RequestReport.Outcome] = [
            .erased, .erased, .erased, .nothingThere, .exported, .corrected, .alreadyErased, .failed, .unregistered,
            .withheld(because: [.record], until: .open),
        ]
        let rows = (0..<Int.random(in: 0...4, using: &random)).map { number in
            RequestReport.Row(
                Identifier(high: 1, low: UInt64(number)), at: places[Int.random(in: 0..<3, using: &random)],
                outcomes[Int.random(in: 0..<outcomes.count, using: &random)])
        }
        func some() -> Set<String> { Set(places.filter { _ in Int.random(in: 0..<5, using: &random) > 0 }) }
        return RequestReport(
            rows, registered: some(), consulted: some(), residual: Bool.random(using: &random) ? [.caches] : nil,
            concernsPublic: Int.random(in: 0..<4, using: &random) == 0)
    }

    /// No walk reaches what the list does not have; what is written is read back as it was; and what is over stays so.
    @Test func noWalkReachesAnIllegalState() throws {
        var random = Scale.current.generator(for: "privacy.requests.walk")
        var reached: Set<RequestStatus> = []
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        for number in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) / 10 {
            let kind = RequestKind.allCases[Int.random(in: 0..<RequestKind.allCases.count, using: &random)]
            let channel = RequestChannel.allCases[Int.random(in: 0..<RequestChannel.allCases.count, using: &random)]
            var request = SubjectRequest(
                id: Identifier(high: 1, low: 1), kind, about: Identifier(high: 2, low: 2), through: channel,
                received: Self.instant)
            for step in 1...10 {
                let acts: [RequestEvent.Act] = [
                    .confirmed, .askedForIdentity, .identityProven, .begun, .extended(.number),
                    .answered(Self.report(&random)), .refused(.unfounded), .redirected([Identifier(high: 5, low: 5)]),
                    .duplicate(of: Identifier(high: 1, low: UInt64.random(in: 1...2, using: &random))), .withdrawn,
                ]
                // What ends it is rarer, so that walks are long.
                let act = acts[Int.random(in: 0..<(step < 6 ? 6 : acts.count), using: &random)]
                let (before, late) = (request, Int.random(in: 0..<10, using: &random) == 0)
                let at = late ? Self.instant.advanced(by: .seconds(-1)) : Self.instant.advanced(by: .seconds(step))
                var isAllowed = Self.allowed[before.status]?.contains(act.name) == true && !late
                let asks = kind.needsIdentity && channel != .account
                if act == .askedForIdentity, !asks { isAllowed = false }
                if act == .begun, asks { isAllowed = false }
                if case .duplicate(let other) = act, other == request.id { isAllowed = false }
                do throws(IllegalTransition) {
                    try request.apply(act, at: at)
                    #expect(isAllowed, "\(before) \(act.name)")
                } catch {
                    #expect(!isAllowed && request == before, "\(before) \(act.name)")
                }
                if case .answered(let report) = act, isAllowed {
                    #expect(request.status == (report.isComplete ? .fulfilled : .partly))
                }
                reached.insert(request.status)
            }
            if number % 20 == 0 {
                let bytes = try encoder.encode(request)
                let again = try JSONDecoder().decode(SubjectRequest.self, from: bytes)
                #expect(try again == request && encoder.encode(again) == bytes)
            }
        }
        #expect(reached == Set(RequestStatus.allCases))
    }

    /// L16: each record is either the holder's to decide about or sent to who does, and none is both.
    @Test func routesPartitionTheRecords() async throws {
        var random = Scale.current.generator(for: "privacy.requests.route")
        let companies = (1...3).map { Identifier<Company>(high: 6, low: $0) }
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) / 1000 {
            let fixture = try await RequestFixture(records: [])
            var (own, whose): (Set<Identifier<DataRecord>>, Set<Identifier<Company>>) = ([], [])
            for number in 0..<Int.random(in: 1...6, using: &random) {
                let company = Bool.random(using: &random) ? companies[Int.random(in: 0..<3, using: &random)] : nil
                let id = Identifier<DataRecord>(high: 4, low: UInt64(number))
                fixture.trust.location.put(id, about: fixture.subject)
                try await fixture.trust.layer.retention.register(
                    RetainedRecord(
                        id: id, category: category("content.message"), created: fixture.trust.time.now.day,
                        as: company.map { .processor(for: $0) } ?? .controller, about: fixture.subject, at: ["host"]),
                    as: fixture.trust.context())
                if let company { whose.insert(company) } else { own.insert(id) }
            }
            let answer = try await fixture.answer(try await fixture.begun(.access))
            #expect(Set(answer.export?.items.map(\.record) ?? []) == own)
            if own.isEmpty {
                #expect(answer.request.events.last?.act == .redirected(whose))
            } else {
                #expect(answer.report?.redirects == whose && Set(answer.report?.rows.map(\.record) ?? []) == own)
            }
        }
    }

    /// L15: to look at less, or that something fails, never completes a report.
    @Test func lessCoverageNeverCompletes() {
        var random = Scale.current.generator(for: "privacy.requests.coverage")
        var complete = 0
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            let report = Self.report(&random)
            func isComplete(_ consulted: Set<String>, _ rows: [RequestReport.Row]) -> Bool {
                RequestReport(
                    rows, registered: report.registered, consulted: consulted, residual: report.residual,
                    concernsPublic: report.concernsPublic
                ).isComplete
            }
            for place in report.registered {
                #expect(!isComplete(report.consulted.subtracting([place]), report.rows))
            }
            for outcome: RequestReport.Outcome in [.failed, .unregistered, .withheld(because: [], until: nil)] {
                #expect(
                    !isComplete(report.consulted, report.rows + [.init(Identifier(high: 1, low: 9), at: "a", outcome)]))
            }
            if report.isComplete {
                complete += 1
                #expect(report.registered.isSubset(of: report.consulted) && report.failures.isEmpty)
            }
        }
        #expect(complete > 100)
    }
}
