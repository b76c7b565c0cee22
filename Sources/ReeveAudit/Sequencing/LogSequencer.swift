// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage
import Synchronization

/// Takes the pending entries of one log into its tree, batch by batch.
///
/// A batch is one commit: the pending records go, their leaves, tiles and the log's state come. The state must still be the
/// one that the batch began with, so of two sequencers one goes on and the other starts again.
struct LogSequencer: Sendable {
    /// A log as this process last left it.
    struct Live: Sendable {
        var tree: MerkleTree
        var state: LogState
        /// The state's bytes; `nil` for a log without a state.
        var bytes: [UInt8]?
        var positions: [String: WriterPosition] = [:]
        /// The writers that wait for a number, and since when.
        var holes: [String: (next: Int64, since: Duration)] = [:]
    }

    /// What one commit does.
    struct Batch {
        var deletes: [Key] = []
        var leaves: [[UInt8]] = []
        var bytes = 0
        var alarms: [Alarm] = []
        var writers: Set<String> = []
        var isEmpty: Bool { deletes.isEmpty && leaves.isEmpty }
        /// What is left of a commit's keys for pending records.
        static let maximumEntries = 80

        func hasRoom(for count: Int) -> Bool {
            deletes.count < Self.maximumEntries && leaves.count < Self.maximumEntries && alarms.count < 2
                && (leaves.isEmpty || bytes + count < LeafChunk.maximumBytes)
        }

        mutating func add(_ leaf: [UInt8]) {
            leaves.append(leaf)
            bytes += leaf.count + 1
        }
    }

    /// What is left of a page when its batch is made.
    private enum Rest {
        /// Nothing.
        case done
        /// What did not fit the batch.
        case full
        /// What comes behind this key; what comes before waits.
        case behind(Key)
    }

    let reader: LogReader
    let scope: Scope
    let authenticator: any MessageAuthenticator
    let time: any TimeSource
    /// How long a missing number is waited for.
    let patience: Duration
    /// What writers say they have committed, by writer.
    let marks: [String: Int64]

    private var log: Partition { reader.log }
    private var store: any Store { reader.store }

    /// The log as it is stored: its state vouched for, and its right edge the one that the state says.
    func load() async throws(AuditError) -> Live {
        let key = LogState.key(log)
        let record = try await storing { () throws(StoreError) in try await store.record(for: key) }
        guard let record else { return Live(tree: MerkleTree(), state: LogState()) }
        let state = try await storing { () throws(StoreError) in try LogState.table.decode(record.bytes, key) }
        guard (try? authenticator.isValid(state.tag, for: state.message(log))) == true else {
            throw AuditError(.tampered, "the log's state")
        }
        let tree = try await reader.tree(size: Int(state.size))
        let root = try crypto { () throws(CryptoError) in
            var hasher = try TreeHasher()
            return try tree.root(&hasher)
        }
        guard root.digest == state.root || state.size == 0 else { throw AuditError(.tampered, "the newest tiles") }
        return Live(tree: tree, state: state, bytes: record.bytes)
    }

    /// Sequences what is pending, and returns how many leaves that gave; `nil` when another sequencer is at work.
    func run(_ live: inout Live) async throws(AuditError) -> Int? {
        let start = live.tree.size
        let pending = Trail.pending(log)
        var range = KeyRange(under: pending)
        reading: while true {
            let page = try await storing { () throws(StoreError) in
                try await store.records(in: range, limit: Batch.maximumEntries)
            }
            guard !page.isEmpty else { break }
            var batch = Batch()
            let rest = try await plan(page, pending, &batch, &live)
            if !batch.isEmpty { guard try await commit(batch, &live) else { return nil } }
            switch rest {
            case .full: continue
            case .behind(let key): range = KeyRange(from: key, under: pending)
            case .done: if page.count < Batch.maximumEntries { break reading }
            }
        }
        guard try await closeSuffixes(&live) else { return nil }
        return live.tree.size - start
    }

    /// Puts the entries of a page that can be sequenced into a batch.
    private func plan(
        _ page: [Entry], _ pending: Key, _ batch: inout Batch, _ live: inout Live
    ) async throws(AuditError) -> Rest {
        let uptime = time.uptime
        for entry in page {
            guard let (writer, number) = Self.parse(entry.key, pending) else {
                // Nobody of ours writes such a key.
                guard batch.hasRoom(for: 0) else { return .full }
                batch.deletes.append(entry.key)
                batch.alarms.append(alarm(.verificationFailed, "pending", ["key": "malformed"]))
                continue
            }
            var position = try await position(of: writer, &live)
            let record = entry.record.bytes
            if number < position.next {
                guard batch.hasRoom(for: record.count + 128) else { return .full }
                batch.deletes.append(entry.key)
                // What is not missing was here before: the request came twice.
                guard position.isMissing(number) else { continue }
                position.fill(number)
                batch.add(SequencedEntry.leaf(record: record, writer: writer, number: number, isLate: true))
                batch.alarms.append(alarm(.lateEntry, writer, ["number": String(number)]))
            } else {
                if number > position.next {
                    guard isOver(writer, position.next, uptime, &live) else {
                        return .behind(Self.after(writer, pending))
                    }
                    guard batch.hasRoom(for: 256) else { return .full }
                    addGap(position.next...number - 1, writer, &position, &batch)
                }
                guard batch.hasRoom(for: record.count + 128) else {
                    save(position, writer, &batch, &live)
                    return .full
                }
                batch.deletes.append(entry.key)
                if Self.isRecord(record) {
                    batch.add(SequencedEntry.leaf(record: record, writer: writer, number: number, isLate: false))
                    position.next = number + 1
                } else {
                    addGap(number...number, writer, &position, &batch)
                }
            }
            save(position, writer, &batch, &live)
        }
        return .done
    }

    /// Declares missing what a writer says it committed and that is not there, once it was waited for.
    private func closeSuffixes(_ live: inout Live) async throws(AuditError) -> Bool {
        for (writer, committed) in marks.sorted(by: { $0.key < $1.key }) {
            var position = try await position(of: writer, &live)
            guard position.next <= committed else { continue }
            let prefix = Trail.pending(log).appending([.text(writer)])
            let waiting = try await storing { () throws(StoreError) in
                try await store.records(in: KeyRange(under: prefix), limit: 1)
            }
            guard waiting.isEmpty, isOver(writer, position.next, time.uptime, &live) else { continue }
            var batch = Batch()
            addGap(position.next...committed, writer, &position, &batch)
            save(position, writer, &batch, &live)
            guard try await commit(batch, &live) else { return false }
        }
        return true
    }

    private func save(_ position: WriterPosition, _ writer: String, _ batch: inout Batch, _ live: inout Live) {
        live.positions[writer] = position
        batch.writers.insert(writer)
    }

    private func addGap(
        _ gap: ClosedRange<Int64>, _ writer: String, _ position: inout WriterPosition, _ batch: inout Batch
    ) {
        batch.add(SequencedEntry.leaf(gap: gap, writer: writer, at: time.now))
        position.skip(to: gap.upperBound + 1)
        let range = gap.lowerBound == gap.upperBound ? "\(gap.lowerBound)" : "\(gap.lowerBound)-\(gap.upperBound)"
        batch.alarms.append(alarm(.gap, writer, ["numbers": range]))
    }

    private func alarm(_ kind: Alarm.Kind, _ subject: String, _ details: [String: String]) -> Alarm {
        Alarm(kind, in: scope, about: subject, details: details)
    }

    /// Whether a number was waited for long enough; the waiting begins when it is first missed.
    private func isOver(_ writer: String, _ next: Int64, _ uptime: Duration, _ live: inout Live) -> Bool {
        guard let hole = live.holes[writer], hole.next == next else {
            live.holes[writer] = (next, uptime)
            return patience <= .zero
        }
        guard uptime - hole.since >= patience else { return false }
        live.holes[writer] = nil
        return true
    }

    private func position(of writer: String, _ live: inout Live) async throws(AuditError) -> WriterPosition {
        if let known = live.positions[writer] { return known }
        let key = WriterPosition.key(log, writer)
        let found = try await storing { () throws(StoreError) in
            try await store.record(for: key).map { record throws(StoreError) in
                try WriterPosition.table.decode(record.bytes, key)
            }
        }
        let position = found ?? WriterPosition()
        live.positions[writer] = position
        return position
    }

    /// Commits a batch; `false` when the log's state is not the one that the batch began with.
    private func commit(_ batch: Batch, _ live: inout Live) async throws(AuditError) -> Bool {
        let (first, old) = (live.tree.size, live)
        var filled: [(TileID, Tile)] = []
        var tree = live.tree
        let root = try crypto { () throws(CryptoError) in
            var hasher = try TreeHasher()
            for leaf in batch.leaves {
                let hash = try hasher.leaf(leaf)
                try tree.append(hash, &hasher) { filled.append(($0, $1)) }
            }
            return try tree.root(&hasher)
        }
        let state = try LogState(size: Int64(tree.size), minimum: old.state.minimum, root: root.digest)
            .sealed(log, authenticator)
        let bytes = state.recordBytes(schema: 1)
        let (stateKey, log, edge) = (LogState.key(log), log, tree.edge)
        let tiles = filled
        // The tiles that grew: the lowest, and each above one that was filled.
        let grown = edge.indices.filter { level in
            !edge[level].hashes.isEmpty && (level == 0 || tiles.contains { $0.0.level == level - 1 })
        }
        let chunk = LeafChunk(first: Int64(first), leaves: batch.leaves)
        let size = tree.size
        let now = time.now
        let isDone = try await storing { () throws(StoreError) in
            try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                guard try await transaction.read(stateKey) == old.bytes else { return false }
                transaction.write(stateKey, bytes)
                for key in batch.deletes { transaction.delete(key) }
                for writer in batch.writers {
                    guard let position = live.positions[writer] else { continue }
                    transaction.write(WriterPosition.key(log, writer), position.recordBytes(schema: 1))
                }
                if !batch.leaves.isEmpty {
                    transaction.write(LeafChunk.key(log, Int64(first)), chunk.recordBytes(schema: 1))
                }
                for (id, tile) in tiles { transaction.write(Tile.key(log, id), tile.recordBytes(schema: 1)) }
                for level in grown {
                    let id = TileID(level: level, index: size >> (8 * (level + 1)))
                    let tile = Tile(hashes: edge[level].hashes)
                    transaction.write(Tile.key(log, id), tile.recordBytes(schema: 1))
                }
                for alarm in batch.alarms { try await transaction.raise(alarm, at: now) }
                return true
            }
        }
        guard isDone else { return false }
        live.tree = tree
        live.state = state
        live.bytes = bytes
        return true
    }

    // MARK: Keys of pending entries

    /// The writer and number in a pending entry's key.
    private static func parse(_ key: Key, _ pending: Key) -> (String, Int64)? {
        let bytes = key.bytes
        let start = pending.bytes.count + 1
        let end = bytes.count - 10
        guard end > start, bytes[start - 1] == 0x20, bytes[end] == 0, bytes[end + 1] == 0x10,
            !bytes[start..<end].contains(0), bytes[start..<end].starts(with: "wrt_".utf8)
        else { return nil }
        let raw = bytes[(end + 2)...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let number = Int64(bitPattern: raw ^ (1 << 63))
        guard number > 0, let writer = String(validating: bytes[start..<end], as: UTF8.self) else { return nil }
        return (writer, number)
    }

    /// The first key behind all of a writer's.
    private static func after(_ writer: String, _ pending: Key) -> Key {
        Key(encoded: pending.appending([.text(writer)]).bytes + [0xFF])
    }

    /// Whether bytes are one JSON object, so that they can stand in a leaf.
    private static func isRecord(_ bytes: [UInt8]) -> Bool {
        var reader = JSONReader(bytes)
        guard (try? reader.rawObject()) != nil else { return false }
        return (try? reader.finish()) != nil
    }
}
