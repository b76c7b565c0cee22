// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
public import ReeveModel
public import ReeveStorage
import Synchronization

/// A key for the authenticated records of each partition, derived from one key (HKDF-Expand, RFC 5869 §2.3).
///
/// Each partition's is derived once and kept.
public final class DerivedControlKeys: ControlKeys, EntrySealer {
    private let root: HMACKey
    private let derived = Mutex<[Partition: HMACKey]>([:])

    /// Keys derived from a secret of at least 32 bytes.
    public init(_ root: borrowing SecretBytes) throws(CryptoError) {
        self.root = try HMACKey(root)
    }

    /// The key of a partition.
    public func controlKey(for partition: Partition) async throws(StoreError) -> any MessageAuthenticator {
        try key(for: partition)
    }

    /// HMAC-SHA256 of a message under a partition's key.
    public func seal(_ message: [UInt8], in log: Partition) throws(StoreError) -> [UInt8] {
        let key = try key(for: log)
        do throws(CryptoError) {
            return try key.authenticate(message)
        } catch {
            throw .unavailable("the keys for authenticated records cannot be used: \(error)")
        }
    }

    private func key(for partition: Partition) throws(StoreError) -> HMACKey {
        if let key = derived.withLock({ $0[partition] }) { return key }
        var label = CanonicalBytes(label: "reeve/storage/control-key/1")
        label.add(partition.name)
        do {
            let key = try HMACKey(root.derive(label: label))
            derived.withLock { $0[partition] = key }
            return key
        } catch {
            throw .unavailable("the keys for authenticated records cannot be derived: \(error)")
        }
    }
}
