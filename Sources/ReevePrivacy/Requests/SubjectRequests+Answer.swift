// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// What goes back to who asked.
public struct RequestAnswer: Sendable {
    /// The request as it stands now, with its report.
    public let request: SubjectRequest
    /// What was done, in full; `nil` where who asked is sent elsewhere.
    public let report: RequestReport?
    /// The subject's data, of a request that asks to see it.
    public let export: SubjectExport?
    /// What was shared, of a request that asks for that (clause P13.1).
    public let sharing: SharingReport?
    /// What to tell who asks: where else to turn, and where to reach the holder (clauses P9.5, P16.1).
    public let notice: String
}

/// How requests are answered.
extension SubjectRequests {
    /// Does what a request asks, at every place, and answers it.
    ///
    /// What the holder has on its own account is shown, or goes as far as nothing keeps it; what it has for customers is neither shown nor changed, and who asks is sent to
    /// them (clause P9.5). One place that fails keeps no other from it: then the request is ``RequestStatus/partly`` answered, and is answered again by another call. What a
    /// hold defers goes when the hold ends, by itself. Where something public is erased, `residual` says which copies may remain; without that the request is not fulfilled (clause P4.2).
    ///
    /// For an opt-out or a restriction the subject's choice has to be in the log by then (``PrivacyError/Code/choiceMissing``); details of cookies are the host's to send. To put something right is
    /// ``correct(_:_:_:)``.
    public func answer(
        _ id: Identifier<SubjectRequestRecord>, residual: Set<ResidualCopy>? = nil, _ permit: Permit<AnswerRequest>
    ) async throws(PrivacyError) -> RequestAnswer {
        let action = "privacy.answerRequest"
        let request = try await begin(id, action, permit)
        let proof = (decision: permit.decision, policy: permit.policy)
        let work = try await authority.recordingRefusals(
            of: action, permit.context, Resource(id), ["kind": request.kind.rawValue], permit.decision, permit.policy
        ) { () throws(PrivacyError) in
            guard request.kind != .rectify, request.kind != .amend else { throw PrivacyError(.needsContent) }
            return try await perform(request, residual, permit.context)
        }
        return try await finish(request, work, action, permit.context, proof)
    }

    /// Puts records of a subject right, each at all its places, and answers the request (clause P9.1). ``PrivacyError/Code/unknownRecord`` for one that is not the subject's, or that a
    /// customer decides about: then nothing is changed.
    public func correct(
        _ id: Identifier<SubjectRequestRecord>, _ contents: [Identifier<DataRecord>: [UInt8]],
        _ permit: Permit<AnswerRequest>
    ) async throws(PrivacyError) -> RequestAnswer {
        let action = "privacy.correct"
        let request = try await begin(id, action, permit)
        let proof = (decision: permit.decision, policy: permit.policy)
        let work = try await authority.recordingRefusals(
            of: action, permit.context, Resource(id), ["kind": request.kind.rawValue], permit.decision, permit.policy
        ) { () throws(PrivacyError) in
            guard request.kind == .rectify || request.kind == .amend else { throw PrivacyError(.needsContent) }
            var work = Work(try await retention.rows(about: request.subject))
            if work.isElsewhere, request.status != .partly { return work }
            let ours = Dictionary(uniqueKeysWithValues: work.ours.map { ($0.record.id, $0) })
            guard contents.keys.allSatisfy({ ours[$0] != nil }), !contents.isEmpty else {
                throw PrivacyError(.unknownRecord)
            }
            await consult(request.subject, &work)
            // What is at a place and was not to be put right is none of this.
            work.rows = []
            for (record, content) in contents.sorted(by: { $0.key.description < $1.key.description }) {
                for name in ours[record]?.open ?? [] {
                    let wasHere = try? await retention.locations[name]?.correct(record, to: content)
                    let outcome: RequestReport.Outcome =
                        switch wasHere {
                        case .some(true): .corrected
                        case .some(false): .nothingThere
                        case nil: .failed
                        }
                    work.rows.append(.init(record, at: name, outcome))
                }
            }
            return work
        }
        return try await finish(request, work, action, permit.context, proof)
    }

    // MARK: Within

    /// What is found and done for a request.
    struct Work {
        /// All that is registered.
        let known: Set<Identifier<DataRecord>>
        /// What the holder decides about.
        let ours: [Retention.Row]
        /// What an earlier answer was about.
        var earlier: [Concerned] = []
        /// Who decides about the rest.
        let redirects: Set<Identifier<Company>>
        var rows: [RequestReport.Row] = []
        var consulted: Set<String> = []
        var items: [SubjectExport.Item] = []
        var sharing: SharingReport?
        var concernsPublic = false
        var residual: Set<ResidualCopy>?

        init(_ rows: [Retention.Row]) {
            known = Set(rows.map(\.record.id))
            ours = rows.filter { $0.record.role == .controller }
            redirects = rows.reduce(into: []) {
                if case .processor(let company) = $1.record.role { $0.insert(company) }
            }
        }

        /// Whether all of it is somebody else's to decide, and was from the start.
        var isElsewhere: Bool { ours.isEmpty && earlier.isEmpty && !redirects.isEmpty }
    }

    /// The request, when the permit is good and it can be answered.
    private func begin(
        _ id: Identifier<SubjectRequestRecord>, _ action: String, _ permit: Permit<AnswerRequest>
    ) async throws(PrivacyError) -> SubjectRequest {
        do throws(AccessError) {
            try await authority.check(permit, for: action, on: Resource(id), in: .platform)
        } catch {
            throw PrivacyError(error)
        }
        return try await authority.recordingRefusals(
            of: action, permit.context, Resource(id), [:], permit.decision, permit.policy
        ) { () throws(PrivacyError) in
            let request = try await self.request(id)
            guard [.inProgress, .extended, .partly].contains(request.status) else {
                throw PrivacyError(IllegalTransition(status: request.status, act: "answered"))
            }
            return request
        }
    }

    private func perform(
        _ request: SubjectRequest, _ residual: Set<ResidualCopy>?, _ context: ActContext
    ) async throws(PrivacyError) -> Work {
        var work = Work(try await retention.rows(about: request.subject))
        work.earlier = try await concerned(by: request.id)
        work.residual = residual
        switch request.kind {
        case .access, .portability, .delete, .publicRemoval, .childReport:
            guard !work.isElsewhere else { return work }
            await consult(request.subject, &work)
            if request.kind.tellsData { await export(request, &work) } else { try await erase(request, &work, context) }
        case .optOut, .restrict:
            let choices = try await privacy.choices(of: request.subject)
            guard choices.contains(where: { !$0.act.allows && $0.at >= request.received }) else {
                throw PrivacyError(.choiceMissing)
            }
            work.consulted = Set(retention.locationNames)
        case .shineTheLight:
            guard let marketing = Purpose("marketing") else { break }
            let year = request.year ?? clocks.zone.day(at: request.received).components.year - 1
            work.sharing = try await privacy.sharing(in: year, for: marketing)
            work.consulted = Set(retention.locationNames)
        case .cookieDetails, .rectify, .amend: work.consulted = Set(retention.locationNames)
        }
        return work
    }

    /// Asks every place what it has of a subject: what is there and not registered is told, and makes the answer one in part.
    private func consult(_ subject: Identifier<DataSubject>, _ work: inout Work) async {
        for name in retention.locationNames {
            guard let found = try? await retention.locations[name]?.records(about: subject) else { continue }
            work.consulted.insert(name)
            for record in found.subtracting(work.known) { work.rows.append(.init(record, at: name, .unregistered)) }
        }
    }

    private func export(_ request: SubjectRequest, _ work: inout Work) async {
        for row in work.ours {
            for name in row.open {
                let content: [UInt8]?
                do {
                    content = try await retention.locations[name]?.export(row.record.id)
                } catch {
                    work.rows.append(.init(row.record.id, at: name, .failed))
                    continue
                }
                work.rows.append(.init(row.record.id, at: name, content == nil ? .nothingThere : .exported))
                if let content {
                    work.items.append(
                        .init(record: row.record.id, category: row.record.category, location: name, content: content))
                }
            }
        }
    }

    /// Asks for all records to go, each by the one path.
    private func erase(
        _ request: SubjectRequest, _ work: inout Work, _ context: ActContext
    ) async throws(PrivacyError) {
        let asked = work.ours.filter { request.kind != .publicRemoval || $0.record.isPublic }
        try await remember(asked, for: request)
        let present = Set(asked.map(\.record.id))
        for row in asked {
            var own = context
            own.scope = row.scope
            try await retention.demand(row.record.id, by: request.id, as: own)
            for name in row.record.locations.sorted() {
                work.rows.append(.init(row.record.id, at: name, try await erase(row.record.id, at: name, as: own)))
            }
            if row.record.isPublic { work.concernsPublic = true }
        }
        // What an earlier answer erased, or what went since because that asked for it.
        for one in work.earlier where !present.contains(one.record) {
            for name in one.locations { work.rows.append(.init(one.record, at: name, .alreadyErased)) }
            if one.isPublic { work.concernsPublic = true }
        }
    }

    private func erase(
        _ record: Identifier<DataRecord>, at name: String, as context: ActContext
    ) async throws(PrivacyError) -> RequestReport.Outcome {
        do throws(PrivacyError) {
            let permit = try await retention.erasurePermit(for: record, at: name, as: context)
            return try await retention.erase(permit).outcome.outcome
        } catch {
            switch error.code {
            case .mustKeep: return .withheld(because: error.disposition?.reasons ?? [], until: error.disposition?.until)
            case .removalFailed, .unknownLocation, .staleErasurePermit: return .failed
            // Its last place was done meanwhile.
            case .unknownRecord: return .alreadyErased
            default: throw error
            }
        }
    }

    /// Writes down what a request is about, before anything of it goes.
    private func remember(_ rows: [Retention.Row], for request: SubjectRequest) async throws(PrivacyError) {
        let batch = 40
        for start in stride(from: 0, to: rows.count, by: batch) {
            try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                for row in rows[start..<min(start + batch, rows.count)] {
                    let one = Concerned(
                        record: row.record.id, scope: row.scope, locations: row.record.locations.sorted(),
                        isPublic: row.record.isPublic)
                    try await Self.concerned.write(
                        one, .platform, [request.id.description, row.record.id.description], in: &transaction)
                }
            }
        }
    }

    private func finish(
        _ request: SubjectRequest, _ work: Work, _ action: String, _ context: ActContext,
        _ proof: (decision: Identifier<DecisionRecord>, policy: Digest)
    ) async throws(PrivacyError) -> RequestAnswer {
        let contacts = privacy.settings.contacts
        let report: RequestReport? =
            work.isElsewhere
            ? nil
            : RequestReport(
                work.rows, registered: Set(retention.locationNames), consulted: work.consulted,
                residual: work.residual, concernsPublic: work.concernsPublic, redirects: work.redirects)
        var details = ["kind": request.kind.rawValue]
        for (name, count) in report?.counts ?? [:] { details["rows.\(name)"] = String(count) }
        if let report, !report.unseen.isEmpty {
            details["unseen"] = report.unseen.joined(separator: ",").cut(toBytes: 1000)
        }
        let now = authority.time.now
        let answered = try await change(request.id, action, context, proof, details) {
            stored throws(IllegalTransition) in
            if let report {
                try stored.apply(.answered(report.stored), at: now)
            } else {
                try stored.apply(.redirected(work.redirects), at: now)
            }
        }
        let export =
            request.kind.tellsData && report != nil
            ? SubjectExport(request.id, at: now, work.items, contacts) : nil
        return RequestAnswer(
            request: answered, report: report, export: export, sharing: work.sharing,
            notice: Self.notice(of: answered, work.redirects, contacts))
    }

    /// What who asks is told besides (clauses P9.5, P16.1).
    private static func notice(
        of request: SubjectRequest, _ redirects: Set<Identifier<Company>>, _ contacts: ContactDirectory?
    ) -> String {
        var lines: [String] = []
        if !redirects.isEmpty {
            let names = redirects.map(\.description).sorted().joined(separator: ", ")
            lines.append(
                "Data that is held for \(names) is theirs to decide about: ask them. Nothing of it was shown or changed."
            )
        }
        if let report = request.report {
            if report.touchedNothing, request.kind.erases { lines.append("Nothing was there to erase.") }
            if let residual = report.residual, report.concernsPublic, !residual.isEmpty {
                let copies = residual.map(\.rawValue).sorted().joined(separator: ", ")
                lines.append("Of what was public these copies may remain: \(copies).")
            }
            if !report.withheld.isEmpty { lines.append("Some of it is kept, for reasons that the report names.") }
        }
        if let contacts { lines.append("Questions: \(contacts.privacy), or by post: \(contacts.postal)") }
        return lines.joined(separator: " ")
    }
}

extension ErasureOutcome {
    fileprivate var outcome: RequestReport.Outcome {
        switch self {
        case .erased: .erased
        case .nothingThere: .nothingThere
        case .alreadyErased: .alreadyErased
        }
    }
}
