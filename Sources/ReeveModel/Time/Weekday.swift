// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// A day of the week, numbered as in ISO 8601: Monday is 1, Sunday 7.
public enum Weekday: Int, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// 1
    case monday = 1
    /// 2
    case tuesday
    /// 3
    case wednesday
    /// 4
    case thursday
    /// 5
    case friday
    /// 6
    case saturday
    /// 7
    case sunday

    /// Monday comes first.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension CivilDay {
    /// Its day of the week.
    public var weekday: Weekday {
        // 1970-01-01 was a Thursday.
        Weekday(rawValue: (Int(daysSince1970) + 3).flooredRemainder(7) + 1) ?? .monday
    }
}
