// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Where a room reads the time: a wall clock for dates, a monotonic clock for lifetimes, and a sleep on the latter.
///
/// Objects that hold state are given one when they are made and take no instant from their callers, so that nobody can
/// hand yesterday to an expired permit.
public protocol TimeSource: Sendable {
    /// The wall clock's instant. It may jump in both directions.
    var now: Timestamp { get }
    /// Time since an arbitrary start; never goes back, and runs on while the machine sleeps.
    var uptime: Duration { get }
    /// As ``now``, but some milliseconds behind where that is much cheaper to read: for what happens millions of times a second.
    var coarseNow: Timestamp { get }
    /// Returns when `uptime` has reached `deadline`; throws `CancellationError` when the task is cancelled first.
    func sleep(until deadline: Duration) async throws
}

extension TimeSource {
    /// The wall clock's instant.
    public var coarseNow: Timestamp { now }
}

/// The operating system's clocks.
public struct SystemTime: TimeSource {
    /// The process's start of counting, shared by all copies.
    private static let start = ContinuousClock.now

    /// The operating system's clocks.
    public init() {}

    /// The wall clock, to the microsecond.
    public var now: Timestamp { Self.read(CLOCK_REALTIME) }

    /// The wall clock as of the last tick of the system, on Linux up to ten milliseconds ago.
    public var coarseNow: Timestamp {
        #if canImport(Glibc)
        Self.read(CLOCK_REALTIME_COARSE)
        #else
        now
        #endif
    }

    private static func read(_ clock: clockid_t) -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1000)
    }

    /// The continuous clock since its first use in this process.
    public var uptime: Duration { Self.start.duration(to: .now) }

    /// Sleeps on the continuous clock.
    public func sleep(until deadline: Duration) async throws {
        try await ContinuousClock().sleep(until: Self.start.advanced(by: deadline))
    }
}
