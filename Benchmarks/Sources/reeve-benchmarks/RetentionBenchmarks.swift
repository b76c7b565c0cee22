// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveAudit
import ReeveModel
import ReevePrivacy
import ReeveStorage

/// What becomes of a record, by which day somebody is answered, and a round over many records.
struct RetentionBenchmarks {
    let harness: Harness

    func run() async throws {
        guard let message = DataCategory("content.message"), let billing = DataCategory("payment.billing"),
            let content = DataCategory("content"), let p1 = ClauseReference("P11.1"),
            let p3 = ClauseReference("P11.3b"), let p5 = ClauseReference("P11.5"), let aim = Purpose("billing"),
            let received = CivilDay("2016-03-04")
        else { return }
        let schedule = RetentionSchedule(rules: [
            .keep(nil, until: .terminated, because: p1), .drop(nil, 90, after: .terminated, because: p5),
            .keep(billing, for: 3650, because: p3, usedFor: [aim]),
            RetentionRule(category: content, days: 400, after: .lastUsed, clause: p5),
        ])
        let record = RetainedRecord(
            id: Identifier(high: 1, low: 1), category: message, created: received, as: .controller, at: ["host"])
        let left = RetentionCircumstances(terminated: received.advanced(byDays: 30))
        let (calendar, rule) = (BusinessCalendar.unitedStatesFederal, ReferenceClocks.privacy2016())
        let clocks = Clocks([rule])
        let request = SubjectRequest(
            id: Identifier(high: 1, low: 1), .access, about: Identifier(high: 1, low: 1), through: .account,
            received: received.startInUTC)
        var days = 0
        try await harness.compare(
            "What becomes of a record, and by which day somebody is answered", operations: 20_000,
            [
                .init(
                    "disposition, four rules",
                    sync: {
                        let answer = schedule.disposition(of: record, on: received, under: left)
                        days &+= answer.reasons.count
                    }),
                .init(
                    "disposition, with its next change",
                    sync: {
                        let answer = schedule.disposition(of: record, on: received, under: left)
                        days &+= Int(answer.nextChange?.daysSince1970 ?? 0)
                    }),
                .init(
                    "30 business days",
                    sync: { days &+= Int(rule.due(from: received, in: calendar).daysSince1970) }),
                .init("deadlines of a request", sync: { days &+= clocks.deadlines(of: request).count }),
            ])
        print("counted: \(days != 0)")
        // By the day that was set for each alone: with the records authenticated, as in `TrustLayer`, and plain.
        let keys = try AuditKeys.ephemeral(name: "bench")
        try await round(RetentionSchedule(rules: []), message, received, "authenticated", keys.control)
        try await round(RetentionSchedule(rules: []), message, received, "plain", nil)
    }

    /// Records of which one in a hundred is due: looked at, marked and erased, in memory.
    private func round(
        _ schedule: RetentionSchedule, _ category: DataCategory, _ day: CivilDay, _ kind: String,
        _ keys: (any ControlKeys)?
    ) async throws {
        let count = harness.scale == 1 ? 20_000 : 1_000_000
        let place = Nowhere()
        let store = MemoryStore()
        let authority = try await AccessAuthority.soleOperator(.host("bench"), reason: "bench", store: store)
        let retention = Retention(schedule: schedule, locations: [place], authority: authority, control: keys)
        let context = ActContext(actor: .host("bench"), scope: .platform)
        let today = SystemTime().now.day
        for number in 0..<count {
            try await retention.register(
                RetainedRecord(
                    id: Identifier(high: 1, low: UInt64(number)), category: category, created: today, as: .controller,
                    at: [place.name], limit: number % 100 == 0 ? day : nil), as: context)
        }
        let (before, start) = (residentBytes(), ContinuousClock.now)
        let round = try await retention.eraseDue(as: context)
        let seconds = start.duration(to: .now)
        let grown = (residentBytes() - before) >> 20
        print("A round over \(count) records, \(kind), \(round.erased) erased: \(seconds), \(grown) MiB more resident")
    }

    /// A place that has nothing.
    private struct Nowhere: DataLocation {
        let name = "nowhere"
        func records(about subject: Identifier<DataSubject>) async throws -> Set<Identifier<DataRecord>> { [] }
        func export(_ record: Identifier<DataRecord>) async throws -> [UInt8]? { nil }
        func correct(_ record: Identifier<DataRecord>, to content: [UInt8]) async throws -> Bool { false }
        func erase(_ erasure: borrowing Erasure) async throws -> ErasureOutcome { .nothingThere }
    }
}
