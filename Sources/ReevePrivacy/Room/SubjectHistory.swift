// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveModel
import ReeveStorage
import Synchronization

/// A subject, and towards whom they chose something.
struct Chooser: Hashable, Sendable {
    let subject: Identifier<DataSubject>
    let role: DataRole

    init(_ subject: Identifier<DataSubject>, towards role: DataRole) {
        self.subject = subject
        self.role = role
    }

    /// Whose choices a request is about; `nil` where nobody knows whom the data is about.
    init?(_ request: UseRequest) {
        guard let subject = request.subject.id else { return nil }
        self.init(subject, towards: request.role)
    }

    /// The ids of what belongs to it.
    var ids: [String] { [subject.description, role.text] }

    /// The ids of an event of it, from 0 on, in order.
    func ids(of number: Int) -> [String] {
        let digits = String(number)
        return ids + [String(repeating: "0", count: max(0, 12 - digits.count)) + digits]
    }
}

/// What a subject did, as it is stored: a choice, or an answer to a version of the policy.
enum SubjectEvent: Codable, RecordCodable {
    case choice(ChoiceEvent)
    case acceptance(Acceptance)

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case choice, acceptance
    }

    init(from decoder: any Decoder) throws {
        try decoder.refuseMembers(otherThan: CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard container.allKeys.count == 1 else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "an event has exactly one member"))
        }
        if container.contains(.choice) {
            self = .choice(try container.decode(ChoiceEvent.self, forKey: .choice))
        } else {
            self = .acceptance(try container.decode(Acceptance.self, forKey: .acceptance))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .choice(let event): try container.encode(event, forKey: .choice)
        case .acceptance(let event): try container.encode(event, forKey: .acceptance)
        }
    }

    var subject: Identifier<DataSubject> {
        switch self {
        case .choice(let event): event.subject
        case .acceptance(let event): event.subject
        }
    }
}

/// All that a subject did towards somebody, in the order in which it was added.
struct SubjectHistory: Sendable {
    var choices: [ChoiceEvent] = []
    var acceptances: [Acceptance] = []
    /// The number of the first of them: those before were erased.
    let first: Int
    /// How many events those are.
    var count: Int { choices.count + acceptances.count }

    init(_ events: [SubjectEvent] = [], from first: Int = 0) {
        self.first = first
        for event in events {
            switch event {
            case .choice(let event): choices.append(event)
            case .acceptance(let event): acceptances.append(event)
            }
        }
    }
}

extension Privacy {
    /// What a request is decided by; nothing where nobody knows whom the data is about.
    func history(for request: UseRequest) async throws(PrivacyError) -> SubjectHistory {
        guard let chooser = Chooser(request) else { return SubjectHistory() }
        return try await history(of: chooser)
    }

    /// All that a subject did, as it is now.
    func history(of chooser: Chooser) async throws(PrivacyError) -> SubjectHistory {
        try await withHistory(of: chooser) { _, history throws(PrivacyError) in history }
    }

    /// All that a subject did, in the order in which it was added.
    func events(of chooser: Chooser) async throws(PrivacyError) -> [SubjectEvent] {
        let (count, events): (Int, [SubjectEvent])
        do throws(StoreError) {
            events = try await tables.events.readAll(.platform, chooser.ids, in: authority.store)
        } catch {
            throw PrivacyError(error)
        }
        // As many as are decided by.
        count = try await history(of: chooser).count
        guard events.count == count else {
            throw PrivacyError(StoreError.conflict(tables.counts.key(.platform, chooser.ids)))
        }
        return events
    }

    /// Adds an event to a history that the transaction knows.
    func add(
        _ event: SubjectEvent, to history: SubjectHistory, of chooser: Chooser,
        in transaction: inout Transaction<PrivacyError>
    ) async throws(PrivacyError) {
        let number = history.first + history.count
        try await tables.events.insert(event, .platform, chooser.ids(of: number), in: &transaction)
        histories[chooser] = nil
        let count = PrivacyTables.Count(events: number + 1, first: history.first == 0 ? nil : history.first)
        try await tables.counts.write(count, .platform, chooser.ids, in: &transaction)
        // Who leaves takes along what was chosen towards them.
        guard number == history.first, case .processor(let company) = chooser.role else { return }
        let ids = [company.description, chooser.subject.description]
        let mark = PrivacyTables.ChooserMark(subject: chooser.subject)
        try await tables.choosers.write(mark, .platform, ids, in: &transaction)
    }

    /// Runs a transaction that knows all that a subject did: when something is added meanwhile, it does not commit, and runs again.
    func withHistory<Result: Sendable>(
        of chooser: Chooser,
        _ body: (inout Transaction<PrivacyError>, SubjectHistory) async throws(PrivacyError) -> Result
    ) async throws(PrivacyError) -> Result {
        var known = histories[chooser]
        var seen: (events: Int, counted: Int)?
        for _ in 0..<1000 {
            let history: SubjectHistory
            if let known { history = known.history } else { history = try await read(chooser) }
            var counted = 0
            let result: Result? = try await authority.store.transaction {
                (transaction: inout Transaction<PrivacyError>) throws(PrivacyError) in
                let count = try await tables.counts.read(.platform, chooser.ids, in: &transaction)
                counted = (count?.events ?? 0) - (count?.first ?? 0)
                guard counted == history.count, history.first == count?.first ?? 0 else { return nil }
                if let known { guard known.stamp == count?.stamp else { return nil } }
                if known == nil, let count { histories[chooser] = KnownHistory(history: history, stamp: count.stamp) }
                return try await body(&transaction, history)
            }
            if let result { return result }
            guard known == nil else {
                // Others added something since.
                known = nil
                continue
            }
            // Where nothing moves, events are missing, or there are some that nobody added.
            if let seen, seen == (history.count, counted) {
                throw PrivacyError(StoreError.malformed(tables.counts.key(.platform, chooser.ids)))
            }
            seen = (history.count, counted)
        }
        throw PrivacyError(StoreError.conflict(tables.counts.key(.platform, chooser.ids)))
    }

    private func read(_ chooser: Chooser) async throws(PrivacyError) -> SubjectHistory {
        let (events, first): ([SubjectEvent], Int)
        do throws(StoreError) {
            events = try await tables.events.readAll(.platform, chooser.ids, in: authority.store)
            first = try await tables.counts.read(.platform, chooser.ids, in: authority.store)?.first ?? 0
        } catch {
            throw PrivacyError(error)
        }
        guard events.allSatisfy({ $0.subject == chooser.subject }) else {
            throw PrivacyError(StoreError.malformed(tables.events.key(.platform, chooser.ids)))
        }
        return SubjectHistory(events, from: first)
    }
}

/// A subject's history, and the stamp of the count that it was read with.
struct KnownHistory: Sendable {
    let history: SubjectHistory
    let stamp: UInt64
}

/// What was read of subjects' histories, those of at most ``most`` subjects. That there is none is not kept: it is what is left when all are lost.
final class KnownHistories: Sendable {
    private let known = Mutex<[Chooser: KnownHistory]>([:])
    private static let most = 10_000

    subscript(chooser: Chooser) -> KnownHistory? {
        get { known.withLock { $0[chooser] } }
        set {
            known.withLock { known in
                if newValue != nil, known[chooser] == nil, known.count >= Self.most { known.removeAll() }
                known[chooser] = newValue
            }
        }
    }
}
