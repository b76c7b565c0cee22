// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Visits every record of a range once a round, in the background: rewrapping keys, expiring data, counting.
///
/// The cursor moves in the same transaction as the work on the records that it passes, so that a crash, a restart or
/// another worker goes on where the last commit ended, and no record is worked on twice in a round. One worker runs a
/// sweep at a time; what one that has lost its lease still tries to write is refused.
public struct Sweep: Sendable {
    /// What the work on one record came to.
    public enum Outcome: Hashable, Sendable {
        /// The transaction changes something.
        case changed
        /// There was nothing to do.
        case unchanged
        /// It could not be done now; the next round tries again.
        case failed
    }

    /// How far a sweep has come.
    public struct Report: Hashable, Sendable {
        /// Records visited, and those that failed, in this round so far.
        public var progress = Progress()
        /// Records that were changed in this round so far.
        public var changed = 0
        /// Rounds that were finished before this one.
        public var rounds = 0
        /// Whether the range was visited to its end.
        public var isFinished = false
    }

    /// The sweep's name: one cursor and one lease for each name and partition.
    public let name: String
    /// Where its cursor and lease are kept.
    public let partition: Partition
    /// The records that it visits.
    public let range: KeyRange
    /// How many records are worked on in one transaction.
    public let batch: Int

    /// A sweep over a range; a batch's changes and what the sweep itself writes must fit one commit
    /// (``Changes/maximumKeys``), so that a batch is at most 98 records.
    public init(_ name: String, over range: KeyRange, in partition: Partition, batch: Int = 1) {
        self.name = name
        self.range = range
        self.partition = partition
        self.batch = min(max(1, batch), Changes.maximumKeys - 2)
    }

    /// Works on at most `limit` further records; `nil` when another worker holds the sweep or has taken it over.
    ///
    /// `body` is given a record's key and bytes, which are expected to stay until the transaction commits. It may run
    /// several times for one record, and has no effects but those on the transaction. When it throws,
    /// the sweep stops before that batch and goes on there the next time; an outcome of ``Outcome/failed`` is counted
    /// and passed.
    public func run<Failure: StoreFailure>(
        with leases: Leases, limit: Int = .max,
        _ body: (Key, [UInt8], inout Transaction<Failure>) async throws(Failure) -> Outcome
    ) async throws(Failure) -> Report? {
        let acquired = try await failing(as: Failure.self) { () throws(StoreError) in try await leases.acquire(leaseKey)
        }
        guard var lease = acquired else { return nil }
        var visited = 0
        var last = try await failing(as: Failure.self) { () throws(StoreError) in
            try await leases.store.record(for: stateKey).flatMap { (record) throws(StoreError) in
                try state(record.bytes)
            }?.report ?? Report()
        }
        while visited < limit {
            let present = lease
            let kept = try await failing(as: Failure.self) { () throws(StoreError) in try await leases.kept(present) }
            guard let kept else { return nil }
            lease = kept
            let report: Report?
            do throws(Failure) {
                report = try await step(lease, leases.store, min(batch, limit - visited), body)
            } catch {
                try? await leases.release(lease)
                throw error
            }
            guard let report else { return nil }
            last = report
            if report.isFinished { break }
            visited += min(batch, limit - visited)
        }
        let held = lease
        try await failing(as: Failure.self) { () throws(StoreError) in try await leases.release(held) }
        return last
    }

    /// Runs `body` on every record of the range and changes nothing: what a run would come to.
    public func dryRun<Failure: StoreFailure>(
        over store: any Store, _ body: (Key, [UInt8], inout Transaction<Failure>) async throws(Failure) -> Outcome
    ) async throws(Failure) -> Report {
        var report = Report()
        var rest = range
        while true {
            let start = rest
            let page = try await failing(as: Failure.self) { () throws(StoreError) in
                try await store.records(in: start, limit: 200)
            }
            for entry in page {
                let outcome = try await store.transaction { (transaction: inout Transaction<Failure>) throws(Failure) in
                    transaction.discard()
                    guard let bytes = try await transaction.read(entry.key) else { return nil as Outcome? }
                    return try await body(entry.key, bytes, &transaction)
                }
                if let outcome { report.count(outcome) }
            }
            guard page.count == 200, let last = page.last else { break }
            rest = rest.after(last.key)
        }
        report.isFinished = true
        return report
    }

    /// How far the sweep has come, as of its last commit.
    public func report(from store: any Store) async throws(StoreError) -> Report {
        guard let record = try await store.record(for: stateKey) else { return Report() }
        return try SweepState.table.decode(record.bytes, stateKey).report
    }

    private var stateKey: Key { Key(partition, [.text("sweep"), .text(name)]) }
    private var leaseKey: Key { Key(partition, [.text("sweep.lease"), .text(name)]) }

    /// One transaction: up to `count` records and the cursor behind them.
    private func step<Failure: StoreFailure>(
        _ lease: Lease, _ store: any Store, _ count: Int,
        _ body: (Key, [UInt8], inout Transaction<Failure>) async throws(Failure) -> Outcome
    ) async throws(Failure) -> Report? {
        try await store.transaction { (transaction: inout Transaction<Failure>) throws(Failure) in
            guard try await transaction.holds(lease) else { return nil }
            // What cannot be read is begun anew: a round more does no harm.
            let known = try await transaction.read(stateKey)
            var state = try transaction.failing { () throws(StoreError) in
                try known.flatMap(self.state) ?? SweepState(report: Report())
            }
            if state.report.isFinished {
                state = SweepState(report: Report(rounds: state.report.rounds))
            }
            let rest = state.cursor.map { range.after(Key(encoded: $0)) } ?? range
            let page = try await transaction.read(rest, limit: count)
            transaction.reserve(page.count + 1)
            for record in page {
                state.report.count(try await body(record.key, record.bytes, &transaction))
                state.cursor = record.key.bytes
            }
            if page.count < count {
                state.report.isFinished = true
                state.report.rounds += 1
                state.cursor = nil
            }
            let (next, isSound) = (state, known.flatMap(RecordSchema.of) != nil)
            transaction.write(
                stateKey,
                try transaction.failing { () throws(StoreError) in
                    try SweepState.table.encode(next, stateKey, replacing: isSound ? known : nil)
                })
            return state.report
        }
    }

    /// `nil` for bytes that are no progress of a sweep; one of a newer release is an error.
    private func state(_ bytes: [UInt8]) throws(StoreError) -> SweepState? {
        do {
            return try SweepState.table.decode(bytes, stateKey)
        } catch {
            if case .malformed = error { return nil }
            throw error
        }
    }

    private func failing<Value, Failure: StoreFailure>(
        as _: Failure.Type, _ body: () async throws(StoreError) -> Value
    ) async throws(Failure) -> Value {
        do {
            return try await body()
        } catch {
            throw Failure(error)
        }
    }
}

extension Sweep.Report {
    fileprivate mutating func count(_ outcome: Sweep.Outcome) {
        progress.completed += 1
        switch outcome {
        case .changed: changed += 1
        case .unchanged: break
        case .failed: progress.failed += 1
        }
    }
}

/// A sweep's cursor and counts.
private struct SweepState: JSONRecord {
    var report: Sweep.Report
    /// The key of the last record that was passed; `nil` at the start of a round.
    var cursor: [UInt8]?

    static let table = Table<SweepState>("sweep")

    init(report: Sweep.Report, cursor: [UInt8]? = nil) {
        self.report = report
        self.cursor = cursor
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("changed", report.changed)
            writer.field("completed", report.progress.completed)
            writer.field("cursor", cursor)
            writer.field("failed", report.progress.failed)
            writer.field("finished", report.isFinished)
            writer.field("rounds", report.rounds)
        }
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let changed = Int(try reader.count("changed"))
            let completed = Int(try reader.count("completed"))
            let cursor = reader.hasField("cursor") ? try reader.byteString() : nil
            let failed = Int(try reader.count("failed"))
            let isFinished = try reader.bool("finished")
            let rounds = Int(try reader.count("rounds"))
            return SweepState(
                report: .init(
                    progress: Progress(completed: completed, failed: failed), changed: changed, rounds: rounds,
                    isFinished: isFinished), cursor: cursor)
        }
    }
}
