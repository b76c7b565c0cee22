// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage
import Synchronization

/// A store in memory that breaks one promise now and then: what a check of stores has to find.
public final class BrokenStore: Store {
    /// What it does wrong.
    public enum Defect: String, Hashable, Sendable, CaseIterable {
        /// Takes a commit although another one has replaced the version that it expects.
        case lostUpdate
        /// Returns a version that was replaced before the read began.
        case staleRead
        /// Shows a part of a commit before the rest.
        case tornCommit
        /// Returns a range out of order.
        case wrongOrder
        /// Gives two commits one revision.
        case reusedRevision
        /// Keeps a record that was deleted.
        case forgottenDelete
        /// Shows what a commit writes before it is refused.
        case uncommittedRead
        /// Returns one half of a range as it was before.
        case unstableRange
        /// Returns more entries than the limit.
        case wrongLimit
        /// Takes a commit that expects no record where there is one.
        case acceptedStaleExpectation
        /// Forgets a commit that it has acknowledged.
        case lostAcknowledgedCommit
        /// Applies a commit that it refuses.
        case appliedRefusedCommit
    }

    private struct State {
        var records: [Key: Record] = [:]
        var calls = 0
        var faults = 0
        /// Changes to be made when this many calls have come.
        var pending: [(due: Int, key: Key, record: Record?)] = []
        var earlier: [Key: Record] = [:]
        var snapshot: [Entry] = []
        var lastRevision: Revision?

        mutating func tick() {
            calls += 1
            for change in pending where change.due <= calls { records[change.key] = change.record }
            pending.removeAll { $0.due <= calls }
        }

        /// Whether the defect shows this time: once in `count` chances.
        mutating func isTurn(of count: Int) -> Bool {
            faults += 1
            return faults % count == 0
        }
    }
    /// The defect.
    public let defect: Defect
    private let state = Mutex(State())

    /// An empty store with a defect.
    public init(_ defect: Defect) {
        self.defect = defect
    }

    /// The record of a key.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        await Task.yield()
        return state.withLock { state in
            state.tick()
            if defect == .staleRead, let earlier = state.earlier[key], state.isTurn(of: 7) { return earlier }
            return state.records[key]
        }
    }

    /// Entries of a range.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        await Task.yield()
        return state.withLock { state in
            state.tick()
            var entries = state.records.filter { range.contains($0.key) }.map { Entry(key: $0.key, record: $0.value) }
                .sorted { $0.key < $1.key }
            let present = entries
            if defect == .unstableRange, !state.snapshot.isEmpty {
                let middle = entries.count / 2
                let old = state.snapshot.filter { entry in middle < entries.count && entry.key >= entries[middle].key }
                entries = Array(entries.prefix(middle)) + old
            }
            state.snapshot = present
            if defect == .wrongOrder { entries.reverse() }
            return Array(entries.prefix(defect == .wrongLimit && limit > 0 ? limit + 1 : limit))
        }
    }

    /// Applies changes, mostly as it should.
    public func commit(_ changes: Changes) async throws(StoreError) {
        try changes.validate()
        await Task.yield()
        try state.withLock { (state) throws(StoreError) in
            state.tick()
            for (key, expectation) in changes.expectations {
                let present = state.records[key]?.revision
                switch expectation {
                case .absent:
                    if present == nil || (defect == .acceptedStaleExpectation && state.isTurn(of: 3)) { continue }
                case .revision(let revision):
                    if present == revision || (defect == .lostUpdate && present != nil && state.isTurn(of: 3)) {
                        continue
                    }
                }
                if defect == .appliedRefusedCommit || defect == .uncommittedRead {
                    for (key, change) in changes.changes {
                        guard case .write(let bytes) = change else { continue }
                        if defect == .uncommittedRead {
                            state.pending.append((state.calls + 6, key, state.records[key]))
                        }
                        state.records[key] = Record(bytes: bytes, revision: changes.revision)
                    }
                }
                throw .conflict(key)
            }
            if defect == .lostAcknowledgedCommit, state.isTurn(of: 20) { return }
            apply(changes, &state)
        }
    }

    private func apply(_ changes: Changes, _ state: inout State) {
        var revision = changes.revision
        if defect == .reusedRevision, let last = state.lastRevision, state.isTurn(of: 10) { revision = last }
        state.lastRevision = revision
        for (index, (key, change)) in changes.changes.sorted(by: { $0.key < $1.key }).enumerated() {
            state.earlier[key] = state.records[key]
            var record: Record?
            switch change {
            case .write(let bytes): record = Record(bytes: bytes, revision: revision)
            case .delete: if defect == .forgottenDelete, state.isTurn(of: 4) { continue }
            }
            if defect == .tornCommit, index > 0 {
                state.pending.append((state.calls + 5, key, record))
            } else {
                state.records[key] = record
            }
        }
    }
}
