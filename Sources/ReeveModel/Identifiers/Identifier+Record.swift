// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

extension Identifier {
    /// What a room's place has of whom this names, as one record of personal data: another name at each place.
    package func record(at place: String) -> Identifier<DataRecord> {
        Identifier<DataRecord>(high: high, low: low ^ Self.mark(of: place))
    }

    /// Whom a record is of that ``record(at:)`` named.
    package init(of record: Identifier<DataRecord>, at place: String) {
        self.init(high: record.high, low: record.low ^ Self.mark(of: place))
    }

    /// FNV-1a (Fowler, Noll, Vo), 64 bits.
    private static func mark(of place: String) -> UInt64 {
        place.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
