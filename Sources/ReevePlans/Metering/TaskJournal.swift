// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
public import ReeveStorage
import Synchronization

/// Where a process writes down what it may have spent of the tasks that it holds: when it starts again after a crash, what it had not
/// spent comes back.
///
/// Without one, what a process held that crashed counts as used in that period. Give each process that may run at the same time a name of
/// its own, and the same one when it starts again: `Plans(authority: authority, journal: try TaskJournal(store, name: "worker-3"))`. The
/// store may be one on the machine's own disk. What is to come back does with the process's first admission or ``TaskMeter/settle()``. A process
/// whose journal another one has taken over holds nothing any more, and says so when it settles.
public struct TaskJournal: Sendable {
    let store: any Store
    let name: String
    let step: Int

    /// A journal under a name of 1 to 64 bytes without control characters. A process writes `step` tasks ahead, 1 to 10^9: once in so many
    /// tasks, and no more are lost by a crash, besides those of jobs that were running and of what came back since
    /// ``TaskMeter/settle()``; of a company with sublimits so many for each kind of jobs that these tell apart. A number out of range counts
    /// as the nearest. Throws ``PlanError/Code/invalidJournal`` for another name.
    public init(_ store: any Store, name: String, step: Int = 100) throws(PlanError) {
        guard PlanRoom.isName(name) else { throw PlanError(.invalidJournal) }
        self.store = store
        self.name = name
        self.step = min(max(step, 1), 1_000_000_000)
    }
}

/// A journal as one process keeps it.
///
/// Who opens it under its name takes it over: nobody else writes to it after that, and what the one before it had written is what it can
/// have spent at most. So two processes of one name lose tasks, and never admit too many.
final class LeaseJournal: Sendable {
    /// What may be spent of a lease.
    struct Entry: Hashable, Codable, RecordCodable {
        let company: Identifier<Company>
        let lease: Identifier<QuotaLeaseRecord>
        /// When it was asked for.
        let asked: Timestamp
        /// Tasks of it that may be spent.
        let mark: Int64
    }

    /// The process that writes to a journal.
    private struct Owner: Codable, RecordCodable {
        let holder: String
    }

    private static let owners = Table<Owner>("plans.journalOwner")
    private static let entries = Table<Entry>("plans.journal")
    /// As many entries are removed with one commit.
    private static let mostRemoved = 80

    private struct State {
        var holder: String?
        /// What the process before may have spent, until that was told.
        var inherited: [Entry] = []
        /// Of which it was told what is used.
        var ended: [Identifier<QuotaLeaseRecord>: Identifier<Company>] = [:]
        var written: [Identifier<QuotaLeaseRecord>: Identifier<Company>] = [:]
    }
    private let journal: TaskJournal
    private let generation = ForkGuard.generation
    private let state = Mutex(State())

    init(_ journal: TaskJournal) { self.journal = journal }

    var step: Int64 { Int64(journal.step) }

    /// Whether it is this process's, and not its parent's.
    var isOfThisProcess: Bool { generation == ForkGuard.generation }

    /// Takes it over, once.
    func open(as holder: String) async throws(PlanError) {
        guard state.withLock({ $0.holder == nil }) else { return }
        try await journal.store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            try await Self.owners.write(Owner(holder: holder), .platform, [journal.name], in: &transaction)
        }
        let entries: [Entry]
        do throws(StoreError) {
            let prefix = Self.entries.key(.platform, [journal.name])
            entries = try await Self.entries.values(under: prefix, in: journal.store)
        } catch {
            throw PlanError(error)
        }
        state.withLock { state in
            guard state.holder == nil else { return }
            (state.holder, state.inherited) = (holder, entries)
            for entry in entries { state.written[entry.lease] = entry.company }
        }
    }

    /// What the process before may have spent and nobody told yet.
    var inherited: [Entry] { state.withLock(\.inherited) }

    /// Notes that it is told, or that there is nothing to tell.
    func settle(_ entries: [Entry]) {
        let told = Set(entries)
        state.withLock { $0.inherited.removeAll { told.contains($0) } }
    }

    /// Writes down what may be spent of a lease from now on.
    func write(_ entry: Entry) async throws(PlanError) {
        let isNew = state.withLock { $0.written.updateValue(entry.company, forKey: entry.lease) == nil }
        do throws(PlanError) {
            try await change(entry)
        } catch {
            // What was not written needs no end.
            if isNew, error.store != .outcomeUnknown { state.withLock { $0.written[entry.lease] = nil } }
            throw error
        }
    }

    /// Notes that leases have ended: the store knows what is used of them.
    func end(_ leases: [Identifier<QuotaLeaseRecord>]) {
        state.withLock { state in
            for lease in leases {
                if let company = state.written.removeValue(forKey: lease) { state.ended[lease] = company }
            }
        }
    }

    /// Removes what has ended.
    func flush() async throws(PlanError) {
        while state.withLock({ !$0.ended.isEmpty }) { try await change(nil) }
    }

    private func change(_ entry: Entry?) async throws(PlanError) {
        let (holder, ended) = state.withLock { ($0.holder, Array($0.ended.prefix(Self.mostRemoved))) }
        try await journal.store.transaction { (transaction: inout Transaction<PlanError>) throws(PlanError) in
            let owner = try await Self.owners.read(.platform, [journal.name], in: &transaction)
            guard let owner, owner.holder == holder else { throw PlanError(.journalTakenOver) }
            for (lease, company) in ended {
                Self.entries.delete(.platform, ids(company, lease), in: &transaction)
            }
            if let entry {
                try await Self.entries.write(entry, .platform, ids(entry.company, entry.lease), in: &transaction)
            }
        }
        state.withLock { state in
            for (lease, _) in ended { state.ended[lease] = nil }
        }
    }

    private func ids(_ company: Identifier<Company>, _ lease: Identifier<QuotaLeaseRecord>) -> [String] {
        [journal.name, company.description, lease.description]
    }
}
