// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
package import ReeveModel

/// A hash of a Merkle tree: 32 bytes without a memory block of their own.
package typealias TreeHash = SIMD32<UInt8>

/// A digest's context of libcrypto. Not private: whole-program builds name it in other modules.
@safe package struct DigestContext: ~Copyable {
    let pointer: OpaquePointer
    init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }
    deinit { unsafe EVP_MD_CTX_free(pointer) }
}

/// The leaf and node hashes of a Merkle tree (RFC 6962 §2.1), with one context for many of them.
package struct TreeHasher: ~Copyable {
    private let context: DigestContext

    package init() throws(CryptoError) {
        let engine = try Engine.get()
        guard let pointer = unsafe EVP_MD_CTX_new() else { throw CryptoError(.outOfMemory) }
        guard unsafe EVP_DigestInit_ex2(pointer, engine.sha256, nil) == 1 else {
            unsafe EVP_MD_CTX_free(pointer)
            ERR_clear_error()
            throw CryptoError(.engineFailed)
        }
        context = unsafe DigestContext(pointer)
    }

    /// SHA-256 of 0x00 and the leaf.
    package mutating func leaf(_ bytes: some Collection<UInt8>) throws(CryptoError) -> TreeHash {
        let contiguous: TreeHash?? = bytes.withContiguousStorageIfAvailable {
            unsafe hash(0, UnsafeRawBufferPointer($0))
        }
        let result = unsafe contiguous ?? Array(bytes).withUnsafeBytes { unsafe hash(0, $0) }
        guard let result else { throw CryptoError(.engineFailed) }
        return result
    }

    /// SHA-256 of 0x01 and the two nodes below.
    package mutating func node(_ left: TreeHash, _ right: TreeHash) throws(CryptoError) -> TreeHash {
        var both = SIMD64<UInt8>(lowHalf: left, highHalf: right)
        guard let result = unsafe withUnsafeMutableBytes(of: &both, { unsafe hash(1, UnsafeRawBufferPointer($0)) })
        else { throw CryptoError(.engineFailed) }
        return result
    }

    private func hash(_ prefix: UInt8, _ bytes: UnsafeRawBufferPointer) -> TreeHash? {
        var (prefix, result) = (prefix, TreeHash())
        let done = unsafe withUnsafeMutableBytes(of: &result) { target in
            let start = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe EVP_DigestInit_ex2(context.pointer, nil, nil) == 1
                && EVP_DigestUpdate(context.pointer, &prefix, 1) == 1
                && EVP_DigestUpdate(context.pointer, bytes.baseAddress, bytes.count) == 1
                && EVP_DigestFinal_ex(context.pointer, start, nil) == 1
        }
        guard done else {
            ERR_clear_error()
            return nil
        }
        return result
    }
}

extension TreeHash {
    /// The hash of 32 bytes; `nil` for any other count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.init()
        for (index, byte) in bytes.enumerated() { self[index] = byte }
    }

    /// The 32 bytes.
    package var bytes: [UInt8] { unsafe withUnsafeBytes(of: self) { unsafe Array($0) } }

    /// The hash as a digest.
    package var digest: Digest? { Digest(bytes: bytes) }

    /// The root of a tree without leaves: SHA-256 of nothing.
    package static var emptyRoot: TreeHash {
        get throws(CryptoError) {
            guard let hash = TreeHash(bytes: try Digest(hashing: []).bytes) else { throw CryptoError(.engineFailed) }
            return hash
        }
    }
}
