// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// An instant: microseconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Its text, also in JSON, is RFC 3339 in UTC with exactly six fraction digits, for example
/// `2026-03-07T09:30:00.000000Z`, for the years 0001 to 9999.
public struct Timestamp: Hashable, Sendable, Comparable {
    /// Microseconds since 1970-01-01T00:00:00Z.
    public let microseconds: Int64

    /// The instant this many microseconds after 1970.
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// The instant this many whole seconds after 1970; clamped at the ends of the range.
    public init(seconds: Int64) {
        let (microseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        self.init(microseconds: overflow ? (seconds < 0 ? .min : .max) : microseconds)
    }

    /// Earlier is less.
    public static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

    /// The instant `duration` later, without parts of a microsecond; clamped at the ends of the range.
    public func advanced(by duration: Duration) -> Timestamp {
        let parts = duration.components
        let (whole, overflow) = parts.seconds.multipliedReportingOverflow(by: 1_000_000)
        let fraction = parts.attoseconds / 1_000_000_000_000
        let (delta, overflow2) = whole.addingReportingOverflow(fraction)
        let (sum, overflow3) = microseconds.addingReportingOverflow(delta)
        guard overflow || overflow2 || overflow3 else { return Timestamp(microseconds: sum) }
        return Timestamp(microseconds: duration < .zero ? .min : .max)
    }

    /// The day in UTC on which this instant lies.
    public var day: CivilDay {
        let seconds = microseconds.flooredQuotient(1_000_000)
        return CivilDay(daysSince1970: Int32(clamping: seconds.flooredQuotient(86_400)))
    }
}

extension Timestamp: LosslessStringConvertible {
    /// RFC 3339 in UTC with six fraction digits; `µs:<number>` outside the years 0001 to 9999.
    public var description: String {
        let day = self.day
        guard CivilDay.range.contains(day) else { return "µs:\(microseconds)" }
        let inDay = microseconds - Int64(day.daysSince1970) * 86_400_000_000
        let (seconds, fraction) = (inDay / 1_000_000, inDay % 1_000_000)
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0.padded(2) }.joined(separator: ":")
        return "\(day)T\(clock).\(fraction.padded(6))Z"
    }

    /// Reads the text that `description` writes, and nothing else.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 27, bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), bytes[19] == UInt8(ascii: "."), bytes[26] == UInt8(ascii: "Z"),
            let day = CivilDay(String(decoding: bytes[..<10], as: UTF8.self)),
            let hour = Int64(digits: bytes[11..<13]), hour < 24, let minute = Int64(digits: bytes[14..<16]),
            minute < 60, let second = Int64(digits: bytes[17..<19]), second < 60,
            let fraction = Int64(digits: bytes[20..<26])
        else { return nil }
        let seconds = Int64(day.daysSince1970) * 86_400 + hour * 3600 + minute * 60 + second
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }
}

extension Timestamp: TextCodable {}
