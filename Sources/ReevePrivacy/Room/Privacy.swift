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
    private let setup: Mutex<Setup>

    private struct Setup {
        var policies: PolicyHistory
        var registers: PrivacyRegisters
    }

    /// Privacy over the authority's store, by the versions of a policy and by what is on file.
    ///
    /// Pass `control` the keys that `AuditKeys.control` and the vault have, as `TrustLayer` does: choices are authenticated then, and one that was
    /// changed, removed or put back is refused. An authority with roles brings its own keys.
    public init(
        policies: PolicyHistory, registers: PrivacyRegisters = .none, authority: AccessAuthority,
        control keys: (any ControlKeys)? = nil
    ) {
        self.authority = authority
        setup = Mutex(Setup(policies: policies, registers: registers))
        tables = PrivacyTables(
            authority.control ?? keys.map { ControlRecords(store: authority.store, keys: $0, makesHeads: true) })
    }

    /// The versions of the policy: uses are decided by the one in force when they are made. A host sets it when it schedules a version or notes a
    /// notice, in each of its processes.
    public var policies: PolicyHistory {
        get { setup.withLock(\.policies) }
        set { setup.withLock { $0.policies = newValue } }
    }

    /// What is on file. A host sets it when something changes, in each of its processes.
    public var registers: PrivacyRegisters {
        get { setup.withLock(\.registers) }
        set { setup.withLock { $0.registers = newValue } }
    }

    // MARK: Decisions

    /// Decides a use by the policy in force, by what is on file and by what the subject chose: an answer, not a proof.
    ///
    /// For a subject who agreed to an earlier version, and not to the one in force, it has to be allowed by both (clause P14.6); of who declined the
    /// one in force nothing more is collected (clause P14.5). Of who answered none the one in force is taken.
    /// What the request says of choices and of its day is passed over. ``PrivacyError/Code/noPolicy`` before the first version is in force.
    /// `customer` is the one whose data it is, where it is held for nobody. Complexity: that of the decision, and O(the subject's events) reads.
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
    }

    func decide(
        _ request: UseRequest, _ customer: Identifier<Company>?, _ history: SubjectHistory
    ) throws(PrivacyError) -> Decided {
        let now = authority.time.now
        let (policies, entry) = (policies, try policy(at: now))
        var request = completing(request, customer, at: now)
        request.subject.choices = request.subject.id.map { ChoiceState(of: $0, folding: history.choices, at: now) }
        func decide(_ entry: PolicyHistory.Entry) -> Decided {
            let decision = entry.policy.decide(request)
            return Decided(
                decision: decision, policy: entry, duties: decision.duties.filter { $0 != .recordDisclosure })
        }
        var decided = decide(entry)
        // What a subject answered is about what the holder does on its own account.
        guard decided.decision.isAllowed, request.role == .controller, let subject = request.subject.id,
            !history.acceptances.isEmpty
        else { return decided }
        let log = AcceptanceLog(restoring: history.acceptances)
        if request.operation == .collect, log.hasDeclined(subject, at: now, of: policies) {
            return Decided(decision: UseDecision(declined: request, entry.policy), policy: entry, duties: [])
        }
        // What a new version allows is not allowed for who did not agree to it (clause P14.6).
        guard let agreed = log.entry(for: subject, at: now, of: policies), agreed.version.name != entry.version.name
        else { return decided }
        let before = decide(agreed)
        guard before.decision.isAllowed else { return before }
        decided.duties = Set(decided.duties).union(before.duties).sorted()
        return decided
    }

    /// The version of the policy in force.
    func policy(at now: Timestamp) throws(PrivacyError) -> PolicyHistory.Entry {
        guard let entry = policies.entry(at: now) else { throw PrivacyError(.noPolicy) }
        return entry
    }

    /// A request with what is on file and with its day, whatever it says of them.
    func completing(_ request: UseRequest, _ customer: Identifier<Company>?, at now: Timestamp) -> UseRequest {
        var request = registers.completing(request, of: customer, at: now)
        // Somewhere it is still the day before: nobody comes of age before they do where they live.
        request.day = now.advanced(by: .seconds(-12 * 3600)).day
        return request
    }

    // MARK: Recording

    /// Does an act; when it is refused, that is recorded by itself.
    func recordingRefusals<Result>(
        of action: String, _ context: ActContext, _ resource: Resource, _ details: [String: String],
        _ decision: Identifier<DecisionRecord>? = nil, _ policy: Digest? = nil,
        _ act: () async throws(PrivacyError) -> Result
    ) async throws(PrivacyError) -> Result {
        do throws(PrivacyError) {
            return try await act()
        } catch {
            // What may have been done is not called refused.
            if error.store == .outcomeUnknown { throw error }
            let entry = authority.entry(
                action, context, resource, decision, policy, error.code.rawValue,
                details.merging(error.details) { $1 })
            do throws(StoreError) {
                try await authority.store.record(entry, in: authority.trail)
            } catch {
                throw PrivacyError(error)
            }
            throw error
        }
    }
}
