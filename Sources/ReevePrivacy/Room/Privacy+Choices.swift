// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What subjects chose, as it is kept.
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
            try await withEvents(of: chooser) { transaction, events throws(PrivacyError) in
                var log = ChoiceLog(restoring: events)
                do throws(ChoiceLog.Refusal) {
                    try log.append(event, shown: preview)
                } catch {
                    throw PrivacyError(error)
                }
                guard let added = log.events(of: event.subject).last else { return }
                try await tables.choices.insert(added, .platform, chooser.ids(of: events.count), in: &transaction)
                let count = PrivacyTables.Count(events: events.count + 1)
                try await tables.counts.write(count, .platform, chooser.ids, in: &transaction)
                let entry = authority.entry(action, context, resource, nil, nil, nil, details)
                try transaction.record(entry, in: authority.trail)
            }
        }
    }

    /// What a subject did, in the order in which it was added.
    public func choices(
        of subject: Identifier<DataSubject>, towards role: DataRole = .controller
    ) async throws(PrivacyError) -> [ChoiceEvent] {
        try await events(of: Chooser(subject, towards: role))
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

    /// The events that a request is decided by; none where nobody knows whom the data is about.
    func events(for request: UseRequest) async throws(PrivacyError) -> [ChoiceEvent] {
        guard let chooser = Chooser(request) else { return [] }
        return try await events(of: chooser)
    }

    /// A chooser's events, as they are now.
    func events(of chooser: Chooser) async throws(PrivacyError) -> [ChoiceEvent] {
        try await withEvents(of: chooser) { _, events throws(PrivacyError) in events }
    }

    /// Runs a transaction that knows all events of a chooser: when one is added meanwhile, it does not commit, and runs again.
    func withEvents<Result: Sendable>(
        of chooser: Chooser,
        _ body: (inout Transaction<PrivacyError>, [ChoiceEvent]) async throws(PrivacyError) -> Result
    ) async throws(PrivacyError) -> Result {
        let store = authority.store
        var seen: (events: Int, counted: Int)?
        while true {
            let events: [ChoiceEvent]
            do throws(StoreError) {
                events = try await tables.choices.readAll(.platform, chooser.ids, in: store)
            } catch {
                throw PrivacyError(error)
            }
            guard events.allSatisfy({ $0.subject == chooser.subject }) else {
                throw PrivacyError(StoreError.malformed(tables.choices.key(.platform, chooser.ids)))
            }
            var counted = 0
            let result: Result? = try await store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                counted = try await tables.counts.read(.platform, chooser.ids, in: &transaction)?.events ?? 0
                guard counted == events.count else { return nil }
                return try await body(&transaction, events)
            }
            if let result { return result }
            // Where nothing moves, events are missing, or there are some that nobody added.
            if let seen, seen == (events.count, counted) {
                throw PrivacyError(StoreError.malformed(tables.counts.key(.platform, chooser.ids)))
            }
            seen = (events.count, counted)
        }
    }
}
