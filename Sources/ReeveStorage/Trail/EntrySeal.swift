// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// Vouches for entries while they wait to be sequenced, at once and without asking anybody.
///
/// ReeveAccess's `DerivedControlKeys` is the usual one. All calls may be made concurrently.
public protocol EntrySealer: Sendable {
    /// HMAC-SHA256 of a message under a partition's control key; 32 bytes.
    func seal(_ message: [UInt8], in log: Partition) throws(StoreError) -> [UInt8]
}

/// What a waiting entry is vouched for as: this record, by this writer, under this number of this log.
///
/// The seal is the record's last field. It is taken off before the record goes into the log.
package struct EntrySeal: Sendable {
    private let log: Partition
    private let writer: String
    private let number: Int64

    package init(log: Partition, writer: String, number: Int64) {
        self.log = log
        self.writer = writer
        self.number = number
    }

    package func message(_ record: [UInt8]) -> [UInt8] {
        var message = CanonicalBytes(label: "reeve/audit/pending/1", capacity: record.count + 160)
        message.add(log.name)
        message.add(writer)
        message.add(number)
        message.add(record)
        return message.bytes
    }

    private static let start = Array(#","seal":""#.utf8)
    private static let end = Array(#""}}"#.utf8)
    private static let count = start.count + 43 + end.count

    static func add(_ seal: [UInt8], to record: [UInt8]) -> [UInt8] {
        var sealed: [UInt8] = []
        sealed.reserveCapacity(record.count + count)
        sealed += record[..<(record.count - 2)]
        sealed += start
        Base64URL.append(seal, to: &sealed)
        sealed += end
        return sealed
    }

    /// A stored record without its seal, and the seal; `nil` when it has none.
    package static func remove(from stored: [UInt8]) -> (record: [UInt8], seal: [UInt8])? {
        let place = stored.count - count
        guard place > 0, stored[place...].starts(with: start), stored.suffix(end.count).elementsEqual(end),
            let seal = Base64URL.decode(stored[place + start.count..<stored.count - end.count]), seal.count == 32
        else { return nil }
        var record = [UInt8](stored.prefix(place + 2))
        record[place] = UInt8(ascii: "}")
        record[place + 1] = UInt8(ascii: "}")
        return (record, seal)
    }
}
