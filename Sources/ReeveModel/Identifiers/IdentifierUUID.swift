// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import FoundationEssentials

extension Identifier {
    /// The identifier with the UUID's 128 bits; `uuid` gives the same UUID back.
    public init(uuid: UUID) {
        let bytes = uuid.uuid
        func word(_ part: (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8)) -> UInt64 {
            let upper = UInt64(part.0) << 56 | UInt64(part.1) << 48 | UInt64(part.2) << 40 | UInt64(part.3) << 32
            return upper | UInt64(part.4) << 24 | UInt64(part.5) << 16 | UInt64(part.6) << 8 | UInt64(part.7)
        }
        self.init(
            high: word((bytes.0, bytes.1, bytes.2, bytes.3, bytes.4, bytes.5, bytes.6, bytes.7)),
            low: word((bytes.8, bytes.9, bytes.10, bytes.11, bytes.12, bytes.13, bytes.14, bytes.15)))
    }

    /// The UUID with the identifier's 128 bits.
    public var uuid: UUID {
        func byte(_ word: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: word >> (56 - 8 * index)) }
        return UUID(
            uuid: (
                byte(high, 0), byte(high, 1), byte(high, 2), byte(high, 3), byte(high, 4), byte(high, 5),
                byte(high, 6), byte(high, 7), byte(low, 0), byte(low, 1), byte(low, 2), byte(low, 3),
                byte(low, 4), byte(low, 5), byte(low, 6), byte(low, 7)
            ))
    }
}
