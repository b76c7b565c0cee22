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
        _ field: String, of entry: AuditEntry, in scope: Scope, _ permit: Permit<ReadAudit>
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
    /// holds. The permit is for ``Resource/log(of:)`` in the
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
                    let isThere = try await transaction.read(key) != nil
                    transaction.delete(key)
                    let details = ["entry": entry.description, "field": field, "found": isThere ? "yes" : "no"]
                    try transaction.record(authority.entry(action, permit, details: details), in: authority.trail)
                }
            }
        }
    }

    /// Removes the entries before an index, rounded down to a multiple of 256, and returns the index of the first that is
    /// left. Proofs of all later entries still hold. The permit is for ``Resource/log(of:)``.
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
        let reader = LogReader(store: store, log: Partition(scope))
        let log = reader.log
        let checkpoint = try await reader.checkpoint().flatMap { Checkpoint(text: $0.text) }
        guard wanted >= 0, wanted <= checkpoint?.size ?? 0 else {
            throw AuditError(.stillKept, "no checkpoint covers them")
        }
        let oldest = authority.time.now.advanced(by: .seconds(-86_400 * configuration.retentionDays))
        let present = try await reader.state()
        if wanted > Int(present.minimum), let chunk = try await reader.chunk(holding: Int64(wanted - 1)),
            let entry = SequencedEntry(leaf: chunk.leaves[wanted - 1 - Int(chunk.first)], index: wanted - 1)?.entry,
            entry.at > oldest
        {
            throw AuditError(.stillKept, "until \(configuration.retentionDays) days old")
        }
        for sink in sinks {
            let key = Key(log, [.text("audit.sink"), .text(sink.name)])
            let position = try await storing { () throws(StoreError) in try await cursor(at: key) }
            guard position >= Int64(wanted) else {
                throw AuditError(.stillKept, "sink `\(sink.name)` has not had them")
            }
        }
        let authenticator = try await storing { () throws(StoreError) in try await keys.control.controlKey(for: log) }
        let stateKey = LogState.key(log)
        // A sequencer may move the state meanwhile: then it is read again.
        for _ in 0..<100 {
            let bytes = try await storing { () throws(StoreError) in try await store.record(for: stateKey)?.bytes }
            var state = LogState()
            if let bytes {
                state = try await storing { () throws(StoreError) in try LogState.table.decode(bytes, stateKey) }
                guard (try? authenticator.isValid(state.tag, for: state.message(log))) == true else {
                    throw AuditError(.tampered, "the log's state")
                }
            }
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
        let leaves = KeyRange(from: LeafChunk.key(log, Int64(minimum - 1)), under: LeafChunk.prefix(log))
        let tiles = KeyRange(under: Key(log, [.text("audit.tile"), .integer(0)]))
        try await storing { () throws(StoreError) in
            try await remove(leaves) { entry throws(StoreError) in
                try LeafChunk.table.decode(entry.record.bytes, entry.key).range.upperBound <= Int64(minimum)
            }
            try await remove(tiles) { entry throws(StoreError) in
                guard case .integer(let index)? = entry.key.elements?.last else { return false }
                return (Int(index) + 1) * Tile.width <= minimum
            }
        }
    }

    /// Removes the records of a range that a condition picks, and ends at the first page without one.
    private func remove(
        _ range: KeyRange, if isOver: (Entry) throws(StoreError) -> Bool
    ) async throws(StoreError) {
        var rest = range
        while true {
            let page = try await store.records(in: rest, limit: 90)
            var changes = Changes()
            for entry in page where try isOver(entry) { changes.delete(entry.key) }
            if !changes.changes.isEmpty { try await store.commit(changes) }
            guard page.count == 90, let last = page.last else { return }
            rest = rest.after(last.key)
        }
    }
}
