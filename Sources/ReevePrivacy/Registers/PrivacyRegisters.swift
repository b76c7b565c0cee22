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
    /// What is agreed with everybody else; `nil` where nobody said: then nobody knows where their data may be. ``AgreementSet/none`` says that nothing is.
    public var standard: AgreementSet?
    /// What is attested.
    public var attestations: AttestationRegister
    /// Why something is disclosed to authorities, by the recipient's name.
    public var grounds: [String: LegalGround]
    /// Who takes the holder over, by the recipient's name.
    public var successions: [String: Succession]
    /// Where the places are at which data is kept, by the host's names for them (clause S2.10).
    public var locations: [String: Region]
    /// Where recipients work that are no providers, by their names, such as the companies of the group.
    public var places: [String: Set<Region>]
    /// Where recipients are reached, by their names, as people are told who ask (clause P13.1).
    public var addresses: [String: String]

    /// Registers.
    public init(
        group: CorporateGroup, providers: SubprocessorList = .init(),
        agreements: [Identifier<Company>: AgreementSet] = [:],
        standard: AgreementSet? = nil, attestations: AttestationRegister = .init(),
        grounds: [String: LegalGround] = [:], successions: [String: Succession] = [:],
        locations: [String: Region] = [:],
        places: [String: Set<Region>] = [:], addresses: [String: String] = [:]
    ) {
        self.group = group
        self.providers = providers
        self.agreements = agreements
        self.standard = standard
        self.attestations = attestations
        self.grounds = grounds
        self.successions = successions
        self.locations = locations
        self.places = places
        self.addresses = addresses
    }

    /// Nothing is on file: the holder is a group of its own.
    public static let none = PrivacyRegisters(group: CorporateGroup(own: "own"))

    /// A request with all that is on file about it, for a customer's data or for that of who is none. What is on file counts, whatever the request
    /// says; facts that nothing here tells stay. Data that is held for a customer is that customer's: about another one nothing is known. Nor is it about data of who
    /// is not just a visitor, and of whose customer nobody says, where any customer has an agreement or objected.
    ///
    /// Where a provider works that is on the list, or another recipient whose places are on file, data goes, unless the request says to which of those: that is the host's word.
    /// `version` is the one in force, by which a successor has to be bound; without it nobody knows. Complexity: O(documents · log documents + incorporations + entries).
    public func completing(
        _ request: UseRequest, of customer: Identifier<Company>?, at now: Timestamp, under version: String? = nil
    ) -> UseRequest {
        var request = request
        if request.destinations.isEmpty, let all = places(of: request.recipient, at: now) {
            // Away from home, if anywhere.
            let home = request.subject.residence
            request.destinations = all.filter { place in
                home.map { !$0.isIn([place]) && !place.isIn([$0]) } ?? true
            }
        }
        for fact in request.facts.keys where fact.elements[0] == "attested" { request.facts[fact] = .no }
        for (fact, truth) in facts(about: request, of: customer, at: now, version) { request.facts[fact] = truth }
        return request
    }

    /// Where a recipient works; `nil` where nobody knows.
    private func places(of recipient: Recipient, at now: Timestamp) -> Set<Region>? {
        guard let name = recipient.name, recipient.kind != .own, recipient.kind != .everyone else { return nil }
        return recipient.kind == .serviceProvider ? providers.entry(name, at: now)?.regions : places[name]
    }

    /// Whose the data is that a request is about.
    private enum Owner {
        /// No customer's: a visitor's.
        case nobody
        case customer(Identifier<Company>)
        /// Some customer's, and nobody says whose.
        case anyCustomer
        /// Said to be of two.
        case unclear
    }

    private func owner(of request: UseRequest, _ customer: Identifier<Company>?) -> Owner {
        if case .processor(let company) = request.role {
            return customer == nil || customer == company ? .customer(company) : .unclear
        }
        guard let customer else { return request.subject.relationship == .visitor ? .nobody : .anyCustomer }
        return .customer(customer)
    }

    private func facts(
        about request: UseRequest, of customer: Identifier<Company>?, at now: Timestamp, _ version: String?
    ) -> [Path: Truth] {
        var facts: [Path: Truth] = [:]
        func set(_ name: StaticString, _ holds: Bool?) { facts[Path(literal: name)] = Truth(holds) }
        let name = request.recipient.name
        set("recipient.isGroupMember", request.recipient.kind == .affiliate && name.map(group.isMember) ?? false)
        let entry = name.flatMap { providers.entry($0, at: now) }
        set(
            "recipient.isListed",
            entry.map { entry in request.destinations.allSatisfy { $0.isIn(entry.regions) } } ?? false)

        let owner = owner(of: request, customer)
        // Nobody knows what a customer whom nobody names has agreed to, or objected to, where any has.
        let objects: Bool? =
            switch owner {
            case .nobody: false
            case .customer(let owner): name.map { providers.isObjected($0, by: owner) } ?? true
            case .anyCustomer: providers.objections.contains { $0.name == name } ? nil : false
            case .unclear: nil
            }
        set("recipient.isObjectedTo", objects)
        let agreement = agreement(of: owner)
        let inForce = agreement?.inForce(at: now)
        set(
            "agreement.allowsDestination",
            agreement.flatMap { $0.allows(request.destinations, by: inForce ?? []) })
        let agreed = inForce?.filter(\.isAgreed).map(\.document)
        let processing = agreed?.filter { $0.kind == .dataProcessing }
        set("agreement.hasProcessingTerms", processing.map { !$0.isEmpty })
        // One that no agreement incorporates is none.
        set("agreement.processingTermsIncorporated", processing.map { !$0.isEmpty })
        let covers = processing.map { processing in
            request.destinations.allSatisfy { destination in
                processing.flatMap(\.mechanisms).contains { mechanism in
                    destination.isIn(mechanism.destinations) && mechanism.kind.isFor(request.subject.residence)
                }
            }
        }
        set("transfer.hasMechanism", request.destinations.isEmpty ? nil : covers)
        set("agreement.businessAssociate", agreed.map { $0.contains { $0.kind == .businessAssociate } })

        let day = now.day
        for standard in Set(attestations.attestations.map(\.standard)).union([
            Path(literal: "pci"), Path(literal: "irap"),
        ]) {
            guard let fact = Path("attested.\(standard)") else { continue }
            facts[fact] = attestations.truth(
                of: standard, on: day, in: request.system, at: request.destinations)
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
        let succession = request.recipient.kind == .acquirer ? name.flatMap { successions[$0] } : nil
        let isSuccessor = succession.map { !$0.reference.isEmpty && $0.effective <= now } ?? false
        set("recipient.isSuccessor", isSuccessor)
        let isBound = version.map { version in succession?.bound.contains(version) ?? false }
        set("recipient.isBound", isSuccessor ? isBound : false)
        return facts
    }

    /// The mechanisms by which data leaves its region, as far as they cover where it goes, in order (clause S2.3).
    public func mechanisms(
        for request: UseRequest, of customer: Identifier<Company>?, at now: Timestamp
    ) -> [AgreementDocument.TransferMechanism.Kind] {
        guard let agreement = agreement(of: owner(of: request, customer)) else { return [] }
        let all = agreement.inForce(at: now).filter { $0.isAgreed && $0.document.kind == .dataProcessing }
            .flatMap(\.document.mechanisms).filter { mechanism in
                mechanism.kind.isFor(request.subject.residence)
                    && request.destinations.contains { $0.isIn(mechanism.destinations) }
            }
        return Set(all.map(\.kind)).sorted { $0.rawValue < $1.rawValue }
    }

    /// The document that does not let data go where a request wants it, and the documents in force that it overrides, the strongest first; empty where none
    /// stands against it (clause P7.1).
    public func residency(
        for request: UseRequest, of customer: Identifier<Company>?, at now: Timestamp
    ) -> [String] {
        guard let inForce = agreement(of: owner(of: request, customer))?.inForce(at: now),
            let limit = inForce.firstIndex(where: { holding in
                holding.document.residency.map { limit in request.destinations.contains { !$0.isIn(limit) } } ?? false
            })
        else { return [] }
        let weaker = inForce[(limit + 1)...].filter { $0.document.kind >= .servicesPrivacyPolicy }
        return [inForce[limit].document.name] + weaker.map(\.document.name)
    }

    private func agreement(of owner: Owner) -> AgreementSet? {
        switch owner {
        case .nobody: standard
        case .customer(let owner): agreements[owner] ?? standard
        case .anyCustomer: agreements.isEmpty ? standard : nil
        case .unclear: nil
        }
    }
}

extension AgreementDocument.TransferMechanism.Kind {
    /// Whether it is for data of who lives there.
    fileprivate func isFor(_ residence: Region?) -> Bool {
        guard self == .ukAddendum else { return true }
        return residence?.isIn([Region(trusted: "gb"), Region(trusted: "uk")]) ?? false
    }
}

/// That a record is kept somewhere.
public struct StoredRecord: Hashable, Sendable, Codable {
    /// The record.
    public let record: Identifier<DataRecord>
    /// Where it is kept, by the host's name for the place.
    public let location: String
    /// For whom it is held; nothing is held for nobody (clause P8.1).
    public let role: DataRole
    /// The customer whose it is, of what the holder has on its own account; `nil` for who is none.
    public let customer: Identifier<Company>?

    /// A record that is kept somewhere.
    public init(
        _ record: Identifier<DataRecord>, at location: String, as role: DataRole,
        of customer: Identifier<Company>? = nil
    ) {
        self.record = record
        self.location = location
        self.role = role
        self.customer = customer
    }

    /// Whose agreement says where it may be.
    fileprivate var owner: Identifier<Company>? {
        switch role {
        case .processor(let company): company
        case .controller: customer
        }
    }
}

extension PrivacyRegisters {
    /// The records that are kept where the agreement with their customer does not let them be, or where nobody knows: at a place that is not on file, or
    /// when a limit that was agreed is over (clause S2.10). Complexity: O(records), and for each customer that of ``AgreementSet/inForce(at:)``.
    public func misplaced(_ records: some Sequence<StoredRecord>, at now: Timestamp) -> [StoredRecord] {
        typealias Terms = (agreement: AgreementSet?, inForce: [AgreementSet.Holding])
        var known: [Identifier<Company>?: Terms] = [:]
        func terms(of customer: Identifier<Company>?) -> Terms {
            if let terms = known[customer] { return terms }
            let agreement = customer.flatMap { agreements[$0] } ?? standard
            let terms: Terms = (agreement, agreement?.inForce(at: now) ?? [])
            known[customer] = terms
            return terms
        }
        return records.filter { stored in
            guard let region = locations[stored.location] else { return true }
            let terms = terms(of: stored.owner)
            return terms.agreement?.allows([region], by: terms.inForce) != true
        }
    }
}

extension AgreementSet {
    /// Whether data may be in all of several regions, by what is in force; `nil` where nobody knows: where it is to be, or what holds after a limit that was
    /// agreed is over.
    fileprivate func allows(_ regions: Set<Region>, by inForce: [Holding]) -> Bool? {
        let limits = inForce.compactMap(\.document.residency)
        guard limits.isEmpty else {
            return regions.isEmpty ? nil : regions.allSatisfy { region in limits.allSatisfy { region.isIn($0) } }
        }
        return documents.contains { $0.residency != nil } ? nil : true
    }
}
