// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import Synchronization

/// Clocks that stand still until a test moves them: wall and monotonic clock apart. Who waits on them waits until they are moved: a
/// `TaskMeter` needs `recallMilliseconds: 0`.
public final class ManualTime: TimeSource {
    private struct Sleeper {
        let deadline: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }
    private struct State {
        var now: Timestamp
        var uptime = Duration.zero
        var sleepers: [Int: Sleeper] = [:]
        var nextSleeper = 0
        var cancelled: Set<Int> = []
    }
    private let state: Mutex<State>

    /// Clocks that show this instant; by default 2026-01-15T12:00:00Z.
    public init(now: Timestamp = Timestamp(seconds: 1_768_478_400)) {
        state = Mutex(State(now: now))
    }

    /// The wall clock.
    public var now: Timestamp { state.withLock(\.now) }
    /// The monotonic clock.
    public var uptime: Duration { state.withLock(\.uptime) }

    /// Moves both clocks forward and wakes who slept until then.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            state.uptime += duration
            let uptime = state.uptime
            let due = state.sleepers.filter { $0.value.deadline <= uptime }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        due.forEach { $0.resume() }
    }

    /// Sets the wall clock alone, also back: the monotonic clock does not move.
    public func setWallClock(to instant: Timestamp) {
        state.withLock { $0.now = instant }
    }

    /// Returns when `advance` has reached the deadline.
    public func sleep(until deadline: Duration) async throws {
        let id = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if state.uptime >= deadline { return .success(()) }
                    state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let sleeper = state.withLock { state in
                guard let sleeper = state.sleepers.removeValue(forKey: id) else {
                    state.cancelled.insert(id)
                    return nil as Sleeper?
                }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}
