// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// What an identifier names: a company, a workspace, a connection.
///
/// The kind is the prefix of the identifier's text, so that an id pasted into the wrong place is refused by the parser.
public protocol IdentifiedEntity: Sendable {
    /// One to eight lower-case ASCII letters, unique among all kinds, for example `ws`.
    static var identifierPrefix: String { get }
}

/// A 128-bit identifier of one kind of entity, ordered by the time at which it was made.
///
/// Its text is `<prefix>_<26 characters>` in lower-case Crockford base 32, for example
/// `ws_01jd9x0c4tq3v8m5n7k2b6r1fz`. Parsing is strict: another kind's prefix, upper case, a wrong length and a value
/// over 128 bits are refused. In JSON an identifier is its text.
public struct Identifier<Entity: IdentifiedEntity>: Hashable, Sendable {
    /// The upper 64 bits; the first 48 of a made identifier are milliseconds since 1970.
    public let high: UInt64
    /// The lower 64 bits.
    public let low: UInt64

    /// An identifier with exactly these bits.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new identifier: 48 bits of time, then 80 random bits from the system's generator.
    ///
    /// Times before 1970 count as 1970. Two identifiers of one millisecond have no defined order.
    public init(at instant: Timestamp) {
        var generator = KernelRandom()
        self.init(at: instant, using: &generator)
    }

    /// A new identifier whose random bits come from `generator`, for tests that replay a seed.
    public init(at instant: Timestamp, using generator: inout some RandomNumberGenerator) {
        let milliseconds = UInt64(max(0, instant.microseconds / 1000)) & 0xFFFF_FFFF_FFFF
        self.init(
            high: (milliseconds << 16) | (generator.next() & 0xFFFF), low: generator.next())
    }
}

extension Identifier: Comparable {
    /// Orders by the 128-bit value, which for made identifiers is the order of their milliseconds.
    public static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension Identifier: LosslessStringConvertible {
    /// The identifier's text, which `init(_:)` reads back.
    public var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(Entity.identifierPrefix.utf8.count + 27)
        append(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads an identifier's text; `nil` for another kind, another spelling or another length.
    public init?(_ text: String) {
        self.init(utf8: Array(text.utf8)[...])
    }

    /// Appends the identifier's text.
    package func append(to text: inout [UInt8]) {
        text.append(contentsOf: Entity.identifierPrefix.utf8)
        text.append(UInt8(ascii: "_"))
        Base32.append(high: high, low: low, to: &text)
    }

    /// Reads the UTF-8 of an identifier's text.
    package init?(utf8 text: ArraySlice<UInt8>) {
        guard let value = Base32.decode(text, after: Entity.identifierPrefix) else { return nil }
        self.init(high: value.high, low: value.low)
    }
}

extension Identifier: Codable {
    /// Reads the identifier's text.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not an identifier of kind `\(Entity.identifierPrefix)`")
        }
        self = value
    }

    /// Writes the identifier's text.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
