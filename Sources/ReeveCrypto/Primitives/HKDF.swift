// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// HKDF with SHA-256 (RFC 5869): keys from key material that is not uniform, or many keys from one.
public enum HKDF: Sendable {
    /// At most this many bytes come from one derivation: 255 blocks (RFC 5869 §2.3).
    public static let maximumCount = 255 * 32

    /// `count` bytes for the use that `info` names. An empty salt counts as 32 zero bytes (RFC 5869 §2.2).
    ///
    /// Throws ``CryptoError/Code/invalidLength`` for counts outside `1...maximumCount`.
    public static func derive(
        _ material: borrowing SecretBytes, salt: [UInt8], info: [UInt8], count: Int
    ) throws(CryptoError) -> SecretBytes {
        guard (1...maximumCount).contains(count) else { throw CryptoError(.invalidLength) }
        // HMAC pads its key with zeros to a block, so zeros behind a short salt change nothing.
        let padded = salt + [UInt8](repeating: 0, count: max(0, 32 - salt.count))
        let extractor = try HMACKey(SecretBytes(copying: padded))
        let expander = try HMACKey(extractor.authenticate(material))
        var output = try SecretBytes(copying: [])
        var block = try SecretBytes(copying: [])
        var counter: UInt8 = 0
        while output.count < count {
            counter += 1
            block = try expander.authenticate(block.appending(info + [counter]))
            let joined = try block.withLiveBytes { (span) throws(CryptoError) in try output.appending(span) }
            output = joined
        }
        return try output.slice(0..<count)
    }
}
