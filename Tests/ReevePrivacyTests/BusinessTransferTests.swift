// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePrivacy
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import ReeveVault
import Testing

/// Clause P15.3: choices, holds, open requests and deadlines travel.
@Suite struct BusinessTransferTests {
    private static let acquirer = "acme"

    private func onFile(_ fixture: RequestFixture, bound: Set<String> = ["2016-03-07"]) async throws {
        let succession = Succession(
            .acquisition, reference: "deed 7", effective: fixture.trust.time.now, bound: bound)
        try await fixture.trust.layer.privacy.update(as: fixture.trust.context()) {
            $0.registers.successions = [Self.acquirer: succession]
        }
    }

    private func give(_ fixture: RequestFixture, on resource: Resource) async throws -> Permit<TransferData> {
        try await fixture.trust.permit(TransferData.self, on: resource, in: .platform)
    }

    private func handOver(_ fixture: RequestFixture) async throws -> (lines: [[UInt8]], digest: Digest) {
        var lines: [[UInt8]] = []
        let permit = try await give(fixture, on: Resource(kind: "acquirer", Self.acquirer))
        let digest = try await fixture.trust.layer.transfer.handOver(to: Self.acquirer, permit) { lines.append($0) }
        return (lines, digest)
    }

    private func take(_ fixture: RequestFixture, _ lines: [[UInt8]], _ digest: Digest) async throws {
        let permit = try await give(fixture, on: Resource(kind: "transfer", digest.description))
        try await fixture.trust.layer.transfer.take(lines, expecting: digest, permit)
    }

    /// A request about what stays with who hands over is not fulfilled by who takes over: they have none of it.
    @Test func whatStayedIsNotCalledErased() async throws {
        let here = try await RequestFixture(records: [])
        try await onFile(here)
        let (layer, id) = (here.trust.layer, Identifier<DataRecord>(high: 41, low: 2))
        let keep = try await here.trust.permit(StoreCredential.self, on: SealedRecords.resource(of: id))
        try await layer.sealed.keep(
            SecretBytes(copying: [1, 2]),
            as: RetainedRecord(
                id: id, category: category("payment.billing"), created: here.trust.time.now.day, as: .controller,
                about: here.subject, at: []), keep)
        let request = try await here.begun(.delete)
        #expect(try await here.answer(request).request.status == .partly)
        let (lines, digest) = try await handOver(here)
        let there = try await RequestFixture(records: [], time: here.trust.time)
        try await take(there, lines, digest)
        let taken = try await there.requests.request(request.id)
        let answer = try await there.answer(taken)
        #expect(answer.request.status == .partly && answer.report?.rows.map(\.outcome) == [.failed])
    }

    /// What is kept under keys of Reeve's own stays; of a record that is elsewhere as well, and of what a subject chose, every hold travels. One that holds what cannot travel is not left behind unsaid.
    @Test func holdsTravelWithWhatTravels() async throws {
        let here = try await RequestFixture(records: [])
        try await onFile(here)
        let (layer, context) = (here.trust.layer, here.trust.context())
        let (both, alone) = (Identifier<DataRecord>(high: 41, low: 1), Identifier<DataRecord>(high: 41, low: 2))
        let places: [Identifier<DataRecord>: Set<String>] = [both: ["host"], alone: []]
        for (id, places) in places {
            let permit = try await here.trust.permit(StoreCredential.self, on: SealedRecords.resource(of: id))
            try await layer.sealed.keep(
                SecretBytes(copying: [1, 2]),
                as: RetainedRecord(
                    id: id, category: category("content.message"), created: here.trust.time.now.day, as: .controller,
                    about: here.subject, at: places), permit)
        }
        _ = try await layer.privacy.noteUse(by: here.subject, as: context)
        let chosen = try #require(try await layer.retention.registerRooms(about: here.subject, as: context).first)
        let hold = Identifier<LegalCase>(high: 50, low: 1)
        func permit(_ id: Identifier<DataRecord>, in scope: Scope? = nil) async throws -> Permit<ChangeHold> {
            try await here.trust.permit(ChangeHold.self, on: .record(id), in: scope)
        }
        try await layer.retention.placeHold(hold, on: chosen.id, permit(chosen.id, in: .platform))
        let (lines, digest) = try await handOver(here)
        let there = try await RequestFixture(records: [], time: here.trust.time)
        try await take(there, lines, digest)
        let known = try await there.trust.layer.retention.records(about: here.subject)
        #expect(Set(known.map(\.id)) == [both, chosen.id])
        #expect(known.first { $0.id == both }?.locations == ["host"])
        #expect(try await there.trust.layer.retention.disposition(of: chosen.id, in: .platform).kind == .mustKeep)
        // What is held and stays, in whole or in part, is not passed over; a case that is closed holds nothing.
        for id in [both, alone] {
            try await layer.retention.placeHold(hold, on: id, permit(id))
            await expect(.mustKeep) { _ = try await handOver(here) }
            try await layer.retention.releaseHold(hold, on: id, permit(id))
        }
        try await layer.retention.placeHold(hold, on: alone, permit(alone))
        let close = try await here.trust.permit(ChangeHold.self, on: Resource(hold))
        try await layer.retention.closeCase(hold, close)
        here.trust.time.advance(by: .seconds(86_400))
        _ = try await handOver(here)
    }

    /// Subjects with random choices, answers, holds, demands and requests.
    private func fill(_ fixture: RequestFixture, _ random: inout SeededGenerator) async throws -> [Identifier<
        DataSubject
    >] {
        let layer = fixture.trust.layer
        let subjects = (1...4).map { Identifier<DataSubject>(high: 30, low: $0) }
        let scopes = [
            ChoiceScope([.contactByEmail], for: [purpose("marketing")]), ChoiceScope([.use], of: [category("payment")]),
            ChoiceScope([.contactByCall, .contactByText]),
        ]
        func pick<Element>(_ all: [Element]) -> Element { all[Int.random(in: 0..<all.count, using: &random)] }
        for number in 0..<30 {
            let subject = pick(subjects)
            try await layer.privacy.choose(
                ChoiceEvent(
                    pick([.given, .withdrawn, .optedOut, .optedIn, .refused]), pick(scopes), by: subject,
                    at: fixture.trust.time.now, under: "2016-03-07", evidence: .init(.settings)),
                towards: pick([.controller, .controller, .processor(for: fixture.customer)]),
                as: fixture.trust.context())
            let record = RetainedRecord(
                id: Identifier(high: 40, low: UInt64(number)),
                category: category(pick(["content.message", "payment.billing"])),
                created: fixture.trust.time.now.day, as: pick([.controller, .processor(for: fixture.customer)]),
                about: subject, at: ["host"])
            try await layer.retention.register(record, as: fixture.trust.context())
            if number % 3 == 0 {
                try await layer.retention.placeHold(
                    Identifier(high: 50, low: UInt64(number % 2)), pick(LegalHold.Kind.allCases), on: record.id,
                    try await fixture.trust.permit(ChangeHold.self, on: .record(record.id)))
            }
            if number % 4 == 0 {
                let request = try await layer.requests.receive(
                    pick([.access, .delete, .optOut, .restrict]), about: subject, through: pick([.account, .email]),
                    as: fixture.trust.context())
                if request.status == .received, !request.asksForIdentity {
                    _ = try await layer.requests.note(.begun, of: request.id, as: fixture.trust.context())
                }
            }
            fixture.trust.time.advance(by: .seconds(86_400))
        }
        _ = try await layer.privacy.noteUse(by: subjects[0], as: fixture.trust.context())
        return subjects
    }

    /// There every decision, every disposition and every deadline is what it was, and what is handed over again has the same digest.
    @Test(arguments: [UInt64(1), 2, 3]) func allIsAsItWas(_ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let here = try await RequestFixture()
        try await onFile(here)
        let subjects = try await fill(here, &random)
        let (lines, digest) = try await handOver(here)
        let there = try await RequestFixture(records: [], time: here.trust.time)
        try await onFile(there)
        try await take(there, lines, digest)
        // Twice is once.
        try await take(there, lines, digest)
        var decisions = 0
        for subject in subjects {
            for role in [DataRole.controller, .processor(for: here.customer)] {
                #expect(
                    try await here.trust.layer.privacy.choices(of: subject, towards: role)
                        == there.trust.layer.privacy.choices(of: subject, towards: role))
                for (operation, aim) in [
                    (UseOperation.contactByEmail, "marketing.email"), (.use, "service.operate"),
                    (.contactByText, "service.operate"),
                ] {
                    let request = UseRequest(
                        operation, .personal([category("contact.email")], from: [.provided]), for: purpose(aim),
                        as: role,
                        about: SubjectFacts(.customer, id: subject), on: here.trust.time.now.day)
                    let (one, other) = (
                        try await here.trust.layer.privacy.decision(on: request),
                        try await there.trust.layer.privacy.decision(on: request)
                    )
                    #expect(one.isAllowed == other.isAllowed && one.clauses == other.clauses)
                    decisions += 1
                }
            }
            let (asked, told) = (
                try await here.requests.requests(about: subject), try await there.requests.requests(about: subject)
            )
            #expect(asked == told && asked.map(here.requests.deadlines) == told.map(there.requests.deadlines))
            for record in try await here.trust.layer.retention.records(about: subject) {
                let (one, other) = (
                    try await here.trust.layer.retention.disposition(of: record.id, in: here.trust.scope),
                    try await there.trust.layer.retention.disposition(of: record.id, in: here.trust.scope)
                )
                #expect(one == other)
                decisions += 1
            }
        }
        #expect(decisions > 50)
        #expect(try await here.requests.open() == there.requests.open())
        #expect(try await handOver(there).digest == digest)
    }

    /// Clause S1.4: what is taken leaves one entry, and so does what is not.
    @Test func takingLeavesOneEntry() async throws {
        let here = try await RequestFixture(records: [1])
        try await onFile(here)
        let (lines, digest) = try await handOver(here)
        let there = try await RequestFixture(records: [], time: here.trust.time)
        func entries() throws -> [AuditEntry] {
            try there.trust.store.auditEntries().filter { $0.action == "privacy.takeOver" }
        }
        await expect(.otherTransfer) { try await take(there, [], digest) }
        #expect(try entries().map(\.outcome) == [.refused])
        try await take(there, lines, digest)
        #expect(try entries().map(\.outcome) == [.refused, .success])
    }

    /// Nothing leaves but to who takes over and is bound (clauses P15.1, P15.2).
    @Test func onlyABoundSuccessorIsGivenAnything() async throws {
        let fixture = try await RequestFixture()
        await expect(.noSuccessor) { _ = try await handOver(fixture) }
        try await onFile(fixture, bound: ["another"])
        await expect(.noSuccessor) { _ = try await handOver(fixture) }
        try await onFile(fixture)
        let permit = try await give(fixture, on: Resource(kind: "acquirer", "other"))
        await expect(.refused) {
            _ = try await fixture.trust.layer.transfer.handOver(to: Self.acquirer, permit) { _ in
                Issue.record("a line left")
            }
        }
    }

    /// Of lines that were changed, cut, put in another order or made up nothing is taken.
    @Test func otherLinesAreNotTaken() async throws {
        var random = SeededGenerator(seed: 7)
        let here = try await RequestFixture()
        try await onFile(here)
        _ = try await fill(here, &random)
        let (lines, digest) = try await handOver(here)
        let there = try await RequestFixture(records: [], time: here.trust.time)
        var flipped = lines
        flipped[lines.count / 2][10] ^= 1
        for bad in [Array(lines.dropLast()), lines.reversed(), lines + [lines[0]], flipped, []] {
            await expect(.otherTransfer) { try await take(there, bad, digest) }
        }
        #expect(try await there.trust.layer.retention.records(about: Identifier(high: 30, low: 1)).isEmpty)
        // Rooms with something of their own take nothing of another's.
        try await there.trust.layer.retention.register(
            RetainedRecord(
                id: Identifier(high: 41, low: 3), category: category("content.user"), created: here.trust.time.now.day,
                as: .controller, at: ["host"]), as: there.trust.context())
        await expect(.transferConflict) { try await take(there, lines, digest) }
        #expect(try await there.trust.layer.privacy.choices(of: Identifier(high: 30, low: 1)).isEmpty)
    }

    /// Lines that no transfer has are not taken, also under the digest that is theirs.
    @Test func whatNoTransferHasIsNotTaken() async throws {
        let here = try await RequestFixture(records: [1])
        try await onFile(here)
        let (lines, _) = try await handOver(here)
        let row = try #require(
            lines.first { String(decoding: $0, as: UTF8.self).contains(#""table":"privacy.record""#) })
        let text = String(decoding: row, as: UTF8.self)
        let workspace = Vault.record(of: try #require(here.trust.scope.workspace))
        let planted = [
            // A workspace's keys here, and what is said to be erased already.
            text.replacingOccurrences(of: #"[\"host\",\"second\"]"#, with: #"[\"vault\"]"#)
                .replacingOccurrences(of: here.message.description, with: workspace.description),
            text.replacingOccurrences(of: #"isBeingErased\":false"#, with: #"isBeingErased\":true"#),
            // A record under another's name, and a table that is none.
            text.replacingOccurrences(of: "\"ids\":[\"\(here.message)\"]", with: "\"ids\":[\"\(here.invoice)\"]"),
            text.replacingOccurrences(of: #""table":"privacy.record""#, with: #""table":"vault.keys""#), "{}", "",
        ]
        for line in planted {
            #expect(line != text)
            let bytes = Array(line.utf8)
            var start = CanonicalBytes(label: "reeve/privacy/transfer/1")
            let first = try Digest(of: start)
            start.add(first)
            start.add(bytes)
            let there = try await RequestFixture(records: [], time: here.trust.time)
            let digest = try Digest(of: start)
            await expect(.otherTransfer) { try await take(there, [bytes], digest) }
            #expect(try await there.trust.layer.retention.records(about: here.subject).isEmpty)
        }
    }

    /// Every store call of taking fails once: taken again, all is there.
    @Test(arguments: FaultyStore.Fault.allCases) func everyStoreCallMayFail(_ fault: FaultyStore.Fault) async throws {
        let here = try await RequestFixture()
        try await onFile(here)
        try await here.trust.layer.privacy.choose(
            ChoiceEvent(
                .optedOut, ChoiceScope([.contactByEmail]), by: here.subject, at: here.trust.time.now,
                under: "2016-03-07",
                evidence: .init(.email)), as: here.trust.context())
        _ = try await here.begun(.delete)
        let (lines, digest) = try await handOver(here)
        // Each of them by one fault, all by all of them.
        let faults = FaultyStore.Fault.allCases
        var (call, wasReached) = (1 + (faults.firstIndex(of: fault) ?? 0), true)
        while wasReached {
            let base = TestStore()
            let there = try await RequestFixture(records: [], over: base, time: here.trust.time)
            try await onFile(there)
            let faulty = FaultyStore(base, failing: call + 1, with: fault)
            let authority = try await AccessAuthority.soleOperator(
                here.trust.principal, reason: "b", store: faulty, time: here.trust.time)
            let broken = BusinessTransfer(
                privacy: Privacy(
                    there.trust.layer.privacy.settings, authority: authority, control: there.trust.keys.control),
                retention: Retention(
                    schedule: try RequestFixture.schedule(), locations: [there.trust.location, there.second],
                    authority: authority, control: there.trust.keys.control))
            do {
                let permit = try await authority.permit(
                    TransferData.self, on: Resource(kind: "transfer", digest.description),
                    as: ActContext(actor: here.trust.principal, scope: .platform)
                ).get()
                try await broken.take(lines, expecting: digest, permit)
            } catch {
                // Taken again it goes on.
            }
            wasReached = faulty.calls > call
            try await take(there, lines, digest)
            #expect(try await handOver(there).digest == digest, "\(fault) at call \(call)")
            call += faults.count
        }
        #expect(call > 20)
    }
}
