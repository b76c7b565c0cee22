// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

import ReeveCrypto
import ReeveModel
import Synchronization

/// How the vault asks main keys: with a limit of time and of calls at once for each key, so that a slow or failing one holds
/// up nobody else, and with a memory of refusals.
///
/// A refusal is remembered for five seconds for its environment. A key that failed five times in a row is not asked for as
/// long; then one call tries.
final class MainKeyGate: Sendable {
    struct Limits: Sendable {
        var timeout: Duration
        var callsAtOnce: Int
        static let memory = Duration.seconds(5)
        static let failuresInARow = 5
    }

    private struct Lane {
        var running = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var failures = 0
        /// Until when the key is not asked.
        var closedUntil: Duration?
        var isTrying = false
    }
    private struct Denial: Hashable {
        let reference: String
        let context: MainKeyContext
    }
    private struct State {
        var lanes: [String: Lane] = [:]
        var denials: [Denial: Duration] = [:]
    }
    private let state = Mutex(State())
    private let time: any TimeSource
    private let limits: Limits

    init(time: any TimeSource, limits: Limits) {
        self.time = time
        self.limits = limits
    }

    func unwrap(
        _ wrapped: [UInt8], _ key: any MainKeyProvider, _ context: MainKeyContext
    ) async throws(MainKeyError) -> SecretBytes {
        // A key in this process neither hangs nor refuses.
        if let key = key as? LocalMainKey { return try await key.unwrap(wrapped, context: context) }
        return try await call(key.reference, context) { () throws(MainKeyError) in
            SecretBox(try await key.unwrap(wrapped, context: context))
        }.take()
    }

    func wrap(
        _ bundle: consuming SecretBytes, _ key: any MainKeyProvider, _ context: MainKeyContext
    ) async throws(MainKeyError) -> [UInt8] {
        if let key = key as? LocalMainKey { return try await key.wrap(bundle, context: context) }
        let box = SecretBox(bundle)
        return try await call(key.reference, context) { () throws(MainKeyError) in
            try await box.wrap(with: key, context)
        }
    }

    private func call<R: Sendable>(
        _ reference: String, _ context: MainKeyContext,
        _ body: @escaping @Sendable () async throws(MainKeyError) -> R
    ) async throws(MainKeyError) -> R {
        let denial = Denial(reference: reference, context: context)
        let start = time.uptime
        let mayTry = try pass(denial)
        await enter(reference)
        do throws(MainKeyError) {
            // Who has waited for its turn as long as a call may take does not begin one, nor who was waiting when the key
            // refused or failed.
            guard time.uptime < start + limits.timeout else { throw MainKeyError.unavailable }
            if !mayTry { _ = try pass(denial) }
        } catch {
            leave(reference, denial, nil)
            throw error
        }
        // What comes after the time is wiped.
        let result = await Race(time: time, deadline: time.uptime + limits.timeout).run(body) ?? .failure(.unavailable)
        leave(reference, denial, result.map { _ in () })
        return try result.get()
    }

    /// Throws while a refusal is remembered, or a key that failed is left alone; `true` for the one call that tries it again.
    private func pass(_ denial: Denial) throws(MainKeyError) -> Bool {
        let now = time.uptime
        return try state.withLock { (state) throws(MainKeyError) in
            if let until = state.denials[denial] {
                if now < until { throw .denied }
                state.denials[denial] = nil
            }
            guard let until = state.lanes[denial.reference]?.closedUntil else { return false }
            guard now >= until, state.lanes[denial.reference]?.isTrying == false else { throw .unavailable }
            state.lanes[denial.reference]?.isTrying = true
            return true
        }
    }

    private func enter(_ reference: String) async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                var lane = state.lanes[reference] ?? Lane()
                defer { state.lanes[reference] = lane }
                guard lane.running >= limits.callsAtOnce else {
                    lane.running += 1
                    return true
                }
                lane.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    private func leave(_ reference: String, _ denial: Denial, _ result: Result<Void, MainKeyError>?) {
        let now = time.uptime
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            var lane = state.lanes[reference] ?? Lane()
            defer { state.lanes[reference] = lane }
            lane.isTrying = false
            switch result {
            case nil: break
            case .success, .failure(.notWrappedByThis):
                lane.failures = 0
                lane.closedUntil = nil
            case .failure(.denied):
                // It answers: it is not failing.
                lane.failures = 0
                lane.closedUntil = nil
                if state.denials.count >= 10_000 { state.denials = state.denials.filter { now < $0.value } }
                state.denials[denial] = now + Limits.memory
            case .failure(.unavailable):
                lane.failures += 1
                if lane.failures >= Limits.failuresInARow { lane.closedUntil = now + Limits.memory }
            }
            guard !lane.waiting.isEmpty else {
                lane.running -= 1
                return nil
            }
            return lane.waiting.removeFirst()
        }
        next?.resume()
    }
}

/// A value that several tasks share.
final class Shared<Value: Sendable>: Sendable {
    let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
}

/// Carries a secret through code that copies its values.
final class SecretBox: Sendable {
    private let secret: Mutex<SecretBytes?>

    init(_ secret: consuming SecretBytes) { self.secret = Mutex(secret) }

    /// The secret, once.
    func take() throws(MainKeyError) -> SecretBytes {
        guard let secret = secret.withLock({ $0.take() }) else { throw .unavailable }
        return secret
    }

    fileprivate func wrap(with key: any MainKeyProvider, _ context: MainKeyContext) async throws(MainKeyError)
        -> [UInt8]
    {
        try await key.wrap(take(), context: context)
    }
}
