// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
public import ReeveModel

extension Digest {
    /// The SHA-256 digest (FIPS 180-4) of a canonical encoding.
    public init(of encoding: CanonicalBytes) throws(CryptoError) {
        try self.init(hashing: encoding.bytes)
    }

    /// The SHA-256 digest (FIPS 180-4) of bytes.
    public init(hashing bytes: [UInt8]) throws(CryptoError) {
        let engine = try Engine.get()
        var done: Int32 = 0
        unsafe self.init(writing: { output in
            let start = unsafe output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            done = unsafe bytes.withUnsafeBytes { input in
                unsafe EVP_Digest(input.baseAddress, input.count, start, nil, engine.sha256, nil)
            }
        })
        guard done == 1 else {
            ERR_clear_error()
            throw CryptoError(.engineFailed)
        }
    }
}

extension Identifier {
    /// The identifier that stands for a host's own id: the same for the same namespace, kind and text, always.
    ///
    /// It is the first 128 bits of a SHA-256 digest over namespace, kind and id, so the host's id cannot be read back.
    public init(namespace: String, foreign id: String) throws(CryptoError) {
        var encoding = CanonicalBytes(label: "reeve/identifier/foreign/1")
        encoding.add(namespace)
        encoding.add(Entity.identifierPrefix)
        encoding.add(id)
        let digest = try Digest(of: encoding).bytes
        func word(_ range: Range<Int>) -> UInt64 { digest[range].reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: word(0..<8), low: word(8..<16))
    }

    /// The identifier that stands for a host's own integer id; the same as for the integer's decimal text.
    public init(namespace: String, foreign id: Int64) throws(CryptoError) {
        try self.init(namespace: namespace, foreign: String(id))
    }
}
