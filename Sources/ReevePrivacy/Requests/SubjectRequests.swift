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

    /// A record that a request was about when it was answered first: what was erased since is still told.
    struct Concerned: Codable, RecordCodable {
        let record: Identifier<DataRecord>
        let scope: Scope
        let locations: [String]
        let isPublic: Bool
    }
    /// That there is something under a key.
    struct Mark: Codable, RecordCodable {}

    static let requests = Table<SubjectRequest>("privacy.request")
    static let bySubject = Table<Mark>("privacy.request.subject")
    static let open = Table<Mark>("privacy.request.open")
    static let concerned = Table<Concerned>("privacy.request.record")

    /// Requests about the data that `retention` knows of, and about what subjects chose and what was shared by `privacy`: all over one store.
    public init(clocks: Clocks, retention: Retention, privacy: Privacy) {
        self.clocks = clocks
        self.retention = retention
        self.privacy = privacy
    }

    // MARK: Asking

    /// Takes a request. It is answered later; but one that asks for what another open one asks for is a ``RequestStatus/duplicate`` at once, and one that the law that it rests
    /// on is not for is ``RequestStatus/refused``: a notice under Californian law goes to who lives there and asks in writing (clause P13.2), once in a calendar year (clause
    /// P13.3). Without a year it is about the one before.
    public func receive(
        _ kind: RequestKind, about subject: Identifier<DataSubject>, through channel: RequestChannel,
        residence: Region? = nil, year: Int? = nil, as context: ActContext
    ) async throws(PrivacyError) -> SubjectRequest {
        let now = authority.time.now
        let asked = kind == .shineTheLight ? year ?? clocks.zone.day(at: now).components.year - 1 : nil
        var request = SubjectRequest(
            id: Identifier(at: now), kind, about: subject, through: channel, residence: residence, year: asked,
            received: now)
        let others = try await self.requests(about: subject)
        do throws(IllegalTransition) {
            if let refusal = refusal(of: request) {
                try request.apply(.refused(refusal), at: now)
            } else if let other = others.first(where: { isRepeated(request, by: $0) }) {
                try request.apply(.duplicate(of: other.id), at: now)
            }
        } catch {
            throw PrivacyError(error)
        }
        let made = request
        let details = ["kind": kind.rawValue, "channel": channel.rawValue, "status": made.status.rawValue]
        try await retention.act("privacy.receiveRequest", context, Resource(request.id), nil, details) {
            transaction throws(PrivacyError) in
            try Self.requests.insert(made, .platform, [made.id.description], in: &transaction)
            try Self.bySubject.insert(
                Mark(), .platform, [subject.description, made.id.description], in: &transaction)
            if made.status.isOpen { try Self.open.insert(Mark(), .platform, [made.id.description], in: &transaction) }
        }
        return made
    }

    private func refusal(of request: SubjectRequest) -> RequestEvent.Refusal? {
        guard request.kind == .shineTheLight else { return nil }
        if let residence = request.residence, !residence.isIn(ReferenceClocks.californian) { return .notEligible }
        return request.channel.isWritten ? nil : .notInWriting
    }

    /// Whether a request asks for what another asks for that waits for its answer; under Californian law, or that had it in the same year.
    private func isRepeated(_ request: SubjectRequest, by other: SubjectRequest) -> Bool {
        guard other.kind == request.kind else { return false }
        if request.kind == .shineTheLight {
            func year(_ one: SubjectRequest) -> Int { clocks.zone.day(at: one.received).components.year }
            return year(other) == year(request)
                && (other.status.isOpen || other.status == .fulfilled || other.status == .partly)
        }
        return other.status.isOpen
    }

    /// Notes what happened to a request. ``PrivacyError/Code/illegalTransition`` where that cannot happen to one that stands so, and for what ``answer(_:residual:_:)`` notes itself. A request that
    /// is withdrawn asks for nothing to go any more.
    @discardableResult
    public func note(
        _ act: RequestEvent.Act, of id: Identifier<SubjectRequestRecord>, as context: ActContext
    ) async throws(PrivacyError) -> SubjectRequest {
        let details = ["act": act.name]
        let noted = try await change(id, "privacy.noteRequest", context, nil, details) {
            request throws(IllegalTransition) in
            switch act {
            case .answered, .redirected, .duplicate:
                throw IllegalTransition(status: request.status, act: act.name)
            case .confirmed, .askedForIdentity, .identityProven, .begun, .extended, .refused, .withdrawn:
                try request.apply(act, at: self.authority.time.now)
            }
        }
        if noted.status == .withdrawn {
            for one in try await concerned(by: id) {
                var own = context
                own.scope = one.scope
                do throws(PrivacyError) {
                    try await retention.withdrawDemand(on: one.record, by: id, as: own)
                } catch {
                    // What is gone, or goes already, does so.
                    guard error.code == .unknownRecord || error.code == .beingErased else { throw error }
                }
            }
        }
        return noted
    }

    // MARK: Looking

    /// A request as it stands.
    public func request(_ id: Identifier<SubjectRequestRecord>) async throws(PrivacyError) -> SubjectRequest {
        let found: SubjectRequest?
        do throws(StoreError) {
            found = try await Self.requests.read(.platform, [id.description], in: authority.store)
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

    /// The requests that wait for an answer, in the order in which they came.
    public func open() async throws(PrivacyError) -> [SubjectRequest] {
        try await all(under: Self.open.key(.platform, [])).filter(\.status.isOpen)
    }

    /// By which days a request has to be confirmed and answered, the earliest first: all that any rule says, by how it stands.
    public func deadlines(of request: SubjectRequest) -> [Deadline] { clocks.deadlines(of: request) }

    /// The deadlines that are over: of requests that nobody confirmed, or answered, in time. That is reported, and stops nothing (clause P9.4). Complexity: O(open requests).
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
                    if let request = try await Self.requests.read(.platform, [id], in: authority.store) {
                        found.append(request)
                    }
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

    func concerned(by id: Identifier<SubjectRequestRecord>) async throws(PrivacyError) -> [Concerned] {
        do throws(StoreError) {
            return try await Self.concerned.readAll(.platform, [id.description], in: authority.store)
        } catch {
            throw PrivacyError(error)
        }
    }

    /// Changes a request and records that in one commit; a refusal is recorded by itself.
    func change(
        _ id: Identifier<SubjectRequestRecord>, _ action: String, _ context: ActContext,
        _ proof: (decision: Identifier<DecisionRecord>, policy: Digest)?, _ details: [String: String],
        _ body: (inout SubjectRequest) throws(IllegalTransition) -> Void
    ) async throws(PrivacyError) -> SubjectRequest {
        try await authority.recordingRefusals(
            of: action, context, Resource(id), details, proof?.decision, proof?.policy
        ) {
            () throws(PrivacyError) in
            try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                guard var request = try await Self.requests.read(.platform, [id.description], in: &transaction) else {
                    throw PrivacyError(.unknownRequest)
                }
                do throws(IllegalTransition) {
                    try body(&request)
                } catch {
                    throw PrivacyError(error)
                }
                try await Self.requests.write(request, .platform, [id.description], in: &transaction)
                if !request.status.isOpen { Self.open.delete(.platform, [id.description], in: &transaction) }
                let told = details.merging(["status": request.status.rawValue]) { $1 }
                let entry = authority.entry(action, context, Resource(id), proof?.decision, proof?.policy, nil, told)
                try transaction.record(entry, in: authority.trail)
                return request
            }
        }
    }
}

extension SubjectRequest: RecordCodable {}
