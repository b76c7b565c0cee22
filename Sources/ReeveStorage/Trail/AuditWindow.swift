// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveModel
import Synchronization

/// One audit entry for many openings of the same thing by the same kind of work, written ahead (clause S1.4).
///
/// Before the first opening an entry is committed that declares at most so many openings in so many seconds; it is closed
/// with the exact count. After a crash the declared number stands, and it is never less than what was opened. One value
/// serves one thing, actor and purpose; all calls may be made concurrently.
public final class AuditWindow: Sendable {
    /// The most openings and seconds of one window.
    public struct Limits: Hashable, Sendable, Codable {
        /// Openings; 1 to 1,000,000.
        public var openings: Int
        /// Seconds; 1 to 60.
        public var seconds: Int

        /// Limits; by default 1,000 openings in 60 seconds.
        public init(openings: Int = 1000, seconds: Int = 60) {
            self.openings = min(max(openings, 1), 1_000_000)
            self.seconds = min(max(seconds, 1), 60)
        }
    }

    private struct State {
        /// `nil` while no window is open.
        var window: Identifier<AuditRecord>?
        var deadline = Duration.zero
        var left = 0
        var opened = 0
        /// Whether somebody is opening or closing a window now, and who waits for that.
        var isBusy = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())
    private let limits: Limits
    private let store: any Store
    private let trail: Trail
    private let time: any TimeSource
    private let entry: @Sendable (Timestamp, String, [String: String]) -> AuditEntry

    /// Windows for one thing. `entry` makes the entries: it is given an instant, `open` or `close`, and what to say.
    public init(
        limits: Limits = Limits(), store: any Store, trail: Trail, time: any TimeSource = SystemTime(),
        entry: @escaping @Sendable (Timestamp, String, [String: String]) -> AuditEntry
    ) {
        self.limits = limits
        self.store = store
        self.trail = trail
        self.time = time
        self.entry = entry
    }

    /// Returns when one more opening is covered by an entry that is committed, and whether that took a wait: what was looked at
    /// before may have changed then. When it cannot be written it throws, and nothing may be opened.
    @discardableResult
    public func enter() async throws(StoreError) -> Bool {
        var hasWaited = false
        while true {
            let now = time.uptime
            enum Next { case entered, lead, wait }
            let next = state.withLock { state -> Next in
                if state.window != nil, state.left > 0, now < state.deadline {
                    state.left -= 1
                    state.opened += 1
                    return .entered
                }
                if state.isBusy { return .wait }
                state.isBusy = true
                return .lead
            }
            switch next {
            case .entered: return hasWaited
            case .wait: await waitForLeader()
            case .lead: try await turn(opening: true)
            }
            hasWaited = true
        }
    }

    /// Closes the window that is open, with the exact count; does nothing when none is.
    public func close() async throws(StoreError) {
        while true {
            enum Next { case done, lead, wait }
            let next = state.withLock { state -> Next in
                if state.isBusy { return .wait }
                guard state.window != nil else { return .done }
                state.isBusy = true
                return .lead
            }
            switch next {
            case .done: return
            case .wait: await waitForLeader()
            case .lead: return try await turn(opening: false)
            }
        }
    }

    /// Whether an entry covers openings now, or is being written.
    package var isOpen: Bool { state.withLock { $0.window != nil || $0.isBusy } }

    /// Closes the window when its time is over: for background work.
    public func closeIfOver() async throws(StoreError) {
        let now = time.uptime
        if state.withLock({ $0.window != nil && now >= $0.deadline }) { try await close() }
    }

    private func waitForLeader() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isBusy { state.waiting.append(continuation) }
                return !state.isBusy
            }
            if isFree { continuation.resume() }
        }
    }

    /// One commit: the entry that closes the window there is, and the one that opens the next.
    private func turn(opening: Bool) async throws(StoreError) {
        let (old, opened) = state.withLock { state in
            defer { state.left = 0 }
            return (state.window, state.opened)
        }
        let (instant, uptime) = (time.now, time.uptime)
        let declared = ["openings": String(limits.openings), "seconds": String(limits.seconds)]
        let opener = opening ? entry(instant, "open", declared) : nil
        let result: Result<Void, StoreError>
        do throws(StoreError) {
            try await store.transaction { (transaction: inout Transaction<StoreError>) throws(StoreError) in
                if let old {
                    let count = ["window": old.description, "opened": String(opened)]
                    try transaction.record(entry(instant, "close", count), in: trail)
                }
                if let opener { try transaction.record(opener, in: trail) }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        let waiting = state.withLock { state in
            if case .success = result {
                state.window = opener?.id
                state.deadline = uptime + .seconds(limits.seconds)
                state.left = opener == nil ? 0 : limits.openings
                state.opened = 0
            }
            state.isBusy = false
            defer { state.waiting = [] }
            return state.waiting
        }
        waiting.forEach { $0.resume() }
        try result.get()
    }
}
