// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Nonces of 12 random bytes from a page that is wiped as it is used. One that is older than a second, on a clock that
/// stands still while the machine sleeps, or from before a fork, is replaced before the next nonce is taken.
///
/// A page holds some 1,360 nonces; each thread's stripe has one of its own. Each new page takes a fresh seed from the
/// kernel, so that of two copies of one process each has nonces of its own within a second.
struct NonceBuffer: ~Copyable, Sendable {
    static let stripe0 = NonceBuffer()
    static let stripe1 = NonceBuffer()
    static let stripe2 = NonceBuffer()
    static let stripe3 = NonceBuffer()

    private struct State: ~Copyable {
        var page: SecretBytesPage?
        /// A forked child refills before it takes anything.
        var generation = -1
        var next = 0
        var filledAt: UInt64 = 0
        /// Keeps the stripes on cache lines of their own.
        private let padding: [12 of UInt64] = .init(repeating: 0)
    }
    private let state = Mutex(State())
    private let engine: Randomness.Source
    /// A clock of a test's; `nil` for the system's, which is read without a call through a closure.
    private let clock: (@Sendable () -> UInt64)?

    static let size = 16_384
    private static let lifetime: UInt64 = 1_000_000_000

    /// A buffer that is filled from a generator, and reads nanoseconds from a monotonic clock.
    init(engine: @escaping Randomness.Source = Randomness.engine, clock: (@Sendable () -> UInt64)? = nil) {
        self.engine = engine
        self.clock = clock
    }

    deinit { state.withLock { $0.page?.release() } }

    /// Writes a fresh nonce to `target`, which has room for 12 bytes; the generation is ``ForkGuard``'s present one.
    borrowing func next(into target: UnsafeMutableRawPointer, generation: Int) throws(CryptoError) {
        let now = clock.map { $0() } ?? Self.coarseNanoseconds()
        try state.withLock { (state: inout State) throws(CryptoError) in
            // A child's own page: an inherited one is not locked there.
            if state.page == nil || state.generation != generation {
                state.page = try SecretBytesPage(count: Self.size)
            }
            guard let page = state.page else { throw CryptoError(.outOfMemory) }
            // A reading from before the page was filled, by another thread, is no reason to drop it.
            let age = now > state.filledAt ? now - state.filledAt : 0
            if state.generation != generation || state.next + 12 > Self.size || age > Self.lifetime {
                // A page whose filling fails has no nonces.
                state.next = Self.size
                try page.refill(from: engine)
                state.next = 0
                state.generation = generation
                state.filledAt = now
            }
            unsafe page.take(state.next, into: target)
            state.next += 12
        }
    }

    /// What a copy of the whole process would have: the same page, the same generator. For tests.
    borrowing func copy() throws(CryptoError) -> NonceBuffer {
        let copy = NonceBuffer(engine: engine, clock: clock)
        let (bytes, generation, next, filledAt) = state.withLock { state in
            (state.page?.bytes, state.generation, state.next, state.filledAt)
        }
        try copy.state.withLock { (state) throws(CryptoError) in
            state.page = try bytes.map { (bytes) throws(CryptoError) in try SecretBytesPage(bytes) }
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
@safe struct SecretBytesPage {
    private let pointer: UnsafeMutableRawPointer
    private let count: Int

    init(count: Int) throws(CryptoError) {
        unsafe pointer = try SecretSlab.shared.allocate(count)
        self.count = count
    }

    /// Fills the page with the stream of AES-256-CTR under a seed of 48 bytes, from libcrypto's generator and from the
    /// kernel's mixed: new for each page, and used for nothing else.
    func refill(from engine: Randomness.Source) throws(CryptoError) {
        let cipher = unsafe try Engine.get().aes256CTR
        let seed = try SecretBytes(count: 48) { (target: inout MutableRawSpan) throws(CryptoError) in
            try Randomness.fillSecret(&target, from: engine)
        }
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw CryptoError(.outOfMemory) }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        let target = unsafe pointer.assumingMemoryBound(to: UInt8.self)
        unsafe target.initialize(repeating: 0, count: count)
        let done = seed.withBytes { span in
            unsafe span.withUnsafeBytes { seed in
                var length: Int32 = 0
                let key = unsafe seed.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_EncryptInit_ex2(context, cipher, key, key.map { unsafe $0 + 32 }, nil) == 1
                    && EVP_EncryptUpdate(context, target, &length, target, Int32(count)) == 1
            }
        }
        guard done else {
            ERR_clear_error()
            throw CryptoError(.randomnessUnavailable)
        }
    }

    /// Moves twelve bytes out. A nonce is no secret: it is overwritten so that none can be taken twice.
    func take(_ offset: Int, into target: UnsafeMutableRawPointer) {
        let source = unsafe pointer + offset
        unsafe target.copyMemory(from: source, byteCount: 12)
        unsafe source.storeBytes(of: 0, as: UInt64.self)
        unsafe source.storeBytes(of: 0, toByteOffset: 8, as: UInt32.self)
    }

    func release() { unsafe SecretSlab.shared.release(pointer, count) }

    /// What is in the page. Nonces are no secret.
    var bytes: [UInt8] { unsafe Array(UnsafeRawBufferPointer(start: pointer, count: count)) }

    /// A page with this in it.
    init(_ bytes: [UInt8]) throws(CryptoError) {
        try self.init(count: bytes.count)
        unsafe bytes.withUnsafeBytes {
            unsafe UnsafeMutableRawBufferPointer(start: pointer, count: count).copyMemory(from: $0)
        }
    }
}
