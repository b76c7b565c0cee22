// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What a subject has chosen, as far as it counts: for each scope the last act.
///
/// The order in which events are folded does not matter, nor how often. At one instant the act that ends what was allowed wins, so withdrawing always
/// works.
public struct ChoiceState: Hashable, Sendable {
    private struct Last: Hashable {
        var at: Timestamp
        var allows: Bool
    }
    private var lasts: [ChoiceScope: Last] = [:]

    /// Of a subject who chose nothing.
    public static let none = ChoiceState()

    private init() {}

    /// The state after events, those up to an instant. Complexity: O(events).
    public init(folding events: some Sequence<ChoiceEvent>, at instant: Timestamp) {
        for event in events where event.at <= instant { add(event) }
    }

    /// This state after one more event.
    public func adding(_ event: ChoiceEvent) -> ChoiceState {
        var state = self
        state.add(event)
        return state
    }

    /// This state after an act later than all others.
    func after(_ act: ChoiceEvent.Act, _ scope: ChoiceScope) -> ChoiceState {
        var state = self
        state.add(Last(at: Timestamp(microseconds: .max), allows: act.allows), about: scope)
        return state
    }

    private mutating func add(_ event: ChoiceEvent) {
        // Nobody allows for others without authority; whoever ends it is heard.
        if event.act.allows, event.evidence.representsAuthority == false { return }
        add(Last(at: event.at, allows: event.act.allows), about: event.scope)
    }

    private mutating func add(_ new: Last, about scope: ChoiceScope) {
        if let old = lasts[scope], (old.at, old.allows ? 0 : 1) >= (new.at, new.allows ? 0 : 1) { return }
        lasts[scope] = new
    }

    /// Whether all that a request asks was allowed, and nothing of it was ended since; and whether something of it was ended, and not all of it was
    /// allowed since. Complexity: O(scopes).
    func answer(to request: UseRequest) -> (isGiven: Bool, isOptedOut: Bool) {
        var (allowed, ended): (Timestamp?, Timestamp?)
        for (scope, last) in lasts {
            if last.allows {
                if scope.contains(request) { allowed = max(allowed ?? last.at, last.at) }
            } else if scope.overlaps(request) {
                ended = max(ended ?? last.at, last.at)
            }
        }
        guard let ended else { return (allowed != nil, false) }
        let isGiven = allowed.map { $0 > ended } ?? false
        return (isGiven, !isGiven)
    }
}
