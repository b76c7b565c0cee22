// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What subjects chose.
extension Privacy {
    /// Adds what a subject did, towards the holder or towards a customer for whom the data is held. It counts from the next decision on, in every process.
    ///
    /// An opt-out of what is shared with service providers needs the preview that the subject was shown (clause P8.5): ``PrivacyError/Code/needsPreview``
    /// without, ``PrivacyError/Code/otherPreview`` with one of something else. An unsubscribe link is taken once: ``PrivacyError/Code/linkUsed``.
    ///
    /// That the subject did it is the host's word, with its evidence. What ends something is always heard: where it is said to have been done later than now or
    /// earlier than what the subject did last, it counts as done then. What allows something is refused when it is said to be done later than now
    /// (``PrivacyError/Code/choiceInFuture``), or where nobody can allow anything (``PrivacyError/Code/cannotAllow``). Names, things, evidence and whatever else is text have at most 10,000 bytes
    /// (``PrivacyError/Code/choiceTooLarge``). Complexity: O(the subject's events).
    public func choose(
        _ event: ChoiceEvent, shown preview: ImpactPreview? = nil, towards role: DataRole = .controller,
        as context: ActContext
    ) async throws(PrivacyError) {
        let chooser = Chooser(event.subject, towards: role)
        let (action, resource) = ("privacy.choose", Resource(event.subject))
        var details = [
            "act": event.act.rawValue, "channel": event.evidence.channel.rawValue,
            "version": event.policy.cut(toBytes: 200), "towards": role.text, "at": event.at.description,
        ]
        if let preview { details["preview"] = preview.id.description }
        try await authority.recordingRefusals(of: action, context, resource, details) { () throws(PrivacyError) in
            if let preview, preview.role != role { throw PrivacyError(PrivacyError.Code.otherPreview) }
            if event.act.allows, !event.canAllow { throw PrivacyError(.cannotAllow) }
            guard event.bytesOfText <= 10_000 else { throw PrivacyError(.choiceTooLarge) }
            try await withHistory(of: chooser) { transaction, history throws(PrivacyError) in
                var (event, log, now) = (event, ChoiceLog(restoring: history.choices), authority.time.now)
                if event.act.allows {
                    guard event.at <= now else { throw PrivacyError(.choiceInFuture) }
                } else {
                    let told = min(event.at, now)
                    event.at = max(told, history.choices.map(\.at).max() ?? told)
                }
                // A browser says so with each request.
                if event.evidence.channel == .globalPrivacyControl,
                    let last = history.choices.last(where: { $0.scope == event.scope || $0.act == .optedIn }),
                    last.act == event.act, last.scope == event.scope
                {
                    return
                }
                do throws(ChoiceLog.Refusal) {
                    try log.append(event, shown: preview)
                } catch {
                    throw PrivacyError(error)
                }
                guard let added = log.events(of: event.subject).last else { return }
                try await add(.choice(added), to: history, of: chooser, in: &transaction)
                let entry = authority.entry(action, context, resource, nil, nil, nil, details)
                try transaction.record(entry, in: authority.trail)
            }
        }
    }

    /// Opts a subject out by the link in a message, towards whom the link was made for; as ``choose(_:shown:towards:as:)``. ``PrivacyError/Code/badLink`` for a
    /// token that is none of `tokens`, was changed, is too old or another subject's than `subject`, who is signed in (clause P8.4).
    public func unsubscribe(
        by token: String, of tokens: UnsubscribeTokens, signedIn subject: Identifier<DataSubject>? = nil,
        as context: ActContext
    ) async throws(PrivacyError) {
        let now = authority.time.now
        let opened: (event: ChoiceEvent, role: DataRole)
        do throws(UnsubscribeTokens.Refusal) {
            let version = settings.policies.entry(at: now)?.version.name ?? "none"
            opened = try tokens.open(token, by: subject, at: now, under: version)
        } catch {
            let refused = PrivacyError(error == .keyFailed ? .cryptoFailed : .badLink)
            let whose = subject.map { Resource($0) } ?? Resource(kind: "subject", "unknown")
            return try await authority.recordingRefusals(
                of: "privacy.choose", context, whose, ["channel": "unsubscribeLink"]
            ) { () throws(PrivacyError) in throw refused }
        }
        try await choose(opened.event, towards: opened.role, as: context)
    }

    /// What a subject did, in the order in which it was added.
    public func choices(
        of subject: Identifier<DataSubject>, towards role: DataRole = .controller
    ) async throws(PrivacyError) -> [ChoiceEvent] {
        try await history(of: Chooser(subject, towards: role)).choices
    }

    /// What would become of features if a subject did something about a scope now: shown before an opt-out is confirmed (clause P8.5).
    ///
    /// Uses of data that is held for somebody else than `role` stay as they are. `customer` is the one whose data it is, where it is held for nobody.
    /// Complexity: O(uses) decisions.
    public func impact(
        of act: ChoiceEvent.Act, _ scope: ChoiceScope, by subject: Identifier<DataSubject>, on features: [Feature],
        of customer: Identifier<Company>? = nil, towards role: DataRole = .controller
    ) async throws(PrivacyError) -> ImpactPreview {
        let events = try await choices(of: subject, towards: role)
        let (now, settings) = (authority.time.now, settings)
        func complete(_ uses: [UseRequest]) -> [UseRequest] {
            uses.filter { $0.role == role }.map { settings.completing($0, customer, at: now) }
        }
        let completed = features.map {
            Feature($0.name, required: complete($0.required), optional: complete($0.optional))
        }
        let state = ChoiceState(of: subject, folding: events, at: Timestamp(microseconds: .max))
        let policy = try settings.inForce(at: now).policy
        var preview = policy.impact(of: act, scope, on: state, features: completed)
        preview.role = role
        return preview
    }
}

extension ChoiceEvent {
    /// Whether something can be allowed where it was done, by who did it.
    fileprivate var canAllow: Bool { evidence.channel.allows && evidence.representsAuthority != false }

    /// How much text it has. Written down, a byte can become six, and a record has its limit.
    fileprivate var bytesOfText: Int {
        let paths = (scope.categories?.map(\.description) ?? []) + (scope.purposes?.map(\.description) ?? [])
        let names = Array(scope.named ?? []) + Array(scope.items ?? [])
        return ([policy, evidence.reference ?? ""] + paths + names).reduce(0) { $0 + $1.utf8.count }
    }
}
