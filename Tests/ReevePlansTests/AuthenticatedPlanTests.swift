// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveCrypto
import ReeveModel
import ReevePlans
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

/// What decides about a company's plan cannot be changed in the store: DESIGN §4.
@Suite struct AuthenticatedPlanTests {
    private static let tables = [
        "plans.company", "plans.account", "plans.proposal", "plans.catalogue", "plans.catalogues",
    ]

    /// A company with every kind of record: a priced proposal that was approved, a grant, a phase.
    private struct Told {
        let stage: PriceStage
        let approval: Identifier<PriceProposal>
        var store: SpyStore { stage.staff.store }

        init() async throws {
            stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
            try await stage.tell(.customer, 2)
            let proposal = try await stage.proposal()
            approval = proposal.id
            _ = try await stage.approve(proposal)
            try await stage.plans.grant(50, to: stage.company, stage.change())
            let permit = try await stage.staff.permit(ChangePlan.self, on: .catalogue, in: .platform)
            try await stage.plans.setPhase(.beta, permit)
        }

        /// All that reads what decides: the first refusal.
        func read(_ plans: Plans? = nil) async -> PlanError? {
            let plans = plans ?? stage.plans
            return await refusal {
                _ = try await plans.plan(of: stage.company)
                _ = try await plans.balance(of: stage.company)
                _ = try await plans.proposals(to: stage.company)
                _ = try await plans.phase()
            }
        }

        /// A process that has seen nothing yet.
        func restarted() async throws -> Plans {
            try await stage.staff.process(catalogue: pricedCatalogue(trialDays: nil))
        }

        func records(_ table: String) async throws -> [Entry] {
            try await store.records(in: KeyRange(under: Key(.platform, [.text(table)])), limit: 100)
        }

        func commit(_ body: (inout Changes) -> Void) async throws {
            var changes = Changes()
            body(&changes)
            try await store.commit(changes)
        }
    }

    /// Each record with a byte changed, without its last line, removed, or put at another's key: refused, as tampered, to one who has
    /// read it before and to one who has not; put back as it was, it counts again.
    @Test(arguments: tables + ["plans.programme"]) func noRecordCanBeChanged(_ table: String) async throws {
        let told = try await Told()
        #expect(await told.read() == nil)
        let entries = try await told.records(table)
        let own = Key.Element.text(told.stage.company.description)
        let entry = try #require(entries.first { $0.key.elements?.contains(own) == true } ?? entries.first)
        let bytes = entry.record.bytes
        var generator = Scale.current.generator(for: "tampered \(table)")
        var wrong: [[UInt8]?] = [nil, Array(bytes.prefix { $0 != UInt8(ascii: "\n") }), []]
        for _ in 0..<20 {
            var changed = bytes
            changed[Int.random(in: changed.indices, using: &generator)] ^=
                1 << UInt8.random(in: 0..<8, using: &generator)
            wrong.append(changed)
        }
        for bytes in wrong {
            try await told.commit { changes in
                if let bytes { changes.write(entry.key, bytes) } else { changes.delete(entry.key) }
            }
            // A version of the catalogue is read once.
            let known: PlanError? = table == "plans.catalogue" ? nil : PlanError(.tampered(entry.key))
            #expect(await told.read() == known)
            #expect(try await told.read(told.restarted()) == PlanError(.tampered(entry.key)))
        }
        try await told.commit { $0.write(entry.key, bytes) }
        #expect(await told.read() == nil)
        #expect(try await told.read(told.restarted()) == nil)
    }

    /// A company's facts under another company's name, and a proposal beside those that there are, are refused.
    @Test func noRecordCanBeMovedOrAdded() async throws {
        let told = try await Told()
        let other = Identifier<Company>(high: 9, low: 9)
        let facts = try #require(try await told.records("plans.company").last)
        let key = Key(.platform, ["plans.company", other.description].map { .text($0) })
        try await told.commit { $0.write(key, facts.record.bytes) }
        #expect(await refusal { _ = try await told.stage.plans.plan(of: other) } == PlanError(.tampered(key)))
        #expect(
            await refusal { try await told.stage.plans.setStatus(Company(id: other, status: .customer), sequence: 9) }
                == PlanError(.tampered(key)))
        let proposal = try #require(try await told.records("plans.proposal").first)
        let second = Key(
            .platform,
            [
                "plans.proposal", told.stage.company.description,
                Identifier<PriceProposal>(high: 7, low: 7).description,
            ].map { .text($0) })
        try await told.commit { $0.write(second, proposal.record.bytes) }
        #expect(await told.read() == PlanError(.tampered(second)))
    }

    /// Nobody forges an approval: one who can write the store writes that the company agreed.
    @Test func anApprovalCannotBeForged() async throws {
        let stage = try await PriceStage(try pricedCatalogue(trialDays: nil))
        try await stage.tell(.customer, 2)
        let proposal = try await stage.proposal()
        let permit = try await stage.approval()
        let entry = try #require(
            try await stage.staff.store.records(
                in: KeyRange(under: Key(.platform, [.text("plans.proposal")])), limit: 2
            ).first)
        // The same words as a store without keys would take.
        let plain = String(decoding: entry.record.bytes, as: UTF8.self).split(separator: "\n")[0]
        let reviewed = plain.replacing("\"proposer\":", with: "\"reviewed\":true,\"proposer\":")
        var changes = Changes()
        changes.write(entry.key, Array(reviewed.utf8))
        try await stage.staff.store.commit(changes)
        #expect(
            await refusal {
                _ = try await stage.owner.layer.plans.approve(
                    proposal.id, for: stage.workspace, document: proposal.digest, permit)
            } == PlanError(.tampered(entry.key)))
        // Who leaves is stopped all the same.
        try await stage.tell(.former, 3)
        #expect(try await stage.plans.plan(of: stage.company).stop == .former)
    }

    /// All records as they were at an earlier time: a process that has seen later ones refuses them.
    @Test func nothingIsPutBack() async throws {
        let told = try await Told()
        let platform = KeyRange(under: Key(.platform, []))
        let before = try await told.store.records(in: platform, limit: 1000)
        try await told.stage.plans.grant(50, to: told.stage.company, told.stage.change())
        #expect(await told.read() == nil)
        let after = try await told.store.records(in: platform, limit: 1000)
        let old = Dictionary(uniqueKeysWithValues: before.map { ($0.key, $0.record.bytes) })
        try await told.commit { changes in
            for entry in after {
                guard let bytes = old[entry.key] else { continue }
                changes.write(entry.key, bytes)
            }
        }
        let head = Key(.platform, [.text("control"), .text(told.stage.company.description), .integer(0)])
        #expect(await told.read()?.store == .tampered(head))
        // A company of which everything was removed is no new one.
        try await told.commit { changes in
            for entry in after where entry.key.elements?.contains(.text(told.stage.company.description)) == true {
                changes.delete(entry.key)
            }
        }
        for plans in [told.stage.plans, try await told.restarted()] {
            #expect(await told.read(plans)?.store == .tampered(head))
            let company = Company(id: told.stage.company, status: .proofOfConcept)
            #expect(await refusal { try await plans.setStatus(company, sequence: 99) }?.store == .tampered(head))
        }
    }

    /// Over a policy with roles its own keys are used, and its head; without keys the records are plain, and no keys take them.
    @Test func thePolicysKeysAreUsed() async throws {
        let (store, time) = (TestStore(), ManualTime())
        let keys = try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 7, count: 32)))
        let staff = ActContext.Actor.person(Identifier(high: 1, low: 1))
        let policy = AccessPolicy(grants: [Grant("owner", to: Principal(staff), in: .scope(.platform), reason: "x")])
        let authority = try await AccessAuthority.create(
            policy, by: .host("setup"), reason: "first start", store: store, keys: keys, time: time)
        let plans = Plans(authority: authority)
        let company = Company(id: Identifier(high: 5, low: 5), status: .proofOfConcept)
        try await plans.setStatus(company, sequence: 1)
        let key = Key(.platform, ["plans.company", company.id.description].map { .text($0) })
        let stored = try #require(try await store.record(for: key)).bytes
        #expect(stored.contains(UInt8(ascii: "\n")))
        let alone = try await AccessAuthority.soleOperator(staff, reason: "x", store: store, time: time)
        #expect(try await Plans(authority: alone, control: keys).plan(of: company.id).plan?.name == "trial")
        let other = try DerivedControlKeys(SecretBytes(copying: [UInt8](repeating: 8, count: 32)))
        for keys in [nil, other] {
            let code = await refusal { _ = try await Plans(authority: alone, control: keys).plan(of: company.id) }?.code
            #expect(code == .storeFailed)
        }
        let operated = try await AccessAuthority.soleOperator(staff, reason: "x", store: TestStore(), time: time)
        try await Plans(authority: operated).setStatus(company, sequence: 1)
        #expect(try await Plans(authority: operated).plan(of: company.id).plan?.name == "trial")
        let error = await refusal { _ = try await Plans(authority: operated, control: keys).plan(of: company.id) }
        #expect(error == PlanError(.tampered(key)))
    }

    /// Whichever call to the store fails, with keys: a company's status and grant, told until they are there, are there once.
    @Test(arguments: FaultyStore.Fault.allCases) func eachCallFailsOnce(_ fault: FaultyStore.Fault) async throws {
        var cases = 0
        for call in 1...400 {
            let trust = try await TestTrust(over: TestStore())
            let faulty = FaultyStore(trust.store, failing: call, with: fault)
            let company = Company(id: Identifier(high: 3, low: 3), status: .proofOfConcept)
            let grant = Identifier<TaskGrant>(high: 4, low: 4)
            func tell(_ store: any Store) async throws {
                let authority = try await AccessAuthority.soleOperator(
                    trust.principal, reason: "x", store: store, time: trust.time)
                let plans = Plans(authority: authority, control: trust.keys.control)
                try await plans.setStatus(company, sequence: 1)
                let permit = try await authority.permit(
                    ChangePlan.self, on: .plan(of: company.id), as: ActContext(actor: trust.principal, scope: .platform)
                ).get()
                try await plans.grant(5, to: company.id, id: grant, permit)
            }
            try? await tell(faulty)
            try await tell(trust.store)
            #expect(try await trust.layer.plans.plan(of: company.id).plan?.name == "trial")
            let balance = try await trust.layer.plans.balance(of: company.id)
            #expect(balance.parts.filter { $0.origin == .grant(grant) }.map(\.tasks) == [5])
            cases += 1
            guard faulty.calls >= call else { break }
        }
        #expect(cases > 10)
    }
}
