// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import ReeveStorage

/// Takes the entries of every log somewhere else: a file, a collector, a security system.
///
/// Each entry comes at least once, in order for each log, and only after it is sequenced.
public protocol AuditSink: Sendable {
    /// The sink's name: its place in each log is kept under it.
    var name: String { get }
    /// Takes entries of a log. What it throws is tried again the next time, with the same entries.
    func receive(_ entries: [SequencedEntry], of scope: Scope) async throws
}

/// Where a sink is in a log.
struct SinkCursor: JSONRecord {
    var next: Int64
    static let table = Table<SinkCursor>("audit.sink")
    init(next: Int64) { self.next = next }
    func write(to writer: inout JSONWriter, schema: Int) { writer.object { $0.field("next", next) } }
    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        next = try reader.object { (reader) throws(JSONError) in try reader.count("next") }
    }
}

extension AuditLog {
    /// At most this many entries are given to a sink at once.
    private static let sinkBatch = 500

    /// Gives each sink what it has not had of a log. One that fails stays where it is, and holds up no other.
    func deliver(_ log: Partition) async throws {
        guard let scope = Scope(log) else { return }
        let state = try await LogReader(store: store, log: log, control: keys.control).state()
        var failure: (any Error)?
        for sink in sinks {
            do {
                try await deliver(to: sink, log, scope, state)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    private func deliver(to sink: any AuditSink, _ log: Partition, _ scope: Scope, _ state: LogState) async throws {
        let cursorKey = Key(log, [.text("audit.sink"), .text(sink.name)])
        func position() async throws(StoreError) -> Int64 {
            guard let record = try await store.record(for: cursorKey) else { return state.minimum }
            return max(state.minimum, try SinkCursor.table.decode(record.bytes, cursorKey).next)
        }
        guard try await position() < state.size else { return }
        guard var lease = try await leases.acquire(Key(log, [.text("audit.sink.lease"), .text(sink.name)])) else {
            return
        }
        let reader = LogReader(store: store, log: log, control: keys.control)
        do {
            while true {
                let start = try await position()
                guard start < state.size, let kept = try await leases.kept(lease) else { break }
                lease = kept
                var entries: [SequencedEntry] = []
                try await reader.checkedLeaves(Int(start)..<min(Int(state.size), Int(start) + Self.sinkBatch)) {
                    index, leaf in
                    guard let entry = SequencedEntry(leaf: leaf, index: index) else {
                        throw AuditError(.tampered, "entry \(index)")
                    }
                    entries.append(entry)
                }
                do {
                    try await sink.receive(entries, of: scope)
                } catch {
                    if state.size - start >= Int64(configuration.sinkLagEntries) {
                        let details = ["sink": sink.name, "behind": String(state.size - start)]
                        // Once for each place where it is stuck.
                        try await raise(.sinkLag, scope, about: "\(sink.name).\(start)", details: details)
                    }
                    throw error
                }
                let (held, next) = (lease, start + Int64(entries.count))
                try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                    try await transaction.require(held)
                    transaction.write(cursorKey, SinkCursor(next: next).recordBytes(schema: 1))
                }
            }
        } catch {
            try? await leases.release(lease)
            throw error
        }
        try await leases.release(lease)
    }
}
