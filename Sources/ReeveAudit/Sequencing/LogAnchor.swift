// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage
import Synchronization

/// Signs checkpoints of one log, and never two for one size: each stands in the ledger first, and continues all that stand
/// there.
struct LogAnchor: Sendable {
    let reader: LogReader
    let keys: AuditKeys
    let origin: String

    static let kind = "checkpoint"

    /// Throws when the log, of `size` leaves, does not continue every checkpoint in the ledger; returns the newest.
    ///
    /// With the root that the tree itself has, it is that tree which continues them, whatever the store shows of its tiles.
    /// `verified` is the number of lines that were looked at before, and is moved on.
    func verify(
        size: Int, root tree: TreeHash? = nil, from verified: inout Int
    ) async throws(AuditError) -> (size: Int, root: Digest)? {
        // Those that were looked at once hold: the tree only grows. The newest is looked at again.
        let (from, log) = (verified, reader.log.name)
        let (own, position) = try await keys.reading { (ledger) throws(LedgerError) in
            try await ledger.lines(Self.kind, of: log, from: from, atLeast: from == .max ? 32 : 1)
        }
        // Of what was pruned only whole tiles can be told; what lies in between was looked at before it was pruned.
        let minimum = Int(try await reader.state().minimum)
        var ahead: Int?
        for line in own {
            guard let number = line.event.number, let root = line.event.digest else { continue }
            guard number <= size else {
                // Another sequencer may have gone on meanwhile; a fork only if the store does not have them.
                guard number > Int64(try await reader.state().size) else {
                    ahead = ahead ?? line.index
                    continue
                }
                throw AuditError(.forked, "the ledger has \(number) entries, the store \(size)")
            }
            guard number >= minimum || number.isMultiple(of: Int64(Tile.width)) else { continue }
            let present = try await reader.root(at: Int(number))
            guard present.digest == root else { throw AuditError(.forked, "at \(number)") }
            if let tree, number > 0 { try await check(present, Int(number), tree, size) }
        }
        verified = ahead ?? position
        guard let last = own.last, let number = last.event.number, let root = last.event.digest else { return nil }
        return (Int(number), root)
    }

    /// Throws unless a tree continues another one.
    private func check(
        _ old: TreeHash, _ oldSize: Int, _ tree: TreeHash, _ size: Int
    ) async throws(AuditError) {
        let proof = try await reader.hashes(ProofPlan.consistency(oldSize, size))
        let continues = try crypto { () throws(CryptoError) in
            var hasher = try TreeHasher()
            return try ProofCheck.isConsistent(oldSize, old, size, tree, proof, &hasher)
        }
        guard continues else { throw AuditError(.forked, "at \(oldSize)") }
    }

    /// Anchors and signs the log as it is now; `nil` when another sequencer has gone on meanwhile.
    func sign(_ tree: MerkleTree, verified: inout Int) async throws(AuditError) -> SignedNote? {
        let size = tree.size
        let own = try crypto { () throws(CryptoError) in
            var hasher = try TreeHasher()
            return try tree.root(&hasher)
        }
        guard let root = own.digest else { throw AuditError(.cryptoFailed) }
        let last = try await verify(size: size, root: own, from: &verified)
        if let last, last.size > size { return nil }
        if last?.size != size {
            do throws(LedgerError) {
                try await keys.ledger.append(.checkpoint(reader.log.name, size: Int64(size), root: root))
            } catch {
                throw AuditError(error)
            }
            // Who else wrote in between must have said the same.
            _ = try await verify(size: size, root: own, from: &verified)
        } else if last?.root != root {
            throw AuditError(.forked, "at \(size)")
        }
        var note = SignedNote(text: Checkpoint(origin: origin, size: size, root: root).text)
        for signer in keys.signers {
            guard let bytes = try? await signer.sign(note.text), signer.verifierKey.isValid(bytes, of: note.text) else {
                throw AuditError(.signerFailed, signer.verifierKey.name)
            }
            note.signatures.append(.init(name: signer.verifierKey.name, id: signer.verifierKey.id, bytes: bytes))
        }
        guard !keys.signers.isEmpty else { throw AuditError(.signerFailed, "there is none") }
        for witness in keys.witnesses {
            // A witness that is away does not hold up the log.
            if let line = await cosignature(of: witness, note, size) {
                note.signatures.append(line)
            }
        }
        let stored = StoredCheckpoint(note: note.bytes, size: Int64(size))
        let log = reader.log
        try await storing { () throws(StoreError) in
            try await reader.store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                transaction.write(StoredCheckpoint.key(log, Int64(size)), stored.recordBytes(schema: 1))
            }
        }
        return note
    }

    private func cosignature(
        of witness: any CheckpointWitness, _ note: SignedNote, _ size: Int
    ) async -> SignedNote.Signature? {
        let key = witness.verifierKey
        // The witness knows best what it has seen: it may have missed some, or signed what never came back.
        guard let start = try? await witness.lastSize(of: origin), (0...size).contains(start) else { return nil }
        // From a size that was pruned there is no proof any more: that witness has to begin anew.
        guard let hashes = try? await reader.hashes(ProofPlan.consistency(start, size)),
            let bytes = try? await witness.cosign(note, since: start, proof: hashes.compactMap(\.digest)),
            key.isValid(bytes, of: note.text)
        else { return nil }
        return .init(name: key.name, id: key.id, bytes: bytes)
    }
}
