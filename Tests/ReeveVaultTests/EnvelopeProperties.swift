// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import COpenSSL
import ReeveAccess
import ReeveCrypto
import ReeveModel
import ReeveStorage
import ReeveTestSupport
import ReeveTesting
import Testing

@testable import ReeveVault

/// AES-GCM does not commit to its key: who knows two keys can make one ciphertext that both accept. The vault commits.
@Suite struct EnvelopeProperties {
    /// An element of the field of GCM (SP 800-38D, section 6.3): its first bit is the coefficient of 1.
    private struct Element: Hashable {
        var high: UInt64 = 0
        var low: UInt64 = 0

        init(_ bytes: some Sequence<UInt8>) {
            for (index, byte) in bytes.enumerated() {
                if index < 8 {
                    high |= UInt64(byte) << (56 - 8 * index)
                } else {
                    low |= UInt64(byte) << (120 - 8 * index)
                }
            }
        }

        static let one = Element([0x80])
        var bytes: [UInt8] {
            (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
                + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
        }

        static func + (left: Element, right: Element) -> Element {
            var sum = left
            sum.high ^= right.high
            sum.low ^= right.low
            return sum
        }

        static func * (left: Element, right: Element) -> Element {
            var (product, shifted) = (Element([]), right)
            for bit in 0..<128 {
                let isSet = bit < 64 ? left.high >> (63 - bit) & 1 : left.low >> (127 - bit) & 1
                if isSet == 1 { product = product + shifted }
                let carry = shifted.low & 1
                shifted.low = shifted.low >> 1 | shifted.high << 63
                shifted.high >>= 1
                if carry == 1 { shifted.high ^= 0xE1 << 56 }
            }
            return product
        }

        /// To the power of 2^128 − 2.
        var inverse: Element {
            var (result, power) = (Element.one, self)
            for _ in 1..<128 {
                power = power * power
                result = result * power
            }
            return result
        }
    }

    /// The tag, without its mask, of a message: GHASH over additional data, ciphertext and their lengths.
    private func hash(_ data: [UInt8], _ ciphertext: [UInt8], _ key: Element) -> Element {
        func blocks(_ bytes: [UInt8]) -> [Element] {
            stride(from: 0, to: bytes.count, by: 16).map { Element(bytes[$0..<min($0 + 16, bytes.count)]) }
        }
        var lengths: [UInt8] = []
        lengths.appendBigEndian(UInt64(data.count * 8))
        lengths.appendBigEndian(UInt64(ciphertext.count * 8))
        return (blocks(data) + blocks(ciphertext) + blocks(lengths)).reduce(Element([])) { ($0 + $1) * key }
    }

    /// What GCM authenticates with: H, and the mask of a nonce.
    private func secrets(_ key: [UInt8], _ nonce: [UInt8]) -> (hash: Element, mask: Element) {
        func block(_ input: [UInt8]) -> Element {
            var output = [UInt8](repeating: 0, count: 32)
            var count: Int32 = 0
            let context = EVP_CIPHER_CTX_new()
            defer { EVP_CIPHER_CTX_free(context) }
            #expect(EVP_EncryptInit_ex(context, EVP_aes_256_ecb(), nil, key, nil) == 1)
            #expect(EVP_EncryptUpdate(context, &output, &count, input, 16) == 1)
            return Element(output.prefix(16))
        }
        return (block([UInt8](repeating: 0, count: 16)), block(nonce + [0, 0, 0, 1]))
    }

    /// The bytes of a connection's sealing key, from its record.
    private func sealingKey(
        _ generation: Int64, _ place: KeyPlace, _ tree: KeyTree, _ view: KeyTree.View
    ) async throws -> [UInt8] {
        let ids = KeyRecord.ids(place, generation)
        let record = try #require(try await KeyRecord.table.read(place.partition, ids, in: tree.store))
        let above = try await tree.key(KeyPlace(place.context), .current, view).key
        let header = try record.headerDigest(at: place).bytes
        let bundle = try above.handle.open(record.wrapped[...], authenticating: header)
        let material = try OpenKey.material(bundle, headerDigest: header)
        let key = try HMACKey(material).derive(label: CanonicalBytes(label: "reeve/vault/seal/1"))
        return key.withBytes { span in (0..<span.byteCount).map { span.byte($0) } }
    }

    @Test func oneEnvelopeOpensUnderOneKey() async throws {
        let stage = try VaultStage()
        let keys = try MainKeys(LocalMainKey.ephemeral())
        let (store, ledger) = (TestStore(), MemoryLedger())
        let connection = stage.connection(1)
        let process = try await stage.process(store, ledger, keys)
        try await process.store("honest", connection)
        let own = KeyTarget.connection(connection.id)
        try await process.vault.rotate(own, process.manage(own, connection.scope))
        let context = MainKeyContext(workspace: stage.workspace, environment: .production)
        let place = KeyPlace(context, .connection(connection.id))
        let view = try await process.vault.tree.view(of: context)
        let set = try #require(try await process.vault.tree.set(of: place, view))
        #expect(set.versions.count == 2)
        let first = try await process.vault.tree.key(place, .commitment(set.versions[0].commitment), view).key
        let second = try await process.vault.tree.key(place, .commitment(set.versions[1].commitment), view).key

        // A ciphertext of two blocks, of which the first is free and the second makes the tags equal.
        let rowKey = CredentialRow.table.key(place.partition, CredentialRow.ids(.production, connection.id))
        let stored = try #require(try await store.record(for: rowKey))
        let row = try CredentialRow.table.value(of: stored.bytes, at: rowKey)
        let bound = row.additionalData(context, connection.id)
        let data = Envelope.authenticated(first, bound)
        let nonce = [UInt8](repeating: 7, count: 12)
        let tree = process.vault.tree
        let one = secrets(try await sealingKey(1, place, tree, view), nonce)
        let two = secrets(try await sealingKey(2, place, tree, view), nonce)
        let start = [UInt8](repeating: 3, count: 16)
        func tag(_ last: Element, _ key: (hash: Element, mask: Element)) -> Element {
            hash(data, start + last.bytes, key.hash) + key.mask
        }
        let nothing = Element([])
        let last = (tag(nothing, one) + tag(nothing, two)) * (one.hash * one.hash + two.hash * two.hash).inverse
        let forged = nonce + start + last.bytes + tag(last, one).bytes
        #expect(tag(last, one) == tag(last, two))
        // The cipher alone accepts it under both.
        _ = try first.handle.open(forged[...], authenticating: data)
        _ = try second.handle.open(forged[...], authenticating: data)

        for (key, header) in [(first, first), (second, first), (first, second), (second, second)] {
            var planted = row
            planted.key = key.commitment
            planted.sealed = Array(Envelope.authenticated(header, []).prefix(10)) + forged
            var changes = Changes()
            changes.write(rowKey, planted.recordBytes(schema: 1))
            try await store.commit(changes)
            let failure = try await stage.process(store, ledger, keys).failure(connection)
            switch (key.commitment == first.commitment, header.commitment == first.commitment) {
            // Made under this key by who knows it.
            case (true, true): #expect(failure == nil)
            // The header is authenticated, and another one now.
            case (false, false): #expect(failure?.detail == .tampered)
            default: #expect(failure?.detail == .wrongKey)
            }
        }
    }

    /// Bytes of every kind in the place of a credential's fields: what is no field is none.
    @Test func hostileContentHasNoFields() throws {
        var generator = Scale.current.generator(for: "vault.fields")
        let sound = try Credential(.custom).adding("a", SecretBytes(copying: [1, 2])).adding(
            "b", SecretBytes(copying: []))
        let bytes = sound.content.withBytes { span in (0..<span.byteCount).map { span.byte($0) } }
        for index in 0..<Scale.current.cases(ci: 20_000, soak: 1_000_000) {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                changed[Int.random(in: changed.indices, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            if index & 1 == 0 { changed.removeLast(Int.random(in: 0...changed.count, using: &generator)) }
            let secret = Secret(method: .custom, content: try SecretBytes(copying: changed))
            for name in secret.fieldNames {
                let count = secret.withField(name) { $0.byteCount }
                #expect(count.map { $0 <= changed.count } == true)
            }
        }
    }

    /// Bytes of every kind at the parser of envelopes: none opens but those that were sealed (9,000,000; ten times as many in a long run).
    @Test func hostileEnvelopesOpenNothing() throws {
        var generator = Scale.current.generator(for: "vault.envelopes")
        let context = MainKeyContext(workspace: Identifier(high: 1, low: 1), environment: .production)
        let place = KeyPlace(context, .connection(Identifier(high: 3, low: 1)))
        let keys = try (0..<2).map { number in
            try OpenKey(SecretBytes(copying: [UInt8](repeating: UInt8(number), count: 32)), for: place, generation: 1)
        }
        let data = Array("bound".utf8)
        let samples = try (0..<8).map { number in
            let content = try SecretBytes(copying: [UInt8](repeating: 9, count: number * 23))
            return (
                row: try Envelope.seal(content, with: keys[0], data),
                alone: try Envelope.sealAlone(content, with: keys[0], data),
                other: try Envelope.seal(content, with: keys[1], data)
            )
        }
        let authenticated = Envelope.authenticated(keys[0], data)
        for index in 0..<Scale.current.cases(ci: 9_000_000, soak: 90_000_000) {
            let sample = samples[index & 7]
            let isAlone = Bool.random(using: &generator)
            let original = isAlone ? sample.alone : sample.row
            var bytes = original
            switch Int.random(in: 0..<6, using: &generator) {
            case 0:
                bytes[Int.random(in: bytes.indices, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
            case 2:
                bytes += (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                    .random(in: 0...255, using: &generator)
                }
            case 3:
                bytes = (0..<Int.random(in: 0...120, using: &generator)).map { _ in
                    .random(in: 0...255, using: &generator)
                }
            case 4:
                let cut = Int.random(in: 0..<bytes.count, using: &generator)
                bytes = Array(bytes.prefix(cut)) + samples[(index + 1) & 7].row.dropFirst(cut)
            default: bytes = sample.other
            }
            if bytes == original { continue }
            do {
                if isAlone {
                    _ = Envelope.commitment(ofLone: bytes)
                    _ = try Envelope.openAlone(bytes, with: keys[0], data)
                } else {
                    _ = Envelope.names(keys[0], in: bytes)
                    _ = try Envelope.open(bytes, with: keys[0], authenticated: authenticated)
                }
                // A splice of an envelope's end to another's start may be that other one.
                #expect(samples.contains { $0.row == bytes }, "case \(index)")
            } catch {
                #expect(error.code == .authenticationFailed)
            }
        }
    }

    /// What is wrapped behind a key is compared whole: each changed bit, and any other digest, is refused.
    @Test func aWrappedKeyIsBoundToEveryBitOfItsHeader() throws {
        var generator = Scale.current.generator(for: "vault.headers")
        let header = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let bundle = try SecretBytes.random(count: 32).appending(header)
        #expect(throws: Never.self) { _ = try OpenKey.material(bundle, headerDigest: header).count }
        func refuses(_ other: [UInt8]) -> Bool { (try? OpenKey.material(bundle, headerDigest: other).count) == nil }
        for bit in 0..<256 {
            var changed = header
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(refuses(changed), "bit \(bit)")
        }
        for index in 0..<Scale.current.cases(ci: 100_000, soak: 10_000_000) {
            #expect(refuses((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }), "case \(index)")
        }
        for count in [0, 1, 31] { #expect(refuses(Array(header.suffix(count)))) }
        #expect(refuses(header + header) && refuses([0] + header))
    }

    /// Wrapped keys as well, from the record's bytes on (1,000,000; ten times as many in a long run).
    @Test func hostileKeyRecordsUnwrapToNothing() throws {
        var generator = Scale.current.generator(for: "vault.keyRecords")
        let context = MainKeyContext(workspace: Identifier(high: 1, low: 1), environment: .production)
        let above = try OpenKey(
            SecretBytes(copying: [UInt8](repeating: 4, count: 32)), for: KeyPlace(context), generation: 1)
        let place = KeyPlace(context, .connection(Identifier(high: 3, low: 1)))
        let new = try NewKey(
            for: place, generation: 1, created: Timestamp(seconds: 1), retires: Timestamp(seconds: 2),
            under: .key(above.commitment, generation: 1))
        var record = new.record
        let header = try record.headerDigest(at: place).bytes
        record.wrapped = try new.bundle.withLiveBytes { (span) throws(CryptoError) in
            try above.handle.seal(span, authenticating: header)
        }
        let bytes = record.recordBytes(schema: 1)
        let key = KeyRecord.table.key(place.partition, KeyRecord.ids(place, 1))
        for index in 0..<Scale.current.cases(ci: 1_000_000, soak: 10_000_000) {
            var changed = bytes
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                changed[Int.random(in: changed.indices, using: &generator)] ^=
                    1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: changed.removeLast(Int.random(in: 1...changed.count, using: &generator))
            default:
                changed.insert(
                    .random(in: 0...255, using: &generator), at: Int.random(in: changed.indices, using: &generator))
            }
            guard let read = try? KeyRecord.table.value(of: changed, at: key), read != record else { continue }
            let isOpen =
                (try? { () throws(CryptoError) in
                    let digest = try read.headerDigest(at: place).bytes
                    return try OpenKey(
                        above.handle.open(read.wrapped[...], authenticating: digest), of: read, at: place)
                }()) != nil
            #expect(!isOpen, "case \(index)")
        }
    }
}
