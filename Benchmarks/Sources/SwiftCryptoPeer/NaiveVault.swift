// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Crypto
public import Foundation

/// What a program writes that needs a store of credentials by tomorrow: an actor over a dictionary, a key for each
/// credential, and one key above them. No permit, no entry, no states, no commitment, no wiping.
public actor NaiveVault {
    private struct Row {
        let wrappedKey: Data
        let sealed: Data
    }
    private let mainKey = SymmetricKey(size: .bits256)
    private var rows: [UInt64: Row] = [:]

    /// An empty one.
    public init() {}

    /// Seals under a new key of the credential's own.
    public func store(_ value: [UInt8], for id: UInt64) throws {
        let key = SymmetricKey(size: .bits256)
        let name = Data("\(id)".utf8)
        let wrapped = try key.withUnsafeBytes { try AES.GCM.seal($0, using: mainKey, authenticating: name) }
        let sealed = try AES.GCM.seal(value, using: key, authenticating: name)
        guard let wrappedKey = wrapped.combined, let bytes = sealed.combined else { return }
        rows[id] = Row(wrappedKey: wrappedKey, sealed: bytes)
    }

    /// The value; `nil` when there is none.
    public func open(_ id: UInt64) throws -> Data? {
        guard let row = rows[id] else { return nil }
        let name = Data("\(id)".utf8)
        let key = try AES.GCM.open(AES.GCM.SealedBox(combined: row.wrappedKey), using: mainKey, authenticating: name)
        return try AES.GCM.open(
            AES.GCM.SealedBox(combined: row.sealed), using: SymmetricKey(data: key), authenticating: name)
    }
}
