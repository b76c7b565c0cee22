// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// That a subject agreed to a version of the policy and of the terms, or did not (clauses P0.2, P14.4, P14.5).
public struct Acceptance: Hashable, Sendable, Codable {
    /// How.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// By saying so.
        case explicit
        /// By using the service while it was in force.
        case continuedUse
        /// Not: what is left is to stop using the service.
        case declined
    }

    /// Who.
    public let subject: Identifier<DataSubject>
    /// How.
    public let kind: Kind
    /// The version of the policy.
    public let policy: String
    /// The version of the terms.
    public let terms: String
    /// When.
    public let at: Timestamp
}

extension Acceptance: CustomStringConvertible, CustomReflectable {
    /// How, and to which version; not who.
    public var description: String { "\(kind) of \(policy) at \(at)" }
    /// How, and to which version.
    public var customMirror: Mirror { Mirror(self, children: ["kind": kind, "policy": policy, "at": at]) }
}

/// Who agreed to which version. Events are added and never changed.
public struct AcceptanceLog: Sendable {
    private var bySubject: [Identifier<DataSubject>: [Acceptance]] = [:]

    /// A log without events.
    public init() {}

    /// A log of events that were noted in one before. Complexity: O(events).
    public init(restoring events: some Sequence<Acceptance>) {
        for event in events { bySubject[event.subject, default: []].append(event) }
    }

    /// Notes that a subject uses the service. The first use while a version is in force is an acceptance, unless the subject declined it; `nil` when
    /// nothing is new. Complexity: O(versions + the subject's events).
    @discardableResult
    public mutating func noteUse(
        by subject: Identifier<DataSubject>, at now: Timestamp, of history: PolicyHistory
    ) -> Acceptance? {
        guard let entry = history.entry(at: now), answer(of: subject, to: entry.version.name, at: now) == nil else {
            return nil
        }
        return add(.continuedUse, subject, entry, now)
    }

    /// Notes a subject's answer to a version that is in force or scheduled; `nil` for a name that no version has.
    @discardableResult
    public mutating func note(
        _ kind: Response.Kind, by subject: Identifier<DataSubject>, to policy: String, at now: Timestamp,
        of history: PolicyHistory
    ) -> Acceptance? {
        guard let entry = history.entries.first(where: { $0.version.name == policy }) else { return nil }
        return add(kind == .accepted ? .explicit : .declined, subject, entry, now)
    }

    private mutating func add(
        _ kind: Acceptance.Kind, _ subject: Identifier<DataSubject>, _ entry: PolicyHistory.Entry, _ now: Timestamp
    ) -> Acceptance {
        let event = Acceptance(subject: subject, kind: kind, policy: entry.version.name, terms: entry.terms, at: now)
        bySubject[subject, default: []].append(event)
        return event
    }

    /// What a subject did, in the order in which it was noted.
    public func events(of subject: Identifier<DataSubject>) -> [Acceptance] { bySubject[subject] ?? [] }

    /// A subject's last answer to a version up to an instant; of two at one instant, the one that declines.
    public func answer(of subject: Identifier<DataSubject>, to policy: String, at now: Timestamp) -> Acceptance.Kind? {
        events(of: subject).filter { $0.policy == policy && $0.at <= now }
            .max { ($0.at, $0.kind == .declined ? 1 : 0) < ($1.at, $1.kind == .declined ? 1 : 0) }?.kind
    }

    /// The version under which a subject's data is decided about: of those in force by now the last that the subject agreed to. So what a new version
    /// allows is not allowed for data of who did not agree to it (clause P14.6). `nil` when the subject agreed to none: then nothing is allowed.
    public func version(for subject: Identifier<DataSubject>, at now: Timestamp, of history: PolicyHistory)
        -> PolicyVersion?
    {
        entry(for: subject, at: now, of: history)?.version
    }

    func entry(for subject: Identifier<DataSubject>, at now: Timestamp, of history: PolicyHistory)
        -> PolicyHistory.Entry?
    {
        history.entries(upTo: now).last { entry in
            answer(of: subject, to: entry.version.name, at: now).map { $0 != .declined } ?? false
        }
    }

    /// Whether the newest version in force that a subject answered was declined: nothing more is collected until they accept one (clause P14.5).
    public func hasDeclined(_ subject: Identifier<DataSubject>, at now: Timestamp, of history: PolicyHistory) -> Bool {
        let answers = history.entries(upTo: now).compactMap { answer(of: subject, to: $0.version.name, at: now) }
        return answers.last == .declined
    }
}
