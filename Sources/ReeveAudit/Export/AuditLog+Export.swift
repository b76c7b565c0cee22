// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveAccess
import ReeveCrypto
public import ReeveModel
import ReeveStorage

extension AuditLog {
    /// Writes the log of the newest checkpoint as files that other tools verify (c2sp.org/tlog-tiles): entries, tiles, and
    /// the checkpoint last. That it is exported is recorded before it is. The permit is for the workspace's own scope.
    ///
    /// `write` is given each file's path and bytes; what it throws ends the export. Of a pruned log the entries are those
    /// that are left. Complexity: O(entries).
    public func export(
        _ scope: Scope, _ permit: Permit<ReadAudit>, to write: (String, [UInt8]) async throws -> Void
    ) async throws {
        _ = try await enter(permit, "audit.export", scope, wholeLog: true, details: ["form": "tiles"])
        let reader = LogReader(store: store, log: Partition(scope), control: keys.control)
        let (note, checkpoint) = try await newest(reader)
        let minimum = Int(try await reader.state().minimum)
        var bundle: [[UInt8]] = []
        guard minimum <= checkpoint.size else { throw AuditError(.tampered, "checkpoint") }
        try await reader.checkedLeaves(minimum..<checkpoint.size) { index, leaf in
            bundle.append(leaf)
            guard bundle.count == 256 || index == checkpoint.size - 1 else { return }
            try await write(LogFiles.bundle(index / 256, size: checkpoint.size).path, LogFiles.bundle(bundle))
            bundle = []
        }
        for level in 0..<MerkleTree.widths(of: checkpoint.size).count {
            var index = level == 0 ? minimum / 256 : 0
            while case let (path, count) = LogFiles.tile(level: level, index, size: checkpoint.size), count > 0 {
                let tile = try await reader.tile(TileID(level: level, index: index))
                guard tile.hashes.count >= count else { throw AuditError(.tampered, "tile \(level)/\(index)") }
                try await write(path, Tile.bytes(Array(tile.hashes.prefix(count))))
                index += 1
            }
        }
        try await write(LogFiles.checkpoint, note.bytes)
    }

    /// The form of a line of an export.
    public enum LineForm: String, Hashable, Sendable, Codable, CaseIterable {
        /// API Activity of the Open Cybersecurity Schema Framework 1.5.0.
        case ocsf
        /// CloudEvents 1.0 in JSON.
        case cloudEvents
    }

    /// Writes a scope's sequenced entries from an index on as JSON lines, the oldest first. That they are exported is
    /// recorded before they are. Complexity: O(entries).
    public func lines(
        _ form: LineForm, of scope: Scope, from index: Int = 0, _ permit: Permit<ReadAudit>,
        to write: ([UInt8]) async throws -> Void
    ) async throws {
        _ = try await enter(permit, "audit.export", scope, details: ["form": form.rawValue, "from": String(index)])
        let reader = LogReader(store: store, log: Partition(scope), control: keys.control)
        let state = try await reader.state()
        guard index < Int(state.size) else { return }
        let isWhole = scope.isWholeLog
        let origin = origin(of: reader.log)
        try await reader.checkedLeaves(max(index, Int(state.minimum), 0)..<Int(state.size)) { index, leaf in
            guard let entry = SequencedEntry(leaf: leaf, index: index) else {
                throw AuditError(.tampered, "entry \(index)")
            }
            guard entry.entry.map({ Reach.scope(scope).contains($0.context.scope) }) ?? isWhole else { return }
            try await write((form == .ocsf ? entry.ocsf(origin: origin) : entry.cloudEvent(origin: origin)) + [0x0A])
        }
    }
}
