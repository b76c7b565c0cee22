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
        try await accept(subject, context, .continuedUse, ["kind": Acceptance.Kind.continuedUse.rawValue]) {
            log, latest, settings throws(PrivacyError) in
            let entry = try settings.inForce(at: authority.time.now)
            return log.answer(of: subject, to: entry.version.name, at: latest) == nil ? entry : nil
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
        return try await accept(subject, context, kind, details) { log, latest, settings throws(PrivacyError) in
            guard let entry = settings.policies.entries.first(where: { $0.version.name == version }) else {
                throw PrivacyError(.unknownVersion)
            }
            return log.answer(of: subject, to: version, at: latest) != kind ? entry : nil
        }
    }

    /// What a subject answered, in the order in which it was noted.
    public func acceptances(of subject: Identifier<DataSubject>) async throws(PrivacyError) -> [Acceptance] {
        try await history(of: Chooser(subject, towards: .controller)).acceptances
    }

    /// Writes an answer to the version that `version` says; it comes after all that the subject answered before, whatever a clock says.
    private func accept(
        _ subject: Identifier<DataSubject>, _ context: ActContext, _ kind: Acceptance.Kind, _ details: [String: String],
        to version: (AcceptanceLog, Timestamp, PrivacySettings) throws(PrivacyError) -> PolicyHistory.Entry?
    ) async throws(PrivacyError) -> Acceptance? {
        let (chooser, action) = (Chooser(subject, towards: .controller), "privacy.accept")
        return try await authority.recordingRefusals(of: action, context, Resource(subject), details) {
            () throws(PrivacyError) in
            try await withHistory(of: chooser) { transaction, history throws(PrivacyError) -> Acceptance? in
                let now = authority.time.now
                let last = history.acceptances.map(\.at).max()?.advanced(by: .microseconds(1))
                let latest = max(now, last ?? now)
                let log = AcceptanceLog(restoring: history.acceptances)
                guard let answered = try version(log, latest, settings) else { return nil }
                let event = Acceptance(
                    subject: subject, kind: kind, policy: answered.version.name, terms: answered.terms, at: latest)
                try await add(.acceptance(event), to: history, of: chooser, in: &transaction)
                let told = details.merging(["version": event.policy.cut(toBytes: 200)]) { $1 }
                let entry = authority.entry(action, context, Resource(subject), nil, nil, nil, told)
                try transaction.record(entry, in: authority.trail)
                return event
            }
        }
    }
}
