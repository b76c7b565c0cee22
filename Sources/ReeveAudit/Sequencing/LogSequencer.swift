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
        /// Whether it has an entry without a seal, and its alarm.
        var hasUnsealed = false
        var isEmpty: Bool { deletes.isEmpty && leaves.isEmpty }
        /// Entries that are read at once.
        static let maximumEntries = 80

        /// The keys of the commit so far: records that go, positions, events with their head and mark; and for the state, the
        /// leaves and the tiles at most nine.
        private var keys: Int { deletes.count + writers.count + alarms.count + (alarms.isEmpty ? 0 : 2) + 9 }

        /// Whether one more entry of so many bytes fits, with a gap before it and the alarms of both.
        func hasRoom(for count: Int) -> Bool {
            keys + 6 <= Changes.maximumKeys && (leaves.isEmpty || bytes + count + 256 < LeafChunk.maximumBytes)
        }

        /// Whether the batch itself has a writer's entry of a number.
        func holds(_ writer: String, _ number: Int64) -> Bool {
            leaves.contains { leaf in
                SequencedEntry(leaf: leaf, index: 0).map {
                    $0.entry != nil && $0.number == number && $0.writer.description == writer
                } ?? false
            }
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
    /// Whether an entry without a seal is a cause for alarm.
    let expectsSeals: Bool
    /// What writers say they have committed, by writer.
    let marks: [String: Int64]

    private var log: Partition { reader.log }
    private var store: any Store { reader.store }

    /// The log as it is stored: its state vouched for, and its right edge the one that the state says.
    func load() async throws(AuditError) -> Live {
        let (state, bytes) = try await reader.sealedState()
        guard bytes != nil else { return Live(tree: MerkleTree(), state: LogState()) }
        let tree = try await reader.tree(size: Int(state.size))
        let root = try crypto { () throws(CryptoError) in
            var hasher = try TreeHasher()
            return try tree.root(&hasher)
        }
        guard root.digest == state.root || state.size == 0 else { throw AuditError(.tampered, "the newest tiles") }
        return Live(tree: tree, state: state, bytes: bytes)
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
                // The request came twice, if the log has it; if not it is late, whatever the position says.
                if !position.isMissing(number) {
                    let isThere = try await isSequenced(writer, number, live.tree.size)
                    if isThere || batch.holds(writer, number) { continue }
                }
                position.fill(number)
                batch.alarms.append(alarm(.lateEntry, writer, ["number": String(number)]))
                if let (record, isSealed) = try open(record, writer, number, &batch) {
                    let leaf = SequencedEntry.leaf(
                        record: record, writer: writer, number: number, isLate: true, isSealed: isSealed)
                    batch.add(leaf)
                } else {
                    batch.add(SequencedEntry.leaf(gap: number...number, writer: writer, at: time.now))
                    batch.alarms.append(alarm(.verificationFailed, writer, ["number": String(number)]))
                }
            } else {
                if number > position.next {
                    guard batch.hasRoom(for: 256) else { return .full }
                    // Only looked at: what it would raise is raised when it is taken.
                    var unused = Batch()
                    if try open(record, writer, number, &unused) == nil {
                        // Nobody is declared missing on the word of a record that its writer did not write.
                        batch.deletes.append(entry.key)
                        batch.alarms.append(alarm(.verificationFailed, writer, ["number": String(number)]))
                        continue
                    }
                    guard isOver(writer, position.next, uptime, &live) else {
                        return .behind(Self.after(writer, pending))
                    }
                    addGap(position.next...number - 1, writer, &position, &batch)
                }
                guard batch.hasRoom(for: record.count + 128) else {
                    save(position, writer, &batch, &live)
                    return .full
                }
                batch.deletes.append(entry.key)
                if let (record, isSealed) = try open(record, writer, number, &batch) {
                    let leaf = SequencedEntry.leaf(
                        record: record, writer: writer, number: number, isLate: false, isSealed: isSealed)
                    batch.add(leaf)
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

    /// Whether the log has a writer's entry of a number. Complexity: O(entries), newest first; asked for what came twice, or
    /// was not known to be missing.
    private func isSequenced(_ writer: String, _ number: Int64, _ size: Int) async throws(AuditError) -> Bool {
        var end = size
        while end > 0, let chunk = try await reader.chunk(holding: Int64(end - 1)) {
            for (offset, leaf) in chunk.leaves.enumerated().reversed() {
                guard let entry = SequencedEntry(leaf: leaf, index: Int(chunk.first) + offset), entry.entry != nil,
                    entry.number == number, entry.writer.description == writer
                else { continue }
                return true
            }
            end = Int(chunk.first)
        }
        return false
    }

    /// An entry's record without its seal; `nil` when the seal or the record is not what its writer wrote.
    private func open(
        _ stored: [UInt8], _ writer: String, _ number: Int64, _ batch: inout Batch
    ) throws(AuditError) -> (record: [UInt8], isSealed: Bool)? {
        guard let (record, seal) = EntrySeal.remove(from: stored) else {
            guard Self.isRecord(stored) else { return nil }
            if expectsSeals, !batch.hasUnsealed {
                batch.hasUnsealed = true
                batch.alarms.append(alarm(.verificationFailed, writer, ["unsealed": String(number)]))
            }
            return (stored, false)
        }
        let message = EntrySeal(log: log, writer: writer, number: number).message(record)
        // What its writer sealed is what its writer wrote, so it need not be read here.
        guard record.count <= Trail.maximumEntryBytes, try isValid(seal, message) else { return nil }
        return (record, true)
    }

    /// Whether a tag is right; a key that cannot be used says neither.
    private func isValid(_ tag: [UInt8], _ message: [UInt8]) throws(AuditError) -> Bool {
        do {
            return try authenticator.isValid(tag, for: message)
        } catch {
            throw AuditError(.cryptoFailed)
        }
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
        var position = WriterPosition()
        if let found {
            guard try isValid(found.tag, found.message(log, writer)) else {
                throw AuditError(.tampered, "the position of \(writer)")
            }
            position = found
        }
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
        var positions: [String: [UInt8]] = [:]
        for writer in batch.writers {
            guard let position = live.positions[writer] else { continue }
            positions[writer] = try position.sealed(log, writer, authenticator).recordBytes(schema: 1)
        }
        let chunk = LeafChunk(first: Int64(first), leaves: batch.leaves)
        let (size, now, sealed) = (tree.size, time.now, positions)
        let isDone = try await storing { () throws(StoreError) in
            try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                guard try await transaction.read(stateKey) == old.bytes else { return false }
                transaction.write(stateKey, bytes)
                for key in batch.deletes { transaction.delete(key) }
                for writer in batch.writers {
                    guard let position = sealed[writer] else { continue }
                    transaction.write(WriterPosition.key(log, writer), position)
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
        // Proofs of what this process has sequenced need not read it back.
        for (id, tile) in tiles { reader.cache?.keep(tile, log, id) }
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
            !bytes[start..<end].contains(0)
        else { return nil }
        let raw = bytes[(end + 2)...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let number = Int64(bitPattern: raw ^ (1 << 63))
        // Numbers are counted from 1 by processes: none comes near the bound, above which they could not be counted on.
        guard (1...1 << 48).contains(number), let writer = String(validating: bytes[start..<end], as: UTF8.self),
            Identifier<Writer>(writer) != nil
        else { return nil }
        return (writer, number)
    }

    /// The first key behind all of a writer's.
    private static func after(_ writer: String, _ pending: Key) -> Key {
        Key(encoded: pending.appending([.text(writer)]).bytes + [0xFF])
    }

    /// Whether bytes are an entry's record, so that whoever reads the log can read it.
    private static func isRecord(_ bytes: [UInt8]) -> Bool {
        bytes.count <= Trail.maximumEntryBytes && (try? AuditEntry(recordBytes: bytes, schema: 1)) != nil
    }
}
