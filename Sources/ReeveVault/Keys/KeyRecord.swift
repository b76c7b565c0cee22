// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import ReeveStorage

/// A wrapped key as it is stored: what it is in clear, and the wrapped bytes that vouch for it.
struct KeyRecord: JSONRecord, Hashable {
    /// What wrapped it.
    enum Wrapper: Hashable, Sendable {
        /// A main key, by its reference.
        case mainKey(String)
        /// The environment's key, by its commitment and generation.
        case key(Digest, generation: Int64)
    }

    let generation: Int64
    let created: Timestamp
    /// From when on a new generation takes its place.
    let retires: Timestamp
    /// The key's own commitment.
    let commitment: Digest
    var wrapper: Wrapper
    var wrapped: [UInt8]

    static let table = Table<KeyRecord>("vault.key")

    static func ids(_ place: KeyPlace, _ generation: Int64) -> [String] {
        place.ids + [KeyPlace.digits(generation)]
    }

    /// The digest that is wrapped behind the key: of every field that says what the key is, and of where it is stored.
    func headerDigest(at place: KeyPlace) throws(CryptoError) -> Digest {
        try headerDigest(at: place, Self.table.key(place.partition, Self.ids(place, generation)))
    }

    /// The same, for who has the key of the record at hand.
    func headerDigest(at place: KeyPlace, _ key: Key) throws(CryptoError) -> Digest {
        try headerDigest(headerStart(at: place, key))
    }

    /// The part of the header that stays when another key wraps this one.
    func headerStart(at place: KeyPlace, _ key: Key) -> CanonicalBytes {
        var encoding = CanonicalBytes(label: "reeve/vault/key-header/1", capacity: 512)
        encoding.add(OpenKey.suite)
        place.add(to: &encoding)
        encoding.add(key.bytes)
        encoding.add(generation)
        encoding.add(created.microseconds)
        encoding.add(retires.microseconds)
        encoding.add(commitment)
        return encoding
    }

    /// The digest of a header that begins so.
    func headerDigest(_ start: CanonicalBytes) throws(CryptoError) -> Digest {
        var encoding = start
        switch wrapper {
        case .mainKey(let reference):
            encoding.add("main")
            encoding.add(reference)
        case .key(let commitment, let generation):
            encoding.add("key")
            encoding.add(commitment)
            encoding.add(generation)
        }
        return try Digest(of: encoding)
    }

    func write(to writer: inout JSONWriter, schema: Int) {
        writer.object { writer in
            writer.field("commitment", commitment)
            writer.field("created", created)
            writer.field("generation", generation)
            switch wrapper {
            case .mainKey(let reference): writer.field("mainKey", reference)
            case .key(let commitment, let generation):
                writer.field("parent", commitment)
                writer.field("parentGeneration", generation)
            }
            writer.field("retires", retires)
            writer.field("wrapped", wrapped)
        }
    }

    init(
        generation: Int64, created: Timestamp, retires: Timestamp, commitment: Digest, wrapper: Wrapper,
        wrapped: [UInt8] = []
    ) {
        self.generation = generation
        self.created = created
        self.retires = retires
        self.commitment = commitment
        self.wrapper = wrapper
        self.wrapped = wrapped
    }

    init(from reader: inout JSONReader, schema: Int) throws(JSONError) {
        self = try reader.object { (reader) throws(JSONError) in
            let commitment = try reader.text("commitment", as: Digest.self)
            let created = try reader.text("created", as: Timestamp.self)
            let generation = try reader.count("generation")
            let wrapper: Wrapper
            if reader.hasField("mainKey") {
                wrapper = .mainKey(try reader.text())
            } else {
                wrapper = .key(
                    try reader.text("parent", as: Digest.self), generation: try reader.count("parentGeneration"))
            }
            let retires = try reader.text("retires", as: Timestamp.self)
            return KeyRecord(
                generation: generation, created: created, retires: retires, commitment: commitment, wrapper: wrapper,
                wrapped: try reader.byteString("wrapped"))
        }
    }
}
