// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
import ReeveModel

/// Opens Fernet tokens (AES-128-CBC and HMAC-SHA256), to take them over from other systems. Nothing is sealed so.
package enum Fernet {
    /// Opens a token in URL-safe Base64 with the 32 bytes of its key: 16 to authenticate, then 16 to decrypt.
    ///
    /// Its date is not looked at. Throws ``CryptoError/Code/authenticationFailed`` for everything that the key did not make.
    package static func open(_ token: [UInt8], with key: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
        guard key.count == 32 else { throw CryptoError(.invalidLength) }
        let padding = token.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        // Version (1), time (8), initial value (16), at least one block, tag (32).
        guard token.count % 4 == 0, padding <= 2, let bytes = Base64URL.decode(token.dropLast(padding)),
            bytes.count >= 73, (bytes.count - 57) % 16 == 0, bytes[0] == 0x80
        else { throw CryptoError(.authenticationFailed) }
        // HMAC fills a key up with zeros (RFC 2104).
        let signing = try HMACKey(key.slice(0..<16).appending([UInt8](repeating: 0, count: 16)))
        let start = bytes.count - 32
        guard try signing.isValid(Array(bytes[start...]), for: Array(bytes[..<start])) else {
            throw CryptoError(.authenticationFailed)
        }
        let decryption = try key.slice(16..<32)
        let blocks = try decrypt(Array(bytes[25..<start]), Array(bytes[9..<25]), decryption)
        return try withoutPadding(blocks)
    }

    private static func decrypt(
        _ ciphertext: [UInt8], _ initial: [UInt8], _ key: borrowing SecretBytes
    ) throws(CryptoError) -> SecretBytes {
        guard let cipher = unsafe EVP_CIPHER_fetch(nil, "AES-128-CBC", nil) else { throw CryptoError(.engineFailed) }
        defer { unsafe EVP_CIPHER_free(cipher) }
        guard let context = unsafe EVP_CIPHER_CTX_new() else { throw CryptoError(.engineFailed) }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        return try key.withLiveBytes { (key) throws(CryptoError) in
            try SecretBytes(count: ciphertext.count) { (target: inout MutableRawSpan) throws(CryptoError) in
                let done = unsafe target.withUnsafeMutableBytes { target in
                    unsafe key.withUnsafeBytes { key in
                        let start = unsafe key.baseAddress?.assumingMemoryBound(to: UInt8.self)
                        guard let output = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
                            return false
                        }
                        var length: Int32 = 0
                        return unsafe EVP_DecryptInit_ex(context, cipher, nil, start, initial) == 1
                            && EVP_CIPHER_CTX_set_padding(context, 0) == 1
                            && EVP_DecryptUpdate(context, output, &length, ciphertext, Int32(ciphertext.count)) == 1
                            && Int(length) == ciphertext.count
                    }
                }
                guard done else {
                    ERR_clear_error()
                    throw CryptoError(.engineFailed)
                }
            }
        }
    }

    /// Takes off the padding of PKCS #7, which the tag has vouched for.
    private static func withoutPadding(_ blocks: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
        let (count, isSound) = blocks.withBytes { span -> (Int, Bool) in
            let last = Int(span.byte(span.byteCount - 1))
            guard (1...16).contains(last) else { return (0, false) }
            return (span.byteCount - last, (1...last).allSatisfy { Int(span.byte(span.byteCount - $0)) == last })
        }
        guard isSound else { throw CryptoError(.authenticationFailed) }
        return try blocks.slice(0..<count)
    }
}
