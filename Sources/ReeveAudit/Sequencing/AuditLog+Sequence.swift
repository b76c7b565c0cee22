// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
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
        let table = WriterMark.table(keys.control)
        let marks = Dictionary(
            grouping: try await storing { () throws(StoreError) in try await table.readAll(.platform, in: store) },
            by: \.log)
        for log in try await storing({ () throws(StoreError) in try await Trail.logs(in: store) }) {
            do {
                try await sequence(log, marks[log.name] ?? [])
                try await deliver(log)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
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
        let reader = LogReader(store: store, log: log, cache: cache)
        if try await isIdle(log, reader, marks) { return }
        let key = Key(log, [.text("audit.lease")])
        let acquired = try await storing { () throws(StoreError) in try await leases.acquire(key) }
        guard let lease = acquired else { return }
        do throws(AuditError) {
            try await sequence(reader, scope, marks)
        } catch {
            standings.withLock { $0[log] = nil }
            try? await leases.release(lease)
            if error.code == .forked || error.code == .tampered {
                let details = ["error": error.code.rawValue, "about": error.detail ?? ""]
                try await raise(
                    .verificationFailed, scope, details: details, once: "\(error.code.rawValue).\(error.detail ?? "")")
            }
            throw error
        }
        try await storing { () throws(StoreError) in try await leases.release(lease) }
    }

    /// Whether there is nothing to do for a log, as far as one look tells.
    private func isIdle(
        _ log: Partition, _ reader: LogReader, _ marks: [WriterMark]
    ) async throws(AuditError) -> Bool {
        guard marks.isEmpty, let standing = standings.withLock({ $0[log] }), standing.signed == standing.live.tree.size
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
            patience: .seconds(configuration.gapSeconds),
            marks: Dictionary(marks.map { ($0.writer, $0.committed) }) { max($0, $1) })
        let anchor = LogAnchor(reader: LogReader(store: store, log: log), keys: keys, origin: origin(of: log))
        var standing = try await standing(sequencer, anchor)
        // `nil` when another sequencer was at work: the next round looks again.
        guard try await sequencer.run(&standing.live) != nil else {
            standings.withLock { $0[log] = nil }
            return
        }
        if standing.live.tree.size > standing.signed {
            let note = try await anchor.sign(standing.live.tree, verified: &standing.verified)
            standing.signed = Checkpoint(text: note.text)?.size ?? standing.signed
        }
        let kept = standing
        standings.withLock { $0[log] = kept }
        try await forget(marks, kept.live)
    }

    /// What is known of a log, or what is stored of it once that has been checked.
    private func standing(
        _ sequencer: LogSequencer, _ anchor: LogAnchor
    ) async throws(AuditError) -> Standing {
        let reader = sequencer.reader
        let key = LogState.key(reader.log)
        let bytes = try await storing { () throws(StoreError) in try await store.record(for: key)?.bytes }
        if let known = standings.withLock({ $0[reader.log] }), known.live.bytes == bytes { return known }
        let holes = standings.withLock { $0[reader.log]?.live.holes } ?? [:]
        var live = try await sequencer.load()
        live.holes = holes
        if configuration.checksTilesAtStart,
            let wrong = try await LogReader(store: store, log: reader.log).firstWrongTile(size: live.tree.size)
        {
            throw AuditError(.tampered, "tile \(wrong.level)/\(wrong.index)")
        }
        var standing = Standing(live: live, signed: 0)
        _ = try await anchor.verify(size: live.tree.size, from: &standing.verified)
        if let note = try await reader.checkpoint() {
            guard let checkpoint = Checkpoint(text: note.text), checkpoint.size <= live.tree.size else {
                throw AuditError(.tampered, "checkpoint")
            }
            standing.signed = checkpoint.size
        }
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
