// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
public import ReeveModel

/// Holds the key that signs a log's checkpoints, in this process or elsewhere. All calls may be made concurrently.
public protocol CheckpointSigner: Sendable {
    /// The key that verifies what this one signs, of kind ``VerifierKey/Kind/log``.
    var verifierKey: VerifierKey { get }
    /// The 64-byte Ed25519 signature of a text.
    func sign(_ text: [UInt8]) async throws -> [UInt8]
}

/// A signing key in this process.
public struct LocalCheckpointSigner: CheckpointSigner {
    /// The key that verifies what this one signs.
    public let verifierKey: VerifierKey
    private let key: SigningKey

    /// A signer under a name, such as `example.com/audit`: not empty, without white space and `+`.
    public init(name: String, key: SigningKey) throws(AuditError) {
        verifierKey = try VerifierKey(name: name, kind: .log, of: key)
        self.key = key
    }

    /// Signs a text.
    public func sign(_ text: [UInt8]) async throws -> [UInt8] { try key.sign(text) }
}

/// Somebody outside who signs that a log only grew, with the time (c2sp.org/tlog-cosignature).
public protocol CheckpointWitness: Sendable {
    /// The key that verifies what this one signs, of kind ``VerifierKey/Kind/witness``.
    var verifierKey: VerifierKey { get }
    /// The size of the last checkpoint of a log that the witness has signed; 0 when it has seen none.
    func lastSize(of origin: String) async throws -> Int
    /// The seconds since 1970 in eight big-endian bytes and the 64-byte signature, for a checkpoint that continues the last
    /// one of this log that the witness has seen. `proof` shows that for that one's size, `old`.
    func cosign(_ checkpoint: SignedNote, since old: Int, proof: [Digest]) async throws -> [UInt8]
}

/// A witness in this process, for tests and for a host that keeps one on another machine.
public actor LocalWitness: CheckpointWitness {
    /// The key that verifies what this one signs.
    public nonisolated let verifierKey: VerifierKey
    private let key: SigningKey
    private let logs: [VerifierKey]
    private let time: any TimeSource
    private var seen: [String: Checkpoint] = [:]

    /// A witness for the logs whose keys these are.
    public init(name: String, key: SigningKey, logs: [VerifierKey], time: any TimeSource = SystemTime())
        throws(AuditError)
    {
        verifierKey = try VerifierKey(name: name, kind: .witness, of: key)
        self.key = key
        self.logs = logs
        self.time = time
    }

    /// The size of the last checkpoint of a log that was signed.
    public func lastSize(of origin: String) async throws -> Int { seen[origin]?.size ?? 0 }

    /// Signs a checkpoint that one of the logs signed, when it continues the last one that was seen.
    public func cosign(_ checkpoint: SignedNote, since old: Int, proof: [Digest]) async throws -> [UInt8] {
        guard let count = checkpoint.valid(logs), count > 0, let new = Checkpoint(text: checkpoint.text) else {
            throw AuditError(.badSignature)
        }
        let last = seen[new.origin]
        guard (last?.size ?? 0) == old else { throw AuditError(.forked) }
        let hashes = proof.compactMap { TreeHash(bytes: $0.bytes) }
        var hasher = try TreeHasher()
        let empty = try TreeHash.emptyRoot
        guard let newRoot = TreeHash(bytes: new.root.bytes),
            try ProofCheck.isConsistent(
                old, last.flatMap { TreeHash(bytes: $0.root.bytes) } ?? empty, new.size, newRoot, hashes, &hasher)
        else { throw AuditError(.forked) }
        seen[new.origin] = new
        let seconds = time.now.microseconds / 1_000_000
        var signature: [UInt8] = []
        signature.appendBigEndian(UInt64(max(0, seconds)))
        return signature + (try key.sign(VerifierKey.cosigned(checkpoint.text, at: max(0, seconds))))
    }
}
