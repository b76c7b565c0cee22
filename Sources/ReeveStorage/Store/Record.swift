// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveModel

/// A record's bytes and the revision that wrote them.
public struct Record: Hashable, Sendable {
    /// What was written.
    public let bytes: [UInt8]
    /// The commit that wrote it.
    public let revision: Revision

    /// A record as a store returns it.
    public init(bytes: [UInt8], revision: Revision) {
        self.bytes = bytes
        self.revision = revision
    }
}

/// A key and its record.
public struct Entry: Hashable, Sendable {
    /// The key.
    public let key: Key
    /// The record.
    public let record: Record

    /// An entry as a store returns it.
    public init(key: Key, record: Record) {
        self.key = key
        self.record = record
    }
}

/// A unique value that a committer chooses for one commit: after a lost reply it tells whose write a record is.
public struct Revision: Hashable, Sendable, CustomStringConvertible {
    /// The upper 64 bits.
    public let high: UInt64
    /// The lower 64 bits.
    public let low: UInt64

    /// A new revision: 128 random bits.
    public static func make() -> Revision {
        var generator = KernelRandom()
        return Revision(high: generator.next(), low: generator.next())
    }

    /// A revision that an adapter has read back.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A revision from its ``bytes``; `nil` when they are not 16.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        func word(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: word(bytes.prefix(8)), low: word(bytes.dropFirst(8)))
    }

    /// The 16 bytes in which an adapter keeps it, the upper ones first.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        bytes.appendBigEndian(high)
        bytes.appendBigEndian(low)
        return bytes
    }

    /// 32 hexadecimal digits.
    public var description: String {
        [high, low].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
    }
}
