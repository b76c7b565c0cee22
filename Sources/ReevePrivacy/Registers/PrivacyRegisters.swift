// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// What the holder has on file, from which facts follow that rules ask for: so nobody has to state them by hand, or can state them wrongly.
///
///     let decision = policy.decide(registers.completing(request, of: company, at: now))
///
/// A value: a host builds it from its own records.
public struct PrivacyRegisters: Hashable, Sendable {
    /// Who is of the group.
    public var group: CorporateGroup
    /// Who works for the holder.
    public var providers: SubprocessorList
    /// What is agreed with each customer.
    public var agreements: [Identifier<Company>: AgreementSet]
    /// What is agreed with everybody else.
    public var standard: AgreementSet
    /// What is attested.
    public var attestations: AttestationRegister
    /// Why something is disclosed to authorities, by the recipient's name.
    public var grounds: [String: LegalGround]

    /// Registers.
    public init(
        group: CorporateGroup, providers: SubprocessorList = .init(),
        agreements: [Identifier<Company>: AgreementSet] = [:],
        standard: AgreementSet = .none, attestations: AttestationRegister = .init(),
        grounds: [String: LegalGround] = [:]
    ) {
        self.group = group
        self.providers = providers
        self.agreements = agreements
        self.standard = standard
        self.attestations = attestations
        self.grounds = grounds
    }

    /// A request with all that is on file about it, for a customer's data or for that of who is none. What is on file counts, whatever the request
    /// says; facts that nothing here tells stay.
    ///
    /// Complexity: O(documents + entries).
    public func completing(_ request: UseRequest, of customer: Identifier<Company>?, at now: Timestamp) -> UseRequest {
        var request = request
        for (fact, truth) in facts(about: request, of: customer, at: now) { request.facts[fact] = truth }
        return request
    }

    private func facts(about request: UseRequest, of customer: Identifier<Company>?, at now: Timestamp) -> [Path: Truth]
    {
        var facts: [Path: Truth] = [:]
        func set(_ name: StaticString, _ holds: Bool?) { facts[Path(literal: name)] = Truth(holds) }
        let name = request.recipient.name
        set("recipient.isGroupMember", request.recipient.kind == .affiliate && name.map(group.isMember) ?? false)
        set("recipient.isListed", name.map { providers.isListed($0, at: now) } ?? false)
        set(
            "recipient.isObjectedTo",
            customer.map { customer in name.map { providers.isObjected($0, by: customer) } ?? true } ?? false)

        let inForce = (customer.flatMap { agreements[$0] } ?? standard).inForce(at: now).map(\.document)
        let limits = inForce.compactMap(\.residency)
        let allows = request.destination.map { destination in limits.allSatisfy { $0.contains(destination) } }
        set("agreement.allowsDestination", limits.isEmpty ? true : allows)
        let processing = inForce.filter { $0.kind == .dataProcessing }
        set("agreement.hasProcessingTerms", !processing.isEmpty)
        // One that nothing incorporates is not in force.
        set("agreement.processingTermsIncorporated", !processing.isEmpty)
        let covered = processing.flatMap(\.mechanisms)
        set(
            "transfer.hasMechanism",
            request.destination.map { destination in covered.contains { $0.destinations.contains(destination) } })
        set("agreement.businessAssociate", inForce.contains { $0.kind == .businessAssociate })

        let day = now.day
        for standard in Set(attestations.attestations.map(\.standard)).union([
            Path(literal: "pci"), Path(literal: "irap"),
        ]) {
            guard let fact = Path("attested.\(standard)") else { continue }
            facts[fact] = Truth(attestations.isAttested(standard, on: day))
        }

        let ground = request.recipient.kind == .authority ? name.flatMap { grounds[$0] } : nil
        var (isProcess, isBelief) = (false, false)
        switch ground {
        case .process(let reference): isProcess = !reference.isEmpty
        // A belief is good for its own purpose alone.
        case .belief(let belief, _): isBelief = request.purpose.path == Path("legal.protection.\(belief.rawValue)")
        case nil: break
        }
        set("legalProcess.onFile", isProcess)
        set("belief.hasGround", isBelief)
        set("belief.hasAuthor", isBelief)
        return facts
    }
}
