// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage

/// Proof that a policy allowed a use of personal data, for a short time: what sharing, transferring, contacting and combining take.
///
/// Only a ``Privacy`` makes clearances, and only that one takes them: ``Privacy/perform(_:having:_:)`` decides again by what is on file and what the
/// subject chose by then. A clearance is good for 30 seconds. It may be used more than once in that time; each use is recorded.
public struct Clearance: Sendable {
    /// What may be done.
    public let request: UseRequest
    /// Who may do it.
    public let context: ActContext
    /// The decision, as the audit entry of the use names it.
    public let decision: Identifier<DecisionRecord>
    /// The version of the policy that allowed it, by its digest.
    public let policy: Digest
    /// What must be done before: ``Privacy/perform(_:having:_:)`` takes a ``DutyReceipt`` for each. That it is written down who was given data the room does.
    public let duties: [Duty]

    fileprivate let customer: Identifier<Company>?
    fileprivate let instance: InstanceID
    /// The end of its life on the room's monotonic clock.
    fileprivate let deadline: Duration
}

extension Clearance: CustomStringConvertible, CustomReflectable {
    /// What may be done; nothing about the subject.
    public var description: String { "cleared by \(decision): \(request)" }
    /// What may be done.
    public var customMirror: Mirror { Mirror(self, children: ["clearance": description]) }
}

/// What ``Privacy/perform(_:having:_:)`` throws: the room's error, or the act's own.
public enum UseFailure<Failure: Error>: Error {
    /// Nothing was done.
    case privacy(PrivacyError)
    /// The use was recorded, and the act threw this.
    case act(Failure)
}

/// How uses are cleared and recorded.
extension Privacy {
    /// Decides a use, and proves that it is allowed; ``PrivacyError/Code/notAllowed`` when it is not, with the decision that says why.
    ///
    /// A refusal is recorded; a clearance is recorded by the use. What the request says of choices and of its day is passed over. `customer` is the one whose
    /// data it is, where it is held for nobody. Complexity: that of the decision, and O(the subject's events) reads.
    public func clearance(
        for request: UseRequest, of customer: Identifier<Company>? = nil, as context: ActContext
    ) async throws(PrivacyError) -> Clearance {
        let id = Identifier<DecisionRecord>(at: authority.time.now)
        let deadline = authority.time.uptime + Self.clearanceLifetime
        return try await authority.recordingRefusals(
            of: "privacy.clearance", context, request.resource, request.details, id
        ) { () throws(PrivacyError) in
            let decided = try decide(request, customer, try await history(for: request))
            guard decided.decision.isAllowed else { throw PrivacyError(decided) }
            return Clearance(
                request: request, context: context, decision: id, policy: decided.policy.digest,
                duties: decided.duties, customer: customer, instance: instance,
                deadline: deadline)
        }
    }

    /// Records a use that was cleared, and lends the request, with what is on file about it, to `act`, which does it.
    ///
    /// Nothing is done unless the use is still allowed by what is on file and by what the subject chose meanwhile, each duty has a receipt, and
    /// the audit entry is committed; where somebody else gets to see the data, the ``Disclosure`` is committed with it. When `act` throws, both stay: what was sent may
    /// have arrived. ``PrivacyError/Code/staleClearance`` for one that is old or another room's, ``PrivacyError/Code/dutyNotDone`` with the duties that have
    /// no receipt, ``PrivacyError/Code/unknownSubject`` when nobody knows about whom the data is that somebody else would get to see, and
    /// ``PrivacyError/Code/unnamedRecipient`` when nobody knows who that is.
    public func perform<Result, Failure: Error>(
        _ clearance: Clearance, having receipts: [DutyReceipt] = [],
        _ act: (UseRequest) async throws(Failure) -> Result
    ) async throws(UseFailure<Failure>) -> Result {
        let request: UseRequest
        do throws(PrivacyError) {
            request = try await record(clearance, receipts)
        } catch {
            throw .privacy(error)
        }
        do throws(Failure) {
            return try await act(request)
        } catch {
            throw .act(error)
        }
    }

    private func record(
        _ clearance: Clearance, _ receipts: [DutyReceipt]
    ) async throws(PrivacyError) -> UseRequest {
        let (request, context, action) = (clearance.request, clearance.context, "privacy.use")
        return try await authority.recordingRefusals(
            of: action, context, request.resource, request.details, clearance.decision, clearance.policy
        ) { () throws(PrivacyError) in
            guard let chooser = Chooser(request) else {
                return try await authority.store.transaction {
                    (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                    try await record(clearance, receipts, SubjectHistory(), nil, in: &transaction)
                }
            }
            return try await withHistory(of: chooser) { transaction, history throws(PrivacyError) in
                try await record(clearance, receipts, history, chooser, in: &transaction)
            }
        }
    }

    private func record(
        _ clearance: Clearance, _ receipts: [DutyReceipt], _ history: SubjectHistory, _ chooser: Chooser?,
        in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) -> UseRequest {
        guard clearance.instance == instance, authority.time.uptime < clearance.deadline else {
            throw PrivacyError(.staleClearance)
        }
        let (request, now) = (clearance.request, authority.time.now)
        let decided = try decide(request, clearance.customer, history)
        let (decision, policy) = (decided.decision, decided.policy)
        guard decision.isAllowed else { throw PrivacyError(decided) }
        let done = decided.duties.map { duty in
            (duty, receipts.first { $0.duty == duty && $0.counts(for: decision.request, at: now) })
        }
        let open = done.filter { $0.1 == nil }.map(\.0)
        guard open.isEmpty else { throw PrivacyError(open) }
        var details = decision.request.details
        if let permission = decision.request.subject.parentalPermission {
            details["parent"] = "\(permission.method.rawValue): \(permission.reference.cut(toBytes: 200))"
        }
        details["version"] = policy.version.name.cut(toBytes: 200)
        if !done.isEmpty { details["duties"] = done.compactMap(\.1?.told).joined(separator: "; ") }
        let mechanisms = decided.mechanisms.map(\.rawValue).joined(separator: ",")
        if !mechanisms.isEmpty { details["mechanisms"] = mechanisms }
        if decision.request.isDisclosure {
            guard let chooser else { throw PrivacyError(.unknownSubject) }
            guard decision.request.hasNamedRecipient else { throw PrivacyError(.unnamedRecipient) }
            // With what is on file about where it goes, and as near to somebody as it was decided about.
            var told = decision.request
            told.data = told.data.raised(by: policy.version.quasiIdentifiers)
            let disclosure = Disclosure(
                told, at: now, clearance.decision, policy.version.name, by: decided.mechanisms)
            try await write(disclosure, of: chooser, in: &transaction)
            details["disclosure"] = disclosure.id.description
        }
        let entry = authority.entry(
            "privacy.use", clearance.context, request.resource, clearance.decision, policy.digest, nil, details)
        try transaction.record(entry, in: authority.trail)
        return decision.request
    }
}

extension UseRequest {
    /// Whom it is about, as audit entries name it.
    fileprivate var resource: Resource { subject.id.map { Resource($0) } ?? Resource(kind: "subject", "unknown") }

    /// What is asked, as audit entries tell it.
    fileprivate var details: [String: String] {
        let categories = data.categories.map(\.description).sorted().joined(separator: ",")
        var details = [
            "operation": operation.rawValue, "categories": categories.cut(toBytes: 2000),
            "purpose": purpose.description.cut(toBytes: 500), "recipient": recipient.kind.rawValue,
            "towards": role.text,
        ]
        // The disclosure alone has the name of whom a subject authorised.
        if let name = recipient.tellableName { details["recipientName"] = name.cut(toBytes: 200) }
        if !destinations.isEmpty {
            let places = destinations.map(\.description).sorted().joined(separator: ",")
            details["destinations"] = places.cut(toBytes: 500)
        }
        return details
    }
}
