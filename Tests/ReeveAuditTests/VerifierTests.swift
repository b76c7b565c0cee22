// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveTesting
import Testing

@testable import ReeveAudit

/// A signed log made without a store.
private struct MadeLog {
    let leaves: [[UInt8]]
    let hashes: [Digest]
    let note: SignedNote
    let key: VerifierKey
    private let signer: SigningKey

    init(_ leaves: [[UInt8]], origin: String = "example.com/audit/ws", seed: UInt8 = 9) throws {
        self.leaves = leaves
        signer = try SigningKey(seed: SecretBytes(copying: [UInt8](repeating: seed, count: 32)))
        key = try VerifierKey(name: "example.com/audit", kind: .log, of: signer)
        var hasher = try TreeHasher()
        var hashes: [TreeHash] = []
        for leaf in leaves { hashes.append(try hasher.leaf(leaf)) }
        self.hashes = hashes.compactMap(\.digest)
        let root = try TestTree.root(hashes[...])
        let text = Checkpoint(origin: origin, size: leaves.count, root: try #require(root.digest)).text
        note = SignedNote(
            text: text, signatures: [.init(name: key.name, id: key.id, bytes: try signer.sign(text))])
    }

    var verifier: AuditVerifier { AuditVerifier(keys: [key]) }

    /// The log of the first so many leaves, as it was once.
    func prefix(_ count: Int) throws -> MadeLog { try MadeLog(Array(leaves.prefix(count))) }
}

/// Law L20: every change of a log is reported at the right place.
@Suite struct VerifierProperties {
    private func log(_ count: Int) throws -> MadeLog {
        try MadeLog((0..<count).map { Array("{\"entry\":\"number \($0) of the log\",\"writer\":\"w\"}".utf8) })
    }

    @Test func everyChangeIsReportedWhereItIs() throws {
        let count = Scale.current.cases(ci: 40, soak: 300)
        let log = try log(count)
        let held = try log.prefix(count / 2)
        let verifier = log.verifier
        func verify(_ leaves: [[UInt8]], _ hashes: [Digest]? = nil, _ held: MadeLog? = nil) -> AuditVerification {
            verifier.verify(leaves: leaves, hashes: hashes ?? log.hashes, log.note, held: held?.note)
        }
        #expect(verify(log.leaves) == .unanchored(size: count))
        #expect(verify(log.leaves, nil, held) == .intact(size: count, anchoredAt: count / 2))
        // Every bit of every entry.
        for index in log.leaves.indices {
            var leaves = log.leaves
            for byte in leaves[index].indices {
                for bit in 0..<8 {
                    leaves[index][byte] ^= 1 << UInt8(bit)
                    let found = verify(leaves)
                    if found != .altered(index: index) {
                        Issue.record("bit \(bit) of byte \(byte) of \(index): \(found)")
                    }
                    leaves[index][byte] ^= 1 << UInt8(bit)
                }
            }
            // Every bit of every stored hash.
            var hashes = log.hashes
            var bytes = hashes[index].bytes
            for bit in 0..<256 {
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
                hashes[index] = try #require(Digest(bytes: bytes))
                let found = verify(log.leaves, hashes)
                if found != .alteredTile(index: index) { Issue.record("hash bit \(bit) of \(index): \(found)") }
                bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            }
            // Deletion, insertion, doubling.
            leaves = log.leaves
            leaves.remove(at: index)
            let last = index == count - 1
            #expect(verify(leaves) == (last ? .truncated(have: count - 1, want: count) : .altered(index: index)))
            leaves = log.leaves
            leaves.insert(Array("{}".utf8), at: index)
            #expect(verify(leaves) == .altered(index: index))
            leaves = log.leaves
            leaves.insert(leaves[index], at: index)
            #expect(verify(leaves) == .altered(index: last ? count : index + 1))
        }
        #expect(verify(log.leaves + [Array("{}".utf8)]) == .altered(index: count))
        // Every swap.
        for first in 0..<count {
            for second in first + 1..<count {
                var leaves = log.leaves
                leaves.swapAt(first, second)
                let found = verify(leaves)
                if found != .altered(index: first) { Issue.record("swap \(first), \(second): \(found)") }
            }
        }
    }

    /// A log that was cut together with its checkpoint is seen by who held a later one, and is unanchored to all others.
    @Test func truncationShowsAgainstAHeldCheckpointAlone() throws {
        let count = Scale.current.cases(ci: 40, soak: 300)
        let log = try log(count)
        for size in 1..<count {
            let cut = try log.prefix(size)
            let verifier = log.verifier
            #expect(verifier.verify(leaves: cut.leaves, hashes: cut.hashes, cut.note) == .unanchored(size: size))
            #expect(
                verifier.verify(leaves: cut.leaves, hashes: cut.hashes, cut.note, held: log.note)
                    == .truncated(have: size, want: count))
            #expect(
                verifier.verify(leaves: cut.leaves, hashes: cut.hashes, log.note) == .truncated(have: size, want: count)
            )
            // Another history after the cut, signed by the same key.
            var other = Array(log.leaves.prefix(size))
            other[size - 1] = Array("{\"entry\":\"another\"}".utf8)
            let forked = try MadeLog(other + log.leaves.dropFirst(size))
            #expect(
                verifier.verify(leaves: forked.leaves, hashes: forked.hashes, forked.note, held: cut.note)
                    == .forked(at: size))
        }
    }

    @Test func everyBitOfASignedNoteCounts() throws {
        let log = try log(5)
        let bytes = log.note.bytes
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let note = SignedNote(bytes: changed) else { continue }
            #expect(log.verifier.verify(leaves: log.leaves, note) == .badSignature, "bit \(bit)")
            #expect(log.verifier.verify(leaves: log.leaves, log.note, held: note) == .badSignature, "bit \(bit)")
        }
        for count in 0..<bytes.count { #expect(SignedNote(bytes: Array(bytes.prefix(count))) == nil) }
    }

    /// Notes, proofs and keys of random and of mutated bytes are refused or read; nothing crashes, nothing is accepted.
    @Test func hostileBytesAreRefused() throws {
        var random = Scale.current.generator(for: "audit.hostile")
        let log = try log(9)
        let tree = try TestTree(log.leaves)
        let hashes = try tree.proof(ProofPlan.inclusion(4, in: 9)).compactMap(\.digest)
        let proof = InclusionProof(index: 4, hashes: hashes, checkpoint: log.note)
        #expect(InclusionProof(bytes: proof.bytes) == proof)
        #expect(log.verifier.isIncluded(log.leaves[4], by: proof))
        let texts = [log.note.bytes, proof.bytes, Array(log.key.description.utf8), LogFiles.bundle(log.leaves)]
        for _ in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            var bytes = texts[Int.random(in: 0..<texts.count, using: &random)]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<4, using: &random) {
                case 0 where !bytes.isEmpty:
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                case 1 where !bytes.isEmpty: bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
                case 2:
                    bytes.insert(
                        UInt8.random(in: 0...255, using: &random), at: Int.random(in: 0...bytes.count, using: &random))
                default: bytes += bytes.suffix(Int.random(in: 0...40, using: &random))
                }
            }
            if let note = SignedNote(bytes: bytes), note.text != log.note.text {
                #expect(log.verifier.checkpoint(note) == nil)
            }
            if let changed = InclusionProof(bytes: bytes), changed.index != 4 || changed.hashes != proof.hashes {
                #expect(!log.verifier.isIncluded(log.leaves[4], by: changed))
            }
            if let key = VerifierKey(String(decoding: bytes, as: UTF8.self)) { #expect(key.bytes.count == 32) }
            _ = LogFiles.leaves(ofBundle: bytes)
            _ = LogFiles.hashes(ofTile: bytes)
            _ = SequencedEntry(leaf: bytes, index: 0)
        }
    }
}

@Suite struct NoteTests {
    /// The test vector of the note format's first implementation.
    @Test func thePublishedVectorVerifies() throws {
        let key = try #require(
            VerifierKey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"))
        let text =
            "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
        let line =
            "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
        let note = try #require(SignedNote(bytes: Array((text + "\n" + line).utf8)))
        #expect(note.valid([key]) == 1 && note.bytes == Array((text + "\n" + line).utf8))
        #expect(key.description == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        for bad in [
            "", "a", "a+b+c", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "a b+00000000+AQ==",
        ] {
            #expect(VerifierKey(bad) == nil)
        }
    }

    @Test func checkpointsHaveOneSpelling() {
        let root = String(repeating: "A", count: 43) + "="
        func read(_ text: String) -> Checkpoint? { Checkpoint(text: Array(text.utf8)) }
        #expect(read("a\n0\n\(root)\n")?.size == 0 && read("a b\n17\n\(root)\nmore\n")?.origin == "a b")
        for bad in [
            "", "a\n", "a\n1\n", "\n1\n\(root)\n", "a\n01\n\(root)\n", "a\n-1\n\(root)\n", "a\n1\n\(root)",
            "a\n1\nAAAA\n",
            "a\n1\n\(root)\n\n", "a\n99999999999999999999\n\(root)\n", "a\n+1\n\(root)\n",
        ] { #expect(read(bad) == nil, "\(bad)") }
    }

    /// To change a key both sign for a while; who trusts either sees the log as intact, and a wrong second signature counts.
    @Test func keysRotateByOverlap() throws {
        let leaves = [[UInt8](repeating: 1, count: 3)]
        let (old, new) = (try MadeLog(leaves, seed: 1), try MadeLog(leaves, seed: 2))
        var both = old.note
        both.signatures += new.note.signatures
        for log in [old, new] { #expect(log.verifier.verify(leaves: leaves, both) == .unanchored(size: 1)) }
        #expect(old.verifier.verify(leaves: leaves, new.note) == .badSignature)
        both.signatures[1].bytes[5] ^= 1
        #expect(new.verifier.verify(leaves: leaves, both) == .badSignature)
        #expect(old.verifier.verify(leaves: leaves, both) == .unanchored(size: 1))
        #expect(AuditVerifier(keys: []).verify(leaves: leaves, old.note) == .badSignature)
    }

    /// A checkpoint of another log, signed by the same key, is none of this one.
    @Test func anotherLogIsTold() throws {
        let leaves = [[UInt8](repeating: 1, count: 3)]
        let (log, other) = (try MadeLog(leaves), try MadeLog(leaves, origin: "example.com/audit/other"))
        #expect(log.verifier.verify(leaves: leaves, log.note, held: other.note) == .otherLog)
    }
}
