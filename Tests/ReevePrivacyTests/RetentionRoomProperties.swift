// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

@testable import ReevePrivacy

/// L10 and L14 in the room itself, over an authenticated store, and L16 for the sets of records that requests are about.
@Suite struct RetentionRoomProperties {
    /// A room of its own, and what it should say of one record.
    private struct Room {
        let time = ManualTime()
        let place = MemoryLocation()
        let authority: AccessAuthority
        let retention: Retention
        let context: ActContext
        let company = Identifier<Company>(high: 6, low: 1)

        init(_ schedule: RetentionSchedule) async throws {
            let keys = try AuditKeys.ephemeral(name: "reeve", time: time)
            authority = try await AccessAuthority.soleOperator(
                .host("walk"), reason: "walk", store: TestStore(), time: time)
            retention = Retention(
                schedule: schedule, locations: [place], authority: authority, control: keys.control, ledger: keys.ledger
            )
            context = ActContext(
                actor: .host("walk"), scope: Scope(Identifier<Workspace>(high: 5, low: 5), .production))
        }

        func disposition(_ id: Identifier<DataRecord>) async throws -> Disposition {
            try await retention.disposition(of: id, in: context.scope)
        }

        func permit(_ id: Identifier<DataRecord>) async throws -> Permit<ChangeHold> {
            try await authority.permit(ChangeHold.self, on: .record(id), as: context).get()
        }
    }

    private static let schedules: [RetentionSchedule] = [
        RetentionSchedule(rules: [.drop(nil, 30, after: .created, because: clause("P11.5"))]),
        RetentionSchedule(rules: [.keep(nil, until: .terminated, because: clause("P11.1"))]),
        RetentionSchedule(rules: [
            .drop(nil, 10, after: .created, because: clause("P11.5")),
            .keep(nil, for: 20, because: clause("P11.3b"), usedFor: []),
        ]),
        RetentionSchedule(rules: []),
    ]

    /// Each step of a walk is a case: to hold keeps until it ends, and then all is as it was (L10); what must not go stays, and what went is gone however often it is asked for (L14).
    @Test func walksKeepTheLaws() async throws {
        var random = Scale.current.generator(for: "privacy.retention.walks")
        var (held, erased, refused, again) = (0, 0, 0, 0)
        var left = Scale.current.cases(ci: 20_000, soak: 1_000_000)
        while left > 0 {
            let room = try await Room(Self.schedules[Int.random(in: 0..<Self.schedules.count, using: &random)])
            for number in 0..<40 as Range<UInt64> {
                left -= 25
                let id = Identifier<DataRecord>(high: 1, low: number)
                func register() async throws {
                    room.place.put(id)
                    try await room.retention.register(
                        RetainedRecord(
                            id: id, category: category("content.message"), created: room.time.now.day, as: .controller,
                            of: room.company, at: ["host"]), as: room.context)
                }
                try await register()
                var holds: Set<Identifier<LegalCase>> = []
                for _ in 0..<25 {
                    let hold = Identifier<LegalCase>(high: 7, low: UInt64.random(in: 0..<3, using: &random))
                    let request = Identifier<SubjectRequestRecord>(
                        high: 8, low: UInt64.random(in: 0..<2, using: &random))
                    let before = try await room.disposition(id)
                    #expect((before.kind == .mustKeep && before.until == .open) == !holds.isEmpty || holds.isEmpty)
                    switch Int.random(in: 0..<9, using: &random) {
                    case 0, 1:
                        let isNew = holds.insert(hold).inserted
                        try await room.retention.placeHold(hold, .temporary, on: id, room.permit(id))
                        let kept = try await room.disposition(id)
                        #expect(kept.kind == .mustKeep && kept.until == .open && kept.reasons.contains(.hold(hold)))
                        if isNew, Bool.random(using: &random) {
                            holds.remove(hold)
                            try await room.retention.releaseHold(hold, on: id, room.permit(id))
                            let after = try await room.disposition(id)
                            #expect(after == before, "\(after) is not \(before)")
                            held += 1
                        }
                    case 2 where holds.contains(hold):
                        holds.remove(hold)
                        try await room.retention.releaseHold(hold, on: id, room.permit(id))
                    case 3: try await room.retention.demand(id, by: request, as: room.context)
                    case 4: try await room.retention.withdrawDemand(on: id, by: request, as: room.context)
                    case 5: room.time.advance(by: .seconds(86_400 * Int.random(in: 1...6, using: &random)))
                    default:
                        guard before.kind == .mustDelete else {
                            await #expect(throws: PrivacyError.self) {
                                try await room.retention.erase(id, as: room.context)
                            }
                            let after = try await room.disposition(id)
                            #expect(after == before && room.place[id] != nil)
                            refused += 1
                            continue
                        }
                        let first = try await room.retention.erase(id, as: room.context)
                        #expect(first.map(\.outcome) == [.erased] && room.place[id] == nil)
                        for _ in 0..<2 {
                            let next = try await room.retention.erase(id, as: room.context)
                            #expect(next.map(\.outcome) == [.alreadyErased] && room.place[id] == nil)
                            again += 1
                        }
                        erased += 1
                        holds = []
                        try await register()
                    }
                }
            }
        }
        #expect(held > 100 && erased > 100 && refused > 100 && again == 2 * erased, "\(held) \(erased) \(refused)")
    }

    /// L16: whatever records there are, those that the holder decides about and those of others' are all of them, and none is both.
    @Test func routesPartitionAnyRecords() throws {
        var random = Scale.current.generator(for: "privacy.requests.partition")
        var mixed = 0
        let scope = Scope(Identifier<Workspace>(high: 5, low: 5))
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            let rows = (0..<UInt64.random(in: 0..<7, using: &random)).map { number in
                let company = Identifier<Company>(high: 6, low: UInt64.random(in: 0..<3, using: &random))
                return Retention.Row(
                    record: RetainedRecord(
                        id: Identifier(high: 1, low: number), category: category("content.message"),
                        created: CivilDay(daysSince1970: 0),
                        as: Bool.random(using: &random) ? .controller : .processor(for: company), at: ["host"]),
                    scope: scope)
            }
            let kind = RequestKind.allCases[Int.random(in: 0..<RequestKind.allCases.count, using: &random)]
            let request = SubjectRequest(
                id: Identifier(high: 1, low: 1), kind, about: Identifier(high: 2, low: 2), through: .account,
                received: Timestamp(seconds: 0))
            let work = SubjectRequests.Work(rows, for: request)
            let theirs = rows.filter { if case .processor = $0.record.role { true } else { false } }
            let (ours, others) = (Set(work.ours.map(\.record.id)), Set(theirs.map(\.record.id)))
            #expect(ours.isDisjoint(with: others) && ours.union(others) == Set(rows.map(\.record.id)))
            let companies = Set(theirs.compactMap(\.record.subscriber))
            #expect(work.redirects == (kind.isRedirected ? companies : []))
            #expect(work.isElsewhere == (kind.isRedirected && ours.isEmpty && !others.isEmpty))
            if !ours.isEmpty, !others.isEmpty { mixed += 1 }
        }
        #expect(mixed > 1000)
    }
}
