// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage
import Synchronization

/// Keeps what subjects chose, proves that a use of their data is allowed, and writes down who was given it.
///
///     try await privacy.choose(event, as: context)
///     let clearance = try await privacy.clearance(for: request, as: context)
///     try await privacy.perform(clearance) { request in try await mailer.send(newsletter) }
///
/// Choices are made towards whoever holds the data: the holder of this room, or a customer for whom it works. What a subject chose towards one is
/// not asked about towards another. All calls may be made concurrently, by any number of processes over one store.
public final class Privacy: Sendable {
    /// How long a ``Clearance`` is good: 30 seconds.
    public static let clearanceLifetime = Duration.seconds(30)

    let authority: AccessAuthority
    let instance = InstanceID()
    let tables: PrivacyTables
    let histories = KnownHistories()
    private let current: Mutex<PrivacySettings>
    private let turns = Turns<Int>()

    /// Privacy over the authority's store.
    ///
    /// Pass `control` the keys that `AuditKeys.control` and the vault have, as `TrustLayer` does: what subjects chose and agreed to is authenticated then, and
    /// what was changed, removed or put back is refused. An authority with roles brings its own keys.
    public init(
        _ settings: PrivacySettings, authority: AccessAuthority, control keys: (any ControlKeys)? = nil
    ) {
        self.authority = authority
        current = Mutex(settings)
        tables = PrivacyTables(
            authority.control ?? keys.map { ControlRecords(store: authority.store, keys: $0, makesHeads: true) })
    }

    /// What is decided by in this process.
    public var settings: PrivacySettings { current.withLock { $0 } }

    /// Changes what is decided by in this process, as when a version is scheduled, a notice noted or a provider announced: a host does so in each of
    /// its processes. Changes follow one another, and one whose audit entry is not committed is none. What `change` throws comes through as
    /// ``UseFailure/act(_:)``.
    public func update<Failure: Error>(
        as context: ActContext, _ change: (inout PrivacySettings) throws(Failure) -> Void
    ) async throws(UseFailure<Failure>) {
        try await turns.run(0) { () throws(UseFailure<Failure>) in
            var next = settings
            do throws(Failure) {
                try change(&next)
            } catch {
                throw .act(error)
            }
            let inForce = next.policies.entry(at: authority.time.now)
            let entry = authority.entry(
                "privacy.update", context, Resource(kind: "privacy", "settings"), nil, inForce?.digest, nil,
                next.details)
            do throws(StoreError) {
                try await authority.store.record(entry, in: authority.trail)
            } catch {
                throw .privacy(PrivacyError(error))
            }
            current.withLock { $0 = next }
        }
    }

    // MARK: Decisions

    /// Decides a use by the policy in force, by what is on file and by what the subject chose: an answer, not a proof.
    ///
    /// A use on the holder's own account has to be allowed by the version that the subject agreed to as well, and for who agreed to none by each that was in
    /// force so far: what a new version allows begins with an acceptance (clause P14.6). Of who declined the one in force nothing more is
    /// collected (clause P14.5), and of who is no visitor nothing without their id: ``PrivacyError/Code/unknownSubject``. ``PrivacyError/Code/unknownVersion`` for a subject
    /// who answered versions alone that are not in the history.
    ///
    /// What the request says of choices and of its day is passed over. ``PrivacyError/Code/noPolicy`` before the first version is in force.
    /// `customer` is the one whose data it is, where it is held for nobody: a subject who is not just a visitor is some customer's, and of whose nobody knows
    /// where customers have agreements or objections of their own. For whom data is held, and what it is, is the host's word. Complexity: that of the decision, and O(the subject's events) reads.
    public func decision(
        on request: UseRequest, of customer: Identifier<Company>? = nil
    ) async throws(PrivacyError) -> UseDecision {
        try decide(request, customer, try await history(for: request)).decision
    }

    /// An answer, and what follows from it.
    struct Decided {
        let decision: UseDecision
        let policy: PolicyHistory.Entry
        /// What must be done before, in order; that it is written down who was given data the room does.
        var duties: [Duty]
        /// By what data leaves its region.
        let mechanisms: [AgreementDocument.TransferMechanism.Kind]
        /// The agreement that limits where data may be, and what it overrides, where that is why.
        var overriding: [String] = []
        let contacts: ContactDirectory?
    }

    func decide(
        _ request: UseRequest, _ customer: Identifier<Company>?, _ history: SubjectHistory
    ) throws(PrivacyError) -> Decided {
        let (now, settings) = (authority.time.now, settings)
        let entry = try settings.inForce(at: now)
        var request = settings.completing(request, customer, at: now)
        // Events are in the log once they are in: whatever a clock says.
        let ever = Timestamp(microseconds: .max)
        request.subject.choices = request.subject.id.map { ChoiceState(of: $0, folding: history.choices, at: ever) }
        let mechanisms = settings.registers.mechanisms(for: request, of: customer, at: now)
        func decide(_ entry: PolicyHistory.Entry) -> Decided {
            let decision = entry.policy.decide(request)
            var decided = Decided(
                decision: decision, policy: entry, duties: decision.duties.filter { $0 != .recordDisclosure },
                mechanisms: mechanisms, contacts: settings.contacts)
            if !decision.isAllowed {
                decided.overriding = settings.registers.residency(for: request, of: customer, at: now)
            }
            return decided
        }
        var decided = decide(entry)
        // What a subject answered is about what the holder does on its own account.
        guard decided.decision.isAllowed, request.role == .controller else { return decided }
        let latest = max(now, history.acceptances.last?.at ?? now)
        let log = AcceptanceLog(restoring: history.acceptances)
        let subject = request.subject.id
        // Of a visitor nobody may know who it is; of others it is known, and so is whether they declined.
        if request.operation == .collect, subject == nil, request.subject.relationship != .visitor {
            throw PrivacyError(.unknownSubject)
        }
        if request.operation == .collect, let subject, log.hasDeclined(subject, at: latest, of: settings.policies) {
            return Decided(
                decision: UseDecision(declined: request, entry.policy), policy: entry, duties: [], mechanisms: [],
                contacts: settings.contacts)
        }
        let agreed = subject.flatMap { log.entry(for: $0, at: latest, of: settings.policies) }
        if agreed == nil, history.acceptances.contains(where: { !settings.knows($0.policy) }) {
            throw PrivacyError(.unknownVersion)
        }
        let others = agreed.map { [$0] } ?? settings.policies.entries(upTo: now)
        for other in others where other.version.name != entry.version.name {
            let before = decide(other)
            guard before.decision.isAllowed else { return before }
            decided.duties = Set(decided.duties).union(before.duties).sorted()
        }
        return decided
    }
}

extension PrivacySettings {
    /// The version of the policy in force.
    func inForce(at now: Timestamp) throws(PrivacyError) -> PolicyHistory.Entry {
        guard let entry = policies.entry(at: now) else { throw PrivacyError(.noPolicy) }
        return entry
    }

    /// Whether there is a version of that name.
    func knows(_ version: String) -> Bool { policies.entries.contains { $0.version.name == version } }

    /// A request with what is on file and with its day, whatever it says of them.
    func completing(_ request: UseRequest, _ customer: Identifier<Company>?, at now: Timestamp) -> UseRequest {
        let version = policies.entry(at: now)?.version.name
        var request = registers.completing(request, of: customer, at: now, under: version)
        // Somewhere it is still the day before: nobody comes of age before they do where they live.
        request.day = now.advanced(by: .seconds(-12 * 3600)).day
        return request
    }
}
