// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// How a promise of an agreement stands on a day, and what verifies it (clauses S2.3 to S2.7).
public struct ComplianceFinding: Hashable, Sendable {
    /// How it stands.
    public enum Status: Hashable, Sendable {
        /// It is kept, and verified by all attestations that it should be.
        case verified
        /// It is kept; these attestations, which should verify it, have ended or are not there.
        case warning([Path])
        /// It is not kept.
        case notKept
    }

    /// What is promised.
    public enum Promise: String, Hashable, Sendable, CaseIterable {
        /// An agreement on processing data is in force, and incorporated (clause S2.3).
        case processingTerms
        /// The measures that the agreement asks for are in place (clause S2.4).
        case measures
        /// The customer is told of a breach (clause S2.5).
        case breachNotice
        /// Sub-processors are on a published list (clause S2.6).
        case subprocessorList
    }

    /// What is promised.
    public let promise: Promise
    /// How it stands.
    public let status: Status
}

extension PrivacyRegisters {
    /// How the promises to a customer stand, by the agreement with them, or with everybody else: the measures that it asks for, and the standards by which
    /// independent auditors verify it, such as `soc2`, `iso27701` and `hipaa` (clause S2.7). A promise is no less kept without an attestation, and it is named.
    public func compliance(
        with customer: Identifier<Company>?, measures: MeasureRegister, required: Set<Path>,
        verifiedBy standards: Set<Path>,
        at now: Timestamp
    ) -> [ComplianceFinding] {
        let agreement = customer.flatMap { agreements[$0] } ?? standard
        let inForce = agreement?.inForce(at: now) ?? []
        // What is only published, as a summary is, promises a customer nothing.
        func says(_ key: StaticString) -> Bool {
            inForce.contains { $0.isAgreed && $0.document.terms[Path(literal: key)] != nil }
        }
        let ended = standards.filter { !attestations.isAttested($0, on: now.day) }.sorted()
        return ComplianceFinding.Promise.allCases.map { promise in
            let isKept =
                switch promise {
                case .processingTerms: inForce.contains { $0.isAgreed && $0.document.kind == .dataProcessing }
                case .measures: measures.missing(required, on: now.day).isEmpty
                case .breachNotice: says("breach.notice")
                case .subprocessorList: says("subprocessor.list")
                }
            return ComplianceFinding(
                promise: promise, status: !isKept ? .notKept : ended.isEmpty ? .verified : .warning(ended))
        }
    }
}
