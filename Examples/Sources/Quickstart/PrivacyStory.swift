// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel
import ReevePrivacy

/// What personal data may be used for: an answer with its clauses, and an opt-out whose consequences are shown before it counts.
struct PrivacyStory {
    private let now = SystemTime().now
    private let subject = Identifier<DataSubject>(at: SystemTime().now)
    private let policy: PrivacyPolicy

    init() throws {
        policy = try ReferencePolicies.privacy2016.compile()
    }

    func tell() throws {
        var log = ChoiceLog()
        try say("a newsletter", answer(newsletter(log)))
        // Out of messages for marketing: all other messages still come.
        let marketing = ChoiceScope(UseOperation.contact, for: [try purpose("marketing")])
        try log.append(event(.optedOut, marketing, .unsubscribeLink))
        try say("unsubscribed", answer(newsletter(log)))

        // Out of what vendors are given: first what would no longer work.
        let vendors = ChoiceScope([.share], to: [.serviceProvider])
        let features = [
            Feature("recipes", required: [try share("log.pages", for: "service.operate", "hosting", log)]),
            Feature(
                "statistics", required: [],
                optional: [try share("telemetry.page", for: "analytics.traffic", "statistics", log)]),
        ]
        let preview = policy.impact(of: .optedOut, vendors, on: log.state(of: subject, at: now), features: features)
        say(
            "without vendors",
            "unavailable: \(list(preview.features(.unavailable))); degraded: \(list(preview.features(.degraded)))")
        try log.append(event(.optedOut, vendors, .settings), shown: preview)
        try say("a vendor", answer(share("log.pages", for: "service.operate", "hosting", log)))
        // Nobody said whether there is a case.
        var court = try request(
            .share, "contact.email", for: "legal.process", to: Recipient(.authority, "a court"), log)
        say("a court", answer(court))
        if let fact = Path("legalProcess.onFile") { court.facts[fact] = .yes }
        say("with its case", answer(court))
    }

    private func newsletter(_ log: ChoiceLog) throws -> UseRequest {
        try request(.contactByEmail, "contact.email", for: "marketing.email", to: .own, log)
    }

    private func share(_ category: String, for aim: String, _ vendor: String, _ log: ChoiceLog) throws -> UseRequest {
        var request = try request(.share, category, for: aim, to: Recipient(.serviceProvider, vendor), log)
        for (name, truth) in [("recipient.isListed", Truth.yes), ("recipient.isObjectedTo", .no)] {
            if let fact = Path(name) { request.facts[fact] = truth }
        }
        return request
    }

    private func request(
        _ operation: UseOperation, _ category: String, for aim: String, to recipient: Recipient, _ log: ChoiceLog
    ) throws -> UseRequest {
        guard let category = DataCategory(category) else { throw UserFailure("`\(category)` is no category") }
        let choices = log.state(of: subject, at: now)
        return UseRequest(
            operation, .personal([category], from: [.provided]), for: try purpose(aim), to: recipient, as: .controller,
            about: SubjectFacts(.customer, id: subject, choices: choices), on: now.day)
    }

    private func purpose(_ text: String) throws -> Purpose {
        guard let purpose = Purpose(text) else { throw UserFailure("`\(text)` is no purpose") }
        return purpose
    }

    private func event(
        _ act: ChoiceEvent.Act, _ scope: ChoiceScope, _ channel: ChoiceEvent.Evidence.Channel
    ) -> ChoiceEvent {
        ChoiceEvent(act, scope, by: subject, at: now, under: policy.version.name, evidence: .init(channel))
    }

    private func answer(_ request: UseRequest) -> String {
        let decision = policy.decide(request)
        let duties = decision.duties.map(\.description)
        let what = "\(decision)" + (duties.isEmpty ? "" : ", with \(list(duties))")
        guard let facts = decision.whatWouldAllow else { return what }
        return what + "; allowed if " + facts.map { "\($0.key) is \($0.value)" }.sorted().joined(separator: " and ")
    }

    private func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}
