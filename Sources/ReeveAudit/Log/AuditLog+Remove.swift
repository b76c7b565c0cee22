// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
public import ReeveStorage

extension AuditLog {
    /// A personal value that an entry commits to. That it is shown is recorded before it is.
    ///
    /// ``AuditError/Code/notFound`` when it was erased or never there, ``AuditError/Code/tampered`` when it is not the one
    /// that the entry commits to.
    public func value(
        _ field: String, of entry: AuditEntry, in scope: Scope, _ permit: Permit<RevealAuditValue>
    ) async throws(AuditError) -> String {
        _ = try await enter(permit, "audit.reveal", scope, details: ["entry": entry.id.description, "field": field])
        guard Reach.scope(scope).contains(entry.context.scope), let commitment = entry.commitments?[field] else {
            throw AuditError(.notFound, field)
        }
        let key = StoredPersonalValue.key(Partition(scope), entry.id, field)
        let stored = try await storing { () throws(StoreError) in
            try await store.record(for: key).map { record throws(StoreError) in
                try StoredPersonalValue.table.decode(record.bytes, key)
            }
        }
        guard let stored else { throw AuditError(.notFound, field) }
        let isRight = try crypto { () throws(CryptoError) in try stored.isCommitted(by: commitment, as: field) }
        guard isRight else { throw AuditError(.tampered, field) }
        return stored.value
    }

    /// Erases a personal value, with its salt: nobody can tell any more what the entry commits to, and every proof still
    /// holds. The permit is for `Resource.log(of:)` in the
    /// workspace's own scope. Erasing what is gone is no error.
    public func erase(
        _ field: String, of entry: Identifier<AuditRecord>, in scope: Scope, _ permit: Permit<EraseAuditValue>
    ) async throws(AuditError) {
        let action = "audit.erase"
        try await check(permit, action, scope)
        try await recorded(action, permit) { () throws(AuditError) in
            guard scope.isWholeLog else { throw AuditError(AccessError(.wrongResource)) }
            try await checkClocks()
            let key = StoredPersonalValue.key(Partition(scope), entry, field)
            try await storing { () throws(StoreError) in
                try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                    let stored = try await transaction.read(key)
                    let isThere = stored != nil
                    if let stored { Self.mark(of: stored, at: key).map { transaction.delete($0) } }
                    transaction.delete(key)
                    let details = ["entry": entry.description, "field": field, "found": isThere ? "yes" : "no"]
                    try transaction.record(authority.entry(action, permit, details: details), in: authority.trail)
                }
            }
        }
    }

    /// Removes the entries before an index, rounded down to a multiple of 256, and returns the index of the first that is
    /// left. Proofs of all later entries still hold. The permit is for `Resource.log(of:)`.
    ///
    /// Refused for entries that are younger than the configured retention, that no checkpoint covers, or that a sink has
    /// not had, and while the clocks disagree. Called again, it goes on where a crash left it.
    @discardableResult
    public func prune(
        _ scope: Scope, before index: Int, _ permit: Permit<PruneAudit>
    ) async throws(AuditError) -> Int {
        let action = "audit.prune"
        try await check(permit, action, scope)
        var minimum = 0
        try await recorded(action, permit) { () throws(AuditError) in
            guard scope.isWholeLog else { throw AuditError(AccessError(.wrongResource)) }
            try await checkClocks()
            minimum = try await declare(index / Tile.width * Tile.width, scope, permit)
            try await sweepOut(Partition(scope), before: minimum)
        }
        return minimum
    }

    /// Moves the log's minimum index, with the entry that says so: from then on nobody reads what lies before.
    private func declare(
        _ wanted: Int, _ scope: Scope, _ permit: Permit<PruneAudit>
    ) async throws(AuditError) -> Int {
        let reader = LogReader(store: store, log: Partition(scope), control: keys.control)
        let log = reader.log
        let checkpoint = try await reader.checkpoint().flatMap { Checkpoint(text: $0.text) }
        guard wanted >= 0, wanted <= checkpoint?.size ?? 0 else {
            throw AuditError(.stillKept, "no checkpoint covers them")
        }
        let oldest = authority.time.now.advanced(by: .seconds(-86_400 * configuration.retentionDays))
        let present = try await reader.state()
        if wanted > Int(present.minimum) {
            // As old as the first checkpoint in the ledger that covers them: no entry's own date decides.
            let anchored = try await keys.reading { (ledger) throws(LedgerError) in
                try await ledger.lines(LogAnchor.kind, of: log.name, from: 0).lines
            }.first { $0.event.number ?? 0 >= Int64(wanted) }
            guard let anchored, anchored.at <= oldest else {
                throw AuditError(.stillKept, "until they are \(configuration.retentionDays) days old")
            }
        }
        // Those of this process, and those that any other ever had.
        let cursors = try await storing { () throws(StoreError) in
            try await store.records(in: KeyRange(under: Key(log, [.text("audit.sink")])), limit: 1000).map(\.key)
        }
        for key in Set(cursors).union(sinks.map { Key(log, [.text("audit.sink"), .text($0.name)]) }) {
            let position = try await storing { () throws(StoreError) in try await cursor(at: key) }
            guard position >= Int64(wanted) else { throw AuditError(.stillKept, "`\(key)` has not had them") }
        }
        let authenticator = try await storing { () throws(StoreError) in try await keys.control.controlKey(for: log) }
        let stateKey = LogState.key(log)
        // A sequencer may move the state meanwhile: then it is read again.
        for _ in 0..<100 {
            let (stored, bytes) = try await reader.sealedState()
            var state = stored
            state.minimum = max(state.minimum, Int64(wanted))
            let new = try state.sealed(log, authenticator)
            let isDone = try await storing { () throws(StoreError) in
                try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                    guard try await transaction.read(stateKey) == bytes else { return false }
                    if bytes != nil { transaction.write(stateKey, new.recordBytes(schema: 1)) }
                    let details = ["before": String(new.minimum)]
                    try transaction.record(
                        authority.entry("audit.prune", permit, details: details), in: authority.trail)
                    return true
                }
            }
            if isDone { return Int(new.minimum) }
        }
        throw AuditError(StoreError.conflict(stateKey))
    }

    private func cursor(at key: Key) async throws(StoreError) -> Int64 {
        guard let record = try await store.record(for: key) else { return 0 }
        return try SinkCursor.table.decode(record.bytes, key).next
    }

    /// Removes the leaves and the lowest tiles that lie wholly before an index.
    private func sweepOut(_ log: Partition, before minimum: Int) async throws(AuditError) {
        guard minimum > 0 else { return }
        try await cut(log, at: minimum)
        let leaves = KeyRange(from: LeafChunk.key(log, Int64(minimum - 1)), under: LeafChunk.prefix(log))
        let tiles = KeyRange(under: Key(log, [.text("audit.tile"), .integer(0)]))
        try await storing { () throws(StoreError) in
            try await remove(leaves) { (entry) async throws(StoreError) in
                let chunk = try LeafChunk.table.decode(entry.record.bytes, entry.key)
                guard chunk.range.upperBound <= Int64(minimum) else { return [] }
                // The personal values of the entries go with them, and before them.
                return try await values(chunk.leaves, log) + [entry.key]
            }
            try await remove(tiles) { entry throws(StoreError) in
                guard case .integer(let index)? = entry.key.elements?.last, index < Int64(minimum / Tile.width) else {
                    return []
                }
                return [entry.key]
            }
        }
    }

    /// Cuts the record of leaves that an index lies inside of, so that nothing before it stays.
    private func cut(_ log: Partition, at minimum: Int) async throws(AuditError) {
        let reader = LogReader(store: store, log: log, control: keys.control)
        guard let chunk = try await reader.chunk(holding: Int64(minimum)), chunk.first < Int64(minimum) else { return }
        let count = minimum - Int(chunk.first)
        let rest = LeafChunk(first: Int64(minimum), leaves: Array(chunk.leaves.dropFirst(count)))
        let keys = try await storing { () throws(StoreError) -> [Key] in
            try await values(chunk.leaves.prefix(count), log)
        }
        try await storing { () throws(StoreError) in
            for start in stride(from: 0, to: keys.count, by: Changes.maximumKeys) {
                var changes = Changes()
                keys[start..<min(start + Changes.maximumKeys, keys.count)].forEach { changes.delete($0) }
                try await store.commit(changes)
            }
            var changes = Changes()
            changes.write(LeafChunk.key(log, rest.first), rest.recordBytes(schema: 1))
            changes.delete(LeafChunk.key(log, chunk.first))
            try await store.commit(changes)
        }
    }

    /// Where the personal values of entries lie, each behind the mark by which its subject finds it.
    private func values(
        _ leaves: some Sequence<[UInt8]>, _ log: Partition
    ) async throws(StoreError) -> [Key] {
        var keys: [Key] = []
        for entry in leaves.compactMap({ SequencedEntry(leaf: $0, index: 0)?.entry }) {
            for name in (entry.commitments ?? [:]).keys {
                let key = StoredPersonalValue.key(log, entry.id, name)
                guard let record = try await store.record(for: key) else { continue }
                if let mark = Self.mark(of: record.bytes, at: key) { keys.append(mark) }
                keys.append(key)
            }
        }
        return keys
    }

    /// The mark by which the subject of a value finds it; `nil` where there is none.
    static func mark(of bytes: [UInt8], at key: Key) -> Key? {
        guard let place = PersonalValuePlace(valueAt: key), place.log == .platform,
            let subject = try? StoredPersonalValue.table.decode(bytes, key).subject
        else { return nil }
        return place.mark(of: subject)
    }

    /// Removes what `picked` names for each record of a range: what it names last goes last.
    func remove(
        _ range: KeyRange, _ picked: (Entry) async throws(StoreError) -> [Key]
    ) async throws(StoreError) {
        var rest = range
        while true {
            let page = try await store.records(in: rest, limit: 50)
            var keys: [Key] = []
            for entry in page { keys += try await picked(entry) }
            for start in stride(from: 0, to: keys.count, by: Changes.maximumKeys) {
                var changes = Changes()
                for key in keys[start..<min(start + Changes.maximumKeys, keys.count)] { changes.delete(key) }
                try await store.commit(changes)
            }
            guard page.count == 50, let last = page.last else { return }
            rest = rest.after(last.key)
        }
    }
}
