// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
public import ReeveModel

/// Proof that an entry is in a log, to be checked without the log (c2sp.org/tlog-proof@v1).
public struct InclusionProof: Hashable, Sendable {
    /// The entry's index.
    public let index: Int
    /// The hashes from the leaf's sibling up.
    public let hashes: [Digest]
    /// The checkpoint that the proof leads to.
    public let checkpoint: SignedNote

    private static let header = "c2sp.org/tlog-proof@v1"

    init(index: Int, hashes: [Digest], checkpoint: SignedNote) {
        self.index = index
        self.hashes = hashes
        self.checkpoint = checkpoint
    }

    /// Reads a proof file; `nil` for one that is malformed.
    public init?(bytes: [UInt8]) {
        guard bytes.count <= SignedNote.maximumBytes * 2,
            let gap = bytes.indices.dropLast().first(where: { bytes[$0] == 0x0A && bytes[$0 + 1] == 0x0A }),
            let note = SignedNote(bytes: Array(bytes[(gap + 2)...]))
        else { return nil }
        var lines = bytes[..<gap].split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count >= 2, Array(lines.removeFirst()) == Array(Self.header.utf8) else { return nil }
        if lines[0].starts(with: Array("extra ".utf8)) {
            guard Base64.decode(lines.removeFirst().dropFirst(6)) != nil else { return nil }
        }
        guard let first = lines.first, first.starts(with: Array("index ".utf8)),
            let index = Checkpoint.number(first.dropFirst(6)), lines.count <= 65
        else { return nil }
        let hashes = lines.dropFirst().compactMap { Base64.decode($0).flatMap(Digest.init(bytes:)) }
        guard hashes.count == lines.count - 1 else { return nil }
        self.init(index: index, hashes: hashes, checkpoint: note)
    }

    /// The proof file.
    public var bytes: [UInt8] {
        var text = "\(Self.header)\nindex \(index)\n"
        for hash in hashes { text += Base64.encode(hash.bytes) + "\n" }
        return Array(text.utf8) + [0x0A] + checkpoint.bytes
    }
}
