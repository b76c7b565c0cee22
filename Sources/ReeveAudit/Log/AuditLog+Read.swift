// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage

extension AuditLog {
    /// A page of what lies in a scope, without the entry of this very read.
    func page(
        of scope: Scope, _ query: AuditQuery, without own: Identifier<AuditRecord>
    ) async throws(AuditError) -> AuditPage {
        let reader = reader(scope)
        let state = try await reader.state()
        let limit = min(max(query.limit, 1), 10_000)
        let reach = Reach.scope(scope)
        let isWhole = scope.isWholeLog
        func isWanted(_ entry: AuditEntry) -> Bool {
            entry.id != own && reach.contains(entry.context.scope) && query.matches(entry)
        }
        var page = AuditPage()
        var found: [SequencedEntry] = []
        var check = LeafCheck(reader: reader)
        var end = min(max(0, query.before ?? Int(state.size)), Int(state.size))
        reading: while end > Int(state.minimum) {
            let from = LeafChunk.key(reader.log, Int64(end - 1))
            let (range, index) = (KeyRange(from: from, under: LeafChunk.prefix(reader.log)), end)
            let chunks = try await storing { () throws(StoreError) in
                try await store.records(in: range, limit: 20).map { entry throws(StoreError) in
                    try LeafChunk.table.decode(entry.record.bytes, entry.key)
                }
            }
            guard chunks.first?.range.contains(Int64(index - 1)) == true else {
                throw try await reader.missing(index - 1)
            }
            for chunk in chunks {
                // What a crash left of what was pruned is nobody's to read.
                guard end > Int(state.minimum) else { break reading }
                guard chunk.range.contains(Int64(end - 1)) else { throw try await reader.missing(end - 1) }
                for index in stride(from: min(end, Int(chunk.range.upperBound)) - 1, through: Int(chunk.first), by: -1)
                {
                    guard index >= Int(state.minimum) else { break reading }
                    end = index
                    let leaf = chunk.leaves[index - Int(chunk.first)]
                    try await check.check(leaf, at: index)
                    guard let entry = SequencedEntry(leaf: leaf, index: index) else {
                        throw AuditError(.tampered, "entry \(index)")
                    }
                    let isTaken = entry.entry.map(isWanted) ?? (isWhole && query.takesGaps)
                    if isTaken { found.append(entry) }
                    if found.count == limit { break reading }
                }
            }
        }
        page.entries = found.reversed()
        page.next = end > Int(state.minimum) ? end : nil
        page.checkpoint = try await reader.checkpoint()
        if query.before == nil {
            let prefix = Trail.pending(reader.log)
            // What is no entry is the sequencer's to report.
            let pending = try await storing { () throws(StoreError) in
                try await store.records(in: KeyRange(under: prefix), limit: 10_000).compactMap {
                    try? AuditEntry(recordBytes: $0.record.bytes, schema: 1)
                }
            }
            // They come by writer and number; at one instant that order stays.
            page.pending = pending.enumerated().filter { isWanted($0.element) }
                .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.suffix(limit).map(\.element)
        }
        if query.withProofs, isWhole, let note = page.checkpoint, let checkpoint = Checkpoint(text: note.text) {
            for entry in page.entries where entry.index < checkpoint.size {
                page.proofs[entry.index] = try await proof(of: entry.index, reader, (note, checkpoint))
            }
        }
        return page
    }

    func verification(
        _ reader: LogReader, _ held: SignedNote?, _ verifier: AuditVerifier
    ) async throws(AuditError) -> AuditVerification {
        guard let note = try await reader.checkpoint(), let checkpoint = Checkpoint(text: note.text) else {
            if let held, let wanted = verifier.checkpoint(held), wanted.size > 0 {
                return .truncated(have: 0, want: wanted.size)
            }
            return .unanchored(size: 0)
        }
        var session = verifier.session(note, held: held)
        let minimum = Int(try await reader.state().minimum)
        guard minimum <= checkpoint.size else { return .truncated(have: checkpoint.size, want: minimum) }
        if minimum > 0 {
            let peaks = try await reader.hashes(ProofPlan.nodes(0..<minimum).map { [$0] })
            session.skip(minimum, peaks: peaks)
        }
        var tile: (id: Int, value: Tile)?
        let plain = LogReader(store: store, log: reader.log, control: keys.control)
        do {
            try await plain.leaves(minimum..<checkpoint.size) { index, leaf in
                if tile?.id != index / Tile.width {
                    let id = TileID(level: 0, index: index / Tile.width)
                    tile = (id.index, try await plain.tile(id))
                }
                let hashes = tile?.value.hashes ?? []
                session.add(leaf, stored: index % Tile.width < hashes.count ? hashes[index % Tile.width].digest : nil)
            }
        } catch let error as AuditError where error.code == .pruned {
            // Somebody pruned meanwhile: what is left is checked from there.
            return try await verification(reader, held, verifier)
        } catch let error as AuditError where error.code == .tampered {
            // A chunk that is gone or cannot be read: the first entry of it.
            return .altered(index: session.count)
        } catch let error as AuditError where error.code == .storeFailed {
            switch error.store {
            case .malformed, .newerSchema: return .altered(index: session.count)
            default: throw error
            }
        } catch {
            throw error as? AuditError ?? AuditError(.storeFailed)
        }
        return session.finish()
    }
}
