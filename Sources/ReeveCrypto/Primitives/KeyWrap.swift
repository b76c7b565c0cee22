// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL

/// AES-256 key wrap with padding (RFC 5649, NIST SP 800-38F), for keys that cross a border: import from and export to
/// hardware modules. Inside Reeve keys are wrapped with AES-GCM, which binds them to their place.
public struct KeyWrap: Sendable {
    private let key: KeyMaterial

    /// Key material of its own, so that the struct can be shared.
    private final class KeyMaterial: Sendable {
        let bytes: SecretBytes
        init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
    }

    /// A wrapping key of exactly 32 bytes.
    public init(_ key: consuming SecretBytes) throws(CryptoError) {
        guard key.count == 32 else { throw CryptoError(.invalidLength) }
        self.key = KeyMaterial(key)
    }

    /// Wraps 1 to 4096 bytes; the result is a multiple of 8 bytes, at least 16, and always the same for the same input.
    public func wrap(_ secret: borrowing SecretBytes) throws(CryptoError) -> [UInt8] {
        guard (1...4096).contains(secret.count) else { throw CryptoError(.invalidLength) }
        guard secret.isAlive else { throw CryptoError(.lostInFork) }
        guard key.bytes.isAlive else { throw CryptoError(.lostInFork) }
        let expected = (secret.count + 7) / 8 * 8 + 8
        // libcrypto works in the output, where the secret lies in clear for a moment.
        let output = try SecretBytes(count: expected + 8) { (target: inout MutableRawSpan) throws(CryptoError) in
            let count = unsafe target.withUnsafeMutableBytes { output in
                secret.withBytes { span in
                    unsafe span.withUnsafeBytes { unsafe run($0, output, encrypting: true) }
                }
            }
            guard count == expected else { throw CryptoError(.engineFailed) }
        }
        return output.withBytes { span in (0..<expected).map { span.byte($0) } }
    }

    /// Unwraps what ``wrap(_:)`` made under the same key; throws ``CryptoError/Code/authenticationFailed`` otherwise.
    public func unwrap(_ wrapped: [UInt8]) throws(CryptoError) -> SecretBytes {
        guard wrapped.count >= 16, wrapped.count <= 4104, wrapped.count.isMultiple(of: 8) else {
            throw CryptoError(.authenticationFailed)
        }
        guard key.bytes.isAlive else { throw CryptoError(.lostInFork) }
        // libcrypto writes whole blocks: the part behind the end is cut off, and wiped with the rest.
        var count = 0
        let blocks = try SecretBytes(count: wrapped.count + 8) { (target: inout MutableRawSpan) throws(CryptoError) in
            let written = unsafe target.withUnsafeMutableBytes { target in
                unsafe wrapped.withUnsafeBytes { unsafe run($0, target, encrypting: false) }
            }
            guard let written, written > 0 else { throw CryptoError(.authenticationFailed) }
            count = written
        }
        return try blocks.slice(0..<count)
    }

    /// The number of bytes written; `nil` when libcrypto refuses.
    private func run(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer, encrypting: Bool
    ) -> Int? {
        defer { ERR_clear_error() }
        guard key.bytes.isAlive, let cipher = unsafe EVP_CIPHER_fetch(nil, "AES-256-WRAP-PAD", nil) else { return nil }
        defer { unsafe EVP_CIPHER_free(cipher) }
        guard let context = unsafe EVP_CIPHER_CTX_new() else { return nil }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        unsafe EVP_CIPHER_CTX_set_flags(context, Int32(EVP_CIPHER_CTX_FLAG_WRAP_ALLOW))
        let isReady = key.bytes.withBytes { span in
            unsafe span.withUnsafeBytes { bytes in
                let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_CipherInit_ex(context, cipher, nil, start, nil, encrypting ? 1 : 0) == 1
            }
        }
        var (length, last): (Int32, Int32) = (0, 0)
        guard isReady, let target = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self),
            unsafe EVP_CipherUpdate(
                context, target, &length, input.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(input.count))
                == 1,
            unsafe EVP_CipherFinal_ex(context, target + Int(length), &last) == 1
        else {
            if !encrypting { unsafe OPENSSL_cleanse(output.baseAddress, output.count) }
            return nil
        }
        return Int(length) + Int(last)
    }
}
