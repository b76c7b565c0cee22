// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL

/// libcrypto's algorithms, fetched once: a fetch costs more than a small message.
@safe struct Engine: Sendable {
    // Sendable by hand: OpaquePointer is not. These are set once, never freed, and lead to fetched algorithms, which libcrypto
    // counts and changes under locks of its own (openssl-threads(7)).
    nonisolated(unsafe) let aes256GCM: OpaquePointer
    nonisolated(unsafe) let aes256CTR: OpaquePointer
    nonisolated(unsafe) let sha256: OpaquePointer
    nonisolated(unsafe) let hmac: OpaquePointer

    static let shared: Engine? = {
        guard let cipher = unsafe EVP_CIPHER_fetch(nil, "AES-256-GCM", nil),
            let stream = unsafe EVP_CIPHER_fetch(nil, "AES-256-CTR", nil),
            let digest = unsafe EVP_MD_fetch(nil, "SHA256", nil),
            let mac = unsafe EVP_MAC_fetch(nil, "HMAC", nil)
        else {
            ERR_clear_error()
            return nil
        }
        return unsafe Engine(aes256GCM: cipher, aes256CTR: stream, sha256: digest, hmac: mac)
    }()

    static func get() throws(CryptoError) -> Engine {
        guard let shared else { throw CryptoError(.engineFailed) }
        return shared
    }
}
