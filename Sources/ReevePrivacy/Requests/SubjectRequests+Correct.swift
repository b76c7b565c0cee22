// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
public import ReeveModel
import ReeveStorage

/// How data is put right.
extension SubjectRequests {
    /// Puts records of a subject right, each at all its places, and answers the request (clause P9.1). Which versions there were before a place keeps, or not. What an earlier
    /// call could not put right is still to be: the request is fulfilled when all of it is.
    ///
    /// ``PrivacyError/Code/unknownRecord`` for a record that is not the subject's, or that a customer decides about: then nothing is changed. What a legal hold holds, or what is being
    /// erased, stays as it is, and the report says so.
    public func correct(
        _ id: Identifier<SubjectRequestRecord>, _ contents: [Identifier<DataRecord>: [UInt8]],
        _ permit: Permit<AnswerRequest>
    ) async throws(PrivacyError) -> RequestAnswer {
        let action = "privacy.correct"
        let request = try await begin(id, action, permit)
        let work = try await authority.recordingRefusals(
            of: action, permit.context, Resource(id), ["kind": request.kind.rawValue], permit.decision, permit.policy
        ) { () throws(PrivacyError) in
            guard request.kind == .rectify || request.kind == .amend else { throw PrivacyError(.needsContent) }
            var work = Work(try await retention.rows(about: request.subject), for: request)
            work.earlier = try await concerned(by: request.id)
            if work.isElsewhere { return work }
            let ours = Dictionary(work.ours.map { ($0.record.id, $0) }) { $1 }
            guard contents.keys.allSatisfy({ ours[$0] != nil }), !contents.isEmpty else {
                throw PrivacyError(.unknownRecord)
            }
            await consult(request.subject, &work)
            // What is at a place and nobody registered was not to be put right.
            work.rows = []
            for (record, content) in contents.sorted(by: { $0.key.description < $1.key.description }) {
                guard let row = ours[record] else { continue }
                try await correct(row, to: content, for: request, &work, permit)
            }
            for one in work.earlier where contents[one.record] == nil {
                for name in one.wrong { work.rows.append(.init(one.record, at: name, .failed)) }
            }
            return work
        }
        return try await finish(request, work, action, permit)
    }

    // MARK: Within

    /// Puts one record right at all its places; before anything changes, it is written down that it will, and recorded.
    private func correct(
        _ row: Retention.Row, to content: [UInt8], for request: SubjectRequest, _ work: inout Work,
        _ permit: Permit<AnswerRequest>
    ) async throws(PrivacyError) {
        let record = row.record.id
        let places = row.record.locations.sorted()
        func one(_ wrong: [String]) -> Concerned {
            Concerned(
                record: record, scope: row.scope, locations: places, isPublic: row.record.isPublic, wrong: wrong)
        }
        // The entry first: nobody changes a record without one, and none that is kept as it is when it is written. It is still to be put right then.
        let entry = authority.entry(
            "privacy.correctRecord", permit.context, .record(record), permit.decision, permit.policy, nil,
            ["request": request.id.description])
        let kept = try await authority.store.transaction {
            (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) -> RequestReport.Outcome? in
            let ids = [request.id.description, record.description]
            try await Self.concerned.write(one(places), .platform, ids, in: &transaction)
            if let outcome = try await retention.keeps(record, in: row.scope, in: &transaction) { return outcome }
            try transaction.record(entry, in: authority.trail)
            return nil
        }
        if let kept {
            for name in places { work.rows.append(.init(record, at: name, kept)) }
            return
        }
        var outcomes: [String: RequestReport.Outcome] = [:]
        for name in places {
            do {
                guard let place = retention.locations[name] else { throw PrivacyError(.unknownLocation) }
                outcomes[name] = try await place.correct(record, to: content) ? .corrected : .nothingThere
            } catch {
                outcomes[name] = .failed
            }
        }
        // Where it is nowhere, nothing was put right.
        if !outcomes.values.contains(.corrected) { outcomes = outcomes.mapValues { _ in .failed } }
        for name in places { work.rows.append(.init(record, at: name, outcomes[name] ?? .failed)) }
        try await remember([one(places.filter { outcomes[$0] == .failed })], for: request)
    }
}
