// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Reeve
import ReeveModel
import ReevePrivacy

/// Use decisions under the reference policy, what becomes of 200 features, the diff of two versions, and a million choices.
struct PrivacyBenchmarks {
    let harness: Harness

    func run() async throws {
        let policy = try ReferencePolicies.privacy2016.compile()
        guard let email = DataCategory("contact.email"), let marketing = Purpose("marketing.email"),
            let operate = Purpose("service.operate"), let listed = Path("recipient.isListed"),
            let objected = Path("recipient.isObjectedTo")
        else { return }
        let at = Timestamp(seconds: 1_800_000_000)
        let subject = Identifier<DataSubject>(high: 1, low: 1)
        let out = ChoiceScope(for: [marketing])
        func event(_ act: ChoiceEvent.Act, _ number: Int) -> ChoiceEvent {
            ChoiceEvent(
                act, ChoiceScope(for: [number % 2 == 0 ? marketing : operate], named: ["vendor\(number % 500)"]),
                by: subject,
                at: Timestamp(seconds: Int64(number)), under: "2016-03-07", evidence: .init(.settings))
        }
        let chosen = ChoiceState(
            of: subject,
            folding: [ChoiceEvent(.optedOut, out, by: subject, at: at, under: "2016-03-07", evidence: .init(.email))],
            at: at)
        let label = DataLabel.personal([email], from: [.provided])
        let day = CivilDay(daysSince1970: 20_000)
        let mail = UseRequest(
            .contactByEmail, label, for: marketing, as: .controller,
            about: SubjectFacts(.customer, id: subject, choices: ChoiceState.none), on: day)
        var refused = mail
        refused.subject.choices = chosen
        let share = UseRequest(
            .share, label, for: operate, to: Recipient(.serviceProvider, "hosting"), as: .controller,
            about: SubjectFacts(.customer, id: subject, choices: ChoiceState.none), on: day,
            facts: [listed: .yes, objected: .no])
        var answers = 0
        func decide(_ name: String, _ request: UseRequest, explained: Bool = false) -> Harness.Candidate {
            .init(
                name,
                sync: {
                    let decision = policy.decide(request)
                    answers += decision.isAllowed ? 1 : 0
                    if explained { answers += decision.permits.count + decision.forbids.count + decision.duties.count }
                })
        }
        try await harness.compare(
            "Use decision, reference policy of \(policy.version.rules.count) rules", operations: 10_000,
            [
                decide("a message, allowed", mail), decide("a message, opted out", refused),
                decide("a share, allowed", share),
                decide("a share, allowed, with its explanation", share, explained: true),
                decide("a message, opted out, with its explanation", refused, explained: true),
            ])
        let features = (0..<200).map { Feature("f\($0)", required: [share], optional: [mail, refused]) }
        try await harness.measure("Impact of an opt-out on 200 features of 3 uses", operations: 20) {
            answers +=
                policy.impact(of: .optedOut, ChoiceScope(to: [.serviceProvider]), on: .none, features: features)
                .features.count
        }
        let old = policy.version
        var wider = old
        wider.rules[0].scope.purposes = nil
        var other = old
        for number in other.rules.indices where other.rules[number].effect == .permit {
            other.rules[number].scope.identifiability = .aggregate
        }
        let changed = (wider, other)
        try await harness.measure("Exact diff of two versions, one rule wider", operations: 10) {
            answers += try old.changes(to: changed.0).changes.count
        }
        try await harness.measure("Exact diff of two versions, every permit changed", operations: 1) {
            answers += try old.changes(to: changed.1).changes.count
        }
        let events = (0..<1_000_000).map { event($0 % 3 == 0 ? .optedIn : .optedOut, $0) }
        try await harness.measure("1,000,000 choices folded", operations: 1) {
            if ChoiceState(
                of: subject, folding: events, at: at) == .none
            {
                answers += 1
            }
        }
        try await room(mail, share)
        print("answers: \(answers > 0)")
    }

    /// A use through the room: three choices on file, authenticated as `TrustLayer` does it, in memory.
    private func room(_ mail: UseRequest, _ share: UseRequest) async throws {
        let trust = try await TrustLayer.inMemory(
            operator: .host("bench"), reason: "bench", configuration: .init(policy: ReferencePolicies.privacy2016))
        let context = ActContext(actor: .host("bench"), scope: .platform)
        guard let subject = mail.subject.id, let category = DataCategory("payment"), let region = Region("us")
        else { return }
        let now = SystemTime().now
        for act in [ChoiceEvent.Act.given, .withdrawn, .given] {
            try await trust.privacy.choose(
                ChoiceEvent(
                    act, ChoiceScope(of: [category]), by: subject, at: now, under: "2016-03-07",
                    evidence: .init(.settings)), as: context)
        }
        try await trust.privacy.noteUse(by: subject, as: context)
        var providers = SubprocessorList(notice: .zero)
        try providers.announce("hosting", task: "hosting", in: [region], effective: now, at: now)
        let announced = providers
        try await trust.privacy.update(as: context) { $0.registers.providers = announced }
        var given = share
        given.subject.residence = region
        let sent = DutyReceipt(.encryptedInTransit, at: now, reference: "https://hosting.example/")
        let (disclosed, privacy) = (given, trust.privacy)
        try await harness.compare(
            "A use through the room, three choices on file", operations: 200,
            [
                .init("decision") { _ = try await privacy.decision(on: mail) },
                .init("clearance") { _ = try await privacy.clearance(for: mail, as: context) },
                .init("clearance and use of a message") {
                    try await privacy.perform(privacy.clearance(for: mail, as: context)) { _ in }
                },
                .init("clearance and use of a share, with its disclosure") {
                    try await privacy.perform(privacy.clearance(for: disclosed, as: context), having: [sent]) { _ in }
                },
            ])
    }
}
