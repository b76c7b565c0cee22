// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Agreements that come with Reeve, as data: read them, change them, or write your own. Not legal advice.
public enum ReferenceAgreements: Sendable {
    /// What the sources say about security, jurisdiction and the allocation of tasks, as documents with terms: an agreement that incorporates the services
    /// privacy policy and the data-processing agreement, the policy and terms of 2016 and the summary in the help center, which the agreement overrides
    /// (clauses S2.1 to S2.9). ``clauses`` says which clause a term stands for.
    ///
    /// The sources leave open from when on they hold, and how data may leave its region: that is for the host to say.
    public static func usageAllocation(
        effective: Timestamp, mechanisms: [AgreementDocument.TransferMechanism] = [], residency: Set<Region>? = nil
    ) -> AgreementSet {
        func terms(_ part: KeyPath<Term, String?>) -> [Path: String] {
            Dictionary(all.compactMap { term in term[keyPath: part].map { (term.key, $0) } }) { first, _ in first }
        }
        return AgreementSet(trusted: [
            AgreementDocument(
                "master agreement", .masterAgreement, effective: effective, terms: terms(\.agreement),
                incorporates: ["data-processing agreement", "services privacy policy"], residency: residency),
            AgreementDocument(
                "data-processing agreement", .dataProcessing, effective: effective, terms: terms(\.processing),
                mechanisms: mechanisms),
            AgreementDocument(
                "services privacy policy", .servicesPrivacyPolicy, effective: effective, terms: terms(\.services)),
            AgreementDocument(
                "privacy policy", .privacyPolicy, effective: effective, terms: terms(\.policy), incorporates: ["terms"]),
            AgreementDocument("terms", .terms, effective: effective, terms: terms(\.terms)),
            AgreementDocument(
                "help center summary", .helpCenterSummary, effective: effective, terms: terms(\.summary)),
        ])
    }

    /// The clause that each term stands for.
    public static let clauses: [Path: ClauseReference] = Dictionary(
        all.map { ($0.key, $0.clause) }
    ) { first, _ in first }

    /// A term, and what each document says to it.
    private struct Term: Sendable {
        let key: Path
        let clause: ClauseReference
        var agreement: String?
        var processing: String?
        var services: String?
        var policy: String?
        var terms: String?
        var summary: String?

        init(
            _ key: StaticString, _ clause: String, agreement: String? = nil, processing: String? = nil,
            services: String? = nil, policy: String? = nil, terms: String? = nil, summary: String? = nil
        ) {
            self.key = Path(literal: key)
            self.clause = ClauseReference(trusted: clause)
            (self.agreement, self.processing, self.services) = (agreement, processing, services)
            (self.policy, self.terms, self.summary) = (policy, terms, summary)
        }
    }

    private static let all = [
        Term(
            "security.reasonable", "P2a.11",
            policy: "Security is commercially reasonable, and nobody answers for more.",
            summary: "Data is safe."),
        Term(
            "security.thirdParty", "P2h.3",
            policy: "The providers of connected apps answer for what they do themselves."),
        Term(
            "security.transmission", "P6.4",
            policy: "No transmission is wholly secure; be careful with what you send, and with other services."),
        Term(
            "transfer.regions", "P7.1",
            policy: "Data may be processed in the United States and elsewhere, unless agreed otherwise."),
        Term("change.remedy", "P14.5", policy: "Who does not agree to a change stops using the service."),
        Term(
            "protection.primary", "S2.1", agreement: "This agreement governs what protects the customer's data.",
            summary: "The help center describes what protects data."),
        Term(
            "protection.regional", "S2.2",
            agreement: "The requirements of the customer's region are met wherever a vendor sits.",
            summary: "Requirements are those of the vendor's seat."),
        Term(
            "transfer.mechanism", "S2.3",
            processing:
                "Personal data leaves the European Union or the United Kingdom by a mechanism of this agreement alone."),
        Term(
            "security.measures", "S2.4",
            agreement: "Technical and organizational measures are those that are standard in the industry.",
            summary: "Some measures are in place."),
        Term(
            "breach.notice", "S2.5", agreement: "The customer is told of a breach.",
            processing: "A processor tells the controller of a breach without undue delay.",
            summary: "Breaches may be told."),
        Term(
            "subprocessor.list", "S2.6",
            processing: "Sub-processors are on a published list, which this agreement incorporates.",
            services: "The list of sub-processors is published."),
        Term(
            "compliance.attestations", "S2.7", agreement: "Independent auditors verify what is promised here."),
        Term(
            "services.use", "S2.8", services: "Data of the services is used to provide them."),
        Term(
            "summary.rank", "S2.9", agreement: "What the help center summarizes yields to this agreement.",
            summary: "This summary is all there is."),
        Term(
            "storage.jurisdictions", "S2.10",
            agreement: "Data that lies in several jurisdictions is safeguarded in each."),
        Term(
            "credential.method", "S3.1", terms: "Connections authenticate by OAuth 2.0 wherever an app offers it."),
        Term("credential.encryption", "S3.2", terms: "Credentials are encrypted with keys of 256 bits."),
        Term(
            "credential.keys", "S3.3",
            terms: "Keys form a hierarchy under a main key of the customer's, in isolated levels."),
        Term("tasks.package", "S4.1", terms: "Each company has a package of tasks, which can be changed or expanded."),
        Term("tasks.status", "S4.2", terms: "The plan follows the company's status by itself."),
        Term("price.notice", "S4.3", terms: "Prices are communicated, reviewed and approved before they hold."),
        Term("price.automatic", "S4.4", terms: "Nobody is charged by a change that happens by itself."),
        Term("tasks.review", "S4.5", terms: "Allocations are reviewed for fair and balanced use during beta."),
    ]
}
