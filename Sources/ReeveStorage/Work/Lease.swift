// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import Synchronization

/// The right to do one piece of work, held by one worker at a time.
public struct Lease: Hashable, Sendable {
    /// The record that says who holds it.
    public let key: Key
    /// The worker that holds it.
    public let owner: Identifier<Worker>
    /// Rises by one each time the lease changes hands: what an earlier holder still writes is refused.
    public let epoch: Int64
    /// When it ends, on this process's monotonic clock, unless it is renewed.
    let deadline: Duration
}

/// Takes, renews and gives back leases for one worker.
///
/// A lease is held for a span of the holder's own monotonic clock. Another worker takes it over once it has seen, on its
/// own monotonic clock, no renewal for longer than that. So no two workers hold one at the same time, whatever their wall
/// clocks say, as long as their clocks run within a tenth of the same speed. What a worker writes with a lease it must
/// write in a transaction that calls ``Transaction/require(_:)``: then a holder that was asleep, and does not know that it
/// has lost the lease, changes nothing. All calls may be made concurrently.
public final class Leases: Sendable {
    /// The worker.
    public let owner: Identifier<Worker>
    /// How long a lease lasts without renewal.
    public let duration: Duration
    package let store: any Store
    package let time: any TimeSource

    private struct Sighting {
        let epoch: Int64
        let beat: Int64
        let since: Duration
    }
    /// When each lease of another worker was first seen as it is.
    private let sightings = Mutex<[Key: Sighting]>([:])

    /// A new worker over a store; leases last 30 seconds unless said otherwise, from a second to a
    /// day.
    public init(store: any Store, time: any TimeSource = SystemTime(), duration: Duration = .seconds(30)) {
        self.store = store
        self.time = time
        self.duration = min(max(.seconds(1), duration), LeaseRow.longest)
        owner = Identifier(at: time.now)
    }

    /// Takes a lease; `nil` while another holder may still have it, the same worker included.
    public func acquire(_ key: Key) async throws(StoreError) -> Lease? {
        let start = time.uptime
        let lease = try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            let row = try await LeaseRow.table.read(key, in: &transaction)
            if let row, row.owner != nil, !isAbandoned(key, row, at: start) { return nil as Lease? }
            let taken = LeaseRow(
                beat: 0, epoch: (row?.epoch ?? 0) + 1, milliseconds: duration.milliseconds, owner: owner)
            try await LeaseRow.table.write(taken, key, in: &transaction)
            return Lease(key: key, owner: owner, epoch: taken.epoch, deadline: start + duration)
        }
        if lease != nil { sightings.withLock { $0[key] = nil } }
        return lease
    }

    /// Extends a lease by its duration from now; `nil` when another worker has taken it over.
    public func renew(_ lease: Lease) async throws(StoreError) -> Lease? {
        let start = time.uptime
        return try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            guard var row = try await LeaseRow.table.read(lease.key, in: &transaction), row.isOf(lease) else {
                return nil
            }
            row.beat += 1
            try await LeaseRow.table.write(row, lease.key, in: &transaction)
            return Lease(key: lease.key, owner: lease.owner, epoch: lease.epoch, deadline: start + duration)
        }
    }

    /// Gives a lease back, so that another worker need not wait; does nothing when it was lost.
    public func release(_ lease: Lease) async throws(StoreError) {
        try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
            guard var row = try await LeaseRow.table.read(lease.key, in: &transaction), row.isOf(lease) else { return }
            row.owner = nil
            try await LeaseRow.table.write(row, lease.key, in: &transaction)
        }
    }

    /// Whether a lease of this worker still lasts by its own clock.
    public func isHeld(_ lease: Lease) -> Bool { time.uptime < lease.deadline }

    /// The lease itself while more than two thirds of it are left, a renewed one after that; `nil` when it is lost.
    package func kept(_ lease: Lease) async throws(StoreError) -> Lease? {
        time.uptime < lease.deadline - duration * 2 / 3 ? lease : try await renew(lease)
    }

    /// Whether a lease has not been renewed for longer than it lasts, as far as this worker has seen.
    private func isAbandoned(_ key: Key, _ row: LeaseRow, at instant: Duration) -> Bool {
        sightings.withLock { sightings in
            guard let seen = sightings[key], seen.epoch == row.epoch, seen.beat == row.beat else {
                // As of now, not of before the read: the row may have been renewed while it was on its way.
                sightings[key] = Sighting(epoch: row.epoch, beat: row.beat, since: time.uptime)
                return false
            }
            return instant - seen.since > .milliseconds(row.milliseconds) * 11 / 10
        }
    }
}

extension Transaction {
    /// Lets the transaction commit only while this lease is the last one given out on its key.
    ///
    /// ``StoreError/leaseLost(_:)`` when another worker has taken it over.
    public mutating func require(_ lease: Lease) async throws(Failure) {
        guard try await holds(lease) else { throw Failure(.leaseLost(lease.key)) }
    }

    /// Whether this lease is the last one given out on its key, and stays so until the transaction commits.
    mutating func holds(_ lease: Lease) async throws(Failure) -> Bool {
        try await LeaseRow.table.read(lease.key, in: &self)?.isOf(lease) ?? false
    }
}

/// Who holds a lease.
struct LeaseRow: JSONRecord {
    /// Rises with each renewal.
    var beat: Int64
    var epoch: Int64
    /// How long the holder holds it without renewal.
    var milliseconds: Int64
    /// `nil` once it was given back.
    var owner: Identifier<Worker>?

    static let table = Table<LeaseRow>("lease")
    static let longest = Duration.seconds(86_400)

    func isOf(_ lease: Lease) -> Bool { owner == lease.owner && epoch == lease.epoch }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("beat", beat)
            writer.field("epoch", epoch)
            writer.field("milliseconds", milliseconds)
            writer.field("owner", owner)
        }
    }

    init(beat: Int64, epoch: Int64, milliseconds: Int64, owner: Identifier<Worker>?) {
        self.beat = beat
        self.epoch = epoch
        self.milliseconds = milliseconds
        self.owner = owner
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            LeaseRow(
                beat: try reader.count("beat"), epoch: try reader.count("epoch"),
                milliseconds: try reader.count("milliseconds", upTo: Self.longest.milliseconds),
                owner: try reader.optionalText("owner", as: Identifier<Worker>.self))
        }
    }
}

extension Duration {
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
