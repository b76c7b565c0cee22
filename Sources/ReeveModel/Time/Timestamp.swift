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
        var text: [UInt8] = []
        append(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads the text that `description` writes, and nothing else.
    public init?(_ text: String) {
        self.init(utf8: Array(text.utf8)[...])
    }

    /// Appends the text form.
    package func append(to text: inout [UInt8]) {
        let day = self.day
        guard CivilDay.range.contains(day) else { return text.append(contentsOf: "µs:\(microseconds)".utf8) }
        let inDay = microseconds - Int64(day.daysSince1970) * 86_400_000_000
        let (seconds, fraction) = (inDay / 1_000_000, inDay % 1_000_000)
        let date = day.components
        let start = text.count
        unsafe text.append(contentsOf: UnsafeBufferPointer(start: Self.form.utf8Start, count: 27))
        unsafe text.withUnsafeMutableBufferPointer { text in
            func put(_ value: Int64, endingBefore end: Int, _ count: Int) {
                var rest = UInt64(value)
                for index in 1...count {
                    unsafe text[start + end - index] = UInt8(truncatingIfNeeded: rest % 10) + 48
                    rest /= 10
                }
            }
            put(Int64(date.year), endingBefore: 4, 4)
            put(Int64(date.month), endingBefore: 7, 2)
            put(Int64(date.day), endingBefore: 10, 2)
            put(seconds / 3600, endingBefore: 13, 2)
            put(seconds / 60 % 60, endingBefore: 16, 2)
            put(seconds % 60, endingBefore: 19, 2)
            put(fraction, endingBefore: 26, 6)
        }
    }

    private static let form: StaticString = "0000-00-00T00:00:00.000000Z"

    /// Reads the UTF-8 of the text form.
    package init?(utf8 bytes: ArraySlice<UInt8>) {
        if bytes.starts(with: "µs:".utf8) {
            // Only for instants that have no other text, so that each has one.
            let text = String(decoding: bytes.dropFirst(4), as: UTF8.self)
            guard let microseconds = Int64(text), text == String(microseconds) else { return nil }
            self.init(microseconds: microseconds)
            guard !CivilDay.range.contains(day) else { return nil }
            return
        }
        let start = bytes.startIndex
        // Only where there are 27 bytes.
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for index in range {
                let digit = bytes[start + index] &- 48
                guard digit < 10 else { return nil }
                value = value &* 10 &+ Int64(digit)
            }
            return value
        }
        guard bytes.count == 27, bytes[start + 4] == UInt8(ascii: "-"), bytes[start + 7] == UInt8(ascii: "-"),
            bytes[start + 10] == UInt8(ascii: "T"), bytes[start + 13] == UInt8(ascii: ":"),
            bytes[start + 16] == UInt8(ascii: ":"), bytes[start + 19] == UInt8(ascii: "."),
            bytes[start + 26] == UInt8(ascii: "Z"),
            let year = number(0..<4), let month = number(5..<7), let dayOfMonth = number(8..<10),
            let day = CivilDay(year: Int(year), month: Int(month), day: Int(dayOfMonth)),
            let hour = number(11..<13), hour < 24, let minute = number(14..<16), minute < 60,
            let second = number(17..<19), second < 60, let fraction = number(20..<26)
        else { return nil }
        let seconds = Int64(day.daysSince1970) * 86_400 + hour * 3600 + minute * 60 + second
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }
}

extension Timestamp: TextCodable {}
