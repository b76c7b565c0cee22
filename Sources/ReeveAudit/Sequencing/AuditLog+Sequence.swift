// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import Synchronization

extension AuditLog {
    /// Does what is due: says what this process has committed, sequences every log, signs checkpoints, streams to sinks.
    ///
    /// A log that cannot be worked on holds up no other; the first error is thrown when all had their turn. A log that does
    /// not continue what the ledger says is neither sequenced nor signed, and raises an alarm.
    /// Complexity: O(logs + pending entries).
    public func runOnce() async throws {
        try await prepare()
        var failure: (any Error)?
        do {
            try await announce()
        } catch {
            failure = error
        }
        var marks: [String: [WriterMark]] = [:]
        do throws(AuditError) {
            let table = WriterMark.table(keys.control)
            let all = try await storing { () throws(StoreError) in try await table.readAll(.platform, in: store) }
            marks = Dictionary(grouping: all, by: \.log)
        } catch {
            // What writers said cannot be read: the logs go on without, and somebody looks at it.
            failure = failure ?? error
            if case .tampered? = error.store {
                try? await raise(.verificationFailed, .platform, about: "writers", error)
            }
        }
        let (logs, wrong) = try await logs(marks)
        if let wrong {
            failure = failure ?? AuditError(.tampered, wrong)
            try? await raise(.verificationFailed, .platform, about: "directory", AuditError(.tampered, wrong))
        }
        for log in logs {
            do {
                try await sequence(log, marks[log.name] ?? [])
                try await deliver(log)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// All logs that anything says there are: the directory, what writers say, this process, the ledger. A directory that
    /// was changed hides none of the others.
    private func logs(_ marks: [String: [WriterMark]]) async throws(AuditError) -> ([Partition], wrong: String?) {
        var names = Set(marks.keys).union(authority.trail.committed.keys.map(\.name))
        var wrong: String?
        let listed = try await storing { () throws(StoreError) in try await Trail.logs(in: store) }
        names.formUnion(listed.names)
        if listed.isMalformed { wrong = "the directory of logs" }
        if let anchored = try? await keys.ledger.subjects(of: LogAnchor.kind) { names.formUnion(anchored) }
        return (names.sorted().compactMap { Partition(named: $0) }, wrong)
    }

    /// The platform's authenticated records need their head, once.
    private func prepare() async throws(AuditError) {
        guard !isPrepared.withLock({ $0 }) else { return }
        let control = keys.control
        try await storing { () throws(StoreError) in
            try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                try await ControlHead.createIfAbsent(.platform, keys: control, in: &transaction)
            }
        }
        isPrepared.withLock { $0 = true }
    }

    /// Says up to which number this process has committed to each log, so that what is taken away from the end is missed.
    ///
    /// Numbers that were given back and not used since are filled with entries of their own, so that none is missed in vain.
    private func announce() async throws(AuditError) {
        let table = WriterMark.table(keys.control)
        let trail = authority.trail
        for (log, committed) in trail.committed {
            if !committed.returned.isEmpty, let scope = Scope(log) {
                for _ in committed.returned {
                    let context = ActContext(actor: .host("reeve.audit"), scope: scope, origin: .background)
                    let entry = AuditEntry(
                        at: authority.time.now, context: context, action: "audit.void", resource: "log:\(log.name)")
                    try await storing { () throws(StoreError) in try await store.record(entry, in: trail) }
                }
            }
            let highest = max(committed.highest, trail.committed[log]?.highest ?? 0)
            guard announced.withLock({ $0[log] ?? 0 }) < highest else { continue }
            let mark = WriterMark(committed: highest, log: log.name, writer: trail.writer.description)
            try await storing { () throws(StoreError) in
                try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                    try await table.write(mark, .platform, mark.ids, in: &transaction)
                }
            }
            announced.withLock { $0[log] = highest }
        }
    }

    private func sequence(_ log: Partition, _ marks: [WriterMark]) async throws(AuditError) {
        guard let scope = Scope(log) else { throw AuditError(.tampered, "log") }
        let reader = LogReader(store: store, log: log, control: keys.control, cache: cache)
        if try await isIdle(log, reader, marks) { return }
        let key = Key(log, [.text("audit.lease")])
        let acquired = try await storing { () throws(StoreError) in try await leases.acquire(key) }
        guard let lease = acquired else { return }
        do throws(AuditError) {
            try await sequence(reader, scope, marks)
        } catch {
            standings.withLock { $0[log]?.isSure = false }
            try? await leases.release(lease)
            if error.code == .forked || error.code == .tampered {
                try await raise(.verificationFailed, scope, about: error.code.rawValue, error)
            }
            throw error
        }
        try await storing { () throws(StoreError) in try await leases.release(lease) }
    }

    /// Whether there is nothing to do for a log, as far as one look tells.
    private func isIdle(
        _ log: Partition, _ reader: LogReader, _ marks: [WriterMark]
    ) async throws(AuditError) -> Bool {
        guard marks.isEmpty, let standing = standings.withLock({ $0[log] }), standing.isSure,
            standing.signed == standing.live.tree.size
        else { return false }
        return try await storing { () throws(StoreError) in
            try await store.records(in: KeyRange(under: Trail.pending(log)), limit: 1).isEmpty
        }
    }

    private func sequence(
        _ reader: LogReader, _ scope: Scope, _ marks: [WriterMark]
    ) async throws(AuditError) {
        let log = reader.log
        let authenticator = try await storing { () throws(StoreError) in try await keys.control.controlKey(for: log) }
        let sequencer = LogSequencer(
            reader: reader, scope: scope, authenticator: authenticator, time: authority.time,
            patience: .seconds(configuration.gapSeconds), expectsSeals: expectsSeals,
            marks: Dictionary(marks.map { ($0.writer, $0.committed) }) { max($0, $1) })
        let anchor = LogAnchor(
            reader: LogReader(store: store, log: log, control: keys.control), keys: keys, origin: origin(of: log))
        var standing = try await standing(sequencer, anchor)
        // What waits for a missing number goes on waiting, whatever happens now.
        defer { keep(holes: standing.live.holes, of: log) }
        // `nil` when another sequencer was at work: the next round looks again.
        guard try await sequencer.run(&standing.live) != nil else {
            standings.withLock { $0[log]?.isSure = false }
            return
        }
        if standing.live.tree.size > standing.signed {
            // The tree is stored: what was learned of it holds even when it cannot be signed now.
            let kept = standing
            standings.withLock { $0[log] = kept }
            guard let note = try await anchor.sign(standing.live.tree, verified: &standing.verified) else { return }
            standing.signed = Checkpoint(text: note.text)?.size ?? standing.signed
        }
        let kept = standing
        standings.withLock { $0[log] = kept }
        try await forget(marks, kept.live)
    }

    private func keep(holes: [String: (next: Int64, since: Duration)], of log: Partition) {
        standings.withLock { $0[log]?.live.holes = holes }
    }

    /// What is known of a log, or what is stored of it once that has been checked.
    private func standing(
        _ sequencer: LogSequencer, _ anchor: LogAnchor
    ) async throws(AuditError) -> Standing {
        let reader = sequencer.reader
        let key = LogState.key(reader.log)
        let bytes = try await storing { () throws(StoreError) in try await store.record(for: key)?.bytes }
        let known = standings.withLock { $0[reader.log] }
        if let known, known.isSure, known.live.bytes == bytes { return known }
        // Before the state: another sequencer may sign meanwhile. What our keys have not signed is signed again.
        let own = AuditVerifier(keys: keys.signers.map(\.verifierKey), origin: origin(of: reader.log))
        let checkpoint = try await reader.checkpoint().flatMap { own.checkpoint($0) }
        var live = try await sequencer.load()
        if let known {
            // Others have worked on it: it must have grown from what is known.
            let plain = LogReader(store: store, log: reader.log, control: keys.control)
            guard live.tree.size >= known.live.tree.size, live.state.minimum >= known.live.state.minimum else {
                throw AuditError(.forked, "the store has \(live.tree.size) entries and had \(known.live.tree.size)")
            }
            if known.live.tree.size >= Int(live.state.minimum), known.live.tree.size > 0 {
                let root = try await plain.root(at: known.live.tree.size)
                guard root.digest == known.live.state.root else {
                    throw AuditError(.forked, "at \(known.live.tree.size)")
                }
            }
            live.holes = known.live.holes
        } else if configuration.checksTilesAtStart,
            let wrong = try await LogReader(store: store, log: reader.log, control: keys.control).firstWrongTile(
                size: live.tree.size)
        {
            throw AuditError(.tampered, "tile \(wrong.level)/\(wrong.index)")
        }
        // Of a log that is new to this process the newest lines say all: the tree that they are of holds the older ones.
        var standing = Standing(live: live, signed: 0, verified: known?.verified ?? .max)
        _ = try await anchor.verify(size: live.tree.size, from: &standing.verified)
        if let checkpoint, checkpoint.size <= live.tree.size { standing.signed = checkpoint.size }
        return standing
    }

    /// Removes what writers said of what is sequenced by now.
    private func forget(_ marks: [WriterMark], _ live: LogSequencer.Live) async throws(AuditError) {
        let table = WriterMark.table(keys.control)
        for mark in marks {
            guard let position = live.positions[mark.writer], position.next > mark.committed else { continue }
            try await storing { () throws(StoreError) in
                try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                    guard try await table.read(.platform, mark.ids, in: &transaction) == mark else { return }
                    try await table.delete(.platform, mark.ids, in: &transaction)
                }
            }
        }
    }

    func origin(of log: Partition) -> String { "\(configuration.origin)/\(log.name)" }
}

extension Scope {
    /// Whether this is all that a log is about: a workspace, or the platform.
    var isWholeLog: Bool { environment == nil && project == nil }

    /// The scope whose log a partition holds; `nil` for a name that is none.
    init?(_ log: Partition) {
        if log == .platform {
            self = .platform
        } else if let workspace = Identifier<Workspace>(log.name) {
            self.init(workspace)
        } else {
            return nil
        }
    }
}
