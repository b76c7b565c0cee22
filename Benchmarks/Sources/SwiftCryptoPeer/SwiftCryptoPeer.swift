// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import Crypto
public import Foundation

/// AES-256-GCM by swift-crypto, used as its documentation says.
public struct SwiftCryptoPeer: Sendable {
    private let key: SymmetricKey

    public init(key: [UInt8]) {
        self.key = SymmetricKey(data: key)
    }

    public func seal(_ plaintext: [UInt8], authenticating data: [UInt8]) throws -> AES.GCM.SealedBox {
        try AES.GCM.seal(plaintext, using: key, authenticating: data)
    }

    public func open(_ sealed: AES.GCM.SealedBox, authenticating data: [UInt8]) throws -> Data {
        try AES.GCM.open(sealed, using: key, authenticating: data)
    }
}
