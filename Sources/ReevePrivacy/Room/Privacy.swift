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
    /// What the request says of choices and of its day is passed over. ``PrivacyError/Code/noPolicy`` before the first version is in force.
    /// `customer` is the one whose data it is, where it is held for nobody. Complexity: that of the decision, and O(the subject's events) reads.
    public func decision(
        on request: UseRequest, of customer: Identifier<Company>? = nil
    ) async throws(PrivacyError) -> UseDecision {
        try decide(request, customer, try await events(for: request)).decision
    }

    /// A decision, and the policy's digest.
    func decide(
        _ request: UseRequest, _ customer: Identifier<Company>?, _ events: [ChoiceEvent]
    ) throws(PrivacyError) -> (decision: UseDecision, policy: PolicyHistory.Entry) {
        let now = authority.time.now
        let entry = try policy(at: now)
        var request = completing(request, customer, at: now)
        request.subject.choices = request.subject.id.map { ChoiceState(of: $0, folding: events, at: now) }
        return (entry.policy.decide(request), entry)
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
