// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveStorage
import Synchronization

/// A store whose commits can be held up, lost, or answered by nobody.
final class StubbornStore: Store {
    enum Mode: Hashable {
        case pass
        /// The next commit waits before it takes effect, or after.
        case holdBefore, holdAfter
        /// Commits take effect or do not, nobody answers, and nothing can be read until the mode is another one.
        case applyUnanswered, dropUnanswered
        /// The next commits arrive when they are let go.
        case delay
    }
    private struct State {
        var mode = Mode.pass
        var isSilent = false
        var waiting: CheckedContinuation<Void, Never>?
        var hasArrived = false
        var arrivals: [CheckedContinuation<Void, Never>] = []
        var delayed: [Changes] = []
        var failure: StoreError?
        var unreadable: Key.Element?
    }
    private let base: any Store
    private let state = Mutex(State())

    init(_ base: any Store) { self.base = base }

    func set(_ mode: Mode, failure: StoreError? = nil) {
        state.withLock { state in
            (state.mode, state.failure, state.isSilent) = (mode, failure, false)
        }
    }

    /// Records with this element in their key cannot be read.
    func hide(_ element: Key.Element?) { state.withLock { $0.unreadable = element } }

    /// Returns once a commit is held up.
    func held() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if !state.hasArrived { state.arrivals.append(continuation) }
                return state.hasArrived
            }
            if isThere { continuation.resume() }
        }
    }

    /// Lets the commit go that is held up.
    func release() {
        let waiting = state.withLock { state in
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Lets delayed commits arrive: those take effect that still may.
    func arrive() async {
        let delayed = state.withLock { state in
            defer { state.delayed = [] }
            return state.delayed
        }
        for changes in delayed { try? await base.commit(changes) }
    }

    private func wait() async {
        await withCheckedContinuation { continuation in
            let arrivals = state.withLock { state in
                state.waiting = continuation
                (state.hasArrived, state.mode) = (true, .pass)
                defer { state.arrivals = [] }
                return state.arrivals
            }
            arrivals.forEach { $0.resume() }
        }
    }

    private func check(_ key: Key?) throws(StoreError) {
        let failure = state.withLock { state -> StoreError? in
            if state.isSilent { return .unavailable("silent") }
            guard let hidden = state.unreadable, let key, key.elements?.contains(hidden) == true,
                key.elements?.contains(.text("plans.quota")) == true
            else { return nil }
            return .newerSchema(key)
        }
        if let failure { throw failure }
    }

    func record(for key: Key) async throws(StoreError) -> Record? {
        try check(key)
        return try await base.record(for: key)
    }

    func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try check(nil)
        return try await base.records(in: range, limit: limit)
    }

    func commit(_ changes: Changes) async throws(StoreError) {
        try check(nil)
        switch state.withLock({ $0.mode }) {
        case .pass: try await base.commit(changes)
        case .holdBefore:
            await wait()
            if let failure = state.withLock({ $0.failure }) { throw failure }
            try await base.commit(changes)
        case .holdAfter:
            try await base.commit(changes)
            await wait()
        case .applyUnanswered:
            try await base.commit(changes)
            state.withLock { $0.isSilent = true }
            throw .outcomeUnknown
        case .dropUnanswered:
            state.withLock { $0.isSilent = true }
            throw .outcomeUnknown
        case .delay:
            state.withLock { $0.delayed.append(changes) }
            throw .outcomeUnknown
        }
    }
}
