// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What subjects agreed to.
extension Privacy {
    /// Notes that a subject uses the service. The first use while a version of the policy is in force is an acceptance of it, unless the subject declined it
    /// (clauses P0.2, P14.4); `nil` when nothing is new, and then nothing is written.
    @discardableResult
    public func noteUse(
        by subject: Identifier<DataSubject>, as context: ActContext
    ) async throws(PrivacyError) -> Acceptance? {
        try await accept(subject, context, ["kind": Acceptance.Kind.continuedUse.rawValue]) {
            log, now, settings throws(PrivacyError) in
            _ = try settings.inForce(at: now)
            return log.noteUse(by: subject, at: now, of: settings.policies)
        }
    }

    /// Notes a subject's answer to a version that is in force or scheduled; ``PrivacyError/Code/unknownVersion`` for a name that no version has. `nil` when
    /// it is the answer that they gave last, and then nothing is written.
    ///
    /// Of who declined a version nothing more is collected while it is in force (clause P14.5).
    @discardableResult
    public func note(
        _ answer: Response.Kind, to version: String, by subject: Identifier<DataSubject>, as context: ActContext
    ) async throws(PrivacyError) -> Acceptance? {
        let details = ["kind": answer.rawValue]
        let kind: Acceptance.Kind = answer == .accepted ? .explicit : .declined
        return try await accept(subject, context, details) { log, now, settings throws(PrivacyError) in
            guard settings.knows(version) else { throw PrivacyError(.unknownVersion) }
            guard log.answer(of: subject, to: version, at: now) != kind else { return nil }
            return log.note(answer, by: subject, to: version, at: now, of: settings.policies)
        }
    }

    /// What a subject answered, in the order in which it was noted.
    public func acceptances(of subject: Identifier<DataSubject>) async throws(PrivacyError) -> [Acceptance] {
        try await history(of: Chooser(subject, towards: .controller)).acceptances
    }

    private func accept(
        _ subject: Identifier<DataSubject>, _ context: ActContext, _ details: [String: String],
        _ note: (inout AcceptanceLog, Timestamp, PrivacySettings) throws(PrivacyError) -> Acceptance?
    ) async throws(PrivacyError) -> Acceptance? {
        let (chooser, action) = (Chooser(subject, towards: .controller), "privacy.accept")
        return try await recordingRefusals(of: action, context, Resource(subject), details) {
            () throws(PrivacyError) in
            try await withHistory(of: chooser) { transaction, history throws(PrivacyError) -> Acceptance? in
                var log = AcceptanceLog(restoring: history.acceptances)
                // After all that the subject answered before, whatever a clock says.
                let last = history.acceptances.map(\.at).max()?.advanced(by: .microseconds(1))
                let now = max(authority.time.now, last ?? authority.time.now)
                guard let event = try note(&log, now, settings) else { return nil }
                try await add(.acceptance(event), to: history, of: chooser, in: &transaction)
                let told = details.merging(["version": event.policy.cut(toBytes: 200)]) { $1 }
                let entry = authority.entry(action, context, Resource(subject), nil, nil, nil, told)
                try transaction.record(entry, in: authority.trail)
                return event
            }
        }
    }
}
