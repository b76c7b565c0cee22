// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
public import ReeveModel
public import ReeveStorage

/// Takes what people ask about their data, says by which day they have to be answered, and answers.
///
///     let request = try await requests.receive(.access, about: subject, through: .email, as: context)
///     let deadlines = requests.deadlines(of: request)                                  // 30 business days, by P9.4
///     let answer = try await requests.answer(request.id, permit)                       // an export, or what was erased where
///
/// What a customer decides about is neither shown nor changed: who asks is sent there (clause P9.5). All calls may be made concurrently, by any number of processes
/// over one store.
public final class SubjectRequests: Sendable {
    /// By which day somebody has to be answered.
    public let clocks: Clocks
    let retention: Retention
    let privacy: Privacy
    var authority: AccessAuthority { retention.authority }

    /// A record that a request is about: what was erased since is still told.
    struct Concerned: Codable, RecordCodable {
        let record: Identifier<DataRecord>
        let scope: Scope
        let locations: [String]
        let isPublic: Bool
        /// Places at which it is still to be put right.
        var wrong: [String] = []
    }
    /// How many requests a subject made: who takes one expects that there are no more.
    struct Count: Codable, RecordCodable {
        var requests: Int
    }

    static let requests = Table<SubjectRequest>("privacy.request")
    static let bySubject = Table<Mark>("privacy.request.subject")
    static let counts = Table<Count>("privacy.request.count")
    static let unfinished = Table<Mark>("privacy.request.unfinished")
    static let concerned = Table<Concerned>("privacy.request.record")

    /// Requests about the data that `retention` knows of, and about what subjects chose and what was shared by `privacy`: all over one store.
    public init(clocks: Clocks, retention: Retention, privacy: Privacy) {
        self.clocks = clocks
        self.retention = retention
        self.privacy = privacy
    }

    // MARK: Asking

    /// Takes a request. It is answered later; but one that asks for what another one asks for that waits for its answer, by who has proven to be the subject, is a
    /// ``RequestStatus/duplicate`` at once, and one that the law that it rests on is not for is ``RequestStatus/refused``: ``notice(of:)`` says what to tell. A notice under
    /// Californian law goes to who lives there and asks in writing (clause P13.2), once in a calendar year (clause P13.3); without a year it is about the one before.
    ///
    /// `scope` is what is to end, of an opt-out and a restriction: everything unless it says what.
    public func receive(
        _ kind: RequestKind, about subject: Identifier<DataSubject>, through channel: RequestChannel,
        residence: Region? = nil, year: Int? = nil, scope: ChoiceScope? = nil, as context: ActContext
    ) async throws(PrivacyError) -> SubjectRequest {
        let now = authority.time.now
        let asked = kind == .shineTheLight ? year ?? clocks.zone.day(at: now).components.year - 1 : nil
        let ends = kind == .optOut || kind == .restrict ? scope ?? ChoiceScope() : nil
        let new = SubjectRequest(
            id: Identifier(at: now), kind, about: subject, through: channel, residence: residence, year: asked,
            scope: ends, received: now)
        let details = ["kind": kind.rawValue, "channel": channel.rawValue]
        return try await authority.recordingRefusals(of: "privacy.receiveRequest", context, Resource(new.id), details) {
            () throws(PrivacyError) in
            // What was asked before decides: when something is asked meanwhile, it is looked at again.
            for _ in 0..<1000 {
                let others = try await self.requests(about: subject)
                let taken = try await take(new, after: others, context, details)
                if let taken { return taken }
            }
            throw PrivacyError(StoreError.conflict(Self.counts.key(.platform, [subject.description])))
        }
    }

    /// The request as it is taken; `nil` when there are others by now.
    private func take(
        _ new: SubjectRequest, after others: [SubjectRequest], _ context: ActContext, _ details: [String: String]
    ) async throws(PrivacyError) -> SubjectRequest? {
        var request = new
        do throws(IllegalTransition) {
            if let refusal = refusal(of: request) {
                try request.apply(.refused(refusal), at: request.received)
            } else if let other = others.first(where: { isRepeated(new, by: $0) }) {
                try request.apply(.duplicate(of: other.id), at: request.received)
            }
        } catch {
            throw PrivacyError(error)
        }
        let (made, subject) = (request, request.subject.description)
        return try await authority.store.transaction {
            (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
            let known = try await Self.counts.read(.platform, [subject], in: &transaction)?.requests ?? 0
            guard known == others.count else { return nil }
            try await Self.counts.write(Count(requests: known + 1), .platform, [subject], in: &transaction)
            try Self.requests.insert(made, .platform, [made.id.description], in: &transaction)
            try Self.bySubject.insert(Mark(), .platform, [subject, made.id.description], in: &transaction)
            if made.isUnfinished {
                try Self.unfinished.insert(Mark(), .platform, [made.id.description], in: &transaction)
            }
            let told = details.merging(["status": made.status.rawValue]) { $1 }
            let entry = authority.entry(
                "privacy.receiveRequest", context, Resource(made.id), nil, nil, nil, told)
            try transaction.record(entry, in: authority.trail)
            return made
        }
    }

    private func refusal(of request: SubjectRequest) -> RequestEvent.Refusal? {
        guard request.kind == .shineTheLight else { return nil }
        guard request.mayLive(in: ReferenceClocks.californian) else { return .notEligible }
        return request.channel.isWritten ? nil : .notInWriting
    }

    /// Whether a request asks for what another asks for already. Of what somebody says in words nobody knows whether it is the same, and who has not proven to be the subject
    /// stands in nobody's way.
    func isRepeated(_ request: SubjectRequest, by other: SubjectRequest) -> Bool {
        guard other.kind == request.kind else { return false }
        let isProven = other.status == .inProgress || other.status == .extended
        switch request.kind {
        case .access, .portability, .delete: return isProven
        case .shineTheLight:
            func year(_ one: SubjectRequest) -> Int { clocks.zone.day(at: one.received).components.year }
            return year(other) == year(request) && (isProven || other.status == .fulfilled || other.status == .partly)
        case .rectify, .amend, .optOut, .publicRemoval, .cookieDetails, .childReport, .restrict: return false
        }
    }

    /// Notes what happened to a request. ``PrivacyError/Code/illegalTransition`` where that cannot happen to one that stands so, and for what ``answer(_:residual:_:)`` notes itself.
    ///
    /// A request that is withdrawn or refused asks for nothing to go any more. When that fails on the way, note it again: it is noted once, and goes on.
    @discardableResult
    public func note(
        _ act: RequestEvent.Act, of id: Identifier<SubjectRequestRecord>, as context: ActContext
    ) async throws(PrivacyError) -> SubjectRequest {
        let isEnd =
            switch act {
            case .withdrawn, .refused: true
            default: false
            }
        // Before, so that a failure leaves a request that can still be ended; and after, for what an answer asked for meanwhile.
        // Only of one that it ends: what is refused takes nothing back.
        if isEnd, try await canEnd(id, by: act) { try await withdrawDemands(of: id, context) }
        let noted = try await change(id, "privacy.noteRequest", context, nil, ["act": act.name]) {
            request, now throws(IllegalTransition) in
            switch act {
            case .answered, .redirected, .duplicate:
                throw IllegalTransition(status: request.status, act: act.name)
            case .withdrawn, .refused:
                if request.events.last?.act != act { try request.apply(act, at: now) }
            case .confirmed, .askedForIdentity, .identityProven, .begun, .extended:
                try request.apply(act, at: now)
            }
        }
        if isEnd { try await withdrawDemands(of: id, context) }
        return noted
    }

    private func canEnd(
        _ id: Identifier<SubjectRequestRecord>, by act: RequestEvent.Act
    ) async throws(PrivacyError) -> Bool {
        var request = try await request(id)
        do throws(IllegalTransition) {
            try request.apply(act, at: request.events.last?.at ?? request.received)
            return true
        } catch {
            return request.events.last?.act == act
        }
    }

    /// Takes back what a request asked to go, as far as it has not gone.
    func withdrawDemands(
        of id: Identifier<SubjectRequestRecord>, _ context: ActContext
    ) async throws(PrivacyError) {
        for one in try await concerned(by: id) {
            var own = context
            own.scope = one.scope
            guard try await retention.rowIfThere(one.record)?.record.demands[id] != nil else { continue }
            do throws(PrivacyError) {
                try await retention.withdrawDemand(on: one.record, by: id, as: own)
            } catch {
                // What is gone, or goes already, does so.
                guard error.code == .unknownRecord || error.code == .beingErased else { throw error }
            }
        }
    }

    // MARK: Looking

    /// A request as it stands.
    public func request(_ id: Identifier<SubjectRequestRecord>) async throws(PrivacyError) -> SubjectRequest {
        let found: SubjectRequest?
        do throws(StoreError) {
            found = try await read(id.description)
        } catch {
            throw PrivacyError(error)
        }
        guard let found else { throw PrivacyError(.unknownRequest) }
        return found
    }

    /// What a subject asked, in the order in which it came.
    public func requests(about subject: Identifier<DataSubject>) async throws(PrivacyError) -> [SubjectRequest] {
        try await all(under: Self.bySubject.key(.platform, [subject.description]))
    }

    /// The requests that wait for an answer, or for the rest of one that was given in part, in the order in which they came.
    public func open() async throws(PrivacyError) -> [SubjectRequest] {
        try await all(under: Self.unfinished.key(.platform, [])).filter(\.isUnfinished)
    }

    /// By which days a request has to be confirmed and answered, the earliest first: all that any rule says, by how it stands.
    public func deadlines(of request: SubjectRequest) -> [Deadline] { clocks.deadlines(of: request) }

    /// The deadlines that are over: of requests that nobody confirmed, or answered as far as could be, in time. That is reported, and stops nothing (clause P9.4). Complexity:
    /// O(open requests).
    public func overdue() async throws(PrivacyError) -> [(request: SubjectRequest, deadline: Deadline)] {
        let today = clocks.zone.day(at: authority.time.now)
        return try await open().flatMap { request in
            deadlines(of: request).filter { $0.day < today && !($0.step == .confirm && request.isConfirmed) }
                .map { (request, $0) }
        }
    }

    private func all(under prefix: Key) async throws(PrivacyError) -> [SubjectRequest] {
        do throws(StoreError) {
            var found: [SubjectRequest] = []
            var range = KeyRange(under: prefix)
            while true {
                let page = try await authority.store.records(in: range, limit: 200)
                for entry in page {
                    guard case .text(let id)? = entry.key.elements?.last else { continue }
                    if let request = try await read(id) { found.append(request) }
                }
                guard page.count == 200, let last = page.last else { break }
                range = range.after(last.key)
            }
            return found.sorted { $0.received < $1.received }
        } catch {
            throw PrivacyError(error)
        }
    }

    // MARK: Within

    /// A request by its name; one that lies under another's is malformed.
    private func read(_ id: String) async throws(StoreError) -> SubjectRequest? {
        let found = try await Self.requests.read(.platform, [id], in: authority.store)
        if let found, found.id.description != id { throw .malformed(Self.requests.key(.platform, [id])) }
        return found
    }

    func concerned(by id: Identifier<SubjectRequestRecord>) async throws(PrivacyError) -> [Concerned] {
        do throws(StoreError) {
            return try await Self.concerned.readAll(.platform, [id.description], in: authority.store)
        } catch {
            throw PrivacyError(error)
        }
    }

    /// Changes a request and records that in one commit; a refusal is recorded by itself. `body` is given the instant, which is never before what has happened to it.
    func change(
        _ id: Identifier<SubjectRequestRecord>, _ action: String, _ context: ActContext,
        _ proof: (decision: Identifier<DecisionRecord>, policy: Digest)?, _ details: [String: String],
        isRecorded: Bool = true, _ body: (inout SubjectRequest, Timestamp) throws(IllegalTransition) -> Void
    ) async throws(PrivacyError) -> SubjectRequest {
        try await authority.recordingRefusals(
            of: action, context, Resource(id), details, proof?.decision, proof?.policy
        ) {
            () throws(PrivacyError) in
            try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                guard var request = try await Self.requests.read(.platform, [id.description], in: &transaction),
                    request.id == id
                else { throw PrivacyError(.unknownRequest) }
                do throws(IllegalTransition) {
                    try body(&request, max(authority.time.now, request.events.last?.at ?? request.received))
                } catch {
                    throw PrivacyError(error)
                }
                try await Self.requests.write(request, .platform, [id.description], in: &transaction)
                if request.isUnfinished {
                    try await Self.unfinished.write(Mark(), .platform, [id.description], in: &transaction)
                } else {
                    Self.unfinished.delete(.platform, [id.description], in: &transaction)
                }
                guard isRecorded else { return request }
                let told = details.merging(["status": request.status.rawValue]) { $1 }
                let entry = authority.entry(action, context, Resource(id), proof?.decision, proof?.policy, nil, told)
                try transaction.record(entry, in: authority.trail)
                return request
            }
        }
    }
}

extension SubjectRequest: RecordCodable {}
