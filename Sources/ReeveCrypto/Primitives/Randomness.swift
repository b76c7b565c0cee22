// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
import ReeveModel

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Random bytes: libcrypto's generator, mixed with the kernel's for what must differ even in a copy of this process.
package enum Randomness {
    /// Fills memory with random bytes of libcrypto's private generator.
    typealias Source = @Sendable (inout MutableRawSpan) -> Bool

    static let engine: Source = { target in
        unsafe target.withUnsafeMutableBytes { unsafe RAND_priv_bytes($0.baseAddress, Int32($0.count)) == 1 }
    }

    /// Fills with bytes for a key or a salt; never from a buffer, and fresh from the kernel each time, so that two copies
    /// of one process (a restored snapshot of a virtual machine) make different keys.
    static func fillSecret(_ target: inout MutableRawSpan, from engine: Source = engine) throws(CryptoError) {
        guard target.byteCount == 0 || (engine(&target) && mixIn(&target)) else {
            ERR_clear_error()
            throw CryptoError(.randomnessUnavailable)
        }
    }

    /// Adds the kernel's random bytes to what is there.
    private static func mixIn(_ target: inout MutableRawSpan) -> Bool {
        var block = [UInt8](repeating: 0, count: 256)
        defer { unsafe block.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) } }
        for offset in stride(from: 0, to: target.byteCount, by: 256) {
            let part = min(256, target.byteCount - offset)
            guard unsafe block.withUnsafeMutableBytes({ unsafe getentropy($0.baseAddress, part) }) == 0 else {
                return false
            }
            for index in 0..<part {
                let old = target.bytes.byte(offset + index)
                target.storeBytes(of: old ^ block[index], toByteOffset: offset + index, as: UInt8.self)
            }
        }
        return true
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
