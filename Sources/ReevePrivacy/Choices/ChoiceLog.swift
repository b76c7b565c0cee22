// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What subjects have chosen, as it was done: events are added, never changed or taken away.
///
///     let preview = policy.impact(of: .optedOut, vendors, on: log.state(of: me, at: now), features: features)
///     // … the subject is shown what would no longer work, and confirms …
///     try log.append(event, shown: preview)
///
/// A value without a store; a host keeps its events, and restores it from them.
public struct ChoiceLog: Sendable {
    /// Why an event is not added.
    public enum Refusal: Error, Hashable, Sendable {
        /// Without transfers to vendors the service may be difficult or impossible to use: what becomes of it is shown first (clause P8.5).
        case needsPreview
        /// What was shown was about something else, for somebody else, or about no use.
        case otherPreview
        /// The unsubscribe link was used before.
        case linkUsed
    }

    private var usedLinks: Set<Link> = []
    private var bySubject: [Identifier<DataSubject>: [ChoiceEvent]] = [:]

    /// A log without events.
    public init() {}

    /// A log of events that were added to one before. Complexity: O(events).
    public init(restoring events: some Sequence<ChoiceEvent>) {
        for event in events {
            if let link = event.link { usedLinks.insert(link) }
            bySubject[event.subject, default: []].append(event)
        }
    }

    /// Adds what a subject did. An opt-out of what is shared with service providers, or an objection to it, needs the preview that the subject was shown: of
    /// that very choice, for that subject, of a feature with a use at least. Other acts may have one. Complexity: O(1), amortised.
    public mutating func append(_ event: ChoiceEvent, shown preview: ImpactPreview? = nil) throws(Refusal) {
        if let preview {
            guard preview.act == event.act, preview.scope == event.scope, preview.policy == event.policy,
                preview.subject == event.subject, preview.uses > 0
            else { throw .otherPreview }
        } else if event.act.isOptOut, event.scope.mayReachProviders {
            throw .needsPreview
        }
        if let link = event.link, !usedLinks.insert(link).inserted { throw .linkUsed }
        var event = event
        event.preview = preview?.id
        bySubject[event.subject, default: []].append(event)
    }

    /// What a subject did, in the order in which it was added.
    public func events(of subject: Identifier<DataSubject>) -> [ChoiceEvent] { bySubject[subject] ?? [] }

    /// What a subject has chosen up to an instant. Complexity: O(the subject's events).
    public func state(of subject: Identifier<DataSubject>, at instant: Timestamp) -> ChoiceState {
        ChoiceState(of: subject, folding: events(of: subject), at: instant)
    }
}

extension ChoiceEvent {
    /// The unsubscribe link by which it was made.
    fileprivate var link: Link? {
        guard evidence.channel == .unsubscribeLink else { return nil }
        return evidence.reference.map { Link(subject: subject, reference: $0) }
    }
}

/// A link of one subject's.
private struct Link: Hashable {
    let subject: Identifier<DataSubject>
    let reference: String
}

extension ChoiceScope {
    /// Whether sharing with service providers may lie in the scope.
    fileprivate var mayReachProviders: Bool {
        operations.map { !$0.isDisjoint(with: [.share, .transfer]) } ?? true
            && recipients?.contains(.serviceProvider) ?? true
    }
}
