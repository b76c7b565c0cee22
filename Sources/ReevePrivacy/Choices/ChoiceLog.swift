// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What subjects have chosen, as it was done: events are added, never changed or taken away.
///
///     let preview = policy.impact(of: .optedOut, vendors, on: log.state(of: me, at: now), features: features)
///     // … the subject is shown what would no longer work, and confirms …
///     try log.append(event, shown: preview)
///
/// A value without a store; a host keeps its events, and folds them again.
public struct ChoiceLog: Sendable {
    /// Why an event is not added.
    public enum Refusal: Error, Hashable, Sendable {
        /// Without transfers to vendors the service may be difficult or impossible to use: what becomes of it is shown first (clause P8.5).
        case needsPreview
        /// What was shown was about something else.
        case otherPreview
        /// The unsubscribe link was used before.
        case linkUsed
    }

    private var usedLinks: Set<String> = []
    private var bySubject: [Identifier<DataSubject>: [ChoiceEvent]] = [:]

    /// A log without events.
    public init() {}

    /// Adds what a subject did. An opt-out of what is shared with service providers needs the preview that the subject was shown; other acts may have
    /// one. Complexity: O(1), amortised.
    public mutating func append(_ event: ChoiceEvent, shown preview: ImpactPreview? = nil) throws(Refusal) {
        if let preview {
            guard preview.act == event.act, preview.scope == event.scope, preview.policy == event.policy else {
                throw .otherPreview
            }
        } else if !event.act.allows, event.scope.mayReachProviders {
            throw .needsPreview
        }
        if event.evidence.channel == .unsubscribeLink, let link = event.evidence.reference,
            !usedLinks.insert(link).inserted
        {
            throw .linkUsed
        }
        bySubject[event.subject, default: []].append(event)
    }

    /// What a subject did, in the order in which it was added.
    public func events(of subject: Identifier<DataSubject>) -> [ChoiceEvent] { bySubject[subject] ?? [] }

    /// What a subject has chosen up to an instant. Complexity: O(the subject's events).
    public func state(of subject: Identifier<DataSubject>, at instant: Timestamp) -> ChoiceState {
        ChoiceState(folding: events(of: subject), at: instant)
    }
}

extension ChoiceScope {
    /// Whether sharing with service providers for the service itself may lie in the scope.
    fileprivate var mayReachProviders: Bool {
        let isShare = operations.map { !$0.isDisjoint(with: [.share, .transfer]) } ?? true
        let isMarketing = purposes.map { !$0.isEmpty && $0.allSatisfy { $0.path.elements[0] == "marketing" } } ?? false
        return isShare && !isMarketing && recipients?.contains(.serviceProvider) ?? true && items == nil
    }
}
