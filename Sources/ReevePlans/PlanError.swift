// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// Why a plan was not changed or a job not admitted.
public struct PlanError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// Too few of the period's tasks are left; ``PlanError/retryAt`` says when as many can be there as the job needs, and is `nil` when
        /// nothing that is decided brings as many.
        case limitReached
        /// Too few of a ``Sublimit``'s tasks are left; ``PlanError/retryAt`` as with ``limitReached``.
        case sublimitReached
        /// The company has no plan: tell Reeve its status first.
        case noPlan
        /// The company is a former one: nothing new is admitted.
        case companyInactive
        /// The company is a customer: what is counted of it goes when it has left.
        case companyActive
        /// The catalogue has no such plan.
        case unknownPlan
        /// There is no such time zone in the IANA database that this system has, and no other one is used in its place.
        case unknownZone
        /// A period must be 1 to 120 months long, and begin at a time of day.
        case invalidPeriod
        /// A count of tasks must be 1 or more, a limit or budget 0 or more, and each at most 10^12; a weight 1 to 1,000,000, and a number of
        /// past periods 1 to 60.
        case invalidCount
        /// The period is over, and so is the time for which usage of it is taken late.
        case periodClosed
        /// Usage cannot be told before it happened.
        case inTheFuture
        /// A run of a job has steps in more places than can be told apart, or a path with more than 200 bytes or a control character.
        case tooManyCharges
        /// The job was charged nothing.
        case unknownJob
        /// A grant has a priority of 0 to 100, expires after it begins, and carries over 0 to 10^12 tasks.
        case invalidGrant
        /// There is no such grant to this company.
        case unknownGrant
        /// The company has 32 grants that can be used or count to a period that is not closed.
        case tooManyGrants
        /// The name of a journal of tasks has 1 to 64 bytes without control characters.
        case invalidJournal
        /// Another process has taken over the journal of tasks, and writes to it.
        case journalTakenOver
        /// The task was cancelled while it waited for tasks that others hold; nothing was taken.
        case cancelled
        /// The plan's time is over: another plan, or its approval, is needed first.
        case trialEnded
        /// The plan that the status brings has a price, and the company has not approved it yet.
        case awaitingApproval
        /// Tasks are used faster than the plan allows; ``PlanError/retryAt`` says when these may be.
        case tooFast
        /// The company is paused: nothing is admitted until it is resumed.
        case paused
        /// The plan has no jobs in this environment.
        case environmentNotIncluded
        /// The change costs the company more: propose it, and let the company approve it.
        case approvalRequired
        /// The change contradicts itself, or something in it is out of range.
        case invalidChange
        /// The change would take effect in the past.
        case inThePast
        /// There are too many changes of one company, more than 16 that count one period anew, or too many versions of a catalogue.
        case tooManyChanges
        /// The catalogue has defects; ``Catalogue/validate()`` lists them.
        case invalidCatalogue
        /// The store has another catalogue under this version, or a newer one.
        case catalogueDiffers
        /// There is no such proposal to this company.
        case unknownProposal
        /// The pricing says too little: tax, payment and ending are needed.
        case incompletePricing
        /// The company must be told earlier; ``PlanError/retryAt`` is the first day that can be.
        case noticeTooShort
        /// The notice period runs; ``PlanError/retryAt`` says until when.
        case noticeNotOver
        /// The proposal was not communicated yet.
        case notCommunicated
        /// The proposal was communicated before.
        case alreadyCommunicated
        /// Nobody of the company looked at the document yet.
        case notReviewed
        /// The company has not approved it.
        case notApproved
        /// This is not the document that was proposed.
        case otherDocument
        /// Only a person can do this: no rule, job or program.
        case personRequired
        /// Whoever proposed or communicated a price cannot approve it.
        case ownProposal
        /// The permit is not for the workspace that the company agrees through.
        case otherWorkspace
        /// Something that is scheduled for later would cost more than the proposal says.
        case laterPrice
        /// What would be in force is not what the document says: propose it again.
        case termsChanged
        /// The proposal was activated before.
        case proposalUsed
        /// The company declined.
        case proposalDeclined
        /// The proposal was withdrawn.
        case proposalWithdrawn
        /// Nobody approved the proposal in time: silence is no agreement.
        case proposalExpired
        /// There is no such allocation review, or the company is not in it.
        case unknownReview
        /// The budget is less than what the plans give in any case.
        case budgetTooSmall
        /// This process could not compute a digest.
        case digestFailed
        /// The permit was not taken; ``PlanError/access`` says why.
        case refused
        /// The store failed; ``PlanError/store`` says how.
        case storeFailed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// When the same call can succeed; `nil` when time alone does not help.
    public let retryAt: Timestamp?
    /// Why the permit was not taken.
    public let access: AccessError?
    /// How the store failed.
    public let store: StoreError?

    /// An error with a code, and when the same call can succeed.
    public init(_ code: Code, retryAt: Timestamp? = nil) {
        self.code = code
        self.retryAt = retryAt
        access = nil
        store = nil
    }

    init(_ error: AccessError) {
        code = .refused
        retryAt = nil
        access = error
        store = nil
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension PlanError: StoreFailure {
    /// The error for a store that failed.
    public init(_ error: StoreError) {
        code = .storeFailed
        retryAt = nil
        access = nil
        store = error
    }
}

extension PlanError: CustomStringConvertible {
    /// What failed and what to do.
    public var description: String {
        let instant = retryAt.map(String.init(describing:))
        return switch code {
        case .limitReached:
            instant.map { "too few of the plan's tasks are left; more are there at \($0)" }
                ?? "this needs more tasks than the plan has in a period; raise the limit"
        case .sublimitReached:
            instant.map {
                "too few of the tasks for such jobs are left; more are there at \($0), or raise the sublimit"
            }
                ?? "this needs more tasks than there are for such jobs in a period; raise the sublimit"
        case .noPlan: "the company has no plan; record its status first"
        case .companyInactive: "the company is a former customer; running jobs finish, new ones are not admitted"
        case .companyActive: "the company is a customer; end its subscription first"
        case .unknownPlan:
            "the catalogue has no plan of that name; status rules and changes name plans of the catalogue"
        case .unknownZone:
            "this system knows no time zone of that name; use one of the IANA database, such as `Europe/Berlin`"
        case .invalidPeriod: "a period is 1 to 120 months long and begins at a second of the day, 0 to 86,399"
        case .invalidCount:
            "task counts are 1 to 10^12, limits and budgets 0 to 10^12, weights 1 to 1,000,000, past periods 1 to 60"
        case .periodClosed: "the period is closed; grant the company tasks instead, or take late usage for longer"
        case .inTheFuture: "usage cannot be told before it happened; give the instant at which it was"
        case .tooManyCharges:
            "a run has steps in more than 1,000 places, or a path of more than 200 bytes or with a control character"
        case .unknownJob: "this run of the job was charged nothing; look up its charges first"
        case .invalidGrant:
            "priorities are 0 to 100, a grant expires after it begins, and carries over 0 to 10^12 tasks"
        case .unknownGrant: "the company has no such grant; its balance lists what it has"
        case .tooManyGrants:
            "the company has 32 grants already, also such as are over in a period that is not closed; wait until one is"
        case .invalidJournal: "the name of a journal of tasks has 1 to 64 bytes without control characters"
        case .journalTakenOver: "another process writes to this journal of tasks; give each process a name of its own"
        case .cancelled: "the call was cancelled while it waited; nothing was taken"
        case .trialEnded: "the plan's time is over; assign another plan, or let the company approve the proposed one"
        case .awaitingApproval: "the status's plan has a price that the company has not approved; see its proposals"
        case .tooFast: "tasks are used faster than the plan allows; more may be used at \(instant ?? "a later time")"
        case .paused: "the company is paused; running jobs may go on, new ones are admitted when it is resumed"
        case .environmentNotIncluded: "the plan has no jobs in this environment; change the plan or package first"
        case .approvalRequired: "the change costs the company more; propose it, so that the company can approve it"
        case .invalidChange:
            "the change contradicts itself or has values out of range; a package's `validate()` lists its defects"
        case .inThePast:
            "it would take effect in the past, also by the clock of who changed something last; give a later instant"
        case .tooManyChanges:
            "there are too many changes already; let some take effect, or the next period begin, first"
        case .invalidCatalogue: "the catalogue has defects; `validate()` lists them"
        case .catalogueDiffers: "the store has another catalogue under this version or a newer one; use a new number"
        case .unknownProposal: "there is no such proposal to this company"
        case .incompletePricing: "the pricing is not full; give conditions with tax, payment and ending"
        case .noticeTooShort:
            "the company must be told earlier; the first day it can take effect is \(instant ?? "later")"
        case .noticeNotOver: "the notice period runs until \(instant ?? "later"); approve it then"
        case .notCommunicated: "the proposal was not communicated; send it to the company first"
        case .alreadyCommunicated: "the proposal was communicated before; make a new one for another day"
        case .notReviewed: "nobody of the company reviewed this document; record the review first"
        case .notApproved: "the company has not approved it"
        case .otherDocument: "this is not the document that was proposed; read the proposal again"
        case .personRequired: "only a person can review and approve a price"
        case .ownProposal: "whoever proposed or communicated a price cannot approve it; another authorised person can"
        case .otherWorkspace:
            "the permit is for another scope; ask for it in the workspace through which the company agrees"
        case .laterPrice: "what is scheduled later would cost more than this proposal says; change that first"
        case .termsChanged: "something else was changed since the document was made; propose it again"
        case .proposalUsed: "the proposal was activated before"
        case .proposalDeclined: "the company declined; make a new proposal"
        case .proposalWithdrawn: "the proposal was withdrawn; make a new one"
        case .proposalExpired: "nobody approved the proposal in time; make a new one"
        case .unknownReview: "there is no such allocation review of this company; make one first"
        case .budgetTooSmall:
            "the budget is less than what the plans give in any case; raise it or change the plans first"
        case .digestFailed: "a digest could not be computed: the cryptographic library failed"
        case .refused: "the permit was not taken: \(access.map(String.init(describing:)) ?? "no cause given")"
        case .storeFailed: "the store failed: \(store.map(String.init(describing:)) ?? "no cause given")"
        }
    }
}
