// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

public import ReeveCrypto
public import ReeveModel
public import ReeveVault
import Synchronization

/// A main key for tests of what happens when its service refuses, is slow or away, or gives back something else.
///
/// It wraps for real while it works. All calls may be made concurrently.
public final class MainKeyDouble: MainKeyProvider {
    /// How it answers.
    public enum Mode: Hashable, Sendable, CaseIterable {
        /// As it should.
        case works
        /// The service says no.
        case denies
        /// The service cannot be reached.
        case unavailable
        /// What it unwraps is 63 bytes long.
        case wrongLength
        /// What it unwraps is 64 other bytes, as of another key or another tenant's.
        case anotherKey
        /// What it wraps cannot be unwrapped.
        case garbage
    }

    private struct State {
        var mode = Mode.works
        var wraps = 0
        var unwraps = 0
        /// How many calls are answered yet; `nil` for all.
        var allowance: Int?
        var latency = Duration.zero
        /// Who waits while calls are held.
        var held: [CheckedContinuation<Void, Never>]?
    }
    private let state = Mutex(State())
    private let base: LocalMainKey
    private let time: any TimeSource

    /// A new key. `time` is by what its latency is slept.
    public init(time: any TimeSource = SystemTime()) throws(CryptoError) {
        base = try .ephemeral()
        self.time = time
    }

    /// Names the key.
    public var reference: String { base.reference }
    /// How often it was asked to wrap.
    public var wraps: Int { state.withLock(\.wraps) }
    /// How often it was asked to unwrap.
    public var unwraps: Int { state.withLock(\.unwraps) }

    /// From now on it answers so. A call that was made before is answered as of then.
    public func set(_ mode: Mode) { state.withLock { $0.mode = mode } }
    /// From now on each call takes so long.
    public func set(latency: Duration) { state.withLock { $0.latency = latency } }
    /// Answers so many calls yet, and is unavailable then, like a service with a rate limit; `nil` for no limit.
    public func allow(_ calls: Int?) { state.withLock { $0.allowance = calls } }

    /// Lets unwrapping wait until ``release()``; wrapping goes on.
    public func hold() { state.withLock { $0.held = $0.held ?? [] } }
    /// How many calls wait.
    public var held: Int { state.withLock { $0.held?.count ?? 0 } }
    /// Answers the calls that wait, and lets none wait any more.
    public func release() {
        let waiting = state.withLock { state in
            defer { state.held = nil }
            return state.held ?? []
        }
        waiting.forEach { $0.resume() }
    }

    /// Wraps, or does what its mode says.
    public func wrap(_ key: borrowing SecretBytes, context: MainKeyContext) async throws(MainKeyError) -> [UInt8] {
        let (mode, latency) = count(\.wraps)
        try await answer(mode, latency)
        if mode == .garbage { return Array(repeating: 7, count: 92) }
        return try await base.wrap(key, context: context)
    }

    /// Unwraps, or does what its mode says.
    public func unwrap(_ wrapped: [UInt8], context: MainKeyContext) async throws(MainKeyError) -> SecretBytes {
        let (mode, latency) = count(\.unwraps)
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                state.held?.append(continuation)
                return state.held == nil
            }
            if isFree { continuation.resume() }
        }
        try await answer(mode, latency)
        guard mode == .wrongLength || mode == .anotherKey else {
            return try await base.unwrap(wrapped, context: context)
        }
        do {
            return try SecretBytes.random(count: mode == .wrongLength ? 63 : 64)
        } catch {
            throw .unavailable
        }
    }

    /// Counts a call, and decides how it is answered.
    private func count(_ counter: any WritableKeyPath<State, Int> & Sendable) -> (Mode, Duration) {
        state.withLock { state in
            state[keyPath: counter] += 1
            guard let allowance = state.allowance else { return (state.mode, state.latency) }
            state.allowance = max(0, allowance - 1)
            return (allowance > 0 ? state.mode : .unavailable, state.latency)
        }
    }

    private func answer(_ mode: Mode, _ latency: Duration) async throws(MainKeyError) {
        if latency > .zero {
            do {
                try await time.sleep(until: time.uptime + latency)
            } catch {
                throw .unavailable
            }
        }
        switch mode {
        case .denies: throw .denied
        case .unavailable: throw .unavailable
        default: break
        }
    }
}
