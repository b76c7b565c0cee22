// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// What goes back to who asked.
public struct RequestAnswer: Sendable {
    /// The request as it stands now, with its report.
    public let request: SubjectRequest
    /// What was done, in full: for the holder; `nil` where who asked is sent elsewhere.
    public let report: RequestReport?
    /// The subject's data, of a request that asks to see it.
    public let export: SubjectExport?
    /// What was shared, of a request that asks for that (clause P13.1).
    public let sharing: SharingReport?
    /// The cookies that are set, of a request that asks about them: ``TrackerRegister/export(_:)`` (clause P2e.6).
    public let cookies: String?
    /// What to tell who asks: what was not done, where else to turn, and where to reach the holder (clauses P9.5, P16.1).
    public let notice: String
}

/// What who asks is told.
extension SubjectRequests {
    /// What to tell who asked by how a request stands: a refusal says where to turn (clauses P13.2, P16.1).
    public func notice(of request: SubjectRequest) -> String {
        let contacts = privacy.settings.contacts
        var lines: [String] = []
        for event in request.events {
            switch event.act {
            case .refused(.notInWriting):
                let channels = (contacts?.california ?? ["e-mail", "post"]).joined(separator: ", or ")
                lines.append("This has to be asked in writing: \(channels).")
            case .refused(.notEligible): lines.append("The law that this rests on is for who lives in California.")
            case .refused(.identityNotProven): lines.append("It could not be verified that you are who this is about.")
            case .refused(.unfounded): lines.append("This was not done, since it is unfounded or excessive.")
            case .refused(.forbiddenByLaw): lines.append("This was not done, since a law does not allow it.")
            case .duplicate(let other): lines.append("This asks for what \(other) asks for already.")
            case .redirected(let companies): lines.append(redirect(to: companies))
            case .answered(let report): lines += told(of: report, request)
            default: break
            }
        }
        if let contacts { lines.append("Questions: \(contacts.privacy), or by post: \(contacts.postal)") }
        return lines.joined(separator: " ")
    }

    /// What who asks is told of a report: who reports a child's data, or asks without proof of who they are, learns nothing of what there was (clause P12.4).
    private func told(of report: RequestReport, _ request: SubjectRequest) -> [String] {
        guard request.kind.isRedirected else {
            guard request.kind == .publicRemoval, report.concernsPublic else { return [] }
            return residue(of: report)
        }
        var lines: [String] = []
        if !report.redirects.isEmpty { lines.append(redirect(to: report.redirects)) }
        if report.touchedNothing, request.kind.erases { lines.append("Nothing was there to erase.") }
        lines += residue(of: report)
        // What ended something is no part of what goes.
        if report.rows.contains(where: { $0.location == Privacy.choicesLocation && $0.outcome == .erased }) {
            lines.append("What you opted out of is remembered, so that you stay out.")
        }
        if report.counts["withheld"] != nil { lines.append("Some of it is kept, for reasons that the report names.") }
        if report.isUnfinished { lines.append("Some of it could not be done yet.") }
        return lines
    }

    private func residue(of report: RequestReport) -> [String] {
        guard let residual = report.residual, report.concernsPublic, !residual.isEmpty else { return [] }
        let copies = residual.map(\.rawValue).sorted().joined(separator: ", ")
        return ["Of what was public these copies may remain: \(copies)."]
    }

    /// Where who asks is sent (clause P9.5).
    private func redirect(to companies: Set<Identifier<Company>>) -> String {
        let customers = privacy.settings.customers
        let names = companies.map { customers[$0] ?? $0.description }.sorted().joined(separator: ", ")
        return "Data that is held for \(names) is theirs to decide about: ask them. Nothing of it was shown or changed."
    }
}
