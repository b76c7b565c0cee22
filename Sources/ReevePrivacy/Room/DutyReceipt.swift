// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// That a duty was done which a use asks for: the host's word, and what shows it.
///
/// What is done towards the subject, such as a notice or the question for an age, counts for that subject alone. That something is sent encrypted is
/// shown by the address that it goes to: only one that `TransportPolicy.standard` takes counts (clause P6.2). A notice that was given once stays given. The
/// audit entry of the use has each with its time and reference.
public struct DutyReceipt: Hashable, Sendable {
    /// The duty.
    public let duty: Duty
    /// Towards whom it was done; `nil` for what is done towards nobody in particular.
    public let subject: Identifier<DataSubject>?
    /// When.
    public let at: Timestamp
    /// The host's reference to what shows it, at most 200 bytes; no personal data, and no secret. For ``Duty/encryptedInTransit`` the address.
    public let reference: String
    /// The regions that a notice named; for ``Duty/noticeDifferentLaw`` all that the data goes to (clause P7.3).
    public let regions: Set<Region>

    /// A receipt.
    public init(
        _ duty: Duty, towards subject: Identifier<DataSubject>? = nil, at: Timestamp, reference: String,
        naming regions: Set<Region> = []
    ) {
        self.regions = regions
        self.duty = duty
        self.subject = subject
        self.at = at
        self.reference = reference
    }

    /// What is written down of it: of an address no more than the host, since the rest may hold a secret.
    var told: String {
        guard duty == .encryptedInTransit else { return "\(duty) at \(at): \(reference)" }
        let host = reference.split(separator: "/", maxSplits: 2).dropFirst().first.map(String.init) ?? ""
        return "\(duty) at \(at): https://\(host.prefix { $0 != "?" && $0 != "#" })"
    }

    /// Whether it shows that the duty was done for a use about a subject, as of an instant.
    func counts(for request: UseRequest, at now: Timestamp) -> Bool {
        let subject = request.subject.id
        guard duty != .noticeDifferentLaw || request.destinations.allSatisfy({ $0.isIn(regions) }) else { return false }
        guard at <= now, reference.utf8.count <= 200, !reference.isEmpty else { return false }
        if duty == .encryptedInTransit { return TransportPolicy.standard.refusal(ofAddress: reference) == nil }
        return !duty.isTowardsSubject || self.subject != nil && self.subject == subject
    }
}

extension DutyReceipt: CustomStringConvertible, CustomReflectable {
    /// The duty and when it was done; not towards whom.
    public var description: String { "\(duty) at \(at)" }
    /// The duty and when it was done.
    public var customMirror: Mirror { Mirror(self, children: ["duty": duty, "at": at]) }
}

extension Duty {
    /// Whether it is done towards the subject: a notice, or a question.
    var isTowardsSubject: Bool { path.elements[0] == "notice" || self == .ageGate }
}
