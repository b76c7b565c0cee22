// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePrivacy
import ReeveTesting
import Testing

/// Cases of how stores with locks and holds behave, from outside, through the room.
@Suite(.enabled(if: Vectors.folder != nil, "needs the vectors folder")) struct RetentionVectorTests {
    private struct Case: Decodable {
        let id: String
        let hold: Bool?
        let bypass: Bool?
        let mayDelete: Bool?
        let mode: String?
        let now: Int?
        let retainUntil: Int?
        let op: String?
        let from: Int?
        let to: Int?
        let allowed: Bool?
        let retentionDays: Int?
        let deletableAt: Int?
        let eventHold: [Int]?
        let tempHold: [Int]?
    }
    private struct Cases: Decodable {
        let cases: [Case]
    }

    private func load(_ name: String) throws -> [Case] {
        let all = try JSONDecoder().decode([String: Cases].self, from: VectorFile.load("retention.dev"))
        return try #require(all[name]).cases
    }

    /// Messages that are kept so many days, and locked.
    private func schedule(_ days: Int, _ lock: RetentionRule.Lock?) -> RetentionSchedule {
        RetentionSchedule(rules: [
            RetentionRule(category: category("content.message"), days: days, lock: lock, clause: clause("P11.3a"))
        ])
    }

    /// A record that is asked to go goes when lock and hold are over; a governance lock that was lifted is over, a compliance lock never before its day.
    @Test func objectLocks() async throws {
        var tried = 0
        for one in try load("s3") {
            guard let mayDelete = one.mayDelete, let now = one.now else { continue }
            let lock = one.mode.flatMap(RetentionRule.Lock.init)
            #expect((lock == nil) == (one.mode == nil))
            let rules = one.retainUntil.map { schedule($0, lock) } ?? RetentionSchedule(rules: [])
            let fixture = try await RetentionFixture(schedule: rules)
            if one.hold == true {
                try await fixture.retention.placeHold(fixture.hold, on: fixture.record.id, fixture.permit())
            }
            try await fixture.retention.lock(as: fixture.trust.context())
            if one.bypass == true { try await fixture.retention.liftLock(on: fixture.record.id, fixture.permit()) }
            try await fixture.retention.demand(
                fixture.record.id, by: fixture.request, as: fixture.trust.context())
            fixture.pass(days: now)
            #expect((try await fixture.kind() == .mustDelete) == mayDelete, "\(one.id)")
            tried += 1
        }
        #expect(tried == 8)
    }

    /// What is locked can be locked for longer, and not for less.
    @Test func locksAreMoved() async throws {
        var tried = 0
        for one in try load("s3") where one.op == "setRetainUntil" {
            guard let from = one.from, let to = one.to, let allowed = one.allowed else { continue }
            let lock = one.mode.flatMap(RetentionRule.Lock.init)
            let fixture = try await RetentionFixture(schedule: schedule(from, lock))
            try await fixture.retention.lock(as: fixture.trust.context())
            let later = Retention(
                schedule: schedule(to, lock), locations: [fixture.trust.location],
                authority: fixture.trust.layer.access, control: fixture.trust.keys.control)
            try await later.lock(as: fixture.trust.context())
            if one.bypass == true { try await later.liftLock(on: fixture.record.id, fixture.permit()) }
            try await later.demand(fixture.record.id, by: fixture.request, as: fixture.trust.context())
            func goes() async throws -> Bool {
                try await later.disposition(of: fixture.record.id, in: fixture.trust.scope).kind == .mustDelete
            }
            fixture.pass(days: min(from, to))
            let early = try await goes()
            fixture.pass(days: max(from, to) - min(from, to))
            let late = try await goes()
            // For longer: not on the first day, but on the second. For less: on the first already.
            #expect((to > from ? !early && late : early) == allowed && late, "\(one.id)")
            tried += 1
        }
        #expect(tried == 3)
    }

    /// A temporary hold lets time run on, an event-based one begins it anew.
    @Test func holdsAndTime() async throws {
        for one in try load("gcs") {
            guard let days = one.retentionDays, let deletable = one.deletableAt else { continue }
            let fixture = try await RetentionFixture(schedule: schedule(days, nil))
            var ends: [(day: Int, hold: Identifier<LegalCase>)] = []
            for (number, (span, kind)) in [(one.eventHold, LegalHold.Kind.eventBased), (one.tempHold, .temporary)]
                .enumerated()
            {
                guard let span else { continue }
                let hold = Identifier<LegalCase>(high: 9, low: UInt64(number))
                try await fixture.retention.placeHold(hold, kind, on: fixture.record.id, fixture.permit())
                ends.append((span[1], hold))
            }
            var today = 0
            for end in ends.sorted(by: { $0.day < $1.day }) {
                fixture.pass(days: end.day - today)
                today = end.day
                try await fixture.retention.releaseHold(end.hold, on: fixture.record.id, fixture.permit())
            }
            if today < deletable {
                fixture.pass(days: deletable - 1 - today)
                #expect(try await fixture.kind() != .mustDelete, "\(one.id)")
                fixture.pass(days: 1)
            }
            #expect(try await fixture.kind() == .mustDelete, "\(one.id)")
        }
    }
}
