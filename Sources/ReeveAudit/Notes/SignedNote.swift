// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// A text and signatures of it (c2sp.org/signed-note): the form in which checkpoints leave the log.
public struct SignedNote: Hashable, Sendable {
    /// One signature line.
    struct Signature: Hashable, Sendable {
        var name: String
        var id: [UInt8]
        var bytes: [UInt8]
    }

    /// At most this many bytes are read.
    static let maximumBytes = 1 << 16
    /// At most this many signatures.
    static let maximumSignatures = 64

    /// The text that is signed, with its last line feed.
    public let text: [UInt8]
    /// The signatures.
    var signatures: [Signature]

    init(text: [UInt8], signatures: [Signature] = []) {
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note; `nil` for one that is malformed or oversize. Signatures are not checked.
    public init?(bytes: [UInt8]) {
        guard bytes.count <= Self.maximumBytes, bytes.last == 0x0A, !bytes.contains(where: { $0 < 0x20 && $0 != 0x0A }),
            String(validating: bytes, as: UTF8.self) != nil,
            let gap = bytes.indices.dropLast().last(where: { bytes[$0] == 0x0A && bytes[$0 + 1] == 0x0A }), gap > 0
        else { return nil }
        text = Array(bytes[...gap])
        signatures = []
        for line in bytes[(gap + 2)...].dropLast().split(separator: 0x0A, omittingEmptySubsequences: false) {
            let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
            guard parts.count == 3, Array(parts[0]) == Array("\u{2014}".utf8),
                let name = String(validating: parts[1], as: UTF8.self), VerifierKey.isName(name),
                let blob = Base64.decode(parts[2]), blob.count > 4, signatures.count < Self.maximumSignatures
            else { return nil }
            signatures.append(Signature(name: name, id: Array(blob.prefix(4)), bytes: Array(blob.dropFirst(4))))
        }
        guard !signatures.isEmpty else { return nil }
    }

    /// The note as it is published.
    public var bytes: [UInt8] {
        var bytes = text + [0x0A]
        for signature in signatures {
            bytes += Array("\u{2014} \(signature.name) \(Base64.encode(signature.id + signature.bytes))\n".utf8)
        }
        return bytes
    }

    /// How many of these keys have signed; `nil` when a signature under the name and id of one of them is wrong.
    func valid(_ keys: [VerifierKey]) -> Int? {
        var valid = Set<VerifierKey>()
        for signature in signatures {
            for key in keys where key.name.isIdentical(to: signature.name) && key.id == signature.id {
                guard key.isValid(signature.bytes, of: text) else { return nil }
                valid.insert(key)
            }
        }
        return valid.count
    }
}

/// A log's size and root: what a checkpoint says (c2sp.org/tlog-checkpoint).
public struct Checkpoint: Hashable, Sendable {
    /// Which log.
    public let origin: String
    /// How many entries it has.
    public let size: Int
    /// The root over them.
    public let root: Digest

    /// A checkpoint.
    public init(origin: String, size: Int, root: Digest) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// The checkpoint in a note's text; `nil` when it is none. Further lines are passed over.
    public init?(text: [UInt8]) {
        guard text.last == 0x0A else { return nil }
        let lines = text.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard lines.count >= 3, lines.allSatisfy({ !$0.isEmpty }),
            let origin = String(validating: lines[0], as: UTF8.self),
            let size = Self.number(lines[1]), let hash = Base64.decode(lines[2]), let root = Digest(bytes: hash)
        else { return nil }
        self.init(origin: origin, size: size, root: root)
    }

    /// The note's text.
    var text: [UInt8] { Array("\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n".utf8) }

    /// A decimal number without leading zeros.
    static func number(_ digits: some Collection<UInt8>) -> Int? {
        guard (1...18).contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }),
            digits.count == 1 || digits.first != 48
        else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1) - 48 }
    }
}
