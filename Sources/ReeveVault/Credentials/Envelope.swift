// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel

/// The bytes of a sealed value in a row: `0xC1`, suite 1, key id (8), nonce (12), ciphertext, tag (16).
///
/// `0xC1` never occurs in UTF-8, so no plaintext can be taken for an envelope. Parsing is strict: an unknown suite or
/// another key's id is refused before the cipher runs, and nothing else is tried.
enum Envelope {
    private static let magic: UInt8 = 0xC1
    private static let suite: UInt8 = 1
    private static let headerBytes = 10
    /// Bytes that an envelope adds to its plaintext: 38.
    static let overhead = headerBytes + KeyHandle.overhead

    /// What is authenticated: the envelope's header, then what the value is bound to.
    static func authenticated(_ key: OpenKey, _ data: [UInt8]) -> [UInt8] {
        [magic, suite] + key.commitment.bytes.prefix(8) + data
    }

    static func seal(
        _ content: borrowing SecretBytes, with key: OpenKey, _ data: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let authenticated = authenticated(key, data)
        let sealed = try content.withLiveBytes { (span) throws(CryptoError) in
            try key.handle.seal(span, authenticating: authenticated)
        }
        return authenticated.prefix(headerBytes) + sealed
    }

    /// Whether an envelope names this key, if its form is right.
    static func names(_ key: OpenKey, in bytes: [UInt8]) -> Bool {
        bytes.count >= overhead && bytes[2..<headerBytes].elementsEqual(key.commitment.bytes.prefix(8))
    }

    // MARK: Values that stand alone

    private static let loneSuite: UInt8 = 2
    private static let loneHeaderBytes = headerBytes + 32

    /// The header of an envelope that stands alone: the key's whole commitment follows its id.
    private static func loneHeader(_ key: OpenKey) -> [UInt8] {
        [magic, loneSuite] + key.commitment.bytes.prefix(8) + key.commitment.bytes
    }

    static func sealAlone(
        _ content: borrowing SecretBytes, with key: OpenKey, _ data: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let header = loneHeader(key)
        let sealed = try content.withLiveBytes { (span) throws(CryptoError) in
            try key.handle.seal(span, authenticating: header + data)
        }
        return header + sealed
    }

    /// The commitment that an envelope names, if its form is right.
    static func commitment(ofLone bytes: [UInt8]) -> Digest? {
        guard bytes.count >= loneHeaderBytes + KeyHandle.overhead, bytes[0] == magic, bytes[1] == loneSuite,
            bytes[2..<headerBytes].elementsEqual(bytes[headerBytes..<headerBytes + 8])
        else { return nil }
        return Digest(bytes: Array(bytes[headerBytes..<loneHeaderBytes]))
    }

    static func openAlone(_ bytes: [UInt8], with key: OpenKey, _ data: [UInt8]) throws(CryptoError) -> SecretBytes {
        let header = loneHeader(key)
        guard bytes.starts(with: header) else { throw CryptoError(.authenticationFailed) }
        return try key.handle.open(bytes[loneHeaderBytes...], authenticating: header + data)
    }

    /// Opens an envelope with what ``authenticated(_:_:)`` says.
    static func open(
        _ bytes: [UInt8], with key: OpenKey, authenticated: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        guard bytes.count >= overhead, bytes[..<headerBytes] == authenticated[..<headerBytes] else {
            throw CryptoError(.authenticationFailed)
        }
        return try key.handle.open(bytes[headerBytes...], authenticating: authenticated)
    }
}
