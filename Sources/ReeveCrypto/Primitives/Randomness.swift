// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
import ReeveModel
import Synchronization

/// Random bytes from libcrypto's generator.
package enum Randomness {
    /// Fills with bytes for a key or a salt; never from a buffer.
    static func fillSecret(_ target: inout MutableRawSpan) throws(CryptoError) {
        let done = unsafe target.withUnsafeMutableBytes { unsafe RAND_priv_bytes($0.baseAddress, Int32($0.count)) }
        guard done == 1 else {
            ERR_clear_error()
            throw CryptoError(.randomnessUnavailable)
        }
    }

    /// Public random bytes, for salts and identifiers.
    package static func bytes(_ count: Int) throws(CryptoError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let done = unsafe bytes.withUnsafeMutableBytes { unsafe RAND_bytes($0.baseAddress, Int32($0.count)) }
        guard done == 1 else {
            ERR_clear_error()
            throw CryptoError(.randomnessUnavailable)
        }
        return bytes
    }
}

/// Nonces of 12 random bytes from a page that is wiped as it is used, after a second, and in a forked child.
final class NonceBuffer: Sendable {
    static let shared = NonceBuffer()

    private struct State: ~Copyable {
        var page: SecretBytesPage?
        /// A forked child refills before it takes anything.
        var generation = -1
        var next = 0
        var filledAt: ContinuousClock.Instant?
    }
    private let state = Mutex(State())
    private static let size = 4096

    /// Writes a fresh nonce to `target`, which has room for 12 bytes.
    func next(into target: UnsafeMutableRawPointer) throws(CryptoError) {
        try state.withLock { (state: inout State) throws(CryptoError) in
            if state.page == nil { state.page = try SecretBytesPage(count: Self.size) }
            guard let page = state.page else { throw CryptoError(.outOfMemory) }
            let stale = state.filledAt.map { $0.duration(to: .now) > .seconds(1) } ?? true
            let generation = ForkGuard.generation
            if stale || state.next + 12 > Self.size || state.generation != generation {
                try page.refill()
                state.next = 0
                state.generation = generation
                state.filledAt = .now
            }
            unsafe page.take(state.next, 12, into: target)
            state.next += 12
        }
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

    func refill() throws(CryptoError) {
        guard unsafe RAND_priv_bytes(pointer, Int32(count)) == 1 else {
            ERR_clear_error()
            throw CryptoError(.randomnessUnavailable)
        }
    }

    func take(_ offset: Int, _ length: Int, into target: UnsafeMutableRawPointer) {
        unsafe target.copyMemory(from: pointer + offset, byteCount: length)
        unsafe OPENSSL_cleanse(pointer + offset, length)
    }
}
