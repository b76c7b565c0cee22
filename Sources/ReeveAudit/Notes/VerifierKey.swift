// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
public import ReeveModel

/// The public key of a log or of a witness, with its name (c2sp.org/signed-note, "verifier key").
///
/// Its text is `name+8 hexadecimal digits+base64`, as other tools read it. A log's key is of type 1, a witness's of type 4.
public struct VerifierKey: Hashable, Sendable, TextCodable {
    /// What a key signs.
    public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// A log signs its checkpoints.
        case log = 1
        /// A witness signs that it saw a checkpoint, with the time (c2sp.org/tlog-cosignature).
        case witness = 4
    }

    /// The name: not empty, without white space and `+`.
    public let name: String
    /// What it signs.
    public let kind: Kind
    /// The Ed25519 public key; 32 bytes.
    public let bytes: [UInt8]
    /// The first four bytes of SHA-256 over name, line feed, type and key.
    let id: [UInt8]

    /// A key; `nil` for a bad name or another length than 32 bytes, or when the crypto engine failed.
    public init?(name: String, kind: Kind = .log, bytes: [UInt8]) {
        guard Self.isName(name), bytes.count == 32,
            let digest = try? Digest(hashing: Array(name.utf8) + [0x0A, kind.rawValue] + bytes)
        else { return nil }
        self.name = name
        self.kind = kind
        self.bytes = bytes
        id = Array(digest.bytes.prefix(4))
    }

    init(name: String, kind: Kind, of key: SigningKey) throws(AuditError) {
        guard let bytes = try? key.verifyingKey.bytes else { throw AuditError(.cryptoFailed) }
        guard let verifier = VerifierKey(name: name, kind: kind, bytes: bytes) else { throw AuditError(.badName) }
        self = verifier
    }

    /// Whether a text can be a key's name.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 256
            && text.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0 != "+" && $0.value >= 0x20 }
    }

    /// The text form.
    public var description: String { "\(name)+\(Hex.encode(id))+\(Base64.encode([kind.rawValue] + bytes))" }

    /// Reads the text form; the id must be the key's.
    public init?(_ text: String) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let blob = Base64.decode(parts[2].utf8), let type = blob.first,
            let kind = Kind(rawValue: type)
        else { return nil }
        self.init(name: String(parts[0]), kind: kind, bytes: Array(blob.dropFirst()))
        guard Hex.encode(id) == parts[1].lowercased() else { return nil }
    }

    /// Whether a signature of this key's name and id is its signature of a note's text.
    func isValid(_ signature: [UInt8], of text: [UInt8]) -> Bool {
        guard let key = try? VerifyingKey(bytes: bytes) else { return false }
        switch kind {
        case .log: return (try? key.isValid(signature, for: text)) == true
        case .witness:
            guard signature.count == 72, let time = Self.time(of: signature) else { return false }
            let message = Self.cosigned(text, at: time)
            return (try? key.isValid(Array(signature[8...]), for: message)) == true
        }
    }

    /// What a witness signs.
    static func cosigned(_ text: [UInt8], at seconds: Int64) -> [UInt8] {
        Array("cosignature/v1\ntime \(seconds)\n".utf8) + text
    }

    /// The seconds in front of a witness's signature.
    static func time(of signature: [UInt8]) -> Int64? {
        let seconds = signature.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return signature.count == 72 && seconds <= UInt64(Int64.max) ? Int64(seconds) : nil
    }
}
