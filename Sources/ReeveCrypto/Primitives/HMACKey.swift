// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
public import ReeveModel
import Synchronization

/// A key for HMAC-SHA256 (RFC 2104) and for deriving keys from it (HKDF-Expand, RFC 5869 §2.3).
///
/// Any number of tasks may use one value at the same time.
public final class HMACKey: MessageAuthenticator {
    @safe private struct Context: ~Copyable {
        let pointer: OpaquePointer
        init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }
        deinit { unsafe EVP_MAC_CTX_free(pointer) }
    }
    private let context: Mutex<Context>

    /// A key of at least 32 bytes.
    public init(_ key: borrowing SecretBytes) throws(CryptoError) {
        guard key.count >= 32 else { throw CryptoError(.invalidLength) }
        guard key.isAlive else { throw CryptoError(.lostInFork) }
        let engine = try Engine.get()
        guard let pointer = unsafe EVP_MAC_CTX_new(engine.hmac) else { throw CryptoError(.outOfMemory) }
        let context = unsafe Context(pointer)
        let done = key.withBytes { span in
            unsafe span.withUnsafeBytes { bytes in
                // Both texts have to live until the engine has read the parameters.
                unsafe OSSL_MAC_PARAM_DIGEST.withCString { key in
                    unsafe "SHA256".withCString { name in
                        let parameters = unsafe [
                            OSSL_PARAM_construct_utf8_string(key, UnsafeMutablePointer(mutating: name), 0),
                            OSSL_PARAM_construct_end(),
                        ]
                        let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                        return unsafe EVP_MAC_init(context.pointer, start, bytes.count, parameters)
                    }
                }
            }
        }
        guard done == 1 else {
            ERR_clear_error()
            throw CryptoError(.engineFailed)
        }
        self.context = Mutex(context)
    }

    /// The 32-byte tag of a message.
    public func authenticate(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        var tag = [UInt8](repeating: 0, count: 32)
        let done = unsafe tag.withUnsafeMutableBytes { unsafe write(message, to: $0) }
        guard done else { throw CryptoError(.engineFailed) }
        return tag
    }

    /// The 32-byte tag of a secret message, itself secret.
    func authenticate(_ message: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
        try message.withLiveBytes { (message) throws(CryptoError) in
            try SecretBytes(count: 32) { (target: inout MutableRawSpan) throws(CryptoError) in
                let done = unsafe target.withUnsafeMutableBytes { target in
                    unsafe message.withUnsafeBytes { unsafe write($0, to: target) }
                }
                guard done else { throw CryptoError(.engineFailed) }
            }
        }
    }

    /// The tag of bytes that are lent.
    package func authenticate(_ message: RawSpan) throws(CryptoError) -> Digest {
        try unsafe digest { target in unsafe message.withUnsafeBytes { unsafe write($0, to: target) } }
    }

    /// The digest of an encoding under this key.
    public func authenticate(_ encoding: CanonicalBytes) throws(CryptoError) -> Digest {
        try unsafe digest { unsafe write(encoding.bytes, to: $0) }
    }

    private func digest(_ write: (UnsafeMutableRawBufferPointer) -> Bool) throws(CryptoError) -> Digest {
        var done = false
        let digest = unsafe Digest { done = unsafe write($0) }
        guard done else { throw CryptoError(.engineFailed) }
        return digest
    }

    /// Whether `tag` is the message's tag; takes the same time wherever it differs.
    public func isValid(_ tag: [UInt8], for message: [UInt8]) throws(CryptoError) -> Bool {
        let expected = try authenticate(message)
        guard tag.count == 32 else { return false }
        return unsafe CRYPTO_memcmp(tag, expected, 32) == 0
    }

    /// A 32-byte key for one use, named by `label`: HKDF-Expand with this key as the pseudorandom key.
    public func derive(label: CanonicalBytes) throws(CryptoError) -> SecretBytes {
        try SecretBytes(count: 32) { (target: inout MutableRawSpan) throws(CryptoError) in
            let done = unsafe target.withUnsafeMutableBytes { unsafe write(label.bytes + [1], to: $0) }
            guard done else { throw CryptoError(.engineFailed) }
        }
    }

    private func write(_ message: [UInt8], to target: UnsafeMutableRawBufferPointer) -> Bool {
        unsafe message.withUnsafeBytes { unsafe write($0, to: target) }
    }

    private func write(_ message: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) -> Bool {
        unsafe use { context in
            var length = 0
            let start = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe EVP_MAC_init(context, nil, 0, nil) == 1
                && EVP_MAC_update(
                    context, message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count) == 1
                && EVP_MAC_final(context, start, &length, target.count) == 1
                && length == 32
        }
    }

    /// Runs `body` with the keyed context; drains libcrypto's error queue when it fails.
    private func use(_ body: (OpaquePointer) -> Bool) -> Bool {
        context.withLock { context in
            let done = unsafe body(context.pointer)
            if !done { ERR_clear_error() }
            return done
        }
    }
}
