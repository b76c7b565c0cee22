// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL

/// A private key for Ed25519 signatures (RFC 8032). Any number of tasks may use one value at the same time.
public final class SigningKey: Sendable {
    private let handle: PublicKeyHandle

    /// The key of a 32-byte seed.
    public init(seed: borrowing SecretBytes) throws(CryptoError) {
        guard seed.count == 32 else { throw CryptoError(.invalidLength) }
        guard seed.isAlive else { throw CryptoError(.lostInFork) }
        let created = unsafe seed.withBytes { span in
            unsafe span.withUnsafeBytes { bytes in
                let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_PKEY_new_raw_private_key_ex(nil, "ED25519", nil, start, 32)
            }
        }
        guard let pointer = unsafe created else { throw PublicKeyHandle.failure() }
        handle = unsafe PublicKeyHandle(pointer)
    }

    /// A new key.
    public static func random() throws(CryptoError) -> SigningKey {
        try SigningKey(seed: SecretBytes.random(count: 32))
    }

    /// The key that verifies what this one signs.
    public var verifyingKey: VerifyingKey {
        get throws(CryptoError) {
            var bytes = [UInt8](repeating: 0, count: 32)
            var count = 32
            guard unsafe EVP_PKEY_get_raw_public_key(handle.pointer, &bytes, &count) == 1, count == 32 else {
                throw PublicKeyHandle.failure()
            }
            return try VerifyingKey(bytes: bytes)
        }
    }

    /// The 64-byte signature of a message; always the same for the same message.
    public func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw CryptoError(.outOfMemory) }
        defer { unsafe EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var count = 64
        guard unsafe EVP_DigestSignInit(context, nil, nil, nil, handle.pointer) == 1,
            unsafe EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == 64
        else { throw PublicKeyHandle.failure() }
        return signature
    }
}

/// A public key for Ed25519 signatures (RFC 8032).
public final class VerifyingKey: Sendable {
    /// The 32 bytes of the key.
    public let bytes: [UInt8]
    private let handle: PublicKeyHandle

    /// A key of exactly 32 bytes. Whether they are a point that a signer would make is not checked: take keys from where
    /// they are vouched for.
    public init(bytes: [UInt8]) throws(CryptoError) {
        guard bytes.count == 32 else { throw CryptoError(.invalidLength) }
        guard let pointer = unsafe EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, bytes, 32) else {
            throw PublicKeyHandle.failure()
        }
        self.bytes = bytes
        handle = unsafe PublicKeyHandle(pointer)
    }

    /// Whether `signature` is the key's signature of `message`; false for any other length than 64.
    public func isValid(_ signature: [UInt8], for message: [UInt8]) throws(CryptoError) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { throw CryptoError(.outOfMemory) }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard signature.count == 64 else { return false }
        guard unsafe EVP_DigestVerifyInit(context, nil, nil, nil, handle.pointer) == 1 else {
            throw PublicKeyHandle.failure()
        }
        let isValid = unsafe EVP_DigestVerify(context, signature, 64, message, message.count) == 1
        ERR_clear_error()
        return isValid
    }
}

/// A key of libcrypto's, freed with its last user. libcrypto allows concurrent use of one that does not change.
@safe private final class PublicKeyHandle: Sendable {
    // Sendable by hand: OpaquePointer is not. It is set once, and the key behind it is only read; a lock in its place would
    // make signers of one key wait for each other.
    nonisolated(unsafe) let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }

    deinit { unsafe EVP_PKEY_free(pointer) }

    static func failure() -> CryptoError {
        ERR_clear_error()
        return CryptoError(.engineFailed)
    }
}
