// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveModel
import ReevePrivacy

/// What personal data may be used for: answers with their clauses, a use that needs its clearance, and an opt-out whose consequences are
/// shown before it counts.
struct PrivacyStory {
    private let trust: TrustLayer
    private let context: ActContext
    private let subject = Identifier<DataSubject>(at: SystemTime().now)
    private let now = SystemTime().now

    init() async throws {
        trust = try await TrustLayer.inMemory(
            operator: .host("quickstart"), reason: "trial", configuration: .init(policy: ReferencePolicies.privacy2016))
        context = ActContext(actor: .host("quickstart"), scope: .platform)
        // Who works for the holder; customers were told before.
        var providers = SubprocessorList(notice: .seconds(0))
        if let region = Region("us") {
            for name in ["hosting", "statistics"] {
                try providers.announce(name, task: name, in: [region], effective: now, at: now)
            }
        }
        let announced = providers
        try await trust.privacy.update(as: context) { $0.registers.providers = announced }
    }

    func tell() async throws {
        try await say("a newsletter", answer(newsletter()))
        // Out of messages for marketing: all other messages still come.
        let marketing = ChoiceScope(UseOperation.contact, for: [try purpose("marketing")])
        try await trust.privacy.choose(event(.optedOut, marketing, .unsubscribeLink), as: context)
        try await say("unsubscribed", answer(newsletter()))

        // What a provider is given goes out encrypted, and is written down.
        let clearance = try await trust.privacy.clearance(for: pages(), as: context)
        let sent = DutyReceipt(.encryptedInTransit, at: now, reference: "https://hosting.example/pages")
        try await trust.privacy.perform(clearance, having: [sent]) { _ in }
        let given = try await trust.privacy.disclosures(of: subject)
        say("given data", list(given.map { "\($0.recipient.name ?? "") for \($0.purpose)" }))

        // Out of what vendors are given: first what would no longer work.
        let vendors = ChoiceScope([.share], to: [.serviceProvider])
        let features = [
            Feature("recipes", required: [try pages()]), Feature("statistics", required: [], optional: [try visits()]),
        ]
        let preview = try await trust.privacy.impact(of: .optedOut, vendors, by: subject, on: features)
        say(
            "no vendors",
            "unavailable: \(list(preview.features(.unavailable))); degraded: \(list(preview.features(.degraded)))")
        try await trust.privacy.choose(event(.optedOut, vendors, .settings), shown: preview, as: context)
        try await say("a vendor", answer(pages()))

        // A court gets what it asks for once its papers are on file.
        let court = try request(.share, "contact.email", for: "legal.process", to: Recipient(.authority, "a court"))
        try await say("a court", answer(court))
        try await trust.privacy.update(as: context) { $0.registers.grounds["a court"] = .process(reference: "case 7") }
        try await say("with its case", answer(court))
    }

    private func newsletter() throws -> UseRequest {
        try request(.contactByEmail, "contact.email", for: "marketing.email", to: .own)
    }

    private func pages() throws -> UseRequest {
        try request(.share, "log.pages", for: "service.operate", to: Recipient(.serviceProvider, "hosting"))
    }

    private func visits() throws -> UseRequest {
        try request(.share, "telemetry.page", for: "analytics.traffic", to: Recipient(.serviceProvider, "statistics"))
    }

    private func request(
        _ operation: UseOperation, _ category: String, for aim: String, to recipient: Recipient
    ) throws -> UseRequest {
        guard let category = DataCategory(category) else { throw UserFailure("`\(category)` is no category") }
        return UseRequest(
            operation, .personal([category], from: [.provided]), for: try purpose(aim), to: recipient, as: .controller,
            about: SubjectFacts(.customer, id: subject, residence: Region("us")), on: now.day)
    }

    private func purpose(_ text: String) throws -> Purpose {
        guard let purpose = Purpose(text) else { throw UserFailure("`\(text)` is no purpose") }
        return purpose
    }

    private func event(
        _ act: ChoiceEvent.Act, _ scope: ChoiceScope, _ channel: ChoiceEvent.Evidence.Channel
    ) -> ChoiceEvent {
        ChoiceEvent(act, scope, by: subject, at: now, under: "2016-03-07", evidence: .init(channel))
    }

    private func answer(_ request: UseRequest) async throws -> String {
        let decision = try await trust.privacy.decision(on: request)
        let duties = decision.duties.map(\.description)
        let what = "\(decision)" + (duties.isEmpty ? "" : ", with \(list(duties))")
        guard let facts = decision.whatWouldAllow else { return what }
        return what + "; allowed if " + facts.map { "\($0.key) is \($0.value)" }.sorted().joined(separator: " and ")
    }

    private func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}
