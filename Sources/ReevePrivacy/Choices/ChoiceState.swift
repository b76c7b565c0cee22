// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a subject has chosen, as far as it counts: for each scope and kind of act the last one.
///
/// The order in which events are folded does not matter, nor how often. At one instant the act that ends what was allowed wins, so withdrawing always
/// works. Consent counts for what it names: without categories it is none.
public struct ChoiceState: Hashable, Sendable {
    /// Acts that answer each other.
    private enum Stream: Hashable {
        /// Consent: given, and everything that ends it.
        case consent
        /// Opt-outs and objections, and opting in again.
        case optOut
        /// What was refused, until it is given.
        case refusal
    }
    private struct Key: Hashable {
        var stream: Stream
        var scope: ChoiceScope
    }
    private struct Last: Hashable {
        var at: Timestamp
        var allows: Bool
    }

    /// Whose choices they are; `nil` for ``none``, which anybody may have.
    public let subject: Identifier<DataSubject>?
    private var lasts: [Key: Last] = [:]

    /// Of a subject who chose nothing.
    public static let none = ChoiceState()

    private init() { subject = nil }

    /// A subject's state after their events among others', those up to an instant. Complexity: O(events).
    public init(
        of subject: Identifier<DataSubject>, folding events: some Sequence<ChoiceEvent>, at instant: Timestamp
    ) {
        self.subject = subject
        for event in events where event.at <= instant { add(event) }
    }

    /// This state after one more event of the same subject; another's changes nothing.
    public func adding(_ event: ChoiceEvent) -> ChoiceState {
        var state = self
        state.add(event)
        return state
    }

    /// This state after an act later than all others.
    func after(_ act: ChoiceEvent.Act, _ scope: ChoiceScope) -> ChoiceState {
        var state = self
        state.add(act, scope, at: Timestamp(microseconds: .max))
        return state
    }

    private mutating func add(_ event: ChoiceEvent) {
        guard event.subject == subject else { return }
        // Nobody allows for others without authority, or for the subject; whoever ends it is heard.
        let isValid = event.evidence.representsAuthority != false && event.evidence.channel.allows
        if event.act.allows, !isValid { return }
        add(event.act, event.scope, at: event.at)
    }

    private mutating func add(_ act: ChoiceEvent.Act, _ scope: ChoiceScope, at instant: Timestamp) {
        func note(_ stream: Stream, allows: Bool) {
            let (key, new) = (Key(stream: stream, scope: scope), Last(at: instant, allows: allows))
            if let old = lasts[key], (old.at, old.allows ? 0 : 1) >= (new.at, new.allows ? 0 : 1) { return }
            lasts[key] = new
        }
        if act != .optedIn { note(.consent, allows: act == .given) }
        if act.isOptOut || act == .optedIn { note(.optOut, allows: act == .optedIn) }
        if act == .refused || act == .given { note(.refusal, allows: act == .given) }
    }

    /// What a state says to a request.
    struct Answer: Hashable {
        /// Consent that names its categories has all of the request in it, and nothing ended a part of it since.
        var isGiven = false
        /// That consent names the recipient.
        var isGivenToRecipient = false
        /// That consent names the thing.
        var isGivenForItem = false
        /// The subject opted out of a part of it, and not in again.
        var isOptedOut = false
        /// The subject refused a part of it, and has not given it since.
        var isRefused = false
    }

    /// What the state says to a request. What ended something is lifted by an allowing act that came later, has all of the request in it, and says something in
    /// every dimension in which the other does: consent to one thing lifts no opt-out of another. Complexity: O(scopes²).
    func answer(to request: UseRequest) -> Answer {
        var answer = Answer()
        func isEnded(_ stream: Stream) -> Bool {
            lasts.contains { key, ended in
                guard key.stream == stream, !ended.allows, key.scope.overlaps(request) else { return false }
                return !lasts.contains { other, lifted in
                    other.stream == stream && lifted.allows && lifted.at > ended.at && other.scope.contains(request)
                        && other.scope.isAsSpecific(as: key.scope)
                }
            }
        }
        answer.isOptedOut = isEnded(.optOut)
        answer.isRefused = isEnded(.refusal)
        for (key, given) in lasts
        where key.stream == .consent && given.allows && key.scope.categories != nil && key.scope.contains(request) {
            let isOver = lasts.contains { other, ended in
                other.stream == .consent && !ended.allows && ended.at >= given.at && other.scope.overlaps(request)
            }
            if isOver { continue }
            answer.isGiven = true
            if key.scope.named != nil { answer.isGivenToRecipient = true }
            if key.scope.items != nil { answer.isGivenForItem = true }
        }
        return answer
    }
}

extension ChoiceState: CustomStringConvertible, CustomReflectable {
    /// How many scopes it has; not whose, nor what.
    public var description: String { "choices about \(Set(lasts.keys.map(\.scope)).count) scopes" }
    /// How many scopes it has.
    public var customMirror: Mirror { Mirror(self, children: ["scopes": Set(lasts.keys.map(\.scope)).count]) }
}
