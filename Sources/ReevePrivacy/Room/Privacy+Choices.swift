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
    /// without, ``PrivacyError/Code/otherPreview`` with one of something else. An unsubscribe link is taken once: ``PrivacyError/Code/linkUsed``. What is said to
    /// have been done later than now is ``PrivacyError/Code/choiceInFuture``. That the subject did it is the host's word, with its evidence. Complexity: O(the subject's
    /// events).
    public func choose(
        _ event: ChoiceEvent, shown preview: ImpactPreview? = nil, towards role: DataRole = .controller,
        as context: ActContext
    ) async throws(PrivacyError) {
        let chooser = Chooser(event.subject, towards: role)
        let (action, resource) = ("privacy.choose", Resource(event.subject))
        var details = [
            "act": event.act.rawValue, "channel": event.evidence.channel.rawValue,
            "version": String(event.policy.prefix(100)), "towards": role.text,
        ]
        if let preview { details["preview"] = preview.id.description }
        try await recordingRefusals(of: action, context, resource, details) { () throws(PrivacyError) in
            guard event.at <= authority.time.now else { throw PrivacyError(.choiceInFuture) }
            try await withHistory(of: chooser) { transaction, history throws(PrivacyError) in
                var log = ChoiceLog(restoring: history.choices)
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
        let now = authority.time.now
        func complete(_ uses: [UseRequest]) -> [UseRequest] {
            uses.filter { $0.role == role }.map { completing($0, customer, at: now) }
        }
        let completed = features.map {
            Feature($0.name, required: complete($0.required), optional: complete($0.optional))
        }
        let state = ChoiceState(of: subject, folding: events, at: now)
        return try policy(at: now).policy.impact(of: act, scope, on: state, features: completed)
    }
}
