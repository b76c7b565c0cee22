// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import ReeveStorage

/// A change that costs a company more, from the day it is proposed until it takes effect or does not (clauses S4.3, S4.4).
///
/// The way is: proposed with full pricing, communicated, the notice period runs, reviewed by the company, approved by an authorised
/// person, activated once. Nothing of it happens by itself: a proposal that nobody answers expires.
public struct PriceProposal: Hashable, Sendable, Codable, Identifiable {
    /// How it stands.
    public enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// It was not communicated yet.
        case proposed
        /// It was communicated, and the notice period runs.
        case communicated
        /// The notice period is over: it can be approved.
        case open
        /// It was approved, and can be activated.
        case approved
        /// It is in force, or will be from its day on.
        case activated
        /// The company said no.
        case declined
        /// Whoever proposed it took it back, or the company's status changed.
        case withdrawn
        /// Nobody approved it in time: silence is no agreement.
        case expired
    }

    /// That an authorised person looked at exactly this document.
    public struct Review: Hashable, Sendable, Codable {
        /// The document's digest, as the person gave it.
        public let document: Digest
        /// Who.
        public let actor: ActContext.Actor
        /// When.
        public let at: Timestamp
    }

    /// The proposal's id.
    public let id: Identifier<PriceProposal>
    /// The company.
    public let company: Identifier<Company>
    /// What is to change.
    public let change: PlanChange
    /// The full pricing.
    public let document: PriceDocument
    /// The document's digest: what is reviewed and approved.
    public let digest: Digest
    /// Who proposed it.
    public let proposer: ActContext.Actor
    /// The sequence of the company's status then.
    let sequence: Int64
    /// When it was proposed.
    public let proposed: Timestamp
    /// The days from its communication to the first on which its prices may be asked.
    public let noticeDays: Int
    /// As many days more it may be approved.
    public let answerDays: Int
    /// That it was communicated, and from when it is to be in force.
    public private(set) var notice: Notice?
    /// Who said so.
    public private(set) var communicator: ActContext.Actor?
    /// Who of the company looked at it.
    public private(set) var reviews: [Review] = []
    /// The company's answer.
    public private(set) var response: Response?
    /// When it was activated.
    public private(set) var activated: Timestamp?
    /// When it was withdrawn.
    public private(set) var withdrawn: Timestamp?

    init(
        _ document: PriceDocument, proposer: ActContext.Actor, sequence: Int64, at now: Timestamp, catalogue: Catalogue
    ) throws(PlanError) {
        id = document.proposal
        company = document.company
        change = document.change
        self.document = document
        digest = try document.digest()
        self.proposer = proposer
        self.sequence = sequence
        proposed = now
        noticeDays = catalogue.noticeDays
        answerDays = catalogue.answerDays
    }

    /// Days as a duration; records that were changed outside have others than a catalogue may have.
    private static func days(_ count: Int) -> Duration { .seconds(min(max(count, 0), 3650) * 86_400) }

    /// Whether it is as it was written: its document is the one that its digest is of.
    func isWhole() throws(PlanError) -> Bool {
        guard (1...365).contains(noticeDays), (1...365).contains(answerDays) else { return false }
        let isSame = document.proposal == id && document.company == company && document.change == change
        let found = try document.digest()
        return isSame && found == digest
    }

    /// The first instant at which it cannot be approved any more.
    public var expires: Timestamp {
        (notice?.effective ?? proposed.advanced(by: Self.days(noticeDays))).advanced(by: Self.days(answerDays))
    }

    /// The first instant at which it may be approved; `nil` while it was not communicated.
    public var opens: Timestamp? { notice?.communicated.advanced(by: Self.days(noticeDays)) }

    /// How it stands at an instant.
    public func state(at instant: Timestamp) -> State {
        if activated != nil { return .activated }
        if withdrawn != nil { return .withdrawn }
        if response?.kind == .declined { return .declined }
        if instant >= expires { return .expired }
        if response?.kind == .accepted { return .approved }
        guard let opens else { return .proposed }
        return instant < opens ? .communicated : .open
    }

    /// Why nothing more can be done with it; `nil` while something can.
    func ended(at instant: Timestamp) -> PlanError? {
        switch state(at: instant) {
        case .proposed, .communicated, .open, .approved: nil
        case .activated: PlanError(.proposalUsed)
        case .declined: PlanError(.proposalDeclined)
        case .withdrawn: PlanError(.proposalWithdrawn)
        case .expired: PlanError(.proposalExpired)
        }
    }

    private func requireRunning(at now: Timestamp) throws(PlanError) {
        if let ended = ended(at: now) { throw ended }
    }

    private func requireSeen(_ document: Digest, by actor: ActContext.Actor) throws(PlanError) {
        guard case .person = actor else { throw PlanError(.personRequired) }
        guard document == digest else { throw PlanError(.otherDocument) }
        guard let notice, notice.document == digest else { throw PlanError(.notCommunicated) }
    }

    /// Says that it was communicated, and from when it is to be in force.
    mutating func communicate(
        by channel: Notice.Channel, effective: Timestamp?, actor: ActContext.Actor, at clock: Timestamp
    ) throws(PlanError) {
        // A clock that is behind does not make a notice older than what it is of.
        let now = max(clock, proposed)
        try requireRunning(at: now)
        guard notice == nil else { throw PlanError(.alreadyCommunicated) }
        let earliest = now.advanced(by: Self.days(noticeDays))
        let effective = effective ?? earliest
        guard effective >= earliest else { throw PlanError(.noticeTooShort, retryAt: earliest) }
        communicator = actor
        notice = Notice(document: digest, channel: channel, communicated: now, effective: effective)
    }

    /// Says that a person of the company looked at exactly this document.
    mutating func review(_ document: Digest, by actor: ActContext.Actor, at now: Timestamp) throws(PlanError) {
        try requireRunning(at: now)
        try requireSeen(document, by: actor)
        guard actor != proposer else { throw PlanError(.ownProposal) }
        // The same person again is the same review.
        reviews.removeAll { $0.actor == actor }
        reviews.append(Review(document: document, actor: actor, at: now))
        reviews.removeFirst(max(0, reviews.count - 20))
    }

    /// The company's yes to exactly this document. Again, while it is approved, it is the same yes.
    mutating func approve(_ document: Digest, by actor: ActContext.Actor, at now: Timestamp) throws(PlanError) {
        try requireRunning(at: now)
        try requireSeen(document, by: actor)
        guard actor != proposer, actor != communicator else { throw PlanError(.ownProposal) }
        guard let opens, now >= opens else { throw PlanError(.noticeNotOver, retryAt: opens) }
        guard reviews.contains(where: { $0.document == digest }) else { throw PlanError(.notReviewed) }
        response = response ?? Response(document: document, kind: .accepted, at: now, actor: actor)
    }

    /// The company's no.
    mutating func decline(by actor: ActContext.Actor, at now: Timestamp) throws(PlanError) {
        try requireRunning(at: now)
        response = Response(document: digest, kind: .declined, at: now, actor: actor)
    }

    /// Takes it back.
    mutating func withdraw(at now: Timestamp) throws(PlanError) {
        try requireRunning(at: now)
        withdrawn = now
    }

    /// Uses it up, once: it is in force from the instant that is returned on, or later if the change says so.
    mutating func activate(at clock: Timestamp) throws(PlanError) -> Timestamp {
        let now = max(clock, response?.at ?? clock)
        try requireRunning(at: now)
        guard let notice else { throw PlanError(.notCommunicated) }
        guard try document.digest() == digest, notice.document == digest, response?.document == digest else {
            throw PlanError(.otherDocument)
        }
        guard response?.kind == .accepted else { throw PlanError(.notApproved) }
        guard notice.standing(after: response.map { [$0] } ?? [], at: now) == .accepted else {
            throw PlanError(.notApproved)
        }
        activated = now
        return max(now, notice.effective)
    }
}

extension PriceProposal: IdentifiedEntity {
    /// `prop`
    public static var identifierPrefix: String { "prop" }
}

/// Proof that an authorised person of a company agreed to a price that was communicated in full, after its notice period.
///
/// Only ``Plans/approve(_:for:document:_:)`` makes one. It activates one proposal, once: ``Plans/activate(_:review:_:)`` uses it up,
/// and the store remembers. One that was lost is made again by approving again.
public struct Approval: ~Copyable, Sendable {
    /// The proposal.
    public let proposal: Identifier<PriceProposal>
    /// The company.
    public let company: Identifier<Company>
    /// The document that was agreed to.
    public let document: Digest

    init(_ proposal: PriceProposal) {
        self.proposal = proposal.id
        company = proposal.company
        document = proposal.digest
    }
}
