// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel

/// Gives each partition the key under which its authenticated records are.
///
/// ReeveAccess has the usual one, which derives them from a key that the platform's main key wraps.
public protocol ControlKeys: Sendable {
    /// The key of a partition: always the same for one partition, another for each.
    func controlKey(for partition: Partition) async throws(StoreError) -> any MessageAuthenticator
}

/// A record's readable bytes and the line that vouches for them: the epoch in 16 hexadecimal digits, and the tag.
struct SealedRecord {
    let bytes: [UInt8]
    let epoch: Int64
    /// HMAC-SHA256 over label, table, full key, schema, epoch and bytes.
    let tag: [UInt8]

    private static let trailerCount = 1 + 16 + 1 + 43

    /// The part of the tag that the record above keeps: 128 bits.
    var reference: [UInt8] { Array(tag.prefix(16)) }

    /// A record to write.
    init(
        _ bytes: [UInt8], table: String, key: Key, epoch: Int64, _ authenticator: any MessageAuthenticator
    ) throws(StoreError) {
        self.bytes = bytes
        self.epoch = epoch
        do {
            tag = try authenticator.authenticate(Self.message(bytes, table, key, epoch))
        } catch {
            throw .unavailable("the key for authenticated records cannot be used")
        }
    }

    /// A record that was read; `.tampered` unless the tag is the one for this table, key and epoch.
    init(
        stored: [UInt8], table: String, key: Key, _ authenticator: any MessageAuthenticator
    ) throws(StoreError) {
        guard let parts = Self.split(stored) else { throw .tampered(key) }
        let message = Self.message(parts.bytes, table, key, parts.epoch)
        guard (try? authenticator.isValid(parts.tag, for: message)) == true else { throw .tampered(key) }
        (bytes, epoch, tag) = parts
    }

    /// What is written to the store.
    var stored: [UInt8] {
        var stored = bytes
        stored.reserveCapacity(bytes.count + Self.trailerCount)
        stored.append(UInt8(ascii: "\n"))
        var epoch: [UInt8] = []
        epoch.appendBigEndian(UInt64(bitPattern: self.epoch))
        Hex.append(epoch, to: &stored)
        stored.append(UInt8(ascii: " "))
        Base64URL.append(tag, to: &stored)
        return stored
    }

    private static func split(_ stored: [UInt8]) -> (bytes: [UInt8], epoch: Int64, tag: [UInt8])? {
        let start = stored.count - trailerCount
        guard start > 0, stored[start] == UInt8(ascii: "\n"), stored[start + 17] == UInt8(ascii: " "),
            let epoch = Hex.decode(utf8: stored[start + 1..<start + 17]),
            let tag = Base64URL.decode(stored[(start + 18)...]), tag.count == 32
        else { return nil }
        let number = epoch.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return (Array(stored[..<start]), Int64(bitPattern: number), tag)
    }

    private static func message(_ bytes: [UInt8], _ table: String, _ key: Key, _ epoch: Int64) -> [UInt8] {
        var message = CanonicalBytes(
            label: "reeve/storage/control/1", capacity: bytes.count + key.bytes.count + table.utf8.count + 96)
        message.add(table)
        message.add(key.bytes)
        message.add(Int64(RecordSchema.of(bytes) ?? 0))
        message.add(epoch)
        message.add(bytes)
        return message.bytes
    }
}
