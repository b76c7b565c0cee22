// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Crypto
import Foundation
import ReeveCrypto
import ReeveModel
import ReeveTesting
import Testing

/// Every primitive agrees with swift-crypto on 10,000 inputs, among them every length from 0 to 256 bytes.
@Suite struct OracleTests {
    private static let inputs = 10_000

    /// Calls `body` with a generator and a length, each length from 0 to 256 many times.
    private func forEachInput(
        _ property: String, _ body: (inout SeededGenerator, Int) throws -> Void
    ) throws {
        var generator = Scale.current.generator(for: property)
        for index in 0..<Self.inputs { try body(&generator, index % 257) }
    }

    private func bytes(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private func plain(_ secret: borrowing SecretBytes) -> [UInt8] {
        secret.withBytes { span in (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) } }
    }

    @Test func aesGCM() throws {
        try forEachInput("AES-256-GCM against swift-crypto") { generator, length in
            let (key, message) = (bytes(32, &generator), bytes(length, &generator))
            let data = bytes(Int.random(in: 0...64, using: &generator), &generator)
            let (mine, theirs) = (try KeyHandle(SecretBytes(copying: key)), SymmetricKey(data: key))
            let secret = try SecretBytes(copying: message)
            let sealed = try secret.withBytes { try mine.seal($0, authenticating: data) }
            let opened = try AES.GCM.open(AES.GCM.SealedBox(combined: sealed), using: theirs, authenticating: data)
            #expect(Array(opened) == message)
            let box = try AES.GCM.seal(message, using: theirs, authenticating: data)
            let back = try mine.open(Array(try #require(box.combined))[...], authenticating: data)
            let text = plain(back)
            #expect(text == message)
            // What one refuses the other refuses.
            var bad = sealed
            bad[Int.random(in: 0..<bad.count, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            #expect(throws: (any Error).self) { _ = try mine.open(bad[...], authenticating: data) }
            #expect(throws: (any Error).self) {
                _ = try AES.GCM.open(AES.GCM.SealedBox(combined: bad), using: theirs, authenticating: data)
            }
        }
    }

    @Test func hmac() throws {
        try forEachInput("HMAC-SHA256 against swift-crypto") { generator, length in
            let (key, message) = (
                bytes(Int.random(in: 32...200, using: &generator), &generator), bytes(length, &generator)
            )
            let mine = try HMACKey(SecretBytes(copying: key)).authenticate(message)
            #expect(mine == Array(HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key))))
        }
    }

    @Test func sha256() throws {
        try forEachInput("SHA-256 against swift-crypto") { generator, length in
            let message = bytes(length, &generator)
            let mine = try ReeveModel.Digest(hashing: message).bytes
            #expect(mine == Array(SHA256.hash(data: message)))
        }
    }

    @Test func hkdf() throws {
        try forEachInput("HKDF-SHA256 against swift-crypto") { generator, length in
            let (material, info) = (
                bytes(Int.random(in: 1...100, using: &generator), &generator), bytes(length, &generator)
            )
            let salt = bytes(Int.random(in: 0...80, using: &generator), &generator)
            let count = Int.random(in: 1...300, using: &generator)
            let mine = try ReeveCrypto.HKDF.derive(SecretBytes(copying: material), salt: salt, info: info, count: count)
            let theirs = Crypto.HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: material), salt: salt, info: info, outputByteCount: count)
            let text = plain(mine)
            #expect(theirs.withUnsafeBytes { Array($0) } == text)
        }
    }

    @Test func ed25519() throws {
        try forEachInput("Ed25519 against swift-crypto") { generator, length in
            let (seed, message) = (bytes(32, &generator), bytes(length, &generator))
            let mine = try SigningKey(seed: SecretBytes(copying: seed))
            let theirs = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
            let public1 = try mine.verifyingKey
            #expect(public1.bytes == Array(theirs.publicKey.rawRepresentation))
            let signature = try mine.sign(message)
            #expect(theirs.publicKey.isValidSignature(signature, for: message))
            let other = Array(try theirs.signature(for: message))
            #expect(try public1.isValid(other, for: message))
            var bad = signature
            bad[Int.random(in: 0..<64, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            let (here, there) = (
                try public1.isValid(bad, for: message), theirs.publicKey.isValidSignature(bad, for: message)
            )
            #expect(!here && !there)
        }
    }
}
