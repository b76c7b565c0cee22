// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveStorage
import Synchronization

/// A store that fails on purpose: the k-th call, in one of several ways, once or for ever.
public final class FaultyStore: Store {
    /// How a call fails.
    public enum Fault: Hashable, Sendable, CaseIterable {
        /// Nothing happens, and the call says so.
        case refused
        /// The call takes effect, and its reply is lost.
        case replyLost
        /// Nothing happens, and the reply is lost.
        case requestLost
        /// The reply is lost, and the request arrives late: after the next call.
        case delayed
        /// From this call on the process counts as dead: nothing happens any more, cleanup included.
        case crash
        /// The call takes effect, and then the process counts as dead.
        case crashAfter
    }

    private struct State {
        var calls = 0
        var isDead = false
    }
    private let base: any Store
    private let late = Mutex<Changes?>(nil)
    private let fault: Fault
    private let call: Int
    private let state = Mutex(State())

    /// A store over another one whose `call`-th call (from 1) fails; with 0 none does, and calls are counted.
    public init(_ base: any Store, failing call: Int = 0, with fault: Fault = .refused) {
        self.base = base
        self.call = call
        self.fault = fault
    }

    /// The calls so far.
    public var calls: Int { state.withLock(\.calls) }

    /// The record of a key, or the fault.
    public func record(for key: Key) async throws(StoreError) -> Record? {
        try await run { () throws(StoreError) in try await base.record(for: key) }
    }

    /// Entries of a range, or the fault.
    public func records(in range: KeyRange, limit: Int) async throws(StoreError) -> [Entry] {
        try await run { () throws(StoreError) in try await base.records(in: range, limit: limit) }
    }

    /// Commits, or fails as it should.
    public func commit(_ changes: Changes) async throws(StoreError) {
        try await run(changes) { () throws(StoreError) in try await base.commit(changes) }
    }

    private func run<Value>(
        _ changes: Changes? = nil, _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        let (isHit, isDead) = state.withLock { state in
            state.calls += 1
            let isHit = state.calls == call
            defer { if isHit, fault == .crash || fault == .crashAfter { state.isDead = true } }
            return (isHit, state.isDead)
        }
        guard !isDead else { throw .unavailable("the process was stopped by the test") }
        guard isHit else {
            let arriving = late.withLock { late in
                defer { late = nil }
                return late
            }
            let result: Result<Value, StoreError>
            do throws(StoreError) {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            // Nobody waits for its reply any more.
            if let arriving { try? await base.commit(arriving) }
            return try result.get()
        }
        switch fault {
        case .refused, .crash: throw .unavailable("the test refused this call")
        case .requestLost: throw .outcomeUnknown
        case .delayed:
            late.withLock { $0 = changes }
            throw .outcomeUnknown
        case .replyLost, .crashAfter:
            _ = try await body()
            throw .outcomeUnknown
        }
    }
}
