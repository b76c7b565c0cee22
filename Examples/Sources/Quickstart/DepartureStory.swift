// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveAccess
import ReeveModel
import ReevePrivacy
import ReeveVault

/// A customer left forty days ago: what is of it goes thirty days after that, but for what a legal hold names.
struct DepartureStory {
    private let messages = Messages()
    private let me = ActContext.Actor.host("quickstart")

    func tell() async throws {
        let rules: [RetentionRule] = [
            .keep(nil, until: .terminated, because: try known(ClauseReference("P11.1"))),
            .drop(nil, 30, after: .terminated, because: try known(ClauseReference("P11.5"))),
        ]
        let trust = try await TrustLayer.inMemory(
            operator: me, reason: "an example", locations: [messages],
            configuration: .init(retention: RetentionSchedule(rules: rules)))
        let now = SystemTime().now
        let (company, workspace) = (Identifier<Company>(at: now), Identifier<Workspace>(at: now))
        try await trust.plans.setStatus(Company(id: company, status: .customer), sequence: 1)
        let context = ActContext(actor: me, scope: Scope(workspace, .production))
        let records = try await keep(trust, context, company, now)

        let hold = Identifier<LegalCase>(at: now)
        let mayHold = try await trust.access.permit(ChangeHold.self, on: .record(records[0]), as: context).get()
        try await trust.retention.placeHold(hold, on: records[0], mayHold)
        let platform = ActContext(actor: me, scope: .platform)
        let permit = try await trust.access.permit(ChangePlan.self, on: .plan(of: company), as: platform).get()
        let whole = ActContext(actor: me, scope: Scope(workspace))
        let keys = try await trust.access.permit(
            ManageKeys.self, on: KeyTarget.environment.resource(in: whole.scope), as: whole
        ).get()
        let before = try await trust.offboard(
            company, shredding: [keys], on: now.day.advanced(byDays: -40), sequence: 2, permit)
        say("it left", "\(before.kept.count) records of it, among them what each room has of it")
        try await trust.runOnce()
        let after = try await trust.retention.departure(of: company)
        say("30 days on", "\(after.erased.count) erased; \(after.kept.count) cannot be deleted yet:")
        for kept in after.kept {
            say("", "\(kept.category): \(kept.disposition.kind), \(kept.disposition.reasons[0].name)")
        }
        try await trust.retention.releaseHold(hold, on: records[0], mayHold)
        try await trust.runOnce()
        let end = try await trust.retention.departure(of: company)
        say("the hold ends", end.isComplete ? "all of it is gone" : "something is left")
    }

    private func keep(
        _ trust: TrustLayer, _ context: ActContext, _ company: Identifier<Company>, _ now: Timestamp
    ) async throws -> [Identifier<DataRecord>] {
        let category = try known(DataCategory("content.message"))
        var records: [Identifier<DataRecord>] = []
        for text in ["the contract of 2019", "a question"] {
            let (id, subject) = (Identifier<DataRecord>(at: now), Identifier<DataSubject>(at: now))
            messages.add(text, as: id, about: subject)
            try await trust.retention.register(
                RetainedRecord(
                    id: id, category: category, created: now.day.advanced(byDays: -100), as: .processor(for: company),
                    about: subject, at: [messages.name]), as: context)
            records.append(id)
        }
        return records
    }
}

extension Disposition.Reason {
    /// What kind of reason it is.
    fileprivate var name: String {
        switch self {
        case .hold: "a legal hold"
        case .rule(let clause): "clause \(clause)"
        case .request: "a request"
        case .tracker, .record: "its own day"
        }
    }
}
