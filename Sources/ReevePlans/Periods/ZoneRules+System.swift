// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import Foundation
public import ReeveModel

extension ZoneRules {
    /// The rules of a zone of the IANA database, such as `Europe/Berlin`, as this system knows them; `nil` for a name that
    /// it does not know.
    ///
    /// The rules are a value: they hold for the years given, by default 1970 to 2060, and go on with the last offset after
    /// that. Read them once and keep them: it takes some milliseconds a decade. This is the only file of Reeve's libraries
    /// that needs all of Foundation, which alone knows zones on Linux.
    public init?(identifier: String, years: ClosedRange<Int> = 1970...2060) {
        // A name that holds other characters may be cut there, and the rest be taken for Greenwich.
        let isName = identifier.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || "/_+-".utf8.contains(byte)
        }
        guard isName, let zone = TimeZone(identifier: identifier),
            let first = CivilDay(year: years.lowerBound, month: 1, day: 1),
            let last = CivilDay(year: years.upperBound, month: 12, day: 31)
        else { return nil }
        func offset(_ seconds: Int64) -> Int {
            zone.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds)))
        }
        let (start, end) = (first.startInUTC.microseconds / 1_000_000, last.startInUTC.microseconds / 1_000_000)
        // No zone has changed twice within five days and come back: look every five, then halve to the second.
        let step: Int64 = 5 * 86_400
        var transitions: [Transition] = []
        var (before, present) = (start, offset(start))
        let initial = present
        while before < end {
            let after = before + step
            let next = offset(after)
            if next != present {
                var (low, high) = (before, after)
                while high - low > 1 {
                    let middle = (low + high) / 2
                    if offset(middle) == present { low = middle } else { high = middle }
                }
                transitions.append(Transition(at: Timestamp(seconds: high), offset: offset(high)))
                present = offset(high)
                // What is left of the five days is looked at again from there.
                before = high
                continue
            }
            before = after
        }
        self.init(name: identifier, initialOffset: initial, transitions: transitions)
    }
}
