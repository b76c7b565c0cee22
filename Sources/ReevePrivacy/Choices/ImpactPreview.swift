// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Something that a product does, by the uses of data it needs.
public struct Feature: Hashable, Sendable {
    /// The feature's name.
    public let name: String
    /// Uses without which it does not work.
    public let required: [UseRequest]
    /// Uses without which it works less well.
    public let optional: [UseRequest]

    /// A feature.
    public init(_ name: String, required: [UseRequest], optional: [UseRequest] = []) {
        self.name = name
        self.required = required
        self.optional = optional
    }
}

/// What becomes of features when a subject chooses: shown before an opt-out is confirmed (clauses P2g.5, P8.2, P8.3, P8.5).
public struct ImpactPreview: Hashable, Sendable {
    /// What becomes of a feature.
    public enum Availability: String, Hashable, Sendable, Codable, CaseIterable {
        /// It works as before.
        case unaffected
        /// A use that it can do without is no longer allowed.
        case degraded
        /// A use that it needs is no longer allowed.
        case unavailable
    }

    /// Its name, as events note it.
    public let id: Identifier<ImpactRecord>
    /// For whom it was computed; `nil` for a state that is nobody's.
    public let subject: Identifier<DataSubject>?
    /// What would be done.
    public let act: ChoiceEvent.Act
    /// What about.
    public let scope: ChoiceScope
    /// The policy version under which it was computed.
    public let policy: String
    /// Each feature, and what becomes of it.
    public let features: [String: Availability]
    /// Towards whom the choice would be made, where a ``Privacy`` computed it; others are taken by a ``ChoiceLog`` alone.
    public internal(set) var role: DataRole?
    /// How many uses were decided that the choice is about.
    let uses: Int

    fileprivate init(
        _ act: ChoiceEvent.Act, _ scope: ChoiceScope, of subject: Identifier<DataSubject>?, policy: String,
        features: [String: Availability], uses: Int
    ) {
        self.uses = uses
        id = Identifier(high: .random(in: 0...(.max)), low: .random(in: 0...(.max)))
        self.subject = subject
        self.act = act
        self.scope = scope
        self.policy = policy
        self.features = features
    }

    /// The names of features that become so, in order.
    public func features(_ availability: Availability) -> [String] {
        features.filter { $0.value == availability }.keys.sorted()
    }
}

extension ImpactPreview: CustomStringConvertible, CustomReflectable {
    /// What would be done, and what becomes of how many features; not for whom.
    public var description: String { "\(act): \(features.count) features" }
    /// What would be done, and what becomes of the features.
    public var customMirror: Mirror { Mirror(self, children: ["act": act, "features": features]) }
}

/// Names one preview. Prefix `imp`.
public enum ImpactRecord: IdentifiedEntity {
    /// `imp`
    public static var identifierPrefix: String { "imp" }
}

extension PrivacyPolicy {
    /// What becomes of features when a subject in a state does something about a scope: each of their uses is decided without it and with it, so
    /// there is no second list that could go stale. The uses' own choices are passed over.
    ///
    /// Complexity: O(uses) decisions.
    public func impact(
        of act: ChoiceEvent.Act, _ scope: ChoiceScope, on state: ChoiceState, features: [Feature]
    ) -> ImpactPreview {
        let after = state.after(act, scope)
        func isLost(_ use: UseRequest) -> Bool {
            var (before, then) = (use, use)
            (before.subject.choices, before.subject.id) = (state, state.subject)
            (then.subject.choices, then.subject.id) = (after, state.subject)
            return decide(before).isAllowed && !decide(then).isAllowed
        }
        let all = features.map { feature -> (String, ImpactPreview.Availability) in
            if feature.required.contains(where: isLost) { return (feature.name, .unavailable) }
            return (feature.name, feature.optional.contains(where: isLost) ? .degraded : .unaffected)
        }
        let worst = Dictionary(all) { $0 == .unavailable || $1 == .unaffected ? $0 : $1 }
        // Those that the choice is about.
        let uses = features.flatMap { $0.required + $0.optional }.count { scope.overlaps($0) }
        return ImpactPreview(act, scope, of: state.subject, policy: version.name, features: worst, uses: uses)
    }
}
