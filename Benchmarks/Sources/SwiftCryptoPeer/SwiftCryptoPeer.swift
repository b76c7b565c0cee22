// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import Crypto
public import Foundation

/// AES-256-GCM by swift-crypto, used as its documentation says.
public struct SwiftCryptoPeer: Sendable {
    private let key: SymmetricKey

    /// A key of 32 bytes.
    public init(key: [UInt8]) {
        self.key = SymmetricKey(data: key)
    }

    /// Seals under a fresh nonce.
    public func seal(_ plaintext: [UInt8], authenticating data: [UInt8]) throws -> AES.GCM.SealedBox {
        try AES.GCM.seal(plaintext, using: key, authenticating: data)
    }

    /// Opens what was sealed with the same additional data.
    public func open(_ sealed: AES.GCM.SealedBox, authenticating data: [UInt8]) throws -> Data {
        try AES.GCM.open(sealed, using: key, authenticating: data)
    }
}
