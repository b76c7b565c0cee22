// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Whether the wall clock can be believed by who lets something go for good.
package struct ClockWatch: Sendable {
    private let time: any TimeSource
    private let start: (now: Timestamp, uptime: Duration)
    /// By how much clocks may differ: 5 minutes.
    package static let tolerance = Duration.seconds(300)

    /// Watches from now on.
    package init(_ time: any TimeSource) {
        self.time = time
        start = (time.now, time.uptime)
    }

    /// Whether the wall clock differs by more than ``tolerance`` from what has passed on the monotonic clock since, or is that much behind something that has happened.
    package func disagrees(with last: Timestamp?) -> Bool {
        let (now, uptime) = (time.now, time.uptime)
        let expected = start.now.advanced(by: uptime - start.uptime)
        guard now <= expected.advanced(by: Self.tolerance), expected <= now.advanced(by: Self.tolerance) else {
            return true
        }
        return last.map { $0 > now.advanced(by: Self.tolerance) } ?? false
    }
}
