// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel

/// An unwrapped key: 32 bytes of material, of which each use has a key of its own.
struct OpenKey: Sendable {
    static let suite = "AES-256-GCM"
    /// A connection's key seals at most 2 to the power of this many credentials; then a new generation takes its place.
    static let generationBits: Int64 = 20

    /// Names the key, and is compared with what a record says it was sealed under.
    let commitment: Digest
    let generation: Int64
    /// An environment's key wraps the keys below it with this, a connection's seals values.
    let handle: KeyHandle
    /// Derives further keys: indexes under an environment's, jobs' keys under an hour's. A connection's has none.
    let root: HMACKey?

    /// Derives from 32 bytes of key material.
    init(_ material: borrowing SecretBytes, for place: KeyPlace, generation: Int64) throws(CryptoError) {
        guard material.count == 32 else { throw CryptoError(.invalidLength) }
        let key = try HMACKey(material)
        self.generation = generation
        commitment = try Self.commitment(key, place)
        let use = place.level == .environment ? "reeve/vault/wrap/1" : "reeve/vault/seal/1"
        handle = try KeyHandle(key.derive(label: CanonicalBytes(label: use)))
        root = place.level == .connection ? nil : key
    }

    private init(commitment: Digest, generation: Int64, handle: KeyHandle) {
        self.commitment = commitment
        self.generation = generation
        self.handle = handle
        root = nil
    }

    /// A job's key, which follows from that of its hour; what it seals names the hour's.
    func derived(for job: Identifier<Job>) throws(CryptoError) -> OpenKey {
        guard let root else { throw CryptoError(.invalidLength) }
        var label = CanonicalBytes(label: "reeve/vault/job/1")
        label.add(job)
        return OpenKey(commitment: commitment, generation: generation, handle: try KeyHandle(root.derive(label: label)))
    }

    static func commitment(_ key: HMACKey, _ place: KeyPlace) throws(CryptoError) -> Digest {
        var scope = CanonicalBytes(label: "reeve/vault/commitment/1")
        scope.add(suite)
        place.add(to: &scope)
        return try key.authenticate(scope)
    }

    /// Takes the key out of 64 bytes that were unwrapped; throws unless they end with the digest of their header.
    static func material(
        _ bundle: borrowing SecretBytes, headerDigest: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        try check(bundle, headerDigest: headerDigest)
        return try bundle.slice(0..<32)
    }

    /// Throws unless 64 bytes that were unwrapped end with the digest of their header.
    static func check(_ bundle: borrowing SecretBytes, headerDigest: [UInt8]) throws(CryptoError) {
        guard bundle.count == 64, headerDigest.count == 32, bundle.hasSuffix(headerDigest) else {
            throw CryptoError(.authenticationFailed)
        }
    }

    /// The key in 64 bytes that were unwrapped; throws unless they are this record's.
    init(_ bundle: borrowing SecretBytes, of record: KeyRecord, at place: KeyPlace) throws(CryptoError) {
        let material = try Self.material(bundle, headerDigest: record.headerDigest(at: place).bytes)
        try self.init(material, for: place, generation: record.generation)
        guard commitment == record.commitment else { throw CryptoError(.authenticationFailed) }
    }
}

/// A new key before it is wrapped.
struct NewKey: ~Copyable {
    let record: KeyRecord
    /// What is wrapped: the key, then the digest of its header.
    let bundle: SecretBytes

    init(
        for place: KeyPlace, generation: Int64, created: Timestamp, retires: Timestamp, under wrapper: KeyRecord.Wrapper
    ) throws(CryptoError) {
        let material = try SecretBytes.random(count: 32)
        let record = KeyRecord(
            generation: generation, created: created, retires: retires,
            commitment: try OpenKey.commitment(try HMACKey(material), place), wrapper: wrapper)
        let bundle = try material.appending(try record.headerDigest(at: place).bytes)
        self.record = record
        self.bundle = bundle
    }

    /// The bundle, to be given away.
    consuming func taken() -> SecretBytes { bundle }
}
