// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL

/// scrypt (RFC 7914): a key from a passphrase, slow and large on purpose.
public struct Scrypt: Hashable, Sendable, Codable {
    /// The cost N: a power of two from 2 to 2^20.
    public let cost: Int
    /// The block size r: 1 to 32.
    public let blockSize: Int
    /// The parallelisation p: 1 to 16.
    public let parallelization: Int

    /// The most memory that parameters may ask for: 1 GiB (128 · N · r bytes).
    public static let maximumBytes = 1 << 30

    /// 128 MiB and about half a second: N = 2^17, r = 8, p = 1.
    public static let standard = Scrypt(checked: 1 << 17, 8, 1)

    /// Parameters within the bounds above; checked before any memory is touched.
    ///
    /// Throws ``CryptoError/Code/invalidLength`` for any other.
    public init(cost: Int, blockSize: Int, parallelization: Int) throws(CryptoError) {
        guard (2...(1 << 20)).contains(cost), cost & (cost - 1) == 0, (1...32).contains(blockSize),
            (1...16).contains(parallelization), 128 * cost * blockSize <= Self.maximumBytes,
            // RFC 7914 §6: N is less than 2^(128 · r / 8).
            blockSize > 1 || cost < 1 << 16
        else { throw CryptoError(.invalidLength) }
        self.init(checked: cost, blockSize, parallelization)
    }

    private init(checked cost: Int, _ blockSize: Int, _ parallelization: Int) {
        self.cost = cost
        self.blockSize = blockSize
        self.parallelization = parallelization
    }

    /// Reads parameters, and refuses those outside the bounds.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            cost: container.decode(Int.self, forKey: .cost), blockSize: container.decode(Int.self, forKey: .blockSize),
            parallelization: container.decode(Int.self, forKey: .parallelization))
    }

    /// `count` bytes (1 to 1024) from a passphrase and a salt.
    public func derive(_ passphrase: borrowing SecretBytes, salt: [UInt8], count: Int) throws(CryptoError)
        -> SecretBytes
    {
        guard (1...1024).contains(count) else { throw CryptoError(.invalidLength) }
        guard passphrase.isAlive else { throw CryptoError(.lostInFork) }
        let (cost, blockSize, parallelization) = (UInt64(cost), UInt64(blockSize), UInt64(parallelization))
        return try passphrase.withBytes { (phrase) throws(CryptoError) in
            try SecretBytes(count: count) { (target: inout MutableRawSpan) throws(CryptoError) in
                let done = unsafe target.withUnsafeMutableBytes { output in
                    unsafe phrase.withUnsafeBytes { input in
                        unsafe EVP_PBE_scrypt(
                            input.baseAddress?.assumingMemoryBound(to: CChar.self), input.count, salt, salt.count, cost,
                            blockSize, parallelization, UInt64(Self.maximumBytes) * 2,
                            output.baseAddress?.assumingMemoryBound(to: UInt8.self), count)
                    }
                }
                guard done == 1 else {
                    ERR_clear_error()
                    throw CryptoError(.engineFailed)
                }
            }
        }
    }
}
