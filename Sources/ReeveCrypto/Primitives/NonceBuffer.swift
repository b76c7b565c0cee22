// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Nonces of 12 random bytes from a page that is wiped as it is used, and dropped after a second and in a forked child.
///
/// A page holds some 340 nonces; each thread's stripe has one of its own. Each new page takes a fresh seed from the
/// kernel, so that of two copies of one process each has nonces of its own within a second.
final class NonceBuffer: Sendable {
    static let stripes = (NonceBuffer(), NonceBuffer(), NonceBuffer(), NonceBuffer())

    private struct State: ~Copyable {
        var page: SecretBytesPage?
        /// A forked child refills before it takes anything.
        var generation = -1
        var next = 0
        var filledAt: UInt64 = 0
    }
    private let state = Mutex(State())
    private let engine: Randomness.Source
    private let clock: @Sendable () -> UInt64

    static let size = 4096
    private static let lifetime: UInt64 = 1_000_000_000

    /// A buffer that is filled from a generator, and reads nanoseconds from a monotonic clock.
    init(
        engine: @escaping Randomness.Source = Randomness.engine,
        clock: @escaping @Sendable () -> UInt64 = { NonceBuffer.coarseNanoseconds() }
    ) {
        self.engine = engine
        self.clock = clock
    }

    deinit { state.withLock { $0.page?.release() } }

    /// Writes a fresh nonce to `target`, which has room for 12 bytes.
    func next(into target: UnsafeMutableRawPointer) throws(CryptoError) {
        try state.withLock { (state: inout State) throws(CryptoError) in
            if state.page == nil { state.page = try SecretBytesPage(count: Self.size) }
            guard let page = state.page else { throw CryptoError(.outOfMemory) }
            let generation = ForkGuard.generation
            let now = clock()
            if state.generation != generation || state.next + 12 > Self.size
                || now &- state.filledAt > Self.lifetime
            {
                try page.refill(from: engine)
                state.next = 0
                state.generation = generation
                state.filledAt = now
            }
            unsafe page.take(state.next, 12, into: target)
            state.next += 12
        }
    }

    /// What a copy of the whole process would have: the same page, the same generator. For tests.
    func copy() throws(CryptoError) -> NonceBuffer {
        let copy = NonceBuffer(engine: engine, clock: clock)
        let (page, generation, next, filledAt) = try state.withLock { (state) throws(CryptoError) in
            (try state.page?.copy(), state.generation, state.next, state.filledAt)
        }
        copy.state.withLock { state in
            state.page = page
            (state.generation, state.next, state.filledAt) = (generation, next, filledAt)
        }
        return copy
    }

    /// A monotonic clock that is cheap to read and exact to some milliseconds.
    static func coarseNanoseconds() -> UInt64 {
        var time = timespec()
        #if os(Linux)
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        #else
        unsafe clock_gettime(CLOCK_MONOTONIC_RAW_APPROX, &time)
        #endif
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// One page of secret memory that can be refilled.
@safe struct SecretBytesPage: @unchecked Sendable {
    // Sendable by hand: it is used under the lock of its buffer alone.
    private let pointer: UnsafeMutableRawPointer
    private let count: Int

    init(count: Int) throws(CryptoError) {
        unsafe pointer = try SecretSlab.shared.allocate(count)
        self.count = count
    }

    /// Fills the page from libcrypto's generator, and adds a stream under a key from the kernel.
    func refill(from engine: Randomness.Source) throws(CryptoError) {
        var span = unsafe MutableRawSpan(_unsafeStart: pointer, byteCount: count)
        guard engine(&span), try addStream() else {
            ERR_clear_error()
            throw CryptoError(.randomnessUnavailable)
        }
    }

    /// Encrypts the page in place with AES-256-CTR under 48 bytes from the kernel.
    private func addStream() throws(CryptoError) -> Bool {
        let engine = try Engine.get()
        guard let context = unsafe EVP_CIPHER_CTX_new() else { return false }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        var seed = [UInt8](repeating: 0, count: 48)
        let target = unsafe pointer.assumingMemoryBound(to: UInt8.self)
        return unsafe seed.withUnsafeMutableBufferPointer { seed in
            defer { unsafe OPENSSL_cleanse(seed.baseAddress, seed.count) }
            var length: Int32 = 0
            return unsafe seed.baseAddress.map { start in
                unsafe getentropy(start, 48) == 0
                    && EVP_EncryptInit_ex2(context, engine.aes256CTR, start, start + 32, nil) == 1
                    && EVP_EncryptUpdate(context, target, &length, target, Int32(count)) == 1
            } ?? false
        }
    }

    func take(_ offset: Int, _ length: Int, into target: UnsafeMutableRawPointer) {
        unsafe target.copyMemory(from: pointer + offset, byteCount: length)
        unsafe OPENSSL_cleanse(pointer + offset, length)
    }

    func release() { unsafe SecretSlab.shared.release(pointer, count) }

    func copy() throws(CryptoError) -> SecretBytesPage {
        let copy = try SecretBytesPage(count: count)
        unsafe copy.pointer.copyMemory(from: pointer, byteCount: count)
        return copy
    }
}
