// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
import Synchronization

/// An AES-256-GCM key (NIST SP 800-38D) ready for use: its cipher contexts are keyed once and kept.
///
/// Each call takes one of four contexts, chosen by thread, so that threads seldom wait for each other. Any number of
/// tasks may use one handle at the same time. The key is cleansed when the last user lets go.
public final class KeyHandle: Sendable {
    /// Bytes that sealing adds: the nonce and the tag.
    public static let overhead = 28

    @safe private struct Context: ~Copyable {
        let pointer: OpaquePointer
        init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }
        deinit { unsafe EVP_CIPHER_CTX_free(pointer) }
    }
    private struct Stripe: ~Copyable {
        var context: Context?
        /// Keeps the stripes on cache lines of their own, so that threads do not slow each other down.
        private let padding: [15 of UInt64] = .init(repeating: 0)
    }
    private let key: SecretBytes
    private let stripe0 = Mutex(Stripe())
    private let stripe1 = Mutex(Stripe())
    private let stripe2 = Mutex(Stripe())
    private let stripe3 = Mutex(Stripe())

    /// A key of exactly 32 bytes (clause S3.2).
    public init(_ key: consuming SecretBytes) throws(CryptoError) {
        guard key.count == 32 else { throw CryptoError(.invalidLength) }
        self.key = key
    }

    /// Seals under a fresh random nonce: nonce (12 bytes), ciphertext, tag (16 bytes).
    public func seal(_ plaintext: RawSpan, authenticating data: [UInt8]) throws(CryptoError) -> [UInt8] {
        let count = plaintext.byteCount
        var output = [UInt8](repeating: 0, count: count + Self.overhead)
        var span = output.mutableSpan
        var target = unsafe span.mutableBytes
        try seal(plaintext, authenticating: data, into: &target)
        return output
    }

    /// Seals under a fresh random nonce into memory of exactly ``overhead`` bytes more than the plaintext; allocates
    /// nothing.
    public func seal(
        _ plaintext: RawSpan, authenticating data: [UInt8], into target: inout MutableRawSpan
    ) throws(CryptoError) {
        guard target.byteCount == plaintext.byteCount + Self.overhead else { throw CryptoError(.invalidLength) }
        let code = unsafe target.withUnsafeMutableBytes { target in
            unsafe plaintext.withUnsafeBytes { source in
                // Lent by its span: a pointer made from an array counts a reference, which threads would share.
                unsafe data.span.withUnsafeBufferPointer { data in unsafe encrypt(source, data, target) }
            }
        }
        if let code { throw CryptoError(code) }
    }

    /// Opens what ``seal(_:authenticating:)`` made with the same additional data.
    ///
    /// Throws ``CryptoError/Code/authenticationFailed`` when anything differs; no plaintext is left behind then.
    public func open(_ sealed: ArraySlice<UInt8>, authenticating data: [UInt8]) throws(CryptoError) -> SecretBytes {
        guard sealed.count >= Self.overhead else { throw CryptoError(.authenticationFailed) }
        return try SecretBytes(count: sealed.count - Self.overhead) {
            (target: inout MutableRawSpan) throws(CryptoError) in
            try unsafe open(sealed.span.bytes, authenticating: data, into: &target)
        }
    }

    /// Opens into memory of exactly ``overhead`` bytes less than what is opened; allocates nothing.
    ///
    /// When it throws ``CryptoError/Code/authenticationFailed`` the memory is all zeros.
    public func open(
        _ sealed: RawSpan, authenticating data: [UInt8], into target: inout MutableRawSpan
    ) throws(CryptoError) {
        guard sealed.byteCount >= Self.overhead else { throw CryptoError(.authenticationFailed) }
        guard target.byteCount == sealed.byteCount - Self.overhead else { throw CryptoError(.invalidLength) }
        let code = unsafe target.withUnsafeMutableBytes { target in
            unsafe sealed.withUnsafeBytes { source in
                unsafe data.span.withUnsafeBufferPointer { data in unsafe decrypt(source, data, target) }
            }
        }
        if let code { throw CryptoError(code) }
    }

    private func encrypt(
        _ source: UnsafeRawBufferPointer, _ data: UnsafeBufferPointer<UInt8>, _ target: UnsafeMutableRawBufferPointer
    ) -> CryptoError.Code? {
        guard let start = target.baseAddress, source.count < Int(Int32.max), data.count < Int(Int32.max) else {
            return .invalidLength
        }
        // Sendable by hand: lent to a closure that has run when this returns.
        nonisolated(unsafe) let (input, output, data) = unsafe (source, start, data)
        return unsafe withContext(takingNonce: output, orElse: .engineFailed) { context in
            var (length, last): (Int32, Int32) = (0, 0)
            let body = unsafe (output + 12).assumingMemoryBound(to: UInt8.self)
            let nonce = unsafe output.assumingMemoryBound(to: UInt8.self)
            return unsafe EVP_EncryptInit_ex2(context, nil, nil, nonce, nil) == 1
                && EVP_EncryptUpdate(context, nil, &length, data.baseAddress, Int32(data.count)) == 1
                && EVP_EncryptUpdate(
                    context, body, &length, input.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(input.count))
                    == 1
                && EVP_EncryptFinal_ex(context, body + Int(length), &last) == 1
                && reeve_get_tag(context, body + input.count) == 1
        }
    }

    private func decrypt(
        _ source: UnsafeRawBufferPointer, _ data: UnsafeBufferPointer<UInt8>, _ target: UnsafeMutableRawBufferPointer
    ) -> CryptoError.Code? {
        guard let start = source.baseAddress, source.count < Int(Int32.max), data.count < Int(Int32.max) else {
            return .authenticationFailed
        }
        // Sendable by hand: lent to a closure that has run when this returns.
        nonisolated(unsafe) let (input, output, data) = unsafe (start, target, data)
        let count = source.count - Self.overhead
        return unsafe withContext(takingNonce: nil, orElse: .authenticationFailed) { context in
            var (length, last): (Int32, Int32) = (0, 0)
            let body = unsafe (input + 12).assumingMemoryBound(to: UInt8.self)
            let plain = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            let opened =
                unsafe EVP_DecryptInit_ex2(context, nil, nil, input.assumingMemoryBound(to: UInt8.self), nil) == 1
                && EVP_DecryptUpdate(context, nil, &length, data.baseAddress, Int32(data.count)) == 1
                && EVP_DecryptUpdate(context, plain, &length, body, Int32(count)) == 1
                && reeve_set_tag(context, body + count) == 1
                && EVP_DecryptFinal_ex(context, plain.map { unsafe $0 + Int(length) }, &last) == 1
            if !opened { unsafe OPENSSL_cleanse(output.baseAddress, output.count) }
            return opened
        }
    }

    /// Runs `body` with a keyed context of this thread's stripe, after a fresh nonce was written where one is wanted;
    /// drains libcrypto's error queue when it fails.
    private func withContext(
        takingNonce nonce: UnsafeMutableRawPointer?, orElse code: CryptoError.Code, _ body: (OpaquePointer) -> Bool
    ) -> CryptoError.Code? {
        switch reeve_thread_stripe() {
        case 0: unsafe use(stripe0, NonceBuffer.stripe0, nonce, body, code)
        case 1: unsafe use(stripe1, NonceBuffer.stripe1, nonce, body, code)
        case 2: unsafe use(stripe2, NonceBuffer.stripe2, nonce, body, code)
        default: unsafe use(stripe3, NonceBuffer.stripe3, nonce, body, code)
        }
    }

    private func use(
        _ stripe: borrowing Mutex<Stripe>, _ nonces: borrowing NonceBuffer, _ nonce: UnsafeMutableRawPointer?,
        _ body: (OpaquePointer) -> Bool, _ code: CryptoError.Code
    ) -> CryptoError.Code? {
        // Sendable by hand: lent to a closure that has run when this returns.
        nonisolated(unsafe) let target = unsafe nonce
        return stripe.withLock { stripe in
            // In a forked child the key is gone, also where a context still has it: all stripes alike.
            let generation = ForkGuard.generation
            guard key.isAlive(in: generation) else { return .lostInFork }
            do throws(CryptoError) {
                if stripe.context == nil { stripe.context = try makeContext() }
                if let target = unsafe target { try unsafe nonces.next(into: target, generation: generation) }
            } catch {
                return error.code
            }
            guard let pointer = unsafe stripe.context?.pointer, unsafe body(pointer) else {
                ERR_clear_error()
                return code
            }
            return nil
        }
    }

    private func makeContext() throws(CryptoError) -> Context {
        let engine = try Engine.get()
        guard let pointer = unsafe EVP_CIPHER_CTX_new() else { throw CryptoError(.outOfMemory) }
        let context = unsafe Context(pointer)
        let done = key.withBytes { span in
            unsafe span.withUnsafeBytes { bytes in
                let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_EncryptInit_ex2(context.pointer, engine.aes256GCM, start, nil, nil)
            }
        }
        guard done == 1 else {
            ERR_clear_error()
            throw CryptoError(.engineFailed)
        }
        return context
    }
}
