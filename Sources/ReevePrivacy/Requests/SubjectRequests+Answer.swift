// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// How requests are answered.
extension SubjectRequests {
    /// Does what a request asks, at every place, and answers it.
    ///
    /// What the holder has on its own account is shown, or goes as far as nothing keeps it; what it has for customers is neither shown nor changed, and who asks is sent to
    /// them (clause P9.5). One place that fails keeps no other from it: then the request is ``RequestStatus/partly`` answered, and is answered again by another call. What a
    /// hold defers goes when the hold ends, by itself. Where something public is erased, `residual` says which copies may remain; without that the request is not fulfilled (clause P4.2).
    ///
    /// For an opt-out or a restriction the subject's choice of the very scope has to be in the log by then (``PrivacyError/Code/choiceMissing``); what is told about cookies is in the settings
    /// (``PrivacyError/Code/nothingOnFile`` without). To put something right is ``correct(_:_:_:)``.
    public func answer(
        _ id: Identifier<SubjectRequestRecord>, residual: Set<ResidualCopy>? = nil, _ permit: Permit<AnswerRequest>
    ) async throws(PrivacyError) -> RequestAnswer {
        let action = "privacy.answerRequest"
        let request = try await begin(id, action, permit)
        let work = try await authority.recordingRefusals(
            of: action, permit.context, Resource(id), ["kind": request.kind.rawValue], permit.decision, permit.policy
        ) { () throws(PrivacyError) in
            guard request.kind != .rectify, request.kind != .amend else { throw PrivacyError(.needsContent) }
            return try await perform(request, residual, permit.context)
        }
        return try await finish(request, work, action, permit)
    }

    // MARK: Within

    /// What is found and done for a request.
    struct Work {
        /// Who is asked about which places, by what is registered.
        let known: [Identifier<DataRecord>: Set<String>]
        /// What the holder decides about.
        var ours: [Retention.Row]
        /// What rooms have of the subject, by their places: nobody registered it.
        var found: [(record: Identifier<DataRecord>, place: String)] = []
        /// Who decides about the rest, as who has proven to be the subject is told.
        let redirects: Set<Identifier<Company>>
        /// What an earlier answer was about.
        var earlier: [Concerned] = []
        var rows: [RequestReport.Row] = []
        /// Whether places were asked at all.
        var asksPlaces = true
        var consulted: Set<String> = []
        var items: [SubjectExport.Item] = []
        var sharing: SharingReport?
        /// The request that had the same answered before.
        var repeated: Identifier<SubjectRequestRecord>?
        var cookies: String?
        var concernsPublic = false
        var residual: Set<ResidualCopy>?

        init(_ rows: [Retention.Row], for request: SubjectRequest) {
            known = Dictionary(rows.map { ($0.record.id, $0.record.locations) }) { $0.union($1) }
            ours = rows.filter { $0.record.role == .controller }
            // Who need not prove who they are is told nothing of whose customers somebody knows.
            isTold = request.kind.isRedirected && request.status != .partly
            redirects =
                request.kind.isRedirected
                ? rows.reduce(into: []) {
                    if case .processor(let company) = $1.record.role { $0.insert(company) }
                } : []
        }
        private let isTold: Bool

        /// Whether all of it is somebody else's to decide, and was from the start.
        var isElsewhere: Bool {
            isTold && ours.isEmpty && found.isEmpty && earlier.isEmpty && !redirects.isEmpty && rows.isEmpty
        }
    }

    /// The request, when the permit is good and it can be answered.
    func begin(
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
            guard request.canBeAnswered else {
                throw PrivacyError(IllegalTransition(status: request.status, act: "answered"))
            }
            return request
        }
    }

    private func perform(
        _ request: SubjectRequest, _ residual: Set<ResidualCopy>?, _ context: ActContext
    ) async throws(PrivacyError) -> Work {
        var work = Work(try await retention.rows(about: request.subject), for: request)
        work.earlier = try await concerned(by: request.id)
        work.residual = residual
        switch request.kind {
        case .access, .portability, .delete, .publicRemoval, .childReport:
            await consult(request.subject, &work)
            guard !work.isElsewhere else { return work }
            if request.kind.tellsData {
                await export(&work)
            } else {
                try await register(request, &work, context)
                try await erase(request, &work, context)
            }
        case .optOut, .restrict:
            let choices = try await privacy.choices(of: request.subject)
            let scope = request.scope ?? ChoiceScope()
            // Only these end what goes on without consent; and none that was opted in again, in whatever part, since.
            let last = choices.lastIndex { $0.scope == scope && $0.act.isOptOut }
            let since = last.map { choices[$0...] }
            guard let since, !since.contains(where: { $0.act == .optedIn && $0.scope.overlaps(scope) }) else {
                throw PrivacyError(.choiceMissing)
            }
            work.asksPlaces = false
        case .shineTheLight:
            // Once in a calendar year, also where two were asked before the first was answered (clause P13.3).
            let others = try await requests(about: request.subject)
            work.repeated = others.first { isRepeated(request, by: $0) && $0.id != request.id && $0.report != nil }?.id
            guard work.repeated == nil, let marketing = Purpose("marketing") else { break }
            let year = request.year ?? clocks.zone.day(at: request.received).components.year - 1
            work.sharing = try await privacy.sharing(in: year, for: marketing)
            work.asksPlaces = false
        case .cookieDetails:
            guard let trackers = privacy.settings.trackers else { throw PrivacyError(.nothingOnFile) }
            work.cookies = trackers.export()
            work.asksPlaces = false
        case .rectify, .amend: throw PrivacyError(.needsContent)
        }
        return work
    }

    /// Asks every place what it has of a subject: what is there and not registered as the subject's there is told, and makes the answer one in part.
    func consult(_ subject: Identifier<DataSubject>, _ work: inout Work) async {
        for name in retention.locationNames {
            guard let found = try? await retention.locations[name]?.records(about: subject) else { continue }
            work.consulted.insert(name)
            for record in found where work.known[record]?.contains(name) != true {
                if retention.own[name] != nil {
                    work.found.append((record, name))
                } else {
                    work.rows.append(.init(record, at: name, .unregistered))
                }
            }
        }
    }

    private func export(_ work: inout Work) async {
        for row in work.ours {
            for name in row.open { await export(row.record.id, row.record.category, at: name, &work) }
        }
        for (record, name) in work.found {
            guard let category = retention.own[name]?.category else { continue }
            await export(record, category, at: name, &work)
        }
    }

    private func export(
        _ record: Identifier<DataRecord>, _ category: DataCategory, at name: String, _ work: inout Work
    ) async {
        do {
            guard let place = retention.locations[name] else { throw PrivacyError(.unknownLocation) }
            let content = try await place.export(record)
            work.rows.append(.init(record, at: name, content == nil ? .nothingThere : .exported))
            if let content {
                work.items.append(.init(record: record, category: category, location: name, content: content))
            }
        } catch {
            work.rows.append(.init(record, at: name, .failed))
        }
    }

    /// Registers what rooms have of the subject, so that it goes by the one path.
    private func register(
        _ request: SubjectRequest, _ work: inout Work, _ context: ActContext
    ) async throws(PrivacyError) {
        guard request.kind != .publicRemoval, !work.found.isEmpty else { return }
        for (id, name) in work.found {
            guard let record = retention.record(id, of: request.subject, at: name) else { continue }
            do throws(PrivacyError) {
                try await retention.registerAnywhere(record, as: context)
            } catch {
                // Another answer did it meanwhile.
                guard error.code == .alreadyRegistered else { throw error }
            }
        }
        work.ours = try await retention.rows(about: request.subject).filter { $0.record.role == .controller }
    }

    /// Asks for all records to go, each by the one path.
    private func erase(
        _ request: SubjectRequest, _ work: inout Work, _ context: ActContext
    ) async throws(PrivacyError) {
        let asked = work.ours.filter { request.kind != .publicRemoval || $0.record.isPublic }
        try await remember(
            asked.map {
                Concerned(
                    record: $0.record.id, scope: $0.scope, locations: $0.record.locations.sorted(),
                    isPublic: $0.record.isPublic)
            }, for: request)
        for row in asked {
            var own = context
            own.scope = row.scope
            if row.record.isPublic { work.concernsPublic = true }
            do throws(PrivacyError) {
                try await retention.demand(row.record.id, by: request.id, as: own) { transaction throws(PrivacyError) in
                    // Who took it back meanwhile asks for nothing.
                    let ids = [request.id.description]
                    guard try await Self.requests.read(.platform, ids, in: &transaction)?.canBeAnswered == true else {
                        throw PrivacyError(IllegalTransition(status: .withdrawn, act: "answered"))
                    }
                }
            } catch {
                // It went meanwhile, or as many as there can be ask for it to go already.
                guard error.code == .unknownRecord || error.code == .tooManyHolds else { throw error }
            }
            for name in row.record.locations.sorted() {
                let outcome = try await erase(row, at: name, since: request.received, as: own)
                work.rows.append(.init(row.record.id, at: name, outcome))
            }
        }
        // What an earlier answer erased, or what went since because that asked for it.
        let present = Set(asked.map(\.record.id))
        for one in work.earlier where !present.contains(one.record) {
            let gone = try await retention.goneAnywhere(one.record)
            for name in one.locations {
                // Where nobody knows that it went, as of what stayed with who handed this over, it has not.
                let outcome = gone?.outcomes[name].map { $0.told(gone?.at, since: request.received) } ?? .failed
                work.rows.append(.init(one.record, at: name, outcome))
            }
            if one.isPublic { work.concernsPublic = true }
        }
    }

    private func erase(
        _ row: Retention.Row, at name: String, since received: Timestamp, as context: ActContext
    ) async throws(PrivacyError) -> RequestReport.Outcome {
        // What was done there in an earlier attempt is part of this erasure.
        if let done = row.done[name] { return done.told(nil, since: received) }
        let record = row.record.id
        do throws(PrivacyError) {
            let permit = try await retention.erasurePermit(for: record, at: name, as: context)
            let receipt = try await retention.erase(permit)
            return receipt.outcome.told(receipt.at, since: received)
        } catch {
            switch error.code {
            case .mustKeep: return .withheld(because: error.disposition?.reasons ?? [], until: error.disposition?.until)
            case .removalFailed, .unknownLocation, .staleErasurePermit: return .failed
            // Its last place was done meanwhile.
            case .unknownRecord:
                let gone = try await retention.goneAnywhere(record)
                return gone?.outcomes[name].map { $0.told(gone?.at, since: received) } ?? .alreadyErased
            default: throw error
            }
        }
    }

    /// Writes down what a request is about, before anything of it goes or changes.
    func remember(
        _ all: [Concerned], for request: SubjectRequest
    ) async throws(PrivacyError) {
        let batch = 40
        for start in stride(from: 0, to: all.count, by: batch) {
            try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                for one in all[start..<min(start + batch, all.count)] {
                    let ids = [request.id.description, one.record.description]
                    try await Self.concerned.write(one, .platform, ids, in: &transaction)
                }
            }
        }
    }

    func finish(
        _ request: SubjectRequest, _ work: Work, _ action: String, _ permit: Permit<AnswerRequest>
    ) async throws(PrivacyError) -> RequestAnswer {
        let report: RequestReport? =
            work.isElsewhere || work.repeated != nil
            ? nil
            : RequestReport(
                work.rows, registered: work.asksPlaces ? Set(retention.locationNames) : [],
                consulted: work.consulted, residual: work.residual, concernsPublic: work.concernsPublic,
                redirects: work.redirects)
        var details = ["kind": request.kind.rawValue]
        for (name, count) in report?.counts ?? [:] { details["rows.\(name)"] = String(count) }
        if let report, !report.unseen.isEmpty {
            details["unseen"] = report.unseen.joined(separator: ",").cut(toBytes: 1000)
        }
        let proof = (decision: permit.decision, policy: permit.policy)
        let answered: SubjectRequest
        do throws(PrivacyError) {
            answered = try await change(request.id, action, permit.context, proof, details) {
                stored, now throws(IllegalTransition) in
                if let other = work.repeated {
                    try stored.apply(.duplicate(of: other), at: now)
                } else if let report {
                    try stored.apply(.answered(report.stored), at: now)
                } else {
                    try stored.apply(.redirected(work.redirects), at: now)
                }
            }
        } catch {
            // Taken back meanwhile: what was asked to go and has not gone stays.
            if error.code == .illegalTransition { try await withdrawDemands(of: request.id, permit.context) }
            throw error
        }
        let export =
            request.kind.tellsData && report != nil
            ? SubjectExport(request.id, at: authority.time.now, work.items, privacy.settings.contacts) : nil
        return RequestAnswer(
            request: answered, report: report, export: export, sharing: work.sharing, cookies: work.cookies,
            notice: notice(of: answered))
    }

}

extension RequestKind {
    /// Whether who asks is sent to who decides about data: these ask about data, by who has proven to be the subject.
    var isRedirected: Bool { [.access, .portability, .rectify, .amend, .delete].contains(self) }
}

extension SubjectRequest {
    /// Whether it waits for an answer, or for the rest of one.
    var canBeAnswered: Bool { [.inProgress, .extended, .partly].contains(status) }
}

extension ErasureOutcome {
    /// As a report tells it to who asked at an instant: what went after that went because of it, whoever did it.
    fileprivate func told(_ at: Timestamp?, since received: Timestamp) -> RequestReport.Outcome {
        switch self {
        case .erased: .erased
        case .nothingThere: .nothingThere
        // An attempt that nobody was left to tell of.
        case .alreadyErased: at.map { $0 >= received } ?? true ? .erased : .alreadyErased
        }
    }
}
