// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import ReeveStorage

/// How far the platform's programme is: a dated fact. In beta every change of an allocation rests on a review (clause S4.5).
public enum ProgrammePhase: String, Hashable, Sendable, Codable, CaseIterable {
    /// Allocations are reviewed for fair and balanced use.
    case beta
    /// Everybody has what its plan says.
    case general
}

/// A review of what companies have against what they need: who looked, at which time, what was found, and what is proposed. It
/// changes nothing by itself.
public struct AllocationReview: Hashable, Sendable, Codable, Identifiable {
    /// What was found.
    public enum Conclusion: String, Hashable, Sendable, Codable, CaseIterable {
        /// Nobody needs more than it has, or there is no more to give.
        case balanced
        /// Somebody needs more than it has, and there is more to give: the proposals say how much.
        case unbalanced
    }

    /// One company in a review.
    public struct Row: Hashable, Sendable, Codable {
        /// Why it gets what is proposed.
        public enum Reason: String, Hashable, Sendable, Codable, CaseIterable {
            /// Its plan gives what it needs, or more: it keeps that.
            case keepsPlan
            /// It gets all that it needs.
            case getsNeed
            /// It gets its fair share of what is there, and needs more.
            case getsShare
        }

        /// The company.
        public let company: Identifier<Company>
        /// How much of what is left it gets beside the others.
        public let weight: Int
        /// Tasks in its period now.
        public let entitlement: Int
        /// Tasks that it will need in the period, by its forecast; what it has used so far where too little is known.
        public let need: Int
        /// Tasks that are proposed; never fewer than it has.
        public let proposed: Int
        /// Why.
        public let reason: Reason
    }

    /// The review's id.
    public let id: Identifier<AllocationReview>
    /// When.
    public let at: Timestamp
    /// Who.
    public let reviewer: ActContext.Actor
    /// The tasks that there are for all of them.
    public let budget: Int
    /// The companies, in the order of their ids.
    public let rows: [Row]
    /// What was found.
    public let conclusion: Conclusion
    /// Jain's index of what they have, by their weights: 1 is the fairest.
    public var fairnessBefore: Double { FairShare.index(of: rows.map(\.entitlement), weights: rows.map(\.weight)) }
    /// Jain's index of what is proposed.
    public var fairnessAfter: Double { FairShare.index(of: rows.map(\.proposed), weights: rows.map(\.weight)) }
    /// The companies for which more is proposed than they have.
    public var proposals: [Row] { rows.filter { $0.proposed > $0.entitlement } }

    /// As many companies are in one review.
    public static let maximumCompanies = 500

    /// One who asks, before anything is proposed.
    struct Need {
        let company: Identifier<Company>
        let weight: Int
        let entitlement: Int
        let need: Int
    }

    /// Shares a budget by weighted max-min fairness: nobody gets less than its plan has.
    init(
        of needs: [Need], budget: Int, reviewer: ActContext.Actor, at instant: Timestamp
    ) throws(PlanError) {
        guard needs.count <= Self.maximumCompanies else { throw PlanError(.invalidCount) }
        let needs = needs.sorted { $0.company < $1.company }
        let claims = needs.map { FairShare.Claim(floor: $0.entitlement, demand: $0.need, weight: $0.weight) }
        let shares = try FairShare.split(budget, among: claims)
        rows = zip(needs, shares).map { need, share in
            Row(
                company: need.company, weight: need.weight, entitlement: need.entitlement, need: need.need,
                proposed: share,
                reason: need.need <= need.entitlement ? .keepsPlan : share >= need.need ? .getsNeed : .getsShare)
        }
        id = Identifier(at: instant)
        at = instant
        self.reviewer = reviewer
        self.budget = budget
        conclusion = rows.contains { $0.proposed > $0.entitlement } ? .unbalanced : .balanced
    }
}

extension AllocationReview: IdentifiedEntity {
    /// `arv`
    public static var identifierPrefix: String { "arv" }
}

/// A change of an allocation in beta that no review stands behind, or that goes beyond its review (clause S4.5). What a status brings is
/// none: its rule was decided for everybody.
public struct AllocationFinding: Hashable, Sendable, Codable {
    /// The company.
    public let company: Identifier<Company>
    /// When the change was made.
    public let at: Timestamp
    /// Who made it.
    public let actor: ActContext.Actor
    /// The decision that allowed it, as the audit entry has it.
    public let decision: Identifier<DecisionRecord>
}

/// The phases of the programme, as they were told.
struct Programme: Codable, RecordCodable {
    var phases = Timeline<ProgrammePhase>()
}
