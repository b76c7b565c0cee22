// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
public import ReeveModel

/// What checking a log came to.
public enum AuditVerification: Hashable, Sendable {
    /// All entries are those that were signed, and the log continues the checkpoint that was held.
    case intact(size: Int, anchoredAt: Int)
    /// All entries are those that were signed; whether later ones were cut off cannot be told without a checkpoint that
    /// was kept elsewhere.
    case unanchored(size: Int)
    /// The entry at this index is another one, or was removed, inserted or moved; `nil` when only the whole can be told
    /// to be wrong.
    case altered(index: Int?)
    /// The entries are right, and the stored hash of this one is not.
    case alteredTile(index: Int)
    /// Entries are missing at the end.
    case truncated(have: Int, want: Int)
    /// The log does not begin with the one whose checkpoint was held.
    case forked(at: Int)
    /// The checkpoint is of another log than the one that was held.
    case otherLog
    /// A checkpoint is malformed, is signed by none of the keys, has a wrong signature, or too few witnesses.
    case badSignature

    /// Whether nothing is wrong: ``unanchored(size:)`` is not enough.
    public var isIntact: Bool { if case .intact = self { true } else { false } }
}

/// Checks logs and proofs with nothing but the keys of the log and of its witnesses: pure, in any process.
public struct AuditVerifier: Sendable {
    private let keys: [VerifierKey]
    private let witnesses: [VerifierKey]
    private let witnessesNeeded: Int

    private let origin: String?

    /// A verifier that trusts these keys, asks for cosignatures of at least so many of the witnesses, and with an origin takes
    /// checkpoints of that log alone: one key may sign many logs.
    public init(
        keys: [VerifierKey], origin: String? = nil, witnesses: [VerifierKey] = [], witnessesNeeded: Int = 0
    ) {
        self.origin = origin
        self.keys = keys.filter { $0.kind == .log }
        self.witnesses = witnesses.filter { $0.kind == .witness }
        self.witnessesNeeded = witnessesNeeded
    }

    /// The checkpoint of a note that is signed as it should be; `nil` otherwise.
    public func checkpoint(_ note: SignedNote) -> Checkpoint? {
        guard let signed = note.valid(keys), signed > 0, let seen = note.valid(witnesses), seen >= witnessesNeeded
        else {
            return nil
        }
        guard let checkpoint = Checkpoint(text: note.text) else { return nil }
        return origin.map { $0.isIdentical(to: checkpoint.origin) } ?? true ? checkpoint : nil
    }

    /// Whether a proof shows that a leaf is in the log that its checkpoint is of.
    public func isIncluded(_ leaf: [UInt8], by proof: InclusionProof) -> Bool {
        guard let checkpoint = checkpoint(proof.checkpoint), var hasher = try? TreeHasher(),
            let hash = try? hasher.leaf(leaf)
        else { return false }
        let hashes = proof.hashes.compactMap { TreeHash(bytes: $0.bytes) }
        let root = try? ProofCheck.root(leaf: hash, proof.index, in: checkpoint.size, hashes, &hasher)
        return root?.digest == checkpoint.root
    }

    /// Whether the log of one checkpoint begins with that of another, as a proof shows.
    public func isConsistent(_ old: SignedNote, _ new: SignedNote, proof: [Digest]) -> Bool {
        guard let old = checkpoint(old), let new = checkpoint(new), old.origin.isIdentical(to: new.origin),
            let oldRoot = TreeHash(bytes: old.root.bytes), let newRoot = TreeHash(bytes: new.root.bytes),
            var hasher = try? TreeHasher()
        else { return false }
        let hashes = proof.compactMap { TreeHash(bytes: $0.bytes) }
        return (try? ProofCheck.isConsistent(old.size, oldRoot, new.size, newRoot, hashes, &hasher)) == true
    }

    /// Checks a whole log, entry by entry, against its checkpoint and one that was held elsewhere.
    public func session(_ note: SignedNote, held: SignedNote? = nil) -> Session {
        Session(note: checkpoint(note), isHeld: held != nil, held: held.flatMap { checkpoint($0) })
    }

    /// Checks leaves that are all at hand. `hashes` are the stored hashes of the leaves, by which a wrong one is found.
    public func verify(
        leaves: [[UInt8]], hashes: [Digest]? = nil, _ note: SignedNote, held: SignedNote? = nil
    ) -> AuditVerification {
        var session = session(note, held: held)
        for (index, leaf) in leaves.enumerated() {
            session.add(leaf, stored: hashes.flatMap { index < $0.count ? $0[index] : nil })
        }
        return session.finish()
    }
}

extension AuditVerifier {
    /// A check in progress: leaves are added in order, and need not all be in memory.
    public struct Session: Sendable {
        private let note: Checkpoint?
        private let isHeld: Bool
        private let held: Checkpoint?
        private var tree = MerkleTree()
        private var firstWrong: Int?
        private var isForked = false
        private var wasCompared = false
        private var hasFailed = false

        init(note: Checkpoint?, isHeld: Bool, held: Checkpoint?) {
            self.note = note
            self.isHeld = isHeld
            self.held = held
            compareWithHeld()
        }

        /// The number of leaves so far, those that were pruned among them.
        public var count: Int { tree.size }

        /// Begins behind entries that were removed, whose hashes are left: those of the whole nodes that they make up, the
        /// largest first. Only before the first leaf.
        mutating func skip(_ size: Int, peaks: [TreeHash]) {
            guard tree.size == 0, let start = MerkleTree(size: size, peaks: peaks) else {
                hasFailed = true
                return
            }
            tree = start
            compareWithHeld()
        }

        /// Begins behind the first `count` entries of an exported log that was pruned, by the tiles above them. Only before
        /// the first leaf; `file` gives the bytes of a path.
        public mutating func skip(_ count: Int, of size: Int, file: (String) throws -> [UInt8]?) rethrows {
            var peaks: [TreeHash] = []
            guard count.isMultiple(of: Tile.width), var hasher = try? TreeHasher() else {
                hasFailed = true
                return
            }
            for node in ProofPlan.nodes(0..<max(0, count)) {
                let path = LogFiles.tile(level: node.tile.level, node.tile.index, size: size).path
                guard let bytes = try file(path), let hashes = Tile.hashes(bytes),
                    let peak = try? node.hash(in: Tile(hashes: hashes), &hasher)
                else {
                    hasFailed = true
                    return
                }
                peaks.append(peak)
            }
            skip(count, peaks: peaks)
        }

        /// Adds the next leaf, and the hash that the log stores of it.
        public mutating func add(_ leaf: [UInt8], stored: Digest? = nil) {
            add(contentsOf: [leaf], stored: stored.map { [$0] } ?? [])
        }

        /// Adds the next leaves, and the hashes that the log stores of them, as far as it does. Complexity: O(bytes).
        public mutating func add(contentsOf leaves: [[UInt8]], stored: [Digest] = []) {
            do throws(CryptoError) {
                var hasher = try TreeHasher()
                for (offset, leaf) in leaves.enumerated() {
                    let hash = try hasher.leaf(leaf)
                    if offset < stored.count, firstWrong == nil, stored[offset].bytes != hash.bytes {
                        firstWrong = tree.size
                    }
                    try tree.append(hash, &hasher) { _, _ in }
                    compareWithHeld()
                }
            } catch {
                hasFailed = true
            }
        }

        private mutating func compareWithHeld() {
            guard let held, held.size == tree.size, held.size > 0 else { return }
            isForked = root != held.root
            wasCompared = true
        }

        private var root: Digest? {
            guard var hasher = try? TreeHasher() else { return nil }
            return (try? tree.root(&hasher))?.digest
        }

        /// What the check came to.
        public func finish() -> AuditVerification {
            guard let note, !hasFailed, !isHeld || held != nil else { return .badSignature }
            if let held {
                guard held.origin.isIdentical(to: note.origin) else { return .otherLog }
            }
            if tree.size == note.size, root == note.root {
                if let firstWrong { return .alteredTile(index: firstWrong) }
                guard let held else { return .unanchored(size: note.size) }
                if held.size > note.size { return .truncated(have: note.size, want: held.size) }
                // What was held lies among the entries that were pruned.
                guard wasCompared || held.size == 0 else { return .unanchored(size: note.size) }
                return isForked ? .forked(at: held.size) : .intact(size: note.size, anchoredAt: held.size)
            }
            if let firstWrong { return .altered(index: firstWrong) }
            if tree.size < note.size { return .truncated(have: tree.size, want: max(note.size, held?.size ?? 0)) }
            if tree.size > note.size { return .altered(index: note.size) }
            return .altered(index: nil)
        }
    }
}
