// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveModel
public import ReeveStorage

/// Why a privacy act was not done.
public struct PrivacyError: Error, Hashable, Sendable {
    /// What went wrong.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        /// No such record is registered.
        case unknownRecord
        /// The record is registered already.
        case alreadyRegistered
        /// A rule or a legal hold keeps the record, or no rule says that it may go.
        case mustKeep
        /// A hold was placed or released since the permit was made, or the permit is old or another room's.
        case staleErasurePermit
        /// The record is being erased: no hold can be placed any more.
        case beingErased
        /// The case was closed: it holds nothing any more.
        case caseClosed
        /// There is no such hold on the record.
        case unknownHold
        /// A place failed to remove a record; it stays, and erasing can be tried again.
        case removalFailed
        /// No place of that name is registered, or the record is not there.
        case unknownLocation
        /// Such a day is not noted on a record.
        case otherAnchor
        /// A record has ``Retention/maximumHolds`` holds, or as many requests ask for it to go.
        case tooManyHolds
        /// More rules would be locked than a schedule has.
        case tooManyLocks
        /// The wall clock disagrees with the ledger or the boot clock by more than five minutes.
        case clockDisagrees
        /// The ledger outside the store cannot be read or written, or is not what was appended.
        case ledgerFailed
        /// There is no such request.
        case unknownRequest
        /// Nobody of that name takes the holder over, or nobody who is bound by the policy in force (clause P15.2).
        case noSuccessor
        /// What was handed over is not what its digest says, or not what a transfer has.
        case otherTransfer
        /// Something else is there already under a name that was handed over.
        case transferConflict
        /// The subject's choice is not in the log.
        case choiceMissing
        /// What is asked about is not in the settings.
        case nothingOnFile
        /// To put something right needs what is right, and nothing else does.
        case needsContent
        /// That cannot happen to a request that stands so; ``PrivacyError/transition`` says how.
        case illegalTransition
        /// No version of a policy is in force.
        case noPolicy
        /// No version of the policy has that name.
        case unknownVersion
        /// The policy does not allow the use; ``PrivacyError/decision`` says why.
        case notAllowed
        /// The clearance is old, or another room's.
        case staleClearance
        /// Something must be done before the use; ``PrivacyError/duties`` says what.
        case dutyNotDone
        /// Nobody knows about whom the data is, where that matters: when somebody else would get to see it, or when it is collected from who may have declined.
        case unknownSubject
        /// Nobody knows who would get to see it.
        case unnamedRecipient
        /// The subject has to be shown first what would become of the service.
        case needsPreview
        /// What the subject was shown was about something else.
        case otherPreview
        /// The unsubscribe link was used before.
        case linkUsed
        /// Something is said to be allowed later than now.
        case choiceInFuture
        /// Nothing can be allowed there, or by who did it.
        case cannotAllow
        /// The names, things and evidence of a choice have more than 10,000 bytes.
        case choiceTooLarge
        /// The token of an unsubscribe link is none, was changed, is too old or somebody else's.
        case badLink
        /// The crypto engine failed.
        case cryptoFailed
        /// The permit was not taken; ``PrivacyError/access`` says why.
        case refused
        /// The store failed; ``PrivacyError/store`` says how.
        case storeFailed
    }

    /// What went wrong; equality is on it alone.
    public let code: Code
    /// Why the permit was not taken.
    public let access: AccessError?
    /// How the store failed.
    public let store: StoreError?
    /// Why a use is not allowed.
    public let decision: UseDecision?
    /// Why a record must not be erased now, and until when.
    public let disposition: Disposition?
    /// How a request stands, and what cannot happen to it.
    public let transition: IllegalTransition?
    /// What must be done before a use.
    public let duties: [Duty]
    /// The agreement by which a use is not allowed where the policy would allow it, and what that overrides, the strongest first (clause P7.1).
    public let overriding: [String]
    /// Where to turn, as far as the settings say.
    public let contacts: ContactDirectory?
    /// The digest of the version that decided.
    let policy: Digest?

    private init(
        _ code: Code, access: AccessError? = nil, store: StoreError? = nil, decision: UseDecision? = nil,
        duties: [Duty] = [], policy: Digest? = nil, overriding: [String] = [], contacts: ContactDirectory? = nil,
        disposition: Disposition? = nil, transition: IllegalTransition? = nil
    ) {
        self.disposition = disposition
        self.transition = transition
        self.overriding = overriding
        self.contacts = contacts
        self.policy = policy
        self.code = code
        self.access = access
        self.store = store
        self.decision = decision
        self.duties = duties
    }

    /// An error with a code.
    public init(_ code: Code) { self.init(code, access: nil) }

    init(_ error: AccessError) { self.init(.refused, access: error) }

    /// A record that must not be erased.
    init(_ disposition: Disposition) { self.init(.mustKeep, disposition: disposition) }

    /// What cannot happen to a request.
    init(_ transition: IllegalTransition) { self.init(.illegalTransition, transition: transition) }

    /// A use that is not allowed.
    init(_ decided: Privacy.Decided) {
        self.init(
            .notAllowed, decision: decided.decision, policy: decided.policy.digest, overriding: decided.overriding,
            contacts: decided.contacts)
    }

    /// A use before which something must be done.
    init(_ duties: [Duty]) { self.init(.dutyNotDone, duties: duties) }

    /// A choice that is not taken.
    init(_ refusal: ChoiceLog.Refusal) {
        switch refusal {
        case .needsPreview: self.init(Code.needsPreview)
        case .otherPreview: self.init(Code.otherPreview)
        case .linkUsed: self.init(Code.linkUsed)
        }
    }

    /// What an audit entry says of it besides its code.
    var details: [String: String] {
        var details: [String: String] = [:]
        if let decision {
            details["reason"] = decision.reason?.rawValue
            details["clauses"] = decision.clauses.map(\.description).joined(separator: ",").cut(toBytes: 1000)
            details["version"] = decision.policy.version.name.cut(toBytes: 200)
        }
        if !overriding.isEmpty { details["agreement"] = overriding.joined(separator: " > ").cut(toBytes: 1000) }
        if let disposition {
            details["disposition"] = disposition.kind.rawValue
            details["reasons"] = disposition.reasons.map(\.description).joined(separator: ",").cut(toBytes: 1000)
            if case .day(let day)? = disposition.until { details["until"] = day.description }
        }
        if let transition { details["status"] = transition.status.rawValue }
        if !duties.isEmpty { details["duties"] = duties.map(\.description).joined(separator: ",") }
        return details
    }

    /// Whether both have the same code.
    public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension PrivacyError: StoreFailure {
    /// The error for a store that failed.
    public init(_ error: StoreError) { self.init(.storeFailed, store: error) }
}

extension PrivacyError: CustomStringConvertible {
    /// What failed and what to do.
    public var description: String {
        switch code {
        case .unknownRecord: "no such record is registered"
        case .alreadyRegistered: "the record is registered already"
        case .mustKeep:
            "the record must not be erased now: \(disposition.map(String.init(describing:)) ?? "see its disposition")"
        case .staleErasurePermit: "the erasure permit is no longer good; ask for a new one"
        case .beingErased: "the record is being erased; no hold can be placed on it"
        case .unknownHold: "there is no such hold on the record"
        case .removalFailed: "a place failed to remove the record; it stays registered, try again"
        case .unknownLocation: "there is no such place, or the record is not there; register the place, and name it"
        case .otherAnchor: "when a record was made, and when its customer left, is not noted on the record"
        case .caseClosed: "the case was closed, and holds nothing any more; place the hold for a new case"
        case .tooManyHolds:
            "a record has at most \(Retention.maximumHolds) holds, and as many requests that ask for it to go"
        case .tooManyLocks: "at most \(RetentionSchedule.maximumLocks) rules are locked in all; lock fewer"
        case .clockDisagrees: "the clocks disagree by more than five minutes; set them right before anything is erased"
        case .ledgerFailed: "the ledger cannot be read or written, or was tampered with; nothing is erased without it"
        case .unknownRequest: "there is no such request"
        case .noSuccessor: "no succession is on file for that name, or it is not bound by the policy in force"
        case .otherTransfer: "the lines are not those that the digest is of; fetch them again"
        case .transferConflict: "something else is there under the same name; take a transfer into rooms without it"
        case .choiceMissing: "the subject's choice is not in the log; add it, and then answer"
        case .nothingOnFile: "the settings say nothing of what is asked about; set the register of trackers"
        case .needsContent: "a request to put something right is answered with what is right, and no other is"
        case .illegalTransition: transition?.description ?? "that cannot happen to a request that stands so"
        case .noPolicy: "no version of a privacy policy is in force, and without one nothing is allowed; schedule one"
        case .unknownVersion: "there is no such version of the policy, or none that the subject agreed to; schedule it"
        case .notAllowed:
            "the use is not allowed: \(decision.map(String.init(describing:)) ?? "no cause given")"
                + (overriding.isEmpty ? "" : "; agreed otherwise: " + overriding.joined(separator: " > "))
                + (contacts.map { ". Questions: \($0.privacy), or by post: \($0.postal)" } ?? "")
        case .staleClearance: "the clearance is no longer good, or another room's; ask for a new one"
        case .dutyNotDone:
            "before the use there must be a receipt for: " + duties.map(\.description).joined(separator: ", ")
        case .unknownSubject: "it matters about whom the data is, and nobody says; say whom it is about"
        case .unnamedRecipient: "data about somebody would go to nobody knows whom; say who gets it"
        case .needsPreview: "the subject must be shown first what would become of the service; pass the preview"
        case .otherPreview: "the subject was shown what would become of something else; make a new preview"
        case .linkUsed: "the unsubscribe link was used before; a newer message has another one"
        case .choiceInFuture: "nobody has allowed yet what is said to be allowed later than now"
        case .cannotAllow: "nothing can be allowed by that channel, or without the authority to; ask the subject"
        case .choiceTooLarge: "the names, things and evidence of a choice have at most 10,000 bytes; refer to them"
        case .badLink: "the unsubscribe link is not good; a newer message has another one"
        case .cryptoFailed: "the crypto engine failed; check that OpenSSL 3 is installed"
        case .refused: "the permit was not taken: \(access.map(String.init(describing:)) ?? "no cause given")"
        case .storeFailed: "the store failed: \(store.map(String.init(describing:)) ?? "no cause given")"
        }
    }
}
